//! When the input ends, and how turns are interrupted, queued and told apart: the cases of the protocol's list by their
//! numbers, through the C functions.

use std::ffi::{CString, c_char, c_void};
use std::ptr::null;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::support::eventually;
use crate::support::probe::stage::{Real, fake_options, fake_session};
use crate::support::probe::{Kind, PATIENCE, PATIENCE_MS, Session, Status, check, query_once, text_of};
use claude_client::capi::control::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::claude_request_free;
use claude_client::capi::talk::*;
use claude_client::capi::types::{claude_client_t, claude_request_t};
use claude_client::ffi::number::given;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

unsafe extern "C" fn on_request(request: *mut claude_request_t, _: *mut c_void) {
    // SAFETY: the callback owns the request; letting go of it refuses it.
    unsafe { claude_request_free(request) };
}

/// A session whose host answers requests, so that its input must stay open while a run goes on.
fn answering(script: Value, more: Value) -> (FakeClaude, Session) {
    let fake = FakeClaude::new(script);
    let session = Session::created(&fake_options(&fake, more));
    check(|error| {
        // SAFETY: a plain function, no user data.
        unsafe {
            claude_client_on_request(session.handle, Some(on_request), std::ptr::null_mut(), None, error)
        }
    })
    .unwrap();
    session.connect(None).unwrap();
    (fake, session)
}

/// Where an event of the stand-in's log lies in time.
fn at(log: &claude_testkit::fake::FakeLog, event: &str) -> f64 {
    log.of(event).next().unwrap_or_else(|| panic!("no {event} in {log:#?}"))["ms"].as_f64().unwrap()
}

fn texts(messages: &[(Kind, Value)]) -> String {
    messages.iter().map(|(_, json)| json.to_string()).collect()
}

const TASK: &str = "task-1";

fn task_started(kind: &str) -> Value {
    json!({"system": "task_started", "task_id": TASK, "description": "d", "task_type": kind})
}

fn task_ended() -> Value {
    json!({"system": "task_notification", "task_id": TASK, "status": "completed", "output_file": "", "summary": "s"})
}

// End of input

#[test]
fn edge_025_a_prompt_without_handlers_ends_the_input_at_once() {
    let fake = FakeClaude::new(json!({"on_user": ["init", {"sleep": 700}, {"text": "done"}, "result"]}));
    let (messages, outcome) = query_once("hello", &fake_options(&fake, json!({})), PATIENCE_MS);
    outcome.unwrap();
    assert!(texts(&messages).contains("done"), "the turn runs to its end all the same");
    assert!(messages.iter().any(|(kind, _)| *kind == Kind::CLAUDE_MESSAGE_RESULT));
    let log = fake.log();
    assert_eq!(log.exit_code(), Some(0));
    assert!(at(&log, "exit") >= at(&log, "eof") + 500.0, "the end of input did not wait for the turn");
}

#[test]
fn edge_025_on_the_real_cli() {
    let Some(real) = Real::new("edge_025_on_the_real_cli") else { return };
    let (messages, outcome) = query_once("What is 2+2?", &real.options(json!({})), PATIENCE_MS);
    outcome.unwrap();
    assert!(texts(&messages).contains("2 + 2 = 4"));
    let (messages, outcome) = query_once("API_ERROR 400", &real.options(json!({})), PATIENCE_MS);
    assert_eq!(outcome.unwrap_err().status, Status::CLAUDE_ERR_RESULT);
    assert!(messages.iter().any(|(_, json)| json["is_error"] == true), "the result was delivered before");
}

