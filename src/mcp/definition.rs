//! The host's definitions of a server and its tools.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, Status};
use crate::names::{
    mcp_entry_fault, mcp_policies_fault, mcp_server_fault, mcp_tool_fault, misspelt, nearest,
};
use crate::protocol::pointer::escaped;
use crate::protocol::tree;

/// How long the CLI waits for a tool unless the host says otherwise. It has no value for "no limit", and cutting off a tool
/// while it works helps nobody: a day.
const DEFAULT_TOOL_TIMEOUT_MS: u64 = 24 * 60 * 60 * 1000;

/// The CLI ignores shorter timeouts.
const SHORTEST_MS: u64 = 1000;

/// Beyond this a timer of the CLI would overflow and fire at once.
const LONGEST_MS: u64 = i32::MAX as u64;

const OPTIONS: &[&str] = &["version", "instructions", "timeout_ms", "tools"];
const MEMBERS: &[&str] = &[
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
    "icons",
    "execution",
    "_meta",
    "max_concurrency",
];

type Fits = fn(&Value) -> bool;

/// Types of members. If one has another type, the CLI silently drops every tool of the server.
const TYPES: &[(&str, Fits, &str)] = &[
    ("title", Value::is_string, "a text"),
    ("description", Value::is_string, "a text"),
    ("outputSchema", Value::is_object, "an object"),
    ("annotations", Value::is_object, "an object"),
    ("annotations/title", Value::is_string, "a text"),
    ("annotations/readOnlyHint", Value::is_boolean, "true or false"),
    ("annotations/destructiveHint", Value::is_boolean, "true or false"),
    ("annotations/idempotentHint", Value::is_boolean, "true or false"),
    ("annotations/openWorldHint", Value::is_boolean, "true or false"),
    ("icons", is_list_of_icons, "a list of {\"src\": …}"),
    ("execution", Value::is_object, "an object"),
    ("execution/taskSupport", Value::is_string, "a text"),
    ("_meta", Value::is_object, "an object"),
];

fn is_list_of_icons(value: &Value) -> bool {
    value.as_array().is_some_and(|icons| icons.iter().all(|icon| icon["src"].is_string()))
}

/// The options of a server.
#[derive(Debug)]
pub struct Options {
    pub version: String,
    pub instructions: Option<String>,
    /// What the initialize request says about the server.
    pub config: Value,
}

impl Options {
    pub fn parse(text: &str) -> Result<Options> {
        let document = object(text, "options_json")?;
        for name in document.keys() {
            if !OPTIONS.contains(&name.as_str()) {
                let known = nearest(name, OPTIONS.iter().copied())
                    .unwrap_or("version, instructions, timeout_ms, tools");
                return Err(wrong("options_json", name, format!("the option {name} is unknown"))
                    .with("remedy", format!("known: {known}")));
            }
        }
        let string = |name: &str| match document.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong("options_json", name, format!("{name} is not a text"))),
        };
        let mut config = json!({"timeout": timeout(document.get("timeout_ms"))?});
        let tools = document.get("tools").unwrap_or(&Value::Null);
        check_policies(None, tools)?;
        if !tools.is_null() {
            config["tools"] = tree::copy(tools);
        }
        Ok(Options {
            version: string("version")?.unwrap_or_else(|| "1.0.0".to_owned()),
            instructions: string("instructions")?,
            config,
        })
    }
}

impl Options {
    /// A policy for a name that no tool of the server can have would never apply.
    pub fn check_policies(&self, server: &str) -> Result<()> {
        check_policies(Some(server), &self.config["tools"])
    }
}

fn check_policies(server: Option<&str>, tools: &Value) -> Result<()> {
    match mcp_policies_fault(server, tools) {
        None => Ok(()),
        Some((place, unkept)) => {
            Err(wrong("options_json", &format!("tools{place}"), unkept.fault).with("remedy", unkept.remedy))
        }
    }
}

fn timeout(value: Option<&Value>) -> Result<u64> {
    match value {
        None | Some(Value::Null) => Ok(DEFAULT_TOOL_TIMEOUT_MS),
        Some(value) => value.as_u64().filter(|ms| (SHORTEST_MS..=LONGEST_MS).contains(ms)).ok_or_else(|| {
            wrong(
                "options_json",
                "timeout_ms",
                format!("timeout_ms is not a number from 1000 to {LONGEST_MS}"),
            )
        }),
    }
}

/// The configuration sent to the CLI for a server without options.
pub fn patient() -> Value {
    json!({"timeout": DEFAULT_TOOL_TIMEOUT_MS})
}

