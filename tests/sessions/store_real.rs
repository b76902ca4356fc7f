//! Sessions of the real CLI in a store: stored while they live, gone from the disk, and gone on with elsewhere.

use std::path::{Path, PathBuf};

use super::store_support::{HostStore, Mood, import, keep_in, memory};
use crate::support::probe::stage::Real;
use crate::support::probe::{Session, Status};
use claude_client::capi::session_store::claude_session_store_free;
use serde_json::{Value, json};

fn started(real: &Real, options: Value, store: &HostStore) -> Session {
    let session = Session::created(&real.options(options));
    keep_in(&session, store.handle).unwrap();
    session.connect(None).unwrap_or_else(|failure| panic!("{failure:#?}"));
    session
}

fn id_of(session: &Session) -> String {
    session.init()["session_id"].as_str().unwrap().to_owned()
}

/// The folders that sessions were laid down in, in a temporary folder of the test's own.
fn laid_down(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("claude-resume-")).collect()
}

/// What the child of a resumed session was given as its folder.
fn config_of(session: &Session) -> PathBuf {
    let environment = std::fs::read(format!("/proc/{}/environ", session.pid())).unwrap();
    let variable = environment.split(|byte| *byte == 0).find_map(|variable| {
        std::str::from_utf8(variable).ok()?.strip_prefix("CLAUDE_CONFIG_DIR=").map(PathBuf::from)
    });
    variable.expect("CLAUDE_CONFIG_DIR")
}

#[test]
fn n1_a_session_stored_deleted_and_resumed_goes_on_with_its_history() {
    let Some(real) = Real::new("a_session_stored_deleted") else { return };
    let store = HostStore::new(Mood::Slow(20));
    let config = real.sandbox.root().join("here");
    let session = started(&real, json!({"config_dir": config}), &store);
    session.turn("the word is teapot");
    session.turn("a second prompt");
    let id = id_of(&session);
    session.disconnect().unwrap();
    let path = std::fs::read_dir(config.join("projects")).unwrap().next().unwrap().unwrap().path();
    let written = std::fs::read_to_string(path.join(format!("{id}.jsonl"))).unwrap();
    let kept = |line: &Value| !line["type"].as_str().unwrap().starts_with("api-request");
    let written: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).filter(kept).collect();
    assert!(store.of_session(&id) == written, "the store has what the file has, in its order");
    let before = written.len();
    drop(session);
    std::fs::remove_dir_all(&config).unwrap();

    let session = started(&real, json!({"resume": id}), &store);
    let folder = config_of(&session);
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("claude-resume-"), "{folder:?}");
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    session.turn("do you remember?");
    assert_eq!(id_of(&session), id);
    let asked = real.asked("do you remember?").body.to_string();
    assert!(asked.contains("the word is teapot") && asked.contains("a second prompt"), "{asked}");
    session.disconnect().unwrap();
    assert!(!folder.exists(), "it goes with the session");
    let entries = store.of_session(&id);
    assert!(
        entries.len() > before && entries[..before] == written[..],
        "the store is continued, with what is new"
    );
    assert!(entries[before..].iter().any(|line| line.to_string().contains("do you remember?")));
    assert!(session.warnings("mirror_error").is_empty());
    drop(session);

    let session = started(&real, json!({"continue_conversation": true}), &store);
    session.turn("and once more?");
    assert_eq!(id_of(&session), id, "the newest of the project");
    let asked = real.asked("and once more?").body.to_string();
    assert!(asked.contains("teapot") && asked.contains("do you remember?"), "{asked}");
    let folder = config_of(&session);
    drop(session);
    assert!(!folder.exists(), "it goes with the client as well");
}

