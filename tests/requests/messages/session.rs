//! Conversations with the real CLI that bring every kind of message and request that the stand-in API can make it write.

use std::sync::{Arc, Mutex, OnceLock};

use claude_testkit::loopback::{Reply, Rule};
use serde_json::{Value, json};

use super::article::Part;
use crate::support::requests::{Host, Request, Stage, lock};

/// Sections and places that need an account, another system, or a moment that cannot be made to happen here.
pub const NOT_OFFLINE: &[&str] = &[
    "system/permission_denied /decision_reason",
    "can_use_tool /decision_reason",
    "elicitation /url",
    "elicitation /elicitation_id",
    "request_user_dialog",
];

/// A message, or a request of the CLI.
#[derive(Debug, Clone)]
pub struct Frame {
    pub part: Part,
    pub name: String,
    pub json: Value,
}

/// What all conversations brought; made once for the tests of this program.
pub fn frames(test: &str) -> Option<Vec<Frame>> {
    static FRAMES: OnceLock<Vec<Frame>> = OnceLock::new();
    let stage = Stage::real(test)?;
    Some(FRAMES.get_or_init(|| held(&stage)).clone())
}

type Requests = Arc<Mutex<Vec<Value>>>;

fn held(stage: &Stage) -> Vec<Frame> {
    let requests = Requests::default();
    let mut messages = tools(stage, &requests);
    messages.extend(failures(stage, &requests));
    messages.extend(limits(stage, &requests));
    messages.extend(quiet(stage));
    let requests = lock(&requests).clone();
    let requests =
        requests.into_iter().map(|json| Frame { part: Part::Requests, name: text(&json, "subtype"), json });
    let messages = messages.into_iter().filter(is_of_the_cli).map(|json| {
        let kind = text(&json, "type");
        let name = if kind == "system" { format!("system/{}", text(&json, "subtype")) } else { kind };
        Frame { part: Part::Messages, name, json }
    });
    messages.chain(requests).collect()
}

/// Events of the library come among the messages.
fn is_of_the_cli(json: &Value) -> bool {
    json["type"].as_str().is_some_and(|kind| kind != "claude_client")
}

fn text(json: &Value, member: &str) -> String {
    json[member].as_str().unwrap_or_default().to_owned()
}

fn call(name: &str, input: Value) -> String {
    format!("USE_TOOL {}", json!({"name": name, "input": input}))
}

const EVENTS: &[&str] = &[
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "PermissionRequest",
    "UserPromptSubmit",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "SessionStart",
    "SessionEnd",
    "Notification",
    "PreModelSwitch",
    "PostModelSwitch",
    "MessageDisplay",
    "Elicitation",
    "ElicitationResult",
    "PreSkillShellCommand",
];

fn host(options: &Value, requests: &Requests) -> Host {
    let host = Host::new(options);
    let kept = requests.clone();
    host.on_request(move |request| answer(&kept, request));
    host
}

/// Says yes to everything.
fn answer(requests: &Requests, request: Request) {
    let json = request.json();
    lock(requests).push(json.clone());
    let answered = match json["subtype"].as_str() {
        Some("can_use_tool") if json["tool_name"] == "AskUserQuestion" => {
            request.answer_questions(json!({"Which?": "A"}))
        }
        Some("can_use_tool") => request.allow(),
        Some("elicitation") => request.respond(json!({"action": "accept", "content": {"name": "Ada"}})),
        Some("mcp_message") => {
            request.respond(json!({"jsonrpc": "2.0", "id": json["message"]["id"], "result": server(&json)}))
        }
        _ => request.respond(json!({})),
    };
    // What was withdrawn meanwhile cannot be answered.
    drop(answered);
}

