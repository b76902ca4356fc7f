//! One table of failures: status number, C name, and the class of the official SDKs that it stands for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::process::cancel;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $class:literal;)*) => {
        /// What went wrong, as a stable number. The numbers are part of the ABI and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Status { $($(#[$doc])* $variant = $code,)* }

        impl Status {
            /// Every status, in the order of the table.
            pub const ALL: &'static [Status] = &[$(Status::$variant,)*];

            /// The C constant's name, NUL-terminated so that it can cross the boundary as it is.
            pub fn c_name(self) -> &'static std::ffi::CStr {
                match self { $(Status::$variant => $name,)* }
            }

            /// The class of the official Python SDK that this status stands for.
            pub fn official_class(self) -> &'static str {
                match self { $(Status::$variant => $class,)* }
            }

            pub fn from_code(code: i32) -> Option<Status> {
                match code { $($code => Some(Status::$variant),)* _ => None }
            }
        }
    };
}

statuses! {
    Ok = 0, c"CLAUDE_OK", "";
    /// A pointer, a text or a JSON document that cannot be used.
    InvalidArgument = -101, c"CLAUDE_ERR_INVALID_ARGUMENT", "ValueError";
    /// NULL, freed, stale or foreign handle.
    InvalidHandle = -102, c"CLAUDE_ERR_INVALID_HANDLE", "ValueError";
    /// An option that is unknown, of the wrong type, or cannot be combined.
    InvalidOption = -103, c"CLAUDE_ERR_INVALID_OPTION", "ValueError";
    /// Not possible in this mode, on this system or with this CLI.
    Unsupported = -104, c"CLAUDE_ERR_UNSUPPORTED", "ClaudeSDKError";
    /// There is nothing of that name, at that place, with that text.
    NotFound = -105, c"CLAUDE_ERR_NOT_FOUND", "ValueError";
    /// A file or a folder could not be read or written.
    File = -106, c"CLAUDE_ERR_FILE", "OSError";
    /// No such session is on the disk.
    SessionNotFound = -107, c"CLAUDE_ERR_SESSION_NOT_FOUND", "FileNotFoundError";
    /// The session is open, and what was asked would damage it.
    SessionInUse = -108, c"CLAUDE_ERR_SESSION_IN_USE", "ValueError";
    /// No usable CLI was found.
    CliNotFound = -201, c"CLAUDE_ERR_CLI_NOT_FOUND", "CLINotFoundError";
    /// The CLI could not be started or spoken to.
    CliConnection = -202, c"CLAUDE_ERR_CLI_CONNECTION", "CLIConnectionError";
    /// The client has not been connected yet.
    NotConnected = -203, c"CLAUDE_ERR_NOT_CONNECTED", "CLIConnectionError";
    /// The client is connected already, or was.
    AlreadyConnected = -204, c"CLAUDE_ERR_ALREADY_CONNECTED", "CLIConnectionError";
    /// The CLI ended with a failure.
    Process = -205, c"CLAUDE_ERR_PROCESS", "ProcessError";
    /// The CLI ended with a failure after an error result.
    Result = -206, c"CLAUDE_ERR_RESULT", "ResultError";
    /// Text that is not the JSON it should be.
    JsonDecode = -207, c"CLAUDE_ERR_JSON_DECODE", "CLIJSONDecodeError";
    /// The CLI refused a control request.
    Control = -208, c"CLAUDE_ERR_CONTROL", "Exception";
    /// A deadline passed.
    Timeout = -301, c"CLAUDE_ERR_TIMEOUT", "Exception";
    /// The call would wait for the thread that makes it.
    WouldDeadlock = -302, c"CLAUDE_ERR_WOULD_DEADLOCK", "";
    /// The process was forked after the library started.
    Forked = -303, c"CLAUDE_ERR_FORKED", "";
    /// There is no room now.
    WouldBlock = -304, c"CLAUDE_ERR_WOULD_BLOCK", "";
    /// The operation was withdrawn before it ended.
    Cancelled = -401, c"CLAUDE_ERR_CANCELLED", "CancelledError";
    /// The session has ended.
    Closed = -402, c"CLAUDE_ERR_CLOSED", "CLIConnectionError";
    /// The request has been answered or withdrawn already.
    Stale = -403, c"CLAUDE_ERR_STALE", "";
    /// A defect of this library; the client is closed.
    Panic = -901, c"CLAUDE_ERR_PANIC", "";
}

impl Status {
    pub fn code(self) -> i32 {
        self as i32
    }

    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or("")
    }
}

/// A failure with everything that a user needs in order to know what to do next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub status: Status,
    pub message: String,
    /// Further members of the error's JSON document, in the order in which they were added.
    details: Box<Map<String, Value>>,
}

