//! @defgroup life Life of a client
//! From create to free. See docs/ownership.md.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use super::support::{CLIENTS, call, full_table, listener, wait_of, with_client};
use super::types::{
    claude_client_t, claude_dispatch_t, claude_done_fn, claude_error_t, claude_state_t, claude_status_t,
};
use crate::dispatch::Mode;
use crate::error::{Error, Status};
use crate::ffi::guard::{guard, guard_or};
use crate::ffi::param::{number, optional_text, out, required_out};
use crate::session::{Client, Phase};

/// Creates a client. Nothing is started and no disk is touched.
/// @param options_json The options: docs/options.md; NULL = none. CLAUDE_ERR_INVALID_OPTION names what cannot be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_create(
    options_json: *const c_char,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let client = required_out!(client)?;
        let created = Client::create(optional_text!(options_json)?.unwrap_or("{}"))?;
        let handle = CLIENTS.insert(created).ok_or_else(|| full_table("client"))?;
        client.put(handle);
        Ok(())
    })
}

/// Chooses who runs the callbacks; CLAUDE_DISPATCH_THREAD unless called. Before connecting and before any registration:
/// CLAUDE_ERR_INVALID_ARGUMENT after one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_dispatch(
    client: *mut claude_client_t,
    mode: MaybeUninit<claude_dispatch_t>,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let mode = number!(mode);
        let mode = Mode::from_number(mode).ok_or_else(|| {
            Error::new(Status::InvalidArgument, format!("{mode} is not a dispatch mode"))
                .with("argument", "mode")
                .with("remedy", "pass one of the CLAUDE_DISPATCH_ constants")
        })?;
        client.set_mode(mode)
    })
}

/// Starts the CLI. Register callbacks first. `done` is called when the session is ready, with the CLI's answer to `initialize`.
/// CLAUDE_ERR_INVALID_OPTION: options that cannot be combined with what is registered.
/// @param prompt The first prompt, sent once the CLI is ready; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect(
    client: *mut claude_client_t,
    prompt: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let prompt = optional_text!(prompt)?;
        let listener = listener(client, done, user_data)?;
        client.connect(prompt, None, client.completion(listener))
    })
}

/// As claude_client_connect, but waits until the session is ready; the option `connect_timeout_ms` applies as well. When it fails,
/// nothing of the CLI is left running.
/// @param prompt NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect_wait(
    client: *mut claude_client_t,
    prompt: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        client.connect_wait(optional_text!(prompt)?, wait_of(timeout_ms)?).map(drop)
    })
}

/// Ends the session: a running turn is interrupted, the CLI's input is closed, and after the times of the grace options the CLI and
/// its descendants get SIGTERM, then SIGKILL. What the CLI still writes is delivered. CLAUDE_OK also when it has already ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_disconnect(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let listener = listener(client, done, user_data)?;
        client.disconnect(client.completion(listener))
    })
}

/// As claude_client_disconnect, but waits until the process is gone. CLAUDE_ERR_TIMEOUT: it is still shutting down.
/// CLAUDE_ERR_PROCESS: the system does not permit this process to end it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_disconnect_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| client.disconnect_wait(wait_of(timeout_ms)?).map(drop))
}

/// Frees a client, disconnecting it first: see "Freeing" in the contract. Open operations complete with CLAUDE_ERR_CANCELLED, open
/// requests are refused; their handles stay valid and must still be freed. Waits as long as the grace options say.
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

/// The state of the client.
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

/// The process id of the CLI; 0 while there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pid(client: *const claude_client_t) -> u64 {
    guard_or(0, || CLIENTS.get(client).map_or(0, |client| client.pid()))
}

/// Counters: `session_id`, process, traffic, what is queued, latency, costs. See docs/stats.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_stats(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        required_out!(json)?.give(client.stats_json());
        Ok(())
    })
}

/// What the CLI said when it became ready: commands, models, agents, account and more. Cached: the CLI is not asked again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_server_info(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        required_out!(json)?.give(client.server_info()?);
        Ok(())
    })
}
