//! @defgroup receive Receiving
//! Callbacks run where the mode says: one at a time and in order within a lane. In THREAD mode `done` and cancellations do not wait
//! for callbacks of either lane. Register before connecting. See docs/threading.md and docs/receiving.md.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use super::event::kind_of;
use super::request::hand_over;
use super::support::{
    EVENTS, EventObject, c_string, full_table, parts, registered, scope_of, time_of, wait_of, with_client,
    with_client_quick,
};
use super::types::{
    claude_client_t, claude_closed_fn, claude_destroy_fn, claude_error_t, claude_event_t, claude_lanes_t,
    claude_message_fn, claude_message_kind_t, claude_notify_fn, claude_request_fn, claude_request_t,
    claude_status_t, claude_text_fn,
};
use crate::dispatch::{
    Budget, ClosedHandler, Event, Lanes, MessageCall, MessageFn, MessageHandler, NotifyHandler,
    RequestHandler, TextHandler,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::param::{number, optional_text, out, required_out};

/// Messages, and the events up to 199. Without a callback they are dropped. In PULL mode they come without a registration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_message(
    client: *mut claude_client_t,
    callback: claude_message_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, scope_of(client), message_handler);
    with_client(client, out!(error), |client| client.dispatcher.on_message(handler))
}

/// Requests from the CLI, except those with a callback of their own; the registration also makes the CLI ask for permissions.
/// Without a callback they are refused. Requests that a replaced callback left open are delivered again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_request(
    client: *mut claude_client_t,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, scope_of(client), request_handler);
    with_client(client, out!(error), |client| client.on_request(handler))
}

/// Permission requests. The first registration must come before connecting: only this or `claude_client_on_request` makes
/// the CLI ask. A `CLAUDE_EVENT_WARNING` at connect names options that keep it from asking.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_permission(
    client: *mut claude_client_t,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, scope_of(client), request_handler);
    with_client(client, out!(error), |client| client.on_permission(handler))
}

/// Lines of the CLI's stderr. Its tail is kept for errors in any case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_stderr(
    client: *mut claude_client_t,
    callback: claude_text_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler =
        registered(callback, user_data, destroy, scope_of(client), |callback, user_data| -> TextHandler {
            Arc::new(move |text| {
                let (text, len) = parts(text);
                // SAFETY: the host registered the function for this pointer; the text outlives the call.
                user_data.call("the callback on_stderr", |pointer| unsafe {
                    callback.unwinding()(text, len, pointer)
                });
            })
        });
    with_client(client, out!(error), |client| client.dispatcher.on_stderr(handler))
}

/// The end of the session, after every message: once for each client whose connect was accepted, also when connecting failed, but
/// not when the client is freed first. In PULL mode it comes without a registration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_closed(
    client: *mut claude_client_t,
    callback: claude_closed_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler =
        registered(callback, user_data, destroy, scope_of(client), |callback, user_data| -> ClosedHandler {
            Arc::new(move |cause: Option<&Error>| {
                let text = c_string(cause.map_or(String::new(), Error::to_json));
                let status = cause.map_or(claude_status_t::CLAUDE_OK, |cause| cause.status.into());
                // SAFETY: the host registered the function for this pointer; the text outlives the call.
                user_data.call("the callback on_closed", |pointer| unsafe {
                    callback.unwinding()(status, text.as_ptr(), text.as_bytes().len(), pointer)
                });
            })
        });
    with_client(client, out!(error), |client| client.dispatcher.on_closed(handler))
}

/// PUMP and PULL: called each time a lane stops being empty, and at registration if one is not empty. It is a function in both
/// modes and receives no event: it just wakes the host's loop.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_on_ready(
    client: *mut claude_client_t,
    callback: claude_notify_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler =
        registered(callback, user_data, destroy, scope_of(client), |callback, user_data| -> NotifyHandler {
            Arc::new(move || {
                // SAFETY: the host registered the function for this pointer.
                user_data
                    .call_passing("the ready function", |pointer| unsafe { callback.unwinding()(pointer) });
            })
        });
    with_client(client, out!(error), |client| client.dispatcher.on_ready(handler))
}

/// PUMP and PULL: a descriptor (Windows: an event) that is readable while something is queued in these lanes, for a loop that
/// watches it level-triggered. One for each value of `lanes`, for the client's life. Never read or close it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_ready_handle(
    client: *mut claude_client_t,
    lanes: MaybeUninit<claude_lanes_t>,
    handle: *mut isize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let handle = required_out!(handle)?;
        handle.put(client.dispatcher.ready_handle(lanes_of(number!(lanes))?)?);
        Ok(())
    })
}

/// Makes every waiting `claude_client_pump` and `claude_client_next` return; if none is waiting, the next one does. Nothing in the
/// queue is lost. Must not be called from signal handlers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_wake(
    client: *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        client.dispatcher.wake();
        Ok(())
    })
}

