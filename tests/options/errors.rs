//! Faults of the document: each names its place, what was expected, and what to do.

use crate::common::{failure, launch, pointer};
use claude_client::error::Status;
use claude_client::options::table::rows;
use claude_client::options::{Features, parse};
use serde_json::{Value, json};

/// The error's pointer, and a part of its message.
#[track_caller]
fn fails(options: Value, place: &str, part: &str) {
    fails_text(&options.to_string(), place, part);
}

#[track_caller]
fn fails_text(options: &str, place: &str, part: &str) {
    let error = failure(options, &Features::default());
    assert_eq!(error.status, Status::InvalidOption, "{error}");
    assert_eq!(pointer(&error), place, "{error}");
    assert!(error.message.contains(part), "{error}");
    assert!(error.detail("remedy").is_some(), "no remedy: {error}");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    fails(json!({"max_turn": 1}), "/max_turn", "did you mean \"max_turns\"?");
    fails(json!({"modle": "x"}), "/modle", "did you mean \"model\"?");
    fails(json!({"systemprompt": "x"}), "/systemprompt", "did you mean \"system_prompt\"?");
    fails(json!({"zebra": 1}), "/zebra", "extra_args");
    fails(json!({"a/b~c": 1}), "/a~1b~0c", "unknown option");
}

#[test]
fn members_of_closed_objects_are_checked_as_well() {
    fails(
        json!({"system_prompt": {"type": "preset", "preset": "claude_code", "apend": "x"}}),
        "/system_prompt/apend",
        "did you mean \"append\"?",
    );
    fails(json!({"system_prompt": {"type": "preset"}}), "/system_prompt", "\"preset\"");
    fails(json!({"system_prompt": {"type": "presett"}}), "/system_prompt/type", "did you mean \"preset\"?");
    fails(json!({"system_prompt": {"type": 1}}), "/system_prompt/type", "found a number");
    fails(json!({"system_prompt": {}}), "/system_prompt", "\"type\"");
    fails(
        json!({"system_prompt": {"type": "preset", "preset": "claude_code", "excludeDynamicSections": true}}),
        "/system_prompt/excludeDynamicSections",
        "did you mean \"exclude_dynamic_sections\"?",
    );
    fails(json!({"thinking": {"type": "enabled"}}), "/thinking", "budget_tokens");
    fails(
        json!({"thinking": {"type": "enabled", "budgetTokens": 1}}),
        "/thinking/budgetTokens",
        "did you mean \"budget_tokens\"?",
    );
    fails(
        json!({"thinking": {"type": "disabled", "display": "omitted"}}),
        "/thinking/display",
        "unknown member",
    );
    fails(json!({"task_budget": {"total": 0}}), "/task_budget/total", "at least 1");
    fails(json!({"plugins": [{"type": "git", "path": "x"}]}), "/plugins/0/type", "\"local\"");
    fails(json!({"output_format": {"type": "json_schema"}}), "/output_format", "\"schema\"");
    fails(json!({"record": {"path": "x", "redact": ["a"]}}), "/record/redact/0", "JSON pointer");
    fails(json!({"replay": {"path": "x", "speed": "slow"}}), "/replay/speed", "\"fast\"");
    fails(json!({"trace_context": {"tracestate": "x"}}), "/trace_context", "traceparent");
}

#[test]
fn a_wrong_type_says_what_was_expected_and_what_was_found() {
    fails(
        json!({"max_turns": "3"}),
        "/max_turns",
        "expected a whole number from 0 to 4294967295, found text",
    );
    fails(json!({"max_turns": 1.5}), "/max_turns", "found 1.5");
    fails(json!({"max_turns": -1}), "/max_turns", "found -1");
    fails(json!({"model": 5}), "/model", "expected text, found a number");
    fails(
        json!({"allowed_tools": "Read"}),
        "/allowed_tools",
        "expected a list of non-empty texts, found text",
    );
    fails(json!({"allowed_tools": [1]}), "/allowed_tools/0", "found a number");
    fails(json!({"allowed_tools": [""]}), "/allowed_tools/0", "not empty");
    fails(json!({"env": {"A": 1}}), "/env/A", "expected text or null, found a number");
    fails(json!({"include_partial_messages": "yes"}), "/include_partial_messages", "true or false");
    fails(json!({"max_budget_usd": 0}), "/max_budget_usd", "above 0");
    fails(json!({"resume": ""}), "/resume", "not empty");
    fails(json!({"connect_timeout_ms": 0}), "/connect_timeout_ms", "from 1");
    fails(json!({"launcher": []}), "/launcher", "leave the option out");
    for path in ["relative", "./c", "C:", "C:relative", "~/c"] {
        fails(json!({ "config_dir": path }), "/config_dir", "not absolute");
    }
    for path in ["/c", "C:\\c", "d:/c", "\\\\host\\share"] {
        assert!(parse(&json!({ "config_dir": path }).to_string()).is_ok(), "{path}");
    }
}

