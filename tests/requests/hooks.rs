//! Hooks with the real CLI: what an answer does, and what no answer does.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::support::requests::{
    CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE, Host, Kind, Request, SOON, Slot, Stage, Status, bash, status,
};
use claude_client::capi::types::claude_hook_failure_t;
use claude_testkit::loopback::aborted_at_tools;
use serde_json::{Value, json};

macro_rules! stage {
    ($name:literal) => {
        match Stage::real($name) {
            Some(stage) => stage,
            None => return,
        }
    };
}

fn specific(event: &str, members: Value) -> Value {
    let mut specific = json!({"hookEventName": event});
    specific.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"hookSpecificOutput": specific})
}

fn decide(decision: &str, reason: &str) -> Value {
    specific("PreToolUse", json!({"permissionDecision": decision, "permissionDecisionReason": reason}))
}

/// A host whose shell commands run without a question.
fn trusting(stage: &Stage) -> Host {
    Host::new(&stage.options(json!({"allowed_tools": ["Bash"]})))
}

#[test]
fn deny_allow_ask_and_changed_input() {
    let stage = stage!("hook_decisions");
    let host = stage.host();
    let asked = Slot::new();
    let into = asked.clone();
    host.permission_handler(move |request| {
        request.allow().unwrap();
        into.put(request);
    })
    .unwrap();
    host.add_hook("PreToolUse", Some("Bash"), 0, CLAUDE_HOOK_CONTINUE, |request| {
        assert_eq!(request.kind(), Kind::CLAUDE_REQUEST_HOOK);
        let input = request.json()["input"].clone();
        assert_eq!((&input["hook_event_name"], &input["tool_name"]), (&json!("PreToolUse"), &json!("Bash")));
        let command = input["tool_input"]["command"].as_str().unwrap().to_owned();
        let answer = match command.split(' ').next() {
            Some("rm") => decide("deny", "Nothing is removed here."),
            Some("touch") => decide("allow", "harmless"),
            Some("mkdir") => decide("ask", "who knows"),
            _ => specific(
                "PreToolUse",
                json!({"permissionDecision": "allow",
                                               "updatedInput": {"command": "echo changed"}}),
            ),
        };
        request.respond(answer).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    let denied = host.turn(&bash("rm -rf work"));
    assert!(denied.text().contains("Nothing is removed here."), "{}", denied.text());
    assert_eq!(denied.result["permission_denials"][0]["tool_name"], "Bash");
    host.turn(&bash("touch made"));
    assert!(stage.made("made") && asked.is_empty(), "an allowed call is not asked about again");
    host.turn(&bash("mkdir folder"));
    assert!(stage.made("folder"));
    let request = asked.one().json();
    assert_eq!(
        (&request["decision_reason"], &request["decision_reason_type"]),
        (&json!("who knows"), &json!("hook"))
    );
    assert_eq!(host.turn(&bash("sleep 0")).text(), "The tool said: changed");
}

#[test]
fn added_context_reaches_the_model_and_a_prompt_can_be_blocked() {
    let stage = stage!("hook_prompt");
    let host = stage.host();
    host.hook("UserPromptSubmit", |request| {
        let prompt = request.json()["input"]["prompt"].as_str().unwrap().to_owned();
        let answer = match prompt.as_str() {
            "secret" => json!({"decision": "block", "reason": "No secrets."}),
            _ => specific("UserPromptSubmit", json!({"additionalContext": "The sky is green today."})),
        };
        request.respond(answer).unwrap();
    });
    host.connect().unwrap();
    host.turn("How is the sky?");
    let sent = stage.api.last_message().unwrap().body.to_string();
    assert!(sent.contains("The sky is green today."), "{sent}");
    let before = stage.api.messages().len();
    let blocked = host.turn("secret");
    assert_eq!(blocked.result["num_turns"], 0, "{}", blocked.result);
    assert!(blocked.text().contains("No secrets."), "{}", blocked.text());
    assert_eq!(stage.api.messages().len(), before, "the model was not asked");
}

#[test]
fn the_output_of_a_tool_can_be_replaced() {
    let stage = stage!("hook_output");
    let host = trusting(&stage);
    host.hook("PostToolUse", |request| {
        let mut output = request.json()["input"]["tool_response"].clone();
        assert_eq!(output["stdout"], "own");
        output["stdout"] = "replaced".into();
        request.respond(specific("PostToolUse", json!({"updatedToolOutput": output}))).unwrap();
    });
    host.connect().unwrap();
    assert_eq!(host.turn(&bash("echo own")).text(), "The tool said: replaced");
}

#[test]
fn a_stop_hook_makes_the_model_go_on() {
    let stage = stage!("hook_stop");
    let host = stage.host();
    let calls = Slot::new();
    let into = calls.clone();
    host.hook("Stop", move |request| {
        let active = request.json()["input"]["stop_hook_active"] == true;
        into.put(active);
        let answer = if active { json!({}) } else { json!({"decision": "block", "reason": "Say goodbye."}) };
        request.respond(answer).unwrap();
    });
    host.connect().unwrap();
    host.turn("hello");
    assert_eq!(calls.take(2), [false, true]);
    let last = stage.api.last_message().unwrap().body.to_string();
    assert!(last.contains("Say goodbye."), "{last}");
}

#[test]
fn edge_067_registrations_have_their_own_ids() {
    use claude_testkit::fake::FakeClaude;
    let fake = FakeClaude::new(json!({}));
    let host = Host::new(&crate::support::requests::fake_options(&fake));
    let add = |event: &str, matcher: Option<&str>, deadline_ms: u32, on_failure| {
        host.add_hook(event, matcher, deadline_ms, on_failure, drop).unwrap();
    };
    add("PreToolUse", Some("Bash|Write"), 30_000, CLAUDE_HOOK_BLOCK);
    add("PreToolUse", Some("Bash|Write"), 30_000, CLAUDE_HOOK_BLOCK);
    add("PreToolUse", None, 0, CLAUDE_HOOK_CONTINUE);
    add("Stop", None, 1500, CLAUDE_HOOK_CONTINUE);
    add("Stop", Some(""), 1001, CLAUDE_HOOK_CONTINUE);
    for (event, on_failure) in [("", 0), ("Stop", 2), ("Stop", -1)] {
        let refused = host.add_raw_hook(event, None, 0, on_failure, None, std::ptr::null_mut(), None);
        assert_eq!(status(&refused), Status::CLAUDE_ERR_INVALID_ARGUMENT, "{event} {on_failure}");
    }
    host.connect().unwrap();
    let late = host.add_hook("Stop", None, 0, CLAUDE_HOOK_CONTINUE, drop);
    assert_eq!(status(&late), Status::CLAUDE_ERR_ALREADY_CONNECTED);
    assert_eq!(
        fake.log().requests("initialize")[0]["hooks"],
        json!({
            "PreToolUse": [
                {"matcher": "Bash|Write", "hookCallbackIds": ["hook_0", "hook_1"], "timeout": 30, "onFailure": "block"},
                {"matcher": null, "hookCallbackIds": ["hook_2"]}],
            "Stop": [
                {"matcher": null, "hookCallbackIds": ["hook_3"], "timeout": 2},
                {"matcher": "", "hookCallbackIds": ["hook_4"], "timeout": 2}]})
    );
    assert!(
        !fake.log().argv().iter().any(|word| word.contains("permission-prompt-tool")),
        "hooks are not permissions"
    );
}

#[test]
fn edge_068_the_spellings_of_python_are_taken() {
    let stage = stage!("edge_068");
    let host = trusting(&stage);
    host.hook("PreToolUse", |request| {
        let wrong = request.respond(json!({"continue_": "no"}));
        assert_eq!(wrong.unwrap_err().json["pointer"], "/continue");
        request.respond(json!({"continue_": false, "stopReason": "enough"})).unwrap();
    });
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert_eq!(turn.result["terminal_reason"], "hook_stopped", "{}", turn.result);
}

/// To the CLI a refusal under a wrong name is no opinion, and the tool runs.
#[test]
fn a_refusal_under_a_wrong_name_is_not_taken() {
    let stage = stage!("hook_misspelt");
    let host = trusting(&stage);
    let drawn_out = format!("cont{}inue_", "-".repeat(100));
    let pointer = format!("/{drawn_out}");
    host.hook("PreToolUse", move |request| {
        for (answer, pointer) in [
            (
                specific("PreToolUse", json!({"permission_decision": "deny"})),
                "/hookSpecificOutput/permission_decision",
            ),
            (
                specific("PreToolUse", json!({"permisionDecision": "deny"})),
                "/hookSpecificOutput/permisionDecision",
            ),
            (json!({"hook_specific_output": {"permissionDecision": "deny"}}), "/hook_specific_output"),
            (json!({"permissionDecision": "deny"}), "/permissionDecision"),
            (json!({"decison": "block"}), "/decison"),
            (json!({"cont inue": false}), "/cont inue"),
            (json!({"c.o.n.t.i.n.u.e": false}), "/c.o.n.t.i.n.u.e"),
            (json!({&drawn_out: false}), &pointer),
            (json!({"behavior": "deny", "message": "no"}), "/behavior"),
        ] {
            match request.respond(answer.clone()) {
                Ok(()) => return, // the tool that runs tells of it
                Err(failure) => assert_eq!(failure.json["pointer"], pointer, "{answer}"),
            }
        }
        // What only a later CLI knows passes.
        request.respond(json!({"decision": "block", "description": "new", "decisionReason": "new"})).unwrap();
    });
    host.connect().unwrap();
    host.turn(&bash("touch made"));
    assert!(!stage.made("made"), "the tool has run");
}

#[test]
fn an_asynchronous_hook_does_not_hold_up_the_tool() {
    let stage = stage!("hook_async");
    let host = trusting(&stage);
    host.hook("PreToolUse", |request| {
        request.respond(json!({"async_": true, "asyncTimeout": 5000})).unwrap()
    });
    host.connect().unwrap();
    assert_eq!(host.turn(&bash("touch made; echo ran")).text(), "The tool said: ran");
    assert!(stage.made("made"));
}

fn failing(stage: &Stage, on_failure: claude_hook_failure_t) -> (String, Host) {
    let host = trusting(stage);
    host.add_hook("PreToolUse", Some("Bash"), 0, on_failure, |request| request.fail("it broke").unwrap())
        .unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made; echo ran"));
    (turn.text().to_owned(), host)
}

#[test]
fn edge_069_a_failure_counts_as_the_registration_says() {
    let stage = stage!("edge_069");
    let (text, _host) = failing(&stage, CLAUDE_HOOK_CONTINUE);
    assert_eq!(text, "The tool said: ran");
    let stage = stage!("edge_069");
    let (text, _host) = failing(&stage, CLAUDE_HOOK_BLOCK);
    assert!(text.contains("it broke") || text.contains("hook"), "{text}");
    assert!(!stage.made("made"), "{text}");
}

#[test]
fn silence_is_a_refusal_where_a_hook_can_refuse() {
    let stage = stage!("hook_silence");
    let host = trusting(&stage);
    host.hook("PreToolUse", drop);
    let prompts = Arc::new(AtomicUsize::new(0));
    let count = prompts.clone();
    host.hook("UserPromptSubmit", move |request| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            request.respond(json!({})).unwrap();
        }
    });
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert!(turn.text().contains("The host did not answer."), "{}", turn.text());
    assert!(!stage.made("made"));
    let blocked = host.turn("hello");
    assert!(blocked.text().contains("The host did not answer."), "{}", blocked.text());
}

