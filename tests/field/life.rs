//! Processes: who keeps them alive, who ends them, and that none is left.

use std::thread;
use std::time::Duration;

use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

use crate::support::host::{Client, Status};
use crate::support::processes::{MARK, assert_gone, marked, new_mark, runs};
use crate::support::{PATIENCE, alone, eventually, options};

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn with_mark(mut options: Value, test: &str) -> (Value, String) {
    let mark = new_mark(test);
    options["env"][MARK] = mark.clone().into();
    (options, mark)
}

#[test]
fn c2_the_cli_outlives_the_threads_that_made_connected_and_used_the_client() {
    let fake = FakeClaude::new(json!({}));
    let options = options(&fake, json!({}));
    let client = thread::spawn(move || Client::new(&options)).join().unwrap();
    let client = thread::spawn(move || client.connect().map(|()| client)).join().unwrap().unwrap();
    let pid = client.pid();
    let client = thread::spawn(move || {
        client.turn("hello");
        client
    });
    let client = client.join().unwrap();
    // A signal at the end of a thread would be on its way by now.
    thread::sleep(Duration::from_millis(500));
    assert!(runs(pid) && client.pid() == pid);
    client.turn("still there?");
}

#[test]
fn c3_tools_that_ignore_sigterm_end_with_the_cli() {
    for own_session in [false, true] {
        let tool =
            json!({"seconds": 300, "ignore_term": true, "hold_stdout": true, "own_session": own_session});
        let fake = FakeClaude::new(
            json!({"on_start": ["ignore_eof", "ignore_term"], "on_user": ["default", {"spawn": tool}]}),
        );
        let quick = json!({"graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200});
        let (options, mark) = with_mark(options(&fake, quick), "c3");
        let client = Client::connected(&options);
        client.turn("hello");
        let log = fake.wait_for_log(PATIENCE, |log| !log.spawned().is_empty());
        assert!(runs(log.spawned()[0]));
        client.disconnect().unwrap();
        assert_gone(PATIENCE, "after disconnect", || marked(&mark));
    }
}

/// Frees a client at some moment of its life; a random number chooses the moment.
fn freed_at(random: u64, options: &Value) {
    let client = Client::new(options);
    let pause = Duration::from_micros(random % 20_000);
    thread::scope(|scope| match random % 4 {
        0 => {}
        1 => {
            scope.spawn(|| client.connect());
            thread::sleep(pause);
            let _ = client.disconnect();
        }
        2 => {
            client.connect().unwrap();
            client.query("work").unwrap();
            thread::sleep(pause);
        }
        _ => {
            client.connect().unwrap();
            let reply = client.control_later(&json!({"subtype": "never"}));
            thread::sleep(pause);
            drop(reply);
        }
    });
    drop(client);
}

#[test]
fn c4_clients_that_are_freed_at_any_moment_leave_no_process_and_no_descriptor() {
    if takes_long() {
        return;
    }
    if !alone(module_path!(), "c4_clients_that_are_freed_at_any_moment_leave_no_process_and_no_descriptor") {
        return;
    }
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 125;
    let script = json!({"on_user": ["init", {"sleep": 10}, {"text": "done"}, {"sleep": 10}, "result"], "on_control": {"never": []}});
    let fake = FakeClaude::new(script);
    let (mut options, mark) = with_mark(options(&fake, json!({})), "c4");
    options["env"]["FAKE_CLAUDE_LOG"] = Value::Null;
    freed_at(2, &options);
    let before = entries("/proc/self/fd");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let options = &options;
            scope.spawn(move || {
                let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(thread + 1);
                for _ in 0..ROUNDS {
                    random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    freed_at(random >> 33, options);
                }
            });
        }
    });
    assert_gone(Duration::ZERO, "after the last free", || marked(&mark));
    assert!(
        eventually(PATIENCE, || entries("/proc/self/fd") <= before),
        "{} {before}",
        entries("/proc/self/fd")
    );
}

#[test]
fn c9_a_client_whose_input_ends_is_not_held_by_another_ones_process() {
    let fakes = [FakeClaude::new(json!({})), FakeClaude::new(json!({}))];
    let [first, second] = fakes.each_ref().map(|fake| Client::connected(&options(fake, json!({}))));
    first.end_input().unwrap();
    assert_eq!(first.closed().status, Status::CLAUDE_OK);
    second.turn("still there?");
    second.end_input().unwrap();
    assert_eq!(second.closed().status, Status::CLAUDE_OK);
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn i7_ten_thousand_clients_that_come_and_go_leave_nothing_behind() {
    if takes_long() {
        return;
    }
    if !alone(module_path!(), "i7_ten_thousand_clients_that_come_and_go_leave_nothing_behind") {
        return;
    }
    let fake = FakeClaude::new(json!({}));
    let options = options(&fake, json!({"system_prompt": "Be brief."}));
    let round = || drop(Client::new(&options));
    (0..500).for_each(|_| round());
    let sizes = || (entries("/proc/self/task"), entries("/proc/self/fd"), resident_kilobytes());
    let before = sizes();
    (0..10_000).for_each(|_| round());
    let after = sizes();
    assert_eq!((after.0, after.1), (before.0, before.1), "threads and descriptors");
    // A client of ten bytes that is not let go of would not show; one of half a kilobyte does.
    assert!(after.2 < before.2 + 5_000, "{before:?} {after:?}");
}
