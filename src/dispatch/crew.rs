//! The books of the callback threads: what waits, who is idle, and whom new work needs. It lives under its owner's lock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const EAGER_THREADS: usize = 2;
/// How often the threads are looked at while work waits.
pub const WATCH_EVERY: Duration = Duration::from_millis(3);
/// Work that has waited for so long gets another thread although the present ones are getting on.
const PATIENCE: Duration = Duration::from_millis(30);

/// What new work needs, beside a call for an idle thread if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Nothing,
    Thread,
    /// Somebody who looks after it: all threads may be stuck.
    Watch,
}

/// What a thread does next.
pub enum Next<W> {
    Run(W),
    /// Wait to be called, and tell of it by [`Crew::called`].
    Wait,
    Leave,
}

pub struct Crew<W> {
    waiting: VecDeque<(Instant, W)>,
    idle: usize,
    threads: usize,
    /// Turns that have ended, by which stuck threads are told from busy ones.
    pub turns: u64,
    /// How many wait for the threads to leave. One that gives up must not keep them for the others.
    stops: u32,
}

impl<W> Crew<W> {
    pub const fn new() -> Crew<W> {
        Crew { waiting: VecDeque::new(), idle: 0, threads: 0, turns: 0, stops: 0 }
    }

    pub fn push(&mut self, work: W) -> Need {
        self.waiting.push_back((Instant::now(), work));
        if self.idle >= self.waiting.len() {
            Need::Nothing
        } else if self.threads < EAGER_THREADS {
            Need::Thread
        } else {
            Need::Watch
        }
    }

    /// From now on threads leave when there is nothing to do, until [`Crew::stopped`].
    pub fn stop(&mut self) {
        self.stops += 1;
    }

    pub fn stopped(&mut self) {
        self.stops -= 1;
    }

    pub fn is_stopping(&self) -> bool {
        self.stops > 0
    }

    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether a thread waits to be called. Whoever pushes calls one then, however many entries wait: a thread that has
    /// queued its own work again is about to take just one of them.
    pub fn has_idle(&self) -> bool {
        self.idle > 0
    }

    pub fn joined(&mut self) {
        self.threads += 1;
    }

    /// For a thread with nothing to do; `too_long` when it has been so for its idle lifetime.
    pub fn next(&mut self, too_long: bool) -> Next<W> {
        if let Some((_, work)) = self.waiting.pop_front() {
            return Next::Run(work);
        }
        if self.is_stopping() || too_long {
            self.threads -= 1;
            return Next::Leave;
        }
        self.idle += 1;
        Next::Wait
    }

    pub fn called(&mut self) {
        self.idle -= 1;
    }

    /// A turn has ended; the thread goes on to [`Crew::next`]. `again` has more to do.
    pub fn ended(&mut self, again: Option<W>) {
        self.turns += 1;
        self.waiting.extend(again.map(|work| (Instant::now(), work)));
    }

    /// How many threads to add for work that waits too long; `turns` is what had been done at the last look.
    pub fn missing(&self, turns: u64) -> usize {
        let stuck = self.turns == turns;
        let limit = if stuck { WATCH_EVERY } else { PATIENCE };
        let overdue = self.waiting.iter().take_while(|(since, _)| since.elapsed() >= limit).count();
        let most = if stuck { self.threads.max(1) } else { 1 };
        overdue.saturating_sub(self.idle).min(most)
    }
}
