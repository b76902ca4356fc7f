//! A hook is a gate: it stays shut when nobody answers, and one that could never be called is refused where it is registered.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::requests::{
    CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE, Failure, Host, SOON, Stage, Status, bash, fake_options,
};
use claude_client::capi::types::claude_hook_failure_t;
use claude_client::requests::events::{EVENTS, Subject};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// At these a refusal would keep nothing from happening, or make Claude go on without end.
const GUARD_NOTHING: &[&str] = &[
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionDenied",
    "Notification",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PostCompact",
    "PostModelSwitch",
    "Setup",
    "TeammateIdle",
    "TaskCompleted",
    "InstructionsLoaded",
    "WorktreeCreate",
    "WorktreeRemove",
    "CwdChanged",
    "FileChanged",
    "DirectoryAdded",
    "MessageDisplay",
];

fn refuses(output: &Value) -> bool {
    let own = &output["hookSpecificOutput"];
    output["decision"] == "block"
        || own["permissionDecision"] == "deny"
        || own["decision"]["behavior"] == "deny"
}

/// What the CLI is told about hooks of these events that nobody answers.
fn silence_about(events: &[&str], on_failure: claude_hook_failure_t) -> Vec<Value> {
    let asks = events.iter().map(|event| {
        json!({"ask": {"subtype": "hook_callback",
        "input": {"hook_event_name": event}}})
    });
    let fake = FakeClaude::new(json!({"on_user": asks.collect::<Vec<_>>()}));
    let host = Host::new(&fake_options(&fake));
    host.add_hook("PreToolUse", None, 0, on_failure, drop).unwrap();
    host.connect().unwrap_or_else(|failure| panic!("{}", failure.json));
    host.query("go");
    fake.wait_for_log(SOON, |log| log.responses().len() == events.len()).responses()
}

#[test]
fn silence_refuses_at_every_event_that_is_not_known_to_guard_nothing() {
    let unknown = ["EventOfTomorrow", "PreEverything", "", "pretooluse", "PostToolUse "];
    let events: Vec<&str> = EVENTS.iter().map(|event| event.name).chain(unknown).collect();
    for (event, response) in events.iter().zip(silence_about(&events, CLAUDE_HOOK_CONTINUE)) {
        let refused = response["subtype"] == "success" && refuses(&response["response"]);
        assert_eq!(refused, !GUARD_NOTHING.contains(event), "{event:?}: {response}");
        assert!(refused || response["subtype"] == "error", "{event:?}: an error is the least: {response}");
    }
}

/// The CLI's own list of its events: a new one has to be looked at.
#[test]
fn the_events_are_those_of_the_cli() {
    let Some(stage) = Stage::real("gates_catalogue") else { return };
    let host = stage.host();
    host.connect().unwrap();
    let listing = host.control_reply(json!({"subtype": "get_hooks_listing"}));
    let mut catalogue: Vec<(&str, bool)> = Vec::new();
    for event in listing["eventCatalog"].as_array().expect("a catalogue") {
        catalogue.push((event["name"].as_str().unwrap(), event["supportsMatcher"] == true));
    }
    let mut own: Vec<(&str, bool)> =
        EVENTS.iter().map(|event| (event.name, event.subject != Subject::Nothing)).collect();
    catalogue.sort_unstable();
    own.sort_unstable();
    assert_eq!(own, catalogue);
    assert!(GUARD_NOTHING.iter().all(|name| catalogue.iter().any(|(known, _)| known == name)));
}

fn refused(event: &str, matcher: Option<&str>) -> Failure {
    let fake = FakeClaude::new(json!({}));
    let host = Host::new(&fake_options(&fake));
    let outcome = host.add_hook(event, matcher, 0, CLAUDE_HOOK_BLOCK, drop);
    let failure = outcome.expect_err(&format!("{event:?} {matcher:?} was taken"));
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT, "{}", failure.json);
    failure
}

