//! What a child sees of its host, and what the host learns of the child.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use claude_client::process::{Exit, TREE_MARK};

use crate::support::{
    LONG, WaitTimeout, alive, eventually, output, program, read_all, read_line, sh, sh_with_token, start,
    stat, unique, with_token,
};

#[test]
fn streams_and_exit_code() {
    let spawned = start(sh("cat; echo error >&2; exit 3"));
    rustix::net::send(&spawned.stdin, b"hello", rustix::net::SendFlags::NOSIGNAL).unwrap();
    drop(spawned.stdin);
    assert_eq!(read_all(spawned.stdout), "hello");
    assert_eq!(read_all(spawned.stderr), "error\n");
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Code(3)));
    assert!(spawned.process.is_reaped());
    assert!(!alive(spawned.process.pid() as i32));
}

#[test]
fn our_ends_do_not_block() {
    let spawned = start(sh("sleep 1000"));
    for fd in [&spawned.stdin, &spawned.stdout, &spawned.stderr] {
        assert!(rustix::fs::fcntl_getfl(fd).unwrap().contains(rustix::fs::OFlags::NONBLOCK));
        assert!(rustix::io::fcntl_getfd(fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        assert!(fd.as_raw_fd() > 2);
    }
    assert_eq!(spawned.process.wait_timeout(Duration::from_millis(50)), None);
    assert!(!spawned.process.is_reaped());
    spawned.process.kill_tree();
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGKILL)));
}

#[test]
fn exit_reaches_asynchronous_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let spawned = claude_client::process::spawn(sh("exit 7")).await.unwrap().unwrap();
        let mut exited = spawned.process.exited();
        let exit = tokio::time::timeout(LONG, exited.wait_for(Option::is_some)).await.unwrap().unwrap();
        assert_eq!(*exit, Some(Exit::Code(7)));
    });
}

#[test]
fn only_three_descriptors() {
    // A descriptor of the host that is not close-on-exec, as C code leaves many.
    let leaky = rustix::io::dup(std::io::stderr()).unwrap();
    assert!(!rustix::io::fcntl_getfd(&leaky).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    assert_eq!(output(sh("ls /proc/$$/fd")).split_whitespace().collect::<Vec<_>>(), ["0", "1", "2"]);
}

#[test]
fn own_session_and_group() {
    let spawned = start(sh("sleep 1000"));
    let pid = spawned.process.pid();
    let fields = stat(pid as i32).unwrap();
    assert_eq!((fields[2].clone(), fields[3].clone()), (pid.to_string(), pid.to_string()));
    spawned.process.terminate();
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGTERM)));
}

#[test]
fn a_kill_is_seen_at_once() {
    let spawned = start(program("/bin/sleep", &["1000"]));
    let before = Instant::now();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(spawned.process.pid() as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGKILL)));
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

#[test]
fn c9_siblings_do_not_hold_each_others_pipes() {
    let first = start(program("/bin/cat", &[]));
    let second = start(program("/bin/cat", &[]));
    drop(first.stdin);
    assert_eq!(first.process.wait_timeout(LONG), Some(Exit::Code(0)));
    assert_eq!(second.process.wait_timeout(Duration::from_millis(50)), None);
    drop(second.stdin);
    assert_eq!(second.process.wait_timeout(LONG), Some(Exit::Code(0)));
}

#[test]
fn c2_the_thread_that_asked_may_end() {
    let spawned = std::thread::spawn(|| start(program("/bin/cat", &[]))).join().unwrap();
    assert_eq!(spawned.process.wait_timeout(Duration::from_millis(300)), None);
    drop(spawned.stdin);
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Code(0)));
}

#[test]
fn the_group_ends_with_its_leader() {
    let token = unique("group");
    let spawned = start(sh_with_token("sleep 1000 & echo $!", &token));
    let left: i32 = read_line(&spawned.stdout).parse().unwrap();
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Code(0)));
    assert!(eventually(LONG, || !alive(left)));
    assert_eq!(with_token(&token), [] as [i32; 0]);
}

/// A tree as the CLI and its tools make it: a shell in a session of its own, a server in the group, one that has
/// detached itself, one with an empty environment, and all of them deaf.
pub const TREE: &str = "trap '' TERM HUP INT
    setsid sh -c 'sleep 1000 & sleep 1000' &
    sleep 1000 &
    (setsid sleep 1000 &)
    setsid env -i sleep 1000 &
    echo ready; sleep 1000";

/// The processes of [`TREE`] once all of them run, the one without environment too.
pub fn members(token: &str, leader: u32) -> Vec<i32> {
    let mut members = Vec::new();
    let complete = eventually(LONG, || {
        members = members_now(token, leader);
        members.len() == 8
    });
    assert!(complete, "{members:?}");
    members
}

