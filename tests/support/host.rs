//! A host in Rust that uses nothing but the C functions. Everything here runs in the test's own process: what concerns
//! a whole process is left to the C programs.
#![allow(clippy::disallowed_methods)] // This is a host's side of the boundary: it reads what the library gives.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::error::*;
use claude_client::capi::receive::*;
use claude_client::capi::talk::*;
use claude_client::capi::types::{claude_client_t, claude_error_t, claude_message_kind_t, claude_state_t};
use serde_json::Value;

pub use claude_client::capi::types::claude_message_kind_t as Kind;
pub use claude_client::capi::types::claude_status_t as Status;

use super::PATIENCE;

/// A call that failed, with its error's document.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: Status,
    pub json: Value,
}

impl Failure {
    /// A text of the document; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.text("message")
    }
}

pub type Outcome = Result<Value, Failure>;

/// One call of the message callback.
#[derive(Debug, Clone)]
pub struct Message {
    pub kind: Kind,
    pub text: String,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// How a session ended, and what had come before.
#[derive(Debug, Clone)]
pub struct Closed {
    pub status: Status,
    /// Null for the empty text of a normal end.
    pub json: Value,
    pub empty: bool,
    /// Messages that had been delivered by then.
    pub after: usize,
    pub at: Instant,
}

#[derive(Debug, Default)]
pub struct Record {
    pub messages: Vec<Message>,
    pub stderr: Vec<String>,
    pub closed: Vec<Closed>,
}

#[derive(Default)]
struct Seen {
    record: Mutex<Record>,
    changed: Condvar,
    /// While it is true, the message callback does not return.
    stuck: Mutex<bool>,
    freed: Condvar,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_while_stuck(&self) {
        let stuck = self.stuck.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        drop(self.freed.wait_while(stuck, |stuck| *stuck));
    }
}

/// An asynchronous operation; told by the library's completion callback.
#[derive(Default)]
pub struct Reply {
    outcomes: Mutex<Vec<(Outcome, Instant)>>,
    told: Condvar,
}

impl Reply {
    /// What it ended with, and when.
    pub fn wait(&self) -> (Outcome, Instant) {
        let outcomes = self.outcomes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let waited = self.told.wait_timeout_while(outcomes, PATIENCE, |outcomes| outcomes.is_empty());
        let (outcomes, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        outcomes.first().cloned().expect("the operation ends")
    }

    pub fn outcome(&self) -> Outcome {
        self.wait().0
    }

    /// How often it was told.
    pub fn count(&self) -> usize {
        self.outcomes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
    }
}

/// A client with every callback registered. Dropping it frees it.
pub struct Client {
    handle: *mut claude_client_t,
    seen: Arc<Seen>,
    /// Kept until nothing can be told any more.
    replies: Mutex<Vec<Arc<Reply>>>,
}

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub fn new(options: &Value) -> Client {
        Client::without_stderr(options).with_stderr()
    }

    pub fn try_new(options: &str) -> Result<Client, Failure> {
        let mut handle = std::ptr::null_mut();
        let options = c_text(options);
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe { claude_client_create(options.as_ptr(), &mut handle, error) })?;
        let client = Client { handle, seen: Arc::default(), replies: Mutex::default() };
        let seen = client.user_data();
        // SAFETY: `seen` lives until the client has been freed.
        check(|error| unsafe { claude_client_on_message(handle, Some(on_message), seen, None, error) })?;
        // SAFETY: as above.
        check(|error| unsafe { claude_client_on_closed(handle, Some(on_closed), seen, None, error) })?;
        Ok(client)
    }

    pub fn without_stderr(options: &Value) -> Client {
        Client::try_new(&options.to_string()).unwrap_or_else(|failure| panic!("{failure:#?}"))
    }

    fn with_stderr(self) -> Client {
        // SAFETY: as in `try_new`.
        let registered = check(|error| unsafe {
            claude_client_on_stderr(self.handle, Some(on_stderr), self.user_data(), None, error)
        });
        registered.expect("the callback for stderr is taken");
        self
    }

