//! In-process tools beside the messages of the protocol: how many run at once, progress, changes, modes, mistakes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::*;
use claude_client::capi::types::{claude_dispatch_t, claude_status_t};
use serde_json::{Value, json};

/// Ten overlapping calls; the most that were at work at once.
fn most_at_once(max_concurrency: u32) -> usize {
    let mut actions: Vec<Value> =
        (0..10).map(|n| ask(&format!("c{n}"), call_message(n, "work", json!({})))).collect();
    actions.extend([json!({"await": "all"}), json!("result")]);
    let fake = Fake::new(actions);
    let tools = Tools::new("calc", &json!({}));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let work = move |call: Call| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        now.fetch_sub(1, Ordering::SeqCst);
        call.answer("done");
    };
    tools.add(&json!({"name": "work", "max_concurrency": max_concurrency}), work).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    for n in 0..10 {
        assert_eq!(text_of(&fake.rpc(&format!("c{n}"))), "done");
    }
    most.load(Ordering::SeqCst)
}

#[test]
fn q2_a_limit_of_one_runs_calls_one_after_another() {
    assert_eq!(most_at_once(1), 1);
}

#[test]
fn q2_a_limit_of_ten_and_none_run_them_together() {
    assert_eq!(most_at_once(10), 10);
    assert_eq!(most_at_once(0), 10);
    let three = most_at_once(3);
    assert!((2..=3).contains(&three), "{three}");
}

