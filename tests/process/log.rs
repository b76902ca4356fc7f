//! What the log says of processes: the host that looks for a lost child reads it there.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

use claude_client::capi::runtime::claude_runtime_on_log;
use claude_client::capi::types::{claude_log_level_t, claude_status_t};
use claude_client::ffi::number::given;

use crate::support::{LONG, WaitTimeout, eventually, read_line, sh, start};

const DEBUG: i32 = 4;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[allow(clippy::disallowed_methods)] // The host's side.
unsafe extern "C" fn keep(_: claude_log_level_t, text: *const c_char, _: usize, _: *mut c_void) {
    // SAFETY: the library hands over a text that ends with a NUL.
    let text = unsafe { CStr::from_ptr(text) };
    LINES.lock().unwrap().push(text.to_string_lossy().into_owned());
}

#[test]
fn the_log_tells_of_starts_signals_and_ends() {
    // SAFETY: a function that lives as long as the process.
    let status =
        unsafe { claude_runtime_on_log(given(DEBUG), Some(keep), ptr::null_mut(), None, ptr::null_mut()) };
    assert_eq!(status, claude_status_t::CLAUDE_OK);
    let spawned = start(sh("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    assert_eq!(read_line(&spawned.stdout), "ready");
    let process = spawned.process.clone();
    process.end_within(Duration::ZERO, Duration::from_millis(300));
    process.wait_timeout(LONG).expect("it is killed");
    // The other tests' processes are in there as well.
    let number = process.pid();
    let says = |line: String| {
        let found = eventually(LONG, || LINES.lock().unwrap().contains(&line));
        assert!(found, "{line}: not in {:?}", LINES.lock().unwrap());
    };
    says(format!("started /bin/sh as process {number}"));
    says(format!("process {number} has not ended by itself and got SIGTERM"));
    says(format!("process {number} has not ended in time and was killed"));
    says(format!("process {number} was ended by signal 9"));
}
