//! Stands in for `src/sync/mod.rs` in the tests that compile files of the library against loom's primitives.
#![allow(dead_code)] // Each test binary uses its own part.

#[path = "../../src/sync/callback.rs"]
pub mod callback;
#[path = "../../src/sync/condvar.rs"]
mod condvar;
#[path = "../../src/sync/gate.rs"]
pub mod gate;
#[path = "../../src/sync/rank.rs"]
mod rank;

use std::hash::{DefaultHasher, Hash, Hasher};

#[allow(unused_imports)]
pub use loom::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
pub use loom::sync::{Condvar as SystemCondvar, Mutex, MutexGuard};

#[allow(unused_imports)]
pub use condvar::Condvar;
#[allow(unused_imports)]
pub(crate) use rank::ranked;
#[allow(unused_imports)]
pub use rank::{Rank, Ranked};

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// No callback is left but by returning from it, and every thread may wait.
pub fn visit() -> u64 {
    0
}

pub fn is_live(_visit: u64) -> bool {
    true
}

pub fn may_wait() -> bool {
    true
}

pub fn thread_key() -> usize {
    let mut hasher = DefaultHasher::new();
    loom::thread::current().id().hash(&mut hasher);
    hasher.finish() as usize
}

/// Every interleaving of the model's threads, within so many preemptions.
pub fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A lock without poison.
#[derive(Default)]
pub struct FairMutex<T>(Mutex<T>);

impl<T> FairMutex<T> {
    pub fn new(value: T) -> FairMutex<T> {
        FairMutex(Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.0)
    }
}

/// As tokio's: what is told while nobody waits is kept, once, for the next one who would.
#[derive(Default)]
pub struct Notify {
    told: Mutex<bool>,
    changed: SystemCondvar,
}

impl Notify {
    pub fn new() -> Notify {
        Notify::default()
    }

    pub fn notify_one(&self) {
        *lock(&self.told) = true;
        self.changed.notify_one();
    }

    /// It waits where it is: a thread of the model has nothing else to do.
    pub async fn notified(&self) {
        let mut told = lock(&self.told);
        while !std::mem::take(&mut *told) {
            told = self.changed.wait(told).unwrap();
        }
    }
}

/// Runs a future whose waits are those of [`Notify`].
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("nothing here waits but where it is"),
    }
}
