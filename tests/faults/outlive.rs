//! A shutdown of the library that runs out of time abandons nobody.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::support::options;
use crate::support::processes::{MARK, assert_gone, marked, new_mark};
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// With these a CLI that ignores everything ends after the sum of both.
const GRACE_MS: u64 = 700;

/// What such CLIs are like: none of them ends when it is asked.
fn stubborn() -> [Value; 3] {
    let grandchild = json!({"spawn": {"seconds": 120, "own_session": true, "hold_stdout": true}});
    [
        json!({"on_start": ["ignore_eof", "ignore_term"]}),
        json!({"on_start": ["ignore_eof"]}),
        json!({"on_start": ["ignore_eof", "ignore_term", grandchild]}),
    ]
}

/// Whatever the host does then, nothing of it is left in the end.
fn scenario(name: &str, scripts: impl IntoIterator<Item = Value>) {
    for script in scripts {
        let fake = FakeClaude::new(script);
        let mark = new_mark(name);
        let mut options =
            options(&fake, json!({"graceful_exit_timeout_ms": GRACE_MS, "terminate_timeout_ms": GRACE_MS}));
        options["env"][MARK] = mark.clone().into();
        let ended = program::run(fake.sandbox(), "outlives", Variant::Plain, &options, &[name]);
        assert!(ended.status.success(), "{name}: {}\n{}\n{}", ended.status, ended.stdout, ended.stderr);
        assert_gone(Duration::from_secs(15), name, || marked(&mark));
    }
}

#[test]
fn a_later_shutdown_waits_for_the_same_children() {
    scenario("again", stubborn());
}

#[test]
fn their_end_goes_on_though_nobody_calls_again() {
    scenario("patience", stubborn());
}

#[test]
fn a_free_behind_it_waits_until_the_cli_is_gone() {
    scenario("free", stubborn());
}

#[test]
fn it_may_come_in_the_midst_of_a_connect_a_disconnect_a_free_or_another_one() {
    let silent = json!({"on_start": ["ignore_eof", "ignore_term"], "on_initialize": []});
    scenario("during-connect", [silent]);
    for name in ["during-disconnect", "during-free", "two-at-once"] {
        scenario(name, stubborn().into_iter().take(1));
    }
}

#[test]
fn a_session_may_begin_behind_it() {
    scenario("afresh", stubborn().into_iter().take(1));
}

#[test]
fn the_guardian_stays_for_a_host_that_leaves_at_once() {
    scenario("leave", stubborn());
}

/// The host has become another user, and may not signal what it has started.
#[test]
fn a_cli_that_cannot_be_signalled_holds_nobody_up_and_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for way in ["free", "disconnect", "connect", "shutdown"] {
        let silent = if way == "connect" { json!([]) } else { json!(["default"]) };
        let fake =
            FakeClaude::new(json!({"on_start": ["ignore_eof", "ignore_term"], "on_initialize": silent}));
        let mark = new_mark("powerless");
        let mut options = options(
            &fake,
            json!({"graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200, "connect_timeout_ms": 1500}),
        );
        options["env"][MARK] = mark.clone().into();
        let limit = if way == "connect" { "1900" } else { "400" };
        let ended = program::run(fake.sandbox(), "powerless", Variant::Plain, &options, &[way, limit]);
        assert!(ended.status.success(), "{way}: {}\n{}\n{}", ended.status, ended.stdout, ended.stderr);
        // The guardian has kept its rights.
        assert_gone(Duration::from_secs(15), way, || marked(&mark));
    }
}
