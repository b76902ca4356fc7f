//! Unknown names, and what they were most likely meant to be. Case, and whatever is no letter or digit, is ignored.

use serde_json::Value;

use crate::error::quotable;
use crate::protocol::pointer::escaped;

/// More letters than any known name has: not worth a comparison.
const MOST_LETTERS: usize = 64;

/// The known name that `name` was most likely meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    within(name, known, usize::MAX)
}

/// The known name that `name` clearly is a misspelling of; `None` for a known one, and for one that a later
/// version may know.
pub fn misspelt<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if known.contains(&name) { None } else { within(name, known.iter().copied(), 2) }
}

/// The known name that `name` was meant to be, or is a part of: a guard registered under such a name would never be called.
pub fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let piece = plain(name);
    let part_of = |word: &&&str| {
        let word = plain(word);
        piece.len() >= 4 && (word.contains(&piece) || piece.strip_prefix(&*word).is_some_and(is_suffix))
    };
    misspelt(name, known).or_else(|| {
        let is_new = !known.contains(&name);
        known.iter().filter(|_| is_new).find(part_of).copied()
    })
}

fn is_suffix(rest: &str) -> bool {
    matches!(rest, "" | "hook" | "hooks" | "event" | "tool")
}

/// The tools of the tested CLI, and the earlier names it still accepts for them.
pub const TOOLS: &[&str] = &[
    "Agent",
    "Artifact",
    "AskUserQuestion",
    "Bash",
    "ClaudeDesign",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EndConversation",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "LSP",
    "ListAgents",
    "ListMcpResourcesTool",
    "Monitor",
    "NotebookEdit",
    "OfferChromeSetup",
    "PowerShell",
    "Projects",
    "PushNotification",
    "Read",
    "ReadMcpResourceDirTool",
    "ReadMcpResourceTool",
    "ReadNotifications",
    "RemoteTrigger",
    "ReportFindings",
    "ScheduleWakeup",
    "SendFeedback",
    "SendMessage",
    "SendUserFile",
    "SendUserMessage",
    "SetGoal",
    "ShareOnboardingGuide",
    "ShowOnboardingRolePicker",
    "Skill",
    "StructuredOutput",
    "SubagentHandback",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
    "WaitForMcpServers",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
    "propose_skills",
    "Brief",
    "KillBash",
    "KillShell",
    "ListMcpResources",
    "ListPeers",
    "ProposeGoal",
    "ReadMcpResource",
    "ReadMcpResourceDir",
    "Task",
];

/// The dialogs that the tested CLI asks a host to show.
pub const DIALOGS: &[&str] = &["refusal_fallback_prompt"];

/// The longest tool name that the API accepts, `mcp__<server>__<tool>` in full. The CLI drops longer ones.
const LONGEST_TOOL: usize = 128;

/// The name under which the model sees a tool of a server.
pub fn mcp_tool(server: &str, tool: &str) -> String {
    format!("mcp__{server}__{tool}")
}

/// What to write for a name that was meant to be an MCP server's tool but is not one, such as `MCP__me__x` or `mcp-me-x`.
pub fn mcp_meant(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let behind = lower.strip_prefix("mcp").filter(|rest| rest.starts_with(['-', '_']))?;
    if name.starts_with("mcp__") || "mcp__".starts_with(name) {
        return None;
    }
    let kept = if behind.starts_with("__") { name.get("mcp__".len()..) } else { None };
    Some(format!("write mcp__{}", kept.map(quotable).unwrap_or("<server>__<tool>".into())))
}

/// A name that the CLI changes or drops: what becomes of it, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Unkept {
    pub fault: String,
    pub remedy: String,
}

