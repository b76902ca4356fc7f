//! The end of a session, asked for by the host, with a CLI that does not end as it should.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use crate::support::host::{Client, Status};
use crate::support::processes::{MARK, assert_gone, descendants, marked, new_mark, runs};
use crate::support::{PATIENCE, eventually, options, timed};
use claude_testkit::fake::FakeClaude;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// What a step of the close may take beyond its grace on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

const SHORT: Duration = Duration::from_millis(400);

fn short_grace(fake: &FakeClaude) -> Value {
    let grace = u64::try_from(SHORT.as_millis()).unwrap();
    options(fake, json!({"graceful_exit_timeout_ms": grace, "terminate_timeout_ms": grace}))
}

/// A session that carries a mark, so that what it leaves behind can be found.
fn marked_session(mut options: Value) -> (Client, String) {
    let mark = new_mark("close");
    options["env"][MARK] = mark.clone().into();
    (Client::connected(&options), mark)
}

#[test]
fn a4_edge_108_a_cli_that_ignores_eof_and_term_is_killed_in_time() {
    let fake = FakeClaude::new(json!({"on_start": ["ignore_eof", "ignore_term"]}));
    let (client, mark) = marked_session(short_grace(&fake));
    let (record, took) = timed(|| client.free());
    assert!(took >= 2 * SHORT && took < 2 * SHORT + SLACK, "free took {took:?}");
    assert_gone(Duration::ZERO, "after free", || marked(&mark));
    assert!(record.closed.is_empty(), "free tells nothing: {record:?}");
}

#[test]
fn edge_108_a_cli_that_ignores_eof_is_asked_to_end() {
    let fake = FakeClaude::new(json!({"on_start": ["ignore_eof"], "on_term": [{"exit": 143}]}));
    let client = Client::connected(&short_grace(&fake));
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took >= SHORT && took < SHORT + SLACK, "disconnect took {took:?}");
    assert_eq!(fake.log().exit_code(), Some(143));
    let closed = client.closed();
    assert_eq!((closed.status, closed.empty), (Status::CLAUDE_OK, true), "it was our doing: {closed:?}");
}

#[test]
fn edge_109_a_cli_that_ends_within_its_grace_gets_no_signal() {
    let fake = FakeClaude::new(json!({"on_eof": [{"sleep": 600}, {"exit": 0}], "on_term": [{"exit": 99}]}));
    let client = Client::connected(&options(&fake, json!({})));
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took >= Duration::from_millis(600), "disconnect took {took:?}");
    assert_eq!(fake.log().exit_code(), Some(0));
}

/// What is left of the tree after the end of its root is not asked for its opinion about stdout.
fn grandchild_holds_the_pipes(end: Value, own_session: bool) {
    let spawn = json!({"spawn": {"seconds": 30, "hold_stdout": true, "hold_stderr": true, "own_session": own_session}});
    let fake = FakeClaude::new(json!({"on_user": ["default", spawn], "on_eof": [end]}));
    let (client, mark) = marked_session(options(&fake, json!({})));
    client.turn("hello");
    fake.wait_for_log(PATIENCE, |log| !log.spawned().is_empty());
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took < SLACK, "disconnect took {took:?}");
    let (_, took) = timed(|| client.free());
    assert!(took < SLACK, "free took {took:?}");
    if let [pid] = marked(&mark)[..] {
        assert!(own_session, "a grandchild of the CLI's group is left");
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    }
    assert_gone(SLACK, "after free", || marked(&mark));
}

#[test]
fn a4_edge_117_a_grandchild_that_holds_stdout_does_not_hold_up_the_end() {
    grandchild_holds_the_pipes(json!({"exit": 0}), false);
}

#[test]
fn a4_edge_117_nor_does_one_in_a_session_of_its_own() {
    grandchild_holds_the_pipes(json!({"exit": 0}), true);
}

#[test]
fn edge_117_nor_does_one_whose_parent_was_killed() {
    grandchild_holds_the_pipes(json!({"signal": "KILL"}), true);
}

#[test]
fn edge_117_the_end_of_the_cli_is_noticed_though_its_stdout_stays_open() {
    let spawn =
        json!({"spawn": {"seconds": 30, "hold_stdout": true, "hold_stderr": true, "own_group": true}});
    let fake = FakeClaude::new(json!({"on_user": ["default", spawn, {"exit": 5}]}));
    let (client, mark) = marked_session(options(&fake, json!({})));
    client.turn("hello");
    let cause = client.cause();
    assert_eq!(
        (cause.status, &cause.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(5)),
        "{cause:#?}"
    );
    drop(client);
    for pid in marked(&mark) {
        let _ = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL);
    }
}

#[test]
fn a_cli_that_closes_its_stdout_and_then_ends_has_ended_normally() {
    let fake = FakeClaude::new(json!({"on_user": ["default", "close_stdout"]}));
    let client = Client::connected(&short_grace(&fake));
    client.turn("hello");
    let closed = client.closed();
    assert_eq!((closed.status, closed.empty), (Status::CLAUDE_OK, true), "{closed:?}");
    assert!(fake.log().saw_eof(), "it was told that nobody is there any more");
}

