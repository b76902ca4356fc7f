//! @defgroup control Control
//! Operations on a connected session. Each has a twin that waits; the reply is the CLI's own, a JSON object that may
//! be empty. CLAUDE_ERR_CONTROL: the CLI refused, with its reason. docs/control.md lists the requests for
//! claude_client_control.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

use serde_json::json;

use super::operation::{Members, json_object, members, start, wait};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_escalation_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::number::number;
use crate::ffi::text;
use crate::protocol::control::check_request;
use crate::session::{Client, Escalation};

/// Ends the running turn, with an error result; the session goes on, and queued prompts still run. The reply is such as
/// {"still_queued":[...]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { start(client, done, user_data, error, |_| Ok(interrupt())) }
}

/// @copydoc claude_client_interrupt
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| Ok(interrupt())) }
}

fn interrupt() -> Members {
    members(json!({"subtype": "interrupt"}))
}

/// As claude_client_interrupt, with a choice.
/// @param cancel_queued Whether queued prompts are cancelled as well; the reply then has `cancelled`.
/// @param deadline_ms How long the turn may take to end; without an escalation it means nothing.
/// @param escalation What happens then; the session ends with CLAUDE_ERR_TIMEOUT.
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
    // SAFETY: the header's rules on output parameters.
    unsafe {
        start(client, done, user_data, error, |client| {
            interrupt_with(client, cancel_queued, deadline_ms, escalation)
        })
    }
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
    // SAFETY: the header's rules on output parameters.
    unsafe {
        wait(client, timeout_ms, reply_json, error, |client| {
            interrupt_with(client, cancel_queued, deadline_ms, escalation)
        })
    }
}

/// The request, after the watch over the running turn has begun.
///
/// # Safety
/// `escalation` is initialised.
unsafe fn interrupt_with(
    client: &Client,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: MaybeUninit<claude_escalation_t>,
) -> Result<Members> {
    // SAFETY: the caller's promise.
    let escalation = match unsafe { number(escalation) } {
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

/// Changes the permission mode: "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto" and what the CLI
/// knows besides. The reply is such as {"mode":"plan"}, the mode now in force, which may be another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_mode(
    client: *mut claude_client_t,
    mode: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| set_permission_mode(mode)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| set_permission_mode(mode)) }
}

/// # Safety
/// `mode` is NULL or ends with a NUL.
unsafe fn set_permission_mode(mode: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let mode = unsafe { text::required(mode, "mode") }?;
    Ok(members(json!({"subtype": "set_permission_mode", "mode": mode})))
}

/// Changes the model, also in the middle of a turn. The CLI takes unknown names, too, and fails at the next turn.
/// @param model NULL = the default one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_model(
    client: *mut claude_client_t,
    model: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| set_model(model)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| set_model(model)) }
}

/// Null is the default model.
///
/// # Safety
/// `model` is NULL or ends with a NUL.
unsafe fn set_model(model: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let model = unsafe { text::optional(model, "model") }?;
    Ok(members(json!({"subtype": "set_model", "model": model})))
}

/// Puts files back to what they were at a prompt (option `enable_file_checkpointing`), or says what would change. The reply is
/// such as {"canRewind":true,"filesChanged":[...]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rewind_files(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    dry_run: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| rewind_files(message_uuid, dry_run)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| rewind_files(message_uuid, dry_run)) }
}

/// # Safety
/// `message_uuid` is NULL or ends with a NUL.
unsafe fn rewind_files(message_uuid: *const c_char, dry_run: bool) -> Result<Members> {
    // SAFETY: the caller's promise.
    let uuid = unsafe { text::required(message_uuid, "message_uuid") }?;
    Ok(members(json!({"subtype": "rewind_files", "user_message_id": uuid, "dry_run": dry_run})))
}

/// How the MCP servers are doing: `mcpServers`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { start(client, done, user_data, error, |_| Ok(get_mcp_status())) }
}

/// @copydoc claude_client_get_mcp_status
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| Ok(get_mcp_status())) }
}

fn get_mcp_status() -> Members {
    members(json!({"subtype": "mcp_status"}))
}

