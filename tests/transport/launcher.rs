//! The option `launcher`: what the CLI at the far side gets, and what is left when an end goes away.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::transport::client::{Client, Status};
use crate::support::transport::sshd::Sshd;
use crate::support::transport::{eventually, need};
use claude_testkit::fake::{FakeClaude, FakeLog};
use serde_json::{Value, json};

const SECRET: &str = "sk-ant-api03-do-not-show-this-anywhere";
const NASTY: &str = "it's \"quoted\" $HOME `id` \\ * ; & | < > ! # ~ (x)\nsecond line 日本";

/// Options for a stand-in behind `launcher`, with everything in them that is hard to carry.
fn options(fake: &FakeClaude, launcher: Value) -> Value {
    let folder = fake.sandbox().work().join("a folder's \"name\" $x");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut env = fake.env_json();
    env["NASTY"] = NASTY.into();
    env["ANTHROPIC_API_KEY"] = SECRET.into();
    env["EMPTY"] = "".into();
    env["REMOVED"] = Value::Null;
    json!({"launcher": launcher, "cli_path": fake.path(), "cwd": folder, "env": env,
           "extra_args": {"nasty": NASTY, "empty": ""}})
}

/// That all of it has arrived.
fn check_arrival(fake: &FakeClaude, log: &FakeLog) {
    assert!(log.argv().contains(&format!("--nasty={NASTY}")), "{:?}", log.argv());
    assert!(log.argv().contains(&"--empty=".to_owned()), "{:?}", log.argv());
    assert_eq!(log.env("NASTY"), Some(NASTY));
    assert_eq!(log.env("ANTHROPIC_API_KEY"), Some(SECRET));
    assert_eq!(log.env("EMPTY"), Some(""));
    assert_eq!(log.env("REMOVED"), None);
    assert_eq!(log.env("CLAUDE_CODE_ENTRYPOINT"), None);
    assert_eq!(
        log.env("CLAUDE_AGENT_SDK_CLIENT_APP"),
        Some(concat!("claude-client/", env!("CARGO_PKG_VERSION")))
    );
    let folder = fake.sandbox().work().join("a folder's \"name\" $x").canonicalize().expect("it is there");
    assert_eq!(log.start()["cwd"].as_str().map(Path::new), Some(folder.as_path()));
    let first: Value =
        serde_json::from_str(log.lines()[0]).expect("the first line that the CLI sees is JSON");
    assert_eq!(first["request"]["subtype"], "initialize");
}

/// The command lines of all processes that can be seen.
fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

#[test]
fn ssh_carries_words_variables_and_folder_and_shows_no_secret() {
    let Some(server) = Sshd::start() else { return };
    let fake = FakeClaude::new(json!({}));
    let client = Client::new(&options(&fake, server.launcher()));
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    assert_eq!(client.turn("hello")["subtype"], "success");
    check_arrival(&fake, &fake.log());
    let shown: Vec<String> = command_lines().into_iter().filter(|line| line.contains(SECRET)).collect();
    assert!(shown.is_empty(), "{shown:?}");
    client.disconnect().expect("it ends");
    eventually("the far side ends", || !is_alive(fake.log().pid()));
}

/// A program with this name that stands for the real one: it takes its own words off and runs the rest.
fn stand_in(folder: &Path, name: &str, body: &str) -> PathBuf {
    let path = folder.join(name);
    crate::support::executable(&path, format!("#!/bin/sh\n{body}\n"));
    path
}

/// Drops the environment as a container does.
const RUN_APART: &str =
    "exec env -i PATH=/usr/bin:/bin REMOVED=not-yet sh -c 'cd / && exec \"$@\"' sh \"$@\"";

#[test]
fn containers_get_the_words_as_they_are() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("docker", &["exec", "-i", "box"], 3),
        ("podman", &["exec", "-i", "box"], 3),
        ("kubectl", &["exec", "-i", "pod", "--"], 4),
        ("wsl.exe", &["-d", "Debian", "-e"], 3),
        // It keeps the words and not the environment.
        ("sudo", &["-n", "-u", "somebody"], 3),
    ];
    for (name, words, count) in cases {
        let fake = FakeClaude::new(json!({}));
        let log = fake.sandbox().root().join("words");
        let body = format!("printf '%s\\n' \"$@\" >'{}'\nshift {count}\n{RUN_APART}", log.display());
        let program = stand_in(fake.sandbox().root(), name, &body);
        let mut launcher = vec![program.display().to_string()];
        launcher.extend(words.iter().map(|word| (*word).to_owned()));
        let client = Client::new(&options(&fake, json!(launcher)));
        client.connect().unwrap_or_else(|failure| panic!("{name}: {failure:#?}"));
        client.turn("hello");
        check_arrival(&fake, &fake.log());
        let seen = std::fs::read_to_string(log).expect("the words");
        assert!(seen.starts_with(&format!("{}\nsh\n-c\n", words.join("\n"))), "{seen}");
        assert!(seen.contains(&fake.path().display().to_string()), "{seen}");
        assert!(!seen.contains(SECRET), "{seen}");
    }
}

