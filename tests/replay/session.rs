//! The shipped record of a whole session: made with the real CLI, played back without one.
#![cfg(unix)]

use std::fs;

use crate::common::{Host, MODES, Received, converse, session_record};
use crate::support::host::{Kind, Status};
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::sandbox::DUMMY_KEY;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// The options of the recorded host, but for those that say where it talks to.
fn options(more: Value) -> Value {
    crate::support::merged(
        json!({"system_prompt": "You are part of a recorded session.", "include_partial_messages": true}),
        more,
    )
}

fn replayed(more: Value) -> Value {
    options(json!({"replay": crate::support::merged(json!({"path": session_record()}), more)}))
}

/// The lines of a record, as documents.
fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of a record is JSON")).collect()
}

/// What the record lets the application see, as it stands in the file.
fn recorded_messages(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| {
        let (_, message) = line.split_once(r#""dir":"in","line":"#)?;
        message.strip_suffix('}')
    });
    let hidden = |line: &&str| {
        let frame: Value = serde_json::from_str(line).expect("JSON");
        let kind = frame["type"].as_str().unwrap_or_default();
        kind.starts_with("control_") || kind == "keep_alive" || frame["sdk_host_only"] == true
    };
    lines.filter(|line| !hidden(line)).collect()
}

/// `UPDATE_RECORDS=1 cargo test --test replay_session` also ships the new record.
#[test]
fn a_session_with_the_real_cli_is_recorded_and_plays_back() {
    let Some(cli) = real_cli_or_skip("a_session_with_the_real_cli_is_recorded_and_plays_back") else {
        return;
    };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let path = sandbox.root().join("session.ndjson");
    let live_options = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(),
                              "env_mode": "only", "record": path});
    let live = converse(&Host::new(&options(live_options), MODES[0])).expect("the session is held");
    let text = fs::read_to_string(&path).expect("the record");
    assert!(!text.contains(DUMMY_KEY), "the key is in the record");
    let asked = api.requests().len();
    let played = Host::new(&options(json!({"replay": path})), MODES[1]);
    let played = converse(&played).expect("the session is played");
    assert_eq!((live.lines(), &live.requests), (played.lines(), &played.requests));
    assert_eq!(api.requests().len(), asked, "the API was asked again");
    if std::env::var_os("UPDATE_RECORDS").is_some() {
        fs::write(session_record(), without_descriptions(&without_places(&text, &sandbox, &cli)))
            .expect("write the record");
    }
}

/// The record is for everybody: no path of this machine stays in it.
fn without_places(text: &str, sandbox: &Sandbox, cli: &std::path::Path) -> String {
    let root = sandbox.root().to_string_lossy().into_owned();
    let slug = |path: &str| path.replace(['/', '.', '_'], "-");
    text.replace(&*cli.to_string_lossy(), "claude")
        .replace(&root, "/tmp/session")
        .replace(&slug(&root), &slug("/tmp/session"))
}

/// Nor do the CLI's own texts about its commands, agents and models: they are long, and not ours to ship.
fn without_descriptions(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("JSON");
        if record.pointer("/line/response/response/commands").is_none() {
            return format!("{line}\n");
        }
        for list in ["commands", "agents", "models"] {
            let entries = record.pointer_mut(&format!("/line/response/response/{list}"));
            for entry in entries.and_then(Value::as_array_mut).into_iter().flatten() {
                entry["description"] = "".into();
            }
        }
        format!("{record}\n")
    });
    lines.collect()
}

#[test]
fn the_shipped_record_holds_none_of_the_descriptions() {
    let text = fs::read_to_string(session_record()).expect("the record");
    assert_eq!(without_descriptions(&text), text);
}

