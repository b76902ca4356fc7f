//! Describes the interface for generators of bindings. docs/bindings-api.md says what the members mean.
//!
//! All of it is read from the declarations and from habits of the texts: the names that the contract allows to be NULL,
//! "NULL =", "Before connecting", "Not in PULL mode", and the function that a handle's text names. What stays unclear is an
//! error.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::doc::Doc;
use super::parse::{Chapter, Item, Kind, Member, Parameter};
use super::roles::{NUMBERS, Object, Types};
use super::{Result, json as pages};

/// Functions that wait without `timeout_ms`: the contract's point "Waiting".
const WAITS: &[(&str, &str)] = &[("claude_client_free", "until the process is gone")];

/// Callbacks that do not run where the dispatch mode says.
pub const THREADS: &[(&str, &str)] = &[
    ("claude_destroy_fn", "any"),
    ("claude_log_fn", "any"),
    ("claude_notify_fn", "any"),
    ("claude_store_append_fn", "library"),
    ("claude_store_fn", "library"),
    ("claude_thread_fn", "library"),
    ("claude_transport_fn", "library"),
    ("claude_transport_connect_fn", "library"),
    ("claude_transport_write_fn", "library"),
];

pub fn describe(chapters: &[Chapter]) -> Result<String> {
    value(chapters).map(|value| pages::text(&value))
}

/// The description, or all that is unclear.
pub fn value(chapters: &[Chapter]) -> Result<Value> {
    let mut api = Api { types: Types::of(chapters), unclear: Vec::new() };
    let document = api.document(chapters);
    if api.unclear.is_empty() { Ok(document) } else { Err(api.unclear.join("\n")) }
}

struct Api {
    types: Types,
    unclear: Vec<String>,
}

impl Api {
    fn document(&mut self, chapters: &[Chapter]) -> Value {
        let items: Vec<&Item> = chapters.iter().flat_map(|chapter| &chapter.items).collect();
        self.frees(&items);
        let constants: Vec<Value> = items.iter().filter_map(|item| constant(item)).collect();
        let abi = constants.iter().find(|constant| constant["name"] == "CLAUDE_ABI_VERSION");
        json!({
            "format": 1,
            "abi": abi.map(|constant| &constant["value"]),
            "types": numbers(),
            "chapters": chapters.iter().map(|chapter| {
                json!({"id": chapter.id, "title": chapter.title, "doc": chapter.intro.text()})
            }).collect::<Vec<_>>(),
            "constants": constants,
            "enums": items.iter().filter_map(|item| self.enumeration(item)).collect::<Vec<_>>(),
            "handles": items.iter().filter_map(|item| self.handle(item)).collect::<Vec<_>>(),
            "callbacks": items.iter().filter_map(|item| self.callback(item)).collect::<Vec<_>>(),
            "structs": items.iter().filter_map(|item| self.structure(item)).collect::<Vec<_>>(),
            "functions": self.functions(chapters),
        })
    }

    fn unclear(&mut self, place: &str, what: &str) {
        self.unclear.push(format!("{place}: {what}"));
    }

    /// The functions that free handles have to exist.
    fn frees(&mut self, items: &[&Item]) {
        let missing = |free: &&String| !items.iter().any(|item| item.name == **free);
        let missing: Vec<String> = self.types.handles.values().flatten().filter(missing).cloned().collect();
        missing
            .iter()
            .for_each(|name| self.unclear(name, "is named as what frees a handle, and does not exist"));
    }

    fn enumeration(&mut self, item: &Item) -> Option<Value> {
        let Kind::Enum(values) = &item.kind else { return None };
        let values: Vec<Value> = values
            .iter()
            .map(|value| {
                let number = number(&value.value);
                if number.is_none() {
                    self.unclear(&value.name, &format!("{} is no number", value.value));
                }
                if value.doc.blocks.is_empty() {
                    self.unclear(&value.name, "has no text");
                }
                json!({"name": value.name, "value": number, "doc": value.doc.text()})
            })
            .collect();
        let doc = item.doc.text();
        Some(json!({
            "name": item.name, "type": "int32", "open": true, "mask": doc.contains("mask"), "doc": doc, "values": values
        }))
    }