#[test]
fn progress_goes_out_before_the_answer_and_only_where_it_is_wanted() {
    let wanted = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "steps", "arguments": {}, "_meta": {"progressToken": "tok", "claudecode/toolUseId": "toolu_1"}}});
    let fake = Fake::new(vec![
        ask("c", wanted),
        json!({"await": "c"}),
        ask("quiet", call_message(2, "steps", json!({}))),
        json!({"await": "quiet"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let steps = |call: Call| {
        call.progress(1.0, 2.0, "half").unwrap();
        call.progress(2.0, 0.0, "all").unwrap();
        let fault = call.progress(f64::NAN, 0.0, "").unwrap_err();
        assert_eq!(fault.status, claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT);
        call.answer(call.meta()["claudecode/toolUseId"].as_str().unwrap_or("none"));
        assert_eq!(call.progress(3.0, 0.0, "late").unwrap_err().status, claude_status_t::CLAUDE_ERR_STALE);
    };
    tools.add(&json!({"name": "steps"}), steps).unwrap();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    assert_eq!((text_of(&fake.rpc("c")), text_of(&fake.rpc("quiet"))), ("toolu_1", "none"));
    let sent = fake.notifications();
    assert_eq!(sent.len(), 2, "{sent:?}");
    let half = json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": "tok", "progress": 1.0, "total": 2.0, "message": "half"}});
    assert_eq!(sent[0], json!({"subtype": "mcp_message", "server_name": "calc", "message": half}));
    let frames = fake.fake.log().frames();
    let place = |holds: &dyn Fn(&Value) -> bool| frames.iter().position(holds).expect("a frame");
    let progress = place(&|frame| frame["request"]["message"]["params"]["message"] == "all");
    let answer = place(&|frame| frame["response"]["request_id"] == "c");
    assert!(progress < answer, "progress came behind the answer");
}

#[test]
fn changes_of_the_tools_are_told_to_connected_clients() {
    let fake = Fake::scripted(json!({"on_user": [
        [ask("l1", list(1)), {"await": "all"}, "result"],
        [ask("l2", list(2)), ask("gone", call_message(3, "add", json!({"a": 1, "b": 1}))), {"await": "all"}, "result"],
    ]}));
    let tools = calculator();
    let client = fake.threaded().with(&tools);
    client.connect();
    client.turn("one");
    tools.add(&json!({"name": "more"}), |call| call.answer("more")).unwrap();
    tools.remove("add").unwrap();
    assert_eq!(tools.destroyed(), 1);
    assert_eq!(tools.remove("add").unwrap_err().status, claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT);
    client.turn("two");
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let messages: Vec<Value> = fake.notifications().into_iter().map(|note| note["message"].clone()).collect();
    assert_eq!(messages, [changed.clone(), changed]);
    assert_eq!(fake.rpc("l2")["result"]["tools"][0]["name"], "more");
    assert_eq!(failure(&fake.rpc("gone")), "Unknown tool: add");
}

#[test]
fn servers_and_tools_that_cannot_be_used_are_refused() {
    let fake = Fake::new(vec![json!("result")]);
    let tools = calculator();
    let twice = tools.add(&add_definition(), add).unwrap_err();
    assert!(twice.json["message"].as_str().unwrap().contains("has a tool add already"), "{twice:?}");
    let schema =
        json!({"name": "x", "inputSchema": {"type": "object", "properties": {"a": {"type": "nothing"}}}});
    let refused = tools.add(&schema, add).unwrap_err();
    assert_eq!(refused.json["pointer"], "/inputSchema");
    // The destroy-notify of what was refused has run, that of the good one has not.
    assert_eq!(tools.destroyed(), 2);
    let client = fake.threaded().with(&tools);
    assert_eq!(client.add(&tools).unwrap_err().status, claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT);
    let events = Tools::new("events", &json!({}));
    events.add_for_events(&json!({"name": "e"}), 1).unwrap();
    client.add(&events).unwrap();
    let lacking = client.try_connect().unwrap_err();
    assert!(
        lacking.json["message"].as_str().unwrap().contains("the tool e of the server events"),
        "{lacking:?}"
    );
    let client = fake.threaded().with(&tools);
    client.connect();
    client.disconnect();
    let late = Tools::new("late", &json!({}));
    assert_eq!(client.add(&late).unwrap_err().status, claude_status_t::CLAUDE_ERR_CLOSED);
}

#[test]
fn in_pump_mode_functions_run_on_the_thread_that_pumps() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "where", json!({}))),
        json!({"await": "c"}),
        ask("w", call_message(2, "keep", json!({}))),
        json!({"sleep": 200}),
        ask("n", notification("notifications/cancelled", json!({"requestId": 2}))),
        json!({"await": "n"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    let here = std::thread::current().id();
    tools
        .add(&json!({"name": "where"}), move |call| {
            assert_eq!(std::thread::current().id(), here);
            call.answer("here");
        })
        .unwrap();
    let (kept, told): (Arc<Mutex<Option<Call>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let (keep, tell) = (kept.clone(), told.clone());
    tools
        .add(&json!({"name": "keep"}), move |call| {
            let tell = tell.clone();
            call.on_cancel(move |_| {
                assert_eq!(std::thread::current().id(), here);
                tell.store(true, Ordering::SeqCst);
            })
            .unwrap();
            *keep.lock().unwrap() = Some(call);
        })
        .unwrap();
    let client = fake.client(claude_dispatch_t::CLAUDE_DISPATCH_PUMP).with(&tools);
    client.connect();
    client.query("go");
    // Nothing runs while nobody pumps.
    std::thread::sleep(Duration::from_millis(100));
    assert!(!fake.has_answer("c"));
    let end = Instant::now() + PATIENCE;
    while !told.load(Ordering::SeqCst) {
        assert!(Instant::now() < end, "on_cancel was not called");
        client.pump(20);
    }
    assert_eq!(text_of(&fake.rpc("c")), "here");
    assert!(kept.lock().unwrap().as_ref().unwrap().is_cancelled());
}

#[test]
fn in_pull_mode_calls_are_events() {
    use claude_client::capi::types::claude_message_kind_t as kind;
    let fake = Fake::new(vec![
        ask("c", call_message(1, "add", json!({"a": 1, "b": 2}))),
        json!({"await": "c"}),
        ask("d", call_message(2, "add", json!({"a": 1, "b": 2}))),
        json!({"await": "d"}),
        ask("w", call_message(3, "add", json!({"a": 3, "b": 4}))),
        // One that waits for the one before, and which the host never sees.
        ask("v", call_message(4, "add", json!({"a": 3, "b": 4}))),
        ask("m", notification("notifications/cancelled", json!({"requestId": 4}))),
        json!({"await": "m"}),
        json!({"sleep": 100}),
        ask("n", notification("notifications/cancelled", json!({"requestId": 3}))),
        json!({"await": "n"}),
        json!("result"),
    ]);
    let tools = Tools::new("calc", &json!({}));
    tools.add_for_events(&add_definition(), 77).unwrap();
    let client = fake.client(claude_dispatch_t::CLAUDE_DISPATCH_PULL).with(&tools);
    client.connect();
    client.query("go");
    let (mut calls, mut kept, mut cancelled) = (0, None, Vec::new());
    loop {
        let event = client.next().expect("an event");
        match event.kind() {
            kind::CLAUDE_EVENT_TOOL_CALL => {
                calls += 1;
                assert_eq!(event.token(), 77);
                let told = event.json();
                assert_eq!((&told["server"], &told["name"]), (&json!("calc"), &json!("add")));
                match calls {
                    1 => {
                        let call = event.take_call().expect("a call");
                        assert!(event.take_call().is_none());
                        let fault = call.on_cancel(|_| {}).unwrap_err();
                        assert_eq!(fault.status, claude_status_t::CLAUDE_ERR_UNSUPPORTED);
                        assert_eq!(call.arguments(), told["arguments"]);
                        add(call);
                    }
                    2 => {} // left in its event
                    _ => kept = event.take_call(),
                }
            }
            kind::CLAUDE_EVENT_TOOL_CALL_CANCELLED => {
                cancelled.push(event.id());
                assert!(event.take_call().is_none());
            }
            kind::CLAUDE_MESSAGE_RESULT => break,
            _ => {}
        }
    }
    let kept = kept.expect("the third call");
    assert_eq!((cancelled, kept.is_cancelled(), calls), (vec![kept.id()], true, 3));
    assert_eq!(text_of(&fake.rpc("c")), "3");
    assert_eq!(failure(&fake.rpc("d")), "The host did not answer.");
}
