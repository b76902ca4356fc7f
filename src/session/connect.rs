//! From options to a connected session.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::life::{Event, Millis, Refusal};
use super::{Client, host_environment, timeouts};
use crate::compat;
use crate::compat::version::{self, CliVersion};
use crate::dispatch::{Completion, Listener, Outcome, Waiter};
use crate::error::{Error, Result, Status, shortened};
use crate::log;
use crate::options::{Features, Launch};
use crate::protocol::members::{top_level_string, top_level_value};
use crate::protocol::user_message::{self, UserMessage};
use crate::runtime;
use crate::sync::lock;

/// Names and values, as the host has them.
pub type Environment = Vec<(OsString, OsString)>;

/// A variable of the official SDKs; any value disables the version check.
const SKIP_VERSION_CHECK: &str = "CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK";

/// A warning may quote options of any length.
const LONGEST_WARNING: usize = 2048;

/// Everything a launch needs.
pub(super) struct Plan {
    pub launch: Launch,
    pub environment: Arc<Environment>,
}

impl Client {
    /// The prompt to begin with.
    pub(super) fn first_prompt(&self, prompt: Option<&str>) -> Result<Option<UserMessage>> {
        prompt.map(|prompt| user_message::from_prompt(prompt, None, self.style())).transpose()
    }

    /// Starts the session. `limit` can shorten the option `connect_timeout_ms`. The reply is the answer to `initialize`.
    pub fn connect(
        &self,
        prompt: Option<&str>,
        limit: Option<Duration>,
        completion: Completion,
    ) -> Result<()> {
        let _hold = self.hold()?;
        let first = self.first_prompt(prompt)?;
        self.begin(&self.features(), first, limit, completion)
    }

    /// Starts the CLI, as a session or as a spare.
    pub(super) fn begin(
        &self,
        features: &Features,
        first: Option<UserMessage>,
        limit: Option<Duration>,
        completion: Completion,
    ) -> Result<()> {
        self.mcp.check(self.answers_any_request())?;
        self.check_store()?;
        let environment = Arc::new(host_environment());
        let launch = self.options.launch(features, &environment)?;
        let longest = launch.connect_timeout;
        self.start_hooks.watch(limit.is_none() && self.options.connect_timeout.is_none());
        let limit = shorter(limit, longest);
        let event = if features.spare { Event::Park { limit } } else { Event::Connect { limit } };
        let handle = runtime::handle_for_session()?;
        let accept = || {
            // Under the lock of the life cycle: a shutdown not seen here comes later, and will see the session.
            runtime::check_ending()?;
            lock(&self.reader).get_or_insert_with(|| handle.clone());
            let mut state = lock(&self.state);
            state.connecting = Some(completion.accept());
            state.plan = Some(Plan { launch, environment });
            state.first = first;
            state.connect_limit = longest;
            Ok(())
        };
        self.calls_or(event, accept, |refusal| match refusal {
            Refusal::Over => before(),
            refusal => self.refused(refusal),
        })?;
        handle.spawn(timeouts::keep(self.me.clone(), self.timeouts.clone()));
        Ok(())
    }

    /// Like [`Client::connect`], but waits until it completes.
    pub fn connect_wait(&self, prompt: Option<&str>, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.connect(prompt, wait, self.completion(Listener::Wait(waiter.clone())))?;
        // The state machine enforces the deadline, and cleans up afterwards.
        waiter.wait(None).unwrap_or_else(|| Err(Error::new(Status::Timeout, "connecting took too long")))
    }

    /// The preparations for the first start of the CLI.
    pub(super) async fn prepare(&self, plan: &mut Plan) -> Result<()> {
        for warning in &plan.launch.warnings {
            let warning = shortened(warning, LONGEST_WARNING);
            self.warn(serde_json::json!({"event": "warning", "text": warning}));
        }
        self.tell_of_hooks();
        self.keep_server_configs(&plan.launch.initialize);
        self.look_ahead(plan).await?;
        self.resume_from_store(plan).await?;
        self.run.configure(&plan.launch.env, self.options.get("resume").is_some() || self.continues());
        Ok(())
    }

    pub(super) fn continues(&self) -> bool {
        self.options.get("continue_conversation").and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn accept_server_info(&self, info: &str, must_be_applied: &[&'static str]) -> Result<()> {
        let member = |name: &str| top_level_value(info.as_bytes(), name.as_bytes());
        let confirmed = |name: &str| member(name).is_some_and(|value| value.starts_with(b"true"));
        if let Some(missing) = must_be_applied.iter().find(|name| !confirmed(name)) {
            return Err(Error::new(
                Status::Unsupported,
                format!("the CLI did not take everything that it was given: {missing} is not confirmed"),
            )
            .with("phase", "initialize")
            .with("remedy", "update the CLI, or leave out the options that need it"));
        }
        self.check_hooks(info)?;
        let version = top_level_string(info.as_bytes(), b"claude_code_version")
            .and_then(|version| std::str::from_utf8(version).ok());
        log::info(|| format!("connected to Claude Code {}", version.unwrap_or("?")));
        self.check_version(version);
        let mut state = lock(&self.state);
        state.cli_version = version.map(str::to_owned);
        state.server_info = Some(info.to_owned());
        Ok(())
    }

    /// Warns of a version that is too old or known to be broken, unless the user disabled the check.
    fn check_version(&self, version: Option<&str>) {
        if std::env::var_os(SKIP_VERSION_CHECK).is_some_and(|value| !value.is_empty()) {
            return;
        }
        let Some(version) = version.and_then(CliVersion::parse) else {
            return log::warning(|| {
                format!("the CLI does not name its version: it may be older than {}", version::MINIMUM)
            });
        };
        compat::warnings(&self.options, version).into_iter().for_each(|event| self.warn(event));
    }
}

/// The host's limit can only shorten that of the options.
pub(super) fn shorter(limit: Option<Duration>, longest: Duration) -> Millis {
    let time = limit.map_or(longest, |limit| limit.min(longest));
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

fn before() -> Error {
    Error::new(Status::AlreadyConnected, "this client was connected before: a client is one conversation")
        .with("remedy", "create another client; the option resume continues a conversation")
}
