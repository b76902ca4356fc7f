//! Stuck callbacks, frame budgets, many clients and a consumer that stops, through the C functions.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::common::{alone, scenario};
use claude_testkit::patience::grown;
use claude_testkit::quick::takes_long;
use serde_json::json;

#[test]
fn a1_a_request_reaches_a_host_whose_message_callback_is_stuck() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let script = json!({"on_user": [["init", {"flood": 20000, "bytes": 300, "batch": 60000}, {"ask": "can_use_tool"}, "result"]]});
    scenario("dispatch_load", &["stuck-messages"], script).run();
}

#[test]
fn messages_and_completions_reach_a_host_whose_request_handler_is_stuck() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let script = json!({"on_user": [[
        "init", {"ask": "can_use_tool", "wait": false}, {"flood": 20000, "bytes": 300, "batch": 60000}, "result"
    ]]});
    scenario("dispatch_load", &["stuck-requests"], script).run();
}

#[test]
fn x1_a_frame_budget_is_kept_in_a_burst() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let script = json!({"on_user": [["init", {"flood": 10000, "bytes": 400, "batch": 60000}, "result"]]});
    scenario("dispatch_load", &["frames"], script).run();
}

#[test]
fn a_frame_budget_is_kept_while_messages_and_a_request_come() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let flood = json!({"flood": 5000, "bytes": 400, "batch": 60000});
    let script = json!({"on_user": [["init", flood.clone(), {"ask": "can_use_tool"}, flood, "result"]]});
    scenario("dispatch_load", &["frames-as-it-comes"], script).run();
}

#[test]
fn an_event_budget_is_exact() {
    if takes_long() {
        return;
    }
    let script = json!({"on_user": [["init", {"stream": "a b c d e f g h i j", "deltas": 10}, "result"]]});
    scenario("dispatch_load", &["event-budget"], script).options(json!({"text_deltas": true})).run();
}

#[test]
fn an_endless_prompt_stream_leaves_room_for_messages() {
    if takes_long() {
        return;
    }
    scenario("dispatch_load", &["endless-stream"], json!({})).run();
}

#[test]
fn a_prompt_stream_waits_for_a_cli_that_does_not_read() {
    if takes_long() {
        return;
    }
    // The first prompt is read; what follows fills the pipe, then the queue.
    let script = |pause: u128| json!({"on_user": [[{"stop_reading": pause}, "default"], ["default"]]});
    let pause = grown(Duration::from_secs(3)).as_millis();
    scenario("dispatch_load", &["held-stream", "again"], script(pause)).run();
    let quick = json!({"graceful_exit_timeout_ms": 100, "terminate_timeout_ms": 100});
    scenario("dispatch_load", &["held-stream", "never"], script(600_000)).options(quick).run();
}

#[test]
fn i7_five_hundred_idle_clients_need_a_handful_of_threads() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    scenario("dispatch_load", &["many-idle", "500"], json!({})).limit(Duration::from_secs(200)).run();
}

#[test]
fn i3_a_blocked_callback_delays_no_other_client() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    for count in ["1", "2", "10", "100"] {
        scenario("dispatch_load", &["blocked", count], json!({})).run();
    }
}

/// A consumer that stops for three seconds. 200 bytes each: what an entry costs beside its text counts as well. `batch` 0
/// is one write for each line.
fn bounded(mode: &str, messages: u32, bytes: u32, batch: u32) {
    let _alone = alone();
    stopped_for(3, 16, mode, messages, bytes, batch);
}

fn stopped_for(seconds: u32, mebibytes: u32, mode: &str, messages: u32, bytes: u32, batch: u32) {
    let script = json!({
        // In pieces, between which the stand-in answers control requests.
        "on_user": [["init", {"repeat": messages / 1000, "do": [{"flood": 1000, "bytes": bytes, "batch": batch}]}, "result"]],
    });
    let [count, bound, pause] = [messages, mebibytes, seconds].map(|number| number.to_string());
    let options = if mebibytes == 64 { json!({}) } else { json!({"max_queue_bytes": mebibytes << 20}) };
    scenario("dispatch_load", &["bounded", mode, &count, &bound, &pause], script)
        .options(options)
        .limit(Duration::from_secs(150))
        .run();
}

/// With the default bound; beside the other tests, since most of it is waiting.
#[test]
fn a_consumer_may_stop_for_a_minute() {
    if takes_long() {
        return;
    }
    stopped_for(60, 64, "thread", 600_000, 200, 60_000);
}

#[test]
fn memory_is_bounded_in_thread_mode() {
    if takes_long() {
        return;
    }
    bounded("thread", 600_000, 200, 60_000);
}

#[test]
fn memory_is_bounded_in_pump_mode() {
    if takes_long() {
        return;
    }
    bounded("pump", 600_000, 200, 60_000);
}

#[test]
fn memory_is_bounded_in_pull_mode() {
    if takes_long() {
        return;
    }
    bounded("pull", 600_000, 200, 60_000);
}

#[test]
fn memory_is_bounded_when_lines_come_singly() {
    if takes_long() {
        return;
    }
    bounded("thread", 300_000, 100, 0);
}

#[test]
fn single_lines_do_not_keep_their_read_buffers() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let script = json!({
        "on_user": [["init", {"repeat": 4000, "do": [{"flood": 1, "bytes": 100}, {"sleep": 1}]}, "result"]],
    });
    scenario("dispatch_load", &["paced", "4000"], script).run();
}
