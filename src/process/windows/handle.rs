//! The handle of a running child.

use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use windows_sys::Win32::System::Threading::GetExitCodeProcess;

use super::job::Job;
use super::service;
use crate::log;
use crate::process::Exit;
use crate::sync::{lock, ranked};

/// A child process. All clones are the same child; dropping them does not end it.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    pid: u32,
    process: OwnedHandle,
    state: Mutex<State>,
    exit: watch::Sender<Option<Exit>>,
    unended: watch::Sender<Option<Unended>>,
}

struct State {
    /// Gone once the child has ended: its end is that of all that it started.
    job: Option<Job>,
    /// When an end by force that has had no effect is reported.
    give_up: Option<Instant>,
}

ranked!(State: Leaf);

/// Why a child could not be ended: it was killed and is still there, blocked on a device for example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unended {
    NoEffect,
}

/// After the end by force the system needs a moment; a process that survives this cannot be ended at all.
const KILL_TAKES: Duration = Duration::from_secs(5);

impl Process {
    pub(super) fn new(pid: u32, process: OwnedHandle, job: Job) -> Process {
        let state = Mutex::new(State { job: Some(job), give_up: None });
        let (exit, unended) = (watch::Sender::new(None), watch::Sender::new(None));
        Process(Arc::new(Inner { pid, process, state, exit, unended }))
    }

    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Holds the exit once there is one.
    pub fn exited(&self) -> watch::Receiver<Option<Exit>> {
        self.0.exit.subscribe()
    }

    /// Holds the reason once it is clear that the child cannot be ended.
    pub fn unended(&self) -> watch::Receiver<Option<Unended>> {
        self.0.unended.subscribe()
    }

    /// Windows knows no polite request to a program without a window, other than the end of its input: this is the end by force.
    pub fn terminate(&self) {
        self.kill();
    }

    /// Ends the child with everything that it started. Does not wait.
    pub fn kill(&self) {
        let mut state = lock(&self.0.state);
        let Some(job) = &state.job else { return };
        job.terminate();
        let is_first = state.give_up.is_none();
        state.give_up.get_or_insert_with(|| Instant::now() + KILL_TAKES);
        drop(state);
        if is_first {
            log::info(|| format!("process {} has not ended by itself and was ended by force", self.pid()));
            service::look();
        }
    }

    /// As [`Process::kill`].
    pub fn kill_tree(&self) {
        self.kill();
    }

    /// Whether the child has ended, so that its pid may be reused.
    pub fn is_reaped(&self) -> bool {
        self.0.exit.borrow().is_some()
    }

    pub(super) fn raw(&self) -> windows_sys::Win32::Foundation::HANDLE {
        self.0.process.as_raw_handle()
    }

    pub(super) fn give_up_at(&self) -> Option<Instant> {
        lock(&self.0.state).give_up.filter(|_| self.0.unended.borrow().is_none())
    }

    /// It was ended by force some time ago.
    pub(super) fn notify_unended(&self) {
        self.0.unended.send_replace(Some(Unended::NoEffect));
        log::warning(|| format!("process {} was ended by force and is still there", self.pid()));
    }

    /// Records the end, and ends what the child has left behind.
    pub(super) fn record_exit(&self) -> Exit {
        let mut code = 0;
        // SAFETY: the handle is open, and the number is writable.
        let known = unsafe { GetExitCodeProcess(self.raw(), &mut code) } != 0;
        let exit = if known { Exit::Code(code.cast_signed()) } else { Exit::Unknown };
        self.publish(exit);
        exit
    }

    /// The child is no longer watched.
    pub(super) fn abandon(&self) {
        self.publish(Exit::Unknown);
    }

    fn publish(&self, exit: Exit) {
        let job = lock(&self.0.state).job.take();
        drop(job);
        self.0.exit.send_if_modified(|told| told.replace(exit).is_none());
    }
}
