//! Ranked locks: see [`super::rank`].

use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, Mutex, PoisonError};
use std::time::Duration;

use super::rank::Ranked;
use super::rank::held::Held;

/// A held lock, with its rank.
pub struct MutexGuard<'a, T> {
    guard: std::sync::MutexGuard<'a, T>,
    held: Held,
}

/// Locks `mutex`; a panic under the lock does not make the data unusable for everybody else.
#[inline]
#[track_caller]
pub fn lock<T: Ranked>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let held = Held::take(T::RANK);
    MutexGuard { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), held }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// The system's condition variable. A waiting thread keeps the rank: it retakes the lock before anything else.
#[derive(Default)]
pub struct SystemCondvar(std::sync::Condvar);

impl SystemCondvar {
    pub const fn new() -> SystemCondvar {
        SystemCondvar(std::sync::Condvar::new())
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { guard, held } = guard;
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { guard, held })
    }

    /// The second value says whether the wait timed out.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let MutexGuard { guard, held } = guard;
        let (guard, timed_out) = self.0.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner);
        Ok((MutexGuard { guard, held }, timed_out.timed_out()))
    }
}

/// A lock that is granted to waiters in the order of their arrival.
#[derive(Default)]
pub struct FairMutex<T>(parking_lot::Mutex<T>);

pub struct FairGuard<'a, T> {
    guard: parking_lot::MutexGuard<'a, T>,
    _held: Held,
}

impl<T: Ranked> FairMutex<T> {
    #[track_caller]
    pub fn lock(&self) -> FairGuard<'_, T> {
        let held = Held::take(T::RANK);
        FairGuard { guard: self.0.lock(), _held: held }
    }
}

impl<T> Deref for FairGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for FairGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
