//! JSON in the hands of plain C, and on small stacks: none of the library's functions may need more of one because JSON is
//! nested.
#![cfg(target_os = "linux")]

use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::Sandbox;
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::json;

/// What docs/embedding.md promises. The library that tests use is not optimised, and takes some times as much.
const STACK: usize = if cfg!(debug_assertions) { 320 * 1024 } else { 64 * 1024 };

fn at_depth(depth: usize) {
    let deep = format!("{}1{}", "[".repeat(depth.min(10_000)), "]".repeat(depth.min(10_000)));
    let message = format!("{{\"type\":\"assistant\",\"deep\":{deep}}}\n");
    let fake = FakeClaude::new(json!({"on_user": [["init", {"write": message}, "result"]]}));
    let of_process = options(&fake, json!({"validate_json": true}));
    let in_memory = json!({"validate_json": true, "text_deltas": true});
    let args = [&*depth.to_string(), &*STACK.to_string(), &*of_process.to_string()];
    program::run(fake.sandbox(), "small_stack", Variant::Plain, &in_memory, &args).expect_success();
}

#[test]
fn flat_json_needs_no_more_stack_than_is_documented() {
    at_depth(0);
}

#[test]
fn json_about_as_deep_as_a_tree_may_be_needs_no_more_stack_than_is_documented() {
    if takes_long() {
        return;
    }
    for depth in [95, 96, 97, 98, 99, 100, 120, 127, 128] {
        at_depth(depth);
    }
}

#[test]
fn json_deeper_than_any_tree_needs_no_more_stack_than_is_documented() {
    if takes_long() {
        return;
    }
    at_depth(10_000);
    at_depth(1_000_000);
}

#[test]
fn plain_c_reads_and_writes_json_and_is_told_what_it_does_wrong() {
    for variant in [Variant::Plain, Variant::Sanitized] {
        if variant.is_possible() {
            program::run(&Sandbox::new(), "json", variant, &json!({}), &[]).expect_success();
        }
    }
}
