//! PULL mode through the C functions: the lanes, what comes by them, and where they end.
#![cfg(target_os = "linux")]

use crate::common::{alone, scenario};
use serde_json::{Value, json};

fn asking() -> Value {
    json!({"on_user": [["init", {"flood": 50, "bytes": 200}, {"ask": "can_use_tool"}, "result"]]})
}

#[test]
fn a_lane_is_closed_as_soon_as_it_is_complete_and_a_later_disconnect_is_still_told() {
    for how in ["in-one", "in-two", "never-connected"] {
        scenario("dispatch_lanes", &["end", how], asking()).run();
    }
    let refuses = json!({"on_initialize": [{"exit": 3}]});
    scenario("dispatch_lanes", &["end", "failed"], refuses).run();
}

#[test]
fn two_threads_read_a_lane_each() {
    let script = json!({"on_user": [[
        "init", {"ask": "can_use_tool"}, {"flood": 20000, "bytes": 300, "batch": 3000}, "result"
    ]]});
    scenario("dispatch_lanes", &["a-thread-each"], script).run();
}

#[test]
fn a_wake_is_for_all_that_wait() {
    scenario("dispatch_lanes", &["wake-all"], json!({})).run();
}

#[test]
fn a1_messages_that_are_held_back_silence_nothing_else() {
    let script =
        json!({"no_lifecycle": true, "on_user": [["init", {"flood": 100, "bytes": 300, "batch": 60000}]]});
    scenario("dispatch_lanes", &["held-back"], script).run();
}

/// The CLI answers control requests between two pieces of its flood.
#[test]
fn an_interrupt_is_answered_behind_a_reader_that_stopped() {
    let _alone = alone();
    for (bound, bytes) in [(1 << 20, 500), (256 << 10, 500), (4 << 20, 2000)] {
        let message = json!({"type": "assistant", "seq": "{{i}}", "message": "x".repeat(bytes)});
        let script = json!({"on_user": [[
            "init", {"ask": "can_use_tool"}, {"repeat": 20003, "do": [{"send": message}]}, "result"
        ]]});
        let options = json!({"max_queue_bytes": bound});
        let bound = bound.to_string();
        scenario("dispatch_lanes", &["stopped-reader", "20003", &bound], script).options(options).run();
    }
}

#[test]
fn what_is_not_registered_is_refused_without_an_event() {
    for kind in ["can_use_tool", "elicitation"] {
        let script = json!({"on_user": [["init", {"stderr": "a line"}, {"ask": kind}, "result"]]});
        scenario("dispatch_lanes", &["unasked"], script).run();
    }
}

#[test]
fn the_mode_is_chosen_before_anything_is_registered() {
    scenario("dispatch_lanes", &["mode-first"], json!({})).run();
}
