//! @defgroup types Types
//! Enumerations, handles, callbacks and structs.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use crate::ffi::versioned::Versioned;

/// As `timeout_ms`: do not wait.
pub const CLAUDE_NO_WAIT: u32 = 0;

/// As `timeout_ms` or `deadline_ms`: without a limit.
pub const CLAUDE_WAIT_FOREVER: u32 = u32::MAX;

/// The ABI that this header describes. Where libraries are found at run time, compare it with claude_abi_version().
pub const CLAUDE_ABI_VERSION: u32 = 1;

/// A conversation with one CLI. Free it with claude_client_free.
pub struct claude_client_t {
    _private: [u8; 0],
}

/// A failure. Free it with claude_error_free.
pub struct claude_error_t {
    _private: [u8; 0],
}

/// Something received in PULL mode. Free it with claude_event_free.
pub struct claude_event_t {
    _private: [u8; 0],
}

/// A request from the CLI. Free it with claude_request_free.
pub struct claude_request_t {
    _private: [u8; 0],
}

/// Tools of the host. Free it with claude_mcp_server_free.
pub struct claude_mcp_server_t {
    _private: [u8; 0],
}

/// One call of a tool. Free it with claude_tool_call_free.
pub struct claude_tool_call_t {
    _private: [u8; 0],
}

/// The input end of a host's transport. Never freed by the host.
pub struct claude_sink_t {
    _private: [u8; 0],
}

/// The host's own storage for sessions. Free it with claude_session_store_free.
pub struct claude_session_store_t {
    _private: [u8; 0],
}

/// A client whose CLI is started and waits to be claimed. Free it with claude_spare_free.
pub struct claude_spare_t {
    _private: [u8; 0],
}

/// One call to a session store. Free it with claude_store_call_free.
pub struct claude_store_call_t {
    _private: [u8; 0],
}

/// What a function returns: 0, or a negative number whose meaning never changes. See docs/errors.md.
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
    /// No such name, no such place, or no text there.
    CLAUDE_ERR_NOT_FOUND = -105,
    /// A file or a folder could not be read or written (`OSError`).
    CLAUDE_ERR_FILE = -106,
    /// No such session is on the disk (`FileNotFoundError`).
    CLAUDE_ERR_SESSION_NOT_FOUND = -107,
    /// The session is open, and the operation would damage it.
    CLAUDE_ERR_SESSION_IN_USE = -108,
    /// No usable CLI was found (`CLINotFoundError`).
    CLAUDE_ERR_CLI_NOT_FOUND = -201,
    /// The CLI could not be started or written to (`CLIConnectionError`).
    CLAUDE_ERR_CLI_CONNECTION = -202,
    /// The client is not connected (`CLIConnectionError`).
    CLAUDE_ERR_NOT_CONNECTED = -203,
    /// The client is connected already, or was.
    CLAUDE_ERR_ALREADY_CONNECTED = -204,
    /// The CLI ended with a failure (`ProcessError`).
    CLAUDE_ERR_PROCESS = -205,
    /// The CLI ended with a failure after an error result (`ResultError`), or a message reports a failure instead of an answer.
    CLAUDE_ERR_RESULT = -206,
    /// Text that is not valid JSON (`CLIJSONDecodeError`).
    CLAUDE_ERR_JSON_DECODE = -207,
    /// The CLI refused a control request; the message is its own.
    CLAUDE_ERR_CONTROL = -208,
    /// A deadline passed.
    CLAUDE_ERR_TIMEOUT = -301,
    /// The call would wait for its own thread.
    CLAUDE_ERR_WOULD_DEADLOCK = -302,
    /// The process was forked after the library had started.
    CLAUDE_ERR_FORKED = -303,
    /// No room, or not ready yet: try again later.
    CLAUDE_ERR_WOULD_BLOCK = -304,
    /// The operation was cancelled before it finished.
    CLAUDE_ERR_CANCELLED = -401,
    /// The session has ended.
    CLAUDE_ERR_CLOSED = -402,
    /// The request has already been answered or withdrawn.
    CLAUDE_ERR_STALE = -403,
    /// A bug in this library; the client is closed.
    CLAUDE_ERR_PANIC = -901,
}

