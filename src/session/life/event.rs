//! What can happen to a session.

use super::states::Millis;

/// Times are those of the driver's clock; what is told of a CLI is told of the launch that is under way, or it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    // The host.
    /// With how much time the session may take to begin.
    Connect {
        limit: Millis,
    },
    Disconnect,
    Free,
    /// No more prompts; or the run is over.
    EndInput,
    /// The whole library ends.
    Shutdown,
    /// A defect was caught in a call; a record does not fit; hooks were not confirmed.
    Defect,

    // The transport.
    /// A child, the host's transport or a record is there.
    Launched,
    LaunchFailed,
    /// It takes lines.
    Opened,
    OpenFailed,
    /// `initialize` or the first prompt cannot be written.
    WriteFailed,
    /// Bytes of stdout.
    Output,
    StdoutEnded,
    /// With whether the CLI named a flag that it does not know and could do without.
    StderrEnded {
        unknown_flag: bool,
    },
    /// The process was reaped; or the host closed its transport, or a record has ended.
    Exited,
    /// The process was killed and lives on, or may not be killed.
    Unended,

    // The protocol.
    /// `initialize` was answered, and the checks of the answer passed.
    Answered,
    /// The first prompt was written, or there is none.
    Begun,
    /// The checks did not pass, or the answer was an error.
    Refused,
    /// Whether a turn runs or is owed, or something goes on in the background.
    Turn(bool),
    /// An interrupted turn, which runs still, has outlived its deadline.
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
    /// The session has to have begun.
    Connect,
    /// The present state is left.
    Step,
    /// Behind the exit nothing more came for a while: somebody else holds the streams open.
    Silence,
    /// Whoever disconnects is told, though output waits.
    Delivery,
}

/// Why a session ended that nobody has asked to end. The words for it are the driver's: the exit code, the last lines of stderr
/// and a last result say more where they are known.
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
    /// It closed its output and lived on, so it was ended.
    Abandoned,
    /// By itself, and whatever is known of its end says why; it may be as it should be.
    Ended,
    /// It was killed, and lives.
    LivesOn,
    /// Its start was given up, and has not come back.
    LaunchHangs,
}
