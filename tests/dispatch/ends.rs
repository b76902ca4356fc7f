//! How a CLI ends and what a program is told of it, on each system that the programs run on: `make test-windows` runs them there.
#![cfg(target_os = "linux")]

use std::time::Duration;

use crate::common::{Scenario, scenario};
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

const QUICK: &str = r#"{"graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300}"#;

fn quick() -> Value {
    serde_json::from_str(QUICK).expect("JSON")
}

/// A turn that starts a process and does not end.
fn busy(more: Value) -> Value {
    let mut script = json!({"on_user": [["init", {"spawn": {"seconds": 600.0, "hold_stdout": true, "hold_stderr": true}}, {"sleep": 600_000}]]});
    for (name, value) in more.as_object().expect("an object") {
        script[name] = value.clone();
    }
    script
}

/// What a scenario printed last, behind its first word.
fn told(scenario: &Scenario) -> (String, Value) {
    let printed = scenario.run();
    let (word, json) = printed.trim().split_once(' ').expect("a word and JSON");
    (word.to_owned(), serde_json::from_str(json).expect("JSON"))
}

#[test]
fn a_cli_that_ignores_the_end_of_its_input_goes_with_all_that_it_started() {
    let script =
        busy(json!({"on_start": ["default", "ignore_eof", "ignore_term"], "on_control": {"interrupt": []}}));
    scenario("dispatch_ends", &["ignores-end"], script).options(quick()).run();
}

#[test]
fn a_cli_that_obeys_the_end_of_its_input_ends_by_itself() {
    let scenario = scenario("dispatch_ends", &["obeys-end"], json!({}));
    scenario.run();
    let log = scenario.fake.log();
    assert!(log.saw_eof() && log.exit_code() == Some(0), "{log:?}");
}

#[test]
fn a_cli_that_dies_is_told_with_its_code_and_its_last_words() {
    let script = json!({"on_user": [["init", {"stderr": "the reason, at last\n"}, {"exit": 7}]]});
    let (_, error) = told(&scenario("dispatch_ends", &["dies"], script));
    assert_eq!(error["exit_code"], 7, "{error}");
    assert!(error["stderr"].as_str().is_some_and(|text| text.contains("the reason, at last")), "{error}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("code 7")), "{error}");
}

#[test]
fn what_cannot_be_started_is_refused_with_the_remedy() {
    for (path, name, words) in [
        ("/nowhere/claude.exe", "CLAUDE_ERR_CLI_NOT_FOUND", "install it or correct the path"),
        ("/tmp", "CLAUDE_ERR_CLI_CONNECTION", "name the program in it"),
    ] {
        let refused = scenario("dispatch_ends", &["refused"], json!({})).options(json!({"cli_path": path}));
        let (status, error) = told(&refused);
        assert_eq!(status, name, "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(words)), "{error}");
    }
}

#[test]
fn a_missing_working_directory_is_named() {
    let refused =
        scenario("dispatch_ends", &["refused"], json!({})).options(json!({"cwd": "/nowhere/at/all"}));
    let (status, error) = told(&refused);
    assert_eq!(
        (status.as_str(), &error["reason"]),
        ("CLAUDE_ERR_CLI_CONNECTION", &json!("cwd_missing")),
        "{error}"
    );
}

#[test]
fn the_probe_asks_the_cli_and_looks_at_its_folders() {
    let printed = scenario("dispatch_ends", &["probe"], json!({})).run();
    let report: Value = serde_json::from_str(printed.trim()).expect("JSON");
    assert_eq!(report["cli"]["version"], report["library"]["tested_cli_version"], "{report}");
    let level = |id: &str| {
        let findings = report["findings"].as_array().expect("findings");
        findings.iter().find(|finding| finding["id"] == id).map(|finding| finding["level"].clone())
    };
    for id in ["cli_found", "cli_version", "home", "config_dir", "tmpdir"] {
        assert_eq!(level(id), Some(json!("ok")), "{id}: {report}");
    }
}

/// Each as an argument of the CLI and as a variable of it.
#[test]
fn hostile_words_reach_the_cli_as_they_are() {
    let words = [
        "a b",
        "a\"b",
        "ends with \\",
        "a b\\",
        "\\\"",
        "%PATH%",
        "^&|<>()!",
        "'single'",
        "{\"a\": \"b c\"}",
        "日本 🎈",
        "--x",
        "\\\\server\\a b\\",
        "tab\tx",
        "line\nbreak",
        "* ? [x]",
    ];
    let extra: Value =
        words.iter().enumerate().map(|(at, word)| (format!("word-{at}"), json!(word))).collect();
    let env: Value = words.iter().enumerate().map(|(at, word)| (format!("WORD_{at}"), json!(word))).collect();
    let script = json!({"on_user": [["default"]]});
    let run =
        scenario("dispatch_ends", &["one-turn"], script).options(json!({"extra_args": extra, "env": env}));
    run.run();
    let log = run.fake.log();
    let argv = log.start()["argv"].as_array().expect("arguments").clone();
    for (at, word) in words.iter().enumerate() {
        let flag = format!("--word-{at}");
        let joined = json!(format!("{flag}={word}"));
        let position = argv.iter().position(|argument| *argument == json!(flag));
        let is_there =
            argv.contains(&joined) || position.is_some_and(|flag| argv.get(flag + 1) == Some(&json!(word)));
        assert!(is_there, "{word:?} in {argv:?}");
        assert_eq!(log.start()["env"][format!("WORD_{at}")], json!(word));
    }
}

#[test]
fn a_host_that_is_killed_leaves_nothing() {
    scenario(
        "dispatch_ends",
        &["killed-host"],
        busy(json!({"on_eof": [], "on_start": ["default", "ignore_eof"]})),
    )
    .run();
}

#[test]
fn a_host_that_returns_from_main_in_a_turn_leaves_nothing() {
    scenario(
        "dispatch_ends",
        &["left-host"],
        busy(json!({"on_eof": [], "on_start": ["default", "ignore_eof"]})),
    )
    .run();
}

#[test]
fn a_line_of_200_megabytes_arrives_whole() {
    if takes_long() {
        return;
    }
    const LENGTH: u64 = 200_000_000;
    let script = json!({"on_user": [["init", {"line_bytes": LENGTH}, "result"]]});
    let printed = scenario("dispatch_ends", &["one-turn"], script).limit(Duration::from_secs(300)).run();
    let seen: Value = serde_json::from_str(printed.trim()).expect("JSON");
    let (longest, peak_kb) = (seen["longest"].as_u64(), seen["peak_kb"].as_u64());
    assert!(longest.is_some_and(|longest| longest >= LENGTH), "{seen}");
    // The line, and what it is read into.
    assert!(peak_kb.is_some_and(|peak| peak > LENGTH / 1024 && peak < 3 * LENGTH / 1024), "{seen}");
}
