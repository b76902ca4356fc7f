//! A distinct secret in every place where a host can give one, and none of them where it has no business: command lines and
//! environments of all processes, files, errors with all their members, the log at its most verbose, events, statistics,
//! records, the list of open requests, the report of the probe; whether the start succeeds or fails.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // This is a host's side of the boundary.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use crate::common::asked::{Calc, Requests, answer};
use crate::common::{Canaries, Watch, keep_the_log};
use crate::support::host::{Client, Failure, Kind, check};
use crate::support::options;
use crate::support::packaging::read;
use claude_client::capi::control::*;
use claude_client::capi::error::claude_string_free;
use claude_client::capi::json::*;
use claude_client::capi::mcp::*;
use claude_client::capi::probe::claude_probe;
use claude_client::capi::request::*;
use claude_client::capi::runtime::claude_runtime_stats;
use claude_client::capi::talk::claude_client_send_json;
use claude_client::capi::types::*;
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// The stand-in notes what it gets.
const NOTES: &[&str] = &["fake-claude.log", "script.json"];

/// A text that a function of the library gives.
fn given(call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> claude_status_t) -> String {
    let mut text = null_mut();
    check(|error| call(&mut text, error)).unwrap_or_else(|failure| panic!("{failure:#?}"));
    // SAFETY: the call succeeded, so it is a text that ends with a NUL.
    let copy = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    claude_string_free(text);
    copy
}

fn probe(options: &Value) -> String {
    let options = CString::new(options.to_string()).expect("no NUL");
    // SAFETY: the text is NUL-terminated, the outputs are variables.
    given(|text, error| unsafe { claude_probe(options.as_ptr(), 60_000, text, error) })
}

fn pending(client: &Client) -> String {
    // SAFETY: a live handle, the outputs are variables.
    given(|text, error| unsafe { claude_client_pending_requests(client.handle(), text, error) })
}

fn runtime_stats() -> String {
    // SAFETY: the outputs are variables.
    given(|text, error| unsafe { claude_runtime_stats(text, error) })
}

/// All that the library says of a session by itself.
fn nothing_is_told(canaries: &Canaries, client: &Client) {
    canaries.none_in("the statistics", &client.stats().to_string());
    canaries.none_in("the open requests", &pending(client));
    canaries.none_in("the statistics of the process", &runtime_stats());
    client.look(|record| {
        record
            .messages
            .iter()
            .for_each(|message| canaries.none_in(&format!("{:?}", message.kind), &message.text));
        record.stderr.iter().for_each(|line| canaries.none_in("stderr", line));
        record.closed.iter().for_each(|closed| canaries.none_in("on_closed", &closed.json.to_string()));
    });
    canaries.none_in_the_log();
}

/// A program before the stand-in that does not know the words in `unknown`.
fn older(fake: &FakeClaude, unknown: &str) -> PathBuf {
    let path = fake.sandbox().root().join("older-claude");
    let script = format!(
        "#!/bin/sh\nfor a; do case \"$a\" in {unknown}) echo \"error: unknown option '$a'\" >&2; exit 1;; esac; done\n\
         exec '{}' \"$@\"\n",
        fake.path().display()
    );
    crate::support::executable(&path, script);
    path
}

/// The stand-in keeps what it got to itself, and leaves a tool behind that inherits all that it has.
fn quiet() -> Value {
    let call = json!({"subtype": "mcp_message", "server_name": "calc", "message": {"jsonrpc": "2.0", "id": 7,
        "method": "tools/call", "params": {"name": "tell", "arguments": {}}}});
    let ask = |request: Value| json!({"ask": request, "wait": false, "report": false});
    let taken = json!({"settings_applied": true, "managed_settings_applied": true, "mcp_servers_applied": true, "commands": []});
    json!({"on_initialize": [{"respond": taken}],
           "on_user": [["init", {"spawn": {"seconds": 20}}, ask("can_use_tool".into()), ask("elicitation".into()), ask(call), {"await": "all"},
                        {"text": "Done."}, {"result": {"result": "Done."}}],
                       ["init", {"text": "Done."}, {"result": {"result": "Done."}}]]})
}

fn record_is_clean(canaries: &Canaries, record: &Path) {
    let text = std::fs::read_to_string(record).expect("the record");
    assert!(text.contains("\"type\""), "{text}");
    // Words of the conversation and of rules are what a record is for.
    let secret = |place: &String| {
        ["env", "helper", "settingsenv", "hook", "otel", "mcpenv", "mcparg", "mcpheader", "mcpurl", "later"]
            .contains(&place.as_str())
    };
    let found: Vec<String> = canaries.places_in(&text).into_iter().filter(secret).collect();
    assert!(found.is_empty(), "{found:?} in the record: {text}");
}

