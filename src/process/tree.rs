//! Finds every process that a child has brought forth, also those that left its group and session or lost their
//! parent, and ends them.

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

/// A process at one moment. Number and start time together never come back.
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
    /// Zero when the system did not tell.
    pub start: u64,
    pub mark: String,
}

impl Root {
    /// The members that are alive, the root among them.
    fn members(&self) -> Vec<Record> {
        let table = table();
        let host = rustix::process::getpid().as_raw_nonzero().get();
        let root = self.pid.as_raw_nonzero().get();
        let same = |record: &Record| self.start == 0 || record.start == self.start;
        // When the number has been given to somebody else, so may have been the group and the session.
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
