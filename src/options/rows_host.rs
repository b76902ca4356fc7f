//! Options of the process and of this library, and names that are deliberately not options.

use super::row::{Row, To, host_row, row};
use super::rules;
use super::shape::{Shape, may, must};

const MS: Shape = Shape::Int(0, 86_400_000 * 30);
const MS_ABOVE_ZERO: Shape = Shape::Int(1, 86_400_000 * 30);
const BYTES: Shape = Shape::Int(1, 1 << 40);

const RECORD: Shape = Shape::Either(&[
    Shape::Name,
    Shape::Closed(&[
        must("path", Shape::Name),
        may("redact", Shape::Ruled(&Shape::List(&Shape::Text), rules::pointers)),
        may("fsync", Shape::Bool),
    ]),
]);

const REPLAY: Shape = Shape::Either(&[
    Shape::Name,
    Shape::Closed(&[
        must("path", Shape::Name),
        may("speed", Shape::Word(&["fast", "recorded"])),
        may("strict", Shape::Bool),
    ]),
]);

pub const PROCESS: &[Row] = &[
    host_row("cli_path", Shape::Name, "the program to start", "The `claude` program.")
        .python("cli_path")
        .typescript("pathToClaudeCodeExecutable")
        .default("searched for"),
    host_row("cwd", Shape::Name, "working folder of the process, and `PWD`", "The working folder.")
        .both("cwd")
        .default("the host's"),
    host_row("user", Shape::Name, "user of the process", "The operating-system user to run as (Unix).").python("user"),
    host_row(
        "launcher",
        Shape::Ruled(&Shape::List(&Shape::Name), rules::not_empty),
        "words before the program's path",
        "A command that starts the CLI elsewhere, such as `[\"docker\", \"exec\", \"-i\", \"box\"]`. No private descriptor \
         is used then: what would be in one goes into initialize. See docs/remote.md.",
    ),
    row(
        "env",
        Shape::Ruled(&Shape::Map(&Shape::OrNull(&Shape::Text)), rules::env_names),
        To::Custom("environment of the process"),
        "Variables to set; null removes one.",
    )
    .both("env")
    .default("none"),
    row(
        "env_mode",
        Shape::Word(&["overlay", "inherit", "only"]),
        To::Custom("environment of the process"),
        "What `env` is added to. `overlay`: the host's environment without the marks that a running session leaves \
         in it. `inherit`: the host's environment as it is. `only`: nothing.",
    )
    .default("overlay"),
    row(
        "config_dir",
        Shape::Ruled(&Shape::Name, rules::absolute),
        To::Env("CLAUDE_CONFIG_DIR", ""),
        "The CLI's own folder in place of `~/.claude`, absolute. Logins may depend on it (macOS key chain).",
    )
    .default("~/.claude"),
    row(
        "prevent_autoupdate",
        Shape::Bool,
        To::Env("DISABLE_AUTOUPDATER", "1"),
        "The CLI does not replace itself by a newer one.",
    )
    .default("false"),
    row(
        "client_app",
        Shape::Text,
        To::Env("CLAUDE_AGENT_SDK_CLIENT_APP", ""),
        "The host's name for the CLI's user agent, such as `my-editor/1.2`; the empty text asks for none.",
    )
    .python("client_app")
    .default("claude-client/VERSION"),
    row(
        "trace_context",
        Shape::Closed(&[must("traceparent", Shape::Name), may("tracestate", Shape::Text)]),
        To::Custom("environment variables `TRACEPARENT`, `TRACESTATE`"),
        "The OpenTelemetry span that the CLI's spans belong to; takes the place of inherited ones.",
    ),
    row("debug", Shape::Either(&[Shape::Bool, Shape::Name]), To::Custom("`--debug`, `--debug=filter`"), "Debug output of the CLI, or only these categories of it, in `debug/SESSION.txt` of its own folder; with \
         `extra_args: {\"debug-to-stderr\": null}` on its stderr instead.")
        .typescript("debug")
        .default("false"),
    row("debug_file", Shape::Name, To::Flag("--debug-file"), "The file for debug output of the CLI.").typescript("debugFile"),
];

