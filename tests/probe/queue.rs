//! Prompts that wait, are withdrawn, come twice or join a turn: which of them has a result, and that nobody waits for one
//! that never comes. Through the C functions.

use std::ffi::c_void;
use std::time::Duration;

use crate::support::probe::stage::{Real, fake_options};
use crate::support::probe::{Kind, PATIENCE_MS, Session, Status, c_text, check};
use claude_client::capi::control::{claude_client_control_wait, claude_client_interrupt_with_wait};
use claude_client::capi::receive::claude_client_on_request;
use claude_client::capi::request::claude_request_free;
use claude_client::capi::types::claude_request_t;
use claude_client::ffi::number::given;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

unsafe extern "C" fn on_request(request: *mut claude_request_t, _: *mut c_void) {
    // SAFETY: the callback owns the request; letting go of it refuses it.
    unsafe { claude_request_free(request) };
}

/// A connected session whose host answers requests, so that the end of the input waits for the end of the run.
fn answering(options: &Value) -> Session {
    let session = Session::created(options);
    let nobody = std::ptr::null_mut();
    // SAFETY: a plain function, no user data.
    check(|error| unsafe { claude_client_on_request(session.handle, Some(on_request), nobody, None, error) })
        .unwrap();
    session.connect(None).unwrap();
    session
}

/// Ends the input with the run, and waits for the end of the session.
#[track_caller]
fn ends_with_the_run(session: &Session) {
    session.end_input_after_run().unwrap();
    let (status, cause) = session.closed();
    assert_eq!(status, Status::CLAUDE_OK, "{cause:#}");
}

fn state_of(uuid: &str, state: &'static str) -> impl Fn(Kind, &Value) -> bool {
    move |kind, json| {
        kind == Kind::CLAUDE_MESSAGE_COMMAND_LIFECYCLE
            && json["state"] == state
            && json["command_uuid"] == uuid
    }
}

fn cancel(session: &Session, uuid: &str) -> Value {
    session.control(&json!({"subtype": "cancel_async_message", "message_uuid": uuid})).unwrap()
}

/// The prompts of all results so far.
fn answered(session: &Session) -> Vec<Value> {
    let ended = session.of(Kind::CLAUDE_EVENT_TURN_ENDED);
    ended.iter().flat_map(|json| json["prompts"].as_array().cloned().unwrap()).collect()
}

#[test]
fn b9_three_prompts_wait_and_the_middle_one_is_cancelled() {
    let Some(real) = Real::new("three_prompts_wait") else { return };
    let session = answering(&real.options(json!({"turn_events": true})));
    let slow = session.query("SLOW 60 50");
    session.wait_for("the turn's start", |_, json| json["subtype"] == "init");
    let [first, middle, last] = ["the first", "the middle", "the last"].map(|prompt| session.query(prompt));
    session.wait_for("the queue", state_of(&last, "queued"));
    assert_eq!(cancel(&session, &middle), json!({"cancelled": true, "message_uuid": middle}));
    for uuid in [&slow, &first, &last] {
        session.receive_to(uuid, PATIENCE_MS).unwrap();
    }
    let failure = session.receive_to(&middle, PATIENCE_MS).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
    assert_eq!(cancel(&session, &middle)["cancelled"], false, "it is gone");
    ends_with_the_run(&session);
    assert_eq!(answered(&session), [json!(slow), json!(first), json!(last)]);
    let asked = real.api.messages();
    assert!(asked.iter().any(|message| message.conversation.prompt().contains("the last")));
    assert!(asked.iter().all(|message| !message.body.to_string().contains("the middle")));
}

#[test]
fn a_reply_that_cancels_is_enough_without_a_frame() {
    let script = json!({"no_lifecycle": true, "on_user": ["init", {"sleep": 1500}, {"text": "a"}, "result"]});
    let fake = FakeClaude::new(script);
    let session = answering(&fake_options(&fake, json!({})));
    let first = session.query("first");
    let second = session.query("second");
    assert_eq!(cancel(&session, &second)["cancelled"], true);
    let failure = session.receive_to(&second, PATIENCE_MS).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
    session.receive_to(&first, PATIENCE_MS).unwrap();
    ends_with_the_run(&session);
}

