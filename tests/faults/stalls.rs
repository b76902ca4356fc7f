//! Silence of the CLI: told with what is waited for, never acted upon; and no silence where somebody else is waited for.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)] // This is a host's side of the boundary: it reads what the library gives.

use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::support::host::{Client, Kind, Message, check};
use crate::support::{PATIENCE, alone, eventually, merged, options};
use claude_client::capi::client::claude_client_connect;
use claude_client::capi::mcp::claude_client_add_mcp_handler;
use claude_client::capi::receive::claude_client_on_permission;
use claude_client::capi::request::{claude_request_deny, claude_request_free, claude_request_respond};
use claude_client::capi::types::claude_request_t;
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::loopback::{Reply, Rule};
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

/// Silence of this length is told. A machine that is busy may be silent for as long by itself, so tests look at what is told
/// between two messages that follow each other at once.
const AFTER_MS: u64 = 400;

fn quick(more: Value) -> Value {
    merged(
        json!({"stalled_after_ms": AFTER_MS, "graceful_exit_timeout_ms": 100, "terminate_timeout_ms": 100}),
        more,
    )
}

fn new_client(script: Value, more: Value) -> (FakeClaude, Client) {
    let fake = FakeClaude::new(script);
    let client = Client::new(&options(&fake, quick(more)));
    (fake, client)
}

fn connected(script: Value, more: Value) -> (FakeClaude, Client) {
    let (fake, client) = new_client(script, more);
    client.connect().unwrap();
    (fake, client)
}

fn is_event(message: &Message, event: &str) -> bool {
    message.kind == Kind::CLAUDE_EVENT_STALLED && message.json()["event"] == event
}

/// The first event of this name for which it holds.
fn wait_for_event(client: &Client, event: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let found = |messages: &[Message]| {
        messages.iter().filter(|message| is_event(message, event)).map(Message::json).find(&holds)
    };
    client.wait_for(event, |record| found(&record.messages).is_some());
    found(&client.messages()).unwrap()
}

fn waits_for<'a>(event: &'a Value, what: &str) -> Option<&'a Value> {
    event["waiting_for"].as_array().unwrap().iter().find(|awaited| awaited["what"] == what)
}

/// What stands between the first message for which `from` holds and the next one for which `to` does.
fn between(client: &Client, from: impl Fn(&Value) -> bool, to: impl Fn(&Value) -> bool) -> Vec<Value> {
    let holds = |message: &Message, wanted: &dyn Fn(&Value) -> bool| {
        message.kind != Kind::CLAUDE_EVENT_TEXT_DELTA && wanted(&message.json())
    };
    let range = |messages: &[Message]| {
        let start = messages.iter().position(|message| holds(message, &from))?;
        let length = messages[start..].iter().position(|message| holds(message, &to))?;
        Some((start, start + length))
    };
    client.wait_for("both messages", |record| range(&record.messages).is_some());
    let messages = client.messages();
    let (start, end) = range(&messages).unwrap();
    messages[start..end].iter().map(Message::json).collect()
}

fn stalls(messages: &[Value]) -> Vec<&Value> {
    messages.iter().filter(|message| message["event"] == "stalled").collect()
}

fn is_init(message: &Value) -> bool {
    message["subtype"] == "init"
}

fn is_result(message: &Value) -> bool {
    message["type"] == "result"
}

fn call(id: &str, name: &str) -> Value {
    json!({"send": {"type": "assistant", "message": {"id": "m", "type": "message", "role": "assistant", "model": "x",
        "content": [{"type": "tool_use", "id": id, "name": name, "input": {"a": 1}}]}, "parent_tool_use_id": null}})
}

fn answer(id: &str) -> Value {
    json!({"send": {"type": "user", "message": {"role": "user",
        "content": [{"tool_use_id": id, "type": "tool_result", "content": "done", "is_error": false}]},
        "parent_tool_use_id": null}})
}

// Silence in each of four states

