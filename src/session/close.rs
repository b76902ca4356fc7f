//! The end of a session: asked for by the host, or by the CLI's own end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connect::OWN_END;
use super::{Client, Phase, State, exit_cause, longest_close};
use crate::dispatch::gate::Slot;
use crate::dispatch::{Closing, Completion, Listener, Mode, Outcome, Waiter, is_reader_thread, pool};
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::options::bypass;
use crate::sync::lock;
use crate::transport::{End, Ends};

/// After the exit of the process, so long may unread output delay the end of a disconnect.
const DELIVERY_AFTER_EXIT: Duration = Duration::from_secs(1);

impl Client {
    /// Ends the session: end of input, grace, SIGTERM, grace, SIGKILL. `completion` is told when the process is gone.
    pub fn disconnect(&self, completion: Completion) -> Result<()> {
        let _hold = self.hold()?;
        let never_connected = {
            let mut state = lock(&self.state);
            if !matches!(state.phase, Phase::Created | Phase::Closed) {
                state.disconnecting.push(completion.accept());
                let gone = state.process_gone;
                drop(state);
                self.start_closing();
                if gone {
                    self.process_gone();
                }
                return Ok(());
            }
            let never_connected = state.phase == Phase::Created;
            if never_connected {
                state.phase = Phase::Closed;
                state.over = true;
            }
            never_connected
        };
        self.disconnected(completion);
        if never_connected {
            // There is no closing event that would tell it.
            self.dispatcher.note_end(None);
        }
        Ok(())
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
    fn has_begun(&self) -> bool {
        lock(&self.reader).is_some()
    }

    /// Begins to close, once; every later step is taken by the transport.
    pub(super) fn start_closing(&self) {
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        {
            let mut state = lock(&self.state);
            if matches!(state.phase, Phase::Connecting | Phase::Connected) {
                state.phase = Phase::Closing;
            }
        }
        self.ended_async.notify_waiters();
        self.requests.close();
        self.mcp.close();
        self.control.end(&Arc::new(Error::new(Status::Cancelled, "the session is closing")));
        let hurry = self.leave_turn();
        self.close_transport();
        if hurry && let Some(transport) = self.transport() {
            transport.hurry();
        }
    }

    /// At the end of its input a CLI finishes what it is at, so it is told to leave it. `true` when it cannot be told any more.
    fn leave_turn(&self) -> bool {
        if !self.is_at_work() {
            return false;
        }
        let (ready, input_ended) = {
            let state = lock(&self.state);
            (state.server_info.is_some(), state.input_ended)
        };
        if let (true, false, Some(transport)) = (ready, input_ended, self.transport()) {
            transport.write_last(self.control.last_interrupt());
        }
        ready && input_ended
    }

    pub(super) fn close_transport(&self) {
        if let Some(transport) = self.transport() {
            transport.close();
        }
        self.dispatcher.bound.tell_room();
    }

    /// The process has been reaped. Its last output may still wait for a slow consumer, which must not hold up
    /// whoever disconnects.
    pub(super) fn process_gone(&self) {
        self.exited.store(true, Ordering::Release);
        self.run.release();
        self.dispatcher.bound.tell_room();
        let (me, again) = (self.me.clone(), self.starts_again.load(Ordering::Acquire));
        let _ = self.spawn(async move {
            tokio::time::sleep(DELIVERY_AFTER_EXIT).await;
            let Some(client) = me.upgrade() else { return };
            if client.starts_again.load(Ordering::Acquire) != again {
                return; // another process has taken its place
            }
            // A client that is being freed tells everybody at its end.
            let Some(_pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
            client.complete_disconnects();
        });
    }

    /// The host has ended the session and the CLI is gone: what is left to read is little, and the end does not wait until
    /// somebody receives what is queued.
    pub(super) fn is_ending_unread(&self) -> bool {
        // A second process may have taken the place of the one that is gone.
        let gone = || self.transport().is_some_and(|transport| transport.pid().is_none());
        self.is_closing() && self.exited.load(Ordering::Acquire) && gone()
    }

    /// With the last part everything that the CLI wrote has been taken in.
    pub(super) fn part_ended(&self, note: impl FnOnce(&mut Ends)) {
        let end = {
            let mut state = lock(&self.state);
            note(&mut state.ends);
            state.ends.complete()
        };
        if let Some(end) = end {
            self.stream_ended(&end);
        }
    }

    /// Its end is not waited for: the system keeps its books.
    pub(super) fn left_alive(&self, why: Error) {
        log::warning(|| why.message.clone());
        {
            let mut state = lock(&self.state);
            let cause = Arc::new(why);
            state.lives_on = Some(cause.clone());
            state.cause.get_or_insert(cause);
        }
        self.over();
    }

    fn stream_ended(&self, end: &End) {
        if self.starts_again_after(end) {
            return;
        }
        let turn = exit_cause::Turn { runs: self.turn_in_progress().is_some(), owed: self.owes_result() };
        {
            let mut state = lock(&self.state);
            if !self.is_closing() && state.cause.is_none() {
                let cause = exit_cause::cause(end, &state, turn);
                let connecting = state.server_info.is_none();
                state.cause = cause.map(|error| Arc::new(self.explained(error, end, connecting)));
            }
        }
        self.over();
    }

    /// A CLI that is too old for what it was given says only which word it does not know.
    fn explained(&self, mut error: Error, end: &End, connecting: bool) -> Error {
        if connecting && bypass::is_refusal(&end.stderr) {
            let pointer = bypass::pointer(&self.options);
            return error.with_opt("pointer", pointer).with("remedy", bypass::REMEDY);
        }
        if !connecting && error.status == Status::Process && self.every_prompt_is_answered() {
            error.message += "; every prompt had its result by then";
            return error.with("answered", true).with(
                "remedy",
                "the results that were delivered stand; the option resume continues the conversation",
            );
        }
        match exit_cause::unknown_flag(end).filter(|_| connecting) {
            Some(flag) => {
                let (remedy, pointer) = self.options.without_flag(flag);
                error.with_opt("pointer", pointer).with("remedy", remedy)
            }
            None => error,
        }
    }

    /// The last step, whatever led here: nobody is left waiting.
    pub(super) fn over(&self) {
        let (cause, connecting) = {
            let mut state = lock(&self.state);
            if state.phase == Phase::Closed {
                return;
            }
            state.phase = Phase::Closed;
            (state.cause.clone(), state.connecting.take())
        };
        self.end_watch();
        self.run.release();
        self.end_stall_watch();
        let reason =
            cause.clone().unwrap_or_else(|| Arc::new(Error::new(Status::Closed, "the session has ended")));
        match &cause {
            Some(cause) => log::write(Level::Error, || format!("the session has ended: {}", cause.message)),
            None => log::info(|| "the session has ended".to_owned()),
        }
        self.control.end(&reason);
        self.requests.close();
        self.mcp.close();
        self.stop_ceiling();
        if let Some(completion) = connecting {
            completion.complete(Err(match &cause {
                Some(cause) => (**cause).clone(),
                None => Error::new(Status::Cancelled, "connecting was cancelled: the session is closing"),
            }));
        }
        // Who polls for it is told of the end last; who waits in a call finds it queued when the call returns.
        let disconnecting = std::mem::take(&mut lock(&self.state).disconnecting);
        let (awaited, told): (Vec<_>, Vec<_>) = disconnecting.into_iter().partition(Completion::is_awaited);
        told.into_iter().for_each(|completion| self.disconnected(completion));
        self.dispatcher.push_closed(cause);
        awaited.into_iter().for_each(|completion| self.disconnected(completion));
        lock(&self.state).over = true;
        self.ended.notify_all();
        self.ended_async.notify_waiters();
    }

    fn complete_disconnects(&self) {
        let completions = {
            let mut state = lock(&self.state);
            state.process_gone = true;
            std::mem::take(&mut state.disconnecting)
        };
        completions.into_iter().for_each(|completion| self.disconnected(completion));
    }

    fn disconnected(&self, completion: Completion) {
        let lives_on = lock(&self.state).lives_on.clone();
        completion.complete(lives_on.map_or_else(|| Ok("{}".to_owned()), |error| Err((*error).clone())));
    }

    pub(super) async fn wait_ended_async(&self) {
        self.wait_until(|state| state.over).await;
    }

    pub(super) async fn wait_until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let notified = self.ended_async.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if holds(&lock(&self.state)) {
                return;
            }
            notified.await;
        }
    }

