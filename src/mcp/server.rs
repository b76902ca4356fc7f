//! A server of the host with its tools, owned jointly by clients and the host's handle.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};

use super::call::Call;
use super::connection::Connection;
use super::definition::{self, Definition, Options};
use super::schema::Schema;
use crate::error::{Error, Result, Status};
use crate::names::nearest;
use crate::protocol::tolerant;
use crate::sync::{lock, ranked};

/// The host's side of a tool. Dropped when the tool is gone and its function is not running.
pub trait ToolFunction: Send + Sync {
    /// False = there is no function: calls are events.
    fn is_callable(&self) -> bool;
    /// Calls the host.
    fn call(&self, call: Arc<Call>);
    /// The host's `user_data`, for events.
    fn token(&self) -> usize;
    /// The tool is gone. Abandoned stack frames that hold the function for ever do not count.
    fn retire(&self);
}

/// Limits the concurrent calls of a tool: how many the host is handling, and those that wait.
#[derive(Default)]
struct ConcurrencyLimit {
    in_use: u32,
    queue: VecDeque<Arc<Call>>,
}

pub struct Tool {
    pub name: String,
    listed: Value,
    schema: Schema,
    /// How many calls may be open at once; 0 = any number.
    limit: u32,
    concurrency: Mutex<ConcurrencyLimit>,
    pub(super) warned_of_rounding: AtomicBool,
    /// Taken away when the tool is removed, while calls of it may still be open.
    function: Mutex<Option<Arc<dyn ToolFunction>>>,
}

impl Tool {
    pub fn function(&self) -> Option<Arc<dyn ToolFunction>> {
        lock(&self.function).clone()
    }

    /// The error is written for the model.
    pub fn check(&self, arguments: &str) -> std::result::Result<(), String> {
        let value = tolerant::value(arguments).map_err(|fault| fault.of("the input"))?;
        self.schema.check(&value)
    }

    /// Delivers the call to the host, now or when a slot is free.
    pub fn begin(&self, call: Arc<Call>) {
        {
            let mut concurrency = lock(&self.concurrency);
            if self.limit != 0 && concurrency.in_use >= self.limit {
                return concurrency.queue.push_back(call);
            }
            concurrency.in_use += 1;
        }
        call.deliver();
    }

    /// A call has freed its slot.
    pub fn leave(&self) {
        let next = {
            let mut concurrency = lock(&self.concurrency);
            let next = concurrency.queue.pop_front();
            if next.is_none() {
                concurrency.in_use -= 1;
            }
            next
        };
        if let Some(call) = next {
            call.deliver();
        }
    }

    /// Removes a call that may still be waiting for a slot.
    pub fn forget(&self, number: u64) {
        lock(&self.concurrency).queue.retain(|call| call.number() != number);
    }

    fn retire(&self) {
        let function = lock(&self.function).take();
        // A destroy-notify of the host must not run under our lock.
        if let Some(function) = function {
            function.retire();
        }
    }
}

pub struct Server {
    name: String,
    options: Options,
    tools: Mutex<Vec<Arc<Tool>>>,
    /// Sessions to notify of changes.
    connections: Mutex<Vec<Weak<Connection>>>,
    owners: AtomicUsize,
}

ranked!(ConcurrencyLimit: Leaf, Option<Arc<dyn ToolFunction>>: Leaf, Vec<Arc<Tool>>: Leaf, Vec<Weak<Connection>>: Leaf);

