//! What concerns the whole process: the log, shutdowns and going on, forks, servers of tools.

use std::sync::{Mutex, PoisonError, TryLockError};

use claude_client::capi::types::*;

use super::Actor;
use crate::moods;
use crate::raw::*;
use crate::token::{Inside, Kind, Token};
use crate::watch::violation;
use crate::world::{self, SERVERS};

type Status = claude_status_t;
const OK: Status = Status::CLAUDE_OK;

/// Held while the library is shut down, so that a fork knows whether it has started. True: a shutdown ran out of time, and
/// may still be at work.
static SHUTDOWN: Mutex<bool> = Mutex::new(false);

const CONFIGURATIONS: [(u32, &std::ffi::CStr, usize); 3] =
    [(1, c"chaos", 0), (3, c"many", 1 << 20), (2, c"two", 0)];

/// The number of something that the library counts.
pub fn count(name: &str) -> u64 {
    let mut text = Owned::NULL;
    claude_runtime_stats(Some(&mut text), None);
    let stats: serde_json::Value = serde_json::from_str(&text.copied()).unwrap_or_default();
    claude_string_free(text);
    stats[name].as_u64().unwrap_or_default()
}

impl Actor {
    pub fn shutdown(&mut self) {
        // A long run has long conversations.
        let rare = if crate::settings().soak.is_some() { 100 } else { 8 };
        let (rare, timeout) = (self.rng.one_in(rare), self.rng.pick(&[0, 1, 20, 500, 20_000]));
        if !rare {
            return;
        }
        // A callback must not wait for somebody who waits for callbacks.
        let mut unfinished = match SHUTDOWN.try_lock() {
            Ok(unfinished) => unfinished,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let inside = Inside::now().depth != 0;
        let status = self.call(|error| claude_runtime_shutdown(timeout, error));
        match status {
            OK => *unfinished = false,
            Status::CLAUDE_ERR_TIMEOUT => *unfinished = true,
            Status::CLAUDE_ERR_WOULD_DEADLOCK if inside => {}
            other => violation(&format!("a shutdown ended with {other:?}")),
        }
    }

    pub fn configure(&mut self) {
        let (odd, hooks) = (self.rng.one_in(10), self.rng.one_in(2));
        let (worker_threads, name, stack_size) = self.rng.pick(&CONFIGURATIONS);
        let hook = if hooks { THREAD_HOOK } else { None };
        let config = claude_runtime_config_t {
            size: if odd { 3 } else { size_of::<claude_runtime_config_t>() },
            stack_size,
            thread_name: name.as_ptr(),
            on_thread_start: hook,
            on_thread_stop: hook,
            user_data: std::ptr::null_mut(),
            worker_threads,
            no_guardian: i32::from(self.rng.one_in(4)),
        };
        self.call(|error| claude_runtime_configure(Some(&config), error));
    }

    pub fn log(&mut self) {
        let (level, absent, seed) = (self.rng.pick(&[0, 1, 2, 3, 4, 9]), self.rng.one_in(4), self.seed());
        if Inside::now().fleeting {
            return;
        }
        let token = Token::new(Kind::Log, seed, None).with_destroy();
        let callback = if absent { None } else { ON_LOG };
        let data = UserData::of(&token);
        self.call(|error| claude_runtime_on_log(number(level), callback, data, DESTROY, error));
    }

    /// A copy of the process uses what it should not. Only where it is known that the library has started.
    pub fn fork(&mut self) {
        let ((client, _), request, rare) = (self.client(), self.request(), self.rng.one_in(8));
        if !rare || Inside::now().depth != 0 || !crate::settings().forks {
            return;
        }
        let unfinished = SHUTDOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = count("threads");
        if *unfinished || threads == 0 {
            return;
        }
        if let Err(text) = fork_and_use(client, request) {
            violation(&format!("{text}; {} threads before, {} now", threads, count("threads")));
        }
    }

    pub fn probe(&mut self) {
        let (options, timeout, rare) = (moods::short_options(), self.timeout(), self.rng.one_in(4));
        if rare {
            self.text(|report, error| claude_probe(Some(&options), timeout, report, error));
        }
    }

    pub fn once(&mut self) {
        let (options, rare, seed) = (moods::short_options(), self.rng.one_in(3), self.seed());
        let (prompt, timeout) = (self.prompt(), self.rng.pick(&[0, 5, 100, 2000]));
        let token = Token::new(Kind::Once, seed, None);
        if rare {
            self.text(|result, error| {
                let (on_message, on_request, data) = (ON_MESSAGE, ON_REQUEST, UserData::of(&token));
                let options = Some(options.as_c_str());
                claude_query_once(Some(prompt), options, on_message, on_request, data, timeout, result, error)
            });
        }
    }

    pub fn create_server(&mut self) {
        let (name, options) =
            (self.name(), self.rng.pick(&[None, None, Some(c"{\"timeout_ms\":50}"), Some(c"{]")]));
        let mut server = Server::NULL;
        if self.call(|error| claude_mcp_server_create(Some(name), options, Some(&mut server), error)) == OK {
            self.add_tool_to(server);
            let gives_way = SERVERS.put(&mut self.rng, server.number());
            world::free_server(gives_way);
        }
    }

    pub fn add_tool(&mut self) {
        let server = Server::from_number(self.server());
        self.add_tool_to(server);
    }

    fn add_tool_to(&mut self, server: Server) {
        let tool = self.rng.pick(&[
            c"{\"name\":\"add\",\"description\":\"adds\",\"inputSchema\":{\"type\":\"object\"}}",
            c"{\"name\":\"add\",\"description\":\"adds\",\"inputSchema\":{\"type\":\"object\"},\"max_concurrency\":0}",
            c"{\"name\":\"sub\",\"inputSchema\":{\"type\":\"object\",\"required\":[\"z\"]}}",
            c"{\"name\":7}",
        ]);
        let absent = self.rng.one_in(6);
        let token = Token::new(Kind::Tool, self.seed(), None).with_destroy();
        let (callback, data) = (if absent { None } else { ON_TOOL }, UserData::of(&token));
        self.call(|error| claude_mcp_server_add_tool(server, Some(tool), callback, data, DESTROY, error));
    }

    pub fn push(&mut self) {
        let (sink, at) = (world::sink(&mut self.rng), self.rng.below(PUSHES.len()));
        self.call(|error| claude_sink_push(sink, Bytes(PUSHES[at]), PUSHES[at].len(), error));
    }
}

const PUSHES: [&[u8]; 5] = [
    b"{\"type\":\"assistant\",\"message\":{\"role\":\"assistant\",\"content\":[]}}\n",
    b"\n\n",
    b"{\"type\":\"result\",\"subtype\":\"success\"}\n",
    b"half a line",
    b"",
];