/// What is said of a hook when connecting.
fn warnings_of(event: &str, matcher: Option<&str>) -> Vec<String> {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"result": {}}]}));
    let host = Host::new(&fake_options(&fake));
    let outcome = host.add_hook(event, matcher, 0, CLAUDE_HOOK_CONTINUE, drop);
    outcome.unwrap_or_else(|failure| panic!("{event} {matcher:?}: {}", failure.json));
    host.connect().unwrap();
    host.turn("go");
    let warnings = host.warnings().into_iter().filter(|warning| warning["event"] == "hook");
    warnings.map(|warning| warning["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_event_with_a_slip_in_its_name_is_refused_and_one_of_tomorrow_is_told() {
    for (event, meant) in [
        ("PreTool", "PreToolUse"),
        ("pretooluse", "PreToolUse"),
        ("PreToolUse ", "PreToolUse"),
        ("pre_tool_use", "PreToolUse"),
        ("PreToolUseHook", "PreToolUse"),
        ("UserPrompt", "UserPromptSubmit"),
        ("PermissionRequests", "PermissionRequest"),
        ("stop", "Stop"),
    ] {
        let failure = refused(event, None);
        assert_eq!(failure.json["argument"], "event");
        assert!(
            failure.json["remedy"].as_str().unwrap().contains(&format!("\"{meant}\"")),
            "{}",
            failure.json
        );
    }
    let told = warnings_of("EventOfTomorrow", None);
    assert!(matches!(&told[..], [one] if one.contains("EventOfTomorrow")), "{told:?}");
    assert_eq!(warnings_of("PreToolUse", None), [""; 0]);
}

#[test]
fn a_hook_that_the_cli_does_not_ask_a_host_about_says_so() {
    for (event, matcher, told) in [
        ("Setup", None, true),
        ("SessionStart", None, true),
        ("SessionStart", Some("startup"), true),
        ("SessionStart", Some("compact|clear"), false),
        ("SessionEnd", None, true),
        ("SessionEnd", Some("clear"), false),
        ("Stop", Some("Bash"), true),
        ("Stop", None, false),
    ] {
        assert_eq!(!warnings_of(event, matcher).is_empty(), told, "{event} {matcher:?}");
    }
}

/// To block is nothing that every event can do.
#[test]
fn a_hook_that_is_to_block_where_it_cannot_says_so() {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"result": {}}]}));
    let host = Host::new(&fake_options(&fake));
    let cannot = ["Stop", "SubagentStop", "TaskCompleted", "TeammateIdle"];
    for event in cannot.iter().chain(&["PreToolUse", "UserPromptSubmit", "PreCompact"]) {
        host.add_hook(event, None, 0, CLAUDE_HOOK_BLOCK, drop).unwrap();
    }
    host.add_hook("Stop", None, 0, CLAUDE_HOOK_CONTINUE, drop).unwrap();
    host.connect().unwrap_or_else(|failure| panic!("{}", failure.json));
    host.turn("go");
    let told: Vec<Value> = host.warnings().into_iter().filter(|told| told["event"] == "hook").collect();
    let events: Vec<&str> = told.iter().map(|told| told["hook_event"].as_str().unwrap()).collect();
    assert_eq!(events, cannot);
}

/// Matchers, and whether the real CLI calls a hook with them for `Bash`; `None` = refused.
const MATCHERS: &[(&str, Option<bool>)] = &[
    ("Bash", Some(true)),
    ("", Some(true)),
    ("*", Some(true)),
    (".*", Some(true)),
    ("^Bash$", Some(true)),
    ("B.sh", Some(true)),
    ("Bash|Write", Some(true)),
    ("Write, Bash", Some(true)),
    (" Bash ", Some(true)),
    ("Bash|", Some(true)),
    ("(?=B)Bash", Some(true)),
    ("(B)(a)\\1?sh", Some(true)),
    ("^(?!Write)", Some(true)),
    ("Write", Some(false)),
    ("Read|Glob", Some(false)),
    ("mcp__own__x", Some(false)),
    ("mcp__.*", Some(false)),
    ("Bash-", None),
    ("bash", None),
    ("BASH", None),
    ("Bsh", None),
    ("|", None),
    ("  ", None),
    (",", None),
    ("Bash(touch *)", None),
    ("Bash(*)", None),
    ("(?i)bash", None),
    ("[", None),
    ("(", None),
    ("*Bash", None),
    ("B**", None),
    ("/Bash/", None),
    ("a{2}{3}", None),
    ("x{3,1}", None),
    ("[z-a]", None),
    ("Bash\\", None),
    ("(?:", None),
    ("(?<n", None),
    ("^*", None),
    ("Bash Write", None),
    ("^bash$", None),
    ("\"Bash\"", None),
    ("mcp__own", None),
    ("mcp__own__", None),
    ("Writ|Bash", None),
];

