//! The host's answers, checked before they are written: what the CLI cannot read, it takes for something else.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::events::Shape;
use super::shape::{self, Object};
use super::stranger::Strangers;
use super::{RequestKind, hook_answer};
use crate::error::{Error, Result, Status, quotable};
use crate::names::{Unkept, mcp_tool_fault};
use crate::protocol::members::{self, top_level_value};
use crate::protocol::pointer::Json;

pub use super::shape::wrong;

/// The payload as one line, if it has the form of an answer to requests of this kind. `event` is the hook's event.
pub fn checked<'a>(kind: RequestKind, event: Option<&str>, payload: &'a str) -> Result<Cow<'a, str>> {
    match kind {
        RequestKind::Permission => shape::permission_answer(payload)?,
        RequestKind::Elicitation => {
            let action = Shape::Word(&["accept", "decline", "cancel"]);
            answer(payload, "action", action, &[("content", Shape::Object)])?;
        }
        RequestKind::Dialog => {
            let behavior = Shape::Word(&["completed", "cancelled"]);
            answer(payload, "behavior", behavior, &[("result", Shape::Any)])?;
        }
        RequestKind::Hook => {
            return Ok(match hook_answer::checked(event, payload)? {
                Cow::Borrowed(payload) => one_line(payload),
                Cow::Owned(renamed) => one_line(&renamed).into_owned().into(),
            });
        }
        // A bare JSON-RPC response is enough.
        RequestKind::Mcp if top_level_value(payload.as_bytes(), b"jsonrpc").is_some() => {
            return Ok(format!(r#"{{"mcp_response":{}}}"#, one_line(payload)).into());
        }
        RequestKind::Mcp | RequestKind::Other => {}
    }
    Ok(one_line(payload))
}

/// Checks the tool list of a server that the host implements itself: the model must see each tool under its own name.
pub fn check_tools(request: &str, payload: &str) -> Result<()> {
    let word = |path: &[&'static str]| Json::parse(request)?.under(path)?.string();
    if word(&["message", "method"]).is_none_or(|method| method != "tools/list") {
        return Ok(());
    }
    let server = word(&["server_name"]).unwrap_or_default();
    // Parsed as the CLI does, so that neither depth nor a duplicate name keeps a tool from being checked.
    let answer = Json::parse(payload);
    for place in [&["result", "tools"][..], &["mcp_response", "result", "tools"]] {
        let mut seen = HashSet::new();
        let tools = answer.and_then(|answer| answer.under(place));
        for (index, tool) in tools.into_iter().flat_map(Json::elements).enumerate() {
            let name = tool.under(&["name"]).and_then(Json::string).unwrap_or_default();
            let unkept = mcp_tool_fault(&server, &name).or_else(|| {
                let again = !name.is_empty() && !seen.insert(name.clone());
                again.then(|| Unkept {
                    fault: format!("there are two tools {}", quotable(&name)),
                    remedy: "give each a name of its own".into(),
                })
            });
            if let Some(unkept) = unkept {
                let pointer = format!("/{}/{index}/name", place.join("/"));
                let error = wrong(unkept.fault, &pointer);
                return Err(error.with("remedy", format!("{}; the request is still open", unkept.remedy)));
            }
        }
    }
    Ok(())
}

/// Checks an answer in which one member decides.
fn answer(payload: &str, decides: &str, words: Shape, others: &[(&str, Shape)]) -> Result<()> {
    let answer = Object::read(payload, "")?;
    let names: Vec<&str> = others.iter().map(|(name, _)| *name).chain([decides]).collect();
    answer.spelled(&names)?;
    answer.require(decides, words)?;
    others.iter().try_for_each(|(name, shape)| answer.check(name, *shape))?;
    Strangers::of_answer(&names, "this request", decides).all(&answer, &names)
}

/// Line breaks can only occur between the tokens of a JSON text, where a space works as well.
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
pub fn own_input(request: &str) -> Option<&str> {
    let input = members::value(top_level_value(request.trim().as_bytes(), b"input")?)?;
    std::str::from_utf8(input).ok().filter(|input| input.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pointer(kind: RequestKind, payload: Value) -> Option<String> {
        let error = checked(kind, Some("PreToolUse"), &payload.to_string()).err()?;
        assert_eq!(error.status, Status::InvalidArgument);
        Some(error.detail("pointer").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    #[test]
    fn an_input_with_half_a_character_can_be_sent_back() {
        let payload = r#"{"behavior":"allow","updatedInput":{"command":"cut \ud83d"}}"#;
        assert_eq!(checked(RequestKind::Permission, None, payload).unwrap(), payload);
        let payload = r#"{"behavior":"allow","updatedInput":"cut \ud83d"}"#;
        assert!(checked(RequestKind::Permission, None, payload).is_err());
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

    #[test]
    fn an_answer_keeps_its_numbers_and_loses_its_line_breaks() {
        let text = "{\"a\":\r\n 12345678901234567890123.50,\n\"b\": \"\\n\"}";
        let line = checked(RequestKind::Mcp, None, text).unwrap();
        assert_eq!(line, "{\"a\":   12345678901234567890123.50, \"b\": \"\\n\"}");
        let request = r#"{"subtype":"can_use_tool","input":{"n": 1.50e400}}"#;
        assert_eq!(own_input(request), Some(r#"{"n": 1.50e400}"#));
    }

    #[test]
    fn what_decides_nothing_passes_beside_each_kind_of_answer() {
        let at = |kind, payload| pointer(kind, payload);
        let allow = |name: &str, value: Value| json!({"behavior": "allow", name: value});
        for (name, value) in [("new", json!({"a": {"b": 1}})), ("usesInput", json!(true)), ("args", json!(3))]
        {
            assert_eq!(at(RequestKind::Permission, allow(name, value)), None, "{name}");
        }
        assert_eq!(at(RequestKind::Permission, allow("interrupt", false.into())), None);
        assert_eq!(
            at(RequestKind::Permission, allow("interrupt", true.into())).as_deref(),
            Some("/interrupt")
        );
        assert_eq!(at(RequestKind::Permission, allow("stop", true.into())).as_deref(), Some("/stop"));
        let meta = json!({"action": "decline", "_meta": {"took_ms": 5, "reason": "busy"}});
        assert_eq!(at(RequestKind::Elicitation, meta), None);
        let both = json!({"action": "accept", "response": {"action": "decline"}});
        assert_eq!(at(RequestKind::Elicitation, both).as_deref(), Some("/response"));
        let both = json!({"behavior": "completed", "decision": "deny"});
        assert_eq!(at(RequestKind::Dialog, both).as_deref(), Some("/decision"));
        let telling =
            json!({"telemetry": {"reason": "slow", "steps": [{"name": "look", "ms": 5}], "ok": true}});
        assert_eq!(at(RequestKind::Hook, telling), None);
        let agreed = json!({"decision": "approve",
            "hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}});
        assert_eq!(at(RequestKind::Hook, agreed), None);
    }

    #[test]
    fn another_output_under_another_name_is_not_taken() {
        let at = |event: &str, name: &str| {
            let answer = json!({"hookSpecificOutput": {"hookEventName": event, name: "hidden"}}).to_string();
            let error = checked(RequestKind::Hook, Some(event), &answer).err()?;
            Some(error.detail("pointer").and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        for name in ["output", "toolOutput", "new_output", "tool_response"] {
            assert_eq!(at("PostToolUse", name), Some(format!("/hookSpecificOutput/{name}")));
            assert_eq!(at("Stop", name), None);
        }
        assert_eq!(at("PostToolUse", "updatedToolOutput"), None);
    }

    #[test]
    fn decisions_that_contradict_each_other_are_refused_at_every_event_that_has_two() {
        for (event, word, own) in [
            ("PreToolUse", "block", json!({"permissionDecision": "allow"})),
            ("PreToolUse", "approve", json!({"permissionDecision": "deny"})),
            ("PreToolUse", "approve", json!({"permissionDecision": "ask"})),
            ("PreModelSwitch", "block", json!({"permissionDecision": "ask"})),
            ("OfTomorrow", "block", json!({"decision": {"behavior": "allow"}})),
        ] {
            let mut output = own;
            output["hookEventName"] = event.into();
            let answer = json!({"decision": word, "hookSpecificOutput": output}).to_string();
            let error = checked(RequestKind::Hook, Some(event), &answer).expect_err(&answer);
            assert!(error.message.contains("/decision"), "{}", error.message);
        }
    }

    #[test]
    fn tools_are_looked_at_however_their_list_is_written() {
        let request = r#"{"server_name":"me","message":{"method":"tools/list","id":1}}"#;
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let good = r#"{"name":"good"}"#;
        for list in [
            r#""result":{"tools":[{"name":"a b"}]}"#.to_owned(),
            format!(r#""result":{{"tools":[{{"inputSchema":{deep},"name":"a b"}}]}}"#),
            r#""result":{},"result":{"tools":[{"name":"a b"}]}"#.into(),
            r#""res\u0075lt":{"tools":[{"n\u0061me":"a b"}]}"#.into(),
            format!(r#""result":{{"tools":[{good}],"tools":[{{"name":"good","name":"a b"}}]}}"#),
            format!(r#""result":{{"tools":[{good},{{"description":"","name":"g\u006fod"}}]}}"#),
        ] {
            for answer in
                [format!(r#"{{"jsonrpc":"2.0",{list}}}"#), format!(r#"{{"mcp_response":{{{list}}}}}"#)]
            {
                assert!(check_tools(request, &answer).is_err(), "{list:.80}");
                let call = r#"{"server_name":"me","message":{"method":"tools/call"}}"#;
                assert!(check_tools(call, &answer).is_ok());
            }
        }
        let fine = format!(
            r#"{{"result":{{"tools":[{{"name":"a b"}}],"tools":[{good},{{"name":"x","inputSchema":{deep}}}]}}}}"#
        );
        assert!(check_tools(request, &fine).is_ok(), "the last of equal names counts");
        assert!(check_tools(request, r#"{"error":{"code":1,"message":""}}"#).is_ok());
    }
}
