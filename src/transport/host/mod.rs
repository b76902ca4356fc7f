//! A transport supplied by the host.
//!
//! The host's functions run where host code may block, and never under a lock of the library: lines wait in a queue that one
//! job at a time drains. What the host pushes comes through the [`Inlet`].

mod calls;
mod inlet;
#[cfg(test)]
mod inlet_tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use super::{AtEnd, ExitReport, Later, Sink, Transport, room};
use crate::error::{Error, Result, Status};
use crate::process::Exit;
use crate::sync::{lock, ranked};
use calls::Calls;
use inlet::Taken;
pub use inlet::{Ending, Inlet};

/// The host's functions. `connect`, `is_ready`, `write` and `end_input` are called one at a time; `close` and `room`
/// may be called while another one runs. Once `close` has been called, none is.
pub trait Link: Send + Sync {
    fn connect(&self, inlet: &Arc<Inlet>) -> Result<()>;

    /// Polled after `connect` until it is true.
    fn is_ready(&self) -> Result<bool>;

    /// One line with its newline.
    fn write(&self, line: &[u8]) -> Result<()>;

    fn end_input(&self) -> Result<()>;

    /// Called once if `connect` was called and did not fail.
    fn close(&self) -> Result<()>;

    fn room(&self);
}

pub type Work = Box<dyn FnOnce() + Send>;

/// What the session provides to its transport.
pub trait Services: Send + Sync {
    /// Runs the work soon, on a thread where host code may block.
    fn run(&self, work: Work);

    /// Warns the host of something that no caller waits for.
    fn warn(&self, text: String);
}

/// How long a host whose write has failed may take to report why.
const REASON_TAKES: Duration = Duration::from_secs(1);

/// How long `close` may take if the peer is ended by force without having been asked to end.
const FORCED_CLOSE_TAKES: Duration = Duration::from_secs(4);

/// How often a host that is not ready yet is polled.
const READY_POLL: Duration = Duration::from_millis(10);

/// Pieces passed on in a row before other clients get their turn.
const TAKES_PER_TURN: usize = 16;

enum Outgoing {
    Line(Vec<u8>),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Before,
    /// `connect` runs, or has returned and the host is not ready yet.
    Running,
    Open,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    No,
    /// It is being closed, and may take its time.
    Asked,
    /// It counts as closed.
    Forced,
}

struct State {
    opening: Opening,
    /// `close` has been called, or never will be.
    closed: bool,
    queue: VecDeque<Outgoing>,
    queued: usize,
    /// A job is draining the queue.
    busy: bool,
    input_ended: bool,
    failure: Option<Error>,
}

ranked!(State: HostTransport);

pub struct HostTransport {
    me: Weak<HostTransport>,
    calls: Calls,
    services: Arc<dyn Services>,
    inlet: Arc<Inlet>,
    /// How long `close` may take.
    close_takes: Duration,
    state: Mutex<State>,
    stop: watch::Sender<Stop>,
    /// A write has failed.
    failed: watch::Sender<bool>,
    /// The host's `connect` is not running.
    returned: watch::Sender<bool>,
}

impl HostTransport {
    /// Starts the task that serves it; no function of the host is called before [`Transport::open`].
    pub fn start(
        link: Arc<dyn Link>,
        services: Arc<dyn Services>,
        most_waiting: usize,
        close_takes: Duration,
        sink: Arc<dyn Sink>,
    ) -> Arc<HostTransport> {
        let state = State {
            opening: Opening::Before,
            closed: false,
            queue: VecDeque::new(),
            queued: 0,
            busy: false,
            input_ended: false,
            failure: None,
        };
        let transport = Arc::new_cyclic(|me| HostTransport {
            me: me.clone(),
            calls: Calls::new(link),
            services,
            inlet: Arc::new(Inlet::new(most_waiting)),
            close_takes,
            state: Mutex::new(state),
            stop: watch::Sender::new(Stop::No),
            failed: watch::Sender::new(false),
            returned: watch::Sender::new(true),
        });
        tokio::spawn(transport.clone().serve(sink));
        transport
    }

    async fn serve(self: Arc<Self>, sink: Arc<dyn Sink>) {
        tokio::spawn(self.clone().read(sink.clone()));
        tokio::select! {
            () = self.ended_by_host() => {}
            () = self.stopped(Stop::Asked) => {}
            () = self.ended_by_failure() => {}
        }
        self.close_link().await;
        self.inlet.close();
        // Callers still waiting for the opening need not wait any longer.
        self.ask(Stop::Forced);
        let (report, words) = self.how_it_ended();
        sink.stderr_ended(words);
        sink.exited(report);
    }

