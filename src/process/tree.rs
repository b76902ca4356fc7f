//! Finds every descendant of a child, including those that left its group and session or lost their parent, and ends them.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::Pid;

#[cfg(target_os = "linux")]
#[path = "tree/linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "tree/macos.rs"]
mod platform;

pub(super) use platform::{carries, kill, start_time, table};

/// A process at one moment. A pid and start time together are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    pub start: u64,
    pub zombie: bool,
}

/// The child at the top of a tree.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub pid: Pid,
    /// Zero if unknown.
    pub start: u64,
    pub mark: String,
}

impl Root {
    /// The live members, including the root.
    fn members(&self) -> Vec<Record> {
        let table = table();
        let host = rustix::process::getpid().as_raw_nonzero().get();
        let root = self.pid.as_raw_nonzero().get();
        let same = |record: &Record| self.start == 0 || record.start == self.start;
        // If the pid has been reused, the group and the session may have been as well.
        let ours = table.iter().find(|record| record.pid == root).is_none_or(same);
        let mut members: HashSet<i32> = table
            .iter()
            .filter(|record| record.pid != host && record.start >= self.start)
            .filter(|record| {
                (ours && (record.pid == root || record.group == root || record.session == root))
                    || carries(record.pid, &self.mark)
            })
            .map(|record| record.pid)
            .collect();
        loop {
            let before = members.len();
            for record in &table {
                if record.pid != host && record.start >= self.start && members.contains(&record.parent) {
                    members.insert(record.pid);
                }
            }
            if members.len() == before {
                break;
            }
        }
        table.into_iter().filter(|record| !record.zombie && members.contains(&record.pid)).collect()
    }

    /// Kills the members until no new one shows up: one that was about to fork may have done so meanwhile.
    pub fn kill(&self) {
        let mut killed = HashSet::new();
        for _ in 0..20 {
            let mut fresh = false;
            for member in self.members() {
                if killed.insert((member.pid, member.start)) {
                    fresh = true;
                    kill(&member);
                }
            }
            if !fresh {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
