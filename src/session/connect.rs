//! From options to a session that answers.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout;

use super::start::start_transport;
use super::{Client, Phase, exit_cause, host_environment, not_connected};
use crate::dispatch::{Completion, Listener, Outcome, Waiter};
use crate::error::{Error, Result, Status, shortened};
use crate::log;
use crate::options::Launch;
use crate::protocol::cli_version::{self, CliVersion};
use crate::protocol::members::{top_level_string, top_level_value};
use crate::protocol::user_message::{self, UserMessage};
use crate::runtime;
use crate::sync::lock;

/// Names and values, as a host has them.
pub type Environment = Vec<(OsString, OsString)>;

/// The official SDKs' variable; any value switches the check of the version off.
const SKIP_VERSION_CHECK: &str = "CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK";

/// A warning may quote options of any length.
const LONGEST_WARNING: usize = 2048;

/// When the session is to end, so long may a start take that is under way.
const START_TAKES: Duration = Duration::from_secs(5);

/// So long may the end of a process that does not take input be awaited.
pub(super) const OWN_END: Duration = Duration::from_secs(1);

/// Everything that the connecting task needs.
pub(super) struct Plan {
    pub launch: Launch,
    pub environment: Arc<Environment>,
    first: Option<UserMessage>,
    until: Instant,
}

/// A client whose session is ended if the task that connects it is dropped: a shutdown in the same instant takes its thread.
struct Unfinished(Option<Arc<Client>>);

