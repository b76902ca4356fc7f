//! The behaviours of the official SDKs that people rely on, by their numbers in the list of edge cases.

use std::ffi::OsString;

use crate::common::{args, environment, failure, launch, launch_with, pointer, variable};
use claude_client::error::{Error, Status};
use claude_client::options::{DENY_LIST, Features, Launch, Platform, is_batch_file, parse};
use serde_json::{Value, json};

fn flag<'a>(launch: &'a Launch, name: &str) -> Vec<&'a str> {
    args(launch).into_iter().filter(|arg| arg.split('=').next() == Some(name)).collect()
}

fn on_windows(options: Value) -> Result<Launch, Error> {
    parse(&options.to_string())?.launch_on(Platform::Windows, &Features::default(), &[])
}

#[test]
fn edge_064_permission_handler_and_prompt_tool_exclude_each_other() {
    let features = Features { permission_handler: true, ..Features::default() };
    let error = failure("{\"permission_prompt_tool_name\": \"mcp__a__b\"}", &features);
    assert_eq!((error.status, pointer(&error)), (Status::InvalidOption, "/permission_prompt_tool_name"));
    let alone = launch_with(&json!({}), &features).unwrap();
    assert_eq!(flag(&alone, "--permission-prompt-tool"), ["--permission-prompt-tool=stdio"]);
}

#[test]
fn e3_edge_121_setting_sources_empty() {
    assert_eq!(flag(&launch(&json!({"setting_sources": []})), "--setting-sources"), ["--setting-sources="]);
    assert!(flag(&launch(&json!({})), "--setting-sources").is_empty());
}

#[test]
fn e2_edge_122_a_value_that_looks_like_a_flag_stays_a_value() {
    let launch = launch(&json!({"resume": "--version"}));
    assert_eq!(args(&launch)[5..], ["--resume=--version"]);
}

#[test]
fn e2_edge_122_no_text_option_can_inject_an_argument() {
    let texts = [
        "model",
        "resume",
        "agent",
        "permission_prompt_tool_name",
        "project_config_root",
        "settings",
        "mcp_servers",
        "debug",
        "debug_file",
        "resume_session_at",
        "fallback_model",
        "effort",
        "session_id",
        "permission_mode",
        "add_dirs",
        "tools",
        "allowed_tools",
        "disallowed_tools",
        "betas",
        "setting_sources",
        "extra_args",
    ];
    let mut passed = 0;
    for option in texts {
        for value in ["--version", "-p", "a,b(c)", "a\nb", "", "a b", "--flag=x"] {
            for form in [json!(value), json!([value]), json!({"x": value})] {
                let mut options = json!({ option: form });
                if option == "resume_session_at" {
                    options["resume"] = "id".into();
                }
                let Ok(launch) = launch_with(&options, &Features::default()) else { continue };
                for arg in &args(&launch)[5..] {
                    passed += 1;
                    if ["--await-initialize", "--initialize-fields=settings"].contains(&&**arg) {
                        continue; // the text is in initialize
                    }
                    let (flag, rest) = arg.split_once('=').unwrap_or_else(|| panic!("{option}: {arg}"));
                    assert!(
                        flag.starts_with("--") && !["--version", "--flag"].contains(&flag),
                        "{option}: {arg}"
                    );
                    let quoted = value.replace('\n', "\\n");
                    assert!(
                        rest.contains(value) || rest.contains(&quoted) || rest == "id",
                        "{option}: {arg}"
                    );
                }
            }
        }
    }
    assert!(passed > 50, "only {passed} arguments were looked at");
}

#[test]
fn edge_123_extra_args_with_a_dash() {
    let launch = launch(&json!({"extra_args": {"k": "-v", "flag": null, "empty": ""}}));
    assert_eq!(args(&launch)[5..], ["--k=-v", "--flag", "--empty="]);
}

