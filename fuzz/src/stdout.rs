//! The CLI's stdout through framing and routing. The same bytes in one piece and in many give the same; a frame of valid JSON
//! reaches the host byte for byte and by its type; what the readers of JSON say of a line is what a parser says of it.

use bytes::BytesMut;
use claude_client::protocol::control;
use claude_client::protocol::framing::{Block, Framer, LineSink, Unparsed, why_not};
use claude_client::protocol::kind::{Kind, Route};
use claude_client::protocol::members::{self, Members};
use claude_client::protocol::{tolerant, tree};
use serde_json::Value;

use super::json;

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Message(Kind, Vec<u8>),
    Control(Route, Vec<u8>),
    Internal(Vec<u8>),
    Unparsed(Unparsed, Vec<u8>),
    TooLong,
}

#[derive(Default)]
struct Sink(Vec<Seen>);

impl LineSink for Sink {
    fn messages(&mut self, block: Block) {
        assert!(!block.lines.is_empty());
        for line in &block.lines {
            let text = block.text(*line);
            assert_eq!(text.last(), Some(&0), "no NUL behind a message");
            assert!(block.has(line.kind.bit()));
            self.0.push(Seen::Message(line.kind, text[..text.len() - 1].to_vec()));
        }
    }

    fn control(&mut self, route: Route, line: &[u8]) {
        // What the session does with it.
        let read = match route {
            Route::ControlRequest => control::parse_request(line).is_ok(),
            Route::ControlResponse => {
                let _ = control::parse_open_requests(line);
                control::parse_response(line).is_ok()
            }
            Route::ControlCancel => control::parse_cancel(line).is_ok(),
            other => panic!("{other:?} is no control frame"),
        };
        self.0.push(match read {
            true => Seen::Control(route, line.to_vec()),
            false => Seen::Unparsed(why_not(line), line.to_vec()),
        });
    }

    fn internal(&mut self, line: &[u8]) {
        self.0.push(Seen::Internal(line.to_vec()));
    }

    fn unparsed(&mut self, reason: Unparsed, line: &[u8]) {
        self.0.push(Seen::Unparsed(reason, line.to_vec()));
    }

    fn too_long(&mut self, length: u64, start: &[u8]) {
        assert!(start.len() as u64 <= length && start.len() <= 1024);
        self.0.push(Seen::TooLong);
    }
}

/// The first three bytes say how, the rest is the stream.
pub fn run(data: &[u8]) {
    let Some(([how, first, second], stream)) = data.split_first_chunk::<3>() else { return };
    let limit = [64, 300, 1 << 20][usize::from(how >> 1) % 3];
    let shared = stream.split(|byte| *byte == b'\n').any(may_be_shared);
    // Of lines that are not looked at whole, the framer takes apart only those at the end of a read.
    let validate = how & 1 == 1 || shared;
    // White space counts or not for the limit, by where the stream is cut.
    if stream.split(|byte| *byte == b'\n').any(|line| line.len() > limit && line.trim_ascii().len() <= limit)
    {
        return;
    }
    let whole = fed(stream, limit, validate, usize::MAX, 0);
    let seed = u32::from(u16::from_le_bytes([*first, *second]));
    let largest = 1 + usize::from(how >> 3) * 2;
    let pieces = fed(stream, limit, validate, largest, seed);
    assert_eq!(pieces, whole, "cut into pieces it is something else");
    check_frames(stream, limit, &whole);
}

fn fed(stream: &[u8], limit: usize, validate: bool, largest: usize, mut seed: u32) -> Vec<Seen> {
    let mut framer = Framer::new(limit, validate);
    let (mut buffer, mut sink) = (BytesMut::new(), Sink::default());
    let mut rest = stream;
    while !rest.is_empty() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = if largest == usize::MAX { rest.len() } else { 1 + (seed >> 8) as usize % largest };
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        buffer.extend_from_slice(piece);
        framer.feed(&mut buffer, &mut sink);
        rest = behind;
    }
    framer.finish(&mut buffer, &mut sink);
    sink.0
}

