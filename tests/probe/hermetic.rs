//! Hermetic sessions: nothing of a poisoned home folder gets in, and what does get in is reported.

use crate::support::probe::Kind;
use crate::support::probe::stage::{Real, fake_session};
use serde_json::{Value, json};

/// Fills home and working folder with everything that a user's own set-up could have.
fn poison(real: &Real) {
    let ran = real.sandbox.root().join("hook-ran");
    let hook = json!([{"hooks": [{"type": "command", "command": format!("touch {}", ran.display())}]}]);
    let settings = json!({
        "hooks": {"UserPromptSubmit": hook, "SessionStart": hook}, "outputStyle": "Poison",
        "permissions": {"defaultMode": "plan"}, "enableAllProjectMcpServers": true,
    });
    let servers = |name: &str| json!({"mcpServers": {name: {"command": "false"}}}).to_string();
    let described = |name: &str| format!("---\nname: {name}\ndescription: poison\n---\nPOISON of {name}\n");
    real.file("home/.claude/settings.json", &settings.to_string());
    real.file("work/.claude/settings.json", &settings.to_string());
    real.file("home/.claude.json", &servers("poison_user"));
    real.file("work/.mcp.json", &servers("poison_project"));
    for place in ["home", "work"] {
        real.file(
            &format!("{place}/.claude/skills/skill-{place}/SKILL.md"),
            &described(&format!("skill-{place}")),
        );
        real.file(&format!("{place}/.claude/agents/agent-{place}.md"), &described(&format!("agent-{place}")));
        real.file(&format!("{place}/.claude/commands/command-{place}.md"), "POISON command\n");
    }
    real.file("home/.claude/output-styles/Poison.md", &described("Poison"));
    real.file("home/.claude/CLAUDE.md", "POISON of the user\n");
    real.file("work/CLAUDE.md", "POISON of the project\n");
    let work = real.sandbox.work().canonicalize().unwrap();
    let key: String =
        work.to_str().unwrap().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    real.file(&format!("home/.claude/projects/{key}/memory/MEMORY.md"), "POISON of the memory\n");
}

/// What of the poison the session shows and the model was told.
fn effects(real: &Real, init: &Value, prompt: &str) -> Vec<&'static str> {
    let text = init.to_string();
    let body = real.asked(prompt).body.to_string();
    let ran = real.sandbox.root().join("hook-ran").exists();
    [
        ("user server", text.contains("poison_user")),
        ("project server", text.contains("poison_project")),
        ("skills", text.contains("skill-home") || text.contains("skill-work")),
        ("agents", text.contains("agent-home") || text.contains("agent-work")),
        ("commands", text.contains("command-home") || text.contains("command-work")),
        ("style", init["output_style"] == "Poison"),
        ("mode", init["permissionMode"] == "plan"),
        ("CLAUDE.md", body.contains("POISON of the user") || body.contains("POISON of the project")),
        ("memory", body.contains("POISON of the memory")),
        ("hooks", ran),
    ]
    .into_iter()
    .filter_map(|(name, holds)| holds.then_some(name))
    .collect()
}

#[test]
fn s1_a_poisoned_home_folder_stays_outside() {
    let Some(real) = Real::new("s1_a_poisoned_home_folder_stays_outside") else { return };
    poison(&real);
    let session = real.session(json!({"hermetic": true}));
    session.turn("hermetic?");
    assert_eq!(effects(&real, &session.init(), "hermetic?"), Vec::<&str>::new());
    assert_eq!(session.warnings("not_hermetic"), Vec::<Value>::new());
    drop(session);

    // The same folders do poison a session that is not hermetic, so the test above could fail.
    let session = real.session(json!({}));
    session.turn("poisoned?");
    let all = [
        "user server",
        "project server",
        "skills",
        "agents",
        "commands",
        "style",
        "mode",
        "CLAUDE.md",
        "memory",
        "hooks",
    ];
    assert_eq!(effects(&real, &session.init(), "poisoned?"), all);
    assert_eq!(session.warnings("not_hermetic"), Vec::<Value>::new(), "nobody asked for it");
}

#[test]
fn s1_what_got_into_the_real_cli_nevertheless_is_reported() {
    let Some(real) = Real::new("s1_what_got_into_the_real_cli_nevertheless_is_reported") else { return };
    poison(&real);
    // The CLI takes the last of two flags: the switches of hermetic have no effect then.
    let session = real.session(json!({
        "hermetic": true, "extra_initialize": {}, "env": {"CLAUDE_CODE_DISABLE_AUTO_MEMORY": null},
        "launcher": ["sh", "-c", "exec \"$0\" \"$@\" --setting-sources=user,project,local"],
    }));
    session.turn("hello");
    let events = session.warnings("not_hermetic");
    let what: Vec<String> = events
        .iter()
        .flat_map(|event| event["what"].as_array().unwrap())
        .map(|item| format!("{} {}", item["kind"].as_str().unwrap(), item["name"].as_str().unwrap()))
        .collect();
    for expected in [
        "skill skill-home",
        "skill skill-work",
        "agent agent-home",
        "command command-work",
        "output_style Poison",
    ] {
        assert!(what.iter().any(|item| item == expected), "{expected} is not in {what:?}");
    }
    assert!(what.iter().any(|item| item.starts_with("hook SessionStart")), "{what:?}");
    session.turn("again");
    assert_eq!(session.warnings("not_hermetic").len(), events.len(), "each thing is reported once");
}

#[test]
fn a_claimed_server_is_reported_once() {
    let init = json!({"init": {
        "mcp_servers": [{"name": "mine", "status": "connected", "source": "dynamic"},
                        {"name": "evil", "status": "connected", "source": "user"}],
        "memory_paths": {"auto": "/somewhere"}, "slash_commands": ["clear"],
    }});
    let script = json!({"on_user": [init, {"text": "hi"}, "result"]});
    let more = json!({"hermetic": true, "mcp_servers": {"mine": {"command": "true"}}});
    let (_fake, session) = fake_session(script.clone(), more);
    session.turn("one");
    session.turn("two");
    let events = session.warnings("not_hermetic");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(
        events[0]["what"],
        json!([{"kind": "mcp_server", "name": "evil", "source": "user"},
               {"kind": "memory", "name": "/somewhere", "source": "auto"}])
    );
    assert!(events[0]["text"].as_str().unwrap().contains("mcp_server evil"));
    let place = |wanted: &dyn Fn(Kind, &Value) -> bool| {
        session.messages().iter().position(|(k, j)| wanted(*k, j)).unwrap()
    };
    assert!(
        place(&|_, json| json["event"] == "not_hermetic")
            < place(&|kind, _| kind == Kind::CLAUDE_MESSAGE_RESULT)
    );

    let (_fake, session) = fake_session(script, json!({}));
    session.turn("one");
    assert!(session.warnings("not_hermetic").is_empty());
}
