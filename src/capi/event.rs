//! @defgroup events Events
//! What claude_client_next returns. See docs/receiving.md.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use super::mcp::hand_over_call;
use super::request::{self, hand_over};
use super::support::{EVENTS, EventObject, call, call_brief, dead_handle, full_table, parts};
use super::types::{
    claude_error_t, claude_event_info_t, claude_event_t, claude_lanes_t, claude_message_kind_t,
    claude_request_t, claude_status_t, claude_tool_call_t,
};
use crate::dispatch::EventKind;
use crate::error::{Error, Result, Status};
use crate::ffi::guard::{brief, guard_or};
use crate::ffi::param::{filled, out, required_out};
use crate::protocol::kind::Kind;
use crate::requests::RequestKind;

/// All contents of an event, in one call. The event owns what the pointers point to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_info(
    event: *const claude_event_t,
    info: *mut claude_event_info_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call_brief(out!(error), || {
        // Written while the event is borrowed, so that nothing is copied twice.
        let written = EVENTS.look(event, |object| filled!(info, |info| fill(info, object)));
        written.unwrap_or_else(|| Err(dead_handle("event")))
    })
}

/// Takes the request out of a `CLAUDE_EVENT_REQUEST`. If it is not taken, it is refused when the event is freed.
/// `CLAUDE_ERR_NOT_FOUND`: another kind, or already taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_take_request(
    event: *mut claude_event_t,
    request: *mut *mut claude_request_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let request = required_out!(request)?;
        let taken = taken(event, EventObject::take_request, "request")?;
        request.put(hand_over(taken).ok_or_else(|| full_table("request"))?);
        Ok(())
    })
}

/// Takes the call out of a `CLAUDE_EVENT_TOOL_CALL`. If it is not taken, it fails when the event is freed. `CLAUDE_ERR_NOT_FOUND`:
/// another kind, or already taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_take_tool_call(
    event: *mut claude_event_t,
    call: *mut *mut claude_tool_call_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || {
        let call = required_out!(call)?;
        let taken = taken(event, EventObject::take_call, "tool call")?;
        call.put(hand_over_call(taken).ok_or_else(|| full_table("tool call"))?);
        Ok(())
    })
}

/// Frees an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_free(event: *mut claude_event_t) {
    // What the event still holds of a request or a tool call is refused, which may take more.
    let held = brief(|| Ok(EVENTS.remove(event).filter(|object| !object.is_plain())));
    if let Ok(Some(held)) = held {
        guard_or((), || drop(held));
    }
}

/// What `take` finds in an event.
fn taken<T>(
    event: *const claude_event_t,
    take: impl FnOnce(&EventObject) -> Option<T>,
    what: &str,
) -> Result<T> {
    let found = EVENTS.look(event, take).ok_or_else(|| dead_handle("event"))?;
    found.ok_or_else(|| {
        Error::new(
            Status::NotFound,
            format!("there is no {what} in this event: it is of another kind, or taken"),
        )
        .with("argument", "event")
        .with("remedy", "look at the kind that claude_event_info tells, and take it once")
    })
}

#[inline]
fn fill(info: &mut claude_event_info_t, object: &EventObject) {
    use claude_message_kind_t as c;
    let (mut status, mut asked) = (Status::Ok, RequestKind::Other);
    let (kind, id, token) = match &object.event.kind {
        EventKind::Message(kind) => (kind_of(*kind), 0, 0),
        EventKind::Stderr => (c::CLAUDE_EVENT_STDERR, 0, 0),
        EventKind::Closed(how) => {
            status = *how;
            (c::CLAUDE_EVENT_CLOSED, 0, 0)
        }
        EventKind::Done(how, token) => {
            status = *how;
            (c::CLAUDE_EVENT_DONE, 0, *token)
        }
        EventKind::Request(request) => {
            asked = request.kind();
            (c::CLAUDE_EVENT_REQUEST, request.number(), request.token())
        }
        EventKind::RequestCancelled(request) => {
            (c::CLAUDE_EVENT_REQUEST_CANCELLED, request.number(), request.token())
        }
        EventKind::ToolCall(call) => (c::CLAUDE_EVENT_TOOL_CALL, call.number(), call.token()),
        EventKind::ToolCallCancelled(call) => {
            (c::CLAUDE_EVENT_TOOL_CALL_CANCELLED, call.number(), call.token())
        }
    };
    let (json, len) = parts(object.event.text.bytes());
    info.kind = MaybeUninit::new(kind);
    info.status = MaybeUninit::new(status.into());
    info.request_kind = MaybeUninit::new(request::kind_of(asked));
    info.lane = MaybeUninit::new(lane_of(&object.event.kind));
    info.id = id;
    info.user_data = std::ptr::with_exposed_provenance_mut::<c_void>(token);
    info.json = json;
    info.len = len;
}

fn lane_of(kind: &EventKind) -> claude_lanes_t {
    match kind {
        EventKind::Message(_) | EventKind::Stderr | EventKind::Closed(_) => {
            claude_lanes_t::CLAUDE_LANE_MESSAGES
        }
        _ => claude_lanes_t::CLAUDE_LANE_REQUESTS,
    }
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
        Kind::Stalled => c::CLAUDE_EVENT_STALLED,
    }
}
