//! A client as a host sees it.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Arc, Mutex};

use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::error::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::talk::*;
use claude_client::capi::transport::*;
use claude_client::capi::types::*;
use serde_json::Value;

use super::Noted;

pub use claude_client::capi::types::claude_message_kind_t as Kind;
pub use claude_client::capi::types::claude_state_t as State;
pub use claude_client::capi::types::claude_status_t as Status;

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
    handle: *mut claude_client_t,
    pub seen: Arc<Seen>,
    /// Kept until nothing can be called any more.
    callbacks: Mutex<Vec<Arc<Callback>>>,
}

type BeforeMessage = Box<dyn Fn(&str) + Send + Sync>;

struct Callback {
    before: BeforeMessage,
    seen: Arc<Seen>,
}

/// A client's handle without its life.
#[derive(Clone, Copy)]
pub struct Raw(*mut claude_client_t);

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

impl Raw {
    pub fn query(self, prompt: &str) -> Result<(), Failure> {
        let prompt = c_text(prompt);
        // SAFETY: the text is NUL-terminated, NULL is the default session.
        check(|error| unsafe {
            claude_client_query(self.0, prompt.as_ptr(), std::ptr::null(), std::ptr::null_mut(), error)
        })
    }

    pub fn receive(self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_receive_response(self.0, std::ptr::null(), 60_000, error) })
    }

    /// A control request whose end nobody wants to know.
    pub fn control_nothing(self) {
        let request = c"{\"subtype\":\"mcp_status\"}";
        // SAFETY: the text is NUL-terminated.
        check(|error| unsafe {
            claude_client_control(self.0, request.as_ptr(), None, std::ptr::null_mut(), error)
        })
        .expect("it is accepted");
    }
}

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub fn new(options: &Value) -> Client {
        Client::with_mode(options, claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    pub fn with_mode(options: &Value, mode: claude_dispatch_t) -> Client {
        let mut handle = std::ptr::null_mut();
        let options = c_text(&options.to_string());
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe { claude_client_create(options.as_ptr(), &mut handle, error) })
            .expect("a client");
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_set_dispatch(handle, std::mem::MaybeUninit::new(mode), error) })
            .expect("a mode");
        let client = Client { handle, seen: Arc::default(), callbacks: Mutex::default() };
        let seen: *mut c_void = Arc::as_ptr(&client.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        check(|error| unsafe { claude_client_on_message(handle, Some(on_message), seen, None, error) })
            .expect("a callback");
        // SAFETY: as above.
        check(|error| unsafe { claude_client_on_closed(handle, Some(on_closed), seen, None, error) })
            .expect("a callback");
        client
    }

    pub fn handle(&self) -> *mut claude_client_t {
        self.handle
    }

    pub fn raw(&self) -> Raw {
        Raw(self.handle)
    }

    /// From now on each message is first shown to this.
    pub fn before_each_message(&self, before: impl Fn(&str) + Send + Sync + 'static) {
        let callback = Arc::new(Callback { before: Box::new(before), seen: self.seen.clone() });
        let user_data: *mut c_void = Arc::as_ptr(&callback).cast_mut().cast();
        self.callbacks.lock().unwrap().push(callback);
        // SAFETY: the client keeps the callback until it has been freed.
        check(|error| unsafe {
            claude_client_on_message(self.handle, Some(on_message_before), user_data, None, error)
        })
        .expect("a callback");
    }

    /// From now on every permission is given.
    pub fn allow_everything(&self) {
        let seen = Arc::as_ptr(&self.seen).cast_mut().cast();
        // SAFETY: `seen` lives until the client has been freed.
        check(|error| unsafe { claude_client_on_request(self.handle, Some(on_request), seen, None, error) })
            .expect("a callback");
    }

    pub fn set_transport(
        &self,
        vtable: &claude_transport_vtable_t,
        user_data: *mut c_void,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's functions fit its pointer.
        check(|error| unsafe { claude_client_set_transport(self.handle, vtable, user_data, error) })
    }

    pub fn connect(&self) -> Result<(), Failure> {
        self.connect_within(60_000)
    }

    pub fn connect_within(&self, timeout_ms: u32) -> Result<(), Failure> {
        // SAFETY: NULL is no prompt.
        check(|error| unsafe { claude_client_connect_wait(self.handle, std::ptr::null(), timeout_ms, error) })
    }

    /// Begins to connect; the end of it goes into the record.
    pub fn connect_later(&self) {
        let seen = Arc::as_ptr(&self.seen).cast_mut().cast();
        // SAFETY: NULL is no prompt, and `seen` lives until the client has been freed.
        check(|error| unsafe {
            claude_client_connect(self.handle, std::ptr::null(), Some(on_connected), seen, error)
        })
        .expect("connecting begins");
    }

    pub fn query(&self, prompt: &str) -> Result<(), Failure> {
        let prompt = c_text(prompt);
        // SAFETY: the text is NUL-terminated, NULL is the default session.
        check(|error| unsafe {
            claude_client_query(self.handle, prompt.as_ptr(), std::ptr::null(), std::ptr::null_mut(), error)
        })
    }

    pub fn receive(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_receive_response(self.handle, std::ptr::null(), 60_000, error) })
    }

    /// Asks, waits for the end of the turn, and gives its result.
    #[track_caller]
    pub fn turn(&self, prompt: &str) -> Value {
        let outcome = self.query(prompt).and_then(|()| self.receive());
        let record = self.seen.lock();
        outcome.unwrap_or_else(|failure| panic!("{failure:#?}\n{record:#?}"));
        record.results().pop().expect("a result")
    }

    pub fn interrupt(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe {
            claude_client_interrupt_wait(self.handle, 60_000, std::ptr::null_mut(), error)
        })
    }

    pub fn end_input(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_end_input(self.handle, error) })
    }

    pub fn control(&self, request: &Value) -> Result<Value, Failure> {
        let request = c_text(&request.to_string());
        let mut reply = std::ptr::null_mut();
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe {
            claude_client_control_wait(self.handle, request.as_ptr(), 60_000, &mut reply, error)
        })?;
        let copy = text_of(reply);
        claude_string_free(reply);
        Ok(parsed(&copy))
    }

    pub fn disconnect(&self) -> Result<(), Failure> {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_disconnect_wait(self.handle, 60_000, error) })
    }

    pub fn state(&self) -> State {
        // SAFETY: any value may be passed.
        unsafe { claude_client_state(self.handle) }
    }

    pub fn pid(&self) -> u32 {
        // SAFETY: any value may be passed.
        u32::try_from(unsafe { claude_client_pid(self.handle) }).expect("a process id")
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
    assert_eq!(claude_error_status(error), status, "the error has another status than the call: {json}");
    claude_error_free(error);
    Err(Failure { status, json: parsed(&json) })
}

fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

pub fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in the library's JSON: {json}"))
}

pub fn text_of(text: *const c_char) -> String {
    // SAFETY: the library's texts are never NULL and end with a NUL.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library's texts are UTF-8").to_owned()
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
