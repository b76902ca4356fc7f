//! @defgroup control Control
//! Operations on a connected session. Each has a twin that waits; the reply is the CLI's own JSON object, which may be empty.
//! CLAUDE_ERR_CONTROL: the CLI refused, with its reason. docs/control.md lists the requests for claude_client_control.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

use serde_json::json;

use super::operation::{Members, json_object, members, start, wait};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_escalation_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::param::{number, optional_text, out, required_text};
use crate::protocol::control::check_request;
use crate::session::{Client, Escalation};

/// Ends the running turn, with an error result; the session goes on, and queued prompts still run. The reply looks like
/// {"still_queued":[...]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(interrupt()))
}

/// @copydoc claude_client_interrupt
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| Ok(interrupt()))
}

fn interrupt() -> Members {
    members(json!({"subtype": "interrupt"}))
}

/// As claude_client_interrupt, with options.
/// @param cancel_queued Whether queued prompts are cancelled as well; the reply then has `cancelled`.
/// @param deadline_ms How long the turn may take to end; ignored without an escalation.
/// @param escalation What happens after that; the session ends with CLAUDE_ERR_TIMEOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_with(
    client: *mut claude_client_t,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: MaybeUninit<claude_escalation_t>,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |client| {
        interrupt_with(client, cancel_queued, deadline_ms, number!(escalation))
    })
}

/// @copydoc claude_client_interrupt_with
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_with_wait(
    client: *mut claude_client_t,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: MaybeUninit<claude_escalation_t>,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |client| {
        interrupt_with(client, cancel_queued, deadline_ms, number!(escalation))
    })
}

/// Sends the request, after starting to watch the running turn.
fn interrupt_with(
    client: &Client,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: i32,
) -> Result<Members> {
    let escalation = match escalation {
        0 => Escalation::None,
        1 => Escalation::Disconnect,
        2 => Escalation::Kill,
        other => {
            return Err(Error::new(Status::InvalidArgument, format!("{other} is not an escalation"))
                .with("argument", "escalation")
                .with("remedy", "pass one of the CLAUDE_ESCALATE_ constants"));
        }
    };
    client.watch_turn(Duration::from_millis(deadline_ms.into()), escalation);
    let mut request = members(json!({"subtype": "interrupt"}));
    if cancel_queued {
        request.insert("cancel_queued".into(), true.into());
    }
    Ok(request)
}

/// Changes the permission mode: "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto" and whatever else the CLI
/// knows. The reply looks like {"mode":"plan"}, the mode now in force, which may be a different one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_mode(
    client: *mut claude_client_t,
    mode: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(set_permission_mode(required_text!(mode)?)))
}

/// @copydoc claude_client_set_permission_mode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_mode_wait(
    client: *mut claude_client_t,
    mode: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(set_permission_mode(required_text!(mode)?))
    })
}

fn set_permission_mode(mode: &str) -> Members {
    members(json!({"subtype": "set_permission_mode", "mode": mode}))
}

/// Changes the model, even in the middle of a turn. The CLI accepts unknown names too, and fails at the next turn.
/// @param model NULL = the default one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_model(
    client: *mut claude_client_t,
    model: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(set_model(optional_text!(model)?)))
}

/// @copydoc claude_client_set_model
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_model_wait(
    client: *mut claude_client_t,
    model: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| Ok(set_model(optional_text!(model)?)))
}

/// Null is the default model.
fn set_model(model: Option<&str>) -> Members {
    members(json!({"subtype": "set_model", "model": model}))
}

/// Restores files to their state at a prompt (option `enable_file_checkpointing`), or says what would change. The reply looks like
/// {"canRewind":true,"filesChanged":[...]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rewind_files(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    dry_run: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(rewind_files(required_text!(message_uuid)?, dry_run)))
}

/// @copydoc claude_client_rewind_files
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rewind_files_wait(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    dry_run: bool,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(rewind_files(required_text!(message_uuid)?, dry_run))
    })
}

fn rewind_files(uuid: &str, dry_run: bool) -> Members {
    members(json!({"subtype": "rewind_files", "user_message_id": uuid, "dry_run": dry_run}))
}

/// The status of the MCP servers: `mcpServers`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(get_mcp_status()))
}

/// @copydoc claude_client_get_mcp_status
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| Ok(get_mcp_status()))
}