#[test]
fn a_session_is_imported_from_the_disk_and_goes_on_from_the_store() {
    let Some(real) = Real::new("a_session_is_imported") else { return };
    let config = real.sandbox.root().join("config");
    let agents = json!({"helper": {"description": "Helps", "prompt": "HELP"}});
    let session = real.session(json!({"config_dir": config, "agents": agents}));
    session.turn("the colour is teal");
    let call = json!({"name": "Task", "input": {"subagent_type": "helper", "description": "d",
        "prompt": "look here", "run_in_background": false}});
    session.turn(&format!("USE_TOOL {call}"));
    let id = id_of(&session);
    session.disconnect().unwrap();

    let store = HostStore::new(Mood::Well);
    let result = import(store.handle, &id, &json!({"config_dir": config, "batch_size": 3})).unwrap();
    assert_eq!(result["files"], 2, "{result}");
    let count: usize = store.kept().files.values().map(Vec::len).sum();
    assert_eq!(result["entries"], count);
    let subagent = {
        let kept = store.kept();
        let key = kept.files.keys().find(|key| key.contains("subpath")).expect("the subagent's").clone();
        kept.files[&key].clone()
    };
    assert_eq!(subagent[0]["type"], "agent_metadata");
    assert_eq!(subagent[0]["agentType"], "helper");
    // As after an append that failed half-way: the store has all of it twice.
    import(store.handle, &id, &json!({"config_dir": config})).unwrap();
    std::fs::remove_dir_all(&config).unwrap();

    let session = started(&real, json!({"resume": id}), &store);
    let beside = config_of(&session).join("projects");
    let mut files = Vec::new();
    collect(&beside, &mut files);
    let main = files.iter().find(|path| path.ends_with(format!("{id}.jsonl"))).expect("the session");
    let lines = std::fs::read_to_string(main).unwrap();
    let uuids: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap().get("uuid").cloned())
        .collect();
    let once: std::collections::HashSet<String> = uuids.iter().map(Value::to_string).collect();
    assert!(uuids.len() > 3 && once.len() == uuids.len(), "each is laid down once: {uuids:?}");
    let meta =
        files.iter().find(|path| path.to_str().unwrap().ends_with(".meta.json")).expect("its description");
    let meta: Value = serde_json::from_slice(&std::fs::read(meta).unwrap()).unwrap();
    assert_eq!((&meta["agentType"], meta.get("type")), (&json!("helper"), None));
    session.turn("which colour?");
    let asked = real.asked("which colour?").body.to_string();
    assert!(asked.contains("the colour is teal"), "{asked}");
    session.disconnect().unwrap();
    let missing =
        import(store.handle, "11111111-1111-4111-8111-111111111111", &json!({"config_dir": config}));
    assert_eq!(missing.unwrap_err().status, Status::CLAUDE_ERR_SESSION_NOT_FOUND);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => collect(&entry.path(), files),
            false => files.push(entry.path()),
        }
    }
}

#[test]
fn a_login_and_settings_come_along_without_what_would_harm() {
    let Some(real) = Real::new("a_login_and_settings") else { return };
    let store = HostStore::new(Mood::Well);
    let config = real.sandbox.root().join("config");
    let session = started(&real, json!({"config_dir": config}), &store);
    session.turn("hello");
    let id = id_of(&session);
    session.disconnect().unwrap();
    drop(session);
    let put = |name: &str, value: Value| std::fs::write(config.join(name), value.to_string()).unwrap();
    put(".credentials.json", json!({"claudeAiOauth": {"accessToken": "a", "refreshToken": "r"}, "other": 1}));
    put(
        "settings.json",
        json!({"enabledPlugins": {"x": true}, "extraKnownMarketplaces": {}, "cleanupPeriodDays": 7,
        "env": {"CLAUDE_CONFIG_DIR": "/elsewhere", "KEPT": "1"}}),
    );
    // What is no file of its own is not followed.
    std::os::unix::fs::symlink("/etc/passwd", config.join(".config.json")).unwrap();

    let session = started(&real, json!({"config_dir": config, "resume": id}), &store);
    let folder = config_of(&session);
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    assert_eq!(read(".credentials.json"), json!({"claudeAiOauth": {"accessToken": "a"}, "other": 1}));
    let settings = read("settings.json");
    assert_eq!((&settings["cleanupPeriodDays"], &settings["env"]), (&json!(7), &json!({"KEPT": "1"})));
    assert!(settings.get("enabledPlugins").is_none() && settings.get("extraKnownMarketplaces").is_none());
    assert!(!folder.join(".config.json").exists());
    session.disconnect().unwrap();
    assert!(!folder.exists());
}

#[test]
fn a_connect_that_fails_leaves_no_folder() {
    let Some(real) = Real::new("a_connect_that_fails") else { return };
    let store = HostStore::new(Mood::Well);
    let session = started(&real, json!({}), &store);
    session.turn("hello");
    let id = id_of(&session);
    session.disconnect().unwrap();
    drop(session);
    let before = laid_down(&std::env::temp_dir()).len();
    let session = Session::created(&real.options(json!({"resume": id, "cli_path": "/bin/false"})));
    keep_in(&session, store.handle).unwrap();
    assert_eq!(session.connect(None).unwrap_err().status, Status::CLAUDE_ERR_PROCESS);
    drop(session);
    // Other tests run beside this one, and lay down theirs.
    let ours = |path: &PathBuf| path.join("projects").exists() && holds(path, &id);
    assert!(!laid_down(&std::env::temp_dir()).iter().any(ours), "{before} before");
    let none = memory();
    let session = Session::created(&real.options(json!({"resume": id})));
    keep_in(&session, none).unwrap();
    assert_eq!(session.connect(None).unwrap_err().status, Status::CLAUDE_ERR_SESSION_NOT_FOUND);
    // SAFETY: any value may be passed.
    unsafe { claude_session_store_free(none) };
}

fn holds(folder: &Path, id: &str) -> bool {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.iter().any(|path| path.to_str().unwrap().contains(id))
}
