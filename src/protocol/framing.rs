//! From bytes to lines. The read buffer becomes the message: lines are sliced out of it, not copied.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use smallvec::SmallVec;

use super::kind::{Kind, Route, route};
use super::pieces::{Piece, may_be_shared, pieces};
use super::scan;

/// One line inside a block: `data[start..start + len]`, followed by a NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub start: u32,
    pub len: u32,
    pub kind: Kind,
}

pub type Lines = SmallVec<[Line; 2]>;

/// Consecutive messages that share one buffer.
#[derive(Debug, Clone)]
pub struct Block {
    pub data: Bytes,
    pub lines: Lines,
    kinds: u32,
}

impl Block {
    pub fn new(data: Bytes, lines: Lines) -> Block {
        let kinds = lines.iter().fold(0, |kinds, line| kinds | line.kind.bit());
        Block { data, lines, kinds }
    }

    /// Whether a message of one of these kinds may be inside, as the bits of [`Kind::bit`].
    pub fn has(&self, kinds: u32) -> bool {
        self.kinds & kinds != 0
    }

    /// The line with its trailing NUL.
    #[inline(always)]
    pub fn text(&self, line: Line) -> &[u8] {
        &self.data[line.start as usize..(line.start + line.len) as usize + 1]
    }
}

/// Why a line is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unparsed {
    NotAnObject,
    Untyped,
    InvalidUtf8,
    InvalidJson,
    /// Of a type that the session itself reads, but without the members it needs.
    InvalidFrame,
}

impl Unparsed {
    pub fn name(self) -> &'static str {
        match self {
            Unparsed::NotAnObject => "not_an_object",
            Unparsed::Untyped => "no_type",
            Unparsed::InvalidUtf8 => "invalid_utf8",
            Unparsed::InvalidJson => "invalid_json",
            Unparsed::InvalidFrame => "invalid_frame",
        }
    }
}

/// The last of these lines, each of which ends with a newline.
fn last_line(lines: &[u8]) -> &[u8] {
    let end = lines.len().saturating_sub(1);
    let start = memchr::memrchr(b'\n', &lines[..end]).map_or(0, |at| at + 1);
    &lines[start..]
}

/// Receives what the framer finds, in stream order.
pub trait LineSink {
    fn messages(&mut self, block: Block);
    /// A control frame; `kind` is one of the control routes.
    fn control(&mut self, route: Route, line: &[u8]);
    /// A frame consumed by the library.
    fn internal(&mut self, line: &[u8]);
    fn unparsed(&mut self, reason: Unparsed, line: &[u8]);
    /// A line over the limit; `start` holds its first bytes.
    fn too_long(&mut self, length: u64, start: &[u8]);
}

/// How much of an over-long line is kept for its event.
const KEPT_OF_LONG_LINE: usize = 1024;

/// A larger buffer is not reused for the following messages, which would pin it.
const LARGE_BUFFER: usize = 1 << 20;

/// Splits a byte stream on 0x0A.
#[derive(Debug)]
pub struct Framer {
    max_line: usize,
    validate_json: bool,
    /// Bytes at the front of the buffer already known to hold no newline.
    scanned: usize,
    skipping: Option<Skipped>,
    /// Something other than frames has arrived: from then on every line is searched for embedded frames.
    is_mixed: bool,
}

#[derive(Debug)]
struct Skipped {
    length: u64,
    start: Vec<u8>,
}

impl Framer {
    /// `max_line` in bytes; at most 4 GiB - 1, which is what a [`Line`] can address.
    pub fn new(max_line: usize, validate_json: bool) -> Framer {
        Framer {
            max_line: max_line.min(u32::MAX as usize - 1),
            validate_json,
            scanned: 0,
            skipping: None,
            is_mixed: false,
        }
    }

    /// How many bytes were added to the buffer since the last call of [`Framer::feed`].
    pub fn new_bytes(&self, buffer: &BytesMut) -> usize {
        buffer.len().saturating_sub(self.scanned)
    }

    /// Takes all complete lines out of `buffer`; the unfinished rest stays.
    pub fn feed(&mut self, buffer: &mut BytesMut, sink: &mut impl LineSink) {
        if self.skipping.is_some() && !self.skip(buffer, sink) {
            return;
        }
        match memchr::memrchr(b'\n', &buffer[self.scanned..]) {
            Some(last) => {
                let lines = take_front(buffer, self.scanned + last + 1);
                self.scanned = buffer.len();
                self.take_lines(lines, sink);
                release_large(buffer);
            }
            None => self.scanned = buffer.len(),
        }
        // A carriage return may belong to a newline that has not arrived yet.
        let unfinished = buffer.len() - usize::from(buffer.ends_with(b"\r"));
        if unfinished > self.max_line {
            self.skipping = Some(Skipped {
                length: buffer.len() as u64,
                start: buffer[..KEPT_OF_LONG_LINE.min(buffer.len())].to_vec(),
            });
            *buffer = BytesMut::new();
            self.scanned = 0;
        }
    }

