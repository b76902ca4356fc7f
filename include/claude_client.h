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
 *         claude_client_query(client, "What is the capital of France?", NULL, NULL, &error) != CLAUDE_OK ||
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
 *  3. Text in is UTF-8 that ends with a NUL, and is copied. What is not text has a pointer and a length. Text that is
 *     not UTF-8 is an error, not undefined behaviour.
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

/** The ABI that this header describes. Where libraries are found at run time, compare it with claude_abi_version(). */
#define CLAUDE_ABI_VERSION 1u

/** As `timeout_ms`: do not wait. */
#define CLAUDE_NO_WAIT 0u

/** As `timeout_ms` or `deadline_ms`: without a limit. */
#define CLAUDE_WAIT_FOREVER 0xFFFFFFFFu

/** A JSON constant without a backslash: `CLAUDE_JSON({"model": "opus"})`. Tokens only, no comments and no directives; on one
 *  level, as a macro that passes its argument on would turn `true` into 1; 4095 bytes, the limit of C99 for a literal. */
#define CLAUDE_JSON(...) #__VA_ARGS__


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
     * There is nothing of that name, at that place, with that text.
     */
    CLAUDE_ERR_NOT_FOUND = -105,
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
     * There is no room, or it is not ready: try again later.
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
 * Who runs a client's callbacks. See docs/threading.md.
 */
enum claude_dispatch_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A library thread, in order, one at a time for each lane; may block.
     */
    CLAUDE_DISPATCH_THREAD = 0,
    /**
     * Only claude_client_pump, on the thread that calls it.
     */
    CLAUDE_DISPATCH_PUMP = 1,
    /**
     * Nobody: claude_client_next returns events.
     */
    CLAUDE_DISPATCH_PULL = 2,
    /**
     * The library's reader itself, for callbacks that never block.
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
 * What a message or an event is. 1 to 99 are messages of the CLI, 100 to 199 events of the library that come among them, and
 * 200 to 299 come from claude_client_next only. Treat an unknown number like CLAUDE_MESSAGE_OTHER.
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
     * `init` at the start of each turn, task progress, status: see `subtype`.
     */
    CLAUDE_MESSAGE_SYSTEM = 3,
    /**
     * The end of a turn, with cost, usage and the final text.
     */
    CLAUDE_MESSAGE_RESULT = 4,
    /**
     * A raw event of the reply (option `include_partial_messages`).
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
     * Lines written to the session's file (option `session_mirror`).
     */
    CLAUDE_MESSAGE_TRANSCRIPT_MIRROR = 14,
    /**
     * A type that this version of the library does not name.
     */
    CLAUDE_MESSAGE_OTHER = 99,
    /**
     * Streamed text, plain, not JSON (option `text_deltas`).
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
     * Behind a result (option `turn_events`): `prompts`, `autonomous`, `origin`.
     */
    CLAUDE_EVENT_TURN_ENDED = 104,
    /**
     * Not what the record has (option `replay`): `line`, `pointer`, `text`, ...
     */
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,
    /**
     * The CLI asks something: claude_event_take_request. JSON: the request.
     */
    CLAUDE_EVENT_REQUEST = 200,
    /**
     * The request with this id ended without an answer.
     */
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,
    /**
     * An operation ended. JSON: the reply, or the error's document.
     */
    CLAUDE_EVENT_DONE = 202,
    /**
     * A line of the CLI's stderr, plain text.
     */
    CLAUDE_EVENT_STDERR = 203,
    /**
     * The session has ended; the last event. JSON: as for claude_closed_fn.
     */
    CLAUDE_EVENT_CLOSED = 204,
    /**
     * A tool is called: claude_event_take_tool_call. JSON: claude_tool_call_json.
     */
    CLAUDE_EVENT_TOOL_CALL = 205,
    /**
     * The answer to the tool call with this id is not wanted any more.
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
     * The session is ended as by claude_client_disconnect.
     */
    CLAUDE_ESCALATE_DISCONNECT = 1,
    /**
     * The CLI and its descendants are killed; option `resume` goes on later.
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
 * What the CLI asks.
 */
enum claude_request_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Not named in this version; the answer for a handle that is not valid.
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
     * A message for an MCP server of the host. (`mcp_message`)
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
 * What the CLI does when the host answers a hook by claude_request_fail.
 */
enum claude_hook_failure_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It goes on: a hook that fails has no say.
     */
    CLAUDE_HOOK_CONTINUE = 0,
    /**
     * It blocks what the hook was asked about.
     */
    CLAUDE_HOOK_BLOCK = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum claude_hook_failure_t claude_hook_failure_t;
#else
typedef int32_t claude_hook_failure_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A conversation with one CLI. claude_client_free.
 */
typedef struct claude_client_t claude_client_t;

/**
 * A failure. claude_error_free.
 */
typedef struct claude_error_t claude_error_t;

/**
 * Something received in PULL mode. claude_event_free.
 */
typedef struct claude_event_t claude_event_t;

/**
 * Tools of the host. claude_mcp_server_free.
 */
