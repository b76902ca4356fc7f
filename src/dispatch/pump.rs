//! PUMP: callbacks run only inside `claude_client_pump`, on the caller's thread.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::lanes::{Ended, Lanes, Waited, wait_on};
use super::left::Hand;
use super::queue::Queue;
use super::ready::Ready;
use super::{Dispatcher, Lane, Mode};
use crate::error::{Error, Result, Status};
use crate::panics::hold_cancellation;
use crate::sync::{MutexGuard, lock};

/// A thread that wakes up this long after its deadline had been suspended.
pub const LATE: Duration = Duration::from_millis(20);

/// The time within which newly read input should be delivered.
const DELIVERY_TAKES: Duration = Duration::from_millis(200);

/// When a wait ends. Extended once if the thread was suspended when it expired.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    pub at: Option<Instant>,
    may_move: bool,
}

impl Deadline {
    pub fn after(wait: Option<Duration>) -> Deadline {
        Deadline { at: wait.map(|wait| Instant::now() + wait), may_move: wait != Some(Duration::ZERO) }
    }
}

/// The limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// 0 = no limit.
    pub events: usize,
    pub time: Option<Duration>,
    /// How long to wait for the first event. `None` = for ever.
    pub wait: Option<Duration>,
}

/// What is left of a budget, and what has been done with it.
pub struct Turn {
    events: usize,
    until: Option<Instant>,
    /// The clock is read after each event, or after every n-th (a power of two).
    look_every: usize,
    stops_at_result: bool,
    pub ran: usize,
}

/// A lane's turn is a matter of fairness, not a promise: reading the clock would cost more than many callbacks do.
const LANE_LOOKS_EVERY: usize = 16;

impl Turn {
    pub fn events(events: usize) -> Turn {
        Turn { events, until: None, look_every: 1, stops_at_result: false, ran: 0 }
    }

    /// Until a result has been received, or this many events: what follows the result stays queued.
    pub fn until_result(events: usize, until: Option<Instant>) -> Turn {
        Turn { until, stops_at_result: true, ..Turn::events(events) }
    }

    /// A result has been received.
    pub fn result(&mut self) {
        if self.stops_at_result {
            self.events = 0;
        }
    }

    pub fn time(time: Duration) -> Turn {
        let until = Some(Instant::now() + time);
        Turn { until, look_every: LANE_LOOKS_EVERY, ..Turn::events(usize::MAX) }
    }

    fn of(budget: &Budget) -> Turn {
        let events = if budget.events == 0 { usize::MAX } else { budget.events };
        Turn { until: budget.time.map(|time| Instant::now() + time), ..Turn::events(events) }
    }

    /// However small the time budget is, it allows one callback.
    pub fn is_over(&self) -> bool {
        self.ran >= self.events || (self.ran > 0 && self.is_late())
    }

    fn is_late(&self) -> bool {
        let looks = self.ran & (self.look_every - 1) == 0;
        self.until.is_some_and(|until| looks && Instant::now() >= until)
    }
}

impl Dispatcher {
    /// Runs callbacks until the queue is empty or the budget is used up, and returns how many it ran.
    pub fn pump(&self, budget: Budget) -> Result<usize> {
        self.require(Mode::Pump)?;
        self.check_may_wait()?;
        let (mut queue, _) = self.wait_for(Lanes::ALL, budget.wait);
        queue.update_ready();
        if queue.is_over(Lanes::ALL) || queue.discarding {
            return Err(all_received());
        }
        if queue.is_empty(Lanes::ALL) || !queue.messages.claim() {
            return Ok(0); // nothing is queued, or another thread is delivering
        }
        queue.hand.begin(false);
        drop(queue);
        let mut turn = Turn::of(&budget);
        self.run_callbacks(&mut turn);
        self.changed.notify_all();
        Ok(turn.ran)
    }

    /// Runs callbacks on this thread, which has claimed the message lane and releases it here. Entries that arrive at the last
    /// moment are run too, budget permitting: the thread that was notified of them found the lane claimed and went away.
    pub(super) fn run_callbacks(&self, turn: &mut Turn) {
        loop {
            while !turn.is_over() && self.run_one(turn) {}
            let mut queue = lock(&self.queue);
            if !turn.is_over() && !queue.is_empty(Lanes::ALL) && !self.gate.is_closed() {
                continue;
            }
            queue.hand = Hand::default();
            queue.messages.release();
            queue.update_ready();
            return;
        }
    }

