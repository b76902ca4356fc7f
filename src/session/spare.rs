//! A spare: a CLI that is started before anybody knows for which session, and becomes one when it is claimed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Client;
use super::connect::shorter;
use super::control::answer_of;
use super::life::{Call, Cause, Event};
use crate::dispatch::{Completion, Listener, Outcome, Waiter};
use crate::error::{Error, Result, Status};
use crate::options::{self, Features, Launch};
use crate::process;
use crate::protocol::members::top_level_value;
use crate::sessions::{self, store::resume::Source};
use crate::sync::lock;

/// Where spares wait, in the CLI's own folder: nothing of a project is there, or above it.
const FOLDER: &str = "spares";

/// What `initialize` of a spare confirmed holds for its session, and the answer to a claim does not repeat it.
const CONFIRMED: [&str; 7] = [
    "hooks_applied",
    "plugins_applied",
    "managed_settings_applied",
    "settings_applied",
    "disallowed_tools_applied",
    "mcp_servers_applied",
    "code_running_mcp_tools_applied",
];

pub(super) const REMEDY: &str =
    "the prompt was not sent: start this session with claude_client_connect in another client";

/// A claim on its way.
#[derive(Default)]
pub(super) struct Claiming {
    requests: Vec<Map<String, Value>>,
    completion: Option<Completion>,
    /// The CLI's answer to `claim_session`.
    reply: Option<String>,
}

impl Client {
    /// Starts the CLI as a spare. The reply is the answer to `initialize`.
    pub fn park(&self, completion: Completion) -> Result<()> {
        let _hold = self.hold()?;
        let features = Features { spare: true, ..self.features() };
        self.begin(&features, None, None, completion)
    }

    /// Makes a session of a spare. The prompt is sent once the CLI has accepted all of the claim.
    pub fn claim(
        &self,
        claim_json: &str,
        prompt: Option<&str>,
        limit: Option<Duration>,
        completion: Completion,
    ) -> Result<()> {
        let _hold = self.hold()?;
        self.check(Call::Claim)?;
        let first = self.first_prompt(prompt)?;
        let claim = options::Claim::parse(claim_json)?;
        let cwd = self.folder_of(&claim)?;
        let servers = self.mcp.announced().into_iter().map(|(name, _)| name).collect();
        let requests = claim.requests(&cwd, servers);
        let limit = shorter(limit, lock(&self.state).connect_limit);
        self.calls(Event::Claim { limit }, || {
            let mut state = lock(&self.state);
            state.claim = Claiming { requests, completion: Some(completion.accept()), reply: None };
            state.first = first;
            Ok(())
        })
    }

    /// Like [`Client::claim`], but waits until it completes.
    pub fn claim_wait(&self, claim_json: &str, prompt: Option<&str>, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.claim(claim_json, prompt, wait, self.completion(Listener::Wait(waiter.clone())))?;
        // The state machine enforces the deadline, and cleans up afterwards.
        waiter.wait(None).unwrap_or_else(|| Err(Error::new(Status::Timeout, "the claim took too long")))
    }

    /// The session's folder: that of the claim, else where [`Client::connect`] would have begun.
    fn folder_of(&self, claim: &options::Claim) -> Result<String> {
        let given = claim.cwd().or(self.options.cwd.as_deref());
        if !self.starts_here() {
            // Only the other machine knows its folders.
            return given.map(str::to_owned).ok_or_else(no_folder);
        }
        match given {
            Some(given) if given.starts_with('~') => Ok(given.to_owned()),
            given => {
                let path = absolute(Path::new(given.unwrap_or_default())).ok_or_else(no_folder)?;
                path.into_os_string().into_string().map_err(|_| no_folder())
            }
        }
    }

