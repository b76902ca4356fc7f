//! An ordered stream of entries that at most one thread serves at a time, and that always has a server while it is not empty.
//! Protected by its owner's lock.

use std::collections::VecDeque;

#[derive(Debug)]
pub struct Fifo<T> {
    entries: VecDeque<T>,
    served: bool,
}

impl<T> Default for Fifo<T> {
    fn default() -> Fifo<T> {
        Fifo { entries: VecDeque::new(), served: false }
    }
}

impl<T> Fifo<T> {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn push(&mut self, entry: T) {
        self.entries.push_back(entry);
    }

    pub fn pop(&mut self) -> Option<T> {
        self.entries.pop_front()
    }

    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.entries.front_mut()
    }

    /// Puts back the rest of an entry.
    pub fn put_back(&mut self, entry: T) {
        self.entries.push_front(entry);
    }

    pub fn take_all(&mut self) -> VecDeque<T> {
        std::mem::take(&mut self.entries)
    }

    /// `true` when the caller must serve the stream or find a thread that does.
    pub fn claim(&mut self) -> bool {
        !std::mem::replace(&mut self.served, true)
    }

    /// The serving thread wants to stop; `false` when an entry has just arrived and it must go on.
    pub fn leave(&mut self) -> bool {
        if self.entries.is_empty() {
            self.served = false;
        }
        !self.served
    }

    /// Stops serving, even if entries are queued.
    pub fn release(&mut self) {
        self.served = false;
    }
}
