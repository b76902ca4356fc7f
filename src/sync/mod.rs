//! The primitives used by the parts that the model checker covers. `tests/loom_*.rs` compile those files against another module
//! of this name, with loom's primitives.

pub mod callback;
mod condvar;
pub mod gate;
mod lock;
mod rank;
pub mod task;
#[cfg(test)]
mod tests;

use std::cell::Cell;

pub use std::sync::{
    Mutex,
    atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering},
};

pub use tokio::sync::Notify;

pub use condvar::Condvar;
pub use lock::{FairMutex, MutexGuard, SystemCondvar, lock};
pub use rank::held::check_host_call;
pub(crate) use rank::ranked;
pub use rank::{Rank, Ranked};

pub use crate::place::{is_live, may_wait, visit};

/// Identifies the current thread, without a thread-local destructor.
pub fn thread_key() -> usize {
    thread_local!(static KEY: Cell<u8> = const { Cell::new(0) });
    KEY.with(|key| std::ptr::from_ref(key).addr())
}
