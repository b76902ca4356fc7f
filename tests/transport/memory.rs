//! A transport of the host's, written in C, under tools that find memory errors.
#![cfg(unix)]

use crate::support::program::{Variant, run};
use claude_testkit::Sandbox;
use serde_json::json;

fn ends_well(variant: Variant) {
    if variant.is_possible() {
        let ended = run(&Sandbox::new(), "transport_host", variant, &json!({}), &[]).expect_success();
        assert_eq!(ended.stdout, "done\n");
    }
}

#[test]
fn a_transport_in_c_ends_well() {
    ends_well(Variant::Plain);
}

#[test]
fn a_transport_in_c_makes_no_memory_error() {
    ends_well(Variant::Sanitized);
}

#[test]
fn a_transport_in_c_makes_no_memory_error_that_valgrind_sees() {
    ends_well(Variant::Valgrind);
}
