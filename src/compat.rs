//! What an older CLI lacks: which versions are accepted, the flags that one may not know, and how it is started instead.

pub mod version;

use std::ffi::OsString;

use serde_json::{Value, json};

use crate::options::{AWAIT_CLAIM, Features, Launch, Options, child, table};
use version::CliVersion;

/// With these flags a CLI reads parts of initialize before it does anything else. One that does not know them exits at once,
/// and can be given the same data the older way.
const EARLY_FLAGS: [&str; 2] = ["--await-initialize", "--initialize-fields"];

/// Like those, but it has no replacement.
const MANAGED_SETTINGS: &str = "--managed-settings-in-initialize";

/// The unknown flag over which a CLI exited at once.
pub fn unknown_flag(stderr: &str) -> Option<&str> {
    let (_, behind) = stderr.split_once("unknown option '")?;
    let (word, _) = behind.split_once('\'')?;
    word.split('=').next()
}

/// Whether a CLI with this stderr exited over a flag that it can be launched without.
pub fn ended_over_early_flag(stderr: &str) -> bool {
    unknown_flag(stderr).is_some_and(|flag| EARLY_FLAGS.contains(&flag))
}

/// The registrations of the host, for a launch without early flags: plugins on the command line, MCP servers and settings in a
/// private descriptor.
pub fn older_way(features: Features) -> Features {
    Features { no_early_initialize: true, ..features }
}

/// Whether an older CLI can take this launch. Some options have no older way.
pub fn is_for_older_cli(launch: &Launch) -> bool {
    let is_early = |argument: &OsString| {
        let word = argument.to_string_lossy();
        EARLY_FLAGS.contains(&word.split('=').next().unwrap_or_default())
    };
    !launch.args.iter().any(is_early)
}

/// The warning for the host when a CLI is launched the older way, because it does not know this flag.
pub fn started_again(flag: &str) -> String {
    format!(
        "this CLI does not know {flag}: it is started again, with plugins on its command line, and MCP servers and settings in a \
         private descriptor"
    )
}

/// The remedy for a CLI that does not know this flag of ours, and the pointer of the option that caused it.
pub fn without_flag(options: &Options, flag: &str) -> (String, Option<String>) {
    if EARLY_FLAGS.contains(&flag) || flag == MANAGED_SETTINGS {
        return (without_early_flags(options), None);
    }
    if flag == AWAIT_CLAIM {
        return ("this CLI has no spares: update it, or use claude_client_connect".to_owned(), None);
    }
    let name = flag.trim_start_matches('-');
    let extra =
        options.get("extra_args").and_then(|flags| flags.get(name)).map(|_| child("/extra_args", name));
    let made = || {
        let row = table::rows().find(|row| row.makes(flag) && options.get(row.name).is_some());
        row.map(|row| child("", row.name))
    };
    match extra.or_else(made) {
        Some(pointer) => (format!("update the CLI, or leave out {pointer}"), Some(pointer)),
        None => ("update the CLI".to_owned(), None),
    }
}

fn without_early_flags(options: &Options) -> String {
    let ways = [
        ("plugins", "set plugin_delivery to \"argv\""),
        ("mcp_servers", "set mcp_servers_delivery to \"file\""),
        ("settings", "name a file of your own in settings"),
        ("sandbox", "name a file of your own in settings, with the sandbox in it"),
        ("managed_settings", "leave out managed_settings"),
    ];
    let used = ways.iter().filter(|(option, _)| options.get(option).is_some());
    let instead: Vec<&str> = used.map(|(_, way)| *way).collect();
    let remedy = "this CLI takes nothing early in initialize: update it".to_owned();
    if instead.is_empty() { remedy } else { format!("{remedy}, or {}", instead.join(" and ")) }
}

/// The events that warn the host of a version that is too old or known to be broken, and of options that this version does not
/// know yet.
pub fn warnings(options: &Options, version: CliVersion) -> Vec<Value> {
    let event = |text: String, remedy: String| json!({"event": "cli_version", "text": text, "version": version.to_string(), "remedy": remedy});
    let mut events = Vec::new();
    if let Some(text) = version::warning(version) {
        events.push(event(
            text,
            format!("install version {}: npm install -g @anthropic-ai/claude-code", version::TESTED),
        ));
    }
    for (option, since) in newer_options(options, version) {
        let text = format!("the option {option} needs Claude Code {since}: {version} ignores it");
        let mut event = event(text, format!("update the CLI, or leave out {option}"));
        event["pointer"] = format!("/{option}").into();
        events.push(event);
    }
    events
}

/// The options in use that this version does not know, with the first version that does.
fn newer_options(
    options: &Options,
    version: CliVersion,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_newer = move |since: &str| CliVersion::parse(since).is_some_and(|since| since > version);
    let is_set = |name: &str| options.get(name).is_some_and(|value| *value != false);
    table::rows()
        .filter(move |row| is_newer(row.since_cli) && is_set(row.name))
        .map(|row| (row.name, row.since_cli))
}
