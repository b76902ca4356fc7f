//! A host written in Rust on top of the C functions, for the tests of in-process tools.
#![allow(dead_code)]
// Each test binary uses its own part.
// Every pointer below is a handle, a text that ends with a NUL, or a box of the registration.
#![allow(clippy::undocumented_unsafe_blocks, clippy::disallowed_methods)]

mod fake;
mod real;

pub use crate::support::event;

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use claude_client::capi::control::*;
use claude_client::capi::mcp::*;
use claude_client::capi::receive::*;
use claude_client::capi::tool_call::*;
use claude_client::capi::types::*;
use claude_testkit::Patience;
use serde_json::{Value, json};

use crate::support::boundary::{given, text_of as lent_text};
use crate::support::handle::{Handle, PATIENCE_MS};

pub use fake::{Fake, ask, ask_server, call_message, failure, list, notification, text_of};
pub use real::Real;

pub use crate::support::PATIENCE;
pub use crate::support::boundary::{Failure, c_text as c, check as try_call};

/// A call of a tool; freed when dropped.
pub struct Call(pub *mut claude_tool_call_t);

// SAFETY: the library's handles may be used on any thread.
unsafe impl Send for Call {}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: any handle may be freed.
        unsafe { claude_tool_call_free(self.0) }
    }
}

// SAFETY (all of it): texts end with a NUL and live during the call.
impl Call {
    pub fn id(&self) -> u64 {
        unsafe { claude_tool_call_id(self.0) }
    }

    pub fn name(&self) -> String {
        lent_text(unsafe { claude_tool_call_name(self.0, null_mut()) })
    }

    pub fn server(&self) -> String {
        self.json()["server"].as_str().expect("a server").to_owned()
    }

    /// All of it.
    pub fn json(&self) -> Value {
        let mut len = 0;
        let json = lent_text(unsafe { claude_tool_call_json(self.0, &raw mut len) });
        assert_eq!(json.len(), len);
        serde_json::from_str(&json).expect("JSON")
    }

    pub fn raw_arguments(&self) -> String {
        let mut len = 0;
        let arguments = lent_text(unsafe { claude_tool_call_arguments(self.0, &raw mut len) });
        assert_eq!(arguments.len(), len);
        arguments
    }

    pub fn arguments(&self) -> Value {
        serde_json::from_str(&self.raw_arguments()).expect("arguments are JSON")
    }

    pub fn meta(&self) -> Value {
        self.json()["meta"].clone()
    }

    pub fn is_cancelled(&self) -> bool {
        unsafe { claude_tool_call_is_cancelled(self.0) }
    }

    pub fn add_text(&self, text: &str) -> Result<(), Failure> {
        let text = c(text);
        try_call(|error| unsafe { claude_tool_call_add_text(self.0, text.as_ptr(), error) })
    }

    pub fn add_image(&self, bytes: &[u8], mime_type: &str) -> Result<(), Failure> {
        let mime_type = c(mime_type);
        try_call(|error| unsafe {
            claude_tool_call_add_image(self.0, bytes.as_ptr().cast(), bytes.len(), mime_type.as_ptr(), error)
        })
    }

    pub fn add_block(&self, block: &Value) -> Result<(), Failure> {
        let block = c(&block.to_string());
        try_call(|error| unsafe { claude_tool_call_add_block(self.0, block.as_ptr(), error) })
    }

    pub fn set_structured(&self, value: &Value) -> Result<(), Failure> {
        let json = c(&value.to_string());
        try_call(|error| unsafe { claude_tool_call_set_structured(self.0, json.as_ptr(), error) })
    }

    pub fn set_meta(&self, value: &Value) -> Result<(), Failure> {
        let value = c(&value.to_string());
        try_call(|error| unsafe { claude_tool_call_set_meta(self.0, value.as_ptr(), error) })
    }

    pub fn progress(&self, progress: f64, total: f64, message: &str) -> Result<(), Failure> {
        let message = c(message);
        try_call(|error| unsafe {
            claude_tool_call_progress(self.0, progress, total, message.as_ptr(), error)
        })
    }

    pub fn finish(&self) -> Result<(), Failure> {
        try_call(|error| unsafe { claude_tool_call_finish(self.0, std::ptr::null(), error) })
    }

    pub fn finish_with(&self, text: &str) -> Result<(), Failure> {
        let text = c(text);
        try_call(|error| unsafe { claude_tool_call_finish(self.0, text.as_ptr(), error) })
    }

    pub fn fail(&self, message: &str) -> Result<(), Failure> {
        let message = c(message);
        try_call(|error| unsafe { claude_tool_call_fail(self.0, message.as_ptr(), error) })
    }

