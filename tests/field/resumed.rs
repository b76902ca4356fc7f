//! Sessions that go on, are copied, cannot be taken up again, or lose their login: what the host is told, and what stays whole.
#![cfg(target_os = "linux")]

use std::path::PathBuf;

use crate::support::probe::stage::{Real, fake_options, fake_session};
use crate::support::probe::{Failure, Kind, Session, Status, c_text, check};
use claude_client::capi::json::claude_message_text;
use claude_testkit::fake::FakeClaude;
use claude_testkit::loopback::{Reply, Rule};
use serde_json::{Value, json};

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";
const THIRD: &str = "33333333-3333-4333-8333-333333333333";

fn id(session: &Session) -> Value {
    session.stats()["session_id"].clone()
}

/// Why a message has no text of an answer.
#[track_caller]
fn no_text(message: &Value) -> Failure {
    let (message, mut text) = (c_text(&message.to_string()), std::ptr::null_mut());
    // SAFETY: the text ends with a NUL, the outputs are variables.
    check(|error| unsafe { claude_message_text(message.as_ptr(), &mut text, error) }).expect_err("a failure")
}

/// A turn that is told under this id.
fn turn_as(id: &str) -> Value {
    json!([{"init": {"session_id": id}}, {"result": {"session_id": id}}])
}

#[track_caller]
fn refused(options: &Value) -> Failure {
    Session::created(options).connect(None).expect_err("this cannot be connected")
}

/// The files of conversations below the CLI's own folder, with what is in them.
fn transcripts(real: &Real) -> Vec<(PathBuf, String)> {
    let projects = real.sandbox.home().join(".claude/projects");
    let folders = std::fs::read_dir(projects).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let named =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    named.map(|path| (path.clone(), std::fs::read_to_string(path).expect("a transcript"))).collect()
}

#[test]
fn n1_the_id_in_force_is_the_one_that_the_cli_named_last() {
    let reset =
        json!({"send": {"type": "conversation_reset", "new_conversation_id": THIRD, "session_id": THIRD}});
    let script = json!({"on_user": [turn_as(ONE), turn_as(OTHER), [reset, {"init": {"session_id": THIRD}}, {"result": {"session_id": THIRD}}]]});
    let (_fake, session) = fake_session(script, json!({"resume": ONE}));
    assert_eq!(id(&session), Value::Null, "before the first turn nobody knows it");
    for wanted in [ONE, OTHER, THIRD] {
        session.turn("hello");
        assert_eq!(id(&session), wanted);
        let told = session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap();
        assert_eq!(told["session_id"], wanted, "each frame says so as well");
    }
}

#[test]
fn n1_the_real_cli_names_a_new_id_after_a_fork_and_after_a_reset() {
    let Some(real) = Real::new("n1_the_real_cli_names_a_new_id") else { return };
    let session = real.session(json!({"session_id": ONE}));
    session.turn("hello");
    assert_eq!(id(&session), ONE);
    session.turn("/clear");
    session.turn("after the reset");
    let reset = id(&session);
    assert_ne!(reset, ONE);
    drop(session);
    let session = real.session(json!({"resume": ONE, "fork_session": true}));
    session.turn("in the copy");
    let copy = id(&session);
    assert!(copy != ONE && copy != reset, "{copy}");
    drop(session);
    let session = real.session(json!({"resume": copy}));
    session.turn("in the copy again");
    assert_eq!(id(&session), copy, "it is the id that resume takes");
}

/// The session options with a value, what they need, and the flag that they lead to.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("continue_conversation", "true", "--continue"),
    ("resume", "\"22222222-2222-4222-8222-222222222222\"", "--resume"),
    ("session_id", "\"11111111-1111-4111-8111-111111111111\"", "--session-id"),
    ("fork_session", "true", "--fork-session"),
    ("resume_session_at", "\"33333333-3333-4333-8333-333333333333\"", "--resume-session-at"),
    ("resume_drops_turn", "\"33333333-3333-4333-8333-333333333333\"", "--resume-drops-turn"),
    ("persist_session", "false", "--no-session-persistence"),
    ("session_mirror", "true", "--session-mirror"),
];

