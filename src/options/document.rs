//! The options document: its JSON, and the location of errors in it.

use serde_json::{Map, Value};

use crate::error::{Error, Status, quotable};
use crate::protocol::pointer::escaped;
use crate::protocol::tree::{self, Fault};

/// An error in the options: where, what, and what to do about it.
pub fn invalid(pointer: &str, fault: String, remedy: &str) -> Error {
    let pointer: Vec<_> = pointer.split('/').map(quotable).collect();
    let pointer = pointer.join("/");
    let place = if pointer.is_empty() { "options".to_owned() } else { format!("option {pointer}") };
    let message =
        if remedy.is_empty() { format!("{place}: {fault}") } else { format!("{place}: {fault}; {remedy}") };
    let error = Error::new(Status::InvalidOption, message).with("pointer", pointer);
    if remedy.is_empty() { error } else { error.with("remedy", remedy) }
}

/// As [`invalid`], for errors whose text says what is expected.
pub fn at(pointer: &str, fault: String) -> Error {
    invalid(pointer, fault, "see docs/options.md for the form of this option")
}

/// The RFC 6901 pointer to a member of the value at `pointer`.
pub fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", escaped(name))
}

/// Parses the document. Empty text stands for `{}`; a duplicate name is an error rather than "the last one wins".
pub fn read(text: &str) -> Result<Map<String, Value>, Error> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match tree::parse_unique(text).map_err(|fault| unusable(&fault))? {
        Value::Object(document) => Ok(document),
        _ => Err(no_object("expected a JSON object")),
    }
}

/// Parses the text of the option at `pointer`, which is itself JSON.
pub fn read_inside(text: &str, pointer: &str, name: &str, remedy: &str) -> Result<Value, Error> {
    tree::parse_unique(text).map_err(|fault| {
        let place = format!("{pointer}{}", fault.pointer.as_deref().unwrap_or_default());
        let remedy = fault.remedy().unwrap_or_else(|| remedy.to_owned());
        let what = if fault.is_twice() { fault.to_string() } else { fault.of(name) };
        invalid(&place, what, &remedy)
    })
}

fn no_object(fault: &str) -> Error {
    invalid(
        "",
        format!("not a usable JSON object: {fault}"),
        "pass one JSON object, such as {\"model\": \"opus\"}",
    )
}

/// The error for a text that is not JSON, or that cannot become a tree.
fn unusable(fault: &Fault) -> Error {
    let error = match &fault.pointer {
        None => no_object(&fault.to_string()),
        Some(pointer) => {
            let remedy = fault.remedy().unwrap_or_else(|| "correct the value at this place".to_owned());
            invalid(pointer, fault.to_string(), &remedy)
        }
    };
    error.with("line", fault.line).with("column", fault.column)
}
