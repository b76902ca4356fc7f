//! Errors and warnings that name the one thing that helps.
#![cfg(target_os = "linux")]

use std::fs;

use crate::support::probe::stage::{Real, fake_session};
use crate::support::probe::{Failure, Session, Status};
use claude_testkit::Sandbox;
use serde_json::{Value, json};

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn text(failure: &Failure, name: &str) -> String {
    failure.json[name].as_str().unwrap_or_default().to_owned()
}

/// Every way to skip permissions, and where it stands.
fn ways_to_skip() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"permission_mode": "bypassPermissions"}), "/permission_mode"),
        (json!({"allow_dangerously_skip_permissions": true}), "/allow_dangerously_skip_permissions"),
        (
            json!({"extra_args": {"dangerously-skip-permissions": null}}),
            "/extra_args/dangerously-skip-permissions",
        ),
        (json!({"extra_args": {"permission-mode": "bypassPermissions"}}), "/extra_args/permission-mode"),
        (
            json!({"settings": {"permissions": {"defaultMode": "bypassPermissions"}}}),
            "/settings/permissions/defaultMode",
        ),
        (json!({"user": "root", "permission_mode": "bypassPermissions"}), "/permission_mode"),
    ]
}

#[test]
fn skipping_permissions_as_root_is_refused_before_the_start_in_every_form_that_the_cli_refuses() {
    let Some(real) = Real::new("bypass_as_root") else { return };
    if !is_root() {
        return;
    }
    for (more, pointer) in ways_to_skip() {
        let failure = Session::created(&real.options(more.clone())).connect(None).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{more}: {failure:#?}");
        assert_eq!(text(&failure, "pointer"), pointer, "{more}");
        assert!(text(&failure, "remedy").contains("IS_SANDBOX"), "{failure:#?}");
        assert!(failure.message().contains("root"), "{failure:#?}");
    }
    // What only the CLI reads is explained when it has ended over it.
    let file = real.sandbox.work().join("settings.json");
    fs::write(&file, r#"{"permissions":{"defaultMode":"bypassPermissions"}}"#).unwrap();
    let failure = Session::created(&real.options(json!({"settings": file}))).connect(None).unwrap_err();
    assert!(text(&failure, "remedy").contains("IS_SANDBOX"), "{failure:#?}");
    // And nothing is refused that the CLI takes.
    for env in [json!({"IS_SANDBOX": "1"}), json!({"CLAUDE_CODE_BUBBLEWRAP": "true"})] {
        let more = json!({"permission_mode": "bypassPermissions", "env": env});
        Session::created(&real.options(more)).connect(None).unwrap();
    }
    let more =
        json!({"permission_mode": "plan", "settings": {"permissions": {"defaultMode": "bypassPermissions"}}});
    Session::created(&real.options(more)).connect(None).unwrap();
    let more = json!({"permission_mode": "bypassPermissions", "env": {"IS_SANDBOX": "true"}});
    Session::created(&real.options(more)).connect(None).unwrap_err();
}

#[test]
fn a_mode_that_the_session_was_not_started_for_says_how_to_start_it() {
    let Some(real) = Real::new("bypass_later") else { return };
    let session = real.session(json!({}));
    for (mode, word) in
        [("bypassPermissions", "allow_dangerously_skip_permissions"), ("no-such-mode", "acceptEdits")]
    {
        let failure = session.control(&json!({"subtype": "set_permission_mode", "mode": mode})).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_CONTROL);
        assert!(text(&failure, "remedy").contains(word), "{failure:#?}");
    }
}

#[test]
fn a_folder_that_does_not_exist_is_told_with_its_place() {
    let Some(real) = Real::new("missing_folders") else { return };
    let there = real.sandbox.work().join("there");
    fs::create_dir(&there).unwrap();
    let more = json!({
        "plugins": [{"type": "local", "path": "there"}, {"type": "local", "path": "/nonexistent/plugin"}],
        "add_dirs": [there, "not/there"],
    });
    let session = real.session(more);
    let warnings = session.wait_until("path_missing, twice", |messages| {
        let told = messages.iter().map(|(_, json)| json).filter(|json| json["event"] == "path_missing");
        let told: Vec<_> = told.cloned().collect();
        (told.len() == 2).then_some(told)
    });
    let places: Vec<&str> = warnings.iter().filter_map(|warning| warning["pointer"].as_str()).collect();
    assert_eq!(places, ["/plugins/1/path", "/add_dirs/1"], "{warnings:#?}");
    assert!(warnings[0]["text"].as_str().unwrap().contains("/nonexistent/plugin"));
}

#[test]
fn an_mcp_server_that_hangs_is_named_while_the_first_answer_waits_for_it() {
    let Some(real) = Real::new("mcp_hangs") else { return };
    let servers = json!({"hangs": {"command": "sleep", "args": ["1000"]}});
    let session = real.session(json!({"mcp_servers": servers, "env": {"MCP_TIMEOUT": "12000"}}));
    let result = session.turn("hello");
    assert_eq!(result["subtype"], "success");
    let warnings = session.warnings("mcp_servers_slow");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert_eq!(warnings[0]["servers"], json!(["hangs"]));
    assert!(warnings[0]["remedy"].as_str().unwrap().contains("MCP_TIMEOUT"));
    session.turn("and on");
    assert_eq!(session.warnings("mcp_servers_slow").len(), 1);
}

#[test]
fn a_failure_after_the_last_result_says_that_every_prompt_was_answered() {
    let script = json!({"on_user": [["init", "result", {"exit": 1}]]});
    let (_fake, session) = fake_session(script, json!({}));
    session.query("hello");
    session.receive().unwrap();
    let (status, cause) = session.closed();
    assert_eq!(status, Status::CLAUDE_ERR_PROCESS);
    assert_eq!(cause["answered"], true, "{cause:#}");
    assert!(cause["message"].as_str().unwrap().contains("every prompt had its result"), "{cause:#}");
    // One that owes a result does not say so.
    let script = json!({"on_user": [["init", "result"], ["init", {"exit": 1}]]});
    let (_fake, session) = fake_session(script, json!({}));
    session.turn("hello");
    session.query("again");
    let (_, cause) = session.closed();
    assert_eq!(cause["answered"], Value::Null, "{cause:#}");
}

#[test]
fn stderr_that_is_not_utf8_is_kept_byte_for_byte() {
    let sandbox = Sandbox::new();
    let path = sandbox.root().join("claude");
    crate::support::executable(&path, "#!/bin/sh\nprintf 'caf\\351: nicht gefunden\\n' >&2\nexit 3\n");
    let options = json!({"cli_path": path, "env": sandbox.env_json(), "env_mode": "only"});
    let failure = Session::created(&options).connect(None).unwrap_err();
    assert_eq!(text(&failure, "stderr"), "caf\\xE9: nicht gefunden", "{failure:#?}");
    assert!(failure.message().contains("caf\\xE9"), "{failure:#?}");
}
