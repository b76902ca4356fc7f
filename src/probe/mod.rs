//! What a session with these options would start, and what prevents it. No session is started.

mod cli;
mod folders;
mod login;
mod surroundings;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::time::timeout_at;

use crate::compat::version;
use crate::error::{Error, Result, Status};
use crate::options::{self, Features, Launch, Options, is_variable};
use crate::runtime;
use crate::session::{Environment, host_environment};

/// The limit for a host that waits "forever".
const MAX_WAIT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ok,
    Info,
    Warning,
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// The report under construction.
#[derive(Default)]
struct Report {
    findings: Vec<(Level, Value)>,
    members: Map<String, Value>,
}

impl Report {
    fn add(&mut self, id: &str, level: Level, message: impl Into<String>, remedy: Option<&str>) {
        let finding = json!({"id": id, "level": level.name(), "message": message.into(), "remedy": remedy});
        self.findings.push((level, finding));
    }

    fn ok(&mut self, id: &str, message: impl Into<String>) {
        self.add(id, Level::Ok, message, None);
    }

    fn info(&mut self, id: &str, message: impl Into<String>) {
        self.add(id, Level::Info, message, None);
    }

    fn warning(&mut self, id: &str, message: impl Into<String>, remedy: &str) {
        self.add(id, Level::Warning, message, Some(remedy));
    }

    fn error(&mut self, id: &str, message: impl Into<String>, remedy: &str) {
        self.add(id, Level::Error, message, Some(remedy));
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    fn document(self) -> String {
        let worst = self.findings.iter().map(|(level, _)| *level).max().unwrap_or(Level::Ok);
        let mut document = Map::new();
        document.insert("ok".into(), (worst < Level::Error).into());
        document.insert("worst".into(), worst.name().into());
        document.extend(self.members);
        let findings: Vec<Value> = self.findings.into_iter().map(|(_, finding)| finding).collect();
        document.insert("findings".into(), findings.into());
        Value::Object(document).to_string()
    }
}

/// What a start would work with.
struct Subject {
    options: Options,
    launch: Launch,
    host: Environment,
}

impl Subject {
    /// A variable as the CLI will see it; empty counts as unset.
    fn variable(&self, name: &str) -> Option<&OsStr> {
        variable(&self.launch.env, name)
    }

    fn path_of(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }

    /// Whether files here may differ from those that the CLI sees.
    fn is_remote(&self) -> bool {
        self.launch.launcher.is_some()
    }
}

fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    let found = environment.iter().rev().find(|(known, _)| is_variable(known, name));
    found.map(|(_, value)| value.as_os_str()).filter(|value| !value.is_empty())
}

/// The report on a start with these options, as JSON. `wait` = `None`: as long as it takes, within reason.
pub fn probe(options_json: &str, wait: Option<Duration>) -> Result<String> {
    let options = options::parse(options_json)?;
    let until = Instant::now() + wait.unwrap_or(MAX_WAIT).min(MAX_WAIT);
    let (sender, receiver) = mpsc::channel();
    // The work is a task, so that its threads and processes are the library's own, and end with it.
    runtime::spawn(async move {
        let _ = sender.send(look(options, until).await);
    })?;
    receiver.recv().unwrap_or_else(|_| Err(Error::new(Status::Closed, "the library is shutting down")))
}

async fn look(options: Options, until: Instant) -> Result<String> {
    let looking = tokio::task::spawn_blocking(move || look_around(options));
    let late = |_| {
        Error::new(Status::Timeout, "the disk did not answer in time")
            .with("phase", "probe")
            .with("remedy", "look for folders in PATH or HOME that lie on a slow network drive")
    };
    let looked = timeout_at(until.into(), looking).await.map_err(late)?;
    let (mut report, start) =
        looked.map_err(|_| Error::new(Status::Closed, "the library is shutting down"))?;
    if let Some(start) = start {
        cli::ask_version(&mut report, start, until).await;
    }
    Ok(report.document())
}

/// Everything that the disk and the environment show. The second part is the start of the CLI, if there is one to start.
fn look_around(options: Options) -> (Report, Option<cli::Start>) {
    let mut report = Report::default();
    let host = host_environment();
    report.set(
        "library",
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "tested_cli_version": version::TESTED,
            "minimum_cli_version": version::MINIMUM,
        }),
    );
    let launch = match options.launch(&Features::default(), &host) {
        Ok(launch) => launch,
        Err(error) => {
            let remedy = error.detail("remedy").and_then(Value::as_str).unwrap_or("correct the options");
            report.error("options", error.message.clone(), remedy);
            return (report, None);
        }
    };
    for warning in &launch.warnings {
        report.warning("options", warning.clone(), "correct the options");
    }
    let subject = Subject { options, launch, host };
    let start = cli::find(&mut report, &subject);
    surroundings::check(&mut report, &subject);
    folders::check(&mut report, &subject);
    login::check(&mut report, &subject);
    (report, start)
}