#[test]
fn edge_124_thinking_adaptive_is_not_a_number() {
    assert_eq!(args(&launch(&json!({"thinking": {"type": "adaptive"}})))[5..], ["--thinking=adaptive"]);
}

#[test]
fn edge_125_no_system_prompt_means_an_empty_one() {
    let unset = launch(&json!({}));
    assert_eq!(unset.initialize["systemPrompt"], json!([""]));
    let preset = launch(&json!({"system_prompt": {"type": "preset", "preset": "claude_code"}}));
    assert!(!preset.initialize.contains_key("systemPrompt"));
}

#[test]
fn e2_edge_126_skill_names_that_would_change_the_rules() {
    let bad = [
        "",
        " ",
        "a,b",
        "a(b",
        "a)",
        " a",
        "a ",
        "*",
        "a:*",
        "a *",
        "/a",
        "a\\\\b",
        "a\\",
        "a\nb",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{feff}b",
    ];
    for name in bad {
        let error = failure(&json!({ "skills": [name] }).to_string(), &Features::default());
        assert_eq!(pointer(&error), "/skills/0", "{name:?}: {error}");
    }
    for name in ["pdf", "my skill", "plugin:skill", "a\\b", "a*b", "日本語"] {
        let launch = launch(&json!({ "skills": [name] }));
        assert_eq!(flag(&launch, "--allowedTools"), [format!("--allowedTools=Skill({name})")]);
    }
    let error = failure("{\"skills\": \"pdf\"}", &Features::default());
    assert!(error.message.contains("write [\"pdf\"]"), "{error}");
}

#[test]
fn edge_127_settings_file_with_byte_order_mark_and_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let cwd = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("s.json"), "\u{feff}{\"model\": \"opus\", \"sandbox\": {\"a\": 1}}")
        .unwrap();
    let options = |file: &str| json!({"settings": file, "cwd": cwd, "sandbox": {"enabled": true}});
    assert_eq!(
        launch(&options("s.json")).initialize["settings"],
        json!({"model": "opus", "sandbox": {"a": 1, "enabled": true, "failIfUnavailable": true}})
    );
    std::fs::write(folder.path().join("bad.json"), "{\"model\": ").unwrap();
    std::fs::write(folder.path().join("list.json"), "[]").unwrap();
    for file in ["missing.json", "bad.json", "list.json", "."] {
        let error = failure(&options(file).to_string(), &Features::default());
        assert_eq!((error.status, pointer(&error)), (Status::CliConnection, "/settings"), "{file}");
        assert!(error.message.starts_with("Failed to load settings: "), "{error}");
    }
}

#[test]
fn k1_k2_edge_128_marks_of_an_outer_session_are_not_inherited() {
    let host: Vec<(OsString, OsString)> = DENY_LIST.iter().map(|name| (name.into(), "1".into())).collect();
    let run = |options: Value| {
        parse(&options.to_string()).unwrap().launch_on(Platform::Unix, &Features::default(), &host).unwrap()
    };
    let denied = |launch: &Launch| DENY_LIST.iter().filter(|name| variable(launch, name).is_some()).count();
    assert_eq!(denied(&run(json!({}))), 0);
    assert_eq!(denied(&run(json!({"env_mode": "only"}))), 0);
    assert_eq!(denied(&run(json!({"env_mode": "inherit"}))), DENY_LIST.len());
    let kept = run(json!({"env": {"CLAUDECODE": "yes"}}));
    assert_eq!((denied(&kept), variable(&kept, "CLAUDECODE")), (1, Some("yes")));
}

