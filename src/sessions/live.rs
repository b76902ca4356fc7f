//! Which sessions a CLI has open now: it keeps a mark of itself in `sessions/PID.json` while it runs.

use std::path::Path;

use serde_json::Value;

use super::files;
use super::regions::text;
use crate::protocol::tolerant;

/// A running CLI.
pub struct Live {
    pub session_id: String,
    pub pid: u32,
    pub status: Option<String>,
}

/// The CLIs that run with this folder. Marks left behind by killed ones are skipped.
pub fn all(config_dir: &Path) -> Vec<Live> {
    let entries = std::fs::read_dir(config_dir.join("sessions")).into_iter().flatten().flatten();
    let marks = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        read(name.strip_suffix(".json")?.parse().ok()?, &files::document(&entry.path())?)
    });
    marks.collect()
}

fn read(pid: u32, mark: &[u8]) -> Option<Live> {
    let session_id = text(mark, "sessionId")?;
    let started = tolerant::line(mark).get("procStart").cloned().unwrap_or_default();
    is_running(pid, &started).then(|| Live { session_id, pid, status: text(mark, "status") })
}

/// Whether the process exists, and is the one that wrote the mark: process ids are reused.
fn is_running(pid: u32, started: &Value) -> bool {
    is_there(pid) && start_of(pid).is_none_or(|actual| matches(started, actual))
}

#[cfg(unix)]
fn is_there(pid: u32) -> bool {
    let Some(process) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    match rustix::process::test_kill_process(process) {
        Ok(()) => true,
        Err(cause) => cause == rustix::io::Errno::PERM,
    }
}

#[cfg(windows)]
use crate::process::is_running as is_there;

fn matches(started: &Value, actual: u64) -> bool {
    let written = started.as_u64().or_else(|| started.as_str()?.trim().parse().ok());
    written.is_none_or(|written| written == actual)
}

/// When it was started, in ticks since boot; only Linux has it in a file.
fn start_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let behind_name = status.rsplit_once(") ")?.1;
    behind_name.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_while_its_process_runs() {
        let pid = std::process::id();
        let start = start_of(pid);
        let mark = |started: &str| {
            format!(r#"{{"pid":{pid},"sessionId":"s","status":"idle","procStart":{started}}}"#)
        };
        let is_live = |started: &str| read(pid, mark(started).as_bytes()).is_some();
        assert!(is_live("\"Mon Nov 30 2026\"") && is_live("null"));
        if let Some(start) = start {
            assert!(is_live(&start.to_string()) && is_live(&format!("\"{start}\"")));
            assert!(!is_live("1"), "another process had this number before");
        }
        assert!(
            read(u32::MAX, mark("null").as_bytes()).is_none() && read(0, mark("null").as_bytes()).is_none()
        );
        assert!(read(pid, b"{\"sessionId\":").is_none());
    }
}
