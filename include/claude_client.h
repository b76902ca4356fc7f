/*
 * claude-client: live conversations with Claude Code from any language that can call C.
 *
 * Licence: MIT or Apache-2.0, as you choose. Floor: C99, C++11. Made from src/capi by `make header`; do not edit.
 *
 *     static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) { puts(json); }
 *
 *     claude_client_t *client = NULL;
 *     claude_error_t *error = NULL;
 *     if (claude_client_create("{\"system_prompt\": \"Be brief.\"}", &client, &error) != CLAUDE_OK ||
 *         claude_client_on_message(client, on_message, NULL, NULL, &error) != CLAUDE_OK ||
 *         claude_client_connect_wait(client, NULL, 60000, &error) != CLAUDE_OK ||
 *         claude_client_query(client, "What is the capital of France?", NULL, &error) != CLAUDE_OK ||
 *         claude_client_receive_response(client, 120000, &error) != CLAUDE_OK)
 *         fprintf(stderr, "%s\n", claude_error_message(error));
 *     claude_error_free(error);
 *     claude_client_free(client);
 *
 * THE CONTRACT. It holds for every function unless the text of that function says otherwise.
 *
 *  1. Shape. The first parameter is the object; then come inputs, then outputs, then `claude_error_t **error`, which
 *     may be NULL. The result is a claude_status_t: 0 is success, a negative number is a failure and is never
 *     renumbered. Compare with the constants, keep a default branch: later versions add numbers. Outputs are written
 *     only on CLAUDE_OK. An error that was written belongs to the caller: claude_error_free. Set `error` to NULL
 *     before the first call: a failing call replaces the pointer without freeing what it pointed to.
 *  2. Threads. Any function may be called from any thread at any time, and inside a callback.
 *  3. Text in is UTF-8 that ends with a NUL. Functions that take bulk text have a twin with the suffix _n that takes
 *     a length (CLAUDE_STRLEN: up to the NUL). Text that is not UTF-8 is an error, not undefined behaviour. The
 *     library has copied what it needs when the call returns.
 *  4. Text out is UTF-8 with a length and a NUL after it. Text that a callback receives lives until the callback
 *     returns; a `const char *` result lives as long as the object it came from; a `char *` output belongs to the
 *     caller: claude_string_free, never free().
 *  5. Waiting. Nothing blocks unless it takes `timeout_ms` (CLAUDE_NO_WAIT: do not wait; CLAUDE_WAIT_FOREVER: no
 *     limit). A wait that could only end with the help of the thread that calls it is refused with
 *     CLAUDE_ERR_WOULD_DEADLOCK.
 *  6. Completions. An accepted operation (its call returned CLAUDE_OK) calls its `done` exactly once, with
 *     CLAUDE_ERR_CANCELLED or CLAUDE_ERR_CLOSED if need be. A refused one never calls it.
 *  7. Callbacks are plain functions with `void *user_data` last. `destroy`, where a registration takes one, runs
 *     exactly once and last, also when the registration failed: what `user_data` needs is freed there. They must
 *     return normally: no exception, no longjmp.
 *  8. Handles are ids, not addresses: never read through one. NULL, freed, stale or foreign handles give
 *     CLAUDE_ERR_INVALID_HANDLE, never a crash, and the free functions ignore them.
 *  9. Freeing. When claude_client_free returns, no callback of that client runs or will run, every `destroy` has run
 *     and the child process is gone. Called inside one of the client's own callbacks it returns at once and the
 *     promise holds when that callback returns; where the library's reader runs that callback (INLINE mode, a wake-up
 *     function, the log), a library thread keeps the promise soon after, and the last `destroy` that runs says so.
 *     Returning from main without any clean-up is safe too.
 * 10. The CLI's requests fail closed: unanswered, dropped, late, or in flight at a failure means "deny" or an error
 *     reply, never "go ahead".
 * 11. The host stays its own master: the library prints nothing, installs no signal handler, changes no signal mask,
 *     registers no atexit handler, and no failure inside it unwinds into the host (CLAUDE_ERR_PANIC instead). After
 *     fork, every call in the new process returns CLAUDE_ERR_FORKED; exec there is fine.
 * 12. Options and messages are JSON. Messages are the bytes that the CLI wrote: unknown types and fields pass
 *     through. Unknown option keys are errors that name the nearest known key.
 */


#ifndef CLAUDE_CLIENT_H
#define CLAUDE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header; claude_version() is that of the library in use. */
#define CLAUDE_VERSION_MAJOR 0
#define CLAUDE_VERSION_MINOR 1
#define CLAUDE_VERSION_PATCH 0

/** The ABI that this header describes. A library with the same number serves it; see CLAUDE_CHECK_ABI. */
#define CLAUDE_ABI_VERSION 1u

/** True when the library in use serves this header. Worth one line at start-up where libraries are found at run time. */
#define CLAUDE_CHECK_ABI() (claude_abi_version() == CLAUDE_ABI_VERSION)

/** As `timeout_ms`: do not wait. */
#define CLAUDE_NO_WAIT 0u

/** As `timeout_ms`: wait without a limit. */
#define CLAUDE_WAIT_FOREVER UINT32_MAX

/** As a length: the text ends at its NUL. */
#define CLAUDE_STRLEN SIZE_MAX


/**
 * A hook that fails has no say.
 */
#define CLAUDE_HOOK_CONTINUE 0

/**
 * A hook that fails blocks what it was asked about.
 */
#define CLAUDE_HOOK_BLOCK 1

/**
 * What a function returns: 0 or a negative number that is never given another meaning. See docs/errors.md.
 */
enum claude_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done, or accepted.
     */
    CLAUDE_OK = 0,
    /**
     * A pointer, a text or a JSON document that cannot be used.
     */
    CLAUDE_ERR_INVALID_ARGUMENT = -101,
    /**
     * NULL, freed, stale or foreign handle.
     */
    CLAUDE_ERR_INVALID_HANDLE = -102,
    /**
     * An option that is unknown, of the wrong type, or cannot be combined.
     */
    CLAUDE_ERR_INVALID_OPTION = -103,
    /**
     * Not possible in this mode, on this system or with this CLI.
     */
    CLAUDE_ERR_UNSUPPORTED = -104,
    /**
     * No usable CLI was found (`CLINotFoundError`).
     */
    CLAUDE_ERR_CLI_NOT_FOUND = -201,
    /**
     * The CLI could not be started or spoken to (`CLIConnectionError`).
     */
    CLAUDE_ERR_CLI_CONNECTION = -202,
    /**
     * The client is not connected (`CLIConnectionError`).
     */
    CLAUDE_ERR_NOT_CONNECTED = -203,
    /**
     * The client is connected already, or was.
     */
    CLAUDE_ERR_ALREADY_CONNECTED = -204,
    /**
     * The CLI ended with a failure (`ProcessError`).
     */
    CLAUDE_ERR_PROCESS = -205,
    /**
     * The CLI ended with a failure after an error result (`ResultError`).
     */
    CLAUDE_ERR_RESULT = -206,
    /**
     * Text that is not the JSON it should be (`CLIJSONDecodeError`).
     */
    CLAUDE_ERR_JSON_DECODE = -207,
    /**
     * The CLI refused a control request; the message is its own.
     */
    CLAUDE_ERR_CONTROL = -208,
    /**
     * A deadline passed.
     */
    CLAUDE_ERR_TIMEOUT = -301,
    /**
     * The call would wait for the thread that makes it.
     */
    CLAUDE_ERR_WOULD_DEADLOCK = -302,
    /**
     * The process was forked after the library had started.
     */
    CLAUDE_ERR_FORKED = -303,
    /**
     * There is no room now: try again later.
     */
    CLAUDE_ERR_WOULD_BLOCK = -304,
    /**
     * The operation was withdrawn before it ended.
     */
    CLAUDE_ERR_CANCELLED = -401,
    /**
     * The session has ended.
     */
    CLAUDE_ERR_CLOSED = -402,
    /**
     * The request has been answered or withdrawn already.
     */
    CLAUDE_ERR_STALE = -403,
    /**
     * A defect of this library; the client is closed.
     */
    CLAUDE_ERR_PANIC = -901,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_status_t claude_status_t;
#else
typedef int32_t claude_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where a client stands.
 */
enum claude_state_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Not connected yet; also the answer for a handle that is not valid.
     */
    CLAUDE_STATE_CREATED = 0,
    /**
     * The CLI is starting.
     */
    CLAUDE_STATE_CONNECTING = 1,
    /**
     * The CLI answers.
     */
    CLAUDE_STATE_CONNECTED = 2,
    /**
     * The CLI is being ended.
     */
    CLAUDE_STATE_CLOSING = 3,
    /**
     * The CLI is gone.
     */
    CLAUDE_STATE_CLOSED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_state_t claude_state_t;
#else
typedef int32_t claude_state_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a message or an event is. New kinds may be added: treat an unknown number like `CLAUDE_MESSAGE_OTHER`.
 */
enum claude_message_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Tool results and injected text; a prompt's echo when asked for.
     */
    CLAUDE_MESSAGE_USER = 1,
    /**
     * One content block of the model's reply.
     */
    CLAUDE_MESSAGE_ASSISTANT = 2,
    /**
     * `init` at the start of each turn, task progress, status and much else: see its `subtype`.
     */
    CLAUDE_MESSAGE_SYSTEM = 3,
    /**
     * The end of a turn, with cost, usage and the final text.
     */
    CLAUDE_MESSAGE_RESULT = 4,
    /**
     * A raw event of the streamed reply (option `include_partial_messages`).
     */
    CLAUDE_MESSAGE_STREAM_EVENT = 5,
    /**
     * The state of the usage limits changed.
     */
    CLAUDE_MESSAGE_RATE_LIMIT_EVENT = 6,
    /**
     * The conversation was cleared; a new session id is in force.
     */
    CLAUDE_MESSAGE_CONVERSATION_RESET = 7,
    /**
     * Progress of a login.
     */
    CLAUDE_MESSAGE_AUTH_STATUS = 8,
    /**
     * A tool is still running.
     */
    CLAUDE_MESSAGE_TOOL_PROGRESS = 9,
    /**
     * A summary of preceding tool calls.
     */
    CLAUDE_MESSAGE_TOOL_USE_SUMMARY = 10,
    /**
     * A suggested next prompt.
     */
    CLAUDE_MESSAGE_PROMPT_SUGGESTION = 11,
    /**
     * The goal in force changed.
     */
    CLAUDE_MESSAGE_ACTIVE_GOAL = 12,
    /**
     * A prompt was queued, started, completed or cancelled.
     */
    CLAUDE_MESSAGE_COMMAND_LIFECYCLE = 13,
    /**
     * Lines that the CLI has written to the session's file (option `session_mirror`): `filePath`, `entries`. See
     * docs/sessions.md.
     */
    CLAUDE_MESSAGE_TRANSCRIPT_MIRROR = 14,
    /**
     * A type that this version of the library does not name.
     */
    CLAUDE_MESSAGE_OTHER = 99,
    /**
     * Streamed text as plain text, not JSON (option `text_deltas`). Comes right after its stream event.
     */
    CLAUDE_EVENT_TEXT_DELTA = 100,
    /**
     * A line of the CLI that is no message: `reason`, `length`, `text`.
     */
    CLAUDE_EVENT_UNPARSED_LINE = 101,
    /**
     * A line beyond `max_message_bytes` was skipped: `length`, `limit`, `text`.
     */
    CLAUDE_EVENT_LINE_TOO_LONG = 102,
    /**
     * Something that is allowed and probably not meant: `text`.
     */
    CLAUDE_EVENT_WARNING = 103,
    /**
     * Right behind a result (option `turn_events`): `prompts` that it answers, `autonomous`, `origin`.
     */
    CLAUDE_EVENT_TURN_ENDED = 104,
    /**
     * The host has sent something else than the record that is being played (option `replay`): `line` in the record,
     * `pointer`, `expected`, `got`, and `text`, which says it all. See docs/replay.md.
     */
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,
    /**
     * PULL only: the CLI asks something; see `claude_event_take_request`.
     */
    CLAUDE_EVENT_REQUEST = 200,
    /**
     * PULL only: a request ended without an answer; see `claude_event_request_id`.
     */
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,
    /**
     * PULL only: an asynchronous operation ended; see `claude_event_status` and `claude_event_user_data`.
     */
    CLAUDE_EVENT_DONE = 202,
    /**
     * PULL only: a line of the CLI's stderr, as plain text.
     */
    CLAUDE_EVENT_STDERR = 203,
    /**
     * PULL only: the session has ended; the last event.
     */
    CLAUDE_EVENT_CLOSED = 204,
    /**
     * PULL only: a tool of the host is called: `call_id`, `server`, `name`, `arguments`; see `claude_event_take_tool_call`.
     */
    CLAUDE_EVENT_TOOL_CALL = 205,
    /**
     * PULL only: the answer to a tool call is not wanted any more: as above.
     */
    CLAUDE_EVENT_TOOL_CALL_CANCELLED = 206,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_message_kind_t claude_message_kind_t;
