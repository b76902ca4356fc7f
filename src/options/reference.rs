//! The reference and the JSON schema, generated from the table.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::environment::{DENY_LIST, OF_ANOTHER_START};
use super::row::{Row, To};
use super::shape::{Field, Shape};
use super::table::{CHAPTERS, rows};

/// `docs/options.schema.json`.
pub fn schema() -> String {
    let mut properties = Map::new();
    for row in rows().filter(|row| !matches!(row.to, To::Refused(_))) {
        let mut member =
            json!({"description": format!("{} Without it: {}.", row.prose.doc, row.prose.default)});
        member["anyOf"] = json!([schema_of(&row.shape), {"type": "null"}]);
        properties.insert(row.name.into(), member);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Options of claude_client_create",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A shape as JSON schema (draft 2020-12).
fn schema_of(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Text => json!({"type": "string"}),
        Shape::Name => json!({"type": "string", "minLength": 1}),
        Shape::Uuid => json!({"type": "string", "format": "uuid"}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Int(low, u64::MAX) => json!({"type": "integer", "minimum": low}),
        Shape::Int(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Shape::Positive => json!({"type": "number", "exclusiveMinimum": 0}),
        Shape::Object => json!({"type": "object"}),
        Shape::List(item) => json!({"type": "array", "items": schema_of(item)}),
        Shape::Map(item) => json!({"type": "object", "additionalProperties": schema_of(item)}),
        Shape::OrNull(shape) => or_null(schema_of(shape)),
        Shape::Closed(fields) => closed_schema(None, fields),
        Shape::Tagged(variants) => {
            let each = variants.iter().map(|(tag, fields)| closed_schema(Some(tag), fields));
            json!({"oneOf": each.collect::<Vec<_>>()})
        }
        Shape::Either(shapes) => json!({"anyOf": shapes.iter().map(schema_of).collect::<Vec<_>>()}),
        Shape::Ruled(shape, _) => schema_of(shape),
    }
}

/// Null stands for "not given" in every optional member, as it does at the top level.
fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn closed_schema(tag: Option<&str>, fields: &[Field]) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let Some(tag) = tag {
        properties.insert("type".into(), json!({"const": tag}));
        required.push("type");
    }
    for field in fields {
        let schema = schema_of(&field.shape);
        properties.insert(field.name.into(), if field.required { schema } else { or_null(schema) });
        required.extend(field.required.then_some(field.name));
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// `docs/options.md`.
pub fn markdown() -> String {
    let mut out = INTRODUCTION.to_owned();
    for (title, chapter) in TITLES.into_iter().zip(CHAPTERS) {
        let _ = write!(out, "\n## {title}\n\n");
        let refused = chapter.iter().all(|row| matches!(row.to, To::Refused(_)));
        out.push_str(if refused { "| name | in its place |\n|---|---|\n" } else { HEAD });
        for row in chapter {
            match row.to {
                To::Refused(instead) => {
                    let _ = writeln!(out, "| {} | {} |", names(row), instead);
                }
                _ => option(&mut out, row),
            }
        }
    }
    out.push_str(&environment());
    out
}

/// The titles of the chapters, in order.
const TITLES: [&str; CHAPTERS.len()] = [
    "Model and prompt",
    "Tools, permissions, agents, servers",
    "Session and settings",
    "Process and environment",
    "This library",
    "Not options here",
];

const HEAD: &str = "| option | value | without it | goes to |\n|---|---|---|---|\n";

fn option(out: &mut String, row: &Row) {
    let since = match row.since_cli {
        "" => String::new(),
        version => format!(" Needs CLI {version}."),
    };
    let shape = row.shape.describe().replace('|', "\\|");
    let doc = format!("{}{since}", row.prose.doc).replace('|', "\\|");
    let _ = writeln!(out, "| {}<br>{doc} | {shape} | {} | {} |", names(row), row.prose.default, target(row));
}

/// The name, and the official SDKs' names where they differ.
fn names(row: &Row) -> String {
    let mut out = format!("`{}`", row.name);
    let sdks = [("Python", row.prose.python), ("TypeScript", row.typescript)];
    for (sdk, name) in sdks.into_iter().filter(|(_, name)| !name.is_empty() && *name != row.name) {
        let _ = write!(out, " ({sdk}: `{name}`)");
    }
    out
}

fn target(row: &Row) -> String {
    match row.to {
        To::Flag(flag) => format!("`{flag}=…`"),
        To::FlagUnlessEmpty(flag) => format!("`{flag}=…`, unless empty"),
        To::Repeated(flag) => format!("`{flag}=…` for each"),
        To::Switch(flag) => format!("`{flag}`"),
        To::SwitchOff(flag) => format!("`{flag}` when false"),
        To::Initialize(field) => format!("initialize `{field}`"),
        To::InitializeIfTrue(field) => format!("initialize `{field}`, when true"),
        To::Env(variable, _) => format!("environment variable `{variable}`"),
        To::Custom(text) => text.to_owned(),
        To::Host => format!("stays here: {}", row.prose.stays),
        To::Refused(_) => String::new(),
    }
}

const INTRODUCTION: &str = "\
# Options

<!-- Generated from src/options; UPDATE_DOCS=1 cargo test --test options reference:: writes it anew. -->

`claude_client_create` takes one JSON object. Names are those of the Python SDK's `ClaudeAgentOptions`; options that
only the TypeScript SDK has carry its name in snake case. The same rules as a JSON schema: `options.schema.json`.

- An unknown name, a wrong type, a value out of range and a name given twice, at any depth, are errors. The error's
  document has the JSON pointer of the place (`pointer`) and what to do (`remedy`).
- `null` is the same as leaving the option out. An empty text or list is a value of its own: `\"tools\": []` means no
  tools, leaving `tools` out means the CLI's default.
- Values travel as `--flag=value` in one word, so no value can pass for a flag. Prompts, schemas, agents, plugins, MCP
  servers and settings with any text in them travel in the initialize request, which has no size limit and is not seen in
  the process list. A CLI too old for that is started again, and reads servers and settings from a descriptor that it
  inherits, which is no file in any folder.
- Combinations that the CLI refuses are refused here, before anything is started.
";

fn environment() -> String {
    let names = |list: &[&str]| list.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let (denied, never) = (names(DENY_LIST), names(OF_ANOTHER_START));
    format!(
        "
## The environment of the process

In this order; later steps win:

1. The host's environment, as `env_mode` says: `overlay` leaves out {denied}; `inherit` leaves out nothing; `only` starts
   from nothing (on Windows from `SystemRoot`). Not passed on in any mode, since they say who started another CLI: {never}.
2. `CLAUDE_AGENT_SDK_CLIENT_APP=claude-client/VERSION`, which names this library to the API. The entry point stays unset:
   the CLI then says `sdk-cli`, has no tools or agents for people at a terminal, and session pickers know the session for a
   program's.
3. `TRACEPARENT` and `TRACESTATE` from `trace_context`, which removes inherited ones.
4. `env`, where null removes a variable.
5. Variables that stand for an option: `config_dir`, `prevent_autoupdate`, `client_app`, `enable_file_checkpointing`,
   `tool_config`.
6. `CLAUDE_AGENT_SDK_VERSION`, and `CLAUDE_CODE_SDK_READS_SESSION_STATE=1` unless it is set in any letter case.
7. `PWD`, if `cwd` is given.

`CLAUDE_CODE_SUBPROCESS_ENV_SCRUB=1` in `env` keeps the CLI's secrets out of the tools that it starts, for which a CLI on Linux
needs bubblewrap: it does not start without. `env_mode: only` keeps the host's secrets out of the CLI.
"
    )
}
