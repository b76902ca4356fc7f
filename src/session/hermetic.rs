//! Verifies that a hermetic session is hermetic: compares what the CLI reports as loaded with what it was given.
//!
//! Switches of the CLI have failed silently before, so its own report is the proof: `system/init` at the start of each
//! turn, and the frames that a hook or a recalled memory leaves behind.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock};

use serde_json::{Map, Value, json};

use super::Client;
use crate::compat::version;
use crate::options::Options;
use crate::protocol::members::top_level_string;
use crate::protocol::tolerant;
use crate::sync::{lock, ranked};

const REMEDY: &str = "give the option config_dir a folder of its own, and report the CLI's version to its makers: a \
                      switch that it was given had no effect";

/// How many findings are reported, and how much of their names: the CLI controls both.
const MOST_REPORTED: usize = 256;
const LONGEST_NAME: usize = 256;

/// Something that should not have been loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Foreign {
    kind: &'static str,
    name: String,
    source: Option<String>,
}

/// The state of the hermetic check.
#[derive(Default)]
pub struct Hermetic {
    /// The in-process servers that `initialize` announced.
    sdk_servers: OnceLock<Vec<String>>,
    /// `init` comes with every turn, but each finding is reported once.
    reported: Mutex<HashSet<Foreign>>,
}

ranked!(HashSet<Foreign>: Leaf);

impl Hermetic {
    pub fn configure(&self, initialize: &Map<String, Value>) {
        let names = initialize.get("sdkMcpServers").and_then(Value::as_array).into_iter().flatten();
        let names = names.filter_map(Value::as_str).map(str::to_owned).collect();
        let _ = self.sdk_servers.set(names);
    }
}

impl Client {
    /// Checks a system frame on its way to the application.
    pub(super) fn verify_hermetic(&self, line: &[u8]) {
        if !self.options.is_true("hermetic") {
            return;
        }
        let subtype = top_level_string(line, b"subtype").unwrap_or_default();
        if !matches!(subtype, b"init" | b"hook_started" | b"memory_recall") {
            return;
        }
        let text = String::from_utf8_lossy(line);
        let Ok(frame) = tolerant::value(&text) else { return self.report_unread(subtype) };
        let mut found = match subtype {
            b"hook_started" => foreign_hook(&self.options, &frame),
            b"memory_recall" => recalled(&self.options, &frame),
            _ => {
                let added = self.hermetic.sdk_servers.get().map(Vec::as_slice).unwrap_or_default();
                let info = lock(&self.state).server_info.clone().unwrap_or_default();
                loaded(&self.options, added, &frame, &info)
            }
        };
        let mut reported = lock(&self.hermetic.reported);
        found.retain(|foreign| reported.len() < MOST_REPORTED && reported.insert(foreign.clone()));
        drop(reported);
        if !found.is_empty() {
            self.report_foreign(&found);
        }
    }

    /// A frame that cannot be parsed cannot be verified.
    fn report_unread(&self, subtype: &[u8]) {
        let subtype = String::from_utf8_lossy(subtype).into_owned();
        let unread = Foreign { kind: "unread", name: subtype.clone(), source: None };
        if !lock(&self.hermetic.reported).insert(unread) {
            return;
        }
        let text = format!("the session may not be hermetic: the CLI's message {subtype} cannot be read");
        self.warn(json!({"event": "not_hermetic", "text": text, "what": [], "remedy": REMEDY}));
    }

    fn report_foreign(&self, found: &[Foreign]) {
        let names: Vec<String> =
            found.iter().map(|foreign| format!("{} {}", foreign.kind, foreign.name)).collect();
        let text = format!("the session is not hermetic: the CLI has loaded {}", names.join(", "));
        let what: Vec<Value> = found
            .iter()
            .map(|Foreign { kind, name, source }| json!({"kind": kind, "name": name, "source": source}))
            .collect();
        self.warn(json!({"event": "not_hermetic", "text": text, "what": what, "remedy": REMEDY}));
    }
}

/// Whether the host has allowed the user's or the project's own files.
fn lets_files_in(options: &Options) -> bool {
    options.get("setting_sources").and_then(Value::as_array).is_some_and(|sources| !sources.is_empty())
}

fn given(options: &Options, name: &str) -> bool {
    options.get(name).is_some_and(|value| value.as_array().is_none_or(|items| !items.is_empty()))
}

fn loaded(options: &Options, added_servers: &[String], init: &Value, server_info: &str) -> Vec<Foreign> {
    let mut found = servers(options, added_servers, init);
    found.extend(plugins(options, init));
    if lets_files_in(options) {
        return found;
    }
    let info = tolerant::line(server_info.as_bytes());
    found.extend(output_style(options, init));
    found.extend(memory(options, init));
    found.extend(commands(init, &info));
    found.extend(agents(options, init));
    found
}

