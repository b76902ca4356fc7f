//! @addtogroup requests
//!
//! What the host wants to be asked about.

use std::any::Any;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use super::receive::request_handler;
use super::support::{scope_of, with_client};
use super::types::{
    claude_client_t, claude_destroy_fn, claude_error_t, claude_hook_failure_t, claude_request_fn,
    claude_status_t,
};
use crate::dispatch::RequestHandler;
use crate::error::{Error, Status};
use crate::ffi::callback::UserData;
use crate::ffi::param::{number, optional_text, out, required_text};
use crate::session::Hook;

/// Adds a hook: the CLI calls it with a CLAUDE_REQUEST_HOOK. Answer with claude_request_respond, {} for no opinion. Before
/// connecting.
/// @param event Such as "PreToolUse" or "Stop". A near miss of a known name is refused; one that only another CLI may know, or that
///   the CLI asks no host about, gives a CLAUDE_EVENT_WARNING at connect.
/// @param matcher Such as "Bash" or "Write|Edit", or a JavaScript regular expression; NULL = all. One that can never match is
///   refused.
/// @param deadline_ms How long the CLI waits, rounded up to whole seconds; 0 = its default. It then refuses a tool that was about
///   to run.
/// @param on_failure What claude_request_fail means. Connecting to a CLI that cannot block is refused.
/// @param callback NULL = that of claude_client_on_request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_hook(
    client: *mut claude_client_t,
    event: *const c_char,
    matcher: *const c_char,
    deadline_ms: u32,
    on_failure: MaybeUninit<claude_hook_failure_t>,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let user_data = UserData::new(user_data, destroy, scope_of(client));
    let token = user_data.pointer().expose_provenance();
    with_client(client, out!(error), |client| {
        let blocks = match number!(on_failure) {
            0 => false,
            1 => true,
            other => {
                return Err(Error::new(Status::InvalidArgument, format!("{other} is not a way to fail"))
                    .with("argument", "on_failure")
                    .with("remedy", "pass CLAUDE_HOOK_CONTINUE or CLAUDE_HOOK_BLOCK"));
            }
        };
        let (handler, kept) = route_to(callback, user_data);
        client.add_hook(Hook {
            event: required_text!(event)?.to_owned(),
            matcher: optional_text!(matcher)?.map(str::to_owned),
            // The CLI knows whole seconds.
            timeout: deadline_ms.div_ceil(1000),
            blocks,
            handler,
            token,
            _kept: kept,
        })
    })
}

/// The callback of a registration. Without one, only `claude_request_user_data` leads to `user_data`, which is kept.
pub fn route_to(
    callback: claude_request_fn,
    user_data: UserData,
) -> (Option<RequestHandler>, Option<Box<dyn Any + Send + Sync>>) {
    match callback {
        Some(callback) => (Some(request_handler(callback, user_data)), None),
        None => (None, Some(Box::new(user_data))),
    }
}

/// Declares that the host can show a kind of dialog: CLAUDE_REQUEST_DIALOG. Same as the option `supported_dialog_kinds`. Before
/// connecting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_declare_dialog(
    client: *mut claude_client_t,
    kind: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| client.declare_dialog(required_text!(kind)?))
}
