//! What happens to a session in an order that is rare: each of them is decided by the life cycle, not by who was faster.
#![cfg(target_os = "linux")]

use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::eventually;
use crate::support::probe::controls::server;
use crate::support::probe::stage::fake_options;
use crate::support::probe::{PATIENCE_MS, Reply, Session, Status, c_text, check};
use claude_client::capi::client::*;
use claude_client::capi::event::claude_event_free;
use claude_client::capi::receive::claude_client_next;
use claude_client::capi::talk::claude_client_query;
use claude_client::capi::types::{claude_client_t, claude_dispatch_t, claude_lanes_t, claude_state_t};
use claude_testkit::fake::FakeClaude;
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
    let path = fake.sandbox().root().join("older-claude");
    let script = format!(
        "#!/bin/sh\nfor a; do case \"$a\" in --await-initialize)\n\
         echo \"error: unknown option '--await-initialize'\" >&2; exit 1;; esac; done\nexec '{}' \"$@\"\n",
        fake.path().display()
    );
    crate::support::executable(&path, script);
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
        session.wait_for("started_again", |_, json| json["event"] == "started_again");
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

/// What is told of a connect is told when nothing is left of it, though its time ran out long before.
#[test]
fn a_connect_that_runs_out_of_time_in_a_start_is_told_when_that_has_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = Pipe::new(folder.path());
    let session = Session::created(&json!({"replay": &pipe.0, "connect_timeout_ms": 200}));
    let begun = connecting(&session);
    let runs_out = || state(&session) != claude_state_t::CLAUDE_STATE_CONNECTING;
    assert!(eventually(SOON, runs_out), "its time does not run out");
    assert_eq!(state(&session), claude_state_t::CLAUDE_STATE_CLOSING, "told while it is being started");
    drop(pipe);
    assert_eq!(begun.wait().unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(session.closed().0, Status::CLAUDE_ERR_TIMEOUT);
}

/// A client in PULL mode. Dropping it frees it.
struct Pulling(*mut claude_client_t);

impl Pulling {
    fn connected(options: &serde_json::Value) -> Pulling {
        let (options, mut handle) = (c_text(&options.to_string()), null_mut());
        let mode = MaybeUninit::new(claude_dispatch_t::CLAUDE_DISPATCH_PULL);
        // SAFETY: texts end with a NUL, outputs are variables, and NULL is allowed for the rest.
        unsafe {
            check(|error| claude_client_create(options.as_ptr(), &mut handle, error)).unwrap();
            check(|error| claude_client_set_dispatch(handle, mode, error)).unwrap();
            check(|error| claude_client_connect_wait(handle, null(), PATIENCE_MS, error)).unwrap();
        }
        Pulling(handle)
    }

    fn query(&self) {
        let prompt = c_text("hello");
        // SAFETY: as above.
        check(|error| unsafe { claude_client_query(self.0, prompt.as_ptr(), null(), null_mut(), error) })
            .unwrap();
    }

    fn disconnect(&self) {
        // SAFETY: plain values.
        check(|error| unsafe { claude_client_disconnect_wait(self.0, PATIENCE_MS, error) }).unwrap();
    }

    /// Whether everything up to the end is there already.
    fn has_ended(&self) -> bool {
        loop {
            let mut event = null_mut();
            let lanes = MaybeUninit::new(claude_lanes_t::CLAUDE_LANE_ALL);
            // SAFETY: the output is a variable, and an event is freed once.
            match unsafe { claude_client_next(self.0, lanes, 0, &mut event, null_mut()) } {
                // SAFETY: it is ours, and freed once.
                Status::CLAUDE_OK => unsafe { claude_event_free(event) },
                status => return status == Status::CLAUDE_ERR_CLOSED,
            }
        }
    }
}

impl Drop for Pulling {
    fn drop(&mut self) {
        // SAFETY: any value may be passed.
        unsafe { claude_client_free(self.0) };
    }
}

/// The end is one step for everybody: who has been told of it by a disconnect finds the closing event behind the messages.
#[test]
fn whoever_disconnects_while_a_session_ends_by_itself_finds_the_end_queued() {
    for round in 0..20 {
        let fake = FakeClaude::new(json!({"on_user": [["init", {"exit": 3}]]}));
        let client = Pulling::connected(&fake_options(&fake, json!({})));
        client.query();
        // At another moment of the end each time.
        thread::sleep(Duration::from_millis(round));
        client.disconnect();
        assert!(client.has_ended(), "round {round}: the disconnect is done before the end is queued");
    }
}
