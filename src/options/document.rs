//! The options document: its JSON, and the place of a fault in it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Error, Status};
use crate::protocol::tree::{self, Fault};

/// A fault of the options: where, what, and what to do about it.
pub fn invalid(pointer: &str, fault: String, remedy: &str) -> Error {
    let place = if pointer.is_empty() { "options".to_owned() } else { format!("option {pointer}") };
    let message =
        if remedy.is_empty() { format!("{place}: {fault}") } else { format!("{place}: {fault}; {remedy}") };
    let error = Error::new(Status::InvalidOption, message).with("pointer", pointer);
    if remedy.is_empty() { error } else { error.with("remedy", remedy) }
}

/// As [`invalid`], for faults whose text says what is expected.
pub fn at(pointer: &str, fault: String) -> Error {
    invalid(pointer, fault, "see docs/options.md for the form of this option")
}

/// The RFC 6901 pointer to a member of the value at `pointer`.
pub fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Reads the document. Empty text stands for `{}`; a name that occurs twice is a fault, not "the last one wins".
pub fn read(text: &str) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let names = deserializer.deserialize_any(TopLevel).map_err(|error| syntax(&error))?;
    deserializer.end().map_err(|error| syntax(&error))?;
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(invalid(&child("", name), "given twice".into(), "keep one of the two"));
    }
    match tree::parse(text).map_err(|fault| unusable(&fault))? {
        Value::Object(document) => Ok(document),
        _ => Ok(Map::new()),
    }
}

fn syntax(error: &serde_json::Error) -> Error {
    invalid(
        "",
        format!("not a usable JSON object: {error}"),
        "pass one JSON object, such as {\"model\": \"opus\"}",
    )
    .with("line", error.line())
    .with("column", error.column())
}

/// The text is JSON, but no tree can be made of it.
fn unusable(fault: &Fault) -> Error {
    let remedy = fault.remedy().unwrap_or_else(|| "correct the value at this place".to_owned());
    invalid(fault.pointer.as_deref().unwrap_or_default(), fault.to_string(), &remedy)
        .with("line", fault.line)
        .with("column", fault.column)
}

/// The names of the members, each as often as it is written.
struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = access.next_entry()? {
            names.push(name);
        }
        Ok(names)
    }
}
