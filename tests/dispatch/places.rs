//! Where functions that wait are refused: in every place that others wait for.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::json;

#[test]
fn x5_a_function_that_waits_is_refused_wherever_it_would_hold_up_the_library() {
    let turn = json!({"on_user": [["init", {"stderr": "a line\n"}, {"ask": "can_use_tool"}, "result"]]});
    let quick = json!({"graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200});
    let places = [
        ("message", "inline"),
        ("message", "thread"),
        ("request", "inline"),
        ("request", "thread"),
        ("stderr", "inline"),
        ("stderr", "thread"),
        ("closed", "inline"),
        ("closed", "thread"),
        ("wakeup", "pump"),
        ("wakeup", "pull"),
        ("log", "thread"),
        ("log-library", "inline"),
        ("thread-start", "thread"),
        ("thread-stop", "thread"),
        ("transport-connect", "thread"),
        ("transport-write", "thread"),
        ("transport-close", "thread"),
        ("prompt", "thread"),
        ("prompt", "inline"),
        ("destroy", "thread"),
    ];
    for (place, mode) in places {
        scenario("dispatch_places", &[place, mode], turn.clone()).options(quick.clone()).run();
    }
}
