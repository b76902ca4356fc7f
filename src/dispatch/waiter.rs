//! A thread that waits for the end of an operation.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::sync::{Condvar, Mutex, lock};

/// A place where one thread waits for one outcome.
#[derive(Default)]
pub struct Waiter {
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

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

    /// For a thread that stops waiting. `taken_out` says whether nobody else will tell the outcome any more; otherwise whoever
    /// does is about to, and is waited for: what has come must not be told as if it had not.
    pub fn give_up(&self, taken_out: bool) -> Option<Outcome> {
        if taken_out { None } else { self.wait(None) }
    }
}
