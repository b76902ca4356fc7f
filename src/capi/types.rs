//! Types and constants of the header.

use std::ffi::{c_char, c_void};

/// Means "do not wait" where a function takes `timeout_ms`.
pub const CLAUDE_NO_WAIT: u32 = 0;

/// Means "wait for ever" where a function takes `timeout_ms`.
pub const CLAUDE_WAIT_FOREVER: u32 = u32::MAX;

/// The length of a text that ends at its NUL, for functions with the suffix `_n`.
pub const CLAUDE_STRLEN: usize = usize::MAX;

/// A hook that fails has no say.
pub const CLAUDE_HOOK_CONTINUE: i32 = 0;

/// A hook that fails blocks what it was asked about.
pub const CLAUDE_HOOK_BLOCK: i32 = 1;

/// The version of the binary interface that this header describes; see docs/abi-policy.md.
pub const CLAUDE_ABI_VERSION: u32 = 1;

/// A conversation with one CLI. Freed by `claude_client_free`.
pub struct claude_client_t {
    _private: [u8; 0],
}

/// A failure. Freed by `claude_error_free`.
pub struct claude_error_t {
    _private: [u8; 0],
}

/// Something received in PULL mode. Freed by `claude_event_free`.
pub struct claude_event_t {
    _private: [u8; 0],
}

/// Something that the CLI asks of the host. Freed by `claude_request_free`.
pub struct claude_request_t {
    _private: [u8; 0],
}

/// A server with tools that are functions of the host. Freed by `claude_mcp_server_free`.
pub struct claude_mcp_server_t {
    _private: [u8; 0],
}

/// One call of a tool. Freed by `claude_tool_call_free`.
pub struct claude_tool_call_t {
    _private: [u8; 0],
}

/// Where a transport of the host brings what the CLI wrote. Valid from `connect` until the transport's `destroy` runs.
pub struct claude_sink_t {
    _private: [u8; 0],
}

/// What a function returns: 0 or a negative number that is never given another meaning. See docs/errors.md.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_status_t {
    /// Done, or accepted.
    CLAUDE_OK = 0,
    /// A pointer, a text or a JSON document that cannot be used.
    CLAUDE_ERR_INVALID_ARGUMENT = -101,
    /// NULL, freed, stale or foreign handle.
    CLAUDE_ERR_INVALID_HANDLE = -102,
    /// An option that is unknown, of the wrong type, or cannot be combined.
    CLAUDE_ERR_INVALID_OPTION = -103,
    /// Not possible in this mode, on this system or with this CLI.
    CLAUDE_ERR_UNSUPPORTED = -104,
    /// No usable CLI was found (`CLINotFoundError`).
    CLAUDE_ERR_CLI_NOT_FOUND = -201,
    /// The CLI could not be started or spoken to (`CLIConnectionError`).
    CLAUDE_ERR_CLI_CONNECTION = -202,
    /// The client is not connected (`CLIConnectionError`).
    CLAUDE_ERR_NOT_CONNECTED = -203,
    /// The client is connected already, or was.
    CLAUDE_ERR_ALREADY_CONNECTED = -204,
    /// The CLI ended with a failure (`ProcessError`).
    CLAUDE_ERR_PROCESS = -205,
    /// The CLI ended with a failure after an error result (`ResultError`).
    CLAUDE_ERR_RESULT = -206,
    /// Text that is not the JSON it should be (`CLIJSONDecodeError`).
    CLAUDE_ERR_JSON_DECODE = -207,
    /// The CLI refused a control request; the message is its own.
    CLAUDE_ERR_CONTROL = -208,
    /// A deadline passed.
    CLAUDE_ERR_TIMEOUT = -301,
    /// The call would wait for the thread that makes it.
    CLAUDE_ERR_WOULD_DEADLOCK = -302,
    /// The process was forked after the library had started.
    CLAUDE_ERR_FORKED = -303,
    /// There is no room now: try again later.
    CLAUDE_ERR_WOULD_BLOCK = -304,
    /// The operation was withdrawn before it ended.
    CLAUDE_ERR_CANCELLED = -401,
    /// The session has ended.
    CLAUDE_ERR_CLOSED = -402,
    /// The request has been answered or withdrawn already.
    CLAUDE_ERR_STALE = -403,
    /// A defect of this library; the client is closed.
    CLAUDE_ERR_PANIC = -901,
}

