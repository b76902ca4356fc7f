//! One client: connect, initialize, talk, control, close.

mod before;
mod catch_up;
mod cli_tools;
mod close;
mod connect;
mod control;
mod exit_cause;
mod first_answer;
mod hermetic;
mod hooks;
mod host;
mod inbound;
mod known_ends;
mod ledger;
mod left;
pub mod life;
mod live;
mod load;
mod mcp;
mod once;
mod recorded;
mod restart;
mod run;
pub mod shared;
mod stall_watch;
mod stalls;
mod start;
mod stats;
mod stream;
mod talk;
mod turns;

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::dispatch::gate::{Pass, Slot};
use crate::dispatch::{Completion, Dispatcher, Listener, Mode};
use crate::error::{Error, Result, Status};
use crate::mcp::Registry;
use crate::options::{self, Launch, Options};
use crate::place::Scope;
use crate::protocol::framing::Framer;
use crate::protocol::user_message::Style;
use crate::requests::Pending;
use crate::sync::{Condvar, lock};
use crate::transport::{Ends, Transport};
use control::Control;
use hermetic::Hermetic;
use hooks::Routes;
use host::HostLink;
use load::Load;
use run::Run;
use stall_watch::StallWatch;
use stats::Stats;

pub use before::skips_permissions_as_root;
pub use connect::Environment;
pub use control::Escalation;
pub use hooks::{Hook, McpHandler};
pub use live::clients;
pub use once::query_once;
pub use start::command;
pub use stream::NextPrompt;

/// Where a client stands, with the numbers of `claude_state_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Phase {
    Created = 0,
    Connecting = 1,
    Connected = 2,
    Closing = 3,
    Closed = 4,
}

struct State {
    phase: Phase,
    /// The payload of the answer to `initialize`.
    server_info: Option<String>,
    cli_path: Option<String>,
    /// The words behind the path, as far as they can be shown.
    argv: Option<Vec<String>>,
    cli_version: Option<String>,
    /// Why the session ended, when it did not end as it should.
    cause: Option<Arc<Error>>,
    /// The CLI could not be ended, which whoever disconnects has to know.
    lives_on: Option<Arc<Error>>,
    /// The last frame, if it was a result that reports an error.
    error_result: Option<Vec<u8>>,
    /// What stdout began with, as long as no message has come.
    first_output: Vec<u8>,
    /// What it has written behind that, without a newline.
    unfinished_output: Vec<u8>,
    /// What the transport has told of its end.
    ends: Ends,
    connecting: Option<Completion>,
    disconnecting: Vec<Completion>,
    /// Whoever disconnects is told after a moment, since the process is gone, though its last output may wait for a reader.
    process_gone: bool,
    input_ended: bool,
    /// How a CLI is started that has ended over the way in which it was.
    other_launch: Option<Launch>,
    /// Closed, and everybody who waited has been told.
    over: bool,
}

/// A conversation with one CLI.
pub struct Client {
    me: Weak<Client>,
    options: Options,
    pub dispatcher: Arc<Dispatcher>,
    state: Mutex<State>,
    ended: Condvar,
    ended_async: Notify,
    framer: Mutex<Framer>,
    control: Control,
    pub requests: Pending,
    load: Arc<Load>,
    mcp: Registry,
    /// What the CLI was told last of the servers in this process.
    server_configs: Mutex<Map<String, Value>>,
    routes: Arc<Mutex<Routes>>,
    host: HostLink,
    transport: OnceLock<Arc<dyn Transport>>,
    /// Takes the place of the first one when that did not know how it was started.
    second: OnceLock<Arc<dyn Transport>>,
    starts_again: AtomicBool,
    /// The runtime whose thread reads for this client, until that is freed.
    reader: Mutex<Option<Handle>>,
    stats: Stats,
    run: Run,
    hermetic: Hermetic,
    stall_watch: StallWatch,
    /// The request by which the session began.
    initialize: OnceLock<Map<String, Value>>,
    /// Of what the host registers with this client.
    pub scope: Scope,
    /// The close ladder has been asked for.
    closing: AtomicBool,
    /// A process has been reaped, or the host's transport closed.
    exited: AtomicBool,
}

