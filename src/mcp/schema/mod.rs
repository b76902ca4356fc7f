//! Argument schemas: checked when a tool is added, applied before its function is called.
//!
//! The complete validators would double the library: `jsonschema` 0.61 adds 4.1 MB, `boon` 0.6 adds 2.1 MB (1.7 MB when built
//! for size). This is the part of JSON Schema that tools use: all keywords of draft 2020-12 and draft 7 that validate a value,
//! except those listed in [`compile::REFUSED`]. A schema with one of these is refused rather than applied in part.

mod compile;
mod validate;

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value;

use crate::protocol::tree;

/// How many errors are reported to the model at once.
const MAX_ERRORS: usize = 5;

/// A compiled schema.
pub struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
    /// Siblings of a `$ref` are ignored, as in draft 7.
    lone_references: bool,
}

impl Schema {
    /// The error says what cannot be used, and where.
    pub fn compile(schema: &Value) -> Result<Schema, String> {
        let lone_references = compile::is_old_dialect(schema);
        let mut compiled = Schema { root: tree::copy(schema), patterns: HashMap::new(), lone_references };
        compiled.patterns = compile::check(&compiled.root)?;
        Ok(compiled)
    }

    /// The error is written for the model.
    pub fn check(&self, arguments: &Value) -> Result<(), String> {
        validate::check(self, arguments)
    }

    /// What a `$ref` refers to: this document's root, a pointer into it, or an anchor.
    fn resolve(&self, reference: &str) -> Option<&Value> {
        resolve(&self.root, reference)
    }
}

fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&percent_decoded(fragment));
    }
    anchored(root, fragment)
}

fn anchored<'a>(value: &'a Value, anchor: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) if members.get("$anchor").and_then(Value::as_str) == Some(anchor) => {
            Some(value)
        }
        Value::Object(members) => members.values().find_map(|member| anchored(member, anchor)),
        Value::Array(items) => items.iter().find_map(|item| anchored(item, anchor)),
        _ => None,
    }
}

/// Pointers in a URI have some characters escaped.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code =
            tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