#else
typedef int32_t claude_message_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the CLI asks.
 */
enum claude_request_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A subtype that this version of the library does not name; also the answer for a handle that is not valid.
     */
    CLAUDE_REQUEST_OTHER = 0,
    /**
     * May this tool run? (`can_use_tool`)
     */
    CLAUDE_REQUEST_PERMISSION = 1,
    /**
     * A hook of the host is called. (`hook_callback`)
     */
    CLAUDE_REQUEST_HOOK = 2,
    /**
     * A message for an MCP server inside the host. (`mcp_message`)
     */
    CLAUDE_REQUEST_MCP = 3,
    /**
     * An MCP server asks the user. (`elicitation`)
     */
    CLAUDE_REQUEST_ELICITATION = 4,
    /**
     * A dialog for the user. (`request_user_dialog`)
     */
    CLAUDE_REQUEST_DIALOG = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_request_kind_t claude_request_kind_t;
#else
typedef int32_t claude_request_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where a request stands. The first end counts; it never changes again.
 */
enum claude_request_state_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It waits for an answer.
     */
    CLAUDE_REQUEST_STATE_OPEN = 0,
    /**
     * The host has answered, or let go of it, which refuses.
     */
    CLAUDE_REQUEST_STATE_ANSWERED = 1,
    /**
     * The CLI has withdrawn it.
     */
    CLAUDE_REQUEST_STATE_WITHDRAWN = 2,
    /**
     * Its deadline has passed.
     */
    CLAUDE_REQUEST_STATE_EXPIRED = 3,
    /**
     * Its session has ended; also the answer for a handle that is not valid.
     */
    CLAUDE_REQUEST_STATE_CLOSED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_request_state_t claude_request_state_t;
#else
typedef int32_t claude_request_state_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Who runs a client's callbacks. See docs/threading.md.
 */
enum claude_dispatch_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A library thread, in order, one at a time for each lane. A callback may block.
     */
    CLAUDE_DISPATCH_THREAD = 0,
    /**
     * Only `claude_client_dispatch`, on the thread that calls it.
     */
    CLAUDE_DISPATCH_PUMP = 1,
    /**
     * Nobody: `claude_client_next` returns events.
     */
    CLAUDE_DISPATCH_PULL = 2,
    /**
     * The library's reader itself: the shortest way, for callbacks that never block.
     */
    CLAUDE_DISPATCH_INLINE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_dispatch_t claude_dispatch_t;
#else
typedef int32_t claude_dispatch_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much a log line matters.
 */
enum claude_log_level_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing is logged.
     */
    CLAUDE_LOG_OFF = 0,
    /**
     * Something failed.
     */
    CLAUDE_LOG_ERROR = 1,
    /**
     * Something is probably not meant.
     */
    CLAUDE_LOG_WARNING = 2,
    /**
     * Starts and ends.
     */
    CLAUDE_LOG_INFO = 3,
    /**
     * Every request and its reply.
     */
    CLAUDE_LOG_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_log_level_t claude_log_level_t;
#else
typedef int32_t claude_log_level_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happens when a turn does not end after an interrupt.
 */
enum claude_escalation_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing.
     */
    CLAUDE_ESCALATE_NONE = 0,
    /**
     * The session is ended as by `claude_client_disconnect`.
     */
    CLAUDE_ESCALATE_DISCONNECT = 1,
    /**
     * The CLI and its descendants are killed. Another client can continue the conversation by the option `resume`.
     */
    CLAUDE_ESCALATE_KILL = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_escalation_t claude_escalation_t;
#else
typedef int32_t claude_escalation_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A conversation with one CLI. Freed by `claude_client_free`.
 */
typedef struct claude_client_t claude_client_t;

/**
 * A failure. Freed by `claude_error_free`.
 */
typedef struct claude_error_t claude_error_t;

/**
 * Something received in PULL mode. Freed by `claude_event_free`.
 */
typedef struct claude_event_t claude_event_t;

/**
 * A server with tools that are functions of the host. Freed by `claude_mcp_server_free`.
 */
typedef struct claude_mcp_server_t claude_mcp_server_t;

/**
 * Something that the CLI asks of the host. Freed by `claude_request_free`.
 */
typedef struct claude_request_t claude_request_t;

/**
 * Where a transport of the host brings what the CLI wrote. Valid from `connect` until the transport's `destroy` runs.
 */
typedef struct claude_sink_t claude_sink_t;

/**
 * One call of a tool. Freed by `claude_tool_call_free`.
 */
typedef struct claude_tool_call_t claude_tool_call_t;

/**
 * A function of the host that runs on a library thread when it starts or ends.
 */
typedef void (*claude_thread_fn)(void *user_data);

/**
 * How the library's threads look. Zero it, set `size`, and set what differs from the default.
 */
typedef struct {
    /**
     * `sizeof(claude_runtime_config_t)`, so that members can be added.
     */
    size_t size;
    /**
     * Threads that move bytes between the CLIs and the queues; 0 = 1.
     */
    uint32_t worker_threads;
    /**
     * Bytes of stack of each library thread, at least 524288; 0 = the system's default.
     */
    size_t stack_size;
    /**
     * The first part of the threads' names; NULL = "claude". Copied.
     */
    const char *thread_name;
    /**
     * Runs first on each library thread (to attach a JVM or a profiler); NULL = nothing.
     */
    claude_thread_fn on_thread_start;
    /**
     * Runs last on each library thread; NULL = nothing.
     */
    claude_thread_fn on_thread_stop;
    /**
     * Passed to both. Must live until `claude_runtime_shutdown` has returned.
     */
    void *user_data;
    /**
     * Not 0 = do without the guardian process that ends the CLIs when the host is killed. See docs/embedding.md.
     */
    int32_t no_guardian;
} claude_runtime_config_t;

/**
 * Receives a line of the library's log, `len` bytes of UTF-8 with a NUL behind them, valid until the callback returns.
 * `level` is a `claude_log_level_t`.
 */
typedef void (*claude_log_fn)(int32_t level, const char *text, size_t len, void *user_data);

/**
 * The last call for this `user_data`: nothing of the library uses it any more.
 */
typedef void (*claude_destroy_fn)(void *user_data);

/**
 * The end of an asynchronous operation, told exactly once. `json` is the reply, or the error's document, valid until
 * the callback returns.
 */
typedef void (*claude_done_fn)(claude_status_t status, const char *json, size_t len, void *user_data);

/**
 * Returns the next prompt of a stream, or NULL at its end. The text stays the host's and must live until the next
 * call. `*len` is preset to `CLAUDE_STRLEN`: set it for a text without NUL.
 */
typedef const char *(*claude_prompt_fn)(size_t *len, void *user_data);

/**
 * Receives a message or an event. `json` is the CLI's own text (plain text for `CLAUDE_EVENT_TEXT_DELTA`), `len` bytes
 * of UTF-8 with a NUL behind them, valid until the callback returns.
 */
typedef void (*claude_message_fn)(claude_message_kind_t kind, const char *json, size_t len, void *user_data);

/**
 * Receives a request of the CLI and owns it: answer it, now or later, and free it.
 */
typedef void (*claude_request_fn)(claude_request_t *request, void *user_data);

/**
 * Receives a line of stderr, `len` bytes of UTF-8 with a NUL behind them, valid until the callback returns.
 */
typedef void (*claude_text_fn)(const char *text, size_t len, void *user_data);

/**
 * Told once that the session has ended. `CLAUDE_OK` and an empty text stand for a normal end; otherwise `error_json` is
 * the error's document, valid until the callback returns.
 */
typedef void (*claude_closed_fn)(claude_status_t status, const char *error_json, size_t len, void *user_data);

/**
 * Told that something can be received. It may only poke an event loop: it runs on a library thread.
 */
typedef void (*claude_wakeup_fn)(void *user_data);

/**
 * Told that the request with this id has ended without an answer: the CLI has withdrawn it, its deadline has passed, or its
 * session has ended.
 */
typedef void (*claude_cancel_fn)(uint64_t request_id, void *user_data);

/**
 * Called when the model uses the tool, and owns the call: answer it, now or later, and free it.
 */
typedef void (*claude_tool_fn)(claude_tool_call_t *call, void *user_data);

/**
 * The first function of a transport. See `claude_transport_vtable_t`.
 */
typedef int32_t (*claude_transport_connect_fn)(claude_sink_t *sink, void *user_data);

/**
 * Receives bytes for the CLI, valid until it returns. See `claude_transport_vtable_t`.
 */
typedef int32_t (*claude_transport_write_fn)(const void *bytes, size_t len, void *user_data);

/**
 * A function of a transport. See `claude_transport_vtable_t`.
 */
typedef int32_t (*claude_transport_fn)(void *user_data);

/**
 * A transport that the host supplies: how lines reach the CLI, wherever it runs. Zero it, set `size`, and set the
 * functions. Those that return a number return `CLAUDE_OK` or a `CLAUDE_ERR_` number.
 *
 * All of them run on threads of the library, in every dispatch mode. `connect`, `is_ready`, `write` and `end_input` run
 * one at a time; `close` and `on_room` may run while another one does. Any function of the library may be called in them
 * but those that wait, and none of them runs under a lock of the library. See docs/remote.md.
 */
typedef struct {
    /**
     * `sizeof(claude_transport_vtable_t)`, so that members can be added.
     */
    size_t size;
    /**
     * Makes the far side ready, and keeps `sink` for `claude_sink_push` and `claude_sink_end`. It may take its time, but not
     * for ever: `close` may be called meanwhile and should make it return. After a failure neither `close` nor any other
     * function but `destroy` is called.
     */
    claude_transport_connect_fn connect;
    /**
     * Sends `len` bytes to the CLI's stdin: exactly one line, with its newline. All of it, or it fails, and a failure ends
     * the session. It may wait for a moment for the far side to take the bytes, but not for the CLI to answer.
     */
    claude_transport_write_fn write;
    /**
     * The CLI's stdin ends. Called at most once, behind all lines.
     */
    claude_transport_fn end_input;
    /**
     * Ends the far side, by force if need be, and returns soon. Called once if `connect` was called and did not fail: when
     * the stream has ended, or when it has not within the option `graceful_exit_timeout_ms`, or while `connect` or `write`
     * does not return. No other function but `destroy` is called from then on; when it has returned nothing more is taken.
     */
    claude_transport_fn close;
    /**
     * Asked after `connect` until it is not 0, every few milliseconds; a negative number is a failure. NULL = ready when
     * `connect` has returned.
     */
    claude_transport_fn is_ready;
    /**
     * Runs once and last, when no other function runs; may be NULL.
     */
    claude_destroy_fn destroy;
    /**
     * There is room again after `claude_sink_has_room` was false or a push was refused; may be NULL.
     */
    claude_wakeup_fn on_room;
} claude_transport_vtable_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0".
 *
 * @return A static text; never freed.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/abi-policy.md
 */
const char *claude_version(void);

/**
 * The version of the binary interface of the library that is loaded. Compare it with `CLAUDE_ABI_VERSION`, which is the
 * one that the program was compiled for; `CLAUDE_CHECK_ABI()` does.
 *
 * @return The number.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/abi-policy.md
 */
uint32_t claude_abi_version(void);

/**
 * How the library was built: version, target, and the CLI version that it is tested with.
 *
 * @return A JSON object as a static text; never freed.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/abi-policy.md
 */
const char *claude_build_info_json(void);