    /// Blocks until the session is over. `false` when the deadline passed first.
    pub fn wait_ended(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = lock(&self.state);
        while is_alive(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left);
        }
        true
    }

    /// Starts to end the session without waiting; for a shutdown of everything.
    pub fn close_soon(&self) {
        if self.phase() != Phase::Created {
            self.start_closing();
        }
    }

    /// Frees the client. When it returns, no callback of it runs or will run, every destroy-notify has run and the
    /// process is gone; inside one of its own callbacks all that holds when the callback returns.
    pub fn free(self: Arc<Self>) {
        self.dispatcher.discard_messages();
        // A handler may be waiting to hear just this, and we for the handler.
        self.requests.end();
        self.mcp.close();
        self.dispatcher.tell_withdrawn();
        self.close_soon();
        if is_reader_thread() && !self.dispatcher.gate.is_inside() {
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
        // The reader has to go on reading until the process is gone.
        if is_reader_thread() { pool::run(move || self.finalise_now()) } else { self.finalise_now() }
    }

    fn finalise_now(&self) {
        self.dispatcher.wait_quiet();
        self.finalise();
    }

    fn finalise(&self) {
        self.close_soon();
        let ended = self.wait_ended(longest_close(&self.options)) || {
            self.catch_up_blocking();
            self.wait_ended(OWN_END)
        };
        if !ended {
            // What the late end would complete is told now: nothing of the host's may run behind this.
            self.over();
        }
        drop(std::mem::take(&mut *lock(&self.run.held)));
        self.dispatcher.finish();
        self.drop_routes();
        self.mcp.clear();
        self.release_transport();
        self.run_left_ends();
        self.release_reader();
    }

    /// For a client whose reader has gone with the runtime: what is left of its end.
    pub fn abandon(&self) {
        if self.phase() != Phase::Created {
            self.over();
        }
    }
}

fn is_alive(state: &State) -> bool {
    state.phase != Phase::Created && !state.over
}
