//! Clients that go while their record is still being read.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use claude_client::capi::client::claude_client_connect;
use serde_json::{Value, json};

use crate::common::{MODES, session_record};
use crate::support::alone;
use crate::support::handle::Handle;

/// The shipped record with a line of so many bytes, which takes a while to read and shows where it is kept.
fn record_with(bytes: usize, folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(session_record()).unwrap();
    let (rest, end) = text.trim_end().rsplit_once('\n').unwrap();
    let large =
        json!({"t_us": 2_660_824, "dir": "in", "line": {"type": "system", "text": "x".repeat(bytes)}});
    let path = folder.join("large.ndjson");
    std::fs::write(&path, format!("{rest}\n{large}\n{end}\n")).unwrap();
    path
}

fn connecting(options: &Value, mode: usize) -> Handle {
    let handle = Handle::with_mode(options, MODES[mode]).unwrap();
    // SAFETY: no prompt, and nobody is told.
    handle
        .call(|client, error| unsafe { claude_client_connect(client, null(), None, null_mut(), error) })
        .unwrap();
    handle
}

#[test]
fn a_disconnect_while_the_record_is_read_is_done_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = json!({"replay": {"path": record_with(1 << 20, folder.path())}});
    for (mode, _) in MODES.iter().enumerate() {
        for pause_ms in [0, 0, 1, 3, 8] {
            let handle = connecting(&options, mode);
            std::thread::sleep(Duration::from_millis(pause_ms));
            let start = Instant::now();
            handle.disconnect().unwrap_or_else(|failure| panic!("mode {mode}, {pause_ms} ms: {failure:?}"));
            // What cannot be ended is waited for for seconds.
            assert!(start.elapsed() < Duration::from_secs(3), "mode {mode}, {pause_ms} ms");
            handle.free();
        }
    }
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_client_that_is_freed_while_its_record_is_read_leaves_no_memory() {
    if !alone(module_path!(), "a_client_that_is_freed_while_its_record_is_read_leaves_no_memory") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = json!({"replay": {"path": record_with(4 << 20, folder.path())}});
    let round = |mode| connecting(&options, mode).free();
    (0..8).for_each(|count| round(count % MODES.len()));
    let before = resident_kilobytes();
    (0..40).for_each(|count| round(count % MODES.len()));
    let after = resident_kilobytes();
    // A record that is kept each time is 160 MB.
    assert!(after < before + 60_000, "{before} kB before, {after} kB after");
}
