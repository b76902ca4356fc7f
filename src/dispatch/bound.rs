//! How much may be queued: the reader stops at the bound, and is told when there may be room again.

use crate::sync::{AtomicUsize, Notify, Ordering};

/// The bytes that are queued. They are counted before they are in the queue, and until they are out of it.
pub struct Bound {
    bytes: AtomicUsize,
    most: usize,
    room: Notify,
}

impl Bound {
    pub fn new(most: usize) -> Bound {
        Bound { bytes: AtomicUsize::new(0), most, room: Notify::new() }
    }

    /// How much is queued with these.
    pub fn add(&self, bytes: usize) -> usize {
        self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    /// Whether the bound is reached. `extra` is room that only some may use.
    pub fn is_reached(&self, extra: usize) -> bool {
        self.bytes() >= self.most.saturating_add(extra)
    }

    /// These are not queued any more. Whether whoever waits for room is to be told of it.
    #[must_use]
    pub fn release(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        // Every time, and not at the bound alone: whoever may use extra room waits for another one.
        before >= self.most && bytes > 0
    }

    /// Whoever waits for room looks again.
    pub fn tell_room(&self) {
        self.room.notify_one();
    }

    /// Waits until there may be room. One waits at a time; what it was told before it waits counts.
    pub async fn wait_for_room(&self) {
        self.room.notified().await;
    }
}
