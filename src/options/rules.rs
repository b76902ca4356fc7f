//! Rules for single values that their JSON type alone cannot express.

use serde_json::{Map, Value};

use super::document::{at, child, invalid};
use super::platform::is_absolute;
use crate::error::{Error, quotable};
use crate::names;
use crate::permissions;

type Checked = Result<(), Error>;

fn texts(value: &Value) -> impl Iterator<Item = (usize, &str)> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).enumerate()
}

fn item(pointer: &str, index: usize) -> String {
    child(pointer, &index.to_string())
}

/// The list is sent joined by commas, with no way to escape one.
pub fn no_commas(value: &Value, pointer: &str) -> Checked {
    for (index, text) in texts(value) {
        if text.contains(',') || text.chars().any(char::is_control) {
            let fault = "a comma or a control character cannot be passed on".to_owned();
            return Err(invalid(&item(pointer, index), fault, "write one name in each element"));
        }
    }
    Ok(())
}

/// The CLI splits rules at commas and spaces outside parentheses and supports no escaping, so an element that
/// it would split could smuggle in a rule that nobody wrote.
pub fn tool_rules(value: &Value, pointer: &str) -> Checked {
    for (index, text) in texts(value) {
        if let Some(fault) = rule_fault(text) {
            return Err(invalid(
                &item(pointer, index),
                fault.to_owned(),
                "write one tool or rule in each element",
            ));
        }
    }
    Ok(())
}

/// As [`tool_rules`], and typos are errors: a misspelt tool that is to be blocked would run.
pub fn forbidding_rules(value: &Value, pointer: &str) -> Checked {
    tool_rules(value, pointer)?;
    for (index, text) in texts(value) {
        if let Some((fault, remedy)) = permissions::fault(text) {
            return Err(invalid(&item(pointer, index), fault, &remedy));
        }
    }
    Ok(())
}

/// The rules of settings that block tools. The CLI ignores what it does not know there.
pub fn settings_permissions(settings: &Map<String, Value>, pointer: &str) -> Checked {
    let Some(permissions) = settings.get("permissions").and_then(Value::as_object) else { return Ok(()) };
    let pointer = child(pointer, "permissions");
    for (name, value) in permissions {
        let place = child(&pointer, name);
        if let Some(meant) = names::misspelt(name, &["allow", "deny", "ask"]) {
            let fault = format!("unknown member \"{}\"", quotable(name));
            return Err(invalid(&place, fault, &format!("write \"{meant}\"")));
        }
        if !matches!(name.as_str(), "deny" | "ask") {
            continue;
        }
        text_list(value, &place)?;
        for (index, text) in texts(value) {
            if let Some((fault, remedy)) = permissions::fault(text) {
                return Err(invalid(&item(&place, index), fault, &remedy));
            }
        }
    }
    Ok(())
}

/// A misspelt dialog kind would never be requested.
pub fn dialog_kinds(value: &Value, pointer: &str) -> Checked {
    for (index, kind) in texts(value) {
        if let Some(meant) = names::meant(kind, names::DIALOGS) {
            let fault = format!("there is no dialog {:?}", quotable(kind));
            return Err(invalid(&item(pointer, index), fault, &format!("write \"{meant}\"")));
        }
    }
    Ok(())
}

fn rule_fault(text: &str) -> Option<&'static str> {
    // As in the CLI, the first closing parenthesis ends the group, whatever was opened inside.
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            _ if letter.is_control() => return Some("control characters cannot be passed on"),
            '(' => inside = true,
            ')' => inside = false,
            ',' | ' ' if !inside => {
                return Some("a comma or a space outside parentheses would split the rule");
            }
            _ => {}
        }
    }
    inside.then_some("a parenthesis is not closed")
}

pub fn all_skills(value: &Value, pointer: &str) -> Checked {
    match value.as_str() {
        Some("all") | None => Ok(()),
        Some(name) => {
            let name = Value::from(quotable(name));
            Err(invalid(
                pointer,
                format!("expected \"all\" or a list, found {name}"),
                &format!("write [{name}]"),
            ))
        }
    }
}

/// Skill names end up in a permission rule, `Skill(name)`, that the CLI splits without escaping.
pub fn skill_names(value: &Value, pointer: &str) -> Checked {
    for (index, name) in texts(value) {
        if let Some(fault) = skill_fault(name) {
            let fault = format!("{} cannot be a skill's name: {fault}", Value::from(quotable(name)));
            return Err(invalid(&item(pointer, index), fault, "rename the skill, or use \"all\""));
        }
    }
    Ok(())
}

fn skill_fault(name: &str) -> Option<&'static str> {
    let faults = [
        (name.trim().is_empty(), "it is blank"),
        (name.trim() != name, "it has white space at an end"),
        (name.contains(['(', ')', ',']), "it contains a parenthesis or a comma"),
        (name.contains(|c: char| c.is_control() || c == '\u{feff}'), "it contains a control character"),
        (name == "*" || name.ends_with(":*") || name.ends_with(" *"), "it would be read as a pattern"),
        (name.starts_with('/'), "it starts with a slash"),
        (
            name.contains("\\\\") || name.ends_with('\\'),
            "it contains a backslash that would be read as an escape",
        ),
    ];
    faults.into_iter().find_map(|(bad, fault)| bad.then_some(fault))
}

