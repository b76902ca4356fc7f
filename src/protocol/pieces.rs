//! Frames that share their line with other bytes: a byte order mark, a terminal escape sequence, log text
//! without its newline, another frame.
//!
//! A lost frame costs more than itself: without the answer to `initialize` connect hangs, and for a lost
//! request the CLI waits for an answer. But JSON is also quoted in text, and a quoted frame must not pass for a
//! real one. So a frame is taken out of a line only where it touches an end of the line, is complete and valid
//! JSON, has a type that the protocol knows, and is not a value of something around it: text such as
//! `said {"type":"result"} and left` stays text, and so does a frame in quotes, in a list, or cut short. Anyone
//! who can end a line with a whole frame could also have written a newline before it, so an attacker gains
//! nothing.

use super::kind::{Kind, Route, route};
use super::scan;

/// A part of a line.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Frame(Route, &'a [u8]),
    Other(&'a [u8]),
}

/// How many positions in a line are tried: each may cost a scan of the rest.
const MOST_TRIED: usize = 32;

/// The parts of a line that is not a frame as a whole, without blank ones; `None` when it contains no frame.
pub fn pieces(line: &[u8]) -> Option<Vec<Piece<'_>>> {
    let mut found = Found::default();
    let rest = found.frames(line, |_| true);
    let starts = (0..rest.len()).filter(|at| is_start(&rest[*at..]) && !is_value(&rest[..*at]));
    let behind = starts.take(MOST_TRIED).find_map(|at| {
        let mut behind = Found::default();
        behind.frames(&rest[at..], is_known).is_empty().then_some((at, behind))
    });
    match behind {
        Some((at, behind)) => {
            found.other(&rest[..at]);
            found.pieces.extend(behind.pieces);
        }
        None => found.other(rest),
    }
    found.pieces.iter().any(|piece| matches!(piece, Piece::Frame(..))).then_some(found.pieces)
}

#[derive(Default)]
struct Found<'a> {
    pieces: Vec<Piece<'a>>,
}

impl<'a> Found<'a> {
    fn other(&mut self, bytes: &'a [u8]) {
        if !bytes.trim_ascii().is_empty() {
            self.pieces.push(Piece::Other(bytes.trim_ascii()));
        }
    }

    /// Takes frames off the front, with the noise before and between them. The rest begins with neither.
    fn frames(&mut self, mut text: &'a [u8], taken: impl Fn(Route) -> bool) -> &'a [u8] {
        loop {
            let (noise, rest) = text.split_at(noise_length(text));
            let next = frame(rest).filter(|(route, _)| taken(*route));
            let Some((route, length)) = next else {
                // With no frame after it, the noise belongs to the text that follows.
                if !rest.is_empty() {
                    return text;
                }
                self.other(noise);
                return rest;
            };
            self.other(noise);
            let (frame, rest) = rest.split_at(length);
            self.pieces.push(Piece::Frame(route, frame));
            text = rest;
        }
    }
}

/// The frame that the text starts with, and its length.
fn frame(text: &[u8]) -> Option<(Route, usize)> {
    let length = text.starts_with(b"{").then(|| scan::value_length(text)).flatten()?;
    let frame = &text[..length];
    let found = route(frame);
    (found != Route::Untyped && simdutf8::basic::from_utf8(frame).is_ok()).then_some((found, length))
}

fn is_known(found: Route) -> bool {
    !matches!(found, Route::Untyped | Route::Message(Kind::Other))
}

/// Whether an object with a member may start here.
fn is_start(text: &[u8]) -> bool {
    matches!(text, [b'{', b'"', name, ..] if is_name(*name))
}

/// Whether a name of the protocol may begin with this byte.
fn is_name(first: u8) -> bool {
    first.is_ascii_alphabetic() || first == b'_'
}

/// Whether what follows is a value inside something cut short: a member of an object, an element of a list.
fn is_value(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    [&b"\":"[..], b",", b"["].iter().any(|end| before.ends_with(end))
}

/// Length of what terminals, editors and shells put before text: white space, control characters, escape sequences, byte
/// order marks.
fn noise_length(text: &[u8]) -> usize {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = &text[at..];
        at += match byte {
            0x1b => escape_length(rest),
            0..=b' ' | 0x7f => 1,
            _ if rest.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            _ => return at,
        };
    }
    at
}

/// Length of an ECMA-48 sequence: `ESC [ … letter`, `ESC ] … BEL` or `… ESC \`, or ESC and one more byte.
fn escape_length(text: &[u8]) -> usize {
    let end = match text.get(1) {
        Some(b'[') => text.iter().skip(2).position(|byte| (b'@'..=b'~').contains(byte)).map(|at| at + 3),
        Some(b']') => {
            let bell = memchr::memchr(0x07, text).map(|at| at + 1);
            let terminator = memchr::memmem::find(text, b"\x1b\\").map(|at| at + 2);
            bell.into_iter().chain(terminator).min()
        }
        Some(b'{') | None => Some(1),
        Some(_) => Some(2),
    };
    end.unwrap_or(1)
}

