//! Programs in C that record and play back, on each system that such programs run on: `make test-windows` runs the first one there.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::program::{Variant, run};
use crate::support::toolchain::{native, stand_in, windows};
use crate::support::{merged, options};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

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

/// Without the id of the prompt, which is a new one each time.
fn told(printed: &str) -> Vec<Value> {
    let messages = printed.lines().filter_map(|line| serde_json::from_str(line).ok());
    let without_id = |mut message: Value| {
        for name in ["command_uuid", "user_message_uuid", "user_message_uuids"] {
            message[name] = Value::Null;
        }
        message
    };
    messages.map(without_id).collect()
}

#[test]
fn a_program_in_c_is_told_the_same_by_its_record() {
    let text = "Gut – 日本 🎈, danke.";
    let fake = FakeClaude::new(
        json!({"on_user": [["init", {"text": text}, {"flood": 50, "bytes": 300}, "result"]]}),
    );
    let record = fake.sandbox().root().join("record.ndjson");
    let recorded = options(&fake, json!({"record": record}));
    let said = run(fake.sandbox(), "one_turn", Variant::Plain, &recorded, &[]).expect_success().stdout;
    assert!(said.contains(text) && said.ends_with("CLAUDE_OK\n") && told(&said).len() > 52, "{said}");
    let played = json!({"replay": record});
    let again = run(fake.sandbox(), "one_turn", Variant::Plain, &played, &[]).expect_success().stdout;
    assert_eq!(told(&again), told(&said));
    assert_eq!(fake.log().starts(), 1);
}
