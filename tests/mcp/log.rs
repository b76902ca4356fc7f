//! What the log says of a session with tools: which CLI it has, how that was found and how it ended, and what a server refuses. What
//! the model passes to a tool stays out of it.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use claude_client::capi::runtime::claude_runtime_on_log;
use claude_client::capi::types::{claude_log_level_t, claude_status_t};
use claude_client::ffi::number::given;
use serde_json::json;

use crate::common::*;
use crate::support::PATIENCE;

const DEBUG: i32 = 4;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[allow(clippy::disallowed_methods)] // The host's side.
unsafe extern "C" fn keep(_: claude_log_level_t, text: *const c_char, _: usize, _: *mut c_void) {
    // SAFETY: the library passes a text that ends with a NUL.
    let text = unsafe { CStr::from_ptr(text) };
    LINES.lock().unwrap().push(text.to_string_lossy().into_owned());
}

#[track_caller]
fn says(line: &str) {
    let start = Instant::now();
    while !LINES.lock().unwrap().iter().any(|known| known.contains(line)) {
        assert!(start.elapsed() < PATIENCE, "{line}: not in {:#?}", LINES.lock().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_log_tells_of_the_cli_and_of_refused_requests_without_their_arguments() {
    // SAFETY: a function that lives as long as the process.
    let status =
        unsafe { claude_runtime_on_log(given(DEBUG), Some(keep), ptr::null_mut(), None, ptr::null_mut()) };
    assert_eq!(status, claude_status_t::CLAUDE_OK);
    let fake = Fake::new(vec![
        ask("misfit", call_message(1, "add", json!({"a": "MY-SECRET", "b": 2}))),
        ask("unknown", call_message(2, "subtract", json!({"a": "MY-SECRET"}))),
        json!({"await": "all"}),
        json!("result"),
    ]);
    let client = fake.threaded().with(&calculator());
    client.connect();
    client.turn("go");
    drop(client);
    let cli = fake.fake.path().display().to_string();
    says(&format!("the CLI is {cli}, found by "));
    says(&format!("started {cli} as process "));
    says("the arguments of a call of add do not fit its schema");
    says("the CLI calls subtract, which the server calc has not");
    says("the session has ended");
    let lines = LINES.lock().unwrap();
    assert!(!lines.iter().any(|line| line.contains("MY-SECRET")), "{lines:#?}");
}
