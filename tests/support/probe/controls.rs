//! The control functions as a table: each with arguments that the CLI accepts, and with some that it refuses.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr::null;
use std::sync::Arc;

use claude_client::capi::control::*;
use claude_client::capi::types::{claude_client_t, claude_done_fn, claude_error_t, claude_escalation_t};
use serde_json::{Value, json};

use super::{Failure, Outcome, Reply, Session, Status};

type Error = *mut *mut claude_error_t;
type Starter = Box<dyn Fn(*mut claude_client_t, claude_done_fn, *mut c_void, Error) -> Status>;
type Waiter = Box<dyn Fn(*mut claude_client_t, u32, *mut *mut c_char, Error) -> Status>;

/// A look at a reply.
pub type Holds = fn(&Value) -> bool;

/// One function in both its forms, with arguments.
pub struct Control {
    pub function: &'static str,
    /// Of a request without a function of its own: its subtype.
    pub name: &'static str,
    pub start: Starter,
    pub wait: Waiter,
}

/// `control!(name, name_wait, arguments…)`
macro_rules! control {
    ($start:ident, $wait:ident $(, $argument:expr)*) => {
        Control {
            function: stringify!($start),
            name: stringify!($start),
            // SAFETY: texts are NUL-terminated, the rest is passed on as the library wants it.
            start: Box::new(move |client, done, data, error| unsafe { $start(client $(, $argument)*, done, data, error) }),
            // SAFETY: as above.
            wait: Box::new(move |client, time, reply, error| unsafe { $wait(client $(, $argument)*, time, reply, error) }),
        }
    };
}

/// A request without a function of its own.
fn request(members: &Value) -> Control {
    let text = kept(&members.to_string()).as_ptr();
    let name = kept(members["subtype"].as_str().unwrap()).to_str().unwrap();
    Control { name, ..control!(claude_client_control, claude_client_control_wait, text) }
}

impl Control {
    pub fn reply(&self, session: &Session) -> Outcome {
        session.reply_of(|time, reply, error| (self.wait)(session.handle, time, reply, error))
    }

    pub fn later(&self, session: &Session) -> Result<Arc<Reply>, Failure> {
        session.later(|done, data, error| (self.start)(session.handle, done, data, error))
    }
}

/// Text that outlives the test's calls.
pub fn kept(text: &str) -> &'static CStr {
    Box::leak(CString::new(text).unwrap().into_boxed_c_str())
}

pub fn server() -> Value {
    json!({"command": "sh", "args": [Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/probe/mcp-server.sh")]})
}

/// Each control function, and each request of docs/control.md, with arguments that the CLI accepts, and a look at its reply.
pub fn accepted(file: &'static CStr, uuid: &'static CStr) -> Vec<(Control, Holds)> {
    let servers = kept(&json!({"more": server()}).to_string()).as_ptr();
    let path = file.to_str().unwrap();
    let uuid = uuid.as_ptr();
    let small = c"small".as_ptr();
    let empty: Holds = |reply| *reply == json!({});
    let mut list: Vec<(Control, Holds)> = vec![
        (control!(claude_client_get_mcp_status, claude_client_get_mcp_status_wait), |r| {
            r["mcpServers"][0]["status"] == "connected"
        }),
        (control!(claude_client_reconnect_mcp_server, claude_client_reconnect_mcp_server_wait, small), empty),
        (
            control!(claude_client_toggle_mcp_server, claude_client_toggle_mcp_server_wait, small, false),
            empty,
        ),
        (control!(claude_client_toggle_mcp_server, claude_client_toggle_mcp_server_wait, small, true), empty),
    ];
    list.extend(accepted_requests(path));
    let more: Vec<(Control, Holds)> = vec![
        (control!(claude_client_set_mcp_servers, claude_client_set_mcp_servers_wait, servers), |r| {
            r["errors"] == json!({})
        }),
        (control!(claude_client_set_mcp_servers, claude_client_set_mcp_servers_wait, c"{}".as_ptr()), |r| {
            r["errors"] == json!({})
        }),
        (control!(claude_client_cancel_prompt, claude_client_cancel_prompt_wait, uuid), |r| {
            r["cancelled"] == false
        }),
        (control!(claude_client_stop_task, claude_client_stop_task_wait, c"none".as_ptr()), empty),
        (control!(claude_client_get_context_usage, claude_client_get_context_usage_wait, null()), |r| {
            r["maxTokens"].as_u64() > Some(0)
        }),
        (
            control!(
                claude_client_get_context_usage,
                claude_client_get_context_usage_wait,
                c"summary".as_ptr()
            ),
            |r| r["totalTokens"].is_u64(),
        ),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, uuid, true), |r| {
            r["canRewind"] == true
        }),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, uuid, false), |r| {
            r["canRewind"] == true
        }),
        (control!(claude_client_reinitialize, claude_client_reinitialize_wait), |r| {
            r["claude_code_version"] == *claude_testkit::locate::real_cli_version()
                && r["commands"].is_array()
        }),
        (
            control!(
                claude_client_set_permission_mode,
                claude_client_set_permission_mode_wait,
                c"plan".as_ptr()
            ),
            |r| r["mode"] == "plan",
        ),
        (
            control!(
                claude_client_set_permission_mode,
                claude_client_set_permission_mode_wait,
                c"default".as_ptr()
            ),
            |r| r["mode"] == "default",
        ),
        (control!(claude_client_set_model, claude_client_set_model_wait, c"haiku".as_ptr()), |r| {
            r["model"].as_str().is_some_and(|m| m.contains("haiku"))
        }),
        (control!(claude_client_set_model, claude_client_set_model_wait, null()), |r| r["model"].is_string()),
        (
            control!(
                claude_client_interrupt_with,
                claude_client_interrupt_with_wait,
                true,
                0,
                MaybeUninit::new(claude_escalation_t::CLAUDE_ESCALATE_NONE)
            ),
            |r| r["still_queued"] == json!([]) && r["cancelled"] == json!([]),
        ),
        (control!(claude_client_interrupt, claude_client_interrupt_wait), |r| r["still_queued"] == json!([])),
    ];
    list.extend(more);
    list
}

