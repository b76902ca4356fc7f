//! Results that the application has seen, for callers that wait for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::pump::{Deadline, Turn};
use super::{Dispatcher, Lanes, Mode};
use crate::error::{Error, Result, Status};
use crate::sync::lock;

/// How many callbacks may run before a waiting thread checks whether its prompt was cancelled.
const LOOKS_EVERY: usize = 64;
/// How many prompts are remembered for later queries.
const HISTORY_LEN: usize = 4096;

#[derive(Debug, Default)]
pub struct Results {
    delivered: u64,
    /// How many of them `receive_response` has already returned.
    taken: u64,
    closed: bool,
    /// Why the session ended, if it did not end normally.
    cause: Option<Arc<Error>>,
    /// The prompts answered by the queued results, in the order of the results.
    attributions: VecDeque<Prompts>,
    /// Prompts whose fate is known, newest last.
    settled: VecDeque<Settled>,
    /// The number of prompts sent whose result or cancellation is not queued yet.
    unanswered: usize,
    /// The number of prompts without a result that `receive_response` has not reported yet.
    withdrawn: usize,
}

#[derive(Debug)]
struct Settled {
    prompt: Arc<str>,
    fate: Fate,
    /// `receive_response` has already returned it.
    told: bool,
}

/// The uuids of the prompts that one result answers.
pub type Prompts = SmallVec<[Arc<str>; 1]>;

/// How waiting for a result ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Result,
    /// The CLI does not run the prompt.
    Cancelled,
    Closed,
}

impl Results {
    /// A result has been received.
    pub fn deliver(&mut self) {
        self.delivered += 1;
        for uuid in self.attributions.pop_front().unwrap_or_default() {
            self.settle(uuid, Fate::Result);
        }
    }

    fn settle(&mut self, prompt: Arc<str>, fate: Fate) {
        self.settled.push_back(Settled { prompt, fate, told: false });
        if self.settled.len() > HISTORY_LEN {
            self.settled.pop_front();
        }
    }

    fn prompts_left(&mut self, count: usize) {
        self.unanswered = self.unanswered.saturating_sub(count);
    }

    /// Marks the oldest result as returned by `receive_response`.
    pub fn take_oldest(&mut self) {
        self.taken = self.delivered.min(self.taken + 1);
    }

    /// No more will come.
    pub fn close(&mut self, cause: Option<&Arc<Error>>) {
        self.closed = true;
        self.cause = self.cause.take().or_else(|| cause.cloned());
    }

    /// The oldest delivered result, or the fate of one prompt.
    fn take(&mut self, prompt: Option<&str>) -> Option<Fate> {
        let fate = match prompt {
            None => self.next_fate(),
            Some(uuid) => self.fate_of(uuid),
        };
        if fate == Some(Fate::Result) {
            self.take_oldest();
        }
        fate.or(self.closed.then_some(Fate::Closed))
    }

    /// Results first: a cancellation is reported only if no other prompt is waiting.
    fn next_fate(&mut self) -> Option<Fate> {
        if self.delivered > self.taken {
            return Some(Fate::Result);
        }
        let is_last = self.unanswered == 0 && self.attributions.is_empty();
        (is_last && self.withdrawn > 0).then(|| {
            self.withdrawn -= 1;
            Fate::Cancelled
        })
    }

    fn fate_of(&mut self, uuid: &str) -> Option<Fate> {
        let settled = self.settled.iter_mut().rev().find(|settled| *settled.prompt == *uuid)?;
        let is_news = !std::mem::replace(&mut settled.told, true) && settled.fate == Fate::Cancelled;
        self.withdrawn = self.withdrawn.saturating_sub(usize::from(is_news));
        Some(settled.fate)
    }
}

impl Dispatcher {
    /// A prompt is about to be sent: a result is owed for it.
    pub fn prompt_sent(&self) {
        lock(&self.queue).results.unanswered += 1;
    }