/// The kind of a message or event. 1 to 99 are messages of the CLI, 100 to 199 events of the library delivered among them, and 200
/// to 299 come from claude_client_next only. Treat an unknown number like CLAUDE_MESSAGE_OTHER.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_message_kind_t {
    /// Tool results and injected text; a prompt's echo when asked for.
    CLAUDE_MESSAGE_USER = 1,
    /// One content block of the model's reply.
    CLAUDE_MESSAGE_ASSISTANT = 2,
    /// `init` at the start of each turn, task progress, status: see `subtype`.
    CLAUDE_MESSAGE_SYSTEM = 3,
    /// The end of a turn, with cost, usage and the final text.
    CLAUDE_MESSAGE_RESULT = 4,
    /// A raw event of the reply (option `include_partial_messages`).
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
    /// Lines written to the session's file (option `session_mirror`).
    CLAUDE_MESSAGE_TRANSCRIPT_MIRROR = 14,
    /// A type that this version of the library does not know.
    CLAUDE_MESSAGE_OTHER = 99,
    /// Streamed text, plain, not JSON (option `text_deltas`).
    CLAUDE_EVENT_TEXT_DELTA = 100,
    /// A line of the CLI that is not a message: `reason`, `length`, `text`.
    CLAUDE_EVENT_UNPARSED_LINE = 101,
    /// A line beyond `max_message_bytes` was skipped: `length`, `limit`, `text`.
    CLAUDE_EVENT_LINE_TOO_LONG = 102,
    /// Something that is allowed but probably a mistake: `text`.
    CLAUDE_EVENT_WARNING = 103,
    /// After a result (option `turn_events`): `prompts`, `autonomous`, `origin`, `interrupted`.
    CLAUDE_EVENT_TURN_ENDED = 104,
    /// A difference from the record (option `replay`): `line`, `pointer`, `text`, ...
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,
    /// The CLI is silent with work outstanding, has resumed, or does not end a turn (docs/stalls.md): `event` (`stalled`,
    /// `stall_ended`, `long_turn`), `text`, `waiting_for`, ...
    CLAUDE_EVENT_STALLED = 106,
    /// A request from the CLI: claude_event_take_request. JSON: the request.
    CLAUDE_EVENT_REQUEST = 200,
    /// The request with this id ended without an answer.
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,
    /// An operation ended. JSON: the reply, or the error's document.
    CLAUDE_EVENT_DONE = 202,
    /// A line of the CLI's stderr, plain text.
    CLAUDE_EVENT_STDERR = 203,
    /// The session has ended; the last message. JSON: as for claude_closed_fn.
    CLAUDE_EVENT_CLOSED = 204,
    /// A tool is called: claude_event_take_tool_call. JSON: claude_tool_call_json.
    CLAUDE_EVENT_TOOL_CALL = 205,
    /// The answer to the tool call with this id is no longer wanted.
    CLAUDE_EVENT_TOOL_CALL_CANCELLED = 206,
}

/// The two queues of a client, each in order; neither waits for the other. A mask: bits may be added, ALL includes them all.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_lanes_t {
    /// Messages, events up to 199, stderr, the end of the session.
    CLAUDE_LANE_MESSAGES = 1,
    /// Requests, tool calls, their cancellations, completed operations.
    CLAUDE_LANE_REQUESTS = 2,
    /// Every lane, including those of later versions; REQUESTS before MESSAGES.
    CLAUDE_LANE_ALL = 0x7FFF_FFFF,
}

/// The severity of a log line.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_log_level_t {
    /// Nothing is logged.
    CLAUDE_LOG_OFF = 0,
    /// Something failed.
    CLAUDE_LOG_ERROR = 1,
    /// Something is probably a mistake.
    CLAUDE_LOG_WARNING = 2,
    /// Starts and ends.
    CLAUDE_LOG_INFO = 3,
    /// Every request and its reply.
    CLAUDE_LOG_DEBUG = 4,
}

