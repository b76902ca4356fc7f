//! The frames of an ordinary turn, in the shape of the real CLI.

use serde_json::{Map, Value, json};

use crate::session::{Prompt, Session, StateFrames};

/// Where `send` appears, the frame gets `uuid` and `session_id` like every frame of the real CLI.
pub fn tagged(session: &mut Session, mut frame: Value) -> Value {
    if let Value::Object(members) = &mut frame {
        members.insert("uuid".into(), json!(session.new_uuid()));
        members.insert("session_id".into(), json!(session.id));
    }
    frame
}

/// Overwrites members of `frame` with those of `overrides`; null removes one.
pub fn merged(mut frame: Value, overrides: &Value) -> Value {
    let (Some(members), Some(overrides)) = (frame.as_object_mut(), overrides.as_object()) else {
        return frame;
    };
    for (key, value) in overrides {
        if value.is_null() {
            members.shift_remove(key);
        } else {
            members.insert(key.clone(), value.clone());
        }
    }
    frame
}

/// The payload of an `initialize` response.
pub fn initialize(session: &Session, request: &Value, version: &str) -> Value {
    let mut payload: Value = serde_json::from_str(include_str!("initialize.json")).expect("embedded JSON");
    payload["pid"] = json!(std::process::id());
    payload["claude_code_version"] = json!(version);
    payload["current_permission_mode"] = json!(session.permission_mode);
    if !request["hooks"].is_null() {
        payload["hooks_applied"] = json!(true);
    }
    for (field, flag) in [
        ("plugins", "plugins_applied"),
        ("mcpServers", "mcp_servers_applied"),
        ("settings", "settings_applied"),
    ] {
        if !request[field].is_null() {
            payload[flag] = json!(session.has_flag("--await-initialize"));
        }
    }
    if let (Some(agents), Some(own)) = (payload["agents"].as_array_mut(), request["agents"].as_object()) {
        agents.extend(
            own.iter().map(|(name, agent)| json!({"name": name, "description": agent["description"]})),
        );
    }
    payload
}

pub fn init(session: &mut Session, version: &str) -> Value {
    let frame = json!({
        "type": "system", "subtype": "init", "cwd": session.cwd, "session_id": session.id,
        "tools": ["Task", "Bash", "Edit", "Read", "Write", "Glob", "Grep"], "mcp_servers": [],
        "model": session.model, "permissionMode": session.permission_mode,
        "slash_commands": ["clear", "compact", "context", "init", "review"],
        "apiKeySource": "ANTHROPIC_API_KEY", "claude_code_version": version, "output_style": "default",
        "agents": ["general-purpose"], "skills": [], "plugins": [],
        "capabilities": ["interrupt_receipt_v1", "interrupt_cancel_queued_v1", "msg_lifecycle_v1"],
        "fast_mode_state": "off",
    });
    tagged(session, frame)
}

fn with_prompt(mut frame: Value, prompt: Option<&Prompt>) -> Value {
    if let Some(uuid) = prompt.and_then(|prompt| prompt.uuid.as_deref()) {
        frame["user_message_uuid"] = json!(uuid);
        frame["user_message_uuids"] = json!([uuid]);
    }
    frame
}

pub fn assistant(session: &mut Session, content: Value, prompt: Option<&Prompt>) -> Value {
    let id = format!("msg_{}", session.new_uuid().replace('-', ""));
    let frame = json!({
        "type": "assistant",
        "message": {
            "id": id, "type": "message", "role": "assistant", "model": session.model, "content": content,
            "stop_reason": null, "stop_sequence": null, "usage": usage(0),
        },
        "parent_tool_use_id": null,
    });
    with_prompt(tagged(session, frame), prompt)
}

pub fn text_block(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

fn usage(output_tokens: u64) -> Value {
    json!({
        "input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output_tokens, "service_tier": "standard",
    })
}

/// A `success` result; it adds the price of a turn to the running total.
pub fn result(session: &mut Session, text: &str, prompt: Option<&Prompt>) -> Value {
    session.cost += 0.001;
    let (turns, cost) = (session.turns.max(1), session.cost);
    let model_usage = json!({
        "inputTokens": 100 * turns, "outputTokens": 10 * turns, "cacheReadInputTokens": 0,
        "cacheCreationInputTokens": 0, "webSearchRequests": 0, "costUSD": cost, "contextWindow": 1_000_000,
        "maxOutputTokens": 64_000,
    });
    let frame = json!({
        "duration_api_ms": 8, "stop_reason": "end_turn", "total_cost_usd": cost, "usage": usage(10),
        "modelUsage": {session.model.as_str(): model_usage}, "permission_denials": [],
        "terminal_reason": "completed", "is_error": false, "num_turns": 1, "subtype": "success",
        "api_error_status": null, "result": text, "type": "result", "duration_ms": 10, "queued_turn_count": 0,
    });
    with_prompt(tagged(session, frame), prompt)
}

/// The result of a turn that failed without an answer.
pub fn error_result(
    session: &mut Session,
    error: &str,
    reason: Option<&str>,
    prompt: Option<&Prompt>,
) -> Value {
    let overrides = json!({
        "is_error": true, "subtype": "error_during_execution", "errors": [error], "stop_reason": null, "result": null,
        "terminal_reason": reason,
    });
    merged(result(session, "", prompt), &overrides)
}

pub fn user_note(session: &mut Session, text: &str) -> Value {
    let frame = json!({
        "type": "user", "message": {"role": "user", "content": text_block(text)}, "parent_tool_use_id": null,
    });
    tagged(session, frame)
}

pub fn replay(session: &mut Session, prompt: &Prompt) -> Value {
    let frame = json!({
        "type": "user", "message": {"role": "user", "content": prompt.content}, "parent_tool_use_id": null,
        "isReplay": true,
    });
    let mut frame = tagged(session, frame);
    if let Some(uuid) = &prompt.uuid {
        frame["uuid"] = json!(uuid);
    }
    frame
}

pub fn stream_event(session: &mut Session, event: Value, prompt: Option<&Prompt>) -> Value {
    let frame = json!({"type": "stream_event", "event": event, "parent_tool_use_id": null});
    with_prompt(tagged(session, frame), prompt)
}

pub fn lifecycle(session: &mut Session, uuid: &str, state: &str) -> Value {
    tagged(session, json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state}))
}

pub fn system(session: &mut Session, subtype: &str, fields: &Value) -> Value {
    let frame = tagged(session, json!({"type": "system", "subtype": subtype}));
    merged(frame, fields)
}

pub fn state(session: &mut Session, state: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("state".into(), json!(state));
    if session.state_frames == Some(StateFrames::HostOnly) {
        fields.insert("sdk_host_only".into(), json!(true));
    }
    system(session, "session_state_changed", &Value::Object(fields))
}

pub fn success(request_id: &str, payload: Option<Value>) -> Value {
    let mut response = json!({"subtype": "success", "request_id": request_id});
    if let Some(payload) = payload {
        response["response"] = payload;
    }
    json!({"type": "control_response", "response": response})
}

pub fn failure(request_id: &str, error: &str, code: Option<&str>) -> Value {
    let mut response = json!({"subtype": "error", "request_id": request_id, "error": error});
    if let Some(code) = code {
        response["error_code"] = json!(code);
    }
    json!({"type": "control_response", "response": response})
}
