//! What the name of a variable, a member or a flag says about its value.

/// What occurs in names whose values are secret, written as [`spelled`] does it: parts, ends of words (`SSHPASS`, `OAUTH`), and
/// whole words where other words end in these letters by chance.
const SECRET: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "AUTHORIZATION",
    "COOKIE",
    "APIKEY",
    "CONNECTIONSTRING",
    "CONNECTION_STRING",
    "WEBHOOK",
    "KEY_",
    "KEYS_",
    "PASS_",
    "PWD_",
    "AUTH_",
    "JWT_",
    "DSN_",
    "CREDS_",
    "_PAT_",
    "_PW_",
];

/// Names that would count as secret, but hold paths.
const PLACES: &[&str] =
    &["PWD", "OLDPWD", "SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "SUDO_ASKPASS", "XAUTHORITY"];

/// Variables whose values anyone may read.
const PLAIN: &[&str] = &[
    "HOME", "PATH", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "TERM", "TZ", "USER", "LOGNAME", "SHELL",
    "EDITOR", "HOSTNAME",
];
const PLAIN_STARTS: &[&str] = &["LC_", "XDG_", "CLAUDE_CODE_", "CLAUDE_AGENT_"];
const PLAIN_ENDS: &[&str] = &[
    "_MODEL", "_DIR", "_PATH", "_HOME", "_FILE", "_REGION", "_MS", "_TIMEOUT", "_LEVEL", "_ENV", "_HOST",
    "_PORT", "_LENGTH", "_SIZE", "_LIMIT", "_COUNT", "_RETRIES", "_SECONDS",
];

/// Whether a variable or a member of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    if PLACES.contains(&name) {
        return false;
    }
    let name = spelled(name);
    SECRET.iter().any(|part| name.contains(part))
}

/// Whether the name marks this value of a variable, a member or a flag as secret: a number of tokens is not.
pub fn is_secret(name: &str, value: &str) -> bool {
    let is_count =
        name.to_ascii_uppercase().ends_with("TOKENS") && value.bytes().all(|byte| byte.is_ascii_digit());
    is_secret_name(name) && !is_count
}

/// Whether anyone may read a variable that the host has set.
pub fn is_plain_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    PLACES.contains(&name.as_str())
        || PLAIN.contains(&name.as_str())
        || PLAIN_STARTS.iter().any(|start| name.starts_with(start))
        || PLAIN_ENDS.iter().any(|end| name.ends_with(end))
}

/// Turns `dbPassword2` and `DB-PASSWORD` into `_DB_PASSWORD_`.
fn spelled(name: &str) -> String {
    let mut text = String::from("_");
    let mut was_lower = false;
    for byte in name.bytes().filter(|byte| !byte.is_ascii_digit()) {
        if was_lower && byte.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(if byte.is_ascii_alphabetic() { byte.to_ascii_uppercase().into() } else { '_' });
        was_lower = byte.is_ascii_lowercase();
    }
    text.push('_');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_secret() {
        for name in [
            "MY_TOKEN",
            "db_password",
            "dbPassword",
            "exaApiKey",
            "apikey",
            "MYSQL_PWD",
            "DB_PASS",
            "SSHPASS",
            "GITHUB_PAT",
            "HTTP_AUTH",
            "SENTRY_DSN",
            "X_JWT",
            "AWS_CREDS",
            "AZURE_STORAGE_CONNECTION_STRING",
            "SLACK_WEBHOOK_URL",
            "KEY_2",
            "apiKeyHelper",
            "access-token",
            "OPENAI_KEY1",
            "key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PATH",
            "PWD",
            "OLDPWD",
            "KEYMAP",
            "KEYBOARD",
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "SSH_AUTH_SOCK",
            "COMPATIBILITY",
            "PATTERN",
            "SSH_ASKPASS",
            "",
            "-",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn names_tell_what_is_plain() {
        for name in ["HOME", "ANTHROPIC_MODEL", "LC_ALL", "API_TIMEOUT_MS"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in ["NOTION_VALUE", "A"] {
            assert!(!is_plain_name(name), "{name}");
        }
    }
}
