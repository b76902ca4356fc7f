//! Who gets the lines, and up to which level.

use crate::dispatch::gate::{Gate, Slot};
use crate::sync::{AtomicI32, Mutex, Ordering, lock};

pub struct Sink<H> {
    /// The level of the handler, for those who only ask whether anybody wants a line. Changes under the handler's lock.
    most: AtomicI32,
    /// With its level: of two that are set at once, none gets the lines of the other one's.
    handler: Mutex<Option<(i32, H)>>,
    gate: Gate,
}

impl<H: Clone> Sink<H> {
    pub fn new() -> Sink<H> {
        Sink { most: AtomicI32::new(0), handler: Mutex::new(None), gate: Gate::new() }
    }

    pub fn wants(&self, level: i32) -> bool {
        level <= self.most.load(Ordering::Relaxed)
    }

    /// The one before, which is not running any more when this returns.
    pub fn set(&self, most: i32, handler: Option<H>) -> Option<H> {
        let old = {
            let mut present = lock(&self.handler);
            self.most.store(if handler.is_some() { most } else { 0 }, Ordering::Relaxed);
            std::mem::replace(&mut *present, handler.map(|handler| (most, handler)))
        };
        self.gate.replaced(Slot::Message);
        old.map(|(_, handler)| handler)
    }

    /// Calls the handler, if it wants lines of this level.
    pub fn tell(&self, level: i32, call: impl FnOnce(&H)) {
        let Some(_pass) = self.gate.enter(Slot::Message) else { return };
        // Looked up inside the gate, and let go of there: one that has been replaced is never called.
        let handler = lock(&self.handler).as_ref().filter(|(most, _)| level <= *most).cloned();
        if let Some((_, handler)) = handler {
            call(&handler);
        }
    }

    /// Ends a call that this thread has left without returning from it. `true` when there was one.
    pub fn end_left(&self) -> bool {
        self.gate.end_left()
    }
}
