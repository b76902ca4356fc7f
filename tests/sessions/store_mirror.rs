//! Session stores through the C functions: the contract, and what becomes of a session whose store is slow, fails, answers twice
//! or late.

use std::time::{Duration, Instant};

use super::store_support::{HostStore, Mood, import, keep_in, list, memory, report};
use crate::support::probe::stage::{fake_options, merged};
use crate::support::probe::{Kind, Session, Status, c_text, check, owned, parsed};
use claude_client::capi::session_store::{
    claude_session_store_check, claude_session_store_create, claude_session_store_free,
    claude_session_summary_fold,
};
use claude_client::capi::types::claude_session_store_vtable_t;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// A CLI that mirrors two entries before the result of each turn, and one behind it.
fn mirrors() -> FakeClaude {
    FakeClaude::new(json!({"on_user": ["init", {"mirror": 2}, {"text": "a"}, "result", {"mirror": 1}]}))
}

fn with_store(fake: &FakeClaude, store: &HostStore, more: Value) -> Session {
    let session = Session::created(&fake_options(fake, more));
    keep_in(&session, store.handle).unwrap();
    session.connect(None).unwrap_or_else(|failure| panic!("{failure:#?}"));
    session
}

/// How many entries were stored.
fn stored(store: &HostStore) -> usize {
    store.kept().files.values().map(Vec::len).sum()
}

#[track_caller]
fn await_destroyed(store: &HostStore) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.destroyed() == 0 {
        assert!(Instant::now() < deadline, "nobody needs the store any more, and it is not destroyed");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(store.destroyed(), 1);
}

fn failed(report: &Value) -> Vec<&Value> {
    report["cases"].as_array().unwrap().iter().filter(|case| case["outcome"] == "failed").collect()
}

#[test]
fn the_store_in_memory_keeps_the_contract() {
    let store = memory();
    let report = report(store, 60_000);
    assert!(failed(&report).is_empty() && report["ok"] == true, "{report:#}");
    assert_eq!((&report["passed"], &report["skipped"]), (&json!(19), &json!(0)));
    // SAFETY: any value may be passed.
    unsafe { claude_session_store_free(store) };
    let mut text = std::ptr::null_mut();
    // SAFETY: the outputs are variables.
    let freed = check(|error| unsafe { claude_session_store_check(store, 1000, &mut text, error) });
    assert_eq!(freed.unwrap_err().status, Status::CLAUDE_ERR_INVALID_HANDLE);
}

#[test]
fn a_store_that_answers_later_or_twice_keeps_the_contract() {
    for mood in [Mood::Well, Mood::Slow(5), Mood::Twice] {
        let store = HostStore::new(mood);
        let report = report(store.handle, 120_000);
        assert!(failed(&report).is_empty(), "{mood:?}: {report:#}");
        assert_eq!(report["skipped"], 1, "it has no summaries");
        let kept = store.kept();
        let second = kept.refused.iter().all(|status| *status == Status::CLAUDE_ERR_INVALID_HANDLE);
        assert_eq!((second, kept.refused.is_empty()), (true, mood != Mood::Twice), "{mood:?}");
        assert!(kept.files.is_empty(), "what the check stored is removed: {:?}", kept.files.keys());
    }
}

#[test]
fn a_store_that_breaks_the_contract_is_told_how() {
    for (mood, words) in [
        (Mood::Failing(usize::MAX), "the disk is full"),
        (Mood::Silent, "without an answer"),
        (Mood::Nonsense("{}"), "answer to load is not an array"),
        (Mood::Nonsense("[{\"type\":\"x\"}]"), "they differ from number 0 on"),
        (Mood::Nonsense("[]"), "null is right"),
        (Mood::Nonsense("[1,"), "answer to load"),
        (Mood::Nonsense("null"), "null for what was appended"),
        (Mood::Taken, "b7"),
    ] {
        let store = HostStore::new(mood);
        let report = report(store.handle, 120_000);
        assert_eq!(report["ok"], false, "{mood:?}");
        assert!(
            failed(&report).iter().any(|case| case["message"].as_str().unwrap().contains(words)),
            "{report:#}"
        );
    }
}

#[test]
fn a_store_that_never_answers_ends_the_check_in_time_and_its_late_answers_are_stale() {
    let mut store = HostStore::new(Mood::Keeps);
    let began = Instant::now();
    let report = report(store.handle, 300);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(failed(&report)[0]["message"].as_str().unwrap().contains("in time"), "{report:#}");
    store.free();
    // Nothing holds it but calls that nobody waits for, and what is on its way to it.
    await_destroyed(&store);
    let late = store.answer_kept();
    assert!(!late.is_empty() && late.iter().all(|status| *status == Status::CLAUDE_ERR_STALE), "{late:?}");
}

