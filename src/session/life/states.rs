//! The states of a session, and how long some of them may last.

pub type Millis = u64;

/// How long to wait for the exit after a failed write: the exit says why.
pub const REASON_TAKES: Millis = 1_000;
/// How long a CLI that is in a turn but can no longer be interrupted has until SIGTERM.
pub const HURRY: Millis = 500;
/// The system needs a moment after SIGKILL; a process that survives this cannot be killed at all.
pub const KILL_TAKES: Millis = 5_000;
/// After the exit, how long the streams may be silent before we stop reading them.
pub const SILENCE: Millis = 250;
/// After the exit, how long unread output may delay the completion of a disconnect.
pub const DELIVERY: Millis = 1_000;

/// How long the hooks of a start may run, all in all, without counting against the limit of the connect.
pub const HOOKS_TAKE: Millis = 600_000;

/// Ordered along a session's life, as far as that is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Life {
    Created,
    /// The CLI is being located, files written, the child started; nothing can be closed yet.
    Launching,
    /// The first process exited over an unknown flag; the second launch is in progress.
    Relaunching,
    /// The transport exists but does not accept lines yet.
    Opening,
    /// `initialize` was sent.
    Initializing,
    /// A write failed, or the host's transport ended early; waiting for its end, which says why.
    Failing,
    /// A spare that is ready, and waits for a claim without a limit.
    Parked,
    /// The claim was sent.
    Claiming,
    Ready,
    /// The CLI finishes its remaining work.
    InputEnded,
    /// stdout has ended but the process is running; nobody requested that.
    Muted,
    /// The process was reaped and its output is still being read; a slow host may take its time.
    Gone,
    /// The end was requested during a launch; the launched process is killed.
    Cancelling,
    /// The input has ended, and the CLI has its grace period to exit.
    Draining,
    Terminating,
    Killing,
    /// The process was reaped, and the rest of its output is read even beyond the queue's bound.
    Flushing,
    /// Everybody was notified; a child is still running, or a launch has not returned.
    Lost,
    /// Everybody was notified, and nothing is left.
    Closed,
}

/// The public view of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Created,
    Connecting,
    Connected,
    Closing,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Config {
    /// From the end of input to SIGTERM.
    pub exit: Millis,
    /// From SIGTERM to SIGKILL.
    pub terminate: Millis,
    /// There is an alternative launch, for a CLI that does not know a flag.
    pub older_way: bool,
}

impl Life {
    pub(super) fn is_between(self, first: Life, last: Life) -> bool {
        (first..=last).contains(&self)
    }

    /// There is a transport, and its end has not been seen.
    pub(super) fn is_served(self) -> bool {
        self.is_between(Life::Opening, Life::Gone) || self.is_between(Life::Draining, Life::Flushing)
    }
}