#[test]
fn a5_a_cli_that_does_not_answer_initialize_is_told_of() {
    let (_fake, client) = new_client(json!({"on_initialize": []}), json!({}));
    // SAFETY: the client lives, and nobody is told.
    check(|error| unsafe { claude_client_connect(client.handle(), null(), None, null_mut(), error) })
        .unwrap();
    let event = wait_for_event(&client, "stalled", |_| true);
    assert_eq!((event["reason"].as_str(), event["number"].as_u64()), (Some("silent"), Some(1)), "{event:#}");
    assert!(event["silent_ms"].as_u64().unwrap() >= AFTER_MS && event["last_byte_ms"].is_u64(), "{event:#}");
    assert!(waits_for(&event, "initialize").unwrap()["since_ms"].as_u64().unwrap() >= AFTER_MS, "{event:#}");
    assert_eq!(event["pid"].as_u64(), Some(u64::from(client.pid())));
    assert!(
        event["text"].as_str().unwrap().contains("initialize") && event["remedy"].is_string(),
        "{event:#}"
    );
}

#[test]
fn a5_a_turn_that_is_silent_is_told_of_again_at_twice_the_time_and_then_its_next_word() {
    let (_fake, client) = connected(json!({"on_user": ["init", {"sleep": 2200}, "result"]}), json!({}));
    client.query("think").unwrap();
    let first = wait_for_event(&client, "stalled", |event| event["number"] == 1);
    assert_eq!(first["next_ms"], 2 * AFTER_MS);
    let second = wait_for_event(&client, "stalled", |event| event["number"] == 2);
    assert!(second["silent_ms"].as_u64() >= Some(2 * AFTER_MS), "{second:#}");
    let turn = waits_for(&second, "turn").unwrap();
    assert_eq!(turn["prompts"].as_array().unwrap().len(), 1, "{second:#}");
    // Nothing has been done about it.
    let ended = wait_for_event(&client, "stall_ended", |_| true);
    assert!(ended["silent_ms"].as_u64() >= Some(2 * AFTER_MS), "{ended:#}");
    client.receive().unwrap();
    assert_eq!(client.stats()["waiting_for"], json!([]));
    client.turn("and again");
}

#[test]
fn a6_a_tool_in_the_cli_may_be_silent_and_is_named() {
    let script = json!({"on_user": ["init", call("t1", "Read"), call("t2", "Bash"), answer("t1"), {"sleep": 2500},
        answer("t2"), "result"]});
    let (_fake, client) = connected(script, json!({}));
    client.query("build").unwrap();
    let running = || {
        let stats = client.stats();
        let awaited = stats["waiting_for"].as_array().unwrap().clone();
        awaited.iter().filter(|one| one["what"] == "tool").map(|one| one["tool"].clone()).collect::<Vec<_>>()
    };
    assert!(eventually(PATIENCE, || running() == ["Bash"]), "{:#}", client.stats());
    let says = |id: &'static str| {
        move |message: &Value| message.to_string().contains(&format!("\"tool_use_id\":\"{id}\""))
    };
    let meanwhile = between(&client, says("t1"), says("t2"));
    assert_eq!(stalls(&meanwhile), [&Value::Null; 0]);
    client.receive().unwrap();
}

#[test]
fn a5_after_the_result_nothing_is_owed_but_the_exit_at_the_end_of_the_input() {
    let script = json!({"on_start": ["ignore_eof"],
        "on_user": ["default", {"sleep": 2000}, {"system": "notification", "text": "by the way"}]});
    let (_fake, client) = connected(script, json!({}));
    client.query("hello").unwrap();
    let meanwhile = between(&client, is_result, |message| message["subtype"] == "notification");
    assert_eq!(stalls(&meanwhile), [&Value::Null; 0]);
    client.end_input().unwrap();
    let event = wait_for_event(&client, "stalled", |event| waits_for(event, "exit").is_some());
    assert_eq!(event["waiting_for"].as_array().unwrap().len(), 1, "{event:#}");
}

// What else may be waited for

