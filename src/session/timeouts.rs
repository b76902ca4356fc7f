//! Runs the timers of a session's state machine: one task on its reader, which outlives the deadline of a shutdown.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::Client;
use super::life::{Machine, Millis, Timer};
use crate::transport::look;

/// Waking up this late means that the whole process was suspended. The other threads then get a moment as well: the process
/// thread may have an exit to report.
const STOPPED: Duration = Duration::from_millis(100);
const MOMENT: Duration = Duration::from_millis(250);

pub(super) async fn keep(client: Weak<Client>, changed: Arc<Notify>) {
    while let Some(next) = next(&client) {
        let Some(at) = next else {
            changed.notified().await;
            continue;
        };
        tokio::select! {
            biased;
            () = changed.notified() => continue,
            () = sleep_until(at.into()) => {}
        }
        if at.elapsed() > STOPPED {
            sleep(MOMENT).await;
        }
        // Read what has arrived before checking.
        look().await;
        if client.upgrade().is_some_and(|client| client.stop_reading_in_silence()) {
            // The readers stop, and report that.
            look().await;
        }
        let Some(client) = client.upgrade() else { return };
        client.expire();
    }
}

/// When the next timeout is due, if one runs; `None` when no more will come.
fn next(client: &Weak<Client>) -> Option<Option<Instant>> {
    let client = client.upgrade()?;
    let at = |at: Millis| {
        let time = Duration::from_millis(at);
        client.born.checked_add(time).unwrap_or_else(|| client.born + Duration::from_secs(86400 * 365))
    };
    (!client.life.look(Machine::is_over)).then(|| client.life.next_timeout().map(at))
}

impl Client {
    /// Nothing has arrived for a while after the exit: another process holds the streams open.
    fn stop_reading_in_silence(&self) -> bool {
        let next = self.life.look(Machine::next_timeout);
        let is_silent = next.is_some_and(|(at, timer)| timer == Timer::Silence && at <= self.now());
        if is_silent && let Some(transport) = self.transport() {
            transport.stop_reading();
        }
        is_silent
    }
}
