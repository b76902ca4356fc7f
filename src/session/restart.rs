//! The second launch: a CLI that does not know the flags with which it waits for `initialize` exits at once, and can be given
//! its plugins, MCP servers and settings the older way.

use std::sync::Arc;

use serde_json::json;

use super::connect::Plan;
use super::life::Machine;
use super::{Client, host_environment};
use crate::compat;
use crate::error::{Error, Result, Status};
use crate::options::{Features, Launch};
use crate::sync::lock;

impl Client {
    /// Whether a CLI with this stderr tail exited over a flag that it can be launched without.
    pub(super) fn knows_another_way(&self, stderr: &str) -> bool {
        let options = &self.options;
        // Only our own process can be started again; and a record holds a single conversation.
        let may = !self.host.is_given() && options.replay.is_none() && options.record.is_none();
        let older_way = || self.older_launch().is_ok_and(|launch| compat::is_for_older_cli(&launch));
        may && compat::ended_over_early_flag(stderr) && older_way()
    }

    fn older_launch(&self) -> Result<Launch> {
        let features = Features { spare: self.life.look(Machine::begins_as_spare), ..self.features() };
        let features = compat::older_way(features);
        self.options.launch(&features, &host_environment())
    }

    pub(super) fn older_plan(&self) -> Result<Plan> {
        Ok(Plan { launch: self.older_launch()?, environment: Arc::new(host_environment()) })
    }

    pub(super) fn warn_started_again(&self) {
        let (text, flag) = self.started_again();
        let (remedy, _) = compat::without_flag(&self.options, &flag);
        self.warn(json!({"event": "started_again", "text": text, "remedy": remedy}));
    }

    /// Fails the requests to the first process, which will not be answered.
    pub(super) fn fail_open_requests(&self) {
        let (text, _) = self.started_again();
        self.control.end_open(&Error::new(Status::Process, text));
    }

    fn started_again(&self) -> (String, String) {
        let stderr = lock(&self.state).ends.stderr.clone().unwrap_or_default();
        let flag = compat::unknown_flag(&stderr).unwrap_or_default().to_owned();
        (compat::started_again(&flag), flag)
    }
}