    /// A spare that is started here waits in a folder of the CLI's own; elsewhere it waits where the option `cwd` says.
    pub(super) async fn park_in_own_folder(&self, launch: &mut Launch) -> Result<()> {
        if !self.starts_here() {
            return Ok(());
        }
        let config_dir = Source::of(&launch.env).config_dir().and_then(absolute);
        let folder = config_dir.map(|path| path.join(FOLDER)).ok_or_else(no_config_dir)?;
        let owner = launch.user.as_deref().and_then(process::owner);
        let parked = folder.clone();
        let making = tokio::task::spawn_blocking(move || make_folder(&parked, owner));
        let made = making.await.map_err(|_| Error::new(Status::Closed, "the library is shutting down"))?;
        made.map_err(|cause| no_parking(&folder, &cause))?;
        launch.env.retain(|(name, _)| name != "PWD");
        launch.env.push(("PWD".into(), folder.clone().into_os_string()));
        launch.cwd = Some(folder);
        Ok(())
    }

    /// All requests are written at once: the CLI handles them in order, and refuses the claim if it refused what went ahead.
    pub(super) fn send_claim(&self) {
        let requests = std::mem::take(&mut lock(&self.state).claim.requests);
        let ask = |request: Map<String, Value>| {
            let subtype = request.get("subtype").and_then(Value::as_str).unwrap_or_default().to_owned();
            (subtype, self.ask(&request, None))
        };
        let asked: Vec<_> = requests.into_iter().map(ask).collect();
        let me = self.me.clone();
        let _ = self.spawn(async move {
            let mut outcome = Ok(());
            for (subtype, asked) in asked {
                let answer = answer_of(asked).await;
                let Some(client) = me.upgrade() else { return };
                let taken = answer.and_then(|reply| client.take_claim_reply(&subtype, reply));
                outcome = outcome.and(taken.map_err(|error| refused(&subtype, error)));
            }
            if let Some(client) = me.upgrade() {
                client.claim_answered(outcome);
            }
        });
    }

    fn take_claim_reply(&self, subtype: &str, reply: String) -> Result<()> {
        if subtype != "claim_session" {
            return Ok(());
        }
        let mut state = lock(&self.state);
        let parked = state.server_info.take().unwrap_or_default();
        state.server_info = Some(claimed_info(&parked, &reply));
        state.claim.reply = Some(reply);
        Ok(())
    }

    fn claim_answered(&self, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.happens(Event::Claimed),
            // The peer is ending: its end says why.
            Err(error) if error.status == Status::CliConnection => {
                self.fails(Cause::Write, error, Event::WriteFailed);
            }
            Err(error) => self.fails(Cause::Refused, error, Event::Refused),
        }
    }

    pub(super) fn complete_claim(&self) {
        let (completion, reply) = {
            let claim = &mut lock(&self.state).claim;
            (claim.completion.take(), claim.reply.take())
        };
        if let Some(completion) = completion {
            completion.complete(Ok(reply.unwrap_or_default()));
        }
    }

    pub(super) fn fail_claim(&self, cause: Option<Cause>) {
        let completion = lock(&self.state).claim.completion.take();
        let Some(completion) = completion else { return };
        let error = match (self.named(cause), cause) {
            (Some(named), _) => (*named).clone(),
            (None, None) => Error::new(Status::Cancelled, "the claim was cancelled: the session is closing"),
            (None, Some(_)) => Error::new(Status::Process, "Claude Code exited before it was claimed")
                .with("phase", "claim")
                .with("remedy", REMEDY),
        };
        completion.complete(Err(error));
    }
}

fn absolute(path: &Path) -> Option<PathBuf> {
    if path.is_absolute() {
        Some(path.to_owned())
    } else {
        std::env::current_dir().ok().map(|cwd| cwd.join(path))
    }
}

/// What does not exist yet is made for the CLI's user alone.
fn make_folder(path: &Path, owner: Option<(u32, u32)>) -> std::io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    sessions::create_folder(path)?;
    let Some((user, group)) = owner else { return Ok(()) };
    missing.into_iter().try_for_each(|path| sessions::give_to(path, user, group))
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    initialize: Option<&'a RawValue>,
}

