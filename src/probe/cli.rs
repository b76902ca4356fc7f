//! The CLI itself: where it is, whether it starts, and its version.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::{Report, Subject, variable};
use crate::compat::version::{self, CliVersion, Verdict};
use crate::process::{self, Command, Exit, FailureKind, Stream};
use crate::session::command;
use crate::transport::find_cli::{self, Found, Origin};

/// More than any CLI prints for its version.
const LONGEST_OUTPUT: usize = 64 << 10;

/// How long to wait for the process to exit after the end of its output.
const EXIT_GRACE: Duration = Duration::from_secs(5);

const INSTALL: &str = "install it with: npm install -g @anthropic-ai/claude-code, or name its place with the option \
                       cli_path or the variable CLAUDE_CLIENT_CLI";

/// The program to be asked for its version.
pub struct Start {
    command: Command,
    /// The first line for stdin, if a launcher needs it.
    first_line: Option<Vec<u8>>,
}

pub fn find(report: &mut Report, subject: &Subject) -> Option<Start> {
    if subject.options.replay.is_some() {
        report.info("cli_found", "the option replay is set: a record is played, and no CLI is started");
        return None;
    }
    let launch = &subject.launch;
    let found = match &launch.launcher {
        None => find_cli::find(launch.cli_path.as_deref(), &subject.host).map(Some),
        Some(_) => Ok(None),
    };
    let version = || command(launch.clone(), &subject.host, vec![OsString::from("--version")]);
    let started = found.and_then(|found| Ok((found, version()?)));
    let (found, (command, first_line)) = match started {
        Ok(started) => started,
        Err(error) => {
            let searched = error.detail("searched").and_then(Value::as_array).cloned().unwrap_or_default();
            let searched: Vec<&str> = searched.iter().filter_map(Value::as_str).collect();
            report.set("cli", json!({"path": null, "searched": places(subject, None, &searched)}));
            let remedy = error.detail("remedy").and_then(Value::as_str).unwrap_or(INSTALL);
            report.error("cli_found", error.message.clone(), remedy);
            return None;
        }
    };
    match &found {
        Some(found) => describe(report, subject, found),
        None => {
            report.set("cli", json!({"path": command.program, "launcher": launch.launcher}));
            report.info("cli_found", format!("the CLI is started by {}", command.program.display()));
        }
    }
    Some(Start { command, first_line })
}

fn describe(report: &mut Report, subject: &Subject, found: &Found) {
    let (name, why) = names(found.origin);
    let searched: Vec<&str> = found.searched.iter().map(String::as_str).collect();
    report.set(
        "cli",
        json!({
            "path": found.path,
            "origin": name,
            "searched": places(subject, Some(found.origin), &searched),
        }),
    );
    report.ok("cli_found", format!("Claude Code is {} ({why})", found.path.display()));
}

fn names(origin: Origin) -> (&'static str, &'static str) {
    match origin {
        Origin::Option => ("option", "the option cli_path names it"),
        Origin::Variable => ("variable", "the variable CLAUDE_CLIENT_CLI names it"),
        Origin::Path => ("path", "found in PATH"),
        Origin::KnownPlace => ("known_place", "found where installers put it"),
    }
}

/// The places in search order, each with the reason why it was searched.
fn places(subject: &Subject, origin: Option<Origin>, searched: &[&str]) -> Vec<Value> {
    let named = match origin {
        Some(origin @ (Origin::Option | Origin::Variable)) => Some(names(origin).0),
        _ if subject.launch.cli_path.is_some() => Some("option"),
        _ if variable(&subject.host, find_cli::CLI_VARIABLE).is_some() => Some("variable"),
        _ => None,
    };
    let path = variable(&subject.host, "PATH").map(std::env::split_paths);
    let in_path: Vec<PathBuf> = path.into_iter().flatten().collect();
    let why = |place: &str| {
        let folder = Path::new(place).parent();
        named.unwrap_or_else(|| match folder {
            Some(folder) if in_path.iter().any(|entry| entry == folder) => "path",
            _ => "known_place",
        })
    };
    searched.iter().map(|place| json!({"place": place, "why": why(place)})).collect()
}

/// Runs the CLI to get its version; doing so writes nothing.
pub async fn ask_version(report: &mut Report, start: Start, until: Instant) {
    let program = start.command.program.clone();
    let spawned = match process::spawn(start.command).await {
        Ok(Ok(spawned)) => spawned,
        Ok(Err(failure)) => {
            let remedy = match failure.kind {
                FailureKind::NotFound => INSTALL,
                FailureKind::CwdMissing => "correct the option cwd",
                FailureKind::UserUnknown => "correct the option user",
                _ => "follow the message, or name another CLI in the option cli_path",
            };
            return report.error("cli_start", failure.message, remedy);
        }
        Err(_) => return report.error("cli_start", "the library is shutting down", "probe again later"),
    };
    // A process that waits for input sees its end.
    match &start.first_line {
        None => drop(spawned.stdin),
        Some(line) => give(spawned.stdin, line).await,
    }
    let outcome = timeout_at(until.into(), async {
        let (output, errors) = tokio::join!(read(spawned.stdout), read(spawned.stderr));
        let mut exited = spawned.process.exited();
        let exit = tokio::time::timeout(EXIT_GRACE, exited.wait_for(Option::is_some)).await;
        let exit = exit.ok().and_then(Result::ok).and_then(|exit| *exit);
        (output, errors, exit)
    });
    let outcome = outcome.await;
    spawned.process.kill_tree();
    match outcome {
        Err(_) => report.error(
            "cli_start",
            format!("{} did not say its version in time", program.display()),
            "give claude_probe more time; run it with --version in a terminal to see what it waits for",
        ),
        Ok((output, errors, exit)) => judge(report, &program, &output, &errors, exit),
    }
}

