//! A host in C with tools, as it is and under the tools that find memory errors.
#![cfg(target_os = "linux")]

use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

fn ask(id: usize, tool: &str) -> Value {
    json!({"ask": {"subtype": "mcp_message", "server_name": "calc", "message": {"jsonrpc": "2.0", "id": id,
        "method": "tools/call", "params": {"name": tool, "arguments": {"n": id}, "_meta": {"progressToken": id}}}},
        "id": format!("c{id}"), "wait": false, "exact": true})
}

fn ends(variant: Variant, end: &str) {
    if !variant.is_possible() {
        return;
    }
    let mut actions: Vec<Value> =
        (0..40).map(|n| ask(n, ["at_once", "later", "dropped", "nothing"][n % 4])).collect();
    if end == "after" {
        actions.extend([json!({"await": "all"}), json!("result")]);
    } else {
        // More than may run at once, so that some wait for their turn when the end comes.
        actions.extend((40..48).map(|n| ask(n, "until")));
        actions.push(json!({"sleep": 60_000}));
    }
    let fake = FakeClaude::new(json!({"on_user": [actions]}));
    let options = options(&fake, json!({"graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300}));
    program::run(fake.sandbox(), "tools", variant, &options, &[end]).expect_success();
}

#[test]
fn a_whole_turn_is_clean() {
    if takes_long() {
        return;
    }
    for variant in [Variant::Plain, Variant::Sanitized, Variant::Valgrind] {
        ends(variant, "after");
    }
}

#[test]
fn an_end_during_calls_is_clean() {
    if takes_long() {
        return;
    }
    for variant in [Variant::Plain, Variant::Sanitized, Variant::Valgrind] {
        ends(variant, "during");
    }
}

#[test]
fn an_end_inside_a_call_is_clean() {
    if takes_long() {
        return;
    }
    for variant in [Variant::Plain, Variant::Sanitized] {
        ends(variant, "inside");
    }
}
