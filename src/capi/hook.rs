//! What the host wants to be asked about.

use std::any::Any;
use std::ffi::{c_char, c_void};

use super::receive::request_handler;
use super::support::{registered, with_client};
use super::types::{
    CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE, claude_client_t, claude_destroy_fn, claude_error_t,
    claude_request_fn, claude_status_t,
};
use crate::error::{Error, Status};
use crate::ffi::callback::UserData;
use crate::ffi::text::{self, STRLEN};
use crate::session::Hook;

/// Registers the callback for permission requests, which otherwise go to the one of `claude_client_on_request`. Register it
/// before connecting: only this or `claude_client_on_request` makes the CLI ask for permissions; in PULL mode it always asks.
/// Options that keep the CLI from asking are told by a `CLAUDE_EVENT_WARNING` when connecting.
///
/// @param client The client.
/// @param callback The callback, which owns the request that it is given; NULL takes the present one away. The one before
///   is not running any more when this returns, unless it is called inside a callback of the client. What the one before
///   left open is delivered again.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_ALREADY_CONNECTED` for a first callback after connecting.
/// @thread Any. The callback runs where the dispatch mode says, and never waits for a message callback.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_permission_handler(
    client: *mut claude_client_t,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, request_handler);
    // SAFETY: the header's rules on output parameters.
    unsafe { with_client(client, error, |client| client.set_permission_handler(handler)) }
}

/// Registers a hook: the CLI asks before or after it does something. Any number of them, also for one event. Before
/// connecting.
///
/// @param client The client.
/// @param event The event, such as "PreToolUse" or "Stop". A name that is almost one is refused; one that only another CLI
///   may know is told by a `CLAUDE_EVENT_WARNING` when connecting, and so is a hook that the CLI asks no host about. Copied.
/// @param matcher The tools that it is about, such as "Bash" or "Write|Edit", or a regular expression of JavaScript; NULL =
///   all. One that can never match is refused. Copied.
/// @param timeout_s How long the CLI waits for the answer, in seconds; 0 = its default. When it is over, the CLI withdraws
///   the request, and refuses a tool that was to be used.
/// @param on_failure `CLAUDE_HOOK_CONTINUE` or `CLAUDE_HOOK_BLOCK`: what the CLI does after `claude_request_fail`. A CLI that
///   cannot block is not connected to.
/// @param callback The callback, which owns the request that it is given: of the kind `CLAUDE_REQUEST_HOOK`, answered with
///   the hook's output by `claude_request_respond`, `{}` for no opinion. NULL = the one of `claude_client_on_request`. In
///   PULL mode NULL: the hook comes as `CLAUDE_EVENT_REQUEST`.
/// @param user_data Passed to the callback, and returned by `claude_request_user_data`.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
/// @thread Any. The callback runs where the dispatch mode says, one at a time with the other request callbacks: one that
///   takes its time returns and answers later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_hook(
    client: *mut claude_client_t,
    event: *const c_char,
    matcher: *const c_char,
    timeout_s: f64,
    on_failure: i32,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let user_data = UserData::new(user_data, destroy);
    let token = user_data.pointer().expose_provenance();
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let blocks = match on_failure {
                CLAUDE_HOOK_CONTINUE => false,
                CLAUDE_HOOK_BLOCK => true,
                _ => {
                    return Err(Error::new(
                        Status::InvalidArgument,
                        format!("{on_failure} is not a way to fail"),
                    )
                    .with("argument", "on_failure")
                    .with("remedy", "pass CLAUDE_HOOK_CONTINUE or CLAUDE_HOOK_BLOCK"));
                }
            };
            // Without a callback, only `claude_request_user_data` leads to it.
            let (handler, kept) = match callback {
                Some(callback) => (Some(request_handler(callback, user_data)), None),
                None => (None, Some(Box::new(user_data) as Box<dyn Any + Send + Sync>)),
            };
            client.add_hook(Hook {
                event: text::required(event, STRLEN, "event")?.to_owned(),
                matcher: text::optional(matcher, STRLEN, "matcher")?.map(str::to_owned),
                timeout: timeout_s,
                blocks,
                handler,
                token,
                kept,
            })
        })
    }
}

/// Says that the host can show a kind of dialog, so that the CLI asks for it by a request of the kind
/// `CLAUDE_REQUEST_DIALOG`. The same as the option `supported_dialog_kinds`. Before connecting.
///
/// @param client The client.
/// @param kind The kind, such as "refusal_fallback_prompt". Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_declare_dialog(
    client: *mut claude_client_t,
    kind: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| client.declare_dialog(text::required(kind, STRLEN, "kind")?))
    }
}