#[test]
fn names_that_a_shell_would_take_apart_are_refused_before_anything_is_started() {
    for name in ["A;touch made", "B$(touch made)", "with-dash", "1ST", "it's", "näme", "two\nlines", "a/b~c"]
    {
        for value in [json!("value"), Value::Null] {
            let fake = FakeClaude::new(json!({}));
            let mark = fake.sandbox().root().join("started");
            let body = format!("touch '{}'\nshift 1\n{RUN_APART}", mark.display());
            let program = stand_in(fake.sandbox().root(), "docker", &body);
            let mut options = options(&fake, json!([program, "exec"]));
            options["env"][name] = value;
            let failure = Client::new(&options).connect().expect_err("the name is refused");
            assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{failure:?}");
            let pointer = format!("/env/{}", name.replace('~', "~0").replace('/', "~1"));
            assert_eq!(failure.json["pointer"], pointer, "{failure:?}");
            assert!(!mark.exists() && fake.log().starts() == 0, "{name}: something was started");
        }
    }
    // Where no shell reads them, such names are nobody's business.
    let fake = FakeClaude::new(json!({}));
    let program = stand_in(fake.sandbox().root(), "wrapper", "exec \"$@\"");
    let mut options = options(&fake, json!([program]));
    options["env"]["with-dash"] = "value".into();
    Client::new(&options).connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
}

#[test]
fn wsl_without_exec_has_a_shell_at_its_far_side() {
    for words in [&["--"] as &[&str], &["-d", "Debian", "--"], &[]] {
        let fake = FakeClaude::new(json!({}));
        let body = format!(
            "shift {}\nexec env -i PATH=/usr/bin:/bin REMOVED=not-yet sh -c \"cd / && $*\"",
            words.len()
        );
        let program = stand_in(fake.sandbox().root(), "wsl.exe", &body);
        let mut launcher = vec![program.display().to_string()];
        launcher.extend(words.iter().map(|word| (*word).to_owned()));
        let client = Client::new(&options(&fake, json!(launcher)));
        client.connect().unwrap_or_else(|failure| panic!("{words:?}: {failure:#?}"));
        client.turn("hello");
        check_arrival(&fake, &fake.log());
    }
}

#[test]
fn ssh_takes_a_mark_for_the_end_of_its_options() {
    let Some(server) = Sshd::start() else { return };
    let fake = FakeClaude::new(json!({}));
    let mut launcher = server.launcher();
    launcher.as_array_mut().expect("words").push("--".into());
    let client = Client::new(&options(&fake, launcher));
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn("hello");
    check_arrival(&fake, &fake.log());
}

#[test]
fn launchers_that_stay_here_pass_everything_on() {
    let fake = FakeClaude::new(json!({}));
    let program =
        stand_in(fake.sandbox().root(), "wrapper", "test \"$1\" = one || exit 9\nshift 2\nexec \"$@\"");
    let mut options = options(&fake, json!([program, "one", "two words"]));
    options["env_mode"] = "only".into();
    let client = Client::new(&options);
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn("hello");
    check_arrival(&fake, &fake.log());
}

