//! A deadline is checked against what had arrived when it passed. A host that was suspended (a debugger, a paused container)
//! wakes up after it with the answers unread: so the reader reads once before the check.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::Client;
use crate::dispatch::{LATE, Outcome, Waiter};
use crate::error::{Error, Result, Status};
use crate::runtime;
use crate::sync::lock;
use crate::transport::look;

/// How long to wait for the reader to read; one inside a callback of the host cannot.
const LOOK_TAKES: Duration = Duration::from_millis(500);

impl Client {
    fn reader(&self) -> Option<Handle> {
        lock(&self.reader).clone()
    }

    /// Nothing is started any more. If an abandoned frame still holds this client, that must not keep the reader's descriptors
    /// open.
    pub(super) fn release_reader(&self) {
        let reader = lock(&self.reader).take();
        drop(reader);
    }

    /// Starts a task of this client, on its own reader if it has one, which keeps its notifications in order.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle> {
        match self.reader() {
            Some(reader) => Ok(reader.spawn(task).abort_handle()),
            // A freed client must not cause the library to start again.
            None if self.dispatcher.gate.is_closed() => {
                Err(Error::new(Status::Closed, "the client was freed")
                    .with("remedy", "create another client"))
            }
            None => runtime::spawn(task),
        }
    }

    /// Makes the client's reader read what has arrived.
    pub(super) async fn catch_up(&self) {
        if let Some(reader) = self.reader() {
            let _ = timeout(LOOK_TAKES, reader.spawn(look())).await;
        }
    }

    /// Like [`Client::catch_up`], for a host thread. `false` if there is no reader.
    pub(super) fn catch_up_blocking(&self) -> bool {
        let Some(reader) = self.reader() else { return false };
        let (sender, looked) = mpsc::channel();
        reader.spawn(async move {
            look().await;
            let _ = sender.send(());
        });
        let _ = looked.recv_timeout(LOOK_TAKES);
        true
    }

    /// The outcome that `waiter` receives before the timeout. A thread that wakes up late had been suspended along with all
    /// others, and has the reader read first.
    pub(super) fn told_in_time(&self, waiter: &Waiter, wait: Option<Duration>) -> Option<Outcome> {
        self.told_when_late(waiter, wait, Duration::ZERO)
    }

    /// Like [`Client::told_in_time`], for the exit of the process: the news of it reaches the reader by way of the process
    /// thread, which has to wake up first.
    pub(super) fn told_of_exit_in_time(&self, waiter: &Waiter, wait: Option<Duration>) -> Option<Outcome> {
        self.told_when_late(waiter, wait, LOOK_TAKES)
    }

    fn told_when_late(&self, waiter: &Waiter, wait: Option<Duration>, behind: Duration) -> Option<Outcome> {
        let deadline = wait.map(|wait| Instant::now() + wait);
        waiter.wait(deadline).or_else(|| {
            let is_late =
                wait != Some(Duration::ZERO) && deadline.is_some_and(|deadline| deadline.elapsed() > LATE);
            if is_late {
                self.catch_up_blocking();
            }
            waiter.wait(Some(Instant::now() + if is_late { behind } else { Duration::ZERO }))
        })
    }
}
