//! The real CLI with its API in a sandbox, or the stand-in.

use std::path::PathBuf;

use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

use super::Session;

/// The option document; members of `more` are added, those of its `env` to the variables.
pub fn merged(mut document: Value, more: Value) -> Value {
    let members = more.as_object().expect("options are an object").clone();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("env", Value::Object(variables)) => {
                document["env"].as_object_mut().expect("env is an object").extend(variables);
            }
            (_, value) => document[name] = value,
        }
    }
    document
}

pub fn fake_options(fake: &FakeClaude, more: Value) -> Value {
    let own = json!({
        "cli_path": fake.path(), "cwd": fake.sandbox().work(), "env": fake.env_json(), "env_mode": "only",
    });
    merged(own, more)
}

/// A connected session with the stand-in.
#[track_caller]
pub fn fake_session(script: Value, more: Value) -> (FakeClaude, Session) {
    let fake = FakeClaude::new(script);
    let session = Session::connected(&fake_options(&fake, more));
    (fake, session)
}

/// The real CLI's surroundings: any number of sessions, one after the other or at once.
pub struct Real {
    pub cli: PathBuf,
    pub api: Loopback,
    pub sandbox: Sandbox,
}

impl Real {
    /// `None` when the CLI is not installed, so that the test ends early and says so.
    pub fn new(test: &str) -> Option<Real> {
        let cli = real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url());
        Some(Real { cli, api, sandbox })
    }

    pub fn options(&self, more: Value) -> Value {
        let own = json!({
            "cli_path": self.cli, "cwd": self.sandbox.work(), "env": self.sandbox.env_json(), "env_mode": "only",
        });
        merged(own, more)
    }

    #[track_caller]
    pub fn session(&self, more: Value) -> Session {
        Session::connected(&self.options(more))
    }

    /// Writes a file below the sandbox's root; its path.
    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.sandbox.root().join(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("make the folder");
        std::fs::write(&path, contents).expect("write the file");
        path
    }

    /// The latest request for an answer of the model to this prompt.
    #[track_caller]
    pub fn asked(&self, prompt: &str) -> claude_testkit::loopback::Recorded {
        let found = self.api.messages().into_iter().rfind(|message| message.conversation.prompt() == prompt);
        found.unwrap_or_else(|| panic!("the API was not asked {prompt:?}"))
    }
}
