//! One table of failures: status number, C name, and the class of the official SDKs that it stands for.

use serde_json::{Map, Value};

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
    /// Nothing is there.
    NotFound = -105, c"CLAUDE_ERR_NOT_FOUND", "KeyError";
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
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error { status, message: message.into(), details: Box::default() }
    }

    /// Adds one member to the JSON document. The names are those of `docs/errors.md`:
    /// `phase`, `exit_code`, `signal`, `stderr`, `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`, …
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Error {
        self.details.insert(name.to_owned(), value.into());
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
    fn json_keeps_the_order_of_details() {
        let error = Error::new(Status::Process, "gone").with("phase", "query").with("exit_code", 3);
        assert_eq!(
            error.to_json(),
            r#"{"status":-205,"name":"CLAUDE_ERR_PROCESS","message":"gone","class":"ProcessError","phase":"query","exit_code":3}"#
        );
    }
}
