//! What the CLI gets of the host's environment, and how it is found in that environment: with hosts in C, whose environment
//! is really theirs.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::program::{self, Variant};
use claude_client::options::{DENY_LIST, OF_ANOTHER_START};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

type Variables = BTreeMap<String, String>;

/// Choose an account or a provider: whoever has several depends on them.
const KEPT: &[&str] = &[
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "ANTHROPIC_MODEL",
    "AWS_PROFILE",
];

/// What the library sets by itself.
const OWN: &[&str] = &[
    "CLAUDE_AGENT_SDK_CLIENT_APP",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_CLIENT_TREE",
    "CLAUDE_CODE_SDK_READS_SESSION_STATE",
];

/// Runs a host that connects once, with these variables beside those of the sandbox.
fn connect(fake: &FakeClaude, host: &Variables, options: &Value) -> Output {
    let mut command = program::command(fake.sandbox(), "connect", Variant::Plain, options, &[]);
    command.envs(host).env_remove("PATIENCE_MS").output().expect("the host runs")
}

/// The environment of the CLI that such a host starts.
#[track_caller]
fn seen(host: &Variables, options: Value) -> (FakeClaude, Variables) {
    let fake = FakeClaude::new(json!({}));
    let mut options = crate::support::merged(json!({"cli_path": fake.path()}), options);
    if options["env_mode"] == "only" {
        for name in ["FAKE_CLAUDE", "FAKE_CLAUDE_LOG"] {
            options["env"][name] = fake.env_json()[name].clone();
        }
    }
    let output = connect(&fake, host, &options);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "connected\n", "{output:?}");
    let env = fake.log().start()["env"].as_object().expect("an environment").clone();
    let text = |value: Value| value.as_str().expect("a text").to_owned();
    (fake, env.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn all_set_to<'a>(names: impl IntoIterator<Item = &'a &'a str>, value: &str) -> Variables {
    names.into_iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
}

#[test]
fn k1_a_host_that_runs_inside_claude_code_starts_sessions_of_its_own() {
    let host = all_set_to(&["CLAUDECODE", "CLAUDE_CODE_SESSION_ID"], "1");
    let (_, env) = seen(&host, json!({}));
    assert_eq!((env.get("CLAUDECODE"), env.get("CLAUDE_CODE_SESSION_ID")), (None, None));
    let (_, env) = seen(&host, json!({"env_mode": "inherit"}));
    assert_eq!(env.get("CLAUDECODE").map(String::as_str), Some("1"), "who wants it keeps it");
}

#[test]
fn k2_marks_of_another_session_are_held_back_and_accounts_are_not() {
    let names = || DENY_LIST.iter().chain(OF_ANOTHER_START).chain(KEPT);
    let host = all_set_to(names(), "host");
    let by_app: serde_json::Map<String, Value> =
        names().map(|name| ((*name).to_owned(), json!("app"))).collect();
    for mode in ["overlay", "inherit", "only"] {
        let (_, env) = seen(&host, json!({"env_mode": mode}));
        for name in names() {
            let passes = match mode {
                "overlay" => KEPT.contains(name),
                "inherit" => !OF_ANOTHER_START.contains(name),
                _ => false,
            };
            let value = env.get(*name).map(String::as_str).filter(|value| *value == "host");
            assert_eq!(value, passes.then_some("host"), "{name} in the mode {mode}");
        }
        let (_, env) = seen(&host, json!({"env_mode": mode, "env": by_app}));
        for name in names() {
            assert_eq!(env.get(*name).map(String::as_str), Some("app"), "{name} in the mode {mode}");
        }
    }
    let reference = crate::support::packaging::read("docs/options.md");
    for name in DENY_LIST.iter().chain(OF_ANOTHER_START) {
        assert!(reference.contains(&format!("`{name}`")), "{name} is not in docs/options.md");
    }
}

#[test]
fn k3_each_mode_gives_exactly_what_it_says() {
    let host: Variables = all_set_to(&["HOST_ONE", "HOST_TWO"], "host");
    let more = json!({"HOST_TWO": "app", "APP": "a=b c", "LANG": null});
    let as_set = |fake: &FakeClaude, base: bool| -> Variables {
        let mut env = Variables::new();
        if base {
            let sandbox = fake.sandbox().env().into_iter();
            env.extend(sandbox.map(|(name, value)| {
                (name.into_string().expect("a name"), value.into_string().expect("a value"))
            }));
            env.extend(host.clone());
        } else {
            let of = |name: &str| fake.env_json()[name].as_str().expect("a variable").to_owned();
            env.extend(["FAKE_CLAUDE", "FAKE_CLAUDE_LOG"].map(|name| (name.to_owned(), of(name))));
        }
        env.insert("HOST_TWO".into(), "app".into());
        env.insert("APP".into(), "a=b c".into());
        env.remove("LANG");
        env
    };
    for (mode, base) in [("overlay", true), ("inherit", true), ("only", false)] {
        let (fake, mut env) = seen(&host, json!({"env_mode": mode, "env": more}));
        for name in OWN {
            assert!(env.remove(*name).is_some(), "{mode}: {name} is missing");
        }
        assert_eq!(env, as_set(&fake, base), "{mode}");
    }
}

