//! Turns of the CLI's own, and interrupts: too early, never answered, with a queue behind them.

use std::thread;
use std::time::Duration;

use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

use crate::common::{Real, connect_with, interrupt, interrupt_with, query_as, session};
use crate::support::host::{Client, Kind, Status};
use crate::support::{PATIENCE, options};

/// The prompts of each turn that has ended, and whether the CLI began it by itself.
fn turns(client: &Client, count: usize) -> Vec<(Vec<String>, bool)> {
    client.wait_for("the turns", |record| {
        let ended = record.messages.iter().filter(|message| message.kind == Kind::CLAUDE_EVENT_TURN_ENDED);
        ended.count() >= count
    });
    let ended = client.of_kind(Kind::CLAUDE_EVENT_TURN_ENDED).into_iter().map(|event| event.json());
    let prompts = |event: &Value| {
        let prompts = event["prompts"].as_array().expect("a list").iter();
        prompts.map(|uuid| uuid.as_str().expect("a uuid").to_owned()).collect()
    };
    ended.map(|event| (prompts(&event), event["autonomous"] == true)).collect()
}

#[test]
fn b1_turns_that_the_cli_begins_before_between_and_after_ours_are_nobodys() {
    for no_lifecycle in [false, true] {
        let own = json!({"origin": {"kind": "task-notification"}, "user_message_uuid": null, "user_message_uuids": null});
        let script = json!({
            "no_lifecycle": no_lifecycle,
            "on_initialize": ["default", {"autonomous": "before"}],
            "on_user": [[{"result": own}, "default"], ["default", {"autonomous": "after"}], ["default"]]});
        let (_fake, client) = session(script, json!({"turn_events": true}));
        assert_eq!(turns(&client, 1), [(vec![], true)]);
        client.receive().unwrap();
        // One ends between the prompt and its own turn.
        let one = query_as(&client, "one", None).unwrap();
        assert_eq!(turns(&client, 3)[1..], [(vec![], true), (vec![one], false)]);
        let [two, three] = ["two", "three"].map(|prompt| query_as(&client, prompt, None).unwrap());
        let mut ended = turns(&client, 6).split_off(3);
        assert_eq!(ended.remove(0), (vec![two], false));
        ended.sort();
        assert_eq!(ended, [(vec![], true), (vec![three], false)]);
    }
}

#[test]
fn g1_an_interrupt_before_the_cli_is_ready_says_that_it_is_too_early() {
    for delay in [0, 10, 50, 150] {
        let fake = FakeClaude::new(json!({"on_initialize": [{"sleep": 400}, "default"]}));
        let client = Client::new(&options(&fake, json!({})));
        let never = interrupt(&client).unwrap_err();
        assert_eq!(never.status, Status::CLAUDE_ERR_NOT_CONNECTED, "{never:#?}");
        thread::scope(|scope| {
            let connecting = scope.spawn(|| client.connect());
            thread::sleep(Duration::from_millis(delay));
            if delay >= 50 {
                fake.wait_for_log(PATIENCE, |log| !log.requests("initialize").is_empty());
            }
            let early = interrupt(&client).unwrap_err();
            assert_eq!(early.status, Status::CLAUDE_ERR_NOT_CONNECTED, "{early:#?}");
            assert!(!early.text("remedy").is_empty(), "{early:#?}");
            connecting.join().unwrap().unwrap();
        });
        assert!(fake.log().requests("interrupt").is_empty());
        client.turn("hello");
    }
}

