//! What happens to a session in an order that is rare: each of them is decided by the life cycle, not by who was faster.
#![cfg(target_os = "linux")]

mod probe_support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use claude_client::capi::client::*;
use claude_client::capi::types::claude_state_t;
use claude_testkit::fake::FakeClaude;
use probe_support::controls::server;
use probe_support::stage::fake_options;
use probe_support::{Reply, Session, Status};
use serde_json::json;

/// Far less than the grace and the limit that the options give, far more than anything takes.
const SOON: Duration = Duration::from_secs(25);
const LONG_MS: u64 = 50_000;

fn connecting(session: &Session) -> Arc<Reply> {
    let begun = session.later(|done, data, error| {
        // SAFETY: NULL is no prompt; the session keeps the reply.
        unsafe { claude_client_connect(session.handle, std::ptr::null(), done, data, error) }
    });
    begun.unwrap()
}

fn state(session: &Session) -> claude_state_t {
    // SAFETY: any value may be passed.
    unsafe { claude_client_state(session.handle) }
}

/// A program that knows no `--await-initialize`, before one that does not see the end of its input.
fn older(fake: &FakeClaude) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = fake.sandbox().root().join("older-claude");
    let script = format!(
        "#!/bin/sh\nfor a; do case \"$a\" in --await-initialize)\n\
         echo \"error: unknown option '--await-initialize'\" >&2; exit 1;; esac; done\nexec '{}' \"$@\"\n",
        fake.path().display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The exit of the first process may be told behind the ends of its streams, and must not be taken for that of the second.
#[test]
fn whoever_leaves_the_second_process_is_told_when_that_one_is_gone() {
    let leave = || {
        let fake = FakeClaude::new(json!({"on_start": ["ignore_eof"]}));
        let more = json!({"cli_path": older(&fake), "mcp_servers": {"small": server()}, "strict_mcp_config": true,
            "graceful_exit_timeout_ms": 3_000, "terminate_timeout_ms": 10_000});
        let session = Session::connected(&fake_options(&fake, more));
        assert_eq!(session.warnings("started_again").len(), 1);
        // Behind the moment at which those who wait for the first process would be told.
        thread::sleep(Duration::from_millis(1_300));
        session.disconnect().unwrap();
        assert_eq!((session.pid(), state(&session)), (0, claude_state_t::CLAUDE_STATE_CLOSED));
    };
    for _ in 0..3 {
        let sessions: Vec<_> = (0..8).map(|_| thread::spawn(leave)).collect();
        let told_too_early = sessions.into_iter().filter_map(|session| session.join().err()).count();
        assert_eq!(told_too_early, 0, "of 8, told beside a process that lives");
    }
}

/// A pipe that nobody writes into, in place of a file: whoever reads it waits.
struct Pipe(PathBuf);

impl Pipe {
    fn new(folder: &Path) -> Pipe {
        let path = folder.join("record.jsonl");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        Pipe(path)
    }
}

impl Drop for Pipe {
    /// Whoever reads it sees its end.
    fn drop(&mut self) {
        drop(std::fs::OpenOptions::new().write(true).open(&self.0));
    }
}

#[test]
fn a_disconnect_does_not_wait_for_a_start_that_hangs_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = Pipe::new(folder.path());
    let session = Session::created(&json!({"replay": &pipe.0, "connect_timeout_ms": LONG_MS}));
    let begun = connecting(&session);
    let start = Instant::now();
    let failure = session.disconnect().unwrap_err();
    let took = start.elapsed();
    drop(pipe);
    assert!(took < SOON, "the disconnect took {took:?}");
    assert!(failure.message().contains("has not come back"), "{failure:#?}");
    assert!(begun.wait().is_err());
    assert_eq!(session.closed().0, Status::CLAUDE_ERR_PROCESS);
}

#[test]
fn an_answer_counts_though_the_cli_exits_right_behind_it() {
    for round in 0..10 {
        let fake = FakeClaude::new(json!({"on_initialize": ["default", {"exit": 0}]}));
        let session = Session::created(&fake_options(&fake, json!({})));
        session.connect(None).unwrap_or_else(|failure| panic!("round {round}: {failure:#?}"));
        assert_eq!(session.closed().0, Status::CLAUDE_OK, "round {round}");
    }
}

#[test]
fn whoever_disconnects_behind_a_connect_that_failed_finds_the_end_told() {
    for round in 0..30 {
        let missing = Path::new("/nowhere/claude");
        let session = Session::created(&json!({"cli_path": missing}));
        let failure = session.connect(None).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_CLI_NOT_FOUND, "{failure:#?}");
        session.disconnect().unwrap();
        assert!(session.is_closed(), "round {round}: on_closed has not run when the disconnect returns");
    }
}
