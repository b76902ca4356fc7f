//! Around the machine: one lock, events from any thread, and actions performed in order by one thread at a time.

use std::collections::VecDeque;

use super::action::Action;
use super::calls::Refusal;
use super::event::Event;
use super::machine::Machine;
use super::states::Millis;
use crate::sync::{Mutex, MutexGuard, lock};

/// What carries the actions out.
pub trait Perform {
    /// Called outside the lock, for one action at a time, in the order in which the machine gave them. It may feed the driver
    /// again: what follows from that comes behind what is queued. It runs on whichever thread brought an event, so it must neither
    /// wait nor run code of the host.
    fn perform(&self, action: Action);

    /// [`Driver::next_timeout`] is another one: whoever keeps it has to look again.
    fn timeout_changed(&self);
}

/// One session's machine, for every thread that brings an event.
pub struct Driver {
    inner: Mutex<Inner>,
}

struct Inner {
    machine: Machine,
    queue: VecDeque<Action>,
    /// A thread performs what is queued, and what is queued meanwhile.
    performing: bool,
}

/// Of which launch an event tells: the first one, or that of an older CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launched {
    pub older: bool,
}

impl Driver {
    pub fn new(machine: Machine) -> Driver {
        Driver { inner: Mutex::new(Inner { machine, queue: VecDeque::new(), performing: false }) }
    }

    /// Brings an event that nobody can refuse.
    pub fn feed(&self, event: Event, now: Millis, performer: &impl Perform) {
        let _ = self.step(event, now, performer, |_| Ok::<(), Refusal>(()));
    }

    /// Brings a call of the host's. `accept` runs under the lock, before anything that follows from the call is performed: what is
    /// to be completed is put where the performer finds it, or the call is refused for a reason that lies outside the session. A
    /// connect asks there whether the library shuts down: a shutdown that it does not see comes behind it, and sees the session.
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

    /// Brings what a transport tells. Of one whose place another launch has taken, nothing counts any more.
    pub fn feed_from(&self, launched: Launched, event: Event, now: Millis, performer: &impl Perform) {
        let of_this = |machine: &Machine| match machine.is_second() == launched.older {
            true => Ok(()),
            false => Err(Refusal::Over),
        };
        let _ = self.step(event, now, performer, of_this);
    }

    /// Brings the timeouts that are due.
    pub fn expire(&self, now: Millis, performer: &impl Perform) {
        while let Some((_, timer)) = self.look(Machine::next_timeout).filter(|(at, _)| *at <= now) {
            self.feed(Event::Timeout(timer), now, performer);
        }
    }

    /// When [`Driver::expire`] has something to do.
    pub fn next_timeout(&self) -> Option<Millis> {
        self.look(Machine::next_timeout).map(|(at, _)| at)
    }

    /// Looks at the machine. Nothing that takes another lock may be called in there.
    pub fn look<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&lock(&self.inner).machine)
    }

    /// The session is over, and all that follows from it was done.
    #[cfg(test)]
    #[allow(dead_code)] // The models ask.
    pub fn is_done(&self) -> bool {
        let inner = lock(&self.inner);
        inner.machine.is_over() && inner.queue.is_empty() && !inner.performing
    }

    /// Goes on in place of a performer that has left an action without returning from it.
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

    /// Under the lock in which nothing is left the performer leaves, so that nothing is left lying.
    fn next_action(&self) -> Option<Action> {
        let mut inner = lock(&self.inner);
        let next = inner.queue.pop_front();
        inner.performing = next.is_some();
        next
    }
}

/// A defect in an action must not keep the others from being performed: the next event, which tells of the defect, goes on.
struct Leaving<'a>(&'a Driver);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        lock(&self.0.inner).performing = false;
    }
}
