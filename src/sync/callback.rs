//! One callback of the host, which can be replaced while it runs.

use std::sync::Arc;

use super::gate::{Gate, Slot};
use crate::sync::{Mutex, Rank, Ranked, lock};

enum State<H: ?Sized> {
    Open(Option<Arc<H>>),
    /// The client is being freed.
    Closed,
}

impl<H: ?Sized> Ranked for State<H> {
    const RANK: Rank = Rank::Leaf;
}

/// One replaceable callback.
pub struct Callback<H: ?Sized> {
    slot: Slot,
    state: Mutex<State<H>>,
}

impl<H: ?Sized> Callback<H> {
    pub fn new(slot: Slot) -> Callback<H> {
        Callback { slot, state: Mutex::new(State::Open(None)) }
    }

    /// The current callback, which may only be called while holding a pass of the gate.
    pub fn get(&self) -> Option<Arc<H>> {
        match &*lock(&self.state) {
            State::Open(handler) => handler.clone(),
            State::Closed => None,
        }
    }

    pub fn is_set(&self) -> bool {
        matches!(&*lock(&self.state), State::Open(Some(_)))
    }

    /// Runs `call` with the current callback, unless the gate is closed.
    pub fn run(&self, gate: &Gate, call: impl FnOnce(&H)) {
        let Some(_pass) = gate.enter(self.slot) else { return };
        // Look up and drop inside the pass: the destroy-notify may run here.
        if let Some(handler) = self.get() {
            call(&handler);
        }
    }

    /// When this returns, the old callback is no longer running, unless this was called inside a callback.
    pub fn replace(&self, gate: &Gate, handler: Option<Arc<H>>) {
        // Too late if the gate is closed: the new callback is never called.
        let Some(_pass) = gate.replacing() else { return drop(handler) };
        let old = {
            let mut state = lock(&self.state);
            match &mut *state {
                State::Open(present) => std::mem::replace(present, handler),
                // Too late: it is never called.
                State::Closed => handler,
            }
        };
        gate.replaced(self.slot);
        drop(old);
    }

    /// Drops the callback, and any that is set later.
    pub fn close(&self) {
        let last = std::mem::replace(&mut *lock(&self.state), State::Closed);
        // A destroy-notify of the host must not run under the lock.
        drop(last);
    }
}
