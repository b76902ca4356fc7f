//! Limits the resources used by requests of the CLI. Messages are bounded by the queue, which stops the reader; requests bypass
//! it, so they have their own bound: beyond it they are refused, and the session goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Client;
use crate::sync::{lock, ranked};

/// How many requests may exist at once, while the host holds them …
const MOST: usize = 16_384;

/// … and how many bytes of them. A single one may be larger.
const MOST_BYTES: usize = 64 << 20;

/// When the CLI has left this many bytes unread, no more refusals are queued: it would not read them either.
const MOST_UNREAD: usize = 64 << 20;

/// The existing requests.
#[derive(Debug, Default)]
pub struct Load {
    /// Their number and their bytes.
    total: Mutex<(usize, usize)>,
    told: AtomicBool,
}

ranked!((usize, usize): Leaf);

/// The resources of one request, for as long as it exists.
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
    /// `None` if there is not enough room.
    fn take(self: &Arc<Load>, bytes: usize) -> Option<Share> {
        let mut total = lock(&self.total);
        if total.0 >= MOST || (total.0 > 0 && total.1 + bytes > MOST_BYTES) {
            return None;
        }
        *total = (total.0 + 1, total.1 + bytes);
        Some(Share { load: self.clone(), bytes })
    }
}

/// What happens to a new request.
pub(super) enum Room {
    Taken(Share),
    Refuse,
    /// Not even a refusal: the CLI is not reading.
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