#[test]
fn f1_edge_026_027_a_handler_keeps_the_input_open_until_the_run_ends() {
    let ask = json!({"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {}}});
    let script = json!({"on_user": ["init", {"sleep": 300}, ask, "result"]});
    let (fake, session) = answering(script, json!({}));
    session.query("hello");
    session.end_input_after_run().unwrap();
    session.closed();
    let log = fake.log();
    assert_eq!(log.responses().len(), 1, "the request was answered");
    assert!(!texts(&session.messages()).contains("stream closed"));
    assert!(log.saw_eof());
}

#[test]
fn edge_028_many_requests_with_one_prompt_do_not_lock_up() {
    let ask = json!({"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {}}, "id": "r{{i}}"});
    let script = json!({"on_user": ["init", {"repeat": 200, "do": [ask]}, "result"]});
    let (fake, session) = answering(script, json!({}));
    session.query("hello");
    session.end_input_after_run().unwrap();
    session.closed();
    assert_eq!(fake.log().responses().len(), 200);
}

/// Sends one prompt, asks for the end after the run, and says whether the input ended between two marks of the script.
#[track_caller]
fn input_ends_after(script: Value, env: Value, mark: &str) {
    let (fake, session) = answering(script, json!({"env": env}));
    session.query("hello");
    session.end_input_after_run().unwrap();
    session.wait_for(mark, |_, json| json.to_string().contains(mark));
    assert!(!fake.log().saw_eof(), "the input ended before {mark}");
    fake.wait_for_log(PATIENCE, |log| log.saw_eof());
    session.closed();
}

#[test]
fn f1_edge_029_a_background_agent_holds_the_input_open() {
    let script = json!({"no_lifecycle": true, "on_user": [
        "init", task_started("local_agent"), {"text": "first"}, "result", {"sleep": 600}, {"text": "MARK"},
        {"sleep": 300}, task_ended(), {"autonomous": "follow-up"},
    ]});
    input_ends_after(script, json!({"CLAUDE_CODE_SDK_READS_SESSION_STATE": "0"}), "MARK");
}

#[test]
fn edge_030_a_background_shell_does_not() {
    let script = json!({"no_lifecycle": true, "on_user": [
        "init", task_started("local_bash"), {"text": "first"}, "result", {"sleep": 5000}, task_ended(),
    ]});
    let (fake, session) = answering(script, json!({"env": {"CLAUDE_CODE_SDK_READS_SESSION_STATE": "0"}}));
    session.query("hello");
    session.end_input_after_run().unwrap();
    session.receive().unwrap();
    let start = Instant::now();
    fake.wait_for_log(PATIENCE, |log| log.saw_eof());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn edge_031_the_state_running_holds_it_open_until_idle() {
    let script = json!({"on_user": [
        {"state": "running"}, "init", {"text": "first"}, "result", {"sleep": 600}, {"text": "MARK"}, {"sleep": 300},
        {"state": "idle"},
    ]});
    input_ends_after(script, json!({}), "MARK");
}

#[test]
fn edge_034_the_ceiling_ends_a_run_that_never_becomes_idle() {
    let script = || json!({"on_user": [{"state": "running"}, "init", {"text": "first"}, "result", {"sleep": 6000}, {"state": "idle"}]});
    let ends = |ceiling: &str| {
        let env = json!({"CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS": ceiling});
        let (fake, session) = answering(
            script(),
            json!({"env": env, "graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200}),
        );
        session.query("hello");
        session.end_input_after_run().unwrap();
        session.receive().unwrap();
        let end = Instant::now() + Duration::from_secs(3);
        while !fake.log().saw_eof() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        fake.log().saw_eof()
    };
    assert!(ends("300"), "the ceiling was passed");
    assert!(!ends("0"), "there was no ceiling");
    assert!(!ends("600000"), "the ceiling was far away");
}

/// Prompts of a C generator; an empty text stands for a failure.
struct Prompts(Mutex<(Vec<CString>, usize)>);

unsafe extern "C" fn next_prompt(user_data: *mut c_void) -> *const c_char {
    // SAFETY: the test keeps the prompts until the client has been freed.
    let prompts = unsafe { &*user_data.cast::<Prompts>() };
    let mut state = prompts.0.lock().unwrap();
    let at = state.1;
    state.1 += 1;
    std::thread::sleep(Duration::from_millis(100));
    state.0.get(at).map_or(null(), |text| text.as_ptr())
}

/// Streams the prompts and asks at once for the end after the run; the stand-in's log and the session at its end.
fn streamed(prompts: &[&[u8]]) -> (FakeClaude, Session) {
    let list = prompts.iter().map(|text| CString::new(*text).unwrap()).collect();
    let prompts = Box::leak(Box::new(Prompts(Mutex::new((list, 0)))));
    let (fake, session) =
        answering(json!({"on_user": ["init", {"sleep": 150}, {"text": "{{prompt}}!"}, "result"]}), json!({}));
    let data = std::ptr::from_ref(prompts).cast_mut().cast();
    check(|error| {
        // SAFETY: the prompts live for ever.
        unsafe { claude_client_query_stream(session.handle, null(), Some(next_prompt), data, None, error) }
    })
    .unwrap();
    session.end_input_after_run().unwrap();
    session.closed();
    (fake, session)
}

#[test]
fn edge_035_a_stream_is_awaited_to_the_last_prompts_run() {
    let (fake, session) = streamed(&[b"one", b"two", b"three"]);
    assert_eq!(fake.log().prompts().len(), 3);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 3);
    assert!(texts(&session.messages()).contains("three!"));
    assert_eq!(fake.log().exit_code(), Some(0));
}

#[test]
fn edge_036_an_empty_stream_ends_the_input_at_once() {
    let (fake, session) = streamed(&[]);
    assert!(fake.log().prompts().is_empty() && fake.log().saw_eof());
    assert!(session.of(Kind::CLAUDE_MESSAGE_RESULT).is_empty());
}

#[test]
fn edge_037_a_stream_that_fails_is_reported_and_the_input_ends() {
    let (fake, session) = streamed(&[b"\xff not UTF-8"]);
    assert!(fake.log().prompts().is_empty() && fake.log().saw_eof());
    let warnings = session.warnings("prompt_stream_ended");
    assert_eq!(warnings.len(), 1);
    for member in ["text", "error"] {
        assert!(warnings[0][member].as_str().is_some_and(|text| text.contains("UTF-8")), "{warnings:?}");
    }
    let (fake, session) = streamed(&[b"one", b"\xff not UTF-8", b"never"]);
    assert_eq!(fake.log().prompts().len(), 1);
    assert_eq!(session.warnings("prompt_stream_ended").len(), 1);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 1, "the run of the first one was awaited");
}

#[test]
fn edge_038_the_death_of_the_process_releases_whoever_waits_for_the_end() {
    let script = json!({"on_user": ["init", {"sleep": 200}, {"signal": "KILL"}]});
    let (_fake, session) = answering(script, json!({}));
    let uuid = session.query("hello");
    session.end_input_after_run().unwrap();
    assert!(session.receive_to(&uuid, PATIENCE_MS).is_err());
    assert_eq!(session.closed().0, Status::CLAUDE_ERR_PROCESS);
}

// Initialize and control

#[test]
fn edge_039_server_info_is_kept_and_absent_while_connecting() {
    let script = json!({"on_initialize": [{"sleep": 400}, "default"]});
    let fake = FakeClaude::new(script);
    let session = Session::created(&fake_options(&fake, json!({})));
    assert_eq!(session.server_info().unwrap_err().status, Status::CLAUDE_ERR_NOT_CONNECTED);
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| session.connect(None));
        fake.wait_for_log(PATIENCE, |log| !log.requests("initialize").is_empty());
        assert_eq!(session.server_info().unwrap_err().status, Status::CLAUDE_ERR_NOT_CONNECTED);
        connecting.join().unwrap().unwrap();
    });
    assert_eq!(session.server_info().unwrap()["claude_code_version"], claude_testkit::CLI_VERSION);
    assert_eq!(fake.log().requests("initialize")[0]["hooks"], Value::Null);
}

#[test]
fn edge_047_an_interrupt_when_idle_succeeds() {
    let Some(real) = Real::new("edge_047") else { return };
    let session = real.session(json!({}));
    assert_eq!(session.control(&json!({"subtype": "interrupt"})).unwrap(), json!({"still_queued": []}));
    session.turn("hello");
    assert_eq!(session.control(&json!({"subtype": "interrupt"})).unwrap(), json!({"still_queued": []}));
    assert_eq!(session.turn("again")["is_error"], false);
}

/// Waits until the n-th turn has begun.
fn begun(session: &Session, turns: usize) {
    session.wait_until("the turn's start", |messages| {
        (messages.iter().filter(|(_, json)| json["subtype"] == "init").count() >= turns).then_some(())
    });
}

#[test]
fn g3_g5_edge_048_an_interrupt_in_the_middle_of_an_answer() {
    let Some(real) = Real::new("edge_048") else { return };
    let session = real.session(json!({"include_partial_messages": true, "turn_events": true}));
    let uuid = session.query("SLOW 600 50");
    session.wait_for("some text", |kind, json| {
        kind == Kind::CLAUDE_MESSAGE_STREAM_EVENT && json["event"]["type"] == "content_block_delta"
    });
    assert_eq!(session.control(&json!({"subtype": "interrupt"})).unwrap(), json!({"still_queued": []}));
    session.receive_to(&uuid, PATIENCE_MS).expect("an interrupted prompt has a result");
    let result = session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap();
    assert_eq!(
        (&result["is_error"], &result["terminal_reason"]),
        (&json!(true), &json!("aborted_streaming"))
    );
    assert!(session.of(Kind::CLAUDE_MESSAGE_ASSISTANT).iter().any(|json| json["aborted"] == true));
    session.wait_for("the lifecycle's end", |kind, json| {
        kind == Kind::CLAUDE_MESSAGE_COMMAND_LIFECYCLE
            && json["state"] == "cancelled"
            && json["command_uuid"] == uuid.as_str()
    });
    session
        .receive_to(&uuid, PATIENCE_MS)
        .expect("that it is called cancelled afterwards does not take the result back");
    assert_eq!(session.of(Kind::CLAUDE_EVENT_TURN_ENDED)[0]["prompts"], json!([uuid]));
    assert_eq!(session.turn("and now?")["is_error"], false);
}

#[test]
fn g4_edge_049_queued_prompts_survive_an_interrupt_or_are_cancelled_with_it() {
    let Some(real) = Real::new("edge_049") else { return };
    let session = real.session(json!({}));
    let slow = session.query("SLOW 600 50");
    begun(&session, 1);
    let queued = session.query("the queued one");
    let receipt = session.control(&json!({"subtype": "interrupt"})).unwrap();
    assert_eq!(receipt["still_queued"], json!([queued]));
    session.receive_to(&slow, PATIENCE_MS).unwrap();
    session.receive_to(&queued, PATIENCE_MS).unwrap();
    assert!(texts(&session.messages()).contains("You said: \\\"the queued one\\\""));

    let slow = session.query("SLOW 600 50");
    begun(&session, 3);
    let queued = session.query("never to run");
    let reply = session.later(|done, data, error| {
        // SAFETY: the session keeps the reply.
        unsafe { claude_client_interrupt_with(session.handle, true, 0, given(0), done, data, error) }
    });
    let receipt = reply.unwrap().wait().unwrap();
    assert_eq!((&receipt["still_queued"], &receipt["cancelled"]), (&json!([]), &json!([queued])));
    session.receive_to(&slow, PATIENCE_MS).unwrap();
    assert_eq!(session.receive_to(&queued, PATIENCE_MS).unwrap_err().status, Status::CLAUDE_ERR_CANCELLED);
    assert_eq!(session.turn("and now?")["is_error"], false);
    assert!(real.api.messages().iter().all(|message| message.conversation.prompt() != "never to run"));
}

struct Interrupter {
    client: Mutex<usize>,
    outcome: Mutex<Option<(Status, Status)>>,
}

unsafe extern "C" fn interrupt_inside(_: Kind, json: *const c_char, _: usize, user_data: *mut c_void) {
    // SAFETY: the test keeps it until the client has been freed.
    let own = unsafe { &*user_data.cast::<Interrupter>() };
    let is_init = text_of(json).contains("\"subtype\":\"init\"");
    if !is_init || own.outcome.lock().unwrap().is_some() {
        return;
    }
    let client = std::ptr::without_provenance_mut::<claude_client_t>(*own.client.lock().unwrap());
    // SAFETY: any handle may be passed; NULL for what is not wanted.
    let (waiting, asking) = unsafe {
        (
            claude_client_interrupt_wait(client, 1000, std::ptr::null_mut(), std::ptr::null_mut()),
            claude_client_interrupt(client, None, std::ptr::null_mut(), std::ptr::null_mut()),
        )
    };
    *own.outcome.lock().unwrap() = Some((waiting, asking));
}

#[test]
fn edge_050_an_interrupt_from_inside_a_callback() {
    let Some(real) = Real::new("edge_050") else { return };
    let own = Interrupter { client: Mutex::new(0), outcome: Mutex::new(None) };
    let session = Session::created(&real.options(json!({})));
    *own.client.lock().unwrap() = session.handle.addr();
    let data = std::ptr::from_ref(&own).cast_mut().cast();
    check(|error| {
        // SAFETY: `own` lives until the client has been freed.
        unsafe { claude_client_on_message(session.handle, Some(interrupt_inside), data, None, error) }
    })
    .unwrap();
    session.connect(None).unwrap();
    let uuid = session.query("SLOW 600 50");
    session.receive_to(&uuid, PATIENCE_MS).unwrap();
    let outcome = own.outcome.lock().unwrap().take();
    assert_eq!(outcome, Some((Status::CLAUDE_ERR_WOULD_DEADLOCK, Status::CLAUDE_OK)));
    drop(session);
}

#[test]
fn edge_051_bypassing_permissions_must_be_allowed_at_the_start() {
    let Some(real) = Real::new("edge_051") else { return };
    let session = real.session(json!({}));
    let mode = json!({"subtype": "set_permission_mode", "mode": "bypassPermissions"});
    assert_eq!(session.control(&mode).unwrap_err().json["code"], "bypass_not_launched");
    assert_eq!(session.turn("hello")["is_error"], false);
}

#[test]
fn edge_053_two_prompts_at_once_have_a_result_each() {
    let Some(real) = Real::new("edge_053") else { return };
    let session = real.session(json!({"turn_events": true}));
    let (one, two) = (session.query("first of two"), session.query("second of two"));
    // Asked for in the other order: each gets its own.
    session.receive_to(&two, PATIENCE_MS).unwrap();
    session.receive_to(&one, PATIENCE_MS).unwrap();
    let answered = session.wait_until("the events", |messages| {
        let ended = messages.iter().filter(|(kind, _)| *kind == Kind::CLAUDE_EVENT_TURN_ENDED);
        let prompts: Vec<Value> =
            ended.flat_map(|(_, json)| json["prompts"].as_array().cloned().unwrap()).collect();
        (prompts.len() == 2).then_some(prompts)
    });
    assert_eq!(answered, [json!(one), json!(two)]);
}

#[test]
fn an_image_beside_the_words_reaches_the_api() {
    const DOT: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let Some(real) = Real::new("an_image_beside_the_words") else { return };
    let session = real.session(json!({}));
    let source = json!({"type": "base64", "media_type": "image/png", "data": DOT});
    let content = json!([{"type": "text", "text": "What do you see?"}, {"type": "image", "source": source}]);
    let prompt = session.send_json(&json!({"type": "user", "message": {"role": "user", "content": content}}));
    session.receive_to(&prompt, PATIENCE_MS).unwrap();
    let result = session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().expect("a result");
    assert_eq!(result["result"], "I see 1 image(s).");
    let sent = real.asked("What do you see?").body["messages"][0]["content"].clone();
    let image = sent.as_array().unwrap().iter().find(|block| block["type"] == "image").expect("an image");
    assert_eq!(image["source"]["media_type"], "image/png");
    assert_eq!(image["source"]["data"], DOT);
}

#[test]
fn edge_055_a_message_without_a_query_has_an_empty_result_at_once() {
    let Some(real) = Real::new("edge_055") else { return };
    let session = real.session(json!({}));
    session.turn("hello");
    let asked = real.api.messages().len();
    let uuid = session.send_json(&json!({"type": "user", "shouldQuery": false,
        "message": {"role": "user", "content": "remember the teapot"}}));
    session.receive_to(&uuid, PATIENCE_MS).unwrap();
    let result = session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap();
    assert_eq!((&result["num_turns"], &result["is_error"]), (&json!(0), &json!(false)));
    assert_eq!(real.api.messages().len(), asked, "the model was not asked");
    session.turn("and now");
    assert!(real.asked("and now").body.to_string().contains("remember the teapot"));
}

// Attribution, and interrupts that are not obeyed

#[test]
fn b1_edge_101_a_turn_that_the_cli_begins_by_itself_is_nobodys() {
    let script = json!({"on_user": ["default", {"autonomous": "the build has ended"}]});
    let (_fake, session) = fake_session(script, json!({"turn_events": true}));
    let one = session.query("one");
    session.receive_to(&one, PATIENCE_MS).unwrap();
    let two = session.query("two");
    session.receive_to(&two, PATIENCE_MS).unwrap();
    let events = session.wait_until("four turns", |messages| {
        let ended: Vec<Value> = messages
            .iter()
            .filter(|(kind, _)| *kind == Kind::CLAUDE_EVENT_TURN_ENDED)
            .map(|(_, json)| json.clone())
            .collect();
        (ended.len() == 4).then_some(ended)
    });
    let of = |uuid: &str| events.iter().filter(|event| event["prompts"] == json!([uuid])).count();
    assert_eq!((of(&one), of(&two)), (1, 1), "{events:#?}");
    let autonomous: Vec<_> = events.iter().filter(|event| event["autonomous"] == true).collect();
    assert_eq!(autonomous.len(), 2);
    assert_eq!(autonomous[0]["origin"]["kind"], "task-notification");
}

#[test]
fn g2_an_interrupt_that_is_not_obeyed_ends_the_session_if_the_host_wants_so() {
    for (escalation, stays) in [(0, true), (1, false), (2, false)] {
        let script = json!({"on_control": {"interrupt": [{"respond": {"still_queued": []}}]},
            "on_user": ["init", {"sleep": 4000}, "result"]});
        let (fake, session) =
            fake_session(script, json!({"graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300}));
        let uuid = session.query("hello");
        begun(&session, 1);
        let start = Instant::now();
        let reply = session.later(|done, data, error| {
            // SAFETY: the session keeps the reply.
            unsafe {
                claude_client_interrupt_with(session.handle, false, 300, given(escalation), done, data, error)
            }
        });
        assert_eq!(reply.unwrap().wait().unwrap(), json!({"still_queued": []}));
        if stays {
            session.receive_to(&uuid, PATIENCE_MS).unwrap();
            assert!(!session.is_closed());
            continue;
        }
        let (status, json) = session.closed();
        assert_eq!(status, Status::CLAUDE_ERR_TIMEOUT, "{json:#}");
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(json["remedy"].as_str().unwrap().contains("resume"), "{json:#}");
        // Killing asks for nothing; disconnecting ends the input first.
        assert!(fake.log().exit_code().is_none(), "it did not end by itself");
    }
}

/// A CLI that is stopped obeys nothing.
#[test]
#[cfg(target_os = "linux")]
fn c1_the_conversation_of_a_cli_that_was_killed_for_not_obeying_is_resumed() {
    const TEST: &str = "c1_the_conversation_of_a_cli_that_was_killed";
    let Some(real) = Real::new(TEST) else { return };
    for escalation in [1, 2] {
        let session = real.session(json!({"graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200}));
        session.turn("remember the teapot");
        let id = session.init()["session_id"].clone();
        let asked = real.api.messages().len();
        session.query("SLOW 600 50");
        assert!(eventually(PATIENCE, || real.api.messages().len() != asked), "the API was not asked");
        let pid = rustix::process::Pid::from_raw(session.pid() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        let reply = session.later(|done, data, error| {
            // SAFETY: the session keeps the reply.
            unsafe {
                claude_client_interrupt_with(session.handle, false, 200, given(escalation), done, data, error)
            }
        });
        let (status, json) = session.closed();
        assert_eq!(status, Status::CLAUDE_ERR_TIMEOUT, "{json:#}");
        assert!(reply.unwrap().wait().is_err());
        drop(session);
        let resumed = real.session(json!({"resume": id}));
        resumed.turn("RECALL 1");
        assert_eq!(resumed.init()["session_id"], id);
        let result = resumed.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap();
        assert!(result["result"].as_str().unwrap().contains("remember the teapot"), "{result:#}");
    }
}

/// A generator that is busy while the session ends.
#[derive(Default)]
struct Busy {
    step: Mutex<u32>,
    changed: Condvar,
}

impl Busy {
    fn reached(&self, wanted: u32) -> MutexGuard<'_, u32> {
        let step = self.step.lock().unwrap();
        let (step, _) = self.changed.wait_timeout_while(step, PATIENCE, |step| *step < wanted).unwrap();
        assert_eq!(*step, wanted);
        step
    }

    fn next(&self, from: u32) {
        *self.reached(from) += 1;
        self.changed.notify_all();
    }
}

unsafe extern "C" fn busy_prompt(user_data: *mut c_void) -> *const c_char {
    // SAFETY: it lives for ever.
    let busy = unsafe { &*user_data.cast::<Busy>() };
    busy.next(0);
    busy.next(2);
    c"too late".as_ptr()
}

unsafe extern "C" fn no_longer_busy(user_data: *mut c_void) {
    // SAFETY: it lives for ever.
    unsafe { &*user_data.cast::<Busy>() }.next(3);
}

#[test]
fn a_stream_that_outlives_the_session_says_nothing_behind_its_end() {
    let (_fake, session) = fake_session(json!({"on_user": [{"exit": 0}]}), json!({}));
    let busy: &Busy = Box::leak(Box::default());
    let data = std::ptr::from_ref(busy).cast_mut().cast();
    let destroy = Some(no_longer_busy as unsafe extern "C" fn(*mut c_void));
    check(|error| {
        // SAFETY: the generator lives for ever.
        unsafe { claude_client_query_stream(session.handle, null(), Some(busy_prompt), data, destroy, error) }
    })
    .unwrap();
    drop(busy.reached(1));
    session.query("go");
    session.closed();
    let before = session.messages();
    busy.next(1);
    drop(busy.reached(4));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(session.messages(), before, "on_closed comes after every message");
}