    fn handle(&mut self, item: &Item) -> Option<Value> {
        let Kind::Handle = item.kind else { return None };
        let free = self.types.handles.get(&item.name)?.clone();
        if free.is_none() && !item.doc.text().contains("ever freed") {
            self.unclear(
                &item.name,
                "its text names no function that frees it, and does not say \"Never freed\"",
            );
        }
        Some(json!({"name": item.name, "free": free, "doc": item.doc.text()}))
    }

    fn callback(&mut self, item: &Item) -> Option<Value> {
        let Kind::Callback { returns, parameters } = &item.kind else { return None };
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|parameter| {
                let base = parameter.ty.trim_end_matches('*');
                let owned = self.types.handles.get(base).is_some_and(Option::is_some);
                let borrowed = matches!(parameter.ty.as_str(), "const char*" | "const void*");
                let mut value = named(parameter);
                let mut role = self.role(&item.name, parameter, parameters);
                // Those are the rules for what a function takes.
                role.retain(|member, _| member != "copied" && member != "const");
                value.extend(role);
                value.insert("owned_by_host".to_owned(), json!(owned));
                value.insert("lives".to_owned(), json!(borrowed.then_some("until the callback returns")));
                Value::Object(value)
            })
            .collect();
        let thread = THREADS.iter().find(|(name, _)| *name == item.name).map_or("mode", |(_, thread)| thread);
        Some(json!({
            "name": item.name, "returns": returns, "parameters": parameters, "thread": thread, "doc": item.doc.text()
        }))
    }

    fn role(&mut self, place: &str, parameter: &Parameter, siblings: &[Parameter]) -> Object {
        self.types.role(parameter, siblings).unwrap_or_else(|what| {
            self.unclear(place, &what);
            Object::new()
        })
    }

    fn structure(&mut self, item: &Item) -> Option<Value> {
        let Kind::Struct(members) = &item.kind else { return None };
        if members.first().is_none_or(|member| member.parameter.name != "size") {
            self.unclear(&item.name, "a struct begins with `size`");
        }
        let parameters: Vec<Parameter> = members.iter().map(|member| member.parameter.clone()).collect();
        let (mut offset, mut align, mut described) = (0, 1, Vec::new());
        for Member { parameter, doc } in members {
            let size = self.size(&parameter.ty);
            offset = usize::next_multiple_of(offset, size);
            align = align.max(size);
            let mut value = named(parameter);
            let mut role = self.role(&item.name, parameter, &parameters);
            role.retain(|member, _| !["copied", "calls", "const"].contains(&member.as_str()));
            value.extend(role);
            let doc = doc.text();
            value.insert("nullable".to_owned(), json!(doc.contains("NULL =")));
            value.insert("offset".to_owned(), json!(offset));
            value.insert("bytes".to_owned(), json!(size));
            if doc.is_empty() {
                self.unclear(&item.name, &format!("{} has no text", parameter.name));
            }
            value.insert("doc".to_owned(), json!(doc));
            described.push(Value::Object(value));
            offset += size;
        }
        let size = offset.next_multiple_of(align);
        Some(json!({
            "name": item.name, "size_member": "size", "bytes": size, "align": align, "doc": item.doc.text(),
            "members": described
        }))
    }

    /// Bytes on a system of 64 bits, which are the alignment as well.
    fn size(&self, ty: &str) -> usize {
        match NUMBERS.iter().find(|(name, _)| *name == ty) {
            Some((_, size)) => *size,
            None if self.types.enums.contains(ty) => 4,
            None => 8,
        }
    }

    fn functions(&mut self, chapters: &[Chapter]) -> Vec<Value> {
        let names: BTreeSet<String> = super::functions(chapters).map(|item| item.name.clone()).collect();
        let docs: BTreeMap<&str, &Doc> =
            super::functions(chapters).map(|item| (item.name.as_str(), &item.doc)).collect();
        let mut functions = Vec::new();
        for chapter in chapters {
            for item in &chapter.items {
                let Kind::Function { returns, parameters } = &item.kind else { continue };
                let copied = item.doc.command("copydoc");
                let doc = copied.map_or(Some(&item.doc), |name| docs.get(name).copied());
                let Some(doc) = doc else {
                    self.unclear(&item.name, "@copydoc of a function that does not exist");
                    continue;
                };
                functions.push(self.function(&chapter.id, &item.name, returns, parameters, doc, &names));
            }
        }
        functions
    }

    fn function(
        &mut self,
        chapter: &str,
        name: &str,
        returns: &str,
        parameters: &[Parameter],
        doc: &Doc,
        names: &BTreeSet<String>,
    ) -> Value {
        let text = doc.text();
        if text.is_empty() {
            self.unclear(name, "has no text");
        }
        for (told, _) in doc.parameters() {
            if !parameters.iter().any(|parameter| parameter.name == told) {
                self.unclear(name, &format!("has a text for {told}, which is no parameter"));
            }
        }
        let described: Vec<Value> =
            parameters.iter().map(|parameter| self.parameter(name, parameter, parameters, doc)).collect();
        let has = |wanted: &str| parameters.iter().any(|parameter| parameter.name == wanted);
        let blocking = blocking(name, has("timeout_ms"));
        let twin = format!("{name}_wait");
        let mut function = json!({
            "name": name,
            "chapter": chapter,
            "returns": returns,
            "doc": text,
            "parameters": described,
            "fails": returns == "claude_status_t" && described.iter().any(|parameter| parameter["role"] == "error"),
            "statuses": statuses(&text),
            "blocking": blocking,
            "in_callbacks": in_callbacks(name, blocking),
            "completion": has("done"),
            "frees": name.ends_with("_free"),
            "before_connect": text.contains("efore connecting"),
            "not_in_pull": text.contains("ot in PULL"),
            "wait_twin": names.contains(&twin).then_some(twin),
            "twin_of": name.strip_suffix("_wait"),
        });
        if returns == "const char*" {
            let of = described.first().filter(|parameter| parameter["role"] == "handle");
            let lives = of.map_or(json!("for ever"), |parameter| parameter["name"].clone());
            function["result"] = json!({"owned": false, "lives": lives});
        }
        function
    }

    fn parameter(&mut self, function: &str, parameter: &Parameter, all: &[Parameter], doc: &Doc) -> Value {
        let told = doc.parameters().find(|(name, _)| *name == parameter.name).map_or("", |(_, text)| text);
        let nullable = self.types.nullable(function, parameter, told);
        let role = self.role(function, parameter, all);
        let kind = role.get("role").and_then(Value::as_str).unwrap_or_default();
        let input = ["text", "json", "bytes", "struct"].contains(&kind);
        if !nullable && input && says_null(told) {
            self.unclear(
                function,
                &format!("{}: say \"NULL = ...\" where NULL may be passed: {told}", parameter.name),
            );
        }
        let mut value = named(parameter);
        value.extend(role);
        value.insert("nullable".to_owned(), json!(nullable));
        value.insert("doc".to_owned(), json!(told));
        Value::Object(value)
    }
}

