//! @addtogroup control
//!
//! Control of turns and tasks.

use std::ffi::{c_char, c_void};

use serde_json::{Value, json};

use super::control::{ask, ask_wait};
use super::support::with_client;
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::ffi::text::{self, STRLEN};

/// Takes a prompt out of the CLI's queue, as long as its turn has not begun.
///
/// @param client The client, connected.
/// @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
/// @param done Told of the CLI's reply, such as {"cancelled":true}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
///   comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_cancel_prompt(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let message_uuid = text::required(message_uuid, STRLEN, "message_uuid")?;
            ask(
                client,
                json!({"subtype": "cancel_async_message", "message_uuid": message_uuid}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_cancel_prompt`, waiting for the reply.
///
/// @param client The client, connected.
/// @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"cancelled":true}; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_cancel_prompt_wait(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let message_uuid = text::required(message_uuid, STRLEN, "message_uuid")?;
            ask_wait(
                client,
                json!({"subtype": "cancel_async_message", "message_uuid": message_uuid}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Stops a background task. A task that is not known is no error for the CLI.
///
/// @param client The client, connected.
/// @param task_id The id, from a `task_started` message.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stop_task(
    client: *mut claude_client_t,
    task_id: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let task_id = text::required(task_id, STRLEN, "task_id")?;
            ask(client, json!({"subtype": "stop_task", "task_id": task_id}), done, user_data)
        })
    }
}

/// As `claude_client_stop_task`, waiting for the reply.
///
/// @param client The client, connected.
/// @param task_id The id, from a `task_started` message.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stop_task_wait(
    client: *mut claude_client_t,
    task_id: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let task_id = text::required(task_id, STRLEN, "task_id")?;
            ask_wait(client, json!({"subtype": "stop_task", "task_id": task_id}), timeout_ms, reply_json)
        })
    }
}

/// Moves what runs in the foreground to the background.
///
/// @param client The client, connected.
/// @param tool_use_id The tool call to move; NULL = all.
/// @param done Told of the CLI's reply, such as {"backgrounded":true}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_background_tasks(
    client: *mut claude_client_t,
    tool_use_id: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let tool_use_id = text::optional(tool_use_id, STRLEN, "tool_use_id")?;
            ask(client, json!({"subtype": "background_tasks", "tool_use_id": tool_use_id}), done, user_data)
        })
    }
}

/// As `claude_client_background_tasks`, waiting for the reply.
///
/// @param client The client, connected.
/// @param tool_use_id The tool call to move; NULL = all.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"backgrounded":true}; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_background_tasks_wait(
    client: *mut claude_client_t,
    tool_use_id: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let tool_use_id = text::optional(tool_use_id, STRLEN, "tool_use_id")?;
            ask_wait(
                client,
                json!({"subtype": "background_tasks", "tool_use_id": tool_use_id}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// The end of a task's output.
///
/// @param client The client, connected.
/// @param task_id The id, from a `task_started` message.
/// @param done Told of the CLI's reply, such as {"output":"…","total_bytes":10,"truncated":false}; may be NULL. In PULL
///   mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_task_output(
    client: *mut claude_client_t,
    task_id: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let task_id = text::required(task_id, STRLEN, "task_id")?;
            ask(client, json!({"subtype": "get_task_output", "task_id": task_id}), done, user_data)
        })
    }
}

/// As `claude_client_get_task_output`, waiting for the reply.
///
/// @param client The client, connected.
/// @param task_id The id, from a `task_started` message.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"output":"…","total_bytes":10,"truncated":false}; free it with
///   `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_task_output_wait(
    client: *mut claude_client_t,
    task_id: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let task_id = text::required(task_id, STRLEN, "task_id")?;
            ask_wait(
                client,
                json!({"subtype": "get_task_output", "task_id": task_id}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// How full the context window is, and with what.
///
/// @param client The client, connected.
/// @param detail "summary" or "full"; NULL = the CLI's default.
/// @param done Told of the CLI's reply, with `categories`, `totalTokens`, `maxTokens`, `percentage` and more; may be
///   NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_context_usage(
    client: *mut claude_client_t,
    detail: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let detail = text::optional(detail, STRLEN, "detail")?;
            ask(client, json!({"subtype": "get_context_usage", "detail": detail}), done, user_data)
        })
    }
}

/// As `claude_client_get_context_usage`, waiting for the reply.
///
/// @param client The client, connected.
/// @param detail "summary" or "full"; NULL = the CLI's default.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, with `categories`, `totalTokens`, `maxTokens`, `percentage` and more; free it
///   with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_context_usage_wait(
    client: *mut claude_client_t,
    detail: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let detail = text::optional(detail, STRLEN, "detail")?;
            ask_wait(
                client,
                json!({"subtype": "get_context_usage", "detail": detail}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Cost of the session and the limits of the plan. The CLI calls this experimental.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, as the CLI has it; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_usage(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "get_usage"}), done, user_data))
    }
}

/// As `claude_client_get_usage`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, as the CLI has it; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_usage_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "get_usage"}), timeout_ms, reply_json)
        })
    }
}

/// Limits the tokens for thinking from the next turn on.
///
/// @param client The client, connected.
/// @param max_thinking_tokens The limit; negative = back to the default.
/// @param thinking_display "summarized", "omitted" or "highlights"; NULL = unchanged.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_max_thinking_tokens(
    client: *mut claude_client_t,
    max_thinking_tokens: i64,
    thinking_display: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let thinking_display = text::optional(thinking_display, STRLEN, "thinking_display")?;
            ask(client, max_thinking_tokens_request(max_thinking_tokens, thinking_display), done, user_data)
        })
    }
}

/// As `claude_client_set_max_thinking_tokens`, waiting for the reply.
///
/// @param client The client, connected.
/// @param max_thinking_tokens The limit; negative = back to the default.
/// @param thinking_display "summarized", "omitted" or "highlights"; NULL = unchanged.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_max_thinking_tokens_wait(
    client: *mut claude_client_t,
    max_thinking_tokens: i64,
    thinking_display: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let thinking_display = text::optional(thinking_display, STRLEN, "thinking_display")?;
            ask_wait(
                client,
                max_thinking_tokens_request(max_thinking_tokens, thinking_display),
                timeout_ms,
                reply_json,
            )
        })
    }
}

fn max_thinking_tokens_request(max: i64, display: Option<&str>) -> Value {
    let max = if max < 0 { Value::Null } else { max.into() };
    let mut request = json!({"subtype": "set_max_thinking_tokens", "max_thinking_tokens": max});
    if let Some(display) = display {
        request["thinking_display"] = display.into();
    }
    request
}
