//! From options to a session that answers.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::life::{Event, Millis, Refusal};
use super::{Client, host_environment, timeouts};
use crate::dispatch::{Completion, Listener, Outcome, Waiter};
use crate::error::{Error, Result, Status, shortened};
use crate::log;
use crate::options::Launch;
use crate::protocol::cli_version::{self, CliVersion};
use crate::protocol::members::{top_level_string, top_level_value};
use crate::protocol::user_message;
use crate::runtime;
use crate::sync::lock;

/// Names and values, as a host has them.
pub type Environment = Vec<(OsString, OsString)>;

/// The official SDKs' variable; any value switches the check of the version off.
const SKIP_VERSION_CHECK: &str = "CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK";

/// A warning may quote options of any length.
const LONGEST_WARNING: usize = 2048;

/// Everything that a launch needs.
pub(super) struct Plan {
    pub launch: Launch,
    pub environment: Arc<Environment>,
}

impl Client {
    /// Starts the session. `limit` shortens the option `connect_timeout_ms`. The reply is the answer to `initialize`.
    pub fn connect(
        &self,
        prompt: Option<&str>,
        limit: Option<Duration>,
        completion: Completion,
    ) -> Result<()> {
        let _hold = self.hold()?;
        let first = match prompt {
            Some(prompt) => Some(user_message::from_prompt(prompt, None, self.style())?),
            None => None,
        };
        self.mcp.check(self.answers_any_request())?;
        let environment = Arc::new(host_environment());
        let launch = self.options.launch(&self.features(), &environment)?;
        let time = limit.map_or(launch.connect_timeout, |limit| limit.min(launch.connect_timeout));
        let limit = Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX);
        let handle = runtime::handle_for_session()?;
        let look = self.me.clone();
        let accept = || {
            // Under the lock of the life cycle: a shutdown that is not seen comes behind it, and sees the session.
            runtime::check_ending()?;
            lock(&self.reader).get_or_insert_with(|| handle.clone());
            self.dispatcher.set_look(move || {
                if let Some(client) = look.upgrade() {
                    client.catch_up_blocking();
                }
            });
            let mut state = lock(&self.state);
            state.connecting = Some(completion.accept());
            state.plan = Some(Plan { launch, environment });
            state.first = first;
            Ok(())
        };
        self.calls_or(Event::Connect { limit }, accept, |refusal| match refusal {
            Refusal::Over => before(),
            refusal => self.refused(refusal),
        })?;
        handle.spawn(timeouts::keep(self.me.clone(), self.timeouts.clone()));
        Ok(())
    }

    /// As [`Client::connect`], waiting for the end of it.
    pub fn connect_wait(&self, prompt: Option<&str>, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.connect(prompt, wait, self.completion(Listener::Wait(waiter.clone())))?;
        // The deadline is kept by the life cycle, which also cleans up behind it.
        waiter.wait(None).unwrap_or_else(|| Err(Error::new(Status::Timeout, "connecting took too long")))
    }

    /// What is done before the CLI is started first.
    pub(super) async fn prepare(&self, plan: &Plan) -> Result<()> {
        for warning in &plan.launch.warnings {
            let warning = shortened(warning, LONGEST_WARNING);
            self.warn(serde_json::json!({"event": "warning", "text": warning}));
        }
        self.tell_of_hooks();
        self.keep_server_configs(&plan.launch.initialize);
        self.look_ahead(plan).await?;
        self.run.configure(&plan.launch.env, self.options.get("resume").is_some() || self.continues());
        Ok(())
    }

    fn continues(&self) -> bool {
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

    /// Tells of a version that is too old or known to be broken, unless the user wants no such check.
    fn check_version(&self, version: Option<&str>) {
        if std::env::var_os(SKIP_VERSION_CHECK).is_some_and(|value| !value.is_empty()) {
            return;
        }
        let Some(version) = version.and_then(CliVersion::parse) else {
            return log::warning(|| {
                format!("the CLI does not name its version: it may be older than {}", cli_version::MINIMUM)
            });
        };
        if let Some(text) = cli_version::warning(version) {
            let remedy =
                format!("install version {}: npm install -g @anthropic-ai/claude-code", cli_version::TESTED);
            let event = json!({"event": "cli_version", "text": text, "version": version.to_string(), "remedy": remedy});
            self.warn(event);
        }
        let newer = |since| CliVersion::parse(since).is_some_and(|since| since > version);
        for (option, since) in self.options.not_always_known().filter(|(_, since)| newer(since)) {
            let text = format!("the option {option} needs Claude Code {since}: {version} ignores it");
            let remedy = format!("update the CLI, or leave out {option}");
            let event = json!({"event": "cli_version", "text": text, "version": version.to_string(),
                "pointer": format!("/{option}"), "remedy": remedy});
            self.warn(event);
        }
    }
}

fn before() -> Error {
    Error::new(Status::AlreadyConnected, "this client was connected before: a client is one conversation")
        .with("remedy", "create another client; the option resume continues a conversation")
}
