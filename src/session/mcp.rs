//! What in-process MCP servers need from the session.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use super::Client;
use crate::dispatch::Mode;
use crate::error::{Error, Result, Status};
use crate::mcp::{self, Host, Owner, Task};
use crate::protocol::control;
use crate::protocol::tree;
use crate::sync::lock;

/// The client as seen by its servers.
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
            client.warn(document);
        }
    }

    fn notify(&self, server: &str, notification: Value) -> Result<()> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let Some(client) = self.0.upgrade() else {
            return Err(Error::new(Status::Closed, "the client is being freed"));
        };
        let request = json!({"subtype": "mcp_message", "server_name": server, "message": notification});
        let Value::Object(request) = request else { return Ok(()) };
        // The reply to this id carries no information, and nobody waits for it.
        let id = format!("note_{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        client.write_line(control::request_line(&id, &request))
    }
}

impl Client {
    /// Adds an owner to a server of in-process tools. After connecting, the CLI learns of it through [`Client::all_servers`].
    pub fn add_mcp_server(&self, owner: Owner) -> Result<()> {
        let _hold = self.hold()?;
        self.mcp.add_server(owner)
    }

    /// Stores what the CLI is told of the host's servers at the start. It stays valid until replaced.
    pub(super) fn keep_server_configs(&self, initialize: &Map<String, Value>) {
        let configs = initialize.get("sdkMcpServerConfigs").and_then(Value::as_object);
        let configs = configs.map(tree::copy_of).unwrap_or_default();
        self.tell_of_policies(&configs);
        *lock(&self.server_configs) = configs;
    }

    fn tell_of_policies(&self, configs: &Map<String, Value>) {
        for document in configs.iter().flat_map(|(name, config)| self.mcp.idle_policies(name, config)) {
            self.warn(document);
        }
    }

    /// The servers that the CLI must have: those of `servers`, and the in-process servers, which it would otherwise forget,
    /// with all their settings. An in-process server given as null is removed.
    pub fn all_servers(&self, servers: Value) -> Result<Value> {
        let Value::Object(mut servers) = servers else { return Ok(servers) };
        mcp::check_servers(&servers)?;
        let mut given = Map::new();
        for (name, registered) in self.mcp.announced() {
            if servers.get(&name).is_some_and(Value::is_null) {
                servers.shift_remove(&name);
                continue;
            }
            let entry = servers.entry(name.clone()).or_insert_with(|| Map::new().into());
            let Some(entry) = entry.as_object_mut().filter(|entry| is_in_process(entry)) else { continue };
            let is_given = !entry.is_empty();
            let known =
                lock(&self.server_configs).get(&name).filter(|known| known.is_object()).map(tree::copy);
            complete(entry, &name, known.unwrap_or(registered));
            if is_given {
                given.insert(name, config_of(entry).into());
            }
        }
        self.tell_of_policies(&given);
        lock(&self.server_configs).extend(given);
        Ok(servers.into())
    }
}

/// Whether the entry means the in-process server of this name, not another one.
fn is_in_process(entry: &Map<String, Value>) -> bool {
    match entry.get("type") {
        None | Some(Value::Null) => !entry.contains_key("command") && !entry.contains_key("url"),
        Some(kind) => kind == "sdk",
    }
}

/// The CLI uses only the last configuration: a policy that is left out is no longer in force.
fn complete(entry: &mut Map<String, Value>, name: &str, mut known: Value) {
    known["type"] = "sdk".into();
    known["name"] = name.into();
    let Value::Object(known) = known else { return };
    for (member, value) in known {
        if entry.get(&member).is_none_or(Value::is_null) {
            entry.insert(member, value);
        }
    }
}

fn config_of(entry: &Map<String, Value>) -> Map<String, Value> {
    let members = entry.iter().filter(|(member, _)| !matches!(member.as_str(), "type" | "name"));
    members.map(|(member, value)| (member.clone(), tree::copy(value))).collect()
}
