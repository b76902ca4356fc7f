//! In-process MCP servers: what they need of the session.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::Client;
use crate::dispatch::Mode;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::mcp::{self, Host, Owner, Task};
use crate::protocol::control;
use crate::protocol::kind::Kind;

/// The client as its servers know it.
pub(super) struct McpHost(pub(super) Weak<Client>);

impl Host for McpHost {
    fn deliver(&self, task: Task) {
        match self.0.upgrade() {
            Some(client) => client.dispatcher.push_tool(task),
            None => task.discard(),
        }
    }

    fn has_callbacks(&self) -> bool {
        self.0.upgrade().is_none_or(|client| client.dispatcher.mode() != Mode::Pull)
    }

    fn warn(&self, document: Value) {
        if let Some(client) = self.0.upgrade() {
            log::warning(|| document["text"].as_str().unwrap_or_default().to_owned());
            client.event(Kind::Warning, document);
        }
    }

    fn notify(&self, server: &str, notification: Value) -> Result<()> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let Some(client) = self.0.upgrade() else {
            return Err(Error::new(Status::Closed, "the client is being freed"));
        };
        let request = json!({"subtype": "mcp_message", "server_name": server, "message": notification});
        let Value::Object(request) = request else { return Ok(()) };
        // The reply to this id says nothing, and nobody waits for it.
        let id = format!("note_{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        client.write_line(control::request_line(&id, &request))
    }
}

impl Client {
    /// Adds a share in a server of in-process tools. After connecting, the CLI learns of it by [`Client::all_servers`].
    pub fn add_mcp_server(&self, owner: Owner) -> Result<()> {
        let _hold = self.hold()?;
        self.mcp.add_server(owner)
    }

    /// The servers that the CLI is to have: those of `servers`, and those in this process, which it would forget. One that
    /// stands there as null it forgets indeed.
    pub fn all_servers(&self, servers: Value) -> Result<Value> {
        let Value::Object(mut servers) = servers else { return Ok(servers) };
        mcp::check_servers(&servers)?;
        for (name, mut config) in self.mcp.announced() {
            match servers.get(&name) {
                None => {
                    config["type"] = "sdk".into();
                    config["name"] = name.as_str().into();
                    servers.insert(name, config);
                }
                Some(Value::Null) => drop(servers.shift_remove(&name)),
                Some(_) => {}
            }
        }
        Ok(servers.into())
    }
}
