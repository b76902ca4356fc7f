//! Permissions with the real CLI: every way to answer, to answer late, and not to answer.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::requests::{Host, Kind, Request, SOON, Slot, Stage, Status, bash, fake_options, status};
use claude_testkit::fake::FakeClaude;
use claude_testkit::loopback::{Reply, Rule, aborted_at_tools};
use serde_json::{Value, json};

macro_rules! stage {
    ($name:literal) => {
        match Stage::real($name) {
            Some(stage) => stage,
            None => return,
        }
    };
}

/// A connected host whose permission requests end up in the slot.
fn asked(host: &Host) -> Arc<Slot<Request>> {
    let slot = Slot::new();
    let into = slot.clone();
    host.permission_handler(move |request| into.put(request)).unwrap();
    host.connect().unwrap();
    slot
}

#[test]
fn edge_056_allow_runs_the_tool_with_its_own_or_with_changed_input() {
    let stage = stage!("edge_056");
    let host = stage.host();
    let changed = Arc::new(AtomicUsize::new(0));
    let count = changed.clone();
    host.permission_handler(move |request| {
        let json = request.json();
        assert_eq!(request.kind(), Kind::CLAUDE_REQUEST_PERMISSION);
        assert_eq!((json["tool_name"].as_str(), json["input"]["command"].is_string()), (Some("Bash"), true));
        let input = match count.fetch_add(1, Ordering::SeqCst) {
            0 => None,
            _ => Some(json!({"command": "touch other; echo changed"})),
        };
        request.allow_with(input, None).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made; echo own"));
    assert_eq!(turn.text(), "The tool said: own");
    assert!(stage.made("made"));
    let turn = host.turn(&bash("touch never"));
    assert_eq!(turn.text(), "The tool said: changed");
    assert!(stage.made("other") && !stage.made("never"));
    assert_eq!(changed.load(Ordering::SeqCst), 2);
}

/// To the CLI a changed input under a wrong name is none, and the tool runs with the one that it asked about.
#[test]
fn h4_a_changed_input_under_a_wrong_name_is_not_taken() {
    let stage = stage!("permission_misspelt");
    let host = stage.host();
    host.permission_handler(move |request| {
        for name in ["updated_input", "updatedinput", "updateInput"] {
            let answer = json!({"behavior": "allow", name: {"command": "touch other"}});
            match request.respond(answer) {
                Ok(()) => return, // the tool that runs tells of it
                Err(failure) => assert_eq!(failure.json["pointer"], format!("/{name}")),
            }
        }
        let wrong = request.respond(json!({"behavior": "deny", "message": "no", "interupt": true}));
        assert_eq!(wrong.unwrap_err().json["pointer"], "/interupt");
        request
            .respond(json!({"behavior": "allow", "updatedInput": {"command": "touch other"}, "new": 1}))
            .unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    host.turn(&bash("touch made"));
    assert!(!stage.made("made") && stage.made("other"));
}

#[test]
fn edge_057_suggestions_come_back_and_count() {
    let stage = stage!("edge_057");
    let host = stage.host();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    host.permission_handler(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        // What the CLI suggests, and a rule for the whole tool with the null that a struct would write.
        let mut updates = request.json()["permission_suggestions"].as_array().cloned().unwrap_or_default();
        updates.push(json!({"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": null}],
                            "behavior": "allow", "destination": "session"}));
        request.allow_with(None, Some(updates.into())).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    host.turn(&bash("touch one"));
    host.turn(&bash("mkdir two"));
    assert!(stage.made("one") && stage.made("two"));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the rule of the first answer allows the second call");
    assert!(host.warnings().is_empty());
}

#[test]
fn edge_058_one_malformed_update_drops_all_and_the_tool_runs() {
    let stage = stage!("edge_058");
    let host = stage.host();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    host.permission_handler(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        let rule = json!({"type": "addRules", "rules": [{"toolName": "Bash"}], "behavior": "allow"});
        let updates = json!([rule, {"type": "setMode", "mode": 7}]);
        request.allow_with(None, Some(updates)).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    host.turn(&bash("touch one"));
    assert!(stage.made("one"));
    let warning = host.wait_message(|message| message["event"] == "permission_updates_dropped");
    assert!(warning["text"].as_str().unwrap().contains("number 2"), "{warning}");
    host.turn(&bash("touch two"));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "no rule was taken");
}

#[test]
fn edge_059_deny_reaches_the_model_and_the_turn_goes_on() {
    let stage = stage!("edge_059");
    let host = stage.host();
    host.permission_handler(|request| request.deny("Not on my machine.", false).unwrap()).unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert_eq!(turn.text(), "The tool said: Not on my machine.");
    assert_eq!(turn.tool_results(), [("Not on my machine.".to_owned(), true)]);
    assert_eq!(turn.result["permission_denials"][0]["tool_name"], "Bash");
    assert!(!stage.made("made"));
    host.permission_handler(|request| request.deny_without_reason().unwrap()).unwrap();
    assert_eq!(host.turn(&bash("touch made")).text(), "The tool said: The user did not allow this.");
    assert!(!stage.made("made"));
}

#[test]
fn g3_edge_060_deny_with_interrupt_ends_the_turn_and_that_is_told() {
    let stage = stage!("edge_060");
    let host = Host::new(&stage.options(json!({"turn_events": true})));
    host.permission_handler(|request| request.deny("Stop.", true).unwrap()).unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert!(aborted_at_tools(&turn.result), "{}", turn.result);
    assert!(!stage.made("made"));
    let ended = host.wait_message(|message| message["event"] == "turn_ended");
    assert_eq!(ended["interrupted"], true, "{ended}");
    assert_eq!(host.turn("still there?").result["subtype"], "success");
}

#[test]
fn h4_edge_061_failing_freeing_and_garbage_refuse_and_the_turn_goes_on() {
    let stage = stage!("edge_061");
    let host = stage.host();
    let way = Arc::new(AtomicUsize::new(0));
    let next = way.clone();
    host.permission_handler(move |request| match next.fetch_add(1, Ordering::SeqCst) {
        0 => request.fail("the dialog broke").unwrap(),
        1 => drop(request),
        _ => {
            for garbage in ["{", "[]", "{}", r#"{"behavior":"Allow"}"#, r#"{"behavior":"deny"}"#] {
                assert_eq!(status(&request.respond_text(garbage)), Status::CLAUDE_ERR_INVALID_ARGUMENT);
            }
            request.respond(json!({"behavior": "deny", "message": "at last", "toolUseID": "x"})).unwrap();
        }
    })
    .unwrap();
    host.connect().unwrap();
    for expected in ["the dialog broke", "The host did not answer.", "at last"] {
        let turn = host.turn(&bash("touch made"));
        assert!(turn.text().contains(expected), "{expected}: {}", turn.text());
        assert_eq!(turn.result["subtype"], "success");
    }
    assert!(!stage.made("made"));
}

#[test]
fn g6_h5_edge_062_an_interrupt_withdraws_the_request() {
    let stage = stage!("edge_062");
    let host = stage.host();
    let slot = asked(&host);
    host.query(&bash("touch made"));
    let request = slot.one();
    let (told, tell) = (Slot::new(), Slot::new());
    let into = told.clone();
    request.on_cancel(move |id| into.put(id)).unwrap();
    host.interrupt().unwrap();
    assert_eq!(told.one(), request.id());
    assert!(request.is_cancelled());
    assert_eq!(status(&request.allow()), Status::CLAUDE_ERR_STALE);
    // Who asks only now is told inside the call.
    let into = tell.clone();
    request.on_cancel(move |id| into.put(id)).unwrap();
    assert_eq!(tell.len(), 1);
    let result = host.wait_message(|message| message["type"] == "result");
    assert!(aborted_at_tools(&result), "{result}");
    assert!(host.pending().is_empty() && !stage.made("made"));
    assert_eq!(host.turn("still there?").result["subtype"], "success");
}

#[test]
fn h6_edge_063_ten_at_once_in_any_order() {
    let stage = stage!("edge_063");
    // Only calls of tools that may run beside each other are asked about at the same time.
    let read = |n: usize| {
        let file = stage.sandbox.root().join(format!("outside{n}.txt"));
        std::fs::write(&file, format!("content{n}")).unwrap();
        json!({"file_path": file})
    };
    let calls = (0..10).fold(Reply::default(), |reply, n| reply.and_tool("Read", read(n)));
    stage.api.set_rules(vec![Rule::on_prompt("read all", calls)]);
    let host = stage.host();
    let slot = asked(&host);
    host.query("read all");
    let mut open = slot.take(10);
    assert_eq!(host.pending().len(), 10);
    let mut ids: Vec<Value> = open.iter().map(|request| request.json()["tool_use_id"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 10, "each request names its call");
    let mut random = 42_u64;
    while !open.is_empty() {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let request = open.swap_remove((random >> 33) as usize % open.len());
        let path = request.json()["input"]["file_path"].to_string();
        let number: usize = path.split("outside").nth(1).unwrap()[..1].parse().unwrap();
        if number.is_multiple_of(2) {
            request.allow().unwrap()
        } else {
            request.deny(&format!("no{number}"), false).unwrap()
        }
    }
    let turn = host.rest_of_turn(0);
    for number in 0..10 {
        let expected = if number % 2 == 0 { format!("content{number}") } else { format!("no{number}") };
        assert!(turn.text().contains(&expected), "{expected}: {}", turn.text());
    }
}

#[test]
fn h2_an_answer_may_come_later_from_another_thread() {
    let stage = stage!("later");
    let host = stage.host();
    let slot = asked(&host);
    host.query(&bash("touch made"));
    let request = slot.one();
    let list = host.pending();
    assert_eq!((list[0]["id"].as_u64(), list[0]["kind"].as_str()), (Some(request.id()), Some("permission")));
    assert_eq!(list[0]["request"]["input"]["command"], "touch made");
    assert_eq!(list[0]["deadline_ms"], Value::Null, "no deadline unless asked for");
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1500));
        request.allow().unwrap();
        assert_eq!(status(&request.allow()), Status::CLAUDE_ERR_STALE);
    })
    .join()
    .unwrap();
    assert_eq!(host.rest_of_turn(0).result["subtype"], "success");
    assert!(stage.made("made"));
}

