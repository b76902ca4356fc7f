//! A second launch: a CLI that does not know the flags by which it waits for `initialize` ends at once, and can be given its
//! plugins, MCP servers and settings the older way.

use std::ffi::OsString;
use std::sync::Arc;

use serde_json::json;

use super::connect::Plan;
use super::{Client, exit_cause, host_environment};
use crate::error::{Error, Result, Status};
use crate::options::{Features, Launch};
use crate::sync::lock;

/// By these a CLI reads parts of initialize before it does anything else.
const EARLY_FLAGS: [&str; 2] = ["--await-initialize", "--initialize-fields"];

impl Client {
    /// Whether a CLI with these last words ended over a flag without which it can be launched.
    pub(super) fn knows_another_way(&self, stderr: &str) -> bool {
        let options = &self.options;
        // Only a process of ours can be started again; and a record holds one conversation.
        let may = !self.host.is_given() && options.replay.is_none() && options.record.is_none();
        let is_early = exit_cause::unknown_flag(stderr).is_some_and(|flag| EARLY_FLAGS.contains(&flag));
        may && is_early && self.older_launch().is_ok_and(|launch| !launch.args.iter().any(has_early))
    }

    fn older_launch(&self) -> Result<Launch> {
        let features = Features { no_early_initialize: true, ..self.features() };
        self.options.launch(&features, &host_environment())
    }

    pub(super) fn older_plan(&self) -> Result<Plan> {
        Ok(Plan { launch: self.older_launch()?, environment: Arc::new(host_environment()) })
    }

    pub(super) fn warn_started_again(&self) {
        let (text, flag) = self.started_again();
        let (remedy, _) = self.options.without_flag(&flag);
        self.warn(json!({"event": "started_again", "text": text, "remedy": remedy}));
    }

    /// Requests to the first process, which will not be answered.
    pub(super) fn fail_open_requests(&self) {
        let (text, _) = self.started_again();
        self.control.end_open(&Error::new(Status::Process, text));
    }

    fn started_again(&self) -> (String, String) {
        let stderr = lock(&self.state).ends.stderr.clone().unwrap_or_default();
        let flag = exit_cause::unknown_flag(&stderr).unwrap_or_default().to_owned();
        let text = format!(
            "this CLI does not know {flag}: it is started again, with plugins on its command line, and MCP servers and \
             settings in a private descriptor"
        );
        (text, flag)
    }
}

fn has_early(argument: &OsString) -> bool {
    let word = argument.to_string_lossy();
    EARLY_FLAGS.contains(&word.split('=').next().unwrap_or_default())
}
