//! The formats of a store's answers. Any other format is a failure of the store, and reported as such.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Operation;
use crate::error::{Error, Result, Status};

/// A line of a session, as the store received it.
pub type Entry = Box<RawValue>;

/// An entry with its time, as `list` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub session_id: String,
    pub mtime: i64,
}

/// The answer to `load`: `None` for a session that was never stored.
pub fn entries(answer: Option<String>) -> Result<Option<Vec<Entry>>> {
    answer.map_or(Ok(None), |text| {
        serde_json::from_str(&text)
            .map_err(|cause| wrong(Operation::Load, "an array of entries or null", &cause))
    })
}

pub fn listed(answer: Option<String>) -> Result<Vec<Listed>> {
    let shape = "an array of {\"session_id\": text, \"mtime\": milliseconds}";
    array(Operation::List, answer, shape, |row| {
        let mtime = row.get("mtime").and_then(number)?;
        Some(Listed { session_id: row.get("session_id")?.as_str()?.to_owned(), mtime })
    })
}

/// A summary as [`super::fold`] makes it, with the time at which the store kept it.
#[derive(Debug)]
pub struct Summary {
    pub session_id: String,
    pub mtime: i64,
    pub data: Value,
}

pub fn summaries(answer: Option<String>) -> Result<Vec<Summary>> {
    let shape = "an array of what claude_session_summary_fold gives";
    array(Operation::Summaries, answer, shape, |row| {
        let mtime = row.get("mtime").and_then(number)?;
        let data = row.get("data").filter(|data| data.is_object())?.clone();
        Some(Summary { session_id: row.get("session_id")?.as_str()?.to_owned(), mtime, data })
    })
}

pub fn subkeys(answer: Option<String>) -> Result<Vec<String>> {
    array(Operation::ListSubkeys, answer, "an array of texts", |row| row.as_str().map(str::to_owned))
}

/// Databases may return a time with a fraction, as JavaScript may; a time that is a text is refused.
fn number(value: &Value) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)]
    value.as_i64().or_else(|| value.as_f64().map(|number| number as i64))
}

fn array<T>(
    operation: Operation,
    answer: Option<String>,
    shape: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>> {
    let Some(text) = answer else { return Ok(Vec::new()) };
    let rows: Vec<Value> = serde_json::from_str(&text).map_err(|cause| wrong(operation, shape, &cause))?;
    rows.iter()
        .map(|row| read(row).ok_or_else(|| wrong(operation, shape, &"a row of another shape")))
        .collect()
}

fn wrong(operation: Operation, shape: &str, cause: &dyn std::fmt::Display) -> Error {
    let name = operation.name();
    Error::new(Status::JsonDecode, format!("the session store's answer to {name} is not {shape}: {cause}"))
        .with("phase", "session_store")
        .with("function", name)
}