typedef struct claude_mcp_server_t claude_mcp_server_t;

/**
 * Something that the CLI asks. claude_request_free.
 */
typedef struct claude_request_t claude_request_t;

/**
 * Input of a host's transport. Never freed by the host.
 */
typedef struct claude_sink_t claude_sink_t;

/**
 * One call of a tool. claude_tool_call_free.
 */
typedef struct claude_tool_call_t claude_tool_call_t;

/**
 * Runs on a library thread when it starts or ends.
 */
typedef void (*claude_thread_fn)(void *user_data);

/**
 * How the library's threads look. Zero it, set `size`, and set what differs from the default.
 */
typedef struct {
    /**
     * sizeof(claude_runtime_config_t).
     */
    size_t size;
    /**
     * Bytes of stack of each library thread, at least 524288; 0 = the system's.
     */
    size_t stack_size;
    /**
     * First part of the threads' names; NULL = "claude".
     */
    const char *thread_name;
    /**
     * Runs first on each library thread (to attach a JVM); NULL = nothing.
     */
    claude_thread_fn on_thread_start;
    /**
     * Runs last on each library thread; NULL = nothing.
     */
    claude_thread_fn on_thread_stop;
    /**
     * Passed to both. Must live until claude_runtime_shutdown has returned.
     */
    void *user_data;
    /**
     * Threads that move bytes between the CLIs and the queues; 0 = 1.
     */
    uint32_t worker_threads;
    /**
     * Not 0 = no guardian process that ends the CLIs when the host is killed.
     */
    int32_t no_guardian;
} claude_runtime_config_t;

/**
 * A line of the library's log.
 */
typedef void (*claude_log_fn)(claude_log_level_t level, const char *text, size_t len, void *user_data);

/**
 * The last call for this `user_data`: nothing of the library uses it any more.
 */
typedef void (*claude_destroy_fn)(void *user_data);

/**
 * The end of an operation. `json` is the reply, or the error's document.
 */
typedef void (*claude_done_fn)(claude_status_t status, const char *json, size_t len, void *user_data);

/**
 * The next prompt of a stream, or NULL at its end. The text stays the host's and must live until the next call.
 */
typedef const char *(*claude_prompt_fn)(void *user_data);

/**
 * A message or an event. `json` is the CLI's own text; plain text for CLAUDE_EVENT_TEXT_DELTA.
 */
typedef void (*claude_message_fn)(claude_message_kind_t kind, const char *json, size_t len, void *user_data);

/**
 * A request of the CLI, which the callback owns: answer it, now or later, and free it.
 */
typedef void (*claude_request_fn)(claude_request_t *request, void *user_data);

/**
 * A line of stderr.
 */
typedef void (*claude_text_fn)(const char *text, size_t len, void *user_data);

/**
 * The session has ended: CLAUDE_OK and an empty text, or the cause and the error's document.
 */
typedef void (*claude_closed_fn)(claude_status_t status, const char *error_json, size_t len, void *user_data);

/**
 * Something is ready. It may only poke an event loop: it runs on a library thread in every mode.
 */
typedef void (*claude_notify_fn)(void *user_data);

/**
 * A request or a tool call needs no answer any more. `id` is that of claude_request_id or claude_tool_call_id.
 */
typedef void (*claude_cancel_fn)(uint64_t id, void *user_data);

/**
 * The model uses the tool. The callback owns the call: answer it, now or later, and free it.
 */
typedef void (*claude_tool_fn)(claude_tool_call_t *call, void *user_data);

/**
 * See claude_transport_vtable_t.
 */
typedef claude_status_t (*claude_transport_connect_fn)(claude_sink_t *sink, void *user_data);

/**
 * See claude_transport_vtable_t. `bytes` is valid until it returns.
 */
typedef claude_status_t (*claude_transport_write_fn)(const void *bytes, size_t len, void *user_data);

/**
 * See claude_transport_vtable_t.
 */
typedef claude_status_t (*claude_transport_fn)(void *user_data);

/**
 * A transport that the host supplies. Zero it, set `size` and the functions; those without "NULL =" must be there. All run on
 * library threads in every mode; `connect`, `is_ready`, `write` and `end_input` one at a time, `close` and `on_room` also
 * beside them. They may call what does not wait. See docs/remote.md.
 */
typedef struct {
    /**
     * sizeof(claude_transport_vtable_t).
     */
    size_t size;
    /**
     * Makes the far side ready and keeps `sink`. `close` should make it return. After
     * a failure only `destroy` is called.
     */
    claude_transport_connect_fn connect;
    /**
     * Sends one line with its newline, all of it; a failure ends the session.
     */
    claude_transport_write_fn write;
    /**
     * The CLI's stdin ends. Once, behind all lines.
     */
    claude_transport_fn end_input;
    /**
     * Ends the far side, by force if need be, and returns soon. Once; only `destroy`
     * follows.
     */
    claude_transport_fn close;
    /**
     * Asked after `connect`, every few milliseconds, until it is not
     * CLAUDE_ERR_WOULD_BLOCK; NULL = ready when `connect` has returned.
     */
    claude_transport_fn is_ready;
    /**
     * There is room again after claude_sink_has_room was false; NULL = poll.
     */
    claude_notify_fn on_room;
    /**
     * Once and last; NULL = nothing to free.
     */
    claude_destroy_fn destroy;
} claude_transport_vtable_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0".
 */
