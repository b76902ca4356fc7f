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
mod life;
mod live;
mod load;
mod mcp;
mod mirror;
mod once;
mod perform;
#[cfg(feature = "replay")]
mod recorded;
#[cfg(not(feature = "replay"))]
#[path = "unrecorded.rs"]
mod recorded;
mod restart;
mod resume;
mod run;
pub mod shared;
mod spare;
mod stall_watch;
mod stalls;
mod start;
mod start_hooks;
mod stats;
mod stream;
mod talk;
mod timeouts;
mod turns;
mod why;

use std::ffi::OsString;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::dispatch::{Completion, Dispatcher, Listener, Mode, Owner};
use crate::error::{Error, Result, Status};
use crate::mcp::Registry;
use crate::options::{self, Options};
use crate::place::Scope;
use crate::protocol::framing::Framer;
use crate::protocol::user_message::{Style, UserMessage};
use crate::requests::Pending;
use crate::sync::gate::{Pass, Slot};
use crate::sync::{Condvar, lock, ranked};
use crate::transport::{Ends, Transport};
use connect::Plan;
use control::Control;
use hermetic::Hermetic;
use hooks::Routes;
use host::HostLink;
use life::{Call, Cause, Config, Driver, Event, Machine, Millis, Refusal, Stage};
use load::Load;
use run::Run;
use stall_watch::StallWatch;
use start_hooks::StartHooks;
use stats::Stats;

#[cfg(feature = "probe")]
pub use before::skips_permissions_as_root;
#[cfg(feature = "probe")]
pub use connect::Environment;
pub use control::Escalation;
pub use hooks::{Hook, McpHandler};
pub use live::clients;
pub use once::query_once;
#[cfg(feature = "probe")]
pub use start::command;
pub use stream::NextPrompt;

/// The state of a client, with the numbers of `claude_state_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Phase {
    Created = 0,
    Connecting = 1,
    Connected = 2,
    Closing = 3,
    Closed = 4,
}

impl From<Stage> for Phase {
    fn from(stage: Stage) -> Phase {
        match stage {
            Stage::Created => Phase::Created,
            Stage::Connecting => Phase::Connecting,
            Stage::Connected => Phase::Connected,
            Stage::Closing => Phase::Closing,
            Stage::Closed => Phase::Closed,
        }
    }
}

