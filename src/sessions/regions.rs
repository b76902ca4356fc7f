//! Finds lines in the first and the last piece of a file. Nothing is copied, and only lines that contain the
//! wanted member are examined.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::protocol::members::{self, top_level_string, top_level_value};
use crate::protocol::tolerant;

/// A piece of a session's file.
#[derive(Clone, Copy)]
pub struct Region<'a> {
    bytes: &'a [u8],
}

impl<'a> Region<'a> {
    /// From the start of the file; its last line may be cut off.
    pub fn head(bytes: &'a [u8]) -> Region<'a> {
        Region { bytes }
    }

    /// Up to the end of the file. A first line without its start is left out: its meaning cannot be known.
    pub fn tail(bytes: &'a [u8], is_whole: bool) -> Region<'a> {
        let start = if is_whole { 0 } else { memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1) };
        Region { bytes: &bytes[start..] }
    }

    pub fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let ends = memchr_iter(b'\n', self.bytes).chain([self.bytes.len()]);
        let mut start = 0;
        ends.map(move |end| &self.bytes[std::mem::replace(&mut start, end + 1)..end])
    }

    /// The lines that contain `text`, the last one first.
    fn lines_with_from_end(self, text: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let finder = memmem::FinderRev::new(text);
        // Most texts do not occur at all, and searching forwards finds that out many times faster.
        let is_there = memmem::find(self.bytes, text).is_some();
        let mut rest = if is_there { self.bytes } else { &[] };
        std::iter::from_fn(move || {
            let at = finder.rfind(rest)?;
            let start = memrchr(b'\n', &rest[..at]).map_or(0, |at| at + 1);
            let end = memchr(b'\n', &rest[at..]).map_or(rest.len(), |length| at + length);
            let line = &rest[start..end];
            rest = &rest[..start.saturating_sub(1)];
            Some(line)
        })
    }

    /// The last line of a type, whole.
    pub fn last_of(self, kind: &'static str, quoted: &'static str) -> Option<&'a [u8]> {
        let is_it = |line: &&[u8]| {
            line.trim_ascii_end().ends_with(b"}") && top_level_string(line, b"type") == Some(kind.as_bytes())
        };
        self.lines_with_from_end(quoted.as_bytes()).find(is_it)
    }

    /// The text member `name` of the last line that has one.
    pub fn last_text(self, name: &'static str, quoted: &'static str) -> Option<String> {
        self.lines_with_from_end(quoted.as_bytes()).find_map(|line| text(line, name))
    }

    /// The text member `name` of the first line that has one.
    pub fn first_text(self, name: &'static str, quoted: &'static str) -> Option<String> {
        let mut rest = self.bytes;
        while let Some(at) = memmem::find(rest, quoted.as_bytes()) {
            let start = memrchr(b'\n', &rest[..at]).map_or(0, |at| at + 1);
            if let Some(text) = text(&rest[start..], name) {
                return Some(text);
            }
            rest = &rest[memchr(b'\n', &rest[at..]).map_or(rest.len(), |length| at + length)..];
        }
        None
    }
}

/// A text member of a line, decoded; `None` if it is missing, empty or not a text.
pub fn text(line: &[u8], name: &str) -> Option<String> {
    let value = top_level_value(line, name.as_bytes())?;
    let length = members::string(value)?.len();
    let quoted = String::from_utf8_lossy(&value[..length + 2]);
    tolerant::string(&quoted).filter(|text| !text.is_empty())
}

/// Whether a member of a line is `true`.
pub fn is_true(line: &[u8], name: &str) -> bool {
    top_level_value(line, name.as_bytes()).is_some_and(|value| value.starts_with(b"true"))
}
