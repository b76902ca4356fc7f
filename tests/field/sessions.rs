//! Conversations, the processes that hold them, and the files that they share.

use std::thread;

use claude_testkit::fake::FakeClaude;
use claude_testkit::quick::takes_long;
use serde_json::{Value, json};

use crate::common::{Real, query_as};
use crate::support::host::{Client, Kind};
use crate::support::processes::{MARK, assert_gone, marked, new_mark};
use crate::support::{PATIENCE, options};

#[test]
fn c7_a_session_that_is_resumed_fifty_times_has_one_process_at_a_time() {
    if takes_long() {
        return;
    }
    let fake = FakeClaude::new(json!({}));
    let mark = new_mark("c7");
    let mut options = options(&fake, json!({"resume": "11111111-2222-4333-8444-555555555555"}));
    options["env"][MARK] = mark.clone().into();
    for round in 0..50 {
        let client = Client::connected(&options);
        assert_eq!(marked(&mark), [client.pid()], "round {round}");
        client.turn("hello");
        drop(client);
        assert_gone(PATIENCE, "after the free", || marked(&mark));
    }
    assert_eq!(fake.log().starts(), 50);
}

fn config_of(folder: &std::path::Path) -> Option<Value> {
    let text = std::fs::read_to_string(folder.join(".claude.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {folder:?}: {text}")))
}

#[test]
fn i5_clients_that_start_at_once_have_a_configuration_each() {
    const CLIENTS: usize = 8;
    let Some(real) = Real::new("i5_clients_that_start_at_once") else { return };
    let folder = |number: usize| real.sandbox.root().join(format!("config{number}"));
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let options = real.options(json!({"config_dir": folder(number)}));
            scope.spawn(move || {
                let client = Client::connected(&options);
                client.turn(&format!("client {number}"));
                client.disconnect().unwrap();
            });
        }
    });
    for number in 0..CLIENTS {
        assert!(config_of(&folder(number)).is_some(), "client {number} has its own");
        let files = std::fs::read_dir(folder(number)).unwrap().flatten();
        let names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        assert!(!names.iter().any(|name| name.contains("corrupt")), "{names:?}");
    }
    assert!(!real.sandbox.home().join(".claude.json").exists(), "the shared one is not touched");
}

#[test]
fn i6_a_label_on_a_prompt_makes_no_conversation_of_its_own_and_the_header_says_so() {
    let header = include_str!("../../include/claude_client.h");
    assert!(header.contains("It does not separate conversations."));
    let Some(real) = Real::new("i6_a_label_on_a_prompt") else { return };
    let client = Client::connected(&real.options(json!({})));
    query_as(&client, "remember the teapot", Some("one")).unwrap();
    client.receive().unwrap();
    query_as(&client, "RECALL 1", Some("another")).unwrap();
    client.receive().unwrap();
    let results = client.of_kind(Kind::CLAUDE_MESSAGE_RESULT);
    assert!(results[1].text.contains("remember the teapot"), "{}", results[1].text);
    assert_eq!(results[0].json()["session_id"], results[1].json()["session_id"]);
}

fn shared(client: &Client) -> Vec<Value> {
    let warnings = client.of_kind(Kind::CLAUDE_EVENT_WARNING).into_iter().map(|warning| warning.json());
    warnings.filter(|warning| warning["event"] == "session_shared").collect()
}

#[test]
fn c7_a_second_client_on_a_conversation_that_another_one_holds_is_told() {
    const ID: &str = "22222222-2222-4333-8444-555555555555";
    let fake = FakeClaude::new(json!({}));
    let resumed = options(&fake, json!({"resume": ID}));
    let first = Client::connected(&resumed);
    first.turn("hello");
    let forked = Client::connected(&options(&fake, json!({"resume": ID, "fork_session": true})));
    forked.turn("hello");
    let second = Client::connected(&resumed);
    second.turn("hello");
    second.turn("and again");
    let told = shared(&second);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["session_id"], ID);
    assert!(told[0]["text"].as_str().is_some_and(|text| text.contains(ID)), "{told:#?}");
    assert!(told[0]["remedy"].as_str().is_some_and(|text| text.contains("fork_session")), "{told:#?}");
    assert_eq!((shared(&first).len(), shared(&forked).len()), (0, 0));
    // Whoever has ended it holds it no more, freed or not.
    first.disconnect().unwrap();
    second.disconnect().unwrap();
    let third = Client::connected(&resumed);
    third.turn("hello");
    assert_eq!(shared(&third).len(), 0);
}
