//! The stores of `examples-c/`: a folder, SQLite, and PostgreSQL with a server of the test's own. Each keeps the contract, also
//! behind one that is slow, fails, answers twice or late; and each carries a conversation from one machine to the next.
#![cfg(unix)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::postgres::Server;
use crate::support::packaging::{library_folder, module_libraries, need_module, root, run};
use crate::support::toolchain;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use tempfile::TempDir;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Store {
    source: &'static str,
    /// The module of pkg-config that it needs, and the package that has it.
    module: Option<(&'static str, &'static str)>,
}

const FOLDER: Store = Store { source: "store.c", module: None };
const SQLITE: Store = Store { source: "store_sqlite.c", module: Some(("sqlite3", "libsqlite3-dev")) };
const POSTGRES: Store = Store { source: "store_postgres.c", module: Some(("libpq", "libpq-dev")) };

/// A program with a store in it: the example, or the one with faults. `None` where the machine lacks the store's library.
fn program(store: Store, with_faults: bool) -> Option<PathBuf> {
    static BUILT: Mutex<Option<HashMap<(Store, bool), PathBuf>>> = Mutex::new(None);
    let headers = match store.module {
        Some((module, package)) => need_module(module, package)?,
        None => Vec::new(),
    };
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let make = || compile(store, with_faults, headers);
    Some(built.get_or_insert_default().entry((store, with_faults)).or_insert_with(make).clone())
}

fn compile(store: Store, with_faults: bool, headers: Vec<String>) -> PathBuf {
    let example = root().join("examples-c").join(store.source);
    let source = if with_faults { root().join("tests/c/store_faults.c") } else { example.clone() };
    let program = library_folder().join(format!("{}-{with_faults}", store.source));
    let mut compiler = toolchain::c_compiler();
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-pthread"]);
    compiler.args(
        ["-D_POSIX_C_SOURCE=200809L", &format!("-DSTORE=\"{}\"", example.display())]
            [..if with_faults { 2 } else { 0 }]
            .iter(),
    );
    compiler.arg("-I").arg(root().join("include")).args(headers).arg("-o").arg(&program).arg(source);
    compiler.arg("-L").arg(library_folder()).arg("-lclaude_client");
    compiler.arg(format!("-Wl,-rpath,{}", library_folder().display()));
    run(compiler.args(store.module.map_or(Vec::new(), |(module, _)| module_libraries(module))));
    program
}

/// Runs the store with a fault; what it printed.
fn with_fault(store: Store, place: &str, fault: &str) -> Option<String> {
    let output =
        toolchain::start(&program(store, true)?).args([place, fault]).output().expect("start the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{store:?} {fault}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Some(text(&output.stdout))
}

const FAULTS: [&str; 5] = ["none", "slow", "failing", "twice", "late"];

/// Whether the store could be tried.
fn keeps_the_contract(store: Store, place: impl Fn(&str) -> String) {
    for fault in FAULTS {
        let Some(printed) = with_fault(store, &place(fault), fault) else { return };
        if fault == "late" {
            continue;
        }
        let report: serde_json::Value = serde_json::from_str(&printed).expect("a report");
        assert_eq!(
            (&report["passed"], &report["failed"], &report["skipped"]),
            (&19.into(), &0.into(), &0.into()),
            "{report:#}"
        );
    }
}

#[test]
fn the_folder_keeps_the_contract_with_every_fault() {
    let folder = TempDir::new().unwrap();
    keeps_the_contract(FOLDER, |fault| folder.path().join(fault).display().to_string());
}

#[test]
fn sqlite_keeps_the_contract_with_every_fault() {
    let folder = TempDir::new().unwrap();
    keeps_the_contract(SQLITE, |fault| folder.path().join(format!("{fault}.db")).display().to_string());
}

#[test]
fn postgres_keeps_the_contract_with_every_fault() {
    let Some(server) = Server::start("postgres_keeps_the_contract") else { return };
    keeps_the_contract(POSTGRES, |_| server.place());
}

/// A fresh machine: a home of its own, and the API and the working folder that all machines have.
struct Machine {
    sandbox: Sandbox,
}

impl Machine {
    fn new(api: &Loopback, cli: &Path) -> Machine {
        Machine { sandbox: Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", cli) }
    }

    fn start(&self, store: Store, work: &Path, place: &str, more: &[&str]) -> Option<Talk> {
        let mut command = self.sandbox.command(program(store, false)?);
        command.arg("{}").arg(place).args(more).current_dir(work);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the example starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Some(Talk { child, lines, printed: String::new() })
    }
}

/// A running example.
struct Talk {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    printed: String,
}

impl Talk {
    /// One turn, which is stored when this returns.
    fn say(&mut self, prompt: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{prompt}").expect("the example reads");
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("UTF-8");
            self.printed.push_str(&line);
            if read == 0 {
                let words = self.stderr();
                panic!("it ended: {}{words}", self.printed);
            }
            if line == "stored\n" {
                return;
            }
        }
    }

    fn id(&self) -> String {
        let line = self.printed.lines().find_map(|line| line.strip_prefix("session: "));
        line.unwrap_or_else(|| panic!("no session in {}", self.printed)).to_owned()
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }

    /// The machine goes up in smoke.
    fn kill(mut self) {
        self.child.kill().expect("kill the example");
        self.child.wait().expect("it ends");
    }

    /// Ends the input; what it said at the end.
    fn end(mut self) -> (bool, String) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        let _ = self.lines.read_to_string(&mut rest);
        let stderr = self.stderr();
        let status = self.child.wait().expect("it ends");
        (status.success(), format!("{}{rest}{stderr}", self.printed))
    }
}