#[test]
fn no_secret_is_seen_while_a_session_runs_however_it_is_delivered() {
    keep_the_log();
    for (delivery, unknown) in [("initialize", ""), ("file", ""), ("initialize", "--await-initialize")] {
        let fake = FakeClaude::new(quiet());
        // An older CLI takes those from its command line alone, so it is not started with them.
        let canaries = if unknown.is_empty() { Canaries::new() } else { Canaries::without(&["managed"]) };
        let folder = tempfile::tempdir().expect("a folder");
        let record = folder.path().join("record.ndjson");
        let cli = if unknown.is_empty() { fake.path() } else { older(&fake, unknown) };
        // A session that is recorded is not started twice, as an older CLI has to be.
        let record_to = if unknown.is_empty() { json!(record) } else { Value::Null };
        let more = json!({"mcp_servers_delivery": delivery, "cli_path": cli, "record": record_to});
        let watch = Watch::start(&canaries, fake.sandbox().root(), NOTES, &["env"]);
        let tool_result = CString::new(canaries.of("toolresult")).expect("no NUL");
        let client = Client::new(&canaries.options(options(&fake, more)));
        let _server = Calc::added_to(&client, &tool_result);
        let requests = Requests::of(&client);
        client.connect().unwrap_or_else(|failure| panic!("{failure:#?}"));
        client.query(&canaries.of("prompt")).expect("sent");
        let asked = requests.wait_for(2);
        nothing_is_told(&canaries, &client);
        for request in asked {
            answer(request, &canaries);
        }
        client.receive().expect("a turn");
        let message = json!({"type": "user", "message": {"role": "user", "content": canaries.of("message")}});
        client.send_json(&message).and_then(|()| client.receive()).expect("a turn");
        let servers = json!({"late": {"type": "http", "url": "http://127.0.0.1:1/", "headers": {"X": canaries.of("late")}}});
        let _ = client.control(&json!({"subtype": "mcp_set_servers", "servers": servers}));
        assert_eq!(not_arrived(&canaries, &fake), delivered_otherwise(delivery, unknown));
        nothing_is_told(&canaries, &client);
        client.disconnect().expect("closed");
        client.closed();
        watch.end();
        nothing_is_told(&canaries, &client);
        if unknown.is_empty() {
            record_is_clean(&canaries, &record);
        }
        canaries.none_in("the probe", &probe(&canaries.options(options(&fake, json!({"cli_path": cli})))));
    }
}

/// The places whose secrets the stand-in did not get on stdin.
fn not_arrived(canaries: &Canaries, fake: &FakeClaude) -> Vec<&'static str> {
    let lines = fake.log().lines().join("\n");
    let more = ["prompt", "message", "late", "permission", "elicitation", "toolresult"];
    let places = crate::common::PLACES.iter().map(|(place, _)| *place).chain(more);
    places.filter(|place| !lines.contains(&canaries.of(place))).collect()
}

/// As a variable, or on a descriptor that the CLI inherits.
fn delivered_otherwise(delivery: &str, unknown: &str) -> Vec<&'static str> {
    let mut all = vec!["env"];
    if !unknown.is_empty() {
        all.extend(["helper", "settingsenv", "hook", "otel", "sandbox", "managed"]);
    }
    if delivery == "file" || !unknown.is_empty() {
        all.extend(["mcpenv", "mcparg", "mcpheader", "mcpurl"]);
    }
    all
}

