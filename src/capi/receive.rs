//! Receiving: callbacks, and waiting for results.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::event::kind_of;
use super::request::hand_over;
use super::support::{c_string, parts, registered, wait_of, with_client};
use super::types::{
    claude_client_t, claude_closed_fn, claude_destroy_fn, claude_error_t, claude_message_fn,
    claude_message_kind_t, claude_request_fn, claude_request_t, claude_status_t, claude_text_fn,
    claude_wakeup_fn,
};
use crate::dispatch::{ClosedHandler, MessageHandler, RequestHandler, TextHandler, WakeupHandler};
use crate::error::Error;
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::text::{self, STRLEN};

/// Registers the callback for messages and events. Register it before connecting: without one, messages are dropped.
///
/// @param client The client.
/// @param callback The callback; NULL takes the present one away. The one before is not running any more when this
///   returns, unless it is called inside a callback of the client.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The callback runs where the dispatch mode says, one at a time and in order.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_message(
    client: *mut claude_client_t,
    callback: claude_message_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, message_handler);
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.on_message(handler);
            Ok(())
        })
    }
}

/// Registers the callback for what the CLI asks of the host. Register it before connecting: it also makes the CLI ask for
/// permissions. Without one, every request is refused at once.
///
/// @param client The client.
/// @param callback The callback, which owns the request that it is given; NULL takes the present one away. The one before
///   is not running any more when this returns, unless it is called inside a callback of the client. What the
///   one before left open is delivered again.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The callback runs where the dispatch mode says, and never waits for a message callback.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_request(
    client: *mut claude_client_t,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, request_handler);
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.on_request(handler);
            Ok(())
        })
    }
}

/// Registers the callback for lines of the CLI's stderr. Its end is kept for errors in any case.
///
/// @param client The client.
/// @param callback The callback; NULL takes the present one away. The one before is not running any more when this
///   returns, unless it is called inside a callback of the client.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The callback runs where the dispatch mode says, never at the same time as the message callback.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_stderr(
    client: *mut claude_client_t,
    callback: claude_text_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, |callback, user_data| -> TextHandler {
        Arc::new(move |text| {
            let (text, len) = parts(text);
            // SAFETY: the host registered the function for this pointer; the text outlives the call.
            user_data
                .call("the callback on_stderr", |pointer| unsafe { callback.unwinding()(text, len, pointer) })
        })
    });
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.on_stderr(handler);
            Ok(())
        })
    }
}

/// Registers the callback for the end of the session. It comes after every message, once for each client whose connect
/// was accepted, also when connecting failed; not when the client is freed before.
///
/// @param client The client.
/// @param callback The callback; NULL takes the present one away. The one before is not running any more when this
///   returns, unless it is called inside a callback of the client.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The callback runs where the dispatch mode says.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/errors.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_closed(
    client: *mut claude_client_t,
    callback: claude_closed_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, |callback, user_data| -> ClosedHandler {
        Arc::new(move |cause: Option<&Error>| {
            let text = c_string(cause.map_or(String::new(), Error::to_json));
            let status = cause.map_or(claude_status_t::CLAUDE_OK, |cause| cause.status.into());
            // SAFETY: the host registered the function for this pointer; the text outlives the call.
            user_data.call("the callback on_closed", |pointer| unsafe {
                callback.unwinding()(status, text.as_ptr(), text.as_bytes().len(), pointer)
            })
        })
    });
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.on_closed(handler);
            Ok(())
        })
    }
}

/// Registers a function that is told when something can be received in PUMP or PULL mode: once when the queue stops being
/// empty, at the registration when something waits already, and when `claude_client_receive_response` leaves something. It
/// must only wake an event loop, such as by `uv_async_send`. After a dispatch that used up its budget nothing has become
/// empty: dispatch again, as long as `claude_client_pending` finds something.
///
/// @param client The client.
/// @param callback The function; NULL takes the present one away. The one before is not running any more when this
///   returns, unless it is called inside a callback of the client.
/// @param user_data Passed to the function.
/// @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The function runs on a library thread, or on the thread whose call made something receivable: it is the
///   one that PUMP and PULL mode let in.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_wakeup(
    client: *mut claude_client_t,
    callback: claude_wakeup_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, |callback, user_data| -> WakeupHandler {
        Arc::new(move || {
            // SAFETY: the host registered the function for this pointer.
            user_data.call_passing("the wake-up function", |pointer| unsafe { callback.unwinding()(pointer) })
        })
    });
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.on_wakeup(handler);
            Ok(())
        })
    }
}

