//! A host over the C functions: closures for callbacks, and everything that arrives kept in order.
// No test needs all of this.
#![allow(dead_code)]

mod slot;
mod stage;
mod turn;

pub use crate::support::event;

use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use claude_client::capi::control::*;
use claude_client::capi::hook::*;
use claude_client::capi::mcp::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::types::*;
use claude_client::ffi::number::given;
use claude_testkit::Patience;
use serde_json::Value;

use crate::support::boundary::{boxed, c_text, check as outcome, parsed, pointer, text_of};
use crate::support::handle::{Handle, fail};

pub use crate::support::boundary::{Failure, Status, lock};
pub use claude_client::capi::types::claude_hook_failure_t::{CLAUDE_HOOK_BLOCK, CLAUDE_HOOK_CONTINUE};
pub use claude_client::capi::types::claude_request_kind_t as Kind;
pub use slot::Slot;
pub use stage::{Stage, bash, fake_options};
pub use turn::Turn;

pub const SOON: Duration = Duration::from_secs(20);
pub use crate::support::PATIENCE as LONG;

/// Looks again and again until it holds.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    assert!(Patience::new(LONG).until(holds), "{what} did not come");
}

pub type Outcome = crate::support::boundary::Outcome<()>;

pub fn status(outcome: &Outcome) -> Status {
    outcome.as_ref().err().map_or(Status::CLAUDE_OK, |failure| failure.status)
}

/// A request handle; dropping it frees it.
#[derive(Debug)]
pub struct Request(*mut claude_request_t);

// SAFETY: a handle may be used on any thread.
unsafe impl Send for Request {}
// SAFETY: as above.
unsafe impl Sync for Request {}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: any value may be freed.
        unsafe { claude_request_free(self.0) };
    }
}

impl Request {
    pub fn id(&self) -> u64 {
        // SAFETY: any value is looked up.
        unsafe { claude_request_id(self.0) }
    }

    pub fn kind(&self) -> Kind {
        // SAFETY: any value is looked up.
        unsafe { claude_request_kind(self.0) }
    }

    pub fn json(&self) -> Value {
        // SAFETY: the text lives as long as the request.
        parsed(&text_of(unsafe { claude_request_json(self.0, null_mut()) }))
    }

    pub fn user_data(&self) -> *mut c_void {
        // SAFETY: any value is looked up.
        unsafe { claude_request_user_data(self.0) }
    }

    pub fn is_cancelled(&self) -> bool {
        // SAFETY: any value is looked up.
        unsafe { claude_request_is_cancelled(self.0) }
    }

    pub fn respond(&self, payload: Value) -> Outcome {
        self.respond_text(&payload.to_string())
    }

    pub fn respond_text(&self, payload: &str) -> Outcome {
        let payload = c_text(payload);
        // SAFETY: a live handle and a NUL-terminated text.
        outcome(|error| unsafe { claude_request_respond(self.0, payload.as_ptr(), error) })
    }

    pub fn fail(&self, message: &str) -> Outcome {
        let message = c_text(message);
        // SAFETY: a live handle and a NUL-terminated text.
        outcome(|error| unsafe { claude_request_fail(self.0, message.as_ptr(), error) })
    }

    pub fn allow(&self) -> Outcome {
        self.allow_with(None, None)
    }

    pub fn allow_with(&self, input: Option<Value>, updates: Option<Value>) -> Outcome {
        self.allow_texts(input.map(|value| value.to_string()), updates.map(|value| value.to_string()))
    }

    pub fn allow_texts(&self, input: Option<String>, updates: Option<String>) -> Outcome {
        let text = |value: Option<String>| value.map(|value| c_text(&value));
        let (input, updates) = (text(input), text(updates));
        // SAFETY: a live handle, and NUL-terminated texts.
        outcome(|error| unsafe { claude_request_allow(self.0, pointer(&input), pointer(&updates), error) })
    }

    pub fn deny(&self, message: &str, interrupt: bool) -> Outcome {
        let message = c_text(message);
        // SAFETY: as above.
        outcome(|error| unsafe { claude_request_deny(self.0, message.as_ptr(), interrupt, error) })
    }

