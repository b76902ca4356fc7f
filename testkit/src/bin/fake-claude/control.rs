//! The ordinary answers to control requests of the host.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::frames;

const MODES: [&str; 7] = ["default", "manual", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto"];

/// Answers one request as the real CLI would.
pub fn answer(engine: &mut Engine, request_id: &str, request: &Value) {
    match request["subtype"].as_str() {
        Some("initialize") => initialize(engine, request_id, request),
        Some("claim_session") => claim_session(engine, request_id, request),
        Some("interrupt") => engine.interrupt(request_id, request["cancel_queued"] == true),
        Some("set_model") => set_model(engine, request_id, request),
        Some("set_permission_mode") => set_permission_mode(engine, request_id, request),
        Some("cancel_async_message") => {
            let uuid = request["message_uuid"].as_str().unwrap_or_default();
            let cancelled = engine.cancel_queued(uuid);
            let payload = json!({"cancelled": cancelled, "message_uuid": uuid});
            engine.emit(&frames::success(request_id, Some(payload)));
        }
        Some("rename_session") => {
            engine.emit(&frames::success(request_id, None));
            engine.emit_system("session_title_changed", &json!({"title": request["title"]}));
        }
        Some("stop_task") => {
            engine.emit(&frames::success(request_id, Some(json!({}))));
            let id = &request["task_id"];
            engine.emit_system("task_updated", &json!({"task_id": id, "patch": {"status": "killed"}}));
            let stopped =
                json!({"task_id": id, "status": "stopped", "output_file": "", "summary": "stopped"});
            engine.emit_system("task_notification", &stopped);
        }
        Some("end_session") => {
            engine.emit(&frames::success(request_id, None));
            engine.exit(0);
        }
        Some(subtype) => simple(engine, request_id, subtype, request),
        None => unsupported(engine, request_id, "undefined"),
    }
}

fn unsupported(engine: &mut Engine, request_id: &str, subtype: &str) {
    let text = format!("Unsupported control request subtype: {subtype}");
    engine.emit(&frames::failure(request_id, &text, Some("unsupported_request")));
}

fn initialize(engine: &mut Engine, request_id: &str, request: &Value) {
    let payload = frames::initialize(&engine.session, request, &engine.script.version_number());
    let mut frame = frames::success(request_id, Some(payload));
    frame["response"]["pending_permission_requests"] = json!([]);
    frame["response"]["pending_user_dialog_requests"] = json!([]);
    engine.emit(&frame);
}

fn claim_session(engine: &mut Engine, request_id: &str, request: &Value) {
    if !std::mem::take(&mut engine.session.spare) {
        let text = "not_a_spare: claim_session is only accepted by a process started with --await-claim that has not been \
                    claimed yet";
        return engine.emit(&frames::failure(request_id, text, None));
    }
    request["cwd"].as_str().unwrap_or_default().clone_into(&mut engine.session.cwd);
    if let Some(mode) = request["permission_mode"].as_str() {
        mode.clone_into(&mut engine.session.permission_mode);
    }
    let session = &engine.session;
    let initialize = frames::initialize(session, &Value::Null, &engine.script.version_number());
    let payload = json!({"status": "ok", "cwd": session.cwd, "session_id": session.id, "parked_ms": 1,
        "sdk_mcp_settled": true, "initialize": initialize});
    engine.emit(&frames::success(request_id, Some(payload)));
}

fn set_model(engine: &mut Engine, request_id: &str, request: &Value) {
    let model = request["model"].as_str().unwrap_or("claude-opus-5-5").to_owned();
    let note = format!("<local-command-stdout>Set model to `{model}`</local-command-stdout>");
    let mut frame = frames::user_note(&mut engine.session, &note);
    frame["message"]["content"] = json!(note);
    frame["isReplay"] = json!(true);
    engine.session.model.clone_from(&model);
    engine.emit(&frame);
    engine.emit(&frames::success(request_id, Some(json!({"model": model}))));
}

fn set_permission_mode(engine: &mut Engine, request_id: &str, request: &Value) {
    let mode = request["mode"].as_str().unwrap_or_default();
    let launched = engine.session.has_flag("--allow-dangerously-skip-permissions")
        || engine.session.argument("--permission-mode") == Some("bypassPermissions");
    if !MODES.contains(&mode) {
        let text = format!("Invalid permission mode: {mode}");
        return engine.emit(&frames::failure(request_id, &text, Some("invalid_mode")));
    }
    if mode == "bypassPermissions" && !launched {
        let text = "Cannot set permission mode to bypassPermissions: the session was not launched with it";
        return engine.emit(&frames::failure(request_id, text, Some("bypass_not_launched")));
    }
    engine.session.permission_mode = mode.to_owned();
    engine.emit_system("status", &json!({"status": null, "permissionMode": mode}));
    engine.emit(&frames::success(request_id, Some(json!({"mode": mode}))));
}

/// Subtypes whose answer does not change anything here.
fn simple(engine: &mut Engine, request_id: &str, subtype: &str, request: &Value) {
    let server = request["serverName"].as_str().unwrap_or_default();
    let payload = match subtype {
        "set_max_thinking_tokens"
        | "apply_flag_settings"
        | "mcp_toggle"
        | "mcp_message"
        | "seed_read_state"
        | "set_has_subscribers" => None,
        "mcp_reconnect" => {
            return engine.emit(&frames::failure(request_id, &format!("Server not found: {server}"), None));
        }
        "rewind_files" => return rewind_files(engine, request_id, request),
        "read_file" => {
            let text = format!("read denied: {}", request["path"].as_str().unwrap_or_default());
            return engine.emit(&frames::failure(request_id, &text, None));
        }
        "mcp_set_servers" => {
            let names: Vec<&String> =
                request["servers"].as_object().map(|s| s.keys().collect()).unwrap_or_default();
            Some(json!({"added": names, "removed": [], "errors": {}}))
        }
        _ => match fixed_payload(engine, subtype) {
            Some(payload) => Some(payload),
            None => return unsupported(engine, request_id, subtype),
        },
    };
    engine.emit(&frames::success(request_id, payload));
}

fn rewind_files(engine: &mut Engine, request_id: &str, request: &Value) {
    let error = "File rewinding is not enabled.";
    if request["dry_run"] == true {
        let payload = json!({"canRewind": false, "error": error});
        engine.emit(&frames::success(request_id, Some(payload)));
    } else {
        engine.emit(&frames::failure(request_id, error, None));
    }
}

fn fixed_payload(engine: &Engine, subtype: &str) -> Option<Value> {
    let session = &engine.session;
    let listed = || frames::initialize(session, &Value::Null, &engine.script.version_number());
    Some(match subtype {
        "mcp_status" => json!({"mcpServers": []}),
        "get_context_usage" => json!({
            "categories": [
                {"name": "System prompt", "tokens": 3000, "color": "promptBorder"},
                {"name": "Messages", "tokens": 100 * session.turns, "color": "purple"},
            ],
            "totalTokens": 3000 + 100 * session.turns, "maxTokens": 1_000_000, "rawMaxTokens": 1_000_000,
            "percentage": 0, "gridRows": [], "model": session.model, "memoryFiles": [], "mcpTools": [],
            "agents": [], "isAutoCompactEnabled": true, "apiUsage": null,
        }),
        "get_usage" => json!({"session": {"total_cost_usd": session.cost}, "rate_limits": null}),
        "get_session_cost" => json!({"text": format!("Total cost: ${:.4}", session.cost)}),
        "get_settings" => json!({
            "effective": {}, "sources": [], "applied": {"model": session.model, "effort": null},
        }),
        "list_models" => json!({"models": listed()["models"]}),
        "list_permission_rules" => json!({"state": {
            "rules": [], "workspaceDirectories": [], "originalCwd": session.cwd, "managedOnly": false,
        }}),
        "get_hooks_listing" => json!({"events": [], "hooks": [], "eventCatalog": []}),
        "get_binary_version" => {
            json!({"version": engine.script.version_number(), "buildTime": "2026-01-01T00:00:00Z"})
        }
        "reload_plugins" => json!({
            "commands": listed()["commands"], "agents": listed()["agents"], "plugins": [], "mcpServers": [],
            "error_count": 0,
        }),
        "reload_skills" => json!({"skills": []}),
        "reload_output_styles" => json!({"available_output_styles": listed()["available_output_styles"]}),
        "file_suggestions" => json!({"suggestions": [], "cwd": session.cwd}),
        "background_tasks"
        | "update_settings"
        | "register_repo_root"
        | "set_mcp_permission_mode_override" => json!({}),
        "get_task_output" => json!({"output": "", "total_bytes": 0, "truncated": false}),
        "mcp_call" => json!({"content": [{"type": "text", "text": "called"}]}),
        "mcp_read_resource" => json!({"contents": []}),
        _ => return None,
    })
}
