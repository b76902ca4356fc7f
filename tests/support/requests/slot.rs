//! Something that is filled on one thread and awaited on another.

use std::sync::{Arc, Condvar, Mutex};

use claude_testkit::Patience;

use super::{LONG, lock};

/// Something that is filled on one thread and awaited on another.
pub struct Slot<T> {
    value: Mutex<Vec<T>>,
    filled: Condvar,
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot { value: Mutex::default(), filled: Condvar::new() }
    }
}

impl<T> Slot<T> {
    pub fn new() -> Arc<Slot<T>> {
        Arc::default()
    }

    pub fn put(&self, value: T) {
        lock(&self.value).push(value);
        self.filled.notify_all();
    }

    pub fn len(&self) -> usize {
        lock(&self.value).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits for `count` values and takes them.
    pub fn take(&self, count: usize) -> Vec<T> {
        let patience = Patience::new(LONG);
        let mut value = lock(&self.value);
        while value.len() < count {
            let left = patience.left();
            assert!(!left.is_zero(), "only {} of {count} came", value.len());
            value = self.filled.wait_timeout(value, left).unwrap().0;
        }
        value.drain(..count).collect()
    }

    pub fn one(&self) -> T {
        self.take(1).remove(0)
    }
}
