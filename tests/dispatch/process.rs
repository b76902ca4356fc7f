//! What concerns the whole host process: shutdown and starting again, fork, unloading, returning from main.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::common::scenario;
use crate::support::eventually;
use serde_json::{Value, json};

fn flood() -> Value {
    json!({"on_user": [["init", {"flood": 10_000_000, "bytes": 300, "batch": 60000}]]})
}

#[test]
fn x3_shutdown_leaves_no_thread_and_the_library_starts_again() {
    let script = json!({"on_control": {"set_permission_mode": []}});
    scenario("dispatch_process", &["restart", "20"], script).run();
}

#[test]
fn what_is_on_its_way_to_a_reader_when_it_is_told_to_end_is_delivered() {
    for late in ["owed", "owed-late"] {
        scenario("dispatch_process", &[late], json!({})).run();
    }
}

#[test]
fn shutdown_times_out_on_a_callback_that_does_not_return() {
    for mode in ["thread", "inline"] {
        scenario("dispatch_process", &["stuck", mode], json!({})).run();
    }
}

#[test]
fn shutdown_is_refused_inside_a_callback() {
    for mode in ["thread", "pump", "inline"] {
        scenario("dispatch_process", &["in-callback", mode], json!({})).run();
    }
}

#[test]
fn stuck_threads_are_watched_for_after_a_restart() {
    scenario("dispatch_process", &["watched-again"], json!({})).run();
}

#[test]
fn a_forked_copy_is_refused_everything() {
    scenario("dispatch_process", &["fork"], json!({})).run();
}

#[test]
fn a_copy_that_is_forked_while_the_library_starts_is_refused_as_well() {
    scenario("dispatch_process", &["fork-at-start"], json!({})).run();
}

#[test]
fn a_copy_that_is_forked_while_a_callback_thread_lives_behind_a_shutdown_is_refused_as_well() {
    scenario("dispatch_process", &["fork-behind"], json!({})).run();
}

#[test]
fn threads_have_the_hosts_names_and_hooks() {
    scenario("dispatch_process", &["hooks"], json!({})).run();
}

#[test]
fn the_host_chooses_how_many_threads_read_and_how_large_stacks_are() {
    scenario("dispatch_process", &["sized"], json!({})).run();
}

#[test]
fn a_stack_that_is_too_small_for_the_library_is_refused() {
    // The deepest JSON that is read: in a result, whose figures are kept, and in a question.
    let deep = format!("{}{}", "{\"a\":".repeat(120) + "1", "}".repeat(120));
    let result = format!("{{\"type\":\"result\",\"usage\":{deep},\"modelUsage\":{deep}}}\n");
    let question = format!(
        "{{\"type\":\"control_request\",\"request_id\":\"deep\",\"request\":\
         {{\"subtype\":\"can_use_tool\",\"tool_name\":\"X\",\"input\":{deep}}}}}\n"
    );
    let script = json!({"on_user": [["init", {"write": question}, {"write": result}]]});
    scenario("dispatch_process", &["small-stacks"], script).run();
}

#[test]
fn a_callback_thread_that_cannot_be_had_is_had_later() {
    scenario("dispatch_process", &["thread-later"], json!({})).run();
}

#[test]
fn x4_the_library_can_be_unloaded_at_any_time() {
    scenario("dispatch_dlopen", &["shutdown", "100"], json!({})).run();
    scenario("dispatch_dlopen", &["leave", "100"], json!({})).run();
}

#[test]
fn x3_a_plugin_is_reloaded_while_its_session_lives() {
    for mode in ["thread", "pump", "inline"] {
        let turn = json!([
            "init",
            {"repeat": 1_000_000, "do": [
                {"stderr": "a line\n"}, {"flood": 20, "bytes": 300}, {"ask": "can_use_tool", "wait": false}, {"sleep": 1},
            ]},
        ]);
        scenario("dispatch_plugin", &[mode, "200"], json!({"on_user": [turn]})).run();
    }
}

#[test]
fn x4_the_library_and_a_copy_of_it_live_side_by_side() {
    scenario("dispatch_dlopen", &["both"], json!({})).run();
}

#[test]
fn a8_a_host_goes_on_while_a_stubborn_cli_is_closed() {
    for mode in ["thread", "pump"] {
        let script = json!({"on_start": ["ignore_eof", "ignore_term"]});
        scenario("dispatch_process", &["ticking", mode], script)
            .options(json!({"graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200}))
            .run();
    }
}

#[test]
fn returning_from_main_is_enough() {
    for mode in ["thread", "pump", "pull", "inline"] {
        let output = scenario("dispatch_process", &["return", mode], flood()).run();
        let pid = output.lines().find_map(|line| line.strip_prefix("pid ")).expect("the CLI's pid");
        let program = std::path::Path::new("/proc").join(pid).join("exe");
        assert!(eventually(Duration::from_secs(20), || !program.exists()), "the CLI lives on");
    }
}
