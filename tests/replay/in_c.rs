//! A program in C that records and plays back, on each system that the programs run on: `make test-windows` runs it there.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::merged;
use crate::support::program::{Variant, run};
use crate::support::toolchain::{native, stand_in, windows};
use claude_testkit::fake::FakeClaude;
use serde_json::json;

const SECRET: &str = "sk-ant-a-secret-that-nobody-sees";

#[test]
fn a_conversation_is_recorded_in_a_private_file_and_plays_back() {
    let fake = FakeClaude::new(json!({"no_lifecycle": true, "on_user": [
        ["init", {"ask": {"subtype": "can_use_tool", "tool_name": "Write"}},
         {"stderr": "the key is {{env.ANTHROPIC_API_KEY}}\n"}, "result"],
        ["default"],
    ]}));
    let path = fake.sandbox().work().join("record.ndjson");
    let (record, other) = (native(&path), fake.sandbox().work().join("other.ndjson"));
    // What lies there is replaced, and not written to: another link to it must not see the record.
    fs::write(&path, "before\n").expect("write a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("everybody may read it");
    fs::hard_link(&path, &other).expect("make a link");
    let env = merged(fake.env_json(), json!({"ANTHROPIC_API_KEY": SECRET}));
    let live = json!({"cli_path": stand_in(), "env": env, "record": record});
    let played = json!({"replay": record}).to_string();
    let ended = run(fake.sandbox(), "recorded", Variant::Plain, &live, &[&played, &record]).expect_success();
    assert_eq!(ended.stdout, "the same\n");
    let text = fs::read_to_string(&path).expect("the record");
    assert!(text.contains("can_use_tool") && text.contains("the key is "), "{text}");
    assert!(!text.contains(SECRET), "{text}");
    assert_eq!(fs::read_to_string(&other).expect("the other link"), "before\n");
    // Wine shows the rights of administrators as those of the group.
    let others = if windows().is_some() { 0o007 } else { 0o077 };
    let mode = fs::metadata(&path).expect("the record").permissions().mode();
    assert_eq!(mode & others, 0, "others may read it");
}