#[test]
fn whole_numbers_may_be_written_as_floating_point_ones() {
    let written = |options: Value| launch(&options).args.last().unwrap().to_str().unwrap().to_owned();
    assert_eq!(written(json!({"max_turns": 3.0})), "--max-turns=3");
    assert_eq!(written(json!({"task_budget": {"total": 2000.0}})), "--task-budget=2000");
    assert_eq!(
        written(json!({"thinking": {"type": "enabled", "budget_tokens": 1e3}})),
        "--max-thinking-tokens=1000"
    );
    assert_eq!(parse("{\"max_queue_bytes\": 1024.0}").unwrap().max_queue_bytes, 1024);
    fails(json!({"max_turns": 1e300}), "/max_turns", "whole number");
}

#[test]
fn words_are_checked_and_the_nearest_one_is_named() {
    fails(json!({"permission_mode": "acceptedits"}), "/permission_mode", "did you mean \"acceptEdits\"?");
    fails(json!({"permission_mode": "tomorrow"}), "/permission_mode", "extra_args");
    fails(json!({"effort": "ultra"}), "/effort", "\"low\", \"medium\", \"high\", \"xhigh\", \"max\"");
    fails(json!({"setting_sources": ["users"]}), "/setting_sources/0", "did you mean \"user\"?");
}

/// `extra_args` helps only where the value would be a flag of the CLI.
#[test]
fn the_way_around_a_list_of_words_is_named_only_where_it_leads_somewhere() {
    for (options, by_flag) in [
        (json!({"effort": "ultra"}), true),
        (json!({"permission_mode": "tomorrow"}), true),
        (json!({"thinking": {"type": "deep"}}), true),
        (json!({"setting_sources": ["moon"]}), true),
        (json!({"request_timeout_action": "allow"}), false),
        (json!({"env_mode": "mine"}), false),
        (json!({"plugin_delivery": "by hand"}), false),
        (json!({"replay": {"path": "a", "speed": "x"}}), false),
        (json!({"system_prompt": {"type": "x"}}), false),
        (json!({"output_format": {"type": "x"}}), false),
        (json!({"tool_config": {"ask_user_question": {"preview_format": "pdf"}}}), false),
        (json!({"plugins": [{"type": "far", "path": "a"}]}), false),
    ] {
        let remedy =
            failure(&options.to_string(), &Features::default()).detail("remedy").unwrap().to_string();
        assert_eq!(remedy.contains("extra_args"), by_flag, "{options}: {remedy}");
    }
}

#[test]
fn the_document_itself_must_be_one_object_without_doubles() {
    fails_text("{\"model\": \"a\", \"model\": \"b\"}", "/model", "given twice");
    fails_text("[]", "", "JSON object");
    fails_text("null", "", "JSON object");
    fails_text("{} {}", "", "trailing characters");
    let error = failure("{\n  \"model\": }", &Features::default());
    assert_eq!(pointer(&error), "");
    assert_eq!((error.detail("line"), error.detail("column")), (Some(&json!(2)), Some(&json!(12))));
    let deep = format!("{{\"settings\": {}1{}}}", "[".repeat(5000), "]".repeat(5000));
    fails_text(&deep, &format!("/settings{}", "/0".repeat(99)), "nested deeper than 100 levels");
    fails_text("{\"model\": \"\\ud800\"}", "/model", "half of a surrogate pair");
    fails_text("{\"max_turns\": 1e999}", "/max_turns", "out of range");
}

#[test]
fn empty_text_stands_for_no_options() {
    for text in ["", "  \n", "{}", "\u{feff}{}"] {
        assert_eq!(parse(text).unwrap().get("model"), None, "{text:?}");
    }
}