#[test]
fn a_cli_that_closes_its_stdout_and_lives_on_is_ended() {
    let script = json!({"on_start": ["ignore_eof", "ignore_term"], "on_user": ["default", "close_stdout"]});
    let fake = FakeClaude::new(script);
    let (client, mark) = marked_session(short_grace(&fake));
    client.turn("hello");
    let (cause, took) = timed(|| client.cause());
    assert!(took < 3 * SHORT + SLACK, "the end came after {took:?}");
    assert_eq!(cause.status, Status::CLAUDE_ERR_PROCESS, "{cause:#?}");
    // It was the library that killed it: nothing must be said of a lack of memory.
    assert!(cause.message().contains("closed its output"), "{cause:#?}");
    assert_gone(Duration::ZERO, "after the end", || marked(&mark));
}

#[test]
fn edge_22_eight_megabytes_that_nobody_reads_do_not_hold_up_the_end() {
    let script =
        json!({"on_start": ["ignore_eof", "ignore_term"], "on_initialize": ["stop_reading", "default"]});
    let fake = FakeClaude::new(script);
    let (client, mark) = marked_session(short_grace(&fake));
    let megabyte = "x".repeat(1 << 20);
    let (_, took) = timed(|| (0..8).for_each(|_| client.query(&megabyte).unwrap()));
    assert!(took < SLACK, "sending took {took:?}");
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took < 2 * SHORT + SLACK, "disconnect took {took:?}");
    assert_gone(Duration::ZERO, "after disconnect", || marked(&mark));
}

#[test]
fn edge_22_what_was_queued_for_a_slow_reader_arrives_before_the_end() {
    let fake =
        FakeClaude::new(json!({"on_initialize": [{"stop_reading": 700}, "default"], "on_user": ["result"]}));
    let client = Client::connected(&options(&fake, json!({})));
    let prompts: Vec<String> = (0..8).map(|at| format!("{at}{}", "y".repeat(1 << 20))).collect();
    prompts.iter().for_each(|prompt| client.query(prompt).unwrap());
    client.end_input().unwrap();
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    let received: Vec<String> = fake
        .log()
        .prompts()
        .iter()
        .map(|frame| frame["message"]["content"].as_str().unwrap().to_owned())
        .collect();
    assert!(received == prompts, "{} prompts arrived, or not as they were", received.len());
}

#[test]
fn edge_19_a_call_after_disconnect_says_so() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, json!({})));
    client.disconnect().unwrap();
    let failure = client.query("too late").unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLOSED, "{failure:#?}");
    assert!(!failure.text("remedy").is_empty());
    assert_eq!(
        client.control(&json!({"subtype": "mcp_status"})).unwrap_err().status,
        Status::CLAUDE_ERR_CLOSED
    );
    assert_eq!(client.receive().unwrap_err().status, Status::CLAUDE_ERR_CLOSED);
    assert_eq!(client.connect().unwrap_err().status, Status::CLAUDE_ERR_ALREADY_CONNECTED);
}

#[test]
fn edge_110_disconnecting_twice_from_many_threads_or_without_a_session_is_fine() {
    let fake = FakeClaude::new(json!({"on_eof": [{"sleep": 200}, {"exit": 0}]}));
    let never = Client::new(&options(&fake, json!({})));
    never.disconnect().unwrap();
    never.disconnect().unwrap();
    let client = Client::connected(&options(&fake, json!({})));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.disconnect().unwrap());
        }
    });
    client.disconnect().unwrap();
    assert_eq!(client.look(|record| record.closed.len()), 1);
}

#[test]
fn edge_21_the_end_of_input_can_be_said_twice() {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"sleep": 300}, {"text": "done"}, "result"]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.query("work").unwrap();
    client.end_input().unwrap();
    client.end_input().unwrap();
    let failure = client.query("more").unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CLOSED, "{failure:#?}");
    client.receive().unwrap();
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
}

#[test]
fn edge_112_disconnecting_while_messages_pour_in_ends_the_stream() {
    let script = json!({"on_user": ["init", {"repeat": 100_000, "do": [{"flood": 200, "bytes": 500, "batch": 50_000}]}]});
    let fake = FakeClaude::new(script);
    let (client, mark) = marked_session(short_grace(&fake));
    client.query("pour").unwrap();
    client.wait_for("the stream", |record| record.messages.len() > 500);
    let (ended, took) = timed(|| client.disconnect());
    ended.unwrap();
    assert!(took < 2 * SHORT + SLACK, "disconnect took {took:?}");
    assert_gone(Duration::ZERO, "after disconnect", || marked(&mark));
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
}

#[test]
fn c5_c6_a_cli_that_is_killed_while_idle_is_missed_at_once() {
    let fake = FakeClaude::new(json!({}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    let pid = client.pid();
    assert!(runs(pid) && descendants(std::process::id()).contains(&pid));
    let killed = Instant::now();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    let closed = client.closed();
    let took = closed.at - killed;
    assert!(took < Duration::from_secs(2), "the end was told after {took:?}");
    assert_eq!(
        (closed.status, &closed.json["signal"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(9)),
        "{closed:#?}"
    );
    assert!(eventually(PATIENCE, || client.pid() == 0), "the number of a process that is gone is told");
}
