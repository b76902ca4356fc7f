//! The control functions as a table: each with arguments that the CLI accepts, and with some that it refuses.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::null;
use std::sync::Arc;

use claude_client::capi::control::*;
use claude_client::capi::types::{claude_client_t, claude_done_fn, claude_error_t};
use serde_json::{Value, json};

use super::{Failure, Outcome, Reply, Session, Status};

type Error = *mut *mut claude_error_t;
type Starter = Box<dyn Fn(*mut claude_client_t, claude_done_fn, *mut c_void, Error) -> Status>;
type Waiter = Box<dyn Fn(*mut claude_client_t, u32, *mut *mut c_char, Error) -> Status>;

/// A look at a reply.
pub type Holds = fn(&Value) -> bool;

/// One function in both its forms, with arguments.
pub struct Control {
    pub name: &'static str,
    pub start: Starter,
    pub wait: Waiter,
}

/// `control!(name, name_wait, arguments…)`; a trailing `no reply` for the forms without an output.
macro_rules! control {
    ($start:ident, $wait:ident $(, $argument:expr)* ; no reply) => {
        Control {
            name: stringify!($start),
            // SAFETY: texts are NUL-terminated, the rest is passed on as the library wants it.
            start: Box::new(move |client, done, data, error| unsafe { $start(client $(, $argument)*, done, data, error) }),
            // SAFETY: as above.
            wait: Box::new(move |client, time, _, error| unsafe { $wait(client $(, $argument)*, time, error) }),
        }
    };
    ($start:ident, $wait:ident $(, $argument:expr)*) => {
        Control {
            name: stringify!($start),
            // SAFETY: texts are NUL-terminated, the rest is passed on as the library wants it.
            start: Box::new(move |client, done, data, error| unsafe { $start(client $(, $argument)*, done, data, error) }),
            // SAFETY: as above.
            wait: Box::new(move |client, time, reply, error| unsafe { $wait(client $(, $argument)*, time, reply, error) }),
        }
    };
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

/// Each control function with arguments that the CLI accepts, and a look at its reply.
pub fn accepted(file: &'static CStr, uuid: &'static CStr) -> Vec<(Control, Holds)> {
    let servers = kept(&json!({"more": server()}).to_string()).as_ptr();
    let (file, uuid) = (file.as_ptr(), uuid.as_ptr());
    let small = c"small".as_ptr();
    let echo = c"mcp__small__echo".as_ptr();
    let empty: Holds = |reply| *reply == json!({});
    vec![
        (control!(claude_client_get_mcp_status, claude_client_get_mcp_status_wait), |r| {
            r["mcpServers"][0]["status"] == "connected"
        }),
        (control!(claude_client_reconnect_mcp_server, claude_client_reconnect_mcp_server_wait, small), empty),
        (
            control!(claude_client_toggle_mcp_server, claude_client_toggle_mcp_server_wait, small, false),
            empty,
        ),
        (control!(claude_client_toggle_mcp_server, claude_client_toggle_mcp_server_wait, small, true), empty),
        (
            control!(
                claude_client_call_mcp_tool,
                claude_client_call_mcp_tool_wait,
                echo,
                c"{\"word\":\"hi\"}".as_ptr()
            ),
            |r| r["content"][0]["text"] == "echo: hi",
        ),
        (control!(claude_client_call_mcp_tool, claude_client_call_mcp_tool_wait, echo, null()), |r| {
            r["content"][0]["text"] == "echo: "
        }),
        (
            control!(
                claude_client_read_mcp_resource,
                claude_client_read_mcp_resource_wait,
                small,
                c"ui://small/page".as_ptr()
            ),
            |r| r["contents"][0]["text"] == "<p>hello</p>",
        ),
        (
            control!(
                claude_client_set_mcp_permission_mode_override,
                claude_client_set_mcp_permission_mode_override_wait,
                small,
                c"auto".as_ptr()
            ),
            empty,
        ),
        (
            control!(
                claude_client_set_mcp_permission_mode_override,
                claude_client_set_mcp_permission_mode_override_wait,
                small,
                null()
            ),
            empty,
        ),
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
        (control!(claude_client_background_tasks, claude_client_background_tasks_wait, null()), empty),
        (
            control!(claude_client_background_tasks, claude_client_background_tasks_wait, c"none".as_ptr()),
            |r| r["backgrounded"] == false,
        ),
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
        (control!(claude_client_get_usage, claude_client_get_usage_wait), |r| {
            r["session"]["total_cost_usd"].is_number()
        }),
        (
            control!(
                claude_client_set_max_thinking_tokens,
                claude_client_set_max_thinking_tokens_wait,
                2000,
                null()
            ),
            empty,
        ),
        (
            control!(
                claude_client_set_max_thinking_tokens,
                claude_client_set_max_thinking_tokens_wait,
                0,
                c"summarized".as_ptr()
            ),
            empty,
        ),
        (
            control!(
                claude_client_set_max_thinking_tokens,
                claude_client_set_max_thinking_tokens_wait,
                -1,
                null()
            ),
            empty,
        ),
        (control!(claude_client_get_settings, claude_client_get_settings_wait), |r| {
            r["applied"]["model"].is_string()
        }),
        (
            control!(
                claude_client_apply_flag_settings,
                claude_client_apply_flag_settings_wait,
                c"{\"effortLevel\":\"low\"}".as_ptr()
            ),
            empty,
        ),
        (
            control!(
                claude_client_apply_flag_settings,
                claude_client_apply_flag_settings_wait,
                c"{\"effortLevel\":null}".as_ptr()
            ),
            empty,
        ),
        (
            control!(
                claude_client_update_settings,
                claude_client_update_settings_wait,
                c"localSettings".as_ptr(),
                c"{\"outputStyle\":\"default\"}".as_ptr()
            ),
            empty,
        ),
        (control!(claude_client_reload_plugins, claude_client_reload_plugins_wait), |r| {
            r["commands"].is_array()
        }),
        (control!(claude_client_reload_skills, claude_client_reload_skills_wait), |r| r["skills"].is_array()),
        (control!(claude_client_reload_output_styles, claude_client_reload_output_styles_wait), |r| {
            r["available_output_styles"][0] == "default"
        }),
        (control!(claude_client_list_models, claude_client_list_models_wait), |r| {
            r["models"][0]["value"].is_string()
        }),
        (
            control!(claude_client_rename_session, claude_client_rename_session_wait, c"A title".as_ptr()),
            empty,
        ),
        (control!(claude_client_read_file, claude_client_read_file_wait, file), |r| {
            r["contents"] == "file text"
        }),
        (
            control!(
                claude_client_seed_read_state,
                claude_client_seed_read_state_wait,
                file,
                1_700_000_000_000
            ),
            empty,
        ),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, uuid, true), |r| {
            r["canRewind"] == true
        }),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, uuid, false), |r| {
            r["canRewind"] == true
        }),
        raw(c"{\"subtype\":\"get_binary_version\"}", |r| r["version"] == "2.1.330"),
        raw(c"{\"subtype\":\"get_session_cost\"}", |r| r["text"].is_string()),
        raw(c"{\"subtype\":\"list_permission_rules\"}", |r| r["state"]["rules"].is_array()),
        raw(c"{\"subtype\":\"get_hooks_listing\"}", |r| r["hooks"].is_array()),
        raw(c"{\"subtype\":\"file_suggestions\",\"query\":\"file\"}", |r| r["suggestions"].is_array()),
        raw(c"{\"subtype\":\"set_has_subscribers\",\"has_subscribers\":true}", empty),
        raw(c"{\"subtype\":\"set_has_subscribers\",\"has_subscribers\":null}", empty),
        (control!(claude_client_reinitialize, claude_client_reinitialize_wait), |r| {
            r["claude_code_version"] == "2.1.330" && r["commands"].is_array()
        }),
        (
            control!(claude_client_set_permission_mode, claude_client_set_permission_mode_wait, c"plan".as_ptr(); no reply),
            |r| r.is_null() || r["mode"] == "plan",
        ),
        (
            control!(claude_client_set_permission_mode, claude_client_set_permission_mode_wait, c"default".as_ptr(); no reply),
            |r| r.is_null() || r["mode"] == "default",
        ),
        (control!(claude_client_set_model, claude_client_set_model_wait, c"haiku".as_ptr(); no reply), |r| {
            r.is_null() || r["model"].as_str().is_some_and(|m| m.contains("haiku"))
        }),
        (control!(claude_client_set_model, claude_client_set_model_wait, null(); no reply), |r| {
            r.is_null() || r["model"].is_string()
        }),
        (control!(claude_client_interrupt_with, claude_client_interrupt_with_wait, true, 0, 0), |r| {
            r["still_queued"] == json!([]) && r["cancelled"] == json!([])
        }),
        (control!(claude_client_interrupt, claude_client_interrupt_wait; no reply), |r| {
            r.is_null() || r["still_queued"] == json!([])
        }),
    ]
}

