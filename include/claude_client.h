/** @file claude_client.h
 * claude-client: live conversations with Claude Code from any language that can call C.
 *
 * Licence: MIT or Apache-2.0, as you choose. Floor: C99, C++11. Made from src/capi by `make header`; do not edit.
 *
 *     static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
 *         char *text = NULL;
 *         claude_error_t *error = NULL;
 *         if (kind != CLAUDE_MESSAGE_ASSISTANT) return;
 *         claude_status_t status = claude_message_text(json, &text, &error);
 *         if (status == CLAUDE_OK) puts(text);
 *         if (status == CLAUDE_ERR_RESULT) fprintf(stderr, "%s\n", claude_error_message(error));
 *         claude_string_free(text);
 *         claude_error_free(error);
 *     }
 *
 *     int main(void) {
 *         claude_client_t *client = NULL;
 *         claude_error_t *error = NULL;
 *         if (claude_client_create("{\"system_prompt\": \"Be brief.\"}", &client, &error) != CLAUDE_OK ||
 *             claude_client_on_message(client, on_message, NULL, NULL, &error) != CLAUDE_OK ||
 *             claude_client_connect_wait(client, NULL, 60000, &error) != CLAUDE_OK ||
 *             claude_client_query(client, "What is the capital of France?", NULL, NULL, &error) != CLAUDE_OK ||
 *             claude_client_receive_response(client, NULL, 120000, &error) != CLAUDE_OK)
 *             fprintf(stderr, "%s\n", claude_error_message(error));
 *         claude_error_free(error);
 *         claude_client_free(client);
 *     }
 *
 * CONTENTS
 *
 *     types       Enumerations, handles, callbacks, structs     versions    Which library is this
 *     errors      Statuses, errors, owned texts                 json        JSON for programs without a JSON library
 *     runtime     The library in the process                    life        From create to free
 *     talk        Prompts                                       receive     Messages and requests, in four modes
 *     events      What claude_client_next returns               control     Steering a running session
 *     requests    What the CLI asks of the host                 tools       MCP servers inside the host
 *     transport   A CLI that runs somewhere else                sessions    Sessions on the disk, without a client
 *
 * THE CONTRACT. It holds for every function unless the text of that function says otherwise, so those texts say only
 * what is different.
 *
 * 1.  Shape. The first parameter is the object; then come inputs, then `timeout_ms`, then outputs, then `error`. The
 *     result is a claude_status_t: 0 is success, a negative number is a failure and is never renumbered. Later versions
 *     add numbers: keep a default branch. Outputs are written only on CLAUDE_OK. Functions that only look at an object
 *     return the answer itself, and 0, "", "{}" or what their text says when the handle is not valid.
 * 2.  Errors. On failure a claude_error_t is written to `*error`, unless `error` is NULL, and belongs to the caller:
 *     claude_error_free. What was there before is not freed: begin with NULL, stop at the first failure. Every function
 *     may return CLAUDE_ERR_INVALID_ARGUMENT, _INVALID_HANDLE, _FORKED (for which there is no object: `*error` becomes
 *     NULL) and _PANIC; those that talk to the CLI also CLAUDE_ERR_NOT_CONNECTED, and once the session is over its
 *     cause, or CLAUDE_ERR_CLOSED after a normal end; those that must come before connecting
 *     CLAUDE_ERR_ALREADY_CONNECTED.
 * 3.  NULL. These parameters may be NULL: `error`, `done`, `user_data`, `destroy`, `len`, `reply_json`. Another pointer
 *     may be NULL only where the text says "NULL = ...".
 * 4.  Text in is UTF-8 that ends with a NUL, and is copied. What is not text has a pointer and a length. Text that is
 *     not UTF-8 is an error, not undefined behaviour. A name that ends with `_json` means a JSON document.
 * 5.  Text out is UTF-8 with a NUL after it; callbacks and getters of bulk text give its length as well. What a
 *     callback receives lives until the callback returns. A `const char *` result lives as long as the object that it
 *     came from, for ever where there is none. A `char **` output belongs to the caller: claude_string_free, never
 *     free(); U+0000 inside has become U+FFFD there. A handle output belongs to the caller: the `_free` of its type.
 * 6.  Threads. Any function may be called from any thread at any time, inside a callback too.
 * 7.  Waiting. A function waits if and only if it has `timeout_ms`, in milliseconds; CLAUDE_NO_WAIT and
 *     CLAUDE_WAIT_FOREVER are values of it, and the end of the time gives CLAUDE_ERR_TIMEOUT. It is refused with
 *     CLAUDE_ERR_WOULD_DEADLOCK on every thread of the library, inside a callback of the same client, and in what may
 *     interrupt anybody: the log, on_ready, the functions of a transport. Two things wait without it, but never inside
 *     a callback of the same client: claude_client_free, and replacing a callback, which waits for a running call of
 *     the old one.
 * 8.  Operations. `f(client, ..., done, user_data, error)` starts something and returns; once it has returned
 *     CLAUDE_OK, `done` is called exactly once, with CLAUDE_ERR_CANCELLED or CLAUDE_ERR_CLOSED if need be; when it has
 *     failed, never. `f_wait(client, ..., timeout_ms, reply_json, error)` is its twin for plain C. In PULL mode `done`
 *     is NULL and a CLAUDE_EVENT_DONE with the same `user_data` comes instead.
 * 9.  Callbacks are plain functions with `void *user_data` last. `destroy` runs exactly once and last, also when the
 *     registration failed: what `user_data` needs is freed there. `..._on_x` replaces, and a NULL callback takes away;
 *     `..._add_x` adds one of many. Callbacks return normally. One that is left by longjmp counts as ended, with a
 *     CLAUDE_EVENT_WARNING; an exception or pthread_exit out of one ends the process, with a line on stderr that names
 *     it. In PULL mode a registration takes NULL as its callback and says that the host wants these events.
 * 10. Handles are ids, not addresses: never read through one. NULL, freed, stale and foreign ones give
 *     CLAUDE_ERR_INVALID_HANDLE, never a crash, and the free functions ignore them.
 * 11. Freeing. When claude_client_free has returned, no callback of that client runs or will run, every `destroy` has
 *     run and the child process is gone. Inside one of the client's own callbacks it returns at once, and the promise
 *     holds when that callback has returned; where the library's reader runs it (INLINE mode, on_ready, the log), a
 *     library thread keeps the promise soon after, and the last `destroy` says so. Returning from main without any
 *     clean-up is safe where callbacks can still run then: an interpreter that is torn down first (CPython and most
 *     others) calls claude_runtime_shutdown before that, such as in its atexit.
 * 12. Requests of the CLI fail closed: unanswered, dropped, late or in flight at a failure means "deny" or an error
 *     reply, never "go ahead". An answer that could be misread is refused before it is sent, and the request stays
 *     open.
 * 13. The host stays its own master: the library prints nothing but the line of 9., installs no signal handler, changes
 *     no signal mask, registers no atexit handler, and nothing inside it unwinds into the host. After fork the new
 *     process may exec.
 * 14. Options and messages are JSON. Messages are the bytes that the CLI wrote: unknown types and fields pass through.
 *     Unknown option keys are errors that name the nearest known key.
 * 15. Growth. Enumerations are open. A struct begins with `size`, which the host sets to its sizeof: what an older host
 *     does not have is left at its default, what an older library does not know must be zero (CLAUDE_ERR_UNSUPPORTED).
 *     Functions, values and members are added, never changed: docs/abi-policy.md.
 */

#ifndef CLAUDE_CLIENT_H
#define CLAUDE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An enumeration is an int32_t everywhere. Where the language can say so it is a type of its own as well. */
#if defined(__cplusplus) || defined(__swift__) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define CLAUDE_ENUM(name) enum name : int32_t
#define CLAUDE_ENUM_END(name) ; typedef enum name name
#else
#define CLAUDE_ENUM(name) enum
#define CLAUDE_ENUM_END(name) ; typedef int32_t name
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ================================================================================================================== */
/** @defgroup types Types
 * Enumerations, handles, callbacks and structs.
 * @{ */

/** The first number of the version of this header; claude_version() is that of the library in use. */
#define CLAUDE_VERSION_MAJOR 0

/** Its second number. */
#define CLAUDE_VERSION_MINOR 1

/** Its third number. */
#define CLAUDE_VERSION_PATCH 0

