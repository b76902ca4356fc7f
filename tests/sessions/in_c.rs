//! Sessions on the disk in the hands of programs in C, on each system that such programs run on: `make test-windows` runs the first
//! one there.
#![cfg(target_os = "linux")]

use std::path::Path;

use crate::support::merged;
use crate::support::program::{Variant, run};
use crate::support::toolchain::{home, native};
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

const ID: &str = "0b0e8c1a-1111-4000-8000-000000000001";
const OTHER: &str = "0b0e8c1a-2222-4000-8000-000000000002";
const LAST: &str = "Gut – 日本 🎈, danke.";

#[test]
fn a_session_is_found_read_named_copied_and_kept_in_a_store() {
    let Some(cli) = real_cli_or_skip("a_session_is_found_read_named_copied") else { return };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let config = native(&sandbox.home().join(".claude"));
    let work = native(&sandbox.work());
    let env = merged(home(&sandbox), json!({"CLAUDE_CONFIG_DIR": config, "ANTHROPIC_BASE_URL": api.url()}));
    let options = json!({"cli_path": native(&cli), "cwd": work, "env": env});
    let place = json!({"config_dir": config, "directory": work}).to_string();
    let stored = json!({"directory": work}).to_string();
    let ended = run(&sandbox, "kept", Variant::Plain, &options, &[&place, &stored]).expect_success();
    assert_eq!(ended.stdout, "kept\n");
}

/// A conversation whose messages follow each other.
fn write(path: &Path, id: &str, texts: &[&str]) {
    let uuid = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let line = |(number, text): (usize, &&str)| {
        let kind = if number % 2 == 0 { "user" } else { "assistant" };
        json!({"type": kind, "uuid": uuid(number), "parentUuid": number.checked_sub(1).map(uuid), "sessionId": id,
            "cwd": "/a/folder", "timestamp": "2026-01-01T00:00:00Z", "message": {"role": kind, "content": text}})
    };
    let lines: String = texts.iter().enumerate().map(line).map(|line: Value| format!("{line}\n")).collect();
    std::fs::write(path, lines).expect("write a session");
}

fn every_function(variant: Variant) {
    if !variant.is_possible() {
        return;
    }
    let sandbox = Sandbox::new();
    let config = sandbox.root().join("config");
    let project = config.join("projects/-a-folder");
    let agents = project.join(ID).join("subagents");
    std::fs::create_dir_all(&agents).expect("make a project");
    let texts = ["Wie geht es Ihnen?", "Gut.", "Wirklich?", "Ja.", "Und sonst?", LAST];
    write(&project.join(format!("{ID}.jsonl")), ID, &texts);
    write(&project.join(format!("{OTHER}.jsonl")), OTHER, &["another one", "yes"]);
    let said = json!({"type": "assistant", "uuid": "x", "parentUuid": null, "sessionId": ID, "isSidechain": true,
        "message": {"role": "assistant", "content": "from below"}});
    std::fs::write(agents.join("agent-helper.jsonl"), format!("{said}\n")).expect("write a subagent");
    std::fs::write(agents.join("agent-helper.meta.json"), r#"{"toolUseId":"t"}"#).expect("write about it");

    let options = json!({"config_dir": config});
    let last = json!({"config_dir": config, "from_end": true, "limit": 1}).to_string();
    let ended = run(&sandbox, "sessions", variant, &options, &[ID, LAST, &last]).expect_success();
    assert_eq!(ended.stdout, "done\n");
}

#[test]
fn sessions_are_listed_read_changed_copied_and_removed_in_c() {
    every_function(Variant::Plain);
}

#[test]
fn sessions_in_c_make_no_memory_error() {
    every_function(Variant::Sanitized);
}
