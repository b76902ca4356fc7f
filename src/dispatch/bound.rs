//! The limit on queued bytes: the reader stops at the bound, and is notified when there may be room again.

use crate::sync::{AtomicUsize, Notify, Ordering};

/// The number of queued bytes. Bytes are counted before they enter the queue, and until they have left it.
pub struct Bound {
    bytes: AtomicUsize,
    most: usize,
    room: Notify,
}

impl Bound {
    pub fn new(most: usize) -> Bound {
        Bound { bytes: AtomicUsize::new(0), most, room: Notify::new() }
    }

    /// Returns the number of queued bytes, including these.
    pub fn add(&self, bytes: usize) -> usize {
        self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    /// Whether the bound is reached. `extra` is headroom granted to some callers only.
    pub fn is_reached(&self, extra: usize) -> bool {
        self.bytes() >= self.most.saturating_add(extra)
    }

    /// These bytes are no longer queued. `true` when the waiter for room must be notified.
    #[must_use]
    pub fn release(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        // Always at or above the bound, not only when crossing it: a waiter with extra headroom waits for a different threshold.
        before >= self.most && bytes > 0
    }

    /// Makes the waiter for room check again.
    pub fn tell_room(&self) {
        self.room.notify_one();
    }

    /// Waits until there may be room. Only one task waits at a time; a notification sent before it waits is not lost.
    pub async fn wait_for_room(&self) {
        self.room.notified().await;
    }
}
