//! Callbacks that do not return: left by a jump, by an exception, or with the end of their thread.
#![cfg(target_os = "linux")]

mod dispatch_support;

use dispatch_support::scenario;
use serde_json::{Value, json};

fn turn() -> Value {
    json!({"on_user": [["init", {"stderr": "a line\n"}, {"ask": "can_use_tool"}, "result"]]})
}

#[test]
fn a_callback_that_is_left_by_a_jump_counts_as_ended_and_everything_goes_on() {
    for place in ["message", "request", "stderr", "done", "prompt"] {
        for call in ["dispatch", "receive_response"] {
            for end in ["free", "thread", "shutdown"] {
                scenario("dispatch_left", &["go-on", place, call, end], turn()).run();
            }
        }
    }
}

#[test]
fn behind_a_callback_that_was_left_no_message_is_lost_or_told_twice() {
    let script = json!({"on_user": [["init", {"flood": 3000, "bytes": 300, "batch": 30000}, "result"]]});
    scenario("dispatch_left", &["flood"], script).run();
}

#[test]
fn a_client_is_freed_after_a_callback_was_left() {
    for what in ["freed", "another-client", "nested", "log", "destroy"] {
        scenario("dispatch_left", &[what], turn()).run();
    }
}

#[test]
fn an_unwinding_out_of_a_callback_ends_the_process_with_words_that_name_the_callback() {
    for how in ["throw", "exit"] {
        for mode in ["thread", "pump", "inline"] {
            for (place, name) in [
                ("message", "the callback on_message"),
                ("request", "a request callback"),
                ("destroy", "a destroy function"),
            ] {
                let said = scenario("dispatch_unwound", &[how, place, mode], turn()).run_aborted();
                assert!(
                    said.contains(&format!("{name} was left by an exception")),
                    "{how} {place} {mode}: {said}"
                );
                assert!(said.contains("must return normally"), "{said}");
            }
        }
        let said = scenario("dispatch_unwound", &[how, "log", "thread"], turn()).run_aborted();
        assert!(said.contains("the log callback was left"), "{said}");
    }
}

#[test]
fn a_thread_that_is_cancelled_leaves_the_library_first() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_unwound", &["cancel", "wait", mode], turn()).run();
        scenario("dispatch_unwound", &["cancel", "request", "thread"], turn()).run();
    }
}
