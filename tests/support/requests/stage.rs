//! Where a host plays: the real CLI on a loopback API, or the stand-in.

use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::loopback::{Reply, Rule};
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

use super::Host;

/// A real CLI on a loopback API.
pub struct Stage {
    pub api: Loopback,
    pub sandbox: Sandbox,
    pub options: Value,
}

impl Stage {
    pub fn real(test: &str) -> Option<Stage> {
        let cli = real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url());
        let options = json!({
            "cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
        });
        Some(Stage { api, sandbox, options })
    }

    pub fn host(&self) -> Host {
        Host::new(&self.options)
    }

    /// With these options more.
    pub fn options(&self, more: Value) -> Value {
        let mut options = self.options.clone();
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options
    }

    pub fn made(&self, name: &str) -> bool {
        self.sandbox.work().join(name).exists()
    }

    /// The model calls a tool when it reads `word`.
    pub fn on_word(&self, word: &str, tool: &str, input: Value) {
        self.api.set_rules(vec![Rule::on_prompt(word, Reply::tool(tool, input))]);
    }
}

/// A prompt that makes the model run a shell command.
pub fn bash(command: &str) -> String {
    format!("USE_TOOL {}", json!({"name": "Bash", "input": {"command": command}}))
}

pub fn fake_options(fake: &FakeClaude) -> Value {
    json!({"cli_path": fake.path(), "env": fake.env_json(), "env_mode": "only"})
}
