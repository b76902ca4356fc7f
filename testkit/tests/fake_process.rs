//! fake-claude as a process: signals, descriptors, grandchildren.
#![cfg(unix)]

mod pipes;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use claude_testkit::Patience;
use claude_testkit::fake::FakeClaude;
use pipes::{Talk, user};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn start(script: Value) -> (FakeClaude, Talk) {
    let fake = FakeClaude::new(script);
    let talk = Talk::start(fake.command());
    fake.wait_for_log(SOON, |log| log.starts() == 1);
    (fake, talk)
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}");
}

fn lives(pid: u32) -> bool {
    let exists = Command::new("kill").args(["-0", &pid.to_string()]).output().unwrap().status.success();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    exists && !state.contains(") Z ")
}

#[test]
fn sigterm_ends_it_with_the_code_of_the_real_cli() {
    let (_fake, mut talk) = start(json!({}));
    talk.send(&user("so that it is surely listening"));
    talk.until("result");
    signal("TERM", talk.child.id());
    assert_eq!(talk.wait(), Some(143));
}

#[test]
fn it_can_ignore_the_end_of_input_and_sigterm() {
    let (fake, mut talk) =
        start(json!({"on_start": ["ignore_eof", "ignore_term", {"send": {"type": "up"}}]}));
    talk.until("up");
    talk.close_stdin();
    fake.wait_for_log(SOON, |log| log.saw_eof());
    signal("TERM", talk.child.id());
    std::thread::sleep(Duration::from_millis(200));
    assert!(lives(talk.child.id()));
    signal("KILL", talk.child.id());
    assert_eq!(talk.wait(), None);
}

#[test]
fn what_it_asks_after_the_end_of_input_is_never_answered_and_not_waited_for() {
    for ask in [
        json!({"ask": "can_use_tool"}),
        json!({"repeat": 1, "do": [{"ask": "hook_callback", "wait": false}, {"await": "all"}]}),
    ] {
        let (fake, mut talk) = start(json!({"on_eof": [ask, {"exit": 3}]}));
        fake.wait_for_log(SOON, |log| log.starts() == 1);
        talk.close_stdin();
        talk.until("control_request");
        assert_eq!(talk.wait(), Some(3));
    }
    let (_fake, mut talk) = start(json!({"on_eof": [{"ask": "can_use_tool"}, {"exit": 3}]}));
    talk.close_stdin();
    let told = talk.until("assistant");
    assert!(told.to_string().contains("stream closed"), "{told}");
}

#[test]
fn it_can_react_to_sigterm_in_its_own_time() {
    let (fake, mut talk) = start(json!({"on_start": [{"send": {"type": "up"}}],
        "on_term": [{"sleep": 50}, {"send": {"type": "bye"}}, {"exit": 9}]}));
    talk.until("up");
    signal("TERM", talk.child.id());
    talk.until("bye");
    assert_eq!(talk.wait(), Some(9));
    assert_eq!(fake.log().exit_code(), Some(9));
}

#[test]
fn it_can_die_by_a_signal_between_two_writes() {
    for (name, number) in [("KILL", 9), ("TERM", 15), ("SEGV", 11)] {
        let script = json!({"on_start": [{"cut": {"type": "result"}, "at": 4}, {"signal": name}]});
        let fake = FakeClaude::new(script);
        let output = fake.command().output().unwrap();
        assert_eq!(output.status.signal(), Some(number), "{name}");
        assert_eq!(output.stdout, b"{\"ty");
    }
}

#[test]
fn it_can_close_stdout_and_live_on() {
    let (_fake, mut talk) = start(json!({"on_start": ["close_stdout", "ignore_eof"]}));
    assert_eq!(talk.next(), None);
    assert!(lives(talk.child.id()));
    signal("KILL", talk.child.id());
    assert_eq!(talk.wait(), None);
}

#[test]
fn a_grandchild_holds_stdout_after_the_end() {
    let (fake, mut talk) = start(json!({"on_start": [
        {"spawn": {"seconds": 1.5, "hold_stdout": true, "own_group": true, "ignore_term": true}}, {"exit": 0}]}));
    let began = Instant::now();
    assert_eq!(talk.wait(), Some(0));
    let pid = fake.log().spawned()[0];
    signal("TERM", pid);
    assert_eq!(talk.next(), None);
    assert!(began.elapsed() > Duration::from_millis(700), "stdout ended with the grandchild, not before");
}

#[test]
fn a_grandchild_can_be_ended_when_it_does_not_resist() {
    let (fake, mut talk) = start(json!({"on_start": [
        {"spawn": {"seconds": 60, "own_session": true}}, {"exit": 0}]}));
    assert_eq!(talk.wait(), Some(0));
    let pid = fake.log().spawned()[0];
    assert!(lives(pid));
    signal("TERM", pid);
    assert!(Patience::new(SOON).until(|| !lives(pid)), "TERM must end it");
}

#[test]
fn the_log_tells_what_the_host_handed_down() {
    let fake = FakeClaude::new(json!({}));
    let mut command = fake.command();
    command.env("MARK", "42").arg("--model=x");
    let mut talk = Talk::start(command);
    assert_eq!(talk.close(), Some(0));
    let log = fake.log();
    assert_eq!(log.argv(), ["--model=x"]);
    assert_eq!(log.env("MARK"), Some("42"));
    assert_eq!(log.pid(), talk.child.id());
    assert_eq!(log.start()["ids"]["ppid"], std::process::id());
    let work = std::fs::canonicalize(fake.sandbox().work()).unwrap();
    assert_eq!(std::fs::canonicalize(log.start()["cwd"].as_str().unwrap()).unwrap(), work);
}

/// Rust's own start-up would ignore SIGPIPE and fill closed descriptors; the log must come before that.
#[test]
#[cfg(target_os = "linux")]
fn the_log_shows_descriptors_and_signals_as_inherited() {
    let fake = FakeClaude::new(json!({}));
    let run = |shell: &str| {
        let mut command = fake.sandbox().command("sh");
        command.arg("-c").arg(shell).arg("sh").arg(fake.path());
        assert!(command.stdin(std::process::Stdio::null()).output().unwrap().status.success());
        fake.log().start().clone()
    };
    const SIGPIPE: u64 = 1 << 12;
    const SIGTERM: u64 = 1 << 14;
    let plain = run("exec \"$1\" 9</dev/null");
    assert_eq!(plain["fds"]["9"], "/dev/null");
    assert!(plain["fds"]["8"].is_null());
    let ignored = |start: &Value| start["signals"]["ignored"].as_u64().unwrap();
    assert_eq!(ignored(&plain) & (SIGPIPE | SIGTERM), 0, "{plain}");
    let deaf = run("trap '' TERM PIPE; exec \"$1\"");
    assert_eq!(ignored(&deaf) & (SIGPIPE | SIGTERM), SIGPIPE | SIGTERM);
}
