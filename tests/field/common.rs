//! The calls that the shared host does not have, and the real CLI.

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use claude_client::capi::client::claude_client_connect_wait;
use claude_client::capi::control::{claude_client_interrupt_wait, claude_client_interrupt_with_wait};
use claude_client::capi::error::claude_string_free;
use claude_client::capi::talk::claude_client_query;
use claude_client::ffi::number::given;
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

use crate::support::host::{Client, Failure, Outcome, check};
use crate::support::{merged, options};

/// A session with the stand-in.
pub fn session(script: Value, more: Value) -> (FakeClaude, Client) {
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, more));
    (fake, client)
}

/// The real CLI on a loopback API.
pub struct Real {
    /// It answers as long as it is kept.
    _api: Loopback,
    pub sandbox: Sandbox,
    options: Value,
}

impl Real {
    pub fn new(test: &str) -> Option<Real> {
        let cli = real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url());
        let options = json!({
            "cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
        });
        Some(Real { _api: api, sandbox, options })
    }

    pub fn options(&self, more: Value) -> Value {
        merged(self.options.clone(), more)
    }
}

fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

pub fn connect_with(client: &Client, prompt: &str) -> Result<(), Failure> {
    let prompt = c_text(prompt);
    // SAFETY: the text is NUL-terminated.
    check(|error| unsafe { claude_client_connect_wait(client.handle(), prompt.as_ptr(), 60_000, error) })
}

/// A prompt with a label; its uuid.
pub fn query_as(client: &Client, prompt: &str, label: Option<&str>) -> Result<String, Failure> {
    let (prompt, label) = (c_text(prompt), label.map(c_text));
    let label = label.as_ref().map_or(null(), |label| label.as_ptr());
    let mut uuid = null_mut();
    // SAFETY: the texts are NUL-terminated, the outputs are variables.
    check(|error| unsafe { claude_client_query(client.handle(), prompt.as_ptr(), label, &mut uuid, error) })?;
    Ok(owned(uuid))
}

pub fn interrupt(client: &Client) -> Outcome {
    reply(|reply, error| {
        // SAFETY: the outputs are variables.
        unsafe { claude_client_interrupt_wait(client.handle(), 20_000, reply, error) }
    })
}

/// `escalation`: what is done about a turn that goes on at the deadline.
pub fn interrupt_with(client: &Client, cancel_queued: bool, deadline_ms: u32, escalation: i32) -> Outcome {
    reply(|reply, error| {
        let escalation = given(escalation);
        // SAFETY: the outputs are variables.
        unsafe {
            claude_client_interrupt_with_wait(
                client.handle(),
                cancel_queued,
                deadline_ms,
                escalation,
                20_000,
                reply,
                error,
            )
        }
    })
}

fn reply(
    call: impl FnOnce(
        *mut *mut std::ffi::c_char,
        *mut *mut claude_client::capi::types::claude_error_t,
    ) -> crate::support::host::Status,
) -> Outcome {
    let mut reply = null_mut();
    check(|error| call(&mut reply, error))?;
    Ok(serde_json::from_str(&owned(reply)).expect("a reply is JSON"))
}

#[allow(clippy::disallowed_methods)] // This is a host's side of the boundary.
fn owned(text: *mut std::ffi::c_char) -> String {
    // SAFETY: the library's texts are never NULL and end with a NUL.
    let copy = unsafe { CStr::from_ptr(text) }.to_str().expect("the library's texts are UTF-8").to_owned();
    claude_string_free(text);
    copy
}
