//! How the host ends a session and waits for the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::life::{Event, Machine};
use super::{Client, Phase};
use crate::dispatch::{Completion, Listener, Mode, Outcome, Waiter};
use crate::error::{Error, Result, Status};
use crate::runtime::{is_reader_thread, pool};
use crate::sync::gate::Closing;
use crate::sync::lock;

/// After the exit of the process, how long unread output may delay the completion of a disconnect.
const DELIVERY_AFTER_EXIT: Duration = Duration::from_secs(1);

/// A reader that is this late with a timeout is blocked.
const READER_LATE: Duration = Duration::from_secs(1);

/// How often the process is polled in place of a blocked reader.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Client {
    /// Ends the session: end of input, grace, SIGTERM, grace, SIGKILL. Completes when the process is gone.
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

    /// After the end of the session, when no further event will arrive, the completion of a disconnect is in the queue when its
    /// call returns: another thread may be performing the actions, and be about to queue it.
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

    /// Like [`Client::disconnect`], but waits until it completes.
    pub fn disconnect_wait(&self, wait: Option<Duration>) -> Outcome {
        self.dispatcher.check_may_wait()?;
        let waiter = Arc::new(Waiter::default());
        self.disconnect(self.completion(Listener::Wait(waiter.clone())))?;
        let outcome = self.told_of_exit_in_time(&waiter, wait).unwrap_or_else(|| {
            Err(Error::new(Status::Timeout, "the CLI has not ended yet; it is still being closed")
                .with("phase", "disconnect")
                .with("remedy", "wait again, or shorten graceful_exit_timeout_ms and terminate_timeout_ms"))
        });
        // If the host freed the client now, it would never see the last messages and on_closed.
        if outcome.is_ok()
            && matches!(self.dispatcher.mode(), Mode::Thread | Mode::Inline)
            && self.has_begun()
        {
            self.dispatcher.wait_delivered(Some(DELIVERY_AFTER_EXIT));
        }
        outcome
    }

    /// A connect was accepted, whatever became of it: a closing event will be or has been delivered.
    pub(super) fn has_begun(&self) -> bool {
        lock(&self.reader).is_some()
    }

    /// Blocks until the session is over and everybody was notified; `false` if the deadline passed first.
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

    /// The state machine bounds how long this takes. Its timeouts are run here if the reader cannot run them because it is in a
    /// callback that does not return.
    fn wait_released(&self) {
        loop {
            let due = self.life.look(Machine::next_timeout);
            let left = due.map_or(Duration::ZERO, |(at, _)| self.time_until(at));
            // The second wait gives the reader a chance: the whole process may have been suspended during the first one.
            if self.wait_ended(left) || self.wait_ended(READER_LATE) {
                return;
            }
            if due.is_some() && self.life.look(Machine::next_timeout) == due {
                break;
            }
        }
        while !self.wait_ended(POLL_INTERVAL) {
            self.take_exit();
            self.expire();
        }
    }

    /// Starts to close the session without waiting; for a shutdown of the whole library.
    pub fn close_soon(&self) {
        self.may_end(Event::Shutdown);
    }

    /// Frees the client. When it returns, no callback of it is running or will run, every destroy-notify has run and the
    /// process is gone; if called inside one of its own callbacks, all that holds when the callback returns.
    pub fn free(self: Arc<Self>) {
        self.dispatcher.discard_messages();
        // A handler may be waiting for exactly this notification, and we for the handler.
        self.requests.end();
        self.mcp.close();
        self.dispatcher.notify_cancelled();
        self.may_end(Event::Free);
        if self.may_not_finalise_here() && !self.dispatcher.gate.is_inside() {
            // The reader must go on reading until the process is gone; and it may have called the host in the middle of this
            // client's work.
            self.dispatcher.gate.shut();
            return pool::run(move || self.finalise_now());
        }
        let later = self.clone();
        if self.dispatcher.close(move || later.finalise_later()) == Closing::Quiet {
            self.finalise();
        }
    }

    /// The last step of [`Client::free`], when the callback that called it has returned.
    fn finalise_later(self: Arc<Self>) {
        if self.may_not_finalise_here() {
            pool::run(move || self.finalise_now())
        } else {
            self.finalise_now()
        }
    }

    /// The reader must go on reading until the process is gone, and a thread that is performing actions must go on with them.
    fn may_not_finalise_here(&self) -> bool {
        is_reader_thread() || self.is_performing_here()
    }

    fn finalise_now(&self) {
        self.dispatcher.wait_quiet();
        self.finalise();
    }

    fn finalise(&self) {
        self.wait_released();
        let held = std::mem::take(&mut *lock(&self.run.held));
        drop(held);
        self.dispatcher.finish();
        self.drop_routes();
        self.mcp.clear();
        self.release_transport();
        self.mirror.release();
        self.run_left_ends();
        self.release_reader();
    }
}