    pub fn on_cancel(&self, told: impl FnOnce(u64) + Send + 'static) -> Result<(), Failure> {
        type Told = Box<dyn FnOnce(u64) + Send>;
        unsafe extern "C" fn call(id: u64, user_data: *mut c_void) {
            let told = unsafe { &mut *user_data.cast::<Option<Told>>() };
            told.take().expect("told once")(id);
        }
        unsafe extern "C" fn destroy(user_data: *mut c_void) {
            drop(unsafe { Box::from_raw(user_data.cast::<Option<Told>>()) });
        }
        let user_data = Box::into_raw(Box::new(Some(Box::new(told) as Told)));
        try_call(|error| unsafe {
            claude_tool_call_on_cancel(self.0, Some(call), user_data.cast(), Some(destroy), error)
        })
    }

    pub fn answer(&self, text: &str) {
        self.finish_with(text).expect("the call is open");
    }
}

type Function = Box<dyn Fn(Call) + Send + Sync>;

unsafe extern "C" fn call_function(call: *mut claude_tool_call_t, user_data: *mut c_void) {
    // SAFETY: the pointer is the one of `Tools::add`.
    let tool = unsafe { &*user_data.cast::<Tool>() };
    (tool.function)(Call(call));
}

struct Tool {
    function: Function,
    destroyed: Arc<AtomicUsize>,
}

unsafe extern "C" fn destroy_function(user_data: *mut c_void) {
    // SAFETY: the last call for this pointer.
    let tool = unsafe { Box::from_raw(user_data.cast::<Tool>()) };
    tool.destroyed.fetch_add(1, Ordering::SeqCst);
}

/// A server with tools; freed when dropped.
pub struct Tools {
    pub handle: *mut claude_mcp_server_t,
    /// How many destroy-notifies have run.
    pub destroyed: Arc<AtomicUsize>,
}

// SAFETY: the library's handles may be used on any thread.
unsafe impl Send for Tools {}
// SAFETY: as above.
unsafe impl Sync for Tools {}

impl Tools {
    pub fn new(name: &str, options: &Value) -> Tools {
        Tools::try_new(name, options).expect("a server")
    }

    pub fn try_new(name: &str, options: &Value) -> Result<Tools, Failure> {
        let (name, options) = (c(name), c(&options.to_string()));
        let mut handle = null_mut();
        try_call(|error| unsafe {
            claude_mcp_server_create(name.as_ptr(), options.as_ptr(), &raw mut handle, error)
        })?;
        Ok(Tools { handle, destroyed: Arc::default() })
    }

    pub fn add(&self, tool: &Value, function: impl Fn(Call) + Send + Sync + 'static) -> Result<(), Failure> {
        let tool = c(&tool.to_string());
        let user_data =
            Box::into_raw(Box::new(Tool { function: Box::new(function), destroyed: self.destroyed.clone() }));
        try_call(|error| unsafe {
            claude_mcp_server_add_tool(
                self.handle,
                tool.as_ptr(),
                Some(call_function),
                user_data.cast(),
                Some(destroy_function),
                error,
            )
        })
    }

    /// A tool without a function, for PULL mode.
    pub fn add_for_events(&self, tool: &Value, token: usize) -> Result<(), Failure> {
        let tool = c(&tool.to_string());
        let token = std::ptr::without_provenance_mut(token);
        try_call(|error| unsafe {
            claude_mcp_server_add_tool(self.handle, tool.as_ptr(), None, token, None, error)
        })
    }

    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        let name = c(name);
        try_call(|error| unsafe { claude_mcp_server_remove_tool(self.handle, name.as_ptr(), error) })
    }

    pub fn destroyed(&self) -> usize {
        self.destroyed.load(Ordering::SeqCst)
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        // SAFETY: any handle may be freed.
        unsafe { claude_mcp_server_free(self.handle) }
    }
}

/// A calculator with one tool, `add`.
pub fn calculator() -> Tools {
    let tools = Tools::new("calc", &json!({"version": "1.2.3", "instructions": "Use it for sums."}));
    tools.add(&add_definition(), add).expect("a tool");
    tools
}

pub fn add_definition() -> Value {
    json!({
        "name": "add",
        "description": "Adds two numbers.",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": false,
        },
        "annotations": {"readOnlyHint": true, "title": "Sum", "x-own": {"kept": 1}},
        "_meta": {"anthropic/maxResultSizeChars": 3_000_000},
    })
}

pub fn add(call: Call) {
    let arguments = call.arguments();
    let sum = arguments["a"].as_f64().expect("checked") + arguments["b"].as_f64().expect("checked");
    call.answer(&sum.to_string());
}

pub type Messages = Arc<Mutex<Vec<(i32, Value)>>>;

unsafe extern "C" fn collect(
    kind: claude_message_kind_t,
    json: *const c_char,
    _: usize,
    user_data: *mut c_void,
) {
    // SAFETY: the pointer is the one of `Client::new`.
    let messages = unsafe { &*user_data.cast::<Messages>() };
    let value = serde_json::from_str(&lent_text(json)).unwrap_or(Value::Null);
    messages.lock().expect("messages").push((kind as i32, value));
}

unsafe extern "C" fn drop_messages(user_data: *mut c_void) {
    // SAFETY: the last call for this pointer.
    drop(unsafe { Box::from_raw(user_data.cast::<Messages>()) });
}