#[test]
fn silence_of_a_permission_hook_refuses_the_tool() {
    let stage = stage!("hook_silence_permission");
    let host = stage.host();
    host.hook("PermissionRequest", drop);
    // Asked at the same time; slower than the hook.
    let asked = Slot::new();
    let into = asked.clone();
    host.permission_handler(move |request| into.put(request)).unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert!(turn.text().contains("The host did not answer."), "{}", turn.text());
    assert!(!stage.made("made"));
}

#[test]
fn silence_blocks_model_switches_compaction_and_commands() {
    let stage = stage!("hook_silence_more");
    let host = stage.host();
    let seen = Slot::new();
    for event in ["PreModelSwitch", "PreCompact", "UserPromptExpansion"] {
        let into = seen.clone();
        host.hook(event, move |_| into.put(event));
    }
    host.connect().unwrap();
    host.turn("hello");
    let switch = host.control(json!({"subtype": "set_model", "model": "haiku"})).unwrap_err();
    assert_eq!(switch.status, Status::CLAUDE_ERR_CONTROL);
    assert!(switch.message().contains("The host did not answer."), "{switch:?}");
    let before = stage.api.messages().len();
    host.turn("/compact");
    host.turn("/init");
    assert_eq!(stage.api.messages().len(), before, "neither reached the model");
    assert_eq!(seen.take(3), ["PreModelSwitch", "PreCompact", "UserPromptExpansion"]);
}