#[test]
fn s2_a_secret_of_the_host_stays_with_the_host_when_only_these_are_asked_for() {
    let host = all_set_to(&["DATABASE_URL", "ANTHROPIC_API_KEY", "GITHUB_TOKEN"], "CANARY-of-the-host");
    let (_, env) = seen(&host, json!({"env_mode": "only", "env": {"HOME": "/nowhere"}}));
    assert!(!env.values().any(|value| value.contains("CANARY")), "{env:#?}");
    assert_eq!(env.get("HOME").map(String::as_str), Some("/nowhere"));
    // It would have been seen: in the other modes it is passed on.
    let (_, env) = seen(&host, json!({}));
    assert_eq!(env.values().filter(|value| value.contains("CANARY")).count(), 3);
}

#[test]
fn t4_the_cli_is_kept_from_replacing_itself_when_the_option_says_so() {
    const NAME: &str = "DISABLE_AUTOUPDATER";
    let without = json!({"env": {NAME: null}});
    let (_, env) = seen(&Variables::new(), without.clone());
    assert_eq!(env.get(NAME), None);
    let (_, env) =
        seen(&Variables::new(), crate::support::merged(without.clone(), json!({"prevent_autoupdate": true})));
    assert_eq!(env.get(NAME).map(String::as_str), Some("1"));
    let (_, env) =
        seen(&Variables::new(), crate::support::merged(without, json!({"prevent_autoupdate": false})));
    assert_eq!(env.get(NAME), None);
}

/// What a program that was started from a desktop has.
fn desktop() -> Variables {
    Variables::from([("PATH".into(), "/usr/bin:/bin".into())])
}

fn linked(place: PathBuf, to: &Path) -> PathBuf {
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("make the folder");
    symlink(to, &place).expect("link");
    place
}

#[test]
fn k4_an_installation_in_the_home_folder_is_found_with_the_path_of_a_desktop() {
    let fake = FakeClaude::new(json!({}));
    linked(fake.sandbox().home().join(".npm-global/bin/claude"), &fake.path());
    let output = connect(&fake, &desktop(), &json!({}));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "connected\n", "{output:?}");
    assert_eq!(fake.log().starts(), 1);
}

#[test]
fn k4_a_cli_whose_interpreter_is_not_in_the_path_says_what_to_set() {
    let fake = FakeClaude::new(json!({}));
    let folder = fake.sandbox().root().join("node/bin");
    linked(folder.join("own-node"), &fake.path());
    let script = folder.join("claude");
    crate::support::executable(&script, "#!/usr/bin/env own-node\n");
    let output = connect(&fake, &desktop(), &json!({"cli_path": script}));
    let error: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(
        (&error["name"], &error["reason"]),
        (&json!("CLAUDE_ERR_PROCESS"), &json!("program_missing")),
        "{error:#}"
    );
    assert!(error["stderr"].as_str().unwrap().contains("own-node"), "{error:#}");
    assert!(error["remedy"].as_str().unwrap().contains("set PATH with the option env"), "{error:#}");
    // What it says helps.
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let output = connect(&fake, &desktop(), &json!({"cli_path": script, "env": {"PATH": path}}));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "connected\n", "{output:?}");
}

/// A library that is preloaded into a host.
fn slow_disk(folder: &Path) -> PathBuf {
    let library = folder.join("slow_disk.so");
    let mut cc = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(["-std=c99", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"]).arg(&library);
    cc.arg(crate::support::packaging::root().join("tests/c/slow_disk.c")).arg("-ldl");
    crate::support::packaging::run(&mut cc);
    library
}

#[test]
fn k5_no_thread_of_the_host_waits_for_a_slow_disk() {
    let fake = FakeClaude::new(json!({}));
    let found = linked(fake.sandbox().root().join("found/claude"), &fake.path());
    let log = fake.sandbox().root().join("slow.log");
    let path = [Path::new("/slow/bin"), found.parent().unwrap()].map(Path::as_os_str).join(OsStr::new(":"));
    let mut command = program::command(fake.sandbox(), "connect", Variant::Plain, &json!({}), &[]);
    command.env("PATH", path).env("LD_PRELOAD", slow_disk(fake.sandbox().root())).env("SLOW_DISK_LOG", &log);
    let output = command.output().expect("the host runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "connected\n", "{output:?}");
    let looks = std::fs::read_to_string(log).expect("the slow disk was looked at");
    assert!(looks.contains("other") && !looks.contains("main"), "{looks}");
}