/// What becomes of the name of an MCP server; `None` if the CLI keeps it as it is.
pub fn mcp_server_fault(name: &str) -> Option<Unkept> {
    if name.is_empty() {
        return Some(Unkept { fault: "the name is empty".into(), remedy: "name the server".into() });
    }
    if let Some(unkept) = rewritten(name) {
        return Some(unkept);
    }
    let unkept =
        |fault: &str, remedy: String| Some(Unkept { fault: format!("{}: {fault}", quotable(name)), remedy });
    if name.contains("__") || name.ends_with('_') {
        let fault = "rules end a server's name at the first two underscores, and would mean another server";
        let short = name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
        return unkept(
            fault,
            format!("write {}", if short.is_empty() { "a name with letters" } else { &short }),
        );
    }
    if name == "ide" {
        return unkept(
            "the CLI keeps this name for editors, and hides the tools",
            "choose another name".into(),
        );
    }
    let longest = LONGEST_TOOL - mcp_tool("", "x").len();
    if name.len() > longest {
        let fault = format!("with {} characters no tool's name fits behind it", name.len());
        return Some(Unkept {
            fault,
            remedy: format!("use at most {longest} characters, and fewer for longer tools"),
        });
    }
    None
}

/// Names of the CLI's own servers; it does not start another one under these.
pub fn is_own_server(name: &str) -> bool {
    matches!(name, "workspace" | "claude-in-chrome" | "computer-use")
}

/// What becomes of the name of a server's tool; `None` if the model sees it as it is.
pub fn mcp_tool_fault(server: &str, tool: &str) -> Option<Unkept> {
    let full = mcp_tool(server, tool).len();
    rewritten(tool).or_else(|| {
        (full > LONGEST_TOOL).then(|| Unkept {
            fault: format!("the tool's full name has {full} characters, and the CLI drops one of more than {LONGEST_TOOL}"),
            remedy: format!("shorten it by {}", full - LONGEST_TOOL),
        })
    })
}

/// Members of an MCP server in a configuration.
const SERVER_MEMBERS: &[&str] = &[
    "type",
    "name",
    "command",
    "args",
    "env",
    "url",
    "headers",
    "headersHelper",
    "oauth",
    "timeout",
    "alwaysLoad",
    "tools",
];

const POLICY_MEMBERS: &[&str] = &["name", "permission_policy", "org_max_permission"];

/// The tool policies that the CLI knows.
const POLICIES: &[&str] = &["always_allow", "always_ask", "always_deny"];

/// What is wrong with the name or the configuration of an MCP server that is to be passed to the CLI, and where.
pub fn mcp_entry_fault(name: &str, server: &Value) -> Option<(String, Unkept)> {
    let of_the_cli = || Unkept {
        fault: format!("the CLI has a server {name} of its own, and starts no other one"),
        remedy: "choose another name".into(),
    };
    let clashes = server["type"] != "sdk" && is_own_server(name);
    let unkept = mcp_server_fault(name).or_else(|| clashes.then(of_the_cli));
    unkept.map(|unkept| (String::new(), unkept)).or_else(|| mcp_config_fault(name, server))
}

/// What is wrong with the configuration of an MCP server, and where: with a typo in a restricting member, a
/// tool that should be denied would run.
pub fn mcp_config_fault(server: &str, config: &Value) -> Option<(String, Unkept)> {
    for member in config.as_object()?.keys() {
        if let Some(known) = misspelt(member, SERVER_MEMBERS) {
            return Some((format!("/{}", escaped(member)), unknown_member(member, known)));
        }
    }
    // Tools of servers outside this process may have any name.
    let server = (config["type"] == "sdk").then_some(server);
    let (place, unkept) = mcp_policies_fault(server, &config["tools"])?;
    Some((format!("/tools{place}"), unkept))
}

/// What is wrong with the policies for a server's tools, and where. With `server`, the names of its tools are
/// checked as well.
pub fn mcp_policies_fault(server: Option<&str>, tools: &Value) -> Option<(String, Unkept)> {
    let tools = match tools {
        Value::Null => return None,
        Value::Array(tools) => tools,
        _ => {
            let fault = "tools is not a list of {\"name\", \"permission_policy\"}".into();
            let remedy = "write [{\"name\": …, \"permission_policy\": …}]".into();
            return Some((String::new(), Unkept { fault, remedy }));
        }
    };
    tools.iter().enumerate().find_map(|(index, tool)| {
        policy_fault(server, tool).map(|(member, unkept)| (format!("/{index}{member}"), unkept))
    })
}

