//! What the host is told at the end of a session, and what comes before it; and stderr, whose end goes into errors.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::support::host::{Client, Closed, Kind, Status};
use crate::support::{PATIENCE, eventually, options, timed};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// A session that ends by itself after one prompt.
fn ended(turn: Value) -> (Client, Closed) {
    let fake = FakeClaude::new(json!({"on_user": turn}));
    let client = Client::connected(&options(&fake, json!({})));
    client.query("hello").unwrap();
    let closed = client.closed();
    (client, closed)
}

fn error_result() -> Value {
    json!({"result": {"subtype": "error_during_execution", "is_error": true, "result": null, "terminal_reason": "model_error",
                      "errors": ["Prompt is too long"]}})
}

#[test]
fn edge_105_a_normal_end_is_ok_and_an_empty_text() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    client.end_input().unwrap();
    let closed = client.closed();
    assert_eq!((closed.status, closed.empty), (Status::CLAUDE_OK, true), "{closed:?}");
}

#[test]
fn edge_105_an_end_without_the_result_that_is_owed_is_not() {
    let (client, closed) = ended(json!(["init", {"exit": 0}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_PROCESS, "{closed:?}");
    let failure = client.receive().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
}

#[test]
fn an_exit_code_is_told_with_what_stderr_said() {
    let (_, closed) = ended(json!(["init", {"stderr": "first\nout of cheese\n"}, {"exit": 42}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_PROCESS);
    let error = &closed.json;
    assert_eq!((&error["exit_code"], &error["class"]), (&json!(42), &json!("ProcessError")), "{error:#}");
    assert!(error["message"].as_str().unwrap().ends_with("out of cheese"), "{error:#}");
    assert_eq!(error["stderr"], "first\nout of cheese");
    assert_eq!(error["phase"], "session");
    assert_eq!(error["cli_version"], claude_testkit::CLI_VERSION);
}

#[test]
fn a_signal_is_told() {
    for (name, number) in [("SEGV", 11), ("ABRT", 6), ("TERM", 15)] {
        let (_, closed) = ended(json!(["init", {"signal": name}]));
        assert_eq!(
            (closed.status, &closed.json["signal"]),
            (Status::CLAUDE_ERR_PROCESS, &json!(number)),
            "{closed:#?}"
        );
        assert!(closed.json.get("exit_code").is_none(), "{closed:#?}");
    }
}

#[test]
fn edge_106_an_exit_after_an_error_result_is_that_result() {
    let (_, closed) = ended(json!(["init", error_result(), {"exit": 1}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_RESULT, "{closed:#?}");
    let error = &closed.json;
    assert_eq!(error["class"], "ResultError");
    assert!(error["message"].as_str().unwrap().contains("Prompt is too long"), "{error:#}");
    assert_eq!(error["errors"], json!(["Prompt is too long"]));
    assert_eq!(
        (&error["subtype"], &error["terminal_reason"]),
        (&json!("error_during_execution"), &json!("model_error"))
    );
    assert_eq!(error["exit_code"], 1);
    assert_eq!(error["data"]["type"], "result", "{error:#}");
}

#[test]
fn edge_106_another_frame_in_between_makes_it_a_plain_failure() {
    let (_, closed) =
        ended(json!(["init", error_result(), {"system": "status", "status": null}, {"exit": 1}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_PROCESS, "{closed:#?}");
}

#[test]
fn edge_106_a_failure_after_a_good_result_is_a_plain_one() {
    let (_, closed) = ended(json!(["default", {"exit": 1}]));
    assert_eq!(
        (closed.status, &closed.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(1)),
        "{closed:#?}"
    );
}

#[test]
fn edge_107_a_change_of_state_in_between_does_not_count() {
    let state = json!({"system": "session_state_changed", "state": "idle"});
    let (_, closed) = ended(json!(["init", error_result(), state, {"sleep": 50}, state, {"exit": 1}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_RESULT, "{closed:#?}");
}

#[test]
fn edge_107_frames_that_never_reach_the_application_do_not_count_either() {
    let (_, closed) = ended(json!(["init", error_result(), "keep_alive", {"mirror": 2}, {"exit": 1}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_RESULT, "{closed:#?}");
}

#[test]
fn edge_97_a_successful_subtype_with_an_error_is_an_error() {
    let result =
        json!({"result": {"subtype": "success", "is_error": true, "result": "Credit balance is too low"}});
    let (_, closed) = ended(json!(["init", result, {"exit": 1}]));
    assert_eq!(closed.status, Status::CLAUDE_ERR_RESULT, "{closed:#?}");
    assert!(closed.json["message"].as_str().unwrap().contains("Credit balance is too low"), "{closed:#?}");
}

#[test]
fn edge_113_what_was_written_before_the_end_comes_before_it() {
    for last in [json!({"exit": 0}), json!({"exit": 9}), json!({"signal": "KILL"})] {
        let (client, closed) = ended(json!(["init", {"flood": 5000, "bytes": 300, "batch": 0}, last]));
        let numbers: Vec<u64> = client
            .of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT)
            .iter()
            .map(|message| message.json()["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (0..5000).collect::<Vec<u64>>(), "{last}");
        assert_eq!(closed.after, client.messages().len(), "messages came after the end: {last}");
        assert_eq!(client.look(|record| record.closed.len()), 1);
    }
}

#[test]
fn edge_113_disconnecting_loses_nothing_that_was_written() {
    let fake =
        FakeClaude::new(json!({"on_eof": [{"flood": 3000, "bytes": 300, "batch": 50_000}, {"exit": 0}]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.disconnect().unwrap();
    let closed = client.closed();
    assert_eq!(client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).len(), 3000);
    assert_eq!((closed.status, closed.after), (Status::CLAUDE_OK, client.messages().len()));
}

#[test]
fn edge_102_a_flood_on_stderr_holds_up_nothing() {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"stderr_bytes": 1 << 20}, "result"]}));
    for with_callback in [true, false] {
        let options = options(&fake, json!({}));
        let client = if with_callback { Client::new(&options) } else { Client::without_stderr(&options) };
        client.connect().unwrap();
        client.turn("flood");
        client.disconnect().unwrap();
        client.closed();
        let lines = client.stderr();
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert_eq!(bytes, if with_callback { 1 << 20 } else { 0 }, "{} lines", lines.len());
    }
}

#[test]
fn edge_104_stderr_is_cut_into_lines() {
    let turn = json!(["init", {"stderr": "one\ntw"}, {"sleep": 100}, {"stderr": "o\r\n\nthree 🎈 日"}, {"sleep": 100},
                      {"stderr": "本\nlast without a newline"}, {"exit": 0}]);
    let (client, _) = ended(turn);
    assert_eq!(client.stderr(), ["one", "two", "three 🎈 日本", "last without a newline"]);
}

#[test]
fn the_end_of_a_long_stderr_is_kept_for_the_error() {
    let turn = json!(["init", {"stderr_bytes": 300_000}, {"stderr": "the reason\n"}, {"exit": 1}]);
    let (_, closed) = ended(turn);
    let stderr = closed.json["stderr"].as_str().unwrap();
    assert!(stderr.ends_with("the reason") && stderr.starts_with("eee"), "{}", &stderr[..50]);
    assert!(stderr.len() <= 64 << 10 && stderr.len() > 60_000, "{} bytes are kept", stderr.len());
}

#[test]
fn stderr_that_is_not_utf8_is_shown_as_well_as_it_can_be() {
    let mut script = json!({"on_user": ["init", {"exit": 1}]});
    script["on_start"] = json!([{"stderr": "caf\u{e9}\n"}]);
    let fake = FakeClaude::new(script);
    let shell = fake.sandbox().root().join("claude");
    // A program in front of the CLI writes Latin-1.
    let text = format!("#!/bin/sh\nprintf 'caf\\351\\n' >&2\nexec '{}' \"$@\"\n", fake.path().display());
    crate::support::executable(&shell, text);
    let client = Client::connected(&options(&fake, json!({"cli_path": shell})));
    client.query("hello").unwrap();
    assert_eq!(client.cause().text("stderr"), "caf\\xE9\ncaf\u{e9}");
    assert_eq!(client.stderr(), ["caf\\xE9", "caf\u{e9}"]);
}

#[test]
fn a_host_that_is_stuck_in_a_message_can_disconnect_in_time() {
    let fake =
        FakeClaude::new(json!({"on_user": ["init", {"flood": 400_000, "bytes": 1000, "batch": 1_000_000}]}));
    let grace =
        json!({"max_queue_bytes": 1 << 20, "graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300});
    let client = Client::connected(&options(&fake, grace));
    client.set_stuck(true);
    client.query("pour").unwrap();
    client.wait_for("the first message", |record| !record.messages.is_empty());
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took < Duration::from_secs(8), "disconnect took {took:?}");
    assert_eq!((client.pid(), client.look(|record| record.closed.len())), (0, 0));
    client.set_stuck(false);
    let closed = client.closed();
    assert_eq!((closed.status, closed.after), (Status::CLAUDE_OK, client.messages().len()));
}

#[test]
fn a_host_that_is_stuck_in_a_message_can_disconnect_long_after_the_cli_has_ended() {
    // More than the queue takes even while it is closed, and a rest that stays in the pipe.
    let turn = json!(["init", {"line_bytes": 20 << 20}, {"flood": 100, "bytes": 100}, {"exit": 0}]);
    let fake = FakeClaude::new(json!({"on_user": turn}));
    let client = Client::connected(&options(&fake, json!({"max_queue_bytes": 1 << 20})));
    client.set_stuck(true);
    client.query("pour").unwrap();
    client.wait_for("the first message", |record| !record.messages.is_empty());
    assert!(eventually(PATIENCE, || client.pid() == 0), "the CLI has ended");
    std::thread::sleep(Duration::from_millis(1500));
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took < Duration::from_secs(30), "disconnect took {took:?}");
    assert_eq!(client.look(|record| record.closed.len()), 0);
    client.set_stuck(false);
    let closed = client.closed();
    assert_eq!((closed.status, closed.after), (Status::CLAUDE_OK, client.messages().len()));
}
