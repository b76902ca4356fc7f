//! PUMP: callbacks run only inside `claude_client_dispatch`, on the caller's thread.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::queue::Queue;
use super::{Dispatcher, Lane, Mode};
use crate::error::{Error, Result, Status};
use crate::sync::lock;

/// Who wakes up so long behind a deadline was not running.
const LATE: Duration = Duration::from_millis(20);

/// What has been read then is soon delivered.
const DELIVERY_TAKES: Duration = Duration::from_millis(200);

/// What one call may use up.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// 0 = no limit.
    pub events: usize,
    pub time: Option<Duration>,
    /// How long to wait for the first event. `None` = for ever.
    pub wait: Option<Duration>,
}

/// How much of a budget is left, and what has been done with it.
pub struct Turn {
    events: usize,
    until: Option<Instant>,
    /// The clock is looked at after each event, or after every so many (a power of two).
    look_every: usize,
    stops_at_result: bool,
    pub ran: usize,
}

/// A lane's turn is a matter of fairness, not a promise: reading the clock would cost more than many a callback.
const LANE_LOOKS_EVERY: usize = 16;

impl Turn {
    pub fn events(events: usize) -> Turn {
        Turn { events, until: None, look_every: 1, stops_at_result: false, ran: 0 }
    }

    /// Until a result has been received, or so many events: what follows the result stays queued.
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

    /// However small the budget of time is, it is good for one callback.
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
    pub fn dispatch(&self, budget: Budget) -> Result<usize> {
        self.require(Mode::Pump)?;
        if self.gate.is_inside() {
            return Err(Error::new(
                Status::WouldDeadlock,
                "claude_client_dispatch was called inside a callback",
            )
            .with("remedy", "return from the callback first"));
        }
        let may_wait = budget.wait != Some(Duration::ZERO);
        let mut queue = self.wait_readable(lock(&self.queue), budget.wait);
        queue.woken = false;
        if queue.is_empty() || queue.discarding {
            let over = queue.discarding || (queue.ended && may_wait);
            queue.update_wakeup();
            return if over { Err(all_received()) } else { Ok(0) };
        }
        if !queue.messages.claim() {
            return Ok(0); // another thread is at it
        }
        drop(queue);
        let mut turn = Turn::of(&budget);
        self.pump(&mut turn);
        self.changed.notify_all();
        Ok(turn.ran)
    }

    /// Runs callbacks on this thread, which has claimed the message lane and gives it back here.
    pub(super) fn pump(&self, turn: &mut Turn) {
        while !turn.is_over() && self.run_one(turn) {}
        let mut queue = lock(&self.queue);
        queue.messages.abandon();
        queue.update_wakeup();
    }

    /// One entry, or as much of a block as the budget allows. `false` when nothing waits.
    fn run_one(&self, turn: &mut Turn) -> bool {
        if self.deliver_urgent(Lane::Requests, turn) || self.deliver_tool(turn) {
            return true;
        }
        let step_first = !std::mem::take(&mut lock(&self.queue).step_ran);
        if step_first && self.deliver_step(turn) {
            // A prompt stream without end must not keep messages away.
            lock(&self.queue).step_ran = true;
            return true;
        }
        self.deliver_message(turn, || self.has_urgent()) || self.deliver_step(turn)
    }

    /// Looked at after every message, so without the lock as long as nothing urgent has come.
    fn has_urgent(&self) -> bool {
        if !self.urgency.load(Ordering::Acquire) {
            return false;
        }
        let queue = lock(&self.queue);
        let urgent = !queue.urgent.is_empty() || !queue.tools.is_empty();
        self.urgency.store(urgent, Ordering::Release);
        urgent
    }

    /// Waits until something can be had, `claude_client_wake` is called, or the time is over.
    pub(super) fn wait_readable<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        wait: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        let mut deadline = None;
        while queue.is_empty() && !queue.woken && !queue.ended && !queue.discarding {
            if deadline.is_none() {
                // Who finds something does not ask for the time.
                deadline = wait.map(|wait| Instant::now() + wait);
            }
            let (after, in_time) = self.wait_changed(queue, &mut deadline);
            queue = after;
            if !in_time {
                break;
            }
        }
        queue
    }

    /// Waits for any change; `false` when the deadline has passed. A thread that wakes up long behind it was stopped with all
    /// others: then the reader looks once, and the deadline moves as far as what has come needs to be delivered.
    pub(super) fn wait_changed<'a>(
        &'a self,
        queue: MutexGuard<'a, Queue>,
        deadline: &mut Option<Instant>,
    ) -> (MutexGuard<'a, Queue>, bool) {
        let Some(time) = *deadline else { return (self.changed.wait(queue), true) };
        let now = Instant::now();
        let left = time.saturating_duration_since(now);
        if left.is_zero() {
            let Some(look) = self.look.get().filter(|_| now - time > LATE) else { return (queue, false) };
            drop(queue);
            look();
            *deadline = Some(Instant::now() + DELIVERY_TAKES);
            return (lock(&self.queue), true);
        }
        (self.changed.wait_timeout(queue, left), true)
    }

    /// Makes a blocked or the next `dispatch` or `next` return.
    pub fn wake(&self) {
        let mut queue = lock(&self.queue);
        queue.woken = true;
        queue.update_wakeup();
        drop(queue);
        self.changed.notify_all();
    }

    /// The descriptor for event loops.
    pub fn wakeup_handle(&self) -> Result<isize> {
        if !matches!(self.mode(), Mode::Pump | Mode::Pull) {
            return Err(self.wrong_mode("a wake-up handle exists in PUMP and PULL mode only"));
        }
        let mut queue = lock(&self.queue);
        if queue.wakeup.is_none() {
            queue.wakeup = Some(super::wakeup::Wakeup::new()?);
            queue.update_wakeup();
        }
        Ok(queue.wakeup.as_ref().map_or(-1, super::wakeup::Wakeup::handle))
    }

    pub(super) fn require(&self, mode: Mode) -> Result<()> {
        if self.mode() == mode {
            return Ok(());
        }
        Err(self.wrong_mode(match mode {
            Mode::Pump => "claude_client_dispatch works in PUMP mode only",
            _ => "claude_client_next works in PULL mode only",
        }))
    }

    pub(super) fn wrong_mode(&self, message: &str) -> Error {
        Error::new(Status::Unsupported, message)
            .with("mode", format!("{:?}", self.mode()).to_uppercase())
            .with("remedy", "choose the mode with claude_client_set_dispatch before connecting")
    }
}

pub(super) fn all_received() -> Error {
    Error::new(Status::Closed, "the session has ended and everything was received")
}
