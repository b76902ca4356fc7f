//! Options of tools, permissions, agents, skills, plugins and MCP servers.

use super::row::{Row, To, row};
use super::rules;
use super::shape::{Shape, may, must};
use crate::permissions;

const RULES: Shape = Shape::Ruled(&Shape::List(&Shape::Name), rules::tool_rules);
const FORBIDDING: Shape = Shape::Ruled(&Shape::List(&Shape::Name), rules::forbidding_rules);

const TOOLS: Shape =
    Shape::Either(&[RULES, Shape::Tagged(&[("preset", &[must("preset", Shape::Word(&["claude_code"]))])])]);

const SKILLS: Shape = Shape::Either(&[
    Shape::Ruled(&Shape::Word(&["all"]), rules::all_skills),
    Shape::Ruled(&Shape::List(&Shape::Text), rules::skill_names),
]);

const PLUGINS: Shape = Shape::List(&Shape::Tagged(&[(
    "local",
    &[must("path", Shape::Name), may("skip_mcp_discovery", Shape::Bool)],
)]));

pub const ROWS: &[Row] = &[
    row(
        "tools",
        TOOLS,
        To::Custom("`--tools=a,b`; `[]` gives `--tools=`; the preset gives `--tools=default`"),
        "The built-in tools that exist at all. An empty list means none.",
    )
    .both("tools")
    .default("the CLI's default set"),
    row(
        "allowed_tools",
        RULES,
        To::Custom("`--allowedTools=a,b`"),
        "Tools and rules, such as `Bash(git *)`, that run without asking. One rule in each element.",
    )
    .both("allowedTools")
    .default("none"),
    row(
        "disallowed_tools",
        FORBIDDING,
        To::FlagUnlessEmpty("--disallowedTools"),
        "Tools and rules that never run.",
    )
    .both("disallowedTools")
    .default("none"),
    row(
        "tool_aliases",
        Shape::Map(&Shape::Name),
        To::Initialize("toolAliases"),
        "Other names for tools: each member maps the model's name to the tool that runs.",
    )
    .typescript("toolAliases"),
    row(
        "tool_config",
        Shape::Closed(&[may(
            "ask_user_question",
            Shape::Closed(&[may("preview_format", Shape::Word(&["markdown", "html"]))]),
        )]),
        To::Custom("environment variable `CLAUDE_CODE_QUESTION_PREVIEW_FORMAT`"),
        "Settings of single tools.",
    )
    .typescript("toolConfig"),
    row(
        "permission_mode",
        Shape::Word(permissions::MODES),
        To::Flag("--permission-mode"),
        "What happens to tool calls that no rule decides. A mode that only a newer CLI knows can be given as \
         `extra_args: {\"permission-mode\": \"…\"}`.",
    )
    .both("permissionMode")
    .default("as the settings say"),
    row(
        "permission_prompt_tool_name",
        Shape::Name,
        To::Custom("`--permission-prompt-tool=…`"),
        "The MCP tool that answers permission questions; excludes a permission handler, which makes it `stdio`.",
    )
    .both("permissionPromptToolName"),
    row(
        "permission_prompts",
        Shape::Word(&["host", "none"]),
        To::Flag("--permission-prompts"),
        "`none`: whatever would ask is denied.",
    )
    .typescript("permissionPrompts")
    .default("host"),
    row(
        "allow_dangerously_skip_permissions",
        Shape::Bool,
        To::Switch("--allow-dangerously-skip-permissions"),
        "Lets a later switch to `bypassPermissions` succeed. The CLI refuses it to the root user.",
    )
    .typescript("allowDangerouslySkipPermissions")
    .default("false"),
    row(
        "agents",
        Shape::Ruled(&Shape::Map(&Shape::Object), rules::agents),
        To::Custom("initialize `agents`"),
        "Subagents by name. Each needs `description` and `prompt`; the other members (`tools`, `disallowedTools`, \
         `model`, `skills`, `memory`, `mcpServers`, `initialPrompt`, `maxTurns`, `background`, `effort`, \
         `permissionMode`, …) keep the CLI's spelling and pass through.",
    )
    .both("agents")
    .default("none"),
    row("agent", Shape::Name, To::Flag("--agent"), "The agent that the main conversation runs as.").typescript("agent"),
    row(
        "skills",
        SKILLS,
        To::Custom("`--allowedTools`, initialize `skills`, and `--setting-sources` if that is not given"),
        "`\"all\"`, or the names of the skills that may be used; `[]` allows none. Without `setting_sources`, \
         user and project settings are loaded, since skills live there.",
    )
    .both("skills"),
    row(
        "plugins",
        PLUGINS,
        To::Custom("`--await-initialize` and initialize `plugins`"),
        "Plugins from local folders.",
    )
    .both("plugins")
    .default("none"),
    row(
        "plugin_delivery",
        Shape::Word(&["initialize", "argv"]),
        To::Custom("chooses between initialize and `--plugin-dir=…`, `--plugin-dir-no-mcp=…`"),
        "How plugins reach the CLI. `argv` suits CLIs that do not know `--await-initialize`; such a CLI is started a \
         second time that way, which a warning tells.",
    )
    .typescript("pluginDelivery")
    .default("initialize"),
    row(
        "mcp_servers",
        Shape::Either(&[Shape::Name, Shape::Ruled(&Shape::Map(&Shape::Object), rules::mcp_servers)]),
        To::Custom("`--await-initialize` and initialize `mcpServers`; a path gives `--mcp-config=…`"),
        "MCP servers by name, in the CLI's form; or that object as text; or the path of a file that holds it. A \
         server of type `sdk` is one that `claude_client_add_mcp_server` added; its members `timeout` and `tools` \
         are passed on.",
    )
    .both("mcpServers")
    .default("none"),
    row(
        "mcp_servers_delivery",
        Shape::Word(&["initialize", "file"]),
        To::Custom("chooses between initialize and a private descriptor for `--mcp-config`"),
        "How MCP servers reach the CLI; neither shows their secrets in the process list. `file` suits CLIs that do \
         not know `--await-initialize`; such a CLI is started a second time that way, which a warning tells.",
    )
    .typescript("mcpServersDelivery")
    .default("initialize"),
    row(
        "strict_mcp_config",
        Shape::Bool,
        To::Custom("`--strict-mcp-config`"),
        "Use the servers given here and no others.",
    )
    .both("strictMcpConfig")
    .default("false, true with `hermetic`"),
    row(
        "forward_subagent_text",
        Shape::Bool,
        To::InitializeIfTrue("forwardSubagentText"),
        "Also deliver text and thinking of subagents.",
    )
    .both("forwardSubagentText")
    .default("false"),
    row(
        "agent_progress_summaries",
        Shape::Bool,
        To::InitializeIfTrue("agentProgressSummaries"),
        "Adds a `summary` to `task_progress` messages.",
    )
    .typescript("agentProgressSummaries")
    .default("false"),
    row(
        "per_task_stop_affordance",
        Shape::Bool,
        To::InitializeIfTrue("perTaskStopAffordance"),
        "The host can stop single tasks, so that an interrupt spares those in the background.",
    )
    .typescript("perTaskStopAffordance")
    .default("false"),
    row(
        "supported_dialog_kinds",
        Shape::Ruled(&Shape::List(&Shape::Name), rules::dialog_kinds),
        To::Custom("initialize `supportedDialogKinds`"),
        "The kinds of user dialog that the host answers through `claude_client_on_request`.",
    )
    .typescript("supportedDialogKinds")
    .default("none"),
    row(
        "include_hook_events",
        Shape::Bool,
        To::Switch("--include-hook-events"),
        "Also deliver messages about hooks that run.",
    )
    .both("includeHookEvents")
    .default("false"),
];