#[test]
fn h2_edge_065_closing_refuses_what_is_open() {
    let stage = stage!("edge_065");
    let host = stage.host();
    let slot = asked(&host);
    host.query(&bash("touch made"));
    let request = slot.one();
    let told = Slot::new();
    let into = told.clone();
    request.on_cancel(move |id| into.put(id)).unwrap();
    let start = Instant::now();
    host.disconnect().unwrap();
    assert!(start.elapsed() < SOON);
    assert_eq!(told.one(), request.id());
    assert_eq!(status(&request.allow()), Status::CLAUDE_ERR_CLOSED);
    assert_eq!(status(&request.set_deadline(5)), Status::CLAUDE_ERR_CLOSED);
    assert!(!stage.made("made"));
}

#[test]
fn edge_065_end_of_input_while_a_request_is_open() {
    let stage = stage!("edge_065_end_input");
    let host = stage.host();
    let slot = asked(&host);
    host.query(&bash("touch made"));
    let request = slot.one();
    host.end_input().unwrap();
    // The CLI refuses the call by itself; the late answer leads nowhere.
    let turn = host.rest_of_turn(0);
    assert!(turn.tool_results()[0].1, "{:?}", turn.tool_results());
    assert_ne!(status(&request.allow()), Status::CLAUDE_OK);
    assert!(!stage.made("made"));
}

