//! A session over a transport of the host's is recorded and played like any other.
#![cfg(unix)]

use crate::support::transport::client::{Client, Kind, Status};
use crate::support::transport::memory::{Memory, assistant, line, result};
use crate::support::transport::vtable::install;
use crate::support::transport::ways::Cli;
use serde_json::{Value, json};

/// Two turns; behind the second the line is cut.
fn talk(client: &Client) -> (Vec<Value>, Status, String) {
    client.connect().expect("connected");
    client.turn("one");
    client.turn("two");
    let closed = client.closed();
    let texts = client.seen.lock().of(Kind::CLAUDE_MESSAGE_ASSISTANT);
    (texts, closed.status, closed.message().to_owned())
}

#[test]
fn a_host_transport_is_recorded_in_whatever_pieces_it_pushes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.ndjson");
    let client = Client::new(&json!({"record": path}));
    let memory = Memory::with(|sink, prompt| {
        let text = prompt["message"]["content"].as_str().expect("a prompt");
        let turn = [line(&assistant(&format!("heard {text}, naïvely"))), line(&result())].concat();
        turn.chunks(3).for_each(|piece| sink.push(piece).expect("pushed"));
        if text == "two" {
            sink.end(Status::CLAUDE_ERR_CLI_CONNECTION as i32, "the line was cut").expect("ended");
        }
        0
    });
    install(&client, memory);
    let live = talk(&client);
    assert_eq!(live.0[1]["message"]["content"][0]["text"], "heard two, naïvely");
    assert_eq!(live.1, Status::CLAUDE_ERR_CLI_CONNECTION);
    let played = talk(&Client::new(&json!({"replay": path})));
    assert_eq!(live, played);
}

#[test]
fn the_hosts_reason_for_an_end_is_played_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.ndjson");
    let client = Client::new(&json!({"record": path}));
    install(&client, Memory::with(|sink, _| i32::from(sink.end(7, "it began well\nbad luck").is_err())));
    let ends = |client: &Client| {
        client.connect().expect("connected");
        client.query("one").expect("sent");
        let mut closed = client.closed();
        closed.json.as_object_mut().expect("an error").shift_remove("cli_path");
        (closed.status, closed.json)
    };
    let live = ends(&client);
    assert_eq!((live.0, &live.1["exit_code"]), (Status::CLAUDE_ERR_PROCESS, &json!(7)), "{live:?}");
    assert!(live.1["message"].as_str().is_some_and(|text| text.contains("bad luck")), "{live:?}");
    let played = ends(&Client::new(&json!({"replay": path})));
    assert_eq!(live, played);
}

/// A tool of the host's is called in the replay as it was in the session, and its answer is compared.
#[test]
fn a_tool_call_with_the_real_cli_is_recorded_and_played() {
    let Some(cli) = Cli::real("a_tool_call_with_the_real_cli_is_recorded_and_played") else { return };
    let path = cli.sandbox().root().join("record.ndjson");
    let hold = |options: &Value, more: usize| {
        let client = Client::new(options);
        client.tool_that_adds_and(more);
        client.allow_everything();
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        let call = json!({"name": "mcp__calc__add", "input": {"a": 19, "b": 23}});
        client.query(&format!("USE_TOOL {call}")).expect("sent");
        let received = client.receive();
        let seen = client.seen.clone();
        let record = seen.lock();
        let kinds = [Kind::CLAUDE_MESSAGE_ASSISTANT, Kind::CLAUDE_MESSAGE_USER];
        let mut said: Vec<Value> = kinds.into_iter().flat_map(|kind| record.of(kind)).collect();
        for message in &mut said {
            // The prompt has another uuid in each run.
            message["user_message_uuid"] = Value::Null;
            message["user_message_uuids"] = Value::Null;
        }
        (received, said, record.requests.clone(), record.of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH), client)
    };
    let live = hold(
        &json!({"cli_path": cli.program(), "cwd": cli.sandbox().work(), "env": cli.sandbox().env_json(),
                "env_mode": "only", "record": path}),
        0,
    );
    live.0.as_ref().expect("the turn ends");
    live.4.disconnect().expect("closed");
    live.4.closed();
    assert!(json!(live.1).to_string().contains("the sum is 42"), "{:?}", live.1);
    let Cli::Real { api, .. } = &cli else { unreachable!("made above") };
    let asked = api.requests().len();
    let played = hold(&json!({"replay": path}), 0);
    played.0.expect("the turn ends");
    assert_eq!((live.1, live.2, live.3), (played.1, played.2, played.3));
    assert_eq!(api.requests().len(), asked, "the API was asked again");
    // Another answer of the tool is a difference.
    let (received, _, _, _, client) = hold(&json!({"replay": path}), 1);
    assert_eq!(received.expect_err("it differs").status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    let cause = client.closed();
    assert_eq!((cause.status, &cause.json["phase"]), (Status::CLAUDE_ERR_INVALID_ARGUMENT, &json!("replay")));
    let mismatches = client.seen.lock().of(Kind::CLAUDE_EVENT_REPLAY_MISMATCH);
    assert_eq!(mismatches.len(), 1, "{mismatches:?}");
    assert!(mismatches[0]["got"].as_str().is_some_and(|text| text.contains("43")), "{mismatches:?}");
}

/// The test of such a program changes one option, and nothing is reached: its transport is let go unused.
#[test]
fn a_program_with_its_own_transport_is_played_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.ndjson");
    // What goes into `initialize` when the host starts the CLI, and what only a process of ours would get.
    let options = |more: (&str, Value)| {
        let mut all = json!({"system_prompt": "Be brief.", "cwd": folder.path(), "max_turns": 3,
                             "settings": {"model": "opus"}});
        all[more.0] = more.1;
        all
    };
    let program = |options: &Value| {
        let client = Client::new(options);
        let log = install(&client, Memory::new());
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        client.turn("one");
        client.turn("two");
        client.disconnect().expect("closed");
        let seen = client.seen.clone();
        let status = client.closed().status;
        client.free();
        let messages = seen.lock().messages.clone();
        let log = log.lock();
        (messages, status, (log.count("connect"), log.calls.len(), log.destroyed))
    };
    let (live, status, log) = program(&options(("record", json!(path))));
    assert_eq!((status, log.0, log.2), (Status::CLAUDE_OK, 1, 1));
    let warnings = |messages: &[(Kind, String)]| {
        messages.iter().filter(|(kind, _)| *kind == Kind::CLAUDE_EVENT_WARNING).count()
    };
    assert_eq!(warnings(&live), 1, "max_turns and cwd are for a process of ours: {live:?}");
    let (played, status, log) = program(&options(("replay", json!(path))));
    assert_eq!(status, Status::CLAUDE_OK);
    assert_eq!(log, (0, 0, 1), "connect, all calls, destroy");
    assert_eq!(warnings(&played), 0, "{played:?}");
    let said = |messages: &[(Kind, String)]| -> Vec<(Kind, String)> {
        messages.iter().filter(|(kind, _)| (*kind as i32) < 100).cloned().collect()
    };
    assert_eq!(said(&live), said(&played));
}
