//! The handle of a client and the calls that every host makes with it, in a form that cannot be called wrongly. What a host does
//! about callbacks, and when it frees the handle, is its own.

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::talk::*;
use claude_client::capi::types::{claude_client_t, claude_dispatch_t, claude_error_t, claude_state_t};
use serde_json::Value;

use super::boundary::{Failure, Outcome, Status, c_text, check, given, given_text, pointer};

/// A bound for calls that wait: far more than any takes, on a busy machine too.
pub const PATIENCE_MS: u32 = 120_000;

/// A client's handle without its life: after [`Handle::free`] every call is refused.
#[derive(Debug, Clone, Copy)]
pub struct Handle(*mut claude_client_t);

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub fn create(options: &str) -> Outcome<Handle> {
        let (options, mut handle) = (c_text(options), null_mut());
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        check(|error| unsafe { claude_client_create(options.as_ptr(), &mut handle, error) })?;
        Ok(Handle(handle))
    }

    pub fn with_mode(options: &Value, mode: claude_dispatch_t) -> Outcome<Handle> {
        let handle = Handle::create(&options.to_string())?;
        // SAFETY: plain values.
        handle.call(|client, error| unsafe {
            claude_client_set_dispatch(client, MaybeUninit::new(mode), error)
        })?;
        Ok(handle)
    }

    /// For calls that a test makes itself.
    pub fn raw(self) -> *mut claude_client_t {
        self.0
    }

    /// Runs a function of the library with this client.
    pub fn call(
        self,
        call: impl FnOnce(*mut claude_client_t, *mut *mut claude_error_t) -> Status,
    ) -> Outcome<()> {
        check(|error| call(self.0, error))
    }

    pub fn free(self) {
        // SAFETY: any value may be passed, also twice.
        unsafe { claude_client_free(self.0) };
    }

    pub fn connect(self) -> Outcome<()> {
        self.connect_within(None, PATIENCE_MS)
    }

    /// Connects, and sends a first prompt if there is one.
    pub fn connect_within(self, prompt: Option<&str>, timeout_ms: u32) -> Outcome<()> {
        let prompt = prompt.map(c_text);
        // SAFETY: NULL or a NUL-terminated text.
        self.call(|client, error| unsafe {
            claude_client_connect_wait(client, pointer(&prompt), timeout_ms, error)
        })
    }

    /// Sends a prompt; its uuid.
    pub fn prompt(self, prompt: &str) -> Outcome<String> {
        let prompt = c_text(prompt);
        // SAFETY: the text is NUL-terminated, NULL is the default session, the output is a variable.
        self.text(|client, uuid, error| unsafe {
            claude_client_query(client, prompt.as_ptr(), null(), uuid, error)
        })
    }

    /// Sends a message of the host's own making; its uuid.
    pub fn message(self, message: &Value) -> Outcome<String> {
        let message = c_text(&message.to_string());
        // SAFETY: the text is NUL-terminated, the output is a variable.
        self.text(|client, uuid, error| unsafe {
            claude_client_send_json(client, message.as_ptr(), uuid, error)
        })
    }

    pub fn query(self, prompt: &str) -> Outcome<()> {
        self.prompt(prompt).map(drop)
    }

    pub fn send_json(self, message: &Value) -> Outcome<()> {
        self.message(message).map(drop)
    }

    /// Waits for the end of the turn.
    pub fn receive(self) -> Outcome<()> {
        self.receive_within(PATIENCE_MS)
    }

    pub fn receive_within(self, timeout_ms: u32) -> Outcome<()> {
        // SAFETY: NULL is any prompt.
        self.call(|client, error| unsafe {
            claude_client_receive_response(client, null(), timeout_ms, error)
        })
    }

    /// Waits for the end of the turn of that prompt.
    pub fn receive_to(self, uuid: &str, timeout_ms: u32) -> Outcome<()> {
        let uuid = c_text(uuid);
        // SAFETY: the text is NUL-terminated.
        self.call(|client, error| unsafe {
            claude_client_receive_response(client, uuid.as_ptr(), timeout_ms, error)
        })
    }

    pub fn control(self, request: &Value) -> Outcome {
        self.control_within(request, PATIENCE_MS)
    }

    pub fn control_within(self, request: &Value, timeout_ms: u32) -> Outcome {
        let request = c_text(&request.to_string());
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        given(|reply, error| unsafe {
            claude_client_control_wait(self.0, request.as_ptr(), timeout_ms, reply, error)
        })
    }

    pub fn interrupt(self) -> Outcome<()> {
        // SAFETY: NULL is no wish for the reply.
        self.call(|client, error| unsafe {
            claude_client_interrupt_wait(client, PATIENCE_MS, null_mut(), error)
        })
    }

    pub fn end_input(self) -> Outcome<()> {
        // SAFETY: plain values.
        self.call(|client, error| unsafe { claude_client_end_input(client, error) })
    }

    pub fn end_input_after_run(self) -> Outcome<()> {
        // SAFETY: plain values.
        self.call(|client, error| unsafe { claude_client_end_input_after_run(client, error) })
    }

    pub fn disconnect(self) -> Outcome<()> {
        // SAFETY: plain values.
        self.call(|client, error| unsafe { claude_client_disconnect_wait(client, PATIENCE_MS, error) })
    }

    pub fn state(self) -> claude_state_t {
        // SAFETY: any value may be passed.
        unsafe { claude_client_state(self.0) }
    }

    pub fn pid(self) -> u32 {
        // SAFETY: any value may be passed.
        u32::try_from(unsafe { claude_client_pid(self.0) }).expect("a process id")
    }

    pub fn stats(self) -> Value {
        // SAFETY: the outputs are variables.
        given(|json, error| unsafe { claude_client_stats(self.0, json, error) }).expect("statistics")
    }

    pub fn server_info(self) -> Outcome {
        // SAFETY: the outputs are variables.
        given(|json, error| unsafe { claude_client_get_server_info(self.0, json, error) })
    }

    /// The list of open requests, as it is given.
    pub fn pending_text(self) -> String {
        // SAFETY: the outputs are variables.
        let list = given_text(|text, error| unsafe { claude_client_pending_requests(self.0, text, error) });
        list.ok().flatten().expect("a list")
    }

    fn text(
        self,
        call: impl FnOnce(*mut claude_client_t, *mut *mut std::ffi::c_char, *mut *mut claude_error_t) -> Status,
    ) -> Outcome<String> {
        given_text(|text, error| call(self.0, text, error)).map(Option::unwrap_or_default)
    }
}

/// For `unwrap_or_else`: fails with all that an error says.
#[track_caller]
pub fn fail<T>(failure: Failure) -> T {
    panic!("{failure:#?}")
}
