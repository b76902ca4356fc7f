//! The real CLI as the other side.

use claude_client::capi::types::claude_dispatch_t;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

use super::Client;

/// The real CLI with an API of its own.
pub struct Real {
    pub api: Loopback,
    pub sandbox: Sandbox,
    cli: std::path::PathBuf,
}

impl Real {
    /// `None` = the CLI is missing and the test must end.
    pub fn new(test: &str) -> Option<Real> {
        let cli = real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url()).with_env("ENABLE_TOOL_SEARCH", "false");
        Some(Real { api, sandbox, cli })
    }

    pub fn client(&self) -> Client {
        self.client_with(json!({}), claude_dispatch_t::CLAUDE_DISPATCH_THREAD)
    }

    pub fn client_with(&self, mut options: Value, mode: claude_dispatch_t) -> Client {
        options["cli_path"] = json!(self.cli);
        options["env"] = self.sandbox.env_json();
        options["cwd"] = json!(self.sandbox.work());
        if options["allowed_tools"].is_null() {
            options["allowed_tools"] = json!(["mcp__calc", "mcp__more"]);
        }
        Client::new(&options, mode)
    }

    /// The tools that the model was offered last.
    pub fn offered(&self) -> Vec<String> {
        let last = self.api.last_message().expect("the API was asked");
        last.conversation.tools.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The blocks of the last message that reached the model.
    pub fn last_blocks(&self) -> Vec<Value> {
        let last = self.api.last_message().expect("the API was asked");
        let messages = last.body["messages"].as_array().expect("messages").clone();
        messages.last().expect("a message")["content"].as_array().cloned().unwrap_or_default()
    }
}
