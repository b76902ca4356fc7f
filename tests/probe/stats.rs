//! The members of `claude_client_stats`: those that are documented, all of them, with figures that can be true.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::probe::stage::fake_session;
use serde_json::{Value, json};

/// What stands for itself: the CLI's own objects.
const WHOLE: &[&str] = &["/ledger/last_turn/usage", "/ledger/model_usage", "/ledger/limits/windows"];

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn leaves(pointer: &str, value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if !WHOLE.contains(&pointer) => {
            members.iter().for_each(|(name, value)| leaves(&format!("{pointer}/{name}"), value, into));
        }
        _ => drop(into.insert(pointer.to_owned())),
    }
}

#[test]
fn every_member_is_documented_and_every_documented_member_is_there() {
    let limit = json!({"send": {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}});
    let script = json!({"on_user": ["init", {"sleep": 50}, {"text": "hi"}, {"sleep": 50}, limit, "result"]});
    let (_fake, session) = fake_session(script, json!({}));
    let before = session.stats();
    for name in ["control_last_us", "control_max_us", "first_answer_us", "result_us"] {
        assert_eq!(before["latency"][name], Value::Null, "{name}");
    }
    let written = before["bytes_written"].as_u64().unwrap();
    assert!(written > 0);
    session.control(&json!({"subtype": "mcp_status"})).unwrap();
    session.turn("hello");
    let stats = session.stats();

    let page = read("docs/stats.md");
    let documented: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `/")?.split_once('`').map(|(name, _)| format!("/{name}")))
        .collect();
    let mut there = BTreeSet::new();
    leaves("", &stats, &mut there);
    assert_eq!(documented, there, "left: docs/stats.md, right: the document");
    assert_eq!(before["session_id"], Value::Null);
    assert!(stats["session_id"].as_str().is_some_and(|id| id.len() == 36), "{}", stats["session_id"]);

    let number = |pointer: &str| stats.pointer(pointer).and_then(Value::as_u64).expect(pointer);
    for pointer in ["/pid", "/prompts", "/messages", "/message_bytes", "/bytes_read", "/ledger/turns"] {
        assert!(number(pointer) > 0, "{pointer}");
    }
    for pointer in ["/requests", "/open_requests", "/unparsed_lines", "/long_lines", "/queued_input_bytes"] {
        assert_eq!(number(pointer), 0, "{pointer}");
    }
    assert!(number("/bytes_written") > written + 100, "the request and the prompt were written");
    let (first, result) = (number("/latency/first_answer_us"), number("/latency/result_us"));
    assert!((50_000..60_000_000).contains(&first), "{first}");
    assert!(result > first, "{result} after {first}");
    assert!(number("/latency/control_last_us") > 0);
    assert_eq!(number("/latency/control_last_us"), number("/latency/control_max_us"), "there was one");
}

#[test]
fn each_prompt_has_a_wait_of_its_own() {
    let slow = json!(["init", {"sleep": 300}, {"text": "a"}, {"sleep": 300}, "result"]);
    let (_fake, session) =
        fake_session(json!({"on_user": [slow, ["init", {"text": "b"}, "result"]]}), json!({}));
    let (one, two) = (session.query("one"), session.query("two"));
    session.receive_to(&one, crate::support::probe::PATIENCE_MS).unwrap();
    session.receive_to(&two, crate::support::probe::PATIENCE_MS).unwrap();
    let latency = session.stats()["latency"].clone();
    assert!(
        latency["first_answer_us"].as_u64() >= Some(550_000),
        "it waited behind the first one: {latency}"
    );
    assert!(latency["result_us"].as_u64() >= latency["first_answer_us"].as_u64());
    session.turn("three");
    let latency = session.stats()["latency"].clone();
    assert!(latency["first_answer_us"].as_u64() < Some(550_000), "that of the last one: {latency}");
}