#[test]
fn a_store_without_its_functions_is_refused_and_destroyed() {
    let mut store = std::ptr::null_mut();
    let mut vtable = claude_session_store_vtable_t {
        size: size_of::<claude_session_store_vtable_t>(),
        append: None,
        load: None,
        list: None,
        summaries: None,
        remove: None,
        list_subkeys: None,
        destroy: None,
    };
    // SAFETY: the struct has its size, the outputs are variables.
    let failure = check(|error| unsafe {
        claude_session_store_create(&vtable, std::ptr::null_mut(), &mut store, error)
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    assert!(failure.message().contains("append"), "{failure:#?}");
    vtable.size = 8;
    // SAFETY: as above.
    let failure = check(|error| unsafe {
        claude_session_store_create(&vtable, std::ptr::null_mut(), &mut store, error)
    });
    assert_eq!(failure.unwrap_err().status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    assert!(store.is_null());
}

#[test]
fn a_result_comes_when_its_turn_is_stored() {
    let (fake, store) = (mirrors(), HostStore::new(Mood::Slow(300)));
    let session = with_store(&fake, &store, json!({}));
    let began = Instant::now();
    session.turn("hello");
    assert!(began.elapsed() >= Duration::from_millis(300), "the store has answered: {:?}", began.elapsed());
    assert!(stored(&store) >= 2);
    assert!(session.of(Kind::CLAUDE_MESSAGE_TRANSCRIPT_MIRROR).is_empty(), "not asked for");
    let order: Vec<Kind> = session.messages().into_iter().map(|(kind, _)| kind).collect();
    let at = |wanted| order.iter().position(|kind| *kind == wanted);
    assert!(at(Kind::CLAUDE_MESSAGE_ASSISTANT) < at(Kind::CLAUDE_MESSAGE_RESULT), "{order:?}");
    session.turn("again");
    session.disconnect().unwrap();
    assert_eq!(stored(&store), 6, "what comes behind the result is stored at the end");
    assert!(session.warnings("mirror_error").is_empty());
}

#[test]
fn an_eager_store_has_each_frame_at_once() {
    let script =
        json!({"on_user": ["init", {"mirror": 1}, {"sleep": 200}, {"mirror": 1}, {"sleep": 200}, "result"]});
    let (fake, store) = (FakeClaude::new(script), HostStore::new(Mood::Well));
    let session = with_store(&fake, &store, json!({"session_store_flush": "eager"}));
    session.turn("hello");
    let appends =
        |store: &HostStore| store.kept().asked.iter().filter(|(asked, _)| asked == "append").count();
    assert_eq!((appends(&store), stored(&store)), (2, 2));
    let batched = HostStore::new(Mood::Well);
    let session = with_store(&fake, &batched, json!({}));
    session.turn("hello");
    assert_eq!((appends(&batched), stored(&batched)), (1, 2));
}

#[test]
fn an_append_that_fails_is_tried_again_and_then_told() {
    let (fake, store) = (mirrors(), HostStore::new(Mood::Failing(2)));
    let session = with_store(&fake, &store, json!({}));
    session.turn("hello");
    assert!(stored(&store) >= 2, "the third attempt");
    assert!(session.warnings("mirror_error").is_empty());

    store.set(Mood::Failing(3));
    session.turn("again");
    let told = session.wait_for("mirror_error", |_, json| json["event"] == "mirror_error");
    assert!(told["error"]["message"].as_str().unwrap().contains("the disk is full"), "{told:#}");
    assert!(told["key"]["session_id"].is_string() && told["remedy"].is_string(), "{told:#}");
    session.turn("the session goes on");
    session.disconnect().unwrap();
}

#[test]
fn a_store_that_lets_go_of_a_call_or_answers_twice_does_not_stop_the_session() {
    for mood in [Mood::Silent, Mood::Twice] {
        let (fake, store) = (mirrors(), HostStore::new(mood));
        let session = with_store(&fake, &store, json!({}));
        session.turn("hello");
        session.disconnect().unwrap();
        assert_eq!(session.warnings("mirror_error").is_empty(), mood == Mood::Twice, "{mood:?}");
    }
}

#[test]
fn a_store_that_hangs_delays_a_disconnect_by_little_and_its_late_answer_counts() {
    // All in one frame: whether a later one still goes into the same call is chance.
    let fake = FakeClaude::new(json!({"on_user": ["init", {"mirror": 3}, {"text": "a"}, "result"]}));
    let mut store = HostStore::new(Mood::Keeps);
    let session = with_store(&fake, &store, json!({}));
    session.query("hello");
    session.wait_for("the answer", |kind, _| kind == Kind::CLAUDE_MESSAGE_ASSISTANT);
    assert!(session.of(Kind::CLAUDE_MESSAGE_RESULT).is_empty(), "the result waits for the store");
    let began = Instant::now();
    session.disconnect().unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT).len(), 1, "and comes at the end");
    drop(session);
    store.free();
    assert_eq!(store.destroyed(), 0, "a call of the session is still open");
    store.set(Mood::Well);
    assert_eq!(store.answer_kept(), [Status::CLAUDE_OK], "late, behind the end of the client, and stored");
    await_destroyed(&store);
    assert_eq!(stored(&store), 3);
}

#[test]
fn a_session_that_ends_by_itself_waits_until_it_is_stored() {
    let script = json!({"on_user": ["init", {"text": "a"}, "result", {"mirror": 3}, {"exit": 0}]});
    let (fake, store) = (FakeClaude::new(script), HostStore::new(Mood::Slow(1500)));
    let session = with_store(&fake, &store, json!({}));
    session.turn("hello");
    session.closed();
    assert!(store.kept().refused.is_empty());
    assert_eq!(stored(&store), 3);
    let answered = Instant::now();
    drop(session);
    assert!(answered.elapsed() < Duration::from_secs(10));
}

#[test]
fn replies_and_interrupts_get_past_a_result_that_waits() {
    let (fake, store) = (mirrors(), HostStore::new(Mood::Keeps));
    let session = with_store(&fake, &store, json!({}));
    session.query("hello");
    session.wait_for("the answer", |kind, _| kind == Kind::CLAUDE_MESSAGE_ASSISTANT);
    std::thread::sleep(Duration::from_millis(200));
    session.control(&json!({"subtype": "get_context_usage"})).expect("a reply while the store hangs");
    store.set(Mood::Well);
    store.answer_kept();
    session.wait_for("the result", |kind, _| kind == Kind::CLAUDE_MESSAGE_RESULT);
}

#[test]
fn what_a_store_cannot_do_is_refused_before_anything_starts() {
    let fake = mirrors();
    let (memory, host) = (memory(), HostStore::new(Mood::Well));
    let refused = |options: Value, pointer: &str| {
        let session = Session::created(&fake_options(&fake, options));
        keep_in(&session, memory).unwrap();
        let failure = session.connect(None).unwrap_err();
        assert_eq!(failure.json["pointer"], pointer, "{failure:#?}");
        failure.status
    };
    let invalid = Status::CLAUDE_ERR_INVALID_OPTION;
    assert_eq!(refused(json!({"persist_session": false}), "/persist_session"), invalid);
    assert_eq!(refused(json!({"enable_file_checkpointing": true}), "/enable_file_checkpointing"), invalid);
    assert_eq!(refused(json!({"resume": "a title"}), "/resume"), invalid);
    let id = "11111111-1111-4111-8111-111111111111";
    assert_eq!(refused(json!({"resume": id, "launcher": ["sh"]}), "/launcher"), invalid);
    assert_eq!(refused(json!({"resume": id}), "/resume"), Status::CLAUDE_ERR_SESSION_NOT_FOUND);

    host.set(Mood::Taken);
    let session = Session::created(&fake_options(&fake, json!({"resume": id})));
    keep_in(&session, host.handle).unwrap();
    let failure = session.connect(None).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_SESSION_IN_USE, "{failure:#?}");
    assert!(failure.message().contains("b7"), "{failure:#?}");

    host.set(Mood::Keeps);
    let session = Session::created(&fake_options(&fake, json!({"resume": id, "load_timeout_ms": 200})));
    keep_in(&session, host.handle).unwrap();
    assert_eq!(session.connect(None).unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    assert_eq!(keep_in(&session, host.handle).unwrap_err().status, Status::CLAUDE_ERR_ALREADY_CONNECTED);

    // Nothing to continue is a fresh session, as in the official SDKs.
    let session = Session::created(&fake_options(&fake, json!({"continue_conversation": true})));
    keep_in(&session, memory).unwrap();
    session.connect(None).unwrap();
    // SAFETY: any value may be passed.
    unsafe { claude_session_store_free(memory) };
}

#[test]
fn a_path_out_of_the_session_is_not_written() {
    let fake = mirrors();
    let id = "11111111-1111-4111-8111-111111111111";
    let key = json!({"project_key": "x", "session_id": id});
    let options = fake_options(&fake, json!({"resume": id}));
    let session = Session::created(&options);
    let store = HostStore::new(Mood::Well);
    keep_in(&session, store.handle).unwrap();
    let project = {
        // The key is the working folder's, which the error tells.
        let failure = session.connect(None).unwrap_err();
        failure.message().rsplit_once("project ").unwrap().1.to_owned()
    };
    let key = merged(key, json!({"project_key": project}));
    let entries = vec![json!({"type": "user", "uuid": id})];
    store.kept().files.insert(key.to_string(), entries.clone());
    for subpath in ["../../../escaped", "/tmp/escaped", "a\\..\\b", ""] {
        let bad = merged(key.clone(), json!({"subpath": subpath})).to_string();
        store.kept().files.insert(bad.clone(), entries.clone());
        let session = Session::created(&options);
        keep_in(&session, store.handle).unwrap();
        let failure = session.connect(None).unwrap_err();
        assert_eq!(failure.json["function"], "list_subkeys", "{failure:#?}");
        store.kept().files.remove(&bad);
    }
}

#[test]
fn the_fold_is_pure_and_refuses_what_is_no_entry() {
    let fold = |previous: Option<&str>, key: &str, entries: &str| {
        let (previous, key, entries) = (previous.map(c_text), c_text(key), c_text(entries));
        let before = previous.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let mut summary = std::ptr::null_mut();
        // SAFETY: NULL or NUL-terminated texts, the outputs are variables.
        check(|error| unsafe {
            claude_session_summary_fold(before, key.as_ptr(), entries.as_ptr(), &mut summary, error)
        })?;
        Ok::<Value, crate::support::probe::Failure>(parsed(&owned(summary)))
    };
    let key = r#"{"project_key": "p", "session_id": "s"}"#;
    let one = fold(None, key, r#"[{"type": "custom-title", "customTitle": "one"}]"#).unwrap();
    assert_eq!(one["data"]["custom_title"], "one");
    let same = fold(Some(&one.to_string()), key, "[]").unwrap();
    assert_eq!(one, same);
    for (key, entries) in [("{}", "[]"), (key, "{}"), (key, "[")] {
        assert_eq!(fold(None, key, entries).unwrap_err().status, Status::CLAUDE_ERR_INVALID_ARGUMENT);
    }
}

#[test]
fn a_list_shows_the_sessions_of_the_folder_newest_first_with_summaries_and_without() {
    let script = json!({"on_user": ["init", {"mirror": 1}, "result"]});
    let fake = FakeClaude::new(script);
    let (memory, host) = (memory(), HostStore::new(Mood::Well));
    let work = fake.sandbox().work().to_owned();
    let here = json!({"directory": work});
    for store in [memory, host.handle] {
        assert_eq!(list(store, &here).unwrap(), json!([]));
        let project = {
            let key = c_text(work.to_str().unwrap());
            let mut text = std::ptr::null_mut();
            // SAFETY: the text is NUL-terminated, the outputs are variables.
            check(|error| unsafe {
                claude_client::capi::sessions::claude_session_project_key(key.as_ptr(), &mut text, error)
            })
            .unwrap();
            owned(text)
        };
        for (number, more) in [(1, json!({})), (2, json!({"isSidechain": true})), (3, json!({}))] {
            // On the disk, so that it can be imported: the key of a mirrored session is the CLI's to choose.
            let config = fake.sandbox().root().join(format!("config-{}-{number}", store.addr()));
            let folder = config.join("projects").join(&project);
            std::fs::create_dir_all(&folder).unwrap();
            let id = format!("{number}1111111-1111-4111-8111-111111111111");
            let line = merged(
                json!({"type": "user", "uuid": id, "sessionId": id, "cwd": "/w", "message": {"content": format!("prompt {number}")}}),
                more,
            );
            std::fs::write(folder.join(format!("{id}.jsonl")), format!("{line}\n")).unwrap();
            import(store, &id, &json!({"config_dir": config})).unwrap();
        }
        let rows = list(store, &here).unwrap();
        let shown: Vec<(&Value, &Value)> =
            rows.as_array().unwrap().iter().map(|row| (&row["summary"], &row["cwd"])).collect();
        assert_eq!(
            shown,
            [(&json!("prompt 3"), &json!("/w")), (&json!("prompt 1"), &json!("/w"))],
            "{rows:#}"
        );
        let second = list(store, &merged(here.clone(), json!({"limit": 1, "offset": 1}))).unwrap();
        assert_eq!(second, json!([rows[1]]));
    }
    // SAFETY: any value may be passed.
    unsafe { claude_session_store_free(memory) };
}

#[test]
fn an_import_of_a_session_that_is_not_there_says_so() {
    let store = memory();
    let failure =
        import(store, "11111111-1111-4111-8111-111111111111", &json!({"config_dir": "/nonexistent"}));
    assert_eq!(failure.unwrap_err().status, Status::CLAUDE_ERR_SESSION_NOT_FOUND);
    // SAFETY: any value may be passed.
    unsafe { claude_session_store_free(store) };
}
