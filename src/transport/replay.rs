//! A recorded conversation in place of a CLI: no process, no network, no account.
//!
//! What the host sends is compared with the record, line by line; what the CLI sent then follows once everything before it in
//! the record has been sent.

mod compare;
mod script;
mod state;

use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::record::redact::Redactor;
use super::stderr_tail::StderrTail;
use super::{End, ExitReport, Later, Sink, Transport, room};
use crate::error::{Error, Result, Status};
use crate::options;
use crate::process::Exit;
use crate::sync::{lock, ranked};
use script::Script;
use state::{State, Step};

/// Is notified of mismatches. Never called on a thread that sends.
pub trait Watcher: Send + Sync {
    /// The document of the event.
    fn mismatch(&self, event: Value);

    /// The session cannot go on, and must be closed.
    fn failed(&self, error: Error);
}

/// Plays the CLI's side of a record.
pub struct Replay {
    me: Weak<Replay>,
    state: Mutex<State>,
    changed: Notify,
    recorded_speed: bool,
    tail: Mutex<StderrTail>,
    /// The receivers, and where it is played to them, until the replay begins: a frame that was left may keep this for good, and
    /// must not keep the runtime's descriptors with it.
    waiting: Mutex<Option<(Audience, Handle)>>,
}

struct Audience {
    sink: Arc<dyn Sink>,
    watcher: Arc<dyn Watcher>,
}

ranked!(State: Transport, Option<(Audience, Handle)>: Leaf);

impl Replay {
    /// Reads the record.
    pub async fn load(
        replay: options::Replay,
        stderr_tail_bytes: usize,
        sink: Arc<dyn Sink>,
        watcher: Arc<dyn Watcher>,
        redactor: Redactor,
    ) -> Result<Arc<Replay>> {
        let path = replay.path.clone();
        let script = tokio::task::spawn_blocking(move || Script::read(&path))
            .await
            .unwrap_or_else(|_| Err(Error::new(Status::Closed, "the library is shutting down")))?;
        Ok(Arc::new_cyclic(|me| Replay {
            me: me.clone(),
            state: Mutex::new(State::new(script, replay.strict, redactor)),
            changed: Notify::new(),
            recorded_speed: replay.recorded_speed,
            tail: Mutex::new(StderrTail::new(stderr_tail_bytes)),
            waiting: Mutex::new(Some((Audience { sink, watcher }, Handle::current()))),
        }))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_one();
    }

    /// Starts the replay, once. The end is always reported, even if it is killed before it was opened.
    fn begin(&self) {
        let waiting = lock(&self.waiting).take();
        let (Some((audience, runtime)), Some(me)) = (waiting, self.me.upgrade()) else { return };
        let audience = Arc::new(audience);
        runtime.spawn(async move {
            // A bug in the session's code must end this client only.
            let playing = tokio::spawn(me.clone().play(audience.clone()));
            let nobody_knows = || (Some(ExitReport::new(Exit::Unknown)), String::new());
            let (report, told) = playing.await.unwrap_or_else(|_| nobody_knows());
            let sink = &audience.sink;
            sink.data_ended(&mut BytesMut::new());
            sink.stdout_ended();
            sink.stderr_ended(if told.is_empty() { lock(&me.tail).text() } else { told });
            if let Some(report) = report {
                sink.exited(report);
            }
        });
    }

    /// Plays to the end. Returns how the CLI ended, unless that was reported before.
    async fn play(self: Arc<Self>, audience: Arc<Audience>) -> (Option<ExitReport>, String) {
        let mut anchor = Instant::now();
        let mut told_exit = false;
        loop {
            let step = lock(&self.state).next(!self.recorded_speed);
            self.tell_exit(&audience, &mut told_exit);
            match step {
                Step::Mismatch(event) => audience.watcher.mismatch(event),
                Step::Fail(error) => audience.watcher.failed(error),
                Step::Data { bytes, pause_us } => {
                    anchor = self.pause(anchor, pause_us).await;
                    self.room(&audience, &mut told_exit).await;
                    audience.sink.data(&mut BytesMut::from(bytes.as_slice()));
                }
                Step::Stderr { line, pause_us } => {
                    anchor = self.pause(anchor, pause_us).await;
                    let mut tail = lock(&self.tail);
                    tail.feed(&line, |_| {});
                    tail.feed(b"\n", |line| audience.sink.stderr_line(line));
                }
                Step::Wait => {
                    self.changed.notified().await;
                    anchor = Instant::now();
                }
                Step::End(End { report, stderr }) => return ((!told_exit).then_some(report), stderr),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Once the session is being closed, a slow reader of the rest must not delay a disconnect.
    fn tell_exit(&self, audience: &Audience, told: &mut bool) {
        if lock(&self.state).is_closing() && !std::mem::replace(told, true) {
            audience.sink.exited(ExitReport::new(Exit::Code(0)));
        }
    }

    /// Waits until the session takes more, which may be closed meanwhile.
    async fn room(&self, audience: &Audience, told_exit: &mut bool) {
        let mut room = pin!(room(&*audience.sink));
        loop {
            tokio::select! {
                () = &mut room => return,
                () = self.changed.notified() => self.tell_exit(audience, told_exit),
            }
        }
    }

    /// Waits as long as the CLI took, but not if the session is being closed.
    async fn pause(&self, anchor: Instant, pause_us: u64) -> Instant {
        let now = Instant::now();
        if !self.recorded_speed {
            return now;
        }
        let due = anchor + Duration::from_micros(pause_us);
        while Instant::now() < due && !lock(&self.state).is_closing() {
            tokio::select! {
                () = sleep_until(due.into()) => {}
                () = self.changed.notified() => {}
            }
        }
        due.max(now)
    }
}

impl Transport for Replay {
    fn write_last(&self, _: String) {}

    fn open(&self) -> Later<'_, Result<()>> {
        self.begin();
        Box::pin(std::future::ready(Ok(())))
    }

    fn write_line(&self, line: String) -> Result<()> {
        let taken = lock(&self.state).sent(&line);
        self.changed.notify_one();
        taken
    }

    fn end_input(&self) {
        self.change(State::end_input);
    }

    fn closing(&self) {
        self.change(State::close);
    }

    fn terminate(&self) {
        self.change(State::close);
        self.begin();
    }

    fn kill(&self) {
        self.change(State::kill);
        self.begin();
    }

    /// An audience that nothing was played to keeps the session alive.
    fn release(&self) {
        let waiting = lock(&self.waiting).take();
        drop(waiting);
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn queued_input(&self) -> usize {
        0
    }

    fn stderr(&self) -> String {
        lock(&self.tail).text()
    }
}
