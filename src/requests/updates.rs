//! Permission updates in an answer: the CLI takes all of them or, if one is malformed, silently none. So they
//! are checked here, where the host can be told.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::reply;
use crate::error::{Result, quotable};
use crate::names::misspelt;
use crate::permissions;
use crate::protocol::tolerant;

const BEHAVIORS: &[&str] = &["allow", "deny", "ask"];
const MEMBERS: &[&str] = &["type", "destination", "behavior", "rules", "mode", "directories"];
const RULE: &[&str] = &["toolName", "ruleContent"];
const DESTINATIONS: &[&str] = &["userSettings", "projectSettings", "localSettings", "session", "cliArg"];

/// The updates to send, `None` for an empty list; the inner error says which one is malformed.
pub fn checked(text: &str, request: &str) -> Result<std::result::Result<Option<String>, String>> {
    let text = reply::argument(text, "updated_permissions_json", '[')?;
    let suggested = tolerant::member(request, &["permission_suggestions"]);
    let suggested = suggested.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tidied = each(&text, |mut update| {
        // What the CLI suggests it also accepts, even of a type that is not known here.
        let known = suggested.contains(&update);
        tidy(&mut update);
        if known { Ok(update) } else { check(&update).map(|()| update) }
    });
    Ok(tidied.map(|updates| (!updates.is_empty()).then(|| Value::from(updates).to_string())))
}

/// What is wrong with a list that is sent as written.
pub fn fault(text: &str) -> Option<String> {
    each(text, |update| check(&update)).err()
}

fn each<T>(
    list: &str,
    judge: impl Fn(Value) -> std::result::Result<T, String>,
) -> std::result::Result<Vec<T>, String> {
    let updates: Vec<&RawValue> = serde_json::from_str(list).map_err(|cause| cause.to_string())?;
    let judged = updates.into_iter().enumerate().map(|(index, update)| {
        let read = tolerant::value(update.get()).map_err(|cause| format!("it cannot be read: {cause}"));
        read.and_then(&judge).map_err(|fault| format!("number {}: {fault}", index + 1))
    });
    judged.collect()
}

/// A rule for a whole tool has no `ruleContent`: with null there the CLI ignores every update of the answer.
fn tidy(update: &mut Value) {
    for rule in update.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(rule) = rule.as_object_mut().filter(|rule| rule.get("ruleContent") == Some(&Value::Null))
        {
            rule.shift_remove("ruleContent");
        }
    }
    if let Some(members) = update.as_object_mut() {
        members.entry("destination").or_insert_with(|| "session".into());
    }
}

fn check(update: &Value) -> std::result::Result<(), String> {
    let members = update.as_object().ok_or("it is not an object")?;
    spelled(members, MEMBERS)?;
    one_of(members, "destination", DESTINATIONS)?;
    match members.get("type").and_then(Value::as_str) {
        Some("addRules" | "replaceRules" | "removeRules") => {
            one_of(members, "behavior", BEHAVIORS)?;
            let rules = members.get("rules").and_then(Value::as_array).ok_or("\"rules\" is not a list")?;
            rules.iter().try_for_each(|rule| check_rule(rule, members))
        }
        Some("setMode") => one_of(members, "mode", permissions::MODES),
        Some("addDirectories" | "removeDirectories") => {
            let directories = members.get("directories").and_then(Value::as_array);
            let texts = directories.is_some_and(|list| list.iter().all(Value::is_string));
            if texts { Ok(()) } else { Err("\"directories\" is not a list of texts".into()) }
        }
        Some(other) => Err(format!("there is no type \"{other}\"")),
        None => Err("\"type\" is missing".into()),
    }
}

/// The CLI ignores names it does not know, and takes a rule without content for one about the whole tool.
fn spelled(members: &Map<String, Value>, known: &[&str]) -> std::result::Result<(), String> {
    let slip = members.keys().find_map(|name| Some((name, misspelt(name, known)?)));
    slip.map_or(Ok(()), |(name, meant)| Err(format!("\"{}\" is unknown; write \"{meant}\"", quotable(name))))
}

