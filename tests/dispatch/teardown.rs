//! Freeing and replacing: no late callback, every destroy-notify exactly once, whoever does it from wherever.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::{Value, json};

/// Turns with all kinds of things, one request that stays open and one that is withdrawn.
fn lively() -> Value {
    json!({
        "on_user": [[
            "init",
            {"stderr": "a line of stderr\n"},
            {"ask": "can_use_tool", "wait": false},
            // Answered in the lane behind the one that is withdrawn later.
            {"ask": {"subtype": "hook_callback", "callback_id": "hook_0", "input": {"hook_event_name": "SessionEnd"}}},
            {"stream": "one two three four five six seven eight", "deltas": 8},
            {"flood": 300, "bytes": 300, "batch": 1000},
            {"sleep": 20},
            "cancel",
            "result",
        ]],
    })
}

/// As [`lively`], with requests that stay open and operations that get no answer.
fn open_ended() -> Value {
    json!({
        "on_user": [["init", {"ask": "can_use_tool", "wait": false}, {"repeat": 500, "do": [{"flood": 5, "bytes": 300}, {"sleep": 1}]}, "result"]],
        "on_control": {"set_permission_mode": []},
    })
}

fn freed_inside(mode: &str, callbacks: &[&str]) {
    for callback in callbacks {
        scenario("dispatch_teardown", &["inside", mode, callback], lively())
            .options(json!({"text_deltas": true}))
            .run();
    }
}

const CALLBACKS: [&str; 11] = [
    "message",
    "request",
    "hook",
    "permission",
    "stderr",
    "closed",
    "done",
    "prompt",
    "cancel",
    "destroy",
    "log",
];

#[test]
fn i4_free_inside_any_callback_in_thread_mode() {
    freed_inside("thread", &CALLBACKS);
}

#[test]
fn i4_free_inside_any_callback_in_pump_mode() {
    freed_inside("pump", &CALLBACKS);
    freed_inside("pump", &["wakeup"]);
}

#[test]
fn free_inside_the_wakeup_function_in_pull_mode() {
    freed_inside("pull", &["wakeup"]);
}

#[test]
fn i4_free_inside_any_callback_in_inline_mode() {
    freed_inside("inline", &CALLBACKS);
}

#[test]
fn free_from_another_thread_while_callbacks_run() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_teardown", &["outside", mode], open_ended()).run();
    }
}

#[test]
fn a_handler_that_waits_for_its_cancellation_is_told() {
    let script = json!({"on_user": [["init", {"ask": "can_use_tool", "wait": false}, {"sleep": 200}, "cancel", "result"]]});
    scenario("dispatch_teardown", &["cancel-in-thread"], script).run();
    let script = json!({"on_user": [["init", {"ask": "can_use_tool"}, "result"]]});
    scenario("dispatch_teardown", &["cancel-wakes"], script).run();
}

#[test]
fn an_end_that_does_not_come_in_time_is_told_before_the_free_returns() {
    scenario("dispatch_teardown", &["unreachable-end"], json!({}))
        .options(json!({"graceful_exit_timeout_ms": 0, "terminate_timeout_ms": 0}))
        .run();
}

#[test]
fn a_client_is_freed_in_another_clients_callback() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_teardown", &["two", mode], json!({})).run();
    }
}

#[test]
fn replacing_waits_for_a_running_call() {
    for mode in ["thread", "pump", "inline"] {
        let script = json!({"on_user": [["init", {"flood": 300, "bytes": 300, "batch": 1000}, "result"]]});
        scenario("dispatch_teardown", &["replace", mode], script).run();
    }
}

#[test]
fn replacing_waits_for_one_call_and_not_for_the_backlog() {
    for mode in ["thread", "pump"] {
        let script = json!({"on_user": [["init", {"flood": 2000, "bytes": 300, "batch": 60000}, "result"]]});
        scenario("dispatch_teardown", &["replace-in-a-backlog", mode], script).run();
    }
}

const REPLACED: [&str; 7] = ["message", "stderr", "closed", "ready", "request", "permission", "transport"];

#[test]
fn a_free_waits_for_the_destroy_of_a_callback_that_another_thread_replaces() {
    for what in REPLACED {
        scenario("dispatch_replaced", &["meanwhile", what], json!({})).run();
    }
}

#[test]
fn a_callback_that_is_replaced_may_free_the_client_in_its_destroy() {
    for what in REPLACED {
        scenario("dispatch_replaced", &["by-it", what], json!({})).run();
    }
}