/// Which of these the tested CLI takes, and does not just pass over: a mirror of nothing.
fn are_allowed(names: &[&str]) -> bool {
    let has = |name: &str| names.contains(&name);
    let goes_on = has("resume") || has("continue_conversation");
    (!has("session_id") || !goes_on || has("fork_session"))
        && (!has("resume_session_at") || has("resume"))
        && (!has("resume_drops_turn") || has("resume_session_at"))
        && !(has("persist_session") && has("session_mirror"))
}

#[test]
fn n2_each_pair_of_session_options_reaches_the_cli_or_fails_before_the_start() {
    for (at, first) in OPTIONS.iter().enumerate() {
        for second in &OPTIONS[at + 1..] {
            let fake = FakeClaude::new(json!({}));
            let mut options = fake_options(&fake, json!({}));
            for (name, value, _) in [first, second] {
                options[*name] = serde_json::from_str(value).unwrap();
            }
            let pair = [first.0, second.0];
            let outcome = crate::support::probe::check(|error| {
                let text = crate::support::probe::c_text(&options.to_string());
                let mut client = std::ptr::null_mut();
                // SAFETY: the text ends with a NUL, the outputs are variables.
                let status = unsafe {
                    claude_client::capi::client::claude_client_create(text.as_ptr(), &mut client, error)
                };
                // SAFETY: any value may be freed.
                unsafe { claude_client::capi::client::claude_client_free(client) };
                status
            });
            let outcome = outcome.and_then(|()| Session::created(&options).connect(None));
            match outcome {
                Ok(()) => {
                    assert!(are_allowed(&pair), "{pair:?} was taken");
                    let argv = fake.log().argv();
                    for (_, _, flag) in [first, second] {
                        let is_there = argv.iter().any(|word| word.split('=').next() == Some(flag));
                        assert!(is_there, "{pair:?}: {flag} is not in {argv:?}");
                    }
                }
                Err(failure) => {
                    assert!(!are_allowed(&pair), "{pair:?} was refused: {failure:#?}");
                    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_OPTION, "{pair:?}");
                    assert!(
                        pair.iter().any(|name| failure.json["pointer"] == format!("/{name}")),
                        "{failure:#?}"
                    );
                    assert_eq!(fake.log().starts(), 0, "{pair:?}");
                }
            }
        }
    }
}

#[test]
fn n2_an_id_that_is_taken_says_how_to_go_on() {
    let Some(real) = Real::new("n2_an_id_that_is_taken") else { return };
    real.session(json!({"session_id": ONE})).turn("hello");
    let failure = refused(&real.options(json!({"session_id": ONE})));
    assert_eq!(failure.json["reason"], "session_id_taken", "{failure:#?}");
    assert!(failure.json["remedy"].as_str().unwrap().contains("resume"), "{failure:#?}");
    real.session(json!({"resume": ONE})).turn("hello again");
}

#[test]
fn n3_a_copy_whose_first_turn_fails_leaves_the_original_as_it_was() {
    let Some(real) = Real::new("n3_a_copy_whose_first_turn_fails") else { return };
    real.session(json!({"session_id": ONE})).turn("hello");
    let before = transcripts(&real);
    assert_eq!(before.len(), 1, "{before:?}");
    let session = real.session(json!({"resume": ONE, "fork_session": true}));
    assert_eq!(session.turn("API_ERROR 400")["is_error"], true);
    session.turn("a second try");
    let copy = id(&session);
    assert!(copy.is_string() && copy != ONE, "{copy}");
    drop(session);
    let after = transcripts(&real);
    assert!(after.contains(&before[0]), "the original has changed");
    assert_eq!(after.len(), 2, "{after:?}");
}

#[test]
fn n3_a_copy_that_fails_under_the_id_of_the_original_does_not_lead_back_to_it() {
    let script = json!({"on_user": [turn_as(ONE), turn_as(OTHER)]});
    let (_fake, session) = fake_session(script, json!({"resume": ONE, "fork_session": true}));
    session.turn("fails");
    assert_eq!(id(&session), Value::Null, "a host would go on in the original");
    session.turn("hello");
    assert_eq!(id(&session), OTHER);
}

