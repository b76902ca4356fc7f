//! One MCP session of the CLI with one server: JSON-RPC inside control frames.
//!
//! The official SDK for Rust (`rmcp`) is not used: its server side alone adds 0.85 MB (1.8) to 1 MB (3.11) to a library that
//! has 3 MB in all, for the four methods that the CLI calls; and its model drops members of tools that it does not know.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::call::{Call, Start};
use super::server::Server;
use super::{Host, error_result};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::requests::Request;
use crate::sync::{lock, ranked};

pub const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;
const INVALID_REQUEST: i32 = -32600;

const ENDING: &str = "The host is closing the session.";

/// A message from the CLI. Its id is kept as raw text: it is only compared and sent back.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl Message<'_> {
    fn of(message: &RawValue) -> Option<Message<'_>> {
        serde_json::from_str(message.get()).ok()
    }

    fn params<'a, T: Deserialize<'a>>(&'a self) -> std::result::Result<T, String> {
        let text = self.params.map_or("{}", RawValue::get);
        serde_json::from_str(text).map_err(|fault| format!("Invalid params of {}: {fault}", self.method))
    }
}

/// Whether the message starts a new session.
pub fn is_handshake(message: &RawValue) -> bool {
    Message::of(message).is_some_and(|message| message.method == "initialize")
}

/// Answers a message with a JSON-RPC error; one that expects no answer is acknowledged.
pub fn answer_error(request: &Request, message: &RawValue, code: i32, text: &str) {
    /// Only the id, whatever else is in the message.
    #[derive(Deserialize)]
    struct Numbered<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
    }
    match serde_json::from_str::<Numbered>(message.get()).ok().and_then(|message| message.id) {
        Some(id) => drop(request.respond_checked(&error(id.get(), code, text))),
        None => acknowledge(request),
    }
}

