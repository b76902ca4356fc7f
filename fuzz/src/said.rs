//! What host and CLI say in a sequence of calls.

use std::ffi::{CString, c_char};
use std::ptr::null;

use arbitrary::Arbitrary;

/// A text, or none.
#[derive(Arbitrary, Debug)]
pub enum Text {
    Null,
    Known(u8),
    Bytes(Vec<u8>),
}

const KNOWN: &[&str] = &[
    "",
    "{}",
    "hi",
    "[]",
    "{\"subtype\":\"x\"}",
    "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}",
    "PreToolUse",
    "Bash",
    "plan",
    "opus",
    "me",
    "{\"behavior\":\"allow\"}",
    "{\"behavior\":\"deny\",\"message\":\"no\"}",
    "{\"name\":\"t\",\"description\":\"x\",\"inputSchema\":{\"type\":\"object\"}}",
    "[0]",
    "{\"command\":\"y\"}",
    "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\"}}",
    "refusal_fallback_prompt",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
    "deny",
    "{\"content\":[]}",
    "Stop",
    "text/plain",
    "2",
    "totals",
];

/// What a CLI may say.
pub const FRAMES: &[&str] = &[
    r#"{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"x"}]}}"#,
    r#"{"type":"result","subtype":"success","is_error":false,"result":"ok","session_id":"s"}"#,
    r#"{"type":"result","subtype":"error","is_error":true,"errors":["x"]}"#,
    r#"{"type":"control_request","request_id":"p1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"x"}}}"#,
    r#"{"type":"control_request","request_id":"p2","request":{"subtype":"can_use_tool","tool_name":"AskUserQuestion","input":{"questions":[{"question":"Q","options":[{"label":"A"}]}]}}}"#,
    r#"{"type":"control_request","request_id":"h1","request":{"subtype":"hook_callback","callback_id":"hook_0","input":{"hook_event_name":"PreToolUse"}}}"#,
    r#"{"type":"control_request","request_id":"m1","request":{"subtype":"mcp_message","server_name":"me","message":{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}}}"#,
    r#"{"type":"control_request","request_id":"m2","request":{"subtype":"mcp_message","server_name":"me","message":{"jsonrpc":"2.0","id":1,"method":"tools/list"}}}"#,
    r#"{"type":"control_request","request_id":"m3","request":{"subtype":"mcp_message","server_name":"me","message":{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","arguments":{}}}}}"#,
    r#"{"type":"control_request","request_id":"m4","request":{"subtype":"mcp_message","server_name":"me","message":{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}}}"#,
    r#"{"type":"control_request","request_id":"e1","request":{"subtype":"elicitation","mcp_server_name":"x","message":"?"}}"#,
    r#"{"type":"control_request","request_id":"d1","request":{"subtype":"request_user_dialog","dialog_kind":"refusal_fallback_prompt","payload":{}}}"#,
    r#"{"type":"control_request","request_id":"x1","request":{"subtype":"of_tomorrow"}}"#,
    r#"{"type":"control_cancel_request","request_id":"p1"}"#,
    r#"{"type":"control_cancel_request","request_id":"m3"}"#,
    r#"{"type":"system","subtype":"session_state_changed","state":"idle","sdk_host_only":true}"#,
    r#"{"type":"system","subtype":"session_state_changed","state":"running","sdk_host_only":true}"#,
    r#"{"type":"command_lifecycle","state":"started"}"#,
    "garbage",
    r#"{"type":"control_response","response":{"subtype":"error","request_id":"req_2","error":"no"}}"#,
];

/// A text for C.
pub struct Given(Option<CString>);

impl Given {
    pub fn of(text: &Text) -> Given {
        Given(match text {
            Text::Null => None,
            Text::Known(at) => Some(CString::new(KNOWN[usize::from(*at) % KNOWN.len()]).expect("no NUL")),
            Text::Bytes(bytes) => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Some(CString::new(&bytes[..end]).expect("no NUL"))
            }
        })
    }

    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ref().map_or(null(), |text| text.as_ptr())
    }
}
