//! The servers of one client, by the name under which the CLI knows them.

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::connection::{self, Connection, METHOD_NOT_FOUND};
use super::server::Owner;
use super::{Host, definition};
use crate::error::{Error, Result, Status};
use crate::requests::Request;
use crate::sync::{lock, ranked};

enum Serving {
    Tools {
        owner: Owner,
        connection: Option<Arc<Connection>>,
    },
    /// The host answers JSON-RPC itself, as with other requests. `callable`: it has registered a function for that.
    Raw {
        callable: bool,
    },
}

struct Entry {
    name: String,
    serving: Serving,
}

/// Where a message goes.
enum Target {
    /// To the session with a server's tools; `old` is an earlier one that this message ends.
    Connection {
        old: Option<Arc<Connection>>,
        current: Arc<Connection>,
    },
    Host,
    Nowhere,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    closed: bool,
}

ranked!(State: Servers);

pub struct Registry {
    host: Arc<dyn Host>,
    state: Mutex<State>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    server_name: String,
    #[serde(borrow)]
    message: &'a RawValue,
}

impl Registry {
    pub fn new(host: Arc<dyn Host>) -> Registry {
        Registry { host, state: Mutex::default() }
    }

    /// Adds a server of which the client owns a share.
    pub fn add_server(&self, owner: Owner) -> Result<()> {
        let name = owner.server().name().to_owned();
        self.add(name, Serving::Tools { owner, connection: None })
    }

    /// Adds a server that the host implements itself.
    pub fn add_raw(&self, name: &str, callable: bool) -> Result<()> {
        definition::check_name(name)?;
        self.add(name.to_owned(), Serving::Raw { callable })
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.state).entries.is_empty()
    }

    fn add(&self, name: String, serving: Serving) -> Result<()> {
        let mut state = lock(&self.state);
        let fault = if state.closed {
            Error::new(Status::Closed, "the session has ended")
        } else if state.entries.iter().any(|entry| entry.name == name) {
            Error::new(Status::InvalidArgument, format!("the client has an in-process server {name} already"))
                .with("argument", "name")
        } else {
            state.entries.push(Entry { name, serving });
            return Ok(());
        };
        drop(state); // before the refused entry, whose destroy-notify must not run under our lock
        Err(fault)
    }

    /// Each server, with the configuration that is sent to the CLI.
    pub fn announced(&self) -> Vec<(String, Value)> {
        let state = lock(&self.state);
        let config = |serving: &Serving| match serving {
            Serving::Tools { owner, .. } => owner.server().config(),
            Serving::Raw { .. } => definition::patient(),
        };
        state.entries.iter().map(|entry| (entry.name.clone(), config(&entry.serving))).collect()
    }

    /// The warnings about policies in a server's configuration that match none of its tools.
    pub fn idle_policies(&self, server: &str, config: &Value) -> Vec<Value> {
        let served = {
            let state = lock(&self.state);
            let entry = state.entries.iter().find(|entry| entry.name == server);
            match entry.map(|entry| &entry.serving) {
                Some(Serving::Tools { owner, .. }) => owner.server().clone(),
                // Only the host knows the tools of the others.
                _ => return Vec::new(),
            }
        };
        let policies = config["tools"].as_array().into_iter().flatten();
        let idle =
            policies.filter_map(|policy| policy["name"].as_str()).filter(|tool| served.tool(tool).is_none());
        idle.map(|tool| {
            let text = format!("a permission policy is for {tool} of {server}, which has no such tool");
            let mut document =
                json!({"event": "mcp_policy", "text": text, "server_name": server, "tool": tool});
            if let Some(meant) = served.nearest_tool(tool) {
                document["remedy"] = format!("write {meant}").into();
            }
            document
        })
        .collect()
    }

    /// Refuses to start with tools that nobody could serve. `answers_any` = the host has a callback for any request.
    pub fn check(&self, answers_any: bool) -> Result<()> {
        if !self.host.has_callbacks() {
            return Ok(());
        }
        let state = lock(&self.state);
        for entry in &state.entries {
            let lacking = match &entry.serving {
                Serving::Tools { owner, .. } => owner.server().tool_without_function(),
                Serving::Raw { callable } => (!callable && !answers_any).then(String::new),
            };
            if let Some(tool) = lacking {
                let message = match tool.as_str() {
                    "" => format!("the MCP handler {} has no function", entry.name),
                    tool => format!("the tool {tool} of the server {} has no function", entry.name),
                };
                return Err(Error::new(Status::InvalidArgument, message)
                    .with("remedy", "register it with a function, or choose CLAUDE_DISPATCH_PULL"));
            }
        }
        Ok(())
    }

    /// Handles a message from the CLI for one of the servers; it is always answered in the end. `false` = it is for a server
    /// that the host implements itself.
    pub fn receive(&self, request: &Arc<Request>) -> bool {
        let frame: Frame = match serde_json::from_str(request.json()) {
            Ok(frame) => frame,
            Err(fault) => {
                let _ = request.fail(&format!("Malformed mcp_message: {fault}"));
                return true;
            }
        };
        let message = frame.message;
        match self.target(&frame.server_name, connection::is_handshake(message)) {
            Target::Host => return false,
            Target::Nowhere => {
                let text = format!("Server '{}' not found", frame.server_name);
                connection::answer_error(request, message, METHOD_NOT_FOUND, &text);
            }
            Target::Connection { old, current } => {
                if let Some(old) = old {
                    old.replaced();
                }
                current.receive(request, message);
            }
        }
        true
    }

    fn target(&self, name: &str, is_handshake: bool) -> Target {
        let mut state = lock(&self.state);
        let closed = state.closed;
        let entry = state.entries.iter_mut().find(|entry| entry.name == name);
        match entry.map(|entry| &mut entry.serving) {
            Some(Serving::Raw { .. }) => Target::Host,
            Some(Serving::Tools { owner, connection }) if !closed => {
                // The CLI numbers its messages from 0 again after a handshake.
                let old = if is_handshake { connection.take() } else { None };
                let start = || Connection::start(owner.server(), self.host.clone());
                Target::Connection { old, current: connection.get_or_insert_with(start).clone() }
            }
            _ => Target::Nowhere,
        }
    }

    /// The CLI has cancelled the control request that carried a message.
    pub fn withdraw(&self, wire_id: &str) {
        let connections: Vec<_> = {
            let state = lock(&self.state);
            let serving = state.entries.iter().map(|entry| &entry.serving);
            serving
                .filter_map(|serving| match serving {
                    Serving::Tools { connection, .. } => connection.clone(),
                    Serving::Raw { .. } => None,
                })
                .collect()
        };
        for connection in connections {
            connection.withdraw(wire_id);
        }
    }

    /// The session ends: open calls are notified, and nothing more is answered.
    pub fn close(&self) {
        let connections: Vec<_> = {
            let mut state = lock(&self.state);
            state.closed = true;
            let serving = state.entries.iter_mut().map(|entry| &mut entry.serving);
            serving
                .filter_map(|serving| match serving {
                    Serving::Tools { connection, .. } => connection.take(),
                    Serving::Raw { .. } => None,
                })
                .collect()
        };
        for connection in connections {
            connection.close();
        }
    }

    /// The client is being freed: drops its shares in servers, and the functions that only it had.
    pub fn clear(&self) {
        self.close();
        let entries = std::mem::take(&mut lock(&self.state).entries);
        drop(entries);
    }
}
