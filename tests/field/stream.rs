//! What the CLI writes arrives: whatever it is, whenever it comes, however slowly it is read.

use std::fs;
use std::path::Path;

use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

use crate::common::session;
use crate::support::PATIENCE;
use crate::support::host::{Client, Kind, Status};

/// The messages of the CLI, as they came.
fn texts(client: &Client) -> Vec<String> {
    let of_the_cli = client.messages().into_iter().filter(|message| (message.kind as i32) < 100);
    of_the_cli.map(|message| message.text).collect()
}

fn wait_for_text(client: &Client, part: &str) {
    client.wait_for(part, |record| record.messages.iter().any(|message| message.text.contains(part)));
}

#[test]
fn b2_b10_frames_between_turns_behind_the_last_result_and_before_the_exit_arrive_by_themselves() {
    let system = |subtype: &str| json!({"system": subtype, "tasks": [], "error_code": "ENOSPC", "lost": []});
    let script = json!({
        "on_user": [
            ["default", {"sleep": 100}, system("background_tasks_changed"), {"autonomous": "of its own"}],
            ["default", system("between_result_and_exit")]],
        "on_eof": [system("session_writes_lost"), {"exit": 0}]});
    let (_fake, client) = session(script, json!({}));
    client.turn("one");
    // Nothing is asked for meanwhile.
    wait_for_text(&client, "background_tasks_changed");
    wait_for_text(&client, "of its own");
    client.turn("two");
    wait_for_text(&client, "between_result_and_exit");
    client.end_input().unwrap();
    let closed = client.closed();
    assert_eq!(closed.status, Status::CLAUDE_OK, "{closed:?}");
    let all = client.messages();
    assert_eq!(closed.after, all.len(), "on_closed comes behind every message");
    let place = |part: &str| all.iter().position(|message| message.text.contains(part)).expect(part);
    assert!(place("between_result_and_exit") < place("session_writes_lost"));
}

#[test]
fn b2_what_comes_after_the_end_was_asked_for_arrives() {
    let late = json!({"system": "written_while_ending"});
    let (_fake, client) = session(json!({"on_eof": [{"sleep": 200}, late, {"exit": 0}]}), json!({}));
    client.turn("one");
    client.disconnect().unwrap();
    let closed = client.closed();
    assert_eq!(closed.after, client.messages().len());
    wait_for_text(&client, "written_while_ending");
}

#[test]
fn b3_no_type_subtype_or_member_is_strange_enough_to_end_the_stream() {
    const TYPES: [&str; 12] = [
        "assistant",
        "user",
        "system",
        "stream_event",
        "result",
        "rate_limit_event",
        "tool_progress",
        "command_lifecycle",
        "of_tomorrow",
        "Assistant",
        "\u{1F388}",
        "",
    ];
    const MEMBERS: [&str; 17] = [
        "subtype",
        "message",
        "content",
        "uuid",
        "session_id",
        "parent_tool_use_id",
        "event",
        "is_error",
        "usage",
        "modelUsage",
        "total_cost_usd",
        "tasks",
        "origin",
        "user_message_uuids",
        "permission_denials",
        "state",
        "command_uuid",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(-5),
        json!(1e300),
        json!(""),
        json!("init"),
        json!("\u{2028}"),
        json!([]),
        json!([null, {}]),
        json!({}),
        json!({"a": {"type": "result"}}),
    ];
    let mut frames = Vec::new();
    for kind in TYPES {
        for member in MEMBERS {
            frames.extend(values.iter().map(|value| json!({"type": kind, "n": 0, member: value})));
        }
    }

    frames.iter_mut().enumerate().for_each(|(at, frame)| frame["n"] = at.into());
    let script = json!({"on_user": [["init", {"send": frames}, {"text": "behind them"}], ["default"]]});
    let (_fake, client) = session(script, json!({"turn_events": true}));
    client.query("go").unwrap();
    wait_for_text(&client, "behind them");
    let sent: Vec<String> = frames.iter().map(Value::to_string).collect();
    let received: Vec<String> = texts(&client).into_iter().filter(|text| text.contains(r#""n":"#)).collect();
    let lost = sent.iter().zip(&received).find(|(sent, received)| sent != received);
    assert_eq!((received.len(), lost), (sent.len(), None));
    assert_eq!(client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE).len(), 0);
    client.query("still there?").unwrap();
    wait_for_text(&client, r#""result":"still there?""#);
}

/// The lines that the CLI wrote in the recorded session, without those that are about requests.
fn recorded() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/session.ndjson");
    let text = fs::read_to_string(file).expect("read the record");
    let lines = text.lines().filter(|line| line.contains(r#""dir":"in""#));
    let lines = lines.filter_map(|line| Some(line.split_once(r#""line":"#)?.1.strip_suffix('}')?.to_owned()));
    lines.filter(|line| !line.contains(r#"{"type":"control_"#)).collect()
}

#[test]
fn b4_a_recorded_session_arrives_byte_for_byte() {
    let lines = recorded();
    assert!(lines.len() > 30, "only {} lines", lines.len());
    // Members and blocks that no version knows yet, and spellings that a writer of JSON would not choose.
    let odd = r#"{ "type":"assistant", "message":{"content":"text", "n":1.50e0,"é":"\u00e9\/"},"errors":[{"of":"tomorrow"}] }"#;
    let block =
        r#"{"type":"assistant","message":{"content":[{"type":"server_tool_result","x":[1,{"y":null}]}]}}"#;
    let written: Vec<&str> = lines.iter().map(String::as_str).chain([odd, block]).collect();
    let script = json!({"no_lifecycle": true, "on_user": [[{"write": written.join("\n") + "\n"}, {"text": "behind them"}]]});
    let (_fake, client) = session(script, json!({}));
    client.query("go").unwrap();
    wait_for_text(&client, "behind them");
    let mut received = texts(&client);
    received.truncate(received.len() - 1);
    let kept: Vec<&&str> = written.iter().filter(|line| !line.contains("sdk_host_only")).collect();
    assert_eq!(received, kept.into_iter().copied().collect::<Vec<_>>());
}

#[test]
fn b7_fifty_megabytes_before_the_exit_reach_a_reader_that_is_slow() {
    if takes_long() {
        return;
    }
    const COUNT: usize = 50_000;
    for bound in [64 << 20, 1 << 20] {
        let script = json!({"on_user": ["init", {"flood": COUNT, "bytes": 1000, "batch": 60_000}, "result", {"exit": 0}]});
        let (fake, client) = session(script, json!({"max_queue_bytes": bound}));
        client.set_stuck(true);
        client.query("pour").unwrap();
        client.wait_for("the first message", |record| !record.messages.is_empty());
        if bound > COUNT * 1000 {
            // All of it waits in the library, and the process is gone.
            fake.wait_for_log(PATIENCE, |log| log.exit_code() == Some(0));
        }
        client.set_stuck(false);
        let closed = client.closed();
        assert_eq!(closed.status, Status::CLAUDE_OK, "{closed:?}");
        let numbers: Vec<u64> =
            client.messages().iter().filter_map(|message| message.json()["seq"].as_u64()).collect();
        assert!(numbers.iter().copied().eq(0..COUNT as u64), "{} of {COUNT}", numbers.len());
        assert_eq!(client.of_kind(Kind::CLAUDE_MESSAGE_RESULT).len(), 1);
    }
}
