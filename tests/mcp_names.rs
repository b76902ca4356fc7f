//! Names of servers and tools are those that the model sees, or they are refused where they are given.

mod mcp_support;

use claude_testkit::fake::FakeClaude;
use mcp_support::*;
use serde_json::json;

use claude_client::capi::types::claude_dispatch_t::CLAUDE_DISPATCH_THREAD as THREAD;

const SERVERS: &[(&str, bool)] = &[
    ("me", true),
    ("My-server_2", true),
    ("constructor", true),
    ("_a", true),
    ("my server", false),
    ("a.b", false),
    ("naïve", false),
    ("a/b", false),
    ("a__b", false),
    ("a_", false),
    ("__proto__", false),
    ("ide", false),
    ("", false),
];

/// Each name alone, and together they would become one another's.
#[test]
fn a_server_whose_name_the_cli_would_rewrite_is_refused_in_every_way_of_adding_it() {
    for (name, fine) in SERVERS {
        let check = |outcome: Result<(), Failure>, way: &str| match outcome {
            Ok(()) => assert!(fine, "{name:?} was taken by {way}"),
            Err(failure) => {
                assert!(!fine, "{name:?} {way}: {}", failure.document);
                assert!(failure.document["remedy"].is_string(), "{way}: {}", failure.document);
            }
        };
        check(Tools::try_new(name, &json!({})).map(drop), "claude_mcp_server_create");
        let fake = FakeClaude::new(json!({}));
        let mut options = json!({"cli_path": fake.path(), "env": fake.env_json(), "env_mode": "only"});
        let client = Client::new(&options, THREAD);
        check(client.add_handler(name), "claude_client_add_mcp_handler");
        options["mcp_servers"] = json!({ *name: {"command": "true"} });
        check(Client::try_new(&options, THREAD).map(drop), "mcp_servers");
        options["mcp_servers"] = json!({"mcpServers": { *name: {"command": "true"} }}).to_string().into();
        check(Client::new(&options, THREAD).try_connect(), "mcp_servers as text");
    }
}

#[test]
fn servers_that_are_set_later_have_names_that_the_model_sees() {
    let Some(real) = Real::new("mcp_names_set") else { return };
    let client = real.client();
    client.connect();
    for name in ["my server", "a.b", "a__b", "workspace", "claude-in-chrome"] {
        let failure = client.try_set_servers(&json!({ name: {"command": "true"} })).unwrap_err();
        assert_eq!(failure.document["pointer"], format!("/{name}"), "{}", failure.document);
    }
    client.try_set_servers(&json!({})).unwrap();
}

/// Tools of every length and every letter: those that are taken are those that the model is offered, under their names.
#[test]
fn the_model_sees_every_tool_that_was_taken_under_its_name() {
    let Some(real) = Real::new("mcp_names_tools") else { return };
    let tools = Tools::new("me", &json!({}));
    let lengths = [1, 64, 118, 119, 120, 140].map(|length| "x".repeat(length));
    let mut taken = Vec::new();
    for name in ["a_b", "a.b", "a b", "a-b", "A_B", "naïve", "é", "a/b", "_", "a__b", "日本", "a:b", "0"]
        .into_iter()
        .chain(lengths.iter().map(String::as_str))
    {
        match tools.add(&json!({"name": name, "description": "x"}), |call| call.answer("x")) {
            Ok(()) => taken.push(format!("mcp__me__{name}")),
            Err(failure) => assert_eq!(failure.document["pointer"], "/name", "{}", failure.document),
        }
    }
    let again = tools.add(&json!({"name": "a_b", "description": "x"}), |call| call.answer("x"));
    assert!(again.is_err(), "two of one name");
    let client = real.client().with(&tools);
    client.connect();
    client.turn("hello");
    let offered = real.api.last_message().unwrap().body["tools"].as_array().unwrap().clone();
    let mut seen: Vec<String> = offered
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .filter(|name| name.starts_with("mcp__"))
        .map(str::to_owned)
        .collect();
    seen.sort_unstable();
    taken.sort_unstable();
    assert_eq!(seen, taken);
    assert!(taken.len() > 5);
}

#[test]
fn a_policy_for_a_name_that_no_tool_can_have_is_refused() {
    let policy = |name: &str| json!({"tools": [{"name": name, "permission_policy": "always_deny"}]});
    let failure = Tools::try_new("me", &policy("a.b")).err().expect("refused");
    assert_eq!(failure.document["pointer"], "/tools/0/name", "{}", failure.document);
    assert!(Tools::try_new("me", &policy("a_b")).is_ok());
}
