//! Options seen from outside, second half: sessions, settings, folders, environment, agents, servers and the process.

use std::path::Path;

use crate::support::probe::controls::server;
use crate::support::probe::stage::{Real, merged};
use crate::support::probe::{Kind, Session, Status};
use claude_client::options::row::To;
use claude_client::options::table::rows;
use claude_client::options::{DENY_LIST, OF_ANOTHER_START};
use serde_json::{Value, json};

/// What a shell command prints that the CLI runs.
fn shell_says(session: &Session, command: &str) -> String {
    let call = json!({"name": "Bash", "input": {"command": command}});
    let text = session.turn(&format!("USE_TOOL {call}"))["result"].as_str().unwrap_or_default().to_owned();
    text.strip_prefix("The tool said: ").unwrap_or(&text).to_owned()
}

/// The names in a list of texts or of objects with a name.
fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().or(item["name"].as_str())).collect()
}

fn transcripts(folder: &Path) -> Vec<std::path::PathBuf> {
    let projects = std::fs::read_dir(folder.join("projects")).into_iter().flatten().flatten();
    let files =
        projects.flat_map(|project| std::fs::read_dir(project.path()).into_iter().flatten().flatten());
    files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect()
}

#[test]
fn sessions_that_go_on() {
    let Some(real) = Real::new("sessions_that_go_on") else { return };
    let id = "44444444-4444-4444-8444-444444444444";
    let session = real.session(json!({"session_id": id, "title": "A title of mine"}));
    session.turn("the first");
    assert_eq!(session.init()["session_id"], id);
    session.turn("the second");
    session.disconnect().unwrap();
    let kept = transcripts(&real.sandbox.home().join(".claude"));
    assert_eq!(kept.len(), 1);
    assert!(std::fs::read_to_string(&kept[0]).unwrap().contains("A title of mine"));
    let texts = |prompt: &str| real.asked(prompt).conversation.user_texts;

    let session = real.session(json!({"resume": id}));
    session.turn("resumed");
    assert_eq!(session.init()["session_id"], id);
    assert_eq!(texts("resumed"), ["the first", "the second", "resumed"]);
    session.disconnect().unwrap();

    let other = "55555555-5555-4555-8555-555555555555";
    let session = real.session(json!({"resume": id, "fork_session": true, "session_id": other}));
    session.turn("forked");
    assert_eq!(session.init()["session_id"], other);
    assert_eq!(texts("forked"), ["the first", "the second", "resumed", "forked"]);
    session.disconnect().unwrap();

    let session = real.session(json!({"continue_conversation": true}));
    session.turn("continued");
    assert_eq!(texts("continued")[..2], ["the first", "the second"]);
}

#[test]
fn resuming_in_the_middle() {
    let Some(real) = Real::new("resuming_in_the_middle") else { return };
    let session = real.session(json!({}));
    session.turn("one");
    let answer = session.of(Kind::CLAUDE_MESSAGE_ASSISTANT)[0]["uuid"].clone();
    let id = session.init()["session_id"].clone();
    let second = session.query("two");
    session.receive_to(&second, 60_000).unwrap();
    session.disconnect().unwrap();
    let at = json!({"resume": id, "resume_session_at": answer, "fork_session": true});
    let session = real.session(merged(at.clone(), json!({"resume_drops_turn": second})));
    session.turn("three");
    assert_eq!(real.asked("three").conversation.user_texts, ["one", "three"]);
    drop(session);
    let wrong = Session::created(
        &real.options(merged(at, json!({"resume_drops_turn": "66666666-6666-4666-8666-666666666666"}))),
    );
    let failure = wrong.connect(None).unwrap_err();
    assert!(failure.json.to_string().contains("resume-drops-turn"), "{failure:#?}");
}