/** A JSON constant without a backslash: `CLAUDE_JSON({"model": "opus"})`. Tokens only, no comments and no directives;
 *  on one level, as a macro that passes its argument on would turn `true` into 1; 4095 bytes, the limit of C99 for a
 *  literal. */
#define CLAUDE_JSON(...) #__VA_ARGS__

/** As `timeout_ms`: do not wait. */
#define CLAUDE_NO_WAIT 0u

/** As `timeout_ms` or `deadline_ms`: without a limit. */
#define CLAUDE_WAIT_FOREVER 0xFFFFFFFFu

/** The ABI that this header describes. Where libraries are found at run time, compare it with claude_abi_version(). */
#define CLAUDE_ABI_VERSION 1u

/** What a function returns: 0 or a negative number that is never given another meaning. See docs/errors.md. */
CLAUDE_ENUM(claude_status_t) {
    CLAUDE_OK = 0,                       /**< Done, or accepted. */
    CLAUDE_ERR_INVALID_ARGUMENT = -101,  /**< A pointer, a text or a JSON document that cannot be used. */
    CLAUDE_ERR_INVALID_HANDLE = -102,    /**< NULL, freed, stale or foreign handle. */
    CLAUDE_ERR_INVALID_OPTION = -103,    /**< An option that is unknown, of the wrong type, or cannot be combined. */
    CLAUDE_ERR_UNSUPPORTED = -104,       /**< Not possible in this mode, on this system or with this CLI. */
    CLAUDE_ERR_NOT_FOUND = -105,         /**< There is nothing of that name, at that place, with that text. */
    CLAUDE_ERR_FILE = -106,              /**< A file or a folder could not be read or written (`OSError`). */
    CLAUDE_ERR_SESSION_NOT_FOUND = -107, /**< No such session is on the disk (`FileNotFoundError`). */
    CLAUDE_ERR_SESSION_IN_USE = -108,    /**< The session is open, and what was asked would damage it. */
    CLAUDE_ERR_CLI_NOT_FOUND = -201,     /**< No usable CLI was found (`CLINotFoundError`). */
    CLAUDE_ERR_CLI_CONNECTION = -202,    /**< The CLI could not be started or spoken to (`CLIConnectionError`). */
    CLAUDE_ERR_NOT_CONNECTED = -203,     /**< The client is not connected (`CLIConnectionError`). */
    CLAUDE_ERR_ALREADY_CONNECTED = -204, /**< The client is connected already, or was. */
    CLAUDE_ERR_PROCESS = -205,           /**< The CLI ended with a failure (`ProcessError`). */
    CLAUDE_ERR_RESULT = -206,            /**< The CLI ended with a failure after an error result (`ResultError`), or
                                              a message tells of one instead of an answer. */
    CLAUDE_ERR_JSON_DECODE = -207,       /**< Text that is not the JSON it should be (`CLIJSONDecodeError`). */
    CLAUDE_ERR_CONTROL = -208,           /**< The CLI refused a control request; the message is its own. */
    CLAUDE_ERR_TIMEOUT = -301,           /**< A deadline passed. */
    CLAUDE_ERR_WOULD_DEADLOCK = -302,    /**< The call would wait for the thread that makes it. */
    CLAUDE_ERR_FORKED = -303,            /**< The process was forked after the library had started. */
    CLAUDE_ERR_WOULD_BLOCK = -304,       /**< There is no room, or it is not ready: try again later. */
    CLAUDE_ERR_CANCELLED = -401,         /**< The operation was withdrawn before it ended. */
    CLAUDE_ERR_CLOSED = -402,            /**< The session has ended. */
    CLAUDE_ERR_STALE = -403,             /**< The request has been answered or withdrawn already. */
    CLAUDE_ERR_PANIC = -901              /**< A defect of this library; the client is closed. */
} CLAUDE_ENUM_END(claude_status_t);

/** What a message or an event is. 1 to 99 are messages of the CLI, 100 to 199 events of the library that come among
 *  them, and 200 to 299 come from claude_client_next only. Treat an unknown number like CLAUDE_MESSAGE_OTHER. */
CLAUDE_ENUM(claude_message_kind_t) {
    CLAUDE_MESSAGE_USER = 1,               /**< Tool results and injected text; a prompt's echo when asked for. */
    CLAUDE_MESSAGE_ASSISTANT = 2,          /**< One content block of the model's reply. */
    CLAUDE_MESSAGE_SYSTEM = 3,             /**< `init` at the start of each turn, task progress, status: see
                                                `subtype`. */
    CLAUDE_MESSAGE_RESULT = 4,             /**< The end of a turn, with cost, usage and the final text. */
    CLAUDE_MESSAGE_STREAM_EVENT = 5,       /**< A raw event of the reply (option `include_partial_messages`). */
    CLAUDE_MESSAGE_RATE_LIMIT_EVENT = 6,   /**< The state of the usage limits changed. */
    CLAUDE_MESSAGE_CONVERSATION_RESET = 7, /**< The conversation was cleared; a new session id is in force. */
    CLAUDE_MESSAGE_AUTH_STATUS = 8,        /**< Progress of a login. */
    CLAUDE_MESSAGE_TOOL_PROGRESS = 9,      /**< A tool is still running. */
    CLAUDE_MESSAGE_TOOL_USE_SUMMARY = 10,  /**< A summary of preceding tool calls. */
    CLAUDE_MESSAGE_PROMPT_SUGGESTION = 11, /**< A suggested next prompt. */
    CLAUDE_MESSAGE_ACTIVE_GOAL = 12,       /**< The goal in force changed. */
    CLAUDE_MESSAGE_COMMAND_LIFECYCLE = 13, /**< A prompt was queued, started, completed or cancelled. */
    CLAUDE_MESSAGE_TRANSCRIPT_MIRROR = 14, /**< Lines written to the session's file (option `session_mirror`). */
    CLAUDE_MESSAGE_OTHER = 99,             /**< A type that this version of the library does not name. */
    CLAUDE_EVENT_TEXT_DELTA = 100,         /**< Streamed text, plain, not JSON (option `text_deltas`). */
    CLAUDE_EVENT_UNPARSED_LINE = 101,      /**< A line of the CLI that is no message: `reason`, `length`, `text`. */
    CLAUDE_EVENT_LINE_TOO_LONG = 102,      /**< A line beyond `max_message_bytes` was skipped: `length`, `limit`,
                                                `text`. */
    CLAUDE_EVENT_WARNING = 103,            /**< Something that is allowed and probably not meant: `text`. */
    CLAUDE_EVENT_TURN_ENDED = 104,         /**< Behind a result (option `turn_events`): `prompts`, `autonomous`,
                                                `origin`, `interrupted`. */
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,    /**< Not what the record has (option `replay`): `line`, `pointer`, `text`,
                                                ... */
    CLAUDE_EVENT_STALLED = 106,            /**< The CLI owes something and is silent, speaks again, or does not end a
                                                turn (docs/stalls.md): `event` (`stalled`, `stall_ended`,
                                                `long_turn`), `text`, `waiting_for`, ... */
    CLAUDE_EVENT_REQUEST = 200,            /**< The CLI asks something: claude_event_take_request. JSON: the request. */
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,  /**< The request with this id ended without an answer. */
    CLAUDE_EVENT_DONE = 202,               /**< An operation ended. JSON: the reply, or the error's document. */
    CLAUDE_EVENT_STDERR = 203,             /**< A line of the CLI's stderr, plain text. */
    CLAUDE_EVENT_CLOSED = 204,             /**< The session has ended; the last message. JSON: as for
                                                claude_closed_fn. */
    CLAUDE_EVENT_TOOL_CALL = 205,          /**< A tool is called: claude_event_take_tool_call. JSON:
                                                claude_tool_call_json. */
    CLAUDE_EVENT_TOOL_CALL_CANCELLED = 206 /**< The answer to the tool call with this id is not wanted any more. */
} CLAUDE_ENUM_END(claude_message_kind_t);

/** The two ways through a client, each in order; neither waits for the other. A mask: bits may be added, ALL has them
 *  all. */
CLAUDE_ENUM(claude_lanes_t) {
    CLAUDE_LANE_MESSAGES = 1,    /**< Messages, events up to 199, stderr, the end of the session. */
    CLAUDE_LANE_REQUESTS = 2,    /**< Requests, tool calls, their cancellations, completed operations. */
    CLAUDE_LANE_ALL = 0x7FFFFFFF /**< Every lane, also of later versions; REQUESTS before MESSAGES. */
} CLAUDE_ENUM_END(claude_lanes_t);