/**
 * The name of a status, such as "CLAUDE_ERR_CLI_NOT_FOUND".
 *
 * @param status A `claude_status_t`.
 * @return A static text, never freed; "CLAUDE_ERR_UNKNOWN" for a number that is no status.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
const char *claude_status_name(int32_t status);

/**
 * The status of an error.
 *
 * @param error The error.
 * @return Its status; `CLAUDE_ERR_INVALID_HANDLE` for NULL or a freed error.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_status_t claude_error_status(const claude_error_t *error);

/**
 * What went wrong, in one line for humans.
 *
 * @param error The error.
 * @return A text that lives as long as the error; an empty text for NULL or a freed error.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
const char *claude_error_message(const claude_error_t *error);

/**
 * Everything that is known about an error: `status`, `name`, `message`, and where they apply `phase`, `exit_code`,
 * `signal`, `stderr`, `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause` and more.
 *
 * @param error The error.
 * @return A JSON object that lives as long as the error; "{}" for NULL or a freed error.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
const char *claude_error_json(const claude_error_t *error);

/**
 * Frees an error.
 *
 * @param error The error; NULL and an error that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
void claude_error_free(claude_error_t *error);

/**
 * Frees a text that the library gave to the host through a `char **`.
 *
 * @param text The text; NULL, and what the library did not give, is ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
void claude_string_free(char *text);

/**
 * Reads one value out of a JSON text, so that plain C needs no JSON library.
 *
 * @param json The JSON text, NUL-terminated.
 * @param pointer The place of the value as RFC 6901 has it, such as "/message/content/0/text"; "" is the whole.
 * @param value Receives the value: a string without quotes and escapes, anything else as JSON. Free it with
 *   `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_JSON_DECODE` when the text is not JSON; `CLAUDE_ERR_INVALID_ARGUMENT` when nothing
 *   is at that place.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_json_get(const char *json,
                                const char *pointer,
                                char **value,
                                claude_error_t **error);

/**
 * As `claude_json_get`, with the length of the text.
 *
 * @param json The JSON text.
 * @param len Its length in bytes.
 * @param pointer The place of the value, NUL-terminated.
 * @param value Receives the value; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_json_get`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_json_get_n(const char *json,
                                  size_t len,
                                  const char *pointer,
                                  char **value,
                                  claude_error_t **error);

/**
 * Chooses how the library's threads look. Optional; before the first client connects, or after
 * `claude_runtime_shutdown`.
 *
 * @param config The choices; copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` when the library is running; `CLAUDE_ERR_INVALID_ARGUMENT` for
 *   NULL, a `size` that is smaller than the struct, or a `stack_size` that is too small.
 * @thread Any.
 * @callback May be called; the library is running then, so it is refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_runtime_configure(const claude_runtime_config_t *config,
                                         claude_error_t **error);

/**
 * Registers the callback for the library's log. Without one nothing is logged; the library never writes to stdout or
 * stderr.
 *
 * @param max_level The most detailed `claude_log_level_t` that is wanted.
 * @param log The callback; NULL takes the present one away. The one before is not running any more when this returns,
 *   unless it is called inside the callback itself.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no level.
 * @thread Any. The callback runs on any thread, also on several at once, in every dispatch mode; it must not block.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_set_log_callback(int32_t max_level,
                                        claude_log_fn log,
                                        void *user_data,
                                        claude_destroy_fn destroy,
                                        claude_error_t **error);

/**
 * Closes every session and ends every thread of the library. Clients that were not freed keep their handles, and answer
 * `CLAUDE_ERR_CLOSED`. No session begins meanwhile: connecting gives `CLAUDE_ERR_CLOSED`. Afterwards the library can be used
 * again, as if nothing had been.
 *
 * @param timeout_ms How long to wait, in milliseconds; `CLAUDE_WAIT_FOREVER` = as long as it takes.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK` when no thread and no child of the library is left; `CLAUDE_ERR_TIMEOUT` when something was still
 *   running, a callback that does not return for instance: the error says what, its end goes on, and a later call waits
 *   for the same; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_runtime_shutdown(uint32_t timeout_ms,
                                        claude_error_t **error);

/**
 * Says which CLI a client with these options would start, which version it has, where its login comes from, and what
 * stands in the way, without starting a session. The CLI is run once, for its version; nothing is written.
 *
 * The report has `ok` (no finding is an error), `cli`, `login`, `config_dir`, `library` and `findings`, each with `id`,
 * `level` ("ok", "info", "warning", "error"), `message` and `remedy`. It holds no secret.
 *
 * @param options_json The options as for `claude_client_create`; NULL = none. Copied.
 * @param timeout_ms How long to wait for the CLI to say its version, in milliseconds.
 * @param report_json Receives the report, a JSON object; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK` whatever the report says; `CLAUDE_ERR_INVALID_OPTION` for an option that cannot be used;
 *   `CLAUDE_ERR_TIMEOUT` when the disk did not answer in time; `CLAUDE_ERR_INVALID_ARGUMENT`;
 *   `CLAUDE_ERR_WOULD_DEADLOCK` on a thread of the library; `CLAUDE_ERR_CLOSED` during a shutdown.
 * @thread Any thread of the host.
 * @callback Refused on the library's threads.
 * @since 0.1.0
 * @see docs/probe.md
 */
claude_status_t claude_probe(const char *options_json,
                             uint32_t timeout_ms,
                             char **report_json,
                             claude_error_t **error);

/**
 * As `claude_probe`, with the length of the options.
 *
 * @param options_json The options as for `claude_client_create`; NULL = none. Copied.
 * @param len Their length in bytes.
 * @param timeout_ms How long to wait for the CLI to say its version, in milliseconds.
 * @param report_json Receives the report, a JSON object; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_probe`.
 * @thread Any thread of the host.
 * @callback Refused on the library's threads.
 * @since 0.1.0
 * @see docs/probe.md
 */
claude_status_t claude_probe_n(const char *options_json,
                               size_t len,
                               uint32_t timeout_ms,
                               char **report_json,
                               claude_error_t **error);

/**
 * Creates a client. Nothing is started and no disk is touched.
 *
 * @param options_json The options as a JSON object, see docs/options.md; NULL = none. Copied.
 * @param client Receives the client; free it with `claude_client_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_OPTION` for an option that cannot be used, with its JSON pointer in the error.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/options.md
 */
claude_status_t claude_client_create(const char *options_json,
                                     claude_client_t **client,
                                     claude_error_t **error);

/**
 * As `claude_client_create`, with the length of the options.
 *
 * @param options_json The options as a JSON object; NULL = none. Copied.
 * @param len Its length in bytes.
 * @param client Receives the client; free it with `claude_client_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_create`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/options.md
 */
claude_status_t claude_client_create_n(const char *options_json,
                                       size_t len,
                                       claude_client_t **client,
                                       claude_error_t **error);

/**
 * Chooses who runs the client's callbacks. Before connecting.
 *
 * @param client The client.
 * @param mode A `claude_dispatch_t`; `CLAUDE_DISPATCH_THREAD` is the default.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT` for a
 *   number that is no mode.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_dispatch(claude_client_t *client,
                                           int32_t mode,
                                           claude_error_t **error);

/**
 * Starts the CLI and makes it ready. Register callbacks before.
 *
 * @param client The client.
 * @param prompt The first prompt, sent once the CLI is ready; NULL = none. Copied.
 * @param done Told when the session is ready, with the CLI's answer to `initialize`, or why it is not; may be NULL. In
 *   PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK` when the start was begun; `CLAUDE_ERR_ALREADY_CONNECTED`; `CLAUDE_ERR_INVALID_OPTION` for options
 *   that cannot be combined with what is registered; `CLAUDE_ERR_CLOSED` during `claude_runtime_shutdown`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_status_t claude_client_connect(claude_client_t *client,
                                      const char *prompt,
                                      claude_done_fn done,
                                      void *user_data,
                                      claude_error_t **error);

/**
 * As `claude_client_connect`, with the length of the prompt.
 *
 * @param client The client.
 * @param prompt The first prompt; NULL = none. Copied.
 * @param prompt_len Its length in bytes.
 * @param done Told of the end; may be NULL.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_connect`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_status_t claude_client_connect_n(claude_client_t *client,
                                        const char *prompt,
                                        size_t prompt_len,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_connect`, waiting until the session is ready. When it fails, nothing of the CLI is left.
 *
 * @param client The client.
 * @param prompt The first prompt; NULL = none. Copied.
 * @param timeout_ms How long the start may take, in milliseconds; the option `connect_timeout_ms` applies as well.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_CLI_NOT_FOUND`, `CLAUDE_ERR_CLI_CONNECTION`, `CLAUDE_ERR_PROCESS`, `CLAUDE_ERR_RESULT`,
 *   `CLAUDE_ERR_CONTROL`, `CLAUDE_ERR_TIMEOUT`, `CLAUDE_ERR_CANCELLED`, or what `claude_client_connect` returns;
 *   `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_status_t claude_client_connect_wait(claude_client_t *client,
                                           const char *prompt,
                                           uint32_t timeout_ms,
                                           claude_error_t **error);

/**
 * As `claude_client_connect_wait`, with the length of the prompt.
 *
 * @param client The client.
 * @param prompt The first prompt; NULL = none. Copied.
 * @param prompt_len Its length in bytes.
 * @param timeout_ms How long the start may take, in milliseconds; the option `connect_timeout_ms` applies as well.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_connect_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_connect_wait_n(claude_client_t *client,
                                             const char *prompt,
                                             size_t prompt_len,
                                             uint32_t timeout_ms,
                                             claude_error_t **error);

/**
 * Ends the session: the CLI sees the end of its input, and after the option `graceful_exit_timeout_ms` SIGTERM, and after
 * `terminate_timeout_ms` SIGKILL for it and all of its descendants. What it still writes is delivered.
 *
 * @param client The client. One that was never connected becomes closed, and whoever waits for its events or results gets
 *   `CLAUDE_ERR_CLOSED`.
 * @param done Told when the process is gone; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`, also for a session that has ended already; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/ownership.md
 */
claude_status_t claude_client_disconnect(claude_client_t *client,
                                         claude_done_fn done,
                                         void *user_data,
                                         claude_error_t **error);

/**
 * As `claude_client_disconnect`, waiting until the process is gone.
 *
 * @param client The client.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT` while it is still being ended; `CLAUDE_ERR_PROCESS` when the system does not let
 *   this process end it; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/ownership.md
 */
claude_status_t claude_client_disconnect_wait(claude_client_t *client,
                                              uint32_t timeout_ms,
                                              claude_error_t **error);

/**
 * Frees a client, disconnecting it first. When it returns, no callback of the client runs on another thread, none will
 * start, every destroy-notify has run, and the process is gone; open operations were told `CLAUDE_ERR_CANCELLED`, open
 * requests were refused. Bounded by the grace options. Inside a callback of the same client it returns at once, and all
 * of that holds when the callback returns; soon after, on a library thread, where the callback runs on the library's
 * reader: in INLINE mode, in a wake-up function, in the log.
 *
 * @param client The client; NULL and a client that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/ownership.md
 */
void claude_client_free(claude_client_t *client);

/**
 * Where the client stands.
 *
 * @param client The client.
 * @return Its state; `CLAUDE_STATE_CREATED` for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_state_t claude_client_state(const claude_client_t *client);

/**
 * The process id of the CLI.
 *
 * @param client The client.
 * @return The id; 0 while there is no process.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/embedding.md
 */
uint64_t claude_client_pid(const claude_client_t *client);

/**
 * Counters of the client, one JSON object. docs/stats.md describes each member; more may be added.
 *
 * - Process: `pid`, `memory_bytes`.
 * - Traffic: `bytes_read`, `bytes_written`, `prompts`, `messages`, `message_bytes`, `requests` of the CLI, and
 *   `unparsed_lines`, `long_lines`, `stderr_lines_dropped`.
 * - What waits: `open_requests`, `queued_events`, `queued_bytes`, `peak_queued_bytes`, `queued_input_bytes`.
 * - `latency`: round trips of control requests, and how long the last prompt waited for its answer.
 * - `ledger`: costs, tokens and usage limits, as the CLI reports them.
 *
 * @param client The client.
 * @param json Receives a JSON object; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/stats.md
 */
claude_status_t claude_client_stats(claude_client_t *client,
                                    char **json,
                                    claude_error_t **error);

