//! Options of the session, its settings and its folders.

use super::row::{Row, To, row};
use super::shape::Shape;
use super::{extra, sandbox};

pub const ROWS: &[Row] = &[
    row(
        "continue_conversation",
        Shape::Bool,
        To::Switch("--continue"),
        "Go on with the newest session of the working folder.",
    )
    .both("continue")
    .default("false"),
    row("resume", Shape::Name, To::Flag("--resume"), "Go on with this session (id or name).").both("resume"),
    row(
        "session_id",
        Shape::Uuid,
        To::Flag("--session-id"),
        "The id of the new session. With `resume` or `continue_conversation` it also needs `fork_session`.",
    )
    .both("sessionId"),
    row(
        "fork_session",
        Shape::Bool,
        To::Switch("--fork-session"),
        "Go on in a copy: the session that `resume` or `continue_conversation` names stays as it is.",
    )
    .both("forkSession")
    .default("false"),
    row(
        "resume_session_at",
        Shape::Name,
        To::Flag("--resume-session-at"),
        "Go on after the message with this UUID and forget what followed. Needs `resume`.",
    )
    .both("resumeSessionAt"),
    row(
        "resume_drops_turn",
        Shape::Name,
        To::Flag("--resume-drops-turn"),
        "Refuse to resume unless exactly this turn is dropped by it. Needs `resume_session_at`.",
    )
    .both("resumeDropsTurn"),
    row(
        "persist_session",
        Shape::Bool,
        To::SwitchOff("--no-session-persistence"),
        "false: nothing is written to disk, and the session cannot be resumed.",
    )
    .typescript("persistSession")
    .default("true"),
    row(
        "session_mirror",
        Shape::Bool,
        To::Switch("--session-mirror"),
        "Also deliver what the CLI writes to the session's file, as messages of the kind \
         `CLAUDE_MESSAGE_TRANSCRIPT_MIRROR`, so that a host can keep sessions in a store of its own. See \
         docs/sessions.md.",
    )
    .default("false"),
    row("title", Shape::Text, To::Initialize("title"), "The title of a new session.").typescript("title"),
    row(
        "enable_file_checkpointing",
        Shape::Bool,
        To::Env("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "true"),
        "Keep what `claude_client_rewind_files` needs.",
    )
    .both("enableFileCheckpointing")
    .default("false"),
    row(
        "setting_sources",
        Shape::List(&Shape::Word(&["user", "project", "local"])),
        To::Custom("`--setting-sources=a,b`; `[]` gives `--setting-sources=`"),
        "The settings files to load. `[]` loads none of them; leaving the option out loads all.",
    )
    .both("settingSources")
    .default("all; none with `hermetic`; user and project with `skills`"),
    row(
        "settings",
        Shape::Either(&[Shape::Name, Shape::Object]),
        To::Custom("initialize `settings` if there is any text in it; numbers and switches alone, and a path, give `--settings=…`"),
        "More settings: an object, that object as text, or the path of a file (relative to `cwd`).",
    )
    .both("settings"),
    row(
        "sandbox",
        Shape::Ruled(&Shape::Object, sandbox::check),
        To::Custom("merged into `settings`"),
        "The `sandbox` member of the settings, in the CLI's spelling; merged over the one that `settings` has. With \
         `enabled: true`, `failIfUnavailable: true` is added unless given, so that a missing sandbox is a failure.",
    )
    .both("sandbox"),
    row(
        "managed_settings",
        Shape::Object,
        To::Custom("`--managed-settings=…`; in initialize if there is any text in it"),
        "Settings with the rank of an administrator's policy. The CLI keeps only members that restrict.",
    )
    .typescript("managedSettings"),
    row("add_dirs", Shape::List(&Shape::Name), To::Repeated("--add-dir"), "More folders that tools may use.")
        .both("additionalDirectories")
        .default("none"),
    row(
        "project_config_root",
        Shape::Name,
        To::Flag("--project-config-root"),
        "The folder whose project settings apply, if not the working folder.",
    )
    .typescript("projectConfigRoot"),
    row(
        "hermetic",
        Shape::Bool,
        To::Custom("`--setting-sources=`, `--strict-mcp-config` and the variable `CLAUDE_CODE_DISABLE_AUTO_MEMORY`"),
        "Nothing of the user's and the project's settings: no setting sources (unless `setting_sources` is given), \
         only the MCP servers given here, no automatic memory (unless `env` says otherwise). Together with \
         `config_dir` nothing of the user's own folder is read. What the CLI has loaded nevertheless comes as a \
         warning event; see docs/probe.md.",
    )
    .default("false"),
    row(
        "extra_args",
        Shape::Ruled(&Shape::Map(&Shape::OrNull(&Shape::Text)), extra::args),
        To::Custom("`--name=value`, or `--name` for null"),
        "Flags that this library does not know, without their dashes.",
    )
    .both("extraArgs")
    .default("none"),
    row(
        "extra_initialize",
        Shape::Ruled(&Shape::Object, extra::initialize_fields),
        To::Custom("merged into initialize"),
        "Members of the initialize request that this library does not know. One that has an option or a function of its \
         own, such as `hooks` and `settings`, is refused.",
    )
    .default("none"),
];
