//! Conflicts between options, found before anything is started.

use serde_json::{Map, Value};

use super::builder::{Arg, Features};
use super::checked::Options;
use super::document::invalid;
use super::platform::{Platform, has_shell_characters, is_batch_file};
use super::row::To;
use super::rules;
use super::table::rows;
use crate::error::{Error, Status, quotable};
use crate::names::mcp_tool;
use crate::permissions;

/// Conflicts that the document alone shows.
pub fn check(values: &Map<String, Value>) -> Result<(), Error> {
    let given = |name: &str| values.contains_key(name);
    let truth = |name: &str| values.get(name).and_then(Value::as_bool).unwrap_or(false);
    let goes_on = given("resume") || truth("continue_conversation");
    let fault =
        |name: &str, fault: &str, remedy: &str| Err(invalid(&format!("/{name}"), fault.to_owned(), remedy));
    if given("session_id") && goes_on && !truth("fork_session") {
        return fault(
            "session_id",
            "a session that is resumed or continued keeps its id",
            "leave session_id out, or set fork_session to true to get a copy with this id",
        );
    }
    if given("resume_session_at") && !given("resume") {
        return fault("resume_session_at", "it needs the session's id", "add resume");
    }
    if given("resume_drops_turn") && !given("resume_session_at") {
        return fault("resume_drops_turn", "it guards resume_session_at", "add resume_session_at");
    }
    if truth("session_mirror") && values.get("persist_session") == Some(&Value::Bool(false)) {
        return fault(
            "session_mirror",
            "nothing is written, so there is nothing to mirror",
            "leave persist_session out, and give config_dir a folder of its own if no file may stay",
        );
    }
    if given("max_buffer_size") && given("max_message_bytes") {
        return fault("max_buffer_size", "it is another name of max_message_bytes", "give one of the two");
    }
    if given("record") && given("replay") {
        return fault("replay", "a replayed conversation cannot be recorded", "give one of the two");
    }
    check_models(values)
}

