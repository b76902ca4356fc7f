//! Sessions in folders that a test makes: whole ones, damaged ones, and what is not a session at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::*;

pub const ID: &str = "0b0e8c1a-1111-4000-8000-000000000001";
const OTHER: &str = "0b0e8c1a-2222-4000-8000-000000000002";

pub struct Disk {
    base: tempfile::TempDir,
}

impl Disk {
    pub fn new() -> Disk {
        Disk { base: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> PathBuf {
        self.base.path().join("config")
    }

    fn folder(&self) -> PathBuf {
        let folder = self.base.path().join("work");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub fn project(&self) -> PathBuf {
        let path = self.config().join("projects").join(key::of_folder(&self.folder()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn put(&self, id: &str, lines: &[Value]) -> PathBuf {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.put_bytes(id, text.as_bytes())
    }

    fn put_bytes(&self, id: &str, bytes: &[u8]) -> PathBuf {
        let path = self.project().join(format!("{id}.jsonl"));
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn options(&self, more: Value) -> String {
        let mut options = json!({"config_dir": self.config()});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options.to_string()
    }

    fn list(&self, more: Value) -> Vec<Value> {
        let list: Value = serde_json::from_str(&list(&self.options(more)).unwrap()).unwrap();
        list.as_array().unwrap().clone()
    }

    fn ids(&self, more: Value) -> Vec<String> {
        self.list(more).iter().map(|info| info["session_id"].as_str().unwrap().to_owned()).collect()
    }

    fn info(&self, id: &str) -> Value {
        serde_json::from_str(&info(id, &self.options(json!({}))).unwrap()).unwrap()
    }

    pub fn messages(&self, id: &str, more: Value) -> Vec<Value> {
        let mut seen = Vec::new();
        messages(id, &self.options(more), |item| {
            seen.push(serde_json::from_str(&item.json).unwrap());
            true
        })
        .unwrap();
        seen
    }

    pub fn uuids(&self, id: &str, more: Value) -> Vec<String> {
        self.messages(id, more).iter().map(|item| item["uuid"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn said(kind: &str, uuid: &str, parent: Option<&str>, content: Value) -> Value {
    json!({
        "type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": ID, "timestamp": "2026-01-01T00:00:00.000Z",
        "cwd": "/home/me", "gitBranch": "main", "message": {"role": kind, "content": content},
    })
}

pub fn with(mut line: Value, more: Value) -> Value {
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_session_is_described_from_its_ends() {
    let disk = Disk::new();
    let path = disk.put(
        ID,
        &[
            json!({"type": "queue-operation", "timestamp": "2025-01-01T00:00:00.000Z"}),
            said("user", "u1", None, "what\nis it?".into()),
            json!({"type": "attachment", "text": "x".repeat(200_000), "customTitle": "not this"}),
            json!({"type": "custom-title", "customTitle": "A \"name\" é", "sessionId": ID}),
            json!({"type": "tag", "tag": "red", "sessionId": ID}),
            json!({"type": "last-prompt", "lastPrompt": "more"}),
        ],
    );
    let info = disk.info(ID);
    assert_eq!(info["summary"], "A \"name\" é");
    assert_eq!(
        (&info["custom_title"], &info["first_prompt"]),
        (&json!("A \"name\" é"), &json!("what is it?"))
    );
    assert_eq!(
        (&info["tag"], &info["git_branch"], &info["cwd"]),
        (&json!("red"), &json!("main"), &json!("/home/me"))
    );
    assert_eq!(info["created_at"], 1_735_689_600_000_i64);
    assert_eq!(info["file_size"], path.metadata().unwrap().len());
    assert_eq!((info.get("archived"), info.get("live")), (None, None));
}

#[test]
fn a_title_in_the_input_of_a_tool_is_none() {
    let disk = Disk::new();
    let input = json!([{"type": "tool_use", "id": "t", "input": {"customTitle": "no", "text": "\"customTitle\":\"no\""}}]);
    disk.put(ID, &[said("user", "u", None, "hello".into()), said("assistant", "a", Some("u"), input)]);
    assert_eq!(disk.info(ID)["summary"], "hello");
}

#[test]
fn what_is_no_regular_file_of_a_session_is_not_listed_and_holds_nobody_up() {
    let disk = Disk::new();
    let file = disk.put(ID, &[said("user", "u", None, "hello".into())]);
    let beside = |name: &str| disk.project().join(format!("{name}.jsonl"));
    fifo(&beside("0b0e8c1a-3333-4000-8000-000000000003"));
    std::os::unix::fs::symlink(&file, beside(OTHER)).unwrap();
    fs::create_dir(beside("0b0e8c1a-4444-4000-8000-000000000004")).unwrap();
    fs::write(beside("0b0e8c1a-5555-4000-8000-000000000005"), "").unwrap();
    fs::write(beside("notes"), "{}").unwrap();
    fifo(&disk.project().join("archived.json"));
    fs::create_dir(disk.project().join(ID)).unwrap();
    for name in ["archived.json", "custom-title.json"] {
        fifo(&disk.project().join(ID).join(name));
    }
    assert_eq!(disk.ids(json!({})), [ID]);
    for id in [OTHER, "0b0e8c1a-3333-4000-8000-000000000003", "0b0e8c1a-9999-4000-8000-000000000009"] {
        let options = disk.options(json!({}));
        let statuses = [
            info(id, &options).err(),
            messages(id, &options, |_| true).err(),
            subagents(id, &options).err(),
            rename(id, "x", &options).err(),
            tag(id, None, &options).err(),
            archive(id, true, &options).err(),
            delete(id, &options, |_| false).err(),
            fork(id, &options).err(),
        ];
        for error in statuses {
            assert_eq!(error.unwrap().status, Status::SessionNotFound);
        }
    }
}

#[test]
fn a_list_is_sorted_paged_and_filtered() {
    let disk = Disk::new();
    let ids: Vec<String> =
        (0..9).map(|number| format!("0b0e8c1a-0000-4000-8000-00000000000{number}")).collect();
    for (number, id) in ids.iter().enumerate() {
        let entrypoint = if number == 3 { "sdk-py" } else { "cli" };
        let path =
            disk.put(id, &[with(said("user", "u", None, "hello".into()), json!({"entrypoint": entrypoint}))]);
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + number as u64 / 2);
        fs::File::open(path).unwrap().set_modified(time).unwrap();
    }
    let all = disk.ids(json!({}));
    let order = [8, 6, 7, 4, 5, 2, 3, 0, 1].map(|number| ids[number].clone());
    assert_eq!(all, order);
    assert_eq!(disk.ids(json!({"limit": 2, "offset": 1})), order[1..3]);
    assert_eq!(disk.ids(json!({"offset": 8})), order[8..]);
    assert_eq!(disk.ids(json!({"include_programmatic": false})).len(), 8);
    archive(&ids[0], true, &disk.options(json!({}))).unwrap();
    assert_eq!(disk.info(&ids[0])["archived"], true);
    assert_eq!(disk.ids(json!({"include_archived": false})).len(), 8);
    archive(&ids[0], false, &disk.options(json!({}))).unwrap();
    assert_eq!(disk.info(&ids[0])["archived"], false);
    assert_eq!(disk.ids(json!({"directory": disk.folder()})).len(), 9);
    assert_eq!(disk.ids(json!({"directory": disk.base.path()})).len(), 0);
}

#[test]
fn a_session_that_goes_on_elsewhere_is_left_out() {
    let disk = Disk::new();
    let hello = said("user", "u", None, "hello".into());
    disk.put(ID, &[hello.clone(), json!({"type": "continued-in", "continuedInSessionId": OTHER})]);
    assert_eq!(disk.ids(json!({})), [ID]);
    disk.put(OTHER, &[hello]);
    assert_eq!(disk.ids(json!({})), [OTHER]);
    assert_eq!(disk.info(ID)["continued_in"], OTHER);
}

#[test]
fn a_conversation_is_the_way_to_its_last_message() {
    let disk = Disk::new();
    disk.put(
        ID,
        &[
            said("user", "u1", None, "one".into()),
            said("assistant", "a1", Some("u1"), "first".into()),
            said("user", "u2", Some("a1"), "left".into()),
            said("user", "u3", Some("a1"), "taken".into()),
            said("assistant", "a3", Some("u3"), "second".into()),
            with(said("user", "m", Some("a3"), "meta".into()), json!({"isMeta": true})),
            with(said("assistant", "s", Some("u3"), "side".into()), json!({"isSidechain": true})),
            json!({"type": "system", "uuid": "y", "parentUuid": "m", "subtype": "note", "content": "c", "sessionId": ID}),
        ],
    );
    let all = ["u1", "a1", "u3", "a3"];
    assert_eq!(disk.uuids(ID, json!({})), all);
    assert_eq!(disk.uuids(ID, json!({"limit": 2})), all[..2]);
    assert_eq!(disk.uuids(ID, json!({"limit": 2, "offset": 3})), all[3..]);
    assert_eq!(disk.uuids(ID, json!({"limit": 2, "from_end": true})), all[2..]);
    assert_eq!(disk.uuids(ID, json!({"limit": 2, "offset": 1, "from_end": true})), all[1..3]);
    let item = &disk.messages(ID, json!({}))[0];
    let wanted = json!({
        "type": "user", "uuid": "u1", "session_id": ID, "message": {"role": "user", "content": "one"},
        "parent_tool_use_id": null, "parent_agent_id": null, "timestamp": "2026-01-01T00:00:00.000Z",
    });
    assert_eq!(*item, wanted);
}

#[test]
fn damaged_lines_circles_and_wrong_bytes_are_no_errors() {
    let disk = Disk::new();
    let mut bytes = Vec::new();
    bytes.extend(
        b"\xff\xfe garbage\n\0\0\n[1,2]\n\"text\"\nnull\n{\"type\":\"user\"}\n{\"type\":5,\"uuid\":6}\n",
    );
    for line in [
        said("user", "u1", Some("gone"), "one".into()),
        said("assistant", "c1", Some("c2"), "circle".into()),
        said("assistant", "c2", Some("c1"), "circle".into()),
        said("user", "self", Some("self"), "circle".into()),
        said("assistant", "a1", Some("u1"), "two".into()),
    ] {
        bytes.extend(format!("{line}\n").bytes());
    }
    let wrong = said("user", "u2", Some("a1"), "CUT".into()).to_string();
    bytes.extend(
        wrong.replace("CUT", "x?y").into_bytes().iter().map(|byte| if *byte == b'?' { 0xff } else { *byte }),
    );
    bytes.extend(b"\n{\"type\":\"assistant\",\"uuid\":\"half\",\"parentUuid\":\"u2\",\"mess");
    disk.put_bytes(ID, &bytes);
    assert_eq!(disk.uuids(ID, json!({})), ["u1", "a1", "u2"]);
    assert_eq!(disk.messages(ID, json!({}))[2]["message"]["content"], "x\u{FFFD}y");
    disk.put(
        OTHER,
        &[said("user", "c1", Some("c2"), "x".into()), said("user", "c2", Some("c1"), "y".into())],
    );
    assert_eq!(disk.uuids(OTHER, json!({})), Vec::<String>::new());
}

#[test]
fn the_calls_and_results_of_a_turn_stay_together() {
    let disk = Disk::new();
    let call = |uuid: &str, parent: &str, id: &str| {
        let mut line = said("assistant", uuid, Some(parent), json!([{"type": "tool_use", "id": id}]));
        line["message"]["id"] = "m1".into();
        line
    };
    let result = |uuid: &str, parent: &str, id: &str| {
        said("user", uuid, Some(parent), json!([{"type": "tool_result", "tool_use_id": id}]))
    };
    disk.put(
        ID,
        &[
            said("user", "u", None, "go".into()),
            call("a1", "u", "t1"),
            call("a2", "a1", "t2"),
            call("a3", "a2", "t3"),
            result("r2", "a2", "t2"),
            result("r1", "a1", "t1"),
            result("r3", "a3", "t3"),
            said("assistant", "end", Some("r1"), "done".into()),
        ],
    );
    assert_eq!(disk.uuids(ID, json!({})), ["u", "a1", "a2", "a3", "r2", "r3", "r1", "end"]);
}

#[test]
fn what_a_compaction_keeps_is_behind_its_summary() {
    let disk = Disk::new();
    let kept = json!({"preservedMessages": {"anchorUuid": "s", "uuids": ["a1", "u2"]}});
    let segment = json!({"preservedSegment": {"anchorUuid": "s", "headUuid": "a1", "tailUuid": "u2"}});
    for metadata in [kept, segment] {
        disk.put(
            ID,
            &[
                said("user", "u1", None, "one".into()),
                said("assistant", "a1", Some("u1"), "first".into()),
                said("user", "u2", Some("a1"), "two".into()),
                json!({
                    "type": "system", "subtype": "compact_boundary", "uuid": "b", "parentUuid": null,
                    "logicalParentUuid": "u2", "sessionId": ID, "compactMetadata": metadata,
                }),
                with(said("user", "s", Some("b"), "summary".into()), json!({"isCompactSummary": true})),
                said("user", "u3", Some("s"), "three".into()),
            ],
        );
        assert_eq!(disk.uuids(ID, json!({})), ["s", "a1", "u2", "u3"], "{metadata}");
        assert_eq!(disk.messages(ID, json!({}))[0]["is_meta"], true);
        assert_eq!(disk.uuids(ID, json!({"include_system": true})), ["b", "s", "a1", "u2", "u3"]);
    }
}

#[test]
fn a_prompt_that_waited_for_a_turn_is_a_message() {
    let disk = Disk::new();
    let queued = |uuid: &str, parent: &str, source: &str| {
        json!({
            "type": "attachment", "uuid": uuid, "parentUuid": parent, "sessionId": ID,
            "attachment": {"type": "queued_command", "prompt": "steer", "source_uuid": source},
        })
    };
    disk.put(
        ID,
        &[
            said("user", "u", None, "go".into()),
            queued("q1", "u", "sent"),
            said("assistant", "a", Some("q1"), "done".into()),
            queued("q2", "a", "late"),
            said("user", "u2", Some("q2"), "next".into()),
        ],
    );
    assert_eq!(disk.uuids(ID, json!({})), ["u", "sent", "a", "u2"]);
    let item = &disk.messages(ID, json!({}))[1];
    assert_eq!(item["message"], json!({"role": "user", "content": "steer"}));
    assert_eq!((&item["type"], &item["isQueuedCommand"]), (&json!("user"), &json!(true)));
}

#[test]
fn subagents_are_found_at_any_depth_with_who_asked_for_them() {
    let disk = Disk::new();
    disk.put(ID, &[said("user", "u", None, "go".into())]);
    let folder = disk.project().join(ID).join("subagents");
    fs::create_dir_all(folder.join("workflows/run")).unwrap();
    let line = said("assistant", "x", Some("gone"), "from below".into()).to_string();
    for path in ["agent-b.jsonl", "workflows/run/agent-c.jsonl", "agent-a.jsonl"] {
        fs::write(folder.join(path), &line).unwrap();
    }
    fs::write(
        folder.join("agent-a.meta.json"),
        "{\"agentType\":\"x\",\"toolUseId\":\"t\",\"finished\":true}",
    )
    .unwrap();
    fs::write(folder.join("agent-b.meta.json"), "{cut").unwrap();
    fifo(&folder.join("agent-d.jsonl"));
    std::os::unix::fs::symlink(&folder, folder.join("again")).unwrap();
    let list: Value = serde_json::from_str(&subagents(ID, &disk.options(json!({}))).unwrap()).unwrap();
    let ids: Vec<&str> =
        list.as_array().unwrap().iter().map(|agent| agent["agent_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!((&list[0]["tool_use_id"], &list[0]["finished"]), (&json!("t"), &json!(true)));
    assert_eq!(list[1]["agent_type"], Value::Null);
    let mut seen = Vec::new();
    let options = disk.options(json!({}));
    subagent_messages(ID, "a", &options, |item| {
        seen.push(serde_json::from_str::<Value>(&item.json).unwrap());
        true
    })
    .unwrap();
    assert_eq!((seen.len(), &seen[0]["parent_tool_use_id"]), (1, &json!("t")));
    for agent in ["d", "", "../x"] {
        let error = subagent_messages(ID, agent, &options, |_| true).unwrap_err();
        assert_eq!(error.status, Status::SessionNotFound);
    }
}

#[test]
fn a_new_title_ends_a_line_that_was_cut_and_reaches_the_file_beside_it() {
    let disk = Disk::new();
    let path = disk.put_bytes(ID, format!("{}\n{{\"cut", said("user", "u", None, "go".into())).as_bytes());
    let beside = disk.project().join(ID);
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("custom-title.json"), "{\"customTitle\":\"A\"}").unwrap();
    assert_eq!(disk.info(ID)["custom_title"], "A");
    rename(ID, " B \"b\" ", &disk.options(json!({}))).unwrap();
    assert_eq!(disk.info(ID)["custom_title"], "B \"b\"");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with(&format!(
        "{{\"cut\n{{\"type\":\"custom-title\",\"customTitle\":\"B \\\"b\\\"\",\"sessionId\":\"{ID}\"}}\n"
    )));
    assert_eq!(
        fs::read_to_string(beside.join("custom-title.json")).unwrap(),
        "{\"customTitle\":\"B \\\"b\\\"\"}"
    );
    tag(ID, Some("re\u{200B}d"), &disk.options(json!({}))).unwrap();
    assert_eq!(disk.info(ID)["tag"], "red");
    tag(ID, None, &disk.options(json!({}))).unwrap();
    assert_eq!(disk.info(ID).get("tag"), None);
    for error in [
        rename(ID, " \n", &disk.options(json!({}))).unwrap_err(),
        tag(ID, Some("\u{200B}"), &disk.options(json!({}))).unwrap_err(),
        rename("x", "y", &disk.options(json!({}))).unwrap_err(),
    ] {
        assert_eq!(error.status, Status::InvalidArgument);
    }
}

#[test]
fn a_session_that_is_open_is_removed_by_force_only() {
    let disk = Disk::new();
    let path = disk.put(ID, &[said("user", "u", None, "go".into())]);
    let outside = disk.folder().join("kept");
    fs::write(&outside, "x").unwrap();
    let beside = disk.project().join(ID);
    fs::create_dir(&beside).unwrap();
    std::os::unix::fs::symlink(disk.folder(), beside.join("link")).unwrap();
    let options = disk.options(json!({}));
    assert_eq!(delete(ID, &options, |_| true).unwrap_err().status, Status::SessionInUse);
    let marks = disk.config().join("sessions");
    fs::create_dir(&marks).unwrap();
    let pid = std::process::id();
    fs::write(
        marks.join(format!("{pid}.json")),
        json!({"pid": pid, "sessionId": ID, "status": "busy"}).to_string(),
    )
    .unwrap();
    assert_eq!(disk.info(ID)["live"], json!({"pid": pid, "status": "busy"}));
    let error = delete(ID, &options, |_| false).unwrap_err();
    assert_eq!((error.status, error.detail("pid")), (Status::SessionInUse, Some(&pid.into())));
    assert!(path.exists());
    delete(ID, &disk.options(json!({"force": true})), |_| true).unwrap();
    assert!(!path.exists() && !beside.exists() && outside.exists());
    assert_eq!(delete(ID, &options, |_| false).unwrap_err().status, Status::SessionNotFound);
}

#[test]
fn a_copy_has_ids_of_its_own_and_the_same_conversation() {
    let disk = Disk::new();
    let u1 = "0b0e8c1a-aaaa-4000-8000-000000000001";
    let a1 = "0b0e8c1a-aaaa-4000-8000-000000000002";
    let u2 = "0b0e8c1a-aaaa-4000-8000-000000000003";
    disk.put(
        ID,
        &[
            with(said("user", u1, None, "one".into()), json!({"slug": "s", "isSidechain": false})),
            json!({"type": "progress", "uuid": "p", "parentUuid": u1, "sessionId": ID}),
            said("assistant", a1, Some("p"), "deep".into()),
            json!({"type": "content-replacement", "sessionId": ID, "replacements": [{"a": 1}]}),
            json!({"type": "atis-latch", "sessionId": ID, "atis": "x"}),
            said("user", u2, Some(a1), "two".into()),
        ],
    );
    let fork = |more: Value| -> String {
        let made: Value = serde_json::from_str(&fork(ID, &disk.options(more)).unwrap()).unwrap();
        made["session_id"].as_str().unwrap().to_owned()
    };
    let contents = |id: &str| -> Vec<Value> {
        disk.messages(id, json!({})).iter().map(|item| item["message"]["content"].clone()).collect()
    };
    let whole = fork(json!({}));
    assert_eq!(contents(&whole), contents(ID));
    assert!(disk.uuids(&whole, json!({})).iter().all(|uuid| ![u1, a1, u2].contains(&&**uuid)));
    assert_eq!(disk.info(&whole)["custom_title"], "one (fork)");
    let path = disk.project().join(format!("{whole}.jsonl"));
    let lines: Vec<Value> =
        fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["user", "assistant", "user", "content-replacement", "atis-latch", "custom-title"]);
    assert!(lines.iter().all(|line| line["sessionId"] == whole.as_str()));
    assert_eq!(lines[1]["parentUuid"], lines[0]["uuid"]);
    assert_eq!(lines[0]["forkedFrom"], json!({"sessionId": ID, "messageUuid": u1}));
    assert_eq!((lines[0].get("slug"), lines[0].get("logicalParentUuid")), (None, None));
    assert_eq!(lines[1]["requestSessionId"], ID);
    assert_ne!(lines[2]["timestamp"], lines[1]["timestamp"]);
    let part = fork(json!({"up_to_message_id": a1, "title": " Part "}));
    assert_eq!(contents(&part), ["one", "deep"]);
    assert_eq!(disk.info(&part)["custom_title"], "Part");
    let error = super::fork(ID, &disk.options(json!({"up_to_message_id": OTHER}))).unwrap_err();
    assert_eq!(error.status, Status::NotFound);
    use std::os::unix::fs::MetadataExt;
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
}

#[test]
fn the_sessions_of_the_worktrees_belong_to_a_folder() {
    let disk = Disk::new();
    let main = disk.folder();
    let other = disk.base.path().join("other");
    fs::create_dir_all(main.join(".git/worktrees/other")).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(main.join(".git/worktrees/other/gitdir"), other.join(".git").display().to_string()).unwrap();
    disk.put(ID, &[said("user", "u", None, "go".into())]);
    let folder = disk.config().join("projects").join(key::of_folder(&other));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(format!("{OTHER}.jsonl")), said("user", "u", None, "go".into()).to_string())
        .unwrap();
    assert_eq!(disk.ids(json!({"directory": main})).len(), 2);
    assert_eq!(disk.ids(json!({"directory": main, "include_worktrees": false})), [ID]);
}

#[test]
fn a_long_folder_is_found_under_another_hash_if_its_sessions_say_so() {
    let disk = Disk::new();
    let deep = disk.base.path().join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).unwrap();
    let key = key::of_folder(&deep);
    let like = disk.config().join("projects").join(format!("{}-older", &key[..key::MAX_KEY_LEN]));
    fs::create_dir_all(&like).unwrap();
    let hello = said("user", "u", None, "go".into());
    let cwd = fs::canonicalize(&deep).unwrap();
    fs::write(like.join(format!("{ID}.jsonl")), with(hello.clone(), json!({"cwd": cwd})).to_string())
        .unwrap();
    fs::write(like.join(format!("{OTHER}.jsonl")), hello.to_string()).unwrap();
    assert_eq!(disk.ids(json!({"directory": deep})), [ID]);
}