#[test]
fn e1_edge_129_nothing_large_goes_on_the_command_line() {
    let agents: serde_json::Map<String, Value> = (0..500)
        .map(|n| (format!("agent{n}"), json!({"description": "d".repeat(200), "prompt": "p".repeat(2000)})))
        .collect();
    let servers: serde_json::Map<String, Value> = (0..100)
        .map(|n| (format!("server{n}"), json!({"command": "x", "env": {"KEY": "k".repeat(2000)}})))
        .collect();
    let options = json!({
        "system_prompt": "s".repeat(10_000_000),
        "agents": agents,
        "mcp_servers": servers,
        "output_format": {"type": "json_schema", "schema": {"description": "x".repeat(1_000_000)}},
        "settings": {"permissions": {"deny": ["Read(x)".repeat(100_000)]}},
        "managed_settings": {"env": {"A": "x".repeat(1_000_000)}},
        "plugins": (0..1000).map(|n| json!({"type": "local", "path": format!("/plugin/{n}")})).collect::<Vec<_>>(),
        "plan_mode_instructions": "i".repeat(1_000_000),
        "title": "t".repeat(1_000_000),
    });
    let launch = launch(&options);
    let size: usize = args(&launch).iter().map(|arg| arg.len() + 1).sum();
    assert!(size < 4096, "{size} bytes of arguments");
    assert_eq!(launch.initialize["systemPrompt"][0].as_str().unwrap().len(), 10_000_000);
    assert_eq!(launch.initialize["agents"].as_object().unwrap().len(), 500);
    assert_eq!(launch.initialize["mcpServers"].as_object().unwrap().len(), 100);
    assert!(launch.initialize["settings"]["permissions"]["deny"][0].as_str().unwrap().len() > 100_000);
}

#[test]
fn edge_129_secrets_never_stand_in_the_process_list() {
    let options = json!({
        "mcp_servers": {"a": {"command": "x", "env": {"K": "CANARY"}}, "b": {"type": "sse", "url": "u",
            "headers": {"Authorization": "CANARY"}}},
        "settings": {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "curl -H CANARY"}]}]}},
        "managed_settings": {"companyAnnouncements": ["CANARY"]},
        "env": {"ANTHROPIC_API_KEY": "CANARY"},
        "system_prompt": "CANARY",
    });
    for (host_transport, no_early_initialize) in [(false, false), (true, false), (false, true)] {
        let features = Features { host_transport, no_early_initialize, ..Features::default() };
        let launch = launch_with(&options, &features).unwrap();
        assert!(args(&launch).iter().all(|arg| !arg.contains("CANARY")), "{:?}", args(&launch));
        assert!(!format!("{launch:?} {:?}", parse(&options.to_string())).contains("CANARY"));
        assert_eq!(launch.private_files.is_empty(), !no_early_initialize);
    }
}

#[test]
fn j2_edge_130_batch_files_in_every_spelling() {
    let batch = [
        "claude.cmd",
        "claude.CMD",
        "claude.bat",
        "claude.cmd.",
        "claude.cmd ",
        "claude.cmd. .",
        "claude.cmd:stream",
        "C:claude.cmd",
        "x.cmd\\..\\y",
        "dir/x.bat/claude.exe",
        ".cmd",
        "C:\\a b\\claude.Bat",
    ];
    for path in batch {
        assert!(is_batch_file(path), "{path}");
        let error = on_windows(json!({ "cli_path": path })).unwrap_err();
        assert_eq!((error.status, pointer(&error)), (Status::CliConnection, "/cli_path"));
        assert!(error.message.starts_with("Refusing to execute batch script"), "{error}");
        assert!(launch_with(&json!({ "cli_path": path }), &Features::default()).is_ok(), "{path}");
    }
    for path in ["claude.exe", "claude", "cmd", "my.cmd.exe", "C:\\cmd\\claude.exe", "batman"] {
        assert!(!is_batch_file(path), "{path}");
        assert!(on_windows(json!({ "cli_path": path })).is_ok(), "{path}");
    }
}

#[test]
fn edge_130_windows_has_no_user_switch() {
    let error = on_windows(json!({"user": "somebody"})).unwrap_err();
    assert_eq!((error.status, pointer(&error)), (Status::Unsupported, "/user"));
}