impl Error {
    /// A message that is very long, since it quotes something of any length, is cut in the middle: what it is about stands at
    /// its start, and what to do at its end.
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        // The first map of a thread asks the system for random numbers, at which a cancelled one would be unwound.
        Error { status, message: bounded(message.into()), details: cancel::held(Box::default) }
    }

    /// Adds one member to the JSON document. The names are those of `docs/errors.md`:
    /// `phase`, `exit_code`, `signal`, `stderr`, `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`, …
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Error {
        let value = match value.into() {
            Value::String(text) if !WHOLE.contains(&name) => bounded(text).into(),
            value => value,
        };
        self.details.insert(name.to_owned(), value);
        self
    }

    /// As [`Error::with`], but leaves out what is not known.
    pub fn with_opt(self, name: &str, value: Option<impl Into<Value>>) -> Error {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.details.get(name)
    }

    /// What went wrong and what to do about it, in one line for humans.
    pub fn advice(&self) -> String {
        let lines = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join(" ")
        };
        let message = lines(&self.message);
        match self.detail("remedy").and_then(Value::as_str).map(lines) {
            Some(remedy) if message.contains(&remedy) => message,
            Some(remedy) => format!("{}; {remedy}", message.trim_end_matches(['.', ';'])),
            None => message,
        }
    }

    /// The one JSON shape of every failure.
    pub fn to_json(&self) -> String {
        let mut document = Map::new();
        document.insert("status".into(), self.status.code().into());
        document.insert("name".into(), self.status.name().into());
        document.insert("message".into(), self.message.clone().into());
        let class = self.status.official_class();
        if !class.is_empty() {
            document.insert("class".into(), class.into());
        }
        for (name, value) in self.details.iter() {
            document.insert(name.clone(), value.clone());
        }
        Value::Object(document).to_string()
    }
}

/// So long may a message be, or a member of an error's document.
const LONGEST_TEXT: usize = 2048;

/// What the far side wrote stays whole; it has bounds of its own.
const WHOLE: &[&str] = &["stderr", "stdout", "result"];

/// How much of a name or a value is quoted.
const LONGEST_QUOTE: usize = 100;

fn bounded(text: String) -> String {
    match shortened(&text, LONGEST_TEXT) {
        Cow::Owned(short) => short,
        Cow::Borrowed(_) => text,
    }
}

/// What the host wrote, for a message that quotes it.
pub fn quotable(text: &str) -> Cow<'_, str> {
    shortened(text, LONGEST_QUOTE)
}

/// The text without its middle, if it has more bytes than `longest`.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return text.into();
    }
    let whole = |at: &usize| text.is_char_boundary(*at);
    let start = (0..=longest * 2 / 3).rev().find(whole).unwrap_or(0);
    let end = (text.len() - longest / 3..text.len()).find(whole).unwrap_or(text.len());
    format!("{}…{}", &text[..start], &text[end..]).into()
}

pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_round_trip() {
        for (index, status) in Status::ALL.iter().enumerate() {
            assert_eq!(Status::from_code(status.code()), Some(*status));
            assert!(Status::ALL[..index].iter().all(|other| other.code() != status.code()));
        }
    }

    #[test]
    fn the_advice_is_one_line_that_ends_with_the_remedy() {
        let error = Error::new(Status::Process, "gone.\n at once\n");
        assert_eq!(error.advice(), "gone. at once");
        let error = error.with("remedy", "start it\nagain");
        assert_eq!(error.advice(), "gone. at once; start it again");
        let told = Error::new(Status::Process, "gone: start it").with("remedy", "start it");
        assert_eq!(told.advice(), "gone: start it");
    }

    #[test]
    fn a_long_text_loses_its_middle() {
        for text in ["x".repeat(100_000), "é日".repeat(20_000)] {
            let short = shortened(&text, 90);
            assert!(short.len() <= 95 && short.contains('…'), "{short}");
            let error = Error::new(Status::Process, format!("{text}; do this")).with("pointer", text.clone());
            assert!(error.message.len() < 2100 && error.message.ends_with("; do this"));
            assert!(error.to_json().len() < 5000);
            assert_eq!(error.with("stderr", text.clone()).detail("stderr"), Some(&text.into()));
        }
        assert_eq!(shortened("short", 5), "short");
    }

    #[test]
    fn json_keeps_the_order_of_details() {
        let error = Error::new(Status::Process, "gone").with("phase", "query").with("exit_code", 3);
        assert_eq!(
            error.to_json(),
            r#"{"status":-205,"name":"CLAUDE_ERR_PROCESS","message":"gone","class":"ProcessError","phase":"query","exit_code":3}"#
        );
    }
}
