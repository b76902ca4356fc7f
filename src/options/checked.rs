//! The options of a client, checked.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

/// Where and how to record the conversation.
#[cfg_attr(not(feature = "replay"), allow(dead_code))] // Rejected without the feature, so never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub path: String,
    /// JSON pointers of values to replace in what is written.
    pub redact: Vec<String>,
    pub fsync: bool,
}

/// The recorded conversation to replay instead of running a CLI.
#[cfg_attr(not(feature = "replay"), allow(dead_code))] // Rejected without the feature, so never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub path: String,
    /// Keep the recorded delays.
    pub recorded_speed: bool,
    /// Fail when the host sends something that differs from the recording.
    pub strict: bool,
}

/// Options that have been checked. The public members are the ones this library itself acts on.
#[derive(Clone)]
pub struct Options {
    pub(super) values: Map<String, Value>,
    pub cli_path: Option<String>,
    pub cwd: Option<String>,
    pub user: Option<String>,
    pub launcher: Option<Vec<String>>,
    /// `None` = not set: the launch has the effective value.
    pub connect_timeout: Option<Duration>,
    pub control_timeout: Duration,
    pub graceful_exit_timeout: Duration,
    /// The host is notified after this much silence, and of a turn that runs this long; zero = never.
    pub stalled_after: Duration,
    pub long_turn_after: Duration,
    pub terminate_timeout: Duration,
    pub max_message_bytes: usize,
    pub max_queue_bytes: usize,
    pub stderr_tail_bytes: usize,
    /// How long a request from the CLI may stay open; `None` = no limit.
    pub request_timeout: Option<Duration>,
    /// On timeout the request is answered with an error instead of the refusal that fits its kind.
    pub request_timeout_is_error: bool,
    /// How long a session store may take for one load.
    pub load_timeout: Duration,
    /// Pass each frame of the mirror to the session store at once.
    pub stores_eagerly: bool,
    pub validate_json: bool,
    pub text_deltas: bool,
    pub turn_events: bool,
    pub verbatim_prompts: bool,
    pub record: Option<Record>,
    pub replay: Option<Replay>,
}

/// Names only: values may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl Options {
    /// The checked value of an option, None when it is not set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// All options that are set, as one document.
    #[cfg(feature = "replay")]
    pub fn document(&self) -> &Map<String, Value> {
        &self.values
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Whether an option is set to true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}
