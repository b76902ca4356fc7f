//! A host in C with spares, as it is and under the tools that find memory errors.

use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::json;

fn spares(variant: Variant, more: &[&str]) {
    if variant.is_possible() {
        let fake = FakeClaude::new(json!({}));
        program::run(fake.sandbox(), "spare", variant, &options(&fake, json!({})), more).expect_success();
    }
}

#[test]
fn spares_are_claimed_freed_and_counted() {
    spares(Variant::Plain, &["fork"]);
}

#[test]
fn spares_leave_nothing_that_a_tool_finds() {
    if takes_long() {
        return;
    }
    spares(Variant::Sanitized, &[]);
    spares(Variant::Valgrind, &[]);
}
