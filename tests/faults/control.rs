//! Control requests when the CLI answers late, wrongly, in another order or never, and many threads at once.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::host::{Client, Failure, Kind, Reply, Status};
use crate::support::{PATIENCE, options, timed};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

fn session(script: Value, more: Value) -> (FakeClaude, Client) {
    let fake = FakeClaude::new(script);
    let client = Client::connected(&options(&fake, more));
    (fake, client)
}

fn ask(subtype: &str) -> Value {
    json!({"subtype": subtype})
}

fn later(client: &Client, subtype: &str) -> Arc<Reply> {
    client.control_later(&ask(subtype)).unwrap_or_else(|failure| panic!("{failure:#?}"))
}

#[test]
fn i2_edge_18_a_hundred_threads_do_not_mix_their_lines() {
    const THREADS: usize = 100;
    const ROUNDS: usize = 5;
    let (fake, client) = session(
        json!({"on_user": ["result"], "no_lifecycle": true, "on_control": {"echo": [{"respond": {"n": "{{request.n}}"}}]}}),
        json!({}),
    );
    // Large enough that one write does not take a line of every thread.
    let filler = "0123456789".repeat(500);
    let prompt = |thread: usize, round: usize| format!("{thread}/{round} {filler}");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, prompt) = (&client, &prompt);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    client.query(&prompt(thread, round)).unwrap();
                    let number = thread * ROUNDS + round;
                    let reply = client.control(&json!({"subtype": "echo", "n": number})).unwrap();
                    assert_eq!(reply, json!({"n": number}), "each gets its own answer");
                }
            });
        }
    });
    let log = fake.wait_for_log(PATIENCE, |log| log.prompts().len() == THREADS * ROUNDS);
    assert_eq!(log.frames().len(), log.lines().len(), "a line is not JSON");
    assert_eq!(log.requests("echo").len(), THREADS * ROUNDS);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for frame in log.prompts() {
        *seen.entry(frame["message"]["content"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for (thread, round) in (0..THREADS).flat_map(|thread| (0..ROUNDS).map(move |round| (thread, round))) {
        assert_eq!(seen.get(&prompt(thread, round)), Some(&1), "prompt {thread}/{round}");
    }
    (0..THREADS * ROUNDS).for_each(|_| client.receive().unwrap());
}

#[test]
fn edge_43_answers_in_reverse_order_find_their_askers() {
    let script = json!({"on_initialize": ["default"], "on_control": {
        "one": [{"sleep": 400}, {"respond": {"is": 1}}], "two": [{"sleep": 200}, {"respond": {"is": 2}}],
        "three": [{"respond": {"is": 3}}]}});
    let (_fake, client) = session(script, json!({}));
    let replies = ["one", "two", "three"].map(|subtype| later(&client, subtype));
    let told: Vec<(Value, Instant)> =
        replies.iter().map(|reply| reply.wait()).map(|(outcome, at)| (outcome.unwrap(), at)).collect();
    assert_eq!(told.iter().map(|(reply, _)| reply["is"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(told[2].1 < told[1].1 && told[1].1 < told[0].1, "they were answered last first");
}

#[test]
fn edge_43_answers_that_come_all_at_once_and_backwards() {
    let (_fake, client) = session(
        json!({"on_initialize": ["default"], "on_control": {"*": [{"reverse_after": 3}]}}),
        json!({}),
    );
    let subtypes = ["mcp_status", "get_context_usage", "set_model"];
    let replies = subtypes.map(|subtype| later(&client, subtype));
    let [status, usage, model] = replies.map(|reply| reply.outcome().unwrap());
    assert!(status.get("mcpServers").is_some(), "{status}");
    assert!(usage.get("totalTokens").is_some(), "{usage}");
    assert!(model.get("mcpServers").is_none() && model.get("totalTokens").is_none(), "{model}");
}

#[test]
fn edge_44_an_error_reply_has_the_text_of_the_cli_and_the_session_goes_on() {
    let script = json!({"on_control": {"set_permission_mode": [
        {"respond_error": "Cannot set permission mode to moon", "code": "moon_not_launched"}]}});
    let (_fake, client) = session(script, json!({}));
    let request = json!({"subtype": "set_permission_mode", "mode": "moon"});
    for failure in [
        client.control(&request).unwrap_err(),
        client.control_later(&request).unwrap().outcome().unwrap_err(),
    ] {
        assert_eq!(failure.status, Status::CLAUDE_ERR_CONTROL, "{failure:#?}");
        assert!(failure.message().contains("Cannot set permission mode to moon"), "{failure:#?}");
        assert!(failure.json.to_string().contains("moon_not_launched"), "{failure:#?}");
        assert_eq!(failure.text("request"), "set_permission_mode");
    }
    client.turn("hello");
}

#[test]
fn a9_edge_45_a_late_answer_is_dropped() {
    let script = json!({"on_control": {"slow": [{"sleep": 3000}, {"respond": {"late": true}}]}});
    let (_fake, client) = session(script, json!({"control_timeout_ms": 300}));
    let asked = Instant::now();
    let reply = later(&client, "slow");
    let (outcome, told) = reply.wait();
    let failure = outcome.unwrap_err();
    assert_eq!(
        (failure.status, failure.text("request")),
        (Status::CLAUDE_ERR_TIMEOUT, "slow"),
        "{failure:#?}"
    );
    assert!(!failure.text("remedy").is_empty());
    let took = told - asked;
    assert!(took >= Duration::from_millis(300) && took < Duration::from_millis(2800), "told after {took:?}");
    let (outcome, took) = timed(|| client.control_within(&ask("slow"), 200));
    assert_eq!(outcome.unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(2800), "waited {took:?}");
    // Both answers come while this one waits.
    assert_eq!(client.control(&ask("slow")).unwrap(), json!({"late": true}));
    assert_eq!(reply.count(), 1, "the late answer was told as well");
    client.turn("hello");
    assert_eq!(client.of_kind(Kind::CLAUDE_EVENT_UNPARSED_LINE).len(), 0);
}

#[test]
fn edge_45_answers_to_nobody_are_ignored() {
    let nobody = json!({"type": "control_response", "response": {"subtype": "success", "request_id": "req_99999", "response": {}}});
    let broken = json!({"type": "control_response"});
    let (_fake, client) = session(json!({"on_user": [{"send": [nobody, broken]}, "default"]}), json!({}));
    client.turn("hello");
    assert!(client.control(&ask("mcp_status")).is_ok());
}

#[test]
fn edge_46_a_success_without_a_payload_is_an_empty_object() {
    let (_fake, client) = session(json!({"on_control": {"bare": ["respond"]}}), json!({}));
    assert_eq!(client.control(&ask("bare")).unwrap(), json!({}));
}

#[test]
fn edge_52_a_subtype_that_the_cli_does_not_know_is_its_error() {
    let (_fake, client) = session(json!({}), json!({}));
    let failure = client.control(&ask("no_such_thing")).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CONTROL, "{failure:#?}");
    assert!(failure.json.to_string().contains("unsupported_request"), "{failure:#?}");
}

/// The failure of a session whose CLI exits with 3 and says why.
fn assert_burnt(failure: &Failure) {
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(3)),
        "{failure:#?}"
    );
    assert!(failure.text("stderr").contains("fatal: disk on fire"), "{failure:#?}");
}

#[test]
fn edge_20_the_death_of_the_cli_ends_everything_that_waits_and_every_later_call() {
    let script =
        json!({"on_control": {"never": []}, "on_user": [{"stderr": "fatal: disk on fire\n"}, {"exit": 3}]});
    let (_fake, client) = session(script, json!({}));
    let waiting: Vec<Arc<Reply>> = (0..20).map(|_| later(&client, "never")).collect();
    thread::scope(|scope| {
        let blocked: Vec<_> = (0..4).map(|_| scope.spawn(|| client.control(&ask("never")))).collect();
        let receiving = scope.spawn(|| client.receive());
        thread::sleep(Duration::from_millis(100));
        assert!(waiting.iter().all(|reply| reply.count() == 0));
        client.query("burn").unwrap();
        blocked.into_iter().for_each(|thread| assert_burnt(&thread.join().unwrap().unwrap_err()));
        assert_burnt(&receiving.join().unwrap().unwrap_err());
    });
    let died = client.closed().at;
    for reply in &waiting {
        let (outcome, told) = reply.wait();
        let failure = outcome.unwrap_err();
        assert_burnt(&failure);
        assert_eq!(failure.text("request"), "never");
        assert!(told < died + Duration::from_secs(2), "told long after the end");
    }
    assert_burnt(&client.cause());
    for _ in 0..2 {
        assert_burnt(&client.query("again").unwrap_err());
        assert_burnt(&client.control(&ask("mcp_status")).unwrap_err());
        assert_burnt(&client.control_later(&ask("mcp_status")).err().unwrap());
        assert_burnt(&client.end_input().unwrap_err());
        assert_burnt(&client.receive().unwrap_err());
    }
    assert!(waiting.iter().all(|reply| reply.count() == 1), "told twice");
}

#[test]
fn edge_20_a_query_at_the_moment_of_death_is_an_error_or_lost_but_never_more() {
    let script = json!({"on_user": [["default"], [{"exit": 7}]]});
    let (_fake, client) = session(script, json!({}));
    client.turn("first");
    client.query("second").unwrap();
    // Writes into a pipe whose reader is going; the last one tells.
    let failure = loop {
        match client.query("and on") {
            Ok(()) => thread::sleep(Duration::from_millis(1)),
            Err(failure) if failure.status == Status::CLAUDE_ERR_CLI_CONNECTION => {
                assert!(!failure.text("remedy").is_empty());
                thread::sleep(Duration::from_millis(1));
            }
            Err(failure) => break failure,
        }
    };
    assert_eq!(
        (failure.status, &failure.json["exit_code"]),
        (Status::CLAUDE_ERR_PROCESS, &json!(7)),
        "{failure:#?}"
    );
}

#[test]
fn edge_50_a_control_request_is_answered_while_the_host_is_stuck_in_a_message() {
    // Far more than the queue may hold comes before the answer.
    let script = json!({"on_user": ["init", {"flood": 2000, "bytes": 1000, "batch": 100_000}, "result"],
                        "on_control": {"echo": [{"respond": {"ok": true}}]}});
    let (_fake, client) = session(script, json!({"max_queue_bytes": 10_000}));
    client.set_stuck(true);
    client.query("pour").unwrap();
    client.wait_for("the first message", |record| !record.messages.is_empty());
    assert_eq!(client.control(&ask("echo")).unwrap(), json!({"ok": true}));
    assert_eq!(client.look(|record| record.messages.len()), 1);
    client.set_stuck(false);
    client.receive().unwrap();
    assert_eq!(client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).len(), 2000);
}

#[test]
fn edge_53_prompts_that_are_sent_together_have_a_result_each_in_order() {
    let (_fake, client) = session(json!({}), json!({}));
    let prompts: Vec<String> = (0..50).map(|at| format!("prompt {at}")).collect();
    prompts.iter().for_each(|prompt| client.query(prompt).unwrap());
    prompts.iter().for_each(|_| client.receive().unwrap());
    let results: Vec<Value> =
        client.of_kind(Kind::CLAUDE_MESSAGE_RESULT).iter().map(|r| r.json()["result"].clone()).collect();
    assert_eq!(results, prompts);
}
