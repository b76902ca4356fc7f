//! The end of a session, as the host asks for it and waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::life::{Event, Machine};
use super::{Client, Phase};
use crate::dispatch::{Closing, Completion, Listener, Mode, Outcome, Waiter, is_reader_thread, pool};
use crate::error::{Error, Result, Status};
use crate::sync::lock;

/// After the exit of the process, so long may unread output delay the end of a disconnect.
const DELIVERY_AFTER_EXIT: Duration = Duration::from_secs(1);

/// A reader that has not kept a timeout so long behind its time does not come to it.
const READER_LATE: Duration = Duration::from_secs(1);

/// So often it is looked, in its place, what has become of the process.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Client {
    /// Ends the session: end of input, grace, SIGTERM, grace, SIGKILL. `completion` is told when the process is gone.
    pub fn disconnect(&self, completion: Completion) -> Result<()> {
        let _hold = self.hold()?;
        self.happens(Event::Turn(self.is_at_work()));
        self.calls(Event::Disconnect, || {
            lock(&self.state).disconnecting.push(completion.accept());
            Ok(())
        })?;
        if self.life.look(Machine::is_over) {
            self.wait_told();
        }
        Ok(())
    }

    /// Behind the end, when nothing else will come, what a disconnect is told is in the queue when its call returns: another thread
    /// may be the one that performs, and is about to do it.
    fn wait_told(&self) {
        if self.is_performing_here() {
            return;
        }
        let deadline = Instant::now() + READER_LATE;
        let is_open = |completion: &Completion| !completion.is_awaited();
        let mut state = lock(&self.state);
        while state.telling || state.disconnecting.iter().any(is_open) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.ended.wait_timeout(state, left);
        }
    }

    /// As [`Client::disconnect`], waiting for the end of it.
    pub fn disconnect_wait(&self, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.disconnect(self.completion(Listener::Wait(waiter.clone())))?;
        let outcome = self.told_in_time(&waiter, wait).unwrap_or_else(|| {
            Err(Error::new(Status::Timeout, "the CLI has not ended yet; it is still being closed")
                .with("phase", "disconnect")
                .with("remedy", "wait again, or shorten graceful_exit_timeout_ms and terminate_timeout_ms"))
        });
        // A host that frees the client now would otherwise never see the last messages and on_closed.
        if outcome.is_ok()
            && matches!(self.dispatcher.mode(), Mode::Thread | Mode::Inline)
            && self.has_begun()
        {
            self.dispatcher.wait_delivered(Some(DELIVERY_AFTER_EXIT));
        }
        outcome
    }

    /// A connect was accepted, whatever became of it: a closing event is on its way, or was told.
    pub(super) fn has_begun(&self) -> bool {
        lock(&self.reader).is_some()
    }

    /// Blocks until the session is over and everybody was told, or until the deadline has passed: `false`.
    pub fn wait_ended(&self, time: Duration) -> bool {
        if self.phase() == Phase::Created {
            return true;
        }
        let deadline = Instant::now() + time;
        let mut state = lock(&self.state);
        while !state.released {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left);
        }
        true
    }

    /// Its time is bounded by the life cycle, whose timeouts are kept here when the reader, in a callback that does not return,
    /// cannot keep them.
    fn wait_released(&self) {
        loop {
            let due = self.life.look(Machine::next_timeout);
            let left = due.map_or(Duration::ZERO, |(at, _)| self.time_until(at));
            // The second wait is the reader's own chance: the whole process may have been stopped in the first one.
            if self.wait_ended(left) || self.wait_ended(READER_LATE) {
                return;
            }
            if due.is_some() && self.life.look(Machine::next_timeout) == due {
                break;
            }
        }
        while !self.wait_ended(LOOK_AGAIN) {
            self.take_exit();
            self.expire();
        }
    }

    /// Starts to end the session without waiting; for a shutdown of everything.
    pub fn close_soon(&self) {
        self.may_end(Event::Shutdown);
    }

    /// Frees the client. When it returns, no callback of it runs or will run, every destroy-notify has run and the
    /// process is gone; inside one of its own callbacks all that holds when the callback returns.
    pub fn free(self: Arc<Self>) {
        self.dispatcher.discard_messages();
        // A handler may be waiting to hear just this, and we for the handler.
        self.requests.end();
        self.mcp.close();
        self.dispatcher.tell_withdrawn();
        self.may_end(Event::Free);
        if self.may_not_finalise_here() && !self.dispatcher.gate.is_inside() {
            // The reader has to go on reading until the process is gone; and it may have called the host from the midst of
            // this client's work.
            self.dispatcher.gate.shut();
            return pool::run(move || self.finalise_now());
        }
        let later = self.clone();
        if self.dispatcher.close(move || later.finalise_later()) == Closing::Quiet {
            self.finalise();
        }
    }

    /// As the end of [`Client::free`] when the callback that called it has returned.
    fn finalise_later(self: Arc<Self>) {
        if self.may_not_finalise_here() {
            pool::run(move || self.finalise_now())
        } else {
            self.finalise_now()
        }
    }

    /// The reader has to go on reading until the process is gone, and whoever performs to perform.
    fn may_not_finalise_here(&self) -> bool {
        is_reader_thread() || self.is_performing_here()
    }

    fn finalise_now(&self) {
        self.dispatcher.wait_quiet();
        self.finalise();
    }

    fn finalise(&self) {
        self.wait_released();
        drop(std::mem::take(&mut *lock(&self.run.held)));
        self.dispatcher.finish();
        self.drop_routes();
        self.mcp.clear();
        self.release_transport();
        self.run_left_ends();
        self.release_reader();
    }
}