    /// The prompt could not be sent, and the caller knows.
    pub fn prompt_not_sent(&self) {
        lock(&self.queue).results.prompts_left(1);
    }

    /// The next result to be pushed answers these prompts.
    pub fn attribute(&self, prompts: Prompts) {
        let results = &mut lock(&self.queue).results;
        results.prompts_left(prompts.len());
        results.attributions.push_back(prompts);
    }

    /// The CLI does not run this prompt: there will be no result.
    pub fn prompt_cancelled(&self, uuid: Arc<str>) {
        let mut queue = lock(&self.queue);
        queue.results.prompts_left(1);
        queue.results.withdrawn += 1;
        queue.results.settle(uuid, Fate::Cancelled);
        drop(queue);
        self.changed.notify_all();
    }

    /// A result's callback has returned.
    pub(super) fn result_delivered(&self) {
        lock(&self.queue).results.deliver();
        self.changed.notify_all();
    }

    /// Waits until the closing event has been delivered. `false` when the deadline passed first.
    pub fn wait_delivered(&self, wait: Option<Duration>) -> bool {
        let mut deadline = Deadline::after(wait);
        let mut queue = lock(&self.queue);
        while !queue.results.closed {
            let (after, in_time) = self.wait_changed(queue, &mut deadline);
            queue = after;
            if !in_time {
                return false;
            }
        }
        true
    }

    /// Until and including the next result, or that of `prompt`. See `claude_client_receive_response`.
    pub fn receive_response(&self, prompt: Option<&str>, wait: Option<Duration>) -> Result<()> {
        if self.mode() == Mode::Pull {
            return Err(self.wrong_mode("in PULL mode results come from claude_client_next"));
        }
        self.check_may_wait()?;
        let fate = self.wait_fate(prompt, Deadline::after(wait));
        if self.mode() == Mode::Pump {
            self.tell_of_rest();
        }
        match fate {
            Some(Fate::Result) => Ok(()),
            Some(Fate::Cancelled) => Err(Error::new(
                Status::Cancelled,
                "the prompt has no result: it was taken out of the queue, or the conversation has its uuid already",
            )),
            Some(Fate::Closed) => Err(self.end_without_result()),
            None => Err(Error::new(Status::Timeout, "no result came in time")
                .with("phase", "receive_response")
                .with("remedy", "wait longer, or interrupt the turn")),
        }
    }

    fn end_without_result(&self) -> Error {
        match &lock(&self.queue).results.cause {
            Some(cause) => (**cause).clone(),
            None => Error::new(Status::Closed, "the session ended before a result came")
                .with("phase", "receive_response")
                .with("remedy", "create another client; the option resume continues the conversation"),
        }
    }

    /// In PUMP mode pending callbacks run here. `None` if the deadline passed first.
    fn wait_fate(&self, prompt: Option<&str>, mut deadline: Deadline) -> Option<Fate> {
        let pumps = self.mode() == Mode::Pump;
        let mut queue = lock(&self.queue);
        loop {
            if let Some(fate) = queue.results.take(prompt) {
                return Some(fate);
            }
            // A thread in claude_client_pump that has claimed the lane may deliver the result as well.
            if pumps && !queue.is_empty(Lanes::ALL) && !self.gate.is_closed() && queue.messages.claim() {
                queue.hand.begin(true);
                drop(queue);
                self.run_callbacks(&mut Turn::until_result(LOOKS_EVERY, deadline.at));
                // Others may have waited for the turn that has just ended.
                self.changed.notify_all();
                queue = lock(&self.queue);
                if deadline.at.is_some_and(|deadline| Instant::now() >= deadline) {
                    return queue.results.take(prompt);
                }
                continue;
            }
            let (after, in_time) = self.wait_changed(queue, &mut deadline);
            queue = after;
            if !in_time {
                return queue.results.take(prompt);
            }
        }
    }
}
