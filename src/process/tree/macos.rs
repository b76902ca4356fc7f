//! The process table through libproc.

use rustix::process::{Pid, Signal};

use super::super::TREE_MARK;
use super::Record;

const ZOMBIE: u32 = 5;

pub(crate) fn table() -> Vec<Record> {
    let mut pids = vec![0 as libc::pid_t; 4096];
    loop {
        let bytes = size_of_val(pids.as_slice()) as libc::c_int;
        // SAFETY: the buffer has this many bytes.
        let used = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
        let count = usize::try_from(used).unwrap_or(0);
        if count < pids.len() {
            pids.truncate(count);
            return pids.into_iter().filter_map(record).collect();
        }
        pids.resize(pids.len() * 2, 0);
    }
}

fn record(pid: i32) -> Option<Record> {
    // SAFETY: a plain C struct, for which zero is valid; the kernel fills in at most the size passed.
    let info = unsafe {
        let mut info: libc::proc_bsdinfo = std::mem::zeroed();
        let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
        let filled = libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size);
        (filled == size).then_some(info)?
    };
    let session =
        rustix::process::getsid(Pid::from_raw(pid)).map_or(0, |session| session.as_raw_nonzero().get());
    Some(Record {
        pid,
        parent: info.pbi_ppid.cast_signed(),
        group: info.pbi_pgid.cast_signed(),
        session,
        start: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        zombie: info.pbi_status == ZOMBIE,
    })
}

/// In microseconds; zero if unknown.
pub(crate) fn start_time(pid: Pid) -> u64 {
    record(pid.as_raw_nonzero().get()).map_or(0, |record| record.start)
}

/// Whether the process was started with the mark in its environment.
pub(crate) fn carries(pid: i32, mark: &str) -> bool {
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid];
    let mut buffer = vec![0u8; 1 << 20];
    let mut length = buffer.len();
    // SAFETY: name and buffer are passed with their own lengths; nothing is set.
    let result = unsafe {
        libc::sysctl(name.as_mut_ptr(), 3, buffer.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0)
    };
    result == 0
        && buffer[..length]
            .split(|byte| *byte == 0)
            .filter_map(|entry| entry.strip_prefix(TREE_MARK.as_bytes())?.strip_prefix(b"="))
            .any(|marks| marks.split(|byte| *byte == b':').any(|one| one == mark.as_bytes()))
}

/// Kills this process, unless its pid has been reused since.
pub(crate) fn kill(record: &Record) {
    if let Some(pid) = Pid::from_raw(record.pid)
        && start_time(pid) == record.start
    {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}
