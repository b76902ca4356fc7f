//! PUMP and PULL: receiving on the host's own threads.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use super::request::hand_over;
use super::support::{EVENTS, EventObject, event, full_table, parts, wait_of, with_client};
use super::types::{
    claude_client_t, claude_error_t, claude_event_t, claude_message_kind_t, claude_request_t, claude_status_t,
};
use crate::dispatch::{Budget, Event, EventKind};
use crate::error::Result;
use crate::ffi::guard::guard_or;
use crate::ffi::text;
use crate::protocol::kind::Kind;

/// PUMP mode: runs waiting callbacks on the calling thread, until nothing waits or the budget is used up. At least one runs
/// if one waits. Requests and completions come before messages.
///
/// @param client The client.
/// @param max_events The most callbacks to run; 0 = no limit.
/// @param budget_us Time to spend, in microseconds, but for one callback's own time; 0 = no limit.
/// @param timeout_ms How long to wait for the first one, in milliseconds; `CLAUDE_NO_WAIT` in a frame.
/// @param ran Receives how many callbacks ran; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`, also when nothing ran; `CLAUDE_ERR_CLOSED` when it would wait although the end of the session has
///   been told and nothing is left, or when the client is freed meanwhile; `CLAUDE_ERR_UNSUPPORTED` in the other modes;
///   `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback and on the library's threads.
/// @thread Any thread of the host. One at a time runs callbacks: a second one that finds some to run returns at once.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_dispatch(
    client: *mut claude_client_t,
    max_events: u32,
    budget_us: u32,
    timeout_ms: u32,
    ran: *mut u32,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            let budget = Budget {
                events: max_events as usize,
                time: (budget_us != 0).then(|| Duration::from_micros(budget_us.into())),
                wait: wait_of(timeout_ms)?,
            };
            let count = client.dispatcher.dispatch(budget)?;
            text::put(ran, u32::try_from(count).unwrap_or(u32::MAX));
            Ok(())
        })
    }
}

/// PULL mode: the next event. Requests and completions come before messages.
///
/// @param client The client.
/// @param timeout_ms How long to wait for it, in milliseconds.
/// @param event Receives the event; free it with `claude_event_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT` when none came; `CLAUDE_ERR_CANCELLED` once after `claude_client_wake`,
///   ahead of what is queued; `CLAUDE_ERR_CLOSED` after the event `CLAUDE_EVENT_CLOSED`; `CLAUDE_ERR_UNSUPPORTED` in the
///   other modes.
/// @thread Any thread of the host, several at once as well.
/// @callback Refused with `CLAUDE_ERR_WOULD_DEADLOCK`: in a wake-up function, a log callback, and a callback of another client
///   that runs on a library thread.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_next(
    client: *mut claude_client_t,
    timeout_ms: u32,
    event: *mut *mut claude_event_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(event, "event")?;
            text::put(event, event_handle(client.dispatcher.next(wait_of(timeout_ms)?)?)?);
            Ok(())
        })
    }
}

fn event_handle(event: Event) -> Result<*mut claude_event_t> {
    EVENTS.insert(Arc::new(EventObject::new(event))).ok_or_else(|| full_table("event"))
}

/// What an event is.
///
/// @param event The event.
/// @return Its kind; `CLAUDE_MESSAGE_OTHER` for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_kind(event: *const claude_event_t) -> claude_message_kind_t {
    let other = claude_message_kind_t::CLAUDE_MESSAGE_OTHER;
    guard_or(other, || match self::event(event).as_deref().map(|object| &object.event.kind) {
        None => other,
        Some(EventKind::Message(kind)) => kind_of(*kind),
        Some(EventKind::Request(_)) => claude_message_kind_t::CLAUDE_EVENT_REQUEST,
        Some(EventKind::RequestCancelled(_)) => claude_message_kind_t::CLAUDE_EVENT_REQUEST_CANCELLED,
        Some(EventKind::Done(..)) => claude_message_kind_t::CLAUDE_EVENT_DONE,
        Some(EventKind::Stderr) => claude_message_kind_t::CLAUDE_EVENT_STDERR,
        Some(EventKind::Closed(_)) => claude_message_kind_t::CLAUDE_EVENT_CLOSED,
        Some(EventKind::ToolCall(_)) => claude_message_kind_t::CLAUDE_EVENT_TOOL_CALL,
        Some(EventKind::ToolCallCancelled(_)) => claude_message_kind_t::CLAUDE_EVENT_TOOL_CALL_CANCELLED,
    })
}

