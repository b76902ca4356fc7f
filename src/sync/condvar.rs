//! A condition variable that troubles the system only when somebody waits: most notifications find nobody.

use crate::sync::{AtomicU32, MutexGuard, Ordering, SystemCondvar};

/// Whoever notifies has changed the state under the mutex before.
#[derive(Default)]
pub struct Condvar {
    system: SystemCondvar,
    /// Changes under the mutex only, which orders it: a notifier that does not see a waiter comes before that waiter's
    /// look at the state.
    waiting: AtomicU32,
}

impl Condvar {
    pub fn new() -> Condvar {
        Condvar::default()
    }

    pub fn notify_all(&self) {
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.system.notify_all();
        }
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let guard = self.system.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        guard
    }

    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: std::time::Duration,
    ) -> MutexGuard<'a, T> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waited = self.system.wait_timeout(guard, time);
        let guard = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        guard
    }
}