    /// Waits until at least this has been requested.
    async fn stopped(&self, wanted: Stop) {
        let _ = self.stop.subscribe().wait_for(|stop| *stop >= wanted).await;
    }

    async fn ended_by_host(&self) {
        self.inlet.wait_ended().await;
        // If `connect` itself ended the stream, only its return tells whether there is something to close.
        let _ = self.returned.subscribe().wait_for(|returned| *returned).await;
    }

    /// A write failed because the peer is ending: its end says why.
    async fn ended_by_failure(&self) {
        let _ = self.failed.subscribe().wait_for(|failed| *failed).await;
        if lock(&self.state).opening == Opening::Open {
            let _ = timeout(REASON_TAKES, self.inlet.wait_ended()).await;
        }
    }

    async fn close_link(&self) {
        {
            let mut state = lock(&self.state);
            let connected = matches!(state.opening, Opening::Running | Opening::Open);
            state.closed = true;
            state.queue.clear();
            state.queued = 0;
            self.calls.begin_closing();
            if !connected {
                return;
            }
        }
        let closing = self.on_thread(|me| me.calls.call_closing(|link| link.close()));
        let forced = *self.stop.borrow() == Stop::Forced;
        let patience = async {
            match forced {
                true => sleep(self.close_takes.min(FORCED_CLOSE_TAKES)).await,
                false => {
                    let _ = timeout(self.close_takes, self.stopped(Stop::Forced)).await;
                }
            }
        };
        tokio::select! {
            biased;
            closed = closing => if let Some(Err(error)) = closed {
                self.services.warn(error.message);
            },
            () = patience => self.services.warn("the host's transport did not close in time".to_owned()),
        }
    }

    /// With what the host has reported about it.
    fn how_it_ended(&self) -> (ExitReport, String) {
        let failure = lock(&self.state).failure.clone();
        let silent = Ending { exit: Exit::Unknown, cause: None, message: String::new() };
        let Ending { exit, mut cause, message } = self.inlet.ending().unwrap_or(silent);
        if cause.is_none() && matches!(exit, Exit::Code(0) | Exit::Unknown) {
            cause = failure;
        }
        (ExitReport { cause: cause.map(Box::new), ..ExitReport::new(exit) }, message)
    }