#[test]
fn edge_130_shell_characters_in_session_names() {
    for letter in ["&", "|", "<", ">", "^", "%", "!", "\"", "\r", "\n"] {
        let options = json!({"resume": format!("a{letter}b")});
        assert_eq!(pointer(&on_windows(options.clone()).unwrap_err()), "/resume", "{letter:?}");
        assert!(launch_with(&options, &Features::default()).is_ok(), "{letter:?}");
        let options = json!({"resume": "a", "resume_session_at": format!("a{letter}b")});
        assert_eq!(pointer(&on_windows(options).unwrap_err()), "/resume_session_at");
    }
    let long: Vec<String> = (0..2_000).map(|n| format!("mcp__server__tool{n}")).collect();
    assert!(launch_with(&json!({ "allowed_tools": long }), &Features::default()).is_ok());
    assert_eq!(pointer(&on_windows(json!({ "allowed_tools": long })).unwrap_err()), "/allowed_tools");
}

#[test]
fn edge_131_unicode_and_spaces_are_passed_exactly() {
    let text = "/tmp/ü ñ 日本 '\" $HOME";
    let launch = launch(&json!({
        "cwd": text, "cli_path": text, "env": {"NÄME": text}, "add_dirs": [text], "config_dir": text,
    }));
    assert_eq!(launch.cwd.as_deref().unwrap().to_str(), Some(text));
    assert_eq!(launch.cli_path.as_deref().unwrap().to_str(), Some(text));
    assert_eq!(flag(&launch, "--add-dir"), [format!("--add-dir={text}")]);
    assert_eq!(variable(&launch, "NÄME"), Some(text));
    assert_eq!(variable(&launch, "PWD"), Some(text));
    assert_eq!(variable(&launch, "CLAUDE_CONFIG_DIR"), Some(text));
}

