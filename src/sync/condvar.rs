//! A condition variable that makes a system call only if a thread is waiting: most notifications find none.

use crate::sync::{AtomicU32, MutexGuard, Ordering, SystemCondvar};

/// The notifier must have changed the state under the mutex first.
#[derive(Default)]
pub struct Condvar {
    system: SystemCondvar,
    /// Changes only under the mutex, which orders it: if a notifier does not see a waiter, that waiter will check the state
    /// after the notifier's change.
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
