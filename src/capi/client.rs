//! The life of a client.

use std::ffi::{c_char, c_void};

use super::support::{CLIENTS, call, full_table, listener, wait_of, with_client};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_state_t, claude_status_t};
use crate::dispatch::Mode;
use crate::error::{Error, Status};
use crate::ffi::guard::{guard, guard_or};
use crate::ffi::text::{self, STRLEN};
use crate::session::{Client, Phase};

/// Creates a client. Nothing is started and no disk is touched.
///
/// @param options_json The options as a JSON object, see docs/options.md; NULL = none. Copied.
/// @param client Receives the client; free it with `claude_client_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_OPTION` for an option that cannot be used, with its JSON pointer in the error.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/options.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_create(
    options_json: *const c_char,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_create_n(options_json, STRLEN, client, error) }
}

/// As `claude_client_create`, with the length of the options.
///
/// @param options_json The options as a JSON object; NULL = none. Copied.
/// @param len Its length in bytes.
/// @param client Receives the client; free it with `claude_client_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_create`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/options.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_create_n(
    options_json: *const c_char,
    len: usize,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            text::require_out(client, "client")?;
            let options = text::optional(options_json, len, "options_json")?;
            let created = Client::create(options.unwrap_or("{}"))?;
            let handle = CLIENTS.insert(created).ok_or_else(|| full_table("client"))?;
            text::put(client, handle);
            Ok(())
        })
    }
}

/// Chooses who runs the client's callbacks. Before connecting.
///
/// @param client The client.
/// @param mode A `claude_dispatch_t`; `CLAUDE_DISPATCH_THREAD` is the default.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT` for a
///   number that is no mode.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_dispatch(
    client: *mut claude_client_t,
    mode: i32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let mode = Mode::from_number(mode).ok_or_else(|| {
                Error::new(Status::InvalidArgument, format!("{mode} is not a dispatch mode"))
                    .with("argument", "mode")
                    .with("remedy", "pass one of the CLAUDE_DISPATCH_ constants")
            })?;
            client.set_mode(mode)
        })
    }
}

/// Starts the CLI and makes it ready. Register callbacks before.
///
/// @param client The client.
/// @param prompt The first prompt, sent once the CLI is ready; NULL = none. Copied.
/// @param done Told when the session is ready, with the CLI's answer to `initialize`, or why it is not; may be NULL. In
///   PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK` when the start was begun; `CLAUDE_ERR_ALREADY_CONNECTED`; `CLAUDE_ERR_INVALID_OPTION` for options
///   that cannot be combined with what is registered; `CLAUDE_ERR_CLOSED` during `claude_runtime_shutdown`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect(
    client: *mut claude_client_t,
    prompt: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_connect_n(client, prompt, STRLEN, done, user_data, error) }
}

/// As `claude_client_connect`, with the length of the prompt.
///
/// @param client The client.
/// @param prompt The first prompt; NULL = none. Copied.
/// @param prompt_len Its length in bytes.
/// @param done Told of the end; may be NULL.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_connect`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect_n(
    client: *mut claude_client_t,
    prompt: *const c_char,
    prompt_len: usize,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let prompt = text::optional(prompt, prompt_len, "prompt")?;
            let listener = listener(client, done, user_data)?;
            client.connect(prompt, None, client.completion(listener))
        })
    }
}

/// As `claude_client_connect`, waiting until the session is ready. When it fails, nothing of the CLI is left.
///
/// @param client The client.
/// @param prompt The first prompt; NULL = none. Copied.
/// @param timeout_ms How long the start may take, in milliseconds; the option `connect_timeout_ms` applies as well.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_CLI_NOT_FOUND`, `CLAUDE_ERR_CLI_CONNECTION`, `CLAUDE_ERR_PROCESS`, `CLAUDE_ERR_RESULT`,
///   `CLAUDE_ERR_CONTROL`, `CLAUDE_ERR_TIMEOUT`, `CLAUDE_ERR_CANCELLED`, or what `claude_client_connect` returns;
///   `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect_wait(
    client: *mut claude_client_t,
    prompt: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_client_connect_wait_n(client, prompt, STRLEN, timeout_ms, error) }
}

