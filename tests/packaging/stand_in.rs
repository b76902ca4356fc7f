//! Every program of `examples-c/` beside the stand-in CLI, on each system that the programs run on: `make test-windows` runs them
//! there, but for `epoll`, which is for Linux.
#![cfg(unix)]

use crate::support::examples::{Ended, Stage, assert_order, names};
use crate::support::toolchain::{native, stand_in};
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

fn stage(script: &Value) -> Stage {
    let mut stage = Stage::with_cli(stand_in());
    stage.sandbox = stage.sandbox.with_env("FAKE_CLAUDE", script.to_string());
    stage
}

fn succeeded(example: &str, ended: Ended) -> String {
    assert!(ended.status.success() && ended.stderr.is_empty(), "{example}: {ended:#?}");
    ended.stdout
}

/// Runs an example while the stand-in plays the script; what it prints holds these parts in this order.
fn plays(example: &str, script: Value, arguments: &[&str], input: &str, parts: &[&str]) {
    let ended = stage(&script).run(example, arguments, input);
    assert_order(&succeeded(example, ended), parts);
}

/// As [`plays`], with a stand-in that answers with each prompt.
fn echoes(example: &str, input: &str, parts: &[&str]) {
    plays(example, json!({}), &[], input, parts);
}

fn asks(request: Value) -> Value {
    json!({"on_user": ["init", {"ask": request}, "result"]})
}

fn streams() -> Value {
    json!({"on_user": ["init", {"stream": "{{prompt}}", "deltas": 3}, "result"]})
}

fn wants(tool: &str) -> Value {
    asks(json!({"subtype": "can_use_tool", "tool_name": tool, "input": {"file_path": "hello.txt"}}))
}

/// The examples that the tests below run.
const RUN: [&str; 28] = [
    "approve_later",
    "assistant",
    "basic_session",
    "chat",
    "claude_probe",
    "collect_messages",
    "custom_transport",
    "epoll",
    "error_handling",
    "hooks",
    "interrupt",
    "manual_connection",
    "many_clients",
    "multi_turn",
    "permission_dialog",
    "permission_mode",
    "prompt_stream",
    "pull",
    "pump_loop",
    "replay_test",
    "server_info",
    "sessions",
    "start_at_once",
    "store",
    "streaming",
    "switch_model",
    "tools",
    "with_options",
];

#[test]
fn none_is_left_out() {
    let missing: Vec<_> = names().into_iter().filter(|name| !RUN.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?} have no test here");
}

#[test]
fn basic_session() {
    echoes("basic_session", "", &["Claude: What is the capital of France?\n"]);
}

#[test]
fn streaming() {
    plays("streaming", streams(), &[], "One two three\nFour\n", &["One two three", "Four"]);
}

#[test]
fn multi_turn() {
    echoes("multi_turn", "", &["You: My favourite", "Claude: My favourite", "Claude: Which colour"]);
}

#[test]
fn with_options() {
    echoes("with_options", "", &["Claude: Where is the treasure?\n", "refused: ", "max_turns"]);
}

#[test]
fn interrupt() {
    let script = json!({"on_user": [
        ["init", {"stream": "1 2 3", "deltas": 3}, {"sleep": 600_000}, "result"], ["default"]]});
    let parts = ["Interrupting.", "The turn ended: error_during_execution", "Claude: Never mind."];
    plays("interrupt", script, &[], "", &parts);
}

#[test]
fn permission_mode() {
    echoes("permission_mode", "", &["Claude: Create the file", "Now with acceptEdits.", "Claude: Create"]);
}

#[test]
fn switch_model() {
    echoes("switch_model", "", &["Claude: Plan a short walk", "Model: ", "haiku", "Claude: And in three."]);
}

#[test]
fn server_info() {
    echoes("server_info", "", &["CLI version: ", "Output style: ", "Commands: ", "Models: "]);
}

#[test]
fn claude_probe() {
    let ended = stage(&json!({})).run("claude_probe", &[], "");
    assert_order(&ended.stdout, &["ok       cli_found", "ok       cli_version"]);
    assert!(ended.stderr.is_empty(), "{ended:#?}");
}

#[test]
fn manual_connection() {
    let parts = ["state: created", "state: connected, process ", "Claude: Say hello.", "state: closed"];
    echoes("manual_connection", "", &parts);
}

#[test]
fn collect_messages() {
    echoes("collect_messages", "", &["- system", "- assistant", "- result"]);
}

#[test]
fn prompt_stream() {
    echoes("prompt_stream", "", &["Claude: What is 1 + 1?", "What is 3 + 3?", "3 prompts, "]);
}

#[test]
fn error_handling() {
    let parts = [
        "no such program: CLI not found.",
        "no such directory: connection error.",
        "/nowhere",
        "not a claude: other error, CLAUDE_ERR_PROCESS.",
        "misspelt option: other error, CLAUDE_ERR_INVALID_OPTION.",
    ];
    echoes("error_handling", "", &parts);
}

