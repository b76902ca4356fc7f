//! The ways to reach a CLI, and the CLIs, for conversations that do not care.

use std::path::PathBuf;

use claude_testkit::fake::FakeClaude;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

use super::client::Client;
use super::relay::Relay;
use super::sshd::Sshd;
use super::vtable;

/// A CLI that can be started any number of times.
pub enum Cli {
    Fake(FakeClaude),
    Real { program: PathBuf, sandbox: Box<Sandbox>, api: Box<Loopback> },
}

impl Cli {
    pub fn fake(script: Value) -> Cli {
        Cli::Fake(FakeClaude::new(script))
    }

    /// `None` = it is not installed, and the test must end.
    pub fn real(test: &str) -> Option<Cli> {
        let program = claude_testkit::locate::real_cli_or_skip(test)?;
        let api = Loopback::start();
        let sandbox = Sandbox::new().with_api(api.url());
        Some(Cli::Real { program, sandbox: Box::new(sandbox), api: Box::new(api) })
    }

    pub fn program(&self) -> PathBuf {
        match self {
            Cli::Fake(fake) => fake.path(),
            Cli::Real { program, .. } => program.clone(),
        }
    }

    pub fn sandbox(&self) -> &Sandbox {
        match self {
            Cli::Fake(fake) => fake.sandbox(),
            Cli::Real { sandbox, .. } => sandbox,
        }
    }
}

/// How the library gets to the CLI.
pub enum Way {
    Subprocess,
    Relay,
    Ssh(Sshd),
}

impl Way {
    pub fn ssh() -> Option<Way> {
        Sshd::start().map(Way::Ssh)
    }

    /// A client that is to reach the CLI in this way, not connected yet.
    pub fn client(&self, cli: &Cli) -> Client {
        let mut options = json!({"cli_path": cli.program(), "cwd": cli.sandbox().work(),
                                 "env": cli.sandbox().env_json(), "env_mode": "only"});
        if let Way::Ssh(server) = self {
            options["launcher"] = server.launcher();
        }
        if !matches!(self, Way::Relay) {
            return Client::new(&options);
        }
        relayed(cli, &[])
    }

    #[track_caller]
    pub fn connected(&self, cli: &Cli) -> Client {
        let client = self.client(cli);
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}\n{:#?}", client.seen.lock()));
        client
    }
}

/// A client over a transport of the host's, whose CLI is started with these arguments as well; not connected yet.
pub fn relayed(cli: &Cli, arguments: &[&str]) -> Client {
    let client = Client::new(&json!({}));
    let mut command = cli.sandbox().command(cli.program());
    command.args(["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"]);
    command.args(["--permission-prompt-tool", "stdio"]).args(arguments);
    command.env("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1");
    vtable::install(&client, Relay::new(command));
    client
}
