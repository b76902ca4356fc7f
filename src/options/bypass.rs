//! Skipping permissions, which the CLI refuses to root: it exits before it is ready.

use std::ffi::{OsStr, OsString};

use serde_json::Value;

use super::checked::Options;
use super::document::child;

const MODE: &str = "bypassPermissions";
const FLAGS: &[&str] = &["dangerously-skip-permissions", "allow-dangerously-skip-permissions"];

/// What the CLI prints on stderr as it exits.
const REFUSAL: &str = "cannot be used with root/sudo privileges";

pub const REMEDY: &str = "run the CLI as another user (option user), choose another permission mode, or set the variable \
                          IS_SANDBOX to 1 by the option env where the machine is a sandbox that may be lost";

/// Whether a CLI that has exited gave this as the reason.
pub fn is_refusal(stderr: &str) -> bool {
    stderr.contains(REFUSAL)
}

/// The option that skips permissions, as a JSON pointer.
pub fn pointer(options: &Options) -> Option<String> {
    let is_mode = |value: Option<&Value>| value.and_then(Value::as_str) == Some(MODE);
    if options.is_true("allow_dangerously_skip_permissions") {
        return Some(child("", "allow_dangerously_skip_permissions"));
    }
    let extra = options.get("extra_args").and_then(Value::as_object);
    let flag = |name: &str| extra.and_then(|flags| flags.get(name));
    if let Some(name) = FLAGS.iter().find(|name| flag(name).is_some()) {
        return Some(child("/extra_args", name));
    }
    if let Some(mode) = options.get("permission_mode") {
        return is_mode(Some(mode)).then(|| child("", "permission_mode"));
    }
    if let Some(mode) = flag("permission-mode") {
        return is_mode(Some(mode)).then(|| child("/extra_args", "permission-mode"));
    }
    let defaults = |settings: &Value| match settings {
        Value::String(text) => {
            let settings: Value = serde_json::from_str(text).unwrap_or_default();
            is_mode(settings.pointer("/permissions/defaultMode"))
        }
        settings => is_mode(settings.pointer("/permissions/defaultMode")),
    };
    if options.get("settings").is_some_and(defaults) {
        return Some("/settings/permissions/defaultMode".to_owned());
    }
    flag("settings").is_some_and(defaults).then(|| child("/extra_args", "settings"))
}

/// Whether the CLI allows root anyway: it decides by the environment.
pub fn is_let_through(environment: &[(OsString, OsString)]) -> bool {
    let value =
        |name: &str| environment.iter().rev().find(|(known, _)| known == name).map(|(_, value)| &**value);
    let truthy = |text: &OsStr| {
        text.to_str().is_some_and(|text| matches!(&*text.trim().to_lowercase(), "1" | "true" | "yes" | "on"))
    };
    value("IS_SANDBOX") == Some(OsStr::new("1")) || value("CLAUDE_CODE_BUBBLEWRAP").is_some_and(truthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_skip_permissions_is_found() {
        for (options, expected) in [
            (r#"{"permission_mode":"bypassPermissions"}"#, "/permission_mode"),
            (r#"{"allow_dangerously_skip_permissions":true}"#, "/allow_dangerously_skip_permissions"),
            (
                r#"{"extra_args":{"dangerously-skip-permissions":null}}"#,
                "/extra_args/dangerously-skip-permissions",
            ),
            (r#"{"extra_args":{"permission-mode":"bypassPermissions"}}"#, "/extra_args/permission-mode"),
            (
                r#"{"settings":{"permissions":{"defaultMode":"bypassPermissions"}}}"#,
                "/settings/permissions/defaultMode",
            ),
            (
                r#"{"settings":"{\"permissions\":{\"defaultMode\":\"bypassPermissions\"}}"}"#,
                "/settings/permissions/defaultMode",
            ),
        ] {
            assert_eq!(
                pointer(&crate::options::parse(options).unwrap()).as_deref(),
                Some(expected),
                "{options}"
            );
        }
        for options in [
            "{}",
            r#"{"permission_mode":"plan"}"#,
            r#"{"allow_dangerously_skip_permissions":false}"#,
            r#"{"permission_mode":"plan","settings":{"permissions":{"defaultMode":"bypassPermissions"}}}"#,
        ] {
            assert_eq!(pointer(&crate::options::parse(options).unwrap()), None, "{options}");
        }
    }
}
