//! Option documents. Each is refused with a place, or makes a launch within the system's bounds; what is secret in it stands
//! in no error, warning, log form or argument.

use std::ffi::OsString;
use std::sync::LazyLock;

use claude_client::error::Error;
use claude_client::options::{Features, Launch, Platform, parse, table};
use serde_json::Value;

use super::source::{Source, Words};

/// Stands for a secret.
const CANARY: &str = "c4n4ry0fAMine";

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| table::rows().map(|row| row.name).collect());

const WORDS: Words = Words {
    names: &[
        "type",
        "command",
        "args",
        "url",
        "name",
        "path",
        "preset",
        "append",
        "enabled",
        "description",
        "prompt",
        "tools",
        "model",
        "allow",
        "deny",
        "ask",
        "permissions",
        "network",
        "schema",
        "matcher",
        "maxTurns",
        "effort",
        "strict",
        "sdk",
        "behavior",
        "budget_tokens",
        "exclude_dynamic_sections",
        "file",
        "max_bytes",
        "redact",
    ],
    texts: &[
        "Bash",
        "Bash(rm *)",
        "mcp__a__b",
        "Read",
        "default",
        "plan",
        "bypassPermissions",
        "user",
        "project",
        "stdio",
        "http",
        "sse",
        "sdk",
        "preset",
        "claude_code",
        "adaptive",
        "enabled",
        "local",
        "/x",
        "x",
        "opus",
        "sonnet",
        "low",
        "",
        "--x",
        "-p",
        "inherit",
        "only",
        "deny",
        "error",
        "file",
        "initialize",
        "argv",
        "json_schema",
    ],
};

pub fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    let (text, secret) = if how & 1 == 0 {
        let Ok(text) = std::str::from_utf8(rest) else { return };
        (text.to_owned(), false)
    } else {
        // An input that writes the secret itself puts it where none belongs.
        let is_quoted = rest.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes());
        (document(&mut Source(rest)), !is_quoted)
    };
    let platform = if how & 2 == 0 { Platform::Unix } else { Platform::Windows };
    let features = Features {
        permission_handler: how & 4 != 0,
        host_transport: how & 8 != 0,
        no_early_initialize: how & 16 != 0,
        sdk_mcp_servers: if how & 32 != 0 { vec![("me".into(), Value::Null)] } else { Vec::new() },
        ..Features::default()
    };
    let environment =
        [("PATH", "/usr/bin"), ("HOME", "/home/user")].map(|(n, v)| (OsString::from(n), OsString::from(v)));
    let options = match parse(&text) {
        Ok(options) => options,
        Err(error) => return check_error(&error, secret, &text),
    };
    assert!(!secret || !format!("{options:?}").contains(CANARY));
    // It would be read from the disk.
    if options.get("sandbox").is_some() && options.get("settings").is_some_and(Value::is_string) {
        return;
    }
    match options.launch_on(platform, &features, &environment) {
        Ok(launch) => check_launch(&launch, platform, secret, &text),
        Err(error) => check_error(&error, secret, &text),
    }
}

/// A document of options with values for them, secrets where secrets belong.
fn document(source: &mut Source) -> String {
    let mut text = "{".to_owned();
    for at in 0..=source.byte() % 6 {
        if at > 0 {
            text.push(',');
        }
        let name = source.pick(&NAMES);
        text.push_str(&format!("\"{name}\":"));
        match name {
            "env" => secrets(source, &mut text),
            "mcp_servers" if source.byte() < 200 => {
                text.push_str(source.pick(&[
                    r#"{"a":{"type":"stdio","command":"x","env":"#,
                    r#"{"a":{"type":"http","url":"http://x","headers":"#,
                    r#"{"a":{"type":"sse","url":"http://x","headers":"#,
                    r#"{"a":{"command":"x","env":"#,
                ]));
                secrets(source, &mut text);
                text.push_str("}}");
            }
            _ => source.value(&WORDS, 5, &mut text),
        }
    }
    text.push('}');
    text
}

/// The values of variables or headers.
fn secrets(source: &mut Source, out: &mut String) {
    out.push_str(&match source.byte() % 10 {
        0 => format!("\"{CANARY}\""),
        1 => format!("[\"{CANARY}\"]"),
        2 => format!("{{\"A\":[\"{CANARY}\"]}}"),
        3 => format!("{{\"A\":{{\"b\":\"{CANARY}\"}}}}"),
        4 => format!("{{\"A\":\"{CANARY}\\u0000\"}}"),
        5 => format!("{{\"A\":\"{CANARY}\",\"A\":\"{CANARY}\"}}"),
        6 => format!("{{\"A=B\":\"{CANARY}\",\"\":\"{CANARY}\"}}"),
        7 => format!("{{\"CLAUDECODE\":\"{CANARY}\",\"PATH\":\"{CANARY}\"}}"),
        8 => format!("{{\"MAX_MCP_OUTPUT_TOKENS\":\"{CANARY}\",\"API_TIMEOUT_MS\":\"{CANARY}\",\"CLAUDE_CODE_STREAM_CLOSE_TIMEOUT\":\"{CANARY}\"}}"),
        _ => format!("{{\"ANTHROPIC_API_KEY\":\"{CANARY}\",\"Authorization\":\"{CANARY}\\nx\"}}"),
    });
}

fn check_error(error: &Error, secret: bool, text: &str) {
    let document = error.to_json();
    let place = error.detail("pointer").and_then(Value::as_str);
    assert!(place.is_some(), "no place: {document}");
    assert!(error.detail("remedy").is_some(), "no remedy: {document}");
    assert!(document.len() < 16 << 10, "as long as what it is about");
    assert!(!secret || !document.contains(CANARY), "{document} for {text}");
}

fn check_launch(launch: &Launch, platform: Platform, secret: bool, text: &str) {
    let mut sum = 0;
    for argument in &launch.args {
        let argument = argument.to_str().expect("made of text");
        assert!(!argument.contains('\0'), "{text}");
        assert!(argument.len() <= platform.one_argument());
        assert!(!secret || !argument.contains(CANARY), "{argument} for {text}");
        sum += argument.len() + 1;
    }
    assert!(sum <= platform.all_arguments(), "{sum} bytes of arguments");
    for (name, value) in &launch.env {
        let (name, value) = (name.to_str().expect("text"), value.to_str().expect("text"));
        assert!(!name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'), "{name}={value}");
    }
    if secret {
        assert!(!format!("{launch:?}").contains(CANARY), "{text}");
        assert!(!launch.warnings.iter().any(|warning| warning.contains(CANARY)), "{text}");
    }
    assert!(serde_json::to_string(&launch.initialize).is_ok_and(|line| !line.contains('\n')));
}
