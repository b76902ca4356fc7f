//! Deadlines are judged by what had come when they passed. A host that was stopped (a debugger, a paused container) wakes up
//! behind them, with the answers unread: so the reader looks once, and then it is judged.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::time::{timeout, timeout_at};

use super::Client;
use crate::transport::look;

/// A reader in a callback of the host's cannot look: so long it is waited for.
const LOOK_TAKES: Duration = Duration::from_millis(500);

impl Client {
    /// Has the client's reader take what has come by now.
    pub(super) async fn catch_up(&self) {
        if let Some(reader) = self.reader.get() {
            let _ = timeout(LOOK_TAKES, reader.spawn(look())).await;
        }
    }

    /// As [`Client::catch_up`], for a thread of the host.
    pub(super) fn catch_up_blocking(&self) {
        let Some(reader) = self.reader.get() else { return };
        let (sender, looked) = mpsc::channel();
        reader.spawn(async move {
            look().await;
            let _ = sender.send(());
        });
        let _ = looked.recv_timeout(LOOK_TAKES);
    }

    /// What `work` leads to by then; `None` when it does not.
    pub(super) async fn within<T>(&self, until: Instant, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        if let Ok(outcome) = timeout_at(until.into(), &mut work).await {
            return Some(outcome);
        }
        self.catch_up().await;
        timeout(Duration::ZERO, work).await.ok()
    }
}