/// The requests of docs/control.md.
fn accepted_requests(path: &str) -> Vec<(Control, Holds)> {
    let empty: Holds = |reply| *reply == json!({});
    let list: Vec<(Value, Holds)> = vec![
        (json!({"subtype": "mcp_call", "tool": "mcp__small__echo", "arguments": {"word": "hi"}}), |r| {
            r["content"][0]["text"] == "echo: hi"
        }),
        (json!({"subtype": "mcp_call", "tool": "mcp__small__echo", "arguments": {}}), |r| {
            r["content"][0]["text"] == "echo: "
        }),
        (json!({"subtype": "mcp_read_resource", "serverName": "small", "uri": "ui://small/page"}), |r| {
            r["contents"][0]["text"] == "<p>hello</p>"
        }),
        (
            json!({"subtype": "set_mcp_permission_mode_override", "serverName": "small", "mode": "auto"}),
            empty,
        ),
        (json!({"subtype": "set_mcp_permission_mode_override", "serverName": "small", "mode": null}), empty),
        (json!({"subtype": "background_tasks"}), empty),
        (json!({"subtype": "background_tasks", "tool_use_id": "none"}), |r| r["backgrounded"] == false),
        (json!({"subtype": "get_usage"}), |r| r["session"]["total_cost_usd"].is_number()),
        (json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": 2000}), empty),
        (
            json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": 0, "thinking_display": "summarized"}),
            empty,
        ),
        (json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": null}), empty),
        (json!({"subtype": "get_settings"}), |r| r["applied"]["model"].is_string()),
        (json!({"subtype": "apply_flag_settings", "settings": {"effortLevel": "low"}}), empty),
        (json!({"subtype": "apply_flag_settings", "settings": {"effortLevel": null}}), empty),
        (
            json!({"subtype": "update_settings", "source": "localSettings", "settings": {"outputStyle": "default"}}),
            empty,
        ),
        (json!({"subtype": "reload_plugins"}), |r| r["commands"].is_array()),
        (json!({"subtype": "reload_skills"}), |r| r["skills"].is_array()),
        (json!({"subtype": "reload_output_styles"}), |r| r["available_output_styles"][0] == "default"),
        (json!({"subtype": "list_models"}), |r| r["models"][0]["value"].is_string()),
        (json!({"subtype": "rename_session", "title": "A title"}), empty),
        (json!({"subtype": "read_file", "path": path}), |r| r["contents"] == "file text"),
        (json!({"subtype": "seed_read_state", "path": path, "mtime": 1_700_000_000_000_i64}), empty),
        (json!({"subtype": "get_binary_version"}), |r| {
            r["version"] == *claude_testkit::locate::real_cli_version()
        }),
        (json!({"subtype": "get_session_cost"}), |r| r["text"].is_string()),
        (json!({"subtype": "list_permission_rules"}), |r| r["state"]["rules"].is_array()),
        (json!({"subtype": "get_hooks_listing"}), |r| r["hooks"].is_array()),
        (json!({"subtype": "file_suggestions", "query": "file"}), |r| r["suggestions"].is_array()),
        (json!({"subtype": "set_has_subscribers", "has_subscribers": true}), empty),
        (json!({"subtype": "set_has_subscribers", "has_subscribers": null}), empty),
        (
            json!({"subtype": "mcp_call", "tool": "mcp__small__fail", "arguments": {}, "soft_error_result": true}),
            |r| r["isError"] == true && r["content"][0]["text"] == "it failed",
        ),
        (json!({"subtype": "set_peer_delivery", "shows_held_messages": true, "account": false}), |r| {
            r["always_deliver"] == json!({"session": null, "account": false})
        }),
        (json!({"subtype": "decide_held_peer_message", "hold_id": "none", "decision": "drop"}), |r| {
            r["outcome"] == "gone"
        }),
    ];
    list.into_iter().map(|(members, holds)| (request(&members), holds)).collect()
}

/// What the CLI refuses, and a part of its reason.
pub fn refused() -> Vec<(Control, &'static str)> {
    let none = c"none".as_ptr();
    let mut list = vec![
        (
            control!(claude_client_reconnect_mcp_server, claude_client_reconnect_mcp_server_wait, none),
            "Server not found",
        ),
        (
            control!(claude_client_toggle_mcp_server, claude_client_toggle_mcp_server_wait, none, true),
            "Server not found",
        ),
        (
            control!(
                claude_client_set_mcp_servers,
                claude_client_set_mcp_servers_wait,
                c"{\"x\":5}".as_ptr()
            ),
            "config objects",
        ),
        (
            control!(claude_client_get_context_usage, claude_client_get_context_usage_wait, c"odd".as_ptr()),
            "detail",
        ),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, none, false), "checkpoint"),
        (
            control!(
                claude_client_set_permission_mode,
                claude_client_set_permission_mode_wait,
                c"odd".as_ptr()
            ),
            "must be one of",
        ),
    ];
    let requests = [
        (json!({"subtype": "mcp_call", "tool": "mcp__small__fail", "arguments": {}}), "it failed"),
        (json!({"subtype": "mcp_call", "tool": "mcp__none__x", "arguments": {}}), "not connected"),
        (json!({"subtype": "mcp_read_resource", "serverName": "none", "uri": "ui://x"}), "Server not found"),
        (json!({"subtype": "mcp_read_resource", "serverName": "small", "uri": "file:///x"}), "ui://"),
        (
            json!({"subtype": "set_mcp_permission_mode_override", "serverName": "small", "mode": "odd"}),
            "must be one of",
        ),
        (json!({"subtype": "get_task_output", "task_id": "none"}), "no shell or Monitor task"),
        (
            json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": 5, "thinking_display": "odd"}),
            "thinking_display",
        ),
        (json!({"subtype": "apply_flag_settings", "settings": {"permissions": 5}}), "permissions"),
        (
            json!({"subtype": "update_settings", "source": "userSettings", "settings": {"model": "x"}}),
            "not allowed",
        ),
        (json!({"subtype": "rename_session", "title": " "}), "non-empty"),
        (json!({"subtype": "read_file", "path": "/no/such/file"}), "read denied"),
        (json!({"subtype": "no_such_thing"}), "Unsupported"),
        (json!({"subtype": "set_color", "color": "red"}), "nsupported"),
        (json!({"subtype": "register_repo_root", "directory": "/no/such/folder"}), "register_repo_root"),
        (json!({"subtype": "set_peer_delivery", "session": 5}), "check session"),
        (
            json!({"subtype": "decide_held_peer_message", "hold_id": "none", "decision": "odd"}),
            "check decision",
        ),
    ];
    list.extend(requests.into_iter().map(|(members, part)| (request(&members), part)));
    list
}