/** How much a log line matters. */
CLAUDE_ENUM(claude_log_level_t) {
    CLAUDE_LOG_OFF = 0,     /**< Nothing is logged. */
    CLAUDE_LOG_ERROR = 1,   /**< Something failed. */
    CLAUDE_LOG_WARNING = 2, /**< Something is probably not meant. */
    CLAUDE_LOG_INFO = 3,    /**< Starts and ends. */
    CLAUDE_LOG_DEBUG = 4    /**< Every request and its reply. */
} CLAUDE_ENUM_END(claude_log_level_t);

/** What the CLI does when the host answers a hook by claude_request_fail. */
CLAUDE_ENUM(claude_hook_failure_t) {
    CLAUDE_HOOK_CONTINUE = 0, /**< It goes on: a hook that fails has no say. */
    CLAUDE_HOOK_BLOCK = 1     /**< It blocks what the hook was asked about. */
} CLAUDE_ENUM_END(claude_hook_failure_t);

/** What happens when a turn does not end after an interrupt. */
CLAUDE_ENUM(claude_escalation_t) {
    CLAUDE_ESCALATE_NONE = 0,       /**< Nothing. */
    CLAUDE_ESCALATE_DISCONNECT = 1, /**< The session is ended as by claude_client_disconnect. */
    CLAUDE_ESCALATE_KILL = 2        /**< The CLI and its descendants are killed; option `resume` goes on later. */
} CLAUDE_ENUM_END(claude_escalation_t);

/** Where a client stands. */
CLAUDE_ENUM(claude_state_t) {
    CLAUDE_STATE_CREATED = 0,    /**< Not connected yet; also the answer for a handle that is not valid. */
    CLAUDE_STATE_CONNECTING = 1, /**< The CLI is starting. */
    CLAUDE_STATE_CONNECTED = 2,  /**< The CLI answers. */
    CLAUDE_STATE_CLOSING = 3,    /**< The CLI is being ended. */
    CLAUDE_STATE_CLOSED = 4      /**< The CLI is gone. */
} CLAUDE_ENUM_END(claude_state_t);

/** Who runs a client's callbacks. See docs/threading.md. */
CLAUDE_ENUM(claude_dispatch_t) {
    CLAUDE_DISPATCH_THREAD = 0, /**< A library thread, in order, one at a time for each lane; may block. */
    CLAUDE_DISPATCH_PUMP = 1,   /**< Only claude_client_pump, on the thread that calls it. */
    CLAUDE_DISPATCH_PULL = 2,   /**< Nobody: claude_client_next returns events. */
    CLAUDE_DISPATCH_INLINE = 3  /**< The library's reader itself, for callbacks that never block. */
} CLAUDE_ENUM_END(claude_dispatch_t);

/** What the CLI asks. */
CLAUDE_ENUM(claude_request_kind_t) {
    CLAUDE_REQUEST_OTHER = 0,       /**< Not named in this version; the answer for a handle that is not valid. */
    CLAUDE_REQUEST_PERMISSION = 1,  /**< May this tool run? (`can_use_tool`) */
    CLAUDE_REQUEST_HOOK = 2,        /**< A hook of the host is called. (`hook_callback`) */
    CLAUDE_REQUEST_MCP = 3,         /**< A message for an MCP server of the host. (`mcp_message`) */
    CLAUDE_REQUEST_ELICITATION = 4, /**< An MCP server asks the user. (`elicitation`) */
    CLAUDE_REQUEST_DIALOG = 5       /**< A dialog for the user. (`request_user_dialog`) */
} CLAUDE_ENUM_END(claude_request_kind_t);

/** Where a request stands. The first end counts; it never changes again. */
CLAUDE_ENUM(claude_request_state_t) {
    CLAUDE_REQUEST_STATE_OPEN = 0,      /**< It waits for an answer. */
    CLAUDE_REQUEST_STATE_ANSWERED = 1,  /**< The host has answered, or let go of it, which refuses. */
    CLAUDE_REQUEST_STATE_WITHDRAWN = 2, /**< The CLI has withdrawn it. */
    CLAUDE_REQUEST_STATE_EXPIRED = 3,   /**< Its deadline has passed. */
    CLAUDE_REQUEST_STATE_CLOSED = 4     /**< Its session has ended; also the answer for a handle that is not valid. */
} CLAUDE_ENUM_END(claude_request_state_t);

typedef struct claude_client_t claude_client_t;         /**< A conversation with one CLI. claude_client_free. */
typedef struct claude_error_t claude_error_t;           /**< A failure. claude_error_free. */
typedef struct claude_event_t claude_event_t;           /**< Something received in PULL mode. claude_event_free. */
typedef struct claude_request_t claude_request_t;       /**< Something that the CLI asks. claude_request_free. */
typedef struct claude_mcp_server_t claude_mcp_server_t; /**< Tools of the host. claude_mcp_server_free. */
typedef struct claude_tool_call_t claude_tool_call_t;   /**< One call of a tool. claude_tool_call_free. */
typedef struct claude_sink_t claude_sink_t;             /**< Input of a host's transport. Never freed by the host. */

/** A message or an event. `json` is the CLI's own text; plain text for CLAUDE_EVENT_TEXT_DELTA. */
typedef void (*claude_message_fn)(claude_message_kind_t kind, const char *json, size_t len, void *user_data);

/** A request of the CLI, which the callback owns: answer it, now or later, and free it. */
typedef void (*claude_request_fn)(claude_request_t *request, void *user_data);

/** The model uses the tool. The callback owns the call: answer it, now or later, and free it. */
typedef void (*claude_tool_fn)(claude_tool_call_t *call, void *user_data);

/** A request or a tool call needs no answer any more. `id` is that of claude_request_id or claude_tool_call_id. */
typedef void (*claude_cancel_fn)(uint64_t id, void *user_data);

/** A line of stderr. */
typedef void (*claude_text_fn)(const char *text, size_t len, void *user_data);

/** The session has ended: CLAUDE_OK and an empty text, or the cause and the error's document. */
typedef void (*claude_closed_fn)(claude_status_t status, const char *error_json, size_t len, void *user_data);

/** The end of an operation. `json` is the reply, or the error's document. */
typedef void (*claude_done_fn)(claude_status_t status, const char *json, size_t len, void *user_data);

/** A line of the library's log. */
typedef void (*claude_log_fn)(claude_log_level_t level, const char *text, size_t len, void *user_data);

/** The last call for this `user_data`: nothing of the library uses it any more. */
typedef void (*claude_destroy_fn)(void *user_data);

/** Something is ready. It may only poke an event loop: it runs on any thread, in every mode, also inside calls of the
 *  host. */
typedef void (*claude_notify_fn)(void *user_data);

/** The next prompt of a stream, or NULL at its end. The text stays the host's and must live until the next call. */
typedef const char *(*claude_prompt_fn)(void *user_data);

/** See claude_transport_vtable_t. */
typedef claude_status_t (*claude_transport_fn)(void *user_data);

/** See claude_transport_vtable_t. */
typedef claude_status_t (*claude_transport_connect_fn)(claude_sink_t *sink, void *user_data);

/** See claude_transport_vtable_t. `bytes` is valid until it returns. */
typedef claude_status_t (*claude_transport_write_fn)(const void *bytes, size_t len, void *user_data);

/** Runs on a library thread when it starts or ends. */
typedef void (*claude_thread_fn)(void *user_data);

/** A transport that the host supplies. Zero it, set `size` and the functions; those without "NULL =" must be there. All
 *  run on library threads in every mode; `connect`, `is_ready`, `write` and `end_input` one at a time, `close` and
 *  `on_room` also beside them. They may call what does not wait. See docs/remote.md. */
typedef struct {
    size_t size;                         /**< sizeof(claude_transport_vtable_t). */
    claude_transport_connect_fn connect; /**< Makes the far side ready and keeps `sink`. `close` should make it
                                              return. After a failure only `destroy` is called. */
    claude_transport_write_fn write;     /**< Sends one line with its newline, all of it; a failure ends the session. */
    claude_transport_fn end_input;       /**< The CLI's stdin ends. Once, behind all lines. */
    claude_transport_fn close;           /**< Ends the far side, by force if need be, and returns soon. Once; only
                                              `destroy` follows. */
    claude_transport_fn is_ready;        /**< Asked after `connect`, every few milliseconds, until it is not
                                              CLAUDE_ERR_WOULD_BLOCK; NULL = ready when `connect` has returned. */
    claude_notify_fn on_room;            /**< There is room again after claude_sink_has_room was false; NULL = poll. */
    claude_destroy_fn destroy;           /**< Once and last; NULL = nothing to free. */
} claude_transport_vtable_t;