#[test]
fn edge_070_a_hook_beyond_its_timeout_is_withdrawn_and_the_tool_refused() {
    let stage = stage!("edge_070");
    let host = trusting(&stage);
    let (slot, told) = (Slot::new(), Slot::new());
    let (into, tell) = (slot.clone(), told.clone());
    host.add_hook("PreToolUse", None, 1000, CLAUDE_HOOK_CONTINUE, move |request| {
        let tell = tell.clone();
        request.on_cancel(move |id| tell.put(id)).unwrap();
        into.put(request);
    })
    .unwrap();
    host.connect().unwrap();
    let start = Instant::now();
    let turn = host.turn(&bash("touch made"));
    assert!(start.elapsed() < SOON);
    let request = slot.one();
    assert_eq!(told.one(), request.id());
    assert_eq!(status(&request.respond(json!({}))), Status::CLAUDE_ERR_STALE);
    assert!(turn.tool_results()[0].1 && !stage.made("made"), "{:?}", turn.tool_results());
}

#[test]
fn a_hook_beyond_the_deadline_refuses_the_tool_whatever_the_action() {
    let stage = stage!("hook_deadline");
    for action in ["deny", "error"] {
        let mut options = stage.options(json!({"allowed_tools": ["Bash"]}));
        options["request_timeout_ms"] = 200.into();
        options["request_timeout_action"] = action.into();
        let host = Host::new(&options);
        let (slot, told) = (Slot::new(), Slot::new());
        let (into, tell) = (slot.clone(), told.clone());
        host.add_hook("PreToolUse", Some("Bash"), 0, CLAUDE_HOOK_CONTINUE, move |request| {
            let tell = tell.clone();
            request.on_cancel(move |id| tell.put(id)).unwrap();
            into.put(request);
        })
        .unwrap();
        host.connect().unwrap();
        let turn = host.turn(&bash("touch made"));
        let results = turn.tool_results();
        assert!(results[0].1 && results[0].0.contains("Nobody answered in time."), "{action}: {results:?}");
        assert!(!stage.made("made"), "{action}");
        assert_eq!(told.one(), slot.one().id());
    }
}