/// Waits for the next result that no earlier call of this function has returned for, and for its message callback to
/// return. Results are counted, so a result that came before the call is not missed; a turn that was interrupted has one as
/// well, which comes first. In PUMP mode it runs the callbacks itself, up to and including the result's.
///
/// @param client The client.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT`; when the session ended without another result, the cause that `on_closed` is
///   told, such as `CLAUDE_ERR_PROCESS`, or `CLAUDE_ERR_CLOSED` after a normal end; `CLAUDE_ERR_WOULD_DEADLOCK` inside a
///   callback; `CLAUDE_ERR_UNSUPPORTED` in PULL mode.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_receive_response(
    client: *mut claude_client_t,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| client.dispatcher.receive_response(None, wait_of(timeout_ms)?))
    }
}

/// As `claude_client_receive_response`, for the result of one prompt. Results of other prompts, and of turns that the CLI
/// starts by itself, are passed over.
///
/// @param client The client.
/// @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_receive_response`; `CLAUDE_ERR_CANCELLED` when the prompt was taken out of the CLI's queue.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_receive_response_to(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let uuid = text::required(message_uuid, STRLEN, "message_uuid")?;
            client.dispatcher.receive_response(Some(uuid), wait_of(timeout_ms)?)
        })
    }
}

/// The descriptor for event loops in PUMP and PULL mode: readable while something is queued. Watch it, level-triggered, and
/// call `claude_client_dispatch` or `claude_client_next`; never read or close it.
///
/// @param client The client.
/// @param handle Receives the descriptor. It lives as long as the client.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_UNSUPPORTED` in the other modes.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_wakeup_handle(
    client: *mut claude_client_t,
    handle: *mut isize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(handle, "handle")?;
            text::put(handle, client.dispatcher.wakeup_handle()?);
            Ok(())
        })
    }
}

/// Makes a `claude_client_dispatch` or `claude_client_next` that waits return; where none waits, the next one. It takes the
/// place of no event: what is queued stays queued.
///
/// @param client The client.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_wake(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.dispatcher.wake();
            Ok(())
        })
    }
}

/// How much waits to be received.
///
/// @param client The client.
/// @param events Receives the number of events; may be NULL.
/// @param bytes Receives their bytes; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pending(
    client: *mut claude_client_t,
    events: *mut usize,
    bytes: *mut usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let (queued_events, queued_bytes) = client.dispatcher.pending();
            text::put(events, queued_events);
            text::put(bytes, queued_bytes);
            Ok(())
        })
    }
}

type MessageFunction = unsafe extern "C" fn(claude_message_kind_t, *const c_char, usize, *mut c_void);

/// The host's message callback as a closure.
pub fn message_handler(callback: MessageFunction, user_data: UserData) -> MessageHandler {
    Arc::new(move |kind, text| {
        let (json, len) = parts(text);
        // SAFETY: the host registered the function for this pointer; the text outlives the call.
        user_data.call("the callback on_message", |pointer| unsafe {
            callback.unwinding()(kind_of(kind), json, len, pointer)
        })
    })
}

/// The host's request callback as a closure.
pub fn request_handler(
    callback: unsafe extern "C" fn(*mut claude_request_t, *mut c_void),
    user_data: UserData,
) -> RequestHandler {
    Arc::new(move |request| {
        if let Some(handle) = hand_over(request) {
            // SAFETY: the host registered the function for this pointer and takes the handle over.
            user_data.call("a request callback", |pointer| unsafe { callback.unwinding()(handle, pointer) })
        }
    })
}
