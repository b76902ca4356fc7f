//! The host dies: every phase of a session, in every way in which a process can end. Nothing that it started is left, and up
//! to then nothing of its own has been changed.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::support::packaging::need;
use crate::support::processes::{
    MARK, assert_gone, command_line, descendants, guardian_of, marked, new_mark, runs,
};
use crate::support::program::{self, Variant};
use crate::support::{PATIENCE, eventually, merged, options};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::quick::takes_long;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// The promise is three seconds, and `kill.rs` holds it; here a dozen hosts die at once.
pub(super) const SOON: Duration = Duration::from_secs(12);

/// How a host ends. The first two are done to it.
const WAYS: [&str; 11] = [
    "killed",
    "terminated",
    "exit",
    "_exit",
    "abort",
    "exec",
    "fork_lives",
    "fork_exits",
    "return",
    "fault",
    "interrupted",
];

/// The phases run one behind the other: each of them starts a host for each way.
static ALONE: Mutex<()> = Mutex::new(());

pub(super) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A host in C on its way to its end.
pub(super) struct Host {
    pub(super) process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    mark: String,
    way: &'static str,
}

/// A test that fails leaves no host behind.
impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Host {
    pub(super) fn start(sandbox: &Sandbox, mut options: Value, phase: &str, way: &'static str) -> Host {
        let mark = new_mark(phase);
        options["env"][MARK] = mark.clone().into();
        let mut command = program::command(sandbox, "dying", Variant::Plain, &options, &[phase, way]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let stdin = process.stdin.take().unwrap();
        Host { process, stdin, stdout, mark, way }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(super) fn reaches_its_phase(&mut self) {
        let line = self.line();
        if line != "there" {
            let stderr = self.said_on_stderr();
            panic!("{}: the host says {line:?}\n{stderr}", self.way);
        }
    }

    fn said_on_stderr(&mut self) -> String {
        let _ = self.process.kill();
        let mut text = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            let _ = std::io::Read::read_to_string(stderr, &mut text);
        }
        text
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.process.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Ends it. What goes on in its place, or beside it, and is none of the library's business.
    pub(super) fn dies(&mut self) -> Vec<u32> {
        use rustix::process::Signal;
        match self.way {
            "killed" => self.signal(Signal::KILL),
            "terminated" => self.signal(Signal::TERM),
            "interrupted" => self.signal(Signal::INT),
            _ => self.stdin.write_all(b"go\n").unwrap(),
        }
        match self.way {
            "exec" => {
                let pid = self.process.id();
                let became = || command_line(pid).starts_with("sleep ");
                assert!(eventually(PATIENCE, became), "it is still {}", command_line(pid));
                return vec![pid];
            }
            "fork_lives" => {
                let copy = self.line().strip_prefix("copy ").and_then(|pid| pid.parse().ok()).unwrap();
                self.process.wait().unwrap();
                return vec![copy];
            }
            _ => {}
        }
        let status = self.process.wait().unwrap();
        let orderly = matches!(self.way, "exit" | "_exit" | "return" | "fork_exits");
        let stderr = self.said_on_stderr();
        assert_eq!((status.success(), stderr.as_str()), (orderly, ""), "{}: {status}", self.way);
        Vec::new()
    }

    /// Ends it in its way, and sees what is left.
    fn ends(mut self, has_children: bool) -> Duration {
        let number = self.process.id();
        let tree = descendants(number);
        let guardian = guardian_of(number);
        if has_children {
            assert!(!tree.is_empty() && !marked(&self.mark).is_empty(), "there is nothing to end");
            assert_eq!(guardian.len(), 1, "{}", self.way);
        }
        let unrelated = self.dies();
        let dead = Instant::now();
        let of_the_tree = || tree.iter().chain(&guardian).copied().filter(|pid| runs(*pid));
        let left =
            || marked(&self.mark).into_iter().chain(of_the_tree()).chain(guardian_of(number)).collect();
        assert_gone(SOON, self.way, left);
        let took = dead.elapsed();
        for pid in unrelated {
            assert!(runs(pid), "{}: what is none of the library's business was ended too", self.way);
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        took
    }
}

/// Grandchildren that are deaf, one of them in a session of its own.
fn with_tools(script: Value) -> Value {
    let away = json!({"seconds": 300, "own_session": true, "own_group": true, "ignore_term": true});
    let near = json!({"seconds": 300, "ignore_term": true});
    merged(json!({"on_start": ["ignore_eof", "ignore_term", {"spawn": away}, {"spawn": near}]}), script)
}

fn cell(
    phase: &str,
    way: &'static str,
    fake: &FakeClaude,
    options: Value,
    is_there: &dyn Fn(&FakeClaude) -> bool,
) -> Duration {
    let mut host = Host::start(fake.sandbox(), options, phase, way);
    host.reaches_its_phase();
    let reached =
        eventually(PATIENCE, || is_there(fake) && (phase == "spawning" || has_come_up(&host, phase)));
    assert!(reached, "{phase}, {way}: {:#?}", fake.log());
    host.ends(!matches!(phase, "created" | "spawning"))
}

fn has_come_up(host: &Host, phase: &str) -> bool {
    phase == "created" || (!marked(&host.mark).is_empty() && guardian_of(host.process.id()).len() == 1)
}

/// One phase in all ways, at the same time.
fn phase(
    name: &'static str,
    script: Value,
    more: impl Fn(&FakeClaude) -> Value + Sync,
    is_there: impl Fn(&FakeClaude) -> bool + Sync,
) {
    let _alone = alone();
    let (more, is_there) = (&more, &is_there);
    let script = &with_tools(script);
    let longest = std::thread::scope(|scope| {
        let cells = WAYS.map(|way| {
            scope.spawn(move || {
                let fake = FakeClaude::new(script.clone());
                let options = merged(options(&fake, json!({})), more(&fake));
                cell(name, way, &fake, options, is_there)
            })
        });
        let took = cells.map(|cell| cell.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        took.into_iter().max().unwrap()
    });
    println!("{name}: all gone after {longest:?} at the latest");
}

fn nothing_more(_: &FakeClaude) -> Value {
    json!({})
}

fn tools_run(fake: &FakeClaude) -> bool {
    fake.log().spawned().len() >= 2
}

#[test]
fn c1_a_host_that_dies_before_it_has_connected_leaves_nothing() {
    if takes_long() {
        return;
    }
    phase("created", json!({}), nothing_more, |_| true);
}

#[test]
fn c1_a_host_that_dies_while_it_asks_the_cli_for_its_version_leaves_nothing() {
    if takes_long() {
        return;
    }
    let more = |fake: &FakeClaude| {
        let text = "trap '' TERM HUP; (trap '' TERM; exec setsid sleep 300) & while :; do sleep 1; done";
        json!({"cli_path": script(fake.sandbox().root(), "deaf-claude", text)})
    };
    phase("probing", json!({}), more, |_| true);
}

#[test]
fn c1_a_host_that_dies_while_it_starts_the_cli_leaves_nothing() {
    if takes_long() {
        return;
    }
    phase("spawning", json!({"on_initialize": []}), nothing_more, |_| true);
}

/// Copies of the host, which go on without it.
struct Copies(Vec<u32>);

impl Drop for Copies {
    fn drop(&mut self) {
        for pid in self.0.iter().filter_map(|pid| rustix::process::Pid::from_raw(*pid as i32)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

#[test]
fn c1_copies_of_the_host_that_are_made_while_it_starts_the_cli_keep_nothing() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    for _ in 0..3 {
        let fake = FakeClaude::new(with_tools(json!({})));
        let mut host = Host::start(fake.sandbox(), options(&fake, json!({})), "copied", "killed");
        let pids = host.line().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        let copies = Copies(pids);
        host.reaches_its_phase();
        assert!(eventually(PATIENCE, || has_come_up(&host, "copied")));
        let (number, mark) = (host.process.id(), host.mark.clone());
        host.signal(rustix::process::Signal::KILL);
        host.process.wait().unwrap();
        assert_gone(SOON, "copied", || marked(&mark).into_iter().chain(guardian_of(number)).collect());
        assert!(copies.0.iter().all(|pid| runs(*pid)), "the copies go on");
    }
}

#[test]
fn c1_a_host_that_dies_before_the_cli_has_answered_leaves_nothing() {
    if takes_long() {
        return;
    }
    let asked = |fake: &FakeClaude| tools_run(fake) && fake.log().requests("initialize").len() == 1;
    phase("connecting", json!({"on_initialize": []}), nothing_more, asked);
}

#[test]
fn c1_a_host_that_dies_with_a_spare_that_waits_leaves_nothing() {
    if takes_long() {
        return;
    }
    phase("parked", json!({}), nothing_more, tools_run);
}

#[test]
fn c1_a_host_that_dies_between_two_turns_leaves_nothing() {
    if takes_long() {
        return;
    }
    phase("idle", json!({}), nothing_more, tools_run);
}

#[test]
fn c1_a_host_that_dies_in_a_turn_leaves_nothing() {
    if takes_long() {
        return;
    }
    let script =
        json!({"on_user": ["init", {"repeat": 100_000, "do": [{"text": "on and on"}, {"sleep": 20}]}]});
    phase("turn", script, nothing_more, tools_run);
}

#[test]
fn c1_a_host_that_dies_while_its_tool_runs_leaves_nothing() {
    if takes_long() {
        return;
    }
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "arguments": {}}});
    let ask = json!({"ask": {"subtype": "mcp_message", "server_name": "calc", "message": call}});
    phase("host_tool", json!({"on_user": ["init", ask, "result"]}), nothing_more, tools_run);
}

#[test]
fn c1_a_host_that_dies_while_a_permission_is_open_leaves_nothing() {
    if takes_long() {
        return;
    }
    let ask = json!({"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {"file_path": "a"}}});
    phase("permission", json!({"on_user": ["init", ask, "result"]}), nothing_more, tools_run);
}

#[test]
fn c1_a_host_that_dies_while_it_closes_a_session_leaves_nothing() {
    if takes_long() {
        return;
    }
    let more = |_: &FakeClaude| json!({"graceful_exit_timeout_ms": 600_000});
    phase("closing", json!({}), more, |fake| fake.log().saw_eof());
}

#[test]
fn c1_a_host_that_dies_while_an_older_cli_is_started_again_leaves_nothing() {
    if takes_long() {
        return;
    }
    let more = |fake: &FakeClaude| {
        let cli = fake.path();
        let text = format!(
            "for a; do case \"$a\" in --await-initialize)\necho \"error: unknown option '--await-initialize'\" >&2; exit 1;; \
             esac; done\nexec '{}' \"$@\"",
            cli.display()
        );
        let older = script(fake.sandbox().root(), "older-claude", &text);
        json!({"cli_path": older, "mcp_servers": {"small": {"command": "/bin/true"}}, "strict_mcp_config": true})
    };
    // The stand-in runs at the second start only.
    phase("reconnecting", json!({"on_initialize": []}), more, tools_run);
}

#[test]
fn c1_a_host_that_dies_while_the_library_shuts_down_leaves_nothing() {
    if takes_long() {
        return;
    }
    let more = |_: &FakeClaude| json!({"graceful_exit_timeout_ms": 600_000});
    phase("shutdown", json!({}), more, |fake| fake.log().saw_eof());
}

#[test]
fn c1_a_host_that_dies_and_has_a_launcher_leaves_nothing() {
    if takes_long() {
        return;
    }
    // It stays between the host and the CLI.
    let more = |_: &FakeClaude| json!({"launcher": ["sh", "-c", "\"$0\" \"$@\"; exit $?"]});
    phase("launcher", json!({}), more, tools_run);
}

#[test]
fn c1_a_host_that_dies_and_has_several_clients_leaves_nothing() {
    if takes_long() {
        return;
    }
    phase("several", json!({}), nothing_more, |fake| fake.log().spawned().len() >= 8);
}

#[test]
fn c1_a_host_that_dies_and_has_a_cli_of_another_user_leaves_nothing() {
    if takes_long() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only the root user may start programs of other users");
        return;
    }
    let more = |fake: &FakeClaude| {
        let root = fake.sandbox().root();
        std::fs::write(fake.log_path(), "").unwrap();
        let open =
            |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        open(root);
        std::fs::read_dir(root).unwrap().flatten().for_each(|entry| open(&entry.path()));
        json!({"user": "nobody"})
    };
    phase("user", json!({}), more, tools_run);
}

/// What these tests would see if nobody ended what a host leaves.
#[test]
fn c1_without_a_guardian_what_is_deaf_outlives_the_host() {
    if takes_long() {
        return;
    }
    let _alone = alone();
    let fake = FakeClaude::new(with_tools(json!({})));
    let mut host = Host::start(fake.sandbox(), options(&fake, json!({})), "unguarded", "killed");
    host.reaches_its_phase();
    assert!(eventually(PATIENCE, || tools_run(&fake)));
    assert_eq!(guardian_of(host.process.id()), [] as [u32; 0]);
    host.dies();
    std::thread::sleep(Duration::from_secs(2));
    let left = marked(&host.mark);
    for pid in &left {
        let pid = rustix::process::Pid::from_raw(*pid as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    // The CLI itself may end when it has nobody to write to.
    assert!(left.len() >= 2, "its two tools at least: {left:?}");
}

/// A shell script that can be started.
pub(super) fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    crate::support::executable(&path, format!("#!/bin/sh\n{text}\n"));
    path
}

/// The real CLI with a Bash tool and a server that runs, in the ways in which the host still says goodbye or does not.
#[test]
fn c1_the_real_cli_and_its_running_tool_are_gone_with_the_host_however_it_ends() {
    if takes_long() {
        return;
    }
    const TEST: &str = "c1_the_real_cli_and_its_running_tool_are_gone";
    let Some(cli) = real_cli_or_skip(TEST) else { return };
    let _alone = alone();
    for way in ["killed", "exit", "exec", "fault"] {
        let api = Loopback::start();
        let command = "setsid sleep 4322 & sh -c 'trap \"\" TERM; exec sleep 4321'";
        let input = json!({"name": "Bash", "input": {"command": command, "timeout": 600_000}});
        api.set_rules(vec![claude_testkit::loopback::Rule::on_prompt(
            "go",
            claude_testkit::loopback::Reply::tool("Bash", input["input"].clone()),
        )]);
        let sandbox = Sandbox::new().with_api(api.url());
        let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
            "allowed_tools": ["Bash"]});
        let mut host = Host::start(&sandbox, own, "turn", way);
        host.reaches_its_phase();
        for part in ["sleep 4321", "sleep 4322"] {
            let running = || marked(&host.mark).iter().any(|pid| command_line(*pid).contains(part));
            assert!(eventually(PATIENCE, running), "{part} does not run");
        }
        println!("{way}: all gone after {:?}", host.ends(true));
    }
}

// As the first process of a container

/// The words before a program that make it process 1; `None` where this machine does not let them.
fn in_a_container() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["unshare", "-pf", "--mount-proc"], &["unshare", "-Urpf", "--mount-proc"]];
    let works = |words: &&&[&str]| {
        let mut command = std::process::Command::new(words[0]);
        command.args(&words[1..]).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !need("unshare", "util-linux") {
        return None;
    }
    let found = WAYS.iter().find(works).copied();
    if found.is_none() {
        eprintln!("SKIPPED: this machine does not let a test make a PID namespace (unshare -pf)");
    }
    found
}

/// As process 1 a host has no guardian, and needs none: the system ends what is left.
#[test]
fn c1_of_a_host_that_is_process_1_nothing_is_left_and_no_guardian_is_started() {
    if takes_long() {
        return;
    }
    let Some(words) = in_a_container() else { return };
    let _alone = alone();
    for way in ["killed", "exit", "return", "abort"] {
        let fake = FakeClaude::new(with_tools(json!({})));
        let mark = new_mark("first");
        let mut options = options(&fake, json!({}));
        options["env"][MARK] = mark.clone().into();
        let plain = program::command(fake.sandbox(), "dying", Variant::Plain, &options, &["idle", way]);
        let mut command = fake.sandbox().command(words[0]);
        command.args(&words[1..]).arg(plain.get_program()).args(plain.get_args());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let stdin = process.stdin.take().unwrap();
        let mut host = Host { process, stdin, stdout, mark, way };
        host.reaches_its_phase();
        assert!(eventually(PATIENCE, || tools_run(&fake)));
        let tree = descendants(host.process.id());
        assert!(marked(&host.mark).len() >= 3, "{tree:?}");
        let words: Vec<String> = tree.iter().map(|pid| command_line(*pid)).collect();
        assert!(!words.iter().any(|line| line.contains("claude-guardian")), "{words:#?}");
        // The one that `unshare` has started.
        let first = descendants(host.process.id()).into_iter().find(|pid| {
            let line = command_line(*pid);
            line.contains("dying") && !line.starts_with("unshare")
        });
        let first = rustix::process::Pid::from_raw(first.unwrap() as i32).unwrap();
        match way {
            "killed" => rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap(),
            _ => host.stdin.write_all(b"go\n").unwrap(),
        }
        assert_gone(SOON, way, || {
            marked(&host.mark).into_iter().chain(tree.iter().copied().filter(|pid| runs(*pid))).collect()
        });
    }
}
