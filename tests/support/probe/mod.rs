//! A host in Rust over the C functions, with the real CLI or the stand-in.
#![allow(dead_code)] // Each test binary uses its own part.

pub mod controls;
pub mod spare;
pub mod stage;

use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex};

use claude_client::capi::control::claude_client_control;
use claude_client::capi::receive::*;
use claude_client::capi::talk::claude_query_once;
use claude_client::capi::types::{claude_client_t, claude_done_fn, claude_error_t};
use claude_testkit::Patience;
use claude_testkit::patience::grown;
use serde_json::Value;

use super::boundary::{given, lock};
use super::handle::{Handle, fail};

pub use super::PATIENCE;
pub use super::boundary::{Failure, Kind, Outcome, Status, c_text, check, owned, parsed, text_of};
pub use super::handle::PATIENCE_MS;

#[derive(Default)]
struct Seen {
    messages: Mutex<Vec<(Kind, Value)>>,
    closed: Mutex<Vec<(Status, Value)>>,
    changed: Condvar,
}

/// An asynchronous operation.
#[derive(Default)]
pub struct Reply {
    outcomes: Mutex<Vec<Outcome>>,
    told: Condvar,
}

impl Reply {
    #[track_caller]
    pub fn wait(&self) -> Outcome {
        let waited = self
            .told
            .wait_timeout_while(lock(&self.outcomes), grown(PATIENCE), |outcomes| outcomes.is_empty());
        let (outcomes, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        assert_eq!(outcomes.len(), 1, "told exactly once");
        outcomes[0].clone()
    }
}

/// A client in THREAD mode whose messages are kept. Dropping it frees it.
pub struct Session {
    pub handle: *mut claude_client_t,
    own: Handle,
    seen: Arc<Seen>,
    replies: Mutex<Vec<Arc<Reply>>>,
}

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Deref for Session {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.own
    }
}

