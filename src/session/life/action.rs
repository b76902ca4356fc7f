//! The actions that follow from an event.

use super::event::Cause;

/// The actions of one event are performed in order, after those of earlier events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `older`: for a CLI that did not understand the first launch. `Launched` or `LaunchFailed` always follows.
    Launch {
        older: bool,
    },
    /// The child is killed once it has been launched; the sooner the launch returns, the better.
    AbandonLaunch,
    /// `Opened` or `OpenFailed` follows, or the end of the transport.
    Open,
    /// `Answered`, `Refused` or `WriteFailed` follows, or the end.
    SendInitialize,
    /// `Claimed` or `Refused` follows, or the end.
    SendClaim,
    /// `Begun` or `WriteFailed` follows.
    SendFirstPrompt,
    /// Abandons the turn, and starts no queued prompt.
    Interrupt,
    EndInput,
    /// SIGTERM; a host transport is closed.
    Terminate,
    /// Includes everything that the child has started. `Exited` or `Unended` follows.
    Kill,
    HoldReading,
    ResumeReading,
    /// Nothing more is read, whatever arrives.
    StopReading,
    /// Fails the requests to the first launch, which will not be answered; more may follow.
    FailOpenRequests,
    /// In both directions, for good. The resulting refusals are written before the input ends.
    CloseRequests,
    RemoveFiles,
    WarnStartedAgain,
    /// A spare is parked by then.
    CompleteConnect,
    /// `None`: the host ended the session before the connect completed.
    FailConnect(Option<Cause>),
    CompleteClaim,
    /// As `FailConnect`.
    FailClaim(Option<Cause>),
    /// `left`: what could not be ended, for the caller of the disconnect.
    CompleteDisconnects {
        of: Completions,
        left: Option<Cause>,
    },
    /// The last event for the host. `None`: the session ended because the host asked for it.
    QueueClosed(Option<Cause>),
    /// Everybody was notified; threads waiting for that may continue.
    ReleaseWaiters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completions {
    /// Delivered by a callback or an event.
    Queued,
    /// A thread blocks in the call, and finds the closing event queued when it returns.
    Awaited,
}