/// A new stream accepts this much at once.
#[cfg(unix)]
async fn give(stdin: Stream, line: &[u8]) {
    let _ = process::send(&stdin, line);
}

#[cfg(windows)]
async fn give(stdin: Stream, line: &[u8]) {
    let Ok(pipe) = process::receiver(stdin) else { return };
    if pipe.writable().await.is_ok() {
        let _ = pipe.try_write(line);
    }
}

async fn read(pipe: Stream) -> String {
    let Ok(pipe) = process::receiver(pipe) else { return String::new() };
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST_OUTPUT && pipe.readable().await.is_ok() {
        match pipe.try_read_buf(&mut bytes) {
            Ok(0) => break,
            Err(cause) if cause.kind() != std::io::ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn judge(report: &mut Report, program: &Path, output: &str, errors: &str, exit: Option<Exit>) {
    let version = CliVersion::parse(output);
    let failed = matches!(exit, Some(Exit::Code(1..) | Exit::Signal(_)));
    if version.is_none() && failed {
        let last = errors.lines().chain(output.lines()).map(str::trim).rfind(|line| !line.is_empty());
        let message =
            format!("{} --version {}: {}", program.display(), ended(exit), last.unwrap_or("no output"));
        return match missing_interpreter(exit, errors) {
            Some(name) => report.error(
                "cli_interpreter",
                format!("{} is a script, and {name}, which it needs, is not in PATH", program.display()),
                "put its folder into PATH with the option env, or install the native build of the CLI",
            ),
            None => report.error(
                "cli_start",
                message,
                "run it in a terminal, and install it again if that fails too",
            ),
        };
    }
    if let Some(Value::Object(cli)) = report.members.get_mut("cli") {
        cli.insert("version".into(), version.map(|version| version.to_string()).into());
    }
    judge_version(report, version, output);
}

fn ended(exit: Option<Exit>) -> String {
    match exit {
        Some(Exit::Code(code)) => format!("exited with code {code}"),
        Some(Exit::Signal(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".to_owned(),
    }
}

/// `env` in the first line of a script reports a program missing from PATH with this code and its name.
fn missing_interpreter(exit: Option<Exit>, errors: &str) -> Option<String> {
    if exit != Some(Exit::Code(127)) {
        return None;
    }
    let line = errors.lines().find(|line| line.contains("env:"))?;
    let name = line.split("env:").nth(1)?.split(':').next()?.trim();
    Some(name.trim_matches(['\'', '"', '‘', '’', '`']).to_owned()).filter(|name| !name.is_empty())
}

fn judge_version(report: &mut Report, version: Option<CliVersion>, output: &str) {
    let Some(version) = version else {
        let shown: String = output.trim().chars().take(100).collect();
        return report.warning(
            "cli_version",
            format!("the CLI's version cannot be read from {shown:?}"),
            "check that the program is Claude Code",
        );
    };
    let (tested, minimum) = (version::TESTED, version::MINIMUM);
    let update = format!("install version {tested}: npm install -g @anthropic-ai/claude-code@{tested}");
    match version::judge(version) {
        Verdict::Tested => report.ok("cli_version", format!("version {version} is the tested one")),
        Verdict::Supported => {
            report.ok("cli_version", format!("version {version} is supported ({minimum} to {tested})"));
        }
        Verdict::Newer => {
            report.info("cli_version", format!("version {version} is newer than {tested}, which is tested"));
        }
        Verdict::TooOld => report.error(
            "cli_version",
            format!("version {version} is too old: {minimum} is the oldest that is supported"),
            &update,
        ),
        Verdict::KnownBad(what) => {
            report.warning("cli_version", format!("version {version} is known to be broken: {what}"), &update)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_interpreter_is_named() {
        let code = |code| Some(Exit::Code(code));
        let gnu = "/usr/bin/env: ‘node’: No such file or directory\n";
        assert_eq!(missing_interpreter(code(127), gnu).as_deref(), Some("node"));
        assert_eq!(
            missing_interpreter(code(127), "env: node: No such file or directory").as_deref(),
            Some("node")
        );
        assert_eq!(missing_interpreter(code(1), gnu), None);
        assert_eq!(missing_interpreter(code(127), "sh: x: not found"), None);
    }
}
