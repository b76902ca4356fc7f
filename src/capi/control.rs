//! Control requests to the CLI.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::support::{listener, wait_of, with_client};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::text::{self, STRLEN};
use crate::protocol::control::check_request;
use crate::session::{Client, Escalation};

/// The members of a request. A null stands for an argument that was not given, except where null means something.
fn members(request: Value) -> Map<String, Value> {
    const NULL_MEANS_DEFAULT: &[&str] = &["model", "max_thinking_tokens", "mode"];
    match request {
        Value::Object(mut object) => {
            object.retain(|name, value| !value.is_null() || NULL_MEANS_DEFAULT.contains(&name.as_str()));
            object
        }
        _ => Map::new(),
    }
}

/// Sends a request whose reply is told to `done`.
pub fn ask(client: &Arc<Client>, request: Value, done: claude_done_fn, user_data: *mut c_void) -> Result<()> {
    ask_as_it_is(client, members(request), done, user_data)
}

pub fn ask_as_it_is(
    client: &Arc<Client>,
    request: Map<String, Value>,
    done: claude_done_fn,
    user_data: *mut c_void,
) -> Result<()> {
    let listener = listener(client, done, user_data)?;
    client.control(request, client.completion(listener))
}

/// Sends a request and gives its reply to the host, which may not want it.
///
/// # Safety
/// `reply_json` is NULL or writable.
pub unsafe fn ask_wait(
    client: &Arc<Client>,
    request: Value,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { ask_as_it_is_wait(client, members(request), timeout_ms, reply_json) }
}

/// # Safety
/// As [`ask_wait`].
pub unsafe fn ask_as_it_is_wait(
    client: &Arc<Client>,
    request: Map<String, Value>,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
) -> Result<()> {
    let reply = client.control_wait(request, wait_of(timeout_ms)?)?;
    if !reply_json.is_null() {
        // SAFETY: the caller's promise.
        unsafe { text::put(reply_json, text::give(reply)) };
    }
    Ok(())
}

/// A JSON object that the host composed.
pub fn json_object(text: &str, name: &str) -> Result<Value> {
    let wrong = |message: String| {
        Error::new(Status::InvalidArgument, message)
            .with("argument", name)
            .with("remedy", "pass a JSON object")
    };
    let value: Value =
        serde_json::from_str(text).map_err(|cause| wrong(format!("{name} is not JSON: {cause}")))?;
    if value.is_object() { Ok(value) } else { Err(wrong(format!("{name} is not a JSON object"))) }
}

/// Interrupts the running turn. The turn ends with an error result, and the session goes on. Prompts that are queued still
/// run.
///
/// @param client The client, connected.
/// @param done Told of the CLI's receipt, such as {"still_queued":[…]}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK` when the request is on its way; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED` or the cause of the
///   end. `done` may be told `CLAUDE_ERR_CONTROL`, `CLAUDE_ERR_TIMEOUT`, `CLAUDE_ERR_CANCELLED` or the cause of the end.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "interrupt"}), done, user_data))
    }
}

/// As `claude_client_interrupt`, with a choice about queued prompts and about a turn that does not end.
///
/// @param client The client, connected.
/// @param cancel_queued Whether prompts that are queued are cancelled as well.
/// @param deadline_ms How long the turn may take to end, in milliseconds; only with an escalation.
/// @param escalation A `claude_escalation_t`: what happens at the deadline. The session then ends, and the on_closed
///   callback is told `CLAUDE_ERR_TIMEOUT`.
/// @param done Told of the CLI's receipt, such as {"still_queued":[…],"cancelled":[…]}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no escalation.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_with(
    client: *mut claude_client_t,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: i32,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let listener = listener(client, done, user_data)?;
            let request = interrupt(client, cancel_queued, deadline_ms, escalation)?;
            client.control(request, client.completion(listener))
        })
    }
}

/// As `claude_client_interrupt_with`, waiting for the receipt.
///
/// @param client The client, connected.
/// @param cancel_queued Whether prompts that are queued are cancelled as well.
/// @param deadline_ms How long the turn may take to end, in milliseconds; only with an escalation.
/// @param escalation A `claude_escalation_t`: what happens at the deadline.
/// @param timeout_ms How long to wait for the receipt, in milliseconds.
/// @param reply_json Receives the receipt, such as {"still_queued":[…]}, with "cancelled" when `cancel_queued` is true; free
///   it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no escalation.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_with_wait(
    client: *mut claude_client_t,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: i32,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.check_may_wait()?;
            let request = interrupt(client, cancel_queued, deadline_ms, escalation)?;
            ask_as_it_is_wait(client, request, timeout_ms, reply_json)
        })
    }
}

