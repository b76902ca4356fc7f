//! What orders a callback and the host's own threads. `make tsan` runs both: it must find the race in the one that leaves the
//! order to chance, and nothing in the other.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use serde_json::json;

fn conversation(order: &str) {
    scenario("planted_race", &[order], json!({"on_user": [["init", "result"]]})).run();
}

#[test]
fn what_a_callback_has_written_can_be_read_behind_receive_response() {
    conversation("ordered");
}

#[test]
fn without_a_call_in_between_a_host_sees_a_callback_by_chance() {
    conversation("raced");
}