    async fn read(self: Arc<Self>, sink: Arc<dyn Sink>) {
        let _end = AtEnd(|| sink.stdout_ended());
        let mut buffer = BytesMut::new();
        'stream: loop {
            for _ in 0..TAKES_PER_TURN {
                room(&*sink).await;
                match self.inlet.take(&mut buffer) {
                    Taken::Some { room } => {
                        sink.data(&mut buffer);
                        if room {
                            self.tell_room();
                        }
                    }
                    Taken::Nothing => self.inlet.work().await,
                    Taken::End => break 'stream,
                }
            }
            tokio::task::yield_now().await;
        }
        sink.data_ended(&mut buffer);
    }

    fn tell_room(&self) {
        let Some(me) = self.me.upgrade() else { return };
        self.services.run(Box::new(move || {
            me.calls.call(|link| link.room());
        }));
    }

    /// Calls the host; `None` once closing has begun.
    async fn call<T: Send + 'static>(
        &self,
        function: impl FnOnce(&dyn Link) -> T + Send + 'static,
    ) -> Option<T> {
        self.on_thread(|me| me.calls.call(function)).await
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&HostTransport) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let me = self.me.upgrade()?;
        let (sender, receiver) = oneshot::channel();
        self.services.run(Box::new(move || {
            if let Some(value) = work(&me) {
                let _ = sender.send(value);
            }
        }));
        receiver.await.ok()
    }

    async fn connect(&self) -> Result<()> {
        let (me, inlet) = (self.me.clone(), self.inlet.clone());
        // Recorded by the call itself: whoever awaits it may be gone when it returns.
        let connecting = self.call(move |link| {
            let me = me.upgrade().filter(|me| me.may_connect()).ok_or_else(closing)?;
            let outcome = link.connect(&inlet);
            me.connected(outcome.is_ok());
            outcome
        });
        match connecting.await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(self.why_not_connected(error)),
            None => return Err(closing()),
        }
        while !self.call(|link| link.is_ready()).await.unwrap_or_else(|| Err(closing()))? {
            sleep(READY_POLL).await;
        }
        let mut state = lock(&self.state);
        if !state.closed {
            state.opening = Opening::Open;
            self.kick(&mut state);
        }
        Ok(())
    }

    fn may_connect(&self) -> bool {
        let mut state = lock(&self.state);
        if !state.closed {
            state.opening = Opening::Running;
            self.returned.send_replace(false);
        }
        !state.closed
    }

    fn connected(&self, well: bool) {
        if !well {
            lock(&self.state).opening = Opening::Failed;
        }
        self.returned.send_replace(true);
    }

    /// The host has ended the stream after a successful `connect`: that end, which is on its way, says why.
    fn ended_before_it_was_ready(&self) -> bool {
        let failed = lock(&self.state).opening == Opening::Failed;
        !failed && self.inlet.ending().is_some()
    }

    /// If the host has ended the stream with a cause of its own, that says it better.
    fn why_not_connected(&self, error: Error) -> Error {
        let told = self.inlet.ending().and_then(|ending| ending.cause);
        told.unwrap_or(error).with("phase", "connect")
    }

    /// Makes sure that a job drains the queue.
    fn kick(&self, state: &mut State) {
        if state.opening != Opening::Open || state.busy || state.queue.is_empty() {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        state.busy = true;
        self.services.run(Box::new(move || me.empty_queue()));
    }

    fn empty_queue(&self) {
        while let Some(next) = self.next() {
            let outcome = self.calls.call(|link| match &next {
                Outgoing::Line(line) => link.write(line),
                Outgoing::End => link.end_input(),
            });
            if let Some(Err(error)) = outcome {
                self.fail(error);
            }
        }
    }

    fn next(&self) -> Option<Outgoing> {
        let mut state = lock(&self.state);
        let next = state.queue.pop_front();
        match &next {
            Some(Outgoing::Line(line)) => state.queued -= line.len(),
            Some(Outgoing::End) => {}
            None => state.busy = false,
        }
        next
    }

    /// A lost line may be one that a caller waits for, so the session ends rather than continue without it.
    fn fail(&self, error: Error) {
        {
            let mut state = lock(&self.state);
            state.queue.clear();
            state.queued = 0;
            state.failure.get_or_insert(error);
        }
        self.failed.send_replace(true);
    }

    fn ask(&self, stop: Stop) {
        self.stop.send_if_modified(|present| {
            let more = stop > *present;
            *present = stop.max(*present);
            more
        });
    }
}

fn closing() -> Error {
    Error::new(Status::Cancelled, "the session is closing")
}

/// With this status the session waits for the end, and reports its cause instead.
fn ended_early() -> Error {
    Error::new(Status::CliConnection, "the host's transport ended before it was ready")
        .with("phase", "connect")
}

impl Transport for HostTransport {
    fn open(&self) -> Later<'_, Result<()>> {
        Box::pin(async {
            let (outcome, stopped) = tokio::select! {
                biased;
                outcome = self.connect() => (outcome, false),
                () = self.stopped(Stop::Asked) => (Err(closing()), true),
            };
            match outcome {
                Err(_) if self.ended_before_it_was_ready() => Err(ended_early()),
                Err(error) if !stopped => {
                    self.fail(error.clone());
                    Err(error)
                }
                outcome => outcome,
            }
        })
    }

    fn write_line(&self, line: String) -> Result<()> {
        let mut line = line.into_bytes();
        line.push(b'\n');
        let mut state = lock(&self.state);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        if state.input_ended || state.closed {
            return Err(Error::new(Status::Closed, "the input of the session has ended")
                .with("remedy", "send nothing after claude_client_end_input"));
        }
        state.queued += line.len();
        state.queue.push_back(Outgoing::Line(line));
        self.kick(&mut state);
        Ok(())
    }

    fn end_input(&self) {
        let mut state = lock(&self.state);
        let first = !std::mem::replace(&mut state.input_ended, true);
        if first && state.failure.is_none() && !state.closed {
            state.queue.push_back(Outgoing::End);
            self.kick(&mut state);
        }
    }

    fn terminate(&self) {
        self.ask(Stop::Asked);
    }

    fn kill(&self) {
        self.ask(Stop::Forced);
    }

    fn release(&self) {
        self.calls.release();
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn queued_input(&self) -> usize {
        lock(&self.state).queued
    }

    fn stderr(&self) -> String {
        String::new()
    }
}