#[test]
fn n4_n5_a_conversation_that_cannot_be_resumed_has_one_name_wherever_the_cli_says_so() {
    for at in ["on_initialize", "on_user"] {
        for place in ["result", "stderr", "both"] {
            // Before the session, on any of the two; later only a result tells it from other ends.
            if at == "on_user" && place == "stderr" {
                continue;
            }
            let fake = FakeClaude::new(json!({at: [{"fail_resume": place}]}));
            let session = Session::created(&fake_options(&fake, json!({"resume": ONE})));
            let failure = session.connect(None).and_then(|()| {
                session.query("hello");
                session.receive().and_then(|()| session.receive())
            });
            let (_, closed) = session.closed();
            if at == "on_initialize" {
                assert_eq!(failure.unwrap_err().json["reason"], "resume_invalid", "{place}");
            }
            assert_eq!(closed["reason"], "resume_invalid", "{at} {place}: {closed:#}");
            assert!(closed["remedy"].as_str().unwrap().contains("leave it out"), "{closed:#}");
        }
    }
}

#[test]
fn n4_the_real_cli_knows_neither_an_id_nor_a_title_that_is_not_there() {
    let Some(real) = Real::new("n4_the_real_cli_knows_neither") else { return };
    for name in [ONE, "no such title"] {
        let failure = refused(&real.options(json!({"resume": name})));
        assert_eq!(failure.json["reason"], "resume_invalid", "{failure:#?}");
    }
}

#[test]
fn n5_a_conversation_that_the_api_rejects_is_told_with_its_status_and_a_fresh_one_works() {
    let Some(real) = Real::new("n5_a_conversation_that_the_api_rejects") else { return };
    real.session(json!({"session_id": ONE})).turn("hello");
    let words = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after";
    let rejected = Reply { error_message: Some(words.into()), ..Reply::error(400) };
    real.api.set_rules(vec![Rule::on_prompt("go on", rejected)]);
    let session = real.session(json!({"resume": ONE}));
    let result = session.turn("go on");
    assert_eq!((&result["is_error"], &result["api_error_status"]), (&json!(true), &json!(400)), "{result:#}");
    assert!(result.to_string().contains("tool_use"), "{result:#}");
    session.disconnect().unwrap();
    assert_eq!(session.closed().0, Status::CLAUDE_OK, "it ends by the end of its input");
    assert_eq!(real.session(json!({})).turn("a fresh one")["is_error"], false);
}

#[test]
fn n5_a_cli_that_writes_its_conversation_behind_the_end_of_its_input_is_not_ended_meanwhile() {
    let script = json!({"on_eof": [{"sleep": 1500}, {"exit": 0}]});
    let (fake, session) = fake_session(script, json!({"graceful_exit_timeout_ms": 60_000}));
    session.turn("hello");
    session.disconnect().unwrap();
    assert_eq!(session.closed().0, Status::CLAUDE_OK);
    let log = fake.log();
    assert_eq!((log.saw_eof(), log.exit_code(), log.of("signal").count()), (true, Some(0), 0));
}

#[test]
fn n6_paths_of_sessions_are_made_in_one_room() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let room = ["src/sessions", "src/sessions/store"];
            if path.parent().is_some_and(|folder| room.iter().any(|room| folder.ends_with(room))) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
                let named =
                    line.contains("\"projects\"") || line.contains("projects/") || line.contains(".jsonl");
                assert!(!named, "{}: {line}", path.display());
            }
        }
    }
    assert!(files > 100, "{files}");
}