/** What an event holds. Set `size` once; claude_event_info writes the rest. */
typedef struct {
    size_t size;                        /**< `sizeof(claude_event_info_t)`, so that members can be added. */
    claude_message_kind_t kind;         /**< What it is. */
    claude_status_t status;             /**< DONE and CLOSED: how it ended; otherwise CLAUDE_OK. */
    claude_request_kind_t request_kind; /**< REQUEST: what is asked; otherwise CLAUDE_REQUEST_OTHER. */
    claude_lanes_t lane;                /**< The lane that it came by. */
    uint64_t id;                        /**< REQUEST, TOOL_CALL and their CANCELLED: the id; otherwise 0. */
    void *user_data;                    /**< Of the operation (DONE), the tool, the hook or the MCP handler; else
                                             NULL. */
    const char *json;                   /**< Its text, as the kind says. Lives as long as the event. */
    size_t len;                         /**< Bytes of `json` without the NUL. */
} claude_event_info_t;

/** How the library's threads look. Zero it, set `size`, and set what differs from the default. */
typedef struct {
    size_t size;                      /**< sizeof(claude_runtime_config_t). */
    size_t stack_size;                /**< Bytes of stack of each library thread, at least 524288; 0 = the system's. */
    const char *thread_name;          /**< First part of the threads' names; NULL = "claude". */
    claude_thread_fn on_thread_start; /**< Runs first on each library thread (to attach a JVM); NULL = nothing. */
    claude_thread_fn on_thread_stop;  /**< Runs last on each library thread; NULL = nothing. */
    void *user_data;                  /**< Passed to both. Must live until claude_runtime_shutdown has returned. */
    uint32_t worker_threads;          /**< Threads that move bytes between the CLIs and the queues; 0 = 1. */
    int32_t no_guardian;              /**< Not 0 = no guardian process that ends the CLIs when the host is killed. */
} claude_runtime_config_t;

/** @} */

/* ================================================================================================================== */
/** @defgroup versions Versions
 * Which library is this. See docs/abi-policy.md.
 * @{ */

/** The version of the library, such as "0.1.0". */
const char *claude_version(void);

/** The ABI of the library that is loaded: CLAUDE_ABI_VERSION when it serves this header. */
uint32_t claude_abi_version(void);

/** How the library was built: `version`, `target`, `features`, and the CLI version that it is tested with. */
const char *claude_build_info_json(void);

/** @} */

/* ================================================================================================================== */
/** @defgroup errors Errors and texts
 * Statuses, errors and owned texts. See docs/errors.md.
 * @{ */

/** The name of a status, such as "CLAUDE_ERR_CLI_NOT_FOUND"; "CLAUDE_ERR_UNKNOWN" for another number. */
const char *claude_status_name(claude_status_t status);

/** The status of an error; CLAUDE_ERR_INVALID_HANDLE for NULL. */
claude_status_t claude_error_status(const claude_error_t *error);

/** What went wrong and what to do about it, in one line for humans. */
const char *claude_error_message(const claude_error_t *error);

/**
 * All that is known: `status`, `name`, `message`, and where they apply `phase`, `exit_code`, `signal`, `stderr`,
 * `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`. The document that `done` and `on_closed` get.
 */
const char *claude_error_json(const claude_error_t *error);

/** Frees an error. */
void claude_error_free(claude_error_t *error);

/** Frees a text that the library gave through a `char **`. NULL, and what the library did not give, is ignored. */
void claude_string_free(char *text);

/** @} */

/* ================================================================================================================== */
/** @defgroup json JSON
 * Enough for programs without a JSON library, at any depth. A `pointer` is RFC 6901, such as "/message/content/0/text";
 * "" is the whole. CLAUDE_ERR_JSON_DECODE: the text is not JSON. CLAUDE_ERR_NOT_FOUND: nothing is at that place. Of
 * members with one name the last counts. See docs/strings.md.
 * @{ */

/** Reads one value: a string without quotes and escapes, anything else as the JSON that stands there. */
claude_status_t claude_json_get(const char *json, const char *pointer, char **value, claude_error_t **error);

/** Counts the elements of an array or the members of an object; CLAUDE_ERR_NOT_FOUND for anything else. */
claude_status_t claude_json_count(const char *json, const char *pointer, size_t *count, claude_error_t **error);

/** The name of a member of an object, without quotes and escapes, so that an object can be gone through. In a pointer
 *  its "~" is written "~0" and its "/" is written "~1".
 *  @param index From 0, below what claude_json_count says, in the order in which the names are first written. */
claude_status_t claude_json_key(const char *json, const char *pointer, size_t index, char **name,
                                claude_error_t **error);

/** Makes a JSON string of a text, with its quotes. */
claude_status_t claude_json_quote(const char *text, char **json, claude_error_t **error);

/**
 * The text that a user reads of a message: of an assistant or a user its text blocks, one after the other; of a result
 * its `result`, or its `errors` a line each; of a stream event the piece of text. CLAUDE_ERR_NOT_FOUND for messages
 * without one: tool use, tool results, thinking and all other types. CLAUDE_ERR_RESULT for an assistant's message with
 * an `error`: the CLI says in it what failed, as that nobody is logged in. It is no answer, and its text is the message
 * of the error.
 */
