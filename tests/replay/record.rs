//! What the option `record` writes, what it leaves out, and what happens when it cannot write.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::{Host, MODES};
use crate::support::host::{Client, Kind, Status};
use crate::support::{again, eventually, options, passes};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the record can be read");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn record_path(fake: &FakeClaude) -> std::path::PathBuf {
    fake.sandbox().root().join("record.ndjson")
}

fn recording(fake: &FakeClaude, more: Value) -> Client {
    let own = json!({"record": record_path(fake)});
    Client::connected(&options(fake, crate::support::merged(own, more)))
}

fn texts<'a>(rows: &'a [Value], direction: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["dir"] == direction).map(|row| &row["line"]).collect()
}

#[test]
fn both_directions_stand_in_the_file_in_their_order() {
    let fake = FakeClaude::new(json!({"on_user": [
        {"stderr": "a warning\n"}, {"write": "junk \"quoted\"\n"}, {"write_hex": "7bff7d0a"}, "default"]}));
    let client = recording(&fake, json!({}));
    client.turn("hello");
    client.disconnect().expect("closed");
    let rows = rows(&record_path(&fake));
    let header = &rows[0]["line"];
    assert_eq!(header["event"], "header");
    assert_eq!(header["library_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(header["cli_path"], fake.path().to_string_lossy().as_ref());
    assert_eq!(header["options"]["record"], Value::Null, "where the record lies is nobody's business");
    assert!(
        texts(&rows, "meta").iter().any(|meta| meta["cli_version"] == claude_testkit::CLI_VERSION),
        "{rows:#?}"
    );
    assert_eq!(texts(&rows, "stderr"), ["a warning"]);
    let sent: Vec<String> = texts(&rows, "out").iter().map(|line| line.to_string()).collect();
    assert_eq!(sent, fake.log().lines(), "what the CLI read is what stands in the record");
    let received = texts(&rows, "in");
    assert!(received.contains(&&json!("junk \"quoted\"")));
    assert!(rows.iter().any(|row| row["hex"] == "7bff7d"), "a line that is no UTF-8");
    let delivered = client.messages().into_iter().filter(|message| (message.kind as i32) < 100);
    for message in delivered {
        assert!(received.contains(&&message.json()), "{message:?} is not in the record");
    }
    let times: Vec<u64> = rows.iter().map(|row| row["t_us"].as_u64().expect("a time")).collect();
    assert!(times.is_sorted());
    let events: Vec<&Value> = texts(&rows, "meta").iter().map(|meta| &meta["event"]).collect();
    assert_eq!(events, ["header", "connected", "close", "ended"]);
    assert_eq!(rows.last().unwrap()["line"]["exit_code"], 0);
}

#[test]
fn lines_are_in_the_file_while_the_session_goes_on() {
    for fsync in [false, true] {
        let fake = FakeClaude::new(json!({}));
        let client = recording(&fake, json!({"record": {"path": record_path(&fake), "fsync": fsync}}));
        client.turn("hello");
        let has_result = || {
            let text = fs::read_to_string(record_path(&fake)).unwrap_or_default();
            text.contains(r#""subtype":"success","is_error":false"#) || text.contains(r#""type":"result""#)
        };
        assert!(eventually(Duration::from_secs(10), has_result), "fsync {fsync}");
    }
}

#[test]
fn only_the_user_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    for existing in [None, Some(0o644), Some(0o666)] {
        let fake = FakeClaude::new(json!({}));
        if let Some(mode) = existing {
            fs::write(record_path(&fake), "an older record, and a longer one\n".repeat(1000))
                .expect("a file");
            fs::set_permissions(record_path(&fake), fs::Permissions::from_mode(mode)).expect("its mode");
        }
        drop(recording(&fake, json!({})));
        let mode = fs::metadata(record_path(&fake)).expect("the record").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{existing:?}");
        assert_eq!(rows(&record_path(&fake))[0]["line"]["event"], "header");
    }
}

#[test]
fn a_flood_is_recorded_whole_and_a_line_that_is_too_long_is_noted() {
    let fake = FakeClaude::new(
        json!({"on_user": ["init", {"flood": 20000, "bytes": 1000}, {"line_bytes": 3000000}, "result"]}),
    );
    let client = recording(&fake, json!({"max_message_bytes": 1000000}));
    client.turn("go");
    client.disconnect().expect("closed");
    // A disk that is slow now writes the rest behind the end.
    let is_whole = || rows(&record_path(&fake)).iter().any(|row| row["line"]["event"] == "ended");
    assert!(eventually(Duration::from_secs(60), is_whole));
    let rows = rows(&record_path(&fake));
    let numbers: Vec<u64> = texts(&rows, "in").iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(numbers.len(), 20000);
    assert!(numbers.is_sorted());
    let too_long = texts(&rows, "meta").into_iter().find(|meta| meta["event"] == "line_too_long");
    assert_eq!(too_long.expect("a note of the long line")["length"], 3_000_000);
}

/// A record that cannot be written: one warning, and the session is as good as ever.
fn does_not_harm(path: &str, script: Value, warned_at_once: bool) {
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, json!({"record": path})));
    client.turn("hello");
    client.turn("and again");
    client.disconnect().expect("closed");
    let closed = client.closed();
    assert_eq!(closed.status, Status::CLAUDE_OK, "{path}");
    let warnings: Vec<Value> =
        client.of_kind(Kind::CLAUDE_EVENT_WARNING).iter().map(crate::support::host::Message::json).collect();
    let about: Vec<&str> = warnings.iter().filter_map(|warning| warning["text"].as_str()).collect();
    let about: Vec<&&str> = about.iter().filter(|text| text.contains(path)).collect();
    assert_eq!(about.len(), 1, "{path}: {warnings:?}");
    let words = if warned_at_once { "is not recorded" } else { "recording has stopped" };
    assert!(about[0].contains(words), "{about:?}");
    assert_eq!(client.of_kind(Kind::CLAUDE_MESSAGE_RESULT).len(), 2, "{path}");
}

