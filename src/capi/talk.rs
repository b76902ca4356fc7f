//! What the host says.

use std::ffi::{c_char, c_void};

use super::receive::{message_handler, request_handler};
use super::support::{call, registered, wait_of, with_client};
use super::types::{
    CLAUDE_STRLEN, claude_client_t, claude_destroy_fn, claude_error_t, claude_message_fn, claude_prompt_fn,
    claude_request_fn, claude_status_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::text::{self, STRLEN};
use crate::session::{NextPrompt, query_once};

/// Sends a prompt. It does not wait: replies come as messages, and a `CLAUDE_MESSAGE_RESULT` ends the turn. A prompt that
/// is sent while a turn runs is queued by the CLI.
///
/// @param client The client, connected.
/// @param prompt The prompt, not empty. Copied.
/// @param session_id A label that the CLI hands back; NULL = "default". It does not separate conversations: a client is
///   one conversation.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK` when the prompt is on its way; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED` or the cause of the
///   end when the session has ended; `CLAUDE_ERR_CLI_CONNECTION` when the CLI does not take input any more.
/// @thread Any; the lines of several threads do not mix.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query(
    client: *mut claude_client_t,
    prompt: *const c_char,
    session_id: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_query_n(client, prompt, STRLEN, session_id, STRLEN, error) }
}

/// As `claude_client_query`, with the lengths of the texts.
///
/// @param client The client, connected.
/// @param prompt The prompt. Copied.
/// @param prompt_len Its length in bytes.
/// @param session_id The label; NULL = "default".
/// @param session_id_len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_query`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query_n(
    client: *mut claude_client_t,
    prompt: *const c_char,
    prompt_len: usize,
    session_id: *const c_char,
    session_id_len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let prompt = text::required(prompt, prompt_len, "prompt")?;
            let session_id = text::optional(session_id, session_id_len, "session_id")?;
            client.query(prompt, session_id).map(drop)
        })
    }
}

/// Sends a whole user message: images, documents, several blocks, `priority`, `parent_tool_use_id` and so on. Its shape is
/// checked first, because one malformed line ends the CLI.
///
/// @param client The client, connected.
/// @param message_json Such as {"type":"user","message":{"role":"user","content":[…]}}. Copied.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_query`; `CLAUDE_ERR_INVALID_ARGUMENT` with the JSON pointer of what is wrong.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_send_json(
    client: *mut claude_client_t,
    message_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_send_json_n(client, message_json, STRLEN, error) }
}

/// As `claude_client_send_json`, with the length of the message.
///
/// @param client The client, connected.
/// @param message_json The message. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_send_json`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_send_json_n(
    client: *mut claude_client_t,
    message_json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.send_json(text::required(message_json, len, "message_json")?).map(drop)
        })
    }
}

/// As `claude_client_query`, and tells the uuid by which the CLI's frames and results name the prompt.
///
/// @param client The client, connected.
/// @param prompt The prompt, not empty. Copied.
/// @param session_id The label; NULL = "default".
/// @param message_uuid Receives the uuid; free it with `claude_string_free`. See `claude_client_receive_response_to`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_query`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query_id(
    client: *mut claude_client_t,
    prompt: *const c_char,
    session_id: *const c_char,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_query_id_n(client, prompt, STRLEN, session_id, STRLEN, message_uuid, error) }
}

/// As `claude_client_query_id`, with the lengths of the texts.
///
/// @param client The client, connected.
/// @param prompt The prompt, not empty. Copied.
/// @param prompt_len Its length in bytes.
/// @param session_id The label; NULL = "default".
/// @param session_id_len Its length in bytes.
/// @param message_uuid Receives the uuid; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_query`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query_id_n(
    client: *mut claude_client_t,
    prompt: *const c_char,
    prompt_len: usize,
    session_id: *const c_char,
    session_id_len: usize,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(message_uuid, "message_uuid")?;
            let prompt = text::required(prompt, prompt_len, "prompt")?;
            let session_id = text::optional(session_id, session_id_len, "session_id")?;
            text::put(message_uuid, text::give(client.query(prompt, session_id)?));
            Ok(())
        })
    }
}

/// As `claude_client_send_json`, and tells the uuid by which the CLI's frames and results name the message: its own, or
/// the one that it was given.
///
/// @param client The client, connected.
/// @param message_json The message. Copied.
/// @param message_uuid Receives the uuid; free it with `claude_string_free`. See `claude_client_receive_response_to`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_send_json`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_send_json_id(
    client: *mut claude_client_t,
    message_json: *const c_char,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_send_json_id_n(client, message_json, STRLEN, message_uuid, error) }
}

/// As `claude_client_send_json_id`, with the length of the message.
///
/// @param client The client, connected.
/// @param message_json The message. Copied.
/// @param len Its length in bytes.
/// @param message_uuid Receives the uuid; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_send_json`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_send_json_id_n(
    client: *mut claude_client_t,
    message_json: *const c_char,
    len: usize,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(message_uuid, "message_uuid")?;
            let message = text::required(message_json, len, "message_json")?;
            text::put(message_uuid, text::give(client.send_json(message)?));
            Ok(())
        })
    }
}