/// Ways in which a start fails: what the options say besides, and what the stand-in plays.
fn failures(root: &Path) -> Vec<(&'static str, Value, Value)> {
    let file = root.join("a-file");
    std::fs::write(&file, "no program").expect("a file");
    let interpreter = root.join("no-interpreter");
    crate::support::executable(&interpreter, "#!/nowhere/sh\n");
    let start = |actions: Value| json!({"on_start": actions});
    let initialize = |actions: Value| json!({"on_initialize": actions});
    vec![
        ("no program", json!({"cli_path": "/nowhere/claude"}), json!({})),
        ("a folder", json!({"cli_path": root}), json!({})),
        ("not executable", json!({"cli_path": file}), json!({})),
        ("no interpreter", json!({"cli_path": interpreter}), json!({})),
        ("no such folder", json!({"cwd": "/nowhere/at/all"}), json!({})),
        ("no such user", json!({"user": "nobody-of-this-name"}), json!({})),
        ("too large", json!({"env": {"LARGE": "x".repeat(4 << 20)}}), json!({})),
        ("a launcher that fails", json!({"launcher": ["/bin/false"]}), json!({})),
        ("a launcher that is missing", json!({"launcher": ["/nowhere/launcher"]}), json!({})),
        ("ends at once", json!({}), start(json!([{"stderr": "error: no\n"}, {"exit": 3}]))),
        (
            "no such option",
            json!({}),
            start(json!([{"stderr": "error: unknown option '--verbose'\n"}, {"exit": 1}])),
        ),
        ("killed", json!({}), start(json!([{"signal": "KILL"}]))),
        ("closes stdin", json!({}), start(json!(["close_stdin", {"exit": 0}]))),
        ("closes stdout", json!({}), start(json!(["close_stdout", {"sleep": 100}, {"exit": 0}]))),
        ("junk", json!({}), start(json!([{"write": "not a line of this protocol\n"}, {"exit": 1}]))),
        ("half a line", json!({}), start(json!([{"write": "{\"type\":"}, {"exit": 1}]))),
        ("silent", json!({"connect_timeout_ms": 400}), initialize(json!([]))),
        ("refuses", json!({}), initialize(json!([{"respond_error": "no"}]))),
        ("applies nothing", json!({}), initialize(json!([{"respond": {}}]))),
        ("dies over initialize", json!({}), initialize(json!([{"exit": 1}]))),
        (
            "no conversation",
            json!({"resume": "11111111-1111-4111-8111-111111111111"}),
            json!({"on_initialize": [{"fail_resume": "stderr"}]}),
        ),
    ]
}

#[test]
fn no_secret_is_seen_however_a_start_fails() {
    keep_the_log();
    let root = tempfile::tempdir().expect("a folder");
    for delivery in ["initialize", "file"] {
        for (way, more, script) in failures(root.path()) {
            let fake = FakeClaude::new(script);
            let canaries = Canaries::new();
            let mut own = options(
                &fake,
                json!({"mcp_servers_delivery": delivery, "graceful_exit_timeout_ms": 100, "terminate_timeout_ms": 100}),
            );
            crate::common::add(&mut own, &more);
            let options = canaries.options(own);
            let watch = Watch::start(&canaries, fake.sandbox().root(), NOTES, &["env"]);
            let client = Client::new(&options);
            let failure = client.connect().err().unwrap_or_else(|| panic!("{way} is a failure"));
            canaries.none_in(&format!("the error of a start that fails: {way}"), &failure.json.to_string());
            canaries.none_in(&format!("the probe: {way}"), &probe(&options));
            nothing_is_told(&canaries, &client);
            drop(client);
            watch.end();
        }
    }
}

/// Documents of the wrong kind, each with the secret as its only text.
fn wrong(secret: &str) -> Vec<Value> {
    vec![
        json!(secret),
        json!([secret]),
        json!([[secret]]),
        json!({"x": secret}),
        json!({"x": {"type": secret, "command": [secret], "headers": secret, "env": secret}}),
        json!({"type": secret, "path": secret, "schema": secret, "permissions": secret, "env": {"A": [secret]}}),
        json!({"headers": {"A": [secret]}, "hooks": secret, "permissions": {"allow": secret, "deny": [[secret]]}}),
        json!(format!("{{\"env\": {{\"A\": \"{secret}\"")),
        json!(format!(
            "{{\"env\": {{\"A\": [\"{secret}\"]}}, \"permissions\": \"{secret}\", \"hooks\": [\"{secret}\"]}}"
        )),
    ]
}

fn refusal(options: &str) -> Option<Failure> {
    match Client::try_new(options) {
        Err(failure) => Some(failure),
        Ok(client) => client.connect().err(),
    }
}

