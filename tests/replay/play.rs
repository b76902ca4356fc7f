//! How a record is played: what is mapped, what counts as a difference, how it ends.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use crate::common::{Host, MODES};
use crate::support::host::{Client, Kind, Status};
use crate::support::{merged, options, timed};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A record written by hand.
struct Record {
    folder: TempDir,
    text: String,
    at_us: u64,
    lines: usize,
}

impl Record {
    fn new() -> Record {
        let mut record = Record {
            folder: tempfile::tempdir().expect("a folder"),
            text: String::new(),
            at_us: 0,
            lines: 0,
        };
        let header = json!({"event": "header", "format": "claude-client-record", "format_version": 1,
                            "library_version": env!("CARGO_PKG_VERSION")});
        record.add("meta", &header);
        record
    }

    /// With a session that is connected; the next line is the fourth.
    fn connected() -> Record {
        let mut record = Record::new();
        record
            .add("out", &json!({"type": "control_request", "request_id": "old_1", "request": "«redacted»"}));
        record.reply("old_1", json!({"claude_code_version": claude_testkit::CLI_VERSION}));
        record
    }

    /// The number of the new line.
    fn add(&mut self, direction: &str, line: &Value) -> usize {
        writeln!(self.text, r#"{{"t_us":{},"dir":"{direction}","line":{line}}}"#, self.at_us).unwrap();
        self.lines += 1;
        self.lines
    }

    fn pause(&mut self, time: Duration) {
        self.at_us += u64::try_from(time.as_micros()).unwrap();
    }

    fn reply(&mut self, id: &str, response: Value) -> usize {
        let body = json!({"subtype": "success", "request_id": id, "response": response});
        self.add("in", &json!({"type": "control_response", "response": body}))
    }

    fn prompt(&mut self, text: &str, uuid: &str) -> usize {
        self.add(
            "out",
            &json!({"type": "user", "message": {"role": "user", "content": text}, "parent_tool_use_id": null,
                    "session_id": "default", "uuid": uuid}),
        )
    }

    fn request(&mut self, id: &str, request: Value) -> usize {
        self.add("out", &json!({"type": "control_request", "request_id": id, "request": request}))
    }

    fn text(&mut self, text: &str) -> usize {
        let message = json!({"role": "assistant", "content": [{"type": "text", "text": text}]});
        self.add("in", &json!({"type": "assistant", "message": message}))
    }

    fn result(&mut self, uuid: &str) -> usize {
        self.add(
            "in",
            &json!({"type": "result", "subtype": "success", "is_error": false, "user_message_uuid": uuid}),
        )
    }

    /// Two turns.
    fn two_turns() -> Record {
        let mut record = Record::connected();
        for (prompt, uuid) in [("one", "11111111-aaaa"), ("two", "22222222-bbbb")] {
            record.prompt(prompt, uuid);
            record.text(&format!("answer to {prompt}"));
            record.result(uuid);
        }
        record
    }

    /// The options that play it; `more` belongs into the option `replay`.
    fn options(&self, more: Value) -> Value {
        let path = self.folder.path().join("hand.ndjson");
        fs::write(&path, &self.text).expect("write the record");
        json!({"replay": merged(json!({"path": path}), more)})
    }
}

fn lenient(record: &Record) -> Host {
    let host = Host::new(&record.options(json!({"strict": false})), MODES[0]);
    host.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    host
}

fn mismatches(host: &Host) -> Vec<Value> {
    host.so_far().of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH)
}