#[test]
fn g1_an_interrupt_right_behind_the_first_prompt_ends_it_or_says_that_it_waits() {
    let Some(real) = Real::new("g1_an_interrupt_right_behind_the_first_prompt") else { return };
    for cancel_queued in [false, true] {
        let client = Client::new(&real.options(json!({})));
        connect_with(&client, "SLOW 600 50").unwrap();
        let receipt = interrupt_with(&client, cancel_queued, 0, 0).unwrap();
        let waits = receipt["still_queued"].as_array().is_some_and(|queued| !queued.is_empty());
        let says = |client: &Client, what: &str, part: &str| {
            client.wait_for(what, |record| record.messages.iter().any(|message| message.text.contains(part)));
        };
        if waits {
            // It was not begun, and the receipt says so: now it runs, and can be stopped.
            says(&client, "the turn", r#""subtype":"init""#);
            interrupt(&client).unwrap();
        }
        says(&client, "the end of the prompt", r#""state":"cancelled""#);
        client.turn("still there?");
    }
}

#[test]
fn g2_an_interrupt_that_is_never_answered_has_its_end_and_so_has_the_turn() {
    if takes_long() {
        return;
    }
    let script = json!({"on_control": {"interrupt": []}, "on_user": ["init", {"sleep": 600_000}, "result"]});
    let quick =
        json!({"control_timeout_ms": 300, "graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300});
    for (escalation, ends) in [(0, false), (1, true), (2, true)] {
        let (_fake, client) = session(script.clone(), quick.clone());
        client.query("work").unwrap();
        client.wait_for("the turn", |record| !record.messages.is_empty());
        let failure = interrupt_with(&client, false, 300, escalation).unwrap_err();
        if !ends {
            // The application chose to leave it at that; everything else still works.
            assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT, "{failure:#?}");
            assert!(client.control(&json!({"subtype": "mcp_status"})).is_ok());
            continue;
        }
        let cause = client.cause();
        assert_eq!(
            (cause.status, cause.text("phase")),
            (Status::CLAUDE_ERR_TIMEOUT, "interrupt"),
            "{cause:#?}"
        );
        assert!(cause.text("remedy").contains("resume"), "{cause:#?}");
        assert_eq!(client.receive().unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    }
}

#[test]
fn g4_a_cli_that_cannot_empty_its_queue_says_what_is_still_in_it() {
    // One that does not know the word: it interrupts the turn, and leaves the queue alone.
    let script = json!({
        "no_lifecycle": true,
        "on_user": [["init", {"sleep": 1000}, "result"], ["default"]],
        "on_control": {"interrupt": [{"respond": {"still_queued": ["{{request.test}}"]}}]}});
    let (_fake, client) = session(script, json!({}));
    query_as(&client, "first", None).unwrap();
    let queued = query_as(&client, "second", None).unwrap();
    let request = json!({"subtype": "interrupt", "cancel_queued": true, "test": queued});
    assert_eq!(client.control(&request).unwrap(), json!({"still_queued": [queued]}));
    // It was not taken for cancelled: its result is waited for and comes.
    client.receive().unwrap();
    client.receive().unwrap();
    let results: Vec<Value> = client
        .of_kind(Kind::CLAUDE_MESSAGE_RESULT)
        .iter()
        .map(|message| message.json()["result"].clone())
        .collect();
    assert_eq!(results[1], "second");
}

/// How the turns so far ended: whether each was interrupted, as the event says, and the result's own word.
fn endings(client: &Client, count: usize) -> Vec<(bool, Value)> {
    turns(client, count);
    let events = client.of_kind(Kind::CLAUDE_EVENT_TURN_ENDED).into_iter().map(|event| event.json());
    let results = client.of_kind(Kind::CLAUDE_MESSAGE_RESULT).into_iter().map(|result| result.json());
    events
        .zip(results)
        .map(|(event, result)| (event["interrupted"] == true, result["subtype"].clone()))
        .collect()
}

#[test]
fn g3_a_turn_that_the_host_stopped_is_told_as_that_whatever_the_cli_calls_it() {
    if takes_long() {
        return;
    }
    let failed = json!({"subtype": "error_during_execution", "is_error": true, "errors": ["Error: aborted"]});
    let aborted = json!({"is_error": false, "terminal_reason": "aborted_streaming"});
    let unfinished = json!({"is_error": true, "terminal_reason": null});
    for result in [failed, aborted, unfinished] {
        let script = json!({
            "on_user": [["init", {"sleep": 600_000}], ["default"]],
            "on_control": {"interrupt": [{"respond": {"still_queued": []}}, {"result": result}]}});
        let (_fake, client) = session(script, json!({"turn_events": true}));
        client.query("work").unwrap();
        client.wait_for("the turn", |record| !record.messages.is_empty());
        interrupt(&client).unwrap();
        let (interrupted, subtype) = endings(&client, 1).remove(0);
        assert!(interrupted, "{result}");
        assert_eq!(
            subtype,
            result.get("subtype").cloned().unwrap_or("success".into()),
            "the frame is the CLI's own"
        );
    }
}

#[test]
fn g3_a_turn_that_ends_by_itself_was_not_interrupted() {
    let failed = json!({"subtype": "error_during_execution", "is_error": true});
    let script = json!({
        "on_user": [["default"], [{"result": failed}], ["init", {"sleep": 300}, "result"]],
        "on_control": {"interrupt": [{"respond": {"still_queued": []}}]}});
    let (_fake, client) = session(script, json!({"turn_events": true}));
    client.turn("one");
    // Nothing runs: what fails behind it fails by itself.
    interrupt(&client).unwrap();
    client.query("two").unwrap();
    assert_eq!(endings(&client, 2), [(false, json!("success")), (false, json!("error_during_execution"))]);
    client.query("three").unwrap();
    client.wait_for("the turn", |record| {
        record.messages.iter().filter(|m| m.text.contains(r#""init""#)).count() == 2
    });
    // It comes too late to change anything.
    interrupt(&client).unwrap();
    assert_eq!(endings(&client, 3)[2], (false, json!("success")));
}

#[test]
fn g3_the_real_cli_is_interrupted_and_then_it_is_not() {
    let Some(real) = Real::new("g3_the_real_cli_is_interrupted") else { return };
    let client =
        Client::connected(&real.options(json!({"turn_events": true, "include_partial_messages": true})));
    client.query("SLOW 600 50").unwrap();
    client.wait_for("an answer", |record| {
        record.messages.iter().any(|message| message.text.contains("content_block_delta"))
    });
    interrupt(&client).unwrap();
    client.receive().unwrap();
    client.turn("still there?");
    client.query("API_ERROR 400").unwrap();
    let told: Vec<bool> = endings(&client, 3).into_iter().map(|(interrupted, _)| interrupted).collect();
    assert_eq!(told, [true, false, false]);
}