/// What a message or an event is. New kinds may be added: treat an unknown number like `CLAUDE_MESSAGE_OTHER`.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_message_kind_t {
    /// Tool results and injected text; a prompt's echo when asked for.
    CLAUDE_MESSAGE_USER = 1,
    /// One content block of the model's reply.
    CLAUDE_MESSAGE_ASSISTANT = 2,
    /// `init` at the start of each turn, task progress, status and much else: see its `subtype`.
    CLAUDE_MESSAGE_SYSTEM = 3,
    /// The end of a turn, with cost, usage and the final text.
    CLAUDE_MESSAGE_RESULT = 4,
    /// A raw event of the streamed reply (option `include_partial_messages`).
    CLAUDE_MESSAGE_STREAM_EVENT = 5,
    /// The state of the usage limits changed.
    CLAUDE_MESSAGE_RATE_LIMIT_EVENT = 6,
    /// The conversation was cleared; a new session id is in force.
    CLAUDE_MESSAGE_CONVERSATION_RESET = 7,
    /// Progress of a login.
    CLAUDE_MESSAGE_AUTH_STATUS = 8,
    /// A tool is still running.
    CLAUDE_MESSAGE_TOOL_PROGRESS = 9,
    /// A summary of preceding tool calls.
    CLAUDE_MESSAGE_TOOL_USE_SUMMARY = 10,
    /// A suggested next prompt.
    CLAUDE_MESSAGE_PROMPT_SUGGESTION = 11,
    /// The goal in force changed.
    CLAUDE_MESSAGE_ACTIVE_GOAL = 12,
    /// A prompt was queued, started, completed or cancelled.
    CLAUDE_MESSAGE_COMMAND_LIFECYCLE = 13,
    /// Lines that the CLI has written to the session's file (option `session_mirror`): `filePath`, `entries`. See
    /// docs/sessions.md.
    CLAUDE_MESSAGE_TRANSCRIPT_MIRROR = 14,
    /// A type that this version of the library does not name.
    CLAUDE_MESSAGE_OTHER = 99,
    /// Streamed text as plain text, not JSON (option `text_deltas`). Comes right after its stream event.
    CLAUDE_EVENT_TEXT_DELTA = 100,
    /// A line of the CLI that is no message: `reason`, `length`, `text`.
    CLAUDE_EVENT_UNPARSED_LINE = 101,
    /// A line beyond `max_message_bytes` was skipped: `length`, `limit`, `text`.
    CLAUDE_EVENT_LINE_TOO_LONG = 102,
    /// Something that is allowed and probably not meant: `text`.
    CLAUDE_EVENT_WARNING = 103,
    /// Right behind a result (option `turn_events`): `prompts` that it answers, `autonomous`, `origin`.
    CLAUDE_EVENT_TURN_ENDED = 104,
    /// The host has sent something else than the record that is being played (option `replay`): `line` in the record,
    /// `pointer`, `expected`, `got`, and `text`, which says it all. See docs/replay.md.
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,
    /// PULL only: the CLI asks something; see `claude_event_take_request`.
    CLAUDE_EVENT_REQUEST = 200,
    /// PULL only: a request ended without an answer; see `claude_event_request_id`.
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,
    /// PULL only: an asynchronous operation ended; see `claude_event_status` and `claude_event_user_data`.
    CLAUDE_EVENT_DONE = 202,
    /// PULL only: a line of the CLI's stderr, as plain text.
    CLAUDE_EVENT_STDERR = 203,
    /// PULL only: the session has ended; the last event.
    CLAUDE_EVENT_CLOSED = 204,
    /// PULL only: a tool of the host is called: `call_id`, `server`, `name`, `arguments`; see `claude_event_take_tool_call`.
    CLAUDE_EVENT_TOOL_CALL = 205,
    /// PULL only: the answer to a tool call is not wanted any more: as above.
    CLAUDE_EVENT_TOOL_CALL_CANCELLED = 206,
}

/// How much a log line matters.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_log_level_t {
    /// Nothing is logged.
    CLAUDE_LOG_OFF = 0,
    /// Something failed.
    CLAUDE_LOG_ERROR = 1,
    /// Something is probably not meant.
    CLAUDE_LOG_WARNING = 2,
    /// Starts and ends.
    CLAUDE_LOG_INFO = 3,
    /// Every request and its reply.
    CLAUDE_LOG_DEBUG = 4,
}

/// What happens when a turn does not end after an interrupt.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_escalation_t {
    /// Nothing.
    CLAUDE_ESCALATE_NONE = 0,
    /// The session is ended as by `claude_client_disconnect`.
    CLAUDE_ESCALATE_DISCONNECT = 1,
    /// The CLI and its descendants are killed. Another client can continue the conversation by the option `resume`.
    CLAUDE_ESCALATE_KILL = 2,
}

