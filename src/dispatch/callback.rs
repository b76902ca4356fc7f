//! One callback of the host, which can be replaced while it runs.

use std::sync::Arc;

use super::gate::{Gate, Slot};
use crate::sync::{Mutex, lock};

enum State<H: ?Sized> {
    Open(Option<Arc<H>>),
    /// The client is being freed.
    Closed,
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

    /// The present one, which may be called under a pass of the gate only.
    pub fn get(&self) -> Option<Arc<H>> {
        match &*lock(&self.state) {
            State::Open(handler) => handler.clone(),
            State::Closed => None,
        }
    }

    pub fn is_set(&self) -> bool {
        matches!(&*lock(&self.state), State::Open(Some(_)))
    }

    /// Runs `call` with the present callback, unless the gate is closed.
    pub fn run(&self, gate: &Gate, call: impl FnOnce(&H)) {
        let Some(_pass) = gate.enter(self.slot) else { return };
        // Looked up inside, and let go of inside: its destroy-notify may run here.
        if let Some(handler) = self.get() {
            call(&handler);
        }
    }

    /// The old one is not running any more when this returns, unless it is called inside a callback.
    pub fn replace(&self, gate: &Gate, handler: Option<Arc<H>>) {
        // Too late where there is none: it is never called.
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

    /// Destroys it, and every later one at once.
    pub fn close(&self) {
        let last = std::mem::replace(&mut *lock(&self.state), State::Closed);
        // A destroy-notify of the host must not run under the lock.
        drop(last);
    }
}
