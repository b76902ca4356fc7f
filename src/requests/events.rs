//! The CLI's hook events: what each guards, what its matcher is compared with, and what an answer may contain.
//!
//! A test compares this list with the CLI's own. An event that is not listed belongs to another CLI version,
//! and is assumed to guard something.

/// What happens to a hook that nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The event guards nothing, or a refusal would make Claude continue endlessly.
    Continues,
    /// `{"decision": "block"}`.
    Blocks,
    /// `permissionDecision: deny` in the event's own output.
    Denies,
    /// `decision.behavior: deny` in the event's own output.
    DeniesPermission,
}

/// What the CLI compares a matcher with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The matcher is ignored.
    Nothing,
    Tool,
    /// Names that only the session knows: of agents, commands, servers, models, files.
    Open,
    Words(&'static [&'static str]),
}

/// The required type of a member of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    Texts,
    Bool,
    Number,
    Object,
    Word(&'static [&'static str]),
    /// The answer to a permission request: `{"behavior": …}`.
    Permission,
    /// A list of permission updates.
    Updates,
    /// Must be absent: the CLI does not accept it from a host.
    Unread(&'static str),
    Any,
}

pub type Member = (&'static str, Shape);

/// One event.
#[derive(Debug)]
pub struct Event {
    pub name: &'static str,
    pub silence: Silence,
    pub subject: Subject,
    /// Whether the CLI reads `decision`.
    pub decides: bool,
    /// Whether `"continue": false` stops anything.
    pub stops: bool,
    /// Whether the CLI honours `block` for a hook that fails.
    pub blocks_on_failure: bool,
    /// The members of its `hookSpecificOutput` besides `hookEventName`; `None` = having one makes the CLI drop
    /// the whole answer.
    pub output: Option<&'static [Member]>,
    /// The only causes for which the CLI asks a host; `None` = all.
    pub asked: Option<&'static [&'static str]>,
}

/// The members of every answer.
pub const COMMON: &[Member] = &[
    ("continue", Shape::Bool),
    ("suppressOutput", Shape::Bool),
    ("stopReason", Shape::Text),
    ("decision", Shape::Word(&["block", "approve"])),
    ("reason", Shape::Text),
    ("systemMessage", Shape::Text),
    ("terminalSequence", Shape::Text),
    ("hookSpecificOutput", Shape::Object),
    ("async", Shape::Bool),
    ("asyncTimeout", Shape::Number),
];

const CONTEXT: &[Member] = &[("additionalContext", Shape::Text)];
const WATCH: &[Member] = &[("watchPaths", Shape::Texts)];
const ACTION: &[Member] = &[
    ("action", Shape::Unread("a host's hook can only block: {\"decision\": \"block\"} declines")),
    ("content", Shape::Unread("a host's hook can only block: {\"decision\": \"block\"} declines")),
];

/// What an answer may contain at events that decide about a tool.
const PRE_TOOL_USE: &[Member] = &[
    ("permissionDecision", Shape::Word(&["allow", "deny", "ask", "defer"])),
    ("permissionDecisionReason", Shape::Text),
    ("updatedInput", Shape::Object),
    ("additionalContext", Shape::Text),
    ("permissionDisplay", Shape::Any),
];

/// What an answer may contain at the event before a skill runs a shell command.
const PRE_SKILL_SHELL_COMMAND: &[Member] = &[
    ("permissionDecision", Shape::Word(&["allow", "deny", "ask", "defer"])),
    ("permissionDecisionReason", Shape::Text),
    ("updatedInput", Shape::Unread("the CLI runs no other command than the skill's: deny it instead")),
];

const USUAL: Event = Event {
    name: "",
    silence: Silence::Continues,
    subject: Subject::Nothing,
    decides: false,
    stops: true,
    blocks_on_failure: true,
    output: None,
    asked: None,
};

/// An event that can be refused.
const GUARD: Event = Event { silence: Silence::Blocks, decides: true, ..USUAL };
/// An event at which a refusal makes Claude continue, so that the CLI ignores a hook that fails.
const GOES_ON: Event = Event { decides: true, blocks_on_failure: false, ..USUAL };
/// An event that only reports; the CLI reads no decision.
const REPORT: Event = Event { stops: false, ..USUAL };

const COMPACTION: Subject = Subject::Words(&["manual", "auto"]);

