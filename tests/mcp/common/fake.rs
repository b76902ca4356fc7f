//! The stand-in CLI as the other side, and the messages that it sends.

use claude_client::capi::types::claude_dispatch_t;
use claude_testkit::fake::{FakeClaude, FakeLog};
use serde_json::{Value, json};

use super::{Client, PATIENCE};

/// The stand-in CLI with a script that runs at the first prompt.
pub struct Fake {
    pub fake: FakeClaude,
}

impl Fake {
    pub fn new(actions: Vec<Value>) -> Fake {
        Fake::scripted(json!({"on_user": [actions]}))
    }

    pub fn scripted(script: Value) -> Fake {
        Fake { fake: FakeClaude::new(script) }
    }

    pub fn client(&self, mode: claude_dispatch_t) -> Client {
        Client::new(
            &json!({"cli_path": self.fake.path(), "env": self.fake.env_json(), "cwd": self.fake.sandbox().work(),
                    "graceful_exit_timeout_ms": 500, "terminate_timeout_ms": 500}),
            mode,
        )
    }

    pub fn threaded(&self) -> Client {
        self.client(claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    /// The host's answer to the request with that id, waiting for it: the JSON-RPC response.
    pub fn answer(&self, id: &str) -> Value {
        let of = |log: &FakeLog| log.responses().into_iter().find(|response| response["request_id"] == id);
        let log = self.fake.wait_for_log(PATIENCE, |log| of(log).is_some());
        of(&log).expect("an answer")
    }

    pub fn rpc(&self, id: &str) -> Value {
        self.answer(id)["response"]["mcp_response"].clone()
    }

    pub fn has_answer(&self, id: &str) -> bool {
        self.fake.log().responses().iter().any(|response| response["request_id"] == id)
    }

    /// The notifications of the host's servers.
    pub fn notifications(&self) -> Vec<Value> {
        self.fake.log().requests("mcp_message")
    }
}

/// A script's request to the server `calc`: sent, not waited for. The control id is `id`.
pub fn ask(id: &str, message: Value) -> Value {
    ask_server("calc", id, message)
}

pub fn ask_server(server: &str, id: &str, message: Value) -> Value {
    json!({"ask": {"subtype": "mcp_message", "server_name": server, "message": message},
           "id": id, "wait": false, "exact": true})
}

pub fn call_message(id: i64, name: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

pub fn list(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"})
}

pub fn text_of(rpc: &Value) -> &str {
    rpc["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {rpc}"))
}

/// A result that tells of a failure; its text.
pub fn failure(rpc: &Value) -> &str {
    assert_eq!(rpc["result"]["isError"], true, "{rpc}");
    text_of(rpc)
}
