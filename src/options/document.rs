//! The options document: its JSON, and the place of a fault in it.

use serde_json::{Map, Value};

use crate::error::{Error, Status, quotable};
use crate::protocol::strict::{self, Fault};

/// A fault of the options: where, what, and what to do about it.
pub fn invalid(pointer: &str, fault: String, remedy: &str) -> Error {
    let pointer: Vec<_> = pointer.split('/').map(quotable).collect();
    let pointer = pointer.join("/");
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
    match strict::value(text) {
        Ok(Value::Object(document)) => Ok(document),
        Ok(_) => Err(unusable("expected a JSON object".to_owned())),
        Err(Fault::Twice(place)) => Err(twice(&place)),
        Err(Fault::Syntax(error)) => Err(syntax(&error)),
    }
}

/// The document in a text of the option at `pointer`, which is JSON by itself.
pub fn read_inside(text: &str, pointer: &str, fault: &str, remedy: &str) -> Result<Value, Error> {
    strict::value(text).map_err(|cause| match cause {
        Fault::Twice(place) => twice(&format!("{pointer}{place}")),
        Fault::Syntax(error) => invalid(pointer, format!("{fault}: {error}"), remedy),
    })
}

fn twice(pointer: &str) -> Error {
    invalid(pointer, "given twice".into(), "keep one of the two")
}

fn unusable(fault: String) -> Error {
    invalid(
        "",
        format!("not a usable JSON object: {fault}"),
        "pass one JSON object, such as {\"model\": \"opus\"}",
    )
}

fn syntax(error: &serde_json::Error) -> Error {
    unusable(error.to_string()).with("line", error.line()).with("column", error.column())
}
