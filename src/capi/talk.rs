//! @defgroup talk Talking
//! Prompts. Replies come as messages, and a CLAUDE_MESSAGE_RESULT ends the turn. A prompt that is sent while a turn runs is queued
//! by the CLI. Lines from several threads do not mix. See docs/receiving.md.

use std::ffi::{c_char, c_void};

use super::receive::{message_handler, request_handler};
use super::support::{call, registered, scope_of, wait_of, with_client};
use super::types::{
    claude_client_t, claude_destroy_fn, claude_error_t, claude_message_fn, claude_prompt_fn,
    claude_request_fn, claude_status_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::param::{optional_text, out, required_text};
use crate::ffi::text;
use crate::place::Scope;
use crate::session::{NextPrompt, query_once};

/// Sends a prompt, which must not be empty.
/// @param session_id A label that the CLI returns; NULL = "default". It does not separate conversations.
/// @param message_uuid Receives the uuid that identifies the prompt in results and for claude_client_cancel_prompt; NULL = not
///   wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query(
    client: *mut claude_client_t,
    prompt: *const c_char,
    session_id: *const c_char,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let prompt = required_text!(prompt)?;
        let session_id = optional_text!(session_id)?;
        out!(message_uuid).give(client.query(prompt, session_id)?);
        Ok(())
    })
}

/// Sends a whole user message: images, documents, several blocks, `priority` and so on. Its shape is checked first, because one
/// malformed line ends the CLI; the error has the JSON pointer of the fault.
/// @param message_json Such as {"type":"user","message":{"role":"user","content":[...]}}.
/// @param message_uuid Receives the message's own uuid, or the one it was assigned; NULL = not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_send_json(
    client: *mut claude_client_t,
    message_json: *const c_char,
    message_uuid: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        out!(message_uuid).give(client.send_json(required_text!(message_json)?)?);
        Ok(())
    })
}

/// Sends the prompts of a generator, in order, pausing while more than 1 MiB waits for the CLI. `callback` runs where the mode runs
/// callbacks, and may block without delaying messages or requests. Not in PULL mode. A prompt that cannot be sent ends the stream
/// with a CLAUDE_EVENT_WARNING; the input stays open when the stream ends.
/// @param session_id NULL = "default".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_query_stream(
    client: *mut claude_client_t,
    session_id: *const c_char,
    callback: claude_prompt_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let generator =
        registered(callback, user_data, destroy, scope_of(client), |callback, user_data| -> NextPrompt {
            // SAFETY: the host gave the function for this pointer, and its texts live until the next call.
            Box::new(move || unsafe { next_prompt(callback, &user_data) })
        });
    with_client(client, out!(error), |client| {
        let session_id = optional_text!(session_id)?;
        let generator = generator.ok_or_else(|| {
            Error::new(Status::InvalidArgument, "callback is NULL").with("argument", "callback")
        })?;
        client.query_stream(session_id, generator)
    })
}

/// # Safety
/// `callback` is a function of the host for this `user_data`.
unsafe fn next_prompt(
    callback: unsafe extern "C" fn(*mut c_void) -> *const c_char,
    user_data: &UserData,
) -> Result<Option<String>> {
    // SAFETY: the caller's promise; the returned text lives until the next call.
    let prompt = unsafe {
        let prompt =
            user_data.call("the generator of a prompt stream", |pointer| callback.unwinding()(pointer));
        text::optional(prompt.unwrap_or(std::ptr::null()), "prompt")
    }?;
    Ok(prompt.map(str::to_owned))
}

/// Declares that no more prompts will come. The CLI finishes the turns that it has and exits. CLAUDE_OK also when called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_end_input(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| client.end_input())
}

/// As claude_client_end_input, but once the run is over: every prompt has its result, no request is open, and no turn or background
/// agent that may still need the host is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_end_input_after_run(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| client.end_input_after_run())
}

/// Runs a whole conversation with one prompt: starts a CLI, sends the prompt, and waits until the CLI has ended, for at most
/// `timeout_ms`. The callbacks run on library threads. CLAUDE_ERR_RESULT: the turn ended with an error.
/// @param options_json NULL = none.
/// @param on_message NULL = messages are not wanted.
/// @param on_request NULL = everything is refused.
/// @param result_json Receives the result message, for claude_message_text; NULL = not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_query_once(
    prompt: *const c_char,
    options_json: *const c_char,
    on_message: claude_message_fn,
    on_request: claude_request_fn,
    user_data: *mut c_void,
    timeout_ms: u32,
    result_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let prompt = required_text!(prompt)?;
        let options = optional_text!(options_json)?.unwrap_or("{}");
        let on_message = registered(on_message, user_data, None, Scope::NOBODY, message_handler);
        let on_request = registered(on_request, user_data, None, Scope::NOBODY, request_handler);
        let result = query_once(prompt, options, on_message, on_request, wait_of(timeout_ms)?)?;
        out!(result_json).give(result);
        Ok(())
    })
}
