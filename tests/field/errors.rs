//! What a failure tells: one committed document for each status, and no failure that is silent.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // A host's side of the boundary: it reads what the library gives.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use crate::support::host::{Client, Failure, Kind, check};
use crate::support::{PATIENCE, eventually, options};
use claude_client::capi::control::claude_client_interrupt_wait;
use claude_client::capi::json::claude_json_get;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::sessions::{claude_session_archive, claude_session_delete, claude_session_info};
use claude_client::capi::talk::claude_client_query;
use claude_client::capi::types::*;
use claude_client::error::Status as Code;
use claude_testkit::fake::FakeClaude;
use claude_testkit::{CLI_VERSION, Sandbox};
use serde_json::{Map, Value, json};

const GOLDEN: &str = "tests/data/errors.json";

/// Told to nobody: the copy of a process gets no error object, and a defect cannot be caused here. That a transport of the
/// host's has no room is a status of `claude_sink_push`, which tests/transport/host.rs looks at.
const WITHOUT: &[Code] = &[Code::Ok, Code::Forked, Code::Panic, Code::WouldBlock];

/// What is another at each run.
fn without_places(failure: &Failure, places: &[(&str, &Path)]) -> Value {
    let mut text = failure.json.to_string();
    for (name, path) in places {
        text = text.replace(path.to_str().expect("a path"), name);
    }
    text = text.replace(&format!("\"cli_version\":\"{CLI_VERSION}\""), "\"cli_version\":\"VERSION\"");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    if let Some(pid) = document.get_mut("pid") {
        *pid = "PID".into();
    }
    document
}

fn fails_with(script: Value, more: Value) -> (FakeClaude, Failure) {
    let fake = FakeClaude::new(script);
    let client = Client::new(&options(&fake, more));
    let failure = client.connect().and_then(|()| client.query("hello")).and_then(|()| client.receive());
    let failure = failure.err().unwrap_or_else(|| client.cause());
    (fake, failure)
}

fn from_json(text: &str, pointer: &str) -> Failure {
    let [text, pointer] = [text, pointer].map(|text| CString::new(text).unwrap());
    let mut found = null_mut();
    // SAFETY: the texts end with a NUL, the outputs are variables.
    check(|error| unsafe { claude_json_get(text.as_ptr(), pointer.as_ptr(), &mut found, error) })
        .expect_err("a failure")
}

static INSIDE: Mutex<Option<Failure>> = Mutex::new(None);

/// What the first message's callback has noted.
struct Waits {
    client: *mut claude_client_t,
    noted: Mutex<Option<Failure>>,
}

unsafe extern "C" fn waits_inside(_: Kind, _: *const c_char, _: usize, waits: *mut c_void) {
    // SAFETY: it outlives the client.
    let waits = unsafe { &*waits.cast::<Waits>() };
    let mut noted = waits.noted.lock().unwrap();
    if noted.is_none() {
        // SAFETY: the client's own handle, which any function may be given.
        let outcome =
            check(|error| unsafe { claude_client_interrupt_wait(waits.client, 1000, null_mut(), error) });
        *noted = Some(outcome.expect_err("it would wait for itself"));
    }
}

unsafe extern "C" fn answers_twice(request: *mut claude_request_t, _: *mut c_void) {
    let answer = c"{\"action\": \"decline\"}";
    // SAFETY: the request is ours, the text ends with a NUL.
    let respond = || check(|error| unsafe { claude_request_respond(request, answer.as_ptr(), error) });
    respond().expect("the first answer");
    INSIDE.lock().unwrap().get_or_insert(respond().expect_err("the second answer"));
    // SAFETY: the request is ours.
    unsafe { claude_request_free(request) };
}

/// What a callback has noted. With its first answer the turn goes on, and may end before it.
fn noted_inside(client: &Client) -> Failure {
    client.connect().unwrap();
    client.turn("hello");
    assert!(eventually(PATIENCE, || INSIDE.lock().unwrap().is_some()), "the callback ran");
    INSIDE.lock().unwrap().take().unwrap()
}

fn would_deadlock() -> Failure {
    let fake = FakeClaude::new(json!({}));
    let client = Client::new(&options(&fake, json!({})));
    let waits = Box::leak(Box::new(Waits { client: client.handle(), noted: Mutex::new(None) }));
    let data = std::ptr::from_ref(waits).cast_mut().cast();
    // SAFETY: `waits` lives for ever.
    check(|error| unsafe {
        claude_client_on_message(client.handle(), Some(waits_inside), data, None, error)
    })
    .unwrap();
    client.connect().unwrap();
    client.query("hello").unwrap();
    assert!(eventually(PATIENCE, || waits.noted.lock().unwrap().is_some()));
    waits.noted.lock().unwrap().clone().unwrap()
}