/// The events of the tested CLI.
pub const EVENTS: &[Event] = &[
    Event {
        name: "PreToolUse",
        silence: Silence::Denies,
        subject: Subject::Tool,
        output: Some(PRE_TOOL_USE),
        ..GUARD
    },
    Event {
        name: "PostToolUse",
        subject: Subject::Tool,
        decides: true,
        output: Some(&[
            ("additionalContext", Shape::Text),
            ("classifierContext", Shape::Text),
            ("updatedToolOutput", Shape::Any),
            ("updatedMCPToolOutput", Shape::Any),
        ]),
        ..USUAL
    },
    Event {
        name: "PostToolUseFailure",
        subject: Subject::Tool,
        decides: true,
        output: Some(CONTEXT),
        ..USUAL
    },
    Event { name: "PostToolBatch", output: Some(CONTEXT), ..GUARD },
    Event {
        name: "PermissionDenied",
        subject: Subject::Tool,
        output: Some(&[("retry", Shape::Bool)]),
        ..USUAL
    },
    Event {
        name: "Notification",
        subject: Subject::Words(&[
            "permission_prompt",
            "idle_prompt",
            "auth_success",
            "elicitation_dialog",
            "agent_needs_input",
            "agent_completed",
            "elicitation_url_dialog",
            "worker_permission_prompt",
            "push_notification",
            "computer_use_enter",
            "computer_use_exit",
            "quota_auto_resume_fired",
            "quota_auto_resume_stale",
            "quota_auto_resume_disabled",
            "model_refusal_fallback",
            "auth_storage_failure",
            "plugin_notification",
            "elicitation_complete",
            "elicitation_response",
        ]),
        output: Some(CONTEXT),
        ..REPORT
    },
    Event {
        name: "UserPromptSubmit",
        output: Some(&[
            ("additionalContext", Shape::Text),
            ("sessionTitle", Shape::Text),
            ("suppressOriginalPrompt", Shape::Bool),
        ]),
        ..GUARD
    },
    Event {
        name: "UserPromptExpansion",
        subject: Subject::Open,
        output: Some(&[("additionalContext", Shape::Text), ("suppressOriginalPrompt", Shape::Bool)]),
        ..GUARD
    },
    Event {
        name: "SessionStart",
        subject: Subject::Words(&["startup", "resume", "clear", "compact", "fork"]),
        output: Some(&[
            ("additionalContext", Shape::Text),
            ("initialUserMessage", Shape::Text),
            ("sessionTitle", Shape::Text),
            ("watchPaths", Shape::Texts),
            ("reloadSkills", Shape::Bool),
        ]),
        asked: Some(&["clear", "compact"]),
        ..USUAL
    },
    Event {
        name: "SessionEnd",
        subject: Subject::Words(&["clear", "resume", "logout", "prompt_input_exit", "other"]),
        asked: Some(&["clear"]),
        ..REPORT
    },
    Event { name: "Stop", output: Some(CONTEXT), ..GOES_ON },
    Event {
        name: "StopFailure",
        subject: Subject::Words(&[
            "rate_limit",
            "overloaded",
            "authentication_failed",
            "oauth_org_not_allowed",
            "account_on_hold",
            "verification_required",
            "billing_error",
            "invalid_request",
            "model_not_found",
            "server_error",
            "max_output_tokens",
            "cloud_credential_error",
            "unknown",
        ]),
        ..REPORT
    },
    Event { name: "SubagentStart", subject: Subject::Open, output: Some(CONTEXT), ..USUAL },
    Event { name: "SubagentStop", subject: Subject::Open, output: Some(CONTEXT), ..GOES_ON },
    Event { name: "PreCompact", subject: COMPACTION, stops: false, ..GUARD },
    Event { name: "PostCompact", subject: COMPACTION, ..REPORT },
    Event {
        name: "PreModelSwitch",
        silence: Silence::Denies,
        subject: Subject::Open,
        stops: false,
        output: Some(&[
            ("permissionDecision", Shape::Word(&["allow", "deny", "ask"])),
            ("permissionDecisionReason", Shape::Text),
        ]),
        ..GUARD
    },
    Event { name: "PostModelSwitch", subject: Subject::Open, output: Some(CONTEXT), ..USUAL },
    Event {
        name: "PermissionRequest",
        silence: Silence::DeniesPermission,
        subject: Subject::Tool,
        decides: false,
        stops: false,
        output: Some(&[("decision", Shape::Permission)]),
        ..GUARD
    },
    Event {
        name: "Setup",
        subject: Subject::Words(&["init", "maintenance"]),
        output: Some(CONTEXT),
        asked: Some(&[]),
        ..USUAL
    },
    Event { name: "TeammateIdle", ..GOES_ON },
    Event { name: "TaskCreated", ..GUARD },
    Event { name: "TaskCompleted", ..GOES_ON },
    Event { name: "Elicitation", subject: Subject::Open, stops: false, output: Some(ACTION), ..GUARD },
    Event { name: "ElicitationResult", subject: Subject::Open, stops: false, output: Some(ACTION), ..GUARD },
    Event {
        name: "ConfigChange",
        subject: Subject::Words(&[
            "user_settings",
            "project_settings",
            "local_settings",
            "policy_settings",
            "skills",
        ]),
        stops: false,
        ..GUARD
    },
    Event {
        name: "InstructionsLoaded",
        subject: Subject::Words(&[
            "session_start",
            "nested_traversal",
            "path_glob_match",
            "include",
            "compact",
        ]),
        ..REPORT
    },
    Event { name: "WorktreeCreate", decides: true, output: Some(&[("worktreePath", Shape::Text)]), ..REPORT },
    Event { name: "WorktreeRemove", ..REPORT },
    Event { name: "CwdChanged", output: Some(WATCH), ..REPORT },
    Event { name: "FileChanged", subject: Subject::Open, output: Some(WATCH), ..REPORT },
    Event {
        name: "DirectoryAdded",
        subject: Subject::Words(&["slash_command", "register_repo_root"]),
        ..REPORT
    },
    Event {
        name: "PreSkillShellCommand",
        silence: Silence::Denies,
        subject: Subject::Tool,
        output: Some(PRE_SKILL_SHELL_COMMAND),
        ..GUARD
    },
    Event { name: "MessageDisplay", output: Some(&[("displayContent", Shape::Text)]), ..REPORT },
];

/// The event of this name, if the tested CLI has it.
pub fn known(name: &str) -> Option<&'static Event> {
    EVENTS.iter().find(|event| event.name == name)
}

/// What happens to a hook of this event that nobody answers.
pub fn silence(name: &str) -> Silence {
    known(name).map_or(Silence::Blocks, |event| event.silence)
}

pub fn names() -> Vec<&'static str> {
    EVENTS.iter().map(|event| event.name).collect()
}
