//! What the transport tests share: a host in Rust over nothing but the C functions, transports that it may bring, and an
//! ssh server of its own.
#![allow(dead_code)]
// Each test binary uses its own part.
// This is a host's side of the boundary: it reads what the library gives.
#![allow(clippy::disallowed_methods)]

pub mod asked;
pub mod client;
pub mod memory;
pub mod relay;
pub mod sshd;
pub mod vtable;
pub mod ways;

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use claude_testkit::Patience;
use claude_testkit::patience::grown;

pub use crate::support::PATIENCE;

/// Values that threads note and others wait for.
#[derive(Default)]
pub struct Noted<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Noted<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn note(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// `false` when it does not come to hold in time.
    pub fn wait_within(&self, time: Duration, mut holds: impl FnMut(&T) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |value| !holds(value));
        !waited.unwrap_or_else(|poisoned| poisoned.into_inner()).1.timed_out()
    }

    #[track_caller]
    pub fn wait(&self, what: &str, holds: impl FnMut(&T) -> bool) {
        assert!(self.wait_within(grown(PATIENCE), holds), "{what} did not come");
    }
}

/// Looks again and again until it holds.
#[track_caller]
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    assert!(Patience::new(PATIENCE).until(holds), "{what} did not come to hold");
}

/// Whether a tool is there; a loud skip if not, and a failure where skips are forbidden.
pub fn need(tool: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    if folders.iter().any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    let advice = format!("{tool} is missing; install it with: apt-get install -y {package}");
    let forbidden = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| !value.is_empty());
    assert!(!forbidden, "{advice}");
    eprintln!("SKIPPED: {advice}");
    false
}
