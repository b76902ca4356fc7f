//! The handle of a running child.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::watch;

use super::tree::Root;
use super::{Exit, service};
use crate::log;
use crate::sync::{MutexGuard, lock, ranked};

/// A child process. All clones are the same child; dropping them does not end it.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    root: Root,
    state: Mutex<State>,
    exit: watch::Sender<Option<Exit>>,
    unended: watch::Sender<Option<Unended>>,
}

/// Why a child could not be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unended {
    /// This process may no longer send it signals.
    NotPermitted,
    /// It was killed and is still there: it is blocked on a device, for example.
    NoEffect,
}

/// How a child is being ended: the next step, and when each step is due.
#[derive(Debug, Clone, Copy)]
struct Ending {
    step: Step,
    /// SIGTERM. Never later than `kill`.
    terminate: Instant,
    /// SIGKILL.
    kill: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Terminate,
    Kill,
    /// It was killed, and should be gone.
    GiveUp,
}

impl Ending {
    fn new(exit: Duration, terminate: Duration) -> Ending {
        let terminate_at = after(Instant::now(), exit);
        Ending { step: Step::Terminate, terminate: terminate_at, kill: after(terminate_at, terminate) }
    }

    /// Takes the earlier of the two times for each step.
    fn hasten(&mut self, other: &Ending) {
        self.terminate = self.terminate.min(other.terminate);
        self.kill = self.kill.min(other.kill);
    }

    /// When the next step is due.
    fn due(&self) -> Instant {
        match self.step {
            Step::Terminate => self.terminate,
            Step::Kill => self.kill,
            Step::GiveUp => after(self.kill, KILL_TAKES),
        }
    }
}

/// A time beyond the clock's range becomes a year from now.
fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86400 * 365))
}

/// After SIGKILL the system needs a moment; a process that survives this cannot be killed at all.
const KILL_TAKES: Duration = Duration::from_secs(5);

struct State {
    exit: Option<Exit>,
    /// From then on the pid may be reused.
    reaped: bool,
    exit_fd: Option<Arc<OwnedFd>>,
    ending: Option<Ending>,
}

ranked!(State: Leaf);