#[test]
fn m1_credentials_that_expire_are_told_by_status_and_fresh_ones_go_on() {
    let Some(real) = Real::new("m1_credentials_that_expire") else { return };
    let session = real.session(json!({"session_id": ONE}));
    session.turn("hello");
    let expired = Reply { error_message: Some("OAuth token has expired".into()), ..Reply::error(401) };
    real.api.set_rules(vec![Rule::on_prompt("go on", expired)]);
    let result = session.turn("go on");
    assert_eq!((&result["is_error"], &result["api_error_status"]), (&json!(true), &json!(401)), "{result:#}");
    let told = session.of(Kind::CLAUDE_MESSAGE_ASSISTANT).pop().unwrap();
    assert_eq!(told["error"], "authentication_failed", "{told:#}");
    let asked =
        || real.api.messages().iter().filter(|message| message.conversation.prompt() == "go on").count();
    let count = asked();
    assert!(count <= 3, "asked {count} times");
    // Nothing goes on by itself: the session is there, and does what it is told.
    session.control(&json!({"subtype": "mcp_status"})).unwrap();
    assert_eq!(asked(), count);
    session.disconnect().unwrap();
    real.api.set_rules(Vec::new());
    let session = real.session(json!({"resume": ONE, "env": {"ANTHROPIC_API_KEY": "sk-ant-api03-fresh"}}));
    assert_eq!(session.turn("RECALL 1")["result"], "Your message 1 was: hello");
}

#[test]
fn m1_a_login_that_is_lost_in_a_turn_is_told_by_the_frames_and_the_session_goes_on() {
    let words = "OAuth token has expired · Please run /login";
    let refused = json!({"send": {"type": "assistant", "error": "authentication_failed", "session_id": ONE,
        "message": {"role": "assistant", "content": [{"type": "text", "text": words}]}}});
    let result = json!({"result": {"is_error": true, "result": words, "api_error_status": 401}});
    let renews = json!({"send": {"type": "auth_status", "isAuthenticating": false, "output": ["renewed"]}});
    let script = json!({"on_user": [["init", {"text": "It begins."}, refused, result], [renews, "init", {"text": "better"}, "result"]]});
    let (_fake, session) = fake_session(script, json!({}));
    assert_eq!(session.turn("hello")["api_error_status"], 401);
    let failure = no_text(&session.of(Kind::CLAUDE_MESSAGE_ASSISTANT).pop().unwrap());
    assert_eq!(
        (failure.status, &failure.json["error"]),
        (Status::CLAUDE_ERR_RESULT, &json!("authentication_failed"))
    );
    assert!(failure.json["remedy"].as_str().unwrap().contains("option env"), "{failure:#?}");
    assert_eq!(session.turn("again")["is_error"], false);
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_AUTH_STATUS)[0]["output"], json!(["renewed"]));
}

#[test]
fn m1_a_cli_that_ends_over_its_login_names_it() {
    for words in ["Invalid API key · Please run /login", "OAuth token has expired"] {
        let result = json!({"result": {"is_error": true, "result": words, "api_error_status": 401}});
        let (_fake, session) = fake_session(json!({"on_user": ["init", result, {"exit": 1}]}), json!({}));
        session.query("hello");
        let (status, closed) = session.closed();
        assert_eq!((status, &closed["reason"]), (Status::CLAUDE_ERR_RESULT, &json!("login")), "{closed:#}");
        assert!(closed["remedy"].as_str().unwrap().contains("resume"), "{closed:#}");
    }
}

#[test]
fn m2_the_source_of_the_login_is_what_the_cli_says() {
    let known = ["user", "project", "org", "temporary", "oauth", "none", "ANTHROPIC_API_KEY", "apiKeyHelper"];
    for source in known.iter().chain(&["a word of tomorrow"]) {
        let script = json!({"on_user": [{"init": {"apiKeySource": source}}, "result"]});
        let (_fake, session) = fake_session(script, json!({}));
        session.turn("hello");
        assert_eq!(session.init()["apiKeySource"], *source);
    }
    let Some(real) = Real::new("m2_the_source_of_the_login") else { return };
    for (key, source) in [(json!("sk-ant-api03-dummy"), "ANTHROPIC_API_KEY"), (Value::Null, "none")] {
        let session = real.session(json!({"env": {"ANTHROPIC_API_KEY": key}}));
        session.query("hello");
        assert_eq!(session.init()["apiKeySource"], source);
    }
}

#[test]
fn t2_ten_turns_of_one_client_are_one_start() {
    let (fake, session) = fake_session(json!({}), json!({}));
    for turn in 0..10 {
        session.turn(&format!("turn {turn}"));
    }
    assert_eq!((fake.log().starts(), fake.log().prompts().len()), (1, 10));
}