/// Checks the name of a server, as it appears in `mcp__<server>__<tool>`.
pub fn check_name(name: &str) -> Result<()> {
    match mcp_server_fault(name) {
        None => Ok(()),
        Some(unkept) => Err(Error::new(Status::InvalidArgument, unkept.fault)
            .with("argument", "name")
            .with("remedy", unkept.remedy)),
    }
}

/// Checks the names and policies of servers that are sent to the CLI; null removes a server.
pub fn check_servers(servers: &Map<String, Value>) -> Result<()> {
    for (name, server) in servers.iter().filter(|(_, server)| !server.is_null()) {
        if let Some((inner, unkept)) = mcp_entry_fault(name, server) {
            let place = escaped(name);
            return Err(Error::new(Status::InvalidArgument, unkept.fault)
                .with("argument", "servers_json")
                .with("pointer", format!("/{place}{inner}"))
                .with("remedy", unkept.remedy));
        }
    }
    Ok(())
}

/// Checks a tool's name: the model must see the tool under the name that it was given.
pub fn check_tool_name(server: &str, tool: &str) -> Result<()> {
    match mcp_tool_fault(server, tool) {
        None => Ok(()),
        Some(unkept) => Err(wrong("tool_json", "name", unkept.fault).with("remedy", unkept.remedy)),
    }
}

/// A tool as the host described it.
pub struct Definition {
    pub name: String,
    /// What `tools/list` says: the host's own members, untouched.
    pub listed: Value,
    pub input_schema: Value,
    /// 0 = no limit.
    pub max_concurrency: u32,
}

impl Definition {
    pub fn parse(text: &str) -> Result<Definition> {
        let mut document = object(text, "tool_json")?;
        for name in document.keys() {
            // Unknown members belong to later versions of MCP and pass; misspelt ones would have no effect.
            if let Some(known) = misspelt(name, MEMBERS) {
                return Err(wrong("tool_json", name, format!("the member {name} is unknown"))
                    .with("remedy", format!("write {known}")));
            }
        }
        let name = match document.get("name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => return Err(wrong("tool_json", "name", "the tool has no name".into())),
        };
        check_types(&document)?;
        let max_concurrency = match document.shift_remove("max_concurrency") {
            None | Some(Value::Null) => 1,
            Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
                wrong("tool_json", "max_concurrency", "max_concurrency is not 0 or a positive number".into())
            })?,
        };
        let input_schema = tree::copy(
            document.entry("inputSchema").or_insert_with(|| json!({"type": "object", "properties": {}})),
        );
        if input_schema["type"] != "object" {
            let fault = "inputSchema is not a schema of the type object".to_owned();
            return Err(wrong("tool_json", "inputSchema/type", fault)
                .with("remedy", "write {\"type\":\"object\",\"properties\":{…}}"));
        }
        Ok(Definition { name, listed: document.into(), input_schema, max_concurrency })
    }
}

fn check_types(document: &Map<String, Value>) -> Result<()> {
    for (place, fits, expected) in TYPES {
        let mut names = place.split('/');
        let member = names.next().and_then(|name| document.get(name));
        let value = names.fold(member, |value, name| value.and_then(|value| value.get(name)));
        if value.is_some_and(|value| !fits(value)) {
            return Err(wrong("tool_json", place, format!("{place} is not {expected}"))
                .with("remedy", "correct it, or leave it out: the CLI would drop every tool of the server"));
        }
    }
    Ok(())
}

fn object(text: &str, argument: &str) -> Result<Map<String, Value>> {
    let fault = |message: String| {
        Error::new(Status::InvalidArgument, message)
            .with("argument", argument)
            .with("remedy", "pass a JSON object")
    };
    match tree::parse_unique(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(fault(format!("{argument} is not a JSON object"))),
        Err(cause) => Err(cause.refusal(argument, "pass a JSON object")),
    }
}