/// A request that has no function of its own.
fn raw(request: &'static CStr, holds: Holds) -> (Control, Holds) {
    (control!(claude_client_control, claude_client_control_wait, request.as_ptr()), holds)
}

/// What the CLI refuses, and a part of its reason.
pub fn refused() -> Vec<(Control, &'static str)> {
    let none = c"none".as_ptr();
    vec![
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
                claude_client_call_mcp_tool,
                claude_client_call_mcp_tool_wait,
                c"mcp__small__fail".as_ptr(),
                null()
            ),
            "it failed",
        ),
        (
            control!(
                claude_client_call_mcp_tool,
                claude_client_call_mcp_tool_wait,
                c"mcp__none__x".as_ptr(),
                null()
            ),
            "not connected",
        ),
        (
            control!(
                claude_client_read_mcp_resource,
                claude_client_read_mcp_resource_wait,
                none,
                c"ui://x".as_ptr()
            ),
            "Server not found",
        ),
        (
            control!(
                claude_client_read_mcp_resource,
                claude_client_read_mcp_resource_wait,
                c"small".as_ptr(),
                c"file:///x".as_ptr()
            ),
            "ui://",
        ),
        (
            control!(
                claude_client_set_mcp_permission_mode_override,
                claude_client_set_mcp_permission_mode_override_wait,
                c"small".as_ptr(),
                c"odd".as_ptr()
            ),
            "must be one of",
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
            control!(claude_client_get_task_output, claude_client_get_task_output_wait, none),
            "no shell or Monitor task",
        ),
        (
            control!(claude_client_get_context_usage, claude_client_get_context_usage_wait, c"odd".as_ptr()),
            "detail",
        ),
        (
            control!(
                claude_client_set_max_thinking_tokens,
                claude_client_set_max_thinking_tokens_wait,
                5,
                c"odd".as_ptr()
            ),
            "thinking_display",
        ),
        (
            control!(
                claude_client_apply_flag_settings,
                claude_client_apply_flag_settings_wait,
                c"{\"permissions\":5}".as_ptr()
            ),
            "permissions",
        ),
        (
            control!(
                claude_client_update_settings,
                claude_client_update_settings_wait,
                c"userSettings".as_ptr(),
                c"{\"model\":\"x\"}".as_ptr()
            ),
            "not allowed",
        ),
        (
            control!(claude_client_rename_session, claude_client_rename_session_wait, c" ".as_ptr()),
            "non-empty",
        ),
        (
            control!(claude_client_read_file, claude_client_read_file_wait, c"/no/such/file".as_ptr()),
            "read denied",
        ),
        (control!(claude_client_rewind_files, claude_client_rewind_files_wait, none, false), "checkpoint"),
        refusal(c"{\"subtype\":\"no_such_thing\"}", "Unsupported"),
        refusal(c"{\"subtype\":\"set_color\",\"color\":\"red\"}", "nsupported"),
        refusal(
            c"{\"subtype\":\"register_repo_root\",\"directory\":\"/no/such/folder\"}",
            "register_repo_root",
        ),
        (
            control!(claude_client_set_permission_mode, claude_client_set_permission_mode_wait, c"odd".as_ptr(); no reply),
            "must be one of",
        ),
    ]
}

fn refusal(request: &'static CStr, part: &'static str) -> (Control, &'static str) {
    (control!(claude_client_control, claude_client_control_wait, request.as_ptr()), part)
}
