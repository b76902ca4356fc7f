//! Turns the recorded traffic into the lines of the file. Runs off the session's path.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use memchr::memchr;
use serde_json::{Value, json};

use super::file;
use super::format::{self, Direction};
use super::redact::Redactor;
use crate::protocol::tolerant;

/// Something that was recorded.
pub enum Item {
    Out(String),
    /// Bytes of the CLI as they were read, not split into lines yet.
    In(Bytes),
    /// The end of the CLI's output: a remainder without a newline is a line.
    InEnd,
    Stderr(Vec<u8>),
    Meta(Value),
}

impl Item {
    pub fn size(&self) -> usize {
        match self {
            Item::Out(line) => line.len(),
            Item::In(bytes) => bytes.len(),
            Item::Stderr(line) => line.len(),
            Item::InEnd | Item::Meta(_) => 0,
        }
    }
}

/// The file, with the state needed to write to it.
pub struct Writer {
    file: File,
    /// The file's length without a line that a failure has truncated.
    whole: u64,
    fsync: bool,
    redactor: Redactor,
    /// The unfinished last line of the CLI.
    partial: Vec<u8>,
    /// Bytes of a line that is too long to keep.
    skipped: u64,
    longest: usize,
    version_known: bool,
    /// Lines not yet written to the file.
    pending: Vec<u8>,
}

const WRITE_AT: usize = 256 << 10;

impl Writer {
    /// Creates the file, which only the user can read.
    pub fn create(path: &Path, fsync: bool, redactor: Redactor, longest: usize) -> io::Result<Writer> {
        let file = file::create(path)?;
        Ok(Writer {
            file,
            whole: 0,
            fsync,
            redactor,
            partial: Vec::new(),
            skipped: 0,
            longest,
            version_known: false,
            pending: Vec::new(),
        })
    }

    /// Adds an item; it is in the file after [`Writer::flush`].
    pub fn add(&mut self, at_us: u64, item: &Item) -> io::Result<()> {
        match item {
            Item::Out(line) => self.line(at_us, Direction::Out, line.as_bytes()),
            Item::In(bytes) => self.bytes(at_us, bytes),
            Item::InEnd => self.finish_line(at_us),
            Item::Stderr(line) => self.line(at_us, Direction::Stderr, line),
            Item::Meta(value) => {
                let note = self.redactor.note(&value.to_string()).unwrap_or_default();
                self.value(at_us, Direction::Meta, "line", &note)
            }
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let written = self.file.write_all(&pending);
        if let Err(cause) = written {
            // Half a line would make the rest of the file useless.
            let _ = self.file.set_len(self.whole);
            return Err(cause);
        }
        self.whole += pending.len() as u64;
        if self.fsync && !pending.is_empty() {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn bytes(&mut self, at_us: u64, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(end) = memchr(b'\n', bytes) {
            self.keep(&bytes[..end]);
            self.finish_line(at_us)?;
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.skipped > 0 || self.partial.len() + bytes.len() > self.longest {
            self.skipped += (self.partial.len() + bytes.len()) as u64;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn finish_line(&mut self, at_us: u64) -> io::Result<()> {
        if self.skipped > 0 {
            let meta = json!({"event": format::LINE_TOO_LONG, "length": self.skipped});
            self.skipped = 0;
            return self.value(at_us, Direction::Meta, "line", &meta.to_string());
        }
        let line = std::mem::take(&mut self.partial);
        if line.is_empty() {
            return Ok(());
        }
        self.line(at_us, Direction::In, &line)?;
        if !self.version_known && memchr::memmem::find(&line, b"\"claude_code_version\"").is_some() {
            self.version_known = true;
            self.connected(at_us, &line)?;
        }
        Ok(())
    }

    /// The answer to `initialize` is the first to contain the CLI's version.
    fn connected(&mut self, at_us: u64, line: &[u8]) -> io::Result<()> {
        let frame = tolerant::line(line);
        let version = frame.pointer("/response/response/claude_code_version").cloned().unwrap_or_default();
        let meta = json!({"event": format::CONNECTED, "cli_version": version});
        self.value(at_us, Direction::Meta, "line", &meta.to_string())
    }

    fn line(&mut self, at_us: u64, direction: Direction, line: &[u8]) -> io::Result<()> {
        let Ok(text) = std::str::from_utf8(line) else {
            let text: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let hidden = String::from_utf8_lossy(line);
            // Invalid UTF-8 cannot be searched well: the readable parts decide whether it is kept.
            return match self.redactor.text(&hidden) {
                std::borrow::Cow::Borrowed(_) => {
                    self.value(at_us, direction, "hex", &Value::from(text).to_string())
                }
                std::borrow::Cow::Owned(redacted) => {
                    self.value(at_us, direction, "line", &Value::from(redacted).to_string())
                }
            };
        };
        let is_object = text.starts_with('{') && text.ends_with('}');
        match is_object.then(|| self.redactor.json(text)).flatten() {
            Some(json) => self.value(at_us, direction, "line", &json),
            // Not JSON: kept as text.
            None => {
                let redacted = self.redactor.text(text);
                let quoted = Value::from(redacted.as_ref()).to_string();
                self.value(at_us, direction, "line", &quoted)
            }
        }
    }

    fn value(&mut self, at_us: u64, direction: Direction, member: &str, value: &str) -> io::Result<()> {
        format::add_line(&mut self.pending, at_us, direction, member, value);
        if self.fsync || self.pending.len() >= WRITE_AT { self.flush() } else { Ok(()) }
    }
}
