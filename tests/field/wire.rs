//! What the host sends: all of it, as it was meant, or an error.

use serde_json::{Value, json};

use claude_testkit::fake::FakeClaude;

use crate::common::{connect_with, interrupt, session};
use crate::support::host::{Client, Status};
use crate::support::{PATIENCE, options, timed};

#[test]
fn a2_a_large_prompt_and_a_large_output_do_not_wait_for_each_other() {
    let flood = json!({"flood": 4096, "bytes": 1024});
    let script = json!({
        // More than a pipe holds before the first byte is read, and again before the answer to the first request.
        "on_start": [{"flood": 256, "bytes": 1024}],
        "on_initialize": [flood, "default"],
        "on_user": [[{"stop_reading": 1500}, flood, "default"], ["default"]]});
    let fake = FakeClaude::new(script);
    let client = Client::new(&options(&fake, json!({})));
    client.connect().unwrap();
    let large = "p".repeat(8 << 20);
    // The CLI writes and does not read; the host writes and does not read.
    client.set_stuck(true);
    client.query("go").unwrap();
    client.query(&large).unwrap();
    client.set_stuck(false);
    client.receive().unwrap();
    client.receive().unwrap();
    let prompts = fake.log().prompts();
    assert!(prompts[1]["message"]["content"] == large.as_str(), "{} prompts", prompts.len());
}

/// The lines on the wire, but for the uuid that is new for each prompt.
fn wire(begin: impl FnOnce(&Client)) -> Vec<String> {
    let fake = FakeClaude::new(json!({}));
    let client = Client::new(&options(&fake, json!({"system_prompt": "Be brief."})));
    begin(&client);
    client.receive().unwrap();
    client.disconnect().unwrap();
    let log = fake.log();
    let masked = |line: &&str| match serde_json::from_str::<Value>(line).unwrap()["uuid"].as_str() {
        Some(uuid) => line.replace(uuid, "UUID"),
        None => (*line).to_owned(),
    };
    log.lines().iter().map(masked).collect()
}

#[test]
fn a3_a_prompt_that_is_given_to_connect_is_on_the_wire_what_it_is_otherwise() {
    const PROMPT: &str = "What is\n\"it\"? \u{1F388}\u{2028}";
    let given = wire(|client| connect_with(client, PROMPT).unwrap());
    let sent = wire(|client| {
        client.connect().unwrap();
        client.query(PROMPT).unwrap();
    });
    assert_eq!(given, sent);
    assert_eq!(given.len(), 2, "{given:#?}");
}

#[test]
fn a3_b8_a_prompt_without_content_is_refused_and_not_sent() {
    let (fake, client) = session(json!({}), json!({}));
    let failure = client.query("").unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT, "{failure:#?}");
    let (other, never) = (FakeClaude::new(json!({})), "");
    let refused = connect_with(&Client::new(&options(&other, json!({}))), never).unwrap_err();
    assert_eq!(refused.status, Status::CLAUDE_ERR_INVALID_ARGUMENT, "{refused:#?}");
    // What looks like an empty line is a prompt, and no line of its own.
    for prompt in [" ", "\r\n", "\n\n"] {
        client.turn(prompt);
    }
    let log = fake.log();
    assert_eq!((log.lines().len(), log.prompts().len()), (4, 3), "{:?}", log.lines());
    assert!(log.lines().iter().all(|line| line.starts_with('{') && line.ends_with('}')));
}

#[test]
fn a9_a_cli_that_answers_no_request_blocks_no_caller_and_no_turn() {
    let subtypes = ["set_model", "mcp_status", "get_context_usage", "interrupt", "of_tomorrow"];
    let never: Value = subtypes.iter().map(|subtype| ((*subtype).to_owned(), json!([]))).collect();
    let (fake, client) = session(json!({"on_control": never}), json!({"control_timeout_ms": 300}));
    let replies = subtypes.map(|subtype| client.control_later(&json!({"subtype": subtype})).unwrap());
    for (subtype, reply) in subtypes.iter().zip(replies) {
        let failure = reply.outcome().unwrap_err();
        assert_eq!((failure.status, failure.text("request")), (Status::CLAUDE_ERR_TIMEOUT, *subtype));
        let (outcome, took) = timed(|| client.control_within(&json!({"subtype": subtype}), 100));
        assert_eq!(outcome.unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT, "{subtype}");
        assert!(took < PATIENCE / 2, "{subtype}: {took:?}");
    }
    client.turn("still there?");
    assert_eq!(fake.log().requests("of_tomorrow").len(), 2);
}

#[test]
fn a9_a_request_that_is_no_request_is_refused_before_it_is_sent() {
    let (fake, client) = session(json!({}), json!({}));
    for request in [json!([]), json!("interrupt"), json!({}), json!({"subtype": 5}), json!({"subtype": null})]
    {
        let failure = client.control(&request).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT, "{request}: {failure:#?}");
    }
    client.turn("still there?");
    assert_eq!(fake.log().lines().len(), 2, "the first request and the prompt");
}

#[test]
fn g5_an_interrupt_is_a_request_with_an_id_and_no_signal() {
    let script = json!({"on_user": [["init", {"sleep": 60_000}], ["default"]]});
    let (fake, client) = session(script, json!({}));
    client.query("work").unwrap();
    client.wait_for_turns(1);
    let receipt = interrupt(&client).unwrap();
    assert!(receipt["still_queued"].is_array(), "{receipt}");
    client.receive().unwrap();
    let log = fake.log();
    let frames = log.frames();
    let frame = frames.iter().find(|frame| frame["request"]["subtype"] == "interrupt").expect("a request");
    assert_eq!(frame["type"], "control_request");
    assert!(frame["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{frame}");
    assert_eq!(log.of("signal").count(), 0);
    client.turn("still there?");
}
