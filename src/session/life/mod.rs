//! The states of a session, its events, and the resulting actions.
//!
//! [`Machine`] is all of that without I/O and without a clock: it takes an [`Event`] and the current time, and returns the
//! [`Action`]s that follow. [`Driver`] wraps it: one lock, events from any thread, actions performed in order by one thread at
//! a time. The code that reads, writes, launches or waits feeds the driver and does what it says; no decision is made
//! elsewhere.
//!
//! # The life of a session
//!
//! ```text
//! Created ── Launching ── Opening ── Initializing ── Ready ── InputEnded           connecting, connected
//!                │            └─ Failing ┘     │        │
//!                │              Parked ── Claiming ─────┤                         a spare, until it is claimed
//!           Relaunching (once, for an older CLI)   Muted, Gone                     the CLI ends by itself
//! Cancelling    Draining ── Terminating ── Killing ── Flushing                     the end was requested
//! Lost (a child lives on, or a launch has not returned) ── Closed                  everybody was notified
//! ```
//!
//! # Invariants
//!
//! The tests explore every reachable configuration and check these in each:
//!
//! 1. An accepted connect is completed exactly once, an accepted claim and an accepted disconnect too; a refused one never.
//! 2. The order is: the connect, the claim, disconnects reported by callbacks or events, the closing event, disconnects that a thread
//!    waits for, the release of all waiters. Nothing follows.
//! 3. The closing event is queued exactly once if a connect was accepted, and never otherwise, except after a defect.
//! 4. A disconnect never completes while the child lives, except in [`Life::Lost`]; after [`Life::Closed`] there is neither a
//!    child nor a launch.
//! 5. Once the end was requested nothing is launched, and neither `initialize` nor a claim nor a prompt is sent. There are at most two
//!    launches, the second one only if the CLI did not know a flag of ours.
//! 6. In every closing state, and while a connect or a claim is pending, a timer is running: time alone leads to the end.
//!    The hooks of a start pause the limit of the connect, and have one of their own.
//! 7. From any state a disconnect completes within the grace for the exit, that for SIGTERM, and [`KILL_TAKES`].
//! 8. Reading is held and resumed alternately, and never held in [`Life::Flushing`].
//! 9. The interrupt is sent only during a turn and while the input is open, and the end of input follows it.
//! 10. Private files exist from a launch to `RemoveFiles`, once for each launch, and never after [`Life::Closed`].
//! 11. The answer decides the connect, whatever is known of the exit by then.
//! 12. Stale events (of the first launch, after a cleared timer, after the end) change nothing, and nothing panics.
//! 13. No cause is set after the closing event.
//! 14. A spare is claimed at most once, and gets no prompt before its claim was accepted. Parked, it runs no timer.

mod action;
mod calls;
mod driver;
mod event;
mod machine;
mod states;
mod steps;
#[cfg(test)]
mod tests;

pub use action::{Action, Completions};
pub use calls::{Call, Refusal};
pub use driver::{Driver, Launched, Perform};
pub use event::{Cause, Event, Timer};
pub use machine::Machine;
pub use states::{Config, KILL_TAKES, Life, Millis, Stage};
