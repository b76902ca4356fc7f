//! Runs `fake-claude` with a script, and reads what it noted.
//!
//! ```no_run
//! use claude_testkit::fake::FakeClaude;
//! use serde_json::json;
//! let fake = FakeClaude::new(json!({"on_user": [["init", {"text": "Hi."}, "result"]]}));
//! // Give the host under test `fake.path()` as its CLI and `fake.env_json()` as its environment; then:
//! let log = fake.log();
//! assert!(log.prompts().is_empty());
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::{Patience, Sandbox, fake_cli, javascript};

/// A script in a sandbox, ready to be started (any number of times; the log takes all of them).
#[derive(Debug)]
pub struct FakeClaude {
    sandbox: Sandbox,
}

impl FakeClaude {
    /// `json!({})` gives the ordinary behaviour.
    ///
    /// # Panics
    /// When no temporary directory or file can be made.
    pub fn new(script: Value) -> Self {
        let sandbox = Sandbox::new();
        let script_file = sandbox.root().join("script.json");
        std::fs::write(&script_file, script.to_string()).expect("write the script");
        let log = sandbox.root().join("fake-claude.log");
        FakeClaude { sandbox: sandbox.with_env("FAKE_CLAUDE", script_file).with_env("FAKE_CLAUDE_LOG", log) }
    }

    /// Replaces the script for the next start.
    pub fn set_script(&self, script: &Value) {
        std::fs::write(self.sandbox.root().join("script.json"), script.to_string())
            .expect("write the script");
    }

    /// The program: a value for a `cli_path` option.
    pub fn path(&self) -> PathBuf {
        fake_cli()
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The variables that bring script and log to the program: a value for an `env` option.
    pub fn env_json(&self) -> Value {
        self.sandbox.env_json()
    }

    pub fn log_path(&self) -> PathBuf {
        self.sandbox.root().join("fake-claude.log")
    }

    /// The program in its sandbox, for tests that speak to it over pipes.
    pub fn command(&self) -> Command {
        self.sandbox.command(self.path())
    }

    pub fn log(&self) -> FakeLog {
        FakeLog::read(&self.log_path())
    }

    /// Reads the log again and again until `holds`; the log as it then is. `time` grows with the load.
    ///
    /// # Panics
    /// When it does not hold within `time`.
    pub fn wait_for_log(&self, time: Duration, holds: impl Fn(&FakeLog) -> bool) -> FakeLog {
        let patience = Patience::new(time);
        loop {
            let log = self.log();
            if holds(&log) {
                return log;
            }
            assert!(
                !patience.is_over(),
                "not within {time:?}, more for the load; the log of fake-claude:\n{log:#?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The events of a `FAKE_CLAUDE_LOG` file, oldest first.
#[derive(Debug, Clone, Default)]
pub struct FakeLog {
    pub events: Vec<Value>,
}

impl FakeLog {
    /// A file that is not there yet is an empty log.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // A line that is just being written is not an event yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        FakeLog { events: whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect() }
    }

    pub fn of(&self, event: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |entry| entry["event"] == event)
    }

    /// How the latest start found its process: `argv`, `env`, `cwd`, `fds`, `ids`, `signals`.
    ///
    /// # Panics
    /// When it has not been started.
    pub fn start(&self) -> &Value {
        self.of("start").last().expect("fake-claude has been started")
    }

    pub fn starts(&self) -> usize {
        self.of("start").count()
    }

    /// The arguments of the latest start, without the program's name.
    pub fn argv(&self) -> Vec<String> {
        let argv = self.start()["argv"].as_array().map(Vec::as_slice).unwrap_or_default();
        argv.iter().skip(1).filter_map(|argument| Some(argument.as_str()?.to_owned())).collect()
    }

    pub fn env(&self, name: &str) -> Option<&str> {
        self.start()["env"][name].as_str()
    }

    pub fn pid(&self) -> u32 {
        self.start()["ids"]["pid"].as_u64().unwrap_or_default() as u32
    }

    /// The lines that the host wrote, as they came.
    pub fn lines(&self) -> Vec<&str> {
        self.of("line").filter_map(|entry| entry["text"].as_str()).collect()
    }

    /// The lines that are JSON.
    pub fn frames(&self) -> Vec<Value> {
        self.lines().iter().filter_map(|line| javascript::parse(line.as_bytes()).ok()).collect()
    }

    /// The user messages.
    pub fn prompts(&self) -> Vec<Value> {
        self.frames().into_iter().filter(|frame| frame["type"] == "user").collect()
    }

    /// The bodies of the host's control requests with that subtype.
    pub fn requests(&self, subtype: &str) -> Vec<Value> {
        let requests = self.frames().into_iter().filter(|frame| frame["type"] == "control_request");
        requests
            .map(|mut frame| frame["request"].take())
            .filter(|request| request["subtype"] == subtype)
            .collect()
    }

    /// The host's answers to requests of the CLI: the `response` members.
    pub fn responses(&self) -> Vec<Value> {
        let answers = self.frames().into_iter().filter(|frame| frame["type"] == "control_response");
        answers.map(|mut frame| frame["response"].take()).collect()
    }

    pub fn saw_eof(&self) -> bool {
        self.of("eof").next().is_some()
    }

    /// The code of the latest exit that was the stand-in's own (not a signal's).
    pub fn exit_code(&self) -> Option<i64> {
        self.of("exit").last()?["code"].as_i64()
    }

    /// Process ids of the grandchildren.
    pub fn spawned(&self) -> Vec<u32> {
        self.of("spawned").filter_map(|entry| Some(entry["pid"].as_u64()? as u32)).collect()
    }
}
