//! What the process has of the system: threads, descriptors, children.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::raw::{exit_now, set_variable};

pub const MARK: &str = "CHAOS_MARK";

/// Descendants inherit it, wherever they go.
pub fn mark() {
    set_variable(MARK, &std::process::id().to_string());
}

/// A client without options takes both from this process: neither the user's home nor their CLI is meant.
pub fn stay_inside(folder: &Path) {
    let inside = |name: &str| folder.join(name).display().to_string();
    set_variable("HOME", &inside("home"));
    set_variable("CLAUDE_CLIENT_CLI", &inside("no-claude"));
}

/// A child of the driver's own, which stays.
static EXPECTED: AtomicU32 = AtomicU32::new(0);

pub fn expect(child: u32) {
    EXPECTED.store(child, Ordering::Relaxed);
}

pub fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// What each descriptor leads to; the one that reads the folder is not there any more.
pub fn descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some(format!("{:?} {:?}", entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .filter(|line| !line.contains("/proc/"))
        .collect()
}

/// Processes that come from this one, and what they are. Those that have ended and wait to be reaped have no environment:
/// they count when they are children of this process.
pub fn descendants() -> Vec<String> {
    let own = std::process::id();
    let marked = format!("{MARK}={own}\0");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        if id == own || id == EXPECTED.load(Ordering::Relaxed) {
            continue;
        }
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let stat = String::from_utf8_lossy(&read("stat")).into_owned();
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok());
        let environment = read("environ");
        let is_marked = environment.windows(marked.len()).any(|part| part == marked.as_bytes());
        if is_marked || parent == Some(own) {
            let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            found.push(format!("{id} {} {line}", stat.split(' ').nth(2).unwrap_or_default()));
        }
    }
    found
}

/// Waits until it holds; what is there instead when the time is over.
pub fn wait_until<T>(time: Duration, look: impl Fn() -> T, holds: impl Fn(&T) -> bool) -> Result<T, T> {
    let end = Instant::now() + time;
    loop {
        let seen = look();
        if holds(&seen) {
            return Ok(seen);
        }
        if Instant::now() > end {
            return Err(seen);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends with a line on what is wrong with the command.
pub fn refuse(text: &str) -> ! {
    eprintln!("claude-chaos: {text}");
    exit_now(2)
}