/// The answer to `initialize` that describes the claimed session.
fn claimed_info(parked: &str, reply: &str) -> String {
    let initialize = serde_json::from_str::<Reply<'_>>(reply).ok().and_then(|reply| reply.initialize);
    let Some(claimed) = initialize.map(RawValue::get).filter(|text| text.ends_with('}')) else {
        return parked.to_owned();
    };
    let mut info = claimed[..claimed.len() - 1].trim_end().to_owned();
    let value = |text, name: &'static str| top_level_value(str::as_bytes(text), name.as_bytes());
    for name in CONFIRMED.into_iter().filter(|name| value(claimed, name).is_none()) {
        let was = |word: &&str| value(parked, name).is_some_and(|value| value.starts_with(word.as_bytes()));
        if let Some(word) = ["true", "false"].into_iter().find(was) {
            let comma = if info.ends_with('{') { "" } else { "," };
            info.push_str(&format!("{comma}\"{name}\":{word}"));
        }
    }
    info.push('}');
    info
}

/// Names the refusal for programs: the word with which the CLI begins, or what was refused.
fn refused(subtype: &str, mut error: Error) -> Error {
    if error.status != Status::Control {
        return error;
    }
    let word = error.message.split(':').next().unwrap_or_default();
    let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let reason = match subtype {
        "apply_flag_settings" => "settings_not_applied",
        "claim_session" if is_name => word,
        "claim_session" => "claim_failed",
        _ => "option_not_applied",
    };
    let reason = reason.to_owned();
    error.message = format!("the spare cannot become this session: {}", error.message);
    error.with("phase", "claim").with("reason", reason).with("remedy", REMEDY)
}

fn no_folder() -> Error {
    options::invalid(
        "/cwd",
        "the session needs a folder".to_owned(),
        "name one in the claim, or in the option cwd",
    )
}

fn no_config_dir() -> Error {
    Error::new(
        Status::InvalidOption,
        "there is no folder for a spare to wait in: neither HOME nor CLAUDE_CONFIG_DIR is set",
    )
    .with("pointer", "/config_dir")
    .with("remedy", "set the option config_dir, or HOME by the option env")
}

fn no_parking(folder: &Path, cause: &std::io::Error) -> Error {
    Error::new(Status::CliConnection, format!("the folder {} cannot be made: {cause}", folder.display()))
        .with("phase", "spawn")
        .with("remedy", "a spare waits in this folder: make it writable, or set the option config_dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_while_it_was_parked_stays_confirmed() {
        let parked = r#"{"hooks_applied":true,"models":["old"],"plugins_applied": true}"#;
        let reply = r#"{"status":"ok","initialize":{"models":["new"],"plugins_applied":false}}"#;
        let info = claimed_info(parked, reply);
        assert_eq!(info, r#"{"models":["new"],"plugins_applied":false,"hooks_applied":true}"#);
        assert_eq!(
            claimed_info(parked, r#"{"initialize":{}}"#),
            r#"{"hooks_applied":true,"plugins_applied":true}"#
        );
        assert_eq!(claimed_info(parked, r#"{"status":"ok"}"#), parked);
    }

    #[test]
    fn a_refusal_is_named_by_the_word_of_the_cli() {
        let reason = |subtype: &str, message: &str| {
            let error = refused(subtype, Error::new(Status::Control, message));
            error.detail("reason").and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(reason("claim_session", "cwd_not_found: no such"), Some("cwd_not_found".into()));
        assert_eq!(reason("claim_session", "Something broke: badly"), Some("claim_failed".into()));
        assert_eq!(reason("apply_flag_settings", "x: y"), Some("settings_not_applied".into()));
        assert_eq!(reason("set_model", "no"), Some("option_not_applied".into()));
    }
}
