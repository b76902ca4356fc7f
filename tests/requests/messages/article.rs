//! The tables of `docs/messages.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::session::Frame;

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Messages are told apart by `type` and `subtype`, requests by `subtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Messages,
    Requests,
}

/// A line of a table.
#[derive(Debug)]
pub struct Row {
    pub pointer: String,
    pub types: Vec<String>,
    pub always: bool,
    pub meaning: String,
}

#[derive(Debug)]
pub struct Section {
    pub part: Part,
    /// The type, or `system/` and the subtype; for requests the subtype.
    pub name: String,
    pub sample: Value,
    pub rows: Vec<Row>,
}

pub struct Article {
    text: String,
    pub sections: Vec<Section>,
    pub hook_members: BTreeMap<String, Vec<String>>,
}

/// The texts between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split(" | ").map(str::trim).collect()
}

impl Article {
    pub fn read() -> Article {
        let text = std::fs::read_to_string(path("docs/messages.md")).expect("the article is there");
        let mut article = Article { text: text.clone(), sections: Vec::new(), hook_members: BTreeMap::new() };
        for chapter in text.split("\n## ").skip(1) {
            let part = match chapter.lines().next() {
                Some("Messages") => Part::Messages,
                Some("Requests") => Part::Requests,
                _ => continue,
            };
            for section in chapter.split("\n### ").skip(1) {
                if section.starts_with("What each hook event adds") {
                    article.hook_members = hook_members(section);
                } else if section.contains("| pointer |") {
                    article.sections.push(Section::read(part, section));
                }
            }
        }
        article
    }

    pub fn section(&self, part: Part, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.part == part && section.name == name)
    }

    /// Whether the lists of other types name it.
    pub fn is_mentioned(&self, name: &str) -> bool {
        let name = name.rsplit('/').next().unwrap_or(name);
        self.text.contains(&format!("| `{name}` |")) || self.text.contains(&format!("`{name}`"))
    }

    /// A JSON schema (draft 2020-12) of all messages and requests.
    pub fn schema(&self) -> String {
        let mut definitions = Map::new();
        for section in &self.sections {
            let part = if section.part == Part::Messages { "message" } else { "request" };
            definitions.insert(format!("{part}/{}", section.name), section.schema());
        }
        let one_of = |part: &str| -> Vec<Value> {
            let names = definitions.keys().filter(|name| name.starts_with(part));
            names.map(|name| json!({"$ref": format!("#/$defs/{}", name.replace('/', "~1"))})).collect()
        };
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Messages and requests of Claude Code",
            "description": "What docs/messages.md says of the kinds that it has a table for. Others exist.",
            "anyOf": [{"title": "Message", "anyOf": one_of("message/")}, {"title": "Request", "anyOf": one_of("request/")}],
            "$defs": definitions,
        });
        serde_json::to_string_pretty(&schema).expect("a document") + "\n"
    }
}

fn hook_members(section: &str) -> BTreeMap<String, Vec<String>> {
    let rows = section.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    rows.map(|line| {
        let cells = cells(line);
        (
            cells[0].to_owned(),
            cells[1].split(", ").filter_map(|member| quoted(member).into_iter().next()).collect(),
        )
    })
    .collect()
}

impl Section {
    fn read(part: Part, text: &str) -> Section {
        let heading = text.lines().next().unwrap_or_default();
        let words = quoted(heading);
        let sample = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let sample = sample.unwrap_or_else(|| panic!("{heading} has no sample"));
        let sample =
            serde_json::from_str(sample).unwrap_or_else(|error| panic!("the sample of {heading}: {error}"));
        let rows = text.lines().filter(|line| line.starts_with("| `/")).map(Row::read).collect();
        Section { part, name: words.join("/"), sample, rows }
    }

    /// The first place that is not as the table says.
    pub fn check(&self, json: &Value) -> Result<(), String> {
        for row in &self.rows {
            let found = json.pointer(&row.pointer);
            let fits = found.map_or(!row.always, |value| row.allows(value));
            if !fits {
                let found = found.map_or("nothing".to_owned(), Value::to_string);
                let kinds = row.types.join(" or ");
                return Err(format!("{}: {} is {found}, not {kinds}", self.name, row.pointer));
            }
        }
        Ok(())
    }

    /// Places that none of the frames has, or the whole section.
    pub fn unseen(&self, frames: &[Frame]) -> Vec<String> {
        let mine: Vec<&Value> = frames
            .iter()
            .filter(|frame| frame.part == self.part && frame.name == self.name)
            .map(|frame| &frame.json)
            .collect();
        if mine.is_empty() {
            return vec![self.name.clone()];
        }
        let missing =
            self.rows.iter().filter(|row| mine.iter().all(|json| json.pointer(&row.pointer).is_none()));
        missing.map(|row| format!("{} {}", self.name, row.pointer)).collect()
    }

    fn schema(&self) -> Value {
        let mut root = Node::default();
        for (word, name) in [(0, "type"), (1, "subtype")] {
            let name = if self.part == Part::Requests { "subtype" } else { name };
            if let Some(value) = self.name.split('/').nth(word) {
                root.child(name, true).leaf = Some(json!({"const": value}));
            }
        }
        for row in &self.rows {
            root.insert(row);
        }
        root.schema()
    }
}

impl Row {
    fn read(line: &str) -> Row {
        let cells = cells(line);
        let [pointer, types, there, meaning] = cells[..] else { panic!("not four cells: {line}") };
        let types = types.replace(", ", " or ").split(" or ").map(str::to_owned).collect();
        Row {
            pointer: pointer.trim_matches('`').to_owned(),
            types,
            always: there == "always",
            meaning: meaning.to_owned(),
        }
    }

    fn allows(&self, value: &Value) -> bool {
        self.types.iter().any(|kind| match kind.as_str() {
            "any" => true,
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "object" => value.is_object(),
            "array" => value.is_array(),
            "null" => value.is_null(),
            other => panic!("the article has a type {other}"),
        })
    }
}

/// A place in the schema: its members, in the order of the table.
#[derive(Default)]
struct Node {
    leaf: Option<Value>,
    members: Vec<(String, bool, Node)>,
}

impl Node {
    fn child(&mut self, name: &str, required: bool) -> &mut Node {
        let at = self.members.iter().position(|(known, ..)| known == name).unwrap_or_else(|| {
            self.members.push((name.to_owned(), false, Node::default()));
            self.members.len() - 1
        });
        self.members[at].1 |= required;
        &mut self.members[at].2
    }

    fn insert(&mut self, row: &Row) {
        let mut node = self;
        for name in row.pointer.split('/').skip(1) {
            node = node.child(name, row.always);
        }
        let mut leaf = json!({"description": row.meaning.replace('`', "")});
        if row.types != ["any"] {
            leaf["type"] = if let [kind] = &row.types[..] { json!(kind) } else { json!(row.types) };
        }
        if node.leaf.is_none() {
            node.leaf = Some(leaf);
        }
    }

    fn schema(&self) -> Value {
        if self.members.is_empty() {
            return self.leaf.clone().unwrap_or_else(|| json!({}));
        }
        let required: Vec<&String> =
            self.members.iter().filter(|(_, required, _)| *required).map(|(name, ..)| name).collect();
        let members: Map<String, Value> =
            self.members.iter().map(|(name, _, node)| (name.clone(), node.schema())).collect();
        let mut schema = json!({"type": "object", "properties": members});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }
}