/**
 * Sends a prompt. It does not wait: replies come as messages, and a `CLAUDE_MESSAGE_RESULT` ends the turn. A prompt that
 * is sent while a turn runs is queued by the CLI.
 *
 * @param client The client, connected.
 * @param prompt The prompt, not empty. Copied.
 * @param session_id A label that the CLI hands back; NULL = "default". It does not separate conversations: a client is
 *   one conversation.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK` when the prompt is on its way; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED` or the cause of the
 *   end when the session has ended; `CLAUDE_ERR_CLI_CONNECTION` when the CLI does not take input any more.
 * @thread Any; the lines of several threads do not mix.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_query(claude_client_t *client,
                                    const char *prompt,
                                    const char *session_id,
                                    claude_error_t **error);

/**
 * As `claude_client_query`, with the lengths of the texts.
 *
 * @param client The client, connected.
 * @param prompt The prompt. Copied.
 * @param prompt_len Its length in bytes.
 * @param session_id The label; NULL = "default".
 * @param session_id_len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_query`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_query_n(claude_client_t *client,
                                      const char *prompt,
                                      size_t prompt_len,
                                      const char *session_id,
                                      size_t session_id_len,
                                      claude_error_t **error);

/**
 * Sends a whole user message: images, documents, several blocks, `priority`, `parent_tool_use_id` and so on. Its shape is
 * checked first, because one malformed line ends the CLI.
 *
 * @param client The client, connected.
 * @param message_json Such as {"type":"user","message":{"role":"user","content":[…]}}. Copied.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_query`; `CLAUDE_ERR_INVALID_ARGUMENT` with the JSON pointer of what is wrong.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_send_json(claude_client_t *client,
                                        const char *message_json,
                                        claude_error_t **error);

/**
 * As `claude_client_send_json`, with the length of the message.
 *
 * @param client The client, connected.
 * @param message_json The message. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_send_json`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_send_json_n(claude_client_t *client,
                                          const char *message_json,
                                          size_t len,
                                          claude_error_t **error);

/**
 * As `claude_client_query`, and tells the uuid by which the CLI's frames and results name the prompt.
 *
 * @param client The client, connected.
 * @param prompt The prompt, not empty. Copied.
 * @param session_id The label; NULL = "default".
 * @param message_uuid Receives the uuid; free it with `claude_string_free`. See `claude_client_receive_response_to`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_query`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_query_id(claude_client_t *client,
                                       const char *prompt,
                                       const char *session_id,
                                       char **message_uuid,
                                       claude_error_t **error);

/**
 * As `claude_client_query_id`, with the lengths of the texts.
 *
 * @param client The client, connected.
 * @param prompt The prompt, not empty. Copied.
 * @param prompt_len Its length in bytes.
 * @param session_id The label; NULL = "default".
 * @param session_id_len Its length in bytes.
 * @param message_uuid Receives the uuid; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_query`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_query_id_n(claude_client_t *client,
                                         const char *prompt,
                                         size_t prompt_len,
                                         const char *session_id,
                                         size_t session_id_len,
                                         char **message_uuid,
                                         claude_error_t **error);

/**
 * As `claude_client_send_json`, and tells the uuid by which the CLI's frames and results name the message: its own, or
 * the one that it was given.
 *
 * @param client The client, connected.
 * @param message_json The message. Copied.
 * @param message_uuid Receives the uuid; free it with `claude_string_free`. See `claude_client_receive_response_to`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_send_json`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_send_json_id(claude_client_t *client,
                                           const char *message_json,
                                           char **message_uuid,
                                           claude_error_t **error);

/**
 * As `claude_client_send_json_id`, with the length of the message.
 *
 * @param client The client, connected.
 * @param message_json The message. Copied.
 * @param len Its length in bytes.
 * @param message_uuid Receives the uuid; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_send_json`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_send_json_id_n(claude_client_t *client,
                                             const char *message_json,
                                             size_t len,
                                             char **message_uuid,
                                             claude_error_t **error);

/**
 * Sends the prompts of a generator, in order, asking for the next when the one before has been sent, and not while more
 * than 1 MiB waits for the CLI to read. The input stays open at the end of the stream.
 *
 * @param client The client, connected.
 * @param session_id The label of every prompt; NULL = "default".
 * @param next Returns the next prompt, or NULL at the end. Called where the dispatch mode runs callbacks; it may block
 *   without delaying messages or requests.
 * @param user_data Passed to `next`.
 * @param destroy Runs once when `next` will not be called any more, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_query`; `CLAUDE_ERR_UNSUPPORTED` in PULL mode. A prompt that cannot be sent later ends the
 *   stream with a `CLAUDE_EVENT_WARNING`; behind the on_closed callback there is none.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_query_stream(claude_client_t *client,
                                           const char *session_id,
                                           claude_prompt_fn next,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * Says that no more prompts will come. The CLI finishes the turns that it has and exits; messages go on until then.
 *
 * @param client The client, connected.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`, also the second time; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/ownership.md
 */
claude_status_t claude_client_end_input(claude_client_t *client,
                                        claude_error_t **error);

/**
 * Ends the input when the run is over: every prompt has its result, no request of the CLI is open, and no turn or background
 * agent goes on that may still need an answer of the host. At once where the host answers no requests. A prompt stream that
 * is running is awaited first. Prompts that are sent after the end fail.
 *
 * @param client The client, connected.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_end_input_after_run(claude_client_t *client,
                                                  claude_error_t **error);

/**
 * Holds a whole conversation of one prompt: starts a CLI, sends the prompt, delivers every message, and waits until the
 * CLI has ended. With hooks, tools of the host or a permission handler use a client instead: register them, connect with
 * the prompt, and call `claude_client_end_input_after_run`.
 *
 * @param prompt The prompt, not empty. Copied.
 * @param options_json The options as a JSON object; NULL = none. Copied.
 * @param on_message Receives messages and events, on a library thread; may be NULL.
 * @param on_request Receives what the CLI asks, on a library thread; NULL refuses everything.
 * @param user_data Passed to both callbacks.
 * @param timeout_ms How long it may take, in milliseconds; the CLI is ended when it has passed.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_RESULT` when the turn ended with an error; `CLAUDE_ERR_TIMEOUT`; what
 *   `claude_client_create` and `claude_client_connect_wait` return.
 * @thread Any thread of the host.
 * @callback Refused on the library's threads.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_query_once(const char *prompt,
                                  const char *options_json,
                                  claude_message_fn on_message,
                                  claude_request_fn on_request,
                                  void *user_data,
                                  uint32_t timeout_ms,
                                  claude_error_t **error);

/**
 * As `claude_query_once`, with the lengths of the texts.
 *
 * @param prompt The prompt, not empty. Copied.
 * @param prompt_len Its length in bytes.
 * @param options_json The options as a JSON object; NULL = none. Copied.
 * @param options_len Its length in bytes.
 * @param on_message Receives messages and events, on a library thread; may be NULL.
 * @param on_request Receives what the CLI asks, on a library thread; NULL refuses everything.
 * @param user_data Passed to both callbacks.
 * @param timeout_ms How long it may take, in milliseconds; the CLI is ended when it has passed.
 * @param error Receives the error; may be NULL.
 * @return As `claude_query_once`.
 * @thread Any thread of the host.
 * @callback Refused on the library's threads.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_query_once_n(const char *prompt,
                                    size_t prompt_len,
                                    const char *options_json,
                                    size_t options_len,
                                    claude_message_fn on_message,
                                    claude_request_fn on_request,
                                    void *user_data,
                                    uint32_t timeout_ms,
                                    claude_error_t **error);

/**
 * Registers the callback for messages and events. Register it before connecting: without one, messages are dropped.
 *
 * @param client The client.
 * @param callback The callback; NULL takes the present one away. The one before is not running any more when this
 *   returns, unless it is called inside a callback of the client.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The callback runs where the dispatch mode says, one at a time and in order.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_on_message(claude_client_t *client,
                                         claude_message_fn callback,
                                         void *user_data,
                                         claude_destroy_fn destroy,
                                         claude_error_t **error);

/**
 * Registers the callback for what the CLI asks of the host. Register it before connecting: it also makes the CLI ask for
 * permissions. Without one, every request is refused at once.
 *
 * @param client The client.
 * @param callback The callback, which owns the request that it is given; NULL takes the present one away. The one before
 *   is not running any more when this returns, unless it is called inside a callback of the client. What the
 *   one before left open is delivered again.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The callback runs where the dispatch mode says, and never waits for a message callback.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_on_request(claude_client_t *client,
                                         claude_request_fn callback,
                                         void *user_data,
                                         claude_destroy_fn destroy,
                                         claude_error_t **error);

/**
 * Registers the callback for lines of the CLI's stderr. Its end is kept for errors in any case.
 *
 * @param client The client.
 * @param callback The callback; NULL takes the present one away. The one before is not running any more when this
 *   returns, unless it is called inside a callback of the client.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The callback runs where the dispatch mode says, never at the same time as the message callback.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_on_stderr(claude_client_t *client,
                                        claude_text_fn callback,
                                        void *user_data,
                                        claude_destroy_fn destroy,
                                        claude_error_t **error);

/**
 * Registers the callback for the end of the session. It comes after every message, once for each client whose connect
 * was accepted, also when connecting failed; not when the client is freed before.
 *
 * @param client The client.
 * @param callback The callback; NULL takes the present one away. The one before is not running any more when this
 *   returns, unless it is called inside a callback of the client.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The callback runs where the dispatch mode says.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/errors.md
 */
claude_status_t claude_client_on_closed(claude_client_t *client,
                                        claude_closed_fn callback,
                                        void *user_data,
                                        claude_destroy_fn destroy,
                                        claude_error_t **error);

/**
 * Registers a function that is told when something can be received in PUMP or PULL mode: once when the queue stops being
 * empty, at the registration when something waits already, and when `claude_client_receive_response` leaves something. It
 * must only wake an event loop, such as by `uv_async_send`. After a dispatch that used up its budget nothing has become
 * empty: dispatch again, as long as `claude_client_pending` finds something.
 *
 * @param client The client.
 * @param callback The function; NULL takes the present one away. The one before is not running any more when this
 *   returns, unless it is called inside a callback of the client.
 * @param user_data Passed to the function.
 * @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The function runs on a library thread, or on the thread whose call made something receivable: it is the
 *   one that PUMP and PULL mode let in.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_on_wakeup(claude_client_t *client,
                                        claude_wakeup_fn callback,
                                        void *user_data,
                                        claude_destroy_fn destroy,
                                        claude_error_t **error);

/**
 * Waits for the next result that no earlier call of this function has returned for, and for its message callback to
 * return. Results are counted, so a result that came before the call is not missed. In PUMP mode it runs the callbacks
 * itself, up to and including the result's.
 *
 * @param client The client.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT`; when the session ended without another result, the cause that `on_closed` is
 *   told, such as `CLAUDE_ERR_PROCESS`, or `CLAUDE_ERR_CLOSED` after a normal end; `CLAUDE_ERR_WOULD_DEADLOCK` inside a
 *   callback; `CLAUDE_ERR_UNSUPPORTED` in PULL mode.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_receive_response(claude_client_t *client,
                                               uint32_t timeout_ms,
                                               claude_error_t **error);

/**
 * As `claude_client_receive_response`, for the result of one prompt. Results of other prompts, and of turns that the CLI
 * starts by itself, are passed over.
 *
 * @param client The client.
 * @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_receive_response`; `CLAUDE_ERR_CANCELLED` when the prompt was taken out of the CLI's queue.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_receive_response_to(claude_client_t *client,
                                                  const char *message_uuid,
                                                  uint32_t timeout_ms,
                                                  claude_error_t **error);

/**
 * The descriptor for event loops in PUMP and PULL mode: readable while something is queued. Watch it, level-triggered, and
 * call `claude_client_dispatch` or `claude_client_next`; never read or close it.
 *
 * @param client The client.
 * @param handle Receives the descriptor. It lives as long as the client.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_UNSUPPORTED` in the other modes.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_wakeup_handle(claude_client_t *client,
                                            ptrdiff_t *handle,
                                            claude_error_t **error);

/**
 * Makes a `claude_client_dispatch` or `claude_client_next` that waits return; where none waits, the next one. It takes the
 * place of no event: what is queued stays queued.
 *
 * @param client The client.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_wake(claude_client_t *client,
                                   claude_error_t **error);

/**
 * How much waits to be received.
 *
 * @param client The client.
 * @param events Receives the number of events; may be NULL.
 * @param bytes Receives their bytes; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_pending(claude_client_t *client,
                                      size_t *events,
                                      size_t *bytes,
                                      claude_error_t **error);

/**
 * PUMP mode: runs waiting callbacks on the calling thread, until nothing waits or the budget is used up. At least one runs
 * if one waits. Requests and completions come before messages.
 *
 * @param client The client.
 * @param max_events The most callbacks to run; 0 = no limit.
 * @param budget_us Time to spend, in microseconds, but for one callback's own time; 0 = no limit.
 * @param timeout_ms How long to wait for the first one, in milliseconds; `CLAUDE_NO_WAIT` in a frame.
 * @param ran Receives how many callbacks ran; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`, also when nothing ran; `CLAUDE_ERR_CLOSED` when it would wait although the end of the session has
 *   been told and nothing is left, or when the client is freed meanwhile; `CLAUDE_ERR_UNSUPPORTED` in the other modes;
 *   `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
 * @thread Any thread of the host. One at a time runs callbacks: a second one that finds some to run returns at once.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_dispatch(claude_client_t *client,
                                       uint32_t max_events,
                                       uint32_t budget_us,
                                       uint32_t timeout_ms,
                                       uint32_t *ran,
                                       claude_error_t **error);

/**
 * PULL mode: the next event. Requests and completions come before messages.
 *
 * @param client The client.
 * @param timeout_ms How long to wait for it, in milliseconds.
 * @param event Receives the event; free it with `claude_event_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_TIMEOUT` when none came; `CLAUDE_ERR_CANCELLED` once after `claude_client_wake`,
 *   ahead of what is queued; `CLAUDE_ERR_CLOSED` after the event `CLAUDE_EVENT_CLOSED`; `CLAUDE_ERR_UNSUPPORTED` in the
 *   other modes.
 * @thread Any, several at once as well.
 * @callback There are none in PULL mode.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_client_next(claude_client_t *client,
                                   uint32_t timeout_ms,
                                   claude_event_t **event,
                                   claude_error_t **error);

/**
 * What an event is.
 *
 * @param event The event.
 * @return Its kind; `CLAUDE_MESSAGE_OTHER` for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_message_kind_t claude_event_kind(const claude_event_t *event);

/**
 * The text of an event: the CLI's own JSON, a reply, an error's document, or plain text, as its kind says.
 *
 * @param event The event.
 * @param len Receives the length in bytes; may be NULL.
 * @return The text with a NUL behind it; it lives as long as the event. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
const char *claude_event_json(const claude_event_t *event, size_t *len);

/**
 * How an operation or a session ended.
 *
 * @param event An event of the kind `CLAUDE_EVENT_DONE` or `CLAUDE_EVENT_CLOSED`.
 * @return The status; `CLAUDE_OK` for other kinds; `CLAUDE_ERR_INVALID_HANDLE` for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
claude_status_t claude_event_status(const claude_event_t *event);

/**
 * The `user_data` that was given to the operation that has ended, or to the tool that is called.
 *
 * @param event An event of the kind `CLAUDE_EVENT_DONE`, `CLAUDE_EVENT_TOOL_CALL` or `CLAUDE_EVENT_TOOL_CALL_CANCELLED`.
 * @return The pointer; NULL for other kinds.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/receiving.md
 */