fn texts(host: &Host) -> Vec<String> {
    let answers = host.so_far().of(Kind::CLAUDE_MESSAGE_ASSISTANT);
    answers
        .iter()
        .map(|answer| answer["message"]["content"][0]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_recorded_session_plays_with_new_ids() {
    let fake = FakeClaude::new(
        json!({"on_control": {"mcp_status": [{"respond": {"mcpServers": [{"name": "x"}]}}]}}),
    );
    let path = fake.sandbox().root().join("record.ndjson");
    let talk = |client: &Client| {
        client.turn("hello");
        let status = client.control(&json!({"subtype": "mcp_status"})).expect("an answer");
        assert_eq!(status["mcpServers"][0]["name"], "x");
        client.turn("again");
        client.disconnect().expect("closed");
        assert_eq!(client.closed().status, Status::CLAUDE_OK);
        client.of_kind(Kind::CLAUDE_MESSAGE_RESULT)
    };
    let live = talk(&Client::connected(&options(&fake, json!({"record": path, "turn_events": true}))));
    let starts = fake.log().starts();
    let client = Client::connected(&options(&fake, json!({"replay": path, "turn_events": true})));
    let played = talk(&client);
    assert_eq!(fake.log().starts(), starts, "no CLI is started");
    let uuid = |message: &crate::support::host::Message| {
        message.json()["user_message_uuid"].as_str().unwrap().to_owned()
    };
    for (live, played) in live.iter().zip(&played) {
        assert_ne!(uuid(live), uuid(played), "every run has ids of its own");
        assert_eq!(live.text.replace(&uuid(live), &uuid(played)), played.text);
    }
    // The library itself recognises its prompts in the results.
    let turns = client.of_kind(Kind::CLAUDE_EVENT_TURN_ENDED);
    assert_eq!(turns.len(), 2);
    for (turn, result) in turns.iter().zip(&played) {
        assert_eq!(turn.json()["prompts"], json!([uuid(result)]));
    }
}

#[test]
fn a_changed_prompt_is_an_event_when_not_strict() {
    let mut record = Record::connected();
    let line = record.prompt("one", "u1");
    record.text("answer");
    record.result("u1");
    let host = lenient(&record);
    host.query("something else").expect("sent");
    host.wait_results(1);
    assert_eq!(texts(&host), ["answer"], "the recorded answer is played all the same");
    let events = mismatches(&host);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["line"], line);
    assert_eq!(events[0]["pointer"], "/message/content");
    assert_eq!((&events[0]["expected"], &events[0]["got"]), (&json!("one"), &json!("something else")));
    assert_eq!(
        events[0]["text"],
        format!("hand.ndjson, line {line}: at /message/content: expected \"one\", got \"something else\"")
    );
}

#[test]
fn long_prompts_are_shown_where_they_differ() {
    let mut record = Record::connected();
    let long = "ünd so weiter ".repeat(700);
    record.prompt(&format!("{long}until Monday"), "00000000-0000-4000-8000-000000000001");
    let host = lenient(&record);
    host.query(&format!("{long}until Friday")).expect("sent");
    host.wait_for("the event", |received| !received.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH).is_empty());
    let event = mismatches(&host).remove(0);
    for (member, word) in [("expected", "Monday"), ("got", "Friday")] {
        let shown = event[member].as_str().expect("a text");
        assert!(shown.starts_with('…') && shown.ends_with(&format!("until {word}\"")), "{shown}");
        assert!(shown.chars().count() <= 4100, "{} characters", shown.chars().count());
    }
    let text = event["text"].as_str().expect("a text");
    assert!(text.contains("Monday") && text.contains("Friday") && text.chars().count() < 700, "{text}");
}

#[test]
fn what_the_record_does_not_know_is_an_event_and_an_error_reply() {
    let record = Record::two_turns();
    let host = lenient(&record);
    host.query("one").expect("sent");
    host.wait_results(1);
    let failure = host.control(&json!({"subtype": "mcp_status"})).expect_err("it was not recorded");
    assert_eq!((failure.status, &failure.json["code"]), (Status::CLAUDE_ERR_CONTROL, &json!("not_recorded")));
    host.query("two").expect("the session goes on");
    host.wait_results(2);
    assert_eq!(texts(&host), ["answer to one", "answer to two"]);
    let events = mismatches(&host);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["got"]["request"]["subtype"], "mcp_status");
    assert_eq!(events[0]["expected"]["prompt"], "two");
}

#[test]
fn what_the_host_leaves_out_is_passed_over() {
    let mut record = Record::connected();
    let line = record.request("old_2", json!({"subtype": "set_model", "model": "haiku"}));
    record.reply("old_2", json!({}));
    record.prompt("one", "u1");
    record.text("answer");
    record.result("u1");
    let host = lenient(&record);
    host.query("one").expect("sent");
    host.wait_results(1);
    assert_eq!(texts(&host), ["answer"]);
    let events = mismatches(&host);
    assert_eq!((events.len(), &events[0]["line"]), (1, &json!(line)));
    assert_eq!(events[0]["expected"]["request"]["subtype"], "set_model");
}

