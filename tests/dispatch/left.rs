//! Callbacks that do not return: left by a jump, by an exception, or with the end of their thread.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::{Value, json};

fn turn() -> Value {
    json!({"on_user": [["init", {"stderr": "a line\n"}, {"ask": "can_use_tool"}, "result"]]})
}

fn call_of_tool() -> Value {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "work", "arguments": {}}});
    json!({"subtype": "mcp_message", "server_name": "calc", "message": call})
}

/// The result comes while the call is open.
fn turn_with_tool() -> Value {
    json!({"on_user": [["init", {"ask": call_of_tool(), "wait": false}, "result"]]})
}

#[test]
fn l2_a_callback_that_is_left_by_a_jump_counts_as_ended_and_everything_goes_on() {
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
fn a_client_that_is_freed_inside_or_beside_a_callback_that_is_then_left_is_destroyed_by_the_next_call() {
    for what in ["freed-inside", "freed-beside"] {
        scenario("dispatch_left", &[what], turn()).run();
    }
}

#[test]
fn the_end_of_the_session_counts_as_told_when_its_callback_was_left() {
    for call in ["dispatch", "receive_response"] {
        scenario("dispatch_left", &["closed", call], turn()).run();
    }
}

#[test]
fn a_client_that_was_never_connected_is_freed_after_a_callback_was_left() {
    scenario("dispatch_left", &["unconnected"], turn()).run();
}

#[test]
fn what_the_end_has_to_do_is_done_though_the_ready_function_was_left() {
    scenario("dispatch_left", &["ready"], turn()).run();
}

#[test]
fn an_event_loop_is_told_of_what_a_left_callback_had_before_it() {
    let script = json!({"on_user": [["init", {"flood": 3000, "bytes": 300, "batch": 30000}, "result"]]});
    scenario("dispatch_left", &["told-of-rest"], script).run();
}

#[test]
fn a_tool_that_was_left_lives_as_long_as_its_server_and_not_as_long_as_the_client_that_called_it() {
    for end in ["removed", "freed"] {
        let script = json!({"on_user": [["init", {"ask": call_of_tool()}, "result"]]});
        scenario("dispatch_left", &["shared-tool", end], script).run();
    }
}

#[test]
fn of_callbacks_that_are_left_at_once_each_is_destroyed_with_its_own_registration() {
    for first in ["inner-first", "outer-first"] {
        scenario("dispatch_left", &["out-of-both", first], turn()).run();
    }
    for how in ["log-ends-first", "log-ends-last"] {
        scenario("dispatch_left", &[how], turn_with_tool()).run();
    }
}

#[test]
fn a_callback_that_was_jumped_into_ends_what_it_left_when_it_returns() {
    scenario("dispatch_left", &["jumped-into"], turn()).run();
}

#[test]
fn of_messages_that_came_together_one_callback_is_jumped_into_and_another_is_left() {
    let script = json!({"on_user": [["init", {"flood": 3000, "bytes": 300, "batch": 30000}, "result"]]});
    scenario("dispatch_left", &["jumped-into-then-left"], script).run();
}

#[test]
fn a_thread_may_wait_again_behind_a_log_callback_that_was_left_for_a_callback() {
    scenario("dispatch_left", &["log-to-callback"], turn_with_tool()).run();
}

#[test]
fn l2_an_unwinding_out_of_a_callback_ends_the_process_with_words_that_name_the_callback() {
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
fn l2_a_callback_that_catches_what_it_throws_is_called_again() {
    for place in ["message", "request", "stderr"] {
        for mode in ["thread", "pump", "inline"] {
            scenario("dispatch_unwound", &["catch", place, mode], turn()).run();
        }
    }
}

#[test]
fn a_thread_that_is_cancelled_leaves_the_library_first() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_unwound", &["cancel", "wait", mode], turn()).run();
        scenario("dispatch_unwound", &["cancel", "request", "thread"], turn()).run();
    }
}

#[test]
fn a_thread_that_is_cancelled_receives_its_events_first() {
    let script = json!({"on_user": [["init", {"flood": 3000, "bytes": 300, "batch": 30000}, "result"]]});
    for end in ["disconnect", "free"] {
        let small = json!({"max_queue_bytes": 50_000});
        scenario("dispatch_unwound", &["cancel", end, "pull"], script.clone()).options(small).run();
    }
}

#[test]
fn the_first_call_of_a_thread_that_is_cancelled_is_made_to_its_end() {
    for call in ["next", "dead-client", "dead-event", "wrong-mode"] {
        scenario("dispatch_cancelled_first", &[call], json!({"on_start": [{"exit": 1}]})).run();
    }
}

#[test]
fn a_client_that_is_freed_after_a_callback_was_left_keeps_no_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = json!({"record": folder.path().join("record.ndjson").display().to_string()});
    for place in ["message", "request", "closed", "done", "prompt"] {
        for options in [json!({}), recorded.clone()] {
            scenario("dispatch_left_behind", &[place], turn()).options(options).run();
        }
    }
    // A record that another conversation was made with: connecting fails.
    let replayed = json!({"replay": concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/session.ndjson")});
    for place in ["closed", "done"] {
        scenario("dispatch_left_behind", &[place], json!({})).options(replayed.clone()).run();
    }
}