const char *claude_version(void);

/**
 * The ABI of the library that is loaded: CLAUDE_ABI_VERSION when it serves this header.
 */
uint32_t claude_abi_version(void);

/**
 * How the library was built: `version`, `target`, `features`, and the CLI version that it is tested with.
 */
const char *claude_build_info_json(void);

/**
 * The name of a status, such as "CLAUDE_ERR_CLI_NOT_FOUND"; "CLAUDE_ERR_UNKNOWN" for another number.
 */
const char *claude_status_name(claude_status_t status);

/**
 * The status of an error; CLAUDE_ERR_INVALID_HANDLE for NULL.
 */
claude_status_t claude_error_status(const claude_error_t *error);

/**
 * What went wrong and what to do about it, in one line for humans.
 */
const char *claude_error_message(const claude_error_t *error);

/**
 * All that is known: `status`, `name`, `message`, and where they apply `phase`, `exit_code`, `signal`, `stderr`,
 * `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`. The document that `done` and `on_closed` get.
 */
const char *claude_error_json(const claude_error_t *error);

/**
 * Frees an error.
 */
void claude_error_free(claude_error_t *error);

/**
 * Frees a text that the library gave through a `char **`. NULL, and what the library did not give, is ignored.
 */
void claude_string_free(char *text);

/**
 * Reads one value: a string without quotes and escapes, anything else as JSON.
 */
claude_status_t claude_json_get(const char *json, const char *pointer, char **value, claude_error_t **error);

/**
 * Chooses how the library's threads look. Before the first client connects, or after claude_runtime_shutdown;
 * CLAUDE_ERR_ALREADY_CONNECTED in between.
 */
claude_status_t claude_runtime_configure(const claude_runtime_config_t *config, claude_error_t **error);

/**
 * Registers the callback for the library's log, up to `max_level`. It runs on any thread, on several at once, in every mode,
 * and must not block.
 */
claude_status_t claude_runtime_on_log(claude_log_level_t max_level,
                                      claude_log_fn callback,
                                      void *user_data,
                                      claude_destroy_fn destroy,
                                      claude_error_t **error);

/**
 * Closes every session and ends every thread and child. Clients keep their handles and answer CLAUDE_ERR_CLOSED. After
 * CLAUDE_ERR_TIMEOUT it goes on by itself, and a later call reports. The library can be used again afterwards.
 */
claude_status_t claude_runtime_shutdown(uint32_t timeout_ms,
                                        claude_error_t **error);

/**
 * Counts what is alive: `clients`, `errors`, `strings`, `events`, `requests`, `mcp_servers`, `tool_calls`, `threads`,
 * `children`. What a program has not freed at its end is here and in no leak checker.
 */
claude_status_t claude_runtime_stats(char **json,
                                     claude_error_t **error);

/**
 * Says which CLI a client with these options would start, its version, where its login comes from, and what stands in the
 * way. The CLI is run once, for its version; nothing is written. The report has `ok`, `cli`, `login`, `config_dir`,
 * `library`, `findings`, and no secret; CLAUDE_OK whatever it says.
 * @param options_json NULL = none.
 */
claude_status_t claude_probe(const char *options_json,
                             uint32_t timeout_ms,
                             char **report_json,
                             claude_error_t **error);

/**
 * Creates a client. Nothing is started and no disk is touched.
 * @param options_json The options: docs/options.md; NULL = none. CLAUDE_ERR_INVALID_OPTION names what cannot be used.
 */
claude_status_t claude_client_create(const char *options_json,
                                     claude_client_t **client,
                                     claude_error_t **error);

/**
 * Chooses who runs the callbacks; CLAUDE_DISPATCH_THREAD unless called. Before connecting and before any registration:
 * CLAUDE_ERR_INVALID_ARGUMENT after one.
 */
claude_status_t claude_client_set_dispatch(claude_client_t *client,
                                           claude_dispatch_t mode,
                                           claude_error_t **error);

/**
 * Starts the CLI. Register callbacks before. `done` is told when the session is ready, with the CLI's answer to `initialize`.
 * CLAUDE_ERR_INVALID_OPTION: options that cannot be combined with what is registered.
 * @param prompt The first prompt, sent once the CLI is ready; NULL = none.
 */
claude_status_t claude_client_connect(claude_client_t *client,
                                      const char *prompt,
                                      claude_done_fn done,
                                      void *user_data,
                                      claude_error_t **error);

/**
 * As claude_client_connect, waiting until the session is ready; the option `connect_timeout_ms` applies as well. When it
 * fails, nothing of the CLI is left.
 * @param prompt NULL = none.
 */
claude_status_t claude_client_connect_wait(claude_client_t *client,
                                           const char *prompt,
                                           uint32_t timeout_ms,
                                           claude_error_t **error);

