//! Every control function and every request of docs/control.md, through the real CLI: what it answers, what it refuses, in any order, at any time.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::path::Path;

use crate::support::probe::controls::{Control, accepted, kept, refused, server};
use crate::support::probe::stage::{Real, fake_session};
use crate::support::probe::{Kind, Outcome, PATIENCE_MS, Session, Status, check};
use crate::support::{PATIENCE, eventually};
use claude_client::capi::control::claude_client_interrupt_wait;
use serde_json::{Value, json};

/// A session with an MCP server, checkpoints and a file, after its first turn; the prompt's uuid.
fn session(real: &Real) -> (Session, &'static CStr, &'static CStr) {
    let file = real.file("work/file.txt", "file text");
    let session = real.session(json!({
        "mcp_servers": {"small": server()}, "enable_file_checkpointing": true, "system_prompt": "Be brief.",
    }));
    let uuid = session.query("hello");
    session.receive_to(&uuid, PATIENCE_MS).unwrap();
    let connected = || {
        session.control(&json!({"subtype": "mcp_status"})).unwrap()["mcpServers"][0]["status"] == "connected"
    };
    assert!(eventually(PATIENCE, connected));
    (session, kept(file.to_str().unwrap()), kept(&uuid))
}

#[track_caller]
fn assert_accepted(control: &Control, holds: fn(&Value) -> bool, outcome: Outcome) {
    let reply = outcome.unwrap_or_else(|failure| panic!("{}: {failure:#?}", control.name));
    assert!(holds(&reply), "{}: {reply}", control.name);
}

#[track_caller]
fn assert_refused(control: &Control, part: &str, outcome: Outcome) {
    let failure = outcome.expect_err(control.name);
    assert_eq!(failure.status, Status::CLAUDE_ERR_CONTROL, "{}: {failure:#?}", control.name);
    assert!(failure.message().contains(part), "{}: {failure:#?}", control.name);
    assert!(failure.json["request"].is_string(), "{}: {failure:#?}", control.name);
}

/// The functions of the header that send a control request and wait for its reply.
fn waiting_functions() -> BTreeSet<String> {
    let list =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/symbols.txt")).unwrap();
    let other = ["claude_client_connect_wait", "claude_client_disconnect_wait"];
    list.lines()
        .filter(|name| name.starts_with("claude_client_") && name.ends_with("_wait") && !other.contains(name))
        .map(|name| name.trim_end_matches("_wait").to_owned())
        .collect()
}

#[test]
fn every_control_function_is_tried() {
    let accepted = accepted(c"x", c"x");
    let tried: BTreeSet<String> = accepted
        .iter()
        .map(|(control, _)| control.function)
        .chain(refused().iter().map(|(control, _)| control.function))
        .map(str::to_owned)
        .collect();
    assert_eq!(tried, waiting_functions(), "left: tried here, right: in packaging/symbols.txt");
}

#[test]
fn every_request_of_the_article_is_tried() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/control.md")).unwrap();
    let (_, table) = page.split_once("## Requests without a function of their own").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(rows.len() >= 17, "{rows:?}");
    let (accepted, refused) = (accepted(c"x", c"x"), refused());
    let tried: BTreeSet<&str> =
        accepted.iter().map(|(control, _)| control.name).chain(refused.iter().map(|(c, _)| c.name)).collect();
    let missing: Vec<_> = rows.difference(&tried).collect();
    assert!(missing.is_empty(), "nobody tries {missing:?}");
}

#[test]
fn every_control_function_answers() {
    let Some(real) = Real::new("every_control_function_answers") else { return };
    let (session, file, uuid) = session(&real);
    for (control, holds) in accepted(file, uuid) {
        assert_accepted(&control, holds, control.reply(&session));
        assert_accepted(&control, holds, control.later(&session).unwrap().wait());
    }
    // Once only: a folder that is registered is refused.
    let repository = real.sandbox.work().join("repo");
    let made = std::process::Command::new("git").args(["init", "--quiet"]).arg(&repository).status();
    assert!(made.is_ok_and(|status| status.success()));
    let reply = session.control(&json!({"subtype": "register_repo_root", "directory": repository})).unwrap();
    assert_eq!(reply["directory"], json!(repository));
    let title = |json: &Value| json["subtype"] == "session_title_changed" && json["title"] == "A title";
    session.wait_for("the new title", |_, json| title(json));
    assert!(session.turn("still here?")["result"].as_str().unwrap().contains("still here?"));
}

