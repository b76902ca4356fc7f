//! A host in Rust that uses nothing but the C functions. Everything here runs in the test's own process: what concerns
//! a whole process is left to the C programs.
use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use claude_client::capi::control::claude_client_control;
use claude_client::capi::receive::*;
use claude_client::capi::types::{claude_client_t, claude_message_kind_t};
use claude_testkit::Patience;
use claude_testkit::patience::grown;
use serde_json::Value;

use super::PATIENCE;
use super::boundary::{c_text, lent, lock, parsed};
use super::handle::{Handle, fail};

pub use super::boundary::{Failure, Kind, Outcome, Status, check};

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
        lock(&self.record)
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_while_stuck(&self) {
        let stuck = lock(&self.stuck);
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
        let outcomes = lock(&self.outcomes);
        let waited = self.told.wait_timeout_while(outcomes, grown(PATIENCE), |outcomes| outcomes.is_empty());
        let (outcomes, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        outcomes.first().cloned().expect("the operation ends")
    }

    pub fn outcome(&self) -> Outcome {
        self.wait().0
    }

    /// How often it was told.
    pub fn count(&self) -> usize {
        lock(&self.outcomes).len()
    }
}

/// A client with every callback registered. Dropping it frees it.
pub struct Client {
    handle: Handle,
    seen: Arc<Seen>,
    /// Kept until nothing can be told any more.
    replies: Mutex<Vec<Arc<Reply>>>,
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Client {
    pub fn new(options: &Value) -> Client {
        Client::without_stderr(options).with_stderr()
    }

    pub fn try_new(options: &str) -> Result<Client, Failure> {
        let client =
            Client { handle: Handle::create(options)?, seen: Arc::default(), replies: Mutex::default() };
        let seen = client.user_data();
        // SAFETY: `seen` lives until the client has been freed.
        client.call(|client, error| unsafe {
            claude_client_on_message(client, Some(on_message), seen, None, error)
        })?;
        // SAFETY: as above.
        client.call(|client, error| unsafe {
            claude_client_on_closed(client, Some(on_closed), seen, None, error)
        })?;
        Ok(client)
    }

    pub fn without_stderr(options: &Value) -> Client {
        Client::try_new(&options.to_string()).unwrap_or_else(fail)
    }

    fn with_stderr(self) -> Client {
        let seen = self.user_data();
        // SAFETY: as in `try_new`.
        let registered = self.call(|client, error| unsafe {
            claude_client_on_stderr(client, Some(on_stderr), seen, None, error)
        });
        registered.expect("the callback for stderr is taken");
        self
    }

    /// A client that is connected.
    #[track_caller]
    pub fn connected(options: &Value) -> Client {
        let client = Client::new(options);
        client.connect().unwrap_or_else(fail);
        client
    }

    fn user_data(&self) -> *mut c_void {
        Arc::as_ptr(&self.seen).cast_mut().cast()
    }

    pub fn handle(&self) -> *mut claude_client_t {
        self.handle.raw()
    }

    /// Asks and waits for the end of the turn.
    #[track_caller]
    pub fn turn(&self, prompt: &str) {
        self.query(prompt).and_then(|()| self.receive()).unwrap_or_else(fail)
    }

    /// Asks without waiting.
    pub fn control_later(&self, request: &Value) -> Result<Arc<Reply>, Failure> {
        let request = c_text(&request.to_string());
        let reply = Arc::new(Reply::default());
        lock(&self.replies).push(reply.clone());
        let told = Arc::as_ptr(&reply).cast_mut().cast();
        // SAFETY: the text is NUL-terminated, and the client keeps the reply until it has been freed.
        self.call(|client, error| unsafe {
            claude_client_control(client, request.as_ptr(), Some(on_done), told, error)
        })?;
        Ok(reply)
    }

    /// From now on the message callback does not return, or returns again.
    pub fn set_stuck(&self, stuck: bool) {
        *lock(&self.seen.stuck) = stuck;
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

    /// Waits until the CLI has begun this many turns: before that, an interrupt has nothing to end.
    #[track_caller]
    pub fn wait_for_turns(&self, begun: usize) {
        let is_init = |message: &&Message| message.json()["subtype"] == "init";
        self.wait_for("the turn", |record| record.messages.iter().filter(is_init).count() >= begun);
    }

    /// Waits until it holds for what has come.
    #[track_caller]
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Record) -> bool) {
        let patience = Patience::new(PATIENCE);
        let mut record = self.seen.lock();
        while !holds(&record) {
            let left = patience.left();
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
        self.handle.free();
        std::mem::take(&mut *self.seen.lock())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.set_stuck(false);
        self.handle.free();
    }
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
    lock(&reply.outcomes).push((outcome, Instant::now()));
    reply.told.notify_all();
}