/**
 * Ends the session: a running turn is interrupted, the CLI sees the end of its input, and after the grace options SIGTERM and
 * SIGKILL, it and its descendants. What it still writes is delivered. CLAUDE_OK also when it has ended already.
 */
claude_status_t claude_client_disconnect(claude_client_t *client,
                                         claude_done_fn done,
                                         void *user_data,
                                         claude_error_t **error);

/**
 * As claude_client_disconnect, waiting until the process is gone. CLAUDE_ERR_TIMEOUT: it is still being ended.
 */
claude_status_t claude_client_disconnect_wait(claude_client_t *client,
                                              uint32_t timeout_ms,
                                              claude_error_t **error);

/**
 * Frees a client, disconnecting it first: see "Freeing" in the contract. Operations that are open are told
 * CLAUDE_ERR_CANCELLED, open requests are refused; their handles stay valid and are still to be freed. Waits as long as the
 * grace options say.
 */
void claude_client_free(claude_client_t *client);

/**
 * Where the client stands.
 */
claude_state_t claude_client_state(const claude_client_t *client);

/**
 * The process id of the CLI; 0 while there is none.
 */
uint64_t claude_client_pid(const claude_client_t *client);

/**
 * Counters: `session_id`, process, traffic, what is queued, latency, costs. See docs/stats.md.
 */
claude_status_t claude_client_stats(claude_client_t *client, char **json, claude_error_t **error);

/**
 * What the CLI said when it became ready: commands, models, agents, account and more. Kept: nothing is asked.
 */
claude_status_t claude_client_get_server_info(claude_client_t *client, char **json, claude_error_t **error);

/**
 * Sends a prompt, which is not empty.
 * @param session_id A label that the CLI hands back; NULL = "default". It does not separate conversations.
 * @param message_uuid Receives the uuid by which results and claude_client_cancel_prompt name the prompt; NULL = not wanted.
 */
claude_status_t claude_client_query(claude_client_t *client,
                                    const char *prompt,
                                    const char *session_id,
                                    char **message_uuid,
                                    claude_error_t **error);

/**
 * Sends a whole user message: images, documents, several blocks, `priority` and so on. Its shape is checked first, because one
 * malformed line ends the CLI; the error has the JSON pointer.
 * @param message_json Such as {"type":"user","message":{"role":"user","content":[...]}}.
 * @param message_uuid Receives its own uuid, or the one that it was given; NULL = not wanted.
 */
claude_status_t claude_client_send_json(claude_client_t *client,
                                        const char *message_json,
                                        char **message_uuid,
                                        claude_error_t **error);

/**
 * Sends the prompts of a generator, in order, and not while more than 1 MiB waits for the CLI. `callback` runs where the mode
 * runs callbacks, and may block without delaying messages or requests. Not in PULL mode. A prompt that cannot be sent ends the
 * stream with a CLAUDE_EVENT_WARNING; the input stays open at its end.
 * @param session_id NULL = "default".
 */
