//! Carries out the actions of the state machine, and reports their outcomes as events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::connect::Plan;
use super::life::{Action, Call, Cause, Completions, Event, Launched, Machine, Millis, Perform, Refusal};
use super::start::start_transport;
use super::{Client, Phase};
use crate::dispatch::{Completion, Outcome};
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::sync::{lock, thread_key};
use crate::transport::{Ends, Transport};

impl Perform for Client {
    fn perform(&self, action: Action) {
        let _performing = Performing::here(&self.performer);
        self.carry_out(action);
    }

    fn timeout_changed(&self) {
        self.timeouts.notify_one();
    }
}

impl Client {
    fn carry_out(&self, action: Action) {
        match action {
            Action::Launch { older } => self.launch(Launched { older }),
            Action::AbandonLaunch => log::info(|| "what is being started will be ended".to_owned()),
            Action::Open => self.open(),
            Action::SendInitialize => self.send_initialize(),
            Action::SendClaim => self.send_claim(),
            Action::SendFirstPrompt => self.send_first_prompt(),
            Action::Interrupt => {
                self.with_transport(|transport| transport.write_last(self.control.last_interrupt()));
            }
            Action::EndInput => self.with_transport(|transport| transport.end_input()),
            Action::Terminate => self.with_transport(|transport| transport.terminate()),
            Action::Kill => self.with_transport(|transport| transport.kill()),
            // The reader suspends itself and reports that.
            Action::HoldReading => {}
            Action::ResumeReading => self.dispatcher.bound.tell_room(),
            Action::StopReading => self.with_transport(|transport| transport.stop_reading()),
            Action::FailOpenRequests => self.fail_open_requests(),
            Action::CloseRequests => self.close_requests(),
            Action::RemoveFiles => self.with_transport(|transport| transport.remove_files()),
            Action::WarnStartedAgain => self.warn_started_again(),
            Action::CompleteConnect => {
                let info = lock(&self.state).server_info.clone().unwrap_or_default();
                self.complete_connect(Ok(info));
            }
            Action::FailConnect(cause) => {
                let error = self.named(cause).map(|cause| (*cause).clone());
                self.complete_connect(Err(error.unwrap_or_else(|| {
                    Error::new(Status::Cancelled, "connecting was cancelled: the session is closing")
                })));
            }
            Action::CompleteClaim => self.complete_claim(),
            Action::FailClaim(cause) => self.fail_claim(cause),
            Action::CompleteDisconnects { of, left } => self.complete_disconnects(of, left),
            Action::QueueClosed(cause) => self.queue_closed(cause),
            Action::ReleaseWaiters => self.release_waiters(),
        }
    }

    /// Whether the current thread is in the middle of an action, which may call the host's log or ready function: waiting here
    /// would never end.
    pub(super) fn is_performing_here(&self) -> bool {
        self.performer.load(Ordering::Relaxed) == thread_key()
    }
}

/// Marks a thread as performing, for one action.
struct Performing<'a>(&'a AtomicUsize);

impl Performing<'_> {
    fn here(performer: &AtomicUsize) -> Performing<'_> {
        performer.store(thread_key(), Ordering::Relaxed);
        Performing(performer)
    }
}

impl Drop for Performing<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A launch in progress. It always has an outcome: a task that is dropped or panics has failed.
struct Launching {
    client: Option<Arc<Client>>,
    launched: Launched,
}

impl Launching {
    async fn run(mut self, plan: Result<Plan>) {
        let Some(client) = self.client.clone() else { return };
        let outcome = match plan {
            Ok(plan) => client.launching(plan, self.launched).await,
            Err(error) => Err(error),
        };
        self.client = None;
        match outcome {
            Ok(()) => client.happens(Event::Launched),
            Err(error) => client.fails(Cause::Launch, error, Event::LaunchFailed),
        }
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            client.happens(Event::LaunchFailed);
        }
    }
}