#[test]
fn every_refusal_is_an_error_in_the_clis_own_words() {
    let Some(real) = Real::new("every_refusal_is_an_error") else { return };
    let (session, ..) = session(&real);
    for (control, part) in refused() {
        assert_refused(&control, part, control.reply(&session));
        assert_refused(&control, part, control.later(&session).unwrap().wait());
    }
    let failure =
        session.control(&json!({"subtype": "set_permission_mode", "mode": "bypassPermissions"})).unwrap_err();
    assert_eq!(failure.json["code"], "bypass_not_launched", "{failure:#?}");
    let failure = session.control(&json!({"subtype": "no_such_thing"})).unwrap_err();
    assert_eq!(failure.json["code"], "unsupported_request", "{failure:#?}");
    assert!(session.turn("still here?")["result"].as_str().unwrap().contains("still here?"));
}

#[test]
fn all_at_once_while_a_turn_runs() {
    let Some(real) = Real::new("all_at_once_while_a_turn_runs") else { return };
    let (session, file, uuid) = session(&real);
    let running = session.query("SLOW 600 50");
    session.wait_until("the turn's start", |messages| {
        messages.iter().filter(|(_, json)| json["subtype"] == "init").nth(1).map(drop)
    });
    // What changes the servers or the turn itself is not for this moment.
    let quiet = [
        "get_",
        "list_models",
        "reload_skills",
        "reload_output",
        "cancel_prompt",
        "rename",
        "read_file",
        "seed_",
        "rewind",
    ];
    let is_quiet = |control: &Control| quiet.iter().any(|part| control.name.contains(part));
    let open: Vec<_> = accepted(file, uuid)
        .into_iter()
        .filter(|(control, _)| is_quiet(control) && control.name != "claude_client_rewind_files")
        .map(|(control, holds)| (control.later(&session).unwrap(), control, holds))
        .collect();
    let no: Vec<_> = refused()
        .into_iter()
        .map(|(control, part)| (control.later(&session).unwrap(), control, part))
        .collect();
    assert!(open.len() >= 10);
    // Asked for in one order, looked at in another.
    for (reply, control, holds) in open.iter().rev() {
        assert_accepted(control, *holds, reply.wait());
    }
    for (reply, control, part) in no.iter().rev() {
        assert_refused(control, part, reply.wait());
    }
    assert!(session.receive_to(&running, 0).is_err(), "the turn was over before the replies came");
    check(|error| {
        // SAFETY: plain values.
        unsafe { claude_client_interrupt_wait(session.handle, PATIENCE_MS, std::ptr::null_mut(), error) }
    })
    .unwrap();
    session.receive_to(&running, PATIENCE_MS).unwrap();
    assert_eq!(
        session.of(Kind::CLAUDE_MESSAGE_RESULT).pop().unwrap()["terminal_reason"],
        "aborted_streaming"
    );
}

#[test]
fn before_the_first_prompt() {
    let Some(real) = Real::new("before_the_first_prompt") else { return };
    let session = real.session(json!({}));
    for request in
        ["mcp_status", "get_context_usage", "get_settings", "list_models", "get_usage", "interrupt"]
    {
        session
            .control(&json!({"subtype": request}))
            .unwrap_or_else(|failure| panic!("{request}: {failure:#?}"));
    }
    session.control(&json!({"subtype": "set_model", "model": "haiku"})).unwrap();
    session.control(&json!({"subtype": "set_permission_mode", "mode": "acceptEdits"})).unwrap();
    session.turn("first");
    let init = session.init();
    assert!(init["model"].as_str().unwrap().contains("haiku"), "{init}");
    assert_eq!(init["permissionMode"], "acceptEdits");
    assert!(real.asked("first").conversation.model.contains("haiku"));
}

