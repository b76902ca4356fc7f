//! The handler of the log lines, and its level.

use crate::sync::gate::{Gate, Slot};
use crate::sync::{AtomicI32, Mutex, Ordering, Rank, Ranked, lock};

pub struct Sink<H> {
    /// The handler's level, for the fast check whether a line is wanted. Changes only under the handler's lock.
    most: AtomicI32,
    /// With its level: if two are set at the same time, neither gets lines meant for the other.
    handler: Mutex<Option<(i32, H)>>,
    gate: Gate,
}

impl<H> Ranked for Option<(i32, H)> {
    const RANK: Rank = Rank::Leaf;
}

impl<H: Clone> Sink<H> {
    pub fn new() -> Sink<H> {
        Sink { most: AtomicI32::new(0), handler: Mutex::new(None), gate: Gate::new() }
    }

    pub fn wants(&self, level: i32) -> bool {
        level <= self.most.load(Ordering::Relaxed)
    }

    /// Returns the previous handler, which is no longer running.
    pub fn set(&self, most: i32, handler: Option<H>) -> Option<H> {
        let old = {
            let mut present = lock(&self.handler);
            self.most.store(if handler.is_some() { most } else { 0 }, Ordering::Relaxed);
            std::mem::replace(&mut *present, handler.map(|handler| (most, handler)))
        };
        self.gate.replaced(Slot::Message);
        old.map(|(_, handler)| handler)
    }

    /// Calls the handler if it wants lines of this level.
    pub fn tell(&self, level: i32, call: impl FnOnce(&H)) {
        let Some(_pass) = self.gate.enter(Slot::Message) else { return };
        // Looked up and dropped inside the gate: a replaced handler is never called.
        let handler = lock(&self.handler).as_ref().filter(|(most, _)| level <= *most).cloned();
        if let Some((_, handler)) = handler {
            call(&handler);
        }
    }

    /// Ends a call that this thread has left without returning. `true` if there was one.
    pub fn end_left(&self) -> bool {
        self.gate.end_left()
    }
}