impl Client {
    /// The current time of the state machine's clock.
    pub(super) fn now(&self) -> Millis {
        Millis::try_from(self.born.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// The host has left its log or ready function, called from the middle of an action: the remaining actions must still be
    /// performed.
    pub(super) fn go_on_if_left(&self) {
        if self.is_performing_here() {
            self.performer.store(0, Ordering::Relaxed);
            lock(&self.state).telling = false;
            self.life.go_on(self);
        }
    }

    pub(super) fn time_until(&self, at: Millis) -> Duration {
        Duration::from_millis(at.saturating_sub(self.now()))
    }

    /// Feeds an event that cannot be refused.
    pub(super) fn happens(&self, event: Event) {
        self.life.feed(event, self.now(), self);
    }

    /// Like [`Client::happens`], for an event that may end the session during a turn, on which the actions then depend.
    pub(super) fn may_end(&self, event: Event) {
        self.happens(Event::Turn(self.is_at_work()));
        self.happens(event);
    }

    /// Something failed; the reason is kept for the report of the end.
    pub(super) fn fails(&self, cause: Cause, error: Error, event: Event) {
        self.keep(cause, error);
        self.may_end(event);
    }

    /// An event reported by a transport.
    pub(super) fn told_by(&self, launched: Launched, event: Event) {
        self.life.feed_from(launched, event, self.now(), self);
    }

    /// A call of the host, or an event with an atomic check. `accept` runs if the state machine allows the call.
    pub(super) fn calls(&self, event: Event, accept: impl FnOnce() -> Result<()>) -> Result<()> {
        self.calls_or(event, accept, |refusal| self.refused(refusal))
    }

    /// Like [`Client::calls`], with a custom error for a refusal.
    pub(super) fn calls_or(
        &self,
        event: Event,
        accept: impl FnOnce() -> Result<()>,
        refused: impl FnOnce(Refusal) -> Error,
    ) -> Result<()> {
        let outcome = self.life.call(event, self.now(), self, || accept().map_err(Rejected::Outside));
        outcome.map_err(|rejected| match rejected {
            Rejected::Life(refusal) => refused(refusal),
            Rejected::Outside(error) => error,
        })
    }

    /// The timeouts that are due.
    pub(super) fn expire(&self) {
        self.happens(Event::Turn(self.is_at_work()));
        self.life.expire(self.now(), self);
    }

    /// Reads the exit of the process in place of the blocked reader.
    pub(super) fn take_exit(&self) {
        let Some(report) = self.transport().and_then(|transport| transport.exit()) else { return };
        lock(&self.state).ends.report.get_or_insert(report);
        self.happens(Event::Exited);
    }

    /// Whether the host may make this call now.
    pub(super) fn check(&self, call: Call) -> Result<()> {
        self.life.look(|machine| machine.check(call)).map_err(|refusal| self.refused(refusal))
    }

    pub(super) fn refused(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::NotConnected => Error::new(Status::NotConnected, "not connected: connect first")
                .with("remedy", "call claude_client_connect or claude_client_connect_wait"),
            Refusal::Starting => {
                Error::new(Status::NotConnected, "not connected yet: the session is starting")
                    .with("remedy", "wait for the completion of claude_client_connect")
            }
            Refusal::Unclaimed => {
                Error::new(Status::NotConnected, "this client is a spare that nobody has claimed")
                    .with("remedy", "call claude_spare_claim or claude_spare_claim_wait")
            }
            Refusal::AlreadyConnected => {
                Error::new(Status::AlreadyConnected, "this client is connected already")
                    .with("remedy", "create another client; the option resume continues a conversation")
            }
            Refusal::InputEnded => Error::new(Status::Closed, "the input of the session has ended")
                .with("remedy", "send nothing after claude_client_end_input"),
            Refusal::Over => match &lock(&self.state).cause {
                Some(cause) => (**cause).clone(),
                None => Error::new(Status::Closed, "the session has ended")
                    .with("remedy", "create another client; the option resume continues the conversation"),
            },
        }
    }

    fn with_transport(&self, act: impl FnOnce(&dyn Transport)) {
        if let Some(transport) = self.transport() {
            act(&*transport);
        }
    }

    // The start.

    fn launch(&self, launched: Launched) {
        let plan = match launched.older {
            true => self.older_plan(),
            false => lock(&self.state).plan.take().ok_or_else(no_plan),
        };
        let before = lock(&self.transport).take();
        if let Some(before) = before {
            before.release();
        }
        {
            let mut state = lock(&self.state);
            state.ends = Ends::default();
            state.first_output.clear();
            state.unfinished_output.clear();
        }
        let launching = Launching { client: self.strong(), launched };
        // If no runtime is left, the task is dropped, which reports the failure.
        let _ = self.spawn(launching.run(plan));
    }

    async fn launching(self: &Arc<Self>, mut plan: Plan, launched: Launched) -> Result<()> {
        if !launched.older {
            self.prepare(&mut plan).await?;
        }
        self.mirror.lead(&mut plan.launch);
        if self.life.look(Machine::begins_as_spare) {
            self.park_in_own_folder(&mut plan.launch).await?;
        }
        let mut initialize = plan.launch.initialize.clone();
        initialize.entry("subtype").or_insert_with(|| "initialize".into());
        self.hermetic.configure(&initialize);
        lock(&self.state).greeting = Some((initialize, plan.launch.must_be_applied.clone()));
        let transport = start_transport(self, plan, launched).await?;
        *lock(&self.transport) = Some(transport);
        Ok(())
    }

    fn open(&self) {
        let (Some(client), Some(transport)) = (self.strong(), self.transport()) else { return };
        let launched = self.life.look(|machine| Launched { older: machine.is_second() });
        let _ = self.spawn(async move {
            match transport.open().await {
                Ok(()) => client.told_by(launched, Event::Opened),
                // The peer is ending: its end says why.
                Err(error) if error.status == Status::CliConnection => {
                    client.fails(Cause::Write, error, Event::WriteFailed);
                }
                Err(error) => client.fails(Cause::Open, error, Event::OpenFailed),
            }
        });
    }

    fn send_initialize(&self) {
        let greeting = lock(&self.state).greeting.as_ref().map(|(initialize, _)| initialize.clone());
        if let Some(initialize) = greeting {
            self.begin_control(&initialize);
        }
    }

    /// The answer to `initialize`, on the thread that has read it, so that it is processed before later input.
    pub(super) fn initialize_answered(&self, outcome: Outcome) {
        match outcome.map_err(in_initialize).and_then(|info| self.accept_answer(&info)) {
            Ok(()) => self.happens(Event::Answered),
            Err(error) => self.fails(Cause::Refused, error, Event::Refused),
        }
    }

    /// `initialize` could not be written.
    pub(super) fn initialize_not_sent(&self, error: Error) {
        match error.status {
            Status::CliConnection => self.fails(Cause::Write, error, Event::WriteFailed),
            _ => self.fails(Cause::Refused, in_initialize(error), Event::Refused),
        }
    }

    fn accept_answer(&self, info: &str) -> Result<()> {
        let greeting = lock(&self.state).greeting.take();
        let (initialize, must_be_applied) = greeting.unwrap_or_default();
        self.accept_server_info(info, &must_be_applied)?;
        let _ = self.initialize.set(initialize);
        Ok(())
    }

    fn send_first_prompt(&self) {
        let first = lock(&self.state).first.take();
        match first.map_or(Ok(()), |message| self.write_prompt(message).map(drop)) {
            Ok(()) => self.happens(Event::Begun),
            Err(error) => self.fails(Cause::Write, error, Event::WriteFailed),
        }
    }

    fn complete_connect(&self, outcome: Outcome) {
        let completion = lock(&self.state).connecting.take();
        if let Some(completion) = completion {
            completion.complete(outcome);
        }
    }

    // The end.

    fn close_requests(&self) {
        self.requests.close();
        self.mcp.close();
        let by_itself = self.life.look(Machine::cause).filter(|cause| *cause == Cause::Ended);
        let reason = match by_itself {
            Some(_) => self.reason(by_itself),
            None => {
                self.note_cause(self.life.look(Machine::cause));
                Arc::new(Error::new(Status::Cancelled, "the session is closing"))
            }
        };
        self.control.end(&reason);
        if !self.life.look(Machine::is_over) {
            self.with_transport(|transport| transport.closing());
        }
    }

    fn reason(&self, cause: Option<Cause>) -> Arc<Error> {
        self.named(cause).unwrap_or_else(|| Arc::new(Error::new(Status::Closed, "the session has ended")))
    }

    /// Asynchronous disconnects complete before CLOSED is queued, blocking ones after it, so that a blocked caller finds it in
    /// the queue.
    fn complete_disconnects(&self, of: Completions, left: Option<Cause>) {
        let completions: Vec<Completion> = {
            let mut state = lock(&self.state);
            let (awaited, queued) =
                std::mem::take(&mut state.disconnecting).into_iter().partition(Completion::is_awaited);
            let (now, later) = match of {
                Completions::Queued => (queued, awaited),
                Completions::Awaited => (awaited, queued),
            };
            state.disconnecting = later;
            state.telling = true;
            now
        };
        let left = left.and_then(|left| self.kept(left));
        for completion in completions {
            completion.complete(match &left {
                None => Ok("{}".to_owned()),
                Some(error) => Err((**error).clone()),
            });
        }
        lock(&self.state).telling = false;
        self.ended.notify_all();
    }

    fn queue_closed(&self, cause: Option<Cause>) {
        self.end_watch();
        self.end_stall_watch();
        self.run.release();
        self.end_ceiling();
        self.mirror.forget();
        let cause = self.named(cause);
        match &cause {
            Some(cause) => log::write(Level::Error, || format!("the session has ended: {}", cause.message)),
            None => log::info(|| "the session has ended".to_owned()),
        }
        self.dispatcher.push_closed(cause);
    }

    fn release_waiters(&self) {
        self.with_transport(|transport| transport.stop_reading());
        if !self.has_begun() && self.life.look(Machine::cause).is_none() {
            // No closing event will report it.
            self.dispatcher.note_end(None);
        }
        lock(&self.state).released = true;
        self.ended.notify_all();
    }

    /// The state of the session, as the host sees it.
    pub fn phase(&self) -> Phase {
        self.life.look(Machine::stage).into()
    }
}

/// Why a call is refused.
enum Rejected {
    Life(Refusal),
    /// For a reason outside the session.
    Outside(Error),
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Rejected {
        Rejected::Life(refusal)
    }
}

fn no_plan() -> Error {
    Error::new(Status::Closed, "the session has ended")
}

/// The error of a record that does not match is already specific.
fn in_initialize(error: Error) -> Error {
    match error.detail("phase").and_then(Value::as_str) {
        Some("replay") => error,
        _ => error.with("phase", "initialize"),
    }
}
