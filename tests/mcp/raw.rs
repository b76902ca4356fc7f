//! An MCP server that the host implements itself, with the real CLI.
#![cfg(unix)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::support::eventually;
use crate::support::requests::{Host, Kind, Request, SOON, Stage, fake_options, lock};
use claude_client::capi::types::{claude_dispatch_t as Mode, claude_message_kind_t as Event};
use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

/// A server of JSON-RPC as a host has it, with one tool more when there is `more`.
#[derive(Default)]
struct Server {
    methods: Mutex<Vec<String>>,
    more: AtomicBool,
}

impl Server {
    fn answer(&self, request: &Request) {
        assert_eq!(request.kind(), Kind::CLAUDE_REQUEST_MCP);
        let request_json = request.json();
        assert_eq!(request_json["server_name"], "own");
        let message = &request_json["message"];
        let method = message["method"].as_str().unwrap();
        lock(&self.methods).push(method.to_owned());
        let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
        let result = match method {
            "initialize" => json!({"protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": true}}, "serverInfo": {"name": "own", "version": "1"}}),
            "tools/list" if self.more.load(Ordering::SeqCst) => json!({"tools": [tool("say"), tool("more")]}),
            "tools/list" => json!({"tools": [tool("say")]}),
            "tools/call" => {
                json!({"content": [{"type": "text", "text": format!("This is {}.", message["params"]["name"])}]})
            }
            _ => json!({}),
        };
        let mut answer = json!({"jsonrpc": "2.0", "result": result});
        if let Some(id) = message.get("id") {
            answer["id"] = id.clone();
        }
        request.respond(answer).unwrap();
    }

    fn count(&self, method: &str) -> usize {
        lock(&self.methods).iter().filter(|known| *known == method).count()
    }
}

fn use_tool(name: &str) -> String {
    format!("USE_TOOL {}", json!({"name": format!("mcp__own__{name}"), "input": {}}))
}

fn options(stage: &Stage) -> Value {
    stage.options(json!({"allowed_tools": ["mcp__own"]}))
}

#[test]
fn a_server_of_the_host_is_greeted_called_and_may_change() {
    let Some(stage) = Stage::real("mcp_raw") else { return };
    let server = Arc::new(Server::default());
    let own = server.clone();
    let host = Host::new(&options(&stage));
    host.mcp_handler("own", Some(Box::new(move |request| own.answer(&request)))).unwrap();
    host.connect().unwrap();
    assert_eq!(host.turn(&use_tool("say")).text(), "The tool said: This is \"say\".");
    assert_eq!((server.count("initialize"), server.count("tools/call")), (1, 1));
    let listed = server.count("tools/list");
    server.more.store(true, Ordering::SeqCst);
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    host.control(json!({"subtype": "mcp_message", "server_name": "own", "message": changed})).unwrap();
    // The CLI asks for the list by itself; when is its own affair.
    assert!(eventually(SOON, || server.count("tools/list") != listed), "the list was not asked for again");
    let is_known = || host.turn(&use_tool("more")).text() == "The tool said: This is \"more\".";
    assert!(eventually(SOON, is_known), "the new tool is not known");
}

#[test]
fn without_a_callback_of_its_own_the_messages_go_to_the_callback_for_all_requests() {
    let Some(stage) = Stage::real("mcp_raw_shared") else { return };
    let server = Arc::new(Server::default());
    let own = server.clone();
    let host = Host::new(&options(&stage));
    let mut mark = 7;
    let data = (&raw mut mark).cast();
    host.mcp_handler_with("own", None, data, None).unwrap();
    assert!(host.connect().unwrap_err().json["remedy"].is_string(), "nobody would answer");
    let host = Host::new(&options(&stage));
    host.mcp_handler_with("own", None, data, None).unwrap();
    let expected = data.addr();
    host.on_request(move |request| {
        assert_eq!(request.user_data().addr(), expected);
        own.answer(&request);
    });
    host.connect().unwrap();
    assert_eq!(host.turn(&use_tool("say")).text(), "The tool said: This is \"say\".");
    assert_eq!(server.count("tools/call"), 1);
}

#[test]
fn in_pull_mode_the_messages_are_events() {
    let Some(stage) = Stage::real("mcp_raw_pull") else { return };
    let server = Server::default();
    let host = Host::with_mode(&options(&stage), Mode::CLAUDE_DISPATCH_PULL);
    host.mcp_handler("own", None).unwrap();
    host.connect().unwrap();
    host.query(&use_tool("say"));
    let end = Instant::now() + SOON;
    loop {
        let Some(event) = host.next(100) else {
            assert!(Instant::now() < end, "no result");
            continue;
        };
        match event.kind() {
            Event::CLAUDE_EVENT_REQUEST => server.answer(&event.take()),
            Event::CLAUDE_MESSAGE_RESULT => break,
            _ => {}
        }
    }
    let sent = stage.api.last_message().unwrap().body.to_string();
    assert!(sent.contains(r#"This is \"say\"."#), "{sent}");
    assert_eq!(server.count("tools/call"), 1);
}

/// The stand-in asks for the list; what the model would not see under its name is not taken.
#[test]
fn a_list_of_tools_that_the_cli_would_rename_is_refused_and_the_request_stays_open() {
    let ask = json!({"ask": {"subtype": "mcp_message", "server_name": "own"}});
    let fake = FakeClaude::new(json!({"on_user": [ask]}));
    let host = Host::new(&fake_options(&fake));
    let list = |name: &str| json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": name, "inputSchema": {}}]}});
    host.mcp_handler(
        "own",
        Some(Box::new(move |request: Request| {
            for (answer, pointer) in [
                (list("a.b"), "/result/tools/0/name"),
                (json!({"mcp_response": list("a b")}), "/mcp_response/result/tools/0/name"),
                (list(&"x".repeat(130)), "/result/tools/0/name"),
            ] {
                let failure = request.respond(answer).unwrap_err();
                assert_eq!(failure.json["pointer"], pointer, "{}", failure.json);
            }
            request.respond(list("a_b")).unwrap();
        })),
    )
    .unwrap();
    host.connect().unwrap();
    host.query("go");
    let log = fake.wait_for_log(SOON, |log| log.responses().len() == 1);
    assert_eq!(log.responses()[0]["response"]["mcp_response"]["result"]["tools"][0]["name"], "a_b");
}