fn get_mcp_status() -> Members {
    members(json!({"subtype": "mcp_status"}))
}

/// Reconnects an MCP server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reconnect_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(reconnect_mcp_server(required_text!(server_name)?)))
}

/// @copydoc claude_client_reconnect_mcp_server
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reconnect_mcp_server_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(reconnect_mcp_server(required_text!(server_name)?))
    })
}

fn reconnect_mcp_server(server_name: &str) -> Members {
    members(json!({"subtype": "mcp_reconnect", "serverName": server_name}))
}

/// Enables or disables an MCP server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_toggle_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    enabled: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| {
        Ok(toggle_mcp_server(required_text!(server_name)?, enabled))
    })
}

/// @copydoc claude_client_toggle_mcp_server
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_toggle_mcp_server_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    enabled: bool,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(toggle_mcp_server(required_text!(server_name)?, enabled))
    })
}

fn toggle_mcp_server(server_name: &str, enabled: bool) -> Members {
    members(json!({"subtype": "mcp_toggle", "serverName": server_name, "enabled": enabled}))
}

/// Replaces the MCP servers that were added during the session. Those of the host stay, and those that were added after connecting
/// become known to the CLI. The reply has `added`, `removed`, `errors`.
/// @param servers_json Names and configurations; null to remove a server of the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_servers(
    client: *mut claude_client_t,
    servers_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |client| {
        set_mcp_servers(client, required_text!(servers_json)?)
    })
}

/// @copydoc claude_client_set_mcp_servers
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_servers_wait(
    client: *mut claude_client_t,
    servers_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |client| {
        set_mcp_servers(client, required_text!(servers_json)?)
    })
}

fn set_mcp_servers(client: &Client, servers_json: &str) -> Result<Members> {
    let servers = json_object(servers_json, "servers_json")?;
    Ok(members(json!({"subtype": "mcp_set_servers", "servers": client.all_servers(servers)?})))
}

/// Stops a background task, by the id of its `task_started` message. The CLI does not treat an unknown id as an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stop_task(
    client: *mut claude_client_t,
    task_id: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(stop_task(required_text!(task_id)?)))
}

/// @copydoc claude_client_stop_task
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stop_task_wait(
    client: *mut claude_client_t,
    task_id: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| Ok(stop_task(required_text!(task_id)?)))
}

fn stop_task(task_id: &str) -> Members {
    members(json!({"subtype": "stop_task", "task_id": task_id}))
}

/// How full the context window is, and with what: `categories`, `totalTokens`, `maxTokens`, `percentage`.
/// @param detail "summary" or "full"; NULL = the CLI's default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_context_usage(
    client: *mut claude_client_t,
    detail: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(get_context_usage(optional_text!(detail)?)))
}

/// @copydoc claude_client_get_context_usage
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_context_usage_wait(
    client: *mut claude_client_t,
    detail: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(get_context_usage(optional_text!(detail)?))
    })
}

fn get_context_usage(detail: Option<&str>) -> Members {
    let mut request = members(json!({"subtype": "get_context_usage"}));
    if let Some(detail) = detail {
        request.insert("detail".into(), detail.into());
    }
    request
}

/// Removes a prompt from the CLI's queue, provided its turn has not begun: {"cancelled":true}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_cancel_prompt(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| Ok(cancel_prompt(required_text!(message_uuid)?)))
}

/// @copydoc claude_client_cancel_prompt
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_cancel_prompt_wait(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| {
        Ok(cancel_prompt(required_text!(message_uuid)?))
    })
}

fn cancel_prompt(uuid: &str) -> Members {
    members(json!({"subtype": "cancel_async_message", "message_uuid": uuid}))
}

/// Repeats the request that began the session; claude_client_get_server_info returns the new reply from then on. The hooks stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |client| client.reinitialize_request())
}

/// @copydoc claude_client_reinitialize
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |client| client.reinitialize_request())
}

/// Sends any control request, including those that this library does not know. "initialize" is refused.
/// @param request_json Such as {"subtype":"get_settings"}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control(
    client: *mut claude_client_t,
    request_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    start(client, done, user_data, out!(error), |_| check_request(required_text!(request_json)?))
}

/// @copydoc claude_client_control
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control_wait(
    client: *mut claude_client_t,
    request_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    wait(client, timeout_ms, out!(reply_json), out!(error), |_| check_request(required_text!(request_json)?))
}