/// What the CLI requires of an agent, and spellings it would silently ignore. Other members are not checked.
pub fn agents(value: &Value, pointer: &str) -> Checked {
    for (name, agent) in value.as_object().into_iter().flatten() {
        let place = child(pointer, name);
        let Some(agent) = agent.as_object() else { continue };
        for required in ["description", "prompt"] {
            match agent.get(required) {
                Some(Value::String(_)) => {}
                None | Some(Value::Null) => {
                    return Err(at(&place, format!("an agent needs the member \"{required}\" (text)")));
                }
                Some(_) => return Err(at(&child(&place, required), "expected text".into())),
            }
        }
        agent_members(agent, &place)?;
        if let Some(tools) = agent.get("disallowedTools") {
            forbidding_rules(tools, &child(&place, "disallowedTools"))?;
        }
    }
    Ok(())
}

/// A typo in a restricting member leaves the agent unrestricted.
fn agent_members(agent: &Map<String, Value>, place: &str) -> Checked {
    for (member, value) in agent {
        let place = child(place, member);
        if let Some(known) = names::misspelt(member, AGENT_MEMBERS) {
            let fault = format!("unknown member \"{}\"", quotable(member));
            let remedy = format!("write \"{known}\": agents keep the CLI's spelling");
            return Err(invalid(&place, fault, &remedy));
        }
        if AGENT_LISTS.contains(&member.as_str()) && !value.is_null() {
            text_list(value, &place)?;
        }
        if member == "permissionMode"
            && let Some(meant) = value.as_str().and_then(|mode| names::misspelt(mode, permissions::MODES))
        {
            let fault = "there is no such permission mode".to_owned();
            return Err(invalid(&place, fault, &format!("write \"{meant}\"")));
        }
    }
    Ok(())
}

fn text_list(value: &Value, place: &str) -> Checked {
    match value.as_array() {
        Some(items) => match items.iter().position(|item| !item.is_string()) {
            Some(index) => Err(at(&item(place, index), "expected text".into())),
            None => Ok(()),
        },
        None => Err(invalid(place, "expected a list of texts".into(), "write [\"…\"]")),
    }
}

const AGENT_LISTS: &[&str] = &["tools", "disallowedTools", "skills"];

const AGENT_MEMBERS: &[&str] = &[
    "description",
    "prompt",
    "tools",
    "disallowedTools",
    "model",
    "skills",
    "memory",
    "mcpServers",
    "initialPrompt",
    "maxTurns",
    "background",
    "effort",
    "permissionMode",
    "autoCompactWindow",
    "omitClaudeMd",
    "observer",
    "observerMessage",
    "criticalSystemReminder_EXPERIMENTAL",
];

pub fn snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A server without `command` and `url` would start nothing; everything else passes through.
pub fn mcp_servers(value: &Value, pointer: &str) -> Checked {
    for (name, server) in value.as_object().into_iter().flatten() {
        let place = child(pointer, name);
        as_given(names::mcp_entry_fault(name, server), &place)?;
        let Some(server) = server.as_object() else { continue };
        let kind = match server.get("type") {
            None | Some(Value::Null) => "",
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(at(&child(&place, "type"), "expected text".into())),
        };
        let needed = match kind {
            "" | "stdio" => "command",
            "sse" | "http" => "url",
            _ => continue,
        };
        if server.get(needed).and_then(Value::as_str).unwrap_or_default().is_empty() {
            let kind = if kind.is_empty() { "stdio" } else { kind };
            return Err(at(&place, format!("a server of type {kind} needs the member \"{needed}\" (text)")));
        }
    }
    Ok(())
}

/// Its policies block tools: a misspelt one would not.
pub fn server_config(name: &str, server: &Value, place: &str) -> Checked {
    as_given(names::mcp_config_fault(name, server), place)
}

/// Refuses the server at `place` if it has such a fault.
fn as_given(fault: Option<(String, names::Unkept)>, place: &str) -> Checked {
    match fault {
        None => Ok(()),
        Some((inner, unkept)) => Err(invalid(&format!("{place}{inner}"), unkept.fault, &unkept.remedy)),
    }
}

pub fn not_empty(value: &Value, pointer: &str) -> Checked {
    match value.as_array() {
        Some(items) if items.is_empty() => Err(invalid(
            pointer,
            "the list is empty".into(),
            "leave the option out to start the CLI directly",
        )),
        _ => Ok(()),
    }
}

pub fn env_names(value: &Value, pointer: &str) -> Checked {
    for name in value.as_object().into_iter().flat_map(|variables| variables.keys()) {
        if name.is_empty() || name.contains(['=', '\0']) {
            let fault = "a variable's name cannot be empty or contain '=' or NUL".to_owned();
            return Err(at(&child(pointer, name), fault));
        }
    }
    Ok(())
}

pub fn absolute(value: &Value, pointer: &str) -> Checked {
    match value.as_str() {
        Some(path) if !is_absolute(path) => Err(invalid(
            pointer,
            "the path is not absolute".into(),
            "write it from the root, since the CLI changes its folder",
        )),
        _ => Ok(()),
    }
}

pub fn pointers(value: &Value, pointer: &str) -> Checked {
    match texts(value).find(|(_, text)| !text.is_empty() && !text.starts_with('/')) {
        Some((index, _)) => {
            Err(at(&item(pointer, index), "expected a JSON pointer such as /message/content".into()))
        }
        None => Ok(()),
    }
}

/// Whether a rule covers its whole tool: `Read`, `Read()` or `Read(*)`.
pub fn allows_whole_tool(rule: &str) -> bool {
    match rule.split_once('(') {
        None => true,
        Some((_, rest)) => matches!(rest.trim_end_matches(')').trim(), "" | "*"),
    }
}
