//! A small Anthropic Messages API on 127.0.0.1, with scripted replies and a request log.
//!
//! ```
//! use claude_testkit::loopback::{Loopback, Reply, Rule};
//! let api = Loopback::start();
//! api.set_rules(vec![Rule::on_prompt("weather", Reply::text("Sunny."))]);
//! // Start a CLI with ANTHROPIC_BASE_URL = api.url(), let it talk, then:
//! assert_eq!(api.requests().len(), 0);
//! ```

mod answer;
mod conversation;
mod defaults;
mod http;
mod rules;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::{Map, Value, json};

pub use conversation::Conversation;
pub use rules::{Reply, Rule, ToolUse, When, parse_rules};

use crate::javascript;
use http::{Connection, Request};

/// Whether a `result` of the real CLI tells of a turn that an interrupt ended while a tool was to run. The CLI asks for
/// a tool as soon as its call is complete, so the word depends on whether the API's message has ended by then.
pub fn aborted_at_tools(result: &Value) -> bool {
    ["aborted_tools", "aborted_streaming"].iter().any(|reason| result["terminal_reason"] == *reason)
}

/// How to start; `Loopback::start()` takes the defaults.
#[derive(Debug, Default)]
pub struct Config {
    /// 0 = any free port.
    pub port: u16,
    /// Appends every request as one JSON line.
    pub log: Option<PathBuf>,
    pub rules: Vec<Rule>,
}

/// One request that reached the API.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub id: u64,
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Lower-case names; the values of credentials are replaced by `<present>`.
    pub headers: Vec<(String, String)>,
    /// The parsed body; null when there was none or it is not JSON.
    pub body: Value,
    pub conversation: Conversation,
    /// The client went away before the answer was complete.
    pub hung_up: bool,
}

impl Recorded {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether this asks for an answer of the model (token counting and the like do not).
    pub fn is_message(&self) -> bool {
        self.method == "POST" && self.path.split('?').next() == Some("/v1/messages")
    }

    fn log_line(&self) -> Value {
        let headers: Map<_, _> = self.headers.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        json!({
            "event": "request", "id": self.id, "method": self.method, "path": self.path, "headers": headers,
            "model": self.conversation.model, "system": self.conversation.system,
            "prompt": self.conversation.prompt(), "messages": self.body["messages"].as_array().map_or(0, Vec::len),
            "body": self.body,
        })
    }
}

struct Shared {
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Recorded>>,
    log: Option<Mutex<File>>,
    open: Mutex<HashMap<u64, (TcpStream, JoinHandle<()>)>>,
    stopping: AtomicBool,
    next_id: AtomicU64,
}