/// Where a client stands.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_state_t {
    /// Not connected yet; also the answer for a handle that is not valid.
    CLAUDE_STATE_CREATED = 0,
    /// The CLI is starting.
    CLAUDE_STATE_CONNECTING = 1,
    /// The CLI answers.
    CLAUDE_STATE_CONNECTED = 2,
    /// The CLI is being ended.
    CLAUDE_STATE_CLOSING = 3,
    /// The CLI is gone.
    CLAUDE_STATE_CLOSED = 4,
}

/// Who runs a client's callbacks. See docs/threading.md.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_dispatch_t {
    /// A library thread, in order, one at a time for each lane. A callback may block.
    CLAUDE_DISPATCH_THREAD = 0,
    /// Only `claude_client_dispatch`, on the thread that calls it.
    CLAUDE_DISPATCH_PUMP = 1,
    /// Nobody: `claude_client_next` returns events.
    CLAUDE_DISPATCH_PULL = 2,
    /// The library's reader itself: the shortest way, for callbacks that never block.
    CLAUDE_DISPATCH_INLINE = 3,
}

/// What the CLI asks.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_request_kind_t {
    /// A subtype that this version of the library does not name; also the answer for a handle that is not valid.
    CLAUDE_REQUEST_OTHER = 0,
    /// May this tool run? (`can_use_tool`)
    CLAUDE_REQUEST_PERMISSION = 1,
    /// A hook of the host is called. (`hook_callback`)
    CLAUDE_REQUEST_HOOK = 2,
    /// A message for an MCP server inside the host. (`mcp_message`)
    CLAUDE_REQUEST_MCP = 3,
    /// An MCP server asks the user. (`elicitation`)
    CLAUDE_REQUEST_ELICITATION = 4,
    /// A dialog for the user. (`request_user_dialog`)
    CLAUDE_REQUEST_DIALOG = 5,
}

/// Where a request stands. The first end counts; it never changes again.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_request_state_t {
    /// It waits for an answer.
    CLAUDE_REQUEST_STATE_OPEN = 0,
    /// The host has answered, or let go of it, which refuses.
    CLAUDE_REQUEST_STATE_ANSWERED = 1,
    /// The CLI has withdrawn it.
    CLAUDE_REQUEST_STATE_WITHDRAWN = 2,
    /// Its deadline has passed.
    CLAUDE_REQUEST_STATE_EXPIRED = 3,
    /// Its session has ended; also the answer for a handle that is not valid.
    CLAUDE_REQUEST_STATE_CLOSED = 4,
}

/// Receives a message or an event. `json` is the CLI's own text (plain text for `CLAUDE_EVENT_TEXT_DELTA`), `len` bytes
/// of UTF-8 with a NUL behind them, valid until the callback returns.
pub type claude_message_fn = Option<
    unsafe extern "C" fn(
        kind: claude_message_kind_t,
        json: *const c_char,
        len: usize,
        user_data: *mut c_void,
    ),
>;

/// Receives a request of the CLI and owns it: answer it, now or later, and free it.
pub type claude_request_fn =
    Option<unsafe extern "C" fn(request: *mut claude_request_t, user_data: *mut c_void)>;

/// Called when the model uses the tool, and owns the call: answer it, now or later, and free it.
pub type claude_tool_fn = Option<unsafe extern "C" fn(call: *mut claude_tool_call_t, user_data: *mut c_void)>;

/// Told that the request with this id has ended without an answer: the CLI has withdrawn it, its deadline has passed, or its
/// session has ended.
pub type claude_cancel_fn = Option<unsafe extern "C" fn(request_id: u64, user_data: *mut c_void)>;

/// Receives a line of stderr, `len` bytes of UTF-8 with a NUL behind them, valid until the callback returns.
pub type claude_text_fn =
    Option<unsafe extern "C" fn(text: *const c_char, len: usize, user_data: *mut c_void)>;

/// Told once that the session has ended. `CLAUDE_OK` and an empty text stand for a normal end; otherwise `error_json` is
/// the error's document, valid until the callback returns.
pub type claude_closed_fn = Option<
    unsafe extern "C" fn(
        status: claude_status_t,
        error_json: *const c_char,
        len: usize,
        user_data: *mut c_void,
    ),
>;

/// The end of an asynchronous operation, told exactly once. `json` is the reply, or the error's document, valid until
/// the callback returns.
pub type claude_done_fn = Option<
    unsafe extern "C" fn(status: claude_status_t, json: *const c_char, len: usize, user_data: *mut c_void),
>;

