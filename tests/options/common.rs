//! Shared by the tests of the options: what a launch looks like, as JSON and without what every launch has.
#![allow(dead_code)]

use std::ffi::OsString;

use claude_client::error::Error;
use claude_client::options::{Features, Launch, Options, Platform, parse};
use serde_json::{Map, Value, json};

/// The host's environment of the golden cases.
pub const HOST: &[(&str, &str)] = &[("PATH", "/usr/bin"), ("HOME", "/home/user"), ("CLAUDECODE", "1")];

pub fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

pub fn launch(options: &Value) -> Launch {
    launch_with(options, &Features::default()).unwrap()
}

pub fn launch_with(options: &Value, features: &Features) -> Result<Launch, Error> {
    parse(&options.to_string())?.launch_on(Platform::Unix, features, &environment(HOST))
}

pub fn args(launch: &Launch) -> Vec<&str> {
    launch.args.iter().map(|arg| arg.to_str().unwrap()).collect()
}

pub fn variable<'a>(launch: &'a Launch, name: &str) -> Option<&'a str> {
    launch.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
}

/// The error for this document, at parsing or at launch.
pub fn failure(options: &str, features: &Features) -> Error {
    let outcome = parse(options).and_then(|o| o.launch_on(Platform::Unix, features, &environment(HOST)));
    outcome.err().unwrap_or_else(|| panic!("accepted: {options}"))
}

pub fn pointer(error: &Error) -> &str {
    error.detail("pointer").and_then(Value::as_str).unwrap_or("none")
}

/// Everything that a document leads to, by where it goes.
pub fn view(options: &Options, launch: &Launch) -> Map<String, Value> {
    let env: Map<String, Value> = launch
        .env
        .iter()
        .map(|(name, value)| (name.to_str().unwrap().to_owned(), value.to_str().unwrap().into()))
        .collect();
    let files: Vec<Value> = launch
        .private_files
        .iter()
        .map(|file| json!({"flag": file.flag, "name": file.name, "contents": file.contents}))
        .collect();
    let all = json!({
        "args": args(launch)[5..],
        "env": env,
        "initialize": launch.initialize,
        "private_files": files,
        "must_be_applied": launch.must_be_applied,
        "warnings": launch.warnings,
        "host": host(options, launch),
    });
    all.as_object().unwrap().clone()
}

fn host(options: &Options, launch: &Launch) -> Value {
    json!({
        "cli_path": launch.cli_path,
        "cwd": launch.cwd,
        "user": launch.user,
        "launcher": launch.launcher,
        "connect_timeout": launch.connect_timeout.as_millis(),
        "control_timeout": options.control_timeout.as_millis(),
        "graceful_exit_timeout": options.graceful_exit_timeout.as_millis(),
        "terminate_timeout": options.terminate_timeout.as_millis(),
        "stalled_after": options.stalled_after.as_millis(),
        "long_turn_after": options.long_turn_after.as_millis(),
        "max_message_bytes": options.max_message_bytes,
        "max_queue_bytes": options.max_queue_bytes,
        "stderr_tail_bytes": options.stderr_tail_bytes,
        "request_timeout": options.request_timeout.map(|time| time.as_millis()),
        "request_timeout_is_error": options.request_timeout_is_error,
        "validate_json": options.validate_json,
        "text_deltas": options.text_deltas,
        "turn_events": options.turn_events,
        "verbatim_prompts": options.verbatim_prompts,
        "record": options.record.as_ref().map(|r| json!({"path": r.path, "redact": r.redact, "fsync": r.fsync})),
        "replay": options.replay.as_ref().map(
            |r| json!({"path": r.path, "recorded_speed": r.recorded_speed, "strict": r.strict})),
    })
}

/// What `changed` has and `base` has not; members that are gone are null.
pub fn difference(base: &Map<String, Value>, changed: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in changed {
        match (base.get(name), value) {
            (Some(known), _) if known == value => {}
            (Some(Value::Object(known)), Value::Object(value)) => {
                out.insert(name.clone(), difference(known, value).into());
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    for name in base.keys().filter(|name| !changed.contains_key(*name)) {
        out.insert(name.clone(), Value::Null);
    }
    out
}
