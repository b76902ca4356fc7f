//! Whoever leaves in the midst of an answer leaves as fast as between two.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::support::host::{Client, Kind, Status};
use crate::support::{PATIENCE, merged, options, timed};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// So long the options let a CLI finish; an end by these times would be seen.
const GRACE_MS: u64 = 60_000;

/// Far less than that, on the slowest machine.
const SOON: Duration = Duration::from_secs(20);

fn patient(more: Value) -> Value {
    merged(json!({"graceful_exit_timeout_ms": GRACE_MS, "terminate_timeout_ms": GRACE_MS}), more)
}

fn busy() -> FakeClaude {
    FakeClaude::new(json!({"on_user": [["init", {"sleep": 40_000}, "result"]]}))
}

fn leaves_soon(what: &str, client: Client, way: &str) {
    let pid = client.pid();
    let (closed, took) = timed(|| match way {
        "free" => {
            client.free();
            None
        }
        _ => {
            client.disconnect().unwrap();
            Some(client.closed())
        }
    });
    assert!(took < SOON, "{what}, {way}: {took:?}");
    assert!(!crate::support::processes::runs(pid), "{what}, {way}");
    if let Some(closed) = closed {
        assert_eq!(closed.status, Status::CLAUDE_OK, "{what}: {closed:?}");
    }
}

#[test]
fn a_turn_that_runs_is_left_and_those_that_wait_are_not_begun() {
    for way in ["free", "disconnect"] {
        let fake = busy();
        let client = Client::connected(&options(&fake, patient(json!({}))));
        for prompt in ["one", "two", "three"] {
            client.query(prompt).unwrap();
        }
        client.wait_for("the turn", |record| !record.messages.is_empty());
        leaves_soon("three prompts", client, way);
        let log = fake.log();
        assert_eq!(log.requests("interrupt").len(), 1);
        assert_eq!(log.requests("interrupt")[0]["cancel_queued"], true);
        assert!(log.saw_eof());
        assert!(log.exit_code().is_some(), "it ended by itself: no signal was needed");
    }
}

#[test]
fn a_turn_is_left_though_the_input_has_ended() {
    for way in ["free", "disconnect"] {
        let fake = busy();
        let client = Client::connected(&options(&fake, patient(json!({}))));
        client.query("one").unwrap();
        client.wait_for("the turn", |record| !record.messages.is_empty());
        client.end_input().unwrap();
        fake.wait_for_log(PATIENCE, |log| log.saw_eof());
        leaves_soon("after the end of input", client, way);
    }
}

#[test]
fn a_cli_that_rests_is_not_interrupted() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, patient(json!({}))));
    client.turn("hello");
    client.disconnect().unwrap();
    assert_eq!(fake.log().requests("interrupt"), [] as [Value; 0]);
    assert_eq!(fake.log().exit_code(), Some(0));
}

#[test]
fn background_work_is_left_as_well() {
    let fake = FakeClaude::new(json!({"on_user": [["init",
        {"system": "task_started", "task_id": "t1", "task_type": "local_bash"}, "result"]], "on_eof": [{"sleep": 40_000}]}));
    let client = Client::connected(&options(&fake, json!({"graceful_exit_timeout_ms": 300})));
    client.turn("hello");
    client.disconnect().unwrap();
    assert_eq!(fake.log().requests("interrupt").len(), 1);
}

fn tool(name: &str, input: Value) -> String {
    format!("USE_TOOL {}", json!({"name": name, "input": input}))
}

#[test]
fn the_real_cli_is_left_whatever_it_is_at() {
    let Some(cli) = real_cli_or_skip("is_left_whatever_it_is_at") else { return };
    let api = Loopback::start();
    let agent = |background: bool| {
        tool(
            "Agent",
            json!({"description": "x", "prompt": "SLOW 400 100", "subagent_type": "general-purpose",
            "run_in_background": background}),
        )
    };
    let shell =
        |background: bool| tool("Bash", json!({"command": "sleep 41", "run_in_background": background}));
    for (what, prompts, seen) in [
        ("streaming", vec!["SLOW 400 100".to_owned()], Kind::CLAUDE_MESSAGE_STREAM_EVENT),
        (
            "two prompts",
            vec!["SLOW 400 100".to_owned(), "SLOW 400 100".to_owned()],
            Kind::CLAUDE_MESSAGE_STREAM_EVENT,
        ),
        ("a tool", vec![shell(false)], Kind::CLAUDE_MESSAGE_ASSISTANT),
        ("a task", vec![shell(true)], Kind::CLAUDE_MESSAGE_RESULT),
        ("an agent", vec![agent(false)], Kind::CLAUDE_MESSAGE_ASSISTANT),
        ("an agent in the background", vec![agent(true)], Kind::CLAUDE_MESSAGE_RESULT),
    ] {
        let sandbox = Sandbox::new().with_api(api.url());
        let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
            "allowed_tools": ["Bash", "Agent"], "include_partial_messages": true});
        let client = Client::connected(&merged(own, patient(json!({}))));
        for prompt in &prompts {
            client.query(prompt).unwrap();
        }
        client.wait_for(what, |record| record.messages.iter().any(|message| message.kind == seen));
        leaves_soon(what, client, "free");
    }
}