#[test]
fn a_prompt_beyond_the_end_ends_the_session_with_a_reason() {
    let record = Record::two_turns();
    let host = lenient(&record);
    for (number, prompt) in ["one", "two", "three"].into_iter().enumerate() {
        host.query(prompt).expect("sent");
        if number < 2 {
            host.wait_results(number + 1);
        }
    }
    let received = host.received();
    let (status, error) = received.closed.clone().expect("the end");
    assert_eq!((status, &error["phase"]), (Status::CLAUDE_ERR_INVALID_ARGUMENT, &json!("replay")));
    assert!(error["message"].as_str().unwrap().contains("hand.ndjson ends here"), "{error}");
    let events = received.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH);
    assert_eq!((events.len(), &events[0]["got"]["prompt"]), (1, &json!("three")));
}

#[test]
fn an_early_end_says_what_was_not_sent() {
    let record = Record::two_turns();
    let host = Host::new(&record.options(json!({})), MODES[0]);
    host.connect().expect("connected");
    host.query("one").expect("sent");
    host.wait_results(1);
    host.disconnect().expect("closed");
    let received = host.received();
    assert_eq!(received.closed, Some((Status::CLAUDE_OK, Value::Null)), "leaving early is the host's right");
    let events = received.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH);
    assert_eq!((events.len(), &events[0]["line"]), (1, &json!(7)));
    assert_eq!((&events[0]["expected"]["prompt"], &events[0]["got"]), (&json!("two"), &Value::Null));
}

/// The CLI asks for a permission; in the record the host refuses.
fn asked(strict: bool) -> (Host, usize) {
    let mut record = Record::connected();
    record.prompt("one", "u1");
    let ask = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}});
    record.add("in", &json!({"type": "control_request", "request_id": "cli-1", "request": ask}));
    let refusal = json!({"behavior": "deny", "message": "no"});
    let body = json!({"subtype": "success", "request_id": "cli-1", "response": refusal});
    let line = record.add("out", &json!({"type": "control_response", "response": body}));
    record.result("u1");
    let host = Host::new(&record.options(json!({"strict": strict})), MODES[0]);
    host.connect().expect("connected");
    host.query("one").expect("sent");
    (host, line)
}

#[test]
fn another_answer_to_a_request_of_the_cli_is_a_difference() {
    let (host, line) = asked(false);
    host.wait_results(1);
    let events = mismatches(&host);
    assert_eq!((events.len(), &events[0]["line"]), (1, &json!(line)));
    assert_eq!(events[0]["pointer"], "/response/response/behavior");
    assert_eq!((&events[0]["expected"], &events[0]["got"]), (&json!("deny"), &json!("allow")));

    let (host, line) = asked(true);
    let received = host.received();
    let (status, error) = received.closed.clone().expect("the end");
    assert_eq!((status, &error["line"]), (Status::CLAUDE_ERR_INVALID_ARGUMENT, &json!(line)));
    assert_eq!(received.of(Kind::CLAUDE_MESSAGE_RESULT), [Value::Null; 0], "nothing is played after it");
}

#[test]
fn a_request_that_the_cli_withdraws_may_be_answered_or_not() {
    for round in 0..20 {
        let mut record = Record::connected();
        record.prompt("one", "u1");
        let ask = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {}});
        record.add("in", &json!({"type": "control_request", "request_id": "cli-1", "request": ask}));
        record.add("in", &json!({"type": "control_cancel_request", "request_id": "cli-1"}));
        record.result("u1");
        let host = Host::new(&record.options(json!({})), MODES[round % MODES.len()]);
        host.connect().expect("connected");
        host.query("one").expect("sent");
        host.wait_results(1);
        host.disconnect().expect("closed");
        assert_eq!(host.received().of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH), [Value::Null; 0]);
    }
}

#[test]
fn lines_between_which_the_cli_was_silent_may_change_places() {
    let mut record = Record::connected();
    record.prompt("one", "u1");
    record.request("old_2", json!({"subtype": "set_model", "model": "haiku"}));
    record.reply("old_2", json!({"was": "set_model"}));
    record.result("u1");
    let host = Host::new(&record.options(json!({})), MODES[0]);
    host.connect().expect("connected");
    // The answer waits for the prompt, which came first in the record: it is sent by another thread.
    std::thread::scope(|scope| {
        let model = scope.spawn(|| host_control(&host));
        crate::common::moment();
        host.query("one").expect("sent");
        assert_eq!(model.join().unwrap()["was"], "set_model");
    });
    host.wait_results(1);
    assert_eq!(mismatches(&host), [Value::Null; 0]);
}

fn host_control(host: &Host) -> Value {
    host.control(&json!({"subtype": "set_model", "model": "haiku"})).expect("an answer")
}

