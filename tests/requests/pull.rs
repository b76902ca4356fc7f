//! PULL mode with the real CLI: what it is told of a host that answers, and messages that are held back.

use std::collections::BTreeSet;

use crate::support::requests::event::{MESSAGES, REQUESTS};
use crate::support::requests::{Host, Kind, Stage, Status, bash};
use claude_client::capi::types::claude_dispatch_t as Mode;
use claude_client::capi::types::claude_message_kind_t as Event;
use serde_json::{Value, json};

/// What a session without any registration looks like to a host.
#[derive(Debug, PartialEq)]
struct Seen {
    tools: BTreeSet<String>,
    /// Types and subtypes of messages.
    kinds: BTreeSet<String>,
    denials: Value,
    tool_results: Vec<String>,
}

fn kind_of(message: &Value) -> String {
    format!(
        "{} {}",
        message["type"].as_str().unwrap_or_default(),
        message["subtype"].as_str().unwrap_or_default()
    )
}

fn seen(messages: &[Value], folder: &str) -> Seen {
    let init = messages.iter().find(|message| message["subtype"] == "init").expect("an init");
    let result = messages.iter().find(|message| message["type"] == "result").expect("a result");
    let blocks = messages.iter().filter(|message| message["type"] == "user");
    let blocks =
        blocks.flat_map(|message| message["message"]["content"].as_array().cloned().unwrap_or_default());
    let denials = result["permission_denials"].as_array().cloned().unwrap_or_default();
    Seen {
        tools: init["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool.as_str().unwrap().to_owned())
            .collect(),
        kinds: messages.iter().map(kind_of).filter(|kind| kind.starts_with("system ")).collect(),
        denials: denials.iter().map(|denial| json!([denial["tool_name"], denial["tool_input"]])).collect(),
        tool_results: blocks.map(|block| block["content"].to_string().replace(folder, "FOLDER")).collect(),
    }
}

/// One turn that wants a shell command; no request may come.
fn unasked(mode: Mode) -> Seen {
    let stage = Stage::real("unasked").expect("a CLI, as before");
    let folder = stage.sandbox.work().display().to_string();
    let host = Host::with_mode(&stage.options, mode);
    host.connect().unwrap();
    let messages = if mode == Mode::CLAUDE_DISPATCH_PULL {
        host.query(&bash("touch made"));
        let mut messages = Vec::new();
        loop {
            let event = host.next(60_000).expect("an event");
            assert_ne!(event.kind(), Event::CLAUDE_EVENT_REQUEST, "asked: {}", event.json());
            messages.push(event.json());
            if event.kind() == Event::CLAUDE_MESSAGE_RESULT {
                break messages;
            }
        }
    } else {
        host.turn(&bash("touch made")).messages
    };
    assert!(!stage.made("made"));
    seen(&messages, &folder)
}

#[test]
fn a_host_that_answers_nothing_looks_the_same_to_the_cli_in_every_mode() {
    if Stage::real("unasked").is_none() {
        return;
    }
    let expected = unasked(Mode::CLAUDE_DISPATCH_THREAD);
    assert!(!expected.tools.contains("AskUserQuestion"), "{expected:?}");
    assert_eq!(expected.denials[0][0], "Bash", "{expected:?}");
    assert_eq!(unasked(Mode::CLAUDE_DISPATCH_PULL), expected);
}

#[test]
fn in_pull_mode_either_registration_makes_the_cli_ask() {
    for for_all in [false, true] {
        let Some(stage) = Stage::real("asked") else { return };
        let host = Host::with_mode(&stage.options, Mode::CLAUDE_DISPATCH_PULL);
        if for_all { host.wants_requests() } else { host.wants_permissions() }.unwrap();
        host.connect().unwrap();
        host.query(&bash("touch made"));
        let event = host.next_in(REQUESTS, 60_000).unwrap();
        let (info, request) = (event.info(), event.take());
        assert_eq!((info.kind, info.lane, info.id), (Event::CLAUDE_EVENT_REQUEST, REQUESTS, request.id()));
        assert_eq!(info.request_kind, Kind::CLAUDE_REQUEST_PERMISSION);
        request.allow().unwrap();
        let (mut tools, mut ended) = (Value::Null, false);
        while !ended {
            let event = host.next_in(MESSAGES, 60_000).unwrap();
            let json = event.json();
            if json["subtype"] == "init" {
                tools = json["tools"].clone();
            }
            ended = event.kind() == Event::CLAUDE_MESSAGE_RESULT;
        }
        assert!(stage.made("made") && tools.to_string().contains("AskUserQuestion"), "{tools}");
    }
}

/// The CLI streams an answer that nobody reads until the queue is full; the interrupt gets through, and every message is there
/// afterwards.
#[test]
fn an_interrupt_is_answered_behind_messages_that_nobody_reads() {
    let Some(stage) = Stage::real("held_back") else { return };
    let bound = 64 << 10;
    let host = Host::with_mode(
        &stage.options(json!({"include_partial_messages": true, "max_queue_bytes": bound})),
        Mode::CLAUDE_DISPATCH_PULL,
    );
    host.connect().unwrap();
    host.query("SLOW 6000 5");
    crate::support::requests::wait_until("a full queue", || host.stat("/queued_bytes") >= bound);
    host.interrupt_for_event(7).unwrap();
    let done = host.next_in(REQUESTS, 60_000).unwrap().info();
    assert_eq!((done.kind, done.status), (Event::CLAUDE_EVENT_DONE, Status::CLAUDE_OK));
    assert_eq!(done.user_data.addr(), 7);
    let peak = host.stat("/peak_queued_bytes");
    assert!(peak < bound + (17 << 20), "{peak}");
    let (mut deltas, mut result) = (0, Value::Null);
    while result.is_null() {
        let event = host.next_in(MESSAGES, 60_000).unwrap();
        deltas += usize::from(event.kind() == Event::CLAUDE_MESSAGE_STREAM_EVENT);
        if event.kind() == Event::CLAUDE_MESSAGE_RESULT {
            result = event.json();
        }
    }
    assert!(deltas > 100, "{deltas}");
    assert_eq!(result["subtype"], "error_during_execution");
}