    pub fn deny_without_reason(&self) -> Outcome {
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_request_deny(self.0, null(), false, error) })
    }

    pub fn answer_questions(&self, answers: Value) -> Outcome {
        self.answer_questions_text(&answers.to_string())
    }

    pub fn answer_questions_text(&self, answers: &str) -> Outcome {
        let answers = c_text(answers);
        // SAFETY: as above.
        outcome(|error| unsafe { claude_request_answer_questions(self.0, answers.as_ptr(), error) })
    }

    pub fn state(&self) -> claude_request_state_t {
        // SAFETY: any value is looked up.
        unsafe { claude_request_state(self.0) }
    }

    pub fn set_deadline(&self, timeout_ms: u32) -> Outcome {
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_request_set_deadline(self.0, timeout_ms, null(), error) })
    }

    pub fn set_deadline_with(&self, timeout_ms: u32, action: &str) -> Outcome {
        let action = c_text(action);
        // SAFETY: a live handle and a NUL-terminated text.
        outcome(|error| unsafe { claude_request_set_deadline(self.0, timeout_ms, action.as_ptr(), error) })
    }

    pub fn on_cancel(&self, call: impl Fn(u64) + Send + Sync + 'static) -> Outcome {
        unsafe extern "C" fn trampoline(id: u64, user_data: *mut c_void) {
            // SAFETY: `boxed` made the pointer for this type.
            unsafe { (*user_data.cast::<Box<dyn Fn(u64)>>())(id) }
        }
        let (data, destroy) = boxed(Box::new(call) as Box<dyn Fn(u64)>);
        // SAFETY: the data lives until the destroy-notify.
        outcome(|error| unsafe { claude_request_on_cancel(self.0, Some(trampoline), data, destroy, error) })
    }
}

pub type OnRequest = dyn Fn(Request) + Send + Sync;

unsafe extern "C" fn request_trampoline(request: *mut claude_request_t, user_data: *mut c_void) {
    // SAFETY: `boxed` made the pointer for this type.
    unsafe { (*user_data.cast::<Box<OnRequest>>())(Request(request)) }
}

/// What has arrived, with a bell.
#[derive(Default)]
struct Inbox {
    messages: Mutex<Vec<(claude_message_kind_t, Value)>>,
    arrived: Condvar,
}

/// A client with everything around it.
pub struct Host {
    pub client: *mut claude_client_t,
    handle: Handle,
    inbox: Arc<Inbox>,
}

// SAFETY: a handle may be used on any thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Drop for Host {
    fn drop(&mut self) {
        self.handle.free();
    }
}

impl Deref for Host {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Host {
    pub fn new(options: &Value) -> Host {
        Host::with_mode(options, claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    pub fn try_new(options: &Value) -> Result<Host, Failure> {
        Host::try_with_mode(options, claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    pub fn with_mode(options: &Value, mode: claude_dispatch_t) -> Host {
        Host::try_with_mode(options, mode).unwrap_or_else(fail)
    }

    fn try_with_mode(options: &Value, mode: claude_dispatch_t) -> Result<Host, Failure> {
        let handle = Handle::with_mode(options, mode)?;
        let host = Host { client: handle.raw(), handle, inbox: Arc::default() };
        if mode != claude_dispatch_t::CLAUDE_DISPATCH_PULL {
            host.keep_messages();
        }
        Ok(host)
    }

    fn keep_messages(&self) {
        type OnMessage = dyn Fn(claude_message_kind_t, Value) + Send + Sync;
        unsafe extern "C" fn trampoline(
            kind: claude_message_kind_t,
            json: *const c_char,
            _: usize,
            data: *mut c_void,
        ) {
            let value = serde_json::from_str(&text_of(json)).unwrap_or(Value::Null);
            // SAFETY: `boxed` made the pointer for this type.
            unsafe { (*data.cast::<Box<OnMessage>>())(kind, value) }
        }
        let inbox = self.inbox.clone();
        let keep = move |kind, value| {
            lock(&inbox.messages).push((kind, value));
            inbox.arrived.notify_all();
        };
        let (data, destroy) = boxed(Box::new(keep) as Box<OnMessage>);
        // SAFETY: the data lives until the destroy-notify.
        outcome(|error| unsafe {
            claude_client_on_message(self.client, Some(trampoline), data, destroy, error)
        })
        .unwrap();
    }

    pub fn on_request(&self, call: impl Fn(Request) + Send + Sync + 'static) {
        let (data, destroy) = boxed(Box::new(call) as Box<OnRequest>);
        // SAFETY: the data lives until the destroy-notify.
        outcome(|error| unsafe {
            claude_client_on_request(self.client, Some(request_trampoline), data, destroy, error)
        })
        .unwrap();
    }

    pub fn no_on_request(&self) {
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_client_on_request(self.client, None, null_mut(), None, error) })
            .unwrap();
    }

    /// PULL: asks for the events that a callback would get.
    pub fn wants_permissions(&self) -> Outcome {
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_client_on_permission(self.client, None, null_mut(), None, error) })
    }