/// Receives a line of the library's log, `len` bytes of UTF-8 with a NUL behind them, valid until the callback returns.
/// `level` is a `claude_log_level_t`.
pub type claude_log_fn =
    Option<unsafe extern "C" fn(level: i32, text: *const c_char, len: usize, user_data: *mut c_void)>;

/// The last call for this `user_data`: nothing of the library uses it any more.
pub type claude_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Told that something can be received. It may only poke an event loop: it runs on a library thread.
pub type claude_wakeup_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Returns the next prompt of a stream, or NULL at its end. The text stays the host's and must live until the next
/// call. `*len` is preset to `CLAUDE_STRLEN`: set it for a text without NUL.
pub type claude_prompt_fn =
    Option<unsafe extern "C" fn(len: *mut usize, user_data: *mut c_void) -> *const c_char>;

/// A function of a transport. See `claude_transport_vtable_t`.
pub type claude_transport_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// The first function of a transport. See `claude_transport_vtable_t`.
pub type claude_transport_connect_fn =
    Option<unsafe extern "C" fn(sink: *mut claude_sink_t, user_data: *mut c_void) -> i32>;

/// Receives bytes for the CLI, valid until it returns. See `claude_transport_vtable_t`.
pub type claude_transport_write_fn =
    Option<unsafe extern "C" fn(bytes: *const c_void, len: usize, user_data: *mut c_void) -> i32>;

/// A function of the host that runs on a library thread when it starts or ends.
pub type claude_thread_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A transport that the host supplies: how lines reach the CLI, wherever it runs. Zero it, set `size`, and set the
/// functions. Those that return a number return `CLAUDE_OK` or a `CLAUDE_ERR_` number.
///
/// All of them run on threads of the library, in every dispatch mode. `connect`, `is_ready`, `write` and `end_input` run
/// one at a time; `close` and `on_room` may run while another one does. Any function of the library may be called in them
/// but those that wait, and none of them runs under a lock of the library. See docs/remote.md.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct claude_transport_vtable_t {
    /// `sizeof(claude_transport_vtable_t)`, so that members can be added.
    pub size: usize,
    /// Makes the far side ready, and keeps `sink` for `claude_sink_push` and `claude_sink_end`. It may take its time, but not
    /// for ever: `close` may be called meanwhile and should make it return. After a failure neither `close` nor any other
    /// function but `destroy` is called.
    pub connect: claude_transport_connect_fn,
    /// Sends `len` bytes to the CLI's stdin: exactly one line, with its newline. All of it, or it fails, and a failure ends
    /// the session. It may wait for a moment for the far side to take the bytes, but not for the CLI to answer.
    pub write: claude_transport_write_fn,
    /// The CLI's stdin ends. Called at most once, behind all lines.
    pub end_input: claude_transport_fn,
    /// Ends the far side, by force if need be, and returns soon. Called once if `connect` was called and did not fail: when
    /// the stream has ended, or when it has not within the option `graceful_exit_timeout_ms`, or while `connect` or `write`
    /// does not return. No other function but `destroy` is called from then on; when it has returned nothing more is taken.
    pub close: claude_transport_fn,
    /// Asked after `connect` until it is not 0, every few milliseconds; a negative number is a failure. NULL = ready when
    /// `connect` has returned.
    pub is_ready: claude_transport_fn,
    /// Runs once and last, when no other function runs; may be NULL.
    pub destroy: claude_destroy_fn,
    /// There is room again after `claude_sink_has_room` was false or a push was refused; may be NULL.
    pub on_room: claude_wakeup_fn,
}

/// How the library's threads look. Zero it, set `size`, and set what differs from the default.
#[repr(C)]
pub struct claude_runtime_config_t {
    /// `sizeof(claude_runtime_config_t)`, so that members can be added.
    pub size: usize,
    /// Threads that move bytes between the CLIs and the queues; 0 = 1.
    pub worker_threads: u32,
    /// Bytes of stack of each library thread, at least 524288; 0 = the system's default.
    pub stack_size: usize,
    /// The first part of the threads' names; NULL = "claude". Copied.
    pub thread_name: *const c_char,
    /// Runs first on each library thread (to attach a JVM or a profiler); NULL = nothing.
    pub on_thread_start: claude_thread_fn,
    /// Runs last on each library thread; NULL = nothing.
    pub on_thread_stop: claude_thread_fn,
    /// Passed to both. Must live until `claude_runtime_shutdown` has returned.
    pub user_data: *mut c_void,
    /// Not 0 = do without the guardian process that ends the CLIs when the host is killed. See docs/embedding.md.
    pub no_guardian: i32,
}