pub const LIBRARY: &[Row] = &[
    host_row(
        "connect_timeout_ms",
        MS_ABOVE_ZERO,
        "deadline of connect",
        "Time for the start and the initialize request. Unless it is given, here or as `timeout_ms`, hooks of the events \
         SessionStart and Setup do not count, for ten minutes in all.",
    )
    .default("60000, or `CLAUDE_CODE_STREAM_CLOSE_TIMEOUT` if that is more"),
    host_row(
        "control_timeout_ms",
        MS_ABOVE_ZERO,
        "deadline of control requests",
        "Time for the answer to a control request.",
    )
    .default("60000"),
    host_row(
        "request_timeout_ms",
        MS_ABOVE_ZERO,
        "requests of the CLI",
        "Time for the host's answer to a request of the CLI, such as a permission; `claude_request_set_deadline` changes it \
         for one request.",
    )
    .default("none: a request stays open until it is answered, withdrawn, or the session ends"),
    host_row(
        "request_timeout_action",
        Shape::Word(&["deny", "error"]),
        "requests of the CLI",
        "What a request is answered with when its time is over: the refusal that fits its kind, or an error response; a \
         hook is refused either way. Nothing is ever allowed by silence.",
    )
    .default("deny"),
    host_row(
        "graceful_exit_timeout_ms",
        MS,
        "close",
        "Time between the end of input and the request to terminate.",
    )
    .default("5000"),
    host_row("terminate_timeout_ms", MS, "close", "Time between the request to terminate and the kill.")
        .default("5000"),
    host_row(
        "max_message_bytes",
        BYTES,
        "reader",
        "The longest line that is taken as a message; a longer one is skipped, and an event says so.",
    )
    .default("268435456"),
    host_row("max_buffer_size", BYTES, "reader", "Python's name of `max_message_bytes`.")
        .python("max_buffer_size"),
    host_row(
        "max_queue_bytes",
        BYTES,
        "queue",
        "Past this many undelivered bytes the library stops reading from the CLI.",
    )
    .default("67108864"),
    host_row(
        "stderr_tail_bytes",
        Shape::Int(0, 1 << 30),
        "errors",
        "How much of the end of stderr is kept for errors.",
    )
    .default("65536"),
    host_row(
        "validate_json",
        Shape::Bool,
        "reader",
        "Check the JSON of every message in full, not only its frame.",
    )
    .default("false"),
    host_row(
        "text_deltas",
        Shape::Bool,
        "events",
        "Deliver an event with the plain text for each piece of text that the model writes. Sets \
         `include_partial_messages`.",
    )
    .default("false"),
    host_row(
        "turn_events",
        Shape::Bool,
        "events",
        "Deliver an event behind each result that says which prompts it answers, or that the turn was autonomous.",
    )
    .default("false"),
    host_row(
        "stalled_after_ms",
        MS,
        "events",
        "After so long without a message from the CLI while it owes something, an event tells what is waited for; 0: never. \
         Nothing is ended because of it. See docs/stalls.md.",
    )
    .default("120000"),
    host_row(
        "long_turn_after_ms",
        MS,
        "events",
        "As `stalled_after_ms`, for a turn that goes on and on, with messages or without; 0: never.",
    )
    .default("0"),
    host_row(
        "session_store_flush",
        Shape::Word(&["batched", "eager"]),
        "session store",
        "When the lines of the session go to the store of `claude_client_set_session_store`: `batched` before each result, at \
         the end, and beyond 500 entries or 1 MiB; `eager` as they come.",
    )
    .both("sessionStoreFlush")
    .default("batched"),
    host_row(
        "load_timeout_ms",
        MS_ABOVE_ZERO,
        "session store",
        "Time for each call of the session store by which a session is loaded to be resumed.",
    )
    .both("loadTimeoutMs")
    .default("60000"),
    host_row(
        "record",
        RECORD,
        "transport",
        "Write the conversation to this file. `redact`: JSON pointers whose values are replaced; `fsync`: force each \
         line to the disk.",
    ),
    host_row(
        "replay",
        REPLAY,
        "transport",
        "Play a recorded conversation in place of a CLI. `speed`: `fast` (default) or `recorded`; `strict` (default \
         true): fail when the host sends something else than the record has.",
    ),
];

pub const REFUSED: &[Row] = &[
    refused("can_use_tool", "call claude_client_on_permission before connect").both("canUseTool"),
    refused("hooks", "call claude_client_add_hook before connect").both("hooks"),
    refused("stderr", "call claude_client_on_stderr").both("stderr"),
    refused("on_elicitation", "call claude_client_on_request and answer requests of the kind elicitation")
        .typescript("onElicitation"),
    refused(
        "on_user_dialog",
        "call claude_client_on_request, and name the kinds in the option supported_dialog_kinds",
    )
    .typescript("onUserDialog"),
    refused("abort_controller", "call claude_client_interrupt or claude_client_disconnect")
        .typescript("abortController"),
    refused("spawn_claude_code_process", "call claude_client_set_transport, or give the option launcher")
        .typescript("spawnClaudeCodeProcess"),
    refused(
        "executable",
        "the CLI is a program of its own; use cli_path, or launcher to put words before it",
    )
    .typescript("executable"),
    refused("executable_args", "use launcher to put words before the program's path")
        .typescript("executableArgs"),
    refused("debug_stderr", "it has no effect in the Python SDK either; call claude_client_on_stderr")
        .python("debug_stderr"),
    refused(
        "session_store",
        "call claude_client_set_session_store before connecting; with session_mirror the host gets the lines as messages",
    )
    .both("sessionStore"),
];

const fn refused(name: &'static str, instead: &'static str) -> Row {
    row(name, Shape::Object, To::Refused(instead), "")
}