    /// As above, for every request.
    pub fn wants_requests(&self) -> Outcome {
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_client_on_request(self.client, None, null_mut(), None, error) })
    }

    /// PULL: an interrupt whose end is an event with this `user_data`.
    pub fn interrupt_for_event(&self, token: usize) -> Outcome {
        let token = std::ptr::without_provenance_mut(token);
        // SAFETY: a live handle.
        outcome(|error| unsafe { claude_client_interrupt(self.client, None, token, error) })
    }

    /// One number of the statistics.
    pub fn stat(&self, pointer: &str) -> u64 {
        self.stats().pointer(pointer).and_then(Value::as_u64).expect("a number")
    }

    pub fn permission_handler(&self, call: impl Fn(Request) + Send + Sync + 'static) -> Outcome {
        let (data, destroy) = boxed(Box::new(call) as Box<OnRequest>);
        // SAFETY: the data lives until the destroy-notify.
        outcome(|error| unsafe {
            claude_client_on_permission(self.client, Some(request_trampoline), data, destroy, error)
        })
    }

    /// For all tools, with the CLI's own timeout, going on after a failure.
    pub fn hook(&self, event: &str, call: impl Fn(Request) + Send + Sync + 'static) {
        self.add_hook(event, None, 0, CLAUDE_HOOK_CONTINUE, call).unwrap();
    }

    pub fn add_hook(
        &self,
        event: &str,
        matcher: Option<&str>,
        deadline_ms: u32,
        on_failure: claude_hook_failure_t,
        call: impl Fn(Request) + Send + Sync + 'static,
    ) -> Outcome {
        let (data, destroy) = boxed(Box::new(call) as Box<OnRequest>);
        self.add_raw_hook(
            event,
            matcher,
            deadline_ms,
            on_failure as i32,
            Some(request_trampoline),
            data,
            destroy,
        )
    }

    /// With any number in the place of the failure.
    #[allow(clippy::too_many_arguments)]
    pub fn add_raw_hook(
        &self,
        event: &str,
        matcher: Option<&str>,
        deadline_ms: u32,
        on_failure: i32,
        callback: claude_request_fn,
        data: *mut c_void,
        destroy: claude_destroy_fn,
    ) -> Outcome {
        let (event, matcher) = (c_text(event), matcher.map(c_text));
        // SAFETY: NUL-terminated texts; the data lives until the destroy-notify.
        outcome(|error| unsafe {
            claude_client_add_hook(
                self.client,
                event.as_ptr(),
                pointer(&matcher),
                deadline_ms,
                given(on_failure),
                callback,
                data,
                destroy,
                error,
            )
        })
    }

    pub fn declare_dialog(&self, kind: &str) -> Outcome {
        let kind = c_text(kind);
        // SAFETY: a live handle and a NUL-terminated text.
        outcome(|error| unsafe { claude_client_declare_dialog(self.client, kind.as_ptr(), error) })
    }

    /// A server that the host implements itself; without a callback its messages are events.
    pub fn mcp_handler(&self, name: &str, call: Option<Box<OnRequest>>) -> Outcome {
        match call.map(boxed) {
            Some((data, destroy)) => self.mcp_handler_with(name, Some(request_trampoline), data, destroy),
            None => self.mcp_handler_with(name, None, null_mut(), None),
        }
    }

    pub fn mcp_handler_with(
        &self,
        name: &str,
        callback: claude_request_fn,
        data: *mut c_void,
        destroy: claude_destroy_fn,
    ) -> Outcome {
        let name = c_text(name);
        // SAFETY: as above.
        outcome(|error| unsafe {
            claude_client_add_mcp_handler(self.client, name.as_ptr(), callback, data, destroy, error)
        })
    }

    #[track_caller]
    pub fn query(&self, prompt: &str) {
        self.handle.query(prompt).unwrap();
    }

    pub fn control(&self, request: Value) -> Outcome {
        self.handle.control(&request).map(drop)
    }

    #[track_caller]
    pub fn control_reply(&self, request: Value) -> Value {
        self.handle.control(&request).unwrap_or_else(fail)
    }

    pub fn pending(&self) -> Vec<Value> {
        serde_json::from_str(&self.pending_text()).expect("a JSON list")
    }

    pub fn take(&self, id: u64) -> Result<Request, Failure> {
        let mut request = null_mut();
        // SAFETY: a live handle and writable outputs.
        outcome(|error| unsafe { claude_client_take_request(self.client, id, &mut request, error) })?;
        Ok(Request(request))
    }

    pub fn dispatch(&self, timeout_ms: u32) -> u32 {
        let mut ran = 0;
        // SAFETY: a live handle and writable outputs.
        outcome(|error| unsafe { claude_client_pump(self.client, 0, 0, timeout_ms, &mut ran, error) })
            .unwrap();
        ran
    }

    /// PULL: the next event; `None` when none comes in time.
    pub fn next(&self, timeout_ms: u32) -> Option<Event> {
        self.next_in(event::ALL, timeout_ms).ok()
    }

    /// PULL: the next event of these lanes, or what the call said.
    pub fn next_in(&self, lanes: claude_lanes_t, timeout_ms: u32) -> Result<Event, Status> {
        event::Event::next(self.client, lanes, timeout_ms).map(Event)
    }

    /// PULL: the next event of that kind; the others are dropped.
    pub fn next_of(&self, kind: claude_message_kind_t) -> Event {
        let patience = Patience::new(SOON);
        while !patience.is_over() {
            if let Some(event) = self.next(100).filter(|event| event.kind() == kind) {
                return event;
            }
        }
        panic!("no {kind:?} came");
    }

    pub fn messages(&self) -> Vec<Value> {
        lock(&self.inbox.messages).iter().map(|(_, value)| value.clone()).collect()
    }

    pub fn warnings(&self) -> Vec<Value> {
        let kept = lock(&self.inbox.messages);
        let warnings = kept.iter().filter(|(kind, _)| *kind == claude_message_kind_t::CLAUDE_EVENT_WARNING);
        warnings.map(|(_, value)| value.clone()).collect()
    }

    /// The first message from number `from` on for which `holds`, and the number behind it.
    fn wait_from(&self, from: usize, time: Duration, holds: impl Fn(&Value) -> bool) -> (Value, usize) {
        let patience = Patience::new(time);
        let mut kept = lock(&self.inbox.messages);
        let mut at = from;
        loop {
            while at < kept.len() {
                at += 1;
                if holds(&kept[at - 1].1) {
                    return (kept[at - 1].1.clone(), at);
                }
            }
            let left = patience.left();
            let seen: Vec<&Value> = kept.iter().map(|(_, value)| value).collect();
            assert!(!left.is_zero(), "not within {time:?}; there came: {seen:#?}");
            kept = self.inbox.arrived.wait_timeout(kept, left).unwrap().0;
        }
    }

    pub fn wait_message(&self, holds: impl Fn(&Value) -> bool) -> Value {
        self.wait_from(0, LONG, holds).0
    }

    /// The result of the next turn, and everything that came with it.
    pub fn turn(&self, prompt: &str) -> Turn {
        let from = lock(&self.inbox.messages).len();
        self.query(prompt);
        self.rest_of_turn(from)
    }

    pub fn rest_of_turn(&self, from: usize) -> Turn {
        let (result, to) = self.wait_from(from, LONG, |message| message["type"] == "result");
        let messages = lock(&self.inbox.messages)[from..to].iter().map(|(_, value)| value.clone()).collect();
        Turn { result, messages }
    }
}

/// An event of PULL mode.
pub struct Event(event::Event);

impl Event {
    pub fn info(&self) -> event::Info {
        self.0.info()
    }

    pub fn kind(&self) -> claude_message_kind_t {
        self.0.kind()
    }

    pub fn json(&self) -> Value {
        self.0.json()
    }

    pub fn request_id(&self) -> u64 {
        self.0.info().id
    }

    pub fn take(&self) -> Request {
        Request(self.0.take_request().expect("a request"))
    }
}
