//! Sessions in a store of the host's own: what the CLI writes to their file comes as messages, and a file that is made of
//! them elsewhere is a session that can be resumed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::probe::stage::{Real, fake_options};
use crate::support::probe::{Kind, Session, Status, check};
use claude_client::capi::client::claude_client_create;
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

const MIRROR: Kind = Kind::CLAUDE_MESSAGE_TRANSCRIPT_MIRROR;

/// What a store holds: the lines of each file, by the path below `projects`.
fn stored(session: &Session, config: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let mut files: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for mirror in session.of(MIRROR) {
        let path = Path::new(mirror["filePath"].as_str().unwrap());
        let path = path.strip_prefix(config.join("projects")).expect("below the folder of projects");
        let lines = mirror["entries"].as_array().unwrap().iter().map(Value::to_string);
        files.entry(path.to_owned()).or_default().extend(lines);
    }
    files
}

#[test]
fn a_session_is_resumed_from_what_was_mirrored() {
    let Some(real) = Real::new("a_session_is_resumed_from") else { return };
    let (here, there) = (real.sandbox.root().join("here"), real.sandbox.root().join("there"));
    let session = real.session(json!({"session_mirror": true, "config_dir": here}));
    session.turn("the word is teapot");
    session.turn("a second prompt");
    let id = session.init()["session_id"].as_str().unwrap().to_owned();
    session.disconnect().unwrap();
    let files = stored(&session, &here);
    let (path, lines) =
        files.iter().find(|(path, _)| path.ends_with(format!("{id}.jsonl"))).expect("the file");
    assert_eq!(path.components().count(), 2, "key and session: {path:?}");
    let original = std::fs::read_to_string(here.join("projects").join(path)).unwrap();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let written: Vec<Value> = original.lines().map(parsed).collect();
    let mirrored: Vec<Value> = lines.iter().map(|line| parsed(line)).collect();
    let kept = |line: &Value| !line["type"].as_str().unwrap().starts_with("api-request");
    let written: Vec<Value> = written.into_iter().filter(kept).collect();
    assert!(mirrored == written, "the mirror has all of the conversation that the file has, in its order");

    std::fs::remove_dir_all(&here).unwrap();
    // Any key will do.
    let copy = there.join("projects/any").join(path.file_name().unwrap());
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::write(&copy, lines.join("\n") + "\n").unwrap();
    let session = real.session(json!({"session_mirror": true, "config_dir": there, "resume": id}));
    session.turn("do you remember?");
    assert_eq!(session.init()["session_id"], id.as_str());
    let asked = real.asked("do you remember?").body.to_string();
    assert!(asked.contains("the word is teapot") && asked.contains("a second prompt"), "{asked}");
    session.disconnect().unwrap();
    let more = stored(&session, &there);
    let added = &more[copy.strip_prefix(there.join("projects")).unwrap()];
    assert!(added.iter().any(|line| line.contains("do you remember?")), "the store is continued: {added:#?}");
    assert!(added.iter().all(|line| !line.contains("the word is teapot")), "and only with what is new");
}

#[test]
fn a_subagents_conversation_is_mirrored_as_a_file_of_its_own() {
    let Some(real) = Real::new("a_subagents_conversation") else { return };
    let config = real.sandbox.root().join("config");
    let agents = json!({"helper": {"description": "Helps", "prompt": "HELP"}});
    let session = real.session(json!({"session_mirror": true, "config_dir": config, "agents": agents}));
    let call = json!({"name": "Task", "input": {"subagent_type": "helper", "description": "d",
        "prompt": "look here", "run_in_background": false}});
    session.turn(&format!("USE_TOOL {call}"));
    let id = session.init()["session_id"].as_str().unwrap().to_owned();
    session.disconnect().unwrap();
    let files = stored(&session, &config);
    let of_agent = |path: &Path| path.components().count() >= 4 && path.to_str().unwrap().contains(&id);
    let (path, lines) = files.iter().find(|(path, _)| of_agent(path)).expect("the subagent's file");
    assert!(path.to_str().unwrap().contains("/subagents/"), "{path:?}");
    assert!(lines.iter().any(|line| line.contains("look here")), "{lines:#?}");
}

#[test]
fn a_mirrored_frame_stands_between_the_messages_and_comes_only_when_asked_for() {
    let script = json!({"on_user": ["init", {"mirror": 2}, {"text": "a"}, "result", {"mirror": 1}]});
    let fake = FakeClaude::new(script);
    let session = Session::connected(&fake_options(&fake, json!({"session_mirror": true})));
    session.turn("hello");
    session.wait_until("both", |messages| {
        (messages.iter().filter(|(kind, _)| *kind == MIRROR).count() == 2).then_some(())
    });
    let kinds: Vec<Kind> = session.messages().iter().map(|(kind, _)| *kind).collect();
    let at = |wanted| kinds.iter().position(|kind| *kind == wanted).unwrap();
    assert!(at(MIRROR) < at(Kind::CLAUDE_MESSAGE_ASSISTANT), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == MIRROR).count(), 2);
    let last = kinds.iter().rposition(|kind| *kind == MIRROR).unwrap();
    assert!(last > at(Kind::CLAUDE_MESSAGE_RESULT), "{kinds:?}");
    assert_eq!(session.of(MIRROR)[0]["entries"].as_array().unwrap().len(), 2);

    let session = Session::connected(&fake_options(&fake, json!({})));
    session.turn("hello");
    session.turn("again");
    assert!(session.of(MIRROR).is_empty() && session.of(Kind::CLAUDE_MESSAGE_OTHER).is_empty());
}

#[test]
fn a_session_that_is_not_written_has_no_mirror() {
    let options = std::ffi::CString::new(r#"{"session_mirror": true, "persist_session": false}"#).unwrap();
    let mut client = std::ptr::null_mut();
    // SAFETY: the text is NUL-terminated, the outputs are variables.
    let failure =
        check(|error| unsafe { claude_client_create(options.as_ptr(), &mut client, error) }).unwrap_err();
    assert_eq!(
        (failure.status, &failure.json["pointer"]),
        (Status::CLAUDE_ERR_INVALID_OPTION, &json!("/session_mirror"))
    );
}

#[test]
fn the_name_in_the_official_sdks_leads_here() {
    for name in ["session_store", "sessionStore"] {
        let options = std::ffi::CString::new(json!({name: {}}).to_string()).unwrap();
        let mut client = std::ptr::null_mut();
        // SAFETY: as above.
        let failure =
            check(|error| unsafe { claude_client_create(options.as_ptr(), &mut client, error) }).unwrap_err();
        assert!(failure.json["remedy"].as_str().unwrap().contains("session_mirror"), "{failure:#?}");
    }
}