void *claude_event_user_data(const claude_event_t *event);

/**
 * Takes the request out of an event. Answer it, now or later, and free it. A request that is left in its event is refused
 * when the event is freed.
 *
 * @param event An event of the kind `CLAUDE_EVENT_REQUEST`.
 * @return The request, which the caller owns; NULL for other kinds and the second time.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_request_t *claude_event_take_request(claude_event_t *event);

/**
 * Frees an event.
 *
 * @param event The event; NULL and an event that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/ownership.md
 */
void claude_event_free(claude_event_t *event);

/**
 * Interrupts the running turn. The turn ends with an error result, and the session goes on. Prompts that are queued still
 * run.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's receipt, such as {"still_queued":[…]}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK` when the request is on its way; `CLAUDE_ERR_NOT_CONNECTED`; `CLAUDE_ERR_CLOSED` or the cause of the
 *   end. `done` may be told `CLAUDE_ERR_CONTROL`, `CLAUDE_ERR_TIMEOUT`, `CLAUDE_ERR_CANCELLED` or the cause of the end.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_interrupt(claude_client_t *client,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_interrupt`, with a choice about queued prompts and about a turn that does not end.
 *
 * @param client The client, connected.
 * @param cancel_queued Whether prompts that are queued are cancelled as well.
 * @param deadline_ms How long the turn may take to end, in milliseconds; only with an escalation.
 * @param escalation A `claude_escalation_t`: what happens at the deadline. The session then ends, and the on_closed
 *   callback is told `CLAUDE_ERR_TIMEOUT`.
 * @param done Told of the CLI's receipt, such as {"still_queued":[…],"cancelled":[…]}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no escalation.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_interrupt_with(claude_client_t *client,
                                             bool cancel_queued,
                                             uint32_t deadline_ms,
                                             int32_t escalation,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * As `claude_client_interrupt_with`, waiting for the receipt.
 *
 * @param client The client, connected.
 * @param cancel_queued Whether prompts that are queued are cancelled as well.
 * @param deadline_ms How long the turn may take to end, in milliseconds; only with an escalation.
 * @param escalation A `claude_escalation_t`: what happens at the deadline.
 * @param timeout_ms How long to wait for the receipt, in milliseconds.
 * @param reply_json Receives the receipt, such as {"still_queued":[…]}, with "cancelled" when `cancel_queued` is true; free
 *   it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is no escalation.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_interrupt_with_wait(claude_client_t *client,
                                                  bool cancel_queued,
                                                  uint32_t deadline_ms,
                                                  int32_t escalation,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * As `claude_client_interrupt`, waiting for the receipt. `claude_client_interrupt_with_wait` also returns it.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_CONTROL` with the CLI's reason; `CLAUDE_ERR_TIMEOUT`; `CLAUDE_ERR_NOT_CONNECTED`;
 *   `CLAUDE_ERR_CLOSED` or the cause of the end; `CLAUDE_ERR_WOULD_DEADLOCK` inside a callback.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_interrupt_wait(claude_client_t *client,
                                             uint32_t timeout_ms,
                                             claude_error_t **error);

/**
 * Changes the permission mode.
 *
 * @param client The client, connected.
 * @param mode Such as "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto". Copied.
 * @param done Told of the CLI's reply; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`. A mode that the CLI does not take is a `CLAUDE_ERR_CONTROL` told to `done`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_permission_mode(claude_client_t *client,
                                                  const char *mode,
                                                  claude_done_fn done,
                                                  void *user_data,
                                                  claude_error_t **error);

/**
 * As `claude_client_set_permission_mode`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param mode The mode. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_permission_mode_wait(claude_client_t *client,
                                                       const char *mode,
                                                       uint32_t timeout_ms,
                                                       claude_error_t **error);

/**
 * Changes the model, also in the middle of a turn: its next request to the model is the first one.
 *
 * @param client The client, connected.
 * @param model The model; NULL = the default one. Copied. The CLI takes unknown names, too, and fails at the next turn.
 * @param done Told of the CLI's reply; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_model(claude_client_t *client,
                                        const char *model,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_set_model`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param model The model; NULL = the default one. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_model_wait(claude_client_t *client,
                                             const char *model,
                                             uint32_t timeout_ms,
                                             claude_error_t **error);

/**
 * What the CLI said when it became ready: commands, models, agents, output style, account, version and more. Kept by the
 * library: nothing is asked, and nothing waits.
 *
 * @param client The client, connected.
 * @param json Receives a JSON object; free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_NOT_CONNECTED` before the session is ready.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_get_server_info(claude_client_t *client,
                                              char **json,
                                              claude_error_t **error);

/**
 * Sends any control request, also of a subtype that this library does not name. Only "initialize" is refused, as it would
 * drop the hooks: that is `claude_client_reinitialize`.
 *
 * @param client The client, connected.
 * @param request_json The request, such as {"subtype":"mcp_status"}. Copied.
 * @param done Told of the CLI's reply, the payload as the CLI wrote it; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`; `CLAUDE_ERR_INVALID_ARGUMENT` for a request without a `subtype`, or with "initialize".
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_control(claude_client_t *client,
                                      const char *request_json,
                                      claude_done_fn done,
                                      void *user_data,
                                      claude_error_t **error);

/**
 * As `claude_client_control`, with the length of the request.
 *
 * @param client The client, connected.
 * @param request_json The request. Copied.
 * @param len Its length in bytes.
 * @param done Told of the CLI's reply; may be NULL.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_control`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_control_n(claude_client_t *client,
                                        const char *request_json,
                                        size_t len,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_control`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param request_json The request. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply's payload, a JSON value; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`; `CLAUDE_ERR_INVALID_ARGUMENT` for a request without a `subtype`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_control_wait(claude_client_t *client,
                                           const char *request_json,
                                           uint32_t timeout_ms,
                                           char **reply_json,
                                           claude_error_t **error);

/**
 * As `claude_client_control_wait`, with the length of the request.
 *
 * @param client The client, connected.
 * @param request_json The request. Copied.
 * @param len Its length in bytes.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply's payload, a JSON value; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_control_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/strings.md
 */
claude_status_t claude_client_control_wait_n(claude_client_t *client,
                                             const char *request_json,
                                             size_t len,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * Sends the request by which the session began once more: the CLI answers with its commands, models, agents, account and
 * state of this moment, which `claude_client_get_server_info` returns from then on. The hooks stay as they were registered.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's answer; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reinitialize(claude_client_t *client,
                                           claude_done_fn done,
                                           void *user_data,
                                           claude_error_t **error);

