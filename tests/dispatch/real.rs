//! A conversation of a program in C with the real CLI, on each system that the programs run on.
#![cfg(target_os = "linux")]

use crate::common::scenario;
use crate::support::merged;
use crate::support::toolchain::{home, native};
use claude_testkit::Loopback;
use claude_testkit::locate::real_cli_or_skip;
use serde_json::json;

#[test]
fn an_answer_a_tool_a_permission_and_an_interrupt() {
    let Some(cli) = real_cli_or_skip("an_answer_a_tool_a_permission_and_an_interrupt") else { return };
    let api = Loopback::start();
    let scenario = scenario("dispatch_real", &["conversation"], json!({}));
    let sandbox = scenario.fake.sandbox();
    let env = merged(home(sandbox), json!({"ANTHROPIC_BASE_URL": api.url(), "ENABLE_TOOL_SEARCH": "false"}));
    let note = sandbox.work().join("note.txt");
    let options = json!({
        "cli_path": native(&cli), "cwd": native(&sandbox.work()), "allowed_tools": ["mcp__calc"],
        "include_partial_messages": true, "env": env,
        // A private file, which the CLI must be able to read; nobody answers at the address.
        "mcp_servers": {"silent": {"type": "http", "url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": "Bearer x"}}},
        "mcp_servers_delivery": "file",
    });
    let printed = scenario.options(options).variable("NOTE", &native(&note)).run();
    assert_eq!(printed.trim(), "a whole conversation");
    assert!(
        api.messages().iter().any(|request| request.body.to_string().contains("42")),
        "the tool's answer"
    );
}