/// An MCP server with one tool.
fn server(request: &Value) -> Value {
    match request["message"]["method"].as_str() {
        Some("initialize") => json!({"protocolVersion": request["message"]["params"]["protocolVersion"],
            "capabilities": {"tools": {}}, "serverInfo": {"name": "calc", "version": "1"}}),
        Some("tools/list") => json!({"tools": [{"name": "add", "description": "Adds.",
            "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}}}]}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "3"}], "isError": false}),
        _ => json!({}),
    }
}

/// One long conversation with every tool, hook and command.
fn tools(stage: &Stage, requests: &Requests) -> Vec<Value> {
    let asker = super::article::path("tests/data/elicit_server.py");
    let options = stage.options(json!({
        "include_partial_messages": true, "include_hook_events": true, "extra_args": {"replay-user-messages": null},
        "env": with(&stage.options["env"], json!({"ENABLE_TOOL_SEARCH": "false"})),
        "agents": {"helper": {"description": "Helps.", "prompt": "You help."}},
        "mcp_servers": {"asker": {"type": "stdio", "command": "python3", "args": [asker]}},
        "settings": {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true"}]}]}},
    }));
    let host = host(&options, requests);
    for event in EVENTS {
        let kept = requests.clone();
        host.hook(event, move |request| answer(&kept, request));
    }
    let kept = requests.clone();
    host.mcp_handler("calc", Some(Box::new(move |request| answer(&kept, request)))).unwrap();
    let skill = stage.sandbox.work().join(".claude/skills/mark/SKILL.md");
    std::fs::create_dir_all(skill.parent().unwrap()).unwrap();
    std::fs::write(
        skill,
        "---\nname: mark\ndescription: marks\nallowed-tools: Bash\n---\nOutput: !`echo marked`\n",
    )
    .unwrap();
    host.connect().unwrap();
    host.turn("/mark");
    let file = stage.sandbox.work().join("a.txt");
    host.turn("What is the capital of France?");
    host.turn("THINK about it");
    host.turn(&call("Bash", json!({"command": "touch x && echo hi", "description": "Make a file"})));
    host.turn(&call("Bash", json!({"command": "false", "description": "Fail"})));
    host.turn(&call("Write", json!({"file_path": file, "content": "one\n"})));
    host.turn(&call("mcp__calc__add", json!({"a": 1})));
    host.turn(&call("mcp__asker__ask_name", json!({})));
    host.turn(&call(
        "AskUserQuestion",
        json!({"questions": [{"question": "Which?", "header": "Pick", "multiSelect": false,
        "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]}]}),
    ));
    host.control(json!({"subtype": "set_model", "model": "claude-sonnet-4-5"})).unwrap();
    host.control(json!({"subtype": "set_permission_mode", "mode": "acceptEdits"})).unwrap();
    host.turn("/compact");
    host.turn("/clear");
    host.turn("What is 2+2?");
    host.control(json!({"subtype": "set_permission_mode", "mode": "default"})).unwrap();
    let work = call("Bash", json!({"command": "touch z", "description": "Make a file"}));
    host.turn(&call("Task", json!({"description": "sub", "prompt": work, "subagent_type": "helper"})));
    host.wait_message(|message| message["subtype"] == "task_notification");
    host.wait_message(|message| message["type"] == "result" && message["origin"].is_object());
    host.disconnect().unwrap();
    host.messages()
}

fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    object
}

/// Errors of the API, and an interrupt.
fn failures(stage: &Stage, requests: &Requests) -> Vec<Value> {
    let options =
        stage.options(json!({"include_partial_messages": true, "env": with(&stage.options["env"], json!({"CLAUDE_CODE_MAX_RETRIES": "1"}))}));
    let host = host(&options, requests);
    host.connect().unwrap();
    host.turn("API_ERROR 529");
    host.turn("API_ERROR 400");
    stage.api.set_rules(vec![Rule::on_prompt(
        "Tell a story",
        Reply::text("Once upon a time. ".repeat(40)).slow(40, 100),
    )]);
    let from = host.messages().len();
    host.query("Tell a story");
    host.wait_message(|message| {
        message["event"]["delta"]["text"].as_str().is_some_and(|text| text.contains("Once"))
    });
    host.interrupt().unwrap();
    host.rest_of_turn(from);
    stage.api.set_rules(Vec::new());
    host.disconnect().unwrap();
    host.messages()
}

/// Turns that end at a limit.
fn limits(stage: &Stage, requests: &Requests) -> Vec<Value> {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    let limits = [
        (json!({"max_turns": 1}), call("Bash", json!({"command": "echo hi", "description": "Say hi"}))),
        (json!({"output_format": {"type": "json_schema", "schema": schema}}), "Give me a.".to_owned()),
        (json!({"session_mirror": true}), "Hello".to_owned()),
    ];
    let mut messages = Vec::new();
    for (options, prompt) in limits {
        let host = host(&stage.options(options), requests);
        host.connect().unwrap();
        host.turn(&prompt);
        // A CLI whose last turn failed ends with a failure.
        drop(host.disconnect());
        messages.extend(host.messages());
    }
    messages
}

/// A host that answers no permission requests.
fn quiet(stage: &Stage) -> Vec<Value> {
    let host = Host::new(&stage.options);
    host.connect().unwrap();
    host.turn(&call("Bash", json!({"command": "touch y", "description": "Make a file"})));
    host.disconnect().unwrap();
    host.messages()
}
