//! What is to be done about an event.

use super::event::Cause;

/// Those of one event are performed in their order, and behind those of the events before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `older`: for a CLI that did not know how it was launched first. `Launched` or `LaunchFailed` follows, always.
    Launch {
        older: bool,
    },
    /// What the launch brings is killed; the sooner it comes back, the better.
    AbandonLaunch,
    /// `Opened` or `OpenFailed` follows, or the end of the transport.
    Open,
    /// `Answered`, `Refused` or `WriteFailed` follows, or the end.
    SendInitialize,
    /// `Begun` or `WriteFailed` follows.
    SendFirstPrompt,
    /// The turn is left, and no prompt that waits is begun.
    Interrupt,
    EndInput,
    /// SIGTERM; a transport of the host's is closed.
    Terminate,
    /// With all that the child has started. `Exited` or `Unended` follows.
    Kill,
    HoldReading,
    ResumeReading,
    /// Nothing more is read, whatever comes.
    StopReading,
    /// Requests to the first launch, which will not be answered; more may follow.
    FailOpenRequests,
    /// Of both directions, for good. What is refused by it is written before the input ends.
    CloseRequests,
    RemoveFiles,
    WarnStartedAgain,
    CompleteConnect,
    /// `None`: the host has ended the session meanwhile.
    FailConnect(Option<Cause>),
    /// `left`: what could not be ended, which whoever disconnects has to know.
    CompleteDisconnects {
        of: Completions,
        left: Option<Cause>,
    },
    /// The last event that the host gets. `None`: the session ended because the host wanted it.
    QueueClosed(Option<Cause>),
    /// Everybody was told; whoever waits for that may go.
    ReleaseWaiters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completions {
    /// A callback or an event tells of them.
    Queued,
    /// A thread waits for them in a call, and finds the closing event queued when it returns.
    Awaited,
}