/// As `claude_client_connect_wait`, with the length of the prompt.
///
/// @param client The client.
/// @param prompt The first prompt; NULL = none. Copied.
/// @param prompt_len Its length in bytes.
/// @param timeout_ms How long the start may take, in milliseconds; the option `connect_timeout_ms` applies as well.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_connect_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect_wait_n(
    client: *mut claude_client_t,
    prompt: *const c_char,
    prompt_len: usize,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let prompt = text::optional(prompt, prompt_len, "prompt")?;
            client.connect_wait(prompt, wait_of(timeout_ms)).map(drop)
        })
    }
}

/// Ends the session: the CLI sees the end of its input, and after the option `graceful_exit_timeout_ms` SIGTERM, and after
/// `terminate_timeout_ms` SIGKILL for it and all of its descendants. What it still writes is delivered.
///
/// @param client The client. One that was never connected becomes closed, and whoever waits for its events or results gets
///   `CLAUDE_ERR_CLOSED`.
/// @param done Told when the process is gone; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`, also for a session that has ended already; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/ownership.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_disconnect(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let listener = listener(client, done, user_data)?;
            client.disconnect(client.completion(listener))
        })
    }
}

/// As `claude_client_disconnect`, waiting until the process is gone.
///
/// @param client The client.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT` while it is still being ended; `CLAUDE_ERR_PROCESS` when the system does not let
///   this process end it; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/ownership.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_disconnect_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| client.disconnect_wait(wait_of(timeout_ms)).map(drop)) }
}

/// Frees a client, disconnecting it first. When it returns, no callback of the client runs on another thread, none will
/// start, every destroy-notify has run, and the process is gone; open operations were told `CLAUDE_ERR_CANCELLED`, open
/// requests were refused. Bounded by the grace options. Inside a callback of the same client it returns at once, and all
/// of that holds when the callback returns; soon after, on a library thread, where the callback runs on the library's
/// reader: in INLINE mode, in a wake-up function, in the log.
///
/// @param client The client; NULL and a client that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/ownership.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_free(client: *mut claude_client_t) {
    let freed = guard(|| {
        if let Some(client) = CLIENTS.remove(client) {
            client.free();
        }
        Ok(())
    });
    drop(freed);
}

/// Where the client stands.
///
/// @param client The client.
/// @return Its state; `CLAUDE_STATE_CREATED` for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_state(client: *const claude_client_t) -> claude_state_t {
    let created = claude_state_t::CLAUDE_STATE_CREATED;
    guard_or(created, || match CLIENTS.get(client).map(|client| client.phase()) {
        None | Some(Phase::Created) => created,
        Some(Phase::Connecting) => claude_state_t::CLAUDE_STATE_CONNECTING,
        Some(Phase::Connected) => claude_state_t::CLAUDE_STATE_CONNECTED,
        Some(Phase::Closing) => claude_state_t::CLAUDE_STATE_CLOSING,
        Some(Phase::Closed) => claude_state_t::CLAUDE_STATE_CLOSED,
    })
}

/// The process id of the CLI.
///
/// @param client The client.
/// @return The id; 0 while there is no process.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/embedding.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pid(client: *const claude_client_t) -> u64 {
    guard_or(0, || CLIENTS.get(client).map_or(0, |client| client.pid()))
}

/// Counters of the client, one JSON object. docs/stats.md describes each member; more may be added.
///
/// - Process: `pid`, `memory_bytes`.
/// - Traffic: `bytes_read`, `bytes_written`, `prompts`, `messages`, `message_bytes`, `requests` of the CLI, and
///   `unparsed_lines`, `long_lines`, `stderr_lines_dropped`.
/// - What waits: `open_requests`, `queued_events`, `queued_bytes`, `peak_queued_bytes`, `queued_input_bytes`.
/// - `latency`: round trips of control requests, and how long the last prompt waited for its answer.
/// - `ledger`: costs, tokens and usage limits, as the CLI reports them.
///
/// @param client The client.
/// @param json Receives a JSON object; free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/stats.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stats(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(json, "json")?;
            text::put(json, text::give(client.stats_json()));
            Ok(())
        })
    }
}