    /// A client that is connected.
    pub fn connected(options: &Value) -> Client {
        let client = Client::new(options);
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        client
    }

    fn user_data(&self) -> *mut c_void {
        Arc::as_ptr(&self.seen).cast_mut().cast()
    }

    pub fn handle(&self) -> *mut claude_client_t {
        self.handle
    }

    pub fn connect(&self) -> Result<(), Failure> {
        // SAFETY: NULL is no prompt.
        check(|error| unsafe { claude_client_connect_wait(self.handle, std::ptr::null(), 60_000, error) })
    }

    pub fn query(&self, prompt: &str) -> Result<(), Failure> {
        let prompt = c_text(prompt);
        // SAFETY: the text is NUL-terminated, NULL is the default session.
        check(|error| unsafe {
            claude_client_query(self.handle, prompt.as_ptr(), std::ptr::null(), std::ptr::null_mut(), error)
        })
    }

    pub fn send_json(&self, message: &Value) -> Result<(), Failure> {
        let message = c_text(&message.to_string());
        // SAFETY: the text is NUL-terminated.
        check(|error| unsafe {
            claude_client_send_json(self.handle, message.as_ptr(), std::ptr::null_mut(), error)
        })
    }

    pub fn receive(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_receive_response(self.handle, std::ptr::null(), 60_000, error) })
    }

    /// Asks and waits for the end of the turn.
    pub fn turn(&self, prompt: &str) {
        self.query(prompt).and_then(|()| self.receive()).unwrap_or_else(|failure| panic!("{failure:#?}"));
    }

    pub fn end_input(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_end_input(self.handle, error) })
    }

    pub fn control(&self, request: &Value) -> Outcome {
        self.control_within(request, 60_000)
    }

    pub fn control_within(&self, request: &Value, timeout_ms: u32) -> Outcome {
        let request = c_text(&request.to_string());
        let mut reply = std::ptr::null_mut();
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe {
            claude_client_control_wait(self.handle, request.as_ptr(), timeout_ms, &mut reply, error)
        })?;
        Ok(parsed(&owned(reply)))
    }

    /// Asks without waiting.
    pub fn control_later(&self, request: &Value) -> Result<Arc<Reply>, Failure> {
        let request = c_text(&request.to_string());
        let reply = self.new_reply();
        let told = Arc::as_ptr(&reply).cast_mut().cast();
        // SAFETY: the text is NUL-terminated, and the client keeps the reply until it has been freed.
        check(|error| unsafe {
            claude_client_control(self.handle, request.as_ptr(), Some(on_done), told, error)
        })?;
        Ok(reply)
    }

    fn new_reply(&self) -> Arc<Reply> {
        let reply = Arc::new(Reply::default());
        self.replies.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(reply.clone());
        reply
    }

    pub fn disconnect(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_disconnect_wait(self.handle, 60_000, error) })
    }

    pub fn state(&self) -> claude_state_t {
        // SAFETY: any value may be passed.
        unsafe { claude_client_state(self.handle) }
    }

    pub fn pid(&self) -> u32 {
        // SAFETY: any value may be passed.
        u32::try_from(unsafe { claude_client_pid(self.handle) }).expect("a process id")
    }

    pub fn stats(&self) -> Value {
        let mut json = std::ptr::null_mut();
        // SAFETY: the outputs are variables.
        check(|error| unsafe { claude_client_stats(self.handle, &mut json, error) }).expect("statistics");
        parsed(&owned(json))
    }

    /// From now on the message callback does not return, or returns again.
    pub fn set_stuck(&self, stuck: bool) {
        *self.seen.stuck.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = stuck;
        self.seen.freed.notify_all();
    }

    /// What has come so far.
    pub fn look<T>(&self, at: impl FnOnce(&Record) -> T) -> T {
        at(&self.seen.lock())
    }

    pub fn messages(&self) -> Vec<Message> {
        self.look(|record| record.messages.clone())
    }

    pub fn of_kind(&self, kind: Kind) -> Vec<Message> {
        self.messages().into_iter().filter(|message| message.kind == kind).collect()
    }

    pub fn stderr(&self) -> Vec<String> {
        self.look(|record| record.stderr.clone())
    }

    /// Waits until it holds for what has come.
    #[track_caller]
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Record) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut record = self.seen.lock();
        while !holds(&record) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} did not come: {record:#?}");
            let waited = self.seen.changed.wait_timeout(record, left.min(Duration::from_secs(1)));
            record = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Waits for the end of the session.
    #[track_caller]
    pub fn closed(&self) -> Closed {
        self.wait_for("on_closed", |record| !record.closed.is_empty());
        self.look(|record| record.closed[0].clone())
    }

    /// The end as an error.
    #[track_caller]
    pub fn cause(&self) -> Failure {
        let closed = self.closed();
        Failure { status: closed.status, json: closed.json }
    }

    /// Frees it now; what had come by then.
    pub fn free(self) -> Record {
        // SAFETY: any value may be passed, also twice.
        unsafe { claude_client_free(self.handle) };
        std::mem::take(&mut *self.seen.lock())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.set_stuck(false);
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
    let (same, json) = (claude_error_status(error), text_of(claude_error_json(error)));
    assert_eq!(same, status, "the error has another status than the call: {json}");
    claude_error_free(error);
    Err(Failure { status, json: parsed(&json) })
}

fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in the library's JSON: {json}"))
}

