//! Requests of the CLI to the host: complete samples, so that a script names only what matters to it.

use serde_json::{Value, json};

use crate::frames::merged;

/// `"can_use_tool"` or `{"subtype": …, fields that differ from the sample}` to a whole request.
pub fn completed(argument: Value) -> Result<Value, String> {
    let given = if argument.is_string() { json!({"subtype": argument}) } else { argument };
    let subtype = given["subtype"].as_str().ok_or("ask needs a subtype, or \"exact\": true")?;
    Ok(merged(sample(subtype), &given))
}

fn sample(subtype: &str) -> Value {
    match subtype {
        "can_use_tool" => json!({
            "subtype": subtype, "tool_name": "Bash", "display_name": "Bash",
            "input": {"command": "echo hi > note.txt", "description": "Write a note"},
            "description": "Write a note",
            "permission_suggestions": [{
                "type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "echo hi *"}],
                "behavior": "allow", "destination": "localSettings",
            }],
            "tool_use_id": "toolu_{{new_uuid}}",
        }),
        "hook_callback" => json!({
            "subtype": subtype, "callback_id": "hook_0",
            "input": {
                "session_id": "{{session_id}}", "transcript_path": "{{cwd}}/transcript.jsonl", "cwd": "{{cwd}}",
                "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"},
                "tool_use_id": "toolu_fake",
            },
            "tool_use_id": "toolu_fake",
        }),
        "mcp_message" => json!({
            "subtype": subtype, "server_name": "calc",
            "message": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        }),
        "elicitation" => json!({
            "subtype": subtype, "mcp_server_name": "forms", "message": "Your name?", "mode": "form",
            "requested_schema": {
                "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
            },
        }),
        "request_user_dialog" => json!({
            "subtype": subtype, "dialog_kind": "refusal_fallback_prompt", "payload": {},
        }),
        other => json!({"subtype": other}),
    }
}
