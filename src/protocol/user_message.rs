//! User messages: built from a prompt, or checked if the host composed them. One malformed line ends the CLI.

use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::sync::Lazy;
use serde_json::{Map, Value};

use super::tree;
use crate::error::{Error, Result, Status};

/// One user message, ready to be written.
#[derive(Debug)]
pub struct UserMessage {
    pub line: String,
    /// The id by which the CLI's frames refer to this message.
    pub uuid: String,
    /// The host chose the id, and may choose it again.
    pub chosen: bool,
}

/// What a session adds to each of its user messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// `client_composed`: no `@path` expansion and no slash commands.
    pub verbatim: bool,
}

/// A message from a plain prompt, formatted directly: every query takes this path.
pub fn from_prompt(prompt: &str, session_id: Option<&str>, style: Style) -> Result<UserMessage> {
    if prompt.is_empty() {
        return Err(Error::new(Status::InvalidArgument, "the prompt is empty")
            .with("argument", "prompt")
            .with("remedy", "pass at least one character"));
    }
    let uuid = new_uuid();
    let mut line = Vec::with_capacity(prompt.len() + prompt.len() / 8 + 192);
    line.extend_from_slice(br#"{"type":"user","message":{"role":"user","content":"#);
    put_string(&mut line, prompt)?;
    line.extend_from_slice(br#"},"parent_tool_use_id":null,"session_id":"#);
    put_string(&mut line, session_id.unwrap_or("default"))?;
    if style.verbatim {
        line.extend_from_slice(br#","client_composed":true"#);
    }
    line.extend_from_slice(br#","uuid":""#);
    line.extend_from_slice(uuid.as_bytes());
    line.extend_from_slice(br#""}"#);
    let line = String::from_utf8(line).map_err(|cause| {
        Error::new(Status::InvalidArgument, format!("the prompt cannot be written: {cause}"))
    })?;
    Ok(UserMessage { line, uuid, chosen: false })
}

fn put_string(line: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(line, text)
        .map_err(|cause| Error::new(Status::InvalidArgument, format!("the text cannot be written: {cause}")))
}

/// Random once per process, then counted up: asking the system for every prompt would cost more than sending it.
fn new_uuid() -> String {
    static BASE: Lazy<u128> = Lazy::new(|| uuid::Uuid::new_v4().as_u128());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Spread over all bits, so that consecutive ids do not look alike.
    let number = u128::from(COUNT.fetch_add(1, Ordering::Relaxed))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let uuid = uuid::Builder::from_random_bytes(BASE.wrapping_add(number).to_be_bytes()).into_uuid();
    uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
}

/// A message that the host composed: images, blocks, `parent_tool_use_id`, `priority` and so on.
pub fn from_json(text: &str, session_id: Option<&str>, style: Style) -> Result<UserMessage> {
    let value = tree::parse(text).map_err(|fault| {
        let pointer = fault.pointer.as_deref().unwrap_or_default();
        refused(pointer, fault.of("the message"))
            .with("offset", fault.offset)
            .with_opt("remedy", fault.remedy())
    })?;
    let Value::Object(message) = value else {
        return Err(refused("", "the message is not a JSON object".into()));
    };
    match message.get("type").and_then(Value::as_str) {
        Some("user") => {}
        _ => return Err(refused("/type", "the message's type is not \"user\"".into())),
    }
    let Some(Value::Object(inner)) = message.get("message") else {
        return Err(refused("/message", "the message has no \"message\" object".into()));
    };
    if inner.get("role").and_then(Value::as_str) != Some("user") {
        return Err(refused("/message/role", "the message's role is not \"user\"".into()));
    }
    check_content(inner.get("content"))?;
    if let Some(uuid) = message.get("uuid")
        && uuid.as_str().and_then(|text| uuid::Uuid::parse_str(text).ok()).is_none()
    {
        return Err(refused("/uuid", "the message's uuid is not a UUID".into()));
    }
    Ok(finish(message, session_id, style))
}

fn check_content(content: Option<&Value>) -> Result<()> {
    const POINTER: &str = "/message/content";
    match content {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) if blocks.is_empty() => {
            Err(refused(POINTER, "the message's content is an empty list".into()))
        }
        Some(Value::Array(blocks)) => {
            for (index, block) in blocks.iter().enumerate() {
                if block.get("type").and_then(Value::as_str).is_none() {
                    return Err(refused(
                        &format!("{POINTER}/{index}/type"),
                        format!("content block {index} is not an object with a \"type\""),
                    ));
                }
            }
            Ok(())
        }
        _ => Err(refused(POINTER, "the message's content is neither a text nor a list of blocks".into())),
    }
}

fn finish(mut message: Map<String, Value>, session_id: Option<&str>, style: Style) -> UserMessage {
    if let Some(session_id) = session_id {
        message.insert("session_id".into(), session_id.into());
    } else if !message.contains_key("session_id") {
        message.insert("session_id".into(), "default".into());
    }
    if style.verbatim {
        message.insert("client_composed".into(), true.into());
    }
    let given = message.get("uuid").and_then(Value::as_str).map(str::to_owned);
    let chosen = given.is_some();
    let uuid = given.unwrap_or_else(new_uuid);
    message.insert("uuid".into(), uuid.clone().into());
    UserMessage { line: serde_json::to_string(&message).unwrap_or_default(), uuid, chosen }
}

fn refused(pointer: &str, message: String) -> Error {
    Error::new(Status::InvalidArgument, message)
        .with("argument", "message_json")
        .with("pointer", pointer)
        .with(
            "remedy",
            r#"pass {"type":"user","message":{"role":"user","content":"text, or a list of content blocks"}}"#,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_becomes_one_line() {
        let message = from_prompt("two\nlines \u{0} \u{1F388}", None, Style::default()).unwrap();
        assert!(!message.line.contains('\n'));
        let value: Value = serde_json::from_str(&message.line).unwrap();
        assert_eq!(value["message"]["content"], "two\nlines \u{0} \u{1F388}");
        assert_eq!(value["session_id"], "default");
        assert_eq!(value["uuid"], message.uuid.as_str());
    }

    #[test]
    fn uuids_are_unique_and_of_version_4() {
        let made: std::collections::HashSet<String> = (0..100_000).map(|_| new_uuid()).collect();
        assert_eq!(made.len(), 100_000);
        for text in made.iter().take(100) {
            assert_eq!(uuid::Uuid::parse_str(text).unwrap().get_version_num(), 4, "{text}");
        }
    }

    #[test]
    fn an_empty_prompt_is_refused() {
        assert!(from_prompt("", None, Style::default()).is_err());
    }

    #[test]
    fn composed_messages_keep_what_they_have() {
        let text = r#"{"type":"user","message":{"role":"user","content":[{"type":"image","source":{}}]},"session_id":"s","priority":"now","uuid":"6e6f8b0c-33a6-4b0a-8c53-0dfd1c1e2b5a"}"#;
        let message = from_json(text, None, Style { verbatim: true }).unwrap();
        let value: Value = serde_json::from_str(&message.line).unwrap();
        assert_eq!((&value["session_id"], &value["priority"]), (&"s".into(), &"now".into()));
        assert_eq!(value["client_composed"], true);
        assert_eq!(message.uuid, "6e6f8b0c-33a6-4b0a-8c53-0dfd1c1e2b5a");
    }

    #[test]
    fn the_offset_of_a_mistake_counts_bytes_over_all_lines() {
        let cases = [
            ("x", 0),
            ("{\"type\": \"user\",\n \"ü\": x}", 24),
            ("{\n\"a\": \"\n\"}", 8),
            ("{\n\n\"a\"", 6),
            ("{}\n\n }", 5),
        ];
        for (text, offset) in cases {
            let error = from_json(text, None, Style::default()).unwrap_err();
            assert_eq!(error.detail("offset"), Some(&offset.into()), "{text:?}: {}", error.message);
        }
    }

    #[test]
    fn edge_23_malformed_messages_are_refused_with_their_place() {
        let cases = [
            ("{", ""),
            ("[]", ""),
            (r#"{"type":"assistant"}"#, "/type"),
            (r#"{"type":"user"}"#, "/message"),
            (r#"{"type":"user","message":{"role":"assistant","content":"x"}}"#, "/message/role"),
            (r#"{"type":"user","message":{"role":"user"}}"#, "/message/content"),
            (r#"{"type":"user","message":{"role":"user","content":[]}}"#, "/message/content"),
            (r#"{"type":"user","message":{"role":"user","content":[{}]}}"#, "/message/content/0/type"),
            (r#"{"type":"user","uuid":"x","message":{"role":"user","content":"x"}}"#, "/uuid"),
        ];
        for (text, pointer) in cases {
            let error = from_json(text, None, Style::default()).unwrap_err();
            assert_eq!(error.detail("pointer"), Some(&pointer.into()), "{text}");
        }
    }
}