    /// The end of the stream: a rest without newline counts as a line.
    pub fn finish(&mut self, buffer: &mut BytesMut, sink: &mut impl LineSink) {
        if let Some(skipped) = self.skipping.take() {
            sink.too_long(skipped.length + buffer.len() as u64, &skipped.start);
            buffer.clear();
        } else if !buffer.is_empty() {
            buffer.extend_from_slice(b"\n");
            self.feed(buffer, sink);
        }
        self.scanned = 0;
    }

    /// Drops bytes up to the end of an over-long line. `false` while the end has not arrived.
    fn skip(&mut self, buffer: &mut BytesMut, sink: &mut impl LineSink) -> bool {
        let Some(skipped) = &mut self.skipping else { return true };
        match memchr(b'\n', buffer) {
            None => {
                skipped.length += buffer.len() as u64;
                buffer.clear();
                false
            }
            Some(end) => {
                let length = skipped.length + end as u64;
                let start = std::mem::take(&mut skipped.start);
                self.skipping = None;
                sink.too_long(length, &start);
                drop(buffer.split_to(end + 1));
                true
            }
        }
    }

    fn take_lines(&mut self, mut data: BytesMut, sink: &mut impl LineSink) {
        // One check for all lines: a newline never lies inside a UTF-8 sequence.
        let all_utf8 = simdutf8::basic::from_utf8(&data).is_ok();
        // Searching every line would cost as much as everything else. In a stream that was clean so far the
        // last line is enough: after a frame that it wants answered, the CLI writes nothing more.
        let shared = may_be_shared(if self.is_mixed { &data } else { last_line(&data) });
        let bytes = &mut data[..];
        let mut lines = Lines::default();
        // Lines that are not messages are rare: their position among the messages, and what they are.
        let mut others: SmallVec<[(usize, Line, Route); 1]> = SmallVec::new();
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &bytes[start..]) {
            let (mut from, mut to) = (start, start + length);
            start = to + 1;
            let mut object = is_object(&bytes[from..to]);
            if !object {
                (from, to) = trimmed(bytes, from, to);
                if from == to {
                    continue;
                }
                object = is_object(&bytes[from..to]);
            }
            let line = &bytes[from..to];
            let found = if shared && may_be_shared(line) {
                Route::Untyped
            } else if object && self.is_sound(line, all_utf8) && self.is_valid(bytes, from, to) {
                route(line)
            } else if object && self.is_sound(line, all_utf8) {
                control_route(line)
            } else {
                Route::Untyped
            };
            // The byte after a trimmed line is its newline or the white space before it.
            bytes[to] = 0;
            let place = Line { start: from as u32, len: (to - from) as u32, kind: Kind::Other };
            match found {
                Route::Message(kind) => lines.push(Line { kind, ..place }),
                other => others.push((lines.len(), place, other)),
            }
        }
        self.is_mixed |= others.iter().any(|(.., found)| *found == Route::Untyped);
        let data = data.freeze();
        if others.is_empty() {
            if !lines.is_empty() {
                sink.messages(Block::new(data, lines));
            }
            return;
        }
        let mut from = 0;
        for (at, place, other) in others {
            send_part(&data, &lines[from..at], sink);
            from = at;
            self.deliver_other(&data, place, other, sink);
        }
        send_part(&data, &lines[from..], sink);
    }

    fn deliver_other(&self, data: &Bytes, line: Line, found: Route, sink: &mut impl LineSink) {
        let text = &data[line.start as usize..(line.start + line.len) as usize];
        if text.len() > self.max_line {
            return sink.too_long(text.len() as u64, &text[..KEPT_OF_LONG_LINE.min(text.len())]);
        }
        match found {
            Route::ControlRequest | Route::ControlResponse | Route::ControlCancel => {
                if scan::is_json(text, text.len()) || !self.deliver_pieces(text, sink) {
                    sink.control(found, text);
                }
            }
            Route::Internal => sink.internal(text),
            Route::Message(_) | Route::Untyped => {
                if !self.deliver_pieces(text, sink) {
                    sink.unparsed(why_not(text), text);
                }
            }
        }
    }

    /// Delivers the frames of a line that also holds something else. `false` when it holds none.
    #[cold]
    #[inline(never)]
    fn deliver_pieces(&self, line: &[u8], sink: &mut impl LineSink) -> bool {
        let Some(pieces) = pieces(line) else { return false };
        for piece in pieces {
            match piece {
                Piece::Frame(Route::Message(kind), frame) => {
                    let line = Line { start: 0, len: frame.len() as u32, kind };
                    let data = [frame, b"\0"].concat();
                    sink.messages(Block::new(data.into(), smallvec::smallvec![line]));
                }
                Piece::Frame(Route::Internal, frame) => sink.internal(frame),
                Piece::Frame(route, frame) => sink.control(route, frame),
                Piece::Other(other) => sink.unparsed(why_not(other), other),
            }
        }
        true
    }

    /// Whether its length and its bytes are valid for a message.
    #[inline(always)]
    fn is_sound(&self, line: &[u8], all_utf8: bool) -> bool {
        line.len() <= self.max_line && (all_utf8 || simdutf8::basic::from_utf8(line).is_ok())
    }

    /// Whether `bytes[from..to]` is JSON, if validation is on.
    #[inline(always)]
    fn is_valid(&self, bytes: &[u8], from: usize, to: usize) -> bool {
        let end = bytes.len().min(to + scan::AHEAD);
        !self.validate_json || scan::is_json(&bytes[from..end], to - from)
    }
}

