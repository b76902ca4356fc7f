//! A thousand sessions leave nothing behind: no thread, no descriptor, no child, no memory.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};

use crate::support::options;
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

const ROUNDS: i64 = 900;

fn leave_nothing_behind(script: Value, who_ends: &str) {
    let fake = FakeClaude::new(script);
    let mut options = options(&fake, json!({}));
    // The log of a thousand sessions is of no use.
    options["env"]["FAKE_CLAUDE_LOG"] = Value::Null;
    let args = [&ROUNDS.to_string(), who_ends];
    let ended = program::run(fake.sandbox(), "rounds", Variant::Plain, &options, &args).expect_success();
    let sizes: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let size = |when: &str, what: &str| sizes[when][what].as_i64().unwrap();
    for what in ["threads", "descriptors", "children"] {
        assert_eq!(size("after", what), size("warm", what), "{what}: {sizes:#}");
        assert_eq!(size("down", what), size("fresh", what), "{what} after a shutdown: {sizes:#}");
        assert_eq!(size("again", what), size("fresh", what), "{what} after another one: {sizes:#}");
    }
    assert_eq!((size("down", "threads"), size("warm", "children")), (1, 0), "{sizes:#}");
    // A kilobyte that is lost in each round would show.
    assert!(size("after", "kb") < size("warm", "kb") + ROUNDS, "memory: {sizes:#}");
}

#[test]
fn i7_a_thousand_sessions_that_the_host_ends_leave_nothing_behind() {
    if takes_long() {
        return;
    }
    leave_nothing_behind(json!({}), "host");
}

#[test]
fn i7_a_thousand_sessions_that_the_cli_ends_leave_nothing_behind() {
    if takes_long() {
        return;
    }
    leave_nothing_behind(json!({"on_user": ["default", {"exit": 0}]}), "cli");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// What may be private or large comes in a file to a CLI that knows no other way.
#[test]
fn j6_no_file_is_left_by_a_hundred_sessions_of_a_cli_that_ends_slowly() {
    if takes_long() {
        return;
    }
    let fake = FakeClaude::new(json!({"on_eof": [{"sleep": 30}, {"exit": 0}]}));
    let servers = json!({"m": {"command": "true", "env": {"KEY": "private"}}});
    let mut options = options(
        &fake,
        json!({"settings": {"env": {"A": "private"}}, "mcp_servers": servers, "mcp_servers_delivery": "file"}),
    );
    options["env"]["FAKE_CLAUDE_LOG"] = Value::Null;
    let before = files(fake.sandbox().root());
    program::run(fake.sandbox(), "rounds", Variant::Plain, &options, &["50", "host"]).expect_success();
    assert_eq!(files(fake.sandbox().root()), before);
}

#[test]
fn some_sessions_leak_nothing_that_valgrind_sees() {
    if Variant::Valgrind.is_possible() {
        let fake = FakeClaude::new(json!({}));
        let options = options(&fake, json!({}));
        program::run(fake.sandbox(), "rounds", Variant::Valgrind, &options, &["5", "host"]).expect_success();
    }
}
