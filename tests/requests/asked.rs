//! Elicitation by a real MCP server, user dialogs, and requests in PUMP and PULL mode.
#![cfg(unix)]

use std::process::Command;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::support::requests::{
    CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE, Host, Kind, SOON, Slot, Stage, Status, bash, fake_options, lock,
    status,
};
use claude_client::capi::types::{claude_dispatch_t as Mode, claude_message_kind_t as Event};
use claude_testkit::fake::{FakeClaude, FakeLog};
use serde_json::{Value, json};

/// The real CLI with the MCP server of `tests/data/elicit_server.py`, whose tool needs no permission.
fn asker(test: &str) -> Option<Stage> {
    let python = Command::new("python3").arg("--version").output();
    assert!(python.is_ok(), "{test} needs python3");
    let mut stage = Stage::real(test)?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/elicit_server.py");
    let mut env = stage.options["env"].clone();
    env["ENABLE_TOOL_SEARCH"] = "false".into();
    stage.options = stage.options(json!({
        "env": env, "allowed_tools": ["mcp__asker__ask_name"],
        "mcp_servers": {"asker": {"type": "stdio", "command": "python3", "args": [script]}},
    }));
    Some(stage)
}

fn asks_for_a_name(host: &Host) -> String {
    let turn = host.turn(r#"USE_TOOL {"name": "mcp__asker__ask_name", "input": {}}"#);
    turn.text().to_owned()
}

#[test]
fn elicitation_is_answered_declined_or_refused() {
    let Some(stage) = asker("elicitation") else { return };
    let host = stage.host();
    let number = Arc::new(std::sync::Mutex::new(0));
    host.on_request(move |request| {
        assert_eq!(request.kind(), Kind::CLAUDE_REQUEST_ELICITATION);
        let json = request.json();
        assert_eq!((&json["mcp_server_name"], &json["message"]), (&json!("asker"), &json!("Your name?")));
        assert_eq!(json["requested_schema"]["required"], json!(["name"]));
        let mut number = lock(&number);
        *number += 1;
        match *number {
            1 => {
                let wrong = request.respond(json!({"action": "yes"}));
                assert_eq!(status(&wrong), Status::CLAUDE_ERR_INVALID_ARGUMENT);
                request.respond(json!({"action": "accept", "content": {"name": "Ada"}})).unwrap();
            }
            2 => request.respond(json!({"action": "cancel"})).unwrap(),
            3 => request.fail("no dialog").unwrap(),
            _ => drop(request),
        }
    });
    host.connect().unwrap();
    assert!(asks_for_a_name(&host).contains(r#""name": "Ada""#));
    assert!(asks_for_a_name(&host).contains(r#""action": "cancel""#));
    let failed = asks_for_a_name(&host);
    assert!(!failed.contains("accept"), "{failed}");
    assert!(asks_for_a_name(&host).contains(r#""action": "decline""#));
}

#[test]
fn elicitation_is_declined_where_nobody_is_asked() {
    let Some(stage) = asker("elicitation_default") else { return };
    let host = stage.host();
    host.connect().unwrap();
    assert!(asks_for_a_name(&host).contains(r#""action": "decline""#));
}

#[test]
fn silence_of_an_elicitation_hook_declines() {
    for event in ["Elicitation", "ElicitationResult"] {
        let Some(stage) = asker("elicitation_hook") else { return };
        let host = stage.host();
        host.hook(event, drop);
        let accept = json!({"action": "accept", "content": {"name": "Ada"}});
        host.on_request(move |request| request.respond(accept.clone()).unwrap());
        host.connect().unwrap();
        assert!(asks_for_a_name(&host).contains(r#""action": "decline""#), "{event}");
    }
}

#[test]
fn q4_the_first_prompt_waits_for_the_tools_of_slow_mcp_servers() {
    for delivery in ["initialize", "file"] {
        let Some(mut stage) = asker("slow_mcp_server") else { return };
        let server = &mut stage.options["mcp_servers"]["asker"];
        let script = server["args"][0].as_str().unwrap().to_owned();
        *server =
            json!({"type": "stdio", "command": "sh", "args": ["-c", "sleep 3; exec python3 $0", script]});
        stage.options["mcp_servers_delivery"] = delivery.into();
        let host = stage.host();
        host.connect().unwrap();
        host.turn("hello");
        let tools = stage.api.messages()[0].body["tools"].to_string();
        assert!(tools.contains("mcp__asker__ask_name"), "{delivery}: {tools}");
    }
}

#[test]
fn q4_a_server_that_never_comes_holds_the_first_prompt_up_to_its_deadline() {
    let Some(mut stage) = asker("server_that_never_comes") else { return };
    stage.options["mcp_servers"]["asker"] = json!({"type": "stdio", "command": "sleep", "args": ["600"]});
    stage.options["env"]["MCP_TIMEOUT"] = "2000".into();
    let host = stage.host();
    let begin = Instant::now();
    host.connect().unwrap();
    host.turn("hello");
    assert!(begin.elapsed() > Duration::from_millis(1500), "the prompt went out after {:?}", begin.elapsed());
    let init = host.wait_message(|message| message["subtype"] == "init");
    let servers = init["mcp_servers"].as_array().unwrap();
    let asker = servers.iter().find(|server| server["name"] == "asker").unwrap();
    // By its deadline, or given up.
    assert!(["pending", "failed"].map(Value::from).contains(&asker["status"]), "{init:#}");
    assert!(!stage.api.messages()[0].body["tools"].to_string().contains("mcp__asker__ask_name"));
}

#[test]
fn dialogs_are_declared_and_answered() {
    let ask = json!({"ask": "request_user_dialog"});
    let fake = FakeClaude::new(json!({"on_user": ["init", ask, "result"]}));
    let host = Host::new(&fake_options(&fake));
    assert_eq!(status(&host.declare_dialog("")), Status::CLAUDE_ERR_INVALID_ARGUMENT);
    host.declare_dialog("refusal_fallback_prompt").unwrap();
    host.declare_dialog("refusal_fallback_prompt").unwrap();
    let slot = Slot::new();
    let into = slot.clone();
    host.on_request(move |request| into.put(request));
    host.connect().unwrap();
    assert_eq!(status(&host.declare_dialog("late")), Status::CLAUDE_ERR_ALREADY_CONNECTED);
    let kinds = fake.log().requests("initialize")[0]["supportedDialogKinds"].clone();
    assert_eq!(kinds, json!(["refusal_fallback_prompt"]));
    host.query("first");
    let request = slot.one();
    assert_eq!(request.kind(), Kind::CLAUDE_REQUEST_DIALOG);
    request.respond(json!({"behavior": "completed", "result": {"choice": 1}})).unwrap();
    host.wait_message(|message| message["type"] == "result");
    host.query("second");
    drop(slot.one());
    let log = fake.wait_for_log(SOON, |log| log.responses().len() == 2);
    assert_eq!(log.responses()[0]["response"], json!({"behavior": "completed", "result": {"choice": 1}}));
    assert_eq!(log.responses()[1]["response"], json!({"behavior": "cancelled"}));
}

#[test]
fn edge_064_a_handler_and_a_prompt_tool_cannot_be_combined() {
    let fake = FakeClaude::new(json!({}));
    let mut options = fake_options(&fake);
    options["permission_prompt_tool_name"] = "mcp__mine__ask".into();
    let host = Host::new(&options);
    host.permission_handler(drop).unwrap();
    let failure = host.connect().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION);
    assert_eq!(failure.json["pointer"], "/permission_prompt_tool_name");
    assert_eq!(fake.log().starts(), 0, "found before anything is started");
}

#[test]
fn edge_071_a_hook_that_must_block_needs_a_cli_that_can() {
    for (answer, works) in [
        (json!({"hook_on_failure_supported": true, "hooks_applied": true}), true),
        (json!({"hook_on_failure_supported": true}), true),
        (json!({"hooks_applied": true}), false),
        (json!({"hook_on_failure_supported": false}), false),
        (json!({"hook_on_failure_supported": true, "hooks_applied": false}), false),
    ] {
        let fake = FakeClaude::new(json!({"on_initialize": [{"respond": answer}]}));
        let host = Host::new(&fake_options(&fake));
        host.add_hook("PreToolUse", None, 0, CLAUDE_HOOK_BLOCK, drop).unwrap();
        let outcome = host.connect();
        let expected = if works { Status::CLAUDE_OK } else { Status::CLAUDE_ERR_CLI_CONNECTION };
        assert_eq!(status(&outcome), expected, "{answer}");
        // One that may fail can do without, and the host is told.
        let host = Host::new(&fake_options(&fake));
        host.add_hook("PreToolUse", None, 0, CLAUDE_HOOK_CONTINUE, drop).unwrap();
        host.connect().unwrap();
        if answer["hooks_applied"] == false {
            host.wait_message(|message| message["event"] == "warning");
        }
    }
}

#[test]
fn edge_073_an_unknown_hook_is_named() {
    let ask = |id: &str| json!({"ask": {"subtype": "hook_callback", "callback_id": id}});
    let fake = FakeClaude::new(
        json!({"on_user": ["init", ask("hook_7"), ask("nonsense"), ask("hook_0"), "result"]}),
    );
    let host = Host::new(&fake_options(&fake));
    host.on_request(|request| panic!("not for this callback: {}", request.json()));
    host.hook("PreToolUse", |request| request.respond(json!({})).unwrap());
    host.connect().unwrap();
    host.turn("go");
    let responses = fake.log().responses();
    assert_eq!(responses[0]["error"], "No hook callback found for ID: hook_7");
    assert_eq!(responses[1]["error"], "No hook callback found for ID: nonsense");
    assert_eq!(responses[2]["response"], json!({}));
}

/// A request that no parser takes is one all the same. The CLI writes the first where a text was cut in the middle of a
/// character; the second is what a model may make up.
#[test]
fn half_a_character_or_a_deep_input_opens_no_way_around_the_host() {
    refuses_with_this_inside(r#""cut \ud83d""#);
    refuses_with_this_inside(&format!("{}1{}", "[".repeat(200), "]".repeat(200)));
}

fn refuses_with_this_inside(odd: &str) {
    let request = |id: &str, rest: &str| {
        json!({"write": format!(
            "{{\"type\":\"control_request\",\"request_id\":\"{id}\",\"request\":{{{rest}}}}}\n"
        )})
    };
    let hook = |number: u32| {
        format!(
            r#""subtype":"hook_callback","callback_id":"hook_{number}","input":{{"hook_event_name":"PreToolUse","tool_input":{{"command":{odd}}}}}"#
        )
    };
    let mcp = format!(
        r#""subtype":"mcp_message","server_name":"own","message":{{"jsonrpc":"2.0","id":7,"method":"x","params":{odd}}}"#
    );
    let fake = FakeClaude::new(
        json!({"on_user": ["init", request("a", &hook(0)), request("b", &hook(1)), request("c", &mcp)]}),
    );
    let mut options = fake_options(&fake);
    options["validate_json"] = true.into();
    let host = Host::new(&options);
    host.hook("PreToolUse", |request| {
        let no = json!({"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "no"});
        request.respond(json!({"hookSpecificOutput": no})).unwrap();
    });
    host.hook("PreToolUse", drop);
    host.mcp_handler("own", Some(Box::new(drop))).unwrap();
    host.connect().unwrap();
    host.query("go");
    let log = fake.wait_for_log(SOON, |log| log.responses().len() == 3);
    let responses = log.responses();
    for response in &responses[..2] {
        let decision = &response["response"]["hookSpecificOutput"]["permissionDecision"];
        assert_eq!(decision, "deny", "{response:#}");
    }
    assert_eq!(responses[2]["response"]["mcp_response"]["id"], 7, "{responses:#?}");
}

#[test]
fn a_deadline_may_end_in_an_error() {
    let asks = json!([{"ask": "can_use_tool"}, {"ask": "hook_callback"}, {"ask": "elicitation"}]);
    for (action, expected) in [("error", ["error"; 3]), ("deny", ["success"; 3])] {
        let fake = FakeClaude::new(json!({"on_user": asks}));
        let mut options = fake_options(&fake);
        options["request_timeout_ms"] = 100.into();
        options["request_timeout_action"] = action.into();
        let host = Host::new(&options);
        let slot = Slot::new();
        let into = slot.clone();
        host.hook("PreToolUse", drop);
        host.on_request(move |request| into.put(request));
        host.connect().unwrap();
        host.query("go");
        let log = fake.wait_for_log(SOON, |log| log.responses().len() == 3);
        // The hook was dropped, so it was refused at once, whatever the option says of deadlines.
        let subtypes: Vec<Value> =
            log.responses().iter().map(|response| response["subtype"].clone()).collect();
        let mut expected = expected.to_vec();
        expected[1] = "success";
        assert_eq!(subtypes, expected, "{action}");
        if action == "deny" {
            assert_eq!(log.responses()[0]["response"]["behavior"], "deny");
            assert_eq!(log.responses()[2]["response"]["action"], "decline");
        }
        assert_eq!(slot.len(), 2);
    }
}

#[test]
fn a_request_says_how_it_ended_and_may_have_its_own_action() {
    use claude_client::capi::types::claude_request_state_t::{self, *};
    let ask = |id: &str| json!({"ask": "can_use_tool", "id": id, "wait": false});
    let asks = ["answered", "error", "deny", "withdrawn", "closed"].map(ask);
    let fake = FakeClaude::new(json!({
        "on_user": [asks],
        "on_control": {"withdraw": [{"cancel": "withdrawn"}, "respond"]},
    }));
    let host = Host::new(&fake_options(&fake));
    let (slot, told) = (Slot::new(), Slot::new());
    let into = slot.clone();
    host.on_request(move |request| into.put(request));
    host.connect().unwrap();
    host.query("go");
    let requests = slot.take(5);
    for request in &requests[1..] {
        let tell = told.clone();
        request.on_cancel(move |id| tell.put(id)).unwrap();
    }
    assert!(requests.iter().all(|request| request.state() == CLAUDE_REQUEST_STATE_OPEN));
    let unknown = requests[1].set_deadline_with(1, "allow").unwrap_err();
    assert_eq!(
        (unknown.status, &unknown.json["argument"]),
        (Status::CLAUDE_ERR_INVALID_ARGUMENT, &json!("action"))
    );
    requests[0].allow().unwrap();
    requests[1].set_deadline_with(1, "error").unwrap();
    assert_eq!(told.one(), requests[1].id());
    requests[2].set_deadline_with(1, "deny").unwrap();
    assert_eq!(told.one(), requests[2].id());
    host.control(json!({"subtype": "withdraw"})).unwrap();
    assert_eq!(told.one(), requests[3].id());
    host.disconnect().unwrap();
    assert_eq!(told.one(), requests[4].id());
    let states: Vec<claude_request_state_t> = requests.iter().map(|request| request.state()).collect();
    assert_eq!(
        states,
        [
            CLAUDE_REQUEST_STATE_ANSWERED,
            CLAUDE_REQUEST_STATE_EXPIRED,
            CLAUDE_REQUEST_STATE_EXPIRED,
            CLAUDE_REQUEST_STATE_WITHDRAWN,
            CLAUDE_REQUEST_STATE_CLOSED,
        ]
    );
    let answers: Vec<Value> = fake.log().responses().iter().map(|answer| answer["subtype"].clone()).collect();
    assert_eq!(answers, ["success", "error", "success", "success"]);
}

#[test]
fn the_input_of_a_run_does_not_end_under_an_open_request() {
    use claude_client::capi::talk::claude_client_end_input_after_run;
    let ask = json!({"ask": "can_use_tool", "id": "late", "wait": false});
    let on_user = json!(["init", ask, "result", {"await": "late"}]);
    let fake = FakeClaude::new(json!({"no_lifecycle": true, "on_user": on_user}));
    let mut options = fake_options(&fake);
    options["env"]["CLAUDE_CODE_SDK_READS_SESSION_STATE"] = "0".into();
    let host = Host::new(&options);
    let slot = Slot::new();
    let into = slot.clone();
    host.on_request(move |request| into.put(request));
    host.connect().unwrap();
    host.query("go");
    // SAFETY: a live handle.
    let ending = unsafe { claude_client_end_input_after_run(host.client, null_mut()) };
    assert_eq!(ending, Status::CLAUDE_OK);
    host.wait_message(|message| message["type"] == "result");
    let request = slot.one();
    thread::sleep(Duration::from_millis(300));
    assert!(!fake.log().saw_eof(), "the input has ended before the answer");
    request.allow().unwrap();
    let log = fake.wait_for_log(SOON, |log| log.saw_eof());
    assert_eq!(log.responses()[0]["response"]["behavior"], "allow");
}

#[test]
fn h8_open_requests_of_a_session_that_is_taken_up_again_are_delivered() {
    let open = json!({"type": "control_request", "request_id": "old-1", "request":
        {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": "t"}});
    let answer = json!({"type": "control_response", "response": {"subtype": "success",
        "request_id": "{{request_id}}", "response": {}, "pending_permission_requests": [open]}});
    let fake = FakeClaude::new(json!({"on_initialize": [{"send": answer}]}));
    let host = Host::new(&fake_options(&fake));
    let slot = Slot::new();
    let into = slot.clone();
    host.permission_handler(move |request| into.put(request)).unwrap();
    host.connect().unwrap();
    let request = slot.one();
    assert_eq!(request.json()["input"]["command"], "ls");
    request.allow().unwrap();
    let log = fake.wait_for_log(SOON, |log| log.responses().len() == 1);
    assert_eq!(log.responses()[0]["request_id"], "old-1");
}

#[test]
fn in_pump_mode_everything_runs_on_the_pumping_thread() {
    let Some(stage) = Stage::real("pump_requests") else { return };
    let host = Host::with_mode(&stage.options, Mode::CLAUDE_DISPATCH_PUMP);
    let threads: Arc<Slot<(&'static str, ThreadId)>> = Slot::new();
    let (seen, open) = (threads.clone(), Slot::new());
    let into = open.clone();
    host.permission_handler(move |request| {
        seen.put(("permission", thread::current().id()));
        let told = seen.clone();
        request.on_cancel(move |_| told.put(("cancel", thread::current().id()))).unwrap();
        into.put(request);
    })
    .unwrap();
    let seen = threads.clone();
    host.hook("PreToolUse", move |request| {
        seen.put(("hook", thread::current().id()));
        request.respond(json!({})).unwrap();
    });
    host.connect().unwrap();
    host.query(&bash("touch made"));
    let end = Instant::now() + SOON;
    while open.is_empty() && Instant::now() < end {
        host.dispatch(50);
    }
    let request = open.one();
    request.set_deadline(1).unwrap();
    thread::sleep(Duration::from_millis(300));
    assert!(request.is_cancelled());
    assert_eq!(threads.len(), 2, "nothing runs outside of dispatch");
    while threads.len() < 3 && Instant::now() < end {
        host.dispatch(50);
    }
    let seen = threads.take(3);
    assert_eq!(seen.iter().map(|(what, _)| *what).collect::<Vec<_>>(), ["hook", "permission", "cancel"]);
    assert!(seen.iter().all(|(_, id)| *id == thread::current().id()));
}

#[test]
fn in_pull_mode_everything_is_an_event() {
    let Some(stage) = Stage::real("pull_requests") else { return };
    let host = Host::with_mode(&stage.options, Mode::CLAUDE_DISPATCH_PULL);
    let refused = host.add_hook("PreToolUse", None, 0, CLAUDE_HOOK_CONTINUE, drop);
    assert_eq!(status(&refused), Status::CLAUDE_ERR_INVALID_ARGUMENT);
    let mut mark = 7;
    let data = (&raw mut mark).cast();
    host.add_raw_hook("PreToolUse", Some("Bash"), 0, CLAUDE_HOOK_CONTINUE as i32, None, data, None).unwrap();
    host.wants_permissions().unwrap();
    host.connect().unwrap();

    host.query(&bash("touch made"));
    let hook = host.next_of(Event::CLAUDE_EVENT_REQUEST);
    let request = hook.take();
    assert_eq!((hook.request_id(), request.user_data()), (request.id(), data));
    assert_eq!(request.json()["callback_id"], "hook_0");
    assert_eq!(status(&request.on_cancel(drop)), Status::CLAUDE_ERR_UNSUPPORTED);
    request.respond(json!({})).unwrap();
    let permission = host.next_of(Event::CLAUDE_EVENT_REQUEST).take();
    assert_eq!((permission.kind(), permission.user_data()), (Kind::CLAUDE_REQUEST_PERMISSION, null_mut()));
    permission.allow().unwrap();
    host.next_of(Event::CLAUDE_MESSAGE_RESULT);
    assert!(stage.made("made"));

    // An event that is dropped refuses its request.
    host.query(&bash("touch never"));
    drop(host.next_of(Event::CLAUDE_EVENT_REQUEST));
    host.next_of(Event::CLAUDE_MESSAGE_RESULT);
    assert!(!stage.made("never"));

    // A deadline that passes is an event.
    host.query(&bash("touch never"));
    let request = host.next_of(Event::CLAUDE_EVENT_REQUEST).take();
    request.set_deadline(50).unwrap();
    assert_eq!(host.next_of(Event::CLAUDE_EVENT_REQUEST_CANCELLED).request_id(), request.id());
    assert_eq!(status(&request.respond(json!({}))), Status::CLAUDE_ERR_STALE);
    host.next_of(Event::CLAUDE_MESSAGE_RESULT);
    assert!(!stage.made("never"));
}

#[test]
fn requests_that_the_host_keeps_are_bounded_and_the_rest_is_refused() {
    const SENT: usize = 17_000;
    let request =
        json!({"type": "control_request", "request_id": "r{{i}}", "request": {"subtype": "of_the_future"}});
    let script = json!({"on_user": ["init", {"repeat": SENT, "do": [{"send": request}]}, "result"]});
    let fake = FakeClaude::new(script);
    let host = Host::new(&fake_options(&fake));
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = kept.clone();
    host.on_request(move |request| lock(&keeps).push(request));
    host.connect().unwrap();
    host.turn("hello");
    let answers = |log: &FakeLog| -> Vec<Value> {
        log.frames().into_iter().filter(|frame| frame["type"] == "control_response").collect()
    };
    let log = fake.wait_for_log(SOON * 3, |log| answers(log).len() >= SENT - 16_384);
    let answers = answers(&log);
    assert_eq!(answers.len(), SENT - 16_384);
    assert!(answers.iter().all(|answer| answer["response"]["subtype"] == "error"), "{:#}", answers[0]);
    assert_eq!(host.pending().len(), 16_384);
    let told: Vec<Value> =
        host.warnings().into_iter().filter(|warning| warning["event"] == "too_many_requests").collect();
    assert_eq!(told.len(), 1, "once");
    // When they have ended there is room again.
    let ended = std::mem::take(&mut *lock(&kept));
    drop(ended);
    host.turn("again");
    let end = Instant::now() + SOON * 3;
    while lock(&kept).len() < 16_384 {
        assert!(Instant::now() < end, "{} came", lock(&kept).len());
        thread::yield_now();
    }
}
