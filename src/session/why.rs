//! Why a session ended: the error kept when it failed, or what is known of its end.

use std::sync::Arc;

use super::life::{Cause, KILL_TAKES};
use super::{Client, exit_cause};
use crate::compat;
use crate::error::{Error, Status};
use crate::log;
use crate::options::bypass;
use crate::process::Exit;
use crate::sync::lock;
use crate::transport::{End, ExitReport};

impl Client {
    /// Keeps an error for a later report. It is kept before its event is fed.
    pub(super) fn keep(&self, cause: Cause, error: Error) {
        let mut state = lock(&self.state);
        if !state.kept.iter().any(|(kept, _)| *kept == cause) {
            state.kept.push((cause, Arc::new(error)));
        }
    }

    pub(super) fn kept(&self, cause: Cause) -> Option<Arc<Error>> {
        let state = lock(&self.state);
        let kept = state.kept.iter().find(|(kept, _)| *kept == cause);
        kept.map(|(_, error)| error.clone()).or_else(|| without_words(cause).map(Arc::new))
    }

    /// From now on calls fail with this cause, as far as it is already known.
    pub(super) fn note_cause(&self, cause: Option<Cause>) {
        let error = match cause {
            None | Some(Cause::Ended | Cause::Abandoned) => None,
            Some(Cause::ConnectTimeout) => Some(Arc::new(self.connect_timed_out())),
            Some(cause) => self.kept(cause),
        };
        if let Some(error) = error {
            lock(&self.state).cause.get_or_insert(error);
        }
    }

    /// The final error for a cause; `None` if the session ended normally.
    pub(super) fn named(&self, cause: Option<Cause>) -> Option<Arc<Error>> {
        let known = lock(&self.state).cause.clone();
        if known.is_some() {
            return known;
        }
        match cause {
            Some(Cause::Ended | Cause::Abandoned) => {
                let end = self.end(cause == Some(Cause::Abandoned));
                let error = self.why_it_ended(&end).map(Arc::new);
                lock(&self.state).cause.clone_from(&error);
                error
            }
            cause => {
                self.note_cause(cause);
                lock(&self.state).cause.clone()
            }
        }
    }

    /// What the transport has reported about its end.
    fn end(&self, abandoned: bool) -> End {
        let (report, stderr) = {
            let state = lock(&self.state);
            (state.ends.report.clone(), state.ends.stderr.clone())
        };
        let mut report = report.unwrap_or_else(|| ExitReport::new(Exit::Unknown));
        report.abandoned |= abandoned;
        let so_far = || self.transport().map(|transport| transport.stderr());
        End { report, stderr: stderr.or_else(so_far).unwrap_or_default() }
    }

    fn why_it_ended(&self, end: &End) -> Option<Error> {
        let turn = exit_cause::Turn {
            runs: self.turn_in_progress().is_some(),
            owed: self.owes_result(),
            input_ended: self.input_ended(),
        };
        let (cause, connecting) = {
            let state = lock(&self.state);
            (exit_cause::cause(end, &state, turn), state.server_info.is_none())
        };
        cause.map(|error| self.explained(error, end, connecting))
    }

    /// A CLI that is too old for its arguments only reports which word it does not know.
    fn explained(&self, mut error: Error, end: &End, connecting: bool) -> Error {
        if connecting && bypass::is_refusal(&end.stderr) {
            let pointer = bypass::pointer(&self.options);
            return error.with_opt("pointer", pointer).with("remedy", bypass::REMEDY);
        }
        if !connecting && error.status == Status::Process && self.every_prompt_is_answered() {
            error.message += "; every prompt had its result by then";
            return error.with("answered", true).with(
                "remedy",
                "the results that were delivered stand; the option resume continues the conversation",
            );
        }
        match compat::unknown_flag(&end.stderr).filter(|_| connecting) {
            Some(flag) => {
                let (remedy, pointer) = compat::without_flag(&self.options, flag);
                error.with_opt("pointer", pointer).with("remedy", remedy)
            }
            None => error,
        }
    }

    fn connect_timed_out(&self) -> Error {
        let transport = self.transport();
        let stderr = transport.as_ref().map(|transport| transport.stderr()).filter(|text| !text.is_empty());
        let (cli_path, argv, stdout, parked) = {
            let state = lock(&self.state);
            (
                state.cli_path.clone(),
                state.argv.clone(),
                exit_cause::output(&state),
                state.server_info.is_some(),
            )
        };
        let (phase, message) = match transport.is_some() {
            _ if parked => ("claim", "the CLI did not answer the claim in time"),
            true => ("initialize", "the CLI did not become ready in time"),
            false => ("spawn", "the CLI did not become ready in time"),
        };
        let remedy = match &stdout {
            _ if parked => super::spare::REMEDY,
            Some(_) => {
                "see stdout for what the CLI, or whatever starts it, has written in place of an answer: only the CLI's \
                 messages belong there, and nobody answers questions there"
            }
            None => {
                "raise the option connect_timeout_ms, and timeout_ms where the call waits; MCP servers that start slowly \
                 count as well"
            }
        };
        Error::new(Status::Timeout, message)
            .with("phase", phase)
            .with_opt("cli_path", cli_path)
            .with_opt("argv", argv)
            .with_opt("stderr", stderr)
            .with_opt("stdout", stdout)
            .with("remedy", remedy)
    }

    /// The process could not be ended: its end is no longer awaited, and its entry is left to the system.
    pub(super) fn lives_on(&self, why: Error) {
        log::warning(|| why.message.clone());
        self.keep(Cause::LivesOn, why);
    }
}

/// The errors for causes that need no further details.
fn without_words(cause: Cause) -> Option<Error> {
    let error = match cause {
        Cause::EndedEarly => Error::new(Status::CliConnection, "the transport ended before it was ready")
            .with("phase", "connect"),
        Cause::TurnOverdue => {
            Error::new(Status::Timeout, "the turn did not end after an interrupt; the CLI was ended")
                .with("phase", "interrupt")
                .with("remedy", "continue the conversation in another client by the option resume")
        }
        Cause::LaunchHangs => Error::new(
            Status::Process,
            "the start of the CLI was given up and has not come back",
        )
        .with("phase", "disconnect")
        .with(
            "remedy",
            "look whether the disk or the network drive with the CLI and the files of the options answers",
        ),
        Cause::LivesOn => Error::new(
            Status::Process,
            format!("the CLI was killed and has not ended in {} s", KILL_TAKES / 1000),
        )
        .with("phase", "disconnect")
        .with("remedy", "look at its state with ps: state D waits for a disk or a network drive"),
        Cause::Launch => Error::new(Status::Closed, "the library is shutting down"),
        _ => return None,
    };
    Some(error)
}
