//! The process table through /proc.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::super::TREE_MARK;
use super::Record;

pub(crate) fn table() -> Vec<Record> {
    let Ok(directory) = fs::read_dir("/proc") else { return Vec::new() };
    directory
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(record)
        .collect()
}

fn record(pid: i32) -> Option<Record> {
    parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// A process name may contain anything, even brackets and line breaks; what follows the last bracket is the kernel's.
fn parse(pid: i32, stat: &[u8]) -> Option<Record> {
    let end = memchr::memrchr(b')', stat)?;
    let rest = std::str::from_utf8(stat.get(end + 2..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Record {
        pid,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        start: fields.get(19)?.parse().ok()?,
        zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
    })
}

/// In clock ticks since boot; zero if unknown.
pub(crate) fn start_time(pid: Pid) -> u64 {
    record(pid.as_raw_nonzero().get()).map_or(0, |record| record.start)
}

/// Whether the process was started with the mark in its environment.
pub(crate) fn carries(pid: i32, mark: &str) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(TREE_MARK.as_bytes())?.strip_prefix(b"="))
        .any(|marks| marks.split(|byte| *byte == b':').any(|one| one == mark.as_bytes()))
}

/// Kills exactly this process, not one that has reused its pid.
pub(crate) fn kill(record: &Record) {
    let Some(pid) = Pid::from_raw(record.pid) else { return };
    let same = || self::record(record.pid).is_some_and(|now| now.start == record.start);
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) if same() => {
            let _ = rustix::process::pidfd_send_signal(fd, Signal::KILL);
        }
        Err(Errno::NOSYS | Errno::PERM) if same() => {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_does_not_confuse_the_fields() {
        let mut stat = b"42 (x) S 1 1\n) R 7 8 9 0 -1 4 0 0 0 0 1 2 3 4 20 0 1 0 ".to_vec();
        stat.extend_from_slice(b"12345 99 1 18446744073709551615 0\n");
        let expected = Record { pid: 42, parent: 7, group: 8, session: 9, start: 12345, zombie: false };
        assert_eq!(parse(42, &stat), Some(expected));
        assert_eq!(parse(42, b"42 (x"), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = rustix::process::getpid();
        let found = table().into_iter().find(|record| record.pid == own.as_raw_nonzero().get()).unwrap();
        assert_eq!(found.start, start_time(own));
        assert!(found.start > 0 && !found.zombie);
    }
}
