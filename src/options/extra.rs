//! Flags that the host passes on by name.

use serde_json::{Map, Value};

use super::builder::Builder;
use super::document::{child, invalid};
use super::{rules, settings};
use crate::error::{Error, quotable};
use crate::names::misspelt;
use crate::permissions;
use crate::protocol::tree;

/// Flags that this library needs itself, or that would end the conversation before it starts.
const RESERVED: &[(&str, &str)] = &[
    ("output-format", "the protocol needs stream-json"),
    ("input-format", "the protocol needs stream-json"),
    ("verbose", "it is passed already, the protocol needs it"),
    ("print", "the CLI prints already when it has no terminal"),
    ("await-initialize", "it is passed when it is needed"),
    ("initialize-fields", "it is passed when it is needed"),
    ("managed-settings-in-initialize", "it is passed when it is needed"),
    ("help", "the CLI would print its help and end"),
    ("version", "the CLI would print its version and end; call claude_probe"),
    ("background", "the CLI would leave the conversation to another process"),
    ("bg", "the CLI would leave the conversation to another process"),
];

fn check_name(name: &str, pointer: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.starts_with('-') {
        let fault = "a flag's name is written without its dashes".to_owned();
        return Err(invalid(
            pointer,
            fault,
            &format!("write \"{}\"", quotable(name.trim_start_matches('-'))),
        ));
    }
    if name.is_empty() || !name.chars().all(plain) {
        let fault = "a flag's name has letters, digits and hyphens only".to_owned();
        return Err(invalid(pointer, fault, "put the value in the value"));
    }
    match RESERVED.iter().find(|(reserved, _)| reserved.eq_ignore_ascii_case(name)) {
        Some((_, why)) => Err(invalid(pointer, format!("--{name} cannot be passed: {why}"), "leave it out")),
        None => Ok(()),
    }
}

/// Checks the value of the option `extra_args`.
pub fn args(value: &Value, pointer: &str) -> Result<(), Error> {
    value
        .as_object()
        .into_iter()
        .flat_map(|flags| flags.keys())
        .try_for_each(|name| check_name(name, &child(pointer, name)))?;
    for (name, value) in value.as_object().into_iter().flatten() {
        let (text, place) = (value.as_str().unwrap_or_default(), child(pointer, name));
        if ["settings", "managed-settings"].iter().any(|flag| is_same_flag(name, flag)) {
            settings::check_text(text, &place)?;
        }
        if is_same_flag(name, "disallowed-tools")
            && let Some((fault, remedy)) = permissions::split(text).into_iter().find_map(permissions::fault)
        {
            return Err(invalid(&place, fault, &remedy));
        }
    }
    Ok(())
}

/// With two sources for one flag, it would be arbitrary which one wins.
pub fn check_conflicts(extra: &Map<String, Value>, made: &Builder) -> Result<(), Error> {
    for name in extra.keys() {
        let is_same = |text: &str| plain_flag(text) == plain_flag(name);
        let by_option = made.args.iter().find(|arg| is_same(&arg.text)).map(|arg| arg.pointer.as_str());
        let by_file = made.private_files.iter().find(|file| is_same(file.flag)).map(|_| "a private file");
        let by_field = made.early_fields.iter().find(|field| is_same(field)).map(|_| "initialize");
        if let Some(maker) = by_option.or(by_file).or(by_field) {
            let maker = if maker.is_empty() { "a registration of the host" } else { maker };
            let fault = format!("--{} is passed already, for {maker}", quotable(name));
            return Err(invalid(&child("/extra_args", name), fault, "give one of the two"));
        }
    }
    Ok(())
}

fn is_same_flag(one: &str, other: &str) -> bool {
    plain_flag(one) == plain_flag(other)
}

/// Some flags have two spellings, such as `--allowedTools` and `--allowed-tools`.
fn plain_flag(argument: &str) -> String {
    argument.split('=').next().unwrap_or_default().replace('-', "").to_lowercase()
}

/// The text of one extra flag. Always one word, so that no value can be taken for a flag.
pub fn argument(name: &str, value: &Value) -> String {
    match value.as_str() {
        Some(text) => format!("--{name}={text}"),
        None => format!("--{name}"),
    }
}

/// Fields that have their own option or function, which checks them and sends what goes with them. As bare
/// fields they would have no effect: hooks that no function answers, rules that the CLI takes as a flag.
const ELSEWHERE: &[(&str, &str)] = &[
    ("hooks", "call claude_client_add_hook before connect"),
    ("sdkMcpServers", "call claude_client_add_mcp_server before connect"),
    ("mcpServers", "use the option mcp_servers"),
    ("plugins", "use the option plugins"),
    ("agents", "use the option agents"),
    ("settings", "use the option settings"),
    ("sandbox", "use the option sandbox"),
    ("managedSettings", "use the option managed_settings"),
    ("tools", "use the option tools"),
    ("allowedTools", "use the option allowed_tools"),
    ("disallowedTools", "use the option disallowed_tools"),
    ("permissionMode", "use the option permission_mode"),
];

pub fn initialize_fields(value: &Value, pointer: &str) -> Result<(), Error> {
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = child(pointer, name);
        let exact = |wanted: &str| ELSEWHERE.iter().find(|(known, _)| *known == wanted);
        let near = || ELSEWHERE.iter().find(|(known, _)| misspelt(name, &[known]).is_some());
        if let Some((known, remedy)) = exact(name).or_else(near) {
            let fault = format!("\"{known}\" would be without effect in this place");
            return Err(invalid(&place, fault, remedy));
        }
        if name == "sdkMcpServerConfigs" {
            for (server, config) in value.as_object().into_iter().flatten() {
                rules::server_config(server, config, &child(&place, server))?;
            }
        }
    }
    Ok(())
}

/// Adds fields to the initialize request. Objects are merged; a value set by another option is a conflict.
pub fn merge_fields(
    fields: &mut Map<String, Value>,
    more: &Map<String, Value>,
    pointer: &str,
) -> Result<(), Error> {
    for (name, value) in more {
        let place = child(pointer, name);
        match (fields.get_mut(name), value) {
            (None, _) => {
                fields.insert(name.clone(), tree::copy(value));
            }
            (Some(Value::Object(known)), Value::Object(more)) => merge_fields(known, more, &place)?,
            (Some(_), _) => {
                let name = quotable(name);
                let fault = format!("\"{name}\" is made by another option or by a registration of the host");
                return Err(invalid(&place, fault, "give one of the two"));
            }
        }
    }
    Ok(())
}