#[test]
fn e2_delimiters_cannot_smuggle_in_rules_or_names() {
    for option in ["tools", "allowed_tools", "disallowed_tools"] {
        let place = format!("/{option}/0");
        for rule in
            ["Read,Write", "Read Write", "Bash(ls", "Read\nWrite", "Bash(a) Edit", "Bash((a), Edit(*)"]
        {
            fails(json!({ option: [rule] }), &place, "one tool or rule in each element");
        }
    }
    fails(json!({"betas": ["a,b"]}), "/betas/0", "comma");
    fails(json!({"fallback_model": ["a\nb"]}), "/fallback_model/0", "control character");
}

#[test]
fn nul_is_refused_where_the_system_cannot_pass_it_on() {
    fails(json!({"model": "a\0b"}), "/model", "NUL");
    fails(json!({"env": {"A": "\0"}}), "/env/A", "NUL");
    fails(json!({"env": {"A\0": "1"}}), "/env/A\0", "NUL");
    fails(json!({"env": {"A=B": "1"}}), "/env/A=B", "'='");
    fails(json!({"add_dirs": ["a\0"]}), "/add_dirs/0", "NUL");
    assert_eq!(launch(&json!({"title": "a\0b"})).initialize["title"], "a\0b");
}

#[test]
fn agents_and_servers_must_have_what_the_cli_needs() {
    fails(json!({"agents": {"a/b": {"prompt": "p"}}}), "/agents/a~1b", "\"description\"");
    fails(json!({"agents": {"r": {"description": "d", "prompt": 1}}}), "/agents/r/prompt", "expected text");
    fails(
        json!({"agents": {"r": {"description": "d", "prompt": "p", "max_turns": 1}}}),
        "/agents/r/max_turns",
        "write \"maxTurns\"",
    );
    fails(json!({"mcp_servers": {"a": {}}}), "/mcp_servers/a", "\"command\"");
    fails(json!({"mcp_servers": {"a": {"type": "http"}}}), "/mcp_servers/a", "\"url\"");
    fails(json!({"mcp_servers": {"a": []}}), "/mcp_servers/a", "found a list");
    fails(json!({"mcp_servers": "{\"mcpServers\": {\"a\": {}}}"}), "/mcp_servers/a", "\"command\"");
    fails(json!({"mcp_servers": "{nonsense"}), "/mcp_servers", "not JSON");
    fails(json!({"mcp_servers": {"a": {"type": "sdk"}}}), "/mcp_servers/a", "claude_client_add_mcp_server");
}

#[test]
fn extra_flags_cannot_break_the_protocol_or_repeat_an_option() {
    fails(json!({"extra_args": {"output-format": "text"}}), "/extra_args/output-format", "stream-json");
    fails(json!({"extra_args": {"print": null}}), "/extra_args/print", "prints already");
    fails(json!({"extra_args": {"--debug": null}}), "/extra_args/--debug", "write \"debug\"");
    fails(json!({"extra_args": {"a=b": null}}), "/extra_args/a=b", "letters, digits and hyphens");
    fails(json!({"extra_args": {"a b": "x"}}), "/extra_args/a b", "letters, digits and hyphens");
    fails(json!({"extra_args": {"": "x"}}), "/extra_args/", "letters, digits and hyphens");
    fails(json!({"extra_args": {"x": true}}), "/extra_args/x", "expected text or null, found a boolean");
    fails(json!({"extra_args": {"model": "a"}, "model": "b"}), "/extra_args/model", "for /model");
    fails(
        json!({"extra_args": {"allowed-tools": "a"}, "allowed_tools": ["b"]}),
        "/extra_args/allowed-tools",
        "for /allowed_tools",
    );
    fails(
        json!({"extra_initialize": {"systemPrompt": ["x"]}}),
        "/extra_initialize/systemPrompt",
        "another option",
    );
    fails(json!({"extra_initialize": {"subtype": "x"}}), "/extra_initialize/subtype", "one of the two");
}

