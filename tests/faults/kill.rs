//! The host is killed, in every phase of a session: nothing that it started is left, down to the tools and servers of
//! the CLI.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::support::processes::{MARK, assert_gone, command_line, descendants, marked, new_mark, runs};
use crate::support::program::{self, Variant};
use crate::support::{PATIENCE, eventually, merged, options};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// The promise. It takes about a second where tools ran, else far less; no two of these tests run at a time.
const SOON: Duration = Duration::from_secs(3);

static ALONE: Mutex<()> = Mutex::new(());

/// A host in C that waits for its end, and all that it has started.
struct Victim {
    host: Child,
    mark: String,
    stdout: BufReader<std::process::ChildStdout>,
    _alone: MutexGuard<'static, ()>,
}

/// A test that fails leaves no host behind.
impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}

impl Victim {
    fn start(sandbox: &Sandbox, mut options: Value, prompt: &str) -> Victim {
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mark = new_mark("victim");
        options["env"][MARK] = mark.clone().into();
        let mut command = program::command(sandbox, "victim", Variant::Plain, &options, &[prompt]);
        let mut host = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(host.stdout.take().unwrap());
        Victim { host, mark, stdout, _alone: alone }
    }

    fn wait_for_line(&mut self, wanted: &str) {
        let mut line = String::new();
        while line.trim() != wanted {
            line.clear();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the host ended before it was {wanted}");
        }
    }

    /// Waits until a process with this in its command line belongs to the session.
    fn wait_for_process(&self, part: &str) {
        let running = || marked(&self.mark).iter().any(|pid| command_line(*pid).contains(part));
        let list = || marked(&self.mark).into_iter().map(command_line).collect::<Vec<_>>().join("\n");
        assert!(eventually(PATIENCE, running), "nothing like {part:?} runs:\n{}", list());
    }

    /// Kills the host with SIGKILL. Whatever it had started must go.
    fn kill(mut self) {
        let tree = descendants(self.host.id());
        assert!(!tree.is_empty() && !marked(&self.mark).is_empty(), "there is nothing to end");
        self.host.kill().unwrap();
        self.host.wait().unwrap();
        let killed = Instant::now();
        let of_the_tree = || tree.iter().copied().filter(|pid| runs(*pid));
        assert_gone(SOON, "of the session", || marked(&self.mark).into_iter().chain(of_the_tree()).collect());
        println!("all gone after {:?}", killed.elapsed());
    }
}

#[test]
fn edge_114_while_starting() {
    let fake = FakeClaude::new(json!({"on_start": ["ignore_eof"], "on_initialize": []}));
    let mut victim = Victim::start(fake.sandbox(), options(&fake, json!({})), "");
    victim.wait_for_line("starting");
    fake.wait_for_log(PATIENCE, |log| log.requests("initialize").len() == 1);
    victim.kill();
}

#[test]
fn edge_114_while_idle() {
    let fake = FakeClaude::new(json!({}));
    let mut victim = Victim::start(fake.sandbox(), options(&fake, json!({})), "");
    victim.wait_for_line("ready");
    victim.kill();
}

#[test]
fn edge_114_with_a_cli_that_ignores_everything_and_tools_that_went_their_own_way() {
    let tool = json!({"seconds": 300, "own_session": true, "own_group": true, "ignore_term": true});
    let fake = FakeClaude::new(
        json!({"on_start": ["ignore_eof", "ignore_term"], "on_user": ["init", {"spawn": tool}]}),
    );
    let mut victim = Victim::start(fake.sandbox(), options(&fake, json!({})), "start a server");
    victim.wait_for_line("ready");
    fake.wait_for_log(PATIENCE, |log| !log.spawned().is_empty());
    victim.kill();
}

#[test]
fn edge_114_while_messages_stream() {
    let fake = FakeClaude::new(
        json!({"on_user": ["init", {"repeat": 100_000, "do": [{"flood": 100, "bytes": 1000}]}]}),
    );
    let mut victim = Victim::start(fake.sandbox(), options(&fake, json!({})), "pour");
    victim.wait_for_line("ready");
    fake.wait_for_log(PATIENCE, |log| log.prompts().len() == 1);
    victim.kill();
}

/// The real CLI in a sandbox, with an API of its own. `None` = it is not installed.
fn real(test: &str, more: Value, prompt: &str) -> Option<(Loopback, Sandbox, Victim)> {
    let cli = real_cli_or_skip(test)?;
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only"});
    let victim = Victim::start(&sandbox, merged(own, more), prompt);
    Some((api, sandbox, victim))
}

/// At once, while the program is loading, and while it sets itself up.
#[test]
fn edge_114_the_real_cli_while_starting() {
    for moment in [0, 50, 150, 300] {
        let Some((_api, _sandbox, mut victim)) = real("while_starting", json!({}), "") else { return };
        victim.wait_for_line("starting");
        std::thread::sleep(Duration::from_millis(moment));
        victim.kill();
    }
}

#[test]
fn edge_114_the_real_cli_while_idle() {
    let Some((_api, _sandbox, mut victim)) = real("while_idle", json!({}), "") else { return };
    victim.wait_for_line("ready");
    victim.kill();
}

#[test]
fn edge_114_the_real_cli_while_it_streams() {
    let more = json!({"include_partial_messages": true});
    let Some((api, _sandbox, mut victim)) = real("while_it_streams", more, "SLOW 500 100") else { return };
    victim.wait_for_line("ready");
    assert!(eventually(PATIENCE, || api.messages().iter().any(|m| m.conversation.prompt().contains("SLOW"))));
    victim.kill();
}

#[test]
fn edge_114_the_real_cli_while_a_tool_runs() {
    // The CLI refuses a bare sleep. The second one leaves the tool's session.
    let command = "setsid sleep 4322 & sh -c 'exec sleep 4321'";
    let prompt =
        format!("USE_TOOL {}", json!({"name": "Bash", "input": {"command": command, "timeout": 600_000}}));
    let more = json!({"allowed_tools": ["Bash"]});
    let Some((_api, _sandbox, mut victim)) = real("while_a_tool_runs", more, &prompt) else { return };
    victim.wait_for_line("ready");
    victim.wait_for_process("sleep 4321");
    victim.wait_for_process("sleep 4322");
    victim.kill();
}

/// An MCP server that answers the handshake and nothing else. It does not end with its input.
const SERVER: &str = r#"
trap '' TERM HUP
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    case $line in
    *'"initialize"'*)
        printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},' "$id"
        printf '"serverInfo":{"name":"patient","version":"1"}}}\n'
        : >"$1"
        ;;
    *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[]}}\n' "$id" ;;
    esac
done
while :; do sleep 1; done
"#;

#[test]
fn edge_114_the_real_cli_with_an_mcp_server() {
    let folder = tempfile::tempdir().unwrap();
    let (script, started) = (folder.path().join("patient-server.sh"), folder.path().join("started"));
    std::fs::write(&script, SERVER).unwrap();
    let server = json!({"command": "/bin/sh", "args": [script, started]});
    let more = json!({"mcp_servers": {"patient": server}});
    let Some((_api, _sandbox, mut victim)) = real("with_an_mcp_server", more, "") else { return };
    victim.wait_for_line("ready");
    assert!(eventually(PATIENCE, || started.exists()), "the server was not started");
    victim.wait_for_process("patient-server.sh");
    victim.kill();
}
