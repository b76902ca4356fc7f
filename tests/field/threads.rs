//! Any thread may do anything.

use std::thread;

use claude_testkit::fake::FakeClaude;
use serde_json::json;

use crate::common::{interrupt, session};
use crate::support::host::Client;
use crate::support::{PATIENCE, options};

/// Runs it on a thread that ends with it.
fn elsewhere<T: Send>(call: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(call).join().unwrap())
}

#[test]
fn i1_each_call_of_a_session_may_be_made_on_a_thread_of_its_own() {
    let fake = FakeClaude::new(json!({"on_user": [["default"], ["init", {"sleep": 60_000}], ["default"]]}));
    let options = options(&fake, json!({}));
    let client = elsewhere(|| Client::new(&options));
    elsewhere(|| client.connect().unwrap());
    elsewhere(|| client.query("one").unwrap());
    elsewhere(|| client.receive().unwrap());
    elsewhere(|| client.query("two").unwrap());
    client.wait_for_turns(2);
    elsewhere(|| interrupt(&client).unwrap());
    elsewhere(|| client.receive().unwrap());
    let reply = elsewhere(|| client.control_later(&json!({"subtype": "mcp_status"})).unwrap());
    elsewhere(|| reply.outcome().unwrap());
    assert!(elsewhere(|| client.stats())["bytes_read"].as_u64().unwrap() > 0);
    elsewhere(|| client.turn("three"));
    elsewhere(|| client.disconnect().unwrap());
    elsewhere(move || drop(client));
}

#[test]
fn i2_sixteen_threads_with_a_megabyte_each_do_not_mix_their_lines() {
    const THREADS: usize = 16;
    let (fake, client) = session(json!({"on_user": ["result"], "no_lifecycle": true}), json!({}));
    let letter = |thread: usize| char::from(b'a' + thread as u8).to_string();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, prompt) = (&client, letter(thread).repeat(1 << 20));
            scope.spawn(move || client.query(&prompt).unwrap());
        }
    });
    let log = fake.wait_for_log(PATIENCE, |log| log.prompts().len() == THREADS);
    assert_eq!(log.frames().len(), log.lines().len(), "a line is not JSON");
    let text = |frame: &serde_json::Value| frame["message"]["content"].as_str().unwrap().to_owned();
    let mut received: Vec<String> = log.prompts().iter().map(text).collect();
    received.sort_unstable();
    let sent: Vec<String> = (0..THREADS).map(|thread| letter(thread).repeat(1 << 20)).collect();
    assert!(received == sent, "a prompt arrived otherwise than it was sent");
}
