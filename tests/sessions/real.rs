//! Sessions that the real CLI wrote are listed, read, named, copied and removed; what is written here, it goes on with.
#![cfg(target_os = "linux")]

use std::ffi::{CString, c_char, c_void};
use std::path::PathBuf;

use crate::support::probe::stage::Real;
use crate::support::probe::{Failure, Status, c_text, check, owned, parsed, text_of};
use claude_client::capi::sessions::*;
use claude_client::capi::types::{claude_error_t, claude_message_kind_t};
use claude_testkit::loopback::{Reply, Rule};
use serde_json::{Value, json};

const ONE: &str = "11111111-1111-4111-8111-111111111111";

fn config_dir(real: &Real) -> PathBuf {
    real.sandbox.home().join(".claude")
}

/// The options of a call, for the CLI's folder in the sandbox.
fn options(real: &Real, more: Value) -> CString {
    let mut options = json!({"config_dir": config_dir(real)});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    c_text(&options.to_string())
}

fn answer(
    call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> Status,
) -> Result<String, Failure> {
    let mut text = std::ptr::null_mut();
    check(|error| call(&mut text, error))?;
    Ok(owned(text))
}

fn info(real: &Real, id: &str) -> Result<Value, Failure> {
    let (id, options) = (c_text(id), options(real, json!({})));
    // SAFETY: texts that live on, and places for the answer and the error.
    let json =
        answer(|text, error| unsafe { claude_session_info(id.as_ptr(), options.as_ptr(), text, error) })?;
    Ok(parsed(&json))
}

fn list(real: &Real, more: Value) -> Vec<String> {
    let options = options(real, more);
    // SAFETY: as above.
    let json = answer(|text, error| unsafe { claude_sessions_list(options.as_ptr(), text, error) }).unwrap();
    parsed(&json)
        .as_array()
        .unwrap()
        .iter()
        .map(|info| info["session_id"].as_str().unwrap().to_owned())
        .collect()
}

fn fork(real: &Real, id: &str, more: Value) -> String {
    let (id, options) = (c_text(id), options(real, more));
    // SAFETY: as above.
    let json =
        answer(|text, error| unsafe { claude_session_fork(id.as_ptr(), options.as_ptr(), text, error) });
    parsed(&json.unwrap())["session_id"].as_str().unwrap().to_owned()
}

unsafe extern "C" fn keep(kind: claude_message_kind_t, json: *const c_char, len: usize, into: *mut c_void) {
    let text = text_of(json);
    assert_eq!(text.len(), len);
    // SAFETY: the list that was given with this function.
    let seen = unsafe { &mut *into.cast::<Vec<(claude_message_kind_t, Value)>>() };
    seen.push((kind, parsed(&text)));
}

/// The messages as they are told.
fn items(real: &Real, id: &str, more: Value) -> Vec<Value> {
    let (id, options) = (c_text(id), options(real, more));
    let mut seen: Vec<(claude_message_kind_t, Value)> = Vec::new();
    let into = (&raw mut seen).cast();
    // SAFETY: as above; the list outlives the call.
    check(|error| unsafe { claude_session_messages(id.as_ptr(), options.as_ptr(), Some(keep), into, error) })
        .unwrap();
    seen.into_iter().map(|(_, item)| item).collect()
}

