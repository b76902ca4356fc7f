use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use claude_client::process::{self, Command, Exit, Process, SpawnFailure, Spawned};

pub const LONG: Duration = Duration::from_secs(10);
/// Set by a test for its own children, so that it finds them by other means than the library does.
pub const TOKEN: &str = "PROCESS_TEST_TOKEN";
const SCENARIO: &str = "PROCESS_TEST_SCENARIO";

pub fn program(program: &str, args: &[&str]) -> Command {
    let path = (OsString::from("PATH"), OsString::from("/usr/bin:/bin"));
    let args = args.iter().map(OsString::from).collect();
    Command { program: program.into(), args, env: vec![path], ..Command::default() }
}

pub fn sh(script: &str) -> Command {
    program("/bin/sh", &["-c", script])
}

pub fn sh_with_token(script: &str, token: &str) -> Command {
    let mut command = sh(script);
    command.env.push((TOKEN.into(), token.into()));
    command
}

pub fn try_start(command: Command) -> Result<Spawned, SpawnFailure> {
    process::spawn(command).blocking_recv().expect("the process thread answers")
}

pub fn start(command: Command) -> Spawned {
    try_start(command).expect("starts")
}

/// Runs to the end and returns what it wrote to stdout.
pub fn output(command: Command) -> String {
    let spawned = start(command);
    drop(spawned.stdin);
    read_all(spawned.stdout)
}

/// Reads to the end of the stream.
pub fn read_all(fd: OwnedFd) -> String {
    rustix::fs::fcntl_setfl(&fd, rustix::fs::OFlags::empty()).unwrap();
    let mut text = String::new();
    File::from(fd).read_to_string(&mut text).unwrap();
    text
}

/// Reads up to the first line end.
pub fn read_line(fd: &OwnedFd) -> String {
    rustix::fs::fcntl_setfl(fd, rustix::fs::OFlags::empty()).unwrap();
    let mut line = Vec::new();
    let mut byte = [0u8];
    while rustix::io::read(fd, &mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

pub fn eventually(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    condition()
}

pub fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4())
}

/// Numbers of the running processes that carry the token.
pub fn with_token(token: &str) -> Vec<i32> {
    let wanted = format!("{TOKEN}={token}");
    numbers_in_proc()
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
        })
        .filter(|pid| alive(*pid))
        .collect()
}

pub fn numbers_in_proc() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields of /proc/PID/stat from the state on.
pub fn stat(pid: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

pub fn alive(pid: i32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

/// Children of this process, zombies too.
pub fn own_children() -> Vec<i32> {
    let own = std::process::id().to_string();
    numbers_in_proc().filter(|pid| stat(*pid).is_some_and(|fields| fields[1] == own)).collect()
}

pub fn own_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

pub fn thread_names() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|s| s.trim().into())
        .collect()
}

/// A joined thread leaves /proc a moment after the join has returned.
pub fn no_thread_named(start: &str) -> bool {
    eventually(LONG, || !thread_names().iter().any(|name| name.starts_with(start)))
}

/// Runs the body in a process of its own: this test again, alone. `name` is the test's full name.
pub fn in_own_process(name: &str, body: impl FnOnce()) {
    if in_scenario(name) {
        return body();
    }
    let output = scenario(name, "").stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{name}: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{name} did not run:\n{text}");
}

/// This test again as a host, to be killed. Its standard output is ours.
pub fn scenario(name: &str, argument: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(SCENARIO, name).env("PROCESS_TEST_ARGUMENT", argument);
    command
}

pub fn in_scenario(name: &str) -> bool {
    std::env::var(SCENARIO).is_ok_and(|running| running == name)
}

pub fn scenario_argument() -> String {
    std::env::var("PROCESS_TEST_ARGUMENT").unwrap_or_default()
}

/// Blocks until the child has ended, or for so long.
pub trait WaitTimeout {
    fn wait_timeout(&self, timeout: Duration) -> Option<Exit>;
}

impl WaitTimeout for Process {
    fn wait_timeout(&self, timeout: Duration) -> Option<Exit> {
        let (exited, deadline) = (self.exited(), Instant::now() + timeout);
        while exited.borrow().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        *exited.borrow()
    }
}
