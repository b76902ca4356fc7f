//! What the control functions share: each exists twice, and both forms send the same request.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::support::{listener, wait_of, with_client};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::error::{Error, Result, Status};
use crate::ffi::param::Out;
use crate::protocol::tree;
use crate::session::Client;

/// A control request.
pub type Members = Map<String, Value>;

/// The members of a JSON object.
pub fn members(request: Value) -> Members {
    match request {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Sends a request whose reply goes to `done`.
pub fn start(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: Out<*mut claude_error_t>,
    request: impl FnOnce(&Arc<Client>) -> Result<Members>,
) -> claude_status_t {
    with_client(client, error, |client| {
        let listener = listener(client, done, user_data)?;
        client.control(request(client)?, client.completion(listener))
    })
}

/// Sends a request and gives its reply to the host, which may not want it.
pub fn wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: Out<*mut c_char>,
    error: Out<*mut claude_error_t>,
    request: impl FnOnce(&Arc<Client>) -> Result<Members>,
) -> claude_status_t {
    with_client(client, error, |client| {
        client.dispatcher.check_may_wait()?;
        let reply = client.control_wait(request(client)?, wait_of(timeout_ms)?)?;
        reply_json.give(reply);
        Ok(())
    })
}

/// A JSON object that the host composed.
pub fn json_object(text: &str, name: &str) -> Result<Value> {
    const REMEDY: &str = "pass a JSON object";
    let value = tree::parse(text).map_err(|fault| fault.refusal(name, REMEDY))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Error::new(Status::InvalidArgument, format!("{name} is not a JSON object"))
        .with("argument", name)
        .with("remedy", REMEDY))
}
