//! Answers that the CLI would take for something else are refused, and the request stays open. What is taken, the real CLI
//! reads as it was written.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::requests::{
    CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE, Host, Request, SOON, Slot, Stage, bash, fake_options,
};
use claude_testkit::fake::FakeClaude;
use serde_json::{Map, Value, json};

/// One of each type, the right one included.
fn of_every_type() -> [Value; 6] {
    [Value::Null, json!(true), json!(5), json!("x"), json!([]), json!({})]
}

fn denied() -> Value {
    json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny",
        "permissionDecisionReason": "no"}})
}

const MEMBERS: &[&str] = &[
    "continue",
    "suppressOutput",
    "stopReason",
    "decision",
    "reason",
    "systemMessage",
    "terminalSequence",
    "hookSpecificOutput",
    "async",
    "asyncTimeout",
    "continue_",
];

const OUTPUT_MEMBERS: &[&str] = &[
    "hookEventName",
    "permissionDecision",
    "permissionDecisionReason",
    "updatedInput",
    "additionalContext",
    "decision",
    "updatedToolOutput",
    "action",
];

/// A name as fingers and other languages write it.
fn misspellings(name: &str) -> Vec<String> {
    let snake: String = name
        .chars()
        .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
        .collect();
    let (head, tail) = name.split_at(name.len() / 2);
    vec![
        snake.clone(),
        snake.replace('_', "-"),
        name.to_uppercase(),
        format!("{head}{}", &tail[1..]),
        format!("{name} "),
        format!("{name}s"),
        format!("{head}x{tail}"),
    ]
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

fn renamed(object: &Value, name: &str, new: &str) -> Value {
    let members = object.as_object().unwrap().iter();
    let members =
        members.map(|(known, value)| (if known == name { new } else { known }.to_owned(), value.clone()));
    Value::Object(members.collect::<Map<_, _>>())
}

/// Whole answers, with one more object or list around them.
fn wrapped_refusals() -> Vec<Value> {
    let answers = [
        denied(),
        json!({"decision": "block"}),
        json!({"continue": false, "stopReason": "no"}),
        json!({"decision": {"behavior": "deny"}}),
        json!({"Continue": false}),
    ];
    let wraps = |answer: &Value| {
        [
            json!({"response": answer}),
            json!({"output": answer}),
            json!({"results": [answer]}),
            json!({"result": {"output": [answer]}}),
            json!({"results": [[{"value": answer}]]}),
            json!({"stdout": answer.to_string()}),
            json!({"results": [{"type": "text", "text": answer.to_string()}]}),
        ]
    };
    let inside =
        |answer: &Value| output("PreToolUse", json!({"response": answer, "permissionDecision": "ask"}));
    answers.iter().flat_map(wraps).chain(answers.iter().map(inside)).collect()
}

/// Refusals of a tool with a slip in each place.
fn refusals_with_a_slip() -> Vec<String> {
    let mut all = Vec::new();
    for base in [json!({"decision": "block", "reason": "no"}), denied()] {
        for name in MEMBERS {
            all.extend(of_every_type().map(|value| with(&base, name, value)));
        }
        for name in base.as_object().unwrap().keys() {
            all.extend(misspellings(name).iter().map(|new| renamed(&base, name, new)));
            all.push(renamed(&base, name, "zzz"));
        }
        all.push(with(&base, "async", true.into()));
    }
    let output = &denied()["hookSpecificOutput"];
    let mut outputs = Vec::new();
    for name in OUTPUT_MEMBERS {
        outputs.extend(of_every_type().map(|value| with(output, name, value)));
    }
    for name in output.as_object().unwrap().keys() {
        outputs.extend(misspellings(name).iter().map(|new| renamed(output, name, new)));
    }
    for event in ["pretooluse", "", "PreTooluse", "PostToolUse", "PermissionRequest", "Stop", " PreToolUse"] {
        outputs.push(with(output, "hookEventName", event.into()));
    }
    for word in ["Deny", "DENY", "denied", "block", "reject", "no", "deny "] {
        outputs.push(with(output, "permissionDecision", word.into()));
        all.push(json!({"decision": word}));
        all.push(json!({"permissionDecision": word}));
        if word != "no" {
            all.push(json!({"verdict": word}));
        }
    }
    for outer in [&output["permissionDecision"], &json!([output]), output] {
        all.push(json!({"hookSpecificOutput": outer, "output": outer}));
    }
    all.push(output.clone());
    all.push(json!({"behavior": "deny", "message": "no"}));
    for flag in ["deny", "bl_ock", "De-ny", "is_blocked", "shouldBlock", "not allowed", "must_refuse"] {
        all.push(json!({flag: true}));
    }
    all.push(json!({"isAllowed": false}));
    all.push(json!({"verdict": "is_denied"}));
    all.push(
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "decision": {"behavior": "deny"}}}),
    );
    all.extend(outputs.into_iter().map(|output| json!({"hookSpecificOutput": output})));
    all.extend(wrapped_refusals());
    for word in ["allow", "ask", "defer"] {
        let milder = with(output, "permissionDecision", word.into());
        all.push(json!({"decision": "block", "reason": "no", "hookSpecificOutput": milder}));
    }
    all.push(with(&denied(), "decision", "approve".into()));
    let mut texts: Vec<String> = all.iter().map(Value::to_string).collect();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [126, 127, 128, 130, 5000] {
        let deep = deep(depth);
        texts.push(format!(r#"{{"decision":"block","x":{deep}}}"#));
        texts.push(format!(r#"{{"decison":"block","x":{deep}}}"#));
        texts.push(format!(r#"{{"decision":"block","reason":{deep}}}"#));
        texts.push(format!(r#"{{"x":{deep},"hookSpecificOutput":{{"hookEventName":"pretooluse","permissionDecision":"deny"}}}}"#));
    }
    texts.push(r#"{"decision":"block","decision":"approve"}"#.into());
    texts.push(r#"{"deci\u0073ion":"block","decision":"approve"}"#.into());
    texts.push(r#"{"deci\u0073ion":"block"}"#.into());
    texts.push(r#"{"deci\u0073on":"block"}"#.into());
    texts.push(r#"{"decision":"bl\u006fck","reason":"half \ud83d"}"#.into());
    texts.push(r#"{"decision":"block","reas\ud83don":"half"}"#.into());
    texts.push("{\n\"decision\" :\t\"block\"\r\n}".into());
    texts
}

/// Each refusal is refused by the library, or stops the tool: there is no third.
#[test]
fn a_refusal_with_a_slip_in_it_never_runs_the_tool() {
    for on_failure in [CLAUDE_HOOK_CONTINUE, CLAUDE_HOOK_BLOCK] {
        let Some(stage) = Stage::real("answers_slips") else { return };
        let host = Host::new(&stage.options(json!({"allowed_tools": ["Bash"]})));
        let mut slips = refusals_with_a_slip();
        if on_failure == CLAUDE_HOOK_BLOCK {
            // To block is for failures, which none of these is to the CLI: the last ones, which are deep, will do.
            slips.drain(..slips.len() - 40);
        }
        let slips = Arc::new(slips);
        let next = Arc::new(AtomicUsize::new(0));
        let taken = Slot::new();
        let (list, at, into) = (slips.clone(), next.clone(), taken.clone());
        host.add_hook("PreToolUse", None, 0, on_failure, move |request| {
            while let Some(answer) = list.get(at.fetch_add(1, Ordering::SeqCst)) {
                match request.respond_text(answer) {
                    Ok(()) => return into.put(answer.clone()),
                    Err(failure) => {
                        assert!(failure.json["remedy"].is_string(), "{answer}: {}", failure.json);
                        assert!(failure.json["pointer"].is_string(), "{answer}: {}", failure.json);
                    }
                }
            }
            request.respond(denied()).unwrap();
        })
        .unwrap();
        host.connect().unwrap();
        let mut known = 0;
        while next.load(Ordering::SeqCst) <= slips.len() {
            host.turn(&bash("touch made"));
            let answers = taken.len();
            assert!(!stage.made("made"), "the tool ran: {}", taken.take(answers).last().unwrap());
            known = answers;
        }
        assert!(known > 5, "some are right all the same: {known}");
        assert!(slips.len() > known + 20, "{} slips, of which {known} were taken", slips.len());
    }
}

/// A hook of `event`, asked by the stand-in; what `answer` makes of it.
fn asked_about(event: &str, answers: Vec<(String, Option<&'static str>)>) {
    let fake = FakeClaude::new(json!({"on_user": [{"ask": {"subtype": "hook_callback",
        "input": {"hook_event_name": event}}}]}));
    let host = Host::new(&fake_options(&fake));
    let done = Slot::new();
    let into = done.clone();
    let name = event.to_owned();
    // The stand-in asks about whatever it likes.
    host.hook("PreToolUse", move |request: Request| {
        let mut failures = Vec::new();
        for (answer, pointer) in &answers {
            match (request.respond_text(answer), pointer) {
                (Ok(()), None) => break,
                (Ok(()), Some(pointer)) => failures.push(format!("{name}: {answer} was taken: {pointer}")),
                (Err(failure), Some(pointer)) if failure.json["pointer"] == **pointer => {}
                (Err(failure), _) => failures.push(format!("{name}: {answer}: {}", failure.json)),
            }
        }
        into.put(failures);
    });
    host.connect().unwrap();
    host.query("go");
    let failures = done.one();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn refused(answer: Value, pointer: &'static str) -> (String, Option<&'static str>) {
    (answer.to_string(), Some(pointer))
}

fn output(event: &str, members: Value) -> Value {
    let mut output = json!({"hookEventName": event});
    output.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({"hookSpecificOutput": output})
}

#[test]
fn an_answer_fits_the_event_that_it_was_asked_about() {
    const DECISION: &str = "/hookSpecificOutput/decision";
    asked_about(
        "PermissionRequest",
        vec![
            refused(json!({"decision": "deny"}), "/decision"),
            refused(json!({"decision": "block"}), "/decision"),
            refused(json!({"behaviour": "deny"}), "/behaviour"),
            refused(json!({"behavior": "deny"}), "/behavior"),
            refused(json!({"continue": false}), "/continue"),
            refused(output("PermissionRequest", json!({})), DECISION),
            refused(output("PermissionRequest", json!({"decision": "deny"})), DECISION),
            refused(
                output("PermissionRequest", json!({"decision": {"behaviour": "deny"}})),
                "/hookSpecificOutput/decision/behaviour",
            ),
            refused(
                output("PermissionRequest", json!({"decision": {"behavior": "deny", "message": 5}})),
                "/hookSpecificOutput/decision/message",
            ),
            refused(
                output("PermissionRequest", json!({"decision": {"behavior": "deny", "interrupt": null}})),
                "/hookSpecificOutput/decision/interrupt",
            ),
            refused(
                output(
                    "PermissionRequest",
                    json!({"permissionDecision": "deny", "decision": {"behavior": "allow"}}),
                ),
                "/hookSpecificOutput/permissionDecision",
            ),
            refused(
                output(
                    "PermissionRequest",
                    json!({"decision": {"behavior": "allow", "updatedPermissions": [
                {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": null}], "behavior": "deny", "destination": "session"}]}}),
                ),
                "/hookSpecificOutput/decision/updatedPermissions",
            ),
            (
                output("PermissionRequest", json!({"decision": {"behavior": "deny", "message": "no"}}))
                    .to_string(),
                None,
            ),
        ],
    );
    asked_about(
        "UserPromptSubmit",
        vec![
            refused(json!({"decision": "block", "reason": 7}), "/reason"),
            refused(
                output("UserPromptSubmit", json!({"permissionDecision": "deny"})),
                "/hookSpecificOutput/permissionDecision",
            ),
            refused(
                output("UserPromptSubmit", json!({"suppressOriginalPrompt": "yes"})),
                "/hookSpecificOutput/suppressOriginalPrompt",
            ),
            (json!({"continue": false, "stopReason": "no"}).to_string(), None),
        ],
    );
    asked_about(
        "PreCompact",
        vec![
            refused(output("PreCompact", json!({})), "/hookSpecificOutput"),
            refused(json!({"continue": false}), "/continue"),
            (json!({"decision": "block"}).to_string(), None),
        ],
    );
    asked_about(
        "Elicitation",
        vec![
            refused(output("Elicitation", json!({"action": "decline"})), "/hookSpecificOutput/action"),
            refused(json!({"action": "decline"}), "/action"),
            (json!({"decision": "block", "reason": "no"}).to_string(), None),
        ],
    );
    asked_about(
        "WorktreeCreate",
        vec![
            refused(output("WorktreeCreate", json!({"worktreePath": 1})), "/hookSpecificOutput/worktreePath"),
            refused(output("WorktreeCreate", json!({})), "/hookSpecificOutput/worktreePath"),
            (output("WorktreeCreate", json!({"worktreePath": "/x"})).to_string(), None),
        ],
    );
    asked_about(
        "SessionStart",
        vec![
            refused(output("SessionStart", json!({"watchPaths": "x"})), "/hookSpecificOutput/watchPaths"),
            refused(
                output("SessionStart", json!({"watchPaths": ["x", 1]})),
                "/hookSpecificOutput/watchPaths",
            ),
            refused(output("SessionStart", json!({"reloadSkills": 1})), "/hookSpecificOutput/reloadSkills"),
            (output("SessionStart", json!({"watchPaths": ["x"], "reloadSkills": true})).to_string(), None),
        ],
    );
    asked_about(
        "AnEventOfTomorrow",
        vec![
            refused(
                output("PreToolUse", json!({"permissionDecision": "deny"})),
                "/hookSpecificOutput/hookEventName",
            ),
            refused(
                output("AnEventOfTomorrow", json!({"permissionDecision": "no"})),
                "/hookSpecificOutput/permissionDecision",
            ),
            refused(
                output("AnEventOfTomorrow", json!({"permission_decision": "deny"})),
                "/hookSpecificOutput/permission_decision",
            ),
            refused(output("AnEventOfTomorrow", json!({"decision": "deny"})), DECISION),
            refused(json!({"decision": "block", "reason": []}), "/reason"),
            (
                output("AnEventOfTomorrow", json!({"permissionDecision": "deny", "whatIsNew": 1}))
                    .to_string(),
                None,
            ),
        ],
    );
}

/// The real CLI asks about it; `answers` until one is taken.
fn respond_until_taken(request: &Request, refused: &[Value], taken: Value) {
    for answer in refused {
        let failure = request.respond(answer.clone()).expect_err(&answer.to_string());
        assert!(failure.json["pointer"].is_string(), "{answer}: {}", failure.json);
    }
    request.respond(taken).unwrap();
}

/// What the CLI passes over at one event, though it reads it at another.
#[test]
fn what_stops_nothing_at_this_event_is_refused_and_what_stops_it_is_taken() {
    let Some(stage) = Stage::real("answers_events") else { return };
    let host = stage.host();
    host.hook("UserPromptSubmit", |request| {
        let prompt = request.json()["input"]["prompt"].as_str().unwrap_or_default().to_owned();
        if prompt != "secret" {
            return request.respond(json!({})).unwrap();
        }
        let wrong = [
            json!({"decision": "block", "reason": 7}),
            output("UserPromptSubmit", json!({"permissionDecision": "deny"})),
            json!({"decision": "block", "hookSpecificOutput": null}),
        ];
        respond_until_taken(&request, &wrong, json!({"decision": "block", "reason": "No secrets."}));
    });
    host.hook("PreModelSwitch", |request| {
        let wrong = [
            json!({"continue": false}),
            output("PreModelSwitch", json!({"permissionDecision": "defer"})),
            output("PreModelSwitch", json!({"permissionDecision": "deny", "updatedInput": {}})),
        ];
        respond_until_taken(
            &request,
            &wrong,
            output("PreModelSwitch", json!({"permissionDecision": "deny"})),
        );
    });
    host.hook("PermissionRequest", |request| {
        let wrong = [
            json!({"decision": "block"}),
            json!({"continue": false}),
            output("PermissionRequest", json!({"decision": {"behavior": "Deny"}})),
            output("PermissionRequest", json!({"decision": {"behavior": "deny", "message": 5}})),
        ];
        let right =
            output("PermissionRequest", json!({"decision": {"behavior": "deny", "message": "not that"}}));
        respond_until_taken(&request, &wrong, right);
    });
    let asked = Slot::new();
    let into = asked.clone();
    host.permission_handler(move |request| into.put(request)).unwrap();
    host.connect().unwrap();
    let blocked = host.turn("secret");
    assert!(blocked.text().contains("No secrets."), "{}", blocked.text());
    let switch = host.control(json!({"subtype": "set_model", "model": "haiku"})).unwrap_err();
    assert!(switch.message().contains("PreModelSwitch"), "{switch:?}");
    let denied = host.turn(&bash("touch made"));
    assert!(denied.text().contains("not that"), "{}", denied.text());
    assert!(!stage.made("made"));
}

/// A tree would be too deep for a parser: nothing of it is lost, and nothing passes unseen.
#[test]
fn depth_hides_nothing() {
    let deep = format!("{}1{}", "[".repeat(130), "]".repeat(130));
    let ask = format!(
        r#"{{"type":"control_request","request_id":"r1","request":{{"subtype":"can_use_tool","tool_name":"Bash","input":{{"x":{deep}}}}}}}"#
    );
    let fake = FakeClaude::new(json!({"on_user": ["init", {"write": format!("{ask}\n")}]}));
    let host = Host::new(&fake_options(&fake));
    let slot = Slot::new();
    let into = slot.clone();
    host.permission_handler(move |request| into.put(request)).unwrap();
    host.connect().unwrap();
    host.query("go");
    let request = slot.one();
    // Deeper than the test's own parser takes: as text.
    assert!(host.pending_text().contains(&format!(
        r#""request":{{"subtype":"can_use_tool","tool_name":"Bash","input":{{"x":{deep}}}}}"#
    )));
    let wrong =
        request.respond_text(&format!(r#"{{"behaviour":"deny","message":"x","x":{deep}}}"#)).unwrap_err();
    assert_eq!(wrong.json["pointer"], "/behaviour");
    let wrong = request.respond_text(&format!(r#"{{"behavior":"deny","message":{deep}}}"#)).unwrap_err();
    assert_eq!(wrong.json["pointer"], "/message");
    let updates = format!(
        r#"[{{"type":"addRules","rules":[{{"toolName":"Bash"}}],"behavior":"allow","destination":"session","x":{deep}}}]"#
    );
    let wrong = request
        .respond_text(&format!(r#"{{"behavior":"allow","updatedPermissions":{updates}}}"#))
        .unwrap_err();
    assert_eq!(wrong.json["pointer"], "/updatedPermissions");
    request.allow_texts(Some("{}".into()), Some(updates)).unwrap();
    let warning = host.wait_message(|message| message["event"] == "permission_updates_dropped");
    assert!(warning["text"].as_str().unwrap().contains("number 1"), "{warning}");
}

#[test]
fn answers_to_questions_that_cannot_be_read_are_not_taken_for_none() {
    let input = json!({"questions": [{"question": "Which?"}]});
    let fake = FakeClaude::new(json!({"on_user": [{"ask": {"subtype": "can_use_tool",
        "tool_name": "AskUserQuestion", "input": input}}]}));
    let host = Host::new(&fake_options(&fake));
    host.permission_handler(move |request| {
        let deep = format!(r#"{{"Which?":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for wrong in [&deep, r#"{"Which?":"A","Which?":"B"}"#, r#"{"Which?":null}"#, r#"{"Whic\ud83d?":"A"}"#]
        {
            assert!(request.answer_questions_text(wrong).is_err(), "{wrong}");
        }
        request.answer_questions_text(r#"{"Which\u003f":"half \ud83d"}"#).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    host.query("go");
    let log = fake.wait_for_log(SOON, |log| log.responses().len() == 1);
    assert_eq!(log.responses()[0]["response"]["updatedInput"]["answers"], json!({"Which?": "half \u{FFFD}"}));
}

/// The answers to the other kinds of request.
#[test]
fn h4_no_kind_of_request_takes_an_answer_with_a_slip_in_it() {
    let cases = [
        (
            "elicitation",
            json!([{"action": "Decline"}, {"action": "accept", "content": null},
            {"action": "accept", "content": "Bob"}, {"acton": "decline"}, {"action": "accept", "contents": {}}]),
            json!({"action": "accept", "content": {"name": "Bob"}}),
        ),
        (
            "request_user_dialog",
            json!([{"behaviour": "cancelled"}, {"behavior": "canceled"}, {}]),
            json!({"behavior": "cancelled"}),
        ),
        (
            "can_use_tool",
            json!([{"behavior": "deny", "message": "x", "interrupt": null}, {"behavior": "allow", "updatedInput": null},
            {"behavior": "deny", "message": "x", "toolUseID": 5}, {"behavior": "allow", "updatedPermissions": null},
            {"behavior": "allow", "updatedPermissions": [{"type": "nope"}]}, {"behaviour": "deny", "message": "x"},
            {"behavior": "deny", "mesage": "x"}]),
            json!({"behavior": "deny", "message": "no", "whatIsNew": 1}),
        ),
    ];
    for (subtype, wrong, right) in cases {
        let fake = FakeClaude::new(json!({"on_user": [{"ask": subtype}]}));
        let host = Host::new(&fake_options(&fake));
        let done = Slot::new();
        let into = done.clone();
        host.on_request(move |request| {
            respond_until_taken(&request, wrong.as_array().unwrap(), right.clone());
            into.put(());
        });
        host.connect().unwrap();
        host.query("go");
        done.one();
    }
}