#[test]
fn a5_a_control_request_without_an_answer_is_told_of() {
    let (_fake, client) = connected(json!({"on_control": {"mcp_status": []}}), json!({}));
    let _reply = client.control_later(&json!({"subtype": "mcp_status"})).unwrap();
    let event = wait_for_event(&client, "stalled", |_| true);
    assert_eq!(waits_for(&event, "control").unwrap()["request"], "mcp_status", "{event:#}");
}

#[test]
fn a5_keep_alives_say_that_the_cli_lives_and_are_no_answer() {
    let ticks = json!({"repeat": 60, "do": ["keep_alive", {"sleep": 50}]});
    let (_fake, client) = connected(json!({"on_user": ["init", ticks, "result"]}), json!({}));
    client.query("think").unwrap();
    let event = wait_for_event(&client, "stalled", |event| event["reason"] == "only_keep_alives");
    assert!(event["last_byte_ms"].as_u64() < event["last_message_ms"].as_u64(), "{event:#}");
}

#[test]
fn a6_a_stream_that_talks_and_does_not_end_its_turn_is_a_fact_of_its_own() {
    let talk = json!({"repeat": 100_000, "do": [{"text": "and on"}, {"sleep": 20}]});
    let (_fake, client) = connected(json!({"on_user": ["init", talk]}), json!({"long_turn_after_ms": 600}));
    client.query("go on").unwrap();
    let event = wait_for_event(&client, "long_turn", |event| event["number"] == 2);
    assert!(event["turn_ms"].as_u64() >= Some(1200), "{event:#}");
    assert!(waits_for(&event, "turn").is_some());
}

#[test]
fn a5_a_tool_of_a_server_that_hangs_is_told_of_with_the_server() {
    let script = json!({"on_user": ["init", call("t1", "mcp__my_files__read"), {"sleep": 600_000}]});
    let (_fake, client) = connected(script, json!({}));
    client.query("read").unwrap();
    let event = wait_for_event(&client, "stalled", |event| waits_for(event, "tool").is_some());
    let tool = waits_for(&event, "tool").unwrap();
    assert_eq!(
        (tool["server"].as_str(), tool["tool"].as_str()),
        (Some("my_files"), Some("mcp__my_files__read"))
    );
}

/// Requests that the host has not answered yet.
#[derive(Default)]
struct Kept(Mutex<Vec<usize>>);

impl Kept {
    fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn take(&self) -> Option<*mut claude_request_t> {
        self.0.lock().unwrap().pop().map(|request| request as *mut claude_request_t)
    }

    fn wait(&self) -> *mut claude_request_t {
        let mut request = None;
        assert!(eventually(PATIENCE, || {
            request = self.take();
            request.is_some()
        }));
        request.unwrap()
    }
}

unsafe extern "C" fn keep(request: *mut claude_request_t, kept: *mut c_void) {
    // SAFETY: the test keeps it for longer than the client.
    unsafe { &*kept.cast::<Kept>() }.0.lock().unwrap().push(request as usize);
}