#[test]
fn the_shipped_record_holds_no_secret_and_no_place() {
    let text = fs::read_to_string(session_record()).expect("the record is there");
    for forbidden in ["sk-ant-", "claude-testkit-", "\"/home/", "127.0.0.1"] {
        assert!(!text.contains(forbidden), "{forbidden} is in the record");
    }
    let rows = rows(&text);
    let header = &rows[0]["line"];
    assert_eq!(header["format"], "claude-client-record");
    assert_eq!(header["format_version"], 1);
    assert_eq!(header["options"]["system_prompt"], "You are part of a recorded session.");
    let env = header["options"]["env"].as_object().expect("env");
    assert!(!env.is_empty() && env.values().all(|value| value == "«redacted»"), "{env:?}");
    let requests: Vec<&Value> = rows
        .iter()
        .filter(|row| row["dir"] == "in" && row["line"]["type"] == "control_request")
        .map(|row| &row["line"]["request"]["subtype"])
        .collect();
    assert!(requests.contains(&&json!("can_use_tool")), "{requests:?}");
    assert!(requests.contains(&&json!("hook_callback")), "{requests:?}");
    assert!(rows.iter().any(|row| row["dir"] == "out" && row["line"]["request"]["subtype"] == "interrupt"));
}

/// One replay that must go as recorded.
fn play(mode: claude_client::capi::types::claude_dispatch_t) -> Received {
    let host = Host::new(&replayed(json!({})), mode);
    let received = converse(&host).unwrap_or_else(|failure| panic!("{failure:#?}\n{:#?}", host.so_far()));
    assert_eq!(host.pid(), 0);
    assert_eq!(received.closed, Some((Status::CLAUDE_OK, Value::Null)));
    assert_eq!(received.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH), [Value::Null; 0]);
    received
}

#[test]
fn the_session_plays_identically_a_hundred_times_in_every_mode() {
    let text = fs::read_to_string(session_record()).expect("the record is there");
    let expected = recorded_messages(&text);
    assert!(expected.len() > 20, "only {} messages", expected.len());
    for number in 0..100 {
        let received = play(MODES[number % MODES.len()]);
        assert_eq!(received.lines(), expected, "replay {number}");
        assert_eq!(received.requests.len(), 2, "{:?}", received.requests);
    }
}

#[test]
fn a_changed_prompt_fails_with_its_line() {
    let text = fs::read_to_string(session_record()).expect("the record is there");
    let line = rows(&text)
        .iter()
        .position(|row| row["dir"] == "out" && row["line"]["type"] == "user")
        .expect("a prompt")
        + 1;
    let host = Host::new(&replayed(json!({})), MODES[0]);
    host.connect().expect("connected");
    let failure = host.query("USE_TOOL something else").expect_err("another prompt than recorded");
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    assert_eq!(failure.json["phase"], "replay");
    assert_eq!(failure.json["line"], line);
    assert_eq!(failure.json["pointer"], "/message/content");
    assert_eq!(failure.json["got"], "USE_TOOL something else");
    assert!(failure.json["expected"].as_str().unwrap().starts_with("USE_TOOL {"), "{failure:#?}");
    let place = format!("session.ndjson, line {line}: at /message/content: expected \"USE_TOOL {{");
    assert!(failure.message().contains(&place), "{failure:#?}");
    let received = host.received();
    let (status, cause) = received.closed.clone().expect("the end");
    assert_eq!((status, &cause["line"]), (Status::CLAUDE_ERR_INVALID_ARGUMENT, &json!(line)));
    let events = received.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH);
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["line"], &events[0]["event"]), (&json!(line), &json!("replay_mismatch")));
}

#[test]
fn other_options_than_recorded_fail_at_connect() {
    let changed = crate::support::merged(replayed(json!({})), json!({"system_prompt": "Another one."}));
    let host = Host::new(&changed, MODES[0]);
    let failure = host.connect().expect_err("initialize differs");
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    assert_eq!(failure.json["phase"], "replay");
    assert_eq!(failure.json["pointer"], "/request/systemPrompt/0");
    assert_eq!(failure.json["line"], 2);
}
