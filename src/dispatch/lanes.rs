//! The lanes of a client as the host sees them, and the threads that wait for entries in them.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, MutexGuard};

/// A mask of lanes, with the numbers of `claude_lanes_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes(u8);

impl Lanes {
    pub const MESSAGES: Lanes = Lanes(1);
    pub const REQUESTS: Lanes = Lanes(2);
    pub const ALL: Lanes = Lanes(3);
    /// Every mask that can be selected.
    pub const EACH: [Lanes; 3] = [Lanes::MESSAGES, Lanes::REQUESTS, Lanes::ALL];

    /// Unknown lane bits are ignored; `None` if no known lane is selected.
    pub fn from_number(number: i32) -> Option<Lanes> {
        let known = (number & 3) as u8;
        (number > 0 && known != 0).then_some(Lanes(known))
    }

    pub fn has(self, lanes: Lanes) -> bool {
        self.0 & lanes.0 != 0
    }

    /// Its index in [`Lanes::EACH`].
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

/// Explicit wake-ups, which end waits. Changes only under the queue's lock.
#[derive(Debug, Default)]
pub struct Wakes {
    /// A wake-up came while nobody was waiting: it is for the next thread that would wait.
    pending: bool,
    /// The number of wake-ups that came while some thread was waiting.
    count: u64,
    /// The number of waiting threads.
    waiters: usize,
}

impl Wakes {
    /// Ends the wait of every waiting thread or, if there is none, that of the next one.
    pub fn wake(&mut self) {
        if self.waiters > 0 {
            self.count += 1;
        } else {
            self.pending = true;
        }
    }

    pub fn is_pending(&self) -> bool {
        self.pending
    }

    /// Whether a thread that began to wait at wake-up number `count` must stop.
    fn take(&mut self, count: u64) -> bool {
        std::mem::take(&mut self.pending) || self.count != count
    }
}

/// The state that threads wait on.
pub trait Waited {
    fn wakes(&mut self) -> &mut Wakes;

    /// Whether these lanes have something to receive, or are complete.
    fn is_settled(&self, lanes: Lanes) -> bool;
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is something to receive, or nothing more will come.
    Settled,
    Woken,
    /// With the time that has passed since the deadline.
    TimedOut {
        late: Duration,
    },
}

/// One condition variable per lane mask, so that no thread wakes for entries of other lanes.
#[derive(Default)]
pub struct Arrivals([Condvar; 3]);

impl Arrivals {
    /// Something was queued in `lane`.
    pub fn notify(&self, lane: Lanes) {
        for lanes in Lanes::EACH.into_iter().filter(|lanes| lanes.has(lane)) {
            self.0[lanes.index()].notify_all();
        }
    }

    /// Waits until the lanes are settled, an explicit wake-up arrives, or the timeout expires (`None` = never). A wake-up takes
    /// precedence over queued entries: a thread that is told to stop must not have to receive everything first.
    #[inline(always)]
    pub fn wait<'a, Q: Waited>(
        &self,
        mut queue: MutexGuard<'a, Q>,
        lanes: Lanes,
        wait: Option<Duration>,
    ) -> (MutexGuard<'a, Q>, Ended) {
        if !queue.wakes().pending && queue.is_settled(lanes) {
            return (queue, Ended::Settled);
        }
        self.wait_long(queue, lanes, wait)
    }

    fn wait_long<'a, Q: Waited>(
        &self,
        mut queue: MutexGuard<'a, Q>,
        lanes: Lanes,
        wait: Option<Duration>,
    ) -> (MutexGuard<'a, Q>, Ended) {
        let (mut deadline, count) = (None, queue.wakes().count);
        loop {
            if queue.wakes().take(count) {
                return (queue, Ended::Woken);
            }
            if queue.is_settled(lanes) {
                return (queue, Ended::Settled);
            }
            if deadline.is_none() {
                // A thread that finds something never reads the clock.
                deadline = wait.map(|wait| Instant::now() + wait);
            }
            queue.wakes().waiters += 1;
            let (after, late) = wait_on(&self.0[lanes.index()], queue, deadline);
            queue = after;
            queue.wakes().waiters -= 1;
            if let Some(late) = late {
                return (queue, Ended::TimedOut { late });
            }
        }
    }
}

/// Waits for `changed`. Returns how long ago the deadline passed, if it has.
pub fn wait_on<'a, Q>(
    changed: &Condvar,
    queue: MutexGuard<'a, Q>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, Q>, Option<Duration>) {
    let Some(deadline) = deadline else { return (changed.wait(queue), None) };
    let now = Instant::now();
    if now >= deadline {
        return (queue, Some(now - deadline));
    }
    (changed.wait_timeout(queue, deadline - now), None)
}
