//! Names of servers and tools are those that the model sees, or they are refused where they are given.

use crate::common::*;
use claude_testkit::fake::FakeClaude;
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
                assert!(!fine, "{name:?} {way}: {}", failure.json);
                assert!(failure.json["remedy"].is_string(), "{way}: {}", failure.json);
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
        assert_eq!(failure.json["pointer"], format!("/{name}"), "{}", failure.json);
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
            Err(failure) => assert_eq!(failure.json["pointer"], "/name", "{}", failure.json),
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
    assert_eq!(failure.json["pointer"], "/tools/0/name", "{}", failure.json);
    assert!(Tools::try_new("me", &policy("a_b")).is_ok());
}

fn deny(tool: &str) -> serde_json::Value {
    json!({"tools": [{"name": tool, "permission_policy": "always_deny"}]})
}

/// Whether the model's call of the tool reaches the function.
fn runs(real: &Real, client: &Client, tool: &str) -> bool {
    client.turn(&format!("USE_TOOL {}", json!({"name": tool, "input": {}})));
    let offered = real.offered().iter().any(|name| name == tool);
    let blocks = real.last_blocks();
    let ran = blocks.iter().any(|block| block["type"] == "tool_result" && block["is_error"] != true);
    assert!(offered || !ran, "{tool}: {blocks:?}");
    ran
}

fn with_delete(options: &serde_json::Value) -> Tools {
    let tools = Tools::new("me", options);
    for name in ["delete", "keep"] {
        tools.add(&json!({"name": name, "description": "x"}), |call| call.answer("done")).unwrap();
    }
    tools
}

#[test]
fn a_denied_tool_stays_denied_whatever_servers_are_set_later() {
    let Some(real) = Real::new("mcp_names_denied") else { return };
    let allowed = json!(["mcp__me"]);
    // Told where the server is made, in the options, and in the initialize request.
    for (made, options) in [
        (deny("delete"), json!({"allowed_tools": allowed})),
        (
            json!({}),
            json!({"allowed_tools": allowed, "mcp_servers": {"me": {"type": "sdk", "tools": deny("delete")["tools"]}}}),
        ),
        (
            json!({}),
            json!({"allowed_tools": allowed, "extra_initialize": {"sdkMcpServerConfigs": {"me": deny("delete")}}}),
        ),
    ] {
        let client = real.client_with(options.clone(), THREAD).with(&with_delete(&made));
        client.connect();
        assert!(!runs(&real, &client, "mcp__me__delete"), "{options}");
        for servers in [
            json!({}),
            json!({"me": {"type": "sdk", "name": "me"}}),
            json!({"me": {"type": "sdk", "name": "me", "timeout": 5000}}),
            json!({"me": {"type": "sdk", "name": "me", "tools": null}}),
            json!({"me": {}}),
        ] {
            let reply = client.try_set_servers(&servers).unwrap();
            assert!(!runs(&real, &client, "mcp__me__delete"), "{options}: {servers}: {reply}");
            assert!(runs(&real, &client, "mcp__me__keep"), "{options}: {servers}: {reply}");
        }
    }
}

#[test]
fn what_is_said_last_of_a_server_holds_until_something_else_is_said() {
    let fake = Fake::new(vec![json!("result")]);
    let client = fake.threaded().with(&with_delete(&json!({"timeout_ms": 5000})));
    client.connect();
    let _ = client.try_set_servers(
        &json!({"me": {"type": "sdk", "tools": deny("keep")["tools"]}, "other": {"command": "true"}}),
    );
    let _ = client.try_set_servers(&json!({}));
    let sent = fake.fake.log().requests("mcp_set_servers");
    let expected = json!({"type": "sdk", "name": "me", "timeout": 5000, "tools": deny("keep")["tools"]});
    assert_eq!(sent[0]["servers"]["me"], expected);
    assert_eq!(sent[1]["servers"], json!({"me": expected}));
}

