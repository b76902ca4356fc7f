//! What the requests of the CLI take up. Messages are bounded by the queue, which stops the reader; requests get past it, so
//! they have a bound of their own: what is beyond it is refused, and the session goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Client;
use crate::sync::lock;

/// So many requests may live at once, as long as the host holds them …
const MOST: usize = 16_384;

/// … and so many bytes of them. One alone may be larger.
const MOST_BYTES: usize = 64 << 20;

/// Behind so many bytes that the CLI has not read, no more refusals are queued: nobody would read them either.
const MOST_UNREAD: usize = 64 << 20;

/// The requests that live now.
#[derive(Debug, Default)]
pub struct Load {
    /// Their number and their bytes.
    total: Mutex<(usize, usize)>,
    told: AtomicBool,
}

/// What one request takes up, for as long as it lives.
#[derive(Debug)]
pub struct Share {
    load: Arc<Load>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut total = lock(&self.load.total);
        *total = (total.0 - 1, total.1 - self.bytes);
    }
}

impl Load {
    /// `None` when there is no room for so much.
    fn take(self: &Arc<Load>, bytes: usize) -> Option<Share> {
        let mut total = lock(&self.total);
        if total.0 >= MOST || (total.0 > 0 && total.1 + bytes > MOST_BYTES) {
            return None;
        }
        *total = (total.0 + 1, total.1 + bytes);
        Some(Share { load: self.clone(), bytes })
    }
}

/// What becomes of a request that has come.
pub(super) enum Room {
    Taken(Share),
    Refuse,
    /// Not even that: the CLI does not read.
    Drop,
}

impl Client {
    pub(super) fn room_for(&self, bytes: usize) -> Room {
        if let Some(share) = self.load.take(bytes) {
            return Room::Taken(share);
        }
        if !self.load.told.swap(true, Ordering::Relaxed) {
            let text =
                "too many requests of the CLI are open: further ones are refused until some have ended";
            let remedy = "answer requests, or set the option request_timeout_ms";
            self.warn(json!({"event": "too_many_requests", "text": text, "remedy": remedy}));
        }
        let unread = self.transport().map_or(0, |transport| transport.queued_input());
        if unread > MOST_UNREAD { Room::Drop } else { Room::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_by_number_and_by_bytes() {
        let load = Arc::new(Load::default());
        let one = load.take(MOST_BYTES * 2).expect("one alone may be larger");
        assert!(load.take(1).is_none());
        drop(one);
        let many: Vec<Share> = (0..MOST).map_while(|_| load.take(10)).collect();
        assert_eq!(many.len(), MOST);
        assert!(load.take(10).is_none());
        drop(many);
        assert_eq!(*lock(&load.total), (0, 0));
    }
}
