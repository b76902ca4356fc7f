//! Controls that act on a turn, its tasks and its files, with the real CLI.

use std::ffi::CString;

use crate::support::probe::stage::Real;
use crate::support::probe::{Kind, PATIENCE_MS, Session, Status, check};
use crate::support::{PATIENCE, eventually};
use claude_client::capi::control::*;
use claude_testkit::loopback::{Reply, Rule};
use serde_json::{Value, json};

fn bash(input: &Value) -> String {
    format!("USE_TOOL {}", json!({"name": "Bash", "input": input}))
}

fn file_tool(name: &str, input: &Value) -> String {
    format!("USE_TOOL {}", json!({"name": name, "input": input}))
}

#[test]
fn a_task_in_the_background_is_read_and_stopped() {
    let Some(real) = Real::new("a_task_in_the_background") else { return };
    let session = real.session(json!({"allowed_tools": ["Bash"]}));
    let input = json!({"command": "echo begun; sleep 60", "run_in_background": true, "description": "d"});
    session.turn(&bash(&input));
    let started = session.wait_for("the task", |_, json| json["subtype"] == "task_started");
    let id = CString::new(started["task_id"].as_str().unwrap()).unwrap();
    let output =
        || session.control(&json!({"subtype": "get_task_output", "task_id": started["task_id"]})).unwrap();
    assert!(eventually(PATIENCE, || output()["output"].as_str().is_some_and(|text| text.contains("begun"))));
    assert_eq!(output()["truncated"], false);
    session
        .reply_of(|time, reply, error| {
            // SAFETY: as above.
            unsafe { claude_client_stop_task_wait(session.handle, id.as_ptr(), time, reply, error) }
        })
        .unwrap();
    session.wait_for("the task's end", |_, json| {
        json["subtype"] == "task_updated" && json["patch"]["status"] == "killed"
    });
}

#[test]
fn a_running_command_is_sent_to_the_background() {
    let Some(real) = Real::new("a_running_command") else { return };
    let session = real.session(json!({"allowed_tools": ["Bash"]}));
    let uuid = session.query(&bash(&json!({"command": "touch begun; sleep 60", "description": "d"})));
    let begun = real.sandbox.work().join("begun");
    assert!(eventually(PATIENCE, || begun.exists()));
    let backgrounded = || {
        session.control(&json!({"subtype": "background_tasks"})).unwrap();
        session.receive_to(&uuid, 500).is_ok()
    };
    assert!((0..60).any(|_| backgrounded()), "the turn goes on without the command");
    let result = session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap();
    assert!(result["result"].as_str().unwrap().contains("backgrounded"), "{result:#}");
}

/// Two calls in one turn; `between` runs while the first one does.
fn in_the_middle(real: &Real, second: Reply, between: impl FnOnce(&Session)) -> Session {
    let session = real.session(json!({"allowed_tools": ["Bash"], "model": "sonnet"}));
    real.api.set_rules(vec![Rule::on_tool_result("first", second).times(1)]);
    let command = "touch begun; while [ ! -e go ]; do sleep 0.1; done; echo first";
    let uuid = session.query(&bash(&json!({"command": command, "description": "d"})));
    let begun = real.sandbox.work().join("begun");
    assert!(eventually(PATIENCE, || begun.exists()));
    between(&session);
    real.file("work/go", "");
    session.receive_to(&uuid, PATIENCE_MS).unwrap();
    session
}

#[test]
fn the_permission_mode_changes_in_the_middle_of_a_turn() {
    let Some(real) = Real::new("the_permission_mode_changes") else { return };
    let file = real.sandbox.work().join("made.txt");
    let write = || Reply::tool("Write", json!({"file_path": file, "content": "x"}));
    in_the_middle(&real, write(), |_| {});
    assert!(!file.exists(), "nobody allowed it");
    std::fs::remove_file(real.sandbox.work().join("go")).unwrap();
    std::fs::remove_file(real.sandbox.work().join("begun")).unwrap();
    in_the_middle(&real, write(), |session| {
        check(|error| {
            // SAFETY: the text is NUL-terminated.
            unsafe {
                claude_client_set_permission_mode_wait(
                    session.handle,
                    c"acceptEdits".as_ptr(),
                    PATIENCE_MS,
                    std::ptr::null_mut(),
                    error,
                )
            }
        })
        .unwrap();
    });
    assert!(file.exists(), "the rest of the turn has the new mode");
}

#[test]
fn the_model_changes_in_the_middle_of_a_turn() {
    let Some(real) = Real::new("the_model_changes") else { return };
    let session = in_the_middle(&real, Reply::text("done"), |session| {
        check(|error| {
            // SAFETY: the text is NUL-terminated.
            unsafe {
                claude_client_set_model_wait(
                    session.handle,
                    c"haiku".as_ptr(),
                    PATIENCE_MS,
                    std::ptr::null_mut(),
                    error,
                )
            }
        })
        .unwrap();
    });
    let models: Vec<String> =
        real.api.messages().iter().map(|message| message.body["model"].to_string()).collect();
    assert!(models.len() == 2 && models[0].contains("sonnet"), "{models:?}");
    assert!(models[1].contains("haiku"), "the rest of the turn has the new model: {models:?}");
    session.turn("and now");
    assert!(real.asked("and now").body["model"].as_str().unwrap().contains("haiku"));
}

#[test]
fn an_edited_file_is_really_rewound() {
    let Some(real) = Real::new("an_edited_file") else { return };
    let file = real.file("work/file.txt", "before\n");
    let session = real.session(json!({"enable_file_checkpointing": true, "permission_mode": "acceptEdits"}));
    session.turn(&file_tool("Read", &json!({"file_path": file})));
    let edit = json!({"file_path": file, "old_string": "before", "new_string": "after"});
    let uuid = session.query(&file_tool("Edit", &edit));
    session.receive_to(&uuid, PATIENCE_MS).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "after\n");
    let uuid = CString::new(uuid).unwrap();
    let rewind = |dry_run| {
        session
            .reply_of(|time, reply, error| {
                // SAFETY: the text is NUL-terminated, the outputs are variables.
                unsafe {
                    claude_client_rewind_files_wait(
                        session.handle,
                        uuid.as_ptr(),
                        dry_run,
                        time,
                        reply,
                        error,
                    )
                }
            })
            .unwrap()
    };
    let would = rewind(true);
    assert_eq!(would["filesChanged"], json!([file]));
    assert_eq!((&would["insertions"], &would["deletions"]), (&json!(1), &json!(1)));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "after\n", "a dry run changes nothing");
    assert_eq!(rewind(false)["canRewind"], true);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before\n");
}

#[test]
fn a_repository_is_registered_once() {
    let Some(real) = Real::new("a_repository") else { return };
    let folder = real.file("work/repo/.git/HEAD", "ref: refs/heads/main\n");
    let folder = folder.parent().and_then(std::path::Path::parent).unwrap();
    let session = real.session(json!({}));
    let register = || session.control(&json!({"subtype": "register_repo_root", "directory": folder}));
    assert_eq!(register().unwrap()["directory"], json!(folder));
    let failure = register().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CONTROL);
    assert!(failure.message().contains("already"), "{failure:#?}");
}