fn elements<'a>(frame: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    frame[name].as_array().into_iter().flatten()
}

fn texts<'a>(frame: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    elements(frame, name).filter_map(Value::as_str)
}

fn foreign(kind: &'static str, name: &str, source: Option<&str>) -> Foreign {
    let shortened = |text: &str| text.chars().take(LONGEST_NAME).collect();
    Foreign { kind, name: shortened(name), source: source.map(shortened) }
}

/// Servers that the CLI got from anywhere but the host: the host's have the source `dynamic` or `sdk`, or are recognised by
/// name if the CLI reports no source.
fn servers(options: &Options, added: &[String], init: &Value) -> Vec<Foreign> {
    if options.get("strict_mcp_config") == Some(&Value::Bool(false)) {
        return Vec::new();
    }
    let own = options.get("mcp_servers").and_then(Value::as_object);
    let by_file = options.get("mcp_servers").is_some_and(Value::is_string);
    let is_own = |name: &str| {
        by_file || own.is_some_and(|own| own.contains_key(name)) || added.iter().any(|known| known == name)
    };
    elements(init, "mcp_servers")
        .filter_map(|server| Some((server["name"].as_str()?, server["source"].as_str())))
        .filter(|(name, source)| match source {
            Some("dynamic" | "sdk") => false,
            Some("agent" | "plugin") => !given(options, "agents") && !given(options, "plugins"),
            Some(_) => true,
            None => !is_own(name),
        })
        .map(|(name, source)| foreign("mcp_server", name, source))
        .collect()
}

/// Plugins from elsewhere: the host's are `@inline`, the CLI's own `@builtin`.
fn plugins(options: &Options, init: &Value) -> Vec<Foreign> {
    let any_own = given(options, "plugins");
    elements(init, "plugins")
        .filter(|plugin| plugin["path"] != "builtin")
        .filter(|plugin| match plugin["source"].as_str() {
            Some(source) => !source.ends_with("@inline") && !source.ends_with("@builtin"),
            None => !any_own,
        })
        .map(|plugin| foreign("plugin", plugin["name"].as_str().unwrap_or("?"), plugin["source"].as_str()))
        .collect()
}

/// Whether this name comes from a plugin, which is checked itself.
fn is_of_plugin(name: &str, init: &Value) -> bool {
    name.split_once(':')
        .is_some_and(|(owner, _)| elements(init, "plugins").any(|plugin| plugin["name"] == owner))
}

fn output_style(options: &Options, init: &Value) -> Option<Foreign> {
    let style = init["output_style"].as_str().filter(|style| *style != "default")?;
    let may_be_own = options.get("settings").is_some() || options.get("managed_settings").is_some();
    (!may_be_own).then(|| foreign("output_style", style, None))
}

/// The CLI reports the folders of its automatic memory if that is enabled.
fn memory(options: &Options, init: &Value) -> Vec<Foreign> {
    let wanted = options
        .get("env")
        .and_then(Value::as_object)
        .is_some_and(|env| env.contains_key("CLAUDE_CODE_DISABLE_AUTO_MEMORY"));
    if wanted {
        return Vec::new();
    }
    let paths = init["memory_paths"].as_object().into_iter().flatten();
    paths.filter_map(|(kind, path)| Some(foreign("memory", path.as_str()?, Some(kind)))).collect()
}

/// Commands and skills that are not built into the CLI. It marks its own in the answer to `initialize`; if nothing is marked,
/// nothing can be concluded.
fn commands(init: &Value, info: &Value) -> Vec<Foreign> {
    let builtin = elements(info, "commands").filter(|command| command["builtin"] == true);
    let own: HashSet<&str> = builtin
        .flat_map(|command| command["name"].as_str().into_iter().chain(texts(command, "aliases")))
        .collect();
    if own.is_empty() {
        return Vec::new();
    }
    let skills: HashSet<&str> = texts(init, "skills").collect();
    let kind = |name: &str| if skills.contains(name) { "skill" } else { "command" };
    let all = texts(init, "slash_commands").chain(texts(init, "skills"));
    let mut seen = HashSet::new();
    all.filter(|name| !own.contains(name) && !name.starts_with("mcp__") && !is_of_plugin(name, init))
        .filter(|name| seen.insert(*name))
        .map(|name| foreign(kind(name), name, None))
        .collect()
}

/// The agents built into the CLI. It does not mark them, so this list is maintained along with the tested version; a newer one
/// may have more.
const OWN_AGENTS: &[&str] = &[
    "claude",
    "claude-code-guide",
    "Explore",
    "general-purpose",
    "output-style-setup",
    "Plan",
    "statusline-setup",
];