impl Client {
    /// Reads the options; nothing is started and no disk is touched.
    pub fn create(options_json: &str) -> Result<Arc<Client>> {
        let options = options::parse(options_json)?;
        left::watch();
        let dispatcher = Dispatcher::new(options.max_queue_bytes, options.text_deltas);
        let routes: Arc<Mutex<Routes>> = Arc::default();
        dispatcher.route_requests(hooks::router(&routes));
        let framer = Framer::new(options.max_message_bytes, options.validate_json);
        let state = State {
            phase: Phase::Created,
            server_info: None,
            cli_path: None,
            argv: None,
            cli_version: None,
            cause: None,
            lives_on: None,
            error_result: None,
            first_output: Vec::new(),
            unfinished_output: Vec::new(),
            ends: Ends::default(),
            connecting: None,
            disconnecting: Vec::new(),
            process_gone: false,
            input_ended: false,
            other_launch: None,
            over: false,
        };
        let client = Arc::new_cyclic(|me| Client {
            me: me.clone(),
            options,
            dispatcher,
            state: Mutex::new(state),
            ended: Condvar::new(),
            ended_async: Notify::new(),
            framer: Mutex::new(framer),
            control: Control::default(),
            requests: Pending::default(),
            load: Arc::default(),
            server_configs: Mutex::default(),
            mcp: Registry::new(Arc::new(mcp::McpHost(me.clone()))),
            routes,
            host: HostLink::default(),
            transport: OnceLock::new(),
            second: OnceLock::new(),
            starts_again: AtomicBool::new(false),
            reader: Mutex::default(),
            stats: Stats::default(),
            run: Run::default(),
            hermetic: Hermetic::default(),
            stall_watch: StallWatch::default(),
            initialize: OnceLock::new(),
            scope: Scope::unique(),
            closing: AtomicBool::new(false),
            exited: AtomicBool::new(false),
        });
        live::add(&client.me);
        Ok(client)
    }

    pub fn phase(&self) -> Phase {
        lock(&self.state).phase
    }

    /// 0 while there is no process.
    pub fn pid(&self) -> u64 {
        self.transport().and_then(|transport| transport.pid()).map_or(0, u64::from)
    }

    /// Fixed once something has been registered, or the client has been connected.
    pub fn set_mode(&self, mode: Mode) -> Result<()> {
        let state = lock(&self.state);
        if state.phase != Phase::Created {
            return Err(Error::new(Status::AlreadyConnected, "the dispatch mode cannot change any more")
                .with("remedy", "call claude_client_set_dispatch before connecting"));
        }
        self.dispatcher.set_mode(mode)
    }

    /// The kept answer to `initialize`.
    pub fn server_info(&self) -> Result<String> {
        let state = lock(&self.state);
        match &state.server_info {
            Some(info) => Ok(info.clone()),
            None => Err(not_connected(&state)),
        }
    }

    /// An asynchronous operation's end, on its way to `listener`.
    pub fn completion(&self, listener: Listener) -> Completion {
        Completion::new(&self.dispatcher, listener)
    }

    /// The transport in force; between two starts there is none.
    fn transport(&self) -> Option<&Arc<dyn Transport>> {
        if self.starts_again.load(Ordering::Acquire) { self.second.get() } else { self.transport.get() }
    }

    /// The transport of a session that can be talked to.
    fn connected(&self) -> Result<&Arc<dyn Transport>> {
        let state = lock(&self.state);
        if state.phase != Phase::Connected {
            return Err(not_connected(&state));
        }
        drop(state);
        self.transport().ok_or_else(|| Error::new(Status::NotConnected, "not connected"))
    }

    fn write_line(&self, line: String) -> Result<()> {
        match self.transport() {
            Some(transport) => {
                self.stats.line_written(line.len());
                transport.write_line(line)
            }
            None => Err(Error::new(Status::NotConnected, "not connected")),
        }
    }

    /// A defect was caught in a call for this client: it must not go on half-changed.
    pub fn poison(&self, error: &Error) {
        let mut state = lock(&self.state);
        state.cause.get_or_insert_with(|| Arc::new(error.clone()));
        drop(state);
        self.start_closing();
    }

    /// Keeps the client from being freed while an operation with a completion is accepted.
    fn hold(&self) -> Result<Pass<'_>> {
        self.dispatcher
            .gate
            .enter(Slot::Completion)
            .ok_or_else(|| Error::new(Status::Closed, "the client is being freed"))
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn style(&self) -> Style {
        Style { verbatim: self.options.verbatim_prompts }
    }

    fn strong(&self) -> Option<Arc<Client>> {
        self.me.upgrade()
    }
}

/// Why a client that is not connected cannot be talked to.
fn not_connected(state: &State) -> Error {
    match state.phase {
        Phase::Created => Error::new(Status::NotConnected, "not connected: connect first")
            .with("remedy", "call claude_client_connect or claude_client_connect_wait"),
        Phase::Connecting | Phase::Connected => {
            Error::new(Status::NotConnected, "not connected yet: the session is starting")
                .with("remedy", "wait for the completion of claude_client_connect")
        }
        Phase::Closing | Phase::Closed => match &state.cause {
            Some(cause) => (**cause).clone(),
            None => Error::new(Status::Closed, "the session has ended")
                .with("remedy", "create another client; the option resume continues the conversation"),
        },
    }
}

/// What the grace options and SIGKILL add up to, with a margin for a busy machine.
fn longest_close(options: &Options) -> Duration {
    options.graceful_exit_timeout * 2 + options.terminate_timeout + Duration::from_secs(10)
}

/// The rest of a stream that is not read any more.
fn drop_rest(buffer: &mut BytesMut) {
    buffer.clear();
}

/// The environment of the host at this moment.
pub fn host_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
