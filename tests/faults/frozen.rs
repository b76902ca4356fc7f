//! A host that was stopped past a deadline: what came in time counts, though it is seen late.
#![cfg(target_os = "linux")]

use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// The host is stopped for three seconds from 100 ms on; its deadline is at 1.5 s, and the CLI answers long before that.
fn frozen_while_waiting_for(what: &str, script: Value, more: Value) -> FakeClaude {
    let fake = FakeClaude::new(script);
    let ended = program::run(fake.sandbox(), "frozen", Variant::Plain, &options(&fake, more), &[what]);
    assert!(ended.status.success(), "{what}: {}\n{}\n{}", ended.status, ended.stdout, ended.stderr);
    fake
}

fn late_answer() -> Value {
    json!([{"sleep": 400}, "default"])
}

#[test]
fn a_connect_is_in_time() {
    frozen_while_waiting_for("connect", json!({"on_initialize": late_answer()}), json!({}));
}

#[test]
fn an_interrupted_turn_that_ended_in_time_is_not_ended_by_force() {
    let script = json!({"on_user": [["init", {"sleep": 40_000}, "result"]], "on_control": {"interrupt": late_answer()}});
    frozen_while_waiting_for("interrupt", script, json!({}));
}

#[test]
fn a_reply_is_in_time() {
    let script = json!({"on_control": {"get_context_usage": late_answer()}});
    frozen_while_waiting_for("control", script.clone(), json!({}));
    frozen_while_waiting_for("control-later", script, json!({"control_timeout_ms": 1500}));
}

#[test]
fn a_result_and_an_event_are_in_time() {
    let script = json!({"on_user": [["init", {"sleep": 400}, {"text": "Hi."}, "result"]]});
    frozen_while_waiting_for("receive", script, json!({}));
    let script = json!({"on_user": [[{"sleep": 400}, "init", "result"]], "no_lifecycle": true});
    frozen_while_waiting_for("next", script, json!({}));
}

#[test]
fn a_cli_that_ended_in_time_gets_no_signal() {
    for what in ["disconnect", "free", "shutdown"] {
        let script = json!({"on_eof": [{"sleep": 400}, {"exit": 0}], "on_term": [{"exit": 99}]});
        let graces = json!({"graceful_exit_timeout_ms": 1500, "terminate_timeout_ms": 1500});
        let fake = frozen_while_waiting_for(what, script, graces);
        assert_eq!(fake.log().exit_code(), Some(0), "{what}");
    }
}