/// Sends the prompts of a generator, in order, asking for the next when the one before has been sent, and not while more
/// than 1 MiB waits for the CLI to read. The input stays open at the end of the stream.
///
/// @param client The client, connected.
/// @param session_id The label of every prompt; NULL = "default".
/// @param next Returns the next prompt, or NULL at the end. Called where the dispatch mode runs callbacks; it may block
///   without delaying messages or requests.
/// @param user_data Passed to `next`.
/// @param destroy Runs once when `next` will not be called any more, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_query`; `CLAUDE_ERR_UNSUPPORTED` in PULL mode. A prompt that cannot be sent later ends the
///   stream with a `CLAUDE_EVENT_WARNING`; behind the on_closed callback there is none.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query_stream(
    client: *mut claude_client_t,
    session_id: *const c_char,
    next: claude_prompt_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let generator = registered(next, user_data, destroy, |next, user_data| -> NextPrompt {
        // SAFETY: the host gave the function for this pointer, and its texts live until the next call.
        Box::new(move || unsafe { next_prompt(next, &user_data) })
    });
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let session_id = text::optional(session_id, STRLEN, "session_id")?;
            let generator = generator.ok_or_else(|| {
                Error::new(Status::InvalidArgument, "next is NULL").with("argument", "next")
            })?;
            client.query_stream(session_id, generator)
        })
    }
}

/// # Safety
/// `next` is a function of the host for this `user_data`.
unsafe fn next_prompt(
    next: unsafe extern "C" fn(*mut usize, *mut c_void) -> *const c_char,
    user_data: &UserData,
) -> Result<Option<String>> {
    let mut len = CLAUDE_STRLEN;
    // SAFETY: the caller's promise; the returned text lives until the next call.
    let prompt = unsafe {
        let prompt =
            user_data.call("the generator of a prompt stream", |pointer| next.unwinding()(&mut len, pointer));
        text::optional(prompt, len, "prompt")
    }?;
    Ok(prompt.map(str::to_owned))
}

/// Says that no more prompts will come. The CLI finishes the turns that it has and exits; messages go on until then.
///
/// @param client The client, connected.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`, also the second time; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/ownership.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_end_input(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| client.end_input()) }
}

/// Ends the input when the run is over: every prompt has its result, no request of the CLI is open, and no turn or background
/// agent goes on that may still need an answer of the host. At once where the host answers no requests. A prompt stream that
/// is running is awaited first. Prompts that are sent after the end fail.
///
/// @param client The client, connected.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_end_input_after_run(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| client.end_input_after_run()) }
}

/// Holds a whole conversation of one prompt: starts a CLI, sends the prompt, delivers every message, and waits until the
/// CLI has ended. With hooks, tools of the host or a permission handler use a client instead: register them, connect with
/// the prompt, and call `claude_client_end_input_after_run`.
///
/// @param prompt The prompt, not empty. Copied.
/// @param options_json The options as a JSON object; NULL = none. Copied.
/// @param on_message Receives messages and events, on a library thread; may be NULL.
/// @param on_request Receives what the CLI asks, on a library thread; NULL refuses everything.
/// @param user_data Passed to both callbacks.
/// @param timeout_ms How long it may take, in milliseconds; the CLI is ended when it has passed.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_RESULT` when the turn ended with an error; `CLAUDE_ERR_TIMEOUT`; what
///   `claude_client_create` and `claude_client_connect_wait` return.
/// @thread Any thread of the host.
/// @callback Refused on the library's threads.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_query_once(
    prompt: *const c_char,
    options_json: *const c_char,
    on_message: claude_message_fn,
    on_request: claude_request_fn,
    user_data: *mut c_void,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        claude_query_once_n(
            prompt,
            STRLEN,
            options_json,
            STRLEN,
            on_message,
            on_request,
            user_data,
            timeout_ms,
            error,
        )
    }
}

/// As `claude_query_once`, with the lengths of the texts.
///
/// @param prompt The prompt, not empty. Copied.
/// @param prompt_len Its length in bytes.
/// @param options_json The options as a JSON object; NULL = none. Copied.
/// @param options_len Its length in bytes.
/// @param on_message Receives messages and events, on a library thread; may be NULL.
/// @param on_request Receives what the CLI asks, on a library thread; NULL refuses everything.
/// @param user_data Passed to both callbacks.
/// @param timeout_ms How long it may take, in milliseconds; the CLI is ended when it has passed.
/// @param error Receives the error; may be NULL.
/// @return As `claude_query_once`.
/// @thread Any thread of the host.
/// @callback Refused on the library's threads.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_query_once_n(
    prompt: *const c_char,
    prompt_len: usize,
    options_json: *const c_char,
    options_len: usize,
    on_message: claude_message_fn,
    on_request: claude_request_fn,
    user_data: *mut c_void,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let prompt = text::required(prompt, prompt_len, "prompt")?;
            let options = text::optional(options_json, options_len, "options_json")?.unwrap_or("{}");
            let on_message = registered(on_message, user_data, None, message_handler);
            let on_request = registered(on_request, user_data, None, request_handler);
            query_once(prompt, options, on_message, on_request, wait_of(timeout_ms)?)
        })
    }
}