fn text_of(text: *const c_char) -> String {
    // SAFETY: the library's texts are never NULL and end with a NUL.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library's texts are UTF-8").to_owned()
}

fn owned(text: *mut c_char) -> String {
    let copy = text_of(text);
    claude_string_free(text);
    copy
}

/// A text that a callback receives; checks the promise of a NUL behind it.
///
/// # Safety
/// As the header promises: `len` bytes and a NUL.
unsafe fn lent(text: *const c_char, len: usize) -> String {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len + 1) };
    assert_eq!(bytes[len], 0, "no NUL behind the text");
    std::str::from_utf8(&bytes[..len]).expect("the library's texts are UTF-8").to_owned()
}

unsafe extern "C" fn on_message(
    kind: claude_message_kind_t,
    json: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    // SAFETY: registered with a `Seen` that outlives the client; the text is as the header promises.
    let (seen, text) = unsafe { (&*user_data.cast::<Seen>(), lent(json, len)) };
    seen.note(|record| record.messages.push(Message { kind, text }));
    seen.wait_while_stuck();
}

unsafe extern "C" fn on_stderr(text: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: as in `on_message`.
    let (seen, text) = unsafe { (&*user_data.cast::<Seen>(), lent(text, len)) };
    seen.note(|record| record.stderr.push(text));
}

unsafe extern "C" fn on_closed(status: Status, json: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: as in `on_message`.
    let (seen, text) = unsafe { (&*user_data.cast::<Seen>(), lent(json, len)) };
    let json = if text.is_empty() { Value::Null } else { parsed(&text) };
    let at = Instant::now();
    seen.note(|record| {
        let after = record.messages.len();
        record.closed.push(Closed { status, json, empty: text.is_empty(), after, at });
    });
}

unsafe extern "C" fn on_done(status: Status, json: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: registered with a `Reply` that the client keeps; the text is as the header promises.
    let (reply, text) = unsafe { (&*user_data.cast::<Reply>(), lent(json, len)) };
    let outcome = match status {
        Status::CLAUDE_OK => Ok(parsed(&text)),
        _ => Err(Failure { status, json: parsed(&text) }),
    };
    let mut outcomes = reply.outcomes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcomes.push((outcome, Instant::now()));
    reply.told.notify_all();
}