/**
 * As `claude_client_reinitialize`, waiting for the answer.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the CLI's answer, a JSON object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reinitialize_wait(claude_client_t *client,
                                                uint32_t timeout_ms,
                                                char **reply_json,
                                                claude_error_t **error);

/**
 * Takes a prompt out of the CLI's queue, as long as its turn has not begun.
 *
 * @param client The client, connected.
 * @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
 * @param done Told of the CLI's reply, such as {"cancelled":true}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
 *   comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_cancel_prompt(claude_client_t *client,
                                            const char *message_uuid,
                                            claude_done_fn done,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * As `claude_client_cancel_prompt`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param message_uuid The prompt's uuid, from `claude_client_query_id` or `claude_client_send_json_id`.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"cancelled":true}; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_cancel_prompt_wait(claude_client_t *client,
                                                 const char *message_uuid,
                                                 uint32_t timeout_ms,
                                                 char **reply_json,
                                                 claude_error_t **error);

/**
 * Stops a background task. A task that is not known is no error for the CLI.
 *
 * @param client The client, connected.
 * @param task_id The id, from a `task_started` message.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_stop_task(claude_client_t *client,
                                        const char *task_id,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_stop_task`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param task_id The id, from a `task_started` message.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_stop_task_wait(claude_client_t *client,
                                             const char *task_id,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * Moves what runs in the foreground to the background.
 *
 * @param client The client, connected.
 * @param tool_use_id The tool call to move; NULL = all.
 * @param done Told of the CLI's reply, such as {"backgrounded":true}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_background_tasks(claude_client_t *client,
                                               const char *tool_use_id,
                                               claude_done_fn done,
                                               void *user_data,
                                               claude_error_t **error);

/**
 * As `claude_client_background_tasks`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param tool_use_id The tool call to move; NULL = all.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"backgrounded":true}; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_background_tasks_wait(claude_client_t *client,
                                                    const char *tool_use_id,
                                                    uint32_t timeout_ms,
                                                    char **reply_json,
                                                    claude_error_t **error);

/**
 * The end of a task's output.
 *
 * @param client The client, connected.
 * @param task_id The id, from a `task_started` message.
 * @param done Told of the CLI's reply, such as {"output":"…","total_bytes":10,"truncated":false}; may be NULL. In PULL
 *   mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_task_output(claude_client_t *client,
                                              const char *task_id,
                                              claude_done_fn done,
                                              void *user_data,
                                              claude_error_t **error);

/**
 * As `claude_client_get_task_output`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param task_id The id, from a `task_started` message.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"output":"…","total_bytes":10,"truncated":false}; free it with
 *   `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_task_output_wait(claude_client_t *client,
                                                   const char *task_id,
                                                   uint32_t timeout_ms,
                                                   char **reply_json,
                                                   claude_error_t **error);

/**
 * How full the context window is, and with what.
 *
 * @param client The client, connected.
 * @param detail "summary" or "full"; NULL = the CLI's default.
 * @param done Told of the CLI's reply, with `categories`, `totalTokens`, `maxTokens`, `percentage` and more; may be
 *   NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_context_usage(claude_client_t *client,
                                                const char *detail,
                                                claude_done_fn done,
                                                void *user_data,
                                                claude_error_t **error);

/**
 * As `claude_client_get_context_usage`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param detail "summary" or "full"; NULL = the CLI's default.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, with `categories`, `totalTokens`, `maxTokens`, `percentage` and more; free it
 *   with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_context_usage_wait(claude_client_t *client,
                                                     const char *detail,
                                                     uint32_t timeout_ms,
                                                     char **reply_json,
                                                     claude_error_t **error);

/**
 * Cost of the session and the limits of the plan. The CLI calls this experimental.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, as the CLI has it; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_usage(claude_client_t *client,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_get_usage`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, as the CLI has it; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_usage_wait(claude_client_t *client,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * Limits the tokens for thinking from the next turn on.
 *
 * @param client The client, connected.
 * @param max_thinking_tokens The limit; negative = back to the default.
 * @param thinking_display "summarized", "omitted" or "highlights"; NULL = unchanged.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_max_thinking_tokens(claude_client_t *client,
                                                      int64_t max_thinking_tokens,
                                                      const char *thinking_display,
                                                      claude_done_fn done,
                                                      void *user_data,
                                                      claude_error_t **error);

/**
 * As `claude_client_set_max_thinking_tokens`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param max_thinking_tokens The limit; negative = back to the default.
 * @param thinking_display "summarized", "omitted" or "highlights"; NULL = unchanged.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_max_thinking_tokens_wait(claude_client_t *client,
                                                           int64_t max_thinking_tokens,
                                                           const char *thinking_display,
                                                           uint32_t timeout_ms,
                                                           char **reply_json,
                                                           claude_error_t **error);

/**
 * Puts files back to what they were at a prompt (option `enable_file_checkpointing`).
 *
 * @param client The client, connected.
 * @param user_message_id The uuid of the prompt.
 * @param dry_run Only say what would change.
 * @param done Told of the CLI's reply, such as {"canRewind":true,"filesChanged":[…]}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_rewind_files(claude_client_t *client,
                                           const char *user_message_id,
                                           bool dry_run,
                                           claude_done_fn done,
                                           void *user_data,
                                           claude_error_t **error);

/**
 * As `claude_client_rewind_files`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param user_message_id The uuid of the prompt.
 * @param dry_run Only say what would change.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"canRewind":true,"filesChanged":[…]}; free it with
 *   `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_rewind_files_wait(claude_client_t *client,
                                                const char *user_message_id,
                                                bool dry_run,
                                                uint32_t timeout_ms,
                                                char **reply_json,
                                                claude_error_t **error);

/**
 * Reads a file as the CLI may.
 *
 * @param client The client, connected.
 * @param path The file's path.
 * @param done Told of the CLI's reply, such as {"contents":"…","absPath":"…"}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_read_file(claude_client_t *client,
                                        const char *path,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * As `claude_client_read_file`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param path The file's path.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"contents":"…","absPath":"…"}; free it with `claude_string_free`. May
 *   be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_read_file_wait(claude_client_t *client,
                                             const char *path,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * Tells the CLI that the model has read a file in the state of a time, so that it may be edited without reading it
 * again.
 *
 * @param client The client, connected.
 * @param path The file's path.
 * @param mtime_ms The file's modification time, in milliseconds since 1970.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_seed_read_state(claude_client_t *client,
                                              const char *path,
                                              int64_t mtime_ms,
                                              claude_done_fn done,
                                              void *user_data,
                                              claude_error_t **error);

/**
 * As `claude_client_seed_read_state`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param path The file's path.
 * @param mtime_ms The file's modification time, in milliseconds since 1970.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_seed_read_state_wait(claude_client_t *client,
                                                   const char *path,
                                                   int64_t mtime_ms,
                                                   uint32_t timeout_ms,
                                                   char **reply_json,
                                                   claude_error_t **error);

/**
 * The settings in force and where they come from.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, with `effective`, `sources` and `applied`; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_settings(claude_client_t *client,
                                           claude_done_fn done,
                                           void *user_data,
                                           claude_error_t **error);

/**
 * As `claude_client_get_settings`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, with `effective`, `sources` and `applied`; free it with `claude_string_free`.
 *   May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_settings_wait(claude_client_t *client,
                                                uint32_t timeout_ms,
                                                char **reply_json,
                                                claude_error_t **error);

/**
 * Merges settings into those of the command line, all or none.
 *
 * @param client The client, connected.
 * @param settings_json A JSON object; null takes a key back. Copied.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_apply_flag_settings(claude_client_t *client,
                                                  const char *settings_json,
                                                  claude_done_fn done,
                                                  void *user_data,
                                                  claude_error_t **error);

/**
 * As `claude_client_apply_flag_settings`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param settings_json A JSON object; null takes a key back. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_apply_flag_settings_wait(claude_client_t *client,
                                                       const char *settings_json,
                                                       uint32_t timeout_ms,
                                                       char **reply_json,
                                                       claude_error_t **error);

/**
 * Writes settings to a settings file. The CLI takes only few keys.
 *
 * @param client The client, connected.
 * @param source "localSettings" or "userSettings".
 * @param settings_json A JSON object. Copied.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_update_settings(claude_client_t *client,
                                              const char *source,
                                              const char *settings_json,
                                              claude_done_fn done,
                                              void *user_data,
                                              claude_error_t **error);

/**
 * As `claude_client_update_settings`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param source "localSettings" or "userSettings".
 * @param settings_json A JSON object. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_update_settings_wait(claude_client_t *client,
                                                   const char *source,
                                                   const char *settings_json,
                                                   uint32_t timeout_ms,
                                                   char **reply_json,
                                                   claude_error_t **error);

/**
 * Loads the plugins again.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, with `commands`, `agents`, `plugins`, `mcpServers` and `error_count`; may be
 *   NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_plugins(claude_client_t *client,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * As `claude_client_reload_plugins`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, with `commands`, `agents`, `plugins`, `mcpServers` and `error_count`; free it
 *   with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_plugins_wait(claude_client_t *client,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * Loads the skills again.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, such as {"skills":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
 *   comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_skills(claude_client_t *client,
                                            claude_done_fn done,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * As `claude_client_reload_skills`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"skills":[…]}; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_skills_wait(claude_client_t *client,
                                                 uint32_t timeout_ms,
                                                 char **reply_json,
                                                 claude_error_t **error);

/**
 * Loads the output styles again.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, such as {"available_output_styles":[…]}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_output_styles(claude_client_t *client,
                                                   claude_done_fn done,
                                                   void *user_data,
                                                   claude_error_t **error);

/**
 * As `claude_client_reload_output_styles`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"available_output_styles":[…]}; free it with `claude_string_free`. May
 *   be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reload_output_styles_wait(claude_client_t *client,
                                                        uint32_t timeout_ms,
                                                        char **reply_json,
                                                        claude_error_t **error);

/**
 * The models that can be chosen.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, such as {"models":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
 *   comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_list_models(claude_client_t *client,
                                          claude_done_fn done,
                                          void *user_data,
                                          claude_error_t **error);

/**
 * As `claude_client_list_models`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"models":[…]}; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_list_models_wait(claude_client_t *client,
                                               uint32_t timeout_ms,
                                               char **reply_json,
                                               claude_error_t **error);

/**
 * Gives the session a title.
 *
 * @param client The client, connected.
 * @param title The title.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_rename_session(claude_client_t *client,
                                             const char *title,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * As `claude_client_rename_session`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param title The title.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_rename_session_wait(claude_client_t *client,
                                                  const char *title,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * The MCP servers and how they are.
 *
 * @param client The client, connected.
 * @param done Told of the CLI's reply, such as {"mcpServers":[{"name":"…","status":"connected"}]}; may be NULL. In PULL
 *   mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_mcp_status(claude_client_t *client,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * As `claude_client_get_mcp_status`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"mcpServers":[{"name":"…","status":"connected"}]}; free it with
 *   `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_get_mcp_status_wait(claude_client_t *client,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * Connects an MCP server again.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reconnect_mcp_server(claude_client_t *client,
                                                   const char *server_name,
                                                   claude_done_fn done,
                                                   void *user_data,
                                                   claude_error_t **error);

/**
 * As `claude_client_reconnect_mcp_server`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_reconnect_mcp_server_wait(claude_client_t *client,
                                                        const char *server_name,
                                                        uint32_t timeout_ms,
                                                        char **reply_json,
                                                        claude_error_t **error);

/**
 * Switches an MCP server on or off.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param enabled Whether it shall be on.
 * @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_toggle_mcp_server(claude_client_t *client,
                                                const char *server_name,
                                                bool enabled,
                                                claude_done_fn done,
                                                void *user_data,
                                                claude_error_t **error);

/**
 * As `claude_client_toggle_mcp_server`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param enabled Whether it shall be on.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_toggle_mcp_server_wait(claude_client_t *client,
                                                     const char *server_name,
                                                     bool enabled,
                                                     uint32_t timeout_ms,
                                                     char **reply_json,
                                                     claude_error_t **error);

/**
 * Replaces the MCP servers that were added while the session runs. The client's in-process servers stay, and those that
 * were added after connecting become known.
 *
 * @param client The client, connected.
 * @param servers_json A JSON object of name and configuration; null for an in-process server that is to go. Copied.
 * @param done Told of the CLI's reply, such as {"added":[],"removed":[],"errors":{}}; may be NULL. In PULL mode NULL: a
 *   `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_mcp_servers(claude_client_t *client,
                                              const char *servers_json,
                                              claude_done_fn done,
                                              void *user_data,
                                              claude_error_t **error);

/**
 * As `claude_client_set_mcp_servers`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param servers_json A JSON object of name and configuration. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"added":[],"removed":[],"errors":{}}; free it with
 *   `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_mcp_servers_wait(claude_client_t *client,
                                                   const char *servers_json,
                                                   uint32_t timeout_ms,
                                                   char **reply_json,
                                                   claude_error_t **error);

/**
 * Calls a tool of an MCP server without the model. Not for in-process servers.
 *
 * @param client The client, connected.
 * @param tool The tool's full name, such as "mcp__files__read".
 * @param arguments_json A JSON object; NULL = none. Copied.
 * @param done Told of the CLI's reply, the tool's result; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
 *   instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_call_mcp_tool(claude_client_t *client,
                                            const char *tool,
                                            const char *arguments_json,
                                            claude_done_fn done,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * As `claude_client_call_mcp_tool`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param tool The tool's full name, such as "mcp__files__read".
 * @param arguments_json A JSON object; NULL = none. Copied.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, the tool's result; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_call_mcp_tool_wait(claude_client_t *client,
                                                 const char *tool,
                                                 const char *arguments_json,
                                                 uint32_t timeout_ms,
                                                 char **reply_json,
                                                 claude_error_t **error);

/**
 * Reads a user-interface resource of an MCP server.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param uri The resource, such as ui://…
 * @param done Told of the CLI's reply, such as {"contents":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
 *   comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_read_mcp_resource(claude_client_t *client,
                                                const char *server_name,
                                                const char *uri,
                                                claude_done_fn done,
                                                void *user_data,
                                                claude_error_t **error);

/**
 * As `claude_client_read_mcp_resource`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param uri The resource, such as ui://…
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, such as {"contents":[…]}; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_read_mcp_resource_wait(claude_client_t *client,
                                                     const char *server_name,
                                                     const char *uri,
                                                     uint32_t timeout_ms,
                                                     char **reply_json,
                                                     claude_error_t **error);

/**
 * Chooses a permission mode for the tools of one MCP server.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param mode "default" or "auto"; NULL = none.
 * @param done Told of the CLI's reply, an object that is empty but for a `warning` about a server that is not known yet; may
 *   be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
 * @param user_data Passed to `done`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_mcp_permission_mode_override(claude_client_t *client,
                                                               const char *server_name,
                                                               const char *mode,
                                                               claude_done_fn done,
                                                               void *user_data,
                                                               claude_error_t **error);

/**
 * As `claude_client_set_mcp_permission_mode_override`, waiting for the reply.
 *
 * @param client The client, connected.
 * @param server_name The server's name.
 * @param mode "default" or "auto"; NULL = none.
 * @param timeout_ms How long to wait, in milliseconds.
 * @param reply_json Receives the reply, as above; free it with `claude_string_free`. May be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_client_interrupt_wait`.
 * @thread Any thread of the host.
 * @callback Refused.
 * @since 0.1.0
 * @see docs/threading.md
 */
claude_status_t claude_client_set_mcp_permission_mode_override_wait(claude_client_t *client,
                                                                    const char *server_name,
                                                                    const char *mode,
                                                                    uint32_t timeout_ms,
                                                                    char **reply_json,
                                                                    claude_error_t **error);