#[test]
fn no_value_of_an_option_is_in_the_error_that_refuses_it() {
    keep_the_log();
    let schema: Value = serde_json::from_str(&read("docs/options.schema.json")).expect("a schema");
    // Places, and names of programs and tools, which an error or a warning has to name.
    let told = [
        "cli_path",
        "cwd",
        "user",
        "launcher",
        "record",
        "replay",
        "skills",
        "allowed_tools",
        "disallowed_tools",
        "add_dirs",
        "plugins",
        "project_config_root",
    ];
    let names = schema["properties"].as_object().expect("options").keys();
    let names: Vec<&String> = names.filter(|name| !told.contains(&name.as_str())).collect();
    assert!(names.len() > 50, "{names:?}");
    let canaries = Canaries::new();
    let (mut refused, mut leaks) = (0, Vec::new());
    for name in names {
        for value in wrong(&canaries.of("value")) {
            let document = json!({"cli_path": "/nowhere/claude", name.as_str(): value});
            if let Some(failure) = refusal(&document.to_string()) {
                refused += 1;
                let error = failure.json.to_string();
                // A word that has to be one of a few is quoted, beside those.
                if !canaries.places_in(&error).is_empty()
                    && !error.contains("expected one of")
                    && !error.contains("/type:")
                {
                    leaks.push(format!("{document}: {error}"));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    canaries.none_in_the_log();
    assert!(refused > 400, "{refused}");
}

/// Documents that no function takes, with the secret where values stand.
fn malformed(secret: &str) -> Vec<String> {
    let broken = [
        r#"{"env": {"A": "§""#,
        r#"{"env": {"A": "§"}, "env": {}}"#,
        r#"{"a": §}"#,
        r#"["§"]"#,
        r#""§""#,
        r#"{"headers": {"A": "§", }}"#,
        r#"{"type": "user", "message": "§"}"#,
        r#"{"type": "user", "message": {"role": "user", "content": {"x": "§"}}}"#,
        r#"{"x": {"type": "http", "url": ["§"], "headers": "§"}}"#,
        r#"{"x": {"command": ["§"], "env": "§"}}"#,
        r#"{"behavior": "allow", "updatedInput": "§"}"#,
        r#"{"behavior": "allow", "updatedInput": {"a": "§"}, "updatedPermissions": ["§"]}"#,
        r#"{"behavior": "deny", "message": ["§"]}"#,
        r#"{"action": "accept", "content": "§"}"#,
        r#"{"action": "accept", "content": ["§"], "content": {}}"#,
        r#"{"name": "t", "description": ["§"], "input_schema": {"type": "object"}}"#,
        r#"{"name": "t", "description": "§", "input_schema": ["§"]}"#,
        r#"{"subtype": "mcp_set_servers", "servers": ["§"]}"#,
        r#"{"subtype": "mcp_set_servers", "servers": {"x": "§"}}"#,
        r#"{"servers": {"x": "§"}}"#,
    ];
    broken.iter().map(|text| text.replace('§', secret)).collect()
}

#[test]
fn no_document_of_the_host_is_quoted_by_the_error_that_refuses_it() {
    keep_the_log();
    let ask = |subtype: &str| json!({"ask": subtype, "wait": false, "report": false});
    let fake =
        FakeClaude::new(json!({"on_user": [["init", ask("can_use_tool"), ask("elicitation"), "result"]]}));
    let client = Client::new(&options(&fake, json!({})));
    let requests = Requests::of(&client);
    client.connect().expect("connected");
    client.turn("go");
    let requests = requests.wait_for(2);
    let canaries = Canaries::new();
    let (mut refused, mut leaks) = (0, Vec::new());
    for text in malformed(&canaries.of("value")) {
        let document = CString::new(text.as_str()).expect("no NUL");
        let (json, client, none) = (document.as_ptr(), client.handle(), std::ptr::null());
        let mut out: *mut c_char = null_mut();
        let mut server = null_mut();
        let mut results = vec![("create", Client::try_new(&text).map(drop))];
        let mut call = |what, call: &mut dyn FnMut(*mut *mut claude_error_t) -> claude_status_t| {
            results.push((what, check(call)));
        };
        // SAFETY: all of them: NUL-terminated texts, live handles or numbers, and outputs that are variables.
        unsafe {
            call("probe", &mut |error| claude_probe(json, 60_000, &mut out, error));
            call("control", &mut |error| claude_client_control_wait(client, json, 60_000, &mut out, error));
            call("servers", &mut |error| {
                claude_client_set_mcp_servers_wait(client, json, 60_000, &mut out, error)
            });
            call("send", &mut |error| claude_client_send_json(client, json, null_mut(), error));
            call("get", &mut |error| claude_json_get(json, c"/env/A/x".as_ptr(), &mut out, error));
            call("text", &mut |error| claude_message_text(json, &mut out, error));
            call("server", &mut |error| claude_mcp_server_create(c"calc".as_ptr(), json, &mut server, error));
            for &request in &requests {
                call("respond", &mut |error| claude_request_respond(request, json, error));
                call("allow", &mut |error| claude_request_allow(request, json, json, error));
                call("answers", &mut |error| claude_request_answer_questions(request, json, error));
            }
            let _ = claude_mcp_server_create(c"calc".as_ptr(), none, &mut server, null_mut());
            call("tool", &mut |error| {
                claude_mcp_server_add_tool(server, json, Some(no_tool), null_mut(), None, error)
            });
            claude_mcp_server_free(server);
        }
        for (what, result) in results {
            let Err(failure) = result else { continue };
            refused += 1;
            let error = failure.json.to_string();
            if !canaries.places_in(&error).is_empty() {
                leaks.push(format!("{what} of {text}: {error}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(refused > 150, "{refused}");
    canaries.none_in_the_log();
}

unsafe extern "C" fn no_tool(_: *mut claude_tool_call_t, _: *mut c_void) {}

#[test]
fn no_secret_is_in_the_error_of_a_replay_that_does_not_fit() {
    keep_the_log();
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record.ndjson");
    let fake = FakeClaude::new(quiet());
    let client = Client::connected(&options(&fake, json!({"record": record})));
    client.disconnect().expect("closed");
    client.closed();
    let mut leaks = Vec::new();
    for (place, shape) in crate::common::PLACES.iter().filter(|(place, _)| *place != "env") {
        let canaries = Canaries::new();
        let mut document: Value =
            serde_json::from_str(&shape.replace('§', &canaries.of(place))).expect("JSON");
        crate::common::add(&mut document, &json!({"replay": record}));
        let client = Client::new(&document);
        let failure = client.connect().err().unwrap_or_else(|| panic!("{place} is not what was recorded"));
        if !["systemprompt", "agent", "schema", "planmode", "title", "sandbox", "managed"].contains(place) {
            let error = failure.json.to_string();
            if !canaries.places_in(&error).is_empty() {
                leaks.push(format!("{place}: {error}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    // Nor what came after the options.
    let canaries = Canaries::new();
    let client = Client::connected(&json!({"replay": record}));
    let servers = json!({"late": {"type": "http", "url": "http://127.0.0.1:1/", "headers": {"X": canaries.of("late")}}});
    let failure =
        client.control(&json!({"subtype": "mcp_set_servers", "servers": servers})).expect_err("not recorded");
    canaries.none_in("the error of a request that was not recorded", &failure.json.to_string());
    canaries.none_in("the end of the session", &client.closed().json.to_string());
    nothing_is_told(&canaries, &client);
}

#[test]
fn no_secret_is_seen_with_the_real_cli() {
    let Some(cli) = real_cli_or_skip("no_secret_is_seen_with_the_real_cli") else { return };
    keep_the_log();
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    // Commands that the CLI itself runs, which everybody can read by their nature; a schema would change the turn.
    let canaries = Canaries::without(&["helper", "otel", "mcparg", "schema"]);
    let record = sandbox.root().join("record.ndjson");
    let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
        "permission_mode": "acceptEdits", "strict_mcp_config": true, "setting_sources": [], "record": record,
        "settings": {"permissions": {"allow": ["Bash"]}}});
    // The CLI keeps conversations there; those are no secrets of options.
    let watch = Watch::start(
        &canaries,
        sandbox.root(),
        &["home/.claude", "record.ndjson"],
        &["env", "settingsenv", "mcpenv"],
    );
    let client = Client::connected(&canaries.options(own));
    let tool = json!({"name": "Bash", "input": {"command": "sleep 0.2; echo tool-ran"}});
    client.turn(&format!("USE_TOOL {tool}"));
    let results = client.of_kind(Kind::CLAUDE_MESSAGE_RESULT);
    assert!(results.last().expect("a result").text.contains("tool-ran"), "{results:#?}");
    client.control(&json!({"subtype": "mcp_status"})).expect("it is answered");
    canaries.none_in("the statistics", &client.stats().to_string());
    canaries.none_in("the open requests", &pending(&client));
    canaries.none_in_the_log();
    client.disconnect().expect("closed");
    client.closed();
    watch.end();
    record_is_clean(&canaries, &record);
    secrets_of_servers_and_settings_stay_out_of_the_home_folder(&canaries, &sandbox.home());
}

/// What the CLI keeps is its own affair, but the library gives it no occasion to keep these.
fn secrets_of_servers_and_settings_stay_out_of_the_home_folder(canaries: &Canaries, folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            secrets_of_servers_and_settings_stay_out_of_the_home_folder(canaries, &path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let mut places = canaries.places_in(&String::from_utf8_lossy(&bytes));
            places.retain(|place| !["title", "agent", "systemprompt"].contains(&place.as_str()));
            assert!(places.is_empty(), "{places:?} in {}", path.display());
        }
    }
}
