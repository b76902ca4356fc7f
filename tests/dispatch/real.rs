//! A conversation of a program in C with the real CLI, on each system that the programs run on.
#![cfg(target_os = "linux")]

use std::path::Path;

use crate::common::scenario;
use crate::support::toolchain;
use claude_testkit::Loopback;
use claude_testkit::locate::real_cli_or_skip;
use serde_json::json;

/// A path as the system of the programs has it: Wine shows the whole disk as a drive.
fn native(path: &Path) -> String {
    let path = path.display().to_string();
    match toolchain::windows() {
        Some(_) => format!("Z:{}", path.replace('/', "\\")),
        None => path,
    }
}

#[test]
fn an_answer_a_tool_a_permission_and_an_interrupt() {
    let Some(cli) = real_cli_or_skip("an_answer_a_tool_a_permission_and_an_interrupt") else { return };
    let api = Loopback::start();
    let scenario = scenario("dispatch_real", &["conversation"], json!({}));
    let sandbox = scenario.fake.sandbox();
    let (home, tmp) = (native(&sandbox.home()), native(&sandbox.tmp()));
    let mut env = json!({"ANTHROPIC_BASE_URL": api.url(), "ENABLE_TOOL_SEARCH": "false"});
    if toolchain::windows().is_some() {
        for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            env[name] = json!(home);
        }
        for name in ["TEMP", "TMP", "TMPDIR", "CLAUDE_CODE_TMPDIR"] {
            env[name] = json!(tmp);
        }
    }
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
