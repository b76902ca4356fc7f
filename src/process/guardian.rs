//! The guardian: a shell that outlives the host. When the host is killed, the system tells each child to end, but not
//! the tools and servers that the child had started, which may sit in sessions of their own. The guardian sees the host
//! die by the end of its stdin, gives the children a second to tidy up, and kills what is left of their trees.
//!
//! It is no child of the host, holds no descriptor of it but the list of its children, and says its number on the same socket
//! by which it is sent away.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::launch::{Launcher, Prepared};
use super::pipes::socket_pair;
use super::roster::Roster;
use super::tree::Root;

const SCRIPT: &str = include_str!("guardian.sh");

/// How often it is started again when somebody has killed it.
const RESTARTS: u32 = 5;

pub(super) struct Guardian {
    /// `None` when the system gave no memory for it.
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

/// Our end of the guardian's socket, for a forked copy of the host to close: it would look like the host living on.
static SOCKET: AtomicI32 = AtomicI32::new(-1);

/// Whether a guardian is being started, or the process copied: a copy that is made in the midst of a start would hold
/// descriptors that nobody has noted yet.
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
        // SAFETY: the copy has no thread that uses this descriptor.
        unsafe { libc::close(fd) };
    }
    go_on_after_fork();
}

/// No copy of the process is made while this lives.
struct NoFork(bool);

impl NoFork {
    /// Not for ever: the host may do anything in the midst of a fork.
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
        // Early: a copy that is under way already would not be told.
        watch_forks();
        Guardian { roster: Roster::new().ok(), running: None, starts: 0 }
    }

    /// Readable when the guardian has something to say, or has gone.
    pub fn socket(&self) -> Option<&OwnedFd> {
        self.running.as_ref().map(|running| &running.socket)
    }

    /// Announces a child that is about to be started, so that there is no moment in which nobody would end it.
    pub fn expect(&mut self, launcher: &Launcher, mark: &str) {
        if let Some(roster) = &mut self.roster {
            roster.expect(mark);
        }
        if self.running.is_none() {
            self.start(launcher);
        }
    }

    /// Has it end this tree if the host dies.
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

    /// Takes note of what it said; starts it again if it has gone.
    pub fn listen(&mut self, launcher: &Launcher) {
        let Some(running) = &mut self.running else { return };
        if running.listen() {
            return;
        }
        self.discard();
        if self.roster.as_ref().is_some_and(|roster| !roster.is_empty()) {
            self.start(launcher);
        }
    }

    /// Sends it away. Returns whether it has gone.
    pub fn stop(&mut self, deadline: Instant) -> bool {
        let Some(running) = &mut self.running else { return true };
        running.send_away();
        let mut gone = running.wait_for_end(deadline);
        if let (false, Some(pid)) = (gone, running.pid()) {
            // It has not let go of the socket, so the number is still its own.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            gone = running.wait_for_end(Instant::now() + Duration::from_millis(200));
        }
        self.discard();
        gone
    }

    fn start(&mut self, launcher: &Launcher) {
        let Some(roster) = &self.roster else { return };
        // As the first process of a container the host takes everything with it anyway, and would inherit the guardian.
        let first = rustix::process::getpid() == Pid::INIT;
        if self.starts > RESTARTS || first {
            return;
        }
        self.starts += 1;
        let _no_fork = NoFork::hold();
        if let Ok(running) = Running::start(launcher, roster) {
            SOCKET.store(running.socket.as_raw_fd(), Ordering::Relaxed);
            self.running = Some(running);
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
        // SAFETY: the functions stay loaded, and only do what is allowed around a fork and in a forked process.
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
        #[cfg(target_os = "linux")]
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        #[cfg(not(target_os = "linux"))]
        let flags = SendFlags::DONTWAIT;
        let _ = rustix::net::send(&self.socket, b"quit\n", flags);
    }

    /// Returns false when it has gone.
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
        // Having said the number, the starter has nothing left to do.
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
            // It said nothing and let go of the socket: it has failed, or somebody has stopped it half-way.
            let _ = rustix::process::kill_process(starter, Signal::KILL);
        }
        self.reap_starter();
        // A host that adopts orphans (a subreaper) has the guardian for a child after all.
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
