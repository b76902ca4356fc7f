//! Where a session stands, what can happen to it, and what is done then.
//!
//! [`Machine`] is all of that without I/O and without a clock: it takes an [`Event`] and the present time, and gives the
//! [`Action`]s that follow. [`Driver`] stands around it: one lock, events from any thread, actions performed in order by one
//! thread at a time. Whoever reads, writes, launches or waits feeds the driver and does what it says; nobody else decides.
//!
//! # The way of a session
//!
//! ```text
//! Created ── Launching ── Opening ── Initializing ── Ready ── InputEnded           connecting, connected
//!                │            └─ Failing ┘              │
//!           Relaunching (once, for an older CLI)   Muted, Gone                     the CLI ends by itself
//! Cancelling    Draining ── Terminating ── Killing ── Flushing                     the end was asked for
//! Lost (a child lives on, or a launch has not come back) ── Closed                 everybody was told
//! ```
//!
//! # What holds
//!
//! The tests explore every configuration that can be reached and look at these in each:
//!
//! 1. An accepted connect is completed exactly once, an accepted disconnect too; a refused one never.
//! 2. The order is: the connect, disconnects that are told by callbacks or events, the closing event, disconnects that a thread
//!    waits for, the release of all who wait. Nothing follows.
//! 3. The closing event is queued exactly once if a connect was accepted, and never otherwise, a defect excepted.
//! 4. A disconnect is never done while the child lives, [`Life::Lost`] excepted; behind [`Life::Closed`] there is neither a
//!    child nor a launch.
//! 5. Once the end was asked for nothing is launched, and neither `initialize` nor a prompt is sent. There are two launches at
//!    most, the second one only if the CLI did not know a flag of ours.
//! 6. In every closing state, and while somebody waits for a connect, a timer runs: time alone leads to the end.
//! 7. From everywhere a disconnect is over within the grace for the exit, that for SIGTERM, and [`KILL_TAKES`].
//! 8. Reading is held and resumed in turn, and not held in [`Life::Flushing`].
//! 9. The interrupt is sent only in a turn and while the input is open, and the end of input follows it.
//! 10. Private files exist from a launch to `RemoveFiles`, once for each launch, and never behind [`Life::Closed`].
//! 11. The answer decides the connect, whatever is known of the exit by then.
//! 12. What is stale (of the first launch, behind a cleared timer, behind the end) changes nothing, and nothing panics.
//! 13. No cause is set behind the closing event.

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