claude_status_t claude_client_query_stream(claude_client_t *client,
                                           const char *session_id,
                                           claude_prompt_fn callback,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * Says that no more prompts will come. The CLI finishes the turns that it has and exits. CLAUDE_OK also the second time.
 */
claude_status_t claude_client_end_input(claude_client_t *client,
                                        claude_error_t **error);

/**
 * As claude_client_end_input, when the run is over: every prompt has its result, no request is open, no turn and no background
 * agent goes on that may still need the host.
 */
claude_status_t claude_client_end_input_after_run(claude_client_t *client,
                                                  claude_error_t **error);

/**
 * Holds a whole conversation of one prompt: starts a CLI, sends the prompt, and waits until the CLI has ended, at the latest
 * until `timeout_ms`. The callbacks run on library threads. CLAUDE_ERR_RESULT: the turn ended with an error.
 * @param options_json NULL = none.
 * @param on_message NULL = messages are not wanted.
 * @param on_request NULL = everything is refused.
 * @param result_json Receives the result message, for claude_message_text; NULL = not wanted.
 */
claude_status_t claude_query_once(const char *prompt,
                                  const char *options_json,
                                  claude_message_fn on_message,
                                  claude_request_fn on_request,
                                  void *user_data,
                                  uint32_t timeout_ms,
                                  char **result_json,
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
                                        claude_notify_fn callback,
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
 * @param message_uuid The prompt's uuid, from `claude_client_query` or `claude_client_send_json`.
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
 * Ends the running turn, with an error result; the session goes on, and queued prompts still run. The reply is such as
 * {"still_queued":[...]}.
 */
claude_status_t claude_client_interrupt(claude_client_t *client,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * @copydoc claude_client_interrupt
 */
claude_status_t claude_client_interrupt_wait(claude_client_t *client,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * As claude_client_interrupt, with a choice.
 * @param cancel_queued Whether queued prompts are cancelled as well; the reply then has `cancelled`.
 * @param deadline_ms How long the turn may take to end; without an escalation it means nothing.
 * @param escalation What happens then; the session ends with CLAUDE_ERR_TIMEOUT.
 */
claude_status_t claude_client_interrupt_with(claude_client_t *client,
                                             bool cancel_queued,
                                             uint32_t deadline_ms,
                                             claude_escalation_t escalation,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * @copydoc claude_client_interrupt_with
 */
claude_status_t claude_client_interrupt_with_wait(claude_client_t *client,
                                                  bool cancel_queued,
                                                  uint32_t deadline_ms,
                                                  claude_escalation_t escalation,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * Changes the permission mode: "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto" and what the CLI
 * knows besides.
 */
claude_status_t claude_client_set_permission_mode(claude_client_t *client,
                                                  const char *mode,
                                                  claude_done_fn done,
                                                  void *user_data,
                                                  claude_error_t **error);

/**
 * @copydoc claude_client_set_permission_mode
 */
claude_status_t claude_client_set_permission_mode_wait(claude_client_t *client,
                                                       const char *mode,
                                                       uint32_t timeout_ms,
                                                       char **reply_json,
                                                       claude_error_t **error);

/**
 * Changes the model, also in the middle of a turn. The CLI takes unknown names, too, and fails at the next turn.
 * @param model NULL = the default one.
 */
claude_status_t claude_client_set_model(claude_client_t *client,
                                        const char *model,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * @copydoc claude_client_set_model
 */
claude_status_t claude_client_set_model_wait(claude_client_t *client,
                                             const char *model,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * Puts files back to what they were at a prompt (option `enable_file_checkpointing`), or says what would change. The reply is
 * such as {"canRewind":true,"filesChanged":[...]}.
 */
claude_status_t claude_client_rewind_files(claude_client_t *client,
                                           const char *message_uuid,
                                           bool dry_run,
                                           claude_done_fn done,
                                           void *user_data,
                                           claude_error_t **error);

/**
 * @copydoc claude_client_rewind_files
 */
claude_status_t claude_client_rewind_files_wait(claude_client_t *client,
                                                const char *message_uuid,
                                                bool dry_run,
                                                uint32_t timeout_ms,
                                                char **reply_json,
                                                claude_error_t **error);

/**
 * How the MCP servers are doing: `mcpServers`.
 */
claude_status_t claude_client_get_mcp_status(claude_client_t *client,
                                             claude_done_fn done,
                                             void *user_data,
                                             claude_error_t **error);

/**
 * @copydoc claude_client_get_mcp_status
 */
claude_status_t claude_client_get_mcp_status_wait(claude_client_t *client,
                                                  uint32_t timeout_ms,
                                                  char **reply_json,
                                                  claude_error_t **error);

/**
 * Connects an MCP server again.
 */
claude_status_t claude_client_reconnect_mcp_server(claude_client_t *client,
                                                   const char *server_name,
                                                   claude_done_fn done,
                                                   void *user_data,
                                                   claude_error_t **error);

/**
 * @copydoc claude_client_reconnect_mcp_server
 */
claude_status_t claude_client_reconnect_mcp_server_wait(claude_client_t *client,
                                                        const char *server_name,
                                                        uint32_t timeout_ms,
                                                        char **reply_json,
                                                        claude_error_t **error);

/**
 * Switches an MCP server on or off.
 */
claude_status_t claude_client_toggle_mcp_server(claude_client_t *client,
                                                const char *server_name,
                                                bool enabled,
                                                claude_done_fn done,
                                                void *user_data,
                                                claude_error_t **error);

/**
 * @copydoc claude_client_toggle_mcp_server
 */
claude_status_t claude_client_toggle_mcp_server_wait(claude_client_t *client,
                                                     const char *server_name,
                                                     bool enabled,
                                                     uint32_t timeout_ms,
                                                     char **reply_json,
                                                     claude_error_t **error);

/**
 * Replaces the MCP servers that were added while the session runs. Those of the host stay, and those that were added after
 * connecting become known. The reply has `added`, `removed`, `errors`.
 * @param servers_json Names and configurations; null for a server of the host that is to go.
 */
claude_status_t claude_client_set_mcp_servers(claude_client_t *client,
                                              const char *servers_json,
                                              claude_done_fn done,
                                              void *user_data,
                                              claude_error_t **error);

/**
 * @copydoc claude_client_set_mcp_servers
 */
claude_status_t claude_client_set_mcp_servers_wait(claude_client_t *client,
                                                   const char *servers_json,
                                                   uint32_t timeout_ms,
                                                   char **reply_json,
                                                   claude_error_t **error);

/**
 * Stops a background task, by the id of its `task_started` message. One that is not known is no error for the CLI.
 */
claude_status_t claude_client_stop_task(claude_client_t *client,
                                        const char *task_id,
                                        claude_done_fn done,
                                        void *user_data,
                                        claude_error_t **error);

/**
 * @copydoc claude_client_stop_task
 */
claude_status_t claude_client_stop_task_wait(claude_client_t *client,
                                             const char *task_id,
                                             uint32_t timeout_ms,
                                             char **reply_json,
                                             claude_error_t **error);

/**
 * How full the context window is, and with what: `categories`, `totalTokens`, `maxTokens`, `percentage`.
 * @param detail "summary" or "full"; NULL = the CLI's default.
 */
claude_status_t claude_client_get_context_usage(claude_client_t *client,
                                                const char *detail,
                                                claude_done_fn done,
                                                void *user_data,
                                                claude_error_t **error);

/**
 * @copydoc claude_client_get_context_usage
 */
claude_status_t claude_client_get_context_usage_wait(claude_client_t *client,
                                                     const char *detail,
                                                     uint32_t timeout_ms,
                                                     char **reply_json,
                                                     claude_error_t **error);

/**
 * Takes a prompt out of the CLI's queue, as long as its turn has not begun: {"cancelled":true}.
 */
claude_status_t claude_client_cancel_prompt(claude_client_t *client,
                                            const char *message_uuid,
                                            claude_done_fn done,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * @copydoc claude_client_cancel_prompt
 */
claude_status_t claude_client_cancel_prompt_wait(claude_client_t *client,
                                                 const char *message_uuid,
                                                 uint32_t timeout_ms,
                                                 char **reply_json,
                                                 claude_error_t **error);

/**
 * Sends the request by which the session began once more; claude_client_get_server_info returns the reply from then on. The
 * hooks stay.
 */
claude_status_t claude_client_reinitialize(claude_client_t *client,
                                           claude_done_fn done,
                                           void *user_data,
                                           claude_error_t **error);

/**
 * @copydoc claude_client_reinitialize
 */
claude_status_t claude_client_reinitialize_wait(claude_client_t *client,
                                                uint32_t timeout_ms,
                                                char **reply_json,
                                                claude_error_t **error);

/**
 * Sends any control request, also one that this library does not name. "initialize" is refused.
 * @param request_json Such as {"subtype":"get_settings"}.
 */
claude_status_t claude_client_control(claude_client_t *client,
                                      const char *request_json,
                                      claude_done_fn done,
                                      void *user_data,
                                      claude_error_t **error);

/**
 * @copydoc claude_client_control
 */
claude_status_t claude_client_control_wait(claude_client_t *client,
                                           const char *request_json,
                                           uint32_t timeout_ms,
                                           char **reply_json,
                                           claude_error_t **error);

/**
 * The number of a request, unique within the process. It fits 53 bits.
 */
uint64_t claude_request_id(const claude_request_t *request);

/**
 * What is asked.
 */
claude_request_kind_t claude_request_kind(const claude_request_t *request);

/**
 * The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{...}}.
 */
const char *claude_request_json(const claude_request_t *request, size_t *len);

/**
 * Where it stands, and how it ended.
 */
claude_request_state_t claude_request_state(const claude_request_t *request);

/**
 * Whether an answer would be of no use: withdrawn, expired, or the session has ended. True for a handle that is not valid.
 */
bool claude_request_is_cancelled(const claude_request_t *request);

/**
 * Registers what is told when the request ends without an answer of the host; at once, inside this call, when it has. Runs
 * where callbacks run, also beside the request callback. Not in PULL mode: CLAUDE_EVENT_REQUEST_CANCELLED.
 */
claude_status_t claude_request_on_cancel(claude_request_t *request,
                                         claude_cancel_fn callback,
                                         void *user_data,
                                         claude_destroy_fn destroy,
                                         claude_error_t **error);

/**
 * Answers with the payload of a success response, a JSON object that has the shape which this kind needs.
 */
claude_status_t claude_request_respond(claude_request_t *request,
                                       const char *response_json,
                                       claude_error_t **error);

/**
 * Answers with an error response.
 */
claude_status_t claude_request_fail(claude_request_t *request, const char *message, claude_error_t **error);

/**
 * Permission: lets the tool run.
 * @param input_json The input that the tool gets; NULL = the one that was asked about.
 * @param permissions_json Changes of the rules, a list as in `permission_suggestions`; NULL = none. If one is malformed, all are
 *   left out, the tool still runs, and a CLAUDE_EVENT_WARNING names it.
 */
claude_status_t claude_request_allow(claude_request_t *request,
                                     const char *input_json,
                                     const char *permissions_json,
                                     claude_error_t **error);

/**
 * Permission: refuses the tool.
 * @param message Why; the model reads it; NULL = "The user did not allow this."
 * @param interrupt Whether the turn ends as well.
 */
claude_status_t claude_request_deny(claude_request_t *request,
                                    const char *message,
                                    bool interrupt,
                                    claude_error_t **error);

/**
 * Permission for the tool `AskUserQuestion`: lets it run with the user's answers.
 * @param answers_json A list with an answer for each question in turn: the number of an option (from 0), a text of the user's
 *   own, or a list of these; such as [0,[1,2],"none"]. Or an object of questions and labels, as the CLI has it.
 */
claude_status_t claude_request_answer_questions(claude_request_t *request,
                                                const char *answers_json,
                                                claude_error_t **error);

/**
 * Gives it a deadline from now, in place of the option `request_timeout_ms`. CLAUDE_WAIT_FOREVER = none.
 * @param action What the CLI gets then: "deny" or "error"; NULL = what the option `request_timeout_action` says.
 */
claude_status_t claude_request_set_deadline(claude_request_t *request,
                                            uint32_t deadline_ms,
                                            const char *action,
                                            claude_error_t **error);

/**
 * The `user_data` of the hook or MCP handler that is called; NULL for other kinds.
 */
void *claude_request_user_data(const claude_request_t *request);

/**
 * Frees a request. One that is still open is refused with its last handle.
 */
void claude_request_free(claude_request_t *request);

/**
 * The open requests, oldest first, so that a user interface can be rebuilt: `id`, `wire_id`, `kind` (a word), `kind_number`,
 * `age_ms`, `deadline_ms` (left, or null), `handles` (held by the host), `request`.
 */
claude_status_t claude_client_pending_requests(claude_client_t *client,
                                               char **requests_json,
                                               claude_error_t **error);

/**
 * Another handle to an open request; of several the first answer counts. CLAUDE_ERR_NOT_FOUND: none with this id is open.
 */
claude_status_t claude_client_take_request(claude_client_t *client,
                                           uint64_t id,
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
 * Permission requests. The first registration must come before connecting: only this or claude_client_on_request makes the
 * CLI ask. A CLAUDE_EVENT_WARNING at connect names options that keep it from asking.
 */
claude_status_t claude_client_on_permission(claude_client_t *client,
                                            claude_request_fn callback,
                                            void *user_data,
                                            claude_destroy_fn destroy,
                                            claude_error_t **error);

/**
 * Adds a hook: the CLI asks by a CLAUDE_REQUEST_HOOK. Answer by claude_request_respond, {} for no opinion. Before connecting.
 * @param event Such as "PreToolUse" or "Stop".
 * @param matcher Such as "Bash" or "Write|Edit"; NULL = all.
 * @param deadline_ms How long the CLI waits, in whole seconds upwards; 0 = its default. It then refuses a tool that was to run.
 * @param on_failure What claude_request_fail means. A CLI that cannot block is not connected to.
 * @param callback NULL = that of claude_client_on_request.
 */
claude_status_t claude_client_add_hook(claude_client_t *client,
                                       const char *event,
                                       const char *matcher,
                                       uint32_t deadline_ms,
                                       claude_hook_failure_t on_failure,
                                       claude_request_fn callback,
                                       void *user_data,
                                       claude_destroy_fn destroy,
                                       claude_error_t **error);

/**
 * Says that the host can show a kind of dialog: CLAUDE_REQUEST_DIALOG. As the option `supported_dialog_kinds`. Before
 * connecting.
 */
claude_status_t claude_client_declare_dialog(claude_client_t *client,
                                             const char *kind,
                                             claude_error_t **error);

/**
 * Creates a server.
 * @param name Letters, digits, - and _.
 * @param options_json `version`, `instructions`, `timeout_ms`, `tools` ({"name","permission_policy"}); NULL = none.
 */
claude_status_t claude_mcp_server_create(const char *name,
                                         const char *options_json,
                                         claude_mcp_server_t **server,
                                         claude_error_t **error);

/**
 * Frees a server. Clients that it was added to keep it.
 */
void claude_mcp_server_free(claude_mcp_server_t *server);

/**
 * Adds a tool; CLIs that are connected hear of it. THREAD and INLINE: runs on a library thread of its own and may block.
 * @param tool_json As MCP has it: `name`, `description`, `inputSchema`, `annotations`, `_meta`; and `max_concurrency` (1; 0 =
 *   any number). Arguments that do not fit the schema never reach the host.
 * @param callback NULL = the tool serves PULL clients only.
 */
claude_status_t claude_mcp_server_add_tool(claude_mcp_server_t *server,
                                           const char *tool_json,
                                           claude_tool_fn callback,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * Removes a tool; CLIs that are connected hear of it. Open calls can still be answered.
 */
claude_status_t claude_mcp_server_remove_tool(claude_mcp_server_t *server,
                                              const char *name,
                                              claude_error_t **error);

/**
 * Adds a server to a client, or to several. The CLI learns of it when connecting; later, by
 * claude_client_set_mcp_servers.
 */
claude_status_t claude_client_add_mcp_server(claude_client_t *client,
                                             claude_mcp_server_t *server,
                                             claude_error_t **error);

/**
 * Adds a server that speaks JSON-RPC itself: each message is a CLAUDE_REQUEST_MCP, one at a time, with `server_name` and
 * `message`. Answer by claude_request_respond with the response; a notification by {"jsonrpc":"2.0","result":{}}.
 * @param callback NULL = that of claude_client_on_request.
 */
claude_status_t claude_client_add_mcp_handler(claude_client_t *client,
                                              const char *name,
                                              claude_request_fn callback,
                                              void *user_data,
                                              claude_destroy_fn destroy,
                                              claude_error_t **error);

/**
 * The arguments, a JSON object that fits the schema.
 */
const char *claude_tool_call_arguments(const claude_tool_call_t *call, size_t *len);

/**
 * The name of the tool.
 */
const char *claude_tool_call_name(const claude_tool_call_t *call, size_t *len);

/**
 * All of it: `id`, `server`, `name`, `arguments`, and `meta` with `claudecode/toolUseId`.
 */
const char *claude_tool_call_json(const claude_tool_call_t *call, size_t *len);

/**
 * The number of a call, unique within the process. It fits 53 bits.
 */
uint64_t claude_tool_call_id(const claude_tool_call_t *call);

/**
 * Whether the answer is not wanted any more. Long work looks at it now and then. True for a handle that is not valid.
 */
bool claude_tool_call_is_cancelled(const claude_tool_call_t *call);

/**
 * Registers what is told when the answer is not wanted any more; at once when it is so. Not in PULL mode:
 * CLAUDE_EVENT_TOOL_CALL_CANCELLED.
 */
claude_status_t claude_tool_call_on_cancel(claude_tool_call_t *call,
                                           claude_cancel_fn callback,
                                           void *user_data,
                                           claude_destroy_fn destroy,
                                           claude_error_t **error);

/**
 * Says how far the work is. Without effect when the CLI did not ask for it.
 * @param total 0 = unknown.
 * @param message NULL = nothing to say.
 */
claude_status_t claude_tool_call_progress(claude_tool_call_t *call,
                                          double progress,
                                          double total,
                                          const char *message,
                                          claude_error_t **error);

/**
 * Adds a text to the result.
 */
claude_status_t claude_tool_call_add_text(claude_tool_call_t *call, const char *text, claude_error_t **error);

/**
 * Adds an image: the bytes of a file, copied.
 * @param mime_type Such as "image/png".
 */
claude_status_t claude_tool_call_add_image(claude_tool_call_t *call,
                                           const void *bytes,
                                           size_t len,
                                           const char *mime_type,
                                           claude_error_t **error);

/**
 * Adds any other MCP content block, such as `resource` or `resource_link`. CLAUDE_ERR_UNSUPPORTED: one that does not reach the
 * model.
 */
claude_status_t claude_tool_call_add_block(claude_tool_call_t *call,
                                           const char *block_json,
                                           claude_error_t **error);

/**
 * Sets the `structuredContent` of the result; also its text when nothing else is added.
 */
claude_status_t claude_tool_call_set_structured(claude_tool_call_t *call,
                                                const char *object_json,
                                                claude_error_t **error);

/**
 * Sets the `_meta` of the result.
 */
claude_status_t claude_tool_call_set_meta(claude_tool_call_t *call,
                                          const char *object_json,
                                          claude_error_t **error);

/**
 * Answers with what was added.
 * @param text Added as the last; NULL = none.
 */
claude_status_t claude_tool_call_finish(claude_tool_call_t *call, const char *text, claude_error_t **error);

/**
 * Answers that the tool failed, with what was added.
 * @param message What went wrong; the model reads it.
 */
claude_status_t claude_tool_call_fail(claude_tool_call_t *call, const char *message, claude_error_t **error);

/**
 * Frees a call. One that was not answered fails. Until answered or freed it counts for `max_concurrency`.
 */
void claude_tool_call_free(claude_tool_call_t *call);

/**
 * Takes the call out of a CLAUDE_EVENT_TOOL_CALL. One that is left in it fails when the event is freed.
 * CLAUDE_ERR_NOT_FOUND: another kind, or taken already.
 */
claude_tool_call_t *claude_event_take_tool_call(claude_event_t *event);

/**
 * Takes a transport in place of a child process. Options for the CLI's command line, environment or process have no effect
 * then; a CLAUDE_EVENT_WARNING lists them. Before connecting.
 * @param vtable Copied; NULL = a child process again.
 */
claude_status_t claude_client_set_transport(claude_client_t *client,
                                            const claude_transport_vtable_t *vtable,
                                            void *user_data,
                                            claude_error_t **error);

/**
 * Brings bytes of the CLI's stdout, cut anywhere; copied, all or none. CLAUDE_ERR_WOULD_BLOCK: the queue is full.
 * CLAUDE_ERR_CLOSED: after the end, or after `close`.
 */
claude_status_t claude_sink_push(claude_sink_t *sink,
                                 const void *bytes,
                                 size_t len,
                                 claude_error_t **error);

/**
 * Whether the host should go on reading from the CLI: less than 1 MiB waits. Where it is false, `on_room` will be called.
 */
bool claude_sink_has_room(const claude_sink_t *sink);

/**
 * The CLI's output has ended. What was pushed is delivered, then the session ends with `status`.
 * @param exit_code The CLI's exit code; -1 = not known. Not 0: CLAUDE_OK becomes CLAUDE_ERR_PROCESS.
 * @param message What a user should read about it, such as the end of stderr; NULL = nothing.
 */
claude_status_t claude_sink_end(claude_sink_t *sink,
                                claude_status_t status,
                                int32_t exit_code,
                                const char *message,
                                claude_error_t **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CLAUDE_CLIENT_H */
