//! The ways in which the stand-in CLI behaves, as scripts; and the options that a client is created with.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::rng::Rng;

/// What a reply to the driver's own control request must bring back: its nonce.
fn echo() -> Value {
    json!({"chaos_echo": [{"respond": {"nonce": "{{request.nonce}}"}}]})
}

fn call_tool(name: &str, id: &str) -> Value {
    json!({"ask": {"subtype": "mcp_message", "server_name": "calc", "message": {
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": name, "arguments": {"a": 1, "b": 2}, "_meta": {"progressToken": id}},
    }}, "wait": false})
}

/// Name and script of each.
pub fn scripts() -> Vec<(&'static str, Value)> {
    let init = json!({"ask": {"subtype": "mcp_message", "server_name": "calc", "message": {
        "jsonrpc": "2.0", "id": "i", "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    }}, "wait": true});
    let list = json!({"ask": "mcp_message"});
    vec![
        ("ordinary", json!({})),
        ("echoes", json!({"on_user": ["default", {"stderr": "a line\n"}, "keep_alive"]})),
        (
            "streams",
            json!({"on_user": ["init", {"stream": "a long text in pieces", "deltas": 20, "delay_ms": 1}, "result"]}),
        ),
        ("floods", json!({"on_user": ["init", {"flood": 3000, "bytes": 300}, "result"]})),
        ("floods in batches", json!({"on_user": [{"flood": 6000, "bytes": 200, "batch": 65536}, "result"]})),
        ("floods before it reads", json!({"on_start": [{"flood": 500, "bytes": 1000}]})),
        (
            "huge lines",
            json!({"on_user": ["init", {"line_bytes": 3_000_000}, {"line_bytes": 70_000}, "result"]}),
        ),
        (
            "bytes one by one",
            json!({"on_user": [{"send": {"type": "assistant", "text": "日本", "seq": 0}, "chunk": 1}, "result"]}),
        ),
        (
            "pieces with pauses",
            json!({"on_user": [{"send": {"type": "assistant", "text": "slow"}, "chunk": 9, "pause_ms": 2}, "result"]}),
        ),
        (
            "garbage",
            json!({"on_user": [{"write_hex": "fffe7b5d0a0a0a00010a"}, {"write": "{\"type\":3}\n{\"type\":\"assistant\"\nno json\n"},
            {"write_utf16": "{\"type\":\"assistant\"}\n"}, {"write": "{\"type\":\"control_response\"}\n{\"type\":\"control_request\"}\n"}, "result"]}),
        ),
        (
            "answers nobody asked for",
            json!({"on_user": [{"send": [
            {"type": "control_response", "response": {"subtype": "success", "request_id": "req_1", "response": {}}},
            {"type": "control_response", "response": {"subtype": "error", "request_id": "nobody", "error": "?"}},
            {"type": "control_cancel_request", "request_id": "nobody"}, {"type": "strange"}, {"type": "keep_alive"}]}, "result"]}),
        ),
        (
            "mirrors",
            json!({"on_user": ["init", {"mirror": 3}, {"text": "kept"}, {"mirror": 1}, "result", {"mirror": 1}]}),
        ),
        ("silent", json!({"on_initialize": []})),
        ("silent after the start", json!({"on_user": [], "on_control": {"*": []}})),
        (
            "control is slow",
            json!({"on_control": {"*": [{"sleep": 60}, "default"], "chaos_echo": [{"sleep": 20}, {"respond": {"nonce": "{{request.nonce}}"}}]}}),
        ),
        ("control backwards", json!({"on_control": {"*": [{"reverse_after": 3}]}})),
        ("control refuses", json!({"on_control": {"*": [{"respond_error": "no", "code": "refused"}]}})),
        ("deaf", json!({"on_start": ["stop_reading"]})),
        ("reads late", json!({"on_start": [{"stop_reading": 150}]})),
        ("ignores the end and TERM", json!({"on_start": ["ignore_eof", "ignore_term"]})),
        (
            "ignores the end in a turn",
            json!({"on_user": ["init", {"sleep": 400}, "result"], "on_eof": ["ignore_eof"]}),
        ),
        (
            "talks at TERM",
            json!({"on_start": ["ignore_eof"], "on_term": [{"text": "one more word"}, {"sleep": 20}, {"exit": 0}]}),
        ),
        ("dies at the start", json!({"on_start": [{"stderr": "error: unknown option\n"}, {"exit": 1}]})),
        ("killed at the start", json!({"on_start": [{"signal": "KILL"}]})),
        ("dies at initialize", json!({"on_initialize": [{"stderr_bytes": 5000}, {"exit": 3}]})),
        (
            "dies in the reply to initialize",
            json!({"on_initialize": [{"cut": {"type": "control_response", "response": {"subtype": "success"}}, "at": 30}, {"signal": "SEGV"}]}),
        ),
        (
            "dies in a turn",
            json!({"on_user": ["init", {"text": "half"}, {"cut": {"type": "assistant", "text": "never whole"}, "at": 12}, {"signal": "ABRT"}]}),
        ),
        ("dies behind a result", json!({"on_user": ["default", {"exit": 2}]})),
        ("dies at the end", json!({"on_eof": [{"stderr": "bye\n"}, {"signal": "TERM"}]})),
        (
            "an error result and the end",
            json!({"on_user": ["init", {"result": {"subtype": "error_during_execution", "is_error": true, "errors": ["bad"]}}, {"exit": 1}]}),
        ),
        ("stops", json!({"on_user": ["init", {"signal": "STOP"}]})),
        ("closes stdout", json!({"on_user": [{"text": "last"}, "close_stdout"]})),
        ("closes stdin", json!({"on_user": ["close_stdin", {"text": "deaf now"}, "result"]})),
        ("closes stderr", json!({"on_user": ["close_stderr", {"stderr": "nobody hears\n"}, "default"]})),
        ("much on stderr", json!({"on_user": [{"stderr_bytes": 200_000}, "default"]})),
        (
            "leaves a child that holds stdout",
            json!({"on_eof": [{"spawn": {"seconds": 2, "hold_stdout": true}}, {"exit": 0}]}),
        ),
        (
            "leaves stubborn children",
            json!({"on_user": ["default", {"spawn": {"seconds": 3, "own_group": true, "ignore_term": true, "hold_stderr": true}},
            {"spawn": {"seconds": 3, "hold_stdin": true, "hold_stdout": true}}], "on_eof": ["ignore_eof"]}),
        ),
        (
            "leaves a session of its own",
            json!({"on_user": ["default", {"spawn": {"seconds": 1, "own_session": true}}]}),
        ),
        (
            "dies with children",
            json!({"on_user": [{"spawn": {"seconds": 3, "ignore_term": true}}, {"signal": "KILL"}]}),
        ),
        ("asks for a permission", json!({"on_user": ["init", {"ask": "can_use_tool"}, "result"]})),
        (
            "asks for many at once",
            json!({"on_user": ["init", {"repeat": 6, "do": [{"ask": "can_use_tool", "id": "p{{i}}", "wait": false}]},
            {"ask": {"subtype": "can_use_tool", "tool_name": "AskUserQuestion", "input": {"questions": [{"question": "A?", "header": "A",
                "options": [{"label": "x", "description": ""}, {"label": "y", "description": ""}], "multiSelect": false}]}}, "id": "q", "wait": false},
            {"await": "all"}, "result"]}),
        ),
        (
            "asks and withdraws",
            json!({"on_user": ["init", {"repeat": 4, "do": [{"ask": "can_use_tool", "id": "w{{i}}", "wait": false}, "cancel"]},
            {"ask": "can_use_tool", "timeout_ms": 20}, "result"]}),
        ),
        (
            "asks and dies",
            json!({"on_user": ["init", {"ask": "can_use_tool", "wait": false}, {"ask": "hook_callback", "wait": false}, {"sleep": 10}, {"exit": 1}]}),
        ),
        (
            "asks at once",
            json!({"on_start": [{"ask": "can_use_tool", "wait": false}, {"ask": "hook_callback", "wait": false}]}),
        ),
        (
            "asks hooks",
            json!({"on_user": ["init", {"repeat": 3, "do": [{"ask": "hook_callback", "id": "h{{i}}", "wait": false}]}, {"await": "all"}, "result"]}),
        ),
        (
            "asks what it does not have",
            json!({"on_user": ["init", {"ask": {"subtype": "hook_callback", "callback_id": "hook_99"}},
            {"ask": {"subtype": "never_heard_of"}}, {"ask": {"subtype": "mcp_message", "server_name": "nobody"}}, "result"]}),
        ),
        (
            "asks the same id twice",
            json!({"on_user": ["init", {"ask": "can_use_tool", "id": "same", "wait": false}, {"ask": "can_use_tool", "id": "same", "wait": false}, {"sleep": 30}, "result"]}),
        ),
        (
            "elicits",
            json!({"on_user": ["init", {"ask": "elicitation", "wait": false}, {"ask": "request_user_dialog", "wait": false}, {"await": "all"}, "result"]}),
        ),
        (
            "uses tools",
            json!({"on_user": ["init", init, list, call_tool("add", "t1"), call_tool("add", "t2"), call_tool("nothing", "t3"), {"await": "all"}, "result"]}),
        ),
        (
            "uses tools and cancels",
            json!({"on_user": ["init", init, call_tool("add", "c1"), {"sleep": 5}, {"ask": {"subtype": "mcp_message", "server_name": "calc",
            "message": {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "c1"}}}, "wait": false}, call_tool("add", "c2"), "cancel", {"sleep": 20}, "result"]}),
        ),
        (
            "speaks MCP badly",
            json!({"on_user": ["init", {"ask": {"subtype": "mcp_message", "server_name": "calc", "message": {"jsonrpc": "1.0", "id": null, "method": 7}}},
            {"ask": {"subtype": "mcp_message", "server_name": "calc", "message": [1, 2]}}, "result"]}),
        ),
        (
            "works on by itself",
            json!({"on_user": ["default", {"sleep": 10}, {"autonomous": "The build has ended."}, {"system": "background_tasks_changed", "tasks": []}, {"mirror": 2}]}),
        ),
        ("does not end its turn", json!({"on_user": ["init", {"sleep": 600_000}]})),
        ("cannot resume", json!({"on_start": [{"fail_resume": "both"}]})),
    ]
}

struct Place {
    folder: PathBuf,
    scripts: Vec<PathBuf>,
    cli: PathBuf,
}

static PLACE: OnceLock<Place> = OnceLock::new();

/// Writes the scripts into the folder, once.
pub fn prepare(folder: &Path) {
    let cli = claude_testkit::fake_cli();
    let write = |(at, (_, mut script)): (usize, (&str, Value))| {
        let mut control = echo();
        if let (Some(all), Some(given)) = (control.as_object_mut(), script["on_control"].as_object()) {
            all.extend(given.clone());
        }
        script["on_control"] = control;
        let file = folder.join(format!("mood-{at}.json"));
        std::fs::write(&file, script.to_string()).expect("write a script");
        file
    };
    let scripts = scripts().into_iter().enumerate().map(write).collect();
    drop(PLACE.set(Place { folder: folder.to_owned(), scripts, cli }));
}

fn place() -> &'static Place {
    PLACE.get().expect("prepared")
}

/// A path that another client may use at the same time.
fn record(rng: &mut Rng) -> String {
    place().folder.join(format!("record-{}.ndjson", rng.below(6))).display().to_string()
}

/// The options of a client; now and then such as are refused.
pub fn options(rng: &mut Rng) -> CString {
    let script = place().scripts[rng.below(place().scripts.len())].display().to_string();
    let mut options = json!({
        "cli_path": place().cli.display().to_string(), "cwd": place().folder.display().to_string(),
        "env": {"FAKE_CLAUDE": script, "HOME": place().folder.display().to_string()},
        "connect_timeout_ms": rng.pick(&[300, 2000, 8000]), "control_timeout_ms": rng.pick(&[50, 500, 3000]),
        "graceful_exit_timeout_ms": rng.pick(&[0, 50, 300]), "terminate_timeout_ms": rng.pick(&[0, 50, 300]),
    });
    for _ in 0..rng.below(4) {
        let (name, value) = match rng.below(18) {
            0 => ("max_queue_bytes", json!(rng.pick(&[1, 1000, 100_000]))),
            1 => ("max_message_bytes", json!(rng.pick(&[1, 1000, 100_000]))),
            2 => ("request_timeout_ms", json!(rng.pick(&[1, 30, 500]))),
            3 => ("request_timeout_action", json!("error")),
            4 => ("include_partial_messages", json!(true)),
            5 => ("text_deltas", json!(true)),
            6 => ("turn_events", json!(true)),
            7 => ("validate_json", json!(true)),
            8 => ("session_mirror", json!(true)),
            9 | 10 => ("record", json!(record(rng))),
            11 | 12 => (
                "replay",
                json!({"path": record(rng), "strict": rng.one_in(2), "speed": rng.pick(&["fast", "recorded"])}),
            ),
            13 => (
                "replay",
                json!({"path": concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/session.ndjson"), "strict": rng.one_in(2)}),
            ),
            14 => ("stderr_tail_bytes", json!(0)),
            15 => ("cli_path", json!("/nowhere/claude")),
            16 => ("no_such_option", json!(1)),
            _ => ("mcp_servers", json!({"calc": {"type": "sdk", "name": "calc"}})),
        };
        options[name] = value;
    }
    CString::new(options.to_string()).expect("without NUL")
}

/// The options for a conversation that ends by itself.
pub fn short_options() -> CString {
    let options = json!({"cli_path": place().cli.display().to_string(),
        "env": {"FAKE_CLAUDE": place().scripts[0].display().to_string()},
        "graceful_exit_timeout_ms": 200, "terminate_timeout_ms": 200});
    CString::new(options.to_string()).expect("without NUL")
}