/// Why it is not a frame. What begins like an object but is not one is broken: other text would not begin that way.
pub fn why_not(line: &[u8]) -> Unparsed {
    if simdutf8::basic::from_utf8(line).is_err() {
        Unparsed::InvalidUtf8
    } else if !line.starts_with(b"{") {
        Unparsed::NotAnObject
    } else if !scan::is_json(line, line.len()) {
        Unparsed::InvalidJson
    } else if route(line) == Route::Untyped {
        Unparsed::Untyped
    } else {
        Unparsed::InvalidFrame
    }
}

/// The route of a line that is not JSON. Control frames are parsed with care anyway, and one left unanswered
/// would let the CLI go on without the host.
#[cold]
#[inline(never)]
fn control_route(line: &[u8]) -> Route {
    match route(line) {
        Route::Message(_) | Route::Internal | Route::Untyped => Route::Untyped,
        control => control,
    }
}

fn send_part(data: &Bytes, lines: &[Line], sink: &mut impl LineSink) {
    if !lines.is_empty() {
        sink.messages(part_of(data, lines.into()));
    }
}

/// Whether it begins and ends like an object.
#[inline(always)]
fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && line.last() == Some(&b'}')
}

/// The line without surrounding white space (`\r`, and what the CLI's environment may add).
#[cold]
#[inline(never)]
fn trimmed(data: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    while from < to && data[from].is_ascii_whitespace() {
        from += 1;
    }
    while to > from && data[to - 1].is_ascii_whitespace() {
        to -= 1;
    }
    (from, to)
}

/// Takes bytes off the buffer, without a copy unless they would keep a large one alive. The reader goes on
/// filling the rest of a small buffer.
fn take_front(buffer: &mut BytesMut, length: usize) -> BytesMut {
    if buffer.capacity() <= LARGE_BUFFER || length >= LARGE_BUFFER {
        return buffer.split_to(length);
    }
    let copy = BytesMut::from(&buffer[..length]);
    buffer.advance(length);
    copy
}

/// The block of these lines, with no more of `data` than they cover.
fn part_of(data: &Bytes, mut lines: Lines) -> Block {
    let from = lines[0].start;
    let to = lines.last().map_or(from, |line| line.start + line.len + 1);
    for line in &mut lines {
        line.start -= from;
    }
    let part = data.slice(from as usize..to as usize);
    // Lines that were taken out from between these would otherwise be kept alive.
    let data = if part.len() < data.len() / 4 * 3 { Bytes::copy_from_slice(&part) } else { part };
    Block::new(data, lines)
}

