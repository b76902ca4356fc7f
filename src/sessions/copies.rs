//! Partial copies, and what the CLI records besides the messages.

use super::tests::{Disk, ID, said, with};
use super::*;
use serde_json::{Value, json};

fn id(name: &str) -> String {
    format!("0b0e8c1a-bbbb-4000-8000-00000000000{}", name.len())
}

fn line(kind: &str, name: &str, parent: Option<&str>) -> Value {
    said(kind, &id(name), parent.map(id).as_deref(), name.into())
}

fn boundary(name: &str, logical: &str, anchor: &str, kept: &[&str]) -> Value {
    let kept: Vec<String> = kept.iter().copied().map(id).collect();
    json!({
        "type": "system", "subtype": "compact_boundary", "uuid": id(name), "parentUuid": null,
        "logicalParentUuid": id(logical), "sessionId": ID,
        "compactMetadata": {"trigger": "manual", "postTokens": 9,
            "preservedMessages": {"anchorUuid": id(anchor), "uuids": kept}, "runningTurnSends": []},
    })
}

/// The lines of a copy.
fn copy(disk: &Disk, more: Value) -> Vec<Value> {
    let made: Value = serde_json::from_str(&fork(ID, &disk.options(more)).unwrap()).unwrap();
    let path = disk.project().join(format!("{}.jsonl", made["session_id"].as_str().unwrap()));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn contents(lines: &[Value]) -> Vec<&str> {
    let said = lines.iter().filter(|line| line["message"].is_object());
    said.map(|line| line["message"]["content"].as_str().unwrap()).collect()
}

/// Names of different lengths, so that their ids differ.
fn compacted(disk: &Disk) {
    disk.put(
        ID,
        &[
            line("user", "a", None),
            line("assistant", "bb", Some("a")),
            line("user", "ccc", Some("bb")),
            boundary("dddd", "ccc", "eeeee", &["ccc"]),
            with(line("user", "eeeee", Some("dddd")), json!({"isCompactSummary": true})),
            line("user", "ffffff", Some("bb")),
            line("assistant", "ggggggg", Some("ffffff")),
        ],
    );
}

#[test]
fn a_copy_has_no_compaction_that_it_does_not_come_by() {
    let disk = Disk::new();
    compacted(&disk);
    let part = copy(&disk, json!({"up_to_message_id": id("ggggggg")}));
    assert_eq!(contents(&part), ["a", "bb", "ccc", "ffffff", "ggggggg"]);
    assert!(part.iter().all(|line| line["subtype"] != "compact_boundary"), "{part:?}");
    assert_eq!(contents(&copy(&disk, json!({}))).len(), 6, "a copy of all has all");
}

#[test]
fn a_copy_that_ends_with_a_summary_does_not_tell_again_what_the_compaction_kept() {
    let disk = Disk::new();
    compacted(&disk);
    let part = copy(&disk, json!({"up_to_message_id": id("eeeee")}));
    let boundary = part.iter().find(|line| line["subtype"] == "compact_boundary").unwrap();
    assert_eq!(boundary["compactMetadata"], json!({"trigger": "manual"}));
    let whole = copy(&disk, json!({}));
    let boundary = whole.iter().find(|line| line["subtype"] == "compact_boundary").unwrap();
    let summary = whole.iter().find(|line| line["isCompactSummary"] == true).unwrap();
    assert_eq!(boundary["compactMetadata"]["preservedMessages"]["anchorUuid"], summary["uuid"]);
    assert_eq!(boundary["compactMetadata"].get("runningTurnSends"), None);
}

#[test]
fn what_the_cli_notes_of_a_session_goes_with_the_copy() {
    let disk = Disk::new();
    let before = "0b0e8c1a-cccc-4000-8000-000000000001";
    let origin = |id: &str| json!({"type": "claude_code_session", "id": id, "via": "fork"});
    disk.put(
        ID,
        &[
            with(line("user", "a", None), json!({"forkedFrom": {"sessionId": before, "messageUuid": "x"}})),
            json!({"type": "history-suppression", "sessionId": before}),
            json!({"type": "hybrid-organization", "sessionId": ID, "organizationUuid": before.to_uppercase()}),
            json!({"type": "hybrid-organization", "sessionId": ID, "organizationUuid": "?"}),
            json!({"type": "tools-used", "sessionId": ID, "tools": ["Read", "", 3]}),
            json!({"type": "relocated", "sessionId": ID, "relocatedCwd": "/else"}),
            json!({"type": "relocated", "sessionId": ID, "relocatedCwd": ""}),
            json!({"type": "data-flow-records", "v": 1, "sessionId": ID, "records": [{"x": 1}]}),
            json!({"type": "data-flow-records", "v": 1, "sessionId": ID, "agentId": "a", "records": []}),
            json!({"type": "derived-from", "v": 1, "sessionId": ID,
                "sessions": [{"type": "claude_code_session", "id": "s", "via": "clear"}, {"type": "?"}]}),
        ],
    );
    let lines = copy(&disk, json!({}));
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "history-suppression",
            "hybrid-organization",
            "hybrid-organization",
            "user",
            "tools-used",
            "data-flow-incomplete",
            "data-flow-incomplete",
            "data-flow-records",
            "derived-from",
            "relocated",
            "custom-title",
        ]
    );
    assert!(lines.iter().all(|line| line["sessionId"] == lines[0]["sessionId"]));
    assert_eq!(
        (&lines[1]["organizationUuid"], &lines[2]["organizationUuid"]),
        (&json!(before), &json!("mixed"))
    );
    assert_eq!(lines[4]["tools"], json!(["Read"]));
    assert_eq!(lines[7]["records"], json!([{"x": 1}]));
    let first = json!({"type": "claude_code_session", "id": "s", "via": "clear"});
    assert_eq!(lines[8]["sessions"], json!([first, origin(before), origin(ID)]));
    assert_eq!(lines[9]["relocatedCwd"], "/else");
}

#[test]
fn a_prompt_that_still_waits_behind_the_last_message_is_a_message() {
    let disk = Disk::new();
    let waiting = |name: &str, parent: &str| {
        json!({"type": "attachment", "uuid": id(name), "parentUuid": id(parent), "sessionId": ID,
            "timestamp": "2026-01-01T00:00:01.000Z", "attachment": {"type": "queued_command", "prompt": name}})
    };
    let begun = [line("user", "a", None), line("assistant", "bb", Some("a"))];
    let mut lines = begun.to_vec();
    lines.extend([waiting("ccc", "bb"), waiting("dddd", "ccc")]);
    disk.put(ID, &lines);
    let told = disk.messages(ID, json!({}));
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[3]["message"]["content"], "dddd");
    assert_eq!((&told[2]["type"], &told[2]["isQueuedCommand"]), (&json!("user"), &json!(true)));
    // One that was answered on another branch is not waiting.
    let mut lines = vec![begun[0].clone(), begun[1].clone(), waiting("ccc", "bb")];
    lines.extend([line("user", "eeeee", Some("ccc")), line("user", "ffffff", Some("bb"))]);
    disk.put(ID, &lines);
    assert_eq!(disk.uuids(ID, json!({})), [id("a"), id("bb"), id("ffffff")]);
}