/**
 * The number of a request, unique within the process.
 *
 * @param request The request.
 * @return The number; 0 for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
uint64_t claude_request_id(const claude_request_t *request);

/**
 * What the CLI asks.
 *
 * @param request The request.
 * @return The kind; `CLAUDE_REQUEST_OTHER` for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_request_kind_t claude_request_kind(const claude_request_t *request);

/**
 * The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{…},…}.
 *
 * @param request The request.
 * @param len Receives the length in bytes; may be NULL.
 * @return A JSON object with a NUL behind it; it lives as long as the request. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
const char *claude_request_json(const claude_request_t *request,
                                size_t *len);

/**
 * Where a request stands, and how it ended: what a user interface says about it.
 *
 * @param request The request.
 * @return The state; `CLAUDE_REQUEST_STATE_CLOSED` for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_request_state_t claude_request_state(const claude_request_t *request);

/**
 * Whether the CLI has withdrawn the request, its deadline has passed, or its session has ended: an answer would be of no
 * use.
 *
 * @param request The request.
 * @return True also for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
bool claude_request_is_cancelled(const claude_request_t *request);

/**
 * Registers what is told when the request ends without an answer of the host: the CLI withdraws it, its deadline passes, or
 * the session ends. Told at once when that has happened already, and never when the request was answered.
 *
 * @param request The request.
 * @param callback The callback; replaces an earlier one.
 * @param user_data Passed to the callback.
 * @param destroy Runs once when the callback will not be called any more, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` for NULL; `CLAUDE_ERR_UNSUPPORTED` in
 *   PULL mode, where a `CLAUDE_EVENT_REQUEST_CANCELLED` comes instead.
 * @thread Any. The callback runs where the dispatch mode says, also while the request callback is running; told at once, it
 *   runs inside this call.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_on_cancel(claude_request_t *request,
                                         claude_cancel_fn callback,
                                         void *user_data,
                                         claude_destroy_fn destroy,
                                         claude_error_t **error);

/**
 * Answers with the payload of a success response. The request stays a valid handle until it is freed.
 *
 * @param request The request.
 * @param json The payload, a JSON object. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when it was answered, withdrawn or refused before; `CLAUDE_ERR_CLOSED` when the
 *   session has ended; `CLAUDE_ERR_INVALID_ARGUMENT` when the payload is no JSON object, or has not the shape that requests
 *   of this kind are answered in: the request is still open then.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_respond(claude_request_t *request,
                                       const char *json,
                                       claude_error_t **error);

/**
 * As `claude_request_respond`, with the length of the payload.
 *
 * @param request The request.
 * @param json The payload. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_respond`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_respond_n(claude_request_t *request,
                                         const char *json,
                                         size_t len,
                                         claude_error_t **error);

/**
 * Answers with an error response.
 *
 * @param request The request.
 * @param message What went wrong. Copied.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_respond`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_fail(claude_request_t *request, const char *message, claude_error_t **error);

/**
 * As `claude_request_fail`, with the length of the message.
 *
 * @param request The request.
 * @param message What went wrong. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_fail`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_fail_n(claude_request_t *request,
                                      const char *message,
                                      size_t len,
                                      claude_error_t **error);

/**
 * Permission: lets the tool run.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
 * @param updated_input_json The input that the tool gets, a JSON object; NULL = the one that was asked about. Copied.
 * @param updated_permissions_json Changes of the rules, a JSON list as in the request's `permission_suggestions`; NULL =
 *   none. If one is malformed, all are left out, the tool still runs, and a `CLAUDE_EVENT_WARNING` names it. Copied.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another kind.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_allow(claude_request_t *request,
                                     const char *updated_input_json,
                                     const char *updated_permissions_json,
                                     claude_error_t **error);

/**
 * As `claude_request_allow`, with the lengths of the texts.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
 * @param updated_input_json The input that the tool gets; NULL = the one that was asked about. Copied.
 * @param input_len Its length in bytes.
 * @param updated_permissions_json Changes of the rules; NULL = none. Copied.
 * @param permissions_len Their length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_allow`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_allow_n(claude_request_t *request,
                                       const char *updated_input_json,
                                       size_t input_len,
                                       const char *updated_permissions_json,
                                       size_t permissions_len,
                                       claude_error_t **error);

/**
 * Permission: refuses the tool.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
 * @param message Why; the model reads it. Copied.
 * @param interrupt Whether the turn ends as well.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another kind.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_deny(claude_request_t *request,
                                    const char *message,
                                    bool interrupt,
                                    claude_error_t **error);

/**
 * As `claude_request_deny`, with the length of the message.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
 * @param message Why; the model reads it. Copied.
 * @param len Its length in bytes.
 * @param interrupt Whether the turn ends as well.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_deny`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_deny_n(claude_request_t *request,
                                      const char *message,
                                      size_t len,
                                      bool interrupt,
                                      claude_error_t **error);

/**
 * Permission for the tool `AskUserQuestion`: lets it run with the user's answers.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION` whose `tool_name` is `AskUserQuestion`.
 * @param answers_json An object with the questions' texts as names and the chosen labels as values: a text, or a list of
 *   texts where several may be chosen. Copied.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another tool and for a question that was not
 *   asked.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_answer_questions(claude_request_t *request,
                                                const char *answers_json,
                                                claude_error_t **error);

/**
 * As `claude_request_answer_questions`, with the length of the answers.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_PERMISSION` whose `tool_name` is `AskUserQuestion`.
 * @param answers_json The answers. Copied.
 * @param len Their length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_request_answer_questions`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_answer_questions_n(claude_request_t *request,
                                                  const char *answers_json,
                                                  size_t len,
                                                  claude_error_t **error);

/**
 * Gives the request a deadline: when it passes, the request is refused and its `claude_request_on_cancel` told. Replaces
 * the one of the option `request_timeout_ms`.
 *
 * @param request The request.
 * @param timeout_ms Time from now, in milliseconds; `CLAUDE_WAIT_FOREVER` = no deadline.
 * @param action What the CLI gets then, in the words of the option `request_timeout_action`: "deny", the refusal of its
 *   kind, or "error", which refuses a hook all the same; NULL = what the option says.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` and `CLAUDE_ERR_CLOSED` as `claude_request_respond`;
 *   `CLAUDE_ERR_INVALID_ARGUMENT` for another action.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_request_set_deadline(claude_request_t *request,
                                            uint32_t timeout_ms,
                                            const char *action,
                                            claude_error_t **error);

/**
 * The `user_data` of the hook that the CLI calls.
 *
 * @param request A request of the kind `CLAUDE_REQUEST_HOOK`.
 * @return The pointer that was given to `claude_client_add_hook`; NULL for other kinds.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
void *claude_request_user_data(const claude_request_t *request);

/**
 * Frees a request. One that is still open is refused with its last handle: a permission is denied, a hook forbids what it
 * can forbid, anything else gets an error or a decline.
 *
 * @param request The request; NULL and a request that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
void claude_request_free(claude_request_t *request);

/**
 * The requests that wait for an answer, oldest first, so that a user interface can be rebuilt.
 *
 * @param client The client.
 * @param json Receives a JSON list of objects with `id` (as `claude_request_id`), `kind` ("permission", "hook", "mcp",
 *   "elicitation", "dialog", "other"), `kind_number`, `age_ms`, `deadline_ms` (time left, or null), `handles` (how many the
 *   host holds) and `request` (as `claude_request_json`); free it with `claude_string_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` when `json` is NULL.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_pending_requests(claude_client_t *client,
                                               char **json,
                                               claude_error_t **error);

/**
 * Another handle to an open request.
 *
 * @param client The client.
 * @param request_id The request's number, as in `claude_client_pending_requests`.
 * @param request Receives the request; free it with `claude_request_free`. Of several handles the first answer counts.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when no request with this number is open.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_take_request(claude_client_t *client,
                                           uint64_t request_id,
                                           claude_request_t **request,
                                           claude_error_t **error);

/**
 * The number of the request that an event is about.
 *
 * @param event An event of the kind `CLAUDE_EVENT_REQUEST` or `CLAUDE_EVENT_REQUEST_CANCELLED`.
 * @return As `claude_request_id`; 0 for other kinds.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
uint64_t claude_event_request_id(const claude_event_t *event);

/**
 * Registers the callback for permission requests, which otherwise go to the one of `claude_client_on_request`. Register it
 * before connecting: only this or `claude_client_on_request` makes the CLI ask for permissions; in PULL mode it always asks.
 * Options that keep the CLI from asking are told by a `CLAUDE_EVENT_WARNING` when connecting.
 *
 * @param client The client.
 * @param callback The callback, which owns the request that it is given; NULL takes the present one away. The one before
 *   is not running any more when this returns, unless it is called inside a callback of the client. What the one before
 *   left open is delivered again.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_ALREADY_CONNECTED` for a first callback after connecting.
 * @thread Any. The callback runs where the dispatch mode says, and never waits for a message callback.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_set_permission_handler(claude_client_t *client,
                                                     claude_request_fn callback,
                                                     void *user_data,
                                                     claude_destroy_fn destroy,
                                                     claude_error_t **error);

/**
 * Registers a hook: the CLI asks before or after it does something. Any number of them, also for one event. Before
 * connecting.
 *
 * @param client The client.
 * @param event The event, such as "PreToolUse" or "Stop"; every name that the CLI knows. Copied.
 * @param matcher The tools that it is about, such as "Bash" or "Write|Edit"; NULL = all. Copied.
 * @param timeout_s How long the CLI waits for the answer, in seconds; 0 = its default. When it is over, the CLI withdraws
 *   the request, and refuses a tool that was to be used.
 * @param on_failure `CLAUDE_HOOK_CONTINUE` or `CLAUDE_HOOK_BLOCK`: what the CLI does after `claude_request_fail`. A CLI that
 *   cannot block is not connected to.
 * @param callback The callback, which owns the request that it is given: of the kind `CLAUDE_REQUEST_HOOK`, answered with
 *   the hook's output by `claude_request_respond`, `{}` for no opinion. NULL = the one of `claude_client_on_request`. In
 *   PULL mode NULL: the hook comes as `CLAUDE_EVENT_REQUEST`.
 * @param user_data Passed to the callback, and returned by `claude_request_user_data`.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
 * @thread Any. The callback runs where the dispatch mode says, one at a time with the other request callbacks: one that
 *   takes its time returns and answers later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_add_hook(claude_client_t *client,
                                       const char *event,
                                       const char *matcher,
                                       double timeout_s,
                                       int32_t on_failure,
                                       claude_request_fn callback,
                                       void *user_data,
                                       claude_destroy_fn destroy,
                                       claude_error_t **error);

/**
 * Says that the host can show a kind of dialog, so that the CLI asks for it by a request of the kind
 * `CLAUDE_REQUEST_DIALOG`. The same as the option `supported_dialog_kinds`. Before connecting.
 *
 * @param client The client.
 * @param kind The kind, such as "refusal_fallback_prompt". Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/requests.md
 */
claude_status_t claude_client_declare_dialog(claude_client_t *client,
                                             const char *kind,
                                             claude_error_t **error);