#[test]
fn a_file_that_cannot_be_made_costs_one_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    does_not_harm(&at("missing/record.ndjson"), json!({}), true);
    does_not_harm(&folder.path().to_string_lossy(), json!({}), true);
}

#[test]
fn nothing_but_the_users_own_file_is_written_to() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| at(name).to_string_lossy().into_owned();
    let state = |name: &str| {
        let found = fs::metadata(at(name)).expect("it is there");
        (
            fs::read_to_string(at(name)).expect("its text"),
            found.permissions().mode(),
            found.uid(),
            found.ino(),
        )
    };
    let existing = |name: &str| {
        fs::write(at(name), "precious").expect("a file");
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o666)).expect("its mode");
    };
    // A link to a file, and one to where a file would be made.
    existing("target");
    let before = state("target");
    symlink(at("target"), at("link")).expect("a link");
    does_not_harm(&text("link"), json!({}), true);
    assert_eq!(state("target"), before);
    symlink(at("nowhere"), at("dangling")).expect("a link");
    does_not_harm(&text("dangling"), json!({}), true);
    assert!(!at("nowhere").exists());
    // Another user's file and pipe; only root can give one away.
    existing("foreign");
    assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo runs").success());
    if chown(at("foreign"), Some(65533), None).is_ok() && chown(at("pipe"), Some(65533), None).is_ok() {
        let before = state("foreign");
        does_not_harm(&text("foreign"), json!({}), true);
        assert_eq!(state("foreign"), before);
        let _held = fs::OpenOptions::new().read(true).write(true).open(at("pipe")).expect("open the pipe");
        does_not_harm(&text("pipe"), json!({}), true);
    }
    // Whoever has an older file open, or another name for it, does not see the record.
    existing("own");
    fs::hard_link(at("own"), at("other name")).expect("a link");
    let before = state("other name");
    let fake = FakeClaude::new(json!({}));
    drop(recording(&fake, json!({"record": at("own")})));
    assert_eq!(rows(&at("own"))[0]["line"]["event"], "header");
    assert_eq!(state("other name"), before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_costs_one_warning() {
    does_not_harm("/dev/full", json!({}), false);
}

#[test]
fn a_pipe_that_nobody_reads_costs_one_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    does_not_harm(&pipe.to_string_lossy(), json!({}), true);
    // Somebody holds it open and does not read: it is full after a while.
    let _held = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("open the pipe");
    let flood = json!({"on_user": ["init", {"flood": 200, "bytes": 2000}, "result"]});
    does_not_harm(&pipe.to_string_lossy(), flood, false);
}

// ---- secrets ----

const HOST_SECRET: &str = "REPLAY_TEST_HOST_TOKEN";

