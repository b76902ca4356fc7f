//! Answers that allow less than the CLI would take them for: they are refused, or run and allow what was written. The real
//! CLI is the judge.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::requests::{Request, Stage, bash};
use serde_json::{Value, json};

fn output(members: Value) -> Value {
    let mut output = json!({"hookEventName": "PreToolUse"});
    output.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"hookSpecificOutput": output})
}

/// "Run it with this input" under other names than the CLI's, and refusals beside an `allow`.
fn other_inputs(allow: impl Fn(&str, Value) -> Value) -> Vec<Value> {
    let other = json!({"command": "touch other"});
    let names = [
        "input",
        "newInput",
        "modified_input",
        "tool_input",
        "Input",
        "inputs",
        "input_json",
        "toolArgs",
        "arguments",
    ];
    let mut all: Vec<Value> = names.iter().map(|name| allow(name, other.clone())).collect();
    all.push(allow("new-input", other.to_string().into()));
    all.push(allow("changes", json!({"updatedInput": other})));
    all.push(allow("verdict", "deny".into()));
    all.push(allow("denied", true.into()));
    all.push(allow("response", json!({"behavior": "deny"})));
    all
}

/// An answer that is taken does not run what the host replaced or refused.
#[test]
fn an_input_under_another_name_never_runs_the_one_that_was_asked_about() {
    let mut permission = other_inputs(|name, value| json!({"behavior": "allow", name: value}));
    permission.push(json!({"behavior": "allow", "decision": "deny"}));
    permission.push(json!({"behavior": "allow", "continue": false}));
    let hook = other_inputs(|name, value| output(json!({"permissionDecision": "allow", name: value})));
    for (of_hook, answers) in [(false, permission), (true, hook)] {
        let Some(stage) = Stage::real("answers_inputs") else { return };
        let host = stage.host();
        let right = if of_hook {
            output(
                json!({"permissionDecision": "allow", "updatedInput": {"command": "touch other"}, "whatIsNew": {"a": [1, "b"]}}),
            )
        } else {
            json!({"behavior": "allow", "updatedInput": {"command": "touch other"}, "whatIsNew": {"a": [1, "b"]}})
        };
        let answer = move |request: Request| {
            for wrong in &answers {
                match request.respond(wrong.clone()) {
                    Ok(()) => return eprintln!("taken: {wrong}"),
                    Err(failure) => assert!(failure.json["pointer"].is_string(), "{}", failure.json),
                }
            }
            request.respond(right.clone()).unwrap();
        };
        if of_hook {
            host.hook("PreToolUse", answer);
        } else {
            host.permission_handler(answer).unwrap();
        }
        host.connect().unwrap();
        host.turn(&bash("touch made"));
        assert!(!stage.made("made") && stage.made("other"), "of a hook: {of_hook}");
    }
}

/// A rule without the content that the host wrote would be one for the whole tool.
#[test]
fn a_rule_with_a_slip_allows_no_more_than_was_written() {
    let Some(stage) = Stage::real("answers_rules") else { return };
    let host = stage.host();
    let rules = [
        json!({"toolName": "Bash", "rule_content": "git *"}),
        json!({"toolName": "Bash", "content": "git *"}),
        json!({"toolName": "Bash", "patterns": ["git *"]}),
        json!({"toolName": "Bash", "Rulecontent": "git *"}),
    ];
    let (asked, count) = (Arc::new(AtomicUsize::new(0)), rules.len());
    let at = asked.clone();
    host.permission_handler(move |request| {
        let Some(rule) = rules.get(at.fetch_add(1, Ordering::SeqCst)) else {
            return request.deny("no", false).unwrap();
        };
        let updates =
            json!([{"type": "addRules", "behavior": "allow", "destination": "session", "rules": [rule]}]);
        let answer = json!({"behavior": "allow", "updatedPermissions": updates});
        // One that is taken shows by what the CLI asks about then.
        if let Err(failure) = request.respond(answer) {
            assert_eq!(failure.json["pointer"], "/updatedPermissions");
            request.allow_with(None, Some(updates)).unwrap();
        }
    })
    .unwrap();
    host.connect().unwrap();
    for number in 0..count {
        host.turn(&bash(&format!("touch made{number}")));
        assert!(stage.made(&format!("made{number}")));
    }
    host.turn(&bash("touch never"));
    assert!(!stage.made("never"), "it was asked about");
    assert_eq!(asked.load(Ordering::SeqCst), count + 1);
    let dropped = host.warnings().iter().filter(|told| told["event"] == "permission_updates_dropped").count();
    assert_eq!(dropped, count);
}
