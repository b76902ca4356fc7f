//! MCP servers inside the host: their tools are functions of the host, called through `mcp_message` control frames.
//!
//! | file | what |
//! |---|---|
//! | `registry` | the servers of one client, by the name under which the CLI knows them |
//! | `connection` | one MCP session of the CLI with one server: frames in, answers out, by JSON-RPC |
//! | `server` | a server and its tools; it may belong to several clients |
//! | `call` | one call of a tool: a token that is answered once, by any thread, now or later |
//! | `definition`, `schema`, `content` | what a host writes: options and tools, argument schemas, result blocks |

mod call;
mod connection;
mod content;
mod definition;
mod registry;
mod rounding;
mod schema;
mod server;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::Result;

pub use call::{Call, OnCancel};
pub use definition::check_servers;
pub use registry::Registry;
pub use server::{Owner, Server, ToolFunction};

/// What a server needs from the client that it serves.
pub trait Host: Send + Sync {
    /// Runs the task on the thread that the client's dispatch mode selects.
    fn deliver(&self, task: Task);
    /// Whether the library may call functions of the host: not in PULL mode.
    fn has_callbacks(&self) -> bool;
    /// Sends a notification of the server to the CLI.
    fn notify(&self, server: &str, notification: Value) -> Result<()>;
    /// Warns the application of something that it probably did not mean.
    fn warn(&self, document: Value);
}

/// Work to deliver to the host.
pub enum Task {
    Run(Arc<Call>),
    /// The answer is no longer wanted. The function is the one given to [`Call::on_cancel`].
    Cancelled(Arc<Call>, Option<OnCancel>),
}

impl Task {
    /// Calls into the host.
    pub fn run(self) {
        match self {
            Task::Run(call) => call.run(),
            Task::Cancelled(call, on_cancel) => {
                if let Some(on_cancel) = on_cancel {
                    on_cancel(call.number());
                }
            }
        }
    }

    /// The client is being freed: refuses a call that the host has not seen, and tells the host that one which it has seen is
    /// cancelled.
    pub fn discard(self) {
        match self {
            Task::Run(call) => call.release(),
            cancelled => cancelled.run(),
        }
    }
}

/// A result that tells the model what went wrong. Failures of a tool are results, so that the model can react.
fn error_result(message: &str) -> Value {
    json!({"content": [{"type": "text", "text": message}], "isError": true})
}
