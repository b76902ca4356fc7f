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
use crate::ffi::number::number;
use crate::ffi::text;
use crate::session::{Client, Phase};

/// Creates a client. Nothing is started and no disk is touched.
/// @param options_json The options: docs/options.md; NULL = none. CLAUDE_ERR_INVALID_OPTION names what cannot be used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_create(
    options_json: *const c_char,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            text::require_out(client, "client")?;
            let created = Client::create(text::optional(options_json, "options_json")?.unwrap_or("{}"))?;
            let handle = CLIENTS.insert(created).ok_or_else(|| full_table("client"))?;
            text::put(client, handle);
            Ok(())
        })
    }
}

/// Chooses who runs the callbacks; CLAUDE_DISPATCH_THREAD unless called. Before connecting and before any registration:
/// CLAUDE_ERR_INVALID_ARGUMENT after one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_dispatch(
    client: *mut claude_client_t,
    mode: MaybeUninit<claude_dispatch_t>,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let mode = number(mode);
            let mode = Mode::from_number(mode).ok_or_else(|| {
                Error::new(Status::InvalidArgument, format!("{mode} is not a dispatch mode"))
                    .with("argument", "mode")
                    .with("remedy", "pass one of the CLAUDE_DISPATCH_ constants")
            })?;
            client.set_mode(mode)
        })
    }
}

/// Starts the CLI. Register callbacks before. `done` is told when the session is ready, with the CLI's answer to `initialize`.
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
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let prompt = text::optional(prompt, "prompt")?;
            let listener = listener(client, done, user_data)?;
            client.connect(prompt, None, client.completion(listener))
        })
    }
}

/// As claude_client_connect, waiting until the session is ready; the option `connect_timeout_ms` applies as well. When it
/// fails, nothing of the CLI is left.
/// @param prompt NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_connect_wait(
    client: *mut claude_client_t,
    prompt: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.connect_wait(text::optional(prompt, "prompt")?, wait_of(timeout_ms)?).map(drop)
        })
    }
}

/// Ends the session: a running turn is interrupted, the CLI sees the end of its input, and after the grace options SIGTERM and
/// SIGKILL, it and its descendants. What it still writes is delivered. CLAUDE_OK also when it has ended already.
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

/// As claude_client_disconnect, waiting until the process is gone. CLAUDE_ERR_TIMEOUT: it is still being ended.
/// CLAUDE_ERR_PROCESS: the system does not let this process end it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_disconnect_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| client.disconnect_wait(wait_of(timeout_ms)?).map(drop)) }
}

/// Frees a client, disconnecting it first: see "Freeing" in the contract. Operations that are open are told
/// CLAUDE_ERR_CANCELLED, open requests are refused; their handles stay valid and are still to be freed. Waits as long as the
/// grace options say.
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
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| text::give_out(json, "json", || Ok(client.stats_json()))) }
}

/// What the CLI said when it became ready: commands, models, agents, account and more. Kept: nothing is asked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_server_info(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| text::give_out(json, "json", || client.server_info())) }
}