impl Session {
    pub fn created(options: &Value) -> Session {
        let own = Handle::create(&options.to_string()).expect("create");
        let session = Session { handle: own.raw(), own, seen: Arc::default(), replies: Mutex::default() };
        let seen = Arc::as_ptr(&session.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        own.call(|client, error| unsafe {
            claude_client_on_message(client, Some(on_message), seen, None, error)
        })
        .expect("on_message");
        // SAFETY: as above.
        own.call(|client, error| unsafe {
            claude_client_on_closed(client, Some(on_closed), seen, None, error)
        })
        .expect("on_closed");
        session
    }

    #[track_caller]
    pub fn connected(options: &Value) -> Session {
        let session = Session::created(options);
        session.connect(None).unwrap_or_else(fail);
        session
    }

    pub fn connect(&self, prompt: Option<&str>) -> Outcome<()> {
        self.connect_within(prompt, PATIENCE_MS)
    }

    /// Sends a prompt; its uuid.
    #[track_caller]
    pub fn query(&self, prompt: &str) -> String {
        self.prompt(prompt).unwrap_or_else(fail)
    }

    #[track_caller]
    pub fn send_json(&self, message: &Value) -> String {
        self.message(message).unwrap_or_else(fail)
    }

    /// One turn; its result.
    #[track_caller]
    pub fn turn(&self, prompt: &str) -> Value {
        let uuid = self.query(prompt);
        self.receive_to(&uuid, PATIENCE_MS).unwrap_or_else(fail::<()>);
        self.of(Kind::CLAUDE_MESSAGE_RESULT).pop().expect("a result")
    }

    pub fn control_later(&self, request: &Value) -> Result<Arc<Reply>, Failure> {
        let request = c_text(&request.to_string());
        self.later(|done, user_data, error| {
            // SAFETY: the text is NUL-terminated; `later` keeps the reply.
            unsafe { claude_client_control(self.handle, request.as_ptr(), done, user_data, error) }
        })
    }

    /// Runs a function that waits for a reply.
    pub fn reply_of(
        &self,
        call: impl FnOnce(u32, *mut *mut c_char, *mut *mut claude_error_t) -> Status,
    ) -> Outcome {
        given(|reply, error| call(PATIENCE_MS, reply, error))
    }

    /// Runs a function with a completion callback.
    pub fn later(
        &self,
        call: impl FnOnce(claude_done_fn, *mut c_void, *mut *mut claude_error_t) -> Status,
    ) -> Result<Arc<Reply>, Failure> {
        let reply = Arc::new(Reply::default());
        lock(&self.replies).push(reply.clone());
        check(|error| call(Some(on_done), Arc::as_ptr(&reply).cast_mut().cast(), error))?;
        Ok(reply)
    }

    pub fn messages(&self) -> Vec<(Kind, Value)> {
        lock(&self.seen.messages).clone()
    }

    pub fn of(&self, kind: Kind) -> Vec<Value> {
        self.messages().into_iter().filter(|(known, _)| *known == kind).map(|(_, json)| json).collect()
    }

    /// The warning events that are called so.
    pub fn warnings(&self, event: &str) -> Vec<Value> {
        self.of(Kind::CLAUDE_EVENT_WARNING).into_iter().filter(|json| json["event"] == event).collect()
    }

    /// The first `system/init`.
    #[track_caller]
    pub fn init(&self) -> Value {
        self.wait_for("system/init", |_, json| json["subtype"] == "init")
    }

    /// Waits for a message for which it holds.
    #[track_caller]
    pub fn wait_for(&self, what: &str, holds: impl Fn(Kind, &Value) -> bool) -> Value {
        self.wait_until(what, |messages| {
            messages.iter().find(|(kind, json)| holds(*kind, json)).map(|(_, json)| json.clone())
        })
    }

    #[track_caller]
    pub fn wait_until<T>(&self, what: &str, look: impl Fn(&[(Kind, Value)]) -> Option<T>) -> T {
        let patience = Patience::new(PATIENCE);
        let mut messages = lock(&self.seen.messages);
        loop {
            if let Some(found) = look(&messages) {
                return found;
            }
            let left = patience.left();
            assert!(!left.is_zero(), "{what} did not come: {messages:#?}");
            messages = self
                .seen
                .changed
                .wait_timeout(messages, left)
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0;
        }
    }

    /// How the session ended.
    #[track_caller]
    pub fn closed(&self) -> (Status, Value) {
        let waited =
            self.seen.changed.wait_timeout_while(lock(&self.seen.closed), grown(PATIENCE), |c| c.is_empty());
        let (closed, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        closed.first().cloned().expect("the session ends")
    }

    pub fn is_closed(&self) -> bool {
        !lock(&self.seen.closed).is_empty()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.own.free();
    }
}

pub unsafe extern "C" fn on_message(kind: Kind, json: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: registered with a `Seen` that outlives the client.
    let seen = unsafe { &*user_data.cast::<Seen>() };
    let text = text_of(json);
    assert_eq!(text.len(), len);
    let value = if kind == Kind::CLAUDE_EVENT_TEXT_DELTA { Value::String(text) } else { parsed(&text) };
    lock(&seen.messages).push((kind, value));
    seen.changed.notify_all();
}

unsafe extern "C" fn on_closed(status: Status, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: as in `on_message`.
    let seen = unsafe { &*user_data.cast::<Seen>() };
    let text = text_of(json);
    lock(&seen.closed).push((status, if text.is_empty() { Value::Null } else { parsed(&text) }));
    seen.changed.notify_all();
}

pub unsafe extern "C" fn on_done(status: Status, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: registered with a `Reply` that the session keeps.
    let reply = unsafe { &*user_data.cast::<Reply>() };
    let json = parsed(&text_of(json));
    let outcome = if status == Status::CLAUDE_OK { Ok(json) } else { Err(Failure { status, json }) };
    lock(&reply.outcomes).push(outcome);
    reply.told.notify_all();
}

/// One prompt from start to end; the messages, and how it ended.
pub fn query_once(
    prompt: &str,
    options: &Value,
    timeout_ms: u32,
) -> (Vec<(Kind, Value)>, Result<(), Failure>) {
    let seen = Seen::default();
    let (prompt, options) = (c_text(prompt), c_text(&options.to_string()));
    // SAFETY: texts are NUL-terminated; no callback runs when the call has returned.
    let outcome = check(|error| unsafe {
        claude_query_once(
            prompt.as_ptr(),
            options.as_ptr(),
            Some(on_message),
            None,
            std::ptr::from_ref(&seen).cast_mut().cast(),
            timeout_ms,
            std::ptr::null_mut(),
            error,
        )
    });
    let messages = std::mem::take(&mut *lock(&seen.messages));
    (messages, outcome)
}
