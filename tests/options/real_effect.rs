//! Options whose effect shows only in comparison: each is given and left out, with the real CLI.

use std::ffi::{c_char, c_void};
use std::sync::Mutex;

use crate::support::probe::stage::Real;
use crate::support::probe::{PATIENCE_MS, Session, check, text_of};
use claude_client::capi::receive::claude_client_on_stderr;
use serde_json::{Value, json};

#[test]
fn what_is_of_this_machine_leaves_the_system_prompt() {
    let Some(real) = Real::new("what_is_of_this_machine") else { return };
    // The place of the memory is a part of the prompt that differs from machine to machine.
    let place = real.sandbox.root().join("home/.claude/projects");
    let place = place.to_str().unwrap();
    for exclude in [false, true] {
        let prompt = json!({"type": "preset", "preset": "claude_code", "exclude_dynamic_sections": exclude});
        let text = format!("excluded: {exclude}");
        real.session(json!({"system_prompt": prompt})).turn(&text);
        let asked = real.asked(&text);
        assert_eq!(asked.conversation.system.contains(place), !exclude, "{}", asked.conversation.system);
        let in_messages = asked.body["messages"].to_string().contains(place);
        assert!(!exclude || in_messages, "it is told in the first message instead");
    }
}

#[test]
fn a_snapshot_keeps_the_prompt_that_a_conversation_began_with() {
    let Some(real) = Real::new("a_snapshot_keeps_the_prompt") else { return };
    for snapshot in [true, false] {
        let prompt = |text: &str| json!({"type": "custom", "prompt": text, "snapshot": snapshot});
        let session = real.session(json!({"system_prompt": prompt("THE FIRST PROMPT")}));
        session.turn("begin");
        let id = session.init()["session_id"].clone();
        session.disconnect().unwrap();
        let options = json!({"system_prompt": prompt("ANOTHER PROMPT"), "resume": id});
        let text = format!("resumed with {snapshot}");
        real.session(options).turn(&text);
        let system = real.asked(&text).conversation.system;
        assert_eq!(system.contains("THE FIRST PROMPT"), snapshot, "{system}");
        assert_eq!(system.contains("ANOTHER PROMPT"), !snapshot, "{system}");
    }
}

/// A session in which an agent works in the background.
fn with_agent_at_work(real: &Real, options: Value, prompt: &str) -> Session {
    let mut options = options;
    options["agents"] = json!({"worker": {"description": "Works", "prompt": "WORK", "tools": ["Bash"]}});
    options["allowed_tools"] = json!(["Task", "Bash"]);
    let session = real.session(options);
    let call = json!({"name": "Task", "input": {"subagent_type": "worker", "description": "d",
        "prompt": prompt, "run_in_background": true}});
    session.turn(&format!("USE_TOOL {call}"));
    session.wait_for("the agent", |_, json| json["subtype"] == "task_started");
    session
}

#[test]
fn an_interrupt_spares_the_background_where_single_tasks_can_be_stopped() {
    let Some(real) = Real::new("an_interrupt_spares_the_background") else { return };
    let killed = |json: &Value| json["subtype"] == "task_updated" && json["patch"]["status"] == "killed";
    for spared in [false, true] {
        let session = with_agent_at_work(&real, json!({"per_task_stop_affordance": spared}), "SLOW 6000 50");
        let slow = session.query("SLOW 600 50");
        session.wait_until("the second turn", |messages| {
            (messages.iter().filter(|(_, json)| json["subtype"] == "init").count() >= 2).then_some(())
        });
        session.control(&json!({"subtype": "interrupt"})).unwrap();
        session.receive_to(&slow, PATIENCE_MS).unwrap();
        if !spared {
            session.wait_for("the agent's end", |_, json| killed(json));
            continue;
        }
        // Whatever an interrupt does to the agent is done before the next turn ends.
        session.turn("and now");
        assert!(!session.messages().iter().any(|(_, json)| killed(json)), "it still works");
    }
}

#[test]
fn an_agent_at_work_is_summarised_after_half_a_minute() {
    let Some(real) = Real::new("an_agent_at_work_is_summarised") else { return };
    // Summaries are made of an agent's steps: it has to have taken one.
    let call = json!({"name": "Bash", "input": {"command": "while [ ! -e go ]; do sleep 0.2; done", "description": "d"}});
    let busy = format!("USE_TOOL {call}");
    let without = with_agent_at_work(&real, json!({}), &busy);
    let with = with_agent_at_work(&real, json!({"agent_progress_summaries": true}), &busy);
    let summary = |json: &Value| json["subtype"] == "task_progress" && json["summary"].is_string();
    with.wait_for("a summary", |_, json| summary(json));
    // The other agent has begun earlier.
    real.file("work/go", "");
    assert!(!without.messages().iter().any(|(_, json)| summary(json)), "nobody asked for one");
}

unsafe extern "C" fn keep(line: *const c_char, _: usize, lines: *mut c_void) {
    // SAFETY: the test keeps the list until the client has been freed.
    unsafe { &*lines.cast::<Mutex<Vec<String>>>() }.lock().unwrap().push(text_of(line));
}

/// What a session with one turn leaves in its file of debug output, and its lines of stderr.
fn debug_of(real: &Real, options: Value) -> (String, Vec<String>) {
    let config = tempfile::tempdir().unwrap();
    let mut options = options;
    options["config_dir"] = json!(config.path());
    let lines = Mutex::new(Vec::<String>::new());
    let session = Session::created(&real.options(options));
    let data = std::ptr::from_ref(&lines).cast_mut().cast();
    // SAFETY: the list lives until the client has been freed.
    check(|error| unsafe { claude_client_on_stderr(session.handle, Some(keep), data, None, error) }).unwrap();
    session.connect(None).unwrap();
    session.turn("hello");
    let id = session.init()["session_id"].as_str().unwrap().to_owned();
    session.disconnect().unwrap();
    drop(session);
    let file = config.path().join(format!("debug/{id}.txt"));
    (std::fs::read_to_string(file).unwrap_or_default(), lines.into_inner().unwrap())
}

#[test]
fn debug_output_is_kept_in_a_file_or_comes_as_lines_of_stderr() {
    let Some(real) = Real::new("debug_output_is_kept") else { return };
    let (file, stderr) = debug_of(&real, json!({}));
    assert!(!file.contains("[DEBUG]") && stderr.is_empty(), "{file} {stderr:?}");
    let (all, stderr) = debug_of(&real, json!({"debug": true}));
    let marked = |text: &str| text.matches("[DEBUG]").count();
    assert!(marked(&all) > 10 && stderr.is_empty(), "{all} {stderr:?}");
    let (some, _) = debug_of(&real, json!({"debug": "hooks"}));
    assert!((1..marked(&all)).contains(&marked(&some)), "a filter lets less through: {some}");
    let (file, stderr) = debug_of(&real, json!({"debug": true, "extra_args": {"debug-to-stderr": null}}));
    assert!(stderr.iter().filter(|line| line.contains("[DEBUG]")).count() > 10, "{file} {stderr:?}");
}