/// Runs in a process of its own, because its environment has a secret in it.
#[test]
fn no_secret_is_recorded_in_a_host_with_a_secret_in_its_environment() {
    passes(again(module_path!(), "secrets_of_every_origin").env(HOST_SECRET, "canary-host-env"));
}

fn secret_options() -> Value {
    json!({
        "env_mode": "overlay",
        "mcp_servers": {
            "remote": {"type": "http", "url": "http://user:canary-url-password@127.0.0.1:1/mcp",
                       "headers": {"Authorization": "Bearer canary-mcp-bearer", "X-Team": "canary-mcp-header"}},
            "local": {"command": "server", "args": [], "env": {"LOCAL_KEY": "canary-mcp-env", "PLAIN": "canary!"}},
        },
        "settings": json!({"env": {"SETTINGS_TOKEN": "canary-settings"}}).to_string(),
    })
}

/// A secret that needs escapes in JSON is one as well.
const AWKWARD: &str = "canary \"quoted\" \\ back";

#[test]
fn secrets_of_every_origin() {
    let script = json!({
        "on_user": ["init", {"text": "{{prompt}} {{env.OPTION_API_KEY}} {{env.REPLAY_TEST_HOST_TOKEN}}"},
                    {"stderr": "key {{env.OPTION_API_KEY}}\n"}, "result"],
        "on_control": {"get_settings": [{"respond": {"note": "canary-pointer", "inner": [{"note": "canary-pointer-2"}],
                                                     "env": {"X": "canary-env-member"}, "kept": "kept"}}]}});
    let fake = FakeClaude::new(script);
    let mut all = options(&fake, secret_options());
    all["env"]["OPTION_API_KEY"] = "canary-option-key".into();
    all["env"]["NO_TELLING_NAME"] = "x9canary0random1looking2value".into();
    all["env"]["AWKWARD_PASSWORD"] = AWKWARD.into();
    all["record"] = json!({"path": record_path(&fake),
                           "redact": ["/response/response/note", "/response/response/inner/*/note"]});
    let host = Host::new(&all, MODES[0]);
    host.connect().expect("connected");
    let known = [
        "canary-option-key",
        "x9canary0random1looking2value",
        "canary-url-password",
        "canary-mcp-bearer",
        "canary-mcp-header",
        "canary-mcp-env",
        "canary-settings",
        AWKWARD,
    ];
    let mut prompt = format!("{} {}", known.join(" and "), json!({"nested": AWKWARD}));
    prompt.push_str(
        " sk-ant-api03-canary_literal-1 Authorization: Bearer canary.literal x-api-key: canary-literal-2",
    );
    if let Ok(secret) = std::env::var(HOST_SECRET) {
        prompt.push_str(&format!(" host {secret}"));
    }
    host.query(&prompt).expect("sent");
    host.wait_results(1);
    let settings = host.control(&json!({"subtype": "get_settings"})).expect("an answer");
    assert_eq!(settings["note"], "canary-pointer", "what is recorded does not change what is received");
    host.disconnect().expect("closed");
    host.received();

    // The secrets did go over the wire …
    let log = fake.log();
    assert!(
        known.iter().all(|secret| log.prompts()[0]["message"]["content"].as_str().unwrap().contains(secret))
    );
    assert!(log.lines()[0].contains("canary-mcp-bearer") || log.argv().len() > 1, "{:?}", log.lines()[0]);
    // … and into no line of the record.
    let text = fs::read_to_string(record_path(&fake)).expect("the record");
    let leaked: Vec<&str> = text.lines().filter(|line| line.contains("canary")).collect();
    assert!(leaked.is_empty(), "a secret stands in the record: {leaked:#?}");
    assert!(text.contains(r#""kept":"kept""#), "{text}");

    // The record still plays, and nothing has to be known of the secrets for that.
    let fake = FakeClaude::new(json!({}));
    let mut other = options(&fake, secret_options());
    other["replay"] = record_path_of(&text, fake.sandbox().root());
    let host = Host::new(&other, MODES[0]);
    host.connect().expect("connected");
    host.query(&prompt.replace("canary", "another")).expect("what was taken out fits anything");
    host.wait_results(1);
    assert_eq!(fake.log().starts(), 0, "no CLI is started");
}

fn record_path_of(text: &str, folder: &Path) -> Value {
    let path = folder.join("copy.ndjson");
    fs::write(&path, text).expect("copy the record");
    json!({"path": path})
}