#[test]
fn the_environment_has_what_the_cli_expects_of_an_sdk() {
    let host = environment(&[
        ("CLAUDE_CODE_ENTRYPOINT", "cli"),
        ("CLAUDE_AGENT_SDK_VERSION", "9"),
        ("CLAUDE_AGENT_SDK_DERIVED_CLIENT_APP", "x"),
        ("CLAUDE_AGENT_SDK_CLIENT_APP", "outer/1"),
        ("TRACEPARENT", "old"),
        ("TRACESTATE", "old"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "kept"),
    ]);
    let run = |options: Value| {
        parse(&options.to_string()).unwrap().launch_on(Platform::Unix, &Features::default(), &host).unwrap()
    };
    let plain = run(json!({}));
    let own_name = concat!("claude-client/", env!("CARGO_PKG_VERSION"));
    for mode in ["overlay", "inherit", "only"] {
        let launch = run(json!({"env_mode": mode, "env": {"HOME": "/h"}}));
        assert_eq!(variable(&launch, "CLAUDE_CODE_ENTRYPOINT"), None, "{mode}");
        assert_eq!(variable(&launch, "CLAUDE_AGENT_SDK_CLIENT_APP"), Some(own_name), "{mode}");
    }
    for (options, app) in [
        (json!({"env": {"CLAUDE_AGENT_SDK_CLIENT_APP": "by-env/1"}}), Some("by-env/1")),
        (json!({"env": {"CLAUDE_AGENT_SDK_CLIENT_APP": null}}), None),
        (json!({"client_app": ""}), Some("")),
    ] {
        assert_eq!(variable(&run(options.clone()), "CLAUDE_AGENT_SDK_CLIENT_APP"), app, "{options}");
    }
    assert_eq!(variable(&plain, "CLAUDE_AGENT_SDK_VERSION"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(variable(&plain, "CLAUDE_AGENT_SDK_DERIVED_CLIENT_APP"), None);
    assert_eq!(variable(&plain, "CLAUDE_CODE_SDK_READS_SESSION_STATE"), Some("1"));
    assert_eq!(variable(&plain, "CLAUDE_CODE_OAUTH_TOKEN"), Some("kept"));
    assert_eq!(variable(&plain, "TRACEPARENT"), Some("old"));
    let own = run(json!({"env": {"CLAUDE_CODE_ENTRYPOINT": "mine", "CLAUDE_AGENT_SDK_VERSION": "8",
        "claude_code_sdk_reads_session_state": "0", "TRACESTATE": "mine"},
        "trace_context": {"traceparent": "new"}, "client_app": "typed"}));
    assert_eq!(variable(&own, "CLAUDE_CODE_ENTRYPOINT"), Some("mine"));
    assert_eq!(variable(&own, "CLAUDE_AGENT_SDK_VERSION"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(variable(&own, "CLAUDE_CODE_SDK_READS_SESSION_STATE"), None);
    assert_eq!((variable(&own, "TRACEPARENT"), variable(&own, "TRACESTATE")), (Some("new"), Some("mine")));
    let traced = run(json!({"trace_context": {"traceparent": "new"}}));
    assert_eq!((variable(&traced, "TRACEPARENT"), variable(&traced, "TRACESTATE")), (Some("new"), None));
}

#[test]
fn s2_only_mode_keeps_the_hosts_secrets_out() {
    let host = environment(&[("HOST_SECRET", "x"), ("systemroot", "C:\\Windows"), ("PATH", "p")]);
    let options = parse("{\"env_mode\": \"only\", \"env\": {\"HOME\": \"/h\", \"home\": \"/i\"}}").unwrap();
    let unix = options.launch_on(Platform::Unix, &Features::default(), &host).unwrap();
    let names = |launch: &Launch| -> Vec<String> {
        launch.env.iter().map(|(name, _)| name.to_str().unwrap().to_owned()).collect()
    };
    let own =
        ["CLAUDE_AGENT_SDK_CLIENT_APP", "CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_SDK_READS_SESSION_STATE"];
    assert_eq!(names(&unix), [own[0], "HOME", "home", own[1], own[2]]);
    let windows = options.launch_on(Platform::Windows, &Features::default(), &host).unwrap();
    assert_eq!(names(&windows), ["systemroot", own[0], "HOME", own[1], own[2]]);
    assert_eq!(variable(&windows, "HOME"), Some("/i"));
}

#[test]
fn the_connect_timeout_honours_the_official_variable() {
    let run = |options: &str, host: &[(&str, &str)]| {
        let launch = parse(options).unwrap().launch(&Features::default(), &environment(host)).unwrap();
        (launch.connect_timeout.as_millis(), launch.warnings.len())
    };
    const NAME: &str = "CLAUDE_CODE_STREAM_CLOSE_TIMEOUT";
    assert_eq!(run("{}", &[]), (60_000, 0));
    assert_eq!(run("{}", &[(NAME, "90000")]), (90_000, 0));
    assert_eq!(run("{}", &[(NAME, "1000")]), (60_000, 0));
    assert_eq!(run("{}", &[(NAME, "soon")]), (60_000, 1));
    assert_eq!(run("{\"connect_timeout_ms\": 5}", &[(NAME, "90000")]), (5, 0));
}

#[test]
fn a_server_cannot_be_both_in_process_and_external() {
    let features = Features { sdk_mcp_servers: vec![("a".into(), Value::Null)], ..Features::default() };
    let error = failure("{\"mcp_servers\": {\"a\": {\"command\": \"x\"}}}", &features);
    assert_eq!(pointer(&error), "/mcp_servers/a");
}

#[test]
fn a_dialog_that_is_named_twice_is_announced_once() {
    let options = parse(r#"{"supported_dialog_kinds": ["a", "b", "a"]}"#).unwrap();
    let features = Features {
        dialog_kinds: vec!["c".into(), "b".into(), "a".into(), "c".into()],
        ..Features::default()
    };
    let launch = options.launch(&features, &environment(&[])).unwrap();
    assert_eq!(launch.initialize["supportedDialogKinds"], json!(["a", "b", "c"]));
}