/// `member` may be a path with slashes, below the document.
fn wrong(argument: &str, member: &str, message: String) -> Error {
    Error::new(Status::InvalidArgument, message)
        .with("argument", argument)
        .with("pointer", format!("/{}", member.replace('~', "~0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Error {
        match Definition::parse(text) {
            Err(error) => error,
            Ok(_) => panic!("{text} was taken"),
        }
    }

    #[test]
    fn definitions_pass_untouched() {
        let text = r#"{"name":"add","annotations":{"readOnlyHint":true,"x-own":1},"brandNew":2,"max_concurrency":3,
            "_meta":{"anthropic/maxResultSizeChars":500000}}"#;
        let tool = Definition::parse(text).unwrap_or_else(|error| panic!("{}", error.message));
        assert_eq!(tool.max_concurrency, 3);
        assert_eq!(tool.listed["annotations"], json!({"readOnlyHint": true, "x-own": 1}));
        assert_eq!(tool.listed["_meta"]["anthropic/maxResultSizeChars"], 500_000);
        assert_eq!((&tool.listed["brandNew"], &tool.listed["max_concurrency"]), (&json!(2), &Value::Null));
        assert_eq!(tool.listed["inputSchema"]["type"], "object");
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(refused(r#"{"description":"x"}"#).detail("pointer"), Some(&json!("/name")));
        assert_eq!(
            refused(r#"{"name":"a","input_schema":{}}"#).detail("remedy"),
            Some(&json!("write inputSchema"))
        );
        assert!(refused(r#"{"name":"a","maxConcurrency":2}"#).message.contains("maxConcurrency"));
        assert!(refused(r#"{"name":"a","max_concurrency":-1}"#).message.contains("max_concurrency"));
        assert!(refused(r#"{"name":"a","inputSchema":{"type":"string"}}"#).message.contains("inputSchema"));
        refused("[]");
        refused("{");
    }

    #[test]
    fn members_that_would_cost_the_cli_every_tool_of_the_server_are_refused() {
        for (member, pointer) in [
            (r#""description":null"#, "/description"),
            (r#""title":3"#, "/title"),
            (r#""annotations":null"#, "/annotations"),
            (r#""annotations":{"readOnlyHint":"yes"}"#, "/annotations/readOnlyHint"),
            (r#""annotations":{"title":null}"#, "/annotations/title"),
            (r#""outputSchema":null"#, "/outputSchema"),
            (r#""icons":{}"#, "/icons"),
            (r#""icons":[{}]"#, "/icons"),
            (r#""execution":3"#, "/execution"),
            (r#""execution":{"taskSupport":null}"#, "/execution/taskSupport"),
            (r#""_meta":null"#, "/_meta"),
        ] {
            let error = refused(&format!(r#"{{"name":"a",{member}}}"#));
            assert_eq!(error.detail("pointer"), Some(&json!(pointer)), "{member}");
            assert!(error.detail("remedy").is_some(), "{member}");
        }
        let whole = r#"{"name":"a","title":"A","description":"","annotations":{"title":"A","readOnlyHint":false},
            "outputSchema":{"type":"object"},"icons":[{"src":"data:,"}],"execution":{"taskSupport":"optional"},"_meta":{}}"#;
        assert!(Definition::parse(whole).is_ok());
    }

    #[test]
    fn server_options_have_a_generous_timeout_and_no_unknown_members() {
        let options = Options::parse("{}").unwrap();
        assert_eq!(options.config, json!({"timeout": DEFAULT_TOOL_TIMEOUT_MS}));
        let given = r#"{"version":"2","instructions":"Use it.","timeout_ms":5000,"tools":[{"name":"a"}]}"#;
        let options = Options::parse(given).unwrap();
        assert_eq!((options.version.as_str(), options.instructions.as_deref()), ("2", Some("Use it.")));
        assert_eq!(options.config, json!({"timeout": 5000, "tools": [{"name": "a"}]}));
        for text in
            [r#"{"timeout_ms":999}"#, r#"{"timeout_ms":4294967296}"#, r#"{"version":2}"#, r#"{"tools":{}}"#]
        {
            assert_eq!(Options::parse(text).unwrap_err().status, Status::InvalidArgument, "{text}");
        }
        for (text, pointer) in [
            (r#"{"tools":[3]}"#, "/tools/0"),
            (r#"{"tools":[{"name":"a"},{"nme":"b"}]}"#, "/tools/1/nme"),
            (r#"{"tools":[{"permission_policy":"always_deny"}]}"#, "/tools/0/name"),
            (r#"{"tools":[{"name":"a","permission_polcy":"always_deny"}]}"#, "/tools/0/permission_polcy"),
            (r#"{"tools":[{"name":"a","permission_policy":"always-deny"}]}"#, "/tools/0/permission_policy"),
            (r#"{"tools":[{"name":"a","permission_policy":null}]}"#, "/tools/0/permission_policy"),
        ] {
            let error = Options::parse(text).unwrap_err();
            assert_eq!(error.detail("pointer"), Some(&json!(pointer)), "{text}: {}", error.message);
        }
        let misspelt = Options::parse(r#"{"timeout":1}"#).unwrap_err();
        assert_eq!(misspelt.detail("pointer"), Some(&json!("/timeout")));
    }
}