#[test]
fn n2_session_options_that_the_cli_refuses_together_are_refused_before_the_start() {
    const ID: &str = "123e4567-e89b-12d3-a456-426614174000";
    let all = [
        ("continue_conversation", json!(true)),
        ("resume", json!(ID)),
        ("session_id", json!(ID)),
        ("fork_session", json!(true)),
        ("resume_session_at", json!(ID)),
        ("resume_drops_turn", json!(ID)),
    ];
    for set in 0u32..64 {
        let has = |index: usize| set & (1 << index) != 0;
        let chosen = all.iter().enumerate().filter(|(index, _)| has(*index));
        let options: serde_json::Map<String, Value> =
            chosen.map(|(_, (name, value))| ((*name).to_owned(), value.clone())).collect();
        let count = options.len();
        // The rules as the CLI states them in its own refusals.
        let refused = (has(2) && (has(0) || has(1)) && !has(3)) || (has(4) && !has(1)) || (has(5) && !has(4));
        let text = Value::from(options).to_string();
        assert_eq!(parse(&text).is_err(), refused, "{text}");
        if !refused {
            assert_eq!(launch(&serde_json::from_str(&text).unwrap()).args.len(), 5 + count, "{text}");
        }
    }
    fails(json!({"session_id": "mine"}), "/session_id", "UUID");
    fails(json!({"session_id": ID.replace('-', "")}), "/session_id", "UUID");
    fails(json!({"model": "opus", "fallback_model": "opus"}), "/fallback_model", "main model");
    fails(json!({"model": "opus", "fallback_model": "sonnet, opus"}), "/fallback_model", "main model");
    fails(json!({"max_buffer_size": 1, "max_message_bytes": 1}), "/max_buffer_size", "another name");
    fails(json!({"record": "a", "replay": "b"}), "/replay", "cannot be recorded");
}

#[test]
fn e1_what_no_command_line_can_hold_is_refused_by_name() {
    let rules: Vec<String> = (0..20_000).map(|n| format!("mcp__server__tool{n}")).collect();
    fails(json!({ "allowed_tools": rules }), "/allowed_tools", "command line");
    let folders: Vec<String> = (0..20_000).map(|n| format!("/some/long/folder/name/{n}")).collect();
    fails(json!({ "add_dirs": folders }), "/add_dirs", "command line");
}

