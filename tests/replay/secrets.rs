//! No secret of options and environment stands in a record: every origin in every form, over a child process, a transport
//! of the host's, and with the real CLI.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::transport::client::Client;
use crate::support::transport::memory::{Memory, assistant, line, result};
use crate::support::transport::vtable::install;
use crate::support::transport::ways::Cli;
use crate::support::{again, passes};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// The number of an origin is in its secret, so that a leak says where it comes from.
fn canary(origin: &str) -> String {
    format!("canary-{origin}-Zx9")
}

/// Secrets that need escapes, and a key of many lines.
fn awkward() -> String {
    "canary \"quoted\" \\ /?&=% ünd".into()
}

fn key_lines() -> [String; 2] {
    ["canaryMIIEvQIBADANBgkqhkiG9w0B".into(), "canaryAQEFAASCBKcwggSjAgEAAoIB".into()]
}

fn pem() -> String {
    let [one, two] = key_lines();
    format!("-----BEGIN PRIVATE KEY-----\n{one}\n{two}\n-----END PRIVATE KEY-----")
}

const NUMBER: &str = "4815162342";

/// Variables of the host, by name.
const HOST_VARIABLES: &[&str] = &[
    "DB_PASS",
    "MYSQL_PWD",
    "HTTP_AUTH",
    "GITHUB_PAT",
    "SESSION_JWT",
    "SENTRY_DSN",
    "AWS_CREDS",
    "STORAGE_CONNECTION_STRING",
    "SLACK_WEBHOOK",
    "openaiKey",
];