/**
 * Creates a server for tools of the host. The model sees a tool as `mcp__<server>__<tool>`.
 *
 * @param name The server's name: letters, digits, - and _ (the CLI replaces others). Copied.
 * @param options_json NULL, or a JSON object: `version`, `instructions` (for the model), `timeout_ms` (how long the CLI waits
 *   for a call, from 1000; a day unless given), `tools` (a list of {"name","permission_policy"}). Copied.
 * @param server Receives the server; free it with `claude_mcp_server_free`.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a name or an option that cannot be used.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_mcp_server_create(const char *name,
                                         const char *options_json,
                                         claude_mcp_server_t **server,
                                         claude_error_t **error);

/**
 * As `claude_mcp_server_create`, with the lengths of the texts.
 *
 * @param name The server's name. Copied.
 * @param name_len Its length in bytes.
 * @param options_json NULL, or a JSON object. Copied.
 * @param options_len Its length in bytes.
 * @param server Receives the server; free it with `claude_mcp_server_free`.
 * @param error Receives the error; may be NULL.
 * @return As `claude_mcp_server_create`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_mcp_server_create_n(const char *name,
                                           size_t name_len,
                                           const char *options_json,
                                           size_t options_len,
                                           claude_mcp_server_t **server,
                                           claude_error_t **error);

/**
 * Frees the host's handle of a server. Clients that it was added to keep it until they are freed; with the last of them
 * its tools go, and their destroy-notify runs.
 *
 * @param server The server; NULL and a server that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
void claude_mcp_server_free(claude_mcp_server_t *server);

/**
 * Adds a tool. CLIs that are connected hear of it (`tools/list_changed`).
 *
 * @param server The server.
 * @param tool_json The tool as MCP describes it: `name`, `description`, `inputSchema` (a JSON schema of the type object;
 *   arguments that do not fit it never reach the function), `annotations`, `_meta` and others, all passed on untouched;
 *   and `max_concurrency`: how many calls may be open at once (1 unless given, 0 = any number), those beyond it wait.
 *   Copied.
 * @param function Called when the model uses the tool; it owns the call. NULL where the tool serves clients in PULL mode only:
 *   there each call is a `CLAUDE_EVENT_TOOL_CALL`, whether there is a function or not.
 * @param user_data Passed to the function.
 * @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a description or a schema that cannot be used, or a name in use;
 *   `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The function runs in THREAD and INLINE mode on a library thread of its own, so that it may block; in PUMP mode
 *   inside `claude_client_dispatch`.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_mcp_server_add_tool(claude_mcp_server_t *server,
                                           const char *tool_json,
                                           claude_tool_fn function,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * As `claude_mcp_server_add_tool`, with the length of the description.
 *
 * @param server The server.
 * @param tool_json The tool as MCP describes it. Copied.
 * @param len Its length in bytes.
 * @param function Called when the model uses the tool; it owns the call.
 * @param user_data Passed to the function.
 * @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return As `claude_mcp_server_add_tool`.
 * @thread Any. The function runs as with `claude_mcp_server_add_tool`.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_mcp_server_add_tool_n(claude_mcp_server_t *server,
                                             const char *tool_json,
                                             size_t len,
                                             claude_tool_fn function,
                                             void *user_data,
                                             claude_destroy_fn destroy,
                                             claude_error_t **error);

/**
 * Removes a tool. CLIs that are connected hear of it (`tools/list_changed`). Calls that are open can still be answered; the
 * tool's destroy-notify runs when its function is not running any more.
 *
 * @param server The server.
 * @param name The tool's name. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when there is no such tool; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_mcp_server_remove_tool(claude_mcp_server_t *server,
                                              const char *name,
                                              claude_error_t **error);

/**
 * Adds a server to a client. The client keeps it until it is freed; a server may belong to several clients. The CLI learns of
 * it when connecting; of one that is added later, by the next `claude_client_set_mcp_servers`. Whether the model may use the
 * tools is decided like for other tools: option `allowed_tools`, permission requests.
 *
 * @param client The client.
 * @param server The server.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when the client has an in-process server of that name;
 *   `CLAUDE_ERR_CLOSED` when the session has ended; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_client_add_mcp_server(claude_client_t *client,
                                             claude_mcp_server_t *server,
                                             claude_error_t **error);

/**
 * Adds an MCP server that the host implements itself: each message of the CLI for it is a request of the kind
 * `CLAUDE_REQUEST_MCP` with `server_name` and `message` (JSON-RPC). Answer it by `claude_request_respond` with the JSON-RPC
 * response; a notification is answered with {"jsonrpc":"2.0","result":{}}. When the CLI learns of the server: as with
 * `claude_client_add_mcp_server`.
 *
 * @param client The client.
 * @param name The server's name. Copied.
 * @param callback Gets the requests, one at a time and in order, and owns them. NULL in PULL mode: they are events of the kind
 *   `CLAUDE_EVENT_REQUEST`.
 * @param user_data Passed to the callback.
 * @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when the name cannot be used or is in use; `CLAUDE_ERR_CLOSED` when the
 *   session has ended; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any. The callback runs like that of `claude_client_on_request`.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_client_add_mcp_handler(claude_client_t *client,
                                              const char *name,
                                              claude_request_fn callback,
                                              void *user_data,
                                              claude_destroy_fn destroy,
                                              claude_error_t **error);

/**
 * The arguments, as the CLI wrote them. They fit the tool's `inputSchema`.
 *
 * @param call The call.
 * @param len Receives the length in bytes; may be NULL.
 * @return A JSON object with a NUL behind it; it lives as long as the call. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
const char *claude_tool_call_arguments(const claude_tool_call_t *call,
                                       size_t *len);

/**
 * The name of the tool that is called.
 *
 * @param call The call.
 * @param len Receives the length in bytes; may be NULL.
 * @return The name; it lives as long as the call. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
const char *claude_tool_call_name(const claude_tool_call_t *call, size_t *len);

/**
 * The name of the server that the tool belongs to.
 *
 * @param call The call.
 * @param len Receives the length in bytes; may be NULL.
 * @return The name; it lives as long as the call. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
const char *claude_tool_call_server(const claude_tool_call_t *call, size_t *len);

/**
 * What the CLI says about the call, such as {"claudecode/toolUseId":"toolu_…","progressToken":2}.
 *
 * @param call The call.
 * @param len Receives the length in bytes; may be NULL.
 * @return A JSON object with a NUL behind it; it lives as long as the call. Empty for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
const char *claude_tool_call_meta(const claude_tool_call_t *call,
                                  size_t *len);

/**
 * The number of a call, unique within the process.
 *
 * @param call The call.
 * @return The number; 0 for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
uint64_t claude_tool_call_id(const claude_tool_call_t *call);

/**
 * Whether the answer is not wanted any more: the turn was interrupted, the CLI has waited long enough, or its session has
 * ended. Long work should look at it now and then.
 *
 * @param call The call.
 * @return True also for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
bool claude_tool_call_is_cancelled(const claude_tool_call_t *call);

/**
 * Registers what is told when the answer is not wanted any more; told at once when that is so already. Not in PULL mode, where
 * a `CLAUDE_EVENT_TOOL_CALL_CANCELLED` comes.
 *
 * @param call The call.
 * @param callback Gets the call's number; replaces an earlier one.
 * @param user_data Passed to the callback.
 * @param destroy Runs once when the callback will not be called any more, also when this function fails; may be NULL.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` for NULL; `CLAUDE_ERR_UNSUPPORTED` in PULL
 *   mode.
 * @thread Any. The callback runs where the tool's function does, beside it if need be.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_on_cancel(claude_tool_call_t *call,
                                           claude_cancel_fn callback,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * Tells the CLI how far the work is. Without effect when the CLI did not ask for it.
 *
 * @param call The call.
 * @param progress How much is done; it should grow from call to call.
 * @param total How much there is to do; 0 = unknown.
 * @param message What is being done; NULL = nothing to say. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is not finite.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_progress(claude_tool_call_t *call,
                                          double progress,
                                          double total,
                                          const char *message,
                                          claude_error_t **error);

/**
 * Adds a text to the result.
 *
 * @param call The call.
 * @param text The text. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_text(claude_tool_call_t *call,
                                          const char *text,
                                          claude_error_t **error);

/**
 * As `claude_tool_call_add_text`, with a length.
 *
 * @param call The call.
 * @param text The text. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_add_text`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_text_n(claude_tool_call_t *call,
                                            const char *text,
                                            size_t len,
                                            claude_error_t **error);

/**
 * Adds JSON to the result, as text: the model reads it as it stands.
 *
 * @param call The call.
 * @param json The JSON text. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_json(claude_tool_call_t *call,
                                          const char *json,
                                          claude_error_t **error);

/**
 * As `claude_tool_call_add_json`, with a length.
 *
 * @param call The call.
 * @param json The JSON text. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_add_json`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_json_n(claude_tool_call_t *call,
                                            const char *json,
                                            size_t len,
                                            claude_error_t **error);

/**
 * Adds an image to the result.
 *
 * @param call The call.
 * @param bytes The image file's bytes, such as those of a PNG. Copied.
 * @param len How many they are.
 * @param mime_type Their type, such as "image/png". Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for another type.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_image(claude_tool_call_t *call,
                                           const void *bytes,
                                           size_t len,
                                           const char *mime_type,
                                           claude_error_t **error);

/**
 * Adds an MCP block of the type `resource` or `resource_link` to the result. The model gets the text of a resource, the image of an
 * image, and name, uri and description of a link.
 *
 * @param call The call.
 * @param resource_json The block as JSON. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be;
 *   `CLAUDE_ERR_UNSUPPORTED` for a block that does not reach the model.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_resource(claude_tool_call_t *call,
                                              const char *resource_json,
                                              claude_error_t **error);

/**
 * As `claude_tool_call_add_resource`, with the length of the JSON text.
 *
 * @param call The call.
 * @param resource_json The block as JSON. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_add_resource`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_add_resource_n(claude_tool_call_t *call,
                                                const char *resource_json,
                                                size_t len,
                                                claude_error_t **error);

/**
 * Sets the `structuredContent` of the result. It is also its text when nothing else is added.
 *
 * @param call The call.
 * @param json A JSON object. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_set_structured(claude_tool_call_t *call,
                                                const char *json,
                                                claude_error_t **error);

/**
 * As `claude_tool_call_set_structured`, with the length of the JSON text.
 *
 * @param call The call.
 * @param json A JSON object. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_set_structured`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_set_structured_n(claude_tool_call_t *call,
                                                  const char *json,
                                                  size_t len,
                                                  claude_error_t **error);

/**
 * Sets the `_meta` of the result.
 *
 * @param call The call.
 * @param json A JSON object. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_set_meta(claude_tool_call_t *call,
                                          const char *json,
                                          claude_error_t **error);

/**
 * As `claude_tool_call_set_meta`, with the length of the JSON text.
 *
 * @param call The call.
 * @param json A JSON object. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_set_meta`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_set_meta_n(claude_tool_call_t *call,
                                            const char *json,
                                            size_t len,
                                            claude_error_t **error);

/**
 * Answers with what has been added. The call stays a valid handle until it is freed.
 *
 * @param call The call.
 * @param is_error Whether the result tells of a failure.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_finish(claude_tool_call_t *call,
                                        bool is_error,
                                        claude_error_t **error);

/**
 * Answers that the tool failed, whatever has been added. The model reads the message.
 *
 * @param call The call.
 * @param message What went wrong. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
 *   has ended.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_fail(claude_tool_call_t *call,
                                      const char *message,
                                      claude_error_t **error);

/**
 * As `claude_tool_call_fail`, with the length of the message.
 *
 * @param call The call.
 * @param message What the model reads. Copied.
 * @param len Its length in bytes.
 * @param error Receives the error; may be NULL.
 * @return As `claude_tool_call_fail`.
 * @thread Any, now or later.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_status_t claude_tool_call_fail_n(claude_tool_call_t *call,
                                        const char *message,
                                        size_t len,
                                        claude_error_t **error);

/**
 * Frees a call. One that was not answered fails: the model reads that the host did not answer. Until it is answered or freed, a
 * call counts for the tool's `max_concurrency`, also when it was withdrawn.
 *
 * @param call The call; NULL and a call that was freed before are ignored.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
void claude_tool_call_free(claude_tool_call_t *call);

/**
 * Takes the tool call out of an event. Answer it, now or later, and free it. A call that is left in its event fails when the
 * event is freed.
 *
 * @param event An event of the kind `CLAUDE_EVENT_TOOL_CALL`.
 * @return The call, which the caller owns; NULL for other kinds and the second time.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/tools.md
 */
claude_tool_call_t *claude_event_take_tool_call(claude_event_t *event);

/**
 * Takes a transport of the host's own in place of a child process: the library then starts nothing, and speaks with the
 * CLI through these functions. Options that are for the CLI's command line, environment or process have no effect then; a
 * `CLAUDE_EVENT_WARNING` at connect lists those that were set. Before connecting.
 *
 * @param client The client.
 * @param vtable The functions; copied. NULL takes an earlier transport away.
 * @param user_data Passed to each function. `vtable->destroy` runs once for it, also when this call fails, unless `vtable`
 *   is NULL or too small to have that member.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_ALREADY_CONNECTED` once connecting has begun; `CLAUDE_ERR_INVALID_ARGUMENT` when
 *   `connect`, `write`, `end_input` or `close` is missing or `size` is too small; `CLAUDE_ERR_INVALID_HANDLE`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/remote.md
 */
claude_status_t claude_client_set_transport(claude_client_t *client,
                                            const claude_transport_vtable_t *vtable,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * Brings bytes that the CLI wrote to its stdout, cut anywhere. The library copies them and returns at once, so it may be
 * called wherever the host likes, also inside its own `write` and inside callbacks. Pushes of several threads do not mix;
 * which of them comes first is the host's to decide.
 *
 * All bytes are taken, or none: a push is refused while as many bytes as the option `max_queue_bytes` wait already, which
 * happens only to a host that does not look at `claude_sink_has_room`.
 *
 * @param sink The sink that `connect` was given.
 * @param bytes The bytes; copied.
 * @param len Their number.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_WOULD_BLOCK` when too much waits; `CLAUDE_ERR_CLOSED` after `claude_sink_end` or when
 *   `close` has returned; `CLAUDE_ERR_INVALID_HANDLE` once `destroy` has begun; `CLAUDE_ERR_INVALID_ARGUMENT`.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/remote.md
 */
claude_status_t claude_sink_push(claude_sink_t *sink,
                                 const void *bytes,
                                 size_t len,
                                 claude_error_t **error);

/**
 * Whether the host should go on reading from the CLI: less than 1 MiB waits to be taken. Where it is false, `on_room` is
 * called when it has become true.
 *
 * @param sink The sink that `connect` was given.
 * @return Whether there is room; false for a handle that is not valid.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/remote.md
 */
bool claude_sink_has_room(const claude_sink_t *sink);

/**
 * Says that the CLI's output has ended and how. What was pushed before is delivered, then the session ends.
 *
 * @param sink The sink that `connect` was given.
 * @param status 0 = a normal end; above 0 = the exit code of the CLI; below 0 = the `CLAUDE_ERR_` number with which the
 *   session ends, unknown ones as `CLAUDE_ERR_CLI_CONNECTION`.
 * @param message What a user should read about it, such as the last words on the CLI's stderr; NULL = nothing. Copied.
 * @param error Receives the error; may be NULL.
 * @return `CLAUDE_OK`; `CLAUDE_ERR_CLOSED` when it has ended already; `CLAUDE_ERR_INVALID_HANDLE`;
 *   `CLAUDE_ERR_INVALID_ARGUMENT` for a message that is not UTF-8.
 * @thread Any.
 * @callback May be called.
 * @since 0.1.0
 * @see docs/remote.md
 */
claude_status_t claude_sink_end(claude_sink_t *sink,
                                int32_t status,
                                const char *message,
                                claude_error_t **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CLAUDE_CLIENT_H */
