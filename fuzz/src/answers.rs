//! Answers of the host, against a model of the CLI: what `JSON.parse` makes of the line that leaves, and what the CLI does
//! with that. An answer that a reader takes for a no is refused, or never read as "go ahead".

use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use claude_client::error::Result;
use claude_client::protocol::control::Inbound;
use claude_client::requests::events::{self, Silence};
use claude_client::requests::{Request, RequestKind, Session, Target, TimeoutAction, Timer};
use claude_testkit::javascript;
use serde_json::{Value, json};

use super::json;
use super::source::{Source, Words};

const ID: &str = "r1";

const WORDS: Words = Words {
    names: &[
        "decision",
        "permissionDecision",
        "hookSpecificOutput",
        "hookEventName",
        "behavior",
        "continue",
        "action",
        "reason",
        "updatedInput",
        "message",
        "interrupt",
        "async",
        "updatedPermissions",
        "content",
        "result",
        "stopReason",
        "deny",
        "block",
        "allow",
        "type",
        "rules",
        "toolName",
        "ruleContent",
        "destination",
        "mode",
        "directories",
        "response",
        "answer",
        "permissionDecisionReason",
        "additionalContext",
        "suppressOutput",
        "systemMessage",
        "verdict",
        "approved",
        "toolUseID",
        "_meta",
        "mcp_response",
        "tools",
        "name",
        "watchPaths",
        "updatedToolOutput",
        "input",
        "retry",
        "worktreePath",
        "asyncTimeout",
        "permissionDisplay",
        "continue_",
        "async_",
    ],
    texts: &[
        "deny",
        "allow",
        "block",
        "approve",
        "ask",
        "defer",
        "accept",
        "decline",
        "cancel",
        "completed",
        "cancelled",
        "PreToolUse",
        "PostToolUse",
        "Stop",
        "UserPromptSubmit",
        "PermissionRequest",
        "PreModelSwitch",
        "PreSkillShellCommand",
        "addRules",
        "replaceRules",
        "removeRules",
        "setMode",
        "addDirectories",
        "session",
        "userSettings",
        "Bash",
        "rm *",
        "default",
        "plan",
        "bypassPermissions",
        "reject",
        "no",
        "denied",
        "false",
        "Which?",
        "A",
        "",
    ],
};

/// Collects what is written to the CLI.
#[derive(Default)]
struct Wire(Mutex<Vec<String>>);

impl Session for Wire {
    fn write_line(&self, line: String) -> Result<()> {
        self.0.lock().expect("no panic before").push(line);
        Ok(())
    }

    fn ended(&self, _: Arc<Request>) {}

    fn expire_at(&self, _: Weak<Request>, _: Instant) -> Option<Timer> {
        None
    }

    fn settled(&self, id: &str, _: u64) {
        assert_eq!(id, ID);
    }

    fn timeout_action(&self) -> TimeoutAction {
        TimeoutAction::Deny
    }

    fn warn(&self, _: Value) {}

    fn runs_callbacks(&self) -> bool {
        true
    }
}

/// What the CLI asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Permission,
    Questions,
    Elicitation,
    Dialog,
    Mcp,
    Other,
    Hook(&'static str),
}

impl Asked {
    fn of(byte: u8) -> Asked {
        const OTHERS: [Asked; 6] = [
            Asked::Permission,
            Asked::Questions,
            Asked::Elicitation,
            Asked::Dialog,
            Asked::Mcp,
            Asked::Other,
        ];
        let place = usize::from(byte);
        match events::EVENTS.get(place) {
            Some(event) => Asked::Hook(event.name),
            None if place == events::EVENTS.len() => Asked::Hook("OfTomorrow"),
            None => OTHERS[place % OTHERS.len()],
        }
    }

