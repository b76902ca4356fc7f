//! @addtogroup control
//!
//! Control of files.

use std::ffi::{c_char, c_void};

use serde_json::json;

use super::control::{ask, ask_wait};
use super::support::with_client;
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::ffi::text::{self, STRLEN};

/// Puts files back to what they were at a prompt (option `enable_file_checkpointing`).
///
/// @param client The client, connected.
/// @param user_message_id The uuid of the prompt.
/// @param dry_run Only say what would change.
/// @param done Told of the CLI's reply, such as {"canRewind":true,"filesChanged":[…]}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rewind_files(
    client: *mut claude_client_t,
    user_message_id: *const c_char,
    dry_run: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let user_message_id = text::required(user_message_id, STRLEN, "user_message_id")?;
            ask(
                client,
                json!({"subtype": "rewind_files", "user_message_id": user_message_id, "dry_run": dry_run}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_rewind_files`, waiting for the reply.
///
/// @param client The client, connected.
/// @param user_message_id The uuid of the prompt.
/// @param dry_run Only say what would change.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"canRewind":true,"filesChanged":[…]}; free it with
///   `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_rewind_files_wait(
    client: *mut claude_client_t,
    user_message_id: *const c_char,
    dry_run: bool,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let user_message_id = text::required(user_message_id, STRLEN, "user_message_id")?;
            ask_wait(
                client,
                json!({"subtype": "rewind_files", "user_message_id": user_message_id, "dry_run": dry_run}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Reads a file as the CLI may.
///
/// @param client The client, connected.
/// @param path The file's path.
/// @param done Told of the CLI's reply, such as {"contents":"…","absPath":"…"}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_read_file(
    client: *mut claude_client_t,
    path: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let path = text::required(path, STRLEN, "path")?;
            ask(client, json!({"subtype": "read_file", "path": path}), done, user_data)
        })
    }
}

/// As `claude_client_read_file`, waiting for the reply.
///
/// @param client The client, connected.
/// @param path The file's path.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"contents":"…","absPath":"…"}; free it with `claude_string_free`. May
///   be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_read_file_wait(
    client: *mut claude_client_t,
    path: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let path = text::required(path, STRLEN, "path")?;
            ask_wait(client, json!({"subtype": "read_file", "path": path}), timeout_ms, reply_json)
        })
    }
}

/// Tells the CLI that the model has read a file in the state of a time, so that it may be edited without reading it
/// again.
///
/// @param client The client, connected.
/// @param path The file's path.
/// @param mtime_ms The file's modification time, in milliseconds since 1970.
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
pub unsafe extern "C" fn claude_client_seed_read_state(
    client: *mut claude_client_t,
    path: *const c_char,
    mtime_ms: i64,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let path = text::required(path, STRLEN, "path")?;
            ask(
                client,
                json!({"subtype": "seed_read_state", "path": path, "mtime": mtime_ms}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_seed_read_state`, waiting for the reply.
///
/// @param client The client, connected.
/// @param path The file's path.
/// @param mtime_ms The file's modification time, in milliseconds since 1970.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_seed_read_state_wait(
    client: *mut claude_client_t,
    path: *const c_char,
    mtime_ms: i64,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let path = text::required(path, STRLEN, "path")?;
            ask_wait(
                client,
                json!({"subtype": "seed_read_state", "path": path, "mtime": mtime_ms}),
                timeout_ms,
                reply_json,
            )
        })
    }
}
