//! Spares of the real CLI: what was registered before the start works in the claimed session, which is as good as one that was
//! started in its folder.

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::boundary::{Failure, Status, c_text, check, given, pointer};
use crate::support::handle::{PATIENCE_MS, fail};
use crate::support::requests::{Host, Request, Stage, bash};
use claude_client::capi::session_store::*;
use claude_client::capi::spare::*;
use claude_client::capi::types::claude_spare_t;
use serde_json::{Value, json};

/// Dropping it frees it.
struct Spare(*mut claude_spare_t);

impl Spare {
    #[track_caller]
    fn of(host: &Host) -> Spare {
        let mut spare = null_mut();
        // SAFETY: the output is a variable; without a function nobody is told.
        check(|error| unsafe { claude_spare_create(host.client, None, null_mut(), &mut spare, error) })
            .unwrap_or_else(fail);
        Spare(spare)
    }

    fn claim(&self, claim: &Value, prompt: Option<&str>) -> Result<(), Failure> {
        let (claim, prompt, mut client) = (c_text(&claim.to_string()), prompt.map(c_text), null_mut());
        let prompt = pointer(&prompt);
        // SAFETY: texts are NUL-terminated, outputs are variables.
        check(|error| unsafe {
            claude_spare_claim_wait(self.0, claim.as_ptr(), prompt, PATIENCE_MS, &mut client, error)
        })
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        // SAFETY: any value may be freed.
        unsafe { claude_spare_free(self.0) };
    }
}

/// An MCP server with one tool, in raw messages.
fn answer_mcp(request: &Request) {
    let message = request.json()["message"].clone();
    let result = match message["method"].as_str() {
        Some("initialize") => json!({"protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "calc", "version": "1"}}),
        Some("tools/list") => json!({"tools": [{"name": "add", "description": "Adds.",
            "inputSchema": {"type": "object", "properties": {}}}]}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "forty-two"}], "isError": false}),
        _ => json!({}),
    };
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
    request.respond(answer).unwrap_or_else(fail);
}

fn prompts(stage: &Stage, prompt: &str) -> Vec<String> {
    let asked = stage.api.messages().into_iter().rfind(|message| message.conversation.prompt() == prompt);
    asked.expect("the API was asked").conversation.user_texts
}

#[test]
fn hooks_tools_and_permissions_of_the_spare_serve_the_claimed_session_which_can_be_resumed() {
    let Some(stage) = Stage::real("hooks_tools_and_permissions_of_the_spare") else { return };
    let project = stage.sandbox.root().join("project");
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(project.join("CLAUDE.md"), "The word of this project is ZEBRA.").unwrap();
    let host = stage.host();
    let hooks = Arc::new(AtomicUsize::new(0));
    let counted = hooks.clone();
    host.hook("PreToolUse", move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        request.respond(json!({})).unwrap_or_else(fail);
    });
    host.permission_handler(|request| request.allow().unwrap_or_else(fail)).unwrap();
    host.mcp_handler("calc", Some(Box::new(|request| answer_mcp(&request)))).unwrap();
    let spare = Spare::of(&host);
    let agents = json!({"reviewer": {"description": "Reviews.", "prompt": "Review."}});
    let claim = json!({"cwd": project, "permission_mode": "default", "title": "Claimed", "agents": agents,
        "append_system_prompt": "The word of the claim is OKAPI.", "model": "sonnet"});
    spare.claim(&claim, None).unwrap_or_else(fail);
    drop(spare);

    let result = host.turn(&bash("pwd > made-here")).result;
    assert_eq!(result["is_error"], false, "{result:#}");
    let made = std::fs::read_to_string(project.join("made-here")).unwrap();
    assert_eq!(made.trim(), std::fs::canonicalize(&project).unwrap().to_str().unwrap());
    assert!(hooks.load(Ordering::Relaxed) > 0, "the hook was asked");
    let called = host.turn(&format!("USE_TOOL {}", json!({"name": "mcp__calc__add", "input": {}}))).result;
    assert!(called["result"].as_str().unwrap().contains("forty-two"), "{called:#}");
    let asked = stage.api.last_message().unwrap();
    let text = asked.body.to_string();
    assert!(text.contains("ZEBRA"), "the project's CLAUDE.md is read");
    assert!(text.contains("OKAPI"), "the system prompt of the claim is in force");
    assert!(asked.conversation.model.contains("sonnet"), "{}", asked.conversation.model);
    let info = host.server_info().unwrap();
    let names: Vec<&Value> = info["agents"].as_array().unwrap().iter().map(|agent| &agent["name"]).collect();
    assert!(names.contains(&&json!("reviewer")), "{names:?}");
    assert_eq!(info["hooks_applied"], true, "what the spare confirmed stays confirmed");

    let id = host.stats()["session_id"].clone();
    host.disconnect().unwrap_or_else(fail);
    let resumed = Host::new(&stage.options(json!({"resume": id, "cwd": project})));
    resumed.connect().unwrap_or_else(fail);
    resumed.turn("and on");
    assert_eq!(prompts(&stage, "and on").last().unwrap(), "and on");
    assert!(prompts(&stage, "and on").len() > 1, "the conversation of the spare goes on");
}

