//! An end that looks well is a failure where a prompt has had no result.
#![cfg(target_os = "linux")]

use std::ffi::CString;
use std::ptr;

use crate::support::host::{Client, Status, check};
use crate::support::{merged, options};
use claude_client::capi::talk::claude_query_once;
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::json;

fn leaves() -> FakeClaude {
    FakeClaude::new(json!({"on_user": [["init", {"text": "I am off."}, {"exit": 0}]]}))
}

fn is_owed(client: &Client) {
    let cause = client.cause();
    assert_eq!(cause.status, Status::CLAUDE_ERR_PROCESS, "{cause:#?}");
    assert_eq!(cause.json["exit_code"], 0);
    assert!(!cause.text("remedy").is_empty());
}

#[test]
fn a_conversation_of_one_prompt_without_a_result_has_failed() {
    let fake = leaves();
    let document = CString::new(options(&fake, json!({})).to_string()).unwrap();
    let outcome = check(|error| {
        // SAFETY: the texts outlive the call; no callbacks.
        unsafe {
            claude_query_once(
                c"hello".as_ptr(),
                document.as_ptr(),
                None,
                None,
                ptr::null_mut(),
                60_000,
                std::ptr::null_mut(),
                error,
            )
        }
    });
    let failure = outcome.unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
}

#[test]
fn whoever_waits_for_the_result_and_the_closing_event_are_told() {
    let fake = leaves();
    let client = Client::connected(&options(&fake, json!({})));
    client.query("hello").unwrap();
    let failure = client.receive().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS, "{failure:#?}");
    is_owed(&client);
}

#[test]
fn a_second_prompt_is_owed_though_the_first_has_its_result() {
    let fake = FakeClaude::new(json!({"on_user": [["default"], ["init", {"exit": 0}]]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("one");
    client.query("two").unwrap();
    is_owed(&client);
}

#[test]
fn an_end_of_input_does_not_excuse_it() {
    let fake = FakeClaude::new(json!({"on_user": [["init", {"sleep": 40_000}]], "on_eof": [{"exit": 0}]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.query("hello").unwrap();
    client.wait_for("the turn", |record| !record.messages.is_empty());
    client.end_input().unwrap();
    is_owed(&client);
}

#[test]
fn nothing_is_owed_to_nobody() {
    // A turn of the CLI's own that breaks off, and a host that leaves by itself.
    let fake = FakeClaude::new(json!({"on_user": [["default", {"state": "running"}, {"exit": 0}]]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.turn("hello");
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
    let fake = FakeClaude::new(json!({"on_user": [["init", {"sleep": 40_000}]], "on_eof": [{"exit": 0}]}));
    let client = Client::connected(&options(&fake, json!({})));
    client.query("hello").unwrap();
    client.wait_for("the turn", |record| !record.messages.is_empty());
    client.disconnect().unwrap();
    assert_eq!(client.closed().status, Status::CLAUDE_OK);
}

#[test]
fn the_real_cli_owes_nothing_at_its_end() {
    let Some(cli) = real_cli_or_skip("owes_nothing") else { return };
    let api = Loopback::start();
    let two = |first: &str, second: &str| vec![first.to_owned(), second.to_owned()];
    for prompts in [
        two("hello", "and again"),
        two("USE_TOOL {\"name\": \"Bash\", \"input\": {\"command\": \"sleep 1\"}}", "steered"),
        two("/clear", "/cost"),
        two("/no-such-command", ""),
        two("SLOW 20 50", "/compact"),
    ] {
        let sandbox = Sandbox::new().with_api(api.url());
        let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
            "allowed_tools": ["Bash"]});
        let client = Client::connected(&merged(own, json!({})));
        client.query(&prompts[0]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        if !prompts[1].is_empty() {
            client.query(&prompts[1]).unwrap();
        }
        client.end_input().unwrap();
        let closed = client.closed();
        assert_eq!(closed.status, Status::CLAUDE_OK, "{prompts:?}: {:#}", closed.json);
    }
}