/// An object with a name in it behind something that never stands before one in JSON.
pub fn may_be_shared(line: &[u8]) -> bool {
    line.windows(3).enumerate().any(|(at, three)| {
        let named =
            three[0] == b'{' && three[1] == b'"' && (three[2].is_ascii_alphabetic() || three[2] == b'_');
        let before = line[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        named && before.is_some_and(|byte| !b":,[".contains(byte))
    })
}

/// Every line that is a frame has come, in its order and as it was written.
fn check_frames(stream: &[u8], limit: usize, seen: &[Seen]) {
    let mut seen = seen.iter();
    for line in stream.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.first() != Some(&b'{') || line.len() > limit {
            continue;
        }
        let Ok(text) = std::str::from_utf8(line) else { continue };
        let valid = json::is_json(line);
        check_readers(text, valid);
        if !valid {
            continue;
        }
        if let Some(expected) = expected(text) {
            assert!(seen.any(|seen| *seen == expected), "this frame is lost: {text}");
        }
    }
}

/// What becomes of a frame; `None` where its type can be read in two ways.
fn expected(text: &str) -> Option<Seen> {
    let members = json::members(text)?;
    let mut types = members.iter().filter(|(name, _)| name == "type");
    let (Some((_, kind)), None) = (types.next(), types.next()) else { return None };
    // Escapes in the type, or in the word itself, are nobody's.
    if kind.contains('\\') || !text.contains("\"type\"") || text.contains("\\u") {
        return None;
    }
    let kind: String = serde_json::from_str(kind).ok()?;
    let line = text.as_bytes().to_vec();
    let named = |wanted: &str| members.iter().any(|(name, _)| name == wanted);
    let read = |route, read: bool| match read {
        true => Seen::Control(route, line.clone()),
        false => Seen::Unparsed(Unparsed::InvalidFrame, line.clone()),
    };
    Some(match kind.as_str() {
        "control_request" => read(Route::ControlRequest, control::parse_request(&line).is_ok()),
        "control_response" => read(Route::ControlResponse, control::parse_response(&line).is_ok()),
        "control_cancel_request" => read(Route::ControlCancel, control::parse_cancel(&line).is_ok()),
        "keep_alive" | "transcript_mirror" => Seen::Internal(line),
        "system" if named("sdk_host_only") => return None,
        "user" => Seen::Message(Kind::User, line),
        "assistant" => Seen::Message(Kind::Assistant, line),
        "system" => Seen::Message(Kind::System, line),
        "result" => Seen::Message(Kind::Result, line),
        "stream_event" => Seen::Message(Kind::StreamEvent, line),
        "rate_limit_event" => Seen::Message(Kind::RateLimitEvent, line),
        "conversation_reset" => Seen::Message(Kind::ConversationReset, line),
        "auth_status" => Seen::Message(Kind::AuthStatus, line),
        "tool_progress" => Seen::Message(Kind::ToolProgress, line),
        "tool_use_summary" => Seen::Message(Kind::ToolUseSummary, line),
        "prompt_suggestion" => Seen::Message(Kind::PromptSuggestion, line),
        "active_goal" => Seen::Message(Kind::ActiveGoal, line),
        "command_lifecycle" => Seen::Message(Kind::CommandLifecycle, line),
        _ => Seen::Message(Kind::Other, line),
    })
}

/// Validity, members, depth and names that stand twice.
fn check_readers(text: &str, valid: bool) {
    assert_eq!(tree::check(text).is_ok(), valid, "{text}");
    let reads = tree::parse(text);
    let reads_once = tree::parse_unique(text);
    if !valid {
        assert!(reads.is_err_and(|fault| fault.pointer.is_none() && fault.offset <= text.len()), "{text}");
        return;
    }
    if let Some(expected) = json::members(text) {
        let found: Vec<(String, &str)> = Members::of(text.as_bytes())
            .map(|(name, rest)| {
                let name = serde_json::from_str(&format!("\"{}\"", String::from_utf8_lossy(name)));
                let value = members::value(rest).unwrap_or(b"null");
                (name.expect("a name"), std::str::from_utf8(value).expect("UTF-8"))
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }
    let deep = json::depth(text.as_bytes()) > tree::DEEPEST;
    if deep {
        assert!(reads.is_err_and(|fault| fault.pointer.is_some()), "{text}");
        return;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            assert_eq!(reads.expect("a tree"), value, "{text}");
            assert_eq!(tolerant::value(text).expect("a tree"), value);
            let json::Twice(twice) = serde_json::from_str(text).expect("read already");
            assert_eq!(reads_once.is_err_and(|fault| fault.is_twice()), twice, "{text}");
        }
        Err(_) => assert!(reads.is_err_and(|fault| fault.pointer.is_some()), "{text}"),
    }
}