#[test]
fn a_name_that_stands_twice_is_refused_wherever_it_stands() {
    for (text, place) in [
        (r#"{"env": {"A": "1", "B": "2", "A": "3"}}"#, "/env/A"),
        (r#"{"extra_args": {"x": null, "x": "1"}}"#, "/extra_args/x"),
        (
            r#"{"agents": {"a": {"description": "", "prompt": "", "tools": ["x"], "tools": []}}}"#,
            "/agents/a/tools",
        ),
        (
            r#"{"plugins": [{"type": "local", "path": "/a"}, {"path": "/b", "path": "/c"}]}"#,
            "/plugins/1/path",
        ),
        (r#"{"settings": {"permissions": {"deny": ["Bash"], "deny": []}}}"#, "/settings/permissions/deny"),
        (r#"{"mcp_servers": {"a/b": {"command": "x"}, "a/b": {"command": "y"}}}"#, "/mcp_servers/a~1b"),
        (r#"{"mcp_servers": "{\"a\": {\"command\": \"x\", \"command\": \"y\"}}"}"#, "/mcp_servers/a/command"),
    ] {
        fails_text(text, place, "given twice");
    }
}

#[test]
fn no_error_quotes_what_is_wrong_at_full_length() {
    let long = "é".repeat(3_000);
    let list = vec![long.clone(); 3];
    let mut documents: Vec<Value> = Vec::new();
    for row in rows() {
        let values = [
            json!(long),
            json!(list),
            json!({&long: long}),
            json!({"type": long}),
            json!({"x": {&long: long}, "type": 5}),
            json!(format!("({long}")),
            json!(format!("-{long}")),
            json!({format!("-{long}"): null}),
            json!([format!("({long}")]),
        ];
        documents.extend(values.into_iter().map(|value| json!({row.name: value})));
    }
    documents.push(json!({&long: 1}));
    let mut refused = 0;
    for document in documents {
        let text = document.to_string();
        let Err(error) = parse(&text).and_then(|options| options.launch(&Features::default(), &[])) else {
            continue;
        };
        refused += 1;
        let (option, _) = document.as_object().unwrap().iter().next().unwrap();
        let option: String = option.chars().take(20).collect();
        assert!(error.message.len() < 1500, "{option}: {} bytes", error.message.len());
        assert!(error.to_json().len() < 4000, "{option}: {} bytes", error.to_json().len());
        let remedy = error.detail("remedy").and_then(Value::as_str).unwrap();
        assert!(error.message.ends_with(remedy), "{option}: {remedy}");
    }
    assert!(refused > 200, "{refused}");
}

/// What a flag or a registration belongs to would be accepted there, and do nothing.
#[test]
fn fields_of_initialize_that_have_a_way_of_their_own_are_refused_with_its_name() {
    for (field, value, way) in [
        ("hooks", json!({"PreToolUse": []}), "claude_client_add_hook"),
        ("Hooks", json!(null), "claude_client_add_hook"),
        ("sdkMcpServers", json!(["me"]), "claude_client_add_mcp_server"),
        ("settings", json!({"permissions": {"deny": ["Bash"]}}), "option settings"),
        ("sandbox", json!({"enabled": true}), "option sandbox"),
        ("managedSettings", json!({}), "option managed_settings"),
        ("managed_settings", json!({}), "option managed_settings"),
        ("disallowedTools", json!(["Bash"]), "option disallowed_tools"),
        ("disallowed_tools", json!(["Bash"]), "option disallowed_tools"),
        ("allowedTools", json!([]), "option allowed_tools"),
        ("tools", json!(["Read"]), "option tools"),
        ("agents", json!({}), "option agents"),
        ("plugins", json!([]), "option plugins"),
        ("mcpServers", json!({}), "option mcp_servers"),
        ("permissionMode", json!("plan"), "option permission_mode"),
    ] {
        fails(json!({"extra_initialize": {field: value}}), &format!("/extra_initialize/{field}"), way);
    }
    for field in ["title", "newField", "promptSuggestions", "sdkMcpServerManifests", "toolAliases", "skills"]
    {
        assert!(parse(&json!({"extra_initialize": {field: {}}}).to_string()).is_ok(), "{field}");
    }
}

/// Each was taken, and forbade nothing.
#[test]
fn a_rule_that_forbids_nothing_is_refused_where_it_is_to_forbid() {
    let agent =
        |rule: &str| json!({"agents": {"a": {"description": "d", "prompt": "p", "disallowedTools": [rule]}}});
    for (rule, remedy) in [
        ("Bash(rm *)x", "Tool(content)"),
        ("Bash()x", "Tool(content)"),
        ("Read(/a)(/b)x", "Tool(content)"),
        ("Bash)", "Tool(content)"),
        ("Write(/etc/**)", "write Edit(/etc/**)"),
        ("NotebookEdit(x)", "write Edit(x)"),
        ("MultiEdit(x)", "write Edit(x)"),
        ("Glob(x)", "write Read(x)"),
        ("mcp__me__delete(prod)", "write mcp__me__delete"),
        ("mcp__me(x)", "write mcp__me"),
        ("MCP__me__delete", "write mcp__me__delete"),
        ("mcp-me-delete", "write mcp__<server>__<tool>"),
        ("bash*", "Bash"),
        ("web*", "WebFetch"),
    ] {
        fails(json!({"disallowed_tools": [rule]}), "/disallowed_tools/0", remedy);
        fails(agent(rule), "/agents/a/disallowedTools/0", remedy);
    }
    let fine = json!([
        "Bash(git *)",
        "Bash(a (b))",
        "Edit(/etc/**)",
        "Read(x)",
        "Write",
        "Write(*)",
        "mcp__server",
        "mcp__server__*",
        "mcp__me__tool",
        "mcp__me__tool()",
        "mcp__me__tool(*)",
        "WebFetch(domain:x)",
        "Skill(name)",
        "Agent(x)",
        "ToolOfTomorrow(x)",
        "Web*",
        "*",
        "mcp__*",
        "*_delete"
    ]);
    assert!(parse(&json!({"disallowed_tools": fine}).to_string()).is_ok());
    let warned =
        launch(&json!({"disallowed_tools": ["Frob*", "Web*", "*_delete", "mcp__me*"]})).warnings.join("\n");
    assert!(warned.contains("Frob*") && warned.contains("*_delete") && !warned.contains("Web*"), "{warned}");
}

#[test]
fn a_member_that_restricts_an_agent_or_the_sandbox_is_refused_with_a_slip_in_it() {
    for (member, value, remedy) in [
        ("tool", json!(["Read"]), "write \"tools\""),
        ("Tools", json!(["Read"]), "write \"tools\""),
        ("disallowedtools", json!(["Bash"]), "write \"disallowedTools\""),
        ("disallowed_tools", json!(["Bash"]), "write \"disallowedTools\""),
        ("permission_mode", json!("plan"), "write \"permissionMode\""),
        ("maxturns", json!(1), "write \"maxTurns\""),
        ("disallowedTools", json!("Bash"), "list of texts"),
        ("tools", json!("Read"), "list of texts"),
        ("tools", json!({}), "list of texts"),
        ("permissionMode", json!("Plan"), "write \"plan\""),
    ] {
        let agent = json!({"description": "d", "prompt": "p", member: value});
        fails(json!({"agents": {"a": agent}}), &format!("/agents/a/{member}"), remedy);
    }
    let agent = json!({"description": "d", "prompt": "p", "disallowedTools": ["Bash", 1]});
    fails(json!({"agents": {"a": agent}}), "/agents/a/disallowedTools/1", "expected text");
    for (sandbox, place) in [
        (json!({"enable": true}), "/enable"),
        (json!({"Enabled": true}), "/Enabled"),
        (json!({"enabled": "true"}), "/enabled"),
        (json!({"enabled": 1}), "/enabled"),
        (json!({"enabled": null}), "/enabled"),
        (json!({"allow_unsandboxed_commands": false}), "/allow_unsandboxed_commands"),
        (json!({"allowUnsandboxedCommands": "no"}), "/allowUnsandboxedCommands"),
        (json!({"network": []}), "/network"),
        (json!({"network": {"deniedDomain": ["a"]}}), "/network/deniedDomain"),
        (json!({"network": {"deniedDomains": "a"}}), "/network/deniedDomains"),
        (json!({"filesystem": {"denyread": ["/a"]}}), "/filesystem/denyread"),
        (json!({"filesystem": {"denyRead": [1]}}), "/filesystem/denyRead"),
    ] {
        fails(json!({"sandbox": sandbox}), &format!("/sandbox{place}"), "write");
        fails(json!({"settings": {"sandbox": sandbox}}), &format!("/settings/sandbox{place}"), "write");
        let text = json!({"sandbox": sandbox}).to_string();
        fails(json!({"settings": text}), &format!("/settings/sandbox{place}"), "write");
        let managed = json!({"managed_settings": {"sandbox": sandbox}});
        fails(managed, &format!("/managed_settings/sandbox{place}"), "write");
        for flag in ["settings", "managed-settings"] {
            let place = format!("/extra_args/{flag}/sandbox{place}");
            fails(json!({"extra_args": {flag: text}}), &place, "write");
        }
    }
    let fine = json!({"enabled": true, "network": {"allowedDomains": ["a"], "httpProxyPort": 1, "newOne": 1},
        "filesystem": {"denyRead": ["/a"]}, "somethingNew": {"a": 1}, "ripgrep": {"command": "rg"}});
    assert!(parse(&json!({"sandbox": fine}).to_string()).is_ok());
    let agent = json!({"description": "d", "prompt": "p", "tools": null, "color": "red", "newMember": 1, "effort": 3});
    assert!(parse(&json!({"agents": {"a": agent}}).to_string()).is_ok());
}

#[test]
fn rules_that_forbid_nothing_are_refused_in_settings_and_flags_as_well() {
    for (rule, remedy) in
        [("bash", "write Bash"), ("Write(/a)", "write Edit(/a)"), ("mcp__me__x(y)", "write mcp__me__x")]
    {
        for list in ["deny", "ask"] {
            let settings = json!({"permissions": {"allow": ["x y"], list: ["Bash(rm *)", rule]}});
            let place = format!("settings/permissions/{list}/1");
            fails(json!({"settings": settings}), &format!("/{place}"), remedy);
            fails(json!({"settings": settings.to_string()}), &format!("/{place}"), remedy);
            fails(json!({"managed_settings": settings}), &format!("/managed_{place}"), remedy);
        }
        for flag in ["disallowedTools", "disallowed-tools"] {
            let flags = json!({flag: format!("Bash(rm a, b),{rule} Edit")});
            fails(json!({"extra_args": flags}), &format!("/extra_args/{flag}"), remedy);
        }
    }
    fails(
        json!({"settings": {"permissions": {"Deny": ["Bash"]}}}),
        "/settings/permissions/Deny",
        "write \"deny\"",
    );
    fails(
        json!({"settings": {"permissions": {"deny": "Bash"}}}),
        "/settings/permissions/deny",
        "list of texts",
    );
    launch(
        &json!({"settings": {"permissions": {"deny": ["Bash(a, b)", "Edit(//x y)"], "defaultMode": "plan"}}}),
    );
    launch(&json!({"extra_args": {"disallowedTools": "Bash(rm a, b),Edit"}}));
}