impl Process {
    pub(super) fn new(root: Root, exit_fd: Option<OwnedFd>) -> Process {
        let exit_fd = exit_fd.map(Arc::new);
        let state = Mutex::new(State { exit: None, reaped: false, exit_fd, ending: None });
        let (exit, unended) = (watch::Sender::new(None), watch::Sender::new(None));
        Process(Arc::new(Inner { root, state, exit, unended }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    pub fn pid(&self) -> u32 {
        self.0.root.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Holds the exit once there is one.
    pub fn exited(&self) -> watch::Receiver<Option<Exit>> {
        self.0.exit.subscribe()
    }

    /// Holds the reason once it is clear that the child cannot be ended.
    pub fn unended(&self) -> watch::Receiver<Option<Unended>> {
        self.0.unended.subscribe()
    }

    /// Ends the child: SIGTERM after `exit`, SIGKILL `terminate` later. The process thread takes these steps, whatever happens
    /// to the caller. An ending under way can be brought forward, not delayed: each step is taken at the earliest time that any
    /// call has asked for.
    pub fn end_within(&self, exit: Duration, terminate: Duration) {
        if service::forked() {
            return;
        }
        let wanted = Ending::new(exit, terminate);
        let mut state = self.state();
        if state.exit.is_some() {
            return;
        }
        let before = state.ending.map(|ending| ending.due());
        let ending = state.ending.get_or_insert(wanted);
        ending.hasten(&wanted);
        if before.is_none_or(|before| ending.due() < before) {
            drop(state);
            service::look();
        }
    }

    /// Has the process thread kill the child at once, as [`Process::kill_tree`] does. Failure is reported as after
    /// [`Process::end_within`].
    pub fn kill(&self) {
        if service::forked() {
            return;
        }
        let now = Instant::now();
        let mut state = self.state();
        let was_killed = state.ending.is_some_and(|ending| ending.step == Step::GiveUp);
        if state.exit.is_some() || was_killed {
            return;
        }
        state.ending = Some(Ending { step: Step::Kill, terminate: now, kill: now });
        drop(state);
        service::look();
    }

    /// When the next step of the ending is due.
    pub(super) fn next_step(&self) -> Option<Instant> {
        self.state().ending.map(|ending| ending.due())
    }

    /// Takes the step that is due. The next one is recorded first, so that a concurrent call brings that one forward.
    pub(super) fn step(&self) {
        let Some(step) = self.take_step() else { return };
        match step {
            Step::Terminate => {
                self.terminate();
                log::info(|| format!("process {} has not ended by itself and got SIGTERM", self.pid()));
            }
            Step::Kill => {
                self.kill_tree();
                log::info(|| format!("process {} has not ended in time and was killed", self.pid()));
                if !self.may_be_signalled() {
                    self.notify_unended(Unended::NotPermitted);
                }
            }
            Step::GiveUp => self.notify_unended(Unended::NoEffect),
        }
    }

    fn take_step(&self) -> Option<Step> {
        let now = Instant::now();
        let mut state = self.state();
        let ending = state.ending.as_mut().filter(|ending| ending.due() <= now)?;
        let step = ending.step;
        match step {
            Step::Terminate => {
                // The grace period runs from the actual signal, which is late if this process was stopped.
                ending.kill = after(ending.kill, now.saturating_duration_since(ending.terminate));
                ending.step = Step::Kill;
            }
            Step::Kill => {
                ending.kill = now;
                ending.step = Step::GiveUp;
            }
            Step::GiveUp => state.ending = None,
        }
        Some(step)
    }

    fn may_be_signalled(&self) -> bool {
        rustix::process::test_kill_process(self.0.root.pid) != Err(Errno::PERM)
    }

    fn notify_unended(&self, why: Unended) {
        self.0.unended.send_if_modified(|told| told.replace(why).is_none());
        log::warning(|| match why {
            Unended::NotPermitted => format!("process {} may not be signalled by this one", self.pid()),
            Unended::NoEffect => format!("process {} was killed and has not ended", self.pid()),
        });
    }

    /// Asks the child and its group to end (`SIGTERM`).
    pub fn terminate(&self) {
        if service::forked() {
            return;
        }
        let state = self.state();
        self.signal_group(&state, Signal::TERM);
    }

    /// Kills the child, its group and every descendant, wherever it has moved to (`SIGKILL`). Blocks for the few milliseconds
    /// that it takes to scan the process table. Also works after the child has exited, on the descendants it left behind.
    pub fn kill_tree(&self) {
        if service::forked() {
            return;
        }
        // Search before the kill: descendants are found most reliably while their parents live.
        self.0.root.kill();
        let state = self.state();
        self.signal_group(&state, Signal::KILL);
    }

    /// Whether the child has been reaped, so that its pid may be reused.
    pub fn is_reaped(&self) -> bool {
        self.state().reaped
    }

    pub(super) fn root(&self) -> &Root {
        &self.0.root
    }

    pub(super) fn exit_fd(&self) -> Option<Arc<OwnedFd>> {
        self.state().exit_fd.clone()
    }

    /// The caller's lock keeps the child from being reaped meanwhile, so the pid is its own, unless the host reaps it; then the
    /// number is still the group's as long as no other process has it.
    fn signal_group(&self, state: &State, signal: Signal) {
        let pid = self.0.root.pid;
        if state.reaped && !matches!(state.exit, Some(Exit::Unknown)) {
            return;
        }
        let free = rustix::process::test_kill_process(pid) == Err(Errno::SRCH);
        let ours =
            || matches!(rustix::process::waitid(wait_id(pid, state), peek()), Ok(_) | Err(Errno::INTR));
        if free || (!state.reaped && ours()) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Records the exit, if there is one: kills what is left of the group while the unreaped child still reserves the group's
    /// number, and only then reaps it. Returns false if the child is still running.
    pub(super) fn reap(&self) -> bool {
        let mut state = self.state();
        let pid = self.0.root.pid;
        let exit = match rustix::process::waitid(wait_id(pid, &state), peek()) {
            Ok(None) | Err(Errno::INTR) => return false,
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                // macOS says more of the number that the program has passed to `exit` than programs are used to.
                (Some(code), _) => Exit::Code(code & 0xff),
                (_, Some(signal)) => Exit::Signal(signal),
                _ => Exit::Unknown,
            },
            Err(_) => Exit::Unknown,
        };
        self.signal_group(&state, Signal::KILL);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let _ = rustix::process::waitid(wait_id(pid, &state), options);
        state.reaped = true;
        state.exit_fd = None;
        // Before anyone is notified.
        self.publish(state, exit);
        true
    }

    /// Reports the exit as unknown: the child is no longer watched, though it may still run.
    pub(super) fn report_unknown_exit(&self) {
        self.publish(self.state(), Exit::Unknown);
    }

    fn publish(&self, mut state: MutexGuard<'_, State>, exit: Exit) {
        state.exit = Some(exit);
        state.ending = None;
        drop(state);
        self.0.exit.send_replace(Some(exit));
    }
}

fn peek() -> WaitIdOptions {
    WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG
}

#[cfg(target_os = "linux")]
fn wait_id(pid: Pid, state: &State) -> WaitId<'_> {
    use std::os::fd::AsFd;
    // By descriptor it cannot be mistaken for another child of the host with the same pid (from Linux 5.4).
    match &state.exit_fd {
        Some(fd) if by_descriptor() => WaitId::PidFd(fd.as_fd()),
        _ => WaitId::Pid(pid),
    }
}

#[cfg(target_os = "linux")]
fn by_descriptor() -> bool {
    use std::os::fd::AsFd;
    use std::sync::OnceLock;
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let own = rustix::process::getpid();
        let Some(fd) = super::launch::exit_descriptor(own) else { return false };
        // We are not our own child: ECHILD. A kernel that cannot wait on a descriptor says EINVAL.
        !matches!(rustix::process::waitid(WaitId::PidFd(fd.as_fd()), peek()), Err(Errno::INVAL))
    })
}

#[cfg(not(target_os = "linux"))]
fn wait_id(pid: Pid, _state: &State) -> WaitId<'_> {
    WaitId::Pid(pid)
}
