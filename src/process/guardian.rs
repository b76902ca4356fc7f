//! The guardian: a shell that outlives the host. When the host is killed, the system signals each child, but not the tools and
//! servers that the child had started, which may be in sessions of their own. The guardian notices the host's death by the end
//! of its stdin, gives the children a second to clean up, and kills what is left of their trees.
//!
//! It is not a child of the host, inherits no descriptor from it except the list of children, and reports its pid on the same
//! socket by which it is dismissed.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::launch::{Launcher, Prepared};
use super::pipes::socket_pair;
use super::roster::Roster;
use super::send::send;
use super::tree::Root;
use crate::log;

const SCRIPT: &str = include_str!("guardian.sh");

/// How often it is restarted after being killed.
const RESTARTS: u32 = 5;

pub(super) struct Guardian {
    /// `None` if there was no memory for it.
    roster: Option<Roster>,
    running: Option<Running>,
    starts: u32,
}

struct Running {
    socket: OwnedFd,
    /// The shell that puts the guardian into the background and ends.
    starter: Option<Pid>,
    said: Vec<u8>,
}

/// Our end of the guardian's socket, closed in a forked copy of the host: left open, it would look as if the host were alive.
static SOCKET: AtomicI32 = AtomicI32::new(-1);

/// Whether a guardian is being started, or the process is forking: a fork in the middle of a start would inherit descriptors
/// that are not recorded yet.
static IS_BUSY: AtomicBool = AtomicBool::new(false);

extern "C" fn wait_for_start() {
    while IS_BUSY.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

extern "C" fn go_on_after_fork() {
    IS_BUSY.store(false, Ordering::Release);
}

extern "C" fn close_in_fork() {
    let fd = SOCKET.swap(-1, Ordering::Relaxed);
    if fd >= 0 {
        // SAFETY: no thread of the forked child uses this descriptor.
        unsafe { libc::close(fd) };
    }
    go_on_after_fork();
}

/// Holds off forks of the process while it lives.
struct NoFork(bool);

impl NoFork {
    /// Not for ever: the host may do anything during a fork.
    fn hold() -> NoFork {
        let begin = Instant::now();
        while IS_BUSY.swap(true, Ordering::Acquire) {
            if begin.elapsed() > Duration::from_secs(1) {
                return NoFork(false);
            }
            std::thread::yield_now();
        }
        NoFork(true)
    }
}

impl Drop for NoFork {
    fn drop(&mut self) {
        if self.0 {
            go_on_after_fork();
        }
    }
}

impl Guardian {
    pub fn new() -> Guardian {
        // Early: a fork already under way would not run the handlers.
        watch_forks();
        Guardian { roster: Roster::new().ok(), running: None, starts: 0 }
    }

    /// Readable when the guardian has sent something or exited.
    pub fn socket(&self) -> Option<&OwnedFd> {
        self.running.as_ref().map(|running| &running.socket)
    }

    /// Announces a child that is about to be started, so that there is never a moment in which nothing would end it.
    pub fn expect(&mut self, launcher: &Launcher, mark: &str) {
        if let Some(roster) = &mut self.roster {
            roster.expect(mark);
        }
        if self.running.is_none() {
            self.start(launcher);
        }
    }

    /// Has the guardian end this tree if the host dies.
    pub fn watch(&mut self, root: &Root) {
        if let Some(roster) = &mut self.roster {
            roster.started(root);
        }
    }

    pub fn forget(&mut self, mark: &str) {
        if let Some(roster) = &mut self.roster {
            roster.forget(mark);
        }
    }

    /// Reads what it has sent; restarts it if it has exited.
    pub fn listen(&mut self, launcher: &Launcher) {
        let Some(running) = &mut self.running else { return };
        if running.listen() {
            return;
        }
        self.discard();
        if self.roster.as_ref().is_some_and(|roster| !roster.is_empty()) {
            log::warning(|| "the guardian process has gone before its time".to_owned());
            self.start(launcher);
        }
    }

    /// Dismisses it. Returns whether it has exited.
    pub fn stop(&mut self, deadline: Instant) -> bool {
        let Some(running) = &mut self.running else { return true };
        running.send_away();
        let mut gone = running.wait_for_end(deadline);
        if let (false, Some(pid)) = (gone, running.pid()) {
            // It still holds the socket, so the pid is still its own.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            gone = running.wait_for_end(Instant::now() + Duration::from_millis(200));
        }
        self.discard();
        gone
    }

    fn start(&mut self, launcher: &Launcher) {
        let Some(roster) = &self.roster else { return };
        // As pid 1 of a container, the host takes everything with it anyway, and would inherit the guardian.
        let first = rustix::process::getpid() == Pid::INIT;
        if self.starts > RESTARTS || first {
            return;
        }
        self.starts += 1;
        let no_fork = NoFork::hold();
        let started = Running::start(launcher, roster);
        if let Ok(running) = &started {
            SOCKET.store(running.socket.as_raw_fd(), Ordering::Relaxed);
        }
        // The log callback is the host's, and may fork.
        drop(no_fork);
        match started {
            Ok(running) => self.running = Some(running),
            Err(errno) => log::warning(|| format!("the guardian process cannot be started: {errno}")),
        }
    }

    fn discard(&mut self) {
        SOCKET.store(-1, Ordering::Relaxed);
        if let Some(mut running) = self.running.take() {
            running.reap();
        }
    }
}

fn watch_forks() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the functions stay loaded, and only do what is allowed around a fork and in a forked child.
        unsafe {
            libc::pthread_atfork(Some(wait_for_start), Some(go_on_after_fork), Some(close_in_fork));
        }
    });
}

