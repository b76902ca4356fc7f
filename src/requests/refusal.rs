//! What the CLI is sent when nobody answers: always a refusal, in the form that the kind of request understands.

use serde_json::{Value, json};

use super::events::{self, Silence};
use super::{Request, RequestKind};
use crate::protocol::{control, tolerant};

/// The whole line.
pub fn line(request: &Request, why: &str) -> String {
    let id = &request.wire_id;
    let payload = match request.kind {
        RequestKind::Permission => json!({"behavior": "deny", "message": why}),
        RequestKind::Elicitation => json!({"action": "decline"}),
        RequestKind::Dialog => json!({"behavior": "cancelled"}),
        RequestKind::Mcp => mcp(request, why),
        RequestKind::Hook => match hook(request, why) {
            Some(output) => output,
            None => return control::error_line(id, why, None),
        },
        RequestKind::Other => {
            let message = format!("Unsupported control request subtype: {}", request.subtype);
            return control::error_line(id, &message, Some("unsupported_request"));
        }
    };
    control::success_line(id, &payload.to_string())
}

/// After an error the CLI continues as if the hook had no objection (unless it was registered to block). So
/// anything that may guard something is denied, including events this version does not know. For the other
/// events an error is all that can be sent.
fn hook(request: &Request, why: &str) -> Option<Value> {
    let event = request.hook_event().unwrap_or_default();
    let mut output = match events::silence(&event) {
        Silence::Continues => return None,
        Silence::Blocks => return Some(json!({"decision": "block", "reason": why})),
        Silence::Denies => json!({"permissionDecision": "deny", "permissionDecisionReason": why}),
        Silence::DeniesPermission => json!({"decision": {"behavior": "deny", "message": why}}),
    };
    output["hookEventName"] = event.into();
    Some(json!({"hookSpecificOutput": output}))
}

fn mcp(request: &Request, why: &str) -> Value {
    match tolerant::member(request.json(), &["message", "id"]) {
        Some(id) => {
            json!({"mcp_response": {"jsonrpc": "2.0", "id": id, "error": {"code": -32603, "message": why}}})
        }
        None => json!({"mcp_response": {"jsonrpc": "2.0", "result": {}}}),
    }
}
