//! Processes as the system shows them, found by other means than the library's own.

use std::fs;
use std::time::Duration;

use super::within;

/// Set by a test for everything that its sessions start.
pub const MARK: &str = "FAULT_TEST_MARK";

/// Unlike any other in the system.
pub fn new_mark(test: &str) -> String {
    format!("{test}-{}", uuid::Uuid::new_v4())
}

fn numbers() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc can be read").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of /proc/PID/stat behind the name: the state first, then the parent.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| !matches!(fields[0].as_str(), "Z" | "X"))
}

/// The running processes that inherited the mark.
pub fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    };
    numbers().filter(carries).filter(|pid| runs(*pid)).collect()
}

/// Everything below a process, zombies too.
pub fn descendants(root: u32) -> Vec<u32> {
    let table: Vec<(u32, u32)> =
        numbers().filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?))).collect();
    let mut found = vec![root];
    loop {
        let before = found.len();
        for (pid, parent) in &table {
            if found.contains(parent) && !found.contains(pid) {
                found.push(*pid);
            }
        }
        if found.len() == before {
            return found.split_off(1);
        }
    }
}

/// The words of a process's command line.
pub fn command_line(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

/// Fails when any of these still runs after `time`.
pub fn assert_gone(time: Duration, what: &str, list: impl Fn() -> Vec<u32>) {
    let gone = within(time, || list().is_empty());
    let left: Vec<String> = list().iter().map(|pid| format!("{pid}: {}", command_line(*pid))).collect();
    assert!(gone || left.is_empty(), "{what}: still there after {time:?}:\n{}", left.join("\n"));
}

/// The running guardians of a host.
pub fn guardian_of(host: u32) -> Vec<u32> {
    let end = format!("\0claude-guardian\0{host}\0");
    let is_guardian = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(end.as_bytes()))
            && runs(*pid)
    };
    numbers().filter(is_guardian).collect()
}