#[test]
fn after_the_process_died_every_function_says_why() {
    let Some(real) = Real::new("after_the_process_died") else { return };
    let (session, file, uuid) = session(&real);
    let open = session.query("SILENT");
    session.wait_until("the turn's start", |messages| {
        messages.iter().filter(|(_, json)| json["subtype"] == "init").nth(1).map(drop)
    });
    let pid = rustix::process::Pid::from_raw(i32::try_from(session.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let (status, cause) = session.closed();
    assert_eq!(status, Status::CLAUDE_ERR_PROCESS, "{cause:#}");
    assert_eq!(cause["signal"], 9, "{cause:#}");
    let failure = session.receive_to(&open, PATIENCE_MS).unwrap_err();
    assert_eq!((failure.status, &failure.json["signal"]), (status, &json!(9)), "{failure:#?}");
    let controls = accepted(file, uuid).into_iter().map(|(control, _)| control);
    for control in controls.chain(refused().into_iter().map(|(control, _)| control)) {
        let failure = control.reply(&session).unwrap_err();
        assert_eq!((failure.status, &failure.json["signal"]), (status, &json!(9)), "{}", control.name);
        let failure = control.later(&session).err().expect("it is refused at once");
        assert_eq!((failure.status, &failure.json["signal"]), (status, &json!(9)), "{}", control.name);
    }
    assert_eq!(
        session.server_info().unwrap()["claude_code_version"],
        claude_testkit::locate::real_cli_version(),
        "what is known stays known"
    );
}

#[test]
fn nothing_answers_before_connect() {
    let session = Session::created(&json!({}));
    for (control, _) in accepted(c"x", c"x") {
        assert_eq!(
            control.reply(&session).unwrap_err().status,
            Status::CLAUDE_ERR_NOT_CONNECTED,
            "{}",
            control.name
        );
        let refused = control.later(&session).err().expect("it is refused at once");
        assert_eq!(refused.status, Status::CLAUDE_ERR_NOT_CONNECTED, "{}", control.name);
    }
}

#[test]
fn a_deadline_ends_the_wait_and_not_the_session() {
    let script = json!({"on_control": {"*": [{"sleep": 800}, "default"]}});
    let (fake, session) = fake_session(script, json!({"control_timeout_ms": 100}));
    for (control, _) in accepted(c"x", c"x").into_iter().take(5) {
        let waited = session.reply_of(|_, reply, error| (control.wait)(session.handle, 100, reply, error));
        assert_eq!(waited.unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT, "{}", control.name);
        let told = control.later(&session).unwrap().wait().unwrap_err();
        assert_eq!(told.status, Status::CLAUDE_ERR_TIMEOUT, "{}", control.name);
        assert!(told.message().contains("control request"), "{told:#?}");
    }
    fake.wait_for_log(crate::support::probe::PATIENCE, |log| log.requests("mcp_call").len() == 2);
    let call = |time: Value| json!({"subtype": "mcp_call", "tool": "x", "timeout_ms": time});
    let (short, long) =
        (session.control_later(&call(json!(null))), session.control_later(&call(json!(60_000))));
    assert_eq!(short.unwrap().wait().unwrap_err().status, Status::CLAUDE_ERR_TIMEOUT);
    long.unwrap().wait().expect("it has the time that it names");
    assert!(session.turn("still here?")["is_error"] == false);
}

#[test]
fn a_raw_request_reaches_the_cli_as_it_was_written() {
    let (fake, session) =
        fake_session(json!({"on_control": {"anything": [{"respond": "{{request}}"}]}}), json!({}));
    let request =
        json!({"subtype": "anything", "null": null, "list": [null, {"a": null}], "text": "ü\u{0}\u{1F600}"});
    assert_eq!(session.control(&request).unwrap(), request);
    assert_eq!(fake.log().requests("anything"), [request]);
}
