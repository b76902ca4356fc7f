//! One table of failures: status number, C name, and the corresponding class of the official SDKs.

use std::borrow::Cow;
use std::ffi::c_char;

use serde_json::{Map, Value};

use crate::place::WouldDeadlock;
use crate::process::cancel;

/// The table, as a macro that passes its rows to another one. What each status means is documented where the
/// header is generated from, in `capi/types.rs`.
macro_rules! status_table {
    ($use:ident) => {
        $use! {
            Ok = 0, CLAUDE_OK, "";
            InvalidArgument = -101, CLAUDE_ERR_INVALID_ARGUMENT, "ValueError";
            InvalidHandle = -102, CLAUDE_ERR_INVALID_HANDLE, "ValueError";
            InvalidOption = -103, CLAUDE_ERR_INVALID_OPTION, "ValueError";
            Unsupported = -104, CLAUDE_ERR_UNSUPPORTED, "ClaudeSDKError";
            NotFound = -105, CLAUDE_ERR_NOT_FOUND, "ValueError";
            File = -106, CLAUDE_ERR_FILE, "OSError";
            SessionNotFound = -107, CLAUDE_ERR_SESSION_NOT_FOUND, "FileNotFoundError";
            SessionInUse = -108, CLAUDE_ERR_SESSION_IN_USE, "ValueError";
            CliNotFound = -201, CLAUDE_ERR_CLI_NOT_FOUND, "CLINotFoundError";
            CliConnection = -202, CLAUDE_ERR_CLI_CONNECTION, "CLIConnectionError";
            NotConnected = -203, CLAUDE_ERR_NOT_CONNECTED, "CLIConnectionError";
            AlreadyConnected = -204, CLAUDE_ERR_ALREADY_CONNECTED, "CLIConnectionError";
            Process = -205, CLAUDE_ERR_PROCESS, "ProcessError";
            Result = -206, CLAUDE_ERR_RESULT, "ResultError";
            JsonDecode = -207, CLAUDE_ERR_JSON_DECODE, "CLIJSONDecodeError";
            Control = -208, CLAUDE_ERR_CONTROL, "Exception";
            Timeout = -301, CLAUDE_ERR_TIMEOUT, "Exception";
            WouldDeadlock = -302, CLAUDE_ERR_WOULD_DEADLOCK, "";
            Forked = -303, CLAUDE_ERR_FORKED, "";
            WouldBlock = -304, CLAUDE_ERR_WOULD_BLOCK, "";
            Cancelled = -401, CLAUDE_ERR_CANCELLED, "CancelledError";
            Closed = -402, CLAUDE_ERR_CLOSED, "CLIConnectionError";
            Stale = -403, CLAUDE_ERR_STALE, "";
            Panic = -901, CLAUDE_ERR_PANIC, "";
        }
    };
}

pub(crate) use status_table;

macro_rules! statuses {
    ($($status:ident = $code:literal, $name:ident, $class:literal;)*) => {
        /// What went wrong, as a stable number. The numbers are part of the ABI and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Status { $($status = $code,)* }

        impl Status {
            /// Every status, in the order of the table.
            pub const ALL: &'static [Status] = &[$(Status::$status,)*];

            /// The C constant's name.
            pub fn name(self) -> &'static str {
                match self { $(Status::$status => stringify!($name),)* }
            }

            /// The name as a C string that can cross the boundary as it is.
            pub fn c_name(self) -> *const c_char {
                match self { $(Status::$status => concat!(stringify!($name), "\0"),)* }.as_ptr().cast()
            }

            /// The class of the official Python SDK that this status corresponds to.
            pub fn official_class(self) -> &'static str {
                match self { $(Status::$status => $class,)* }
            }

            pub fn from_code(code: i32) -> Option<Status> {
                match code { $($code => Some(Status::$status),)* _ => None }
            }
        }
    };
}

status_table!(statuses);

impl Status {
    pub fn code(self) -> i32 {
        self as i32
    }
}

/// A failure with everything a user needs to know what to do next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub status: Status,
    pub message: String,
    /// Further members of the error's JSON document, in insertion order.
    details: Box<Map<String, Value>>,
}

impl From<WouldDeadlock> for Error {
    #[cold]
    fn from(_: WouldDeadlock) -> Error {
        let message = "this call would wait inside a callback, or on a thread of the library";
        Error::new(Status::WouldDeadlock, message)
            .with("remedy", "use the form with a completion callback, or call from a thread of your own")
    }
}

impl Error {
    /// A message that is very long, because it quotes something of any length, is cut in the middle: its start
    /// says what it is about, and its end what to do.
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        // A thread's first map asks the system for random numbers: a cancellation point, where a cancelled
        // thread would unwind.
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

    /// As [`Error::with`], but omits an unknown value.
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

/// The longest message, or member of an error's document.
const LONGEST_TEXT: usize = 2048;

/// What the peer wrote stays whole; it has its own limits.
const WHOLE: &[&str] = &["stderr", "stdout", "result"];

/// How much of a name or a value is quoted.
const LONGEST_QUOTE: usize = 100;

fn bounded(text: String) -> String {
    match shortened(&text, LONGEST_TEXT) {
        Cow::Owned(short) => short,
        Cow::Borrowed(_) => text,
    }
}

/// Text from the host, for a message that quotes it.
pub fn quotable(text: &str) -> Cow<'_, str> {
    shortened(text, LONGEST_QUOTE)
}

/// The text with its middle cut out if it has more bytes than `longest`.
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
