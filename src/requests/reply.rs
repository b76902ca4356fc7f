//! Answers of the host, checked before they are written: what the CLI cannot read, it takes for something else.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::RequestKind;
use crate::error::{Error, Result, Status};
use crate::names::misspelt;
use crate::protocol::members::top_level_value;
use crate::protocol::tolerant;

/// A mistake in an answer; the request stays open.
pub fn wrong(message: String, pointer: &str) -> Error {
    let error = Error::new(Status::InvalidArgument, message)
        .with("argument", "json")
        .with("remedy", "the request is still open: answer again");
    if pointer.is_empty() { error } else { error.with("pointer", pointer) }
}

/// The payload as one line, if it has the shape that requests of this kind are answered in.
pub fn checked(kind: RequestKind, payload: &str) -> Result<Cow<'_, str>> {
    match kind {
        RequestKind::Permission => permission(&parse(payload))?,
        RequestKind::Elicitation => word(&parse(payload), "/action", &["accept", "decline", "cancel"])?,
        RequestKind::Dialog => word(&parse(payload), "/behavior", &["completed", "cancelled"])?,
        RequestKind::Hook => {
            let (output, renamed) = without_underscores(parse(payload));
            hook(&output)?;
            if renamed {
                return Ok(output.to_string().into());
            }
        }
        // The JSON-RPC response alone will do.
        RequestKind::Mcp if top_level_value(payload.as_bytes(), b"jsonrpc").is_some() => {
            return Ok(format!(r#"{{"mcp_response":{}}}"#, one_line(payload)).into());
        }
        RequestKind::Mcp | RequestKind::Other => {}
    }
    Ok(one_line(payload))
}

fn parse(payload: &str) -> Value {
    tolerant::value(payload).unwrap_or_default()
}

/// Line breaks can only stand between the tokens of a JSON text, where a space does as well.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ").into() } else { json.into() }
}

/// A JSON argument that starts with `first`, as one line.
pub fn argument(text: &str, name: &str, first: char) -> Result<String> {
    let shape = if first == '{' { "an object" } else { "a list" };
    let fault = |message: String| {
        Error::new(Status::InvalidArgument, message)
            .with("argument", name)
            .with("remedy", "the request is still open: answer again")
    };
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|cause| fault(format!("{name} is not JSON: {cause}")))?;
    if raw.get().starts_with(first) {
        Ok(one_line(raw.get()).into_owned())
    } else {
        Err(fault(format!("{name} is not {shape}")))
    }
}

/// The input that the CLI asked about, in its own bytes.
pub fn own_input(request: &str) -> String {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow, default)]
        input: Option<&'a RawValue>,
    }
    let asked: Option<Asked> = serde_json::from_str(request).ok();
    asked.and_then(|asked| asked.input).map_or("{}", RawValue::get).to_owned()
}

fn permission(reply: &Value) -> Result<()> {
    spelled(reply, "", &["behavior", "updatedInput", "updatedPermissions", "message", "interrupt"])?;
    word(reply, "/behavior", &["allow", "deny"])?;
    if reply["behavior"] == "allow" {
        return match reply.get("updatedInput") {
            None | Some(Value::Object(_)) => Ok(()),
            Some(_) => Err(wrong("updatedInput is not an object".into(), "/updatedInput")),
        };
    }
    if !reply["message"].is_string() {
        return Err(wrong("a refusal has no \"message\" text".into(), "/message"));
    }
    truth(reply, "interrupt")
}

fn hook(output: &Value) -> Result<()> {
    spelled(output, "", &["continue", "decision", "hookSpecificOutput"])?;
    // Right names in a wrong place: a member of hookSpecificOutput, and the answer to a permission request.
    for name in ["permissionDecision", "permission_decision", "behavior"] {
        if output.get(name).is_some() {
            let place = format!("/{name}");
            return Err(wrong(
                format!("\"{name}\" decides nothing here: use hookSpecificOutput or decision"),
                &place,
            ));
        }
    }
    truth(output, "continue")?;
    truth(output, "async")?;
    if output.get("decision").is_some() {
        word(output, "/decision", &["block", "approve"])?;
    }
    let Some(specific) = output.get("hookSpecificOutput") else { return Ok(()) };
    spelled(
        specific,
        "/hookSpecificOutput",
        &["hookEventName", "permissionDecision", "decision", "updatedInput"],
    )?;
    if !specific["hookEventName"].is_string() {
        let pointer = "/hookSpecificOutput/hookEventName";
        return Err(wrong("hookSpecificOutput has no \"hookEventName\" text".into(), pointer));
    }
    if specific.get("permissionDecision").is_some() {
        let words = ["allow", "deny", "ask", "defer"];
        word(output, "/hookSpecificOutput/permissionDecision", &words)?;
    }
    if specific.pointer("/decision/behavior").is_some() {
        word(output, "/hookSpecificOutput/decision/behavior", &["allow", "deny"])?;
    }
    Ok(())
}

/// The CLI passes over names that it does not know, which would make a misspelt refusal a "go ahead", and run a tool with
/// the input that was to be changed. Names that are like none of the `deciding` ones pass: later CLIs may know them.
fn spelled(members: &Value, place: &str, deciding: &[&str]) -> Result<()> {
    for name in members.as_object().into_iter().flat_map(Map::keys) {
        if let Some(known) = misspelt(name, deciding) {
            let pointer = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
            return Err(wrong(format!("\"{name}\" is unknown; write \"{known}\""), &pointer));
        }
    }
    Ok(())
}