/// Where options can hold a secret; `§` stands for it.
const ORIGINS: &[(&str, &str)] = &[
    ("env", r#"{"env": {"NOT_TELLING": "§"}}"#),
    ("envoflist", r#"{"mcp_servers": {"a": {"command": "x", "env": {"ANY": "§"}}}}"#),
    ("envcase", r#"{"extra_initialize": {"later": {"Env": {"ANY": "§"}}}}"#),
    (
        "header",
        r#"{"mcp_servers": {"c": {"type": "http", "url": "http://127.0.0.1:1/", "headers": {"X-A": "Bearer §"}}}}"#,
    ),
    ("headercase", r#"{"extra_initialize": {"sooner": {"Headers": {"X-B": "§"}}}}"#),
    ("flagword", r#"{"mcp_servers": {"e": {"command": "x", "args": ["--access-token", "§"]}}}"#),
    ("flagequals", r#"{"mcp_servers": {"f": {"command": "x", "args": ["--api-key=§"]}}}"#),
    (
        "flagenv",
        r#"{"mcp_servers": {"g": {"command": "x", "args": ["run", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN=§"]}}}"#,
    ),
    (
        "flagenvplain",
        r#"{"mcp_servers": {"h": {"command": "x", "args": ["run", "--env=ANY=§", "-e", "B=other1"]}}}"#,
    ),
    ("flagheader", r#"{"mcp_servers": {"i": {"command": "x", "args": ["--header", "X-Team: §"]}}}"#),
    ("querytoken", r#"{"mcp_servers": {"j": {"type": "http", "url": "http://127.0.0.1:1/?a=b&token=§"}}}"#),
    ("querykey", r#"{"mcp_servers": {"k": {"type": "http", "url": "http://127.0.0.1:1/?exaApiKey=§&x=y"}}}"#),
    ("querysig", r#"{"mcp_servers": {"l": {"type": "http", "url": "http://127.0.0.1:1/?sig=§"}}}"#),
    ("fragment", r#"{"mcp_servers": {"m": {"type": "http", "url": "http://127.0.0.1:1/#access_token=§"}}}"#),
    ("userinfo", r#"{"mcp_servers": {"n": {"type": "http", "url": "http://§@127.0.0.1:1/"}}}"#),
    ("urlpassword", r#"{"mcp_servers": {"o": {"type": "http", "url": "http://me:§@127.0.0.1:1/"}}}"#),
    ("settingsname", r#"{"settings": "{\"dbPassword\": \"two words §\"}"}"#),
    ("helper", r#"{"settings": "{\"otherKeyHelper\": \"echo §\"}"}"#),
    ("otelhelper", r#"{"settings": "{\"otelHeadersHelper\": \"echo §\"}"}"#),
    (
        "headershelper",
        r#"{"mcp_servers": {"p": {"type": "http", "url": "http://127.0.0.1:1/", "headersHelper": "echo §"}}}"#,
    ),
    ("document", r#"{"env": {"SERVICE": "{\"type\": \"service\", \"inner\": {\"value\": \"§\"}}"}}"#),
    ("list", r#"{"settings": "{\"tokens\": [\"§\"]}"}"#),
    ("connection", r#"{"env": {"STORE_LEVEL": "Endpoint=x;SharedAccessKey=§;Other=y"}}"#),
    ("otelheaders", r#"{"env": {"OTEL_EXPORTER_OTLP_HEADERS": "a=§,b=c"}}"#),
];

/// A launcher that drops its words up to `--`.
fn launcher(folder: &Path) -> Value {
    let program = folder.join("sshpass");
    fs::write(&program, "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n")
        .expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be run");
    json!([
        program,
        "-p",
        canary("sshpass"),
        "sudo",
        "docker",
        "exec",
        "-e",
        format!("ANTHROPIC_AUTH_TOKEN={}", canary("launcher")),
        "box",
        "--"
    ])
}

fn merge(into: &mut Value, more: &Value) {
    match (into.as_object_mut(), more.as_object()) {
        (Some(members), Some(more)) => {
            more.iter().for_each(|(name, value)| merge(members.entry(name).or_insert(Value::Null), value));
        }
        // Two settings, each the text of a document.
        _ => {
            match (into.as_str().map(serde_json::from_str::<Value>), more.as_str().map(serde_json::from_str))
            {
                (Some(Ok(mut one)), Some(Ok(two))) if one.is_object() => {
                    merge(&mut one, &two);
                    *into = one.to_string().into();
                }
                _ => *into = more.clone(),
            }
        }
    }
}

fn secret_options(folder: &Path) -> Value {
    let mut all = json!({"env_mode": "overlay", "launcher": launcher(folder)});
    for (origin, shape) in ORIGINS {
        let document: Value = serde_json::from_str(&shape.replace('§', &canary(origin))).expect(shape);
        merge(&mut all, &document);
    }
    merge(&mut all, &json!({"env": {"AWKWARD": awkward(), "SIGNING": pem(), "PIN": NUMBER}}));
    all
}

fn secrets() -> Vec<String> {
    let mut all: Vec<String> = ORIGINS.iter().map(|(origin, _)| canary(origin)).collect();
    all.extend(["sshpass", "launcher"].map(canary));
    all.extend(HOST_VARIABLES.iter().map(|name| canary(name)));
    all.extend(key_lines());
    all.extend([awkward(), pem(), NUMBER.into()]);
    all
}

fn forms(secret: &str) -> Vec<String> {
    let quoted = json!(secret).to_string();
    let percent = secret.bytes().map(|byte| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    let percent = percent.collect();
    let mut all = vec![secret.to_owned(), json!({"in": quoted}).to_string(), quoted, percent];
    if secret.len() >= 12 {
        let before = ["", "u:", "me:", "you:"].map(|user| format!("{user}{secret}"));
        all.extend(before.iter().map(|text| STANDARD.encode(text)));
        all.extend(before.iter().map(|text| URL_SAFE_NO_PAD.encode(text)));
    }
    all
}

/// Credentials that nobody has told the library of.
fn known_shapes() -> Vec<String> {
    let tail = "1canary2CANARY3canary4CANARY5canary6";
    let starts = ["sk-ant-api03-", "sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AIza"];
    let mut all: Vec<String> = starts.iter().map(|start| format!("{start}{tail}")).collect();
    all.push("AKIA1CANARY2CANARY34".into());
    all.push(format!("eyJhbGciOi{tail}.eyJzdWIi{tail}.{tail}"));
    all.push(format!("-----BEGIN EC PRIVATE KEY-----\n{tail}\n-----END EC PRIVATE KEY-----"));
    all
}

fn prompt() -> String {
    let told = secrets().iter().flat_map(|secret| forms(secret)).collect::<Vec<_>>().join(" | ");
    format!("{told} | {}", known_shapes().join(" | "))
}

/// Lines of a CLI that hold secrets in other ways than as texts.
fn odd_lines() -> Vec<Value> {
    let number: Value = serde_json::from_str(NUMBER).unwrap();
    let mut deep = json!({"env": {"X": "canary-deep-unknown"}});
    for _ in 0..100 {
        deep = json!([deep]);
    }
    vec![
        json!({"type": "system", "subtype": "one", "number": number}),
        json!({"type": "system", "subtype": "two", "Env": {"X": "canary-unknown"}, "HEADERS": {"Y": "canary-unknown"}}),
        json!({"type": "system", "subtype": "deep", "deep": deep}),
    ]
}

fn check(record: &Path, plays: usize) {
    let text = fs::read_to_string(record).expect("the record");
    for secret in secrets().iter().flat_map(|secret| forms(secret)) {
        let inside = json!(secret).to_string();
        let inside = &inside[1..inside.len() - 1];
        assert!(!text.contains(inside), "{secret} is in the record");
    }
    let leaked = text.lines().find(|line| line.to_lowercase().contains("canary"));
    assert!(leaked.is_none(), "a secret is in the record: {leaked:#?}");
    assert_eq!(text.matches(r#""subtype":"deep""#).count(), plays, "{text}");
}

/// Runs a test of this file in a process with secrets in its environment.
fn with_host_secrets(test: &str) -> bool {
    if std::env::var_os(HOST_VARIABLES[0]).is_some() {
        return false;
    }
    let mut command = again(module_path!(), test);
    command.envs(HOST_VARIABLES.iter().map(|name| (name, canary(name))));
    // A host's word that is not secret although its variable is called so.
    command.env("KEYMAP_KEY", "default");
    passes(&mut command);
    true
}

#[test]
fn nothing_secret_is_recorded_over_a_child_process() {
    if with_host_secrets("nothing_secret_is_recorded_over_a_child_process") {
        return;
    }
    let fake = FakeClaude::new(json!({}));
    let mut turn = vec![
        json!("init"),
        json!({"text": "{{prompt}} default"}),
        json!({"stderr": format!("{}\n", secrets().join("\n"))}),
    ];
    turn.extend(odd_lines().iter().map(|frame| json!({"write": format!("{frame}\n")})));
    turn.push(json!("result"));
    fake.set_script(&json!({"on_user": turn}));
    let path = fake.sandbox().root().join("record.ndjson");
    let mut options = secret_options(fake.sandbox().root());
    merge(
        &mut options,
        &json!({"cli_path": fake.path(), "cwd": fake.sandbox().work(), "env": fake.env_json(), "record": path}),
    );
    let client = Client::new(&options);
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn(&prompt());
    assert!(
        fake.log().prompts()[0].to_string().contains(&canary("launcher")),
        "the secrets did go over the wire"
    );
    client.disconnect().expect("closed");
    client.closed();
    check(&path, 1);
    let text = fs::read_to_string(&path).expect("the record");
    assert!(text.contains(" default\""), "an ordinary word is no secret");
}

#[test]
fn nothing_secret_is_recorded_over_a_transport_of_the_host() {
    if with_host_secrets("nothing_secret_is_recorded_over_a_transport_of_the_host") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.ndjson");
    let mut options = secret_options(folder.path());
    options["record"] = json!(path);
    let client = Client::new(&options);
    install(
        &client,
        Memory::with(|sink, prompt| {
            let text = prompt["message"]["content"].as_str().expect("a prompt");
            let mut frames = odd_lines();
            frames.extend([assistant(text), result()]);
            let lines: Vec<u8> = frames.iter().flat_map(line).collect();
            i32::from(sink.push(&lines).is_err())
        }),
    );
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn(&prompt());
    client.disconnect().expect("closed");
    client.closed();
    check(&path, 1);
}

#[test]
fn nothing_secret_is_recorded_with_the_real_cli() {
    let test = "nothing_secret_is_recorded_with_the_real_cli";
    let Some(cli) = Cli::real(test) else { return };
    if with_host_secrets(test) {
        return;
    }
    let path: PathBuf = cli.sandbox().root().join("record.ndjson");
    let mut options = secret_options(cli.sandbox().root());
    merge(
        &mut options,
        &json!({"cli_path": cli.program(), "cwd": cli.sandbox().work(), "env": cli.sandbox().env_json(), "record": path}),
    );
    let client = Client::new(&options);
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn(&prompt());
    client.control(&json!({"subtype": "mcp_status"})).expect("it is answered");
    client.disconnect().expect("closed");
    client.closed();
    check(&path, 0);
}

/// Depth costs no stack: the host would die of it.
#[test]
fn a_line_of_any_depth_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.ndjson");
    let client = Client::new(&json!({"record": path}));
    install(
        &client,
        Memory::with(|sink, _| {
            let depth = 200_000;
            let deep = format!("{}\"canary\"{}", "[".repeat(depth), "]".repeat(depth));
            let odd = format!("{{\"type\":\"system\",\"subtype\":\"deep\",\"env\":{deep}}}\n");
            i32::from(sink.push(&[odd.into_bytes(), line(&result())].concat()).is_err())
        }),
    );
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn("go");
    client.disconnect().expect("closed");
    client.closed();
    let text = fs::read_to_string(&path).expect("the record");
    assert!(text.contains(r#""subtype":"deep""#) && !text.contains("canary"), "{}", text.len());
}