#[test]
fn a_matcher_that_never_matches_is_refused_as_the_cli_reads_it() {
    check_against_the_cli("gates_matchers", MATCHERS);
}

/// Registers hooks with all of the matchers, and runs Bash once: `Some` tells whether the CLI then calls the hook, `None` that
/// the registration is refused.
fn check_against_the_cli(stage: &str, matchers: &[(&str, Option<bool>)]) {
    let Some(stage) = Stage::real(stage) else { return };
    let host = Host::new(&stage.options(json!({"allowed_tools": ["Bash"]})));
    let mut called = Vec::new();
    for (matcher, expected) in matchers {
        let flag = Arc::new(AtomicBool::new(false));
        let tell = flag.clone();
        let outcome = host.add_hook("PreToolUse", Some(matcher), 0, CLAUDE_HOOK_CONTINUE, move |request| {
            tell.store(true, Ordering::SeqCst);
            request.respond(json!({})).unwrap();
        });
        match outcome {
            Ok(()) => assert!(expected.is_some(), "{matcher:?} was taken"),
            Err(failure) => {
                assert!(expected.is_none(), "{matcher:?}: {}", failure.json);
                assert_eq!(failure.json["argument"], "matcher");
                assert!(failure.json["remedy"].is_string());
            }
        }
        called.push(flag);
    }
    host.connect().unwrap();
    host.turn(&bash("touch made"));
    assert!(stage.made("made"));
    for ((matcher, expected), called) in matchers.iter().zip(called) {
        assert_eq!(called.load(Ordering::SeqCst), *expected == Some(true), "{matcher:?}");
    }
}

/// The same for events whose causes are words.
#[test]
fn words_of_matchers_are_looked_at_as_well() {
    for (event, matcher) in [
        ("PreCompact", "manuel"),
        ("PreCompact", "Auto"),
        ("ConfigChange", "user-settings"),
        ("Notification", "idle"),
    ] {
        assert_eq!(refused(event, Some(matcher)).json["argument"], "matcher", "{event} {matcher}");
    }
    for (event, matcher) in
        [("PreToolUse", "ToolOfTomorrow"), ("PreCompact", "nightly"), ("PostToolUse", "Frob.*")]
    {
        assert_eq!(warnings_of(event, Some(matcher)).len(), 1, "{event} {matcher}");
    }
    for (event, matcher) in [
        ("PreCompact", "manual|auto"),
        ("SubagentStart", "whoever"),
        ("Elicitation", "any server"),
        ("FileChanged", ".envrc|.env"),
    ] {
        assert_eq!(warnings_of(event, Some(matcher)), [""; 0], "{event} {matcher}");
    }
}

fn creation(fake: &FakeClaude, options: Value) -> Result<Host, Failure> {
    let mut all = fake_options(fake);
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    Host::try_new(&all)
}

/// However many there are: neither the time nor the stack may grow with the ways in which they can be filled.
#[test]
fn patterns_of_many_stars_are_judged_at_once() {
    let fake = FakeClaude::new(json!({}));
    for stars in [14, 30_000] {
        let pattern = format!("{}x", "*".repeat(stars));
        for options in [
            json!({"disallowed_tools": [pattern]}),
            json!({"settings": {"permissions": {"deny": [pattern]}}}),
            json!({"agents": {"a": {"description": "d", "prompt": "p", "disallowedTools": [pattern]}}}),
        ] {
            creation(&fake, options).expect("it may be for a tool of an MCP server");
        }
        let wrong = creation(&fake, json!({"disallowed_tools": [format!("b{}h", "*".repeat(stars))]}));
        let failure = wrong.err().expect("it fits no tool");
        assert_eq!(failure.json["pointer"], "/disallowed_tools/0", "{}", failure.json);
    }
}