fn word(reply: &Value, pointer: &str, words: &[&str]) -> Result<()> {
    let given = reply.pointer(pointer);
    if given.and_then(Value::as_str).is_some_and(|given| words.contains(&given)) {
        return Ok(());
    }
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let given = given.map_or("missing".to_owned(), Value::to_string);
    Err(wrong(format!("\"{name}\" is {given}; it must be one of {}", words.join(", ")), pointer))
}

fn truth(reply: &Value, name: &str) -> Result<()> {
    match reply.get(name) {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(other) => {
            Err(wrong(format!("\"{name}\" is {other}; it must be true or false"), &format!("/{name}")))
        }
    }
}

/// `continue` and `async` are words of Python, whose callers write `continue_` and `async_`. And whether there were any.
fn without_underscores(output: Value) -> (Value, bool) {
    let Value::Object(mut members) = output else { return (output, false) };
    let mut renamed = false;
    for (spelled, name) in [("continue_", "continue"), ("async_", "async")] {
        if let Some(value) = members.shift_remove(spelled) {
            members.insert(name.to_owned(), value);
            renamed = true;
        }
    }
    (Value::Object(members), renamed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointer(kind: RequestKind, payload: Value) -> Option<String> {
        let error = checked(kind, &payload.to_string()).err()?;
        assert_eq!(error.status, Status::InvalidArgument);
        Some(error.detail("pointer").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    #[test]
    fn an_input_with_half_a_character_can_be_sent_back() {
        let payload = r#"{"behavior":"allow","updatedInput":{"command":"cut \ud83d"}}"#;
        assert_eq!(checked(RequestKind::Permission, payload).unwrap(), payload);
        let payload = r#"{"behavior":"allow","updatedInput":"cut \ud83d"}"#;
        assert!(checked(RequestKind::Permission, payload).is_err());
    }

    #[test]
    fn a_permission_reply_needs_each_of_its_members() {
        let at = |payload| pointer(RequestKind::Permission, payload);
        assert_eq!(at(json!({})).as_deref(), Some("/behavior"));
        assert_eq!(at(json!({"behavior": "Allow"})).as_deref(), Some("/behavior"));
        assert_eq!(at(json!({"behavior": "allow", "updatedInput": null})).as_deref(), Some("/updatedInput"));
        assert_eq!(at(json!({"behavior": "deny"})).as_deref(), Some("/message"));
        assert_eq!(
            at(json!({"behavior": "deny", "message": "", "interrupt": 1})).as_deref(),
            Some("/interrupt")
        );
        assert_eq!(at(json!({"behavior": "allow", "toolUseID": "x"})), None);
        assert_eq!(at(json!({"behavior": "allow", "updated_input": {}})).as_deref(), Some("/updated_input"));
        assert_eq!(
            at(json!({"behavior": "deny", "message": "", "decisionClassification": "user_reject"})),
            None
        );
    }

    #[test]
    fn a_misspelled_decision_does_not_pass_for_none() {
        let at = |payload| pointer(RequestKind::Hook, payload);
        let decision =
            |word| json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": word}});
        for word in ["allow", "deny", "ask", "defer"] {
            assert_eq!(at(decision(word)), None, "{word}");
        }
        assert_eq!(at(decision("Deny")).as_deref(), Some("/hookSpecificOutput/permissionDecision"));
        let nameless = json!({"hookSpecificOutput": {"permissionDecision": "deny"}});
        assert_eq!(at(nameless).as_deref(), Some("/hookSpecificOutput/hookEventName"));
        assert_eq!(at(json!({"decision": "deny"})).as_deref(), Some("/decision"));
        assert_eq!(at(json!({"continue_": "no"})).as_deref(), Some("/continue"));
        assert_eq!(at(json!({"anything": {"else": 1}})), None);
        assert_eq!(at(json!({"Continue": false})).as_deref(), Some("/Continue"));
        let misspelt =
            json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permission-decision": "deny"}});
        assert_eq!(at(misspelt).as_deref(), Some("/hookSpecificOutput/permission-decision"));
    }

    /// All that the tested CLI knows in an output, whatever the event.
    #[test]
    fn no_known_member_of_an_output_is_taken_for_a_misspelt_one() {
        let mut specific =
            json!({"hookEventName": "Stop", "permissionDecision": "ask", "decision": {"behavior": "deny"}});
        for name in [
            "permissionDecisionReason",
            "updatedInput",
            "additionalContext",
            "updatedToolOutput",
            "updatedMCPToolOutput",
            "classifierContext",
            "sessionTitle",
            "suppressOriginalPrompt",
            "initialUserMessage",
            "watchPaths",
            "reloadSkills",
            "retry",
            "action",
            "content",
            "worktreePath",
            "displayContent",
        ] {
            specific[name] = json!("x");
        }
        let output = json!({"continue": true, "suppressOutput": true, "stopReason": "x", "decision": "block",
            "systemMessage": "x", "reason": "x", "terminalSequence": "x", "async": true, "asyncTimeout": 1,
            "hookSpecificOutput": specific});
        assert_eq!(pointer(RequestKind::Hook, output), None);
    }

    #[test]
    fn an_answer_keeps_its_numbers_and_loses_its_line_breaks() {
        let text = "{\"a\":\r\n 12345678901234567890123.50,\n\"b\": \"\\n\"}";
        let line = checked(RequestKind::Mcp, text).unwrap();
        assert_eq!(line, "{\"a\":   12345678901234567890123.50, \"b\": \"\\n\"}");
        let request = r#"{"subtype":"can_use_tool","input":{"n": 1.50e400}}"#;
        assert_eq!(own_input(request), r#"{"n": 1.50e400}"#);
    }
}