    /// One entry, or as much of a block as the budget allows. `false` if nothing is queued.
    fn run_one(&self, turn: &mut Turn) -> bool {
        if self.has_urgent() && (self.deliver_urgent(Lane::Requests, turn) || self.deliver_tool(turn)) {
            return true;
        }
        if self.is_turn_of_step() && self.deliver_step(turn) {
            // An endless prompt stream must not starve messages.
            lock(&self.queue).step_ran = true;
            return true;
        }
        self.deliver_message(turn, || self.has_urgent()) || self.deliver_step(turn)
    }

    fn is_turn_of_step(&self) -> bool {
        let mut queue = lock(&self.queue);
        !std::mem::take(&mut queue.step_ran) && !queue.steps.is_empty()
    }

    /// Checked after every message, so without the lock as long as nothing urgent has arrived.
    fn has_urgent(&self) -> bool {
        if !self.urgency.load(Ordering::Acquire) {
            return false;
        }
        let queue = lock(&self.queue);
        let urgent = !queue.urgent.is_empty() || !queue.tools.is_empty();
        self.urgency.store(urgent, Ordering::Release);
        urgent
    }

    /// Waits until these lanes have something to receive, `claude_client_wake` is called, or the timeout expires. A thread that
    /// wakes up long after its deadline had been suspended along with all others: then the reader reads once, and this waits
    /// for what was read.
    #[inline(always)]
    pub(super) fn wait_for(&self, lanes: Lanes, wait: Option<Duration>) -> (MutexGuard<'_, Queue>, Ended) {
        let queue = lock(&self.queue);
        if !queue.wakes.is_pending() && queue.is_settled(lanes) {
            return (queue, Ended::Settled);
        }
        hold_cancellation();
        let (queue, ended) = self.arrivals.wait(queue, lanes, wait);
        match ended {
            // A caller that does not wait wants only what is queued now.
            Ended::TimedOut { late } if late > LATE && wait != Some(Duration::ZERO) => {
                drop(queue);
                let more = self.look().unwrap_or_default();
                self.arrivals.wait(lock(&self.queue), lanes, Some(more))
            }
            ended => (queue, ended),
        }
    }

    /// Makes the reader read what has arrived. Returns how long its delivery may take; `None` if there is no reader.
    fn look(&self) -> Option<Duration> {
        (self.owner.look)().then_some(DELIVERY_TAKES)
    }

    /// Waits for any change; `false` when the deadline has passed. If late as in [`Dispatcher::wait_for`], the deadline is
    /// extended once.
    pub(super) fn wait_changed<'a>(
        &'a self,
        queue: MutexGuard<'a, Queue>,
        deadline: &mut Deadline,
    ) -> (MutexGuard<'a, Queue>, bool) {
        let (queue, late) = wait_on(&self.changed, queue, deadline.at);
        match late {
            None => (queue, true),
            Some(late) if late > LATE && deadline.may_move => {
                drop(queue);
                let more = self.look();
                *deadline =
                    Deadline { at: more.map(|more| Instant::now() + more).or(deadline.at), may_move: false };
                (lock(&self.queue), more.is_some())
            }
            Some(_) => (queue, false),
        }
    }

    /// Makes every waiting `pump` and `next` return or, if there is none, the next one.
    pub fn wake(&self) {
        let mut queue = lock(&self.queue);
        queue.wakes.wake();
        queue.update_ready();
        drop(queue);
        self.notify_everybody();
    }

    /// The descriptor for event loops that watch these lanes.
    pub fn ready_handle(&self, lanes: Lanes) -> Result<isize> {
        if !matches!(self.mode(), Mode::Pump | Mode::Pull) {
            return Err(self.wrong_mode("a ready handle exists in PUMP and PULL mode only"));
        }
        let mut queue = lock(&self.queue);
        if let Some(ready) = &queue.ready[lanes.index()] {
            return Ok(ready.handle());
        }
        let ready = Ready::new()?;
        let handle = ready.handle();
        queue.ready[lanes.index()] = Some(ready);
        queue.is_watched = true;
        queue.update_ready();
        Ok(handle)
    }

    #[inline]
    pub(super) fn require(&self, mode: Mode) -> Result<()> {
        if self.mode() == mode {
            return Ok(());
        }
        Err(self.wrong_mode(match mode {
            Mode::Pump => "claude_client_pump works in PUMP mode only",
            _ => "claude_client_next works in PULL mode only",
        }))
    }

    #[cold]
    pub(super) fn wrong_mode(&self, message: &str) -> Error {
        Error::new(Status::Unsupported, message)
            .with("mode", format!("{:?}", self.mode()).to_uppercase())
            .with(
                "remedy",
                "choose the mode with claude_client_set_dispatch right after claude_client_create",
            )
    }
}

#[cold]
pub(super) fn all_received() -> Error {
    Error::new(Status::Closed, "the session has ended and everything was received")
}
