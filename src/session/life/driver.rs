//! Wraps the machine: one lock, events from any thread, and actions performed in order by one thread at a time.

use std::collections::VecDeque;

use super::action::Action;
use super::calls::Refusal;
use super::event::Event;
use super::machine::Machine;
use super::states::Millis;
use crate::sync::{Mutex, MutexGuard, lock, ranked};

/// Performs the actions.
pub trait Perform {
    /// Called outside the lock, for one action at a time, in the machine's order. It may feed the driver again: the resulting
    /// actions are appended to the queue. It runs on whichever thread fed an event, so it must neither wait nor run host code.
    fn perform(&self, action: Action);

    /// [`Driver::next_timeout`] has changed: the timer must be reset.
    fn timeout_changed(&self);
}

/// The machine of one session, shared by all threads that feed it events.
pub struct Driver {
    inner: Mutex<Inner>,
}

struct Inner {
    machine: Machine,
    queue: VecDeque<Action>,
    /// A thread is performing the queue, including what is added meanwhile.
    performing: bool,
}

ranked!(Inner: Life);

/// The launch that an event is about: the first one, or the one for an older CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launched {
    pub older: bool,
}

impl Driver {
    pub fn new(machine: Machine) -> Driver {
        Driver { inner: Mutex::new(Inner { machine, queue: VecDeque::new(), performing: false }) }
    }

    /// Feeds an event that cannot be refused.
    pub fn feed(&self, event: Event, now: Millis, performer: &impl Perform) {
        let _ = self.step(event, now, performer, |_| Ok::<(), Refusal>(()));
    }

    /// Feeds a call of the host. `accept` runs under the lock, before any action that follows from the call is performed: it
    /// stores the completion where the performer finds it, or refuses the call for a reason outside the session. For a connect
    /// it also checks whether the library is shutting down: a shutdown not seen there comes later, and will see the session.
    pub fn call<E: From<Refusal>>(
        &self,
        event: Event,
        now: Millis,
        performer: &impl Perform,
        accept: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.step(event, now, performer, |machine| {
            machine.check_event(event)?;
            accept()
        })
    }

    /// Feeds an event of a transport. Events of a transport that has been replaced by another launch are ignored.
    pub fn feed_from(&self, launched: Launched, event: Event, now: Millis, performer: &impl Perform) {
        let of_this = |machine: &Machine| match machine.is_second() == launched.older {
            true => Ok(()),
            false => Err(Refusal::Over),
        };
        let _ = self.step(event, now, performer, of_this);
    }

    /// Feeds the timeouts that are due.
    pub fn expire(&self, now: Millis, performer: &impl Perform) {
        while let Some((_, timer)) = self.look(Machine::next_timeout).filter(|(at, _)| *at <= now) {
            self.feed(Event::Timeout(timer), now, performer);
        }
    }

    /// When [`Driver::expire`] must be called next.
    pub fn next_timeout(&self) -> Option<Millis> {
        self.look(Machine::next_timeout).map(|(at, _)| at)
    }

    /// Inspects the machine. `look` must not take another lock.
    pub fn look<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&lock(&self.inner).machine)
    }

    /// The session is over, and all resulting actions were performed.
    #[cfg(test)]
    #[allow(dead_code)] // Used by the loom models.
    pub fn is_done(&self) -> bool {
        let inner = lock(&self.inner);
        inner.machine.is_over() && inner.queue.is_empty() && !inner.performing
    }

    /// Continues for a performer that has left an action without returning.
    pub fn go_on(&self, performer: &impl Perform) {
        lock(&self.inner).performing = true;
        self.perform_all(performer);
    }

    fn step<E>(
        &self,
        event: Event,
        now: Millis,
        performer: &impl Perform,
        check: impl FnOnce(&Machine) -> Result<(), E>,
    ) -> Result<(), E> {
        let inner = lock(&self.inner);
        check(&inner.machine)?;
        self.advance(inner, event, now, performer);
        Ok(())
    }

    fn advance(&self, mut inner: MutexGuard<'_, Inner>, event: Event, now: Millis, performer: &impl Perform) {
        let before = inner.machine.next_timeout();
        let mut actions = Vec::new();
        inner.machine.on(event, now, &mut actions);
        inner.queue.extend(actions);
        let changed = inner.machine.next_timeout() != before;
        let performs = !inner.queue.is_empty() && !std::mem::replace(&mut inner.performing, true);
        drop(inner);
        if changed {
            performer.timeout_changed();
        }
        if performs {
            self.perform_all(performer);
        }
    }

    fn perform_all(&self, performer: &impl Perform) {
        let leaving = Leaving(self);
        while let Some(action) = self.next_action() {
            performer.perform(action);
        }
        std::mem::forget(leaving);
    }

    /// The performer stops under the same lock under which the queue is empty, so that no action is left behind.
    fn next_action(&self) -> Option<Action> {
        let mut inner = lock(&self.inner);
        let next = inner.queue.pop_front();
        inner.performing = next.is_some();
        next
    }
}

/// A panic in an action must not prevent the other actions: the next event, which reports the panic, continues with them.
struct Leaving<'a>(&'a Driver);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        lock(&self.0.inner).performing = false;
    }
}
