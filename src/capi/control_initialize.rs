//! @addtogroup control
//!
//! Asking again for what the CLI says when it becomes ready.

use std::ffi::{c_char, c_void};

use super::control::{ask_as_it_is, ask_as_it_is_wait};
use super::support::with_client;
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};

/// Sends the request by which the session began once more: the CLI answers with its commands, models, agents, account and
/// state of this moment, which `claude_client_get_server_info` returns from then on. The hooks stay as they were registered.
///
/// @param client The client, connected.
/// @param done Told of the CLI's answer; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_as_it_is(client, client.reinitialize_request()?, done, user_data)
        })
    }
}

/// As `claude_client_reinitialize`, waiting for the answer.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the CLI's answer, a JSON object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reinitialize_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_as_it_is_wait(client, client.reinitialize_request()?, timeout_ms, reply_json)
        })
    }
}
