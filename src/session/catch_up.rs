//! Deadlines are judged by what had come when they passed. A host that was stopped (a debugger, a paused container) wakes up
//! behind them, with the answers unread: so the reader looks once, and then it is judged.

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

/// A reader in a callback of the host's cannot look: so long it is waited for.
const LOOK_TAKES: Duration = Duration::from_millis(500);

impl Client {
    fn reader(&self) -> Option<Handle> {
        lock(&self.reader).clone()
    }

    /// Nothing is started any more. What a frame that was left holds of this client must not keep the reader's descriptors.
    pub(super) fn release_reader(&self) {
        let reader = lock(&self.reader).take();
        drop(reader);
    }

    /// Starts a task of this client, on its own reader where it has one: what is told there comes in one order.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<AbortHandle> {
        match self.reader() {
            Some(reader) => Ok(reader.spawn(task).abort_handle()),
            // A client that is freed must not have the library start again.
            None if self.dispatcher.gate.is_closed() => {
                Err(Error::new(Status::Closed, "the client was freed")
                    .with("remedy", "create another client"))
            }
            None => runtime::spawn(task),
        }
    }

    /// Has the client's reader take what has come by now.
    pub(super) async fn catch_up(&self) {
        if let Some(reader) = self.reader() {
            let _ = timeout(LOOK_TAKES, reader.spawn(look())).await;
        }
    }

    /// As [`Client::catch_up`], for a thread of the host.
    pub(super) fn catch_up_blocking(&self) {
        let Some(reader) = self.reader() else { return };
        let (sender, looked) = mpsc::channel();
        reader.spawn(async move {
            look().await;
            let _ = sender.send(());
        });
        let _ = looked.recv_timeout(LOOK_TAKES);
    }

    /// What is told to `waiter` in time. A thread that wakes up long behind it was stopped with all others.
    pub(super) fn told_in_time(&self, waiter: &Waiter, wait: Option<Duration>) -> Option<Outcome> {
        let deadline = wait.map(|wait| Instant::now() + wait);
        waiter.wait(deadline).or_else(|| {
            if wait != Some(Duration::ZERO) && deadline.is_some_and(|deadline| deadline.elapsed() > LATE) {
                self.catch_up_blocking();
            }
            waiter.wait(Some(Instant::now()))
        })
    }
}