/// The texts of the conversation.
fn texts(real: &Real, id: &str, more: Value) -> Vec<String> {
    let text = |message: &Value| match &message["content"] {
        Value::String(text) => text.clone(),
        blocks => blocks[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    items(real, id, more).iter().map(|item| text(&item["message"])).collect()
}

fn delete(real: &Real, id: &str, more: Value) -> Result<(), Failure> {
    let (id, options) = (c_text(id), options(real, more));
    // SAFETY: as above.
    check(|error| unsafe { claude_session_delete(id.as_ptr(), options.as_ptr(), error) })
}

fn stage(test: &str) -> Option<Real> {
    let real = Real::new(test)?;
    let remembers = Reply::text("The first thing you said: {{first_prompt}}");
    real.api.set_rules(vec![
        Rule::on_prompt("What was first", remembers),
        Rule::on_prompt("", Reply::text("Noted.")),
    ]);
    Some(real)
}

#[test]
fn n6_the_project_key_is_the_folder_that_the_cli_makes() {
    let Some(real) = stage("n6_the_project_key_is_the_folder") else { return };
    for name in [
        "plain",
        "caf\u{e9}",
        "cafe\u{301}",
        "日本",
        "\u{1F600}x",
        &format!("{}/{}", "d".repeat(120), "e".repeat(120)),
    ] {
        let folder = real.sandbox.work().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        real.session(json!({"cwd": folder})).turn("hello");
        let directory = c_text(folder.to_str().unwrap());
        // SAFETY: as above.
        let key =
            answer(|text, error| unsafe { claude_session_project_key(directory.as_ptr(), text, error) })
                .unwrap();
        let made = config_dir(&real).join("projects").join(&key);
        assert!(made.is_dir(), "{name}: {key}");
        assert_eq!(list(&real, json!({"directory": folder})).len(), 1, "{name}");
    }
}

#[test]
fn what_the_cli_wrote_is_listed_read_named_and_copied_and_the_copy_goes_on() {
    let Some(real) = stage("what_the_cli_wrote_is_listed") else { return };
    let session = real.session(json!({"session_id": ONE}));
    session.turn("My colour is teal.");
    session.turn("And my number is 7.");
    assert_eq!(info(&real, ONE).unwrap()["live"]["pid"], session.pid());
    assert_eq!(delete(&real, ONE, json!({})).unwrap_err().status, Status::CLAUDE_ERR_SESSION_IN_USE);
    session.disconnect().unwrap();
    session.closed();
    drop(session);

    assert_eq!(list(&real, json!({})), [ONE]);
    let about = info(&real, ONE).unwrap();
    assert_eq!(about["first_prompt"], "My colour is teal.");
    assert_eq!(about["cwd"], std::fs::canonicalize(real.sandbox.work()).unwrap().to_str().unwrap());
    assert_eq!(about.get("live"), None, "{about}");
    let all = ["My colour is teal.", "Noted.", "And my number is 7.", "Noted."];
    assert_eq!(texts(&real, ONE, json!({})), all);
    assert_eq!(texts(&real, ONE, json!({"from_end": true, "limit": 2})), all[2..]);

    let (id, title, tag, none) = (c_text(ONE), c_text("Colours"), c_text("red"), options(&real, json!({})));
    // SAFETY: as above.
    check(|error| unsafe { claude_session_rename(id.as_ptr(), title.as_ptr(), none.as_ptr(), error) })
        .unwrap();
    // SAFETY: as above.
    check(|error| unsafe { claude_session_tag(id.as_ptr(), tag.as_ptr(), none.as_ptr(), error) }).unwrap();
    let about = info(&real, ONE).unwrap();
    assert_eq!((&about["summary"], &about["tag"]), (&json!("Colours"), &json!("red")));

    let copy = fork(&real, ONE, json!({}));
    assert_eq!(texts(&real, &copy, json!({})), all);
    let session = real.session(json!({"resume": copy}));
    let result = session.turn("What was first?");
    assert_eq!(result["result"], "The first thing you said: My colour is teal.");
    drop(session);
    assert_eq!(texts(&real, &copy, json!({})).len(), 6, "it goes on in the same file");
    assert_eq!(info(&real, &copy).unwrap()["custom_title"], "Colours (fork)");
    let session = real.session(json!({"resume": ONE}));
    session.turn("Once more.");
    drop(session);
    let about = info(&real, ONE).unwrap();
    assert_eq!((&about["summary"], &about["tag"]), (&json!("Colours"), &json!("red")), "the CLI keeps them");

    delete(&real, ONE, json!({})).unwrap();
    assert_eq!(list(&real, json!({})), [copy]);
    assert_eq!(info(&real, ONE).unwrap_err().status, Status::CLAUDE_ERR_SESSION_NOT_FOUND);
}

/// The file of a session.
fn file_of(real: &Real, id: &str) -> PathBuf {
    info(real, id).unwrap()["path"].as_str().unwrap().into()
}

/// What the model was shown with a prompt, as one text.
fn shown_with(real: &Real, prompt: &str) -> String {
    real.asked(prompt).conversation.user_texts.join("\n")
}

#[test]
fn copies_of_a_compacted_session_go_on_with_what_the_compaction_left_or_what_was_before_it() {
    let Some(real) = stage("copies_of_a_compacted_session") else { return };
    real.api.set_rules(vec![
        Rule::on_prompt("detailed summary", Reply::text("<summary>They like teal.</summary>")),
        Rule::on_prompt("", Reply::text("Noted.")),
    ]);
    let session = real.session(json!({"session_id": ONE}));
    session.turn("My colour is teal.");
    session.turn("And my number is 7.");
    session.turn("/compact");
    session.turn("And my letter is Q.");
    drop(session);

    // Beyond 5 MB the CLI skips what a compaction has summarised.
    let path = file_of(&real, ONE);
    let text = std::fs::read_to_string(&path).unwrap();
    let long = format!("\"text\":\"Noted. {}\"", "x".repeat(6 << 20));
    assert!(text.contains("\"text\":\"Noted.\""), "{text}");
    std::fs::write(&path, text.replacen("\"text\":\"Noted.\"", &long, 1)).unwrap();

    let whole = fork(&real, ONE, json!({}));
    assert!(file_of(&real, &whole).metadata().unwrap().len() > 5 << 20);
    assert_eq!(texts(&real, &whole, json!({})), texts(&real, ONE, json!({})));
    let session = real.session(json!({"resume": whole}));
    assert_eq!(session.turn("On with all?")["is_error"], false);
    drop(session);
    let shown = shown_with(&real, "On with all?");
    assert!(shown.contains("They like teal.") && shown.contains("my letter is Q"), "{shown}");
    assert!(!shown.contains("my number is 7"), "{shown}");
    assert_eq!(texts(&real, &whole, json!({"from_end": true, "limit": 2})), ["On with all?", "Noted."]);

    let items = items(&real, ONE, json!({}));
    let place =
        |text: &str| items.iter().find(|item| item.to_string().contains(text)).unwrap()["uuid"].clone();
    let summary = fork(&real, ONE, json!({"up_to_message_id": place("They like teal.")}));
    let session = real.session(json!({"resume": summary}));
    assert_eq!(session.turn("On with the summary?")["is_error"], false);
    drop(session);
    let shown = shown_with(&real, "On with the summary?");
    assert!(shown.contains("They like teal.") && !shown.contains("my letter is Q"), "{shown}");
}

#[test]
fn a_title_that_is_given_beside_a_live_session_stays_also_where_the_session_was_named_before() {
    let Some(real) = stage("a_title_that_is_given_beside_a_live_session") else { return };
    let session = real.session(json!({"session_id": ONE}));
    session.turn("My colour is teal.");
    session.control(&json!({"subtype": "rename_session", "title": "From inside"})).unwrap();
    assert_eq!(info(&real, ONE).unwrap()["custom_title"], "From inside");
    let beside = file_of(&real, ONE).with_extension("").join("custom-title.json");
    let written = || parsed(&std::fs::read_to_string(&beside).unwrap())["customTitle"].clone();
    assert_eq!(written(), "From inside");

    let (id, title, none) = (c_text(ONE), c_text("From outside"), options(&real, json!({})));
    // SAFETY: as above.
    check(|error| unsafe { claude_session_rename(id.as_ptr(), title.as_ptr(), none.as_ptr(), error) })
        .unwrap();
    assert_eq!(
        (written(), info(&real, ONE).unwrap()["custom_title"].clone()),
        (json!("From outside"), json!("From outside"))
    );
    session.turn("And my number is 7.");
    drop(session);
    assert_eq!(info(&real, ONE).unwrap()["custom_title"], "From outside");
    assert_eq!(written(), "From outside");
}