fn check_rule(rule: &Value, update: &Map<String, Value>) -> std::result::Result<(), String> {
    let malformed = "a rule is not {toolName, ruleContent?}";
    let members = rule.as_object().ok_or(malformed)?;
    spelled(members, RULE)?;
    let tool = rule["toolName"].as_str().filter(|name| !name.is_empty()).ok_or(malformed)?;
    if !rule.get("ruleContent").is_none_or(Value::is_string) {
        return Err(malformed.into());
    }
    let says_more = |(name, value): &(&String, &Value)| {
        !RULE.contains(&name.as_str()) && (value.is_string() || value.is_array() || value.is_object())
    };
    if let (None, Some((name, _))) = (rule.get("ruleContent"), members.iter().find(says_more)) {
        let name = quotable(name);
        return Err(format!(
            "\"{name}\" limits nothing, and the rule is for all of {}: write \"ruleContent\"",
            quotable(tool)
        ));
    }
    if tool.contains(['(', ')']) {
        return Err(format!(
            "no tool is named {}: what stands in parentheses is \"ruleContent\"",
            quotable(tool)
        ));
    }
    let word = |name: &str| update.get(name).and_then(Value::as_str).unwrap_or_default();
    let content = match (word("type"), word("behavior")) {
        // An allow rule without effect allows nothing, and a removed rule forbids nothing.
        ("addRules" | "replaceRules", "allow") | ("removeRules", "deny" | "ask") => return Ok(()),
        ("removeRules", _) => None,
        _ => rule["ruleContent"].as_str(),
    };
    match permissions::fault_at(tool, content, |meant| format!("\"{meant}\" as its \"toolName\"")) {
        None => Ok(()),
        Some((fault, remedy)) => Err(format!("{fault}: {remedy}")),
    }
}