    fn request(self) -> Inbound {
        let (subtype, more) = match self {
            Asked::Permission => (
                "can_use_tool",
                r#","tool_name":"Bash","input":{"command":"x"},"permission_suggestions":[{"type":"setMode","mode":"acceptEdits","destination":"session"}]"#.to_owned(),
            ),
            Asked::Questions => (
                "can_use_tool",
                r#","tool_name":"AskUserQuestion","input":{"questions":[{"question":"Which?","multiSelect":true,"options":[{"label":"A"},{"label":"B"}]},{"question":"Why?","options":[{"label":"X"}]}]}"#.to_owned(),
            ),
            Asked::Elicitation => ("elicitation", String::new()),
            Asked::Dialog => ("request_user_dialog", String::new()),
            Asked::Mcp => ("mcp_message", r#","server_name":"me","message":{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned()),
            Asked::Other => ("of_tomorrow", String::new()),
            Asked::Hook(event) => {
                ("hook_callback", format!(r#","callback_id":"hook_0","input":{{"hook_event_name":"{event}"}}"#))
            }
        };
        let request = format!(r#"{{"subtype":"{subtype}"{more}}}"#);
        Inbound { id: ID.into(), subtype: subtype.into(), request }
    }
}

/// What is asked, how it is answered, and the answer: as it stands, or to be made.
pub fn run(data: &[u8]) {
    let Some(([asked, how], rest)) = data.split_first_chunk::<2>() else { return };
    let asked = Asked::of(*asked);
    let made;
    let payload = if how & 1 == 0 {
        let Ok(text) = std::str::from_utf8(rest) else { return };
        text
    } else {
        let mut text = String::new();
        let mut source = Source(rest);
        match how >> 1 & 3 {
            1 => source.value(&WORDS, 6, &mut text),
            _ => source.object(&WORDS, 6, &mut text),
        }
        made = text;
        &made
    };
    let wire = Arc::new(Wire::default());
    let as_session: Arc<dyn Session> = wire.clone();
    let request = Request::new(asked.request(), Arc::downgrade(&as_session), Target::default(), None);
    let permission = request.kind() == RequestKind::Permission;
    let outcome = match how >> 5 {
        0 if permission => request.allow(Some(payload), None),
        1 if permission => request.allow(None, Some(payload)),
        2 | 3 if permission => request.answer_questions(payload),
        _ => request.respond(payload),
    };
    let lines = std::mem::take(&mut *wire.0.lock().expect("no panic before"));
    match outcome {
        Err(error) => {
            assert!(lines.is_empty() && request.is_open(), "refused and sent: {payload}");
            assert!(error.detail("remedy").is_some(), "{}", error.to_json());
            request.refuse_unless_held("Nobody answered.");
            let lines = wire.0.lock().expect("no panic before");
            check_silence(asked, &read(&lines));
        }
        Ok(()) => {
            assert!(!request.is_open());
            let answer = read(&lines);
            match how >> 5 {
                0 if permission => check_allowed(&answer, payload),
                1 if permission => check_updates(&answer, payload),
                2 | 3 if permission => check_answers(&answer),
                _ => check_response(asked, answer.expect("a success response"), payload),
            }
        }
    }
}

/// The payload that the CLI reads; `None` for an error response.
fn read(lines: &[String]) -> Option<Value> {
    let [line] = lines else { panic!("{} lines for one request", lines.len()) };
    assert!(!line.contains(['\n', '\r']), "not one line: {line}");
    let mut frame = javascript::parse(line.as_bytes()).expect("JavaScript reads it");
    assert_eq!(frame["type"], "control_response");
    assert_eq!(frame["response"]["request_id"], ID);
    match frame["response"]["subtype"].as_str() {
        Some("error") => None,
        Some("success") => Some(frame["response"]["response"].take()),
        _ => panic!("no subtype: {line}"),
    }
}

/// Nobody answered: whatever guards something is refused.
fn check_silence(asked: Asked, answer: &Option<Value>) {
    let guards = match asked {
        Asked::Hook(event) => events::silence(event) != Silence::Continues,
        Asked::Permission | Asked::Questions | Asked::Elicitation | Asked::Dialog => true,
        Asked::Mcp | Asked::Other => false,
    };
    let answer = answer.as_ref();
    if guards {
        assert!(!answer.is_some_and(|answer| goes_ahead(asked, answer)), "silence is a yes: {answer:?}");
        assert!(answer.is_some() || !matches!(asked, Asked::Hook(_)), "an error is no refusal of a hook");
    }
}

fn check_response(asked: Asked, answer: Value, payload: &str) {
    let given = javascript::parse(payload.as_bytes()).expect("what is sent was JSON");
    let renamed = ["continue_", "async_"].iter().any(|name| given.get(name).is_some());
    if asked != Asked::Mcp && !renamed {
        assert_eq!(answer, given, "not what the host wrote: {payload}");
    }
    if says_no(asked, payload, 4) {
        assert!(!goes_ahead(asked, &answer), "{asked:?}: a no is read as a yes: {payload}");
    }
    match asked {
        Asked::Permission | Asked::Questions => check_rules(&answer["updatedPermissions"]),
        Asked::Hook("PermissionRequest") => {
            check_rules(&answer["hookSpecificOutput"]["decision"]["updatedPermissions"])
        }
        _ => {}
    }
}

fn check_allowed(answer: &Option<Value>, input: &str) {
    let answer = answer.as_ref().expect("a success response");
    assert_eq!(answer["updatedInput"], javascript::parse(input.as_bytes()).expect("JSON"));
    assert_eq!(answer["behavior"], "allow");
}

fn check_updates(answer: &Option<Value>, given: &str) {
    let answer = answer.as_ref().expect("a success response");
    let given = javascript::parse(given.as_bytes()).expect("JSON");
    let sent = &answer["updatedPermissions"];
    check_rules(sent);
    if let (Some(sent), Some(given)) = (sent.as_array(), given.as_array()) {
        assert_eq!(sent.len(), given.len(), "all or none");
        for (sent, given) in sent.iter().zip(given) {
            for name in ["type", "behavior", "mode", "directories"] {
                assert_eq!(sent.get(name), given.get(name));
            }
        }
    }
}

/// A rule that lets a tool run says nothing that the CLI does not read.
fn check_rules(updates: &Value) {
    for update in updates.as_array().into_iter().flatten() {
        assert!(update["destination"].is_string(), "the CLI drops all updates: {update}");
        let allows = update["behavior"] == "allow" && update["type"] != "removeRules";
        for rule in update["rules"].as_array().into_iter().flatten().filter(|_| allows) {
            let limits = rule.as_object().is_some_and(|rule| {
                rule.iter().any(|(name, value)| {
                    name != "toolName" && !matches!(value, Value::Null | Value::Bool(_) | Value::Number(_))
                })
            });
            assert!(!limits || rule["ruleContent"].is_string(), "a limit is lost: {rule}");
            assert!(
                rule.get("ruleContent").is_none_or(Value::is_string),
                "the CLI drops all updates: {rule}"
            );
            assert!(rule["toolName"].is_string());
        }
    }
}

fn check_answers(answer: &Option<Value>) {
    let answer = answer.as_ref().expect("a success response");
    let input = &answer["updatedInput"];
    assert_eq!(input["questions"][0]["question"], "Which?");
    let answers = input["answers"].as_object().expect("answers");
    assert!(
        answers
            .iter()
            .all(|(question, answer)| matches!(question.as_str(), "Which?" | "Why?") && answer.is_string())
    );
}

/// Events at which the CLI reads `decision`; what is not known is taken for one.
const DECIDE: &[&str] = &[
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "Stop",
    "SubagentStop",
    "PreCompact",
    "PreModelSwitch",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "WorktreeCreate",
    "PreSkillShellCommand",
    "OfTomorrow",
];

/// Events at which `"continue": false` stops nothing.
const UNSTOPPED: &[&str] = &[
    "Notification",
    "SessionEnd",
    "StopFailure",
    "PreCompact",
    "PostCompact",
    "PreModelSwitch",
    "PermissionRequest",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "InstructionsLoaded",
    "WorktreeCreate",
    "WorktreeRemove",
    "CwdChanged",
    "FileChanged",
    "DirectoryAdded",
    "MessageDisplay",
];

/// What the CLI does with an answer: whether what it asked about happens.
fn goes_ahead(asked: Asked, answer: &Value) -> bool {
    match asked {
        Asked::Permission | Asked::Questions => answer["behavior"] == "allow",
        Asked::Elicitation => answer["action"] == "accept",
        Asked::Dialog => answer["behavior"] == "completed",
        Asked::Mcp | Asked::Other => false,
        Asked::Hook(event) => !hook_stops(event, answer),
    }
}

fn hook_stops(event: &str, answer: &Value) -> bool {
    // One member that is not of its shape, and all of the answer is dropped.
    let fits = |name: &str, fits: fn(&Value) -> bool| answer.get(name).is_none_or(fits);
    let word = |value: &Value| matches!(value.as_str(), Some("block" | "approve"));
    let valid = ["continue", "suppressOutput", "async"].iter().all(|name| fits(name, Value::is_boolean))
        && ["stopReason", "reason", "systemMessage", "terminalSequence"]
            .iter()
            .all(|name| fits(name, Value::is_string))
        && fits("decision", word)
        && fits("hookSpecificOutput", Value::is_object);
    if !valid || answer["async"] == true {
        return false;
    }
    let output = &answer["hookSpecificOutput"];
    if output.is_object() && output["hookEventName"] != event {
        return false;
    }
    if answer["continue"] == false && !UNSTOPPED.contains(&event) {
        return true;
    }
    let decides = matches!(event, "PreToolUse" | "PreModelSwitch" | "PreSkillShellCommand" | "OfTomorrow");
    match output["permissionDecision"].as_str().filter(|_| decides) {
        Some("deny" | "ask" | "defer") => return true,
        Some("allow") => return false,
        Some(_) => return false,
        None => {}
    }
    let own = &output["decision"]["behavior"];
    if matches!(event, "PermissionRequest" | "OfTomorrow") && own.is_string() {
        return own == "deny";
    }
    answer["decision"] == "block" && DECIDE.contains(&event)
}

const NO: &[&str] = &[
    "deny",
    "denied",
    "block",
    "blocked",
    "reject",
    "rejected",
    "refuse",
    "refused",
    "decline",
    "declined",
    "forbid",
    "forbidden",
    "abort",
    "halt",
];

/// Where a reader looks for a decision.
const DECIDING: &[&str] = &["decision", "permissiondecision", "behavior", "action", "verdict"];

/// What belongs to the tool, the user or the reader, and decides nothing whatever it holds.
const CONTENTS: &[&str] = &[
    "updatedInput",
    "content",
    "result",
    "updatedToolOutput",
    "updatedMCPToolOutput",
    "permissionDisplay",
    "updatedPermissions",
    "reason",
    "stopReason",
    "systemMessage",
    "message",
    "additionalContext",
    "permissionDecisionReason",
    "terminalSequence",
    "sessionTitle",
    "initialUserMessage",
    "displayContent",
    "classifierContext",
    "worktreePath",
    "toolUseID",
    "decisionClassification",
    "watchPaths",
];

/// Whether a person who reads the answer takes it for a no.
fn says_no(asked: Asked, text: &str, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    let Some(members) = json::members(text) else { return false };
    members.iter().any(|(name, value)| {
        if CONTENTS.contains(&name.as_str()) {
            return false;
        }
        let plain = name.replace(['_', '-', ' '], "").to_lowercase();
        let word = serde_json::from_str::<String>(value).ok();
        let refuses = word.as_ref().is_some_and(|word| NO.contains(&word.trim().to_lowercase().as_str()));
        let stops = plain == "continue" && *value == "false" && matches!(asked, Asked::Hook(_));
        let flag = (NO.contains(&plain.as_str()) && *value == "true")
            || (matches!(plain.as_str(), "allow" | "allowed" | "approve" | "approved") && *value == "false");
        let inside = || match word {
            Some(word) => says_no(asked, &word, levels),
            None => says_no(asked, value, levels),
        };
        (DECIDING.contains(&plain.as_str()) && refuses) || stops || flag || inside()
    })
}

/// One answer of each kind that is what it looks like, so that the model itself is held to something.
pub fn self_check() {
    let hook = Asked::Hook("PreToolUse");
    let deny = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny"}});
    assert!(!goes_ahead(hook, &deny) && says_no(hook, &deny.to_string(), 4));
    let slip = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permission_decision": "Deny"}});
    assert!(goes_ahead(hook, &slip) && says_no(hook, &slip.to_string(), 4));
    assert!(goes_ahead(hook, &json!({})) && !says_no(hook, "{}", 4));
    let text = r#"{"behavior":"allow","response":"{\"decision\":\"deny\"}"}"#;
    assert!(says_no(Asked::Permission, text, 4));
    assert!(!says_no(Asked::Permission, r#"{"behavior":"allow","updatedInput":{"decision":"deny"}}"#, 4));
}
