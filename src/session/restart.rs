//! A second start: a CLI that does not know the flags by which it waits for `initialize` ends at once, and can be given its
//! plugins, MCP servers and settings the older way.

use std::ffi::OsString;
use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::time::timeout;

use super::connect::OWN_END;
use super::{Client, Phase, exit_cause, host_environment};
use crate::error::{Error, Status};
use crate::options::{Features, Launch};
use crate::sync::lock;
use crate::transport::{End, Ends};

/// By these a CLI reads parts of initialize before it does anything else.
const EARLY_FLAGS: [&str; 2] = ["--await-initialize", "--initialize-fields"];

impl Client {
    /// Whether this end of a process is not that of the session, since another start follows.
    pub(super) fn starts_again_after(&self, end: &End) -> bool {
        let Some(flag) = exit_cause::unknown_flag(end).filter(|flag| EARLY_FLAGS.contains(flag)) else {
            return false;
        };
        if !self.could_start_again() {
            return false;
        }
        let features = Features { no_early_initialize: true, ..self.features() };
        let Ok(launch) = self.options.launch(&features, &host_environment()) else { return false };
        let has_early = |argument: &OsString| {
            let word = argument.to_string_lossy();
            EARLY_FLAGS.contains(&word.split('=').next().unwrap_or_default())
        };
        let helps = !launch.args.iter().any(has_early);
        if !helps || self.starts_again.swap(true, Ordering::AcqRel) {
            return false;
        }
        let text = format!(
            "this CLI does not know {flag}: it is started again, with plugins on its command line, and MCP servers and \
             settings in a private descriptor"
        );
        let (remedy, _) = self.options.without_flag(flag);
        self.warn(json!({"event": "started_again", "text": text, "remedy": remedy}));
        {
            let mut state = lock(&self.state);
            state.other_launch = Some(launch);
            state.ends = Ends::default();
            state.first_output.clear();
            state.unfinished_output.clear();
        }
        self.control.end_open(&Error::new(Status::Process, text));
        self.ended_async.notify_waiters();
        true
    }

    fn could_start_again(&self) -> bool {
        let options = &self.options;
        // Only a process of ours can be started again; and a record holds one conversation.
        if self.host.is_given() || options.replay.is_some() || options.record.is_some() || self.is_closing() {
            return false;
        }
        let state = lock(&self.state);
        state.phase == Phase::Connecting && state.cause.is_none()
    }

    /// The other way to start, when the first one has ended over its own.
    pub(super) async fn other_launch(&self, error: &Error) -> Option<Launch> {
        // A write fails because the process is ending, and why is told a moment later.
        if error.status == Status::CliConnection && self.transport().is_some() {
            let _ =
                timeout(OWN_END, self.wait_until(|state| state.over || state.other_launch.is_some())).await;
        }
        lock(&self.state).other_launch.take()
    }
}