/// The text of an event: the CLI's own JSON, a reply, an error's document, or plain text, as its kind says.
///
/// @param event The event.
/// @param len Receives the length in bytes; may be NULL.
/// @return The text with a NUL behind it; it lives as long as the event. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/strings.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_json(event: *const claude_event_t, len: *mut usize) -> *const c_char {
    let nothing = (c"".as_ptr(), 0);
    let (text, size) = guard_or(nothing, || match self::event(event) {
        Some(object) => parts(&object.event.text),
        None => nothing,
    });
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    text
}

/// How an operation or a session ended.
///
/// @param event An event of the kind `CLAUDE_EVENT_DONE` or `CLAUDE_EVENT_CLOSED`.
/// @return The status; `CLAUDE_OK` for other kinds; `CLAUDE_ERR_INVALID_HANDLE` for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_status(event: *const claude_event_t) -> claude_status_t {
    let invalid = claude_status_t::CLAUDE_ERR_INVALID_HANDLE;
    guard_or(invalid, || match self::event(event).as_deref().map(|object| &object.event.kind) {
        None => invalid,
        Some(EventKind::Done(status, _) | EventKind::Closed(status)) => (*status).into(),
        Some(_) => claude_status_t::CLAUDE_OK,
    })
}

/// The `user_data` that was given to the operation that has ended, or to the tool that is called.
///
/// @param event An event of the kind `CLAUDE_EVENT_DONE`, `CLAUDE_EVENT_TOOL_CALL` or `CLAUDE_EVENT_TOOL_CALL_CANCELLED`.
/// @return The pointer; NULL for other kinds.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/receiving.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_user_data(event: *const claude_event_t) -> *mut c_void {
    let token = guard_or(0, || match self::event(event).as_deref().map(|object| &object.event.kind) {
        Some(EventKind::Done(_, token)) => *token,
        Some(EventKind::ToolCall(call) | EventKind::ToolCallCancelled(call)) => call.token(),
        _ => 0,
    });
    std::ptr::with_exposed_provenance_mut(token)
}

/// Takes the request out of an event. Answer it, now or later, and free it. A request that is left in its event is refused
/// when the event is freed.
///
/// @param event An event of the kind `CLAUDE_EVENT_REQUEST`.
/// @return The request, which the caller owns; NULL for other kinds and the second time.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_take_request(event: *mut claude_event_t) -> *mut claude_request_t {
    guard_or(std::ptr::null_mut(), || {
        let request = self::event(event).and_then(|object| object.take_request());
        request.and_then(hand_over).unwrap_or(std::ptr::null_mut())
    })
}

/// Frees an event.
///
/// @param event The event; NULL and an event that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/ownership.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_free(event: *mut claude_event_t) {
    guard_or((), || drop(EVENTS.remove(event)));
}

/// The kinds of the wire and of the header have the same numbers.
pub fn kind_of(kind: Kind) -> claude_message_kind_t {
    use claude_message_kind_t as c;
    match kind {
        Kind::User => c::CLAUDE_MESSAGE_USER,
        Kind::Assistant => c::CLAUDE_MESSAGE_ASSISTANT,
        Kind::System => c::CLAUDE_MESSAGE_SYSTEM,
        Kind::Result => c::CLAUDE_MESSAGE_RESULT,
        Kind::StreamEvent => c::CLAUDE_MESSAGE_STREAM_EVENT,
        Kind::RateLimitEvent => c::CLAUDE_MESSAGE_RATE_LIMIT_EVENT,
        Kind::ConversationReset => c::CLAUDE_MESSAGE_CONVERSATION_RESET,
        Kind::AuthStatus => c::CLAUDE_MESSAGE_AUTH_STATUS,
        Kind::ToolProgress => c::CLAUDE_MESSAGE_TOOL_PROGRESS,
        Kind::ToolUseSummary => c::CLAUDE_MESSAGE_TOOL_USE_SUMMARY,
        Kind::PromptSuggestion => c::CLAUDE_MESSAGE_PROMPT_SUGGESTION,
        Kind::ActiveGoal => c::CLAUDE_MESSAGE_ACTIVE_GOAL,
        Kind::CommandLifecycle => c::CLAUDE_MESSAGE_COMMAND_LIFECYCLE,
        Kind::TranscriptMirror => c::CLAUDE_MESSAGE_TRANSCRIPT_MIRROR,
        Kind::Other => c::CLAUDE_MESSAGE_OTHER,
        Kind::TextDelta => c::CLAUDE_EVENT_TEXT_DELTA,
        Kind::UnparsedLine => c::CLAUDE_EVENT_UNPARSED_LINE,
        Kind::LineTooLong => c::CLAUDE_EVENT_LINE_TOO_LONG,
        Kind::Warning => c::CLAUDE_EVENT_WARNING,
        Kind::TurnEnded => c::CLAUDE_EVENT_TURN_ENDED,
        Kind::ReplayMismatch => c::CLAUDE_EVENT_REPLAY_MISMATCH,
    }
}
