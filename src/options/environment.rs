//! The environment of the process.

use std::ffi::{OsStr, OsString};

use serde_json::Value;

use super::checked::Options;
use super::platform::Platform;
use super::row::To;
use super::table::rows;

/// Host variables that are not inherited in `overlay` mode: the marks that a running session leaves in the
/// environment of its tools. A host started from one would otherwise pass for part of it: the CLI would not
/// save its transcript, would talk to the other session's editor, or would take itself for that session's
/// background job. The list is short on purpose: accounts, endpoints and feature switches belong to the user
/// and stay.
pub const DENY_LIST: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_KIND",
    "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_STARTER_MAY_HOLD_CONNECTOR_FILE",
    "CLAUDE_CODE_BRIDGE_SESSION_ID",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_JOB_DIR",
    "CLAUDE_PID",
    "CLAUDE_EFFORT",
];

/// These describe who started a CLI, and are never true of the one started here. The entry point stays unset:
/// the CLI takes an unknown value for a person at a terminal, and reports `sdk-cli` by itself when it is unset.
pub const OF_ANOTHER_START: &[&str] =
    &["CLAUDE_CODE_ENTRYPOINT", CLIENT_APP, "CLAUDE_AGENT_SDK_DERIVED_CLIENT_APP"];

/// How the API identifies the calling program: `client-app/…` in the user agent.
const CLIENT_APP: &str = "CLAUDE_AGENT_SDK_CLIENT_APP";
const OWN_NAME: &str = concat!("claude-client/", env!("CARGO_PKG_VERSION"));
const READS_STATE: &str = "CLAUDE_CODE_SDK_READS_SESSION_STATE";
const STREAM_CLOSE: &str = "CLAUDE_CODE_STREAM_CLOSE_TIMEOUT";

/// Variables in order; names are case-insensitive on Windows.
struct Variables {
    all: Vec<(OsString, OsString)>,
    platform: Platform,
}

impl Variables {
    fn remove(&mut self, name: impl AsRef<OsStr>) {
        let (name, platform) = (name.as_ref(), self.platform);
        self.all.retain(|(known, _)| !same(known, name, platform));
    }

    fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        let platform = self.platform;
        let Some(first) = self.all.iter().position(|(known, _)| same(known, &name, platform)) else {
            return self.all.push((name, value.into()));
        };
        self.all[first].1 = value.into();
        // If the host has a variable twice, its old value must not survive: not every program takes the first one.
        let mut at = 0;
        self.all.retain(|(known, _)| {
            at += 1;
            at <= first + 1 || !same(known, &name, platform)
        });
    }

    fn has_in_any_case(&self, name: &str) -> bool {
        self.all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(known, _)| same(known, name.as_ref(), self.platform))
    }
}

fn same(a: &OsStr, b: &OsStr, platform: Platform) -> bool {
    a == b || (platform == Platform::Windows && a.eq_ignore_ascii_case(b))
}

/// The complete environment of the process, and warnings about it.
pub fn build(
    options: &Options,
    host: &[(OsString, OsString)],
    platform: Platform,
    warnings: &mut Vec<String>,
) -> Vec<(OsString, OsString)> {
    let mode = options.text("env_mode").unwrap_or("overlay");
    let mut variables = Variables { all: Vec::with_capacity(host.len() + 8), platform };
    // Copied as is: looking for duplicate names would cost more than everything else here.
    let inherited = host.iter().filter(|(name, _)| mode != "only" || needed_by_system(name, platform));
    variables.all.extend(inherited.cloned());
    if mode == "overlay" {
        DENY_LIST.iter().for_each(|name| variables.remove(name));
    }
    OF_ANOTHER_START.iter().for_each(|name| variables.remove(name));
    variables.set(CLIENT_APP, OWN_NAME);
    if options.is_true("hermetic") {
        // These notes belong to no setting source, so they would always be loaded.
        variables.set("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1");
    }
    trace_context(options, &mut variables);
    let explicit = options.get("env").and_then(Value::as_object);
    for (name, value) in explicit.into_iter().flatten() {
        match value.as_str() {
            Some(text) => variables.set(name, text),
            None => variables.remove(name),
        }
    }
    set_by_options(options, &mut variables);
    variables.set("CLAUDE_AGENT_SDK_VERSION", env!("CARGO_PKG_VERSION"));
    if !variables.has_in_any_case(READS_STATE) {
        variables.set(READS_STATE, "1");
    }
    if let Some(cwd) = &options.cwd {
        variables.set("PWD", cwd);
    }
    if mode == "only" && platform == Platform::Unix && !variables.has("HOME") {
        warnings.push(
            "env_mode is only and env has no HOME: the CLI falls back to the account's home folder".into(),
        );
    }
    variables.all
}