fn one_of(members: &Map<String, Value>, name: &str, words: &[&str]) -> std::result::Result<(), String> {
    let given = members.get(name);
    if given.and_then(Value::as_str).is_some_and(|given| words.contains(&given)) {
        return Ok(());
    }
    let given = given.map_or("missing".to_owned(), Value::to_string);
    Err(format!("\"{name}\" is {given}; it must be one of {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(updates: Value, request: Value) -> std::result::Result<Value, String> {
        let text = checked(&updates.to_string(), &request.to_string()).expect("a list")?;
        Ok(text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()))
    }

    #[test]
    fn suggestions_come_back_as_they_were() {
        let suggestions = json!([
            {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "echo *"}], "behavior": "allow",
             "destination": "localSettings"},
            {"type": "aTypeOfTomorrow", "destination": "session", "what": 1}]);
        let request = json!({"permission_suggestions": suggestions});
        assert_eq!(sent(suggestions.clone(), request).unwrap(), suggestions);
        assert!(sent(suggestions, json!({})).unwrap_err().contains("number 2"));
    }

    #[test]
    fn a_rule_with_half_a_character_is_not_lost() {
        let text = r#"[{"type":"addRules","rules":[{"toolName":"Bash","ruleContent":"cut \ud83d"}],"behavior":"allow"}]"#;
        let sent = checked(text, "{}").unwrap().unwrap().expect("one update");
        assert!(sent.contains("cut \u{FFFD}"), "{sent}");
    }

    #[test]
    fn a_rule_for_a_whole_tool_has_no_content() {
        let update = json!([{"type": "addRules", "rules": [{"toolName": "Read", "ruleContent": null}], "behavior": "allow"}]);
        let expected = json!([{"type": "addRules", "rules": [{"toolName": "Read"}], "behavior": "allow",
                               "destination": "session"}]);
        assert_eq!(sent(update, json!({})).unwrap(), expected);
        assert_eq!(sent(json!([]), json!({})).unwrap(), Value::Null);
    }

    #[test]
    fn each_fault_is_found() {
        let good = json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"});
        for bad in [
            json!(1),
            json!({}),
            json!({"type": "setMode"}),
            json!({"type": "setMode", "mode": "plan", "destination": "nowhere"}),
            json!({"type": "addRules", "rules": [{"toolName": "Read"}]}),
            json!({"type": "addRules", "behavior": "allow"}),
            json!({"type": "removeRules", "behavior": "ask", "rules": [{"ruleContent": "x"}]}),
            json!({"type": "addDirectories", "directories": "/tmp"}),
        ] {
            let fault = sent(json!([good, bad]), json!({})).unwrap_err();
            assert!(fault.starts_with("number 2: "), "{bad}: {fault}");
        }
        assert!(checked("{}", "{}").is_err());
    }

    fn with_rule(kind: &str, behavior: &str, rule: Value) -> std::result::Result<Value, String> {
        sent(
            json!([{"type": kind, "behavior": behavior, "destination": "session", "rules": [rule]}]),
            json!({}),
        )
    }

    #[test]
    fn a_rule_says_what_it_was_written_for_or_is_left_out() {
        for (kind, behavior, rule) in [
            ("addRules", "allow", json!({"toolName": "Bash", "rule_content": "git *"})),
            ("addRules", "allow", json!({"toolName": "Bash", "content": "git *"})),
            ("addRules", "allow", json!({"toolName": "Bash(git *)"})),
            ("replaceRules", "deny", json!({"toolName": "bash"})),
            ("addRules", "deny", json!({"toolName": "Bash(rm *)"})),
            ("addRules", "deny", json!({"toolName": "Write", "ruleContent": "/etc/**"})),
            ("addRules", "ask", json!({"toolName": "Glob", "ruleContent": "/etc/**"})),
            ("addRules", "deny", json!({"toolName": "mcp__me__delete", "ruleContent": "prod"})),
            ("addRules", "deny", json!({"toolName": "mcp__a.b__c"})),
            ("removeRules", "allow", json!({"toolName": "bash"})),
            ("addRules", "deny", json!({"toolName": "bash*"})),
            ("addRules", "ask", json!({"toolName": "MCP__me__delete"})),
            ("replaceRules", "deny", json!({"toolName": "mcp____delete"})),
        ] {
            assert!(with_rule(kind, behavior, rule.clone()).is_err(), "{kind} {behavior} {rule}");
        }
        for (kind, behavior, rule) in [
            ("addRules", "allow", json!({"toolName": "Bash", "ruleContent": "git *", "whatIsNew": "x"})),
            ("addRules", "allow", json!({"toolName": "Bash", "whatIsNew": 1})),
            ("addRules", "allow", json!({"toolName": "Web"})),
            ("addRules", "deny", json!({"toolName": "ToolOfTomorrow"})),
            ("addRules", "deny", json!({"toolName": "mcp__me__delete", "ruleContent": "*"})),
            ("addRules", "deny", json!({"toolName": "mcp__me__*"})),
            ("addRules", "deny", json!({"toolName": "Edit", "ruleContent": "/etc/**"})),
            ("removeRules", "deny", json!({"toolName": "Write", "ruleContent": "/etc/**"})),
        ] {
            assert!(with_rule(kind, behavior, rule.clone()).is_ok(), "{kind} {behavior} {rule}");
        }
    }

    #[test]
    fn members_and_modes_with_a_slip_are_faults_unless_the_cli_suggests_them() {
        for update in [
            json!({"type": "setMode", "mode": "Plan"}),
            json!({"type": "setMode", "mode": "of tomorrow"}),
            json!({"type": "setMode", "mode": "plan", "destinations": "userSettings"}),
            json!({"type": "addDirectories", "directories": ["/tmp"], "Destination": "userSettings"}),
        ] {
            assert!(sent(json!([update]), json!({})).is_err(), "{update}");
            let suggested = json!({"permission_suggestions": [update]});
            assert!(sent(json!([update]), suggested).is_ok(), "{update}");
        }
        for mode in permissions::MODES {
            assert!(sent(json!([{"type": "setMode", "mode": mode, "new": 1}]), json!({})).is_ok(), "{mode}");
        }
    }
}