#[test]
fn hooks() {
    let call = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash",
                      "tool_input": {"command": "rm -rf build"}});
    let script = asks(json!({"subtype": "hook_callback", "callback_id": "hook_0", "input": call}));
    plays("hooks", script, &[], "", &["Blocked: rm -rf build", "Nothing is removed", "2 command(s) blocked"]);
}

#[test]
fn tools() {
    let call = |name: &str, arguments: Value| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                             "params": {"name": name, "arguments": arguments}});
        json!(["init", {"ask": {"subtype": "mcp_message", "server_name": "desk", "message": message}}, "result"])
    };
    let script = json!({"on_user": [
        call("calculate", json!({"a": 1234.5, "operator": "*", "b": 6})), call("screenshot", json!({}))]});
    plays("tools", script, &[], "", &["[calculated 1234.5 * 6 = 7407]", "[took a picture of "]);
}

#[test]
fn permission_dialog() {
    let parts = ["Claude wants to use Write\n", "Allow? [y/N] ", "The user said no."];
    plays("permission_dialog", wants("Write"), &[], "n\n", &parts);
}

#[test]
fn approve_later() {
    plays("approve_later", wants("Write"), &[], "", &["Put aside: Write\n", "Approved later.\n", "allow"]);
}

#[test]
fn assistant() {
    let script = json!({"on_user": ["init", {"ask": {"subtype": "can_use_tool", "tool_name": "Write"}},
                                    {"stream": "It is late.", "deltas": 2}, "result"]});
    plays("assistant", script, &[], "n\n", &["Allow Write? [y/N] ", "It is late.\n"]);
}

#[test]
fn pump_loop() {
    plays("pump_loop", streams(), &[], "", &["Tell me a short story about a robot.", " frames, "]);
}

#[test]
fn pull() {
    plays("pull", wants("Write"), &[], "", &["Refused: Write\n", "\"deny\"", "Result: success\n"]);
}

#[test]
fn many_clients() {
    plays("many_clients", json!({}), &["{}", "5"], "", &["5 of 5 clients got an answer\n"]);
}

#[test]
fn start_at_once() {
    echoes("start_at_once", "", &["Claude: What is the capital of France?\n"]);
}

#[test]
fn sessions() {
    const ID: &str = "11111111-1111-4111-8111-111111111111";
    let stage = stage(&json!({}));
    let folder = stage.sandbox.home().join(".claude/projects/-home-me");
    std::fs::create_dir_all(&folder).expect("make a folder");
    let said = json!({"type": "user", "uuid": ID, "parentUuid": null, "sessionId": ID, "cwd": "/home/me",
                      "timestamp": "2026-01-01T00:00:00.000Z", "message": {"role": "user", "content": "Where is the key?"}});
    std::fs::write(folder.join(format!("{ID}.jsonl")), format!("{said}\n")).expect("write the session");
    let place = json!({"config_dir": native(&stage.sandbox.home().join(".claude"))}).to_string();
    let ended = stage.run("sessions", &["{}", &place], "1\n");
    let parts = ["1 Where is the key?\n", "You: Where is the key?\n", "Claude: What did we talk about?\n"];
    assert_order(&succeeded("sessions", ended), &parts);
}

#[test]
fn chat() {
    echoes(
        "chat",
        "Hello\n/cost\n/quit\nnever sent\n",
        &["> Hello\nHello\n", "> /cost\n[cost: $", "> /quit\n"],
    );
}

/// The rest behind the last end of a line is a prompt as well.
#[test]
fn chat_ends_with_its_input() {
    echoes("chat", "One\nTwo", &["> One\nOne\n", "> Two\nTwo\n"]);
}

#[test]
fn custom_transport() {
    echoes("custom_transport", "", &["In memory:\nClaude: Paris, from memory.\n"]);
}

#[test]
fn store() {
    if takes_long() {
        return;
    }
    let stage = stage(&json!({}));
    let place = native(&stage.sandbox.work().join("store"));
    let ended = stage.run("store", &["{}", &place], "Hello\n");
    assert_order(&succeeded("store", ended), &["Claude: Hello\n", "stored\n"]);
    let checked = succeeded("store", stage.run("store", &["{}", &place, "check"], ""));
    assert_eq!(checked.matches("passed: ").count(), 19, "{checked}");
}

#[test]
fn replay_test() {
    let stage = Stage::with_cli("no-cli-at-all");
    let session = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/session.ndjson");
    let printed = succeeded("replay_test", stage.run("replay_test", &[session], ""));
    assert_eq!(printed.lines().filter(|line| line.starts_with("ok - ")).count(), 7, "{printed}");
}

#[cfg(target_os = "linux")]
#[test]
fn epoll() {
    if crate::support::toolchain::windows().is_none() {
        echoes("epoll", "", &["Claude: What is the capital of France?\n", " ticks meanwhile\n"]);
    }
}
