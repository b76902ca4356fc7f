//! Options that become more than one plain flag or field.

use serde_json::{Map, Value};

use super::builder::{Builder, joined};
use super::{servers, settings};
use crate::error::Error;
use crate::protocol::tree;

/// The CLI starts, and waits to be told which session it is for.
pub const AWAIT_CLAIM: &str = "--await-claim";

pub fn put_all(builder: &mut Builder) -> Result<(), Error> {
    system_prompt(builder);
    limits(builder);
    thinking(builder);
    output_format(builder);
    tools(builder);
    setting_sources(builder);
    permissions(builder);
    agents(builder);
    debug(builder);
    registrations(builder);
    servers::plugins(builder);
    servers::mcp_servers(builder)?;
    settings::settings(builder)?;
    settings::managed_settings(builder)
}

fn system_prompt(builder: &mut Builder) {
    let options = builder.options;
    match options.get("system_prompt") {
        // Without the field the CLI would use its own prompt; not requesting one means an empty one, as in the SDKs.
        None => builder.field("systemPrompt", vec![""]),
        Some(Value::String(text)) => builder.field("systemPrompt", vec![text.as_str()]),
        Some(Value::Object(prompt)) => prompt_object(builder, prompt),
        Some(blocks) => builder.field("systemPrompt", tree::copy(blocks)),
    }
}

fn prompt_object(builder: &mut Builder, prompt: &Map<String, Value>) {
    let text = |name: &str| prompt.get(name).and_then(Value::as_str);
    match text("type") {
        Some("custom") => builder.field("systemPrompt", vec![text("prompt").unwrap_or_default()]),
        Some("file") => {
            builder.flag("system_prompt", "--system-prompt-file", text("path").unwrap_or_default())
        }
        _ => {
            if let Some(append) = text("append") {
                builder.field("appendSystemPrompt", append);
            }
        }
    }
    let switches =
        [("exclude_dynamic_sections", "excludeDynamicSections"), ("snapshot", "systemPromptSnapshot")];
    for (name, field) in switches {
        if let Some(value) = prompt.get(name).and_then(Value::as_bool) {
            builder.field(field, value);
        }
    }
}

fn limits(builder: &mut Builder) {
    let options = builder.options;
    let turns = options.get("max_turns").and_then(Value::as_u64).unwrap_or(0);
    if turns > 0 {
        builder.flag("max_turns", "--max-turns", &turns.to_string());
    }
    if let Some(total) = options.get("task_budget").and_then(|budget| budget.get("total")) {
        builder.flag("task_budget", "--task-budget", &joined(total));
    }
}

fn thinking(builder: &mut Builder) {
    let options = builder.options;
    let Some(thinking) = options.get("thinking") else {
        match options.get("max_thinking_tokens").and_then(Value::as_u64) {
            Some(0) => builder.flag("max_thinking_tokens", "--thinking", "disabled"),
            Some(tokens) => builder.flag("max_thinking_tokens", "--max-thinking-tokens", &tokens.to_string()),
            None => {}
        }
        return;
    };
    match (thinking["type"].as_str(), thinking["budget_tokens"].as_u64()) {
        (_, Some(tokens)) => builder.flag("thinking", "--max-thinking-tokens", &tokens.to_string()),
        (Some(kind), None) => builder.flag("thinking", "--thinking", kind),
        (None, None) => {}
    }
    if let Some(display) = thinking["display"].as_str() {
        builder.flag("thinking", "--thinking-display", display);
    }
}

fn output_format(builder: &mut Builder) {
    if let Some(schema) = builder.options.get("output_format").and_then(|format| format.get("schema")) {
        builder.field("jsonSchema", tree::copy(schema));
    }
}

fn tools(builder: &mut Builder) {
    let options = builder.options;
    match options.get("tools") {
        Some(Value::Object(_)) => builder.flag("tools", "--tools", "default"),
        Some(names) => builder.flag("tools", "--tools", &joined(names)),
        None => {}
    }
    let mut allowed: Vec<String> = options.texts("allowed_tools").into_iter().map(str::to_owned).collect();
    let of_skills: Vec<String> = match options.get("skills") {
        Some(Value::String(_)) => vec!["Skill".into()],
        Some(_) => options.texts("skills").iter().map(|name| format!("Skill({name})")).collect(),
        None => Vec::new(),
    };
    for rule in of_skills {
        if !allowed.contains(&rule) {
            allowed.push(rule);
        }
    }
    if !allowed.is_empty() {
        let option = if options.get("allowed_tools").is_some() { "allowed_tools" } else { "skills" };
        builder.flag(option, "--allowedTools", &allowed.join(","));
    }
    if let Some(names @ Value::Array(_)) = options.get("skills") {
        builder.field("skills", names.clone());
    }
}

fn setting_sources(builder: &mut Builder) {
    let options = builder.options;
    let (option, sources) = match options.get("setting_sources") {
        Some(sources) => ("setting_sources", joined(sources)),
        None if options.is_true("hermetic") => ("hermetic", String::new()),
        // Skills live in the folders of these two sources.
        None if options.get("skills").is_some() => ("skills", "user,project".to_owned()),
        None => return,
    };
    // As a separate word, an empty list would swallow the next flag.
    builder.flag(option, "--setting-sources", &sources);
}

fn permissions(builder: &mut Builder) {
    let options = builder.options;
    if builder.features.permission_handler {
        builder.flag("", "--permission-prompt-tool", "stdio");
    } else if let Some(name) = options.text("permission_prompt_tool_name") {
        builder.flag("permission_prompt_tool_name", "--permission-prompt-tool", name);
    }
    if options.is_true("strict_mcp_config") {
        builder.switch("strict_mcp_config", "--strict-mcp-config");
    } else if options.is_true("hermetic") && options.get("strict_mcp_config").is_none() {
        builder.switch("hermetic", "--strict-mcp-config");
    }
}

fn agents(builder: &mut Builder) {
    if let Some(agents) = builder.options.get("agents").and_then(Value::as_object) {
        builder.field("agents", agents_of(agents));
    }
}

/// Null means "not set" in their members too.
pub fn agents_of(agents: &Map<String, Value>) -> Map<String, Value> {
    let without_nulls = |agent: &Value| -> Map<String, Value> {
        let members = agent.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        members.map(|(name, value)| (name.clone(), tree::copy(value))).collect()
    };
    agents.iter().map(|(name, agent)| (name.clone(), without_nulls(agent).into())).collect()
}

fn debug(builder: &mut Builder) {
    let options = builder.options;
    match options.get("debug") {
        Some(Value::Bool(true)) => builder.switch("debug", "--debug"),
        Some(Value::String(filter)) => builder.flag("debug", "--debug", filter),
        _ => {}
    }
    // The events are extracted from the partial messages.
    if options.text_deltas && !options.is_true("include_partial_messages") {
        builder.switch("text_deltas", "--include-partial-messages");
    }
}

/// What the host has registered in code rather than in the options.
fn registrations(builder: &mut Builder) {
    let features = builder.features;
    if features.spare {
        builder.switch("", AWAIT_CLAIM);
    }
    if features.session_store && !builder.options.is_true("session_mirror") {
        builder.switch("", "--session-mirror");
    }
    if let Some(hooks) = &features.hooks {
        builder.field("hooks", hooks.clone());
    }
    let named = builder.options.texts("supported_dialog_kinds").into_iter();
    let mut kinds: Vec<&str> = Vec::new();
    for kind in named.chain(features.dialog_kinds.iter().map(String::as_str)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if !kinds.is_empty() {
        builder.field("supportedDialogKinds", kinds);
    }
}