claude_status_t claude_message_text(const char *json, char **text, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup runtime Process-wide
 * The library in the process. See docs/embedding.md.
 * @{ */

/** Chooses how the library's threads look. Before the first client connects, or after claude_runtime_shutdown;
 *  CLAUDE_ERR_ALREADY_CONNECTED in between. */
claude_status_t claude_runtime_configure(const claude_runtime_config_t *config, claude_error_t **error);

/** Registers the callback for the library's log, up to `max_level`. It runs on any thread, on several at once, in every
 *  mode, and must not block. */
claude_status_t claude_runtime_on_log(claude_log_level_t max_level, claude_log_fn callback, void *user_data,
                                      claude_destroy_fn destroy, claude_error_t **error);

/** Closes every session and ends every thread and child. Clients keep their handles and answer CLAUDE_ERR_CLOSED. After
 *  CLAUDE_ERR_TIMEOUT, which says what is left, it goes on by itself, and a later call waits for the same. The library
 *  can be used again afterwards. */
claude_status_t claude_runtime_shutdown(uint32_t timeout_ms, claude_error_t **error);

/** Counts what is alive: `clients`, `errors`, `strings`, `events`, `requests`, `mcp_servers`, `tool_calls`, `threads`,
 *  `children`. What a program has not freed at its end is here and in no leak checker. */
claude_status_t claude_runtime_stats(char **json, claude_error_t **error);

/**
 * Says which CLI a client with these options would start, its version, where its login comes from, and what stands in
 * the way. The CLI is run once, for its version; nothing is written. The report has `ok`, `cli`, `login`, `config_dir`,
 * `library`, `findings`, and no secret; CLAUDE_OK whatever it says.
 * @param options_json NULL = none.
 */
claude_status_t claude_probe(const char *options_json, uint32_t timeout_ms, char **report_json, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup life Life of a client
 * From create to free. See docs/ownership.md.
 * @{ */

/** Creates a client. Nothing is started and no disk is touched.
 *  @param options_json The options: docs/options.md; NULL = none. CLAUDE_ERR_INVALID_OPTION names what cannot be
 *    used. */
claude_status_t claude_client_create(const char *options_json, claude_client_t **client, claude_error_t **error);

/** Chooses who runs the callbacks; CLAUDE_DISPATCH_THREAD unless called. Before connecting and before any registration:
 *  CLAUDE_ERR_INVALID_ARGUMENT after one. */
claude_status_t claude_client_set_dispatch(claude_client_t *client, claude_dispatch_t mode, claude_error_t **error);

/** Starts the CLI. Register callbacks before. `done` is told when the session is ready, with the CLI's answer to
 *  `initialize`. CLAUDE_ERR_INVALID_OPTION: options that cannot be combined with what is registered.
 *  @param prompt The first prompt, sent once the CLI is ready; NULL = none. */
claude_status_t claude_client_connect(claude_client_t *client, const char *prompt, claude_done_fn done, void *user_data,
                                      claude_error_t **error);

/** As claude_client_connect, waiting until the session is ready; the option `connect_timeout_ms` applies as well. When
 *  it fails, nothing of the CLI is left.
 *  @param prompt NULL = none. */
claude_status_t claude_client_connect_wait(claude_client_t *client, const char *prompt, uint32_t timeout_ms,
                                           claude_error_t **error);

/** Ends the session: a running turn is interrupted, the CLI sees the end of its input, and after the grace options
 *  SIGTERM and SIGKILL, it and its descendants. What it still writes is delivered. CLAUDE_OK also when it has ended
 *  already. */
claude_status_t claude_client_disconnect(claude_client_t *client, claude_done_fn done, void *user_data,
                                         claude_error_t **error);

/** As claude_client_disconnect, waiting until the process is gone. CLAUDE_ERR_TIMEOUT: it is still being ended.
 *  CLAUDE_ERR_PROCESS: the system does not let this process end it. */
claude_status_t claude_client_disconnect_wait(claude_client_t *client, uint32_t timeout_ms, claude_error_t **error);

/** Frees a client, disconnecting it first: see "Freeing" in the contract. Operations that are open are told
 *  CLAUDE_ERR_CANCELLED, open requests are refused; their handles stay valid and are still to be freed. Waits as long
 *  as the grace options say. */
void claude_client_free(claude_client_t *client);

/** Where the client stands. */
claude_state_t claude_client_state(const claude_client_t *client);

/** The process id of the CLI; 0 while there is none. */
uint64_t claude_client_pid(const claude_client_t *client);

/** Counters: `session_id`, process, traffic, what is queued, latency, costs. See docs/stats.md. */
claude_status_t claude_client_stats(claude_client_t *client, char **json, claude_error_t **error);

/** What the CLI said when it became ready: commands, models, agents, account and more. Kept: nothing is asked. */
claude_status_t claude_client_get_server_info(claude_client_t *client, char **json, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup talk Talking
 * Prompts. Replies come as messages, and a CLAUDE_MESSAGE_RESULT ends the turn. A prompt that is sent while a turn runs
 * is queued by the CLI. The lines of several threads do not mix. See docs/receiving.md.
 * @{ */

/**
 * Sends a prompt, which is not empty.
 * @param session_id A label that the CLI hands back; NULL = "default". It does not separate conversations.
 * @param message_uuid Receives the uuid by which results and claude_client_cancel_prompt name the prompt; NULL = not
 *   wanted.
 */
claude_status_t claude_client_query(claude_client_t *client, const char *prompt, const char *session_id,
                                    char **message_uuid, claude_error_t **error);

/**
 * Sends a whole user message: images, documents, several blocks, `priority` and so on. Its shape is checked first,
 * because one malformed line ends the CLI; the error has the JSON pointer.
 * @param message_json Such as {"type":"user","message":{"role":"user","content":[...]}}.
 * @param message_uuid Receives its own uuid, or the one that it was given; NULL = not wanted.
 */
claude_status_t claude_client_send_json(claude_client_t *client, const char *message_json, char **message_uuid,
                                        claude_error_t **error);

/**
 * Sends the prompts of a generator, in order, and not while more than 1 MiB waits for the CLI. `callback` runs where
 * the mode runs callbacks, and may block without delaying messages or requests. Not in PULL mode. A prompt that cannot
 * be sent ends the stream with a CLAUDE_EVENT_WARNING; the input stays open at its end.
 * @param session_id NULL = "default".
 */
claude_status_t claude_client_query_stream(claude_client_t *client, const char *session_id, claude_prompt_fn callback,
                                           void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** Says that no more prompts will come. The CLI finishes the turns that it has and exits. CLAUDE_OK also the second
 *  time. */
claude_status_t claude_client_end_input(claude_client_t *client, claude_error_t **error);

/** As claude_client_end_input, when the run is over: every prompt has its result, no request is open, no turn and no
 *  background agent goes on that may still need the host. */
claude_status_t claude_client_end_input_after_run(claude_client_t *client, claude_error_t **error);

/**
 * Holds a whole conversation of one prompt: starts a CLI, sends the prompt, and waits until the CLI has ended, at the
 * latest until `timeout_ms`. The callbacks run on library threads. CLAUDE_ERR_RESULT: the turn ended with an error.
 * @param options_json NULL = none.
 * @param on_message NULL = messages are not wanted.
 * @param on_request NULL = everything is refused.
 * @param result_json Receives the result message, for claude_message_text; NULL = not wanted.
 */
claude_status_t claude_query_once(const char *prompt, const char *options_json, claude_message_fn on_message,
                                  claude_request_fn on_request, void *user_data, uint32_t timeout_ms,
                                  char **result_json, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup receive Receiving
 * Callbacks run where the mode says: one at a time and in order within a lane. In THREAD mode `done` and cancellations
 * wait for the callbacks of neither lane. Register before connecting. See docs/threading.md and docs/receiving.md.
 * @{ */

/** Messages, and the events up to 199. Without one they are dropped. In PULL mode they come unasked. */
claude_status_t claude_client_on_message(claude_client_t *client, claude_message_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/** What the CLI asks, but for what has a callback of its own; it also makes the CLI ask for permissions. Without one it
 *  is refused. What a replaced callback left open is delivered again. */
claude_status_t claude_client_on_request(claude_client_t *client, claude_request_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/** Permission requests. The first registration must come before connecting: only this or claude_client_on_request makes
 *  the CLI ask. A CLAUDE_EVENT_WARNING at connect names options that keep it from asking. */
claude_status_t claude_client_on_permission(claude_client_t *client, claude_request_fn callback, void *user_data,
                                            claude_destroy_fn destroy, claude_error_t **error);

/** Lines of the CLI's stderr. Its end is kept for errors in any case. */
claude_status_t claude_client_on_stderr(claude_client_t *client, claude_text_fn callback, void *user_data,
                                        claude_destroy_fn destroy, claude_error_t **error);

/** The end of the session, behind every message: once for each client whose connect was accepted, also when connecting
 *  failed, not when the client is freed before. In PULL mode it comes unasked. */
claude_status_t claude_client_on_closed(claude_client_t *client, claude_closed_fn callback, void *user_data,
                                        claude_destroy_fn destroy, claude_error_t **error);

/** PUMP and PULL: told each time a lane stops being empty, and at the registration if one is not. A function in both
 *  modes, and no event is given to it: it just wakes the host's loop. */
claude_status_t claude_client_on_ready(claude_client_t *client, claude_notify_fn callback, void *user_data,
                                       claude_destroy_fn destroy, claude_error_t **error);

/**
 * PUMP and PULL: a descriptor (Windows: an event) that is readable while something is queued in these lanes, for a loop
 * that watches it level-triggered. One for each value of `lanes`, for the client's life. Never read or close it.
 */
claude_status_t claude_client_ready_handle(claude_client_t *client, claude_lanes_t lanes, intptr_t *handle,
                                           claude_error_t **error);

/** Makes every claude_client_pump and claude_client_next that waits return; where none waits, the next one. Nothing
 *  that is queued is lost. Not for signal handlers. */
claude_status_t claude_client_wake(claude_client_t *client, claude_error_t **error);

/**
 * PUMP: runs waiting callbacks on this thread, REQUESTS before MESSAGES, until nothing waits or the budget is used up;
 * at least one if one waits. CLAUDE_OK also when none ran. CLAUDE_ERR_CLOSED: nothing is left and the end has been
 * told. Refused inside a callback; a second thread that finds one pumping returns at once.
 * @param max_events The most callbacks to run; 0 = no limit.
 * @param budget_us Microseconds; 0 = no limit.
 * @param ran Receives how many ran; NULL = not wanted.
 */
claude_status_t claude_client_pump(claude_client_t *client, uint32_t max_events, uint32_t budget_us,
                                   uint32_t timeout_ms, uint32_t *ran, claude_error_t **error);

/** PULL: the next event of these lanes, from as many threads as like. CLAUDE_ERR_TIMEOUT: none came; pass NULL as
 *  `error` in a loop that polls. CLAUDE_ERR_CANCELLED: claude_client_wake. CLAUDE_ERR_CLOSED: these lanes will bring
 *  nothing more, but for the end of what the host still begins, such as another disconnect. */
claude_status_t claude_client_next(claude_client_t *client, claude_lanes_t lanes, uint32_t timeout_ms,
                                   claude_event_t **event, claude_error_t **error);

/**
 * Waits for a result, and for its message callback to return. Results are counted: one that came before the call is not
 * missed. In PUMP mode it runs the callbacks itself; not in PULL mode. Without a result: the cause of the end, or
 * CLAUDE_ERR_CLOSED. CLAUDE_ERR_CANCELLED: the prompt was taken out of the CLI's queue; of NULL: one was that no call
 * has returned for, and no other prompt waits for its result.
 * @param message_uuid The prompt whose result is meant; NULL = the next one that no call has returned for.
 */
claude_status_t claude_client_receive_response(claude_client_t *client, const char *message_uuid, uint32_t timeout_ms,
                                               claude_error_t **error);

/** How much is queued in these lanes.
 *  @param events NULL = not wanted.
 *  @param bytes NULL = not wanted. */
claude_status_t claude_client_pending(claude_client_t *client, claude_lanes_t lanes, size_t *events, size_t *bytes,
                                      claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup events Events
 * What claude_client_next returns. See docs/receiving.md.
 * @{ */

/** All that an event holds, in one call. The event keeps what the pointers point to. */
claude_status_t claude_event_info(const claude_event_t *event, claude_event_info_t *info, claude_error_t **error);

/** Takes the request out of a CLAUDE_EVENT_REQUEST. One that is left in it is refused when the event is freed.
 *  CLAUDE_ERR_NOT_FOUND: another kind, or taken already. */
claude_status_t claude_event_take_request(claude_event_t *event, claude_request_t **request, claude_error_t **error);

/** Takes the call out of a CLAUDE_EVENT_TOOL_CALL. One that is left in it fails when the event is freed.
 *  CLAUDE_ERR_NOT_FOUND: another kind, or taken already. */
claude_status_t claude_event_take_tool_call(claude_event_t *event, claude_tool_call_t **call, claude_error_t **error);

/** Frees an event. */
void claude_event_free(claude_event_t *event);

/** @} */

/* ================================================================================================================== */
/** @defgroup control Control
 * Operations on a connected session. Each has a twin that waits; the reply is the CLI's own, a JSON object that may be
 * empty. CLAUDE_ERR_CONTROL: the CLI refused, with its reason. docs/control.md lists the requests for
 * claude_client_control.
 * @{ */

/** Ends the running turn, with an error result; the session goes on, and queued prompts still run. The reply is such as
 *  {"still_queued":[...]}. */
claude_status_t claude_client_interrupt(claude_client_t *client, claude_done_fn done, void *user_data,
                                        claude_error_t **error);
/** @copydoc claude_client_interrupt */
claude_status_t claude_client_interrupt_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                             claude_error_t **error);

/**
 * As claude_client_interrupt, with a choice.
 * @param cancel_queued Whether queued prompts are cancelled as well; the reply then has `cancelled`.
 * @param deadline_ms How long the turn may take to end; without an escalation it means nothing.
 * @param escalation What happens then; the session ends with CLAUDE_ERR_TIMEOUT.
 */
claude_status_t claude_client_interrupt_with(claude_client_t *client, bool cancel_queued, uint32_t deadline_ms,
                                             claude_escalation_t escalation, claude_done_fn done, void *user_data,
                                             claude_error_t **error);
/** @copydoc claude_client_interrupt_with */
claude_status_t claude_client_interrupt_with_wait(claude_client_t *client, bool cancel_queued, uint32_t deadline_ms,
                                                  claude_escalation_t escalation, uint32_t timeout_ms,
                                                  char **reply_json, claude_error_t **error);

/** Changes the permission mode: "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto" and what the
 *  CLI knows besides. The reply is such as {"mode":"plan"}, the mode now in force, which may be another. */
claude_status_t claude_client_set_permission_mode(claude_client_t *client, const char *mode, claude_done_fn done,
                                                  void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_permission_mode */
claude_status_t claude_client_set_permission_mode_wait(claude_client_t *client, const char *mode, uint32_t timeout_ms,
                                                       char **reply_json, claude_error_t **error);

/** Changes the model, also in the middle of a turn. The CLI takes unknown names, too, and fails at the next turn.
 *  @param model NULL = the default one. */
claude_status_t claude_client_set_model(claude_client_t *client, const char *model, claude_done_fn done,
                                        void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_model */
claude_status_t claude_client_set_model_wait(claude_client_t *client, const char *model, uint32_t timeout_ms,
                                             char **reply_json, claude_error_t **error);

/** Puts files back to what they were at a prompt (option `enable_file_checkpointing`), or says what would change. The
 *  reply is such as {"canRewind":true,"filesChanged":[...]}. */
claude_status_t claude_client_rewind_files(claude_client_t *client, const char *message_uuid, bool dry_run,
                                           claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_rewind_files */
claude_status_t claude_client_rewind_files_wait(claude_client_t *client, const char *message_uuid, bool dry_run,
                                                uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** How the MCP servers are doing: `mcpServers`. */
claude_status_t claude_client_get_mcp_status(claude_client_t *client, claude_done_fn done, void *user_data,
                                             claude_error_t **error);
/** @copydoc claude_client_get_mcp_status */
claude_status_t claude_client_get_mcp_status_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                                  claude_error_t **error);

/** Connects an MCP server again. */
claude_status_t claude_client_reconnect_mcp_server(claude_client_t *client, const char *server_name,
                                                   claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_reconnect_mcp_server */
claude_status_t claude_client_reconnect_mcp_server_wait(claude_client_t *client, const char *server_name,
                                                        uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** Switches an MCP server on or off. */
claude_status_t claude_client_toggle_mcp_server(claude_client_t *client, const char *server_name, bool enabled,
                                                claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_toggle_mcp_server */
claude_status_t claude_client_toggle_mcp_server_wait(claude_client_t *client, const char *server_name, bool enabled,
                                                     uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** Replaces the MCP servers that were added while the session runs. Those of the host stay, and those that were added
 *  after connecting become known. The reply has `added`, `removed`, `errors`.
 *  @param servers_json Names and configurations; null for a server of the host that is to go. */
claude_status_t claude_client_set_mcp_servers(claude_client_t *client, const char *servers_json, claude_done_fn done,
                                              void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_mcp_servers */
claude_status_t claude_client_set_mcp_servers_wait(claude_client_t *client, const char *servers_json,
                                                   uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** Stops a background task, by the id of its `task_started` message. One that is not known is no error for the CLI. */
claude_status_t claude_client_stop_task(claude_client_t *client, const char *task_id, claude_done_fn done,
                                        void *user_data, claude_error_t **error);
/** @copydoc claude_client_stop_task */
claude_status_t claude_client_stop_task_wait(claude_client_t *client, const char *task_id, uint32_t timeout_ms,
                                             char **reply_json, claude_error_t **error);

/** How full the context window is, and with what: `categories`, `totalTokens`, `maxTokens`, `percentage`.
 *  @param detail "summary" or "full"; NULL = the CLI's default. */
claude_status_t claude_client_get_context_usage(claude_client_t *client, const char *detail, claude_done_fn done,
                                                void *user_data, claude_error_t **error);
/** @copydoc claude_client_get_context_usage */
claude_status_t claude_client_get_context_usage_wait(claude_client_t *client, const char *detail, uint32_t timeout_ms,
                                                     char **reply_json, claude_error_t **error);

/** Takes a prompt out of the CLI's queue, as long as its turn has not begun: {"cancelled":true}. */
claude_status_t claude_client_cancel_prompt(claude_client_t *client, const char *message_uuid, claude_done_fn done,
                                            void *user_data, claude_error_t **error);
/** @copydoc claude_client_cancel_prompt */
claude_status_t claude_client_cancel_prompt_wait(claude_client_t *client, const char *message_uuid, uint32_t timeout_ms,
                                                 char **reply_json, claude_error_t **error);

/** Sends the request by which the session began once more; claude_client_get_server_info returns the reply from then
 *  on. The hooks stay. */
claude_status_t claude_client_reinitialize(claude_client_t *client, claude_done_fn done, void *user_data,
                                           claude_error_t **error);
/** @copydoc claude_client_reinitialize */
claude_status_t claude_client_reinitialize_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                                claude_error_t **error);

/** Sends any control request, also one that this library does not name. "initialize" is refused.
 *  @param request_json Such as {"subtype":"get_settings"}. */
claude_status_t claude_client_control(claude_client_t *client, const char *request_json, claude_done_fn done,
                                      void *user_data, claude_error_t **error);
/** @copydoc claude_client_control */
claude_status_t claude_client_control_wait(claude_client_t *client, const char *request_json, uint32_t timeout_ms,
                                           char **reply_json, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup requests Requests of the CLI
 * Answer now or later, from any thread, once: CLAUDE_ERR_STALE when it was answered, withdrawn or expired before,
 * CLAUDE_ERR_CLOSED when the session has ended. CLAUDE_ERR_INVALID_ARGUMENT: an answer that does not fit; it is still
 * open. See docs/requests.md.
 * @{ */

/** The number of a request, unique within the process. It fits 53 bits. */
uint64_t claude_request_id(const claude_request_t *request);

/** What is asked. */
claude_request_kind_t claude_request_kind(const claude_request_t *request);

/** The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{...}}. */
const char *claude_request_json(const claude_request_t *request, size_t *len);

/** Where it stands, and how it ended. */
claude_request_state_t claude_request_state(const claude_request_t *request);

/** Whether an answer would be of no use: withdrawn, expired, or the session has ended. True for a handle that is not
 *  valid. */
bool claude_request_is_cancelled(const claude_request_t *request);

/** Registers what is told when the request ends without an answer of the host; at once, inside this call, when it has.
 *  Runs where callbacks run, also beside the request callback. Not in PULL mode: CLAUDE_EVENT_REQUEST_CANCELLED. */
claude_status_t claude_request_on_cancel(claude_request_t *request, claude_cancel_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/** Answers with the payload of a success response, a JSON object that has the shape which this kind needs. */
claude_status_t claude_request_respond(claude_request_t *request, const char *response_json, claude_error_t **error);

/** Answers with an error response. */
claude_status_t claude_request_fail(claude_request_t *request, const char *message, claude_error_t **error);

/**
 * Permission: lets the tool run.
 * @param input_json The input that the tool gets; NULL = the one that was asked about.
 * @param permissions_json Changes of the rules, a list as in `permission_suggestions`; NULL = none. If one is
 *   malformed, all are left out, the tool still runs, and a CLAUDE_EVENT_WARNING names it.
 */
claude_status_t claude_request_allow(claude_request_t *request, const char *input_json, const char *permissions_json,
                                     claude_error_t **error);

/** Permission: refuses the tool.
 *  @param message Why; the model reads it; NULL = "The user did not allow this."
 *  @param interrupt Whether the turn ends as well. */
claude_status_t claude_request_deny(claude_request_t *request, const char *message, bool interrupt,
                                    claude_error_t **error);

/**
 * Permission for the tool `AskUserQuestion`: lets it run with the user's answers.
 * @param answers_json A list with an answer for each question in turn: the number of an option (from 0), a text of
 *   the user's own, or a list of these; such as [0,[1,2],"none"]. Or an object of questions and labels, as the CLI has
 *   it.
 */
claude_status_t claude_request_answer_questions(claude_request_t *request, const char *answers_json,
                                                claude_error_t **error);

/** Gives it a deadline from now, in place of the option `request_timeout_ms`. CLAUDE_WAIT_FOREVER = none.
 *  @param action What the CLI gets then: "deny" or "error"; NULL = what the option `request_timeout_action` says. */
claude_status_t claude_request_set_deadline(claude_request_t *request, uint32_t deadline_ms, const char *action,
                                            claude_error_t **error);

/** The `user_data` of the hook or MCP handler that is called; NULL for other kinds. */
void *claude_request_user_data(const claude_request_t *request);

/** Frees a request. One that is still open is refused with its last handle. */
void claude_request_free(claude_request_t *request);

/** The open requests, oldest first, so that a user interface can be rebuilt: `id`, `wire_id`, `kind` (a word),
 *  `kind_number`, `age_ms`, `deadline_ms` (left, or null), `handles` (held by the host), `request`. */
claude_status_t claude_client_pending_requests(claude_client_t *client, char **requests_json, claude_error_t **error);

/** Another handle to an open request; of several the first answer counts. CLAUDE_ERR_NOT_FOUND: none with this id is
 *  open. */
claude_status_t claude_client_take_request(claude_client_t *client, uint64_t id, claude_request_t **request,
                                           claude_error_t **error);

/**
 * Adds a hook: the CLI asks by a CLAUDE_REQUEST_HOOK. Answer by claude_request_respond, {} for no opinion. Before
 * connecting.
 * @param event Such as "PreToolUse" or "Stop". A name that is almost one is refused; one that only another CLI may
 *   know, and one that it asks no host about, is told by a CLAUDE_EVENT_WARNING at connect.
 * @param matcher Such as "Bash" or "Write|Edit", or a regular expression of JavaScript; NULL = all. One that can
 *   never match is refused.
 * @param deadline_ms How long the CLI waits, in whole seconds upwards; 0 = its default. It then refuses a tool that
 *   was to run.
 * @param on_failure What claude_request_fail means. A CLI that cannot block is not connected to.
 * @param callback NULL = that of claude_client_on_request.
 */
claude_status_t claude_client_add_hook(claude_client_t *client, const char *event, const char *matcher,
                                       uint32_t deadline_ms, claude_hook_failure_t on_failure,
                                       claude_request_fn callback, void *user_data, claude_destroy_fn destroy,
                                       claude_error_t **error);

/** Says that the host can show a kind of dialog: CLAUDE_REQUEST_DIALOG. As the option `supported_dialog_kinds`. Before
 *  connecting. */
claude_status_t claude_client_declare_dialog(claude_client_t *client, const char *kind, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup tools Tools inside the host
 * MCP servers whose tools are functions of the host. The model sees a tool as `mcp__<server>__<tool>`. A call is
 * answered once: CLAUDE_ERR_STALE when it was answered or withdrawn before, CLAUDE_ERR_CLOSED when the session has
 * ended. See docs/tools.md.
 * @{ */

/** Creates a server.
 *  @param name Letters, digits, - and single _ of ASCII, at most 120: the CLI would rewrite any other.
 *  @param options_json `version`, `instructions`, `timeout_ms`, `tools` ({"name","permission_policy"}); NULL = none. */
claude_status_t claude_mcp_server_create(const char *name, const char *options_json, claude_mcp_server_t **server,
                                         claude_error_t **error);

/** Frees a server. Clients that it was added to keep it. */
void claude_mcp_server_free(claude_mcp_server_t *server);

/**
 * Adds a tool; CLIs that are connected hear of it. THREAD and INLINE: runs on a library thread of its own and may
 * block.
 * @param tool_json As MCP has it: `name`, `description`, `inputSchema`, `annotations`, `_meta`; and `max_concurrency`
 *   (1; 0 = any number). Arguments that do not fit the schema never reach the host.
 * @param callback NULL = the tool serves PULL clients only.
 */
claude_status_t claude_mcp_server_add_tool(claude_mcp_server_t *server, const char *tool_json, claude_tool_fn callback,
                                           void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** Removes a tool; CLIs that are connected hear of it. Open calls can still be answered. */
claude_status_t claude_mcp_server_remove_tool(claude_mcp_server_t *server, const char *name, claude_error_t **error);

/** Adds a server to a client, or to several. The CLI learns of it when connecting; later, by
 *  claude_client_set_mcp_servers. */
claude_status_t claude_client_add_mcp_server(claude_client_t *client, claude_mcp_server_t *server,
                                             claude_error_t **error);

/** Adds a server that speaks JSON-RPC itself: each message is a CLAUDE_REQUEST_MCP, one at a time, with `server_name`
 *  and `message`. Answer by claude_request_respond with the response; a notification by {"jsonrpc":"2.0","result":{}}.
 *  @param callback NULL = that of claude_client_on_request. */
claude_status_t claude_client_add_mcp_handler(claude_client_t *client, const char *name, claude_request_fn callback,
                                              void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** The arguments, a JSON object that fits the schema. */
const char *claude_tool_call_arguments(const claude_tool_call_t *call, size_t *len);

/** The name of the tool. */
const char *claude_tool_call_name(const claude_tool_call_t *call, size_t *len);

/** All of it: `id`, `server`, `name`, `arguments`, and `meta` with `claudecode/toolUseId`. */
const char *claude_tool_call_json(const claude_tool_call_t *call, size_t *len);

/** The number of a call, unique within the process. It fits 53 bits. */
uint64_t claude_tool_call_id(const claude_tool_call_t *call);

/**
 * Whether the answer is not wanted any more. Long work looks at it now and then. True for a handle that is not valid.
 */
bool claude_tool_call_is_cancelled(const claude_tool_call_t *call);

/** Registers what is told when the answer is not wanted any more; at once when it is so. Not in PULL mode:
 *  CLAUDE_EVENT_TOOL_CALL_CANCELLED. */
claude_status_t claude_tool_call_on_cancel(claude_tool_call_t *call, claude_cancel_fn callback, void *user_data,
                                           claude_destroy_fn destroy, claude_error_t **error);

/** Says how far the work is. Without effect when the CLI did not ask for it.
 *  @param total 0 = unknown.
 *  @param message NULL = nothing to say. */
claude_status_t claude_tool_call_progress(claude_tool_call_t *call, double progress, double total, const char *message,
                                          claude_error_t **error);

/** Adds a text to the result. */
claude_status_t claude_tool_call_add_text(claude_tool_call_t *call, const char *text, claude_error_t **error);

/** Adds an image: the bytes of a file, copied.
 *  @param mime_type Such as "image/png". */
claude_status_t claude_tool_call_add_image(claude_tool_call_t *call, const void *bytes, size_t len,
                                           const char *mime_type, claude_error_t **error);

/** Adds any other MCP content block, such as `resource` or `resource_link`. CLAUDE_ERR_UNSUPPORTED: one that does not
 *  reach the model. */
claude_status_t claude_tool_call_add_block(claude_tool_call_t *call, const char *block_json, claude_error_t **error);

/** Sets the `structuredContent` of the result; also its text when nothing else is added. */
claude_status_t claude_tool_call_set_structured(claude_tool_call_t *call, const char *object_json,
                                                claude_error_t **error);

/** Sets the `_meta` of the result. */
claude_status_t claude_tool_call_set_meta(claude_tool_call_t *call, const char *object_json, claude_error_t **error);

/** Answers with what was added.
 *  @param text Added as the last; NULL = none. */
claude_status_t claude_tool_call_finish(claude_tool_call_t *call, const char *text, claude_error_t **error);

/** Answers that the tool failed, with what was added.
 *  @param message What went wrong; the model reads it. */
claude_status_t claude_tool_call_fail(claude_tool_call_t *call, const char *message, claude_error_t **error);

/** Frees a call. One that was not answered fails. Until answered or freed it counts for `max_concurrency`. */
void claude_tool_call_free(claude_tool_call_t *call);

/** @} */

/* ================================================================================================================== */
/** @defgroup transport Transport
 * A CLI that runs somewhere else: in a container, on another machine, in a test. The options `launcher`, `record` and
 * `replay` need none of this. See docs/remote.md.
 * @{ */

/** Takes a transport in place of a child process. Options for the CLI's command line, environment or process have no
 *  effect then; a CLAUDE_EVENT_WARNING lists them. Before connecting.
 *  @param vtable Copied; NULL = a child process again. */
claude_status_t claude_client_set_transport(claude_client_t *client, const claude_transport_vtable_t *vtable,
                                            void *user_data, claude_error_t **error);

/** Brings bytes of the CLI's stdout, cut anywhere; copied, all or none. CLAUDE_ERR_WOULD_BLOCK: the queue is full.
 *  CLAUDE_ERR_CLOSED: after the end, or after `close`. */
claude_status_t claude_sink_push(claude_sink_t *sink, const void *bytes, size_t len, claude_error_t **error);

/** Whether the host should go on reading from the CLI: less than 1 MiB waits. Where it is false, `on_room` will be
 *  called. */
bool claude_sink_has_room(const claude_sink_t *sink);

/** The CLI's output has ended. What was pushed is delivered, then the session ends with `status`.
 *  @param exit_code The CLI's exit code; -1 = not known. Not 0: CLAUDE_OK becomes CLAUDE_ERR_PROCESS.
 *  @param message What a user should read about it, such as the end of stderr; NULL = nothing. */
claude_status_t claude_sink_end(claude_sink_t *sink, claude_status_t status, int32_t exit_code, const char *message,
                                claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup sessions Sessions on the disk
 * What the CLI has written: a conversation to a file. No client is needed, and no CLI is started; each call reads or
 * writes files on the calling thread before it returns, so that a UI calls them on another thread than its own.
 * `options_json` names `config_dir`, the CLI's own folder (else CLAUDE_CONFIG_DIR, else ~/.claude), and `directory`,
 * whose sessions are meant with those of its git worktrees unless `include_worktrees` is false (else all).
 * CLAUDE_ERR_SESSION_NOT_FOUND: no such session. CLAUDE_ERR_FILE: the system refused. Ids are UUIDs. See
 * docs/sessions.md.
 * @{ */

/** Lists sessions, newest first, as an array of what claude_session_info gives. Only as many files are opened as rows
 *  are asked for.
 *  @param options_json Also `limit`, `offset`, `include_archived`, `include_programmatic` (both true); NULL = none. */
claude_status_t claude_sessions_list(const char *options_json, char **sessions_json, claude_error_t **error);

/**
 * Describes a session: `session_id`, `summary`, `last_modified` and `created_at` (milliseconds), `file_size`,
 * `custom_title`, `first_prompt`, `git_branch`, `cwd`, `tag`, `archived`, `entrypoint`, `continued_in`, `live` (`pid`,
 * `status` of the CLI that has it open), `path`. What is not known is left out. A file of a subagent, or without a word
 * in it, is no session.
 * @param options_json NULL = none.
 */
claude_status_t claude_session_info(const char *session_id, const char *options_json, char **info_json,
                                    claude_error_t **error);

/**
 * Reads a conversation, oldest message first. `on_message` runs on the calling thread, once for each message, before
 * this returns: `type`, `uuid`, `session_id`, `message`, `parent_tool_use_id`, `parent_agent_id`, `timestamp`, and more
 * where the CLI has noted more. A session of any size is read in little memory.
 * @param options_json Also `limit`, `offset`, `from_end` (count both from the last message), `include_system`;
 *   NULL = none.
 * @param on_message Gets the messages: CLAUDE_MESSAGE_USER, _ASSISTANT, and _SYSTEM where that was asked for.
 */
claude_status_t claude_session_messages(const char *session_id, const char *options_json, claude_message_fn on_message,
                                        void *user_data, claude_error_t **error);

/** Lists the subagents of a session: `agent_id`, `agent_type`, `description`, `tool_use_id`, `parent_agent_id`,
 *  `finished`, `path`; null for what the CLI has not noted.
 *  @param options_json NULL = none. */
claude_status_t claude_session_subagents(const char *session_id, const char *options_json, char **subagents_json,
                                         claude_error_t **error);

/**
 * Reads the conversation of a subagent, as claude_session_messages does.
 * @param agent_id As claude_session_subagents has it.
 * @param options_json As for claude_session_messages; NULL = none.
 * @param on_message Gets the messages.
 */
claude_status_t claude_session_subagent_messages(const char *session_id, const char *agent_id, const char *options_json,
                                                 claude_message_fn on_message, void *user_data, claude_error_t **error);

/** Gives a session a title, also while it is live.
 *  @param options_json NULL = none. */
claude_status_t claude_session_rename(const char *session_id, const char *title, const char *options_json,
                                      claude_error_t **error);

/** Gives a session a tag, which is normalised (NFKC) and loses what nobody sees.
 *  @param tag NULL = take the tag away.
 *  @param options_json NULL = none. */
claude_status_t claude_session_tag(const char *session_id, const char *tag, const char *options_json,
                                   claude_error_t **error);

/** Puts a session into the archive, or takes it out. Something typed into it takes it out as well.
 *  @param options_json NULL = none. */
claude_status_t claude_session_archive(const char *session_id, bool archived, const char *options_json,
                                       claude_error_t **error);

/** Removes a session from the disk with all that belongs to it. CLAUDE_ERR_SESSION_IN_USE while a CLI or a client of
 *  this process has it open: what it writes next would make the file anew, without what was said before.
 *  @param options_json Also `force`; NULL = none. */
claude_status_t claude_session_delete(const char *session_id, const char *options_json, claude_error_t **error);

/** Copies a session under a new id, which the option `resume` takes. CLAUDE_ERR_NOT_FOUND: it has no such message.
 *  @param options_json Also `up_to_message_id` (the last message that is copied), `title`; NULL = none.
 *  @param fork_json Receives `{"session_id": ...}` of the copy. */
claude_status_t claude_session_fork(const char *session_id, const char *options_json, char **fork_json,
                                    claude_error_t **error);

/** Names the folder below `projects/` in which the CLI keeps the sessions of a working folder.
 *  @param directory It need not be there. */
claude_status_t claude_session_project_key(const char *directory, char **key, claude_error_t **error);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* CLAUDE_CLIENT_H */