fn questions() -> Value {
    let option = |label: &str| json!({"label": label, "description": label});
    json!({"questions": [
        {"question": "Which colour?", "header": "Colour", "multiSelect": false,
         "options": [option("teal"), option("red")]},
        {"question": "Which sizes?", "header": "Size", "multiSelect": true,
         "options": [option("S"), option("M"), option("L")]}]})
}

#[test]
fn h7_questions_are_answered_by_the_numbers_of_options_and_by_texts_of_the_users_own() {
    let stage = stage!("by_position");
    stage.on_word("ask me", "AskUserQuestion", questions());
    let host = stage.host();
    host.permission_handler(|request| {
        let place = |answers: Value| {
            let refused = request.answer_questions(answers).unwrap_err();
            refused.json["pointer"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(place(json!([2, 0])), "/0");
        assert_eq!(place(json!([[0, 1], 0])), "/0");
        assert_eq!(place(json!([0, [0, 3]])), "/1/1");
        assert_eq!(place(json!([0])), "/1");
        request.answer_questions(json!([1, [0, 2, "very large"]])).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    let turn = host.turn("ask me");
    let results = turn.tool_results();
    assert!(!results[0].1, "{results:?}");
    for part in ["\"Which colour?\"=\"red\"", "\"Which sizes?\"=\"S, L, very large\""] {
        assert!(results[0].0.contains(part), "{part}: {results:?}");
    }
}

#[test]
fn h7_edge_066_questions_are_answered_by_their_texts() {
    let stage = stage!("edge_066");
    stage.on_word("ask me", "AskUserQuestion", questions());
    let host = stage.host();
    host.permission_handler(|request| {
        let wrong = request.answer_questions(json!({"Which color?": "teal"}));
        assert!(wrong.unwrap_err().message().contains("Which colour?"));
        request.answer_questions(json!({"Which colour?": "teal", "Which sizes?": ["S", "L"]})).unwrap();
    })
    .unwrap();
    host.connect().unwrap();
    let turn = host.turn("ask me");
    let results = turn.tool_results();
    assert!(!results[0].1, "{results:?}");
    for part in ["Which colour?", "teal", "Which sizes?", "S, L"] {
        assert!(results[0].0.contains(part), "{part}: {results:?}");
    }
}

#[test]
fn h3_a_deadline_refuses_and_tells() {
    let stage = stage!("deadline");
    let host = Host::new(&stage.options(json!({"request_timeout_ms": 700})));
    let (slot, told) = (Slot::new(), Slot::new());
    let (into, tell) = (slot.clone(), told.clone());
    host.permission_handler(move |request| {
        let tell = tell.clone();
        request.on_cancel(move |id| tell.put(id)).unwrap();
        into.put(request);
    })
    .unwrap();
    host.connect().unwrap();
    let turn = host.turn(&bash("touch made"));
    assert_eq!(turn.text(), "The tool said: Nobody answered in time.");
    let request = slot.one();
    assert_eq!(told.one(), request.id());
    assert_eq!(status(&request.allow()), Status::CLAUDE_ERR_STALE);
    // One request may have more time than the others.
    host.query(&bash("touch made; echo done"));
    let request = slot.one();
    request.set_deadline(u32::MAX).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    request.allow().unwrap();
    let done = host.wait_message(|message| message["result"] == "The tool said: done");
    assert_eq!(done["subtype"], "success");
    assert!(stage.made("made") && told.is_empty());
}

#[test]
fn h8_a_new_callback_gets_what_is_open() {
    let stage = stage!("attach");
    let host = stage.host();
    let lost = Slot::new();
    let into = lost.clone();
    host.on_request(move |request| into.put(request));
    host.connect().unwrap();
    host.query(&bash("touch made"));
    let old = lost.one();
    host.no_on_request();
    let pending = host.pending();
    assert_eq!(pending[0]["id"], old.id());
    assert!(pending[0]["wire_id"].as_str().is_some_and(|id| !id.is_empty()), "{pending:?}");
    assert_eq!(pending[0]["handles"], 1, "the old handle still stands for the host");
    let found = Slot::new();
    let into = found.clone();
    host.on_request(move |request| into.put(request));
    let new = found.one();
    assert_eq!(new.id(), old.id());
    drop(old);
    // Of two handles the last one counts.
    let taken = host.take(new.id()).unwrap();
    drop(new);
    taken.allow().unwrap();
    assert_eq!(status(&host.take(taken.id()).map(drop)), Status::CLAUDE_ERR_NOT_FOUND);
    assert_eq!(host.rest_of_turn(0).result["subtype"], "success");
    assert!(stage.made("made"));
}

#[test]
fn nobody_is_asked_when_nobody_can_answer() {
    let stage = stage!("nobody");
    let host = stage.host();
    host.on_request(|request| panic!("the callback was taken away: {}", request.json()));
    host.connect().unwrap();
    host.no_on_request();
    let turn = host.turn(&bash("touch made"));
    assert_eq!(turn.text(), "The tool said: The host has no handler for this request.");
    assert!(!stage.made("made"));
    // Without any callback the CLI does not ask, and a late handler would wait in vain.
    let host = stage.host();
    host.connect().unwrap();
    let late = host.permission_handler(|_| {});
    assert_eq!(status(&late), Status::CLAUDE_ERR_ALREADY_CONNECTED);
    assert!(!host.turn(&bash("touch made")).tool_results().is_empty());
    assert!(!stage.made("made"));
}

#[test]
fn two_options_deny_without_asking() {
    let stage = stage!("deny_unasked");
    for more in [json!({"permission_mode": "dontAsk"}), json!({"permission_prompts": "none"})] {
        let host = Host::new(&stage.options(more.clone()));
        let slot = asked(&host);
        let turn = host.turn(&bash("touch made"));
        assert!(turn.tool_results()[0].1 && slot.is_empty(), "{more}: {:?}", turn.tool_results());
        assert!(!stage.made("made"), "{more}");
    }
}

#[test]
fn h1_options_that_keep_the_handler_from_being_asked_are_told() {
    let stage = stage!("shadowing");
    for (more, part) in [
        (json!({"allowed_tools": ["Bash"]}), "allowed_tools"),
        (json!({"allowed_tools": ["Read(*)"]}), "Read"),
        (json!({"skills": "all"}), "skills"),
        (json!({"permission_mode": "bypassPermissions"}), "bypassPermissions"),
        (json!({"permission_mode": "dontAsk"}), "dontAsk"),
        (json!({"permission_prompts": "none"}), "permission_prompts"),
    ] {
        // The mode itself is refused for root, after the warning.
        let host = Host::new(&stage.options(more.clone()));
        host.permission_handler(|_| {}).unwrap();
        let _ = host.connect();
        let warning = host.wait_message(|message| message["event"] == "warning");
        assert!(warning["text"].as_str().unwrap().contains(part), "{more}: {warning}");
    }
}

/// The recommended set-up: the host's own tools run without a question, and it is asked about all others.
#[test]
fn h1_rules_for_the_hosts_own_servers_do_not_alarm() {
    for (allowed, told) in [
        (json!(["mcp__me"]), false),
        (json!(["mcp__me__*"]), false),
        (json!(["mcp__me__dice"]), false),
        (json!(["mcp__me", "Read"]), true),
        (json!(["mcp__met"]), true),
        (json!(["mcp__other"]), true),
        (json!(["mcp__*"]), true),
    ] {
        let fake = FakeClaude::new(json!({"on_user": ["init", {"result": {}}]}));
        let mut options = fake_options(&fake);
        options["allowed_tools"] = allowed.clone();
        let host = Host::new(&options);
        host.mcp_handler("me", Some(Box::new(drop))).unwrap();
        host.permission_handler(drop).unwrap();
        host.connect().unwrap();
        host.turn("go");
        let alarm = "the permission handler will not be asked";
        let texts: Vec<Value> = host.warnings().iter().map(|warning| warning["text"].clone()).collect();
        let alarmed = texts.iter().any(|text| text.as_str().is_some_and(|text| text.starts_with(alarm)));
        assert_eq!(alarmed, told, "{allowed}: {texts:?}");
        assert!(
            !texts.iter().any(|text| text.as_str().is_some_and(|text| text.ends_with("mcp__me"))),
            "{texts:?}"
        );
    }
}