#[test]
fn a_reply_that_cancels_counts_after_its_deadline_too() {
    let script = json!({"no_lifecycle": true, "on_user": ["init", {"sleep": 120_000}, "result"],
        "on_control": {"cancel_async_message": [{"sleep": 1500}, "default"],
                       "interrupt": [{"sleep": 1500}, {"respond": {"still_queued": [], "cancelled": "{{request.test}}"}}]}});
    let fake = FakeClaude::new(script);
    let session = answering(&fake_options(&fake, json!({"control_timeout_ms": 200})));
    session.query("first");
    let [second, third, fourth] = ["second", "third", "fourth"].map(|prompt| session.query(prompt));
    let cancel = json!({"subtype": "cancel_async_message", "message_uuid": second});
    let failure = session.control_later(&cancel).unwrap().wait().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    let cancel = |uuid: &str| json!({"subtype": "interrupt", "cancel_queued": true, "test": [uuid]});
    let request = c_text(&cancel(&third).to_string());
    let failure = session.reply_of(|_, reply, error| {
        // SAFETY: the text is NUL-terminated, the outputs are variables.
        unsafe { claude_client_control_wait(session.handle, request.as_ptr(), 200, reply, error) }
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    let failure = session.control_later(&cancel(&fourth)).unwrap().wait().unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT);
    for withdrawn in [second, third, fourth] {
        let failure = session.receive_to(&withdrawn, PATIENCE_MS).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
    }
}

#[test]
fn an_interrupt_that_withdraws_its_prompt_is_obeyed() {
    for states in [false, true] {
        let state = |state: &str| json!(if states { vec![json!({"state": state})] } else { vec![] });
        let one = json!([{"repeat": 1, "do": state("running")}, {"sleep": 500}, cancelled(),
            {"repeat": 1, "do": state("idle")}]);
        let fake = FakeClaude::new(json!({"no_lifecycle": true,
            "on_user": [one, ["init", {"sleep": 4000}, "result"]],
            "on_control": {"interrupt": [{"respond": {"still_queued": []}}]}}));
        let session = answering(&fake_options(&fake, json!({})));
        let first = session.query("first");
        let receipt = session.reply_of(|time, reply, error| {
            // SAFETY: the outputs are variables.
            unsafe {
                claude_client_interrupt_with_wait(session.handle, true, 1000, given(2), time, reply, error)
            }
        });
        receipt.unwrap();
        let failure = session.receive_to(&first, PATIENCE_MS).unwrap_err();
        assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
        let second = session.query("second");
        session.receive_to(&second, PATIENCE_MS).expect("the second turn was not interrupted");
    }
}

/// The CLI says that it does not run the prompt.
fn cancelled() -> Value {
    json!({"send": {"type": "command_lifecycle", "command_uuid": "{{uuid}}", "state": "cancelled",
        "uuid": "{{new_uuid}}", "session_id": "{{session_id}}"}})
}

#[track_caller]
fn next_is_cancelled(session: &Session) {
    let failure = session.receive().expect_err("a prompt has no result");
    assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED, "{failure:#?}");
}

#[track_caller]
fn nothing_is_next(session: &Session) {
    let failure = session.receive_within(50).expect_err("all has been told");
    assert_eq!(failure.status, Status::CLAUDE_ERR_TIMEOUT, "{failure:#?}");
}

#[test]
fn who_waits_for_the_next_result_hears_that_the_only_prompt_was_withdrawn() {
    let script =
        json!({"no_lifecycle": true, "on_user": [[{"sleep": 300}, cancelled()], ["init", "result"]]});
    let fake = FakeClaude::new(script);
    let session = Session::connected(&fake_options(&fake, json!({})));
    session.query("first");
    next_is_cancelled(&session);
    nothing_is_next(&session);
    session.query("second");
    session.receive().expect("that one has a result");
    nothing_is_next(&session);
}

#[test]
fn of_prompts_of_which_one_is_withdrawn_the_results_are_told_first() {
    for by_uuid in [false, true] {
        let script = json!({"on_user": ["init", {"sleep": 800}, "result"]});
        let fake = FakeClaude::new(script);
        let session = Session::connected(&fake_options(&fake, json!({})));
        session.query("first");
        let [second, third] = ["second", "third"].map(|prompt| session.query(prompt));
        for uuid in [&second, &third] {
            assert_eq!(cancel(&session, uuid)["cancelled"], true);
        }
        session.receive().expect("the first one is not withdrawn");
        if by_uuid {
            for _ in 0..2 {
                let failure = session.receive_to(&second, PATIENCE_MS).unwrap_err();
                assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
            }
        } else {
            next_is_cancelled(&session);
        }
        next_is_cancelled(&session);
        nothing_is_next(&session);
    }
}

const SAME: &str = "77777777-7777-4777-8777-777777777777";

fn same() -> Value {
    json!({"type": "user", "uuid": SAME, "message": {"role": "user", "content": "once"}})
}

