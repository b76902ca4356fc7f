//! In-process tools and the end of things: clients, servers and calls may go in any order, from any thread.

// Every pointer below is a handle, a text that ends with a NUL, or the test's own.
#![allow(clippy::undocumented_unsafe_blocks, clippy::disallowed_methods)]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::*;
use crate::support::eventually;
use claude_client::capi::client::{claude_client_disconnect, claude_client_free};
use claude_client::capi::mcp::*;
use claude_client::capi::request::*;
use claude_client::capi::tool_call::*;
use claude_client::capi::types::*;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

fn forever() -> Value {
    json!({"sleep": 60_000})
}

#[test]
fn a_server_lives_as_long_as_its_last_owner() {
    let fake = Fake::new(vec![
        ask("c", call_message(1, "add", json!({"a": 1, "b": 2}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let other = Fake::new(vec![
        ask("c", call_message(1, "add", json!({"a": 3, "b": 4}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let tools = calculator();
    let destroyed = tools.destroyed.clone();
    let (mut one, mut two) = (fake.threaded().with(&tools), other.threaded().with(&tools));
    drop(tools); // the host's handle
    one.connect();
    two.connect();
    one.turn("go");
    two.turn("go");
    assert_eq!(fake.rpc("c")["result"]["content"][0]["text"], "3");
    assert_eq!(other.rpc("c")["result"]["content"][0]["text"], "7");
    one.free();
    assert_eq!(destroyed.load(Ordering::SeqCst), 0);
    two.free();
    assert_eq!(destroyed.load(Ordering::SeqCst), 1, "the destroy-notify has run when the last owner is gone");
}

#[test]
fn a_client_that_was_never_connected_lets_go_of_its_servers() {
    let fake = Fake::new(vec![]);
    let tools = calculator();
    let mut client = fake.threaded().with(&tools);
    let destroyed = tools.destroyed.clone();
    drop(tools);
    client.free();
    assert_eq!(destroyed.load(Ordering::SeqCst), 1);
}

#[test]
fn freeing_a_client_waits_for_its_functions_and_tells_them_to_stop() {
    let fake = Fake::new(vec![ask("c", call_message(1, "work", json!({}))), forever()]);
    let tools = Tools::new("calc", &json!({}));
    let (running, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (began, over) = (running.clone(), ended.clone());
    tools
        .add(&json!({"name": "work"}), move |call| {
            began.store(true, Ordering::SeqCst);
            wait_until("the call is cancelled", || call.is_cancelled());
            std::thread::sleep(Duration::from_millis(100));
            over.store(true, Ordering::SeqCst);
        })
        .unwrap();
    let mut client = fake.threaded().with(&tools);
    let destroyed = tools.destroyed.clone();
    drop(tools);
    client.connect();
    client.query("go");
    wait_until("the function runs", || running.load(Ordering::SeqCst));
    client.free();
    assert!(ended.load(Ordering::SeqCst), "the function was still running");
    assert_eq!(destroyed.load(Ordering::SeqCst), 1);
}

#[test]
fn a_client_can_be_freed_inside_its_tool() {
    for mode in [claude_dispatch_t::CLAUDE_DISPATCH_THREAD, claude_dispatch_t::CLAUDE_DISPATCH_PUMP] {
        let fake = Fake::new(vec![ask("c", call_message(1, "end", json!({}))), forever()]);
        let tools = Tools::new("calc", &json!({}));
        let client = fake.client(mode).with(&tools);
        let handle = client.handle.addr();
        let freed = Arc::new(AtomicBool::new(false));
        let done = freed.clone();
        tools
            .add(&json!({"name": "end"}), move |call| {
                // SAFETY: any handle may be freed, in a callback too.
                unsafe { claude_client_free(std::ptr::without_provenance_mut(handle)) };
                assert!(call.is_cancelled());
                assert_eq!(call.finish().unwrap_err().status, claude_status_t::CLAUDE_ERR_CLOSED);
                done.store(true, Ordering::SeqCst);
            })
            .unwrap();
        let destroyed = tools.destroyed.clone();
        drop(tools);
        client.connect();
        client.query("go");
        let end = Instant::now() + PATIENCE;
        while mode == claude_dispatch_t::CLAUDE_DISPATCH_PUMP && !freed.load(Ordering::SeqCst) {
            assert!(Instant::now() < end);
            client.pump(20);
        }
        wait_until("everything is gone", || {
            freed.load(Ordering::SeqCst) && destroyed.load(Ordering::SeqCst) == 1
        });
    }
}

#[test]
fn calls_outlive_their_client_and_answer_closed() {
    let mut actions: Vec<Value> =
        (0..5).map(|n| ask(&format!("c{n}"), call_message(n, "keep", json!({})))).collect();
    actions.push(forever());
    let fake = Fake::new(actions);
    let tools = Tools::new("calc", &json!({}));
    let (kept, told): (Arc<Mutex<Vec<Call>>>, _) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let (keep, tell) = (kept.clone(), told.clone());
    tools
        .add(&json!({"name": "keep", "max_concurrency": 3}), move |call| {
            let tell = tell.clone();
            call.on_cancel(move |_| {
                tell.fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
            keep.lock().unwrap().push(call);
        })
        .unwrap();
    let mut client = fake.threaded().with(&tools);
    client.connect();
    client.query("go");
    wait_until("three calls are here", || kept.lock().unwrap().len() == 3);
    client.free();
    assert_eq!(told.load(Ordering::SeqCst), 3, "each open call is told when its client is freed");
    let calls = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!(calls.len(), 3, "a call was begun while the client was freed");
    for call in &calls {
        assert!(call.is_cancelled());
        assert_eq!(call.raw_arguments(), "{}");
        assert_eq!(call.fail("late").unwrap_err().status, claude_status_t::CLAUDE_ERR_CLOSED);
    }
    drop(calls);
    assert_eq!(tools.destroyed(), 0);
    // The places are free again: another client's calls run.
    let again = Fake::new(vec![ask("c", call_message(1, "keep", json!({}))), forever()]);
    let mut client = again.threaded().with(&tools);
    client.connect();
    client.query("go");
    wait_until("the next client's call is here", || kept.lock().unwrap().len() == 1);
    client.free();
}

#[test]
fn handles_that_are_not_valid_are_told_apart() {
    // SAFETY: handles are looked up, never read through.
    unsafe {
        let call = null_mut();
        claude_tool_call_free(call);
        claude_mcp_server_free(null_mut());
        assert_eq!(claude_tool_call_id(call), 0);
        assert!(claude_tool_call_is_cancelled(call));
        let mut len = 9;
        assert_eq!(*claude_tool_call_name(call, &raw mut len), 0);
        assert_eq!(len, 0);
        let error = null_mut();
        let invalid = claude_status_t::CLAUDE_ERR_INVALID_HANDLE;
        assert_eq!(claude_tool_call_finish(call, std::ptr::null_mut(), error), invalid);
        assert_eq!(claude_tool_call_fail(call, c"x".as_ptr(), error), invalid);
        assert_eq!(claude_tool_call_add_text(call, c"x".as_ptr(), error), invalid);
        assert_eq!(claude_tool_call_add_image(call, null_mut(), 0, c"image/png".as_ptr(), error), invalid);
        assert_eq!(claude_tool_call_progress(call, 0.0, 0.0, std::ptr::null(), error), invalid);
        let bad = claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT;
        assert_eq!(claude_tool_call_add_image(call, null_mut(), 7, c"image/png".as_ptr(), error), invalid);
        assert_eq!(claude_mcp_server_remove_tool(null_mut(), c"x".as_ptr(), error), invalid);
        assert_eq!(claude_client_add_mcp_server(null_mut(), null_mut(), error), invalid);
        static DESTROYED: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn destroy(_: *mut c_void) {
            DESTROYED.fetch_add(1, Ordering::SeqCst);
        }
        let refused =
            claude_mcp_server_add_tool(null_mut(), c"{}".as_ptr(), None, null_mut(), Some(destroy), error);
        assert_eq!((refused, DESTROYED.load(Ordering::SeqCst)), (invalid, 1));
        assert_eq!(claude_tool_call_on_cancel(call, None, null_mut(), Some(destroy), error), invalid);
        assert_eq!(DESTROYED.load(Ordering::SeqCst), 2);
        let mut server = null_mut();
        assert_eq!(claude_mcp_server_create(c"".as_ptr(), std::ptr::null(), &raw mut server, error), bad);
        assert_eq!(
            claude_mcp_server_create(c"x".as_ptr(), c"{\"a\":1}".as_ptr(), &raw mut server, error),
            bad
        );
        assert_eq!(claude_mcp_server_create(c"x".as_ptr(), std::ptr::null(), null_mut(), error), bad);
        assert!(server.is_null());
    }
}

/// What the handler of `raw` answers: the JSON-RPC response alone, a whole payload, or nothing.
unsafe extern "C" fn raw(request: *mut claude_request_t, user_data: *mut c_void) {
    // SAFETY: the texts end with a NUL and live as long as the request; the pointer is the test's counter.
    unsafe {
        (*user_data.cast::<AtomicUsize>()).fetch_add(1, Ordering::SeqCst);
        assert_eq!(claude_request_kind(request), claude_request_kind_t::CLAUDE_REQUEST_MCP);
        let text = std::ffi::CStr::from_ptr(claude_request_json(request, null_mut())).to_str().unwrap();
        let message = serde_json::from_str::<Value>(text).unwrap()["message"].clone();
        let rpc = json!({"jsonrpc": "2.0", "id": message["id"], "result": {"method": message["method"]}});
        let answer = match message["method"].as_str() {
            Some("drop") => None,
            Some("whole") => Some(json!({"mcp_response": rpc})),
            _ => Some(rpc),
        };
        if let Some(answer) = answer {
            let answer = c(&answer.to_string());
            assert_eq!(
                claude_request_respond(request, answer.as_ptr(), null_mut()),
                claude_status_t::CLAUDE_OK
            );
        }
        claude_request_free(request);
    }
}

fn rpc_message(id: i64, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

#[test]
fn a_host_may_implement_a_server_itself() {
    let fake = Fake::new(vec![
        ask_server("own", "a", rpc_message(1, "anything")),
        ask_server("own", "b", rpc_message(2, "whole")),
        ask_server("own", "c", rpc_message(3, "drop")),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let counter = Box::new(AtomicUsize::new(0));
    let pointer: *mut c_void = (&raw const *counter).cast_mut().cast();
    let mut client = fake.threaded();
    try_call(|error| unsafe {
        claude_client_add_mcp_handler(client.handle, c"own".as_ptr(), Some(raw), pointer, None, error)
    })
    .unwrap();
    let again = try_call(|error| unsafe {
        claude_client_add_mcp_handler(client.handle, c"own".as_ptr(), Some(raw), pointer, None, error)
    });
    assert_eq!(again.unwrap_err().status, claude_status_t::CLAUDE_ERR_INVALID_ARGUMENT);
    client.connect();
    client.turn("go");
    let initialize = &fake.fake.log().requests("initialize")[0];
    assert_eq!(initialize["sdkMcpServers"], json!(["own"]));
    // As with tools of the library, the CLI waits for a day.
    assert_eq!(initialize["sdkMcpServerConfigs"]["own"]["timeout"], 86_400_000);
    assert_eq!(fake.rpc("a"), json!({"jsonrpc": "2.0", "id": 1, "result": {"method": "anything"}}));
    assert_eq!(fake.rpc("b")["result"]["method"], "whole");
    let dropped = fake.rpc("c");
    assert_eq!((&dropped["id"], &dropped["error"]["code"]), (&json!(3), &json!(-32603)));
    client.free();
    assert_eq!(counter.load(Ordering::SeqCst), 3);
}

#[test]
fn tools_never_hold_up_messages_or_each_other() {
    for mode in [claude_dispatch_t::CLAUDE_DISPATCH_THREAD, claude_dispatch_t::CLAUDE_DISPATCH_INLINE] {
        let fake = Fake::new(vec![
            ask("s", call_message(1, "stuck", json!({}))),
            json!({"sleep": 100}),
            ask("c", call_message(2, "add", json!({"a": 1, "b": 1}))),
            json!({"await": "c"}),
            json!("result"),
        ]);
        let tools = calculator();
        let leave = Arc::new(AtomicBool::new(false));
        let until = leave.clone();
        tools
            .add(&json!({"name": "stuck"}), move |call| {
                wait_until("the test lets go", || until.load(Ordering::SeqCst));
                call.answer("at last");
            })
            .unwrap();
        let client = fake.client(mode).with(&tools);
        client.connect();
        client.turn("go"); // the result comes although one function is stuck
        assert_eq!(fake.rpc("c")["result"]["content"][0]["text"], "2");
        leave.store(true, Ordering::SeqCst);
        assert_eq!(fake.rpc("s")["result"]["content"][0]["text"], "at last");
    }
}

#[test]
fn answers_and_withdrawals_may_race() {
    if takes_long() {
        return;
    }
    const ROUNDS: i64 = 300;
    let mut actions = Vec::new();
    for n in 0..ROUNDS {
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": n}});
        actions.push(ask(&format!("c{n}"), call_message(n, "quick", json!({}))));
        actions.push(ask(&format!("n{n}"), cancel));
        actions.push(json!({"await": format!("n{n}")}));
    }
    actions.push(json!("result"));
    let fake = Fake::new(actions);
    let tools = Tools::new("calc", &json!({}));
    let (answered, stale, told) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (ok, late, tell) = (answered.clone(), stale.clone(), told.clone());
    tools
        .add(&json!({"name": "quick", "max_concurrency": 0}), move |call| {
            let tell = tell.clone();
            call.on_cancel(move |_| {
                tell.fetch_add(1, Ordering::SeqCst);
            })
            .unwrap();
            match call.finish() {
                Ok(()) => ok.fetch_add(1, Ordering::SeqCst),
                Err(failure) => {
                    assert_eq!(failure.status, claude_status_t::CLAUDE_ERR_STALE);
                    late.fetch_add(1, Ordering::SeqCst)
                }
            };
        })
        .unwrap();
    let mut client = fake.threaded().with(&tools);
    client.connect();
    client.turn("go");
    client.free();
    let (answered, stale, told) =
        (answered.load(Ordering::SeqCst), stale.load(Ordering::SeqCst), told.load(Ordering::SeqCst));
    let written = (0..ROUNDS).filter(|n| fake.has_answer(&format!("c{n}"))).count();
    eprintln!("{answered} answered, {stale} too late, {told} told, {written} written");
    assert_eq!(answered, written);
    assert!(answered + stale <= ROUNDS as usize);
    assert!(told <= stale, "an answered call was told that it is cancelled");
}

#[test]
fn a_function_that_waits_for_its_cancellation_is_told_when_a_disconnect_and_a_free_meet() {
    const OPEN: i64 = 400;
    let mut actions: Vec<Value> =
        (0..OPEN).map(|n| ask(&format!("c{n}"), call_message(n, "wait", json!({})))).collect();
    actions.push(forever());
    let fake = Fake::new(actions);
    let tools = Tools::new("calc", &json!({}));
    let kept: Arc<Mutex<Vec<Call>>> = Arc::default();
    let (told, blocked, let_go) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (keep, tell, enter, wake) = (kept.clone(), told.clone(), blocked.clone(), let_go.clone());
    tools
        .add(&json!({"name": "wait", "max_concurrency": 0}), move |call| {
            let (tell, woken, wake) = (tell.clone(), Arc::new(AtomicBool::new(false)), wake.clone());
            let cancelled = woken.clone();
            call.on_cancel(move |_| {
                tell.fetch_add(1, Ordering::SeqCst);
                cancelled.store(true, Ordering::SeqCst);
            })
            .unwrap();
            let mut kept = keep.lock().unwrap();
            kept.push(call);
            let is_last = kept.len() == OPEN as usize;
            drop(kept);
            if is_last {
                enter.store(true, Ordering::SeqCst);
                // It listens to this only.
                while !woken.load(Ordering::SeqCst) && !wake.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        })
        .unwrap();
    let mut client = fake.threaded().with(&tools);
    client.connect();
    client.query("go");
    wait_until("the function waits", || blocked.load(Ordering::SeqCst));
    let handle = client.handle.addr();
    let disconnecting = std::thread::spawn(move || {
        let handle = std::ptr::without_provenance_mut(handle);
        // SAFETY: any value is looked up.
        unsafe { claude_client_disconnect(handle, None, null_mut(), null_mut()) };
    });
    // The disconnect has told of one call, and has hundreds before it.
    while told.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let freed = Arc::new(AtomicBool::new(false));
    let done = freed.clone();
    let freeing = std::thread::spawn(move || {
        client.free();
        done.store(true, Ordering::SeqCst);
    });
    let in_time = eventually(Duration::from_secs(20), || freed.load(Ordering::SeqCst));
    let_go.store(true, Ordering::SeqCst);
    freeing.join().unwrap();
    disconnecting.join().unwrap();
    assert!(in_time, "claude_client_free and the function wait for each other");
    assert_eq!(told.load(Ordering::SeqCst), OPEN as usize, "each is told once");
}
