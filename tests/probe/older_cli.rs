//! A CLI that does not know the flag by which it waits for `initialize` is started again without it.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::probe::controls::server;
use crate::support::probe::stage::{Real, fake_options};
use crate::support::probe::{PATIENCE_MS, Session, Status, check};
use claude_client::capi::client::*;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// A program before the CLI that knows no `--await-initialize`; it notes its arguments, a line for each start.
fn older(folder: &Path, cli: &Path) -> PathBuf {
    let path = folder.join("older-claude");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> '{}/starts'\nfor a; do case \"$a\" in --await-initialize)\n\
         echo \"error: unknown option '--await-initialize'\" >&2; exit 1;; esac; done\nexec '{}' \"$@\"\n",
        folder.display(),
        cli.display()
    );
    crate::support::executable(&path, script);
    path
}

fn starts(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn with_server(more: Value) -> Value {
    let mut options = json!({"mcp_servers": {"small": server()}, "strict_mcp_config": true});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

#[test]
fn servers_and_plugins_reach_an_older_cli_the_older_way() {
    let Some(real) = Real::new("servers_and_plugins_reach_an_older_cli") else { return };
    let manifest = real.file("plugin/.claude-plugin/plugin.json", r#"{"name": "extra", "version": "1.0.0"}"#);
    let plugin = manifest.parent().and_then(Path::parent).unwrap();
    let cli = older(real.sandbox.root(), &real.cli);
    let plugins = json!([{"type": "local", "path": plugin}]);
    let session = real.session(with_server(json!({"cli_path": cli, "plugins": plugins})));
    session.turn("hello");
    let init = session.init();
    assert_eq!(init["mcp_servers"][0]["name"], "small", "{init:#}");
    assert_eq!(init["plugins"][0]["name"], "extra", "{init:#}");
    let told = session.warnings("started_again");
    assert_eq!(told.len(), 1, "{told:?}");
    let remedy = told[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("mcp_servers_delivery") && remedy.contains("plugin_delivery"), "{remedy}");
    let starts = starts(real.sandbox.root());
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(starts[1].contains("--plugin-dir=") && starts[1].contains("--mcp-config="), "{starts:?}");
    // The session is like any other: it can be asked anew, and ends as it should.
    let again = session.reply_of(|time, reply, error| {
        // SAFETY: the outputs are variables.
        unsafe {
            claude_client::capi::control::claude_client_reinitialize_wait(session.handle, time, reply, error)
        }
    });
    assert!(again.unwrap()["commands"].is_array());
    assert!(session.pid() > 0);
    session.disconnect().unwrap();
    assert_eq!(session.closed().0, Status::CLAUDE_OK);
    assert_eq!(session.pid(), 0);
}

#[test]
fn a_prompt_given_to_connect_is_sent_once() {
    let fake = FakeClaude::new(json!({}));
    let cli = older(fake.sandbox().root(), &fake.path());
    let session = Session::created(&fake_options(&fake, with_server(json!({"cli_path": cli}))));
    session.connect(Some("hello")).unwrap();
    session.receive().unwrap();
    assert_eq!(fake.log().prompts().len(), 1);
    session.disconnect().unwrap();
}

#[test]
fn a_cli_that_ends_again_is_not_started_a_third_time() {
    let fake = FakeClaude::new(json!({}));
    // The second start fails as well, over something else.
    let script = json!({"on_start": [{"stderr": "error: unknown option '--await-initialize'"}, {"exit": 1}]});
    fake.set_script(&script);
    let cli = older(fake.sandbox().root(), &fake.path());
    let session = Session::created(&fake_options(&fake, with_server(json!({"cli_path": cli}))));
    let failure = session.connect(None).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
    assert!(failure.json["remedy"].as_str().unwrap().contains("mcp_servers_delivery"), "{failure:#?}");
    assert_eq!(starts(fake.sandbox().root()).len(), 2);
    assert_eq!(session.closed().0, Status::CLAUDE_ERR_PROCESS);
}

#[test]
fn where_no_other_way_is_there_the_remedy_is_told() {
    let fake = FakeClaude::new(json!({}));
    let cli = older(fake.sandbox().root(), &fake.path());
    let record = fake.sandbox().root().join("record.jsonl");
    let options = fake_options(&fake, with_server(json!({"cli_path": cli, "record": record})));
    let session = Session::created(&options);
    let failure = session.connect(None).unwrap_err();
    assert!(failure.json["remedy"].as_str().unwrap().contains("mcp_servers_delivery"), "{failure:#?}");
    assert_eq!(starts(fake.sandbox().root()).len(), 1);
}

#[test]
fn a_session_can_be_ended_at_any_moment_between_the_two_starts() {
    for delay in [0, 3, 6, 10, 15, 20, 30, 40, 60, 100] {
        let fake = FakeClaude::new(json!({"on_initialize": [{"sleep": 20}, "default"]}));
        let cli = older(fake.sandbox().root(), &fake.path());
        let session = Session::created(&fake_options(&fake, with_server(json!({"cli_path": cli}))));
        let begun = session.later(|done, data, error| {
            // SAFETY: NULL is no prompt; the session keeps the reply.
            unsafe { claude_client_connect(session.handle, std::ptr::null(), done, data, error) }
        });
        std::thread::sleep(Duration::from_millis(delay));
        let start = Instant::now();
        check(|error| {
            // SAFETY: plain values.
            unsafe { claude_client_disconnect_wait(session.handle, PATIENCE_MS, error) }
        })
        .unwrap();
        let _ = begun.unwrap().wait();
        assert!(start.elapsed() < Duration::from_secs(20), "{delay} ms: {:?}", start.elapsed());
        assert_eq!(session.pid(), 0, "{delay} ms");
        drop(session);
    }
}

#[test]
fn a_connect_that_takes_too_long_ends_whichever_start_is_under_way() {
    for limit in [1, 5, 10, 20, 40, 80] {
        let fake = FakeClaude::new(json!({"on_initialize": []}));
        let cli = older(fake.sandbox().root(), &fake.path());
        let options = with_server(
            json!({"cli_path": cli, "connect_timeout_ms": limit, "graceful_exit_timeout_ms": 200}),
        );
        let session = Session::created(&fake_options(&fake, options));
        let start = Instant::now();
        let failure = session.connect(None).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(20), "{limit} ms: {:?}", start.elapsed());
        assert!(
            matches!(failure.status, Status::CLAUDE_ERR_TIMEOUT | Status::CLAUDE_ERR_PROCESS),
            "{limit} ms: {failure:#?}"
        );
        session.closed();
        assert_eq!(session.pid(), 0, "{limit} ms");
    }
}