#[test]
fn edge_072_hooks_of_one_matcher_are_asked_at_the_same_time() {
    let stage = stage!("edge_072");
    let host = trusting(&stage);
    let slot: Arc<Slot<Request>> = Slot::new();
    for _ in 0..2 {
        let into = slot.clone();
        host.hook("PreToolUse", move |request| into.put(request));
    }
    host.connect().unwrap();
    host.query(&bash("touch made; echo ran"));
    // Both are open before either is answered.
    let open = slot.take(2);
    assert_ne!(open[0].json()["callback_id"], open[1].json()["callback_id"]);
    assert_eq!(host.pending().len(), 2);
    open.iter().rev().for_each(|request| request.respond(json!({})).unwrap());
    assert_eq!(host.rest_of_turn(0).text(), "The tool said: ran");
}

#[test]
fn edge_074_every_event_name_passes() {
    let stage = stage!("edge_074");
    let host = trusting(&stage);
    const EVENTS: &[&str] = &[
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "SessionStart",
        "SessionEnd",
        "Setup",
        "Stop",
        "StopFailure",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "PostCompact",
        "PreModelSwitch",
        "PostModelSwitch",
        "PermissionRequest",
        "PermissionDenied",
        "Notification",
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
        "TaskCreated",
        "TaskCompleted",
        "TeammateIdle",
        "PreSkillShellCommand",
    ];
    let seen = Slot::new();
    for event in EVENTS {
        let into = seen.clone();
        host.hook(event, move |request| {
            let name = request.json()["input"]["hook_event_name"].as_str().unwrap().to_owned();
            request.respond(json!({})).unwrap();
            into.put(name);
        });
    }
    host.connect().unwrap();
    assert_eq!(host.turn(&bash("echo own")).text(), "The tool said: own");
    let mut names = seen.take(6);
    names.sort_unstable();
    let of_one_tool =
        ["MessageDisplay", "PostToolBatch", "PostToolUse", "PreToolUse", "Stop", "UserPromptSubmit"];
    assert_eq!(names, of_one_tool);
    host.disconnect().unwrap();
    assert!(seen.is_empty(), "more than one tool turn has: {:?}", seen.take(seen.len()));
    // A name of tomorrow goes to the CLI as it is.
    use claude_testkit::fake::FakeClaude;
    let fake = FakeClaude::new(json!({}));
    let host = Host::new(&crate::support::requests::fake_options(&fake));
    host.hook("EventOfTomorrow", drop);
    host.connect().unwrap();
    let hooks = fake.log().requests("initialize")[0]["hooks"].clone();
    assert_eq!(hooks["EventOfTomorrow"], json!([{"matcher": null, "hookCallbackIds": ["hook_0"]}]));
}

