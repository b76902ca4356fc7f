//! Thread-pool bookkeeping for the callback threads: queued work, idle threads, and what new work needs. Protected by its
//! owner's lock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const EAGER_THREADS: usize = 2;
/// How often the threads are checked while work is queued.
pub const WATCH_EVERY: Duration = Duration::from_millis(3);
/// After this time queued work gets another thread, even if the existing ones are making progress.
const MAX_QUEUE_TIME: Duration = Duration::from_millis(30);

/// What new work needs, apart from waking an idle thread if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Nothing,
    Thread,
    /// Monitoring: all threads may be blocked.
    Watch,
}

/// What a thread does next.
pub enum Next<W> {
    Run(W),
    /// Wait to be woken, then call [`PoolState::woken`].
    Wait,
    Leave,
}

pub struct PoolState<W> {
    waiting: VecDeque<(Instant, W)>,
    idle: usize,
    threads: usize,
    /// The number of finished turns, which distinguishes blocked threads from busy ones.
    pub turns: u64,
    /// The number of callers waiting for the threads to exit. When one of them times out, the others must still be able to
    /// wait.
    stops: u32,
}

impl<W> PoolState<W> {
    pub const fn new() -> PoolState<W> {
        PoolState { waiting: VecDeque::new(), idle: 0, threads: 0, turns: 0, stops: 0 }
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

    /// From now on threads exit when there is nothing to do, until [`PoolState::stopped`].
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

    /// Whether a thread is waiting to be woken. Every push then wakes one, however many entries are queued: a thread that has
    /// requeued its own work is about to take only one of them.
    pub fn has_idle(&self) -> bool {
        self.idle > 0
    }

    pub fn thread_started(&mut self) {
        self.threads += 1;
    }

    /// For a thread with nothing to do; `too_long` once it has been idle for its idle lifetime.
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

    pub fn woken(&mut self) {
        self.idle -= 1;
    }

    /// A turn has finished; the thread continues with [`PoolState::next`]. `again` has more to do.
    pub fn ended(&mut self, again: Option<W>) {
        self.turns += 1;
        self.waiting.extend(again.map(|work| (Instant::now(), work)));
    }

    /// How many threads to add for work that has waited too long; `turns` is the number of turns at the last check.
    pub fn threads_to_spawn(&self, turns: u64) -> usize {
        let stuck = self.turns == turns;
        let limit = if stuck { WATCH_EVERY } else { MAX_QUEUE_TIME };
        let overdue = self.waiting.iter().take_while(|(since, _)| since.elapsed() >= limit).count();
        let most = if stuck { self.threads.max(1) } else { 1 };
        overdue.saturating_sub(self.idle).min(most)
    }
}
