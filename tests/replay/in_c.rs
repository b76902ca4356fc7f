//! A host in C whose conversation is recorded, and that then holds it again without a CLI.
#![cfg(unix)]

use crate::support::options;
use crate::support::program::{Variant, run};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

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
