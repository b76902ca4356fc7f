//! The completion of an asynchronous operation: delivered exactly once, in the way the caller chose.

use std::sync::{Arc, Weak};

use super::{Dispatcher, Waiter};
use crate::error::{Error, Result, Status};

/// The outcome of an operation: its reply as JSON, or why it failed.
pub type Outcome = Result<String>;

/// Who is notified.
pub enum Listener {
    Nobody,
    /// A callback of the host, run where the dispatch mode runs callbacks.
    Call(Box<dyn FnOnce(&Outcome) + Send>),
    /// An event for `claude_client_next`, recognised by the host's `user_data`.
    Event(usize),
    /// A thread that blocks until then.
    Wait(Arc<Waiter>),
}

/// An operation that is still open. Once it is accepted, dropping it completes it with [`Status::Cancelled`]; before that, the
/// caller gets an error instead of a completion.
pub struct Completion {
    listener: Option<Listener>,
    dispatcher: Weak<Dispatcher>,
    accepted: bool,
}

impl Completion {
    pub fn new(dispatcher: &Arc<Dispatcher>, listener: Listener) -> Completion {
        Completion { listener: Some(listener), dispatcher: Arc::downgrade(dispatcher), accepted: false }
    }

    /// From here on the operation is completed, whatever happens.
    pub fn accept(mut self) -> Completion {
        self.accepted = true;
        self
    }

    /// Whether a thread blocks until the completion, as opposed to a callback or an event that is queued.
    pub fn is_awaited(&self) -> bool {
        matches!(self.listener, Some(Listener::Wait(_)))
    }

    pub fn complete(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        match self.listener.take() {
            None | Some(Listener::Nobody) => {}
            Some(Listener::Wait(waiter)) => waiter.set(outcome),
            Some(listener) => {
                if let Some(dispatcher) = self.dispatcher.upgrade() {
                    dispatcher.push_done(Done { listener, outcome });
                }
            }
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if self.accepted && self.listener.is_some() {
            self.end(Err(Error::new(
                Status::Cancelled,
                "the operation was cancelled: the client is closing",
            )));
        }
    }
}

/// A completed operation on its way to the host.
pub struct Done {
    listener: Listener,
    outcome: Outcome,
}

impl Done {
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The host's `user_data`, in the mode in which completions are events.
    pub fn token(&self) -> Option<usize> {
        match self.listener {
            Listener::Event(token) => Some(token),
            _ => None,
        }
    }

    pub fn run(self) {
        if let Listener::Call(call) = self.listener {
            call(&self.outcome);
        }
    }

    /// For a client that is being freed: tells the host that the operation was cancelled.
    pub fn run_cancelled(self) {
        if let Listener::Call(call) = self.listener {
            let cancelled =
                Err(Error::new(Status::Cancelled, "the operation was cancelled: the client was freed"));
            call(if self.outcome.is_err() { &self.outcome } else { &cancelled });
        }
    }
}