/// The server; dropping it closes every connection and waits for its threads.
pub struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// A panic in a test must not hide behind a second one about a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loopback {
    /// Starts on a free port with the built-in keyword answers.
    ///
    /// # Panics
    /// When the loopback interface takes no listener.
    pub fn start() -> Self {
        Loopback::with_config(Config::default()).expect("listen on 127.0.0.1")
    }

    pub fn with_config(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))?;
        let address = listener.local_addr()?;
        let open_log = |path: PathBuf| File::options().create(true).append(true).open(path);
        let shared = Arc::new(Shared {
            rules: Mutex::new(config.rules),
            requests: Mutex::default(),
            log: config.log.map(open_log).transpose()?.map(Mutex::new),
            open: Mutex::default(),
            stopping: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
        });
        let for_thread = Arc::clone(&shared);
        let acceptor =
            thread::Builder::new().name("loopback-api".into()).spawn(move || for_thread.accept(&listener))?;
        Ok(Loopback { address, shared, acceptor: Some(acceptor) })
    }

    /// The value for `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Replaces the rules; the built-in keywords answer what no rule takes.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        *lock(&self.shared.rules) = rules;
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.requests).clone()
    }

    /// The requests for an answer of the model.
    pub fn messages(&self) -> Vec<Recorded> {
        self.requests().into_iter().filter(Recorded::is_message).collect()
    }

    /// The latest request for an answer of the model.
    pub fn last_message(&self) -> Option<Recorded> {
        self.messages().pop()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.shared.requests).clear();
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor; when this fails it is gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let open: Vec<_> = lock(&self.shared.open).drain().map(|(_, entry)| entry).collect();
        for (stream, _) in &open {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for (_, thread) in open {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            // A client that gave up before it was accepted is no reason to stop serving.
            let Ok(stream) = stream else { continue };
            let _ = self.serve_on_thread(stream);
        }
    }

    fn serve_on_thread(self: &Arc<Self>, stream: TcpStream) -> io::Result<()> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let handle = stream.try_clone()?;
        let shared = Arc::clone(self);
        // Held over the insertion, so that a connection that ends at once finds its entry.
        let mut open = lock(&self.open);
        let thread = thread::Builder::new().name("loopback-conn".into()).spawn(move || {
            let _ = shared.serve(stream);
            if let Some((stream, _)) = lock(&shared.open).remove(&id) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        })?;
        open.insert(id, (handle, thread));
        Ok(())
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut connection = Connection::new(stream)?;
        loop {
            match connection.read_request() {
                Ok(Some(request)) => self.answer(&mut connection, &request)?,
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let body = answer::error_json(400, &error.to_string());
                    return connection.write_json(400, &[("connection", "close")], &body);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&self, connection: &mut Connection, request: &Request) -> io::Result<()> {
        let recorded = self.record(request);
        let (body, conversation) = (&recorded.body, &recorded.conversation);
        let not_found = || answer::error_json(404, &format!("no such route: {}", request.target));
        let outcome = match (request.method.as_str(), request.path()) {
            ("POST", "/v1/messages") if !body["messages"].is_array() => {
                connection.write_json(400, &[], &answer::error_json(400, "messages: field required"))
            }
            ("POST", "/v1/messages") => answer::send(connection, &self.choose(conversation), body),
            ("POST", "/v1/messages/count_tokens") => {
                let count = json!({"input_tokens": answer::tokens(request.body.len())});
                connection.write_json(200, &[], &count.to_string())
            }
            ("HEAD", _) => connection.write_json(404, &[("connection", "close")], ""),
            _ => connection.write_json(404, &[], &not_found()),
        };
        if outcome.is_err() {
            self.note_hang_up(recorded.id);
        }
        outcome
    }

    fn choose(&self, conversation: &Conversation) -> Reply {
        let chosen = rules::choose(&mut lock(&self.rules), conversation);
        chosen.map(|reply| reply.fill(conversation)).unwrap_or_else(|| defaults::reply(conversation))
    }

    fn record(&self, request: &Request) -> Recorded {
        let body = javascript::parse(&request.body).unwrap_or(Value::Null);
        let secret = |name: &str| matches!(name, "x-api-key" | "authorization" | "cookie");
        let shown = |(name, value): &(String, String)| {
            (name.clone(), if secret(name) { "<present>".to_owned() } else { value.clone() })
        };
        let recorded = Recorded {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            method: request.method.clone(),
            path: request.target.clone(),
            headers: request.headers.iter().map(shown).collect(),
            conversation: Conversation::from_body(&body),
            body,
            hung_up: false,
        };
        self.write_log(&recorded.log_line());
        lock(&self.requests).push(recorded.clone());
        recorded
    }

    fn note_hang_up(&self, id: u64) {
        if let Some(recorded) = lock(&self.requests).iter_mut().find(|r| r.id == id) {
            recorded.hung_up = true;
        }
        self.write_log(&json!({"event": "hang_up", "id": id}));
    }

    fn write_log(&self, line: &Value) {
        if let Some(log) = &self.log {
            // A full disk must not look like a failing API.
            let _ = lock(log).write_all(format!("{line}\n").as_bytes());
        }
    }
}
