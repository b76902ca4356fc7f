//! The host dies, and its children with it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use claude_client::process::{self, Configuration, Exit};

use crate::children::{TREE, members};
use crate::support::{
    LONG, WaitTimeout, alive, eventually, in_scenario, numbers_in_proc, read_line, scenario,
    scenario_argument, sh_with_token, start, unique, with_token,
};

/// The promise is three seconds; a busy machine gets some more.
const SOON: Duration = Duration::from_secs(6);

/// Numbers of the running guardians of this process.
pub fn guardians_of(host: u32) -> Vec<i32> {
    let end = format!("\0claude-guardian\0{host}\0");
    numbers_in_proc()
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.ends_with(end.as_bytes()) && alive(*pid)
        })
        .collect()
}

struct Host {
    process: Child,
    said: String,
    /// Kept open, because the test program's own last words go there.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// A test that fails leaves no host behind.
impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts this test again as a host, and waits for the line that it prints.
fn host(name: &str, argument: &str) -> Host {
    let mut process = scenario(name, argument).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
    let said =
        stdout.by_ref().map(Result::unwrap).find_map(|line| Some(line.split_once("HOST ")?.1.to_owned()));
    Host { process, said: said.expect("the host says that it is ready"), _stdout: stdout }
}

fn announce(text: impl std::fmt::Display) {
    println!("\nHOST {text}");
}

fn hang() -> ! {
    loop {
        std::thread::sleep(LONG);
    }
}

#[test]
fn of_a_killed_host_nothing_is_left() {
    const NAME: &str = "death::of_a_killed_host_nothing_is_left";
    if in_scenario(NAME) {
        let spawned = start(sh_with_token(TREE, &scenario_argument()));
        assert_eq!(read_line(&spawned.stdout), "ready");
        announce(spawned.process.pid());
        hang();
    }
    let token = unique("killed");
    let host = host(NAME, &token);
    let members = members(&token, host.said.parse().unwrap());
    let number = host.process.id();
    drop(host);
    assert!(eventually(SOON, || !members.iter().any(|pid| alive(*pid))), "{members:?}");
    assert!(eventually(SOON, || with_token(&token).is_empty()));
    assert!(eventually(SOON, || guardians_of(number).is_empty()));
}

#[test]
fn of_a_host_killed_at_any_moment_nothing_is_left() {
    const NAME: &str = "death::of_a_host_killed_at_any_moment_nothing_is_left";
    if in_scenario(NAME) {
        let token = scenario_argument();
        announce("ready");
        let mut children = Vec::new();
        loop {
            children.push(start(sh_with_token("setsid sleep 1000 & sleep 1000", &token)));
            if children.len() > 40 {
                hang();
            }
        }
    }
    for round in 0..10 {
        let token = unique("moment");
        let host = host(NAME, &token);
        std::thread::sleep(Duration::from_millis(round * 4));
        drop(host);
        assert!(
            eventually(SOON, || with_token(&token).is_empty()),
            "round {round}: {:?}",
            with_token(&token)
        );
    }
}

#[test]
fn a_host_that_returns_without_clean_up_leaves_nothing() {
    const NAME: &str = "death::a_host_that_returns_without_clean_up_leaves_nothing";
    if in_scenario(NAME) {
        let spawned = start(sh_with_token(TREE, &scenario_argument()));
        assert_eq!(read_line(&spawned.stdout), "ready");
        announce("ready");
        std::mem::forget(spawned);
        return;
    }
    let token = unique("returned");
    let mut host = host(NAME, &token);
    assert!(host.process.wait().unwrap().success());
    assert!(eventually(SOON, || with_token(&token).is_empty()));
}

#[test]
fn a_copy_of_the_host_does_not_hold_the_guardian_up() {
    const NAME: &str = "death::a_copy_of_the_host_does_not_hold_the_guardian_up";
    if in_scenario(NAME) {
        let spawned = start(sh_with_token(TREE, &scenario_argument()));
        assert_eq!(read_line(&spawned.stdout), "ready");
        // SAFETY: the copy does nothing but sleep and end.
        let copy = unsafe { libc::fork() };
        if copy == 0 {
            // SAFETY: as above.
            unsafe {
                libc::sleep(20);
                libc::_exit(0);
            }
        }
        announce(copy);
        hang();
    }
    let token = unique("copied");
    let host = host(NAME, &token);
    let copy: i32 = host.said.parse().unwrap();
    drop(host);
    assert!(eventually(SOON, || with_token(&token).is_empty()));
    assert!(alive(copy), "the copy itself is none of our business");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(copy).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

#[test]
fn a_killed_guardian_is_replaced() {
    const NAME: &str = "death::a_killed_guardian_is_replaced";
    if in_scenario(NAME) {
        let spawned = start(sh_with_token(TREE, &scenario_argument()));
        assert_eq!(read_line(&spawned.stdout), "ready");
        announce("ready");
        hang();
    }
    let token = unique("replaced");
    let host = host(NAME, &token);
    let number = host.process.id();
    assert!(eventually(LONG, || guardians_of(number).len() == 1));
    let first = guardians_of(number)[0];
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(first).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert!(eventually(LONG, || guardians_of(number).first().is_some_and(|second| *second != first)));
    drop(host);
    assert!(eventually(SOON, || with_token(&token).is_empty()));
}

#[test]
fn without_the_guardian_the_children_are_still_told() {
    const NAME: &str = "death::without_the_guardian_the_children_are_still_told";
    if in_scenario(NAME) {
        process::configure(Configuration { guardian: false, ..Configuration::default() });
        let spawned = start(sh_with_token("exec sleep 1000", &scenario_argument()));
        assert_eq!(spawned.process.wait_timeout(Duration::from_millis(100)), None::<Exit>);
        announce("ready");
        hang();
    }
    let token = unique("told");
    let host = host(NAME, &token);
    assert_eq!(with_token(&token).len(), 1);
    drop(host);
    assert!(eventually(SOON, || with_token(&token).is_empty()));
}
