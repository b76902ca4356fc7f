//! The ways through a client as a host sees them, and the threads that wait for what comes by them.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, MutexGuard};

/// A mask of lanes, with the numbers of `claude_lanes_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes(u8);

impl Lanes {
    pub const MESSAGES: Lanes = Lanes(1);
    pub const REQUESTS: Lanes = Lanes(2);
    pub const ALL: Lanes = Lanes(3);
    /// Every mask that can be asked for.
    pub const EACH: [Lanes; 3] = [Lanes::MESSAGES, Lanes::REQUESTS, Lanes::ALL];

    /// Bits of lanes that this version does not have mean nothing; a mask that selects none is none.
    pub fn from_number(number: i32) -> Option<Lanes> {
        let known = (number & 3) as u8;
        (number > 0 && known != 0).then_some(Lanes(known))
    }

    pub fn has(self, lanes: Lanes) -> bool {
        self.0 & lanes.0 != 0
    }

    /// Its place among [`Lanes::EACH`].
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

/// Calls that end waits. Changes under the queue's lock only.
#[derive(Debug, Default)]
pub struct Wakes {
    /// One came while nobody waited: it is for the next one who would.
    pending: bool,
    /// How many came while somebody did.
    count: u64,
    /// Threads that wait.
    waiters: usize,
}

impl Wakes {
    /// Ends the wait of every thread that waits now, or that of the next one.
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

    /// Whether a thread that began to wait when `count` was the number of wakes is to stop.
    fn take(&mut self, count: u64) -> bool {
        std::mem::take(&mut self.pending) || self.count != count
    }
}

/// What threads wait for.
pub trait Waited {
    fn wakes(&mut self) -> &mut Wakes;

    /// Whether something can be had in these lanes, or nothing will come by them.
    fn is_settled(&self, lanes: Lanes) -> bool;
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Something can be had, or nothing will come.
    Settled,
    Woken,
    /// With how long ago the time was over.
    TimedOut {
        late: Duration,
    },
}

/// Told of entries in the lanes of each mask, so that nobody wakes for what is not meant for him.
#[derive(Default)]
pub struct Arrivals([Condvar; 3]);

impl Arrivals {
    /// Something has come in `lane`.
    pub fn notify(&self, lane: Lanes) {
        for lanes in Lanes::EACH.into_iter().filter(|lanes| lanes.has(lane)) {
            self.0[lanes.index()].notify_all();
        }
    }

    /// Waits until the lanes are settled, somebody wakes, or the time is over (`None` = never). A wake is ahead of what is queued:
    /// a thread that is told to stop must not have to receive everything first.
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
                // Who finds something does not ask for the time.
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

/// Waits for `changed`. How long the deadline has passed, when it has.
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