fn named(parameter: &Parameter) -> Object {
    let mut object = Object::new();
    object.insert("name".to_owned(), json!(parameter.name));
    object.insert("type".to_owned(), json!(parameter.ty));
    object
}

fn constant(item: &Item) -> Option<Value> {
    let Kind::Macro { value, .. } = &item.kind else { return None };
    Some(json!({"name": item.name, "value": number(value)?, "doc": item.doc.text()}))
}

fn number(text: &str) -> Option<i64> {
    let text = text.trim_end_matches('u');
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn numbers() -> Vec<Value> {
    NUMBERS.iter().map(|(name, size)| json!({"name": name, "bytes": size})).collect()
}

fn blocking(name: &str, timeout: bool) -> Option<&'static str> {
    let replaces = name.contains("_on_") && !name.contains("_on_cancel");
    let told = WAITS.iter().find(|(function, _)| *function == name).map(|(_, how)| *how);
    if timeout {
        Some("timeout_ms")
    } else {
        told.or(replaces.then_some("for a running call of the old callback"))
    }
}

/// What a function does inside a callback: it is refused where it has `timeout_ms`, and never waits where it has not.
fn in_callbacks(name: &str, blocking: Option<&str>) -> &'static str {
    match blocking {
        Some("timeout_ms") => "refused",
        Some(_) if name.ends_with("_free") => "later",
        _ => "allowed",
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

fn statuses(text: &str) -> BTreeSet<&str> {
    words(text).filter(|word| word.starts_with("CLAUDE_ERR_")).collect()
}

/// Whether a text speaks of NULL without the form that says what it means.
fn says_null(text: &str) -> bool {
    text.match_indices("NULL").any(|(at, word)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        !inside(before.chars().next_back()) && !inside(after.chars().next()) && !after.starts_with(" =")
    })
}
