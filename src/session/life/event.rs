//! The events of a session.

use super::states::Millis;

/// Times are those of the driver's clock; an event about a CLI is about the current launch, or it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    // The host.
    /// With the time limit for the connect.
    Connect {
        limit: Millis,
    },
    /// Instead of `Connect`: the CLI is started, and waits for a claim.
    Park {
        limit: Millis,
    },
    /// A parked CLI, or one that is about to be, becomes a session.
    Claim {
        limit: Millis,
    },
    Disconnect,
    Free,
    /// No more prompts; or the run is over.
    EndInput,
    /// The whole library shuts down.
    Shutdown,
    /// A panic was caught in a call; a record does not match; hooks were not confirmed.
    Defect,

    // The transport.
    /// A child, a host transport or a record exists.
    Launched,
    LaunchFailed,
    /// The transport accepts lines.
    Opened,
    OpenFailed,
    /// `initialize` or the first prompt cannot be written.
    WriteFailed,
    /// Bytes of stdout.
    Output,
    StdoutEnded,
    /// With whether the CLI reported a flag as unknown that it could do without.
    StderrEnded {
        unknown_flag: bool,
    },
    /// The process was reaped; or the host closed its transport, or a record has ended.
    Exited,
    /// The process survived SIGKILL, or we may not kill it.
    Unended,

    // The protocol.
    /// `initialize` was answered, and its answer passed the checks.
    Answered,
    /// Hooks that the start waits for begin, or all of them have ended. Not fed when the host has set the limit itself.
    StartHooks(bool),
    /// Everything that the claim consists of was accepted.
    Claimed,
    /// The first prompt was written, or there is none.
    Begun,
    /// An answer failed the checks, or was an error: that to `initialize`, or one to the claim.
    Refused,
    /// Whether a turn is running or owed, or background work is going on.
    Turn(bool),
    /// An interrupted turn is still running at its deadline.
    Overdue {
        kill: bool,
    },

    // Time and the queue.
    Timeout(Timer),
    QueueFull,
    QueueDrained,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Limits the connect, and the claim.
    Connect,
    /// Limits the current state.
    Step,
    /// Nothing has arrived for a while after the exit: another process holds the streams open.
    Silence,
    /// Completes disconnects although output is still queued.
    Delivery,
}

/// Why a session ended that was not closed by the host. The driver supplies the text: the exit code, the last lines of stderr
/// and a last result say more if they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    Launch,
    Open,
    Write,
    /// It ended before it was ready.
    EndedEarly,
    Refused,
    Defect,
    ConnectTimeout,
    TurnOverdue,
    /// It closed its output but kept running, so it was terminated.
    Abandoned,
    /// It ended by itself, and the details of its end say why; that may be a normal end.
    Ended,
    /// It was killed but is still running.
    LivesOn,
    /// Its launch was cancelled, and has not returned.
    LaunchHangs,
}
