//! Reads a file line by line, with only the longest line in memory.

use std::io::Result;

use memchr::memchr;

use super::files::Regular;

const PIECE: usize = 256 << 10;

/// A longer line is not an entry of the CLI; it is skipped.
const MAX_LINE_LEN: usize = 256 << 20;

pub struct Lines<'a> {
    file: &'a Regular,
    buffer: Vec<u8>,
    /// How much of the buffer has been returned.
    used: usize,
    /// The position of the buffer in the file.
    offset: u64,
    is_at_end: bool,
    /// The rest of a line that is too long is being skipped.
    skips: bool,
}

impl<'a> Lines<'a> {
    pub fn of(file: &'a Regular) -> Lines<'a> {
        Lines { file, buffer: Vec::new(), used: 0, offset: 0, is_at_end: false, skips: false }
    }

    /// The next line without its newline, and its position.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.used..];
            if let Some(at) = memchr(b'\n', &rest[searched..]).map(|at| searched + at) {
                let (start, end) = (self.used, self.used + at);
                self.used = end + 1;
                if std::mem::take(&mut self.skips) {
                    searched = 0;
                    continue;
                }
                return Ok(Some((self.offset + start as u64, &self.buffer[start..end])));
            }
            searched = rest.len();
            if self.is_at_end {
                let start = self.used;
                self.used = self.buffer.len();
                let is_line = searched > 0 && !self.skips;
                return Ok(is_line.then(|| (self.offset + start as u64, &self.buffer[start..])));
            }
            if searched > MAX_LINE_LEN || self.skips {
                (self.skips, self.used, searched) = (true, self.buffer.len(), 0);
            }
            self.read_on()?;
        }
    }

    fn read_on(&mut self) -> Result<()> {
        self.buffer.drain(..self.used);
        self.offset += self.used as u64;
        self.used = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + PIECE.max(filled), 0);
        let read = self.file.read_at(&mut self.buffer[filled..], self.offset + filled as u64)?;
        self.buffer.truncate(filled + read);
        self.is_at_end = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, usize)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, text).unwrap();
        let file = Regular::open(&path).unwrap().unwrap();
        let mut lines = Lines::of(&file);
        let mut seen = Vec::new();
        while let Some((offset, line)) = lines.next().unwrap() {
            assert_eq!(line, &text[usize::try_from(offset).unwrap()..][..line.len()]);
            seen.push((offset, line.len()));
        }
        seen
    }

    #[test]
    fn lines_come_with_their_places() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n\nab"), [(0, 0), (1, 0), (2, 2)]);
        assert_eq!(lines(b"ab\ncd\n"), [(0, 2), (3, 2)]);
        let mut long = vec![b'x'; 3 * PIECE + 7];
        long.extend(b"\nend\n");
        assert_eq!(lines(&long), [(0, 3 * PIECE + 7), (3 * PIECE as u64 + 8, 3)]);
    }
}