#[test]
fn nothing_is_kept_when_it_must_not_be() {
    let Some(real) = Real::new("nothing_is_kept") else { return };
    let session = real.session(json!({"persist_session": false}));
    session.turn("secret");
    session.disconnect().unwrap();
    assert_eq!(transcripts(&real.sandbox.home().join(".claude")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn folders_and_environment() {
    let Some(real) = Real::new("folders_and_environment") else { return };
    let (other, extra) = (real.sandbox.root().join("öther föld"), real.sandbox.root().join("extra dir"));
    std::fs::create_dir_all(&other).unwrap();
    std::fs::create_dir_all(&extra).unwrap();
    let config = real.sandbox.root().join("own config");
    let debug = real.sandbox.root().join("debug.log");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let session = real.session(json!({
        "cwd": other, "add_dirs": [extra], "config_dir": config, "prevent_autoupdate": true, "debug_file": debug,
        "env": {"PROBE_ONE": "grüße", "LANG": null}, "allowed_tools": ["Bash"], "trace_context": {"traceparent": parent}, "env_mode": "only",
        "tool_config": {"ask_user_question": {"preview_format": "html"}}, "enable_file_checkpointing": true,
    }));
    let said = shell_says(
        &session,
        "echo \"$PROBE_ONE|$PWD|$DISABLE_AUTOUPDATER|$CLAUDE_CODE_ENTRYPOINT|${LANG-none}\"",
    );
    let other = other.canonicalize().unwrap();
    assert_eq!(said, format!("grüße|{}|1|sdk-cli|none", other.display()));
    let init = session.init();
    assert_eq!(init["cwd"], json!(other));
    assert_eq!(init["additional_directories"], json!([extra]));
    let pid = session.pid();
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let environ = String::from_utf8_lossy(&environ);
    for part in
        [parent, "CLAUDE_CODE_QUESTION_PREVIEW_FORMAT=html", "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true"]
    {
        assert!(cfg!(not(target_os = "linux")) || environ.contains(part), "{part}");
    }
    session.disconnect().unwrap();
    assert_eq!(transcripts(&config).len(), 1);
    assert!(!real.sandbox.home().join(".claude").exists(), "nothing in the user's own folder");
    assert!(std::fs::metadata(&debug).unwrap().len() > 0);
}

/// The number of agents that the CLI brings, the user agent, and the entry point in every line of the session's file.
fn known_as(env: Value) -> Option<(usize, String, Vec<String>)> {
    let real = Real::new("known_as")?;
    let session = real.session(json!({"env": env}));
    session.turn("who are you");
    let agents = session.init()["agents"].as_array().map(Vec::len).unwrap_or_default();
    let agent = real.asked("who are you").header("user-agent").unwrap_or_default().to_owned();
    session.disconnect().unwrap();
    let file = std::fs::read_to_string(&transcripts(&real.sandbox.home().join(".claude"))[0]).unwrap();
    let lines = file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut entries: Vec<String> =
        lines.filter_map(|line| line["entrypoint"].as_str().map(str::to_owned)).collect();
    entries.dedup();
    Some((agents, agent, entries))
}

#[test]
fn the_cli_knows_a_session_for_a_programs_and_the_api_knows_this_library() {
    let Some((agents, agent, entries)) = known_as(json!({})) else { return };
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("(external, sdk-cli, agent-sdk/{version}, client-app/claude-client/{version})");
    assert!(agent.ends_with(&name), "{agent}");
    assert_eq!(entries, ["sdk-cli"]);
    let (official, ..) = known_as(json!({"CLAUDE_CODE_ENTRYPOINT": "sdk-py"})).unwrap();
    assert_eq!(agents, official);
    // What the CLI does not know is a person to it, who gets one more. The host's own word goes.
    let (more, _, entries) = known_as(json!({"CLAUDE_CODE_ENTRYPOINT": "sdk-other"})).unwrap();
    assert!(more > agents, "{more} > {agents}");
    assert_eq!(entries, ["sdk-other"]);
}

#[test]
fn k1_no_mark_that_a_session_leaves_in_its_tools_reaches_the_sessions_of_a_host_among_them() {
    let Some(real) = Real::new("no_mark") else { return };
    let session = real.session(json!({"allowed_tools": ["Bash"]}));
    let said = shell_says(&session, "env | cut -d= -f1 | grep '^CLAUDE' | sort");
    let marks = said.split_whitespace().filter(|name| name.starts_with("CLAUDE")).collect::<Vec<_>>();
    assert!(marks.contains(&"CLAUDECODE") && marks.contains(&"CLAUDE_CODE_SESSION_ID"), "{said}");
    let given = real.options(json!({}));
    // What the library sets itself, and what the sandbox has given.
    let own = ["CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_SDK_READS_SESSION_STATE", "CLAUDE_CLIENT_TREE"];
    let left = marks.iter().filter(|name| {
        !DENY_LIST.contains(name)
            && !OF_ANOTHER_START.contains(name)
            && !own.contains(name)
            && given["env"].get(**name).is_none()
    });
    assert_eq!(left.collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn settings_and_their_sources() {
    let Some(real) = Real::new("settings_and_their_sources") else { return };
    let settings = |value: &str| json!({"env": {"PROBE_FROM": value}}).to_string();
    real.file("home/.claude/settings.json", &settings("user"));
    real.file("work/.claude/settings.json", &settings("project"));
    real.file("work/.claude/settings.local.json", &settings("local"));
    let file = real.file("more.json", &settings("file"));
    let root = real.sandbox.root().join("rooted");
    real.file("rooted/.claude/settings.json", &settings("root"));
    let cases = [
        (json!({}), "local"),
        (json!({"setting_sources": ["user"]}), "user"),
        (json!({"setting_sources": ["user", "project"]}), "project"),
        (json!({"setting_sources": []}), "none"),
        (json!({"setting_sources": [], "settings": {"env": {"PROBE_FROM": "inline"}}}), "inline"),
        (json!({"setting_sources": [], "settings": settings("text")}), "text"),
        (json!({"setting_sources": [], "settings": file}), "file"),
        (json!({"setting_sources": ["project"], "project_config_root": root}), "root"),
    ];
    for (options, expected) in cases {
        let session = real.session(merged(options.clone(), json!({"allowed_tools": ["Bash"]})));
        assert_eq!(shell_says(&session, "echo ${PROBE_FROM-none}"), expected, "{options}");
    }
}

#[test]
fn s3_a_sandbox_that_cannot_be_had_is_a_failure() {
    let Some(real) = Real::new("a_sandbox_that_cannot_be_had") else { return };
    // No bwrap in this PATH.
    let options = real.options(json!({"sandbox": {"enabled": true}, "env": {"PATH": "/nowhere"}}));
    let session = Session::created(&options);
    let outcome = session.connect(None).and_then(|()| {
        session.query("hello");
        session.receive()
    });
    let refused = outcome.is_err()
        || session.of(Kind::CLAUDE_MESSAGE_RESULT).iter().any(|result| result["is_error"] == true);
    assert!(refused, "{:#?}", session.messages());
    assert!(real.api.messages().is_empty(), "the model was asked without a sandbox");
    // It is the sandbox alone that cannot be had.
    let session = real.session(json!({"env": {"PATH": "/nowhere"}}));
    assert_eq!(session.turn("hello")["is_error"], false);
    let allowed = json!({"enabled": true, "failIfUnavailable": false});
    let session = real.session(json!({"sandbox": allowed, "env": {"PATH": "/nowhere"}}));
    assert_eq!(session.turn("hello")["is_error"], false);
}

#[test]
fn agents_and_the_main_agent() {
    let Some(real) = Real::new("agents_and_the_main_agent") else { return };
    let agents = json!({"reviewer": {"description": "Reviews", "prompt": "REVIEW WITH CARE", "tools": ["Read"], "model": null}});
    let session = real.session(json!({"agents": agents, "agent": "reviewer", "system_prompt": {"type": "preset", "preset": "claude_code"}}));
    session.turn("hello");
    assert!(names(&session.init()["agents"]).contains(&"reviewer"));
    assert!(real.asked("hello").body.to_string().contains("REVIEW WITH CARE"));

    let session = real
        .session(json!({"agents": agents, "forward_subagent_text": true, "agent_progress_summaries": true,
        "per_task_stop_affordance": true}));
    let call = json!({"name": "Task", "input": {"subagent_type": "reviewer", "description": "d", "prompt": "look here"}});
    session.turn(&format!("USE_TOOL {call}"));
    let forwarded =
        |json: &Value| json["parent_tool_use_id"].is_string() && json.to_string().contains("You said");
    session.wait_for("the subagent's text", |kind, json| {
        kind == Kind::CLAUDE_MESSAGE_ASSISTANT && forwarded(json)
    });
    // A subagent may outlive the turn that started it.
    assert!(real.asked("look here").conversation.system.contains("REVIEW WITH CARE"));
}

#[test]
fn skills_and_plugins() {
    let Some(real) = Real::new("skills_and_plugins") else { return };
    let skill = |name: &str| format!("---\nname: {name}\ndescription: does {name}\n---\nbody\n");
    real.file("home/.claude/skills/alpha/SKILL.md", &skill("alpha"));
    real.file("home/.claude/skills/beta/SKILL.md", &skill("beta"));
    // The ones that the model is told of; the init message names all that there are.
    let skills = |options: Value| -> Vec<&str> {
        real.api.clear_requests();
        real.session(options).turn("hello");
        let told = real.asked("hello").body.to_string();
        ["alpha", "beta"].into_iter().filter(|name| told.contains(&format!("does {name}"))).collect()
    };
    assert_eq!(skills(json!({"skills": "all"})), ["alpha", "beta"]);
    assert_eq!(skills(json!({"skills": ["beta"]})), ["beta"]);
    assert_eq!(skills(json!({"skills": []})), Vec::<&str>::new());

    real.file(
        "plugin/.claude-plugin/plugin.json",
        r#"{"name": "mine", "version": "1.0.0", "description": "d"}"#,
    );
    real.file("plugin/commands/do-it.md", "---\ndescription: d\n---\nDO IT\n");
    real.file("plugin/.mcp.json", &json!({"mcpServers": {"inside": server()}}).to_string());
    let plugin = real.sandbox.root().join("plugin");
    for (more, has_server) in [
        (json!({"plugins": [{"type": "local", "path": plugin}]}), true),
        (json!({"plugins": [{"type": "local", "path": plugin}], "plugin_delivery": "argv"}), true),
        (json!({"plugins": [{"type": "local", "path": plugin, "skip_mcp_discovery": true}]}), false),
    ] {
        let session = real.session(more.clone());
        session.turn("hello");
        let init = session.init();
        assert!(names(&init["plugins"]).contains(&"mine"), "{more}");
        assert!(names(&init["slash_commands"]).contains(&"mine:do-it"), "{more}");
        assert_eq!(
            names(&init["mcp_servers"]).iter().any(|name| name.contains("inside")),
            has_server,
            "{more}"
        );
    }
}

#[test]
fn mcp_servers_in_every_form() {
    let Some(real) = Real::new("mcp_servers_in_every_form") else { return };
    let document = json!({"mcpServers": {"mine": server()}});
    let file = real.file("servers.json", &document.to_string());
    real.file("home/.claude.json", &json!({"mcpServers": {"users": server()}}).to_string());
    let servers = |options: Value| -> Vec<String> {
        let session = real.session(options);
        session.turn("hello");
        let init = session.init();
        let mut all: Vec<String> = names(&init["mcp_servers"]).into_iter().map(str::to_owned).collect();
        all.sort();
        all
    };
    assert_eq!(servers(json!({"mcp_servers": {"mine": server()}})), ["mine", "users"]);
    assert_eq!(servers(json!({"mcp_servers": {"mine": server()}, "strict_mcp_config": true})), ["mine"]);
    assert_eq!(servers(json!({"mcp_servers": document.to_string(), "strict_mcp_config": true})), ["mine"]);
    assert_eq!(servers(json!({"mcp_servers": file, "strict_mcp_config": true})), ["mine"]);
    let by_file =
        json!({"mcp_servers": {"mine": server()}, "mcp_servers_delivery": "file", "strict_mcp_config": true});
    assert_eq!(servers(by_file), ["mine"]);
    assert_eq!(servers(json!({"hermetic": true})), Vec::<String>::new());
}

#[test]
fn messages_that_are_asked_for() {
    let Some(real) = Real::new("messages_that_are_asked_for") else { return };
    let hook = json!([{"hooks": [{"type": "command", "command": "echo hooked"}]}]);
    let session = real.session(json!({
        "include_hook_events": true, "settings": {"hooks": {"UserPromptSubmit": hook}},
        "extra_args": {"replay-user-messages": null}, "extra_initialize": {"title": "From the extra field"},
    }));
    session.turn("hello");
    session.wait_for("the hook's message", |_, json| {
        json["subtype"] == "hook_response" && json["hook_event"] == "UserPromptSubmit"
    });
    session.wait_for("the prompt's echo", |kind, json| {
        kind == Kind::CLAUDE_MESSAGE_USER && json["isReplay"] == true
    });
    session.disconnect().unwrap();
    let kept = std::fs::read_to_string(&transcripts(&real.sandbox.home().join(".claude"))[0]).unwrap();
    assert!(kept.contains("From the extra field"));
}

#[test]
fn a_wrong_flag_names_the_clis_own_reason() {
    let Some(real) = Real::new("a_wrong_flag_names_the_reason") else { return };
    let session = Session::created(&real.options(json!({"extra_args": {"no-such-flag": null}})));
    let failure = session.connect(None).unwrap_err();
    assert_eq!(failure.status, Status::CLAUDE_ERR_PROCESS);
    assert!(failure.message().contains("unknown option '--no-such-flag'"), "{failure:#?}");
}

#[test]
fn e1_sizes_that_no_command_line_would_hold() {
    let Some(real) = Real::new("e1_sizes_that_no_command_line_would_hold") else { return };
    let prompt = format!("START {} END", "x".repeat(10 << 20));
    let session = real.session(json!({"system_prompt": prompt}));
    session.turn("large");
    let system = real.asked("large").conversation.system;
    assert!(system.contains("START") && system.contains("END") && system.len() > 10 << 20);
    drop(session);

    let agents: Value = (0..500)
        .map(|n| (format!("agent-{n}"), json!({"description": "d".repeat(200), "prompt": "p".repeat(500)})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    // Servers that fail at once: what is tried is how they reach the CLI.
    let servers: Value = (0..100)
        .map(|n| (format!("server-{n}"), json!({"command": "false", "args": ["x".repeat(2000)]})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let session = real.session(json!({"agents": agents, "mcp_servers": servers, "strict_mcp_config": true}));
    session.turn("many");
    let init = session.init();
    assert!(names(&init["agents"]).len() >= 500);
    assert_eq!(names(&init["mcp_servers"]).len(), 100);
}

#[cfg(target_os = "linux")]
#[test]
fn no_secret_is_in_any_command_line() {
    let Some(real) = Real::new("no_secret_is_in_any_command_line") else { return };
    let canary = "CANARY-5d41402abc4b2a76";
    let with_header =
        json!({"type": "http", "url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": canary}});
    for delivery in ["initialize", "file"] {
        let session = real.session(json!({
            "mcp_servers": {"h": with_header, "s": {"command": "false", "env": {"TOKEN": canary}}}, "strict_mcp_config": true,
            "mcp_servers_delivery": delivery, "system_prompt": canary,
            // A hook's command is a secret by nothing that can be seen.
            "settings": {"hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": format!("true {canary}")}]}]}},
            "agents": {"a": {"description": "d", "prompt": canary}},
        }));
        session.turn("hello");
        assert!(names(&session.init()["mcp_servers"]).contains(&"h"), "{delivery}");
        let mut looked_at = 0;
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(line) = std::fs::read(process.path().join("cmdline")) else { continue };
            looked_at += usize::from(process.file_name() == session.pid().to_string().as_str());
            let line = String::from_utf8_lossy(&line).into_owned();
            assert!(!line.contains(canary), "{delivery}: {line}");
        }
        assert_eq!(looked_at, 1, "the CLI's own command line was looked at");
    }
}

/// Options that no run of the real CLI can show, and where they are proven.
const UNSEEN: &[(&str, &str)] = &[
    ("cli_path", "every test here gives it; tests/probe/report.rs"),
    ("user", "tests/process"),
    ("launcher", "tests/probe/hermetic.rs, tests/probe/report.rs"),
    ("supported_dialog_kinds", "no offline way to a dialog; tests/options/golden.rs"),
    ("prompt_suggestions", "needs traffic that is switched off here; tests/options/golden.rs"),
];

#[test]
fn every_option_is_tried() {
    let sources = [
        "tests/options/real.rs",
        "tests/options/real_session.rs",
        "tests/options/real_effect.rs",
        "tests/sessions/mirror.rs",
    ]
    .map(|name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap())
    .concat();
    let missing: Vec<&str> = rows()
        .filter(|row| !matches!(row.to, To::Refused(_)))
        .filter(|row| {
            let place = row.prose.stays;
            !matches!(row.to, To::Host) || place.contains("process") || place.contains("folder")
        })
        .map(|row| row.name)
        .filter(|name| !UNSEEN.iter().any(|(unseen, _)| unseen == name))
        .filter(|name| !sources.contains(&format!("\"{name}\":")))
        .collect();
    assert!(missing.is_empty(), "no run of the real CLI shows {missing:?}");
}
