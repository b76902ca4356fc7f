//! A host in Rust over the C functions, with the real CLI or the stand-in.
#![allow(dead_code)] // Each test binary uses its own part.
#![allow(clippy::disallowed_methods)] // A host reads what the library gives it.

pub mod controls;
pub mod stage;

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::error::*;
use claude_client::capi::receive::*;
use claude_client::capi::talk::*;
use claude_client::capi::types::{claude_client_t, claude_done_fn, claude_error_t};
use serde_json::Value;

pub use claude_client::capi::types::claude_message_kind_t as Kind;
pub use claude_client::capi::types::claude_status_t as Status;

/// Far more than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const PATIENCE_MS: u32 = 60_000;

/// A call that failed, with its error's document.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: Status,
    pub json: Value,
}

impl Failure {
    pub fn message(&self) -> &str {
        self.json["message"].as_str().unwrap_or_default()
    }
}

pub type Outcome = Result<Value, Failure>;

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Reply {
    #[track_caller]
    pub fn wait(&self) -> Outcome {
        let waited =
            self.told.wait_timeout_while(lock(&self.outcomes), PATIENCE, |outcomes| outcomes.is_empty());
        let (outcomes, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        assert_eq!(outcomes.len(), 1, "told exactly once");
        outcomes[0].clone()
    }
}

/// A client in THREAD mode whose messages are kept. Dropping it frees it.
pub struct Session {
    pub handle: *mut claude_client_t,
    seen: Arc<Seen>,
    replies: Mutex<Vec<Arc<Reply>>>,
}

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Session {
    pub fn created(options: &Value) -> Session {
        let mut handle = std::ptr::null_mut();
        let options = c_text(&options.to_string());
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe { claude_client_create(options.as_ptr(), &mut handle, error) }).expect("create");
        let session = Session { handle, seen: Arc::default(), replies: Mutex::default() };
        let seen = Arc::as_ptr(&session.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        check(|error| unsafe { claude_client_on_message(handle, Some(on_message), seen, None, error) })
            .expect("on_message");
        // SAFETY: as above.
        check(|error| unsafe { claude_client_on_closed(handle, Some(on_closed), seen, None, error) })
            .expect("on_closed");
        session
    }

    #[track_caller]
    pub fn connected(options: &Value) -> Session {
        let session = Session::created(options);
        session.connect(None).unwrap_or_else(|failure| panic!("{failure:#?}"));
        session
    }

    pub fn connect(&self, prompt: Option<&str>) -> Result<(), Failure> {
        let prompt = prompt.map(c_text);
        let pointer = prompt.as_ref().map_or(std::ptr::null(), |prompt| prompt.as_ptr());
        // SAFETY: NULL or a NUL-terminated text.
        check(|error| unsafe { claude_client_connect_wait(self.handle, pointer, PATIENCE_MS, error) })
    }

    /// Sends a prompt; its uuid.
    #[track_caller]
    pub fn query(&self, prompt: &str) -> String {
        let prompt = c_text(prompt);
        let mut uuid = std::ptr::null_mut();
        // SAFETY: texts are NUL-terminated, the outputs are variables.
        let sent = check(|error| unsafe {
            claude_client_query(self.handle, prompt.as_ptr(), std::ptr::null(), &mut uuid, error)
        });
        sent.unwrap_or_else(|failure| panic!("{failure:#?}"));
        owned(uuid)
    }

    #[track_caller]
    pub fn send_json(&self, message: &Value) -> String {
        let message = c_text(&message.to_string());
        let mut uuid = std::ptr::null_mut();
        // SAFETY: as above.
        let sent = check(|error| unsafe {
            claude_client_send_json(self.handle, message.as_ptr(), &mut uuid, error)
        });
        sent.unwrap_or_else(|failure| panic!("{failure:#?}"));
        owned(uuid)
    }

    pub fn receive(&self) -> Result<(), Failure> {
        self.receive_within(PATIENCE_MS)
    }

    pub fn receive_within(&self, timeout_ms: u32) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe {
            claude_client_receive_response(self.handle, std::ptr::null(), timeout_ms, error)
        })
    }

    pub fn receive_to(&self, uuid: &str, timeout_ms: u32) -> Result<(), Failure> {
        let uuid = c_text(uuid);
        // SAFETY: the text is NUL-terminated.
        check(|error| unsafe {
            claude_client_receive_response(self.handle, uuid.as_ptr(), timeout_ms, error)
        })
    }

    /// One turn; its result.
    #[track_caller]
    pub fn turn(&self, prompt: &str) -> Value {
        let uuid = self.query(prompt);
        self.receive_to(&uuid, PATIENCE_MS).unwrap_or_else(|failure| panic!("{failure:#?}"));
        self.of(Kind::CLAUDE_MESSAGE_RESULT).pop().expect("a result")
    }

    pub fn control(&self, request: &Value) -> Outcome {
        let request = c_text(&request.to_string());
        self.reply_of(|timeout, reply, error| {
            // SAFETY: the text is NUL-terminated, the outputs are variables.
            unsafe { claude_client_control_wait(self.handle, request.as_ptr(), timeout, reply, error) }
        })
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
        let mut reply = std::ptr::null_mut();
        check(|error| call(PATIENCE_MS, &mut reply, error))?;
        Ok(if reply.is_null() { Value::Null } else { parsed(&owned(reply)) })
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

    pub fn end_input(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_end_input(self.handle, error) })
    }

    pub fn end_input_after_run(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_end_input_after_run(self.handle, error) })
    }

    pub fn disconnect(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_disconnect_wait(self.handle, PATIENCE_MS, error) })
    }

    pub fn pid(&self) -> u64 {
        // SAFETY: any value may be passed.
        unsafe { claude_client_pid(self.handle) }
    }

    pub fn stats(&self) -> Value {
        self.reply_of(|_, json, error| {
            // SAFETY: the outputs are variables.
            unsafe { claude_client_stats(self.handle, json, error) }
        })
        .expect("statistics")
    }

    pub fn server_info(&self) -> Outcome {
        self.reply_of(|_, json, error| {
            // SAFETY: the outputs are variables.
            unsafe { claude_client_get_server_info(self.handle, json, error) }
        })
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
        let deadline = Instant::now() + PATIENCE;
        let mut messages = lock(&self.seen.messages);
        loop {
            if let Some(found) = look(&messages) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
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
            self.seen.changed.wait_timeout_while(lock(&self.seen.closed), PATIENCE, |c| c.is_empty());
        let (closed, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        closed.first().cloned().expect("the session ends")
    }

    pub fn is_closed(&self) -> bool {
        !lock(&self.seen.closed).is_empty()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: any value may be passed.
        unsafe { claude_client_free(self.handle) };
    }
}

/// Runs a call and turns its error into a value.
pub fn check(call: impl FnOnce(*mut *mut claude_error_t) -> Status) -> Result<(), Failure> {
    let mut error = std::ptr::null_mut();
    let status = call(&mut error);
    if status == Status::CLAUDE_OK {
        assert!(error.is_null(), "an error was written by a call that succeeded");
        return Ok(());
    }
    let json = text_of(claude_error_json(error));
    claude_error_free(error);
    Err(Failure { status, json: parsed(&json) })
}

pub fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

pub fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in the library's JSON: {json}"))
}

/// A text that the library lends.
pub fn text_of(text: *const c_char) -> String {
    // SAFETY: the library's texts are never NULL and end with a NUL.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library's texts are UTF-8").to_owned()
}

/// Takes over a text that the library gave away.
pub fn owned(text: *mut c_char) -> String {
    let copy = text_of(text);
    claude_string_free(text);
    copy
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

unsafe extern "C" fn on_done(status: Status, json: *const c_char, _: usize, user_data: *mut c_void) {
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