/// PUMP: runs waiting callbacks on this thread, REQUESTS before MESSAGES, until nothing waits or the budget is used up; at least
/// one if one waits. `CLAUDE_OK` also when none ran. `CLAUDE_ERR_CLOSED`: nothing is left and the end has been delivered. Refused
/// inside a callback; returns at once while another thread is pumping.
///
/// @param max_events The most callbacks to run; 0 = no limit.
/// @param budget_us Microseconds; 0 = no limit.
/// @param ran Receives how many ran; NULL = not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pump(
    client: *mut claude_client_t,
    max_events: u32,
    budget_us: u32,
    timeout_ms: u32,
    ran: *mut u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let budget = Budget {
            events: max_events as usize,
            time: (budget_us != 0).then(|| Duration::from_micros(budget_us.into())),
            wait: wait_of(timeout_ms)?,
        };
        let count = client.dispatcher.pump(budget)?;
        out!(ran).put(u32::try_from(count).unwrap_or(u32::MAX));
        Ok(())
    })
}

/// PULL: the next event of these lanes; any number of threads may call it. `CLAUDE_ERR_TIMEOUT`: none came; pass NULL as `error` in
/// a loop that polls. `CLAUDE_ERR_CANCELLED`: `claude_client_wake`. `CLAUDE_ERR_CLOSED`: nothing more will come in these lanes,
/// except the completion of what the host still starts, such as another disconnect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_next(
    client: *mut claude_client_t,
    lanes: MaybeUninit<claude_lanes_t>,
    timeout_ms: u32,
    event: *mut *mut claude_event_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client_quick(client, out!(error), |client, here| {
        let event = required_out!(event)?;
        let lanes = lanes_of(number!(lanes))?;
        here.check_may_wait()?;
        let handle = client.dispatcher.next(lanes, time_of(timeout_ms), event_handle)?;
        event.put(handle);
        Ok(())
    })
}

/// Waits for a result, and for its message callback to return. Results are counted: one that came before the call is not missed. In
/// PUMP mode it runs the callbacks itself; not in PULL mode. Without a result: the cause of the end, or `CLAUDE_ERR_CLOSED`.
/// `CLAUDE_ERR_CANCELLED`: the prompt was removed from the CLI's queue; with NULL: a prompt that no call has returned for was
/// removed, and no other prompt waits for its result.
///
/// @param message_uuid The prompt whose result to wait for; NULL = the next one that no call has returned for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_receive_response(
    client: *mut claude_client_t,
    message_uuid: *const c_char,
    timeout_ms: u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let prompt = optional_text!(message_uuid)?;
        client.dispatcher.receive_response(prompt, wait_of(timeout_ms)?)
    })
}

/// How much is queued in these lanes.
///
/// @param events NULL = not wanted.
/// @param bytes NULL = not wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pending(
    client: *mut claude_client_t,
    lanes: MaybeUninit<claude_lanes_t>,
    events: *mut usize,
    bytes: *mut usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let (queued_events, queued_bytes) = client.dispatcher.pending(lanes_of(number!(lanes))?);
        out!(events).put(queued_events);
        out!(bytes).put(queued_bytes);
        Ok(())
    })
}

#[inline]
fn lanes_of(mask: i32) -> Result<Lanes> {
    Lanes::from_number(mask).ok_or_else(|| no_lane(mask))
}

#[cold]
fn no_lane(mask: i32) -> Error {
    Error::new(Status::InvalidArgument, format!("{mask} selects no lane"))
        .with("argument", "lanes")
        .with("remedy", "pass CLAUDE_LANE_MESSAGES, CLAUDE_LANE_REQUESTS or CLAUDE_LANE_ALL")
}

#[inline]
fn event_handle(event: Event) -> Result<*mut claude_event_t> {
    EVENTS.insert(EventObject::new(event)).ok_or_else(|| full_table("event"))
}

type MessageFunction = unsafe extern "C" fn(claude_message_kind_t, *const c_char, usize, *mut c_void);

/// The host's message callback.
struct MessageCallback {
    function: MessageFunction,
    user_data: UserData,
}

impl MessageFn for MessageCallback {
    fn deliver(&self, messages: &mut dyn FnMut(MessageCall<'_>)) {
        let function = self.function.unwinding();
        self.user_data.calls("the callback on_message", |calls, pointer| {
            messages(&|kind, text| {
                let (json, len) = parts(text);
                // SAFETY: the host registered the function for this pointer; the text outlives the call.
                calls.call(|| unsafe { function(kind_of(kind), json, len, pointer) });
            });
        });
    }
}

pub fn message_handler(function: MessageFunction, user_data: UserData) -> MessageHandler {
    Arc::new(MessageCallback { function, user_data })
}

/// The host's request callback as a closure.
pub fn request_handler(
    callback: unsafe extern "C" fn(*mut claude_request_t, *mut c_void),
    user_data: UserData,
) -> RequestHandler {
    Arc::new(move |request| {
        let begun = user_data.call("a request callback", |pointer| {
            if let Some(handle) = hand_over(request.clone()) {
                // SAFETY: the host registered the function for this pointer and takes the handle over.
                unsafe { callback.unwinding()(handle, pointer) }
            }
        });
        if begun.is_none() {
            request.refuse_unless_held("The host has taken its callback away.");
        }
    })
}
