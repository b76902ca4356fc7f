//! `claude_probe`: what it finds, and that it gives nothing away.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::eventually;
use crate::support::probe::stage::{Real, fake_options, merged};
use crate::support::probe::{Failure, PATIENCE_MS, Session, Status, check, owned, parsed};
use crate::support::{again, passes};
use claude_client::capi::probe::claude_probe;
use claude_testkit::Sandbox;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

fn try_probe(options: &str, timeout_ms: u32) -> Result<Value, Failure> {
    let mut report = std::ptr::null_mut();
    let options = std::ffi::CString::new(options).unwrap();
    // SAFETY: the text ends with a NUL, the outputs are variables.
    check(|error| unsafe { claude_probe(options.as_ptr(), timeout_ms, &mut report, error) })?;
    Ok(parsed(&owned(report)))
}

#[track_caller]
fn probe(options: &Value) -> Value {
    try_probe(&options.to_string(), PATIENCE_MS).unwrap_or_else(|failure| panic!("{failure:#?}"))
}

#[track_caller]
fn finding<'a>(report: &'a Value, id: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no {id} in {report:#}"))
}

/// Level and message of a finding.
#[track_caller]
fn says<'a>(report: &'a Value, id: &str) -> (&'a str, &'a str) {
    let found = finding(report, id);
    (found["level"].as_str().unwrap(), found["message"].as_str().unwrap())
}

fn program(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(folder).unwrap();
    crate::support::executable(&path, text);
    path
}

