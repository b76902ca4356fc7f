//! The primitives of the parts that the model checker looks at. `tests/loom_*.rs` compile those files against another
//! module of this name, with loom's primitives.

mod condvar;

use std::cell::Cell;

pub use std::sync::{
    Condvar as SystemCondvar, Mutex, MutexGuard,
    atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering},
};

pub use parking_lot::Mutex as FairMutex;
pub use tokio::sync::Notify;

pub use condvar::Condvar;

pub use crate::place::{is_live, may_wait, visit};

/// Locks; a panic under the lock does not make the data unusable for everybody else.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Identifies the current thread without leaving a destructor on it.
pub fn thread_key() -> usize {
    thread_local!(static KEY: Cell<u8> = const { Cell::new(0) });
    KEY.with(|key| std::ptr::from_ref(key).addr())
}
