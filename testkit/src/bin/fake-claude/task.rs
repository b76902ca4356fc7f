//! A list of actions in progress.

use std::time::Instant;

use serde_json::Value;

use crate::script::{Action, Steps};
use crate::session::Prompt;

/// What a task reacts to.
#[derive(Clone)]
pub enum Cause {
    Start,
    Turn(Prompt),
    Control { id: String, request: Value },
    Response(Value),
    Eof,
    Term,
}

/// A list that is being run, and how often it is still to be run.
struct Level {
    steps: Steps,
    next: usize,
    round: u64,
    rounds: u64,
}

pub struct Task {
    pub cause: Cause,
    levels: Vec<Level>,
    pub wake_at: Option<Instant>,
    /// Request whose answer the task waits for; `*` = all open ones.
    pub waits_for: Option<String>,
    pub reports: bool,
    /// The latest answer of the host.
    pub answer: Value,
}

impl Task {
    pub fn new(cause: Cause, steps: Steps) -> Self {
        let answer = if let Cause::Response(response) = &cause { response.clone() } else { Value::Null };
        let mut task =
            Task { cause, levels: Vec::new(), wake_at: None, waits_for: None, reports: false, answer };
        task.push(steps, 1);
        task
    }

    pub fn push(&mut self, steps: Steps, rounds: u64) {
        if rounds > 0 && !steps.is_empty() {
            self.levels.push(Level { steps, next: 0, round: 0, rounds });
        }
    }

    /// Index of the innermost repetition.
    pub fn round(&self) -> u64 {
        self.levels.iter().rev().find(|level| level.rounds > 1).map_or(0, |level| level.round)
    }

    pub fn next_action(&mut self) -> Option<Action> {
        loop {
            let level = self.levels.last_mut()?;
            if let Some(action) = level.steps.get(level.next) {
                level.next += 1;
                return Some(action.clone());
            }
            level.round += 1;
            level.next = 0;
            if level.round >= level.rounds {
                self.levels.pop();
            }
        }
    }

    /// Nothing left to run and nothing to wait for: true right behind the last action, so that nothing that comes after a
    /// turn's result can still meet the turn.
    pub fn is_done(&self) -> bool {
        let over = |level: &Level| level.next >= level.steps.len() && level.round + 1 >= level.rounds;
        self.levels.iter().all(over) && self.waits_for.is_none() && self.wake_at.is_none()
    }

    pub fn prompt(&self) -> Option<&Prompt> {
        if let Cause::Turn(prompt) = &self.cause { Some(prompt) } else { None }
    }
}