fn tree(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            names.push(entry.path().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    names.sort();
    names
}

#[test]
fn the_real_cli_is_fit_and_nothing_is_written() {
    let Some(real) = Real::new("the_real_cli_is_fit_and_nothing_is_written") else { return };
    let before = tree(real.sandbox.root());
    let report = probe(&real.options(json!({})));
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(report["cli"]["path"], json!(real.cli));
    let version = claude_testkit::locate::real_cli_version();
    assert_eq!((&report["cli"]["origin"], &report["cli"]["version"]), (&json!("option"), &json!(version)));
    assert_eq!(report["cli"]["searched"], json!([{"place": real.cli, "why": "option"}]));
    assert_eq!(report["login"]["source"], "ANTHROPIC_API_KEY");
    let tested = version == claude_testkit::CLI_VERSION;
    assert_eq!(says(&report, "cli_version").0, if tested { "ok" } else { "info" });
    for id in ["cli_found", "nested", "path", "shell", "home", "config_dir", "tmpdir", "cwd", "login"] {
        assert_eq!(says(&report, id).0, "ok", "{id}");
    }
    assert_eq!(tree(real.sandbox.root()), before, "the probe leaves nothing behind");
    assert!(real.api.requests().is_empty(), "and asks nobody");
}

#[test]
fn no_secret_is_in_the_report() {
    let fake = FakeClaude::new(json!({}));
    let report = probe(&fake_options(
        &fake,
        json!({"env": {
            "ANTHROPIC_API_KEY": "CANARY-one", "ANTHROPIC_AUTH_TOKEN": "CANARY-two", "CLAUDE_CODE_OAUTH_TOKEN": "CANARY three",
            "HTTPS_PROXY": "http://user:CANARY@proxy.example:3128", "ANTHROPIC_BASE_URL": "https://x:CANARY@api.example/v",
        }, "mcp_servers": {"m": {"type": "http", "url": "http://127.0.0.1:1", "headers": {"Authorization": "CANARY"}}}}),
    ));
    assert!(!report.to_string().contains("CANARY"), "{report:#}");
    assert_eq!(
        report["login"]["all"],
        json!(["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"])
    );
    assert_eq!(says(&report, "login_form").0, "warning");
    assert!(says(&report, "proxy").1.contains("proxy.example:3128"));
    assert_eq!(says(&report, "base_url").1, "requests go to api.example");
}

#[test]
fn s5_versions_are_judged() {
    let fake = FakeClaude::new(json!({}));
    let tested = claude_testkit::CLI_VERSION;
    for (version, level, part) in [
        (&*format!("{tested} (Claude Code)"), "ok", "tested"),
        ("2.1.100 (Claude Code)", "ok", &*format!("2.0.0 to {tested}")),
        ("9.0.0 (Claude Code)", "info", "newer"),
        ("1.0.100 (Claude Code)", "error", "too old"),
        ("2.1.245 (Claude Code)", "warning", "in-process"),
        ("vim 9.1", "warning", "cannot be read"),
    ] {
        fake.set_script(&json!({"version": version}));
        let report = probe(&fake_options(&fake, json!({})));
        let (found, message) = says(&report, "cli_version");
        assert_eq!(found, level, "{version}: {message}");
        assert!(message.contains(part), "{version}: {message}");
        assert_eq!(report["ok"], level != "error", "{version}");
    }
}

#[test]
fn q5_s5_a_broken_version_is_also_told_at_connect_once() {
    for (version, count) in
        [("2.1.245 (Claude Code)", 1), ("1.0.3 (Claude Code)", 1), ("9.0.0 (Claude Code)", 0)]
    {
        let fake = FakeClaude::new(json!({"version": version}));
        let session = Session::connected(&fake_options(&fake, json!({})));
        session.turn("one");
        session.turn("two");
        assert_eq!(session.warnings("cli_version").len(), count, "{version}");
    }
}

#[test]
fn an_option_that_the_cli_is_too_old_for_is_told_at_connect() {
    for (version, option, count) in [
        ("2.1.247 (Claude Code)", true, 1),
        ("2.1.247 (Claude Code)", false, 0),
        ("2.1.248 (Claude Code)", true, 0),
    ] {
        let fake = FakeClaude::new(json!({"version": version}));
        let session = Session::connected(&fake_options(&fake, json!({"verbatim_prompts": option})));
        session.turn("one");
        let told = session.warnings("cli_version");
        assert_eq!(told.len(), count, "{version} {option}: {told:?}");
        if let Some(warning) = told.first() {
            assert!(warning["text"].as_str().unwrap().contains("needs Claude Code 2.1.248"), "{warning}");
            assert_eq!(
                (&warning["pointer"], &warning["version"]),
                (&json!("/verbatim_prompts"), &json!("2.1.247"))
            );
        }
    }
}

#[test]
fn a_cli_that_is_not_there_names_every_place() {
    let sandbox = Sandbox::new();
    let report = probe(
        &json!({"cli_path": sandbox.root().join("none"), "env_mode": "only", "env": sandbox.env_json()}),
    );
    assert_eq!(report["ok"], false);
    assert_eq!(says(&report, "cli_start").0, "error");
    assert!(says(&report, "cli_start").1.contains("does not exist"), "{report:#}");

    let report =
        probe(&json!({"cli_path": "no-such-claude-anywhere", "env_mode": "only", "env": sandbox.env_json()}));
    assert_eq!(says(&report, "cli_found").0, "error");
    assert!(finding(&report, "cli_found")["remedy"].as_str().unwrap().contains("npm install"));
    let searched = report["cli"]["searched"].as_array().unwrap();
    assert!(!searched.is_empty() && searched.iter().all(|place| place["why"] == "option"), "{searched:?}");
}

/// Runs in processes of their own, because the search goes by the environment of the host.
#[test]
fn the_place_that_the_cli_was_found_in_is_told() {
    const WANTED: &str = "PROBE_TEST_ORIGIN";
    let fake = FakeClaude::new(json!({}));
    if let Ok(wanted) = std::env::var(WANTED) {
        let report = probe(&json!({"env": fake.env_json(), "env_mode": "only"}));
        let place = std::env::var("PROBE_TEST_PLACE").expect("the place");
        assert_eq!(
            (&report["cli"]["origin"], &report["cli"]["path"]),
            (&json!(wanted), &json!(place)),
            "{report:#}"
        );
        let searched = report["cli"]["searched"].as_array().expect("places");
        assert_eq!(searched.last(), Some(&json!({"place": place, "why": wanted})), "{searched:?}");
        assert_eq!(searched.len() == 1, wanted == "variable", "{searched:?}");
        assert!(says(&report, "cli_found").1.contains(&place), "{report:#}");
        return;
    }
    let root = fake.sandbox().root();
    let link = |place: &str| {
        let place = root.join(place);
        std::fs::create_dir_all(place.parent().expect("a folder")).unwrap();
        std::os::unix::fs::symlink(fake.path(), &place).unwrap();
        place
    };
    let path = |folder: &str| {
        format!("{}:{}:/usr/bin:/bin", root.join("empty").display(), root.join(folder).display())
    };
    for (origin, place, folders, variable) in [
        ("path", link("found/claude"), path("found"), None),
        ("known_place", link("at-home/.claude/local/claude"), path("empty"), None),
        ("variable", link("named/any-name"), path("found"), Some("named/any-name")),
    ] {
        let mut command = again(module_path!(), "the_place_that_the_cli_was_found_in_is_told");
        command.env(WANTED, origin).env("PROBE_TEST_PLACE", &place);
        command.env("PATH", folders).env("HOME", root.join("at-home")).env_remove("CLAUDE_CLIENT_CLI");
        command.envs(variable.map(|named| ("CLAUDE_CLIENT_CLI", root.join(named))));
        passes(&mut command);
    }
}

#[test]
fn what_cannot_start_says_why() {
    let sandbox = Sandbox::new();
    let options = |cli: &Path| json!({"cli_path": cli, "env_mode": "only", "env": sandbox.env_json()});
    let bin = sandbox.root().join("bin");

    let script = program(&bin, "no-node", "#!/usr/bin/env no-such-node\n");
    let report = probe(&options(&script));
    assert_eq!(says(&report, "cli_interpreter").0, "error");
    assert!(says(&report, "cli_interpreter").1.contains("no-such-node"), "{report:#}");

    let script = program(&bin, "no-interpreter", "#!/no/such/interpreter\n");
    assert!(says(&probe(&options(&script)), "cli_start").1.contains("/no/such/interpreter"));

    let script = program(&bin, "fails", "#!/bin/sh\necho 'the reason' >&2\nexit 3\n");
    let report = probe(&options(&script));
    assert!(says(&report, "cli_start").1.ends_with("exited with code 3: the reason"), "{report:#}");

    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(says(&probe(&options(&script)), "cli_start").1.contains("chmod"));
    assert_eq!(says(&probe(&options(&bin)), "cli_start").0, "error");
}

#[test]
fn a_cli_that_says_nothing_is_given_up_and_ended() {
    let sandbox = Sandbox::new();
    let pid_file = sandbox.root().join("pid");
    let silent = program(
        &sandbox.root().join("bin"),
        "silent",
        &format!("#!/bin/sh\necho $$ > {}\nexec sleep 1000\n", pid_file.display()),
    );
    let options = json!({"cli_path": silent, "env_mode": "only", "env": sandbox.env_json()});
    let start = Instant::now();
    let report = try_probe(&options.to_string(), 1500).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(says(&report, "cli_start").1.contains("in time"), "{report:#}");
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let alive = || {
        std::fs::read_to_string(format!("/proc/{}/comm", pid.trim())).is_ok_and(|name| name.trim() == "sleep")
    };
    assert!(eventually(Duration::from_secs(10), || !alive()), "the process was left behind");
}

#[test]
fn folders_that_cannot_be_used_are_found() {
    let fake = FakeClaude::new(json!({}));
    let root = fake.sandbox().root();
    std::fs::write(root.join("file"), "").unwrap();
    let report = probe(&fake_options(
        &fake,
        json!({"cwd": root.join("gone"), "env": {"TMPDIR": root.join("nowhere"), "CLAUDE_CODE_TMPDIR": root.join("nowhere"),
               "HOME": root.join("no-home"), "CLAUDE_CONFIG_DIR": root.join("file/config"),
               "NODE_EXTRA_CA_CERTS": root.join("no.pem")}}),
    ));
    for (id, level) in [
        ("cwd", "error"),
        ("tmpdir", "error"),
        ("home", "warning"),
        ("config_dir", "error"),
        ("certificates", "warning"),
    ] {
        assert_eq!(says(&report, id).0, level, "{id} in {report:#}");
        assert!(finding(&report, id)["remedy"].is_string(), "{id}");
    }
    assert_eq!(report["ok"], false);
    let report = probe(&fake_options(&fake, json!({"env": {"HOME": null}})));
    assert!(says(&report, "home").1.contains("no HOME"), "{report:#}");
}

#[test]
fn the_surroundings_of_a_desktop_program_are_found() {
    let fake = FakeClaude::new(json!({}));
    let with = |env: Value| probe(&fake_options(&fake, json!({"env": env})));
    let report = with(json!({"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}));
    assert_eq!(says(&report, "path").0, "warning");
    assert!(says(&report, "path").1.contains("desktop"));
    assert_eq!(says(&with(json!({"PATH": null})), "path").0, "warning");
    let report = with(json!({"CLAUDECODE": "1"}));
    assert_eq!(says(&report, "nested").0, "warning");
    let report = with(json!({"ANTHROPIC_API_KEY": null}));
    if cfg!(not(target_os = "macos")) {
        assert_eq!(says(&report, "login"), ("warning", "no credentials were found"));
    }
    let config = fake.sandbox().home().join(".claude");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join(".credentials.json"), r#"{"claudeAiOauth":{"accessToken":"CANARY"}}"#)
        .unwrap();
    let report = with(json!({"ANTHROPIC_API_KEY": null}));
    assert!(report["login"]["source"].as_str().unwrap().ends_with(".credentials.json"), "{report:#}");
    assert!(!report.to_string().contains("CANARY"));
    let report = with(json!({"ANTHROPIC_API_KEY": null, "CLAUDE_CODE_USE_BEDROCK": "1"}));
    assert_eq!(report["login"]["source"], "CLAUDE_CODE_USE_BEDROCK");
}

#[test]
fn a_launcher_is_asked_in_place_of_the_cli() {
    let fake = FakeClaude::new(json!({}));
    let options = fake_options(&fake, json!({"launcher": ["env", "X=1"]}));
    let report = probe(&options);
    assert_eq!(says(&report, "cli_version").0, "ok", "{report:#}");
    assert_eq!(report["cli"]["launcher"], json!(["env", "X=1"]));
    assert_eq!(says(&report, "launcher").0, "info");
    let report = probe(&merged(options, json!({"launcher": ["no-such-launcher"]})));
    assert!(says(&report, "cli_found").1.contains("no-such-launcher"), "{report:#}");
}

#[test]
fn wrong_options_are_refused_or_reported() {
    let failure = try_probe(r#"{"modle": "x"}"#, 1000).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION);
    let fake = FakeClaude::new(json!({}));
    let missing = json!({"settings": "missing.json", "sandbox": {"enabled": true}});
    let report = probe(&fake_options(&fake, missing));
    assert_eq!(says(&report, "options").0, "error");
    assert!(says(&report, "options").1.contains("missing.json"));
    // SAFETY: NULL is what is tried.
    let refused = check(|error| unsafe { claude_probe(std::ptr::null(), 1000, std::ptr::null_mut(), error) });
    assert_eq!(refused.unwrap_err().status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
}
