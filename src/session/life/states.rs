//! The states of a session and how long some of them may last.

pub type Millis = u64;

/// So long may the end of a process that does not take input be awaited: it says why.
pub const REASON_TAKES: Millis = 1_000;
/// A CLI in the midst of something that it cannot be told to leave has so long until SIGTERM.
pub const HURRY: Millis = 500;
/// After SIGKILL the system needs a moment; a process that survives this cannot be killed by anybody.
pub const KILL_TAKES: Millis = 5_000;
/// Behind the exit, so long may the streams stay silent before they are given up.
pub const SILENCE: Millis = 250;
/// Behind the exit, so long may unread output delay the end of a disconnect.
pub const DELIVERY: Millis = 1_000;

/// Their order is that of a life, as far as it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Life {
    Created,
    /// The CLI is looked for, files are written, the child is being started; nothing can be closed yet.
    Launching,
    /// The first process ended over a flag that it did not know, and is gone; the second launch is under way.
    Relaunching,
    /// A transport is there and takes no lines yet.
    Opening,
    /// `initialize` was sent.
    Initializing,
    /// A write failed, or the host's transport ended early; its end, which says why, is awaited.
    Failing,
    Ready,
    /// The CLI finishes what it has.
    InputEnded,
    /// stdout has ended and the process lives; nobody has asked for that.
    Muted,
    /// The process was reaped and its output is still being read; a slow host may take its time.
    Gone,
    /// The end was asked for while a launch is under way; what it brings is killed.
    Cancelling,
    /// The input has ended, and the CLI may take its time to leave.
    Draining,
    Terminating,
    Killing,
    /// The process was reaped, and the rest of its output is read whatever is queued.
    Flushing,
    /// Everybody was told; a child lives on, or a launch has not come back.
    Lost,
    /// Everybody was told, and nothing is left.
    Closed,
}

/// What the host is told of it.
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
    /// There is another way to launch, for a CLI that does not know a flag.
    pub older_way: bool,
}

impl Life {
    pub(super) fn is_between(self, first: Life, last: Life) -> bool {
        (first..=last).contains(&self)
    }

    /// There is a transport, and the end of what it brings has not been seen.
    pub(super) fn is_served(self) -> bool {
        self.is_between(Life::Opening, Life::Gone) || self.is_between(Life::Draining, Life::Flushing)
    }
}
