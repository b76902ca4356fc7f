//! The options `settings`, `sandbox` and `managed_settings`.

use std::path::Path;

use serde_json::{Map, Value};

use super::builder::{Builder, PrivateFile};
use super::document::{child, read_inside};
use super::{rules, sandbox};
use crate::error::{Error, Status};
use crate::protocol::tree;

/// The longest value allowed on the command line, which the process list shows, if it holds only numbers and switches.
const SHORT: usize = 1024;

pub fn settings(builder: &mut Builder) -> Result<(), Error> {
    let options = builder.options;
    let sandbox = options.get("sandbox").and_then(Value::as_object);
    let mut settings = match (options.get("settings"), sandbox) {
        (None, None) => return Ok(()),
        (None, Some(_)) => Map::new(),
        (Some(Value::Object(settings)), _) => tree::copy_of(settings),
        (Some(text), sandbox) => match (of_text(text.as_str().unwrap_or_default(), "/settings")?, sandbox) {
            (Some(settings), _) => settings,
            (None, None) => {
                builder.flag("settings", "--settings", text.as_str().unwrap_or_default());
                return Ok(());
            }
            (None, Some(_)) => of_file(text.as_str().unwrap_or_default(), options.cwd.as_deref())?,
        },
    };
    check(&settings, "/settings")?;
    if let Some(sandbox) = sandbox {
        let mut wanted = tree::copy_of(sandbox);
        // A sandbox that was requested but is unavailable must not mean "without one".
        if wanted.get("enabled") == Some(&Value::Bool(true)) && !wanted.contains_key("failIfUnavailable") {
            wanted.insert("failIfUnavailable".into(), true.into());
        }
        merge(settings.entry("sandbox").or_insert_with(|| Map::new().into()), &wanted.into());
    }
    deliver(builder, settings);
    Ok(())
}

fn deliver(builder: &mut Builder, settings: Map<String, Value>) {
    let settings = Value::Object(settings);
    let text = settings.to_string();
    if text.len() <= SHORT && is_plain(&settings) {
        builder.flag("settings", "--settings", &text);
    } else if builder.features.no_early_initialize && !builder.is_remote() {
        builder.private_files.push(PrivateFile { flag: "--settings", name: "settings.json", contents: text });
    } else {
        builder.field("settings", settings);
        builder.await_initialize = true;
        builder.early_fields.push("settings");
        builder.must_be_applied.push("settings_applied");
    }
}

pub fn managed_settings(builder: &mut Builder) -> Result<(), Error> {
    let Some(settings) = builder.options.get("managed_settings") else { return Ok(()) };
    if let Some(settings) = settings.as_object() {
        check(settings, "/managed_settings")?;
    }
    let text = settings.to_string();
    if text.len() <= SHORT && is_plain(settings) {
        builder.flag("managed_settings", "--managed-settings", &text);
        return Ok(());
    }
    builder.field("managedSettings", tree::copy(settings));
    builder.switch("managed_settings", "--managed-settings-in-initialize");
    builder.await_initialize = true;
    builder.must_be_applied.push("managed_settings_applied");
    Ok(())
}

/// Checks the restrictions in settings: the CLI ignores what it does not know there.
fn check(settings: &Map<String, Value>, pointer: &str) -> Result<(), Error> {
    rules::settings_permissions(settings, pointer)?;
    settings.get("sandbox").map_or(Ok(()), |sandbox| sandbox::check(sandbox, &child(pointer, "sandbox")))
}

/// Settings as the value of a flag: JSON, or a path.
pub fn check_text(text: &str, pointer: &str) -> Result<(), Error> {
    of_text(text, pointer)?.map_or(Ok(()), |settings| check(&settings, pointer))
}

/// The settings in a text that is JSON rather than a path.
fn of_text(text: &str, pointer: &str) -> Result<Option<Map<String, Value>>, Error> {
    let text = text.trim();
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Ok(None);
    }
    let remedy = "give the settings as an object, or as the path of a file";
    match read_inside(text, pointer, "the text, which looks like it,", remedy)? {
        Value::Object(settings) => Ok(Some(settings)),
        _ => Ok(None),
    }
}

/// Never start without the rules that the caller wrote: a file that cannot be read is an error.
fn of_file(path: &str, cwd: Option<&str>) -> Result<Map<String, Value>, Error> {
    let path = cwd.map_or_else(|| Path::new(path).to_owned(), |cwd| Path::new(cwd).join(path));
    let failed = |cause: String| {
        let remedy = "check the option settings, which is taken relative to cwd";
        Error::new(
            Status::CliConnection,
            format!("Failed to load settings: {}: {cause}; {remedy}", path.display()),
        )
        .with("pointer", "/settings")
        .with("remedy", remedy)
        .with("cause", cause)
    };
    let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match tree::parse(text).map_err(|fault| failed(fault.to_string()))? {
        Value::Object(settings) => Ok(settings),
        _ => Err(failed("it is not a JSON object".to_owned())),
    }
}

/// Members of `over` win; objects on both sides are merged.
fn merge(under: &mut Value, over: &Value) {
    match (under.as_object_mut(), over.as_object()) {
        (Some(under), Some(over)) => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        _ => *under = tree::copy(over),
    }
}

/// Whether it cannot contain a secret. A text may: a token in a hook's command looks like any other word.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(is_plain),
        Value::Array(items) => items.iter().all(is_plain),
        Value::String(_) => false,
        _ => true,
    }
}