/// What the CLI does when the host answers a hook with claude_request_fail.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_hook_failure_t {
    /// It continues: a failed hook is ignored.
    CLAUDE_HOOK_CONTINUE = 0,
    /// It blocks the action that the hook was asked about.
    CLAUDE_HOOK_BLOCK = 1,
}

/// What happens when a turn does not end after an interrupt.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_escalation_t {
    /// Nothing.
    CLAUDE_ESCALATE_NONE = 0,
    /// The session is ended as with claude_client_disconnect.
    CLAUDE_ESCALATE_DISCONNECT = 1,
    /// The CLI and its descendants are killed; the option `resume` can continue the session later.
    CLAUDE_ESCALATE_KILL = 2,
}

/// The state of a client.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_state_t {
    /// Not connected yet; also returned for an invalid handle.
    CLAUDE_STATE_CREATED = 0,
    /// The CLI is starting.
    CLAUDE_STATE_CONNECTING = 1,
    /// The CLI is ready.
    CLAUDE_STATE_CONNECTED = 2,
    /// The CLI is shutting down.
    CLAUDE_STATE_CLOSING = 3,
    /// The CLI is gone.
    CLAUDE_STATE_CLOSED = 4,
}

/// Who runs a client's callbacks. See docs/threading.md.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_dispatch_t {
    /// A library thread, in order, one at a time for each lane; may block.
    CLAUDE_DISPATCH_THREAD = 0,
    /// Only claude_client_pump, on the thread that calls it.
    CLAUDE_DISPATCH_PUMP = 1,
    /// Nobody: claude_client_next returns events.
    CLAUDE_DISPATCH_PULL = 2,
    /// The library's reader thread itself, for callbacks that never block.
    CLAUDE_DISPATCH_INLINE = 3,
}

/// The kind of a request from the CLI.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_request_kind_t {
    /// Not known to this version; also returned for an invalid handle.
    CLAUDE_REQUEST_OTHER = 0,
    /// May this tool run? (`can_use_tool`)
    CLAUDE_REQUEST_PERMISSION = 1,
    /// A hook of the host is called. (`hook_callback`)
    CLAUDE_REQUEST_HOOK = 2,
    /// A message for an MCP server of the host. (`mcp_message`)
    CLAUDE_REQUEST_MCP = 3,
    /// An MCP server asks the user. (`elicitation`)
    CLAUDE_REQUEST_ELICITATION = 4,
    /// A dialog for the user. (`request_user_dialog`)
    CLAUDE_REQUEST_DIALOG = 5,
}

/// The state of a request. Once it has ended, the state never changes again.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum claude_request_state_t {
    /// Waiting for an answer.
    CLAUDE_REQUEST_STATE_OPEN = 0,
    /// The host has answered it, or freed it, which refuses it.
    CLAUDE_REQUEST_STATE_ANSWERED = 1,
    /// The CLI has withdrawn it.
    CLAUDE_REQUEST_STATE_WITHDRAWN = 2,
    /// Its deadline has passed.
    CLAUDE_REQUEST_STATE_EXPIRED = 3,
    /// Its session has ended; also returned for an invalid handle.
    CLAUDE_REQUEST_STATE_CLOSED = 4,
}

/// A message or an event. `json` is the CLI's own text; plain text for CLAUDE_EVENT_TEXT_DELTA.
pub type claude_message_fn = Option<
    unsafe extern "C" fn(
        kind: claude_message_kind_t,
        json: *const c_char,
        len: usize,
        user_data: *mut c_void,
    ),
>;

/// A request from the CLI, which the callback owns: answer it, now or later, and free it.
pub type claude_request_fn =
    Option<unsafe extern "C" fn(request: *mut claude_request_t, user_data: *mut c_void)>;

/// The model uses the tool. The callback owns the call: answer it, now or later, and free it.
pub type claude_tool_fn = Option<unsafe extern "C" fn(call: *mut claude_tool_call_t, user_data: *mut c_void)>;