#[test]
fn a_tool_that_is_forbidden_under_a_wrong_name_is_not_taken_for_forbidden() {
    let fake = FakeClaude::new(json!({}));
    for (options, pointer) in [
        (json!({"disallowed_tools": ["Read", "bash"]}), "/disallowed_tools/1"),
        (json!({"disallowed_tools": ["Wirte(*)"]}), "/disallowed_tools/0"),
        (json!({"disallowed_tools": ["mcp__a.b__c"]}), "/disallowed_tools/0"),
        (
            json!({"agents": {"a": {"description": "d", "prompt": "p", "disallowedTools": ["bash"]}}}),
            "/agents/a/disallowedTools/0",
        ),
        (json!({"supported_dialog_kinds": ["refusal-fallback-prompt"]}), "/supported_dialog_kinds/0"),
        (
            json!({"extra_args": {"settings": "{\"permissions\": {\"deny\": [\"bash\"]}}"}}),
            "/extra_args/settings/permissions/deny/0",
        ),
        (
            json!({"extra_args": {"managed-settings": "{\"sandbox\": {\"enabled\": \"yes\"}}"}}),
            "/extra_args/managed-settings/sandbox/enabled",
        ),
    ] {
        let failure = creation(&fake, options.clone()).err().unwrap_or_else(|| panic!("{options} was taken"));
        assert_eq!(failure.json["pointer"], pointer, "{}", failure.json);
        assert!(failure.json["remedy"].is_string());
    }
    let fine = json!({"disallowed_tools": ["Bash", "Ba*", "mcp__me", "mcp__me__*", "Bash(rm *)", "Task", "ToolOfTomorrow"]});
    let host = creation(&fake, fine).unwrap_or_else(|failure| panic!("{}", failure.json));
    assert!(host.declare_dialog("refusal_fallback_promt").is_err());
    host.declare_dialog("refusal_fallback_prompt").unwrap();
    host.declare_dialog("something_new").unwrap();
    host.connect().unwrap();
    let told = host
        .wait_message(|message| message["text"].as_str().is_some_and(|text| text.contains("ToolOfTomorrow")));
    assert_eq!(told["event"], "warning");
}

/// Matchers of more than a name, and whether the real CLI calls a hook with them for `Bash`; `None` = refused.
const PATTERNS: &[(&str, Option<bool>)] = &[
    ("^mcp__me$", None),
    ("mcp__me$", None),
    ("^mcp__me__$", None),
    ("MCP__me__.*", None),
    ("MCP__me__do", None),
    ("mcp-me-.*", None),
    ("mcp-me-do", None),
    ("mcp_me__.*", None),
    ("bash|Write.*", None),
    ("Write.*|bash", None),
    ("^(bash|Write)$", None),
    ("^(?:Write|mcp__me)$", None),
    ("Bash.*|MCP__me__.*", None),
    ("(?!Write)bash", None),
    ("(?=bash)bash", None),
    ("(?!Write)Bash", Some(true)),
    ("^(Bash|Write)$", Some(true)),
    ("(Bash|Write).*", Some(true)),
    ("Bash.*|mcp__me__.*", Some(true)),
    ("mcp__me__.*|Bash", Some(true)),
    ("^mcp__me", Some(false)),
    ("^mcp__me__do$", Some(false)),
    ("mcp__.*__do$", Some(false)),
    ("mcp.*", Some(false)),
    ("^mcp__(me|you)__.*", Some(false)),
    (".*mcp.*", Some(false)),
    ("Write.*|Edit", Some(false)),
];

#[test]
fn each_part_of_a_matcher_that_never_matches_is_refused() {
    check_against_the_cli("gates_patterns", PATTERNS);
}

#[test]
fn a_part_of_a_matcher_that_cannot_be_checked_or_is_unknown_is_told() {
    for (matcher, told) in [
        ("(b)(a)\\1?sh", 1),
        ("Write.*|(B)(a)\\1?sh", 1),
        ("Bash.*|Frob.*", 1),
        ("Bash.*|Write", 0),
        ("^(?!Write)", 0),
        ("Bash.*|", 0),
    ] {
        assert_eq!(warnings_of("PreToolUse", Some(matcher)).len(), told, "{matcher}");
    }
    refused("PreCompact", Some("Auto.*|manual"));
    assert_eq!(warnings_of("PreCompact", Some("auto.*|manual")), [""; 0]);
}
