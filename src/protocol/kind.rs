//! What a line is, read from its top-level `type` without parsing the line.

use memchr::memchr;

use super::members::{top_level_string, top_level_value};

/// The kind of a message or an event, with the numbers of `claude_message_kind_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Kind {
    User = 1,
    Assistant = 2,
    System = 3,
    Result = 4,
    StreamEvent = 5,
    RateLimitEvent = 6,
    ConversationReset = 7,
    AuthStatus = 8,
    ToolProgress = 9,
    ToolUseSummary = 10,
    PromptSuggestion = 11,
    ActiveGoal = 12,
    CommandLifecycle = 13,
    TranscriptMirror = 14,
    Other = 99,
    TextDelta = 100,
    UnparsedLine = 101,
    LineTooLong = 102,
    Warning = 103,
    TurnEnded = 104,
    ReplayMismatch = 105,
    Stalled = 106,
}

impl Kind {
    /// One bit for each kind of the CLI; unnamed kinds share one.
    pub const fn bit(self) -> u32 {
        let number = self as u32;
        1 << if number < 31 { number } else { 31 }
    }
}

/// Where a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To the application.
    Message(Kind),
    ControlRequest,
    ControlResponse,
    ControlCancel,
    /// Consumed: keep-alives, transcript mirrors, frames marked as meant for the host library only.
    Internal,
    /// Begins and ends like an object but has no top-level `type`.
    Untyped,
}

/// Classifies one line that starts with `{` and ends with `}`.
#[inline(always)]
pub fn route(line: &[u8]) -> Route {
    let Some((br#"{"type":""#, rest)) = line.split_first_chunk() else {
        return named(line, top_level_string(line, b"type"));
    };
    match frequent(rest) {
        Some(kind) => Route::Message(kind),
        None => named(line, memchr(b'"', rest).map(|end| &rest[..end])),
    }
}

/// The most frequent kinds, recognised by the name that `text` starts with.
#[inline(always)]
fn frequent(text: &[u8]) -> Option<Kind> {
    if text.first_chunk() == Some(b"stream_event\"") {
        Some(Kind::StreamEvent)
    } else if text.first_chunk() == Some(b"assistant\"") {
        Some(Kind::Assistant)
    } else if text.first_chunk() == Some(b"user\"") {
        Some(Kind::User)
    } else {
        None
    }
}

#[inline(never)]
fn named(line: &[u8], name: Option<&[u8]>) -> Route {
    match name {
        Some(b"assistant") => Route::Message(Kind::Assistant),
        Some(b"stream_event") => Route::Message(Kind::StreamEvent),
        Some(b"user") => Route::Message(Kind::User),
        Some(b"system") if is_host_only(line) => Route::Internal,
        Some(b"system") => Route::Message(Kind::System),
        Some(b"result") => Route::Message(Kind::Result),
        Some(b"control_response") => Route::ControlResponse,
        Some(b"control_request") => Route::ControlRequest,
        Some(b"control_cancel_request") => Route::ControlCancel,
        Some(b"keep_alive" | b"transcript_mirror") => Route::Internal,
        Some(name) => Route::Message(rare(name)),
        None => Route::Untyped,
    }
}

fn rare(name: &[u8]) -> Kind {
    match name {
        b"rate_limit_event" => Kind::RateLimitEvent,
        b"conversation_reset" => Kind::ConversationReset,
        b"auth_status" => Kind::AuthStatus,
        b"tool_progress" => Kind::ToolProgress,
        b"tool_use_summary" => Kind::ToolUseSummary,
        b"prompt_suggestion" => Kind::PromptSuggestion,
        b"active_goal" => Kind::ActiveGoal,
        b"command_lifecycle" => Kind::CommandLifecycle,
        _ => Kind::Other,
    }
}

/// `session_state_changed` frames that the CLI marks as not for the application.
fn is_host_only(line: &[u8]) -> bool {
    const SUBTYPE_SECOND: &[u8] = br#"{"type":"system","subtype":""#;
    // The usual frame has its subtype second: most system messages are recognised here.
    if let Some(rest) = line.strip_prefix(SUBTYPE_SECOND)
        && !rest.starts_with(b"session_state_changed\"")
    {
        return false;
    }
    top_level_string(line, b"subtype") == Some(b"session_state_changed")
        && top_level_value(line, b"sdk_host_only").is_some_and(|value| value.starts_with(b"true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_first_and_type_anywhere() {
        assert_eq!(route(br#"{"type":"assistant","message":{}}"#), Route::Message(Kind::Assistant));
        assert_eq!(
            route(br#"{"message":{"type":"message","content":[{"type":"text","text":"\"}{"}]}, "type" : "result"}"#),
            Route::Message(Kind::Result)
        );
        assert_eq!(route(br#"{"a":["type","user"],"b":"type","type":"x_new"}"#), Route::Message(Kind::Other));
    }

    #[test]
    fn nested_type_is_not_the_type() {
        assert_eq!(route(br#"{"message":{"type":"user"}}"#), Route::Untyped);
        assert_eq!(route(br#"{"kind":"type"}"#), Route::Untyped);
        assert_eq!(route(br#"{"type":5}"#), Route::Untyped);
        assert_eq!(route(b"{}"), Route::Untyped);
        assert_eq!(route(br#"{"type":"#), Route::Untyped);
    }

    #[test]
    fn host_only_state_frames_are_internal() {
        let marked =
            br#"{"type":"system","subtype":"session_state_changed","state":"idle","sdk_host_only":true}"#;
        let unmarked = br#"{"type":"system","subtype":"session_state_changed","state":"idle"}"#;
        let reordered = br#"{"sdk_host_only":true,"subtype":"session_state_changed","type":"system"}"#;
        let other = br#"{"type":"system","subtype":"init","sdk_host_only":true}"#;
        assert_eq!(route(marked), Route::Internal);
        assert_eq!(route(unmarked), Route::Message(Kind::System));
        assert_eq!(route(reordered), Route::Internal);
        assert_eq!(route(other), Route::Message(Kind::System));
    }

    #[test]
    fn broken_text_never_panics() {
        let whole = br#"{"a":"\\\"","b":[{"c":"d"}],"type":"user"}"#;
        for end in 0..whole.len() {
            let _ = route(&whole[..end]);
            let _ = top_level_value(&whole[end..], b"type");
        }
        assert_eq!(route(br#"{"x":"\"#), Route::Untyped);
        assert_eq!(route(b"}}}]{\"type\":\"user\"}"), Route::Untyped);
    }
}