#[test]
fn a6_a_permission_that_is_open_is_no_stall_and_stands_in_the_statistics() {
    let kept = Kept::default();
    let ask = json!({"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {"file_path": "a"}}});
    let (_fake, client) = new_client(json!({"on_user": ["init", ask, "result"]}), json!({}));
    // SAFETY: `kept` outlives the client.
    check(|error| unsafe {
        claude_client_on_permission(client.handle(), Some(keep), kept.data(), None, error)
    })
    .unwrap();
    client.connect().unwrap();
    client.query("write").unwrap();
    let request = kept.wait();
    let stats = client.stats();
    let open = waits_for(&stats, "request").unwrap();
    assert_eq!(
        (open["kind"].as_str(), open["tool"].as_str()),
        (Some("permission"), Some("Write")),
        "{stats:#}"
    );
    // A person thinks.
    std::thread::sleep(Duration::from_millis(AFTER_MS * 5));
    // SAFETY: the handle is ours.
    check(|error| unsafe { claude_request_deny(request, c"no".as_ptr(), false, error) }).unwrap();
    let meanwhile = between(&client, is_init, |message| message["type"] == "assistant");
    assert_eq!(stalls(&meanwhile), [&Value::Null; 0]);
    client.receive().unwrap();
    // SAFETY: the handle is ours.
    unsafe { claude_request_free(request) };
    drop(client);
}

/// A server that the host implements itself, asked for something; the handler does not answer.
fn asked_of_own_server(method: &str, judge: impl Fn(&Client)) {
    let kept = Kept::default();
    let message =
        json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": {"name": "slow", "arguments": {}}});
    let ask = json!({"ask": {"subtype": "mcp_message", "server_name": "raw", "message": message}});
    let (_fake, client) = new_client(json!({"on_user": ["init", ask, "result"]}), json!({}));
    let name = CString::new("raw").unwrap();
    // SAFETY: `kept` outlives the client.
    check(|error| unsafe {
        claude_client_add_mcp_handler(client.handle(), name.as_ptr(), Some(keep), kept.data(), None, error)
    })
    .unwrap();
    client.connect().unwrap();
    client.query("use it").unwrap();
    let request = kept.wait();
    judge(&client);
    // SAFETY: the handle is ours, the text is NUL-terminated.
    let _ = check(|error| unsafe {
        claude_request_respond(request, c"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}".as_ptr(), error)
    });
    // SAFETY: as above.
    unsafe { claude_request_free(request) };
    drop(client);
}

#[test]
fn a5_a_message_that_never_comes_from_a_server_in_the_host_is_told_of() {
    asked_of_own_server("tools/list", |client| {
        let event = wait_for_event(client, "stalled", |event| waits_for(event, "request").is_some());
        let request = waits_for(&event, "request").unwrap();
        let named = ["kind", "server", "method"].map(|name| request[name].as_str().unwrap());
        assert_eq!(named, ["mcp", "raw", "tools/list"], "{event:#}");
        assert!(request["since_ms"].as_u64() >= Some(AFTER_MS), "{event:#}");
    });
}

#[test]
fn a6_a_tool_of_the_host_may_take_its_time_and_stands_in_the_statistics() {
    asked_of_own_server("tools/call", |client| {
        let begun = client.messages().len();
        let stats = client.stats();
        let request = waits_for(&stats, "request").unwrap();
        assert_eq!(
            (request["server"].as_str(), request["tool"].as_str()),
            (Some("raw"), Some("slow")),
            "{stats:#}"
        );
        std::thread::sleep(Duration::from_millis(AFTER_MS * 5));
        let told = client.messages()[begun..].iter().filter(|message| is_event(message, "stalled")).count();
        assert_eq!(told, 0);
    });
}

#[test]
fn a6_zero_tells_nothing_and_a_host_that_does_not_read_waits_for_itself() {
    let script = json!({"on_user": ["init", {"sleep": 1500}, "result"]});
    let (_fake, client) = connected(script, json!({"stalled_after_ms": 0}));
    client.turn("think");
    assert_eq!(client.of_kind(Kind::CLAUDE_EVENT_STALLED).len(), 0);
    let flood = json!({"on_user": ["init", {"flood": 3000, "bytes": 1000}, "result"]});
    let (_fake, client) = connected(flood, json!({"max_queue_bytes": 100_000}));
    client.set_stuck(true);
    client.query("pour").unwrap();
    assert!(eventually(PATIENCE, || client.stats()["queued_bytes"].as_u64() >= Some(100_000)));
    std::thread::sleep(Duration::from_millis(AFTER_MS * 4));
    client.set_stuck(false);
    client.receive().unwrap();
    let flooded = between(&client, |message| message["seq"] == 10, |message| message["seq"] == 2900);
    assert_eq!(stalls(&flooded), [&Value::Null; 0]);
}

/// How often the threads of the library have gone to sleep so far.
fn library_sleeps() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let sleeps = tasks.filter_map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let member = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        member("Name:")?.starts_with("claude").then_some(())?;
        member("voluntary_ctxt_switches:")?.parse::<u64>().ok()
    });
    sleeps.sum()
}

