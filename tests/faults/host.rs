//! The library as a guest in somebody else's process: hosts written in C with their own ideas about signals, children
//! and memory, with CLIs that die in the worst moments.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::support::host::Client;
use crate::support::processes::{MARK, assert_gone, marked, new_mark};
use crate::support::program::{self, Variant};
use crate::support::{alone, options};
use claude_testkit::Sandbox;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// The promise is three seconds; a busy machine gets some more.
const SOON: Duration = Duration::from_secs(6);

/// The host sees nothing of the library but its results: also nothing on stdout and stderr.
fn undisturbed(options: &Value, sandbox: &Sandbox, rounds: u32) {
    let ended = program::run(sandbox, "undisturbed", Variant::Plain, options, &[&rounds.to_string()]);
    assert_eq!(ended.expect_success().stdout, "");
}

fn undisturbed_by(script: Value) {
    let fake = FakeClaude::new(script);
    undisturbed(&options(&fake, json!({})), fake.sandbox(), 5);
}

#[test]
fn edge_120_a_session_leaves_the_host_as_it_was() {
    undisturbed_by(json!({}));
}

#[test]
fn u1_u2_edge_120_a_cli_that_dies_before_the_first_write() {
    undisturbed_by(json!({"on_start": [{"exit": 1}]}));
    undisturbed_by(json!({"on_start": ["close_stdin", {"sleep": 100}, {"exit": 1}]}));
}

#[test]
fn edge_120_a_cli_that_dies_when_it_is_ready() {
    undisturbed_by(json!({"on_initialize": ["default", {"exit": 0}]}));
    undisturbed_by(json!({"on_initialize": ["default", {"signal": "KILL"}]}));
}

#[test]
fn u1_u2_edge_120_a_cli_that_dies_between_two_writes() {
    undisturbed_by(json!({"on_user": [["default"], ["init", {"exit": 1}]]}));
    undisturbed_by(json!({"on_control": {"mcp_status": [{"signal": "SEGV"}]}}));
}

#[test]
fn u2_whatever_the_host_does_about_sigpipe_is_what_it_does_afterwards() {
    for way in ["default", "handler", "ignored"] {
        for script in [
            json!({"on_start": ["close_stdin", {"sleep": 100}, {"exit": 1}]}),
            json!({"on_user": [["default"], ["init", {"exit": 1}]]}),
        ] {
            let fake = FakeClaude::new(script);
            let arguments = ["3", way];
            let ended = program::run(
                fake.sandbox(),
                "undisturbed",
                Variant::Plain,
                &options(&fake, json!({})),
                &arguments,
            );
            assert_eq!(ended.expect_success().stdout, "", "{way}");
        }
    }
}

#[test]
fn edge_120_a_cli_that_closes_its_input_and_lives_on() {
    undisturbed_by(json!({"on_user": ["close_stdin", {"text": "deaf"}, {"sleep": 200}, {"exit": 0}]}));
}

#[test]
fn edge_120_programs_that_are_no_cli() {
    let sandbox = Sandbox::new();
    for program in ["/bin/false", "/bin/true", "/nonexistent/claude", "/"] {
        let options = json!({"cli_path": program, "env": sandbox.env_json(), "env_mode": "only"});
        undisturbed(&options, &sandbox, 5);
    }
}

#[test]
fn edge_102_a_stderr_flood_does_not_reach_the_hosts_stderr() {
    undisturbed_by(
        json!({"on_start": [{"stderr_bytes": 200_000}], "on_user": [{"stderr": "oh\n"}, "default"]}),
    );
}

fn reapers(way: &str) {
    let script =
        json!({"on_user": [["default"], ["init", {"stderr": "fatal: the end\n"}, {"signal": "SEGV"}]]});
    let fake = FakeClaude::new(script);
    program::run(fake.sandbox(), "reapers", Variant::Plain, &options(&fake, json!({})), &[way])
        .expect_success();
}

#[test]
fn c8_a_host_that_ignores_sigchld() {
    reapers("ignore");
}

#[test]
fn c8_a_host_that_reaps_everything() {
    reapers("reap");
}

/// A conversation that ends in one of three ways, by the program's second argument.
fn conversation(variant: Variant, end: &str) {
    if !variant.is_possible() {
        return;
    }
    let ask = |tool: &str| json!({"ask": {"subtype": "can_use_tool", "tool_name": tool, "input": {"file_path": "a"}}});
    let script = json!({"on_user": [
        ["init", ask("Write"), ask("Bash"), "result"],
        ["init", {"text": "thinking"}, {"repeat": 100_000, "do": [{"text": "and on"}, {"sleep": 20}]}],
        ["init", {"stderr": "fatal: the end\n"}, {"exit": 1}]]});
    let fake = FakeClaude::new(script);
    let mark = new_mark("conversation");
    let mut options = options(&fake, json!({}));
    options["env"][MARK] = mark.clone().into();
    let ended = program::run(
        fake.sandbox(),
        "conversation",
        variant,
        &options,
        &[end, &format!("{variant:?}").to_lowercase()],
    );
    assert_eq!(ended.expect_success().stdout, "");
    assert_gone(SOON, "after the end of the host", || marked(&mark));
}

#[test]
fn a_whole_conversation_that_is_tidied_up() {
    conversation(Variant::Plain, "tidy");
}

#[test]
fn edge_114_returning_from_main_without_any_clean_up() {
    conversation(Variant::Plain, "leave");
}

#[test]
fn edge_114_exit_inside_a_callback() {
    conversation(Variant::Plain, "exit");
}

#[test]
fn a_whole_conversation_under_address_sanitizer() {
    conversation(Variant::Sanitized, "tidy");
}

#[test]
fn edge_114_returning_from_main_under_address_sanitizer() {
    conversation(Variant::Sanitized, "leave");
}

#[test]
fn a_whole_conversation_under_valgrind() {
    conversation(Variant::Valgrind, "tidy");
}

#[test]
fn edge_114_returning_from_main_under_valgrind() {
    conversation(Variant::Valgrind, "leave");
}

#[test]
fn a_host_that_may_open_no_more_files_loses_no_prompt() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if !alone(module_path!(), "a_host_that_may_open_no_more_files_loses_no_prompt") {
        return;
    }
    let script = json!({"on_initialize": [{"stop_reading": 1500}, "default"], "on_user": ["result"]});
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, json!({})));
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(200), ..before }).unwrap();
    let taken: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    // More than the system takes at once.
    let prompts = ["x", "y"].map(|text| text.repeat(4 << 20));
    prompts.iter().for_each(|prompt| client.query(prompt).unwrap());
    client.receive().unwrap();
    client.receive().unwrap();
    drop(taken);
    setrlimit(Resource::Nofile, before).unwrap();
    let received = fake.log().prompts();
    assert!(received.iter().map(|frame| &frame["message"]["content"]).eq(&prompts), "{}", received.len());
}
