//! stderr, split into lines, with its end kept for error messages.

use std::collections::VecDeque;

/// A longer line is passed on in pieces of this size.
const LONGEST_LINE: usize = 64 * 1024;

pub struct StderrTail {
    kept: VecDeque<u8>,
    limit: usize,
    /// The beginning of stderr has been discarded.
    cut: bool,
    line: Vec<u8>,
}

impl StderrTail {
    pub fn new(limit: usize) -> StderrTail {
        StderrTail { kept: VecDeque::new(), limit, cut: false, line: Vec::new() }
    }

    /// Consumes bytes and calls `each` for every line that they complete, without its trailing white space.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        self.kept.extend(bytes);
        let excess = self.kept.len().saturating_sub(self.limit);
        self.kept.drain(..excess);
        self.cut |= excess > 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                self.finish(&mut each);
            }
        }
    }

    /// The last line may have no newline.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        if !line.is_empty() {
            each(line);
        }
    }

    /// The kept end as text; it starts with a whole line if there is one.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        let bytes = bytes.trim_ascii_end();
        let whole = if self.cut { bytes.iter().position(|byte| *byte == b'\n') } else { None };
        let start = whole.map_or(0, |at| at + 1);
        readable(&bytes[start..]).trim_end().to_owned()
    }
}

/// Any program output as text, without loss: a byte that is not UTF-8 is escaped, as in `caf\xE9`.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<String>, String) {
        let (mut tail, mut seen) = (StderrTail::new(20), Vec::new());
        for chunk in chunks {
            tail.feed(chunk, |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        }
        tail.finish(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
        (seen, tail.text())
    }

    #[test]
    fn edge_104_lines_are_put_together() {
        let (seen, _) = lines(&[b"on", b"e\ntwo  \r\n\n  \nth", b"ree"]);
        assert_eq!(seen, ["one", "two", "three"]);
    }

    #[test]
    fn the_tail_is_bounded() {
        let (_, text) = lines(&[b"a long first line\n", b"second\nthird\n"]);
        assert_eq!(text, "second\nthird");
    }

    #[test]
    fn a_last_line_that_is_longer_than_the_tail_is_kept_in_part() {
        let (_, text) = lines(&[b"first\nError: a reason that is very long\n"]);
        assert_eq!(text, "n that is very long");
        let (_, text) = lines(&[b"short\ntwenty bytes.\n"]);
        assert_eq!(text, "short\ntwenty bytes.", "nothing was cut");
    }

    #[test]
    fn what_is_not_utf8_is_written_out() {
        assert_eq!(readable(b"caf\xe9 \xc3\xa9 \xf0\x9f"), "caf\\xE9 é \\xF0\\x9F");
        let (_, text) = lines(&[b"caf\xe9\n"]);
        assert_eq!(text, "caf\\xE9");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let (seen, _) = lines(&[&[b'x'; LONGEST_LINE + 10]]);
        assert_eq!(seen.len(), 1 + usize::from(seen.len() > 1));
        assert_eq!(seen.iter().map(String::len).sum::<usize>(), LONGEST_LINE + 10);
    }
}