impl Running {
    fn start(launcher: &Launcher, roster: &Roster) -> Result<Running, Errno> {
        let (socket, theirs) = socket_pair()?;
        let stdout = rustix::io::fcntl_dupfd_cloexec(&theirs, 3)?;
        let list = rustix::io::fcntl_dupfd_cloexec(roster.file(), 3)?;
        let launched = launcher
            .launch(&shell(), &[theirs, stdout, list])
            .map_err(|refused| Errno::from_raw_os_error(refused.errno))?;
        Ok(Running { socket, starter: Some(launched.pid), said: Vec::new() })
    }

    fn send_away(&self) {
        let _ = send(&self.socket, b"quit\n");
    }

    /// Returns false if it has exited.
    fn listen(&mut self) -> bool {
        let mut buffer = [0u8; 64];
        loop {
            match rustix::net::recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return false,
                Ok((_, length)) => self.said.extend_from_slice(&buffer[..length.min(buffer.len())]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return false,
            }
        }
        // Once the pid has been reported, the starter is done.
        if self.pid().is_some() {
            self.reap_starter();
        }
        true
    }

    fn pid(&self) -> Option<Pid> {
        let line = self.said.strip_suffix(b"\n")?;
        Pid::from_raw(std::str::from_utf8(line).ok()?.parse().ok()?)
    }

    fn wait_for_end(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.listen() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let timeout = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos() as _ };
            let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&timeout));
        }
    }

    fn reap_starter(&mut self) {
        if let Some(starter) = self.starter.take() {
            let wait = || rustix::process::waitid(WaitId::Pid(starter), WaitIdOptions::EXITED);
            while matches!(wait(), Err(Errno::INTR)) {}
        }
    }

    fn reap(&mut self) {
        if let (Some(starter), None) = (self.starter, self.pid()) {
            // It closed the socket without reporting a pid: it has failed, or was stopped half-way.
            let _ = rustix::process::kill_process(starter, Signal::KILL);
        }
        self.reap_starter();
        // If the host adopts orphans (a subreaper), the guardian is its child after all.
        let Some(pid) = self.pid() else { return };
        let ended =
            || rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        for _ in 0..50 {
            if !matches!(ended(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn shell() -> Prepared {
    let text = |text: &str| CString::new(text).unwrap_or_default();
    let host = std::process::id().to_string();
    let args = ["sh", "-c", SCRIPT, "claude-guardian", &host].map(text).to_vec();
    Prepared::detached(c"/bin/sh".to_owned(), args, vec![text("LC_ALL=C")])
}
