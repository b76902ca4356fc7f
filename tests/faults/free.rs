//! Freeing a client inside its own callbacks and beside them: each destroy-notify runs exactly once, and nothing after.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::support::options;
use crate::support::processes::{MARK, assert_gone, marked, new_mark};
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

// A request that ended before its callback could run is not delivered, so the end waits for the answer.
fn script() -> Value {
    json!({"on_control": {"never": [], "echo": [{"respond": {}}]}, "on_user": [
        "init", {"stderr": "a line\nanother\n"}, {"flood": 200, "bytes": 300, "batch": 5000},
        {"ask": {"subtype": "can_use_tool"}, "wait": false}, {"flood": 200, "bytes": 300}, "result", {"await": "all"}, {"exit": 0}]})
}

/// At one place in the life of a client, in the plain program and under the sanitizers.
fn freed_in(place: &str) {
    freed_under(&[Variant::Plain, Variant::Sanitized], place);
}

fn freed_under(variants: &[Variant], place: &str) {
    for variant in variants.iter().copied() {
        if !variant.is_possible() {
            continue;
        }
        let fake = FakeClaude::new(script());
        let mark = new_mark("free");
        let mut options = options(&fake, json!({"graceful_exit_timeout_ms": 2000}));
        options["env"][MARK] = mark.clone().into();
        program::run(fake.sandbox(), "free_inside", variant, &options, &[place]).expect_success();
        assert_gone(Duration::ZERO, "after free", || marked(&mark));
    }
}

#[test]
fn i4_edge_111_inside_a_message_callback() {
    freed_in("message");
}

#[test]
fn i4_edge_111_inside_a_completion_callback() {
    freed_in("done");
}

#[test]
fn i4_edge_111_inside_a_stderr_callback() {
    freed_in("stderr");
}

#[test]
fn i4_edge_111_inside_a_request_callback() {
    freed_in("request");
}

#[test]
fn i4_edge_111_inside_the_closed_callback() {
    freed_in("closed");
}

#[test]
fn edge_112_on_another_thread_while_callbacks_run() {
    freed_in("thread");
}

#[test]
fn edge_111_inside_a_message_callback_under_valgrind() {
    freed_under(&[Variant::Valgrind], "message");
}

#[test]
fn edge_112_on_another_thread_under_valgrind() {
    freed_under(&[Variant::Valgrind], "thread");
}