fn members_now(token: &str, leader: u32) -> Vec<i32> {
    let mut members = with_token(token);
    let leader = leader.to_string();
    members.extend(crate::support::numbers_in_proc().filter(|pid| {
        stat(*pid).is_some_and(|fields| fields[1] == leader)
            && std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| environment.is_empty())
    }));
    members
}

#[test]
fn c3_the_tree_is_killed_wherever_it_went() {
    let token = unique("tree");
    let spawned = start(sh_with_token(TREE, &token));
    assert_eq!(read_line(&spawned.stdout), "ready");
    let members = members(&token, spawned.process.pid());
    spawned.process.terminate();
    assert_eq!(spawned.process.wait_timeout(Duration::from_millis(100)), None, "it is deaf");
    spawned.process.kill_tree();
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGKILL)));
    assert!(eventually(LONG, || !members.iter().any(|pid| alive(*pid))), "{members:?}");
}

#[test]
fn a_child_that_is_struck_down_takes_its_tools_along() {
    let token = unique("struck");
    let spawned =
        start(sh_with_token("setsid sleep 1000 & (setsid sleep 1000 &); sleep 0.3; kill -KILL $$", &token));
    assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Signal(libc::SIGKILL)));
    assert!(eventually(LONG, || with_token(&token).is_empty()));
}

#[test]
fn a_child_that_nobody_waits_for_is_killed() {
    let token = unique("dropped");
    drop(claude_client::process::spawn(sh_with_token("sleep 1000", &token)));
    let after = start(sh("true"));
    assert_eq!(after.process.wait_timeout(LONG), Some(Exit::Code(0)));
    assert!(eventually(LONG, || with_token(&token).is_empty()));
}

#[test]
fn marks_of_outer_trees_stay() {
    let mut command = sh(&format!("echo ${TREE_MARK}"));
    command.env.push((TREE_MARK.into(), "outer".into()));
    let marks = output(command);
    let (outer, own) = marks.trim().split_once(':').unwrap();
    assert_eq!((outer, own.len()), ("outer", 32));
}

#[test]
fn many_at_once() {
    let pending: Vec<_> =
        (0..50).map(|code| (code, claude_client::process::spawn(sh(&format!("exit {code}"))))).collect();
    for (code, outcome) in pending {
        let spawned = outcome.blocking_recv().unwrap().unwrap();
        assert_eq!(spawned.process.wait_timeout(LONG), Some(Exit::Code(code)));
    }
}

/// It says `ready` when it is deaf to SIGTERM.
fn deaf() -> claude_client::process::Spawned {
    let spawned = start(sh("trap '' TERM; echo ready; while :; do sleep 1; done"));
    assert_eq!(read_line(&spawned.stdout), "ready");
    spawned
}

#[test]
fn c1_an_ending_takes_the_shortest_of_all_times_that_were_asked_for() {
    const HOUR: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(50);
    // First what was asked for, then what hastens it: SIGTERM after the one time, SIGKILL another one later.
    for (first, second) in [
        ((Duration::ZERO, HOUR), (Duration::ZERO, Duration::ZERO)),
        ((SHORT, HOUR), (SHORT * 4, Duration::ZERO)),
        ((HOUR, HOUR), (SHORT, SHORT)),
        ((SHORT, SHORT), (HOUR, HOUR)),
        ((HOUR, Duration::ZERO), (Duration::ZERO, SHORT)),
    ] {
        let spawned = deaf();
        spawned.process.end_within(first.0, first.1);
        spawned.process.end_within(second.0, second.1);
        let exit = spawned.process.wait_timeout(LONG);
        assert_eq!(exit, Some(Exit::Signal(libc::SIGKILL)), "{first:?}, then {second:?}");
    }
}

#[test]
fn c1_asking_again_with_the_same_grace_leaves_the_grace() {
    let spawned = start(sh("trap 'sleep 0.5; exit 5' TERM; echo ready; while :; do sleep 0.05; done"));
    assert_eq!(read_line(&spawned.stdout), "ready");
    spawned.process.end_within(Duration::ZERO, LONG);
    // SIGTERM has been sent by now: the second one asks for no more than the first.
    assert_eq!(spawned.process.wait_timeout(Duration::from_millis(100)), None);
    spawned.process.end_within(Duration::ZERO, LONG);
    assert_eq!(spawned.process.wait_timeout(LONG * 2), Some(Exit::Code(5)));
}

/// The process thread is taking a step while somebody asks for a faster end.
#[test]
fn c1_an_ending_that_is_hastened_in_the_midst_of_a_step_is_hastened() {
    for round in 0..150u32 {
        let spawned = deaf();
        spawned.process.end_within(Duration::ZERO, Duration::from_secs(3600));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(u64::from(round) * 2) {
            std::hint::spin_loop();
        }
        spawned.process.end_within(Duration::ZERO, Duration::ZERO);
        let exit = spawned.process.wait_timeout(LONG);
        spawned.process.kill_tree();
        assert_eq!(exit, Some(Exit::Signal(libc::SIGKILL)), "round {round}");
    }
}
