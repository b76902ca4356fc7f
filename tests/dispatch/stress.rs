//! Callbacks against free, replace and disconnect from many threads, plain and under the tools that see late calls.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::common::{With, alone, has, scenario};
use claude_testkit::quick::takes_long;
use serde_json::json;

fn stress(mode: &str, calls: u32, with: With) {
    let _alone = alone();
    // Valgrind is too slow for a flood: the clients live for some ten milliseconds.
    // A sanitizer that makes each of them slow may be content with fewer.
    let most = std::env::var("CLAUDE_TESTS_CALLS").ok().and_then(|most| most.parse().ok());
    let calls = calls.min(most.unwrap_or(calls));
    let (rounds, flood) = if with == With::Valgrind { (10, 20) } else { (100, 200) };
    let script = json!({"on_user": [[
        "init",
        {"repeat": rounds, "do": [
            {"stderr": "a line\n"},
            {"flood": flood, "bytes": 300, "batch": 2000},
            {"ask": "can_use_tool", "wait": false},
        ]},
        "result",
    ]]});
    scenario("dispatch_stress", &[mode, &calls.to_string()], script)
        .options(
            json!({"max_queue_bytes": 1 << 20, "graceful_exit_timeout_ms": 50, "terminate_timeout_ms": 50}),
        )
        .limit(Duration::from_secs(200))
        .with(with)
        .run();
}

#[test]
fn no_callback_comes_late_in_thread_mode() {
    if takes_long() {
        return;
    }
    stress("thread", 100_000, With::Plain);
}

#[test]
fn no_callback_comes_late_in_pump_mode() {
    if takes_long() {
        return;
    }
    stress("pump", 100_000, With::Plain);
}

#[test]
fn no_callback_comes_late_in_inline_mode() {
    if takes_long() {
        return;
    }
    stress("inline", 100_000, With::Plain);
}

#[test]
fn pull_mode_survives_the_same() {
    if takes_long() {
        return;
    }
    stress("pull", 100_000, With::Plain);
}

#[test]
fn the_address_sanitizer_sees_no_late_call() {
    if takes_long() {
        return;
    }
    stress("thread", 100_000, With::AddressSanitizer);
    for mode in ["pump", "inline", "pull"] {
        stress(mode, 20_000, With::AddressSanitizer);
    }
}

#[test]
fn valgrind_sees_no_late_call() {
    if takes_long() {
        return;
    }
    if has("valgrind") {
        stress("thread", 700, With::Valgrind);
    }
}