/// Connects an MCP server again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reconnect_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| reconnect_mcp_server(server_name)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| reconnect_mcp_server(server_name)) }
}

/// # Safety
/// `server_name` is NULL or ends with a NUL.
unsafe fn reconnect_mcp_server(server_name: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let server_name = unsafe { text::required(server_name, "server_name") }?;
    Ok(members(json!({"subtype": "mcp_reconnect", "serverName": server_name})))
}

/// Switches an MCP server on or off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_toggle_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    enabled: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| toggle_mcp_server(server_name, enabled)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| toggle_mcp_server(server_name, enabled)) }
}

/// # Safety
/// `server_name` is NULL or ends with a NUL.
unsafe fn toggle_mcp_server(server_name: *const c_char, enabled: bool) -> Result<Members> {
    // SAFETY: the caller's promise.
    let server_name = unsafe { text::required(server_name, "server_name") }?;
    Ok(members(json!({"subtype": "mcp_toggle", "serverName": server_name, "enabled": enabled})))
}

/// Replaces the MCP servers that were added while the session runs. Those of the host stay, and those that were added after
/// connecting become known. The reply has `added`, `removed`, `errors`.
/// @param servers_json Names and configurations; null for a server of the host that is to go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_servers(
    client: *mut claude_client_t,
    servers_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |client| set_mcp_servers(client, servers_json)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |client| set_mcp_servers(client, servers_json)) }
}

/// # Safety
/// `servers_json` is NULL or ends with a NUL.
unsafe fn set_mcp_servers(client: &Client, servers_json: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let servers = json_object(unsafe { text::required(servers_json, "servers_json") }?, "servers_json")?;
    Ok(members(json!({"subtype": "mcp_set_servers", "servers": client.all_servers(servers)?})))
}

/// Stops a background task, by the id of its `task_started` message. One that is not known is no error for the CLI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stop_task(
    client: *mut claude_client_t,
    task_id: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| stop_task(task_id)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| stop_task(task_id)) }
}

/// # Safety
/// `task_id` is NULL or ends with a NUL.
unsafe fn stop_task(task_id: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let task_id = unsafe { text::required(task_id, "task_id") }?;
    Ok(members(json!({"subtype": "stop_task", "task_id": task_id})))
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| get_context_usage(detail)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| get_context_usage(detail)) }
}

/// # Safety
/// `detail` is NULL or ends with a NUL.
unsafe fn get_context_usage(detail: *const c_char) -> Result<Members> {
    let mut request = members(json!({"subtype": "get_context_usage"}));
    // SAFETY: the caller's promise.
    if let Some(detail) = unsafe { text::optional(detail, "detail") }? {
        request.insert("detail".into(), detail.into());
    }
    Ok(request)
}

/// Takes a prompt out of the CLI's queue, as long as its turn has not begun: {"cancelled":true}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_cancel_prompt(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| cancel_prompt(message_uuid)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| cancel_prompt(message_uuid)) }
}

/// # Safety
/// `message_uuid` is NULL or ends with a NUL.
unsafe fn cancel_prompt(message_uuid: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    let uuid = unsafe { text::required(message_uuid, "message_uuid") }?;
    Ok(members(json!({"subtype": "cancel_async_message", "message_uuid": uuid})))
}

/// Sends the request by which the session began once more; claude_client_get_server_info returns the reply from then on. The
/// hooks stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { start(client, done, user_data, error, |client| client.reinitialize_request()) }
}

/// @copydoc claude_client_reinitialize
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |client| client.reinitialize_request()) }
}

/// Sends any control request, also one that this library does not name. "initialize" is refused.
/// @param request_json Such as {"subtype":"get_settings"}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control(
    client: *mut claude_client_t,
    request_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { start(client, done, user_data, error, |_| control(request_json)) }
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { wait(client, timeout_ms, reply_json, error, |_| control(request_json)) }
}

/// # Safety
/// `request_json` is NULL or ends with a NUL.
unsafe fn control(request_json: *const c_char) -> Result<Members> {
    // SAFETY: the caller's promise.
    check_request(unsafe { text::required(request_json, "request_json") }?)
}