/// Policies with a slip in them deny nothing.
#[test]
fn policies_are_looked_at_in_every_way_of_giving_them() {
    let slips = [
        (
            json!({"tools": [{"name": "delete", "permission_polcy": "always_deny"}]}),
            "/tools/0/permission_polcy",
        ),
        (json!({"tools": [{"name": "delete", "permission_policy": "deny"}]}), "/tools/0/permission_policy"),
        (json!({"tools": [{"name": "delete"}, {"permission_policy": "always_deny"}]}), "/tools/1/name"),
        (json!({"tools": {}}), "/tools"),
        (json!({"tools": {"delete": "always_deny"}}), "/tools"),
        (json!({"tools": ["delete"]}), "/tools/0"),
        (json!({"tool": deny("delete")["tools"]}), "/tool"),
        (json!({"Tools": deny("delete")["tools"]}), "/Tools"),
    ];
    let fake = Fake::new(vec![json!("result")]);
    let client = fake.threaded().with(&with_delete(&deny("delete")));
    client.connect();
    let options = json!({"cli_path": fake.fake.path(), "env": fake.fake.env_json(), "env_mode": "only"});
    for (slip, place) in slips {
        for (kind, address) in [("sdk", "name"), ("http", "url"), ("sse", "url")] {
            let mut server = slip.clone();
            server["type"] = kind.into();
            server[address] = "me".into();
            let refused = client.try_set_servers(&json!({"me": server})).unwrap_err();
            assert_eq!(refused.json["pointer"], format!("/me{place}"), "{}", refused.json);
            let mut options = options.clone();
            options["mcp_servers"] = json!({"me": server});
            let refused = Client::try_new(&options, THREAD).map(drop).unwrap_err();
            assert_eq!(refused.json["pointer"], format!("/mcp_servers/me{place}"), "{}", refused.json);
            assert!(refused.json["remedy"].is_string());
        }
        let mut options = options.clone();
        options["extra_initialize"] = json!({"sdkMcpServerConfigs": {"me": slip}});
        let refused = Client::try_new(&options, THREAD).map(drop).unwrap_err();
        let expected = format!("/extra_initialize/sdkMcpServerConfigs/me{place}");
        assert_eq!(refused.json["pointer"], expected, "{}", refused.json);
    }
    // Names of tools elsewhere are their servers' business.
    let fine = json!({"far": {"type": "http", "url": "http://127.0.0.1:9/", "alwaysLoad": true, "tools":
        [{"name": "a.b", "permission_policy": "always_deny", "org_max_permission": "x"}]}});
    let mut options = options;
    options["mcp_servers"] = fine;
    assert!(Client::try_new(&options, THREAD).is_ok());
}

#[test]
fn a_policy_for_a_tool_that_the_server_does_not_have_is_told() {
    let fake = Fake::new(vec![json!("result")]);
    let mut options =
        json!({"cli_path": fake.fake.path(), "env": fake.fake.env_json(), "cwd": fake.fake.sandbox().work()});
    options["mcp_servers"] = json!({"more": {"type": "sdk", "tools": deny("ad")["tools"]}});
    let more = Tools::new("more", &json!({}));
    more.add(&json!({"name": "add"}), |call| call.answer("x")).unwrap();
    let pull = claude_client::capi::types::claude_dispatch_t::CLAUDE_DISPATCH_PULL;
    let client = Client::new(&options, pull).with(&with_delete(&deny("delte"))).with(&more);
    client.connect();
    client.query("go");
    let mut told = Vec::new();
    while told.len() < 2 {
        let event = client.next().expect("an event").json();
        if event["event"] == "mcp_policy" {
            told.push((event["server_name"].clone(), event["tool"].clone(), event["remedy"].clone()));
        }
    }
    assert!(told.contains(&(json!("me"), json!("delte"), json!("write delete"))), "{told:?}");
    assert!(told.iter().any(|(server, tool, _)| server == "more" && tool == "ad"), "{told:?}");
}

#[test]
fn each_rule_for_a_tool_of_a_server_that_is_taken_forbids_it() {
    let Some(real) = Real::new("mcp_names_rules") else { return };
    for rule in ["mcp__me__delete", "mcp__me__delete()", "mcp__me__delete(*)", "mcp__me__del*", "*_delete"] {
        let options = json!({"allowed_tools": ["mcp__me"], "disallowed_tools": [rule]});
        let client = real.client_with(options, THREAD).with(&with_delete(&json!({})));
        client.connect();
        assert!(!runs(&real, &client, "mcp__me__delete"), "{rule}");
        assert!(runs(&real, &client, "mcp__me__keep"), "{rule}");
    }
}