#[test]
fn edge_054_a_uuid_that_comes_twice_has_no_second_result() {
    let Some(real) = Real::new("edge_054") else { return };
    let session = answering(&real.options(json!({})));
    assert_eq!(session.send_json(&same()), SAME);
    session.receive_to(SAME, PATIENCE_MS).unwrap();
    assert_eq!(session.send_json(&same()), SAME);
    session.receive_to(SAME, PATIENCE_MS).expect("the first result stands for both: nobody waits for ever");
    assert_eq!(session.turn("twice")["is_error"], false);
    assert_eq!(session.send_json(&same()), SAME);
    // Nothing runs, so there is nothing to kill.
    let receipt = session.reply_of(|time, reply, error| {
        // SAFETY: the outputs are variables.
        unsafe { claude_client_interrupt_with_wait(session.handle, false, 100, given(2), time, reply, error) }
    });
    assert_eq!(receipt.unwrap(), json!({"still_queued": []}));
    std::thread::sleep(Duration::from_millis(600));
    assert!(!session.is_closed());
    // And the end after the run does not wait for a result that never comes.
    ends_with_the_run(&session);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 2);
}

#[test]
fn a_uuid_of_the_resumed_conversation_has_no_result_either() {
    let Some(real) = Real::new("a_uuid_of_the_resumed_conversation") else { return };
    let session = real.session(json!({}));
    session.send_json(&same());
    session.receive_to(SAME, PATIENCE_MS).unwrap();
    let id = session.init()["session_id"].clone();
    session.disconnect().unwrap();
    let session = answering(&real.options(json!({"resume": id})));
    session.send_json(&same());
    let failure = session.receive_to(SAME, PATIENCE_MS).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
    assert_eq!(session.turn("go on")["is_error"], false);
    ends_with_the_run(&session);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 1);
}

/// A turn that works on a tool for a while, into which another prompt is sent with this priority.
fn steered(real: &Real, priority: &str) -> (Session, String, String) {
    let session = answering(&real.options(json!({"allowed_tools": ["Bash"], "turn_events": true})));
    let work = json!({"name": "Bash", "input": {"command": "sleep 2; touch done", "description": "d"}});
    let working = session.query(&format!("USE_TOOL {work}"));
    session.wait_for("the call", |kind, _| kind == Kind::CLAUDE_MESSAGE_ASSISTANT);
    let other = session.send_json(&json!({"type": "user", "priority": priority,
        "message": {"role": "user", "content": "by the way"}}));
    (session, working, other)
}

#[test]
fn a_prompt_that_joins_the_turn_shares_its_result() {
    let Some(real) = Real::new("a_prompt_that_joins_the_turn") else { return };
    let (session, working, other) = steered(&real, "next");
    session.receive_to(&other, PATIENCE_MS).unwrap();
    session.receive_to(&working, PATIENCE_MS).unwrap();
    ends_with_the_run(&session);
    let ended = session.of(Kind::CLAUDE_EVENT_TURN_ENDED);
    assert_eq!(ended.len(), 1, "{ended:#?}");
    assert_eq!(ended[0]["prompts"], json!([working, other]));
    let messages = session.messages();
    let at = |holds: &dyn Fn(Kind, &Value) -> bool| {
        messages.iter().position(|(kind, json)| holds(*kind, json)).unwrap()
    };
    let result = at(&|kind, _| kind == Kind::CLAUDE_MESSAGE_RESULT);
    assert!(at(&state_of(&other, "completed")) < result, "it is complete before its result comes");
    assert!(at(&state_of(&working, "completed")) > result);
}

#[test]
fn a_prompt_for_later_waits_for_a_turn_of_its_own_and_one_for_now_ends_the_turn() {
    let Some(real) = Real::new("a_prompt_for_later") else { return };
    let (session, working, other) = steered(&real, "later");
    session.receive_to(&other, PATIENCE_MS).unwrap();
    ends_with_the_run(&session);
    assert_eq!(answered(&session), [json!(working), json!(other)]);
    let (session, working, other) = steered(&real, "now");
    session.receive_to(&other, PATIENCE_MS).unwrap();
    session.wait_for("the end of the work", state_of(&working, "cancelled"));
    session.receive_to(&working, PATIENCE_MS).expect("an interrupted prompt has a result all the same");
    ends_with_the_run(&session);
}

#[test]
fn a_cancelled_uuid_that_comes_again_is_ignored() {
    let Some(real) = Real::new("a_cancelled_uuid") else { return };
    let session = answering(&real.options(json!({})));
    let slow = session.query("SLOW 30 50");
    session.wait_for("the turn's start", |_, json| json["subtype"] == "init");
    session.send_json(&same());
    session.wait_for("the queue", state_of(SAME, "queued"));
    assert_eq!(cancel(&session, SAME)["cancelled"], true);
    session.send_json(&same());
    session.receive_to(&slow, PATIENCE_MS).unwrap();
    let failure = session.receive_to(SAME, PATIENCE_MS).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_CANCELLED);
    ends_with_the_run(&session);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 1, "the CLI ignores it");
}