/// The request, after the watch over the running turn has begun.
fn interrupt(
    client: &Client,
    cancel_queued: bool,
    deadline_ms: u32,
    escalation: i32,
) -> Result<Map<String, Value>> {
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
    let cancel_queued = cancel_queued.then_some(true);
    Ok(members(json!({"subtype": "interrupt", "cancel_queued": cancel_queued})))
}

/// As `claude_client_interrupt`, waiting for the receipt. `claude_client_interrupt_with_wait` also returns it.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_CONTROL` with the CLI's reason; `CLAUDE_ERR_TIMEOUT`; `CLAUDE_ERR_NOT_CONNECTED`;
///   `CLAUDE_ERR_CLOSED` or the cause of the end; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_interrupt_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "interrupt"}), timeout_ms, std::ptr::null_mut())
        })
    }
}

/// Changes the permission mode.
///
/// @param client The client, connected.
/// @param mode Such as "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto". Copied.
/// @param done Told of the CLI's reply; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`. A mode that the CLI does not take is a `CLAUDE_ERR_CONTROL` told to `done`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_mode(
    client: *mut claude_client_t,
    mode: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let mode = text::required(mode, STRLEN, "mode")?;
            ask(client, set_permission_mode(mode), done, user_data)
        })
    }
}

/// As `claude_client_set_permission_mode`, waiting for the reply.
///
/// @param client The client, connected.
/// @param mode The mode. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_mode_wait(
    client: *mut claude_client_t,
    mode: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let mode = text::required(mode, STRLEN, "mode")?;
            ask_wait(client, set_permission_mode(mode), timeout_ms, std::ptr::null_mut())
        })
    }
}

fn set_permission_mode(mode: &str) -> Value {
    json!({"subtype": "set_permission_mode", "mode": mode})
}

/// Changes the model, also in the middle of a turn: its next request to the model is the first one.
///
/// @param client The client, connected.
/// @param model The model; NULL = the default one. Copied. The CLI takes unknown names, too, and fails at the next turn.
/// @param done Told of the CLI's reply; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_model(
    client: *mut claude_client_t,
    model: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let model = text::optional(model, STRLEN, "model")?;
            ask(client, set_model(model), done, user_data)
        })
    }
}

/// As `claude_client_set_model`, waiting for the reply.
///
/// @param client The client, connected.
/// @param model The model; NULL = the default one. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_model_wait(
    client: *mut claude_client_t,
    model: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let model = text::optional(model, STRLEN, "model")?;
            ask_wait(client, set_model(model), timeout_ms, std::ptr::null_mut())
        })
    }
}

fn set_model(model: Option<&str>) -> Value {
    json!({"subtype": "set_model", "model": model})
}

/// What the CLI said when it became ready: commands, models, agents, output style, account, version and more. Kept by the
/// library: nothing is asked, and nothing waits.
///
/// @param client The client, connected.
/// @param json Receives a JSON object; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_NOT_CONNECTED` before the session is ready.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_server_info(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(json, "json")?;
            text::put(json, text::give(client.server_info()?));
            Ok(())
        })
    }
}

/// Sends any control request, also of a subtype that this library does not name. Only "initialize" is refused, as it would
/// drop the hooks: that is `claude_client_reinitialize`.
///
/// @param client The client, connected.
/// @param request_json The request, such as {"subtype":"mcp_status"}. Copied.
/// @param done Told of the CLI's reply, the payload as the CLI wrote it; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`; `CLAUDE_ERR_INVALID_ARGUMENT` for a request without a `subtype`, or with "initialize".
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control(
    client: *mut claude_client_t,
    request_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_control_n(client, request_json, STRLEN, done, user_data, error) }
}

/// As `claude_client_control`, with the length of the request.
///
/// @param client The client, connected.
/// @param request_json The request. Copied.
/// @param len Its length in bytes.
/// @param done Told of the CLI's reply; may be NULL.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_control`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control_n(
    client: *mut claude_client_t,
    request_json: *const c_char,
    len: usize,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let request = check_request(text::required(request_json, len, "request_json")?)?;
            ask_as_it_is(client, request, done, user_data)
        })
    }
}

/// As `claude_client_control`, waiting for the reply.
///
/// @param client The client, connected.
/// @param request_json The request. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply's payload, a JSON value; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`; `CLAUDE_ERR_INVALID_ARGUMENT` for a request without a `subtype`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control_wait(
    client: *mut claude_client_t,
    request_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_control_wait_n(client, request_json, STRLEN, timeout_ms, reply_json, error) }
}

/// As `claude_client_control_wait`, with the length of the request.
///
/// @param client The client, connected.
/// @param request_json The request. Copied.
/// @param len Its length in bytes.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply's payload, a JSON value; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_control_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_control_wait_n(
    client: *mut claude_client_t,
    request_json: *const c_char,
    len: usize,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let request = check_request(text::required(request_json, len, "request_json")?)?;
            ask_as_it_is_wait(client, request, timeout_ms, reply_json)
        })
    }
}