/// A conversation begins on one machine, which dies, and goes on on another one.
fn moves(test: &str, store: Store, place: &str) {
    let Some(cli) = real_cli_or_skip(test) else { return };
    let api = Loopback::start();
    let work = TempDir::new().unwrap();
    let (one, other) = (Machine::new(&api, &cli), Machine::new(&api, &cli));
    let Some(mut talk) = one.start(store, work.path(), place, &[]) else { return };
    talk.say("the word is teapot");
    let id = talk.id();
    if store == POSTGRES {
        let refused = other.start(store, work.path(), place, &["resume", &id]).unwrap();
        let (well, words) = refused.end();
        assert!(!well && words.contains("in use on another machine"), "{words}");
    }
    talk.kill();
    drop(one);

    let mut talk = resumed(&other, store, work.path(), place, &id);
    assert_eq!(talk.id(), id);
    talk.say("and once more");
    let (well, words) = talk.end();
    assert!(well, "{words}");
    let (well, listed) = other.start(store, work.path(), place, &["list"]).unwrap().end();
    assert!(
        well && listed.lines().any(|line| line.starts_with(&id) && line.len() > id.len() + 1),
        "{listed}"
    );
    let asked = api.messages().into_iter().rfind(|message| message.conversation.prompt() == "and once more");
    let body = asked.expect("the API was asked").body.to_string();
    assert!(body.contains("the word is teapot") && body.contains("do you remember?"), "{body}");
}

/// The server gives back what a dead machine had a moment after its connection has ended.
fn resumed(machine: &Machine, store: Store, work: &Path, place: &str, id: &str) -> Talk {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut talk = machine.start(store, work, place, &["resume", id]).unwrap();
        // Resuming fails before the input is read.
        std::thread::sleep(Duration::from_millis(100));
        let over = Instant::now() + Duration::from_secs(3);
        let refused = loop {
            if talk.child.try_wait().expect("the example can be waited for").is_some() {
                break true;
            }
            if Instant::now() > over {
                break false;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        if !refused {
            talk.say("do you remember?");
            return talk;
        }
        let (_, words) = talk.end();
        assert!(words.contains("in use") && Instant::now() < deadline, "{words}");
    }
}

#[test]
fn a_session_in_a_folder_goes_on_on_another_machine() {
    let folder = TempDir::new().unwrap();
    moves("a_session_in_a_folder", FOLDER, &folder.path().join("store").display().to_string());
}

#[test]
fn a_session_in_sqlite_goes_on_on_another_machine() {
    let folder = TempDir::new().unwrap();
    moves("a_session_in_sqlite", SQLITE, &folder.path().join("sessions.db").display().to_string());
}

#[test]
fn a_session_in_postgres_goes_on_on_another_machine_and_never_on_two() {
    let Some(server) = Server::start("a_session_in_postgres") else { return };
    moves("a_session_in_postgres", POSTGRES, &server.place());
}
