//! Options seen from outside: what the real CLI then does, shown by the requests that reach the API. The model, the
//! prompt, tools and permissions; `options_real_session.rs` has the rest.

use crate::support::probe::stage::Real;
use crate::support::probe::{Kind, Session, Status};
use claude_testkit::loopback::{Reply, Rule, When};
use serde_json::{Value, json};

fn tools(real: &Real, prompt: &str) -> Vec<String> {
    real.asked(prompt).conversation.tools.into_iter().map(|(name, _)| name).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What the tool said, for a call that the API asks for at `prompt`.
fn tool_said(session: &Session, name: &str, input: Value) -> String {
    let prompt = format!("USE_TOOL {}", json!({"name": name, "input": input}));
    session.turn(&prompt)["result"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn model_effort_thinking_betas_and_budget_of_tokens() {
    let Some(real) = Real::new("model_effort_thinking") else { return };
    let session = real.session(json!({
        "model": "sonnet", "effort": "high", "betas": ["context-1m-2025-08-07"], "task_budget": {"total": 50_000},
        "thinking": {"type": "adaptive", "display": "summarized"}, "client_app": "probe-test/1.2",
    }));
    session.turn("hello");
    let request = real.asked("hello");
    assert!(request.conversation.model.contains("sonnet"), "{}", request.conversation.model);
    assert!(session.init()["model"].as_str().unwrap().contains("sonnet"));
    assert_eq!(request.body["output_config"]["effort"], "high");
    assert_eq!(request.body["output_config"]["task_budget"]["total"], 50_000);
    assert_eq!(request.body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert!(request.header("anthropic-beta").unwrap().contains("context-1m-2025-08-07"));
    let agent = request.header("user-agent").unwrap();
    assert!(agent.contains("(external, sdk-cli,") && agent.contains("client-app/probe-test/1.2"), "{agent}");
}

#[test]
fn thinking_with_a_budget_and_without_any() {
    let Some(real) = Real::new("thinking_with_a_budget") else { return };
    // The oldest model that the CLI knows takes a budget; newer ones think as they see fit.
    let cases = [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}), "enabled"),
        (json!({"max_thinking_tokens": 3000}), "enabled"),
        (json!({"thinking": {"type": "disabled"}}), "disabled"),
        (json!({"max_thinking_tokens": 0}), "disabled"),
    ];
    for (at, (options, kind)) in cases.into_iter().enumerate() {
        let budget =
            options["thinking"]["budget_tokens"].as_u64().or(options["max_thinking_tokens"].as_u64());
        let mut options = options;
        options["model"] = "claude-sonnet-4-20250514".into();
        let prompt = format!("think {at}");
        real.session(options).turn(&prompt);
        let thinking = real.asked(&prompt).body["thinking"].clone();
        match kind {
            "enabled" => assert_eq!(thinking["budget_tokens"].as_u64(), budget, "{prompt}: {thinking}"),
            _ => assert!(thinking.is_null() || thinking["type"] == "disabled", "{prompt}: {thinking}"),
        }
    }
}

#[test]
fn every_form_of_the_system_prompt() {
    let Some(real) = Real::new("every_form_of_the_system_prompt") else { return };
    let file = real.file("prompt.txt", "FROM A FILE");
    let boundary = "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__";
    let preset = |more: Value| {
        let mut prompt = json!({"type": "preset", "preset": "claude_code"});
        prompt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        prompt
    };
    let own = "# Harness";
    let cases = [
        (Value::Null, vec![], vec![own]),
        (json!("PLAIN TEXT"), vec!["PLAIN TEXT"], vec![own]),
        (json!(["FIRST", boundary, "SECOND"]), vec!["FIRST", "SECOND"], vec![own, boundary]),
        (json!({"type": "custom", "prompt": "CUSTOM", "snapshot": false}), vec!["CUSTOM"], vec![own]),
        (json!({"type": "file", "path": file}), vec!["FROM A FILE"], vec![own]),
        (preset(json!({})), vec![own], vec![]),
        (preset(json!({"append": "APPENDED"})), vec![own, "APPENDED"], vec![]),
        (preset(json!({"exclude_dynamic_sections": true})), vec![own], vec![]),
    ];
    for (at, (prompt, there, gone)) in cases.into_iter().enumerate() {
        let text = format!("system {at}");
        let mut options = json!({});
        if !prompt.is_null() {
            options["system_prompt"] = prompt;
        }
        real.session(options).turn(&text);
        let system = real.asked(&text).conversation.system;
        for part in there {
            assert!(system.contains(part), "case {at}: {part} is not in {system}");
        }
        for part in gone {
            assert!(!system.contains(part), "case {at}: {part} is in {system}");
        }
    }
}

#[test]
fn tools_that_exist_and_tools_that_never_run() {
    let Some(real) = Real::new("tools_that_exist") else { return };
    let session = real.session(json!({"tools": ["Read", "Bash"], "disallowed_tools": ["Bash"]}));
    session.turn("few");
    assert_eq!(session.init()["tools"], json!(["Read"]));
    let session = real.session(json!({"tools": []}));
    session.turn("none");
    assert_eq!(session.init()["tools"], json!([]));
    assert_eq!(tools(&real, "none"), Vec::<String>::new());
    let session = real.session(json!({"tools": {"type": "preset", "preset": "claude_code"}}));
    session.turn("all");
    assert!(texts(&session.init()["tools"]).len() > 10);
    assert!(tools(&real, "all").contains(&"Bash".to_owned()));
}

#[test]
fn permissions_without_anybody_to_ask() {
    let Some(real) = Real::new("permissions_without_anybody_to_ask") else { return };
    let write = |name: &str| json!({"file_path": real.sandbox.work().join(name), "content": "x"});
    let written = |name: &str| real.sandbox.work().join(name).exists();

    let session = real.session(json!({"permission_prompts": "none"}));
    tool_said(&session, "Write", write("denied"));
    assert!(!written("denied"));
    assert_eq!(session.of(Kind::CLAUDE_MESSAGE_RESULT)[0]["permission_denials"][0]["tool_name"], "Write");

    let session = real.session(json!({"allowed_tools": ["Write"]}));
    tool_said(&session, "Write", write("allowed"));
    assert!(written("allowed"));

    let session = real.session(json!({"permission_mode": "acceptEdits"}));
    tool_said(&session, "Write", write("accepted"));
    assert!(written("accepted"));
    assert_eq!(session.init()["permissionMode"], "acceptEdits");

    let managed = json!({"permissions": {"deny": ["Write"]}});
    let session = real.session(json!({"managed_settings": managed, "permission_mode": "acceptEdits"}));
    tool_said(&session, "Write", write("managed"));
    assert!(!written("managed"));

    let session = real.session(json!({
        "allow_dangerously_skip_permissions": true, "env": {"IS_SANDBOX": "1"},
    }));
    let mode = json!({"subtype": "set_permission_mode", "mode": "bypassPermissions"});
    session.control(&mode).expect("the option allows the switch");
    tool_said(&session, "Write", write("bypassed"));
    assert!(written("bypassed"));
}

#[test]
fn a_start_that_managed_settings_forbid_says_why() {
    let Some(real) = Real::new("a_start_that_managed_settings_forbid") else { return };
    let mut env = real.sandbox.env_json();
    env["CLAUDE_CODE_STARTUP_FAILURE_RESULTS"] = json!("1");
    let session = Session::created(&real.options(json!({
        "env": env, "managed_settings": {"disableSideloadFlags": true},
        "mcp_servers": {"small": crate::support::probe::controls::server()},
    })));
    let failure = session.connect(None).expect_err("the CLI refuses to start");
    assert_eq!(failure.status, Status::CLAUDE_ERR_RESULT, "{failure:#?}");
    assert_eq!(failure.json["startup_failure_reason"], "sideload_flags_disabled", "{failure:#?}");
}

#[test]
fn a_tool_of_an_mcp_server_answers_permission_questions() {
    let Some(real) = Real::new("a_tool_of_an_mcp_server_answers") else { return };
    let session = real.session(json!({
        "permission_prompt_tool_name": "mcp__small__echo", "mcp_servers": {"small": crate::support::probe::controls::server()},
    }));
    let file = real.sandbox.work().join("asked");
    tool_said(&session, "Write", json!({"file_path": file, "content": "x"}));
    // The server's answer is no decision, and whatever is none does not allow.
    assert!(!file.exists());
    let said = real.api.messages().pop().unwrap().conversation.tool_results.join(" ");
    assert!(said.contains("permission prompt tool returned"), "{said}");
}

#[test]
fn o4_limits_end_the_run() {
    let Some(real) = Real::new("o4_limits_end_the_run") else { return };
    let endless = Rule::always(Reply::tool("Bash", json!({"command": "echo x"})));
    real.api.set_rules(vec![endless]);
    let session = real.session(json!({"max_turns": 2}));
    assert_eq!(session.turn("go")["subtype"], "error_max_turns");
    let session = real.session(json!({"max_budget_usd": 0.000_001}));
    assert_eq!(session.turn("go")["subtype"], "error_max_budget_usd");
}

#[test]
fn the_fallback_model_takes_over() {
    let Some(real) = Real::new("the_fallback_model_takes_over") else { return };
    let opus = When { model: Some("opus".into()), ..When::default() };
    let busy = Rule { when: opus, reply: Reply::error(529), times: None };
    real.api.set_rules(vec![busy]);
    let session = real.session(
        json!({"model": "opus", "fallback_model": ["haiku"], "env": {"CLAUDE_CODE_MAX_RETRIES": "3"}}),
    );
    let result = session.turn("hello");
    assert_eq!(result["is_error"], false, "{result}");
    assert!(real.asked("hello").conversation.model.contains("haiku"));
}

#[test]
fn a_schema_gives_structured_output() {
    let Some(real) = Real::new("a_schema_gives_structured_output") else { return };
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let session = real.session(json!({"output_format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(session.turn("Rome")["structured_output"], json!({"city": "Rome"}));
}

#[test]
fn prompts_and_what_comes_with_them() {
    let Some(real) = Real::new("prompts_and_what_comes_with_them") else { return };
    let session = real.session(json!({
        "verbatim_prompts": true, "permission_mode": "plan", "plan_mode_instructions": "PLAN LIKE THIS",
        "include_partial_messages": true,
    }));
    session.turn("/cost @file.txt");
    let request = real.asked("/cost @file.txt");
    assert!(request.body.to_string().contains("PLAN LIKE THIS"));
    assert!(!session.of(Kind::CLAUDE_MESSAGE_STREAM_EVENT).is_empty());
    assert!(session.of(Kind::CLAUDE_EVENT_TEXT_DELTA).is_empty());

    let session = real.session(json!({"text_deltas": true, "turn_events": true}));
    let asked = real.api.messages().len();
    let result = session.turn("/cost");
    assert_eq!(real.api.messages().len(), asked, "a command of the CLI asks nobody: {result}");
    session.turn("hello");
    let text: String = session.of(Kind::CLAUDE_EVENT_TEXT_DELTA).iter().filter_map(Value::as_str).collect();
    assert!(text.ends_with("I have seen 1 user message(s).") || text.contains("hello"), "{text}");
    session.wait_until("an event behind each result", |messages| {
        let is_event = |(kind, _): &&(Kind, Value)| *kind == Kind::CLAUDE_EVENT_TURN_ENDED;
        (messages.iter().filter(is_event).count() == 2).then_some(())
    });
}

#[test]
fn aliases_lead_to_tools() {
    let Some(real) = Real::new("aliases_lead_to_tools") else { return };
    let session = real.session(json!({"tool_aliases": {"Shell": "Bash"}}));
    assert_eq!(tool_said(&session, "Shell", json!({"command": "echo by-alias"})), "The tool said: by-alias");
}