fn policy_fault(server: Option<&str>, policy: &Value) -> Option<(String, Unkept)> {
    let form = "write {\"name\": …, \"permission_policy\": …}";
    let Some(members) = policy.as_object() else {
        let fault = "a policy is not an object {\"name\", \"permission_policy\"}".into();
        return Some((String::new(), Unkept { fault, remedy: form.into() }));
    };
    for member in members.keys() {
        if let Some(known) = misspelt(member, POLICY_MEMBERS) {
            return Some((format!("/{}", escaped(member)), unknown_member(member, known)));
        }
    }
    let Some(name) = policy["name"].as_str() else {
        let fault = "a policy names no tool".into();
        return Some(("/name".into(), Unkept { fault, remedy: form.into() }));
    };
    if let Some(unkept) = server.and_then(|server| mcp_tool_fault(server, name)) {
        return Some(("/name".into(), unkept));
    }
    match members.get("permission_policy") {
        None => None,
        Some(Value::String(policy)) if POLICIES.contains(&policy.as_str()) => None,
        Some(other) => {
            let fault = format!("{} is not a permission policy", quotable(&other.to_string()));
            let remedy = format!("write one of {}", POLICIES.join(", "));
            Some(("/permission_policy".into(), Unkept { fault, remedy }))
        }
    }
}

fn unknown_member(member: &str, known: &str) -> Unkept {
    Unkept { fault: format!("the member {} is unknown", quotable(member)), remedy: format!("write {known}") }
}

/// The CLI replaces whatever is not an ASCII letter, a digit, `-` or `_` with `_`.
fn rewritten(name: &str) -> Option<Unkept> {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(kept) {
        return None;
    }
    let kept: String = name.chars().map(|c| if kept(c) { c } else { '_' }).collect();
    let fault = format!("the model would see {:?} as {}", quotable(name), quotable(&kept));
    Some(Unkept { fault, remedy: "use letters, digits, - and _ of ASCII alone".into() })
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn within<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Option<&'a str> {
    let wanted = plain(name);
    let letters = wanted.chars().count();
    if letters > MOST_LETTERS {
        return None;
    }
    let scored = known.into_iter().map(|word| (strsim::osa_distance(&wanted, &plain(word)), word));
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    // Up to a third of the letters may differ; more than that would suggest something unrelated.
    (distance <= most && distance * 3 <= letters).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_name_is_not() {
        let known = ["decision", "permissionDecision", "name"];
        for (name, meant) in [
            ("decison", Some("decision")),
            ("permission_decision", Some("permissionDecision")),
            ("d e.c\ti/s:i-o_n", Some("decision")),
            (&format!("deci{}sion", "-".repeat(100)), Some("decision")),
            ("permissionDecision", None),
            ("permissionDecisionReason", None),
            ("size", None),
        ] {
            assert_eq!(misspelt(name, &known), meant, "{name}");
        }
        assert_eq!(nearest("permissionDecisionReason", known), Some("permissionDecision"));
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }

    #[test]
    fn a_piece_of_a_name_is_meant_for_it_and_a_new_name_is_not() {
        let known = ["PreToolUse", "PostToolUse", "UserPromptSubmit"];
        for (name, meant_for) in [
            ("PreTool", Some("PreToolUse")),
            ("pretooluse", Some("PreToolUse")),
            ("PreToolUse ", Some("PreToolUse")),
            ("PreToolUseHook", Some("PreToolUse")),
            ("UserPrompt", Some("UserPromptSubmit")),
            ("PreToolUse", None),
            ("EventOfTomorrow", None),
            ("PostToolUseSummary", None),
            ("Pre", None),
        ] {
            assert_eq!(meant(name, &known), meant_for, "{name}");
        }
    }

    #[test]
    fn only_names_that_the_model_sees_as_they_are_pass() {
        for name in ["me", "My-server_2", "constructor", "_a", &"s".repeat(120)] {
            assert_eq!(mcp_server_fault(name), None, "{name}");
        }
        for name in
            ["", "my server", "a.b", "naïve", "a__b", "a_", "__proto__", "ide", "a\n", &"s".repeat(121)]
        {
            assert!(mcp_server_fault(name).is_some(), "{name}");
        }
        for tool in ["a_b", "_", "-", "a__b", &"x".repeat(119)] {
            assert_eq!(mcp_tool_fault("me", tool), None, "{tool}");
        }
        for tool in ["a.b", "a b", "é", "a/b", &"x".repeat(120)] {
            assert!(mcp_tool_fault("me", tool).is_some(), "{tool}");
        }
    }
}