fn stale() -> Failure {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"ask": "elicitation"}, "result"]}));
    let client = Client::new(&options(&fake, json!({})));
    // SAFETY: a function for the client's requests, without data.
    check(|error| unsafe {
        claude_client_on_request(client.handle(), Some(answers_twice), null_mut(), None, error)
    })
    .unwrap();
    noted_inside(&client)
}

/// Of sessions on the disk: one that is not there, one that is open, and one whose folder is taken by a file.
fn of_sessions() -> Vec<(Failure, Vec<(&'static str, std::path::PathBuf)>)> {
    const ID: &str = "0b0e8c1a-1111-4000-8000-000000000001";
    let sandbox = Sandbox::new();
    let (project, marks) = (sandbox.root().join("projects/-p"), sandbox.root().join("sessions"));
    let prompt = json!({"type": "user", "uuid": "0b0e8c1a-2222-4000-8000-000000000002", "sessionId": ID, "cwd": "/p",
        "timestamp": "2026-01-01T00:00:00.000Z", "message": {"role": "user", "content": "hello"}});
    for folder in [&project, &marks] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let pid = std::process::id();
    std::fs::write(project.join(format!("{ID}.jsonl")), format!("{prompt}\n")).unwrap();
    std::fs::write(project.join(ID), "").unwrap();
    std::fs::write(marks.join(format!("{pid}.json")), json!({"pid": pid, "sessionId": ID}).to_string())
        .unwrap();

    let (id, unknown) = (CString::new(ID).unwrap(), c"0b0e8c1a-3333-4000-8000-000000000003");
    let options = CString::new(json!({"config_dir": sandbox.root()}).to_string()).unwrap();
    let mut info = null_mut();
    // SAFETY: texts that end with NUL, and outputs.
    let failures = unsafe {
        [
            check(|error| claude_session_info(unknown.as_ptr(), options.as_ptr(), &mut info, error)),
            check(|error| claude_session_archive(id.as_ptr(), true, options.as_ptr(), error)),
            check(|error| claude_session_delete(id.as_ptr(), options.as_ptr(), error)),
        ]
    };
    let root = vec![("ROOT", sandbox.root().to_owned())];
    failures.map(|outcome| (outcome.expect_err("it is refused"), root.clone())).into()
}

/// One of each, with what has to be taken out of its document.
fn all() -> Vec<(Failure, Vec<(&'static str, std::path::PathBuf)>)> {
    let root = |fake: &FakeClaude| vec![("ROOT", fake.sandbox().root().to_owned()), ("CLI", fake.path())];
    let mut all = Vec::new();
    all.push((from_json("nonsense", "/a"), vec![]));
    all.push((from_json("{}", "/a"), vec![]));
    all.push((Client::try_new(r#"{"max_turn": 3}"#).err().expect("an unknown option"), vec![]));
    // SAFETY: NULL is what is tried.
    let gone =
        check(|error| unsafe { claude_client_query(null_mut(), c"x".as_ptr(), null(), null_mut(), error) });
    all.push((gone.expect_err("no handle"), vec![]));

    let fake = FakeClaude::new(
        json!({"on_control": {"set_model": [{"respond_error": "no such model", "code": "bad"}], "stop_task": []}}),
    );
    let client = Client::new(&options(&fake, json!({})));
    all.push((client.query("early").expect_err("not connected"), vec![]));
    let mut event = null_mut();
    // SAFETY: the output is a variable.
    let wrong_mode = check(|error| unsafe {
        claude_client_next(
            client.handle(),
            std::mem::MaybeUninit::new(claude_lanes_t::CLAUDE_LANE_ALL),
            0,
            &mut event,
            error,
        )
    });
    all.push((wrong_mode.expect_err("another mode"), vec![]));
    client.connect().unwrap();
    all.push((client.connect().expect_err("twice"), vec![]));
    all.push((client.send_json(&json!([])).expect_err("no message"), vec![]));
    let refused = client.control(&json!({"subtype": "set_model", "model": "x"}));
    all.push((refused.expect_err("refused"), root(&fake)));
    let open = client.control_later(&json!({"subtype": "stop_task", "task_id": "t"})).unwrap();
    client.disconnect().unwrap();
    all.push((open.outcome().expect_err("cancelled"), root(&fake)));
    all.push((client.query("late").expect_err("closed"), vec![]));

    all.push((would_deadlock(), vec![]));
    all.push((stale(), vec![]));

    let sandbox = Sandbox::new();
    let none = json!({"cli_path": "/nonexistent/claude", "env": sandbox.env_json(), "env_mode": "only"});
    all.push((Client::new(&none).connect().expect_err("not found"), vec![]));
    let file = sandbox.root().join("claude");
    std::fs::write(&file, "#!/bin/sh\n").unwrap();
    let plain = json!({"cli_path": file, "env": sandbox.env_json(), "env_mode": "only"});
    all.push((
        Client::new(&plain).connect().expect_err("not executable"),
        vec![("ROOT", sandbox.root().to_owned())],
    ));

    let secret = json!({"model": "haiku", "extra_args": {"token": "CANARY", "flag": null}});
    let (fake, failure) = fails_with(
        json!({"on_start": [{"stderr": "a warning\nfatal: the reason\n"}, {"exit": 3}]}),
        secret.clone(),
    );
    all.push((failure, root(&fake)));
    let late = crate::support::merged(secret, json!({"connect_timeout_ms": 4000}));
    let (fake, failure) =
        fails_with(json!({"on_start": [{"stderr": "waiting\n"}], "on_initialize": []}), late);
    all.push((failure, root(&fake)));
    let result = json!({"result": {"is_error": true, "subtype": "error_during_execution", "errors": ["it broke"], "session_id": "S",
        "uuid": "U", "duration_ms": 1, "duration_api_ms": 1, "usage": null, "modelUsage": null, "user_message_uuid": null,
        "user_message_uuids": null, "model_usage_since_last_result": null}});
    let (fake, failure) =
        fails_with(json!({"on_user": ["init", result, {"stderr": "the end\n"}, {"exit": 1}]}), json!({}));
    all.push((failure, root(&fake)));
    all.extend(of_sessions());
    all
}

/// UPDATE_GOLDEN=1 writes the file anew; look at what has changed in it.
#[test]
fn l1_each_kind_of_failure_has_its_document() {
    let mut documents = Map::new();
    for (failure, places) in all() {
        let places: Vec<(&str, &Path)> = places.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let document = without_places(&failure, &places);
        assert!(!document.to_string().contains("CANARY"), "{document:#}");
        let name = document["name"].as_str().expect("a name");
        // The first of a kind stands under its name alone.
        let phase = document["phase"].as_str().unwrap_or_default();
        let key = if documents.contains_key(name) { format!("{name} {phase}") } else { name.to_owned() };
        documents.insert(key, document);
    }
    for code in Code::ALL.iter().filter(|code| !WITHOUT.contains(code)) {
        assert!(documents.contains_key(code.name()), "{} is not here", code.name());
    }
    for (key, document) in &documents {
        let text = |name: &str| document[name].as_str().unwrap_or_default();
        assert!(!text("message").is_empty(), "{key}");
        if ["CLAUDE_ERR_PROCESS", "CLAUDE_ERR_RESULT", "CLAUDE_ERR_TIMEOUT"].contains(&text("name")) {
            for member in ["phase", "cli_path", "stderr"] {
                assert!(!text(member).is_empty(), "{key} has no {member}: {document:#}");
            }
        }
    }
    let found = serde_json::to_string_pretty(&documents).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(crate::support::packaging::root().join(GOLDEN), &found).unwrap();
    }
    let kept: Value = serde_json::from_str(&crate::support::packaging::read(GOLDEN)).unwrap();
    assert_eq!(Value::Object(documents), kept, "UPDATE_GOLDEN=1 writes {GOLDEN} anew");
}

#[test]
fn l3_a_program_for_another_processor_fails_at_once_and_says_so() {
    let sandbox = Sandbox::new();
    let path = sandbox.root().join("claude");
    let mut program = std::fs::read("/bin/true").unwrap();
    // The field e_machine of an ELF header: a number that no processor has.
    program[18..20].copy_from_slice(&[0x34, 0x12]);
    crate::support::executable(&path, program);
    let client = Client::new(&json!({"cli_path": path, "env": sandbox.env_json(), "env_mode": "only"}));
    let failure = client.connect().expect_err("it cannot be started");
    assert_eq!((failure.text("reason"), failure.text("phase")), ("bad_format", "spawn"), "{failure:#?}");
    assert!(failure.message().contains("another processor"), "{failure:#?}");
    assert_eq!(client.cause().message(), failure.message(), "the end is told as well");
}

#[test]
fn l4_a_turn_without_a_word_is_a_turn_that_ends() {
    for (turn, is_error) in [
        (json!(["init", {"result": {"result": "", "num_turns": 0}}]), false),
        (json!([{"result": {"result": "Unknown slash command: /x", "num_turns": 0}}]), false),
        (
            json!(["init", {"result": {"is_error": true, "subtype": "error_during_execution", "result": null}}]),
            true,
        ),
    ] {
        let fake = FakeClaude::new(json!({"on_user": turn}));
        let client = Client::connected(&options(&fake, json!({"turn_events": true})));
        client.query("/x").unwrap();
        client.receive().unwrap();
        assert!(client.of_kind(Kind::CLAUDE_MESSAGE_ASSISTANT).is_empty());
        let results = client.of_kind(Kind::CLAUDE_MESSAGE_RESULT);
        assert_eq!((results.len(), &results[0].json()["is_error"]), (1, &json!(is_error)));
        client.wait_for("the end of the turn", |record| {
            record.messages.iter().any(|message| message.kind == Kind::CLAUDE_EVENT_TURN_ENDED)
        });
    }
}