/// A request or a tool call no longer needs an answer. `id` is that of claude_request_id or claude_tool_call_id.
pub type claude_cancel_fn = Option<unsafe extern "C" fn(id: u64, user_data: *mut c_void)>;

/// A line of stderr.
pub type claude_text_fn =
    Option<unsafe extern "C" fn(text: *const c_char, len: usize, user_data: *mut c_void)>;

/// The session has ended: CLAUDE_OK and an empty text, or the cause and the error's document.
pub type claude_closed_fn = Option<
    unsafe extern "C" fn(
        status: claude_status_t,
        error_json: *const c_char,
        len: usize,
        user_data: *mut c_void,
    ),
>;

/// The end of an operation. `json` is the reply, or the error's document.
pub type claude_done_fn = Option<
    unsafe extern "C" fn(status: claude_status_t, json: *const c_char, len: usize, user_data: *mut c_void),
>;

/// A line of the library's log.
pub type claude_log_fn = Option<
    unsafe extern "C" fn(level: claude_log_level_t, text: *const c_char, len: usize, user_data: *mut c_void),
>;

/// The last call for this `user_data`: the library no longer uses it.
pub type claude_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Something is ready. It may only wake an event loop: it runs on any thread, in every mode, even inside calls made by the host.
pub type claude_notify_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The next prompt of a stream, or NULL at its end. The text remains the host's and must live until the next call.
pub type claude_prompt_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> *const c_char>;

/// See claude_transport_vtable_t.
pub type claude_transport_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void) -> MaybeUninit<claude_status_t>>;

/// See claude_transport_vtable_t.
pub type claude_transport_connect_fn = Option<
    unsafe extern "C" fn(sink: *mut claude_sink_t, user_data: *mut c_void) -> MaybeUninit<claude_status_t>,
>;

/// See claude_transport_vtable_t. `bytes` is valid until it returns.
pub type claude_transport_write_fn = Option<
    unsafe extern "C" fn(
        bytes: *const c_void,
        len: usize,
        user_data: *mut c_void,
    ) -> MaybeUninit<claude_status_t>,
>;

/// See claude_session_store_vtable_t. The texts are valid until it returns; the function owns the call.
pub type claude_store_append_fn = Option<
    unsafe extern "C" fn(
        call: *mut claude_store_call_t,
        key_json: *const c_char,
        entries_json: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// See claude_session_store_vtable_t. The text is valid until it returns; the function owns the call.
pub type claude_store_fn = Option<
    unsafe extern "C" fn(call: *mut claude_store_call_t, key_json: *const c_char, user_data: *mut c_void),
>;

/// Runs on a library thread when it starts or ends.
pub type claude_thread_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A transport that the host supplies. Zero it, set `size` and the functions; those without "NULL =" are required. All run on
/// library threads in every mode; `connect`, `is_ready`, `write` and `end_input` one at a time, `close` and `on_room` possibly at
/// the same time as those. They may call any function that does not wait. See docs/remote.md.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct claude_transport_vtable_t {
    /// sizeof(claude_transport_vtable_t).
    pub size: usize,
    /// Sets up the remote end and keeps `sink`. `close` should make it return. After a failure only `destroy` is called.
    pub connect: claude_transport_connect_fn,
    /// Sends one line with its newline, all of it; a failure ends the session.
    pub write: claude_transport_write_fn,
    /// Closes the CLI's stdin. Called once, after all lines.
    pub end_input: claude_transport_fn,
    /// Ends the remote end, by force if need be, and returns soon. Called once; only `destroy` follows.
    pub close: claude_transport_fn,
    /// Polled after `connect`, every few milliseconds, until it no longer returns CLAUDE_ERR_WOULD_BLOCK; NULL = ready when
    /// `connect` has returned.
    pub is_ready: claude_transport_fn,
    /// Called when there is room again after claude_sink_has_room was false; NULL = poll.
    pub on_room: claude_notify_fn,
    /// Called once, last of all; NULL = nothing to free.
    pub destroy: claude_destroy_fn,
}

