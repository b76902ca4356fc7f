//! In-process tools against the stand-in CLI: every shape of message, and every way to answer or not to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::*;
use claude_client::capi::types::{claude_dispatch_t, claude_status_t};
use serde_json::{Value, json};

fn initialize(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "claude-code", "version": "1"}}})
}

#[test]
fn edge_077_handshake_list_and_call_have_the_right_envelopes() {
    let fake = Fake::new(vec![
        ask("h", initialize(0)),
        ask("n", notification("notifications/initialized", json!({}))),
        ask("l", list(1)),
        ask("c", call_message(2, "add", json!({"a": 1, "b": 2.5}))),
        ask("p", json!({"jsonrpc": "2.0", "id": "text id", "method": "ping"})),
        ask("u", json!({"jsonrpc": "2.0", "id": 4, "method": "resources/list"})),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let hello = fake.rpc("h");
    assert_eq!((&hello["jsonrpc"], &hello["id"]), (&json!("2.0"), &json!(0)));
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(hello["result"]["serverInfo"], json!({"name": "calc", "version": "1.2.3"}));
    assert_eq!(hello["result"]["instructions"], "Use it for sums.");
    assert_eq!(hello["result"]["capabilities"], json!({"tools": {"listChanged": true}}));
    assert_eq!(fake.rpc("n"), json!({"jsonrpc": "2.0", "result": {}}));
    assert_eq!(fake.rpc("l")["result"]["tools"], json!([add_definition()]));
    assert_eq!(
        fake.rpc("c"),
        json!({"jsonrpc": "2.0", "id": 2, "result": {"content": [{"type": "text", "text": "3.5"}], "isError": false}})
    );
    assert_eq!(fake.rpc("p"), json!({"jsonrpc": "2.0", "id": "text id", "result": {}}));
    assert_eq!(fake.rpc("u")["error"]["code"], -32601);
}

#[test]
fn q1_the_start_announces_servers_and_how_long_to_wait_for_them() {
    let fake = Fake::new(vec![json!("result")]);
    let tools = Tools::new(
        "calc",
        &json!({"timeout_ms": 5000, "tools": [{"name": "add", "permission_policy": "always_allow"}]}),
    );
    let more = Tools::new("more", &json!({}));
    let client = fake.threaded().with(&tools).with(&more);
    client.connect();
    let start = fake.fake.log().requests("initialize").remove(0);
    assert_eq!(start["sdkMcpServers"], json!(["calc", "more"]));
    let policy = json!([{"name": "add", "permission_policy": "always_allow"}]);
    assert_eq!(start["sdkMcpServerConfigs"]["calc"], json!({"timeout": 5000, "tools": policy}));
    // Unless the host says otherwise a tool may take its time: no hidden limit of seconds.
    assert!(start["sdkMcpServerConfigs"]["more"]["timeout"].as_u64().unwrap() >= 3_600_000);
}

#[test]
fn edge_078_a_second_handshake_is_served() {
    let fake = Fake::new(vec![
        ask("h1", initialize(0)),
        ask("l1", list(1)),
        ask("slow", call_message(2, "wait", json!({}))),
        json!({"sleep": 200}),
        ask("h2", initialize(0)),
        ask("l2", list(1)),
        ask("c2", call_message(2, "add", json!({"a": 1, "b": 1}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let (told, cancelled) = channel();
    let (told, begun) = (Mutex::new(told), Arc::new(AtomicBool::new(false)));
    let begins = begun.clone();
    let wait = move |call: Call| {
        begins.store(true, Ordering::SeqCst);
        let told = told.lock().unwrap().clone();
        call.on_cancel(move |id| told.send(id).unwrap()).unwrap();
        wait_until("the old call is withdrawn", || call.is_cancelled());
    };
    tools.add(&json!({"name": "wait"}), wait).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!(fake.rpc("h2")["result"]["serverInfo"]["name"], "calc");
    assert_eq!(fake.rpc("l2")["result"]["tools"].as_array().unwrap().len(), 2);
    assert_eq!(text_of(&fake.rpc("c2")), "2");
    // The call of the first session has nobody left who waits for it.
    assert_eq!(fake.rpc("slow")["error"]["code"], -32603);
    // On a busy machine the function may not have been called before.
    if begun.load(Ordering::SeqCst) {
        cancelled.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn edge_079_an_unknown_server_is_an_error_and_the_session_lives() {
    let fake = Fake::new(vec![
        ask_server("other", "x", list(7)),
        ask_server("other", "n", notification("notifications/initialized", json!({}))),
        json!({"ask": {"subtype": "mcp_message", "server_name": "calc"}, "id": "m", "wait": false, "exact": true}),
        ask("l", list(1)),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let error = fake.rpc("x");
    assert_eq!((&error["id"], &error["error"]["code"]), (&json!(7), &json!(-32601)));
    assert_eq!(error["error"]["message"], "Server 'other' not found");
    assert_eq!(fake.answer("n")["subtype"], "success");
    assert_eq!(fake.answer("m")["subtype"], "error");
    assert_eq!(fake.rpc("l")["result"]["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn edge_080_failures_of_tools_are_results() {
    let fake = Fake::new(vec![
        ask("unknown", call_message(1, "nothing", json!({}))),
        ask("missing", call_message(2, "add", json!({"a": 1}))),
        ask("wrong", call_message(3, "add", json!({"a": 1, "b": "2"}))),
        ask("list", call_message(4, "add", json!([1, 2]))),
        ask("fails", call_message(5, "fails", json!({}))),
        ask("drops", call_message(6, "drops", json!({}))),
        ask("noname", json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {}})),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let called = Arc::new(AtomicUsize::new(0));
    tools.add(&json!({"name": "fails"}), |call| call.fail("It is broken.").unwrap()).unwrap();
    let seen = called.clone();
    tools
        .add(&json!({"name": "drops"}), move |_| {
            seen.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!(failure(&fake.rpc("unknown")), "Unknown tool: nothing");
    assert_eq!(failure(&fake.rpc("missing")), "Input validation error: 'b' is a required property");
    assert!(failure(&fake.rpc("wrong")).starts_with("Input validation error: \"2\" is not of type 'number'"));
    assert!(failure(&fake.rpc("list")).starts_with("Input validation error:"));
    assert_eq!(failure(&fake.rpc("fails")), "It is broken.");
    assert_eq!(failure(&fake.rpc("drops")), "The host did not answer.");
    assert_eq!(called.load(Ordering::SeqCst), 1);
    assert_eq!(fake.rpc("noname")["error"]["code"], -32602);
}

#[test]
fn edge_081_content_reaches_the_model_in_the_form_it_can_see() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "show", json!({}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let show = |call: Call| {
        call.add_text("plain").unwrap();
        call.add_image(&[0x89, b'P', b'N', b'G'], "image/png").unwrap();
        call.add_block(
            &json!({"type": "resource_link", "name": "log", "uri": "file:///a", "description": "d"}),
        )
        .unwrap();
        call.add_block(&json!({"type": "resource", "resource": {"uri": "file:///b", "text": "inside"}}))
            .unwrap();
        let binary = json!({"type": "resource", "resource": {"uri": "x:1", "blob": "AAAA"}});
        assert_eq!(call.add_block(&binary).unwrap_err().status, claude_status_t::CLAUDE_ERR_UNSUPPORTED);
        assert_eq!(
            call.add_block(&json!({"type": "hologram"})).unwrap_err().status,
            claude_status_t::CLAUDE_ERR_UNSUPPORTED
        );
        call.set_structured(&json!({"n": 1})).unwrap();
        call.set_meta(&json!({"own": true})).unwrap();
        call.finish().unwrap();
    };
    tools.add(&json!({"name": "show"}), show).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let result = fake.rpc("c")["result"].clone();
    assert_eq!(
        result["content"],
        json!([
            {"type": "text", "text": "plain"},
            {"type": "image", "data": "iVBORw==", "mimeType": "image/png"},
            {"type": "text", "text": "log\nfile:///a\nd"},
            {"type": "text", "text": "inside"},
        ])
    );
    assert_eq!((&result["structuredContent"], &result["_meta"]), (&json!({"n": 1}), &json!({"own": true})));
}

#[test]
fn edge_082_a_failure_keeps_what_was_added_and_is_is_error_on_the_wire() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "half", json!({}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let half = |call: Call| {
        call.add_text("first part").unwrap();
        call.fail("then it broke").unwrap();
        assert_eq!(call.finish().unwrap_err().status, claude_status_t::CLAUDE_ERR_STALE);
        assert_eq!(call.add_text("late").unwrap_err().status, claude_status_t::CLAUDE_ERR_STALE);
    };
    tools.add(&json!({"name": "half"}), half).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let rpc = fake.rpc("c");
    assert_eq!(failure(&rpc), "first part");
    assert_eq!(rpc["result"]["content"].as_array().unwrap().len(), 2);
}

#[test]
fn d3_edge_083_annotations_and_meta_are_listed_untouched() {
    let fake = Fake::new(vec![ask("l", list(1)), json!({"await": "all"}), json!("result")]);
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let tool = fake.rpc("l")["result"]["tools"][0].clone();
    assert_eq!(tool["annotations"], json!({"readOnlyHint": true, "title": "Sum", "x-own": {"kept": 1}}));
    assert_eq!(tool["_meta"], json!({"anthropic/maxResultSizeChars": 3_000_000}));
}

#[test]
fn edge_084_calls_at_once_are_matched_by_id() {
    let mut actions: Vec<Value> =
        (0..20).map(|n| ask(&format!("c{n}"), call_message(n, "later", json!({"n": n})))).collect();
    actions.extend([json!({"await": "all"}), json!("result")]);
    let fake = Fake::new(actions);
    let tools = Tools::new("calc", &json!({}));
    let held: Arc<Mutex<Vec<Call>>> = Arc::default();
    let hold = held.clone();
    tools
        .add(&json!({"name": "later", "max_concurrency": 0}), move |call| hold.lock().unwrap().push(call))
        .unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.query("go");
    // Answered later, by a thread of the host, last first.
    wait_until("all calls are here", || held.lock().unwrap().len() == 20);
    let mut calls = std::mem::take(&mut *held.lock().unwrap());
    calls.sort_by_key(|call| std::cmp::Reverse(call.arguments()["n"].as_i64()));
    for call in &calls {
        call.answer(&format!("answer {}", call.arguments()["n"]));
    }
    client.wait_for_result();
    for n in 0..20 {
        assert_eq!(text_of(&fake.rpc(&format!("c{n}"))), format!("answer {n}"));
    }
}

#[test]
fn q3_edge_085_a_cancelled_call_is_told_to_stop_and_gets_no_answer() {
    let fake = Fake::new(vec![
        ask("c", call_message(5, "long", json!({}))),
        json!({"sleep": 200}),
        ask("n", notification("notifications/cancelled", json!({"requestId": 5, "reason": "AbortError"}))),
        json!({"await": "n"}),
        ask("again", call_message(6, "add", json!({"a": 2, "b": 2}))),
        json!({"await": "again"}),
        json!("result"),
    ]);
    let tools = calculator();
    let (told, late) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
    let (told_here, late_here) = (told.clone(), late.clone());
    let long = move |call: Call| {
        let (told, id) = (told_here.clone(), call.id());
        call.on_cancel(move |number| {
            assert_eq!(number, id);
            told.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        assert!(!call.is_cancelled());
        wait_until("the call is withdrawn", || call.is_cancelled());
        *late_here.lock().unwrap() =
            Some(call.add_text("late").and_then(|()| call.finish()).unwrap_err().status);
    };
    tools.add(&json!({"name": "long"}), long).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!(text_of(&fake.rpc("again")), "4");
    wait_until("the function has seen it", || late.lock().unwrap().is_some());
    assert_eq!(*late.lock().unwrap(), Some(claude_status_t::CLAUDE_ERR_STALE));
    wait_until("on_cancel was called", || told.load(Ordering::SeqCst) == 1);
    client.disconnect();
    assert!(!fake.has_answer("c"));
    assert_eq!(told.load(Ordering::SeqCst), 1);
}

#[test]
fn q3_cancelled_before_during_and_after_the_answer() {
    let cancel = |id: i64| notification("notifications/cancelled", json!({"requestId": id}));
    let fake = Fake::new(vec![
        ask("first", call_message(1, "one", json!({}))),
        // Waits for its turn, and is withdrawn before it comes.
        ask("second", call_message(2, "one", json!({}))),
        ask("n2", cancel(2)),
        json!({"await": "n2"}),
        json!({"await": "first"}),
        // After the answer: nothing is left to withdraw.
        ask("n1", cancel(1)),
        ask("n9", cancel(99)),
        ask("n?", notification("notifications/cancelled", json!({}))),
        json!({"await": "n?"}),
        ask("third", call_message(3, "one", json!({}))),
        json!({"await": "third"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let calls = seen.clone();
    let one = move |call: Call| {
        calls.lock().unwrap().push(call.id());
        std::thread::sleep(Duration::from_millis(300));
        call.answer("done");
    };
    tools.add(&json!({"name": "one"}), one).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.query("go");
    let rpc = fake.rpc("third");
    assert_eq!(text_of(&rpc), "done");
    assert_eq!(seen.lock().unwrap().len(), 2, "the withdrawn call reached the host");
    assert!(!fake.has_answer("second"));
}

#[test]
fn edge_086_a_function_that_ignores_cancellation_holds_up_no_disconnect() {
    let fake = Fake::new(vec![ask("c", call_message(1, "deaf", json!({}))), json!({"sleep": 60_000})]);
    let tools = Tools::new("calc", &json!({}));
    let (started, leave) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (began, until) = (started.clone(), leave.clone());
    let late = Arc::new(Mutex::new(None));
    let answer = late.clone();
    let deaf = move |call: Call| {
        began.store(true, Ordering::SeqCst);
        wait_until("the test lets go", || until.load(Ordering::SeqCst));
        assert!(call.is_cancelled());
        *answer.lock().unwrap() = Some(call.finish().unwrap_err().status);
    };
    tools.add(&json!({"name": "deaf"}), deaf).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.query("go");
    wait_until("the function runs", || started.load(Ordering::SeqCst));
    let begin = Instant::now();
    client.disconnect();
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(20), "disconnecting took {took:?}");
    leave.store(true, Ordering::SeqCst);
    wait_until("the function has ended", || late.lock().unwrap().is_some());
    assert_eq!(*late.lock().unwrap(), Some(claude_status_t::CLAUDE_ERR_CLOSED));
}

#[test]
fn edge_087_an_id_in_flight_is_refused() {
    let fake = Fake::new(vec![
        ask("first", call_message(1, "long", json!({}))),
        ask("twice", call_message(1, "long", json!({}))),
        json!({"await": "twice"}),
        json!({"await": "first"}),
        ask("free", call_message(1, "long", json!({}))),
        json!({"await": "free"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let long = |call: Call| {
        std::thread::sleep(Duration::from_millis(200));
        call.answer("done");
    };
    tools.add(&json!({"name": "long"}), long).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let refused = fake.rpc("twice");
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32603)));
    assert_eq!(text_of(&fake.rpc("first")), "done");
    assert_eq!(text_of(&fake.rpc("free")), "done");
}

#[test]
fn a_malformed_message_with_an_id_is_answered_with_an_error() {
    let fake = Fake::new(vec![
        ask("number", json!({"jsonrpc": "2.0", "id": 7, "method": 5})),
        ask("none", json!({"jsonrpc": "2.0", "id": "x"})),
        ask("without", json!({"jsonrpc": "2.0", "method": []})),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    for (name, id) in [("number", json!(7)), ("none", json!("x"))] {
        let rpc = fake.rpc(name);
        assert_eq!((&rpc["id"], &rpc["error"]["code"]), (&id, &json!(-32600)), "{name}: {rpc}");
    }
    assert_eq!(fake.rpc("without"), json!({"jsonrpc": "2.0", "result": {}}));
}

#[test]
fn edge_088_a_call_before_any_handshake_works() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "add", json!({"a": 20, "b": 22}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!(text_of(&fake.rpc("c")), "42");
}

#[test]
fn d3_large_results_and_arguments_are_whole() {
    let size = 2 << 20;
    let fake = Fake::new(vec![
        ask("c", call_message(1, "echo", json!({"text": "é".repeat(100_000), "odd": [1.50, 1e3]}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let raw: Arc<Mutex<String>> = Arc::default();
    let seen = raw.clone();
    let echo = move |call: Call| {
        *seen.lock().unwrap() = call.raw_arguments();
        call.answer(&format!("{}\n\u{2028}\"end\"", "日".repeat(size / 3)));
    };
    tools.add(&json!({"name": "echo"}), echo).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    let rpc = fake.rpc("c");
    let text = text_of(&rpc);
    assert_eq!((text.len(), &text[text.len() - 9..]), (size / 3 * 3 + 9, "\n\u{2028}\"end\""));
    let arguments: Value = serde_json::from_str(&raw.lock().unwrap()).unwrap();
    assert_eq!(arguments["text"].as_str().unwrap().chars().count(), 100_000);
}

/// Every time that the library knows is shorter than the tool's.
#[test]
fn q1_a_tool_may_take_longer_than_every_time_of_the_library() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "long", json!({}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let long = |call: Call| {
        std::thread::sleep(Duration::from_millis(2500));
        assert!(!call.is_cancelled());
        call.answer("after all");
    };
    tools.add(&json!({"name": "long"}), long).unwrap();
    let options = json!({
        "cli_path": fake.fake.path(), "env": fake.fake.env_json(), "cwd": fake.fake.sandbox().work(),
        "control_timeout_ms": 300, "request_timeout_ms": 300, "graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300,
    });
    let client = Client::new(&options, claude_dispatch_t::CLAUDE_DISPATCH_THREAD).with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!(text_of(&fake.rpc("c")), "after all");
}
