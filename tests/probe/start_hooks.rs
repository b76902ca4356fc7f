//! Hooks of the events SessionStart and Setup, which a start waits for: they may take longer than it may.

use std::time::Duration;

use crate::support::handle::fail;
use crate::support::probe::stage::{Real, fake_options};
use crate::support::probe::{Session, Status};
use claude_client::capi::client::claude_client_connect;
use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

/// A stand-in whose start waits for a hook.
fn with_hook(event: &str, takes: Duration) -> FakeClaude {
    let hook =
        |subtype: &str| json!({"system": subtype, "hook_id": "7", "hook_name": event, "hook_event": event});
    let takes = u64::try_from(takes.as_millis()).unwrap();
    FakeClaude::new(
        json!({"on_initialize": [hook("hook_started"), {"sleep": takes}, hook("hook_response"), "default"]}),
    )
}

fn connect_without_a_limit(fake: &FakeClaude, more: Value) -> Result<Value, crate::support::probe::Failure> {
    let session = Session::created(&fake_options(fake, more));
    let connected = session.later(|done, user_data, error| {
        // SAFETY: `later` keeps the reply, NULL is no prompt.
        unsafe { claude_client_connect(session.handle, std::ptr::null(), done, user_data, error) }
    });
    connected.unwrap_or_else(fail).wait()
}

#[test]
fn a_limit_that_the_host_sets_counts_them() {
    let fake = with_hook("SessionStart", Duration::from_secs(5));
    let failure = connect_without_a_limit(&fake, json!({"connect_timeout_ms": 400})).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    let session = Session::created(&fake_options(&fake, json!({})));
    assert_eq!(session.connect_within(None, 400).unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
}

/// Longer than the limit, which is a minute.
const LONGER: Duration = Duration::from_secs(62);

#[test]
fn the_limit_that_is_there_unless_it_is_set_does_not_count_them() {
    if takes_long() {
        return;
    }
    let [start, other] = ["SessionStart", "Stop"].map(|event| {
        std::thread::spawn(move || connect_without_a_limit(&with_hook(event, LONGER), json!({})))
    });
    start.join().unwrap().unwrap_or_else(fail);
    let failure = other.join().unwrap().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT, "hooks of other events count");
}

#[test]
fn the_real_cli_says_that_one_runs_before_it_is_ready() {
    let Some(real) = Real::new("the_real_cli_says_that_one_runs") else { return };
    let hook = json!({"hooks": [{"type": "command", "command": "sleep 1"}]});
    real.file("home/.claude/settings.json", &json!({"hooks": {"SessionStart": [hook]}}).to_string());
    let session = Session::created(&real.options(json!({})));
    session.connect(None).unwrap_or_else(fail);
    // It is connected before all that came until then has been delivered.
    for subtype in ["hook_started", "hook_response"] {
        session
            .wait_for(subtype, |_, json| json["subtype"] == subtype && json["hook_event"] == "SessionStart");
    }
}