#[test]
fn edge_075_a_hook_after_the_end_of_input_harms_nobody() {
    use claude_testkit::fake::FakeClaude;
    let ask = json!({"subtype": "hook_callback", "callback_id": "hook_0", "input": {"hook_event_name": "SessionEnd"}});
    let late = json!([{"ask": ask, "wait": false}, {"sleep": 500}, {"exit": 0}]);
    let fake = FakeClaude::new(json!({"on_eof": late}));
    let host = Host::new(&crate::support::requests::fake_options(&fake));
    let seen = Slot::new();
    let into = seen.clone();
    host.hook("SessionEnd", move |request| into.put(request.respond(json!({}))));
    host.connect().unwrap();
    host.turn("hello");
    host.end_input().unwrap();
    let start = Instant::now();
    // The answer cannot be written any more, and says so.
    assert_ne!(status(&seen.one()), Status::CLAUDE_OK);
    host.disconnect().unwrap();
    assert!(start.elapsed() < SOON);
    // The real CLI sends it or not, as it finds the time; it ends in either case.
    let stage = stage!("edge_075");
    let host = stage.host();
    host.hook("SessionEnd", |request| drop(request.respond(json!({}))));
    host.connect().unwrap();
    host.turn("hello");
    host.end_input().unwrap();
    let start = Instant::now();
    host.disconnect().unwrap();
    assert!(start.elapsed() < SOON);
}

#[test]
fn edge_076_a_deferred_call_ends_the_turn() {
    let stage = stage!("edge_076");
    let host = trusting(&stage);
    host.hook("PreToolUse", |request| request.respond(decide("defer", "later")).unwrap());
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert_eq!(turn.result["terminal_reason"], "tool_deferred", "{}", turn.result);
    assert_eq!(turn.result["deferred_tool_use"]["name"], "Bash");
    assert!(!stage.made("made"));
}

#[test]
fn g6_an_interrupt_refuses_an_open_hook_and_an_open_permission() {
    let stage = stage!("interrupt_open");
    let host = stage.host();
    let (slot, told) = (Slot::new(), Slot::new());
    let keep = |request: Request, told: &Arc<Slot<u64>>, slot: &Arc<Slot<Request>>| {
        let tell = told.clone();
        request.on_cancel(move |id| tell.put(id)).unwrap();
        slot.put(request);
    };
    let (into, tell) = (slot.clone(), told.clone());
    host.add_hook("PreToolUse", Some("Read"), 0, CLAUDE_HOOK_CONTINUE, move |request| {
        // Of two calls side by side, one stays with its hook, and the other goes on to the permission.
        match request.json()["input"]["tool_input"]["file_path"].to_string().contains("second") {
            true => request.respond(json!({})).unwrap(),
            false => keep(request, &tell, &into),
        }
    })
    .unwrap();
    let (into, tell) = (slot.clone(), told.clone());
    host.permission_handler(move |request| keep(request, &tell, &into)).unwrap();
    host.connect().unwrap();
    let call = |name: &str| {
        let path = stage.sandbox.root().join(name);
        std::fs::write(&path, "text").unwrap();
        json!({"name": "Read", "input": {"file_path": path}})
    };
    host.query(&format!("USE_TOOL {}", json!([call("first"), call("second")])));
    let open = slot.take(2);
    let mut kinds: Vec<i32> = open.iter().map(|request| request.kind() as i32).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [Kind::CLAUDE_REQUEST_PERMISSION as i32, Kind::CLAUDE_REQUEST_HOOK as i32]);
    host.interrupt().unwrap();
    let mut ended = told.take(open.len());
    ended.sort_unstable();
    let mut ids: Vec<u64> = open.iter().map(Request::id).collect();
    ids.sort_unstable();
    assert_eq!(ended, ids);
    let turn = host.rest_of_turn(0);
    assert!(aborted_at_tools(&turn.result), "{}", turn.result);
    let results = turn.tool_results();
    assert_eq!(results.len(), 2, "{results:?}");
    assert!(results.iter().all(|(text, error)| *error && !text.contains("text\n")), "{results:?}");
}

#[test]
fn closing_with_an_open_hook_refuses_the_tool() {
    let stage = stage!("close_hook");
    let host = trusting(&stage);
    let slot = Slot::new();
    let into = slot.clone();
    host.hook("PreToolUse", move |request| into.put(request));
    host.connect().unwrap();
    host.query(&bash("touch made"));
    let request = slot.one();
    let start = Instant::now();
    host.disconnect().unwrap();
    assert!(start.elapsed() < SOON);
    assert_eq!(status(&request.respond(json!({}))), Status::CLAUDE_ERR_CLOSED);
    assert!(!stage.made("made"));
}

#[test]
fn f1_hooks_are_answered_after_the_first_result() {
    let stage = stage!("second_turn");
    let host = trusting(&stage);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    host.hook("PreToolUse", move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        request.respond(decide("deny", "gated")).unwrap();
    });
    host.connect().unwrap();
    for turn in 1..=3 {
        let text = host.turn(&bash("touch made")).text().to_owned();
        assert!(text.contains("gated"), "turn {turn}: {text}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert!(!stage.made("made"));
}