/// Variables that are set or removed regardless of the host's environment. Without `PWD`, which the shell sets.
pub fn own(options: &Options) -> Vec<(OsString, Option<OsString>)> {
    let set = build(options, &[], Platform::Unix, &mut Vec::new());
    let explicit = options.get("env").and_then(Value::as_object).into_iter().flatten();
    let removed = explicit.filter(|(_, value)| value.is_null()).map(|(name, _)| OsString::from(name));
    let removed: Vec<OsString> = removed.filter(|name| !set.iter().any(|(known, _)| known == name)).collect();
    let set = set.into_iter().filter(|(name, _)| name != "PWD").map(|(name, value)| (name, Some(value)));
    set.chain(removed.into_iter().map(|name| (name, None))).collect()
}

/// Windows programs cannot open a socket without this one.
fn needed_by_system(name: &OsStr, platform: Platform) -> bool {
    platform == Platform::Windows && name.eq_ignore_ascii_case("SystemRoot")
}

fn trace_context(options: &Options, variables: &mut Variables) {
    let Some(context) = options.get("trace_context") else { return };
    for (member, name) in [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")] {
        // An inherited half would belong to another trace.
        variables.remove(name);
        if let Some(text) = context.get(member).and_then(Value::as_str) {
            variables.set(name, text);
        }
    }
}

/// Variables that have an option of their own, which takes precedence over `env`.
fn set_by_options(options: &Options, variables: &mut Variables) {
    for row in rows() {
        let To::Env(variable, text) = row.to else { continue };
        match options.get(row.name) {
            Some(Value::Bool(true)) => variables.set(variable, text),
            Some(Value::String(text)) => variables.set(variable, text),
            _ => {}
        }
    }
    let format = options.get("tool_config").and_then(|c| c.pointer("/ask_user_question/preview_format"));
    if let Some(format) = format.and_then(Value::as_str) {
        variables.set("CLAUDE_CODE_QUESTION_PREVIEW_FORMAT", format);
    }
}

/// The connect timeout in ms: the option, or 60 s, or the official SDKs' variable if that is more.
pub fn connect_timeout(options: &Options, host: &[(OsString, OsString)], warnings: &mut Vec<String>) -> u64 {
    if let Some(given) = options.connect_timeout {
        return u64::try_from(given.as_millis()).unwrap_or(u64::MAX);
    }
    let Some((_, text)) = host.iter().find(|(name, _)| name == STREAM_CLOSE) else { return 60_000 };
    match text.to_str().and_then(|text| text.trim().parse::<u64>().ok()) {
        Some(ms) => ms.max(60_000),
        None => {
            warnings.push(format!("{STREAM_CLOSE} is not a whole number of milliseconds and is ignored"));
            60_000
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_host_has_twice_is_set_once_and_removed_whole() {
        let host: Vec<(OsString, OsString)> =
            [("API", "old"), ("PATH", "/bin"), ("API", "older"), ("GONE", "a"), ("GONE", "b")]
                .map(|(name, value)| (name.into(), value.into()))
                .to_vec();
        let options = crate::options::parse(r#"{"env": {"API": "new", "GONE": null}}"#).unwrap();
        let made = build(&options, &host, Platform::Unix, &mut Vec::new());
        let values = |name: &str| -> Vec<&OsString> {
            made.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
        };
        assert_eq!(values("API"), ["new"]);
        assert!(values("GONE").is_empty());
        assert_eq!(values("PATH"), ["/bin"]);
    }
}