/// Whether any line has an object after something else. In valid JSON only a comma, a colon or a bracket
/// precedes an object, and inside a string `{"` ends the string, so that no name follows: `{"name` after any
/// other byte is never part of a valid line.
pub fn may_be_shared(lines: &[u8]) -> bool {
    memchr::memchr_iter(b'{', lines).any(|at| {
        let usual = at == 0 || b":,[\n".contains(&lines[at - 1]);
        !usual && lines.get(at + 1) == Some(&b'"') && is_shared_at(lines, at)
    })
}

#[cold]
#[inline(never)]
fn is_shared_at(lines: &[u8], at: usize) -> bool {
    let before = lines[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    is_start(&lines[at..]) && before.is_some_and(|byte| !b":,[\n".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"n":1,"type":"result","text":"\"}{\"type\":\"user\"} {"}"#;
    const USER: &str =
        r#"{"type":"user","message":{"type":"x","content":[{"type":"text"}, {"type":"text"}]}}"#;
    const NEW: &str = r#"{"type":"of_a_newer_cli"}"#;

    fn shown(line: &str) -> Vec<(bool, String)> {
        let pieces = pieces(line.as_bytes()).unwrap_or_else(|| vec![Piece::Other(line.as_bytes())]);
        let each = pieces.into_iter().map(|piece| match piece {
            Piece::Frame(_, bytes) => (true, bytes),
            Piece::Other(bytes) => (false, bytes),
        });
        each.map(|(frame, bytes)| (frame, String::from_utf8_lossy(bytes).into_owned())).collect()
    }

    #[test]
    fn frames_are_found_at_both_ends_of_a_line() {
        let cases: &[(String, &[(bool, &str)])] = &[
            (format!("\u{feff}{RESULT}"), &[(false, "\u{feff}"), (true, RESULT)]),
            (format!("\0\0{RESULT}\0"), &[(false, "\0\0"), (true, RESULT), (false, "\0")]),
            (
                format!("\x1b[2K\x1b]0;a {{title}}\x07{RESULT}\x1b[0m"),
                &[(false, "\x1b[2K\x1b]0;a {title}\x07"), (true, RESULT), (false, "\x1b[0m")],
            ),
            (format!("{USER}{RESULT}"), &[(true, USER), (true, RESULT)]),
            (format!("{NEW} \t{USER}\r{RESULT}"), &[(true, NEW), (true, USER), (true, RESULT)]),
            (format!("{USER} and {RESULT}"), &[(true, USER), (false, "and"), (true, RESULT)]),
            (format!("{RESULT} done {{}}"), &[(true, RESULT), (false, "done {}")]),
            (
                format!("10%\r20% {{x}} {{\"type\":5}}{USER}{RESULT}"),
                &[(false, "10%\r20% {x} {\"type\":5}"), (true, USER), (true, RESULT)],
            ),
            (
                format!("{{\"type\":\"user\",\"cut {RESULT}"),
                &[(false, "{\"type\":\"user\",\"cut"), (true, RESULT)],
            ),
        ];
        for (line, expected) in cases {
            let found = shown(line);
            let found: Vec<(bool, &str)> =
                found.iter().map(|(frame, text)| (*frame, text.as_str())).collect();
            assert_eq!(found, *expected, "{line}");
        }
    }

    #[test]
    fn what_a_text_quotes_is_no_frame() {
        for line in [
            format!("said {RESULT} and left"),
            format!("said '{RESULT}'"),
            format!("[{RESULT}]"),
            format!("said {}", &RESULT[..RESULT.len() - 1]),
            format!("said {}", RESULT.replace(':', ",")),
            format!("said {NEW}"),
            r#"said {"kind":1,"type":5}"#.to_owned(),
            r#"said {"message":{"type":"result"}"#.to_owned(),
            format!("{USER},{RESULT}")[1..].to_owned(),
            "said {\"type\":\"result\",\"x\":\"\x01\"}".to_owned(),
            "{".repeat(100_000),
            r#"{"type":"user","x":"#.repeat(20_000),
        ] {
            assert_eq!(pieces(line.as_bytes()), None, "{}", &line[..line.len().min(99)]);
        }
    }

    #[test]
    fn only_lines_that_may_be_shared_are_looked_at() {
        for first in 0..40 {
            let filler = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "x".repeat(first));
            let own = format!("{filler}{USER}\n  {RESULT}\r\n{NEW}\n");
            assert!(!may_be_shared(own.as_bytes()), "{own}");
            for between in ["", " ", "\r", "x", "\u{feff}", "\0"] {
                let shared = format!("{filler}{USER}{between}{RESULT}\n{NEW}\n");
                assert!(may_be_shared(shared.as_bytes()), "{shared}");
                assert!(may_be_shared(format!("{filler}{USER}{between}{NEW}").as_bytes()));
            }
        }
        assert!(!may_be_shared(b""));
        assert!(!may_be_shared(b"{"));
    }
}
