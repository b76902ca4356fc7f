//! The summary of a session, updated with each batch of entries: what a list shows, without reading the session again.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Key;
use super::answers::Entry;
use crate::error::{Error, Result, Status};
use crate::protocol::members::{top_level_string, top_level_value};
use crate::sessions::first_prompt::FirstPrompt;
use crate::sessions::regions::{is_true, text};
use crate::sessions::time;

/// Members of which the last one counts: the member of an entry, and its name in the summary.
const LAST: &[(&str, &str)] = &[
    ("customTitle", "custom_title"),
    ("aiTitle", "ai_title"),
    ("lastPrompt", "last_prompt"),
    ("summary", "summary_hint"),
    ("gitBranch", "git_branch"),
];

/// As [`fold`], for texts of the host.
pub fn fold_texts(previous: Option<&str>, key: &str, entries: &str) -> Result<String> {
    let key = Key::parse(key)?;
    let previous = previous.map(|text| read::<Value>(text, "previous_json")).transpose()?;
    let entries: Vec<Box<RawValue>> = read(entries, "entries_json")?;
    Ok(fold(previous.as_ref(), &key.session_id, &entries).to_string())
}

fn read<T: serde::de::DeserializeOwned>(text: &str, argument: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| {
        Error::new(Status::InvalidArgument, format!("{argument} is not what it should be: {cause}"))
            .with("argument", argument)
            .with("remedy", "pass what the fold gave last, and the entries as append was given them")
    })
}

/// Updates `previous`. `mtime` stays: the store sets it to the time of its own clock at which it stored the entries.
pub fn fold(previous: Option<&Value>, session_id: &str, entries: &[Entry]) -> Value {
    let member = |name: &str| previous.and_then(|summary| summary.get(name)).cloned();
    let mut data = member("data").and_then(|data| data.as_object().cloned()).unwrap_or_default();
    for entry in entries {
        take(&mut data, entry.get().as_bytes());
    }
    json!({
        "session_id": member("session_id").filter(Value::is_string).unwrap_or_else(|| session_id.into()),
        "mtime": member("mtime").filter(Value::is_number).unwrap_or_else(|| 0.into()),
        "data": data,
    })
}

fn take(data: &mut Map<String, Value>, entry: &[u8]) {
    if !data.contains_key("is_sidechain") {
        data.insert("is_sidechain".to_owned(), is_true(entry, "isSidechain").into());
    }
    if !data.contains_key("created_at")
        && let Some(time) = text(entry, "timestamp").and_then(|time| time::parse(&time))
    {
        data.insert("created_at".to_owned(), time.into());
    }
    if !data.contains_key("cwd")
        && let Some(cwd) = text(entry, "cwd")
    {
        data.insert("cwd".to_owned(), cwd.into());
    }
    first_prompt(data, entry);
    for (theirs, ours) in LAST {
        let is_text = top_level_value(entry, theirs.as_bytes()).is_some_and(|value| value.starts_with(b"\""));
        if is_text {
            data.insert((*ours).to_owned(), text(entry, theirs).unwrap_or_default().into());
        }
    }
    if top_level_string(entry, b"type") == Some(b"tag") {
        match text(entry, "tag") {
            Some(tag) => drop(data.insert("tag".to_owned(), tag.into())),
            None => drop(data.remove("tag")),
        }
    }
}

fn first_prompt(data: &mut Map<String, Value>, entry: &[u8]) {
    if data.get("first_prompt_locked") == Some(&Value::Bool(true)) {
        return;
    }
    let first = FirstPrompt::of(std::iter::once(entry));
    if let Some(text) = first.said() {
        data.insert("first_prompt".to_owned(), text.into());
        data.insert("first_prompt_locked".to_owned(), true.into());
    } else if let Some(command) = first.shown() {
        data.entry("command_fallback").or_insert_with(|| command.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(previous: Option<&str>, entries: &Value) -> Value {
        let key = r#"{"project_key": "-w", "session_id": "s"}"#;
        serde_json::from_str(&fold_texts(previous, key, &entries.to_string()).unwrap()).unwrap()
    }

    #[test]
    fn a_fold_in_pieces_is_the_fold_of_all() {
        let entries = json!([
            {"type": "queue-operation", "timestamp": "2026-01-31T00:00:00.000Z"},
            {"type": "user", "cwd": "/w", "gitBranch": "a", "message": {"content": "<command-name>/init</command-name>"}},
            {"type": "user", "message": {"content": "first\nprompt"}},
            {"type": "user", "message": {"content": "second"}},
            {"type": "custom-title", "customTitle": "one"},
            {"type": "tag", "tag": "x"},
            {"type": "custom-title", "customTitle": "two", "gitBranch": "b"},
            {"type": "tag", "tag": ""},
        ]);
        let whole = folded(None, &entries);
        assert_eq!(
            whole,
            json!({"session_id": "s", "mtime": 0, "data": {"is_sidechain": false, "created_at": 1_769_817_600_000_i64,
                "cwd": "/w", "command_fallback": "/init", "git_branch": "b", "first_prompt": "first prompt",
                "first_prompt_locked": true, "custom_title": "two"}})
        );
        let mut summary: Option<String> = None;
        for entry in entries.as_array().unwrap() {
            summary = Some(folded(summary.as_deref(), &json!([entry])).to_string());
        }
        assert_eq!(serde_json::from_str::<Value>(&summary.unwrap()).unwrap(), whole);
        assert_eq!(folded(Some(&whole.to_string()), &json!([])), whole);
    }

    #[test]
    fn what_is_no_summary_is_refused() {
        let key = r#"{"project_key": "-w", "session_id": "s"}"#;
        assert!(fold_texts(Some("{"), key, "[]").is_err());
        assert!(fold_texts(None, "{}", "[]").is_err());
        assert!(fold_texts(None, key, "{}").is_err());
    }
}
