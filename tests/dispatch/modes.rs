//! Who runs the callbacks, in which order: the four dispatch modes through the C functions.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::{Value, json};

/// A turn with everything that can be received: deltas, requests of all ways, a withdrawn one, a call of a tool, a line of
/// stderr.
fn full_turn() -> Value {
    json!({"on_user": [[
        "init",
        {"stderr": "a line of stderr\n"},
        {"ask": {"subtype": "hook_callback", "callback_id": "hook_0", "input": {"hook_event_name": "SessionEnd"}}},
        {"ask": {"subtype": "mcp_message", "server_name": "calc", "message": {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "work", "arguments": {}}
        }}},
        {"ask": {"subtype": "can_use_tool", "tool_name": "Read", "input": {}}},
        {"ask": {"subtype": "can_use_tool", "tool_name": "Read", "input": {"file_path": "to be withdrawn"}}, "wait": false},
        // Answered in the lane behind the one that is withdrawn, which the host has received then.
        {"ask": "elicitation"},
        "cancel",
        {"stream": "one two three four", "deltas": 4},
        "result",
    ]]})
}

fn every_callback_in(mode: &str) {
    scenario("dispatch_modes", &[mode], full_turn()).options(json!({"text_deltas": true})).run();
}

#[test]
fn thread_mode_runs_everything_on_callback_threads() {
    every_callback_in("thread");
}

#[test]
fn x1_pump_mode_runs_everything_in_dispatch() {
    every_callback_in("pump");
}

#[test]
fn x1_x2_pull_mode_runs_nothing() {
    every_callback_in("pull");
}

#[test]
fn inline_mode_runs_everything_on_the_reader() {
    every_callback_in("inline");
}

#[test]
fn a_dropped_event_refuses_its_request() {
    let script = json!({"on_user": [["init", {"ask": "can_use_tool"}, "result"]]});
    scenario("dispatch_modes", &["dropped-request"], script).run();
}