fn check_models(values: &Map<String, Value>) -> Result<(), Error> {
    let model = values.get("model").and_then(Value::as_str).unwrap_or_default();
    let fallback: Vec<&str> = match values.get("fallback_model") {
        Some(Value::String(names)) => names.split(',').map(str::trim).collect(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if !model.is_empty() && fallback.contains(&model) {
        let fault = "the fallback is the main model itself".to_owned();
        return Err(invalid("/fallback_model", fault, "name another model, or leave it out"));
    }
    Ok(())
}

/// Conflicts that depend on the host's registrations and on the platform.
pub fn check_start(options: &Options, features: &Features, platform: Platform) -> Result<(), Error> {
    if features.permission_handler && options.get("permission_prompt_tool_name").is_some() {
        return Err(invalid(
            "/permission_prompt_tool_name",
            "a permission handler is set, and only one of the two can answer".into(),
            "leave the option out, or remove the handler",
        ));
    }
    if features.spare {
        check_spare(options)?;
    }
    if platform == Platform::Windows { check_windows(options) } else { Ok(()) }
}

/// The CLI exits when a spare is to go on with a session.
fn check_spare(options: &Options) -> Result<(), Error> {
    for name in ["resume", "continue_conversation", "fork_session"] {
        if options.get(name).is_some_and(|value| *value != false) {
            let fault = "a spare begins a new session when it is claimed".to_owned();
            let remedy = "leave it out, or go on with the session by claude_client_connect";
            return Err(invalid(&format!("/{name}"), fault, remedy));
        }
    }
    Ok(())
}

fn check_windows(options: &Options) -> Result<(), Error> {
    if let Some(path) = options.cli_path.as_deref().filter(|path| is_batch_file(path)) {
        let message =
            format!("Refusing to execute batch script: {}; name a claude.exe in cli_path", quotable(path));
        return Err(Error::new(Status::CliConnection, message)
            .with("pointer", "/cli_path")
            .with("remedy", "name a claude.exe in cli_path"));
    }
    if options.user.is_some() {
        let message =
            "option /user: Windows cannot start a process as another user this way; leave the option out";
        return Err(Error::new(Status::Unsupported, message)
            .with("pointer", "/user")
            .with("remedy", "leave the option out"));
    }
    for name in ["resume", "session_id", "resume_session_at", "resume_drops_turn"] {
        if options.text(name).is_some_and(has_shell_characters) {
            let fault = "the value has a character that a command interpreter acts on".to_owned();
            return Err(invalid(&format!("/{name}"), fault, "pass the id as the CLI printed it"));
        }
    }
    Ok(())
}

/// Reasons why a permission handler would never be called although the options suggest it would.
pub fn shadowing(options: &Options, features: &Features) -> Vec<String> {
    if !features.permission_handler {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(format!("the permission handler will not be asked: {text}"));
    if let Some(mode @ ("bypassPermissions" | "dontAsk")) = options.text("permission_mode") {
        warn(format!("permission_mode is {mode}"));
    }
    if options.text("permission_prompts") == Some("none") {
        warn("permission_prompts is none".into());
    }
    // What the host's own tools do is up to the host.
    let own = |rule: &str| {
        let names = features.sdk_mcp_servers.iter();
        names
            .map(|(name, _)| mcp_tool(name, ""))
            .any(|tools| rule.starts_with(&tools) || tools == format!("{rule}__"))
    };
    let whole = options.texts("allowed_tools").into_iter().filter(|rule| rules::allows_whole_tool(rule));
    let whole: Vec<&str> = whole.filter(|rule| !own(rule)).collect();
    if !whole.is_empty() {
        warn(format!("allowed_tools allows every call of {}", whole.join(", ")));
    }
    if options.text("skills") == Some("all") {
        warn("skills allows every skill".into());
    }
    warnings
}

/// Disallowed tools that the tested CLI does not have.
pub fn unknown_tools(options: &Options) -> Vec<String> {
    let unknown = permissions::unknown(&options.texts("disallowed_tools"));
    unknown
        .iter()
        .map(|tool| format!("disallowed_tools: only another version of the CLI may have a tool {tool}"))
        .collect()
}

/// Combinations that the CLI accepts although one of the options then has no effect.
pub fn idle(options: &Options) -> Vec<String> {
    let goes_on = options.get("resume").is_some() || options.is_true("continue_conversation");
    let odd = [
        (
            options.get("resume").is_some() && options.is_true("continue_conversation"),
            "continue_conversation does nothing: resume names the session",
        ),
        (
            options.is_true("fork_session") && !goes_on,
            "fork_session does nothing: neither resume nor continue_conversation names a session to copy",
        ),
        (
            options.is_true("enable_file_checkpointing")
                && options
                    .get("managed_settings")
                    .and_then(|settings| settings.get("fileCheckpointingEnabled"))
                    == Some(&Value::Bool(false)),
            "enable_file_checkpointing does nothing: managed_settings has fileCheckpointingEnabled false, which wins",
        ),
        (
            options.get("thinking").is_some() && options.get("max_thinking_tokens").is_some(),
            "max_thinking_tokens does nothing: thinking is given",
        ),
    ];
    odd.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text.to_owned()).collect()
}

/// Options that only affect a process started by this library, when the host brings its own transport.
pub fn unheard(options: &Options, features: &Features, args: &[Arg]) -> Option<String> {
    const OF_PROCESS: &[&str] =
        &["cli_path", "cwd", "user", "launcher", "env", "env_mode", "trace_context", "tool_config"];
    // A replay takes the transport's place.
    if !features.host_transport || options.get("replay").is_some() {
        return None;
    }
    let on_command_line = |name: &str| args.iter().any(|arg| arg.pointer.split('/').nth(1) == Some(name));
    let unheard = rows().filter(|row| {
        let in_environment = matches!(row.to, To::Env(..)) || OF_PROCESS.contains(&row.name);
        let set = options.get(row.name).is_some_and(|value| *value != Value::Bool(false));
        set && (in_environment || on_command_line(row.name))
    });
    let names: Vec<&str> = unheard.map(|row| row.name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the host's transport starts the CLI, so these options have no effect unless it passes them on: {}",
            names.join(", ")
        )
    })
}