/// A client; freed when dropped.
pub struct Client {
    pub handle: *mut claude_client_t,
    own: Handle,
    pub messages: Messages,
}

// SAFETY: the library's handles may be used on any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub fn new(options: &Value, mode: claude_dispatch_t) -> Client {
        Client::try_new(options, mode).expect("a client")
    }

    pub fn try_new(options: &Value, mode: claude_dispatch_t) -> Result<Client, Failure> {
        let own = Handle::with_mode(options, mode)?;
        let (handle, messages) = (own.raw(), Messages::default());
        if mode != claude_dispatch_t::CLAUDE_DISPATCH_PULL {
            let user_data = Box::into_raw(Box::new(messages.clone()));
            try_call(|error| unsafe {
                claude_client_on_message(handle, Some(collect), user_data.cast(), Some(drop_messages), error)
            })
            .expect("a callback");
        }
        Ok(Client { handle, own, messages })
    }

    pub fn with(self, tools: &Tools) -> Client {
        self.add(tools).expect("the server is added");
        self
    }

    pub fn add(&self, tools: &Tools) -> Result<(), Failure> {
        try_call(|error| unsafe { claude_client_add_mcp_server(self.handle, tools.handle, error) })
    }

    pub fn try_connect(&self) -> Result<(), Failure> {
        self.own.connect()
    }

    pub fn connect(&self) {
        self.try_connect().expect("connected");
    }

    pub fn query(&self, prompt: &str) {
        self.own.query(prompt).expect("the prompt is sent");
    }

    pub fn wait_for_result(&self) {
        self.own.receive().expect("a result");
    }

    /// One turn; its result.
    pub fn turn(&self, prompt: &str) -> Value {
        self.query(prompt);
        self.wait_for_result();
        self.last_result()
    }

    pub fn last_result(&self) -> Value {
        let messages = self.messages.lock().expect("messages");
        messages.iter().rev().find(|(kind, _)| *kind == 4).expect("a result").1.clone()
    }

    pub fn interrupt(&self) {
        try_call(|error| unsafe { claude_client_interrupt(self.handle, None, null_mut(), error) })
            .expect("interrupted");
    }

    /// The reply to a control request.
    pub fn control(&self, request: &Value) -> Value {
        let request = c(&request.to_string());
        self.reply(|reply, error| unsafe {
            claude_client_control_wait(self.handle, request.as_ptr(), PATIENCE_MS, reply, error)
        })
    }

    pub fn set_servers(&self, servers: &Value) -> Value {
        self.try_set_servers(servers).expect("a reply")
    }

    pub fn try_set_servers(&self, servers: &Value) -> Result<Value, Failure> {
        let servers = c(&servers.to_string());
        given(|reply, error| unsafe {
            claude_client_set_mcp_servers_wait(self.handle, servers.as_ptr(), PATIENCE_MS, reply, error)
        })
    }

    fn reply(
        &self,
        call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> claude_status_t,
    ) -> Value {
        given(call).expect("a reply")
    }

    /// A server that the host implements itself, and that answers nothing.
    pub fn add_handler(&self, name: &str) -> Result<(), Failure> {
        unsafe extern "C" fn refuse(request: *mut claude_request_t, _: *mut c_void) {
            unsafe { claude_client::capi::request::claude_request_free(request) }
        }
        let name = c(name);
        try_call(|error| unsafe {
            claude_client_add_mcp_handler(self.handle, name.as_ptr(), Some(refuse), null_mut(), None, error)
        })
    }

    pub fn disconnect(&self) {
        self.own.disconnect().expect("disconnected");
    }

    pub fn pump(&self, timeout_ms: u32) {
        try_call(|error| unsafe { claude_client_pump(self.handle, 0, 0, timeout_ms, null_mut(), error) })
            .expect("pumped");
    }

    pub fn next(&self) -> Result<Event, claude_status_t> {
        event::Event::next(self.handle, event::ALL, PATIENCE_MS).map(Event)
    }

    /// The contents of the tool results that the CLI gave to the model.
    pub fn tool_results(&self) -> Vec<Value> {
        let messages = self.messages.lock().expect("messages");
        let users = messages.iter().filter(|(kind, _)| *kind == 1);
        let blocks = users
            .flat_map(|(_, message)| message["message"]["content"].as_array().cloned().unwrap_or_default());
        blocks.filter(|block| block["type"] == "tool_result").collect()
    }

    pub fn free(&mut self) {
        self.own.free();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.free();
    }
}

/// An event of PULL mode.
pub struct Event(event::Event);

impl Event {
    pub fn kind(&self) -> claude_message_kind_t {
        self.0.kind()
    }

    pub fn id(&self) -> u64 {
        self.0.info().id
    }

    pub fn json(&self) -> Value {
        self.0.json()
    }

    pub fn token(&self) -> usize {
        self.0.info().user_data.addr()
    }

    pub fn take_call(&self) -> Option<Call> {
        self.0.take_tool_call().ok().map(Call)
    }
}

/// Waits until it holds.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    assert!(Patience::new(PATIENCE).until(holds), "not in time: {what}");
}