impl Unfinished {
    async fn run(mut self, plan: Plan) {
        if let Some(client) = self.0.clone() {
            client.connecting(plan).await;
        }
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            client.over();
        }
    }
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
        let plan = Plan { launch, environment, first, until: Instant::now() + time };
        let Some(me) = self.strong() else {
            return Err(Error::new(Status::Closed, "the client is being freed"));
        };
        // Before it is asked whether the library is shutting down: a shutdown that is not seen sees the client.
        let handle = runtime::handle_for_session()?;
        {
            let mut state = lock(&self.state);
            if state.phase != Phase::Created {
                return Err(already(state.phase));
            }
            state.phase = Phase::Connecting;
            state.connecting = Some(completion.accept());
        }
        lock(&self.reader).get_or_insert_with(|| handle.clone());
        let looks = self.me.clone();
        self.dispatcher.set_look(move || {
            if let Some(client) = looks.upgrade() {
                client.catch_up_blocking();
            }
        });
        handle.spawn(Unfinished(Some(me)).run(plan));
        Ok(())
    }

    /// As [`Client::connect`], waiting for the end of it.
    pub fn connect_wait(&self, prompt: Option<&str>, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.connect(prompt, wait, self.completion(Listener::Wait(waiter.clone())))?;
        // The deadline is kept by the connecting task, which also cleans up behind it.
        waiter.wait(None).unwrap_or_else(|| Err(Error::new(Status::Timeout, "connecting took too long")))
    }

    async fn connecting(self: Arc<Self>, plan: Plan) {
        let until = plan.until;
        let outcome = tokio::select! {
            biased;
            established = self.within(until, self.establish(plan)) => {
                established.unwrap_or_else(|| Err(self.connect_timed_out()))
            }
            () = self.start_hangs() => Err(self.give_start_up()),
        };
        let outcome = outcome.and_then(|info| {
            let mut state = lock(&self.state);
            if state.phase != Phase::Connecting {
                return Err(not_connected(&state));
            }
            state.phase = Phase::Connected;
            Ok(info)
        });
        if let Err(error) = &outcome {
            self.give_up(error).await;
        }
        // A client that is being freed tells it at its end.
        let Ok(_hold) = self.hold() else { return };
        let completion = lock(&self.state).connecting.take();
        if let Some(completion) = completion {
            completion.complete(outcome);
        }
    }

    /// The session is to end, and what is being started does not come, so that there is nothing to close.
    async fn start_hangs(&self) {
        let is_needless = || self.is_closing() && self.transport().is_none();
        self.wait_until(|_| is_needless()).await;
        tokio::time::sleep(START_TAKES).await;
        if !is_needless() {
            std::future::pending::<()>().await;
        }
    }

    /// Whatever it brings is let go of, so that a child is killed; whoever disconnects has to know.
    fn give_start_up(&self) -> Error {
        let error = Error::new(Status::Process, "the start of the CLI was given up and has not come back")
            .with("phase", "disconnect")
            .with("remedy", "look whether the disk or the network drive with the CLI and the files of the options answers");
        let cause = Arc::new(error.clone());
        let mut state = lock(&self.state);
        state.lives_on = Some(cause.clone());
        state.cause.get_or_insert(cause);
        error
    }

    async fn establish(self: &Arc<Self>, mut plan: Plan) -> Result<String> {
        let first = plan.first.take();
        for warning in &plan.launch.warnings {
            let warning = shortened(warning, LONGEST_WARNING);
            self.warn(serde_json::json!({"event": "warning", "text": warning}));
        }
        self.tell_of_hooks();
        self.keep_server_configs(&plan.launch.initialize);
        self.look_ahead(&plan).await?;
        self.run.configure(&plan.launch.env, self.options.get("resume").is_some() || self.continues());
        let environment = plan.environment.clone();
        let info = loop {
            let error = match self.begin(plan).await {
                Ok(info) => break info,
                Err(error) => error,
            };
            // There is another one at most once.
            let Some(launch) = self.other_launch(&error).await else { return Err(error) };
            plan = Plan { launch, environment: environment.clone(), first: None, until: Instant::now() };
        };
        if let Some(message) = first {
            self.write_prompt(message)?;
        }
        Ok(info)
    }

    /// Starts the CLI and initializes it.
    async fn begin(self: &Arc<Self>, plan: Plan) -> Result<String> {
        let mut initialize = plan.launch.initialize.clone();
        initialize.entry("subtype").or_insert_with(|| "initialize".into());
        self.hermetic.configure(&initialize);
        let must_be_applied = plan.launch.must_be_applied.clone();
        self.start_process(plan).await?;
        let info = self.control_internal(&initialize, None).await.map_err(in_initialize)?;
        if let Some(transport) = self.transport() {
            transport.remove_files();
        }
        self.accept_server_info(&info, &must_be_applied)?;
        let _ = self.initialize.set(initialize);
        Ok(info)
    }

    fn continues(&self) -> bool {
        self.options.get("continue_conversation").and_then(Value::as_bool).unwrap_or(false)
    }

    async fn start_process(self: &Arc<Self>, plan: Plan) -> Result<()> {
        let transport = start_transport(self, plan).await?;
        let place = if self.starts_again.load(Ordering::Acquire) { &self.second } else { &self.transport };
        let _ = place.set(transport.clone());
        // Whoever asked to close before there was anything to close left it to us.
        if self.is_closing() {
            self.close_transport();
        }
        transport.open().await
    }

    fn accept_server_info(&self, info: &str, must_be_applied: &[&'static str]) -> Result<()> {
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

    fn connect_timed_out(&self) -> Error {
        let stderr = self.transport().map(|transport| transport.stderr()).filter(|text| !text.is_empty());
        let phase = if self.transport().is_some() { "initialize" } else { "spawn" };
        let (cli_path, argv, stdout) = {
            let state = lock(&self.state);
            (state.cli_path.clone(), state.argv.clone(), exit_cause::output(&state))
        };
        let remedy = match &stdout {
            Some(_) => {
                "see stdout for what the CLI, or whatever starts it, has written in place of an answer: only the CLI's \
                 messages belong there, and nobody answers questions there"
            }
            None => {
                "raise the option connect_timeout_ms, and timeout_ms where the call waits; MCP servers that start slowly \
                 count as well"
            }
        };
        Error::new(Status::Timeout, "the CLI did not become ready in time")
            .with("phase", phase)
            .with_opt("cli_path", cli_path)
            .with_opt("argv", argv)
            .with_opt("stderr", stderr)
            .with_opt("stdout", stdout)
            .with("remedy", remedy)
    }

    /// A session that did not come about leaves nothing behind.
    async fn give_up(self: &Arc<Self>, error: &Error) {
        // A write fails because the process is ending: its own end says why, and completes the connect.
        let write_failed = error.status == Status::CliConnection && self.transport().is_some();
        if write_failed && timeout(OWN_END, self.wait_ended_async()).await.is_ok() {
            return;
        }
        if !self.is_closing() {
            lock(&self.state).cause.get_or_insert_with(|| Arc::new(error.clone()));
        }
        match self.transport() {
            Some(transport) => {
                // What nobody reads must not keep the reader from the end.
                self.start_closing();
                if error.status == Status::Timeout {
                    transport.kill();
                }
                self.wait_ended_async().await;
            }
            None => self.over(),
        }
    }
}

/// A record that does not fit says so itself.
fn in_initialize(error: Error) -> Error {
    match error.detail("phase").and_then(Value::as_str) {
        Some("replay") => error,
        _ => error.with("phase", "initialize"),
    }
}

fn already(phase: Phase) -> Error {
    let message = match phase {
        Phase::Closing | Phase::Closed => "this client was connected before: a client is one conversation",
        _ => "this client is connected already",
    };
    Error::new(Status::AlreadyConnected, message)
        .with("remedy", "create another client; the option resume continues a conversation")
}
