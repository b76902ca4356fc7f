//! Hooks over the life of a session with the real CLI: a second `initialize` keeps them, and the input ends after them.
#![cfg(unix)]
#![allow(clippy::disallowed_methods)] // A host reads what the library gives it.

use std::ffi::{CStr, c_char};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::eventually;
use crate::support::requests::{Host, SOON, Stage, Status, bash, status};
use claude_client::capi::client::{claude_client_connect_wait, claude_client_get_server_info};
use claude_client::capi::control::*;
use claude_client::capi::error::claude_string_free;
use claude_client::capi::talk::claude_client_end_input_after_run;
use claude_client::capi::types::{claude_dispatch_t, claude_state_t, claude_status_t};
use claude_testkit::Sandbox;
use serde_json::{Value, json};

fn read(call: impl FnOnce(*mut *mut c_char) -> claude_status_t) -> Value {
    let mut text = null_mut();
    assert_eq!(call(&mut text), Status::CLAUDE_OK);
    // SAFETY: the library's text ends with a NUL.
    let value = serde_json::from_slice(unsafe { CStr::from_ptr(text) }.to_bytes()).unwrap();
    claude_string_free(text);
    value
}

fn server_info(host: &Host) -> Value {
    // SAFETY: the outputs are variables.
    read(|text| unsafe { claude_client_get_server_info(host.client, text, null_mut()) })
}

fn reinitialize(host: &Host) -> Value {
    // SAFETY: the outputs are variables.
    read(|text| unsafe { claude_client_reinitialize_wait(host.client, 60_000, text, null_mut()) })
}

/// A host with a hook that refuses every shell command; how often it was called.
fn guarded(stage: &Stage) -> (Host, Arc<AtomicUsize>) {
    let host = Host::new(&stage.options(json!({"allowed_tools": ["Bash"]})));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    host.hook("PreToolUse", move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let no = json!({"hookEventName": "PreToolUse", "permissionDecision": "deny",
            "permissionDecisionReason": "Not here."});
        request.respond(json!({"hookSpecificOutput": no})).unwrap();
    });
    (host, calls)
}

#[test]
fn a_second_initialize_keeps_the_hooks_and_brings_fresh_news() {
    let Some(stage) = Stage::real("a_second_initialize") else { return };
    let (host, calls) = guarded(&stage);
    // SAFETY: nothing is started.
    let early = unsafe { claude_client_reinitialize_wait(host.client, 1000, null_mut(), null_mut()) };
    assert_eq!(early, Status::CLAUDE_ERR_NOT_CONNECTED);
    host.connect().unwrap();
    assert_eq!(server_info(&host)["current_permission_mode"], "default");
    host.control(json!({"subtype": "set_permission_mode", "mode": "acceptEdits"})).unwrap();
    assert_eq!(server_info(&host)["current_permission_mode"], "default", "that of the start is kept");
    let fresh = reinitialize(&host);
    assert_eq!(fresh["current_permission_mode"], "acceptEdits");
    assert_eq!(server_info(&host), fresh);
    let turn = host.turn(&bash("touch made"));
    assert!(turn.text().contains("Not here."), "{}", turn.text());
    assert!(!stage.made("made") && calls.load(Ordering::SeqCst) == 1);
    // SAFETY: plain values.
    let later = unsafe { claude_client_reinitialize(host.client, None, null_mut(), null_mut()) };
    assert_eq!(later, Status::CLAUDE_OK);
    host.turn(&bash("touch made"));
    assert!(!stage.made("made") && calls.load(Ordering::SeqCst) == 2);
}

#[test]
fn a_raw_initialize_that_would_drop_the_hooks_is_refused() {
    let Some(stage) = Stage::real("a_raw_initialize") else { return };
    let (host, calls) = guarded(&stage);
    host.connect().unwrap();
    let refused = host.control(json!({"subtype": "initialize"}));
    assert_eq!(status(&refused), Status::CLAUDE_ERR_INVALID_ARGUMENT);
    let failure = refused.unwrap_err();
    assert!(failure.json["remedy"].as_str().unwrap().contains("claude_client_reinitialize"));
    host.turn(&bash("touch made"));
    assert!(!stage.made("made") && calls.load(Ordering::SeqCst) == 1);
}

#[test]
fn edge_026_a_hook_of_a_single_prompt_is_answered_and_the_process_ends() {
    let Some(stage) = Stage::real("edge_026") else { return };
    let (host, calls) = guarded(&stage);
    let prompt = std::ffi::CString::new(bash("touch made")).unwrap();
    // SAFETY: the text is NUL-terminated.
    let connected = unsafe { claude_client_connect_wait(host.client, prompt.as_ptr(), 60_000, null_mut()) };
    assert_eq!(connected, Status::CLAUDE_OK);
    // SAFETY: plain values.
    let ending = unsafe { claude_client_end_input_after_run(host.client, null_mut()) };
    assert_eq!(ending, Status::CLAUDE_OK);
    let result = host.wait_message(|json| json["type"] == "result");
    let ends = || host.state() == claude_state_t::CLAUDE_STATE_CLOSED;
    assert!(eventually(SOON, ends), "the input did not end");
    assert!(!stage.made("made") && calls.load(Ordering::SeqCst) == 1);
    assert!(result["result"].as_str().unwrap().contains("Not here."), "{result}");
}

/// A CLI that writes on and on, and a host that would read only behind the connect.
#[test]
fn a_connect_that_runs_out_of_time_ends_behind_a_queue_that_nobody_reads() {
    let sandbox = Sandbox::new();
    let cli = sandbox.work().join("babbler");
    let frame = json!({"type": "system", "subtype": "noise", "text": "x".repeat(2000)});
    crate::support::executable(&cli, format!("#!/bin/sh\nexec yes '{frame}'\n"));
    for mode in [claude_dispatch_t::CLAUDE_DISPATCH_PULL, claude_dispatch_t::CLAUDE_DISPATCH_PUMP] {
        let options = json!({"cli_path": cli, "env": sandbox.env_json(), "env_mode": "only",
            "max_queue_bytes": 100_000, "connect_timeout_ms": 1500});
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let outcome = Host::with_mode(&options, mode).connect();
            let _ = sender.send(status(&outcome));
        });
        let outcome = ended.recv_timeout(Duration::from_secs(40));
        assert_eq!(outcome, Ok(Status::CLAUDE_ERR_TIMEOUT), "{mode:?}");
    }
}
