//! What a parameter is for, read from its type, its name and its text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::parse::{Chapter, Item, Kind, Parameter};

pub type Object = Map<String, Value>;

/// Parameters that may always be NULL: the contract's point "NULL".
const NULLABLE: &[&str] = &["error", "done", "user_data", "destroy", "len", "reply_json"];

const UNITS: &[(&str, &str)] = &[("timeout_ms", "ms"), ("deadline_ms", "ms"), ("budget_us", "us")];

/// Numbers of C and their sizes on a system of 64 bits.
pub const NUMBERS: &[(&str, usize)] = &[
    ("bool", 1),
    ("int32_t", 4),
    ("uint32_t", 4),
    ("int64_t", 8),
    ("uint64_t", 8),
    ("size_t", 8),
    ("intptr_t", 8),
    ("double", 8),
];

/// The names of the types, each with what its kind needs.
#[derive(Default)]
pub struct Types {
    pub enums: BTreeSet<String>,
    pub callbacks: BTreeSet<String>,
    pub structs: BTreeSet<String>,
    /// With the function that frees one; a handle that the host never frees has none.
    pub handles: BTreeMap<String, Option<String>>,
}

impl Types {
    pub fn of(chapters: &[Chapter]) -> Types {
        let mut types = Types::default();
        for item in chapters.iter().flat_map(|chapter| &chapter.items) {
            let name = item.name.clone();
            match item.kind {
                Kind::Enum(_) => drop(types.enums.insert(name)),
                Kind::Callback { .. } => drop(types.callbacks.insert(name)),
                Kind::Struct(_) => drop(types.structs.insert(name)),
                Kind::Handle => drop(types.handles.insert(name, freed_by(item))),
                _ => {}
            }
        }
        types
    }

    /// The role of a function's or a callback's parameter and what goes with it, or what is unclear about it.
    pub fn role(&self, parameter: &Parameter, siblings: &[Parameter]) -> Result<Object, String> {
        let (ty, name) = (parameter.ty.as_str(), parameter.name.as_str());
        let base = ty.trim_start_matches("const ").trim_end_matches('*');
        let constant = ty.starts_with("const ");
        let role = match ty {
            "claude_error_t**" => json!({"role": "error", "owned": true, "free": "claude_error_free"}),
            "char**" => {
                json!({"role": "out_text", "owned": true, "free": "claude_string_free", "json": name.ends_with("json")})
            }
            // The text itself, to be freed.
            "char*" => json!({"role": "owned_text"}),
            "void*" => json!({"role": "user_data"}),
            "const void*" => json!({"role": "bytes", "length": "len"}),
            "const char*" => {
                json!({"role": if name == "json" || name.ends_with("_json") { "json" } else { "text" }, "copied": true})
            }
            _ if self.handles.contains_key(base) && ty.ends_with("**") => {
                json!({"role": "out_handle", "handle": base, "owned": true, "free": self.handles[base]})
            }
            _ if self.handles.contains_key(base) => {
                json!({"role": "handle", "handle": base, "const": constant})
            }
            _ if self.structs.contains(base) => {
                json!({"role": if constant { "struct" } else { "out_struct" }, "struct": base})
            }
            _ if self.callbacks.contains(ty) => {
                json!({"role": "callback", "callback": ty, "calls": if name == "done" { "once" } else { "many" }})
            }
            _ if self.enums.contains(ty) => json!({"role": "enum", "enum": ty}),
            "size_t" if name == "len" && siblings.iter().any(|p| has_length(&p.ty)) => {
                json!({"role": "length"})
            }
            _ if NUMBERS.iter().any(|(number, _)| *number == base) => {
                json!({"role": if ty.ends_with('*') { "out_number" } else { "number" }})
            }
            _ => return Err(format!("{name}: the type {ty} has no role")),
        };
        let Value::Object(mut role) = role else { return Ok(Object::new()) };
        if let Some((_, unit)) = UNITS.iter().find(|(named, _)| *named == name) {
            role.insert("unit".to_owned(), json!(unit));
        }
        Ok(role)
    }

    /// Whether NULL may be passed to a function.
    pub fn nullable(&self, function: &str, parameter: &Parameter, told: &str) -> bool {
        let (ty, name) = (parameter.ty.as_str(), parameter.name.as_str());
        let callback = self.callbacks.contains(ty);
        // `on_x` replaces, and a NULL callback takes away.
        let replaces = callback && function.contains("_on_");
        (ty.contains('*') || callback) && (NULLABLE.contains(&name) || told.contains("NULL =") || replaces)
    }
}

fn has_length(ty: &str) -> bool {
    ty == "const void*" || ty == "const char*"
}

/// The function that a handle's text names for freeing it.
fn freed_by(item: &Item) -> Option<String> {
    let text = item.doc.text();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.find(|word| word.starts_with("claude_") && word.ends_with("_free")).map(str::to_owned)
}