/// Whatever a launcher has started goes with it, though it heeds neither the end of the input nor SIGTERM.
#[test]
fn a_launcher_and_its_children_end_within_the_grace() {
    if !need("setsid", "util-linux") {
        return;
    }
    let fake = FakeClaude::new(json!({}));
    let pids = fake.sandbox().root().join("pids");
    let stays = "trap \"\" TERM HUP INT; while :; do sleep 0.1; done";
    let body = format!(
        "trap '' TERM HUP INT\nsh -c '{stays}' & echo $! >>'{pids}'\n\
         setsid sh -c 'echo $$ >>\"{pids}\"; {stays}' &\n\"$@\"\n{stays}",
        pids = pids.display()
    );
    let program = stand_in(fake.sandbox().root(), "wrapper", &body);
    let mut options = options(&fake, json!([program]));
    options["graceful_exit_timeout_ms"] = 300.into();
    options["terminate_timeout_ms"] = 300.into();
    let client = Client::new(&options);
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn("hello");
    let read = || std::fs::read_to_string(&pids).unwrap_or_default();
    eventually("both children run", || read().lines().count() == 2);
    let mut all: Vec<u32> = read().lines().map(|pid| pid.parse().expect("a number")).collect();
    all.extend([client.pid(), fake.log().pid()]);
    assert!(all.iter().all(|pid| is_alive(*pid)), "{all:?}");
    let begin = std::time::Instant::now();
    client.free();
    let left: Vec<&u32> = all.iter().filter(|pid| is_alive(**pid)).collect();
    assert!(left.is_empty(), "{left:?} of {all:?} still run");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

#[test]
fn a_launcher_is_found_in_the_path() {
    let fake = FakeClaude::new(json!({}));
    if !need("nice", "coreutils") {
        return;
    }
    let client = Client::new(&options(&fake, json!(["nice", "-n", "5"])));
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    let missing =
        Client::new(&options(&fake, json!(["no-such-launcher"]))).connect().expect_err("it is not there");
    assert_eq!(missing.status, Status::CLAUDE_ERR_CLI_NOT_FOUND);
    assert_eq!(missing.json["pointer"], "/launcher/0", "{missing:?}");
    let nowhere = Client::new(&options(&fake, json!(["/nowhere/docker", "exec"]))).connect();
    assert_eq!(nowhere.expect_err("it is not there").status, Status::CLAUDE_ERR_CLI_NOT_FOUND);
}

#[test]
fn what_goes_wrong_at_the_far_side_is_said() {
    let Some(server) = Sshd::start() else { return };
    let fake = FakeClaude::new(json!({}));
    let failure = |change: &dyn Fn(&mut Value)| {
        let mut options = options(&fake, server.launcher());
        change(&mut options);
        Client::new(&options).connect().expect_err("it fails")
    };
    let no_cli = failure(&|options| options["cli_path"] = "/nowhere/claude".into());
    assert_eq!(
        (no_cli.status, &no_cli.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(127)),
        "{no_cli:?}"
    );
    assert!(no_cli.message().contains("/nowhere/claude"), "{no_cli:?}");
    let no_folder = failure(&|options| options["cwd"] = "/nowhere/at all".into());
    assert_eq!(no_folder.status, Status::CLAUDE_ERR_PROCESS);
    assert!(no_folder.message().contains("/nowhere/at all"), "{no_folder:?}");
    let no_host = failure(&|options| options["launcher"][3] = "no-such-host.invalid".into());
    assert_eq!(
        (no_host.status, &no_host.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(255)),
        "{no_host:?}"
    );
    assert_eq!(fake.log().starts(), 0);
}

#[test]
fn the_far_side_ends_when_the_near_one_is_killed() {
    let Some(server) = Sshd::start() else { return };
    let fake = FakeClaude::new(json!({}));
    let client = Client::new(&options(&fake, server.launcher()));
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    client.turn("hello");
    let (near, far) = (client.pid(), fake.log().pid());
    assert_ne!(near, far);
    let killed = std::process::Command::new("kill").args(["-KILL", &near.to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let cause = client.closed();
    assert_eq!((cause.status, &cause.json["signal"]), (Status::CLAUDE_ERR_PROCESS, &json!(9)), "{cause:?}");
    let log = fake.wait_for_log(Duration::from_secs(30), FakeLog::saw_eof);
    assert!(log.saw_eof());
    eventually("the far side ends", || !is_alive(far));
}

#[test]
fn a_far_side_that_ignores_the_end_costs_no_more_than_the_grace() {
    let Some(server) = Sshd::start() else { return };
    let fake = FakeClaude::new(json!({"on_start": ["ignore_eof", "ignore_term"]}));
    let mut options = options(&fake, server.launcher());
    options["graceful_exit_timeout_ms"] = 300.into();
    options["terminate_timeout_ms"] = 300.into();
    let client = Client::new(&options);
    client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
    let (near, far) = (client.pid(), fake.log().pid());
    let begin = std::time::Instant::now();
    client.free();
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    assert!(!is_alive(near), "the near side still runs");
    // Nothing reaches it any more: it is this test's to end.
    if is_alive(far) {
        let _ = std::process::Command::new("kill").args(["-KILL", &far.to_string()]).status();
    }
}
