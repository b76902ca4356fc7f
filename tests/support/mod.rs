//! What the fault tests share: a host written in Rust over the C functions, hosts written in C, and a look at processes.
#![allow(dead_code)] // Each test binary uses its own part.

pub mod event;
pub mod host;
#[path = "../packaging/mod.rs"]
pub mod packaging;
pub mod processes;
pub mod program;

use std::time::{Duration, Instant};

use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// Far more than anything here takes; bounds that are part of a promise are named in the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs this test alone in a process of its own, whose threads can be counted and whose limits may change; `true` inside it.
pub fn alone(test: &str) -> bool {
    const ALONE: &str = "CLAUDE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut copy = std::process::Command::new(std::env::current_exe().unwrap());
    let status = copy.args(["--exact", test, "--nocapture"]).env(ALONE, "1").status().unwrap();
    assert!(status.success(), "{status}");
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

/// Looks again and again until it holds, or the time is over.
pub fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
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