/// The session's state beyond that of [`life`].
struct State {
    /// The payload of the answer to `initialize`.
    server_info: Option<String>,
    cli_path: Option<String>,
    /// The arguments after the path, as far as they may be shown.
    argv: Option<Vec<String>>,
    cli_version: Option<String>,
    /// Why the session ended, if it did not end normally.
    cause: Option<Arc<Error>>,
    /// The errors for causes, as they became known.
    kept: Vec<(Cause, Arc<Error>)>,
    /// For the first launch.
    plan: Option<Plan>,
    /// The prompt to connect with.
    first: Option<UserMessage>,
    /// The `initialize` request, and the options that its answer must confirm.
    greeting: Option<(Map<String, Value>, Vec<&'static str>)>,
    /// The last frame, if it was a result that reports an error.
    error_result: Option<Vec<u8>>,
    /// The first output on stdout, until a message arrives.
    first_output: Vec<u8>,
    /// The output after that, without a newline yet.
    unfinished_output: Vec<u8>,
    /// What the transport has reported about its end.
    ends: Ends,
    connecting: Option<Completion>,
    /// The limit of the options for a connect, and for a claim.
    connect_limit: Duration,
    claim: spare::Claiming,
    disconnecting: Vec<Completion>,
    /// Some disconnects are being completed right now.
    telling: bool,
    /// Everybody who waited for the end has been notified.
    released: bool,
}

ranked!(State: Session, Framer: Reading, Map<String, Value>: Leaf, Option<Arc<dyn Transport>>: Leaf, Option<Handle>: Leaf);

/// A conversation with one CLI.
pub struct Client {
    me: Weak<Client>,
    options: Options,
    pub dispatcher: Arc<Dispatcher>,
    /// The state machine. Its lock is taken before that of `state` or of the turns.
    life: Driver,
    born: Instant,
    /// The next timeout has changed.
    timeouts: Arc<Notify>,
    /// The key of the thread that is performing actions; 0 = none.
    performer: AtomicUsize,
    state: Mutex<State>,
    ended: Condvar,
    framer: Mutex<Framer>,
    control: Control,
    pub requests: Pending,
    load: Arc<Load>,
    mcp: Registry,
    /// The last configuration of the in-process servers that the CLI was given.
    server_configs: Mutex<Map<String, Value>>,
    routes: Arc<Mutex<Routes>>,
    host: HostLink,
    mirror: mirror::Mirror,
    /// The current transport; between two launches there is none.
    transport: Mutex<Option<Arc<dyn Transport>>>,
    /// The runtime whose thread reads for this client, until the client is freed.
    reader: Mutex<Option<Handle>>,
    stats: Stats,
    run: Run,
    hermetic: Hermetic,
    stall_watch: StallWatch,
    start_hooks: StartHooks,
    /// The `initialize` request of the session.
    initialize: OnceLock<Map<String, Value>>,
    /// The scope of everything that the host registers with this client.
    pub scope: Scope,
}

impl Client {
    /// Parses the options; starts nothing and does not touch the disk.
    pub fn create(options_json: &str) -> Result<Arc<Client>> {
        let options = options::parse(options_json)?;
        recorded::check(&options)?;
        left::watch();
        let routes: Arc<Mutex<Routes>> = Arc::default();
        let framer = Framer::new(options.max_message_bytes, options.validate_json);
        let state = State {
            server_info: None,
            cli_path: None,
            argv: None,
            cli_version: None,
            cause: None,
            kept: Vec::new(),
            plan: None,
            first: None,
            greeting: None,
            error_result: None,
            first_output: Vec::new(),
            unfinished_output: Vec::new(),
            ends: Ends::default(),
            connecting: None,
            connect_limit: Duration::ZERO,
            claim: spare::Claiming::default(),
            disconnecting: Vec::new(),
            telling: false,
            released: false,
        };
        let millis = |time: Duration| Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX);
        let config = Config {
            exit: millis(options.graceful_exit_timeout),
            terminate: millis(options.terminate_timeout),
            // Whether there is an older way is checked when it is needed.
            older_way: true,
        };
        let (max_queue_bytes, text_deltas) = (options.max_queue_bytes, options.text_deltas);
        let owner = |me: &Weak<Client>| {
            let me = me.clone();
            Owner {
                requests: hooks::router(&routes),
                look: Box::new(move || me.upgrade().is_some_and(|client| client.catch_up_blocking())),
            }
        };
        let client = Arc::new_cyclic(|me| Client {
            me: me.clone(),
            options,
            dispatcher: Dispatcher::new(max_queue_bytes, text_deltas, owner(me)),
            life: Driver::new(Machine::new(config)),
            born: Instant::now(),
            timeouts: Arc::default(),
            performer: AtomicUsize::new(0),
            state: Mutex::new(state),
            ended: Condvar::new(),
            framer: Mutex::new(framer),
            control: Control::default(),
            requests: Pending::default(),
            load: Arc::default(),
            server_configs: Mutex::default(),
            mcp: Registry::new(Arc::new(mcp::McpHost(me.clone()))),
            routes: routes.clone(),
            host: HostLink::default(),
            mirror: mirror::Mirror::default(),
            transport: Mutex::default(),
            reader: Mutex::default(),
            stats: Stats::default(),
            run: Run::default(),
            hermetic: Hermetic::default(),
            stall_watch: StallWatch::default(),
            start_hooks: StartHooks::default(),
            initialize: OnceLock::new(),
            scope: Scope::unique(),
        });
        live::add(&client.me);
        Ok(client)
    }

    /// 0 while there is no process.
    pub fn pid(&self) -> u64 {
        self.transport().and_then(|transport| transport.pid()).map_or(0, u64::from)
    }

    /// Cannot be changed once something has been registered, or the client has been connected.
    pub fn set_mode(&self, mode: Mode) -> Result<()> {
        if self.check(Call::Register).is_err() {
            return Err(Error::new(Status::AlreadyConnected, "the dispatch mode cannot change any more")
                .with("remedy", "call claude_client_set_dispatch before connecting"));
        }
        self.dispatcher.set_mode(mode)
    }

    /// The stored answer to `initialize`.
    pub fn server_info(&self) -> Result<String> {
        let info = lock(&self.state).server_info.clone();
        match info {
            Some(info) => Ok(info),
            None => Err(self.check(Call::Control).err().unwrap_or_else(|| self.refused(Refusal::Starting))),
        }
    }

    /// The completion of an asynchronous operation, for `listener`.
    pub fn completion(&self, listener: Listener) -> Completion {
        Completion::new(&self.dispatcher, listener)
    }

    /// The current transport; between two launches there is none.
    fn transport(&self) -> Option<Arc<dyn Transport>> {
        lock(&self.transport).clone()
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

    /// A panic was caught in a call for this client: it must not continue in an inconsistent state.
    pub fn poison(&self, error: &Error) {
        self.fails(Cause::Defect, error.clone(), Event::Defect);
    }

    /// Keeps the client from being freed while an operation with a completion is being accepted.
    fn hold(&self) -> Result<Pass<'_>> {
        self.dispatcher
            .gate
            .enter(Slot::Completion)
            .ok_or_else(|| Error::new(Status::Closed, "the client is being freed"))
    }

    /// The end was requested, or has come.
    fn is_closing(&self) -> bool {
        self.life.look(|machine| machine.is_closing() || machine.is_over())
    }

    fn style(&self) -> Style {
        Style { verbatim: self.options.verbatim_prompts }
    }

    fn strong(&self) -> Option<Arc<Client>> {
        self.me.upgrade()
    }
}

/// Discards the rest of a stream that is no longer read.
fn drop_rest(buffer: &mut BytesMut) {
    buffer.clear();
}

/// The current environment of the host.
pub fn host_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
