//! The open requests of one session.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::json;

use super::Request;
use crate::error::{Error, Result, Status};
use crate::sync::{Mutex, lock, ranked};

/// The open requests by their wire id.
#[derive(Default)]
pub struct Pending {
    open: Mutex<HashMap<String, Arc<Request>>>,
    /// The client is being freed.
    ended: AtomicBool,
}

ranked!(HashMap<String, Arc<Request>>: Pending);

impl Pending {
    /// Adds a request. `false` if its id belongs to an open one, since the two could not be told apart, or if
    /// the client is being freed: it is refused, since a handler that waits for its cancellation would wait
    /// forever.
    pub fn add(&self, request: &Arc<Request>) -> bool {
        let mut open = lock(&self.open);
        if self.ended.load(Ordering::Acquire) {
            drop(open);
            request.refuse_unless_held("The host is closing the session.");
            return false;
        }
        if open.contains_key(&request.wire_id) {
            return false;
        }
        open.insert(request.wire_id.clone(), request.clone());
        true
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.open).is_empty()
    }

    /// The request with this number has ended.
    pub fn settled(&self, wire_id: &str, number: u64) {
        let mut open = lock(&self.open);
        // The CLI may have reused the id.
        let ended = open.get(wire_id).is_some_and(|request| request.number == number);
        let request = if ended { open.remove(wire_id) } else { None };
        drop(open);
        drop(request);
    }

    /// The CLI withdraws a request: no answer is written.
    pub fn withdraw(&self, wire_id: &str) {
        let request = lock(&self.open).remove(wire_id);
        if let Some(request) = request {
            request.withdraw();
        }
    }

    /// The client is being freed: as [`Pending::close`], and no more requests are added.
    pub fn end(&self) {
        // Set before the open requests are taken.
        self.ended.store(true, Ordering::Release);
        self.close();
    }

    /// The session ends.
    pub fn close(&self) {
        let open = std::mem::take(&mut *lock(&self.open));
        for request in open.into_values() {
            request.close();
        }
    }

    /// The unanswered requests, oldest first.
    pub fn list(&self) -> Vec<Arc<Request>> {
        let mut list: Vec<_> =
            lock(&self.open).values().filter(|request| request.is_open()).cloned().collect();
        list.sort_by_key(|request| request.number);
        list
    }

    /// The open request with this number, with one more handle.
    pub fn take(&self, number: u64) -> Result<Arc<Request>> {
        let found =
            self.list().into_iter().find(|request| request.number == number && request.hold_if_open());
        found.ok_or_else(|| {
            Error::new(Status::NotFound, format!("no request with the id {number} is open"))
                .with("argument", "id")
                .with("remedy", "claude_client_pending_requests lists those that are")
        })
    }

    /// The document of `claude_client_pending_requests`.
    pub fn to_json(&self) -> String {
        let list: Vec<String> = self.list().iter().map(|request| request.summary()).collect();
        format!("[{}]", list.join(","))
    }
}

impl Request {
    /// The request appears in it as the CLI wrote it, however deep.
    fn summary(&self) -> String {
        let (deadline, handles) = {
            let state = lock(&self.state);
            (state.deadline, state.handles)
        };
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_millis());
        let summary = json!({
            "id": self.number,
            "wire_id": self.wire_id,
            "kind": self.kind.name(),
            "kind_number": self.kind as i32,
            "age_ms": self.since.elapsed().as_millis() as u64,
            "deadline_ms": left.map(|left| left as u64),
            "handles": handles,
        });
        let summary = summary.to_string();
        let members = summary.strip_suffix('}').unwrap_or(&summary);
        format!(r#"{members},"request":{}}}"#, self.json())
    }
}
