//! A thread that waits for an operation to complete.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::sync::{Condvar, Mutex, lock, ranked};

/// A slot in which one thread waits for one outcome.
#[derive(Default)]
pub struct Waiter {
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

ranked!(Option<Outcome>: Leaf);

impl Waiter {
    pub fn set(&self, outcome: Outcome) {
        *lock(&self.outcome) = Some(outcome);
        self.ended.notify_all();
    }

    /// `None` when the deadline passed first. `deadline` `None` = wait for ever.
    pub fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        let mut outcome = lock(&self.outcome);
        loop {
            if let Some(outcome) = outcome.take() {
                return Some(outcome);
            }
            outcome = match deadline {
                None => self.ended.wait(outcome),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        return None;
                    }
                    self.ended.wait_timeout(outcome, left)
                }
            };
        }
    }

    /// For a thread that stops waiting. `taken_out` = the caller has removed the operation, so nobody else will complete it;
    /// otherwise another thread is about to, and is waited for: a timeout must not be reported for a reply that has arrived.
    pub fn give_up(&self, taken_out: bool) -> Option<Outcome> {
        if taken_out { None } else { self.wait(None) }
    }
}
