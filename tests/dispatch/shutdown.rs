//! A shutdown of the library that meets something else.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::{Value, json};

/// Takes all the time that it is given.
fn stubborn() -> Value {
    json!({"on_start": ["ignore_eof", "ignore_term"]})
}

#[test]
fn a_conversation_in_one_call_ends_with_the_library() {
    // Its input ends at once: it must not end by itself before the library does.
    let waits = json!({"on_start": ["ignore_eof"], "on_user": [["init"]]});
    scenario("dispatch_shutdown", &["once"], waits).options(json!({"graceful_exit_timeout_ms": 500})).run();
}

#[test]
fn no_session_begins_while_the_library_ends() {
    scenario("dispatch_shutdown", &["late-connect"], stubborn())
        .options(json!({"graceful_exit_timeout_ms": 1500, "terminate_timeout_ms": 1500}))
        .run();
}

#[test]
fn a_free_does_not_wait_for_threads_that_have_ended() {
    // It ends by SIGTERM; the bound of a free leaves half a minute for that.
    scenario("dispatch_shutdown", &["free"], json!({"on_start": ["ignore_eof"]}))
        .options(json!({"graceful_exit_timeout_ms": 3000, "terminate_timeout_ms": 30_000}))
        .run();
}

#[test]
fn what_nobody_receives_does_not_hold_the_library_up() {
    for mode in ["pump", "pull"] {
        let script = json!({"on_user": [["init", {"flood": 10_000_000, "bytes": 300, "batch": 60000}]]});
        scenario("dispatch_shutdown", &["unread", mode], script)
            .options(json!({"max_queue_bytes": 1 << 20, "graceful_exit_timeout_ms": 500, "terminate_timeout_ms": 500}))
            .run();
    }
}

#[test]
fn a_connect_ends_whenever_the_library_does() {
    scenario("dispatch_shutdown", &["race", "400"], json!({})).run();
}