fn agents(options: &Options, init: &Value) -> Vec<Foreign> {
    let own = options.get("agents").and_then(Value::as_object);
    let is_tested = init["claude_code_version"].as_str().is_none_or(|version| version == version::TESTED);
    if !is_tested {
        return Vec::new();
    }
    texts(init, "agents")
        .filter(|name| !OWN_AGENTS.contains(name) && !is_of_plugin(name, init))
        .filter(|name| own.is_none_or(|own| !own.contains_key(*name)))
        .map(|name| foreign("agent", name, None))
        .collect()
}

/// Only hooks of settings and plugins produce frames; those of the host do not.
fn foreign_hook(options: &Options, frame: &Value) -> Vec<Foreign> {
    let may_be_own = lets_files_in(options)
        || ["settings", "managed_settings", "plugins", "agents"].iter().any(|name| given(options, name));
    match frame["hook_name"].as_str() {
        Some(name) if !may_be_own => vec![foreign("hook", name, frame["hook_event"].as_str())],
        _ => Vec::new(),
    }
}

fn recalled(options: &Options, frame: &Value) -> Vec<Foreign> {
    if lets_files_in(options) {
        return Vec::new();
    }
    let memories = elements(frame, "memories");
    memories.filter_map(|m| Some(foreign("memory", m["path"].as_str()?, m["scope"].as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(options: Value, init: Value) -> Vec<String> {
        let options = crate::options::parse(&options.to_string()).unwrap();
        let info = r#"{"commands":[{"name":"clear","builtin":true},{"name":"loop","aliases":["again"],"builtin":true}]}"#;
        loaded(&options, &["calc".into()], &init, info)
            .into_iter()
            .map(|foreign| format!("{} {}", foreign.kind, foreign.name))
            .collect()
    }

    fn init() -> Value {
        json!({
            "mcp_servers": [
                {"name": "mine", "source": "dynamic"}, {"name": "calc", "source": "sdk"}, {"name": "calc"},
                {"name": "evil", "source": "user"},
            ],
            "plugins": [
                {"name": "p", "path": "/p", "source": "p@inline"}, {"name": "q", "path": "/q", "source": "q@market"},
                {"name": "b", "path": "builtin", "source": "b@builtin"},
            ],
            "slash_commands": ["clear", "loop", "again", "odd", "p:x"],
            "skills": ["loop", "odd", "p:x"],
            "agents": ["Plan", "mine", "evil", "p:y"],
            "output_style": "Loud",
            "memory_paths": {"auto": "/m"},
            "claude_code_version": version::TESTED,
        })
    }

    #[test]
    fn what_the_host_did_not_give_is_found() {
        let options = json!({"hermetic": true, "agents": {"mine": {"description": "d", "prompt": "p"}}});
        let all = found(options, init());
        assert_eq!(
            all,
            ["mcp_server evil", "plugin q", "output_style Loud", "memory /m", "skill odd", "agent evil"]
        );
    }

    #[test]
    fn what_the_host_let_in_is_not_foreign() {
        let options = json!({"hermetic": true, "setting_sources": ["project"], "strict_mcp_config": false});
        assert_eq!(found(options, init()), ["plugin q"]);
        let options = json!({
            "hermetic": true, "settings": {"outputStyle": "Loud"}, "env": {"CLAUDE_CODE_DISABLE_AUTO_MEMORY": null},
            "agents": {"mine": {"description": "d", "prompt": "p"}},
        });
        assert_eq!(found(options, init()), ["mcp_server evil", "plugin q", "skill odd", "agent evil"]);
    }

    #[test]
    fn a_cli_that_says_less_raises_no_alarm() {
        let init = json!({"mcp_servers": [], "agents": ["new-one"], "claude_code_version": "9.9.9", "output_style": "default"});
        assert!(found(json!({"hermetic": true}), init).is_empty());
        let nothing = loaded(&Options::default(), &[], &json!({"skills": ["x"]}), "{}");
        assert!(nothing.is_empty());
    }

    #[test]
    fn hooks_and_memories_leave_traces() {
        let options = |json: &str| crate::options::parse(json).unwrap();
        let hook = json!({"hook_name": "SessionStart:startup", "hook_event": "SessionStart"});
        assert_eq!(foreign_hook(&options("{}"), &hook).len(), 1);
        assert!(foreign_hook(&options(r#"{"settings": {"hooks": {}}}"#), &hook).is_empty());
        let memory = json!({"memories": [{"path": "/m/a.md", "scope": "user"}]});
        assert_eq!(recalled(&options("{}"), &memory)[0].name, "/m/a.md");
    }
}