fn acknowledge(request: &Request) {
    let _ = request.respond_checked(r#"{"mcp_response":{"jsonrpc":"2.0","result":{}}}"#);
}

fn error(id: &str, code: i32, text: &str) -> String {
    let error = json!({"code": code, "message": text});
    format!(r#"{{"mcp_response":{{"jsonrpc":"2.0","id":{id},"error":{error}}}}}"#)
}

fn result(id: &str, result: &Value) -> String {
    format!(r#"{{"mcp_response":{{"jsonrpc":"2.0","id":{id},"result":{result}}}}}"#)
}

fn ended() -> Error {
    Error::new(Status::Closed, "the session that called has ended")
}

/// A call from the CLI that has not been answered yet.
struct Waiting {
    request: Arc<Request>,
    call: Weak<Call>,
}

pub struct Connection {
    me: Weak<Connection>,
    server: Arc<Server>,
    host: Arc<dyn Host>,
    /// By their ids as the CLI wrote them.
    waiting: Mutex<HashMap<String, Waiting>>,
    /// The session with the CLI has ended.
    closed: AtomicBool,
}

ranked!(HashMap<String, Waiting>: ToolCalls);

#[derive(Deserialize)]
struct CallParams<'a> {
    name: String,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(rename = "_meta", default)]
    meta: Value,
}

impl Connection {
    pub fn start(server: &Arc<Server>, host: Arc<dyn Host>) -> Arc<Connection> {
        let connection = Arc::new_cyclic(|me| Connection {
            me: me.clone(),
            server: server.clone(),
            host,
            waiting: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        server.attach(&connection);
        connection
    }

    /// Handles a message: answers it, or makes sure that it will be answered.
    pub fn receive(&self, request: &Arc<Request>, text: &RawValue) {
        let message = match Message::of(text) {
            Some(message) if !message.method.is_empty() => message,
            _ => return answer_error(request, text, INVALID_REQUEST, "The message is not JSON-RPC."),
        };
        let Some(id) = message.id.map(RawValue::get) else {
            if message.method == "notifications/cancelled" {
                self.cancel(&message);
            }
            return acknowledge(request);
        };
        if lock(&self.waiting).contains_key(id) {
            let fault = format!("The request id {id} is in use.");
            return answer_error(request, text, INTERNAL_ERROR, &fault);
        }
        let answer = match message.method.as_str() {
            "initialize" => Ok(self.introduce(&message)),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(self.server.list()),
            "tools/call" => match self.call(id, &message, request) {
                Some(answer) => answer,
                None => return,
            },
            other => Err((METHOD_NOT_FOUND, format!("Method not found: {other}"))),
        };
        if let Err((_, fault)) = &answer {
            log::debug(|| format!("the server {} refuses a request of the CLI: {fault}", self.server.name()));
        }
        let _ = match answer {
            Ok(answer) => request.respond_checked(&result(id, &answer)),
            Err((code, fault)) => request.respond_checked(&error(id, code, &fault)),
        };
    }

    /// Echoes the CLI's protocol version: the part of MCP in use is the same in all of them.
    fn introduce(&self, message: &Message) -> Value {
        #[derive(Deserialize)]
        struct Params {
            #[serde(rename = "protocolVersion")]
            protocol_version: String,
        }
        let version = message.params::<Params>().map(|params| params.protocol_version);
        self.server.introduce(version.as_deref().unwrap_or("2025-11-25"))
    }

    /// Begins a call. `None` = its answer comes later.
    fn call(
        &self,
        id: &str,
        message: &Message,
        request: &Arc<Request>,
    ) -> Option<std::result::Result<Value, (i32, String)>> {
        let params: CallParams = match message.params() {
            Ok(params) => params,
            Err(fault) => return Some(Err((INVALID_PARAMS, fault))),
        };
        let Some(tool) = self.server.tool(&params.name) else {
            log::debug(|| {
                format!("the CLI calls {}, which the server {} has not", params.name, self.server.name())
            });
            return Some(Ok(error_result(&format!("Unknown tool: {}", params.name))));
        };
        let arguments = params.arguments.map_or("{}", RawValue::get);
        if let Err(fault) = tool.check(arguments) {
            // The error may quote the arguments.
            log::debug(|| format!("the arguments of a call of {} do not fit its schema", params.name));
            return Some(Ok(error_result(&format!("Input validation error: {fault}"))));
        }
        let (me, key) = (self.me.clone(), id.to_owned());
        let call = Call::new(Start {
            tool: tool.clone(),
            server: self.server.name().to_owned(),
            arguments: arguments.to_owned(),
            meta: params.meta,
            host: self.host.clone(),
            reply: Box::new(move |answer| match me.upgrade() {
                Some(connection) => connection.answer(&key, answer),
                None => Err(ended()),
            }),
        });
        let waiting = Waiting { request: request.clone(), call: Arc::downgrade(&call) };
        {
            let mut open = lock(&self.waiting);
            // `close` takes the calls out under this lock, and only once.
            if self.closed.load(Ordering::Acquire) {
                return Some(Err((INTERNAL_ERROR, ENDING.to_owned())));
            }
            open.insert(id.to_owned(), waiting);
        }
        tool.begin(call);
        None
    }

    fn answer(&self, id: &str, answer: &Value) -> Result<()> {
        match lock(&self.waiting).remove(id) {
            Some(waiting) => waiting.request.respond_checked(&result(id, answer)),
            None if self.closed.load(Ordering::Acquire) => Err(ended()),
            None => Err(Error::new(Status::Stale, "the call was withdrawn by the CLI")),
        }
    }

    /// The CLI cancels a call: its function is notified, and no answer is written.
    fn cancel(&self, message: &Message) {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow, rename = "requestId")]
            request_id: &'a RawValue,
        }
        let Ok(params) = message.params::<Params>() else { return };
        let Some(waiting) = lock(&self.waiting).remove(params.request_id.get()) else { return };
        if let Some(call) = waiting.call.upgrade() {
            call.cancel();
        }
    }

    /// Like `notifications/cancelled`, for the control request that carried the call.
    pub fn withdraw(&self, wire_id: &str) {
        let withdrawn = {
            let mut waiting = lock(&self.waiting);
            let id = waiting.iter().find(|(_, waiting)| waiting.request.wire_id() == wire_id);
            let id = id.map(|(id, _)| id.clone());
            id.and_then(|id| waiting.remove(&id))
        };
        if let Some(call) = withdrawn.and_then(|withdrawn| withdrawn.call.upgrade()) {
            call.cancel();
        }
    }

    pub fn notify(&self, notification: Value) {
        // A session that is ending needs no notification.
        let _ = self.host.notify(self.server.name(), notification);
    }

    /// A new handshake has replaced this session.
    pub fn replaced(&self) {
        for (id, waiting) in self.take_waiting() {
            if let Some(call) = waiting.call.upgrade() {
                call.cancel();
            }
            let fault = "The session with this server was begun anew.";
            let _ = waiting.request.respond_checked(&error(&id, INTERNAL_ERROR, fault));
        }
    }

    /// The session with the CLI ends. Open calls are answered while it still listens.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for waiting in self.take_waiting().into_values() {
            if let Some(call) = waiting.call.upgrade() {
                call.close();
            }
            waiting.request.refuse_unless_held(ENDING);
        }
    }

    fn take_waiting(&self) -> HashMap<String, Waiting> {
        std::mem::take(&mut *lock(&self.waiting))
    }
}

#[cfg(test)]
mod tests;