impl Server {
    pub fn create(name: &str, options_json: &str) -> Result<Owner> {
        definition::check_name(name)?;
        let options = Options::parse(options_json)?;
        options.check_policies(name)?;
        Ok(Owner(Arc::new(Server {
            name: name.to_owned(),
            options,
            tools: Mutex::default(),
            connections: Mutex::default(),
            owners: AtomicUsize::new(1),
        })))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the initialize request says about this server.
    pub fn config(&self) -> Value {
        self.options.config.clone()
    }

    /// The function of a refused tool is dropped.
    pub fn add_tool(&self, definition: &str, function: Arc<dyn ToolFunction>) -> Result<()> {
        let definition = Definition::parse(definition)?;
        definition::check_tool_name(&self.name, &definition.name)?;
        let schema = Schema::compile(&definition.input_schema).map_err(|fault| {
            Error::new(Status::InvalidArgument, format!("inputSchema is not a usable JSON schema: {fault}"))
                .with("argument", "tool_json")
                .with("pointer", "/inputSchema")
        })?;
        let tool = Tool {
            name: definition.name,
            listed: definition.listed,
            schema,
            limit: definition.max_concurrency,
            concurrency: Mutex::default(),
            warned_of_rounding: AtomicBool::new(false),
            function: Mutex::new(Some(function)),
        };
        {
            let mut tools = lock(&self.tools);
            if tools.iter().any(|known| known.name == tool.name) {
                drop(tools);
                return Err(Error::new(
                    Status::InvalidArgument,
                    format!("the server {} has a tool {} already", self.name, tool.name),
                )
                .with("argument", "tool_json")
                .with("pointer", "/name")
                .with("remedy", "remove the old tool first"));
            }
            tools.push(Arc::new(tool));
        }
        self.tell_changed();
        Ok(())
    }

    pub fn remove_tool(&self, name: &str) -> Result<()> {
        let removed = {
            let mut tools = lock(&self.tools);
            tools.iter().position(|tool| tool.name == name).map(|at| tools.remove(at))
        };
        let Some(removed) = removed else {
            return Err(Error::new(
                Status::InvalidArgument,
                format!("the server {} has no tool {name}", self.name),
            )
            .with("argument", "name"));
        };
        self.tell_changed();
        removed.retire();
        Ok(())
    }

    pub fn tool(&self, name: &str) -> Option<Arc<Tool>> {
        lock(&self.tools).iter().find(|tool| tool.name == name).cloned()
    }

    /// The tool that a wrong name was most likely meant for.
    pub fn nearest_tool(&self, name: &str) -> Option<String> {
        let tools = lock(&self.tools);
        nearest(name, tools.iter().map(|tool| tool.name.as_str())).map(str::to_owned)
    }

    /// A tool without a function, which only PULL mode can serve.
    pub fn tool_without_function(&self) -> Option<String> {
        let tools = lock(&self.tools).clone();
        tools
            .iter()
            .find(|tool| tool.function().is_some_and(|function| !function.is_callable()))
            .map(|tool| tool.name.clone())
    }

    /// The answer to `initialize`.
    pub fn introduce(&self, protocol_version: &str) -> Value {
        let mut answer = json!({
            "protocolVersion": protocol_version,
            "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": self.name, "version": self.options.version},
        });
        if let Some(instructions) = &self.options.instructions {
            answer["instructions"] = instructions.as_str().into();
        }
        answer
    }

    /// The answer to `tools/list`.
    pub fn list(&self) -> Value {
        json!({"tools": lock(&self.tools).iter().map(|tool| tool.listed.clone()).collect::<Vec<_>>()})
    }

    pub fn attach(&self, connection: &Arc<Connection>) {
        let mut connections = lock(&self.connections);
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(connection));
    }

    fn tell_changed(&self) {
        let connections = lock(&self.connections).clone();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            connection.notify(json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
        }
    }

    fn retire(&self) {
        let tools = std::mem::take(&mut *lock(&self.tools));
        for tool in tools {
            tool.retire();
        }
    }
}

/// Shared ownership of a server. Dropping the last one drops the tools' functions, whatever else still references the server.
pub struct Owner(Arc<Server>);

impl Owner {
    pub fn server(&self) -> &Arc<Server> {
        &self.0
    }
}

impl Clone for Owner {
    fn clone(&self) -> Owner {
        self.0.owners.fetch_add(1, Ordering::AcqRel);
        Owner(self.0.clone())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.retire();
        }
    }
}