/// The rest of a large message's allocation would keep all of it alive.
fn release_large(buffer: &mut BytesMut) {
    if buffer.capacity() > LARGE_BUFFER {
        let rest = BytesMut::from(&buffer[..]);
        *buffer = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Debug, PartialEq)]
    struct Seen {
        messages: Vec<(Kind, Vec<u8>)>,
        control: Vec<Vec<u8>>,
        unparsed: Vec<(Unparsed, Vec<u8>)>,
        too_long: Vec<u64>,
    }

    impl LineSink for Seen {
        fn messages(&mut self, block: Block) {
            for line in &block.lines {
                let text = block.text(*line);
                assert_eq!(text.last(), Some(&0));
                self.messages.push((line.kind, text[..text.len() - 1].to_vec()));
            }
        }
        fn control(&mut self, _: Route, line: &[u8]) {
            self.control.push(line.to_vec());
        }
        fn internal(&mut self, _: &[u8]) {}
        fn unparsed(&mut self, reason: Unparsed, line: &[u8]) {
            self.unparsed.push((reason, line.to_vec()));
        }
        fn too_long(&mut self, length: u64, _: &[u8]) {
            self.too_long.push(length);
        }
    }

    fn feed_in_chunks(text: &[u8], size: usize, limit: usize) -> Seen {
        let (mut framer, mut seen, mut buffer) =
            (Framer::new(limit, false), Seen::default(), BytesMut::new());
        for chunk in text.chunks(size) {
            buffer.extend_from_slice(chunk);
            framer.feed(&mut buffer, &mut seen);
        }
        framer.finish(&mut buffer, &mut seen);
        seen
    }

    const STREAM: &str = concat!(
        "{\"type\":\"user\",\"t\":\"日本 🎈 \u{2028}\u{2029}\u{85} \\n end\"}\r\n",
        "\n  \n",
        "[SandboxDebug] hello\n",
        "{\"type\":\"control_request\",\"request_id\":\"1\"}\n",
        "[1]\n5\n\"x\"\n{\"no\":1}\n",
        "  {\"type\":\"result\",\"tabs\":\"a\tb\"}  \n",
        "{\"type\":\"assistant\"}"
    );

    #[test]
    fn every_chunk_size_gives_the_same_lines() {
        let whole = feed_in_chunks(STREAM.as_bytes(), STREAM.len(), 1 << 20);
        assert_eq!(whole.messages.len(), 3);
        assert_eq!(whole.messages[0].0, Kind::User);
        assert_eq!(
            whole.messages[0].1,
            "{\"type\":\"user\",\"t\":\"日本 🎈 \u{2028}\u{2029}\u{85} \\n end\"}".as_bytes()
        );
        assert_eq!(whole.messages[2].1, b"{\"type\":\"assistant\"}");
        assert_eq!(whole.control.len(), 1);
        assert_eq!(whole.unparsed.len(), 5);
        for size in 1..STREAM.len() {
            assert_eq!(feed_in_chunks(STREAM.as_bytes(), size, 1 << 20), whole, "chunk size {size}");
        }
    }

    #[test]
    fn an_over_long_line_is_skipped_and_counted() {
        let mut text = b"{\"type\":\"user\"}\n{\"type\":\"assistant\",\"x\":\"".to_vec();
        text.extend(std::iter::repeat_n(b'y', 5000));
        text.extend(b"\"}\n{\"type\":\"result\"}\n");
        for size in [1, 7, 100, 4096, text.len()] {
            let seen = feed_in_chunks(&text, size, 64);
            assert_eq!(seen.messages.len(), 2, "chunk size {size}");
            assert_eq!(seen.too_long, [5027], "chunk size {size}");
        }
    }

    #[test]
    fn a_line_as_long_as_the_limit_is_taken_however_it_is_cut() {
        let line = br#"{"type":"user","x":"yyyyyyyyyyyyyyyyyyyyyyyyyyy"}"#;
        for end in [&b"\n"[..], b"\r\n", b""] {
            let text = [line, end, br#"{"type":"result"}"#, b"\n"].concat();
            let text = if end.is_empty() { &line[..] } else { &text };
            for size in 1..=text.len() {
                let seen = feed_in_chunks(text, size, line.len());
                assert_eq!(seen.messages[0].1, line, "chunk size {size}");
                assert_eq!(
                    (seen.messages.len(), seen.too_long.len()),
                    (if end.is_empty() { 1 } else { 2 }, 0)
                );
                let seen = feed_in_chunks(text, size, line.len() - 1);
                assert_eq!(seen.too_long.len(), 1, "chunk size {size}");
            }
        }
    }

    #[test]
    fn invalid_utf8_costs_only_its_own_line() {
        let text = b"{\"type\":\"user\",\"x\":\"\xff\"}\n{\"type\":\"user\"}\n";
        let seen = feed_in_chunks(text, text.len(), 1 << 20);
        assert_eq!(seen.messages.len(), 1);
        assert_eq!(seen.unparsed[0].0, Unparsed::InvalidUtf8);
    }

    #[test]
    fn validation_is_an_option() {
        let text = b"{\"type\":\"user\",}\n";
        let (mut seen, mut buffer) = (Seen::default(), BytesMut::from(&text[..]));
        Framer::new(1 << 20, false).feed(&mut buffer, &mut seen);
        assert_eq!(seen.messages.len(), 1);
        let (mut seen, mut buffer) = (Seen::default(), BytesMut::from(&text[..]));
        Framer::new(1 << 20, true).feed(&mut buffer, &mut seen);
        assert_eq!(seen.unparsed[0].0, Unparsed::InvalidJson);
    }
}