#[test]
fn a5_a_session_that_owes_nothing_wakes_nobody_up() {
    if !alone(module_path!(), "a5_a_session_that_owes_nothing_wakes_nobody_up") {
        return;
    }
    let (_fake, client) = connected(json!({}), json!({"stalled_after_ms": 80}));
    client.turn("hello");
    assert!(eventually(PATIENCE, || client.stats()["silent_ms"].is_null()), "somebody still looks");
    let quiet = || {
        let before = library_sleeps();
        std::thread::sleep(Duration::from_secs(1));
        library_sleeps() - before
    };
    // With a look each 10 ms there would be a hundred.
    assert!(eventually(PATIENCE, || quiet() < 5));
}

// The real CLI

fn real(test: &str, more: Value) -> Option<(Loopback, Sandbox, Client)> {
    let cli = real_cli_or_skip(test)?;
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url());
    let own = json!({"cli_path": cli, "cwd": sandbox.work(), "env": sandbox.env_json(), "env_mode": "only",
        "stalled_after_ms": 1500, "graceful_exit_timeout_ms": 500, "terminate_timeout_ms": 500});
    let client = Client::connected(&merged(own, more));
    Some((api, sandbox, client))
}

#[test]
fn a5_an_api_that_takes_the_request_and_sends_nothing_is_told_of() {
    let Some((api, _sandbox, client)) = real("a5_an_api_that_sends_nothing", json!({})) else { return };
    client.query("SILENT").unwrap();
    assert!(eventually(PATIENCE, || api.last_message().is_some()));
    let event = wait_for_event(&client, "stalled", |event| {
        waits_for(event, "turn").is_some() && event["number"] == 2
    });
    assert!(waits_for(&event, "tool").is_none(), "{event:#}");
    assert!(client.pid() > 0, "nothing was ended");
}

#[test]
fn a6_a_long_silent_bash_of_the_real_cli_is_no_stall() {
    let more = json!({"allowed_tools": ["Bash"]});
    let Some((api, _sandbox, client)) = real("a6_a_long_silent_bash", more) else { return };
    let command = json!({"command": "sh -c 'exec sleep 6'", "timeout": 60_000});
    api.set_rules(vec![Rule::on_prompt("build", Reply::tool("Bash", command))]);
    client.query("build").unwrap();
    let running = || waits_for(&client.stats(), "tool").is_some_and(|tool| tool["tool"] == "Bash");
    assert!(eventually(PATIENCE, running), "{:#}", client.stats());
    let begun = Instant::now();
    let is_call = |message: &Value| {
        message.to_string().contains("\"type\":\"tool_use\"") && message["type"] == "assistant"
    };
    let is_answer =
        |message: &Value| message["type"] == "user" && message.to_string().contains("tool_result");
    let meanwhile = between(&client, is_call, is_answer);
    assert!(begun.elapsed() > Duration::from_secs(4));
    assert_eq!(stalls(&meanwhile), [&Value::Null; 0]);
    client.receive().unwrap();
    assert_eq!(client.stats()["waiting_for"], json!([]));
}

/// An MCP server that lists a tool and never answers a call of it.
const HANGING: &str = r#"
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    case $line in
    *'"initialize"'*)
        printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},' "$id"
        printf '"serverInfo":{"name":"files","version":"1"}}}\n'
        ;;
    *'"tools/list"'*)
        printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"read","description":"Reads","inputSchema":' "$id"
        printf '{"type":"object"}}]}}\n'
        ;;
    esac
done
"#;

#[test]
fn a5_a_server_of_the_real_cli_that_never_answers_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("files-server.sh");
    std::fs::write(&script, HANGING).unwrap();
    let more = json!({"mcp_servers": {"files": {"command": "/bin/sh", "args": [script]}}, "strict_mcp_config": true,
        "allowed_tools": ["mcp__files__read"]});
    let Some((api, _sandbox, client)) = real("a5_a_server_that_never_answers", more) else { return };
    api.set_rules(vec![Rule::on_prompt("look", Reply::tool("mcp__files__read", json!({})))]);
    client.query("look").unwrap();
    let event = wait_for_event(&client, "stalled", |event| waits_for(event, "tool").is_some());
    assert_eq!(waits_for(&event, "tool").unwrap()["server"], "files", "{event:#}");
}
