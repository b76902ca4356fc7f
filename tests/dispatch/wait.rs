//! Waiting for what the dispatch modes deliver: wake-ups, several threads, results, and clients that are freed meanwhile.
#![cfg(target_os = "linux")]

use crate::common::{alone, scenario};
use serde_json::{Value, json};

/// A turn of 100 lines and more in one write.
fn block() -> Value {
    json!({"no_lifecycle": true, "on_user": [[{"flood": 100, "bytes": 300, "batch": 60000}, "result"]]})
}

#[test]
fn the_descriptor_is_readable_while_something_is_queued() {
    for mode in ["pump", "pull"] {
        scenario("dispatch_wait", &["descriptor", mode], block()).run();
    }
}

#[test]
fn a_wakeup_function_hears_of_what_waits_already() {
    let turn = json!({"no_lifecycle": true, "on_user": [[
        {"flood": 100, "bytes": 300, "batch": 60000}, "result", {"flood": 100, "bytes": 300, "batch": 60000}, "result",
        {"flood": 1}
    ]]});
    for mode in ["pump", "pull"] {
        scenario("dispatch_wait", &["told-late", mode], turn.clone()).run();
    }
}

#[test]
fn several_threads_share_the_events() {
    let script = json!({"on_user": [["init", {"flood": 20000, "bytes": 300, "batch": 3000}, "result"]]});
    scenario("dispatch_wait", &["several"], script).run();
}

#[test]
fn a_level_triggered_loop_misses_nothing() {
    let script = json!({"no_lifecycle": true, "on_user": [["init", {"flood": 3000, "bytes": 300, "batch": 3000}, "result"]]});
    scenario("dispatch_wait", &["epoll"], script).run();
}

#[test]
fn wake_ends_a_wait() {
    scenario("dispatch_wait", &["wake"], json!({})).run();
}

/// No operation ends by itself, and the CLI takes its time to go.
fn silent() -> Value {
    json!({"on_control": {"set_permission_mode": []}, "on_eof": [{"sleep": 300}, {"exit": 0}]})
}

#[test]
fn waiting_threads_return_when_their_client_is_freed() {
    for (what, mode) in [
        ("next", "pull"),
        ("dispatch", "pump"),
        ("receive_response", "thread"),
        ("receive_response", "pump"),
        ("receive_response", "inline"),
        ("control_wait", "thread"),
        ("disconnect_wait", "thread"),
    ] {
        scenario("dispatch_wait", &["freed", what, mode], silent()).run();
        scenario("dispatch_wait", &["shut-down", what, mode], silent()).run();
    }
    for action in ["freed", "shut-down"] {
        scenario("dispatch_wait", &[action, "connect_wait", "thread"], json!({"on_initialize": []})).run();
    }
}

#[test]
fn waiting_threads_return_when_their_client_is_disconnected_instead_of_connected() {
    for (what, mode) in
        [("next", "pull"), ("dispatch", "pump"), ("receive_response", "thread"), ("receive_response", "pump")]
    {
        scenario("dispatch_wait", &["never-connected", what, mode], json!({})).run();
    }
}

#[test]
fn results_are_counted() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_wait", &["counted", mode], json!({})).run();
    }
}

#[test]
fn waiting_for_a_result_beside_a_dispatch_does_not_spin() {
    let _alone = alone();
    scenario("dispatch_wait", &["busy-pump"], json!({})).run();
}

#[test]
fn a_dispatch_behind_the_end_does_not_wait() {
    scenario("dispatch_wait", &["after-the-end"], json!({})).run();
}

#[test]
fn a_refused_operation_is_not_told_again() {
    scenario("dispatch_wait", &["refused"], json!({})).run();
}