/// A session store of the host's own. Zero it, set `size` and the functions; those without "NULL =" are required. All run on
/// library threads in every mode, several at once, and may block; the appends of one client come one after another. Each answers
/// its call once, now or later from any thread, with claude_store_call_respond or _fail. A key is `{"project_key", "session_id"}`,
/// with `subpath` for what belongs to a session; `list` and `summaries` get `{"project_key"}`. See docs/sessions.md.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct claude_session_store_vtable_t {
    /// sizeof(claude_session_store_vtable_t).
    pub size: usize,
    /// Appends entries, an array, to those already stored. Answer NULL. An entry may come twice, with the same `uuid`.
    pub append: claude_store_append_fn,
    /// Answers the array of all entries in their order, or NULL = never stored.
    pub load: claude_store_fn,
    /// Answers `[{"session_id", "mtime"}]` (milliseconds) of the project's sessions,
    /// without subpaths; NULL = `continue_conversation` is refused.
    pub list: claude_store_fn,
    /// Answers what claude_session_summary_fold gave for each, with its `mtime` set by the clock that `list` uses; NULL = there are
    /// none.
    pub summaries: claude_store_fn,
    /// Removes a key, and with a session all of its subpaths. Answer NULL; NULL =
    /// nothing is ever removed.
    pub remove: claude_store_fn,
    /// Answers the array of a session's subpaths; NULL = subagents are not resumed.
    pub list_subkeys: claude_store_fn,
    /// Called once, last of all; NULL = nothing to free.
    pub destroy: claude_destroy_fn,
}

/// The contents of an event. Set `size` once; `claude_event_info` writes the rest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct claude_event_info_t {
    /// `sizeof(claude_event_info_t)`, so that members can be added.
    pub size: usize,
    /// Its kind.
    pub kind: MaybeUninit<claude_message_kind_t>,
    /// DONE and CLOSED: how it ended; otherwise `CLAUDE_OK`.
    pub status: MaybeUninit<claude_status_t>,
    /// REQUEST: what is asked; otherwise `CLAUDE_REQUEST_OTHER`.
    pub request_kind: MaybeUninit<claude_request_kind_t>,
    /// The lane it came from.
    pub lane: MaybeUninit<claude_lanes_t>,
    /// REQUEST, TOOL_CALL and their CANCELLED: the id; otherwise 0.
    pub id: u64,
    /// Of the operation (DONE), the tool, the hook or the MCP handler; else NULL.
    pub user_data: *mut c_void,
    /// Its text, as the kind says. Lives as long as the event.
    pub json: *const c_char,
    /// Bytes of `json` without the NUL.
    pub len: usize,
}

// SAFETY: numbers and pointers alone, any bytes are valid in a MaybeUninit, and `size` is first.
unsafe impl Versioned for claude_event_info_t {
    const NAME: &'static str = "claude_event_info_t";
    const FIRST: usize = 24 + 4 * size_of::<usize>();
}

/// Settings for the whole process. Zero it, set `size`, and set what differs from the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct claude_runtime_config_t {
    /// sizeof(claude_runtime_config_t).
    pub size: usize,
    /// Bytes of stack of each library thread, at least 524288; 0 = the system's.
    pub stack_size: usize,
    /// First part of the threads' names; NULL = "claude".
    pub thread_name: *const c_char,
    /// Runs first on each library thread (to attach a JVM); NULL = nothing.
    pub on_thread_start: claude_thread_fn,
    /// Runs last on each library thread; NULL = nothing.
    pub on_thread_stop: claude_thread_fn,
    /// Passed to both. Must live until claude_runtime_shutdown has returned.
    pub user_data: *mut c_void,
    /// Threads that move bytes between the CLIs and the queues; 0 = 1.
    pub worker_threads: u32,
    /// Not 0 = no guardian process that ends the CLIs when the host is killed.
    pub no_guardian: i32,
}
