//! A client as a host sees it.

use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use claude_client::capi::client::claude_client_connect;
use claude_client::capi::control::claude_client_control;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::transport::*;
use claude_client::capi::types::*;
use serde_json::Value;

use super::Noted;
use crate::support::handle::Handle;

pub use crate::support::boundary::{Failure, Kind, Status, check, parsed, text_of};
pub use claude_client::capi::types::claude_state_t as State;

#[derive(Debug, Default)]
pub struct Record {
    pub messages: Vec<(Kind, String)>,
    /// How the session ended, each time that it was told.
    pub closed: Vec<(Status, Value)>,
    pub requests: Vec<Value>,
    /// Ends of `connect_later`.
    pub connected: Vec<Status>,
}

impl Record {
    pub fn of(&self, kind: Kind) -> Vec<Value> {
        let texts = self.messages.iter().filter(|(found, _)| *found == kind).map(|(_, text)| text);
        texts.map(|text| parsed(text)).collect()
    }

    pub fn results(&self) -> Vec<Value> {
        self.of(Kind::CLAUDE_MESSAGE_RESULT)
    }
}

type Seen = Noted<Record>;

/// A client with its callbacks registered. Dropping it frees it.
pub struct Client {
    handle: Handle,
    pub seen: Arc<Seen>,
    /// Kept until nothing can be called any more.
    callbacks: Mutex<Vec<Arc<Callback>>>,
}

type BeforeMessage = Box<dyn Fn(&str) + Send + Sync>;

struct Callback {
    before: BeforeMessage,
    seen: Arc<Seen>,
}

/// A control request whose end nobody wants to know.
pub fn control_nothing(client: Handle) {
    let request = c"{\"subtype\":\"mcp_status\"}";
    // SAFETY: the text is NUL-terminated.
    client
        .call(|client, error| unsafe {
            claude_client_control(client, request.as_ptr(), None, std::ptr::null_mut(), error)
        })
        .expect("it is accepted");
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Client {
    pub fn new(options: &Value) -> Client {
        Client::with_mode(options, claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    pub fn with_mode(options: &Value, mode: claude_dispatch_t) -> Client {
        let handle = Handle::with_mode(options, mode).expect("a client");
        let client = Client { handle, seen: Arc::default(), callbacks: Mutex::default() };
        let seen: *mut c_void = Arc::as_ptr(&client.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        client
            .call(|client, error| unsafe {
                claude_client_on_message(client, Some(on_message), seen, None, error)
            })
            .expect("a callback");
        // SAFETY: as above.
        client
            .call(|client, error| unsafe {
                claude_client_on_closed(client, Some(on_closed), seen, None, error)
            })
            .expect("a callback");
        client
    }

    pub fn handle(&self) -> *mut claude_client_t {
        self.handle.raw()
    }

    /// The handle without its life.
    pub fn unowned(&self) -> Handle {
        self.handle
    }

    /// From now on each message is first shown to this.
    pub fn before_each_message(&self, before: impl Fn(&str) + Send + Sync + 'static) {
        let callback = Arc::new(Callback { before: Box::new(before), seen: self.seen.clone() });
        let user_data: *mut c_void = Arc::as_ptr(&callback).cast_mut().cast();
        self.callbacks.lock().unwrap().push(callback);
        // SAFETY: the client keeps the callback until it has been freed.
        self.call(|client, error| unsafe {
            claude_client_on_message(client, Some(on_message_before), user_data, None, error)
        })
        .expect("a callback");
    }

    /// From now on every permission is given.
    pub fn allow_everything(&self) {
        let seen = Arc::as_ptr(&self.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        self.call(|client, error| unsafe {
            claude_client_on_request(client, Some(on_request), seen, None, error)
        })
        .expect("a callback");
    }

    pub fn set_transport(
        &self,
        vtable: &claude_transport_vtable_t,
        user_data: *mut c_void,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's functions fit its pointer.
        self.call(|client, error| unsafe { claude_client_set_transport(client, vtable, user_data, error) })
    }

    /// Begins to connect; the end of it goes into the record.
    pub fn connect_later(&self) {
        let seen = Arc::as_ptr(&self.seen).cast_mut().cast();
        // SAFETY: NULL is no prompt, and `seen` lives until the client has been freed.
        self.call(|client, error| unsafe {
            claude_client_connect(client, std::ptr::null(), Some(on_connected), seen, error)
        })
        .expect("connecting begins");
    }

    /// Asks, waits for the end of the turn, and gives its result.
    #[track_caller]
    pub fn turn(&self, prompt: &str) -> Value {
        let outcome = self.query(prompt).and_then(|()| self.receive());
        let record = self.seen.lock();
        outcome.unwrap_or_else(|failure| panic!("{failure:#?}\n{record:#?}"));
        record.results().pop().expect("a result")
    }

    /// How the session ended.
    #[track_caller]
    pub fn closed(&self) -> Failure {
        self.seen.wait("on_closed", |record| !record.closed.is_empty());
        let record = self.seen.lock();
        assert_eq!(record.closed.len(), 1, "{record:#?}");
        let (status, json) = record.closed[0].clone();
        Failure { status, json }
    }

    pub fn free(self) {
        drop(self);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.handle.free();
    }
}

/// # Safety
/// `user_data` is a `Seen` that outlives the client, `text` is as the header promises.
unsafe fn note(text: *const c_char, user_data: *mut c_void, change: impl FnOnce(&mut Record, String)) {
    // SAFETY: the caller's promise.
    let seen = unsafe { &*user_data.cast::<Seen>() };
    let text = text_of(text);
    seen.note(|record| change(record, text));
}

unsafe extern "C" fn on_message(kind: Kind, json: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: registered so.
    unsafe {
        note(json, user_data, |record, text| {
            assert_eq!(text.len(), len);
            record.messages.push((kind, text));
        });
    }
}

unsafe extern "C" fn on_message_before(kind: Kind, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: registered so.
    let callback = unsafe { &*user_data.cast::<Callback>() };
    let text = text_of(json);
    (callback.before)(&text);
    callback.seen.note(|record| record.messages.push((kind, text)));
}

unsafe extern "C" fn on_closed(status: Status, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: registered so.
    unsafe {
        note(json, user_data, |record, text| {
            let json = if text.is_empty() { Value::Null } else { parsed(&text) };
            record.closed.push((status, json));
        });
    }
}

unsafe extern "C" fn on_connected(status: Status, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: registered so.
    unsafe { note(json, user_data, |record, _| record.connected.push(status)) };
}

unsafe extern "C" fn on_request(request: *mut claude_request_t, user_data: *mut c_void) {
    // SAFETY: the request lives until it is freed below.
    let json = unsafe { claude_request_json(request, std::ptr::null_mut()) };
    // SAFETY: registered so.
    unsafe { note(json, user_data, |record, text| record.requests.push(parsed(&text))) };
    // SAFETY: NULL stands for what the CLI has proposed.
    check(|error| unsafe { claude_request_allow(request, std::ptr::null(), std::ptr::null(), error) })
        .expect("the request can be allowed");
    // SAFETY: any value may be passed.
    unsafe { claude_request_free(request) };
}