#[test]
fn the_first_prompt_of_a_claim_finds_its_settings_in_force() {
    let Some(stage) = Stage::real("the_first_prompt_of_a_claim") else { return };
    for denied in [true, false] {
        let host = stage.host();
        host.permission_handler(|request| request.allow().unwrap_or_else(fail)).unwrap();
        let spare = Spare::of(&host);
        let rules = if denied { json!({"deny": ["Bash"]}) } else { json!({}) };
        let prompt = bash("touch made-by-the-first-prompt");
        spare.claim(&json!({"settings": {"permissions": rules}}), Some(&prompt)).unwrap_or_else(fail);
        host.receive().unwrap_or_else(fail);
        assert_eq!(prompts(&stage, &prompt), [prompt]);
        assert_eq!(stage.made("made-by-the-first-prompt"), !denied);
    }
}

#[test]
fn a_claimed_session_is_kept_in_the_store_of_its_client() {
    let Some(stage) = Stage::real("a_claimed_session_is_kept_in_the_store") else { return };
    let (host, mut store) = (stage.host(), null_mut());
    // SAFETY: outputs are variables.
    check(|error| unsafe { claude_session_store_create_memory(&mut store, error) }).unwrap_or_else(fail);
    // SAFETY: live handles.
    check(|error| unsafe { claude_client_set_session_store(host.client, store, error) }).unwrap_or_else(fail);
    let spare = Spare::of(&host);
    spare.claim(&json!({}), None).unwrap_or_else(fail);
    host.turn("keep this");
    host.disconnect().unwrap_or_else(fail);
    let options = c_text(&json!({"directory": stage.sandbox.work()}).to_string());
    // SAFETY: the text is NUL-terminated, outputs are variables.
    let list = given(|json, error| unsafe {
        claude_session_store_list(store, options.as_ptr(), PATIENCE_MS, json, error)
    });
    let list = list.unwrap_or_else(fail);
    assert_eq!(list[0]["first_prompt"], "keep this", "{list:#}");
    // SAFETY: any value may be freed.
    unsafe { claude_session_store_free(store) };
}

#[test]
fn p3_what_the_cli_refuses_is_told_by_its_word_and_nothing_reaches_the_model() {
    let Some(stage) = Stage::real("what_the_cli_refuses") else { return };
    let project = stage.sandbox.root().join("project");
    std::fs::create_dir_all(project.join(".claude")).unwrap();
    std::fs::write(project.join(".claude/settings.json"), r#"{"env": {"A": "1"}}"#).unwrap();
    for (claim, reason) in [
        (json!({"cwd": "/nowhere/at/all"}), "cwd_not_found"),
        (json!({"cwd": project}), "project_settings_not_claimable"),
        (json!({"permission_mode": "bypassPermissions"}), "permission_mode_not_claimable"),
        (json!({"settings": {"permissions": 7}}), "settings_not_applied"),
    ] {
        let host = stage.host();
        let spare = Spare::of(&host);
        let failure = spare.claim(&claim, Some("never")).expect_err(reason);
        assert_eq!(
            (failure.status, failure.text("reason")),
            (Status::CLAUDE_ERR_CONTROL, reason),
            "{failure:#?}"
        );
        host.disconnect().unwrap_or_else(fail);
    }
    assert!(stage.api.messages().is_empty(), "no prompt was sent");
}