#[test]
fn the_end_of_a_cli_that_died_is_played_as_well() {
    let fake = FakeClaude::new(
        json!({"on_user": ["init", {"stderr": "out of luck\n"}, {"sleep": 50}, {"exit": 3}]}),
    );
    let path = fake.sandbox().root().join("record.ndjson");
    let dies = |more: Value| {
        let client = Client::connected(&options(&fake, more));
        client.query("hello").expect("sent");
        client.cause()
    };
    let (live, played) = (dies(json!({"record": path})), dies(json!({"replay": path})));
    assert_eq!((live.status, live.json["exit_code"].as_i64()), (Status::CLAUDE_ERR_PROCESS, Some(3)));
    for name in ["status", "message", "exit_code", "stderr", "phase", "cli_version"] {
        assert_eq!(live.json[name], played.json[name], "{name}");
    }
}

#[test]
fn an_ended_input_is_played_to_the_end() {
    let fake = FakeClaude::new(json!({}));
    let path = fake.sandbox().root().join("record.ndjson");
    let once = |more: Value| {
        let client = Client::connected(&options(&fake, more));
        client.turn("hello");
        client.end_input().expect("ended");
        assert_eq!(client.closed().status, Status::CLAUDE_OK);
        client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).len()
    };
    assert_eq!(once(json!({"record": path})), once(json!({"replay": path})));
}

#[test]
fn the_recorded_speed_is_kept_on_request() {
    let mut record = Record::connected();
    record.prompt("one", "u1");
    record.pause(Duration::from_millis(400));
    record.text("late");
    record.result("u1");
    let turn = |record: &Record, more: Value| {
        let host = Host::new(&record.options(more), MODES[0]);
        host.connect().expect("connected");
        host.query("one").expect("sent");
        timed(|| host.wait_results(1)).1
    };
    let slow = turn(&record, json!({"speed": "recorded"}));
    assert!(slow >= Duration::from_millis(390), "{slow:?}");
    record.pause(Duration::from_secs(3600));
    record.prompt("two", "u2");
    record.pause(Duration::from_secs(3600));
    record.result("u2");
    let host = Host::new(&record.options(json!({})), MODES[0]);
    host.connect().expect("connected");
    host.query("one").expect("sent");
    host.query("two").expect("sent");
    host.wait_results(2);
}

#[test]
fn a_pause_does_not_hold_up_the_end() {
    let mut record = Record::connected();
    record.prompt("one", "u1");
    record.pause(Duration::from_secs(3600));
    record.result("u1");
    for mode in MODES {
        let host = Host::new(&record.options(json!({"speed": "recorded"})), mode);
        host.connect().expect("connected");
        host.query("one").expect("sent");
        let start = Instant::now();
        host.disconnect().expect("closed");
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    }
    // Freed without any farewell.
    let host = Host::new(&record.options(json!({"speed": "recorded"})), MODES[0]);
    host.connect().expect("connected");
    host.query("one").expect("sent");
    let ((), time) = timed(|| drop(host));
    assert!(time < Duration::from_secs(30), "{time:?}");
}

#[test]
fn a_reader_that_is_stuck_does_not_hold_up_the_end() {
    let mut record = Record::connected();
    record.prompt("one", "u1");
    for number in 0..2000 {
        record.text(&format!("{number} {}", "x".repeat(1000)));
    }
    record.result("u1");
    let client = Client::connected(&merged(record.options(json!({})), json!({"max_queue_bytes": 10000})));
    client.set_stuck(true);
    client.query("one").expect("sent");
    client.wait_for("the first message", |seen| !seen.messages.is_empty());
    let ((), time) = timed(|| client.disconnect().expect("closed"));
    assert!(time < Duration::from_secs(30), "{time:?}");
    client.set_stuck(false);
    client.closed();
}

#[test]
fn a_record_that_cannot_be_used_fails_at_connect() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.ndjson");
    fs::write(&broken, "{\"type\":\"user\"}\n").expect("write");
    let missing = folder.path().join("missing.ndjson");
    for (path, words) in [(&missing, "cannot be read"), (&broken, "line 1")] {
        let client = Client::new(&json!({"replay": path}));
        let failure = client.connect().expect_err("no record");
        assert_eq!((failure.status, failure.text("phase")), (Status::CLAUDE_ERR_INVALID_OPTION, "replay"));
        assert!(failure.message().contains(words), "{failure:#?}");
        assert_eq!(failure.text("pointer"), "/replay");
    }
}
