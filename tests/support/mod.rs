//! What the tests share: a host written in Rust over the C functions, hosts written in C, and a look at processes.
#![allow(dead_code, unused_imports)] // Each test binary uses its own part.

pub mod boundary;
pub mod event;
pub mod examples;
pub mod handle;
pub mod host;
pub mod packaging;
pub mod probe;
pub mod processes;
pub mod program;
#[cfg(unix)]
pub mod pty;
pub mod requests;
pub mod toolchain;
pub mod transport;

use std::process::Command;
use std::time::{Duration, Instant};

use claude_testkit::Patience;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// Far more than anything here takes on an idle machine; waits grow with the load. Bounds that are part of a promise are named
/// in the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a program that can be run at once. Another process writes it: a child that is forked by another test meanwhile would
/// hold a file that is open here, and a file that somebody may write to cannot be run ("Text file busy").
#[cfg(unix)]
pub fn executable(path: impl AsRef<std::path::Path>, text: impl AsRef<[u8]>) {
    use std::io::Write;
    let mut writer = Command::new("sh");
    writer
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path.as_ref())
        .stdin(std::process::Stdio::piped());
    let mut writing = writer.spawn().expect("start sh");
    writing.stdin.take().expect("a pipe").write_all(text.as_ref()).expect("write the program");
    assert!(writing.wait().expect("sh ends").success(), "{} is written", path.as_ref().display());
}

/// One test of this program again, in a process of its own. `module` is the test's `module_path!()`.
pub fn again(module: &str, test: &str) -> Command {
    let name = match module.split_once("::") {
        Some((_, inner)) => format!("{inner}::{test}"),
        None => test.to_owned(),
    };
    let mut command = Command::new(std::env::current_exe().expect("the test knows its own path"));
    command.args(["--exact", &name, "--nocapture"]);
    command
}

/// Runs a test to its successful end, by a command that is made of [`again`].
pub fn passes(command: &mut Command) {
    let output = command.output().expect("the test runs again");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{command:?} ended with {}\n{text}",
        output.status
    );
}

/// Runs this test alone in a process of its own, whose threads can be counted and whose limits may change; `true` inside it.
pub fn alone(module: &str, test: &str) -> bool {
    const ALONE: &str = "CLAUDE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    passes(again(module, test).env(ALONE, "1"));
    false
}

/// The option document for a session with the stand-in CLI; `more` is added to it.
pub fn options(fake: &FakeClaude, more: Value) -> Value {
    let own = json!({"cli_path": fake.path(), "cwd": fake.sandbox().work(), "env": fake.env_json(), "env_mode": "only"});
    merged(own, more)
}

pub fn merged(mut document: Value, more: Value) -> Value {
    let members = more.as_object().expect("options are an object").clone();
    document.as_object_mut().expect("options are an object").extend(members);
    document
}

/// Looks again and again until it holds, or the time is over, which grows with the load of the machine.
pub fn eventually(time: Duration, holds: impl FnMut() -> bool) -> bool {
    Patience::new(time).until(holds)
}

/// As [`eventually`], with a time that is a promise and does not grow.
pub fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs and says how long it took.
pub fn timed<T>(body: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (body(), start.elapsed())
}
