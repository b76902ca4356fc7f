/** @file claude_client.h
 * claude-client: live conversations with Claude Code from any language that can call C.
 *
 * Licence: MIT or Apache-2.0, as you choose. Needs C99 or C++11. Made from src/capi by `make header`; do not edit.
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
 *     stores      Sessions in a database of the host
 *
 * THE CONTRACT. It holds for every function unless the text of that function says otherwise, so those texts say only
 * what is different.
 *
 * 1.  Shape. The first parameter is the object; then come inputs, then `timeout_ms`, then outputs, then `error`. The
 *     result is a claude_status_t: 0 is success, a negative number is a failure and is never renumbered. Later versions
 *     add numbers: keep a default branch. Outputs are written only on CLAUDE_OK. Functions that only read an object
 *     return the answer itself, and 0, "", "{}" or what their text says when the handle is invalid.
 * 2.  Errors. On failure a claude_error_t is written to `*error`, unless `error` is NULL, and belongs to the caller:
 *     claude_error_free. What was there before is not freed: start with NULL, stop at the first failure. Every function
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
 *     CLAUDE_WAIT_FOREVER are values of it, and CLAUDE_ERR_TIMEOUT means that the time ran out. It is refused with
 *     CLAUDE_ERR_WOULD_DEADLOCK on every thread of the library, inside a callback of the same client, and in callbacks
 *     that may run at any moment: the log, on_ready, the functions of a transport. Two things wait without it, but
 *     never inside a callback of the same client: claude_client_free, and replacing a callback, which waits for a
 *     running call of the old one.
 * 8.  Operations. `f(client, ..., done, user_data, error)` starts something and returns; once it has returned
 *     CLAUDE_OK, `done` is called exactly once, with CLAUDE_ERR_CANCELLED or CLAUDE_ERR_CLOSED if need be; if it
 *     failed, never. `f_wait(client, ..., timeout_ms, reply_json, error)` is its twin for plain C. In PULL mode `done`
 *     is NULL and a CLAUDE_EVENT_DONE with the same `user_data` comes instead.
 * 9.  Callbacks are plain functions with `void *user_data` last. `destroy` runs exactly once and last, even when the
 *     registration failed: free there what `user_data` points to. `..._on_x` replaces a callback, and NULL removes it;
 *     `..._add_x` adds one of many. Callbacks return normally. One that is left by longjmp counts as returned, with a
 *     CLAUDE_EVENT_WARNING; an exception or pthread_exit out of one ends the process, with a line on stderr that names
 *     it. In PULL mode a registration takes NULL as its callback and declares that the host wants these events.
 * 10. Handles are ids, not addresses: never read through one. NULL, freed, stale and foreign ones give
 *     CLAUDE_ERR_INVALID_HANDLE, never a crash, and the free functions ignore them.
 * 11. Freeing. When claude_client_free has returned, no callback of that client runs or will run, every `destroy` has
 *     run and the child process is gone. Inside one of the client's own callbacks it returns at once, and this
 *     guarantee holds when that callback has returned; where the library's reader runs it (INLINE mode, on_ready, the
 *     log), a library thread fulfils it soon after, and the last `destroy` tells when. Returning from main without any
 *     clean-up is safe where callbacks can still run then: an interpreter that is torn down first (CPython and most
 *     others) must call claude_runtime_shutdown before that, such as in its atexit.
 * 12. Requests of the CLI fail closed: unanswered, dropped, late or in flight at a failure means "deny" or an error
 *     reply, never "go ahead". An answer that could be misread is refused before it is sent, and the request stays
 *     open.
 * 13. The host stays in control: the library prints nothing but the line of 9., installs no signal handler, changes no
 *     signal mask, registers no atexit handler, and nothing inside it unwinds into the host. After fork the child may
 *     exec.
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

/** What a function returns: 0, or a negative number whose meaning never changes. See docs/errors.md. */
CLAUDE_ENUM(claude_status_t) {
    CLAUDE_OK = 0,                       /**< Done, or accepted. */
    CLAUDE_ERR_INVALID_ARGUMENT = -101,  /**< A pointer, a text or a JSON document that cannot be used. */
    CLAUDE_ERR_INVALID_HANDLE = -102,    /**< NULL, freed, stale or foreign handle. */
    CLAUDE_ERR_INVALID_OPTION = -103,    /**< An option that is unknown, of the wrong type, or cannot be combined. */
    CLAUDE_ERR_UNSUPPORTED = -104,       /**< Not possible in this mode, on this system or with this CLI. */
    CLAUDE_ERR_NOT_FOUND = -105,         /**< No such name, no such place, or no text there. */
    CLAUDE_ERR_FILE = -106,              /**< A file or a folder could not be read or written (`OSError`). */
    CLAUDE_ERR_SESSION_NOT_FOUND = -107, /**< No such session is on the disk (`FileNotFoundError`). */
    CLAUDE_ERR_SESSION_IN_USE = -108,    /**< The session is open, and the operation would damage it. */
    CLAUDE_ERR_CLI_NOT_FOUND = -201,     /**< No usable CLI was found (`CLINotFoundError`). */
    CLAUDE_ERR_CLI_CONNECTION = -202,    /**< The CLI could not be started or written to (`CLIConnectionError`). */
    CLAUDE_ERR_NOT_CONNECTED = -203,     /**< The client is not connected (`CLIConnectionError`). */
    CLAUDE_ERR_ALREADY_CONNECTED = -204, /**< The client is connected already, or was. */
    CLAUDE_ERR_PROCESS = -205,           /**< The CLI ended with a failure (`ProcessError`). */
    CLAUDE_ERR_RESULT = -206,            /**< The CLI ended with a failure after an error result (`ResultError`), or
                                              a message reports a failure instead of an answer. */
    CLAUDE_ERR_JSON_DECODE = -207,       /**< Text that is not valid JSON (`CLIJSONDecodeError`). */
    CLAUDE_ERR_CONTROL = -208,           /**< The CLI refused a control request; the message is its own. */
    CLAUDE_ERR_TIMEOUT = -301,           /**< A deadline passed. */
    CLAUDE_ERR_WOULD_DEADLOCK = -302,    /**< The call would wait for its own thread. */
    CLAUDE_ERR_FORKED = -303,            /**< The process was forked after the library had started. */
    CLAUDE_ERR_WOULD_BLOCK = -304,       /**< No room, or not ready yet: try again later. */
    CLAUDE_ERR_CANCELLED = -401,         /**< The operation was cancelled before it finished. */
    CLAUDE_ERR_CLOSED = -402,            /**< The session has ended. */
    CLAUDE_ERR_STALE = -403,             /**< The request has already been answered or withdrawn. */
    CLAUDE_ERR_PANIC = -901              /**< A bug in this library; the client is closed. */
} CLAUDE_ENUM_END(claude_status_t);

/** The kind of a message or event. 1 to 99 are messages of the CLI, 100 to 199 events of the library delivered among
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
    CLAUDE_MESSAGE_OTHER = 99,             /**< A type that this version of the library does not know. */
    CLAUDE_EVENT_TEXT_DELTA = 100,         /**< Streamed text, plain, not JSON (option `text_deltas`). */
    CLAUDE_EVENT_UNPARSED_LINE = 101,      /**< A line of the CLI that is not a message: `reason`, `length`, `text`. */
    CLAUDE_EVENT_LINE_TOO_LONG = 102,      /**< A line beyond `max_message_bytes` was skipped: `length`, `limit`,
                                                `text`. */
    CLAUDE_EVENT_WARNING = 103,            /**< Something that is allowed but probably a mistake: `text`. */
    CLAUDE_EVENT_TURN_ENDED = 104,         /**< After a result (option `turn_events`): `prompts`, `autonomous`,
                                                `origin`, `interrupted`. */
    CLAUDE_EVENT_REPLAY_MISMATCH = 105,    /**< A difference from the record (option `replay`): `line`, `pointer`,
                                                `text`, ... */
    CLAUDE_EVENT_STALLED = 106,            /**< The CLI is silent with work outstanding, has resumed, or does not end
                                                a turn (docs/stalls.md): `event` (`stalled`, `stall_ended`,
                                                `long_turn`), `text`, `waiting_for`, ... */
    CLAUDE_EVENT_REQUEST = 200,            /**< A request from the CLI: claude_event_take_request. JSON: the request. */
    CLAUDE_EVENT_REQUEST_CANCELLED = 201,  /**< The request with this id ended without an answer. */
    CLAUDE_EVENT_DONE = 202,               /**< An operation ended. JSON: the reply, or the error's document. */
    CLAUDE_EVENT_STDERR = 203,             /**< A line of the CLI's stderr, plain text. */
    CLAUDE_EVENT_CLOSED = 204,             /**< The session has ended; the last message. JSON: as for
                                                claude_closed_fn. */
    CLAUDE_EVENT_TOOL_CALL = 205,          /**< A tool is called: claude_event_take_tool_call. JSON:
                                                claude_tool_call_json. */
    CLAUDE_EVENT_TOOL_CALL_CANCELLED = 206 /**< The answer to the tool call with this id is no longer wanted. */
} CLAUDE_ENUM_END(claude_message_kind_t);

/** The two queues of a client, each in order; neither waits for the other. A mask: bits may be added, ALL includes them
 *  all. */
CLAUDE_ENUM(claude_lanes_t) {
    CLAUDE_LANE_MESSAGES = 1,    /**< Messages, events up to 199, stderr, the end of the session. */
    CLAUDE_LANE_REQUESTS = 2,    /**< Requests, tool calls, their cancellations, completed operations. */
    CLAUDE_LANE_ALL = 0x7FFFFFFF /**< Every lane, including those of later versions; REQUESTS before MESSAGES. */
} CLAUDE_ENUM_END(claude_lanes_t);

/** The severity of a log line. */
CLAUDE_ENUM(claude_log_level_t) {
    CLAUDE_LOG_OFF = 0,     /**< Nothing is logged. */
    CLAUDE_LOG_ERROR = 1,   /**< Something failed. */
    CLAUDE_LOG_WARNING = 2, /**< Something is probably a mistake. */
    CLAUDE_LOG_INFO = 3,    /**< Starts and ends. */
    CLAUDE_LOG_DEBUG = 4    /**< Every request and its reply. */
} CLAUDE_ENUM_END(claude_log_level_t);

/** What the CLI does when the host answers a hook with claude_request_fail. */
CLAUDE_ENUM(claude_hook_failure_t) {
    CLAUDE_HOOK_CONTINUE = 0, /**< It continues: a failed hook is ignored. */
    CLAUDE_HOOK_BLOCK = 1     /**< It blocks the action that the hook was asked about. */
} CLAUDE_ENUM_END(claude_hook_failure_t);

/** What happens when a turn does not end after an interrupt. */
CLAUDE_ENUM(claude_escalation_t) {
    CLAUDE_ESCALATE_NONE = 0,       /**< Nothing. */
    CLAUDE_ESCALATE_DISCONNECT = 1, /**< The session is ended as with claude_client_disconnect. */
    CLAUDE_ESCALATE_KILL = 2        /**< The CLI and its descendants are killed; the option `resume` can continue the
                                         session later. */
} CLAUDE_ENUM_END(claude_escalation_t);

/** The state of a client. */
CLAUDE_ENUM(claude_state_t) {
    CLAUDE_STATE_CREATED = 0,    /**< Not connected yet; also returned for an invalid handle. */
    CLAUDE_STATE_CONNECTING = 1, /**< The CLI is starting. */
    CLAUDE_STATE_CONNECTED = 2,  /**< The CLI is ready. */
    CLAUDE_STATE_CLOSING = 3,    /**< The CLI is shutting down. */
    CLAUDE_STATE_CLOSED = 4      /**< The CLI is gone. */
} CLAUDE_ENUM_END(claude_state_t);

/** Who runs a client's callbacks. See docs/threading.md. */
CLAUDE_ENUM(claude_dispatch_t) {
    CLAUDE_DISPATCH_THREAD = 0, /**< A library thread, in order, one at a time for each lane; may block. */
    CLAUDE_DISPATCH_PUMP = 1,   /**< Only claude_client_pump, on the thread that calls it. */
    CLAUDE_DISPATCH_PULL = 2,   /**< Nobody: claude_client_next returns events. */
    CLAUDE_DISPATCH_INLINE = 3  /**< The library's reader thread itself, for callbacks that never block. */
} CLAUDE_ENUM_END(claude_dispatch_t);

/** The kind of a request from the CLI. */
CLAUDE_ENUM(claude_request_kind_t) {
    CLAUDE_REQUEST_OTHER = 0,       /**< Not known to this version; also returned for an invalid handle. */
    CLAUDE_REQUEST_PERMISSION = 1,  /**< May this tool run? (`can_use_tool`) */
    CLAUDE_REQUEST_HOOK = 2,        /**< A hook of the host is called. (`hook_callback`) */
    CLAUDE_REQUEST_MCP = 3,         /**< A message for an MCP server of the host. (`mcp_message`) */
    CLAUDE_REQUEST_ELICITATION = 4, /**< An MCP server asks the user. (`elicitation`) */
    CLAUDE_REQUEST_DIALOG = 5       /**< A dialog for the user. (`request_user_dialog`) */
} CLAUDE_ENUM_END(claude_request_kind_t);

/** The state of a request. Once it has ended, the state never changes again. */
CLAUDE_ENUM(claude_request_state_t) {
    CLAUDE_REQUEST_STATE_OPEN = 0,      /**< Waiting for an answer. */
    CLAUDE_REQUEST_STATE_ANSWERED = 1,  /**< The host has answered it, or freed it, which refuses it. */
    CLAUDE_REQUEST_STATE_WITHDRAWN = 2, /**< The CLI has withdrawn it. */
    CLAUDE_REQUEST_STATE_EXPIRED = 3,   /**< Its deadline has passed. */
    CLAUDE_REQUEST_STATE_CLOSED = 4     /**< Its session has ended; also returned for an invalid handle. */
} CLAUDE_ENUM_END(claude_request_state_t);

typedef struct claude_client_t claude_client_t;               /**< A conversation with one CLI. Free it with
                                                                   claude_client_free. */
typedef struct claude_error_t claude_error_t;                 /**< A failure. Free it with claude_error_free. */
typedef struct claude_event_t claude_event_t;                 /**< Something received in PULL mode. Free it with
                                                                   claude_event_free. */
typedef struct claude_request_t claude_request_t;             /**< A request from the CLI. Free it with
                                                                   claude_request_free. */
typedef struct claude_mcp_server_t claude_mcp_server_t;       /**< Tools of the host. Free it with
                                                                   claude_mcp_server_free. */
typedef struct claude_tool_call_t claude_tool_call_t;         /**< One call of a tool. Free it with
                                                                   claude_tool_call_free. */
typedef struct claude_sink_t claude_sink_t;                   /**< The input end of a host's transport. Never freed
                                                                   by the host. */
typedef struct claude_session_store_t claude_session_store_t; /**< The host's own storage for sessions. Free it with
                                                                   claude_session_store_free. */
typedef struct claude_spare_t claude_spare_t;                 /**< A client whose CLI is started and waits to be
                                                                   claimed. Free it with claude_spare_free. */
typedef struct claude_store_call_t claude_store_call_t;       /**< One call to a session store. Free it with
                                                                   claude_store_call_free. */

/** A message or an event. `json` is the CLI's own text; plain text for CLAUDE_EVENT_TEXT_DELTA. */
typedef void (*claude_message_fn)(claude_message_kind_t kind, const char *json, size_t len, void *user_data);

/** A request from the CLI, which the callback owns: answer it, now or later, and free it. */
typedef void (*claude_request_fn)(claude_request_t *request, void *user_data);

/** The model uses the tool. The callback owns the call: answer it, now or later, and free it. */
typedef void (*claude_tool_fn)(claude_tool_call_t *call, void *user_data);

/** A request or a tool call no longer needs an answer. `id` is that of claude_request_id or claude_tool_call_id. */
typedef void (*claude_cancel_fn)(uint64_t id, void *user_data);

/** A line of stderr. */
typedef void (*claude_text_fn)(const char *text, size_t len, void *user_data);

/** The session has ended: CLAUDE_OK and an empty text, or the cause and the error's document. */
typedef void (*claude_closed_fn)(claude_status_t status, const char *error_json, size_t len, void *user_data);

/** The end of an operation. `json` is the reply, or the error's document. */
typedef void (*claude_done_fn)(claude_status_t status, const char *json, size_t len, void *user_data);

/** A line of the library's log. */
typedef void (*claude_log_fn)(claude_log_level_t level, const char *text, size_t len, void *user_data);

/** The last call for this `user_data`: the library no longer uses it. */
typedef void (*claude_destroy_fn)(void *user_data);

/** Something is ready. It may only wake an event loop: it runs on any thread, in every mode, even inside calls made by
 *  the host. */
typedef void (*claude_notify_fn)(void *user_data);

/** The next prompt of a stream, or NULL at its end. The text remains the host's and must live until the next call. */
typedef const char *(*claude_prompt_fn)(void *user_data);

/** See claude_transport_vtable_t. */
typedef claude_status_t (*claude_transport_fn)(void *user_data);

/** See claude_transport_vtable_t. */
typedef claude_status_t (*claude_transport_connect_fn)(claude_sink_t *sink, void *user_data);

/** See claude_transport_vtable_t. `bytes` is valid until it returns. */
typedef claude_status_t (*claude_transport_write_fn)(const void *bytes, size_t len, void *user_data);

/** See claude_session_store_vtable_t. The texts are valid until it returns; the function owns the call. */
typedef void (*claude_store_append_fn)(claude_store_call_t *call, const char *key_json, const char *entries_json,
                                       void *user_data);

/** See claude_session_store_vtable_t. The text is valid until it returns; the function owns the call. */
typedef void (*claude_store_fn)(claude_store_call_t *call, const char *key_json, void *user_data);

/** Runs on a library thread when it starts or ends. */
typedef void (*claude_thread_fn)(void *user_data);

/** A transport that the host supplies. Zero it, set `size` and the functions; those without "NULL =" are required. All
 *  run on library threads in every mode; `connect`, `is_ready`, `write` and `end_input` one at a time, `close` and
 *  `on_room` possibly at the same time as those. They may call any function that does not wait. See docs/remote.md. */
typedef struct {
    size_t size;                         /**< sizeof(claude_transport_vtable_t). */
    claude_transport_connect_fn connect; /**< Sets up the remote end and keeps `sink`. `close` should make it return.
                                              After a failure only `destroy` is called. */
    claude_transport_write_fn write;     /**< Sends one line with its newline, all of it; a failure ends the session. */
    claude_transport_fn end_input;       /**< Closes the CLI's stdin. Called once, after all lines. */
    claude_transport_fn close;           /**< Ends the remote end, by force if need be, and returns soon. Called
                                              once; only `destroy` follows. */
    claude_transport_fn is_ready;        /**< Polled after `connect`, every few milliseconds, until it no longer
                                              returns CLAUDE_ERR_WOULD_BLOCK; NULL = ready when `connect` has
                                              returned. */
    claude_notify_fn on_room;            /**< Called when there is room again after claude_sink_has_room was false;
                                              NULL = poll. */
    claude_destroy_fn destroy;           /**< Called once, last of all; NULL = nothing to free. */
} claude_transport_vtable_t;

/**
 * A session store of the host's own. Zero it, set `size` and the functions; those without "NULL =" are required. All
 * run on library threads in every mode, several at once, and may block; the appends of one client come one after
 * another. Each answers its call once, now or later from any thread, with claude_store_call_respond or _fail. A key is
 * `{"project_key", "session_id"}`, with `subpath` for what belongs to a session; `list` and `summaries` get
 * `{"project_key"}`. See docs/sessions.md.
 */
typedef struct {
    size_t size;                   /**< sizeof(claude_session_store_vtable_t). */
    claude_store_append_fn append; /**< Appends entries, an array, to those already stored. Answer NULL. An entry may
                                        come twice, with the same `uuid`. */
    claude_store_fn load;          /**< Answers the array of all entries in their order, or NULL = never stored. */
    claude_store_fn list;          /**< Answers `[{"session_id", "mtime"}]` (milliseconds) of the project's sessions,
                                        without subpaths; NULL = `continue_conversation` is refused. */
    claude_store_fn summaries;     /**< Answers what claude_session_summary_fold gave for each, with its `mtime` set
                                        by the clock that `list` uses; NULL = there are none. */
    claude_store_fn remove;        /**< Removes a key, and with a session all of its subpaths. Answer NULL;
                                        NULL = nothing is ever removed. */
    claude_store_fn list_subkeys;  /**< Answers the array of a session's subpaths; NULL = subagents are not resumed. */
    claude_destroy_fn destroy;     /**< Called once, last of all; NULL = nothing to free. */
} claude_session_store_vtable_t;

/** The contents of an event. Set `size` once; claude_event_info writes the rest. */
typedef struct {
    size_t size;                        /**< `sizeof(claude_event_info_t)`, so that members can be added. */
    claude_message_kind_t kind;         /**< Its kind. */
    claude_status_t status;             /**< DONE and CLOSED: how it ended; otherwise CLAUDE_OK. */
    claude_request_kind_t request_kind; /**< REQUEST: what is asked; otherwise CLAUDE_REQUEST_OTHER. */
    claude_lanes_t lane;                /**< The lane it came from. */
    uint64_t id;                        /**< REQUEST, TOOL_CALL and their CANCELLED: the id; otherwise 0. */
    void *user_data;                    /**< Of the operation (DONE), the tool, the hook or the MCP handler; else
                                             NULL. */
    const char *json;                   /**< Its text, as the kind says. Lives as long as the event. */
    size_t len;                         /**< Bytes of `json` without the NUL. */
} claude_event_info_t;

/** Settings for the whole process. Zero it, set `size`, and set what differs from the default. */
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

/** How the library was built: `version`, `os`, `arch`, `features` and more, and `tested_cli_version`, the CLI that it
 *  is tested with. */
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

/** Everything that is known: `status`, `name`, `message`, and where they apply `phase`, `exit_code`, `signal`,
 *  `stderr`, `cli_path`, `cli_version`, `searched`, `pointer`, `remedy`, `cause`. The document that `done` and
 *  `on_closed` get. */
const char *claude_error_json(const claude_error_t *error);

/** Frees an error. */
void claude_error_free(claude_error_t *error);

/** Frees a text that the library returned through a `char **`. NULL, and any pointer the library did not return, is
 *  ignored. */
void claude_string_free(char *text);

/** @} */

/* ================================================================================================================== */
/** @defgroup json JSON
 * Enough for programs without a JSON library, at any depth. A `pointer` is RFC 6901, such as "/message/content/0/text";
 * "" is the whole document. CLAUDE_ERR_JSON_DECODE: the text is not JSON. CLAUDE_ERR_NOT_FOUND: nothing is at that
 * place. Among members of the same name the last counts. See docs/strings.md.
 * @{ */

/** Reads one value: a string without quotes and escapes, anything else as its JSON text. */
claude_status_t claude_json_get(const char *json, const char *pointer, char **value, claude_error_t **error);

/** Counts the elements of an array or the members of an object; CLAUDE_ERR_NOT_FOUND for anything else. */
claude_status_t claude_json_count(const char *json, const char *pointer, size_t *count, claude_error_t **error);

/** The name of a member of an object, without quotes and escapes, for iterating over an object. In a pointer its "~" is
 *  written "~0" and its "/" is written "~1".
 *  @param index From 0, less than what claude_json_count says, in the order in which the names first appear. */
claude_status_t claude_json_key(const char *json, const char *pointer, size_t index, char **name,
                                claude_error_t **error);

/** Makes a JSON string of a text, with its quotes. */
claude_status_t claude_json_quote(const char *text, char **json, claude_error_t **error);

/**
 * The text of a message that a user reads: for an assistant or user message its text blocks, one after the other; for a
 * result its `result`, or its `errors`, one per line; for a stream event the piece of text. CLAUDE_ERR_NOT_FOUND for
 * messages without one: tool use, tool results, thinking and all other types. CLAUDE_ERR_RESULT for an assistant
 * message with an `error`: there the CLI says what failed, for instance that nobody is logged in. It is not an answer,
 * and its text is the message of the error.
 */
claude_status_t claude_message_text(const char *json, char **text, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup runtime Process-wide
 * The library in the process. See docs/embedding.md.
 * @{ */

/** Configures the library's threads and guardian. Before the first client connects, or after claude_runtime_shutdown;
 *  CLAUDE_ERR_ALREADY_CONNECTED in between. */
claude_status_t claude_runtime_configure(const claude_runtime_config_t *config, claude_error_t **error);

/** Registers the callback for the library's log, up to `max_level`. It runs on any thread, on several at once, in every
 *  mode, and must not block. */
claude_status_t claude_runtime_on_log(claude_log_level_t max_level, claude_log_fn callback, void *user_data,
                                      claude_destroy_fn destroy, claude_error_t **error);

/** Closes every session and ends every thread and child. Clients keep their handles and return CLAUDE_ERR_CLOSED. After
 *  CLAUDE_ERR_TIMEOUT, whose error says what is left, the shutdown continues by itself, and a later call waits for it.
 *  The library can be used again afterwards. */
claude_status_t claude_runtime_shutdown(uint32_t timeout_ms, claude_error_t **error);

/** Counts the live objects: `clients`, `spares`, `errors`, `strings`, `events`, `requests`, `mcp_servers`,
 *  `tool_calls`, `session_stores`, `store_calls`, `threads`, `children`. What a program has not freed at its end shows
 *  here and in no leak checker. */
claude_status_t claude_runtime_stats(char **json, claude_error_t **error);

/**
 * Says which CLI a client with these options would start, its version, where its login comes from, and what would
 * prevent it. The CLI is run once, for its version; nothing is written. The report has `ok`, `cli`, `login`,
 * `config_dir`, `library`, `findings`, and no secret; CLAUDE_OK whatever it says. A library that was built without its
 * feature `probe` returns CLAUDE_ERR_UNSUPPORTED.
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

/** Starts the CLI. Register callbacks first. `done` is called when the session is ready, with the CLI's answer to
 *  `initialize`. CLAUDE_ERR_INVALID_OPTION: options that cannot be combined with what is registered.
 *  @param prompt The first prompt, sent once the CLI is ready; NULL = none. */
claude_status_t claude_client_connect(claude_client_t *client, const char *prompt, claude_done_fn done, void *user_data,
                                      claude_error_t **error);

/** As claude_client_connect, but waits until the session is ready; the option `connect_timeout_ms` applies as well.
 *  When it fails, nothing of the CLI is left running.
 *  @param prompt NULL = none. */
claude_status_t claude_client_connect_wait(claude_client_t *client, const char *prompt, uint32_t timeout_ms,
                                           claude_error_t **error);

/** Ends the session: a running turn is interrupted, the CLI's input is closed, and after the times of the grace options
 *  the CLI and its descendants get SIGTERM, then SIGKILL. What the CLI still writes is delivered. CLAUDE_OK also when
 *  it has already ended. */
claude_status_t claude_client_disconnect(claude_client_t *client, claude_done_fn done, void *user_data,
                                         claude_error_t **error);

/** As claude_client_disconnect, but waits until the process is gone. CLAUDE_ERR_TIMEOUT: it is still shutting down.
 *  CLAUDE_ERR_PROCESS: the system does not permit this process to end it. */
claude_status_t claude_client_disconnect_wait(claude_client_t *client, uint32_t timeout_ms, claude_error_t **error);

/** Frees a client, disconnecting it first: see "Freeing" in the contract. Open operations complete with
 *  CLAUDE_ERR_CANCELLED, open requests are refused; their handles stay valid and must still be freed. Waits as long as
 *  the grace options say. */
void claude_client_free(claude_client_t *client);

/** The state of the client. */
claude_state_t claude_client_state(const claude_client_t *client);

/** The process id of the CLI; 0 while there is none. */
uint64_t claude_client_pid(const claude_client_t *client);

/** Counters: `session_id`, process, traffic, what is queued, latency, costs. See docs/stats.md. */
claude_status_t claude_client_stats(claude_client_t *client, char **json, claude_error_t **error);

/** What the CLI said when it became ready: commands, models, agents, account and more. Cached: the CLI is not asked
 *  again. */
claude_status_t claude_client_get_server_info(claude_client_t *client, char **json, claude_error_t **error);

/**
 * Starts a client's CLI before it is known which session it is for; instead of claude_client_connect, so register
 * callbacks, hooks and tools first. `done` is called when the CLI waits to be claimed, with its answer to `initialize`,
 * or could not be started; when a spare ends later, claude_client_on_closed tells. Until it is claimed, the client is
 * in CLAUDE_STATE_CONNECTING and takes no prompt. CLAUDE_ERR_INVALID_OPTION: a spare cannot resume, and needs a
 * configuration folder, in which it waits. See docs/start-at-once.md.
 * @param client Not connected yet. claude_spare_free frees it, unless it is claimed; its handle stays the same.
 * @param spare The new spare.
 */
claude_status_t claude_spare_create(claude_client_t *client, claude_done_fn done, void *user_data,
                                    claude_spare_t **spare, claude_error_t **error);

/**
 * Makes a session of a spare, also of one that is still starting. `done` is called when the session is ready, with the
 * CLI's answer to the claim: `cwd`, `session_id` and more; claude_client_get_server_info then describes this session.
 * All of the claim applies, or none: CLAUDE_ERR_CONTROL with a `reason` such as `cwd_not_found` when the CLI refuses
 * it, and as with a CLI that has ended, the prompt was not sent and the client is closed: connect another one.
 * CLAUDE_ERR_INVALID_OPTION: the document cannot be used, and the spare still can. CLAUDE_ERR_ALREADY_CONNECTED: it was
 * claimed before.
 * @param claim_json What is known only now: `cwd`, `model` and more, see docs/start-at-once.md; NULL = none.
 * @param prompt The first prompt, sent once the CLI has accepted the claim; NULL = none.
 * @param client The client that the spare was created with; yours to free, however the claim ends.
 */
claude_status_t claude_spare_claim(claude_spare_t *spare, const char *claim_json, const char *prompt,
                                   claude_done_fn done, void *user_data, claude_client_t **client,
                                   claude_error_t **error);

/**
 * As claude_spare_claim, but waits until the session is ready; the option `connect_timeout_ms` applies as well. When it
 * fails, the spare keeps the client, and claude_spare_free frees both.
 * @param claim_json NULL = none.
 * @param prompt NULL = none.
 * @param client The client that the spare was created with; yours to free.
 */
claude_status_t claude_spare_claim_wait(claude_spare_t *spare, const char *claim_json, const char *prompt,
                                        uint32_t timeout_ms, claude_client_t **client, claude_error_t **error);

/** Frees a spare; NULL is ignored. If it was not claimed, its client is freed with it: see claude_client_free. A
 *  claimed client stays. */
void claude_spare_free(claude_spare_t *spare);

/** @} */

/* ================================================================================================================== */
/** @defgroup talk Talking
 * Prompts. Replies come as messages, and a CLAUDE_MESSAGE_RESULT ends the turn. A prompt that is sent while a turn runs
 * is queued by the CLI. Lines from several threads do not mix. See docs/receiving.md.
 * @{ */

/**
 * Sends a prompt, which must not be empty.
 * @param session_id A label that the CLI returns; NULL = "default". It does not separate conversations.
 * @param message_uuid Receives the uuid that identifies the prompt in results and for claude_client_cancel_prompt;
 *   NULL = not wanted.
 */
claude_status_t claude_client_query(claude_client_t *client, const char *prompt, const char *session_id,
                                    char **message_uuid, claude_error_t **error);

/**
 * Sends a whole user message: images, documents, several blocks, `priority` and so on. Its shape is checked first,
 * because one malformed line ends the CLI; the error has the JSON pointer of the fault.
 * @param message_json Such as {"type":"user","message":{"role":"user","content":[...]}}.
 * @param message_uuid Receives the message's own uuid, or the one it was assigned; NULL = not wanted.
 */
claude_status_t claude_client_send_json(claude_client_t *client, const char *message_json, char **message_uuid,
                                        claude_error_t **error);

/**
 * Sends the prompts of a generator, in order, pausing while more than 1 MiB waits for the CLI. `callback` runs where
 * the mode runs callbacks, and may block without delaying messages or requests. Not in PULL mode. A prompt that cannot
 * be sent ends the stream with a CLAUDE_EVENT_WARNING; the input stays open when the stream ends.
 * @param session_id NULL = "default".
 */
claude_status_t claude_client_query_stream(claude_client_t *client, const char *session_id, claude_prompt_fn callback,
                                           void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** Declares that no more prompts will come. The CLI finishes the turns that it has and exits. CLAUDE_OK also when
 *  called again. */
claude_status_t claude_client_end_input(claude_client_t *client, claude_error_t **error);

/** As claude_client_end_input, but once the run is over: every prompt has its result, no request is open, and no turn
 *  or background agent that may still need the host is running. */
claude_status_t claude_client_end_input_after_run(claude_client_t *client, claude_error_t **error);

/**
 * Runs a whole conversation with one prompt: starts a CLI, sends the prompt, and waits until the CLI has ended, for at
 * most `timeout_ms`. The callbacks run on library threads. CLAUDE_ERR_RESULT: the turn ended with an error.
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
 * do not wait for callbacks of either lane. Register before connecting. See docs/threading.md and docs/receiving.md.
 * @{ */

/** Messages, and the events up to 199. Without a callback they are dropped. In PULL mode they come without a
 *  registration. */
claude_status_t claude_client_on_message(claude_client_t *client, claude_message_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/**
 * Requests from the CLI, except those with a callback of their own; the registration also makes the CLI ask for
 * permissions. Without a callback they are refused. Requests that a replaced callback left open are delivered again.
 */
claude_status_t claude_client_on_request(claude_client_t *client, claude_request_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/** Permission requests. The first registration must come before connecting: only this or claude_client_on_request makes
 *  the CLI ask. A CLAUDE_EVENT_WARNING at connect names options that keep it from asking. */
claude_status_t claude_client_on_permission(claude_client_t *client, claude_request_fn callback, void *user_data,
                                            claude_destroy_fn destroy, claude_error_t **error);

/** Lines of the CLI's stderr. Its tail is kept for errors in any case. */
claude_status_t claude_client_on_stderr(claude_client_t *client, claude_text_fn callback, void *user_data,
                                        claude_destroy_fn destroy, claude_error_t **error);

/** The end of the session, after every message: once for each client whose connect was accepted, also when connecting
 *  failed, but not when the client is freed first. In PULL mode it comes without a registration. */
claude_status_t claude_client_on_closed(claude_client_t *client, claude_closed_fn callback, void *user_data,
                                        claude_destroy_fn destroy, claude_error_t **error);

/** PUMP and PULL: called each time a lane stops being empty, and at registration if one is not empty. It is a function
 *  in both modes and receives no event: it just wakes the host's loop. */
claude_status_t claude_client_on_ready(claude_client_t *client, claude_notify_fn callback, void *user_data,
                                       claude_destroy_fn destroy, claude_error_t **error);

/**
 * PUMP and PULL: a descriptor (Windows: an event) that is readable while something is queued in these lanes, for a loop
 * that watches it level-triggered. One for each value of `lanes`, for the client's life. Never read or close it.
 */
claude_status_t claude_client_ready_handle(claude_client_t *client, claude_lanes_t lanes, intptr_t *handle,
                                           claude_error_t **error);

/** Makes every waiting claude_client_pump and claude_client_next return; if none is waiting, the next one does. Nothing
 *  in the queue is lost. Must not be called from signal handlers. */
claude_status_t claude_client_wake(claude_client_t *client, claude_error_t **error);

/**
 * PUMP: runs waiting callbacks on this thread, REQUESTS before MESSAGES, until nothing waits or the budget is used up;
 * at least one if one waits. CLAUDE_OK also when none ran. CLAUDE_ERR_CLOSED: nothing is left and the end has been
 * delivered. Refused inside a callback; returns at once while another thread is pumping.
 * @param max_events The most callbacks to run; 0 = no limit.
 * @param budget_us Microseconds; 0 = no limit.
 * @param ran Receives how many ran; NULL = not wanted.
 */
claude_status_t claude_client_pump(claude_client_t *client, uint32_t max_events, uint32_t budget_us,
                                   uint32_t timeout_ms, uint32_t *ran, claude_error_t **error);

/** PULL: the next event of these lanes; any number of threads may call it. CLAUDE_ERR_TIMEOUT: none came; pass NULL as
 *  `error` in a loop that polls. CLAUDE_ERR_CANCELLED: claude_client_wake. CLAUDE_ERR_CLOSED: nothing more will come in
 *  these lanes, except the completion of what the host still starts, such as another disconnect. */
claude_status_t claude_client_next(claude_client_t *client, claude_lanes_t lanes, uint32_t timeout_ms,
                                   claude_event_t **event, claude_error_t **error);

/**
 * Waits for a result, and for its message callback to return. Results are counted: one that came before the call is not
 * missed. In PUMP mode it runs the callbacks itself; not in PULL mode. Without a result: the cause of the end, or
 * CLAUDE_ERR_CLOSED. CLAUDE_ERR_CANCELLED: the prompt was removed from the CLI's queue; with NULL: a prompt that no
 * call has returned for was removed, and no other prompt waits for its result.
 * @param message_uuid The prompt whose result to wait for; NULL = the next one that no call has returned for.
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

/** All contents of an event, in one call. The event owns what the pointers point to. */
claude_status_t claude_event_info(const claude_event_t *event, claude_event_info_t *info, claude_error_t **error);

/** Takes the request out of a CLAUDE_EVENT_REQUEST. If it is not taken, it is refused when the event is freed.
 *  CLAUDE_ERR_NOT_FOUND: another kind, or already taken. */
claude_status_t claude_event_take_request(claude_event_t *event, claude_request_t **request, claude_error_t **error);

/** Takes the call out of a CLAUDE_EVENT_TOOL_CALL. If it is not taken, it fails when the event is freed.
 *  CLAUDE_ERR_NOT_FOUND: another kind, or already taken. */
claude_status_t claude_event_take_tool_call(claude_event_t *event, claude_tool_call_t **call, claude_error_t **error);

/** Frees an event. */
void claude_event_free(claude_event_t *event);

/** @} */

/* ================================================================================================================== */
/** @defgroup control Control
 * Operations on a connected session. Each has a twin that waits; the reply is the CLI's own JSON object, which may be
 * empty. CLAUDE_ERR_CONTROL: the CLI refused, with its reason. docs/control.md lists the requests for
 * claude_client_control.
 * @{ */

/** Ends the running turn, with an error result; the session goes on, and queued prompts still run. The reply looks like
 *  {"still_queued":[...]}. */
claude_status_t claude_client_interrupt(claude_client_t *client, claude_done_fn done, void *user_data,
                                        claude_error_t **error);
/** @copydoc claude_client_interrupt */
claude_status_t claude_client_interrupt_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                             claude_error_t **error);

/**
 * As claude_client_interrupt, with options.
 * @param cancel_queued Whether queued prompts are cancelled as well; the reply then has `cancelled`.
 * @param deadline_ms How long the turn may take to end; ignored without an escalation.
 * @param escalation What happens after that; the session ends with CLAUDE_ERR_TIMEOUT.
 */
claude_status_t claude_client_interrupt_with(claude_client_t *client, bool cancel_queued, uint32_t deadline_ms,
                                             claude_escalation_t escalation, claude_done_fn done, void *user_data,
                                             claude_error_t **error);
/** @copydoc claude_client_interrupt_with */
claude_status_t claude_client_interrupt_with_wait(claude_client_t *client, bool cancel_queued, uint32_t deadline_ms,
                                                  claude_escalation_t escalation, uint32_t timeout_ms,
                                                  char **reply_json, claude_error_t **error);

/** Changes the permission mode: "default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto" and whatever
 *  else the CLI knows. The reply looks like {"mode":"plan"}, the mode now in force, which may be a different one. */
claude_status_t claude_client_set_permission_mode(claude_client_t *client, const char *mode, claude_done_fn done,
                                                  void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_permission_mode */
claude_status_t claude_client_set_permission_mode_wait(claude_client_t *client, const char *mode, uint32_t timeout_ms,
                                                       char **reply_json, claude_error_t **error);

/** Changes the model, even in the middle of a turn. The CLI accepts unknown names too, and fails at the next turn.
 *  @param model NULL = the default one. */
claude_status_t claude_client_set_model(claude_client_t *client, const char *model, claude_done_fn done,
                                        void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_model */
claude_status_t claude_client_set_model_wait(claude_client_t *client, const char *model, uint32_t timeout_ms,
                                             char **reply_json, claude_error_t **error);

/** Restores files to their state at a prompt (option `enable_file_checkpointing`), or says what would change. The reply
 *  looks like {"canRewind":true,"filesChanged":[...]}. */
claude_status_t claude_client_rewind_files(claude_client_t *client, const char *message_uuid, bool dry_run,
                                           claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_rewind_files */
claude_status_t claude_client_rewind_files_wait(claude_client_t *client, const char *message_uuid, bool dry_run,
                                                uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** The status of the MCP servers: `mcpServers`. */
claude_status_t claude_client_get_mcp_status(claude_client_t *client, claude_done_fn done, void *user_data,
                                             claude_error_t **error);
/** @copydoc claude_client_get_mcp_status */
claude_status_t claude_client_get_mcp_status_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                                  claude_error_t **error);

/** Reconnects an MCP server. */
claude_status_t claude_client_reconnect_mcp_server(claude_client_t *client, const char *server_name,
                                                   claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_reconnect_mcp_server */
claude_status_t claude_client_reconnect_mcp_server_wait(claude_client_t *client, const char *server_name,
                                                        uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** Enables or disables an MCP server. */
claude_status_t claude_client_toggle_mcp_server(claude_client_t *client, const char *server_name, bool enabled,
                                                claude_done_fn done, void *user_data, claude_error_t **error);
/** @copydoc claude_client_toggle_mcp_server */
claude_status_t claude_client_toggle_mcp_server_wait(claude_client_t *client, const char *server_name, bool enabled,
                                                     uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/** Replaces the MCP servers that were added during the session. Those of the host stay, and those that were added after
 *  connecting become known to the CLI. The reply has `added`, `removed`, `errors`.
 *  @param servers_json Names and configurations; null to remove a server of the host. */
claude_status_t claude_client_set_mcp_servers(claude_client_t *client, const char *servers_json, claude_done_fn done,
                                              void *user_data, claude_error_t **error);
/** @copydoc claude_client_set_mcp_servers */
claude_status_t claude_client_set_mcp_servers_wait(claude_client_t *client, const char *servers_json,
                                                   uint32_t timeout_ms, char **reply_json, claude_error_t **error);

/**
 * Stops a background task, by the id of its `task_started` message. The CLI does not treat an unknown id as an error.
 */
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

/** Removes a prompt from the CLI's queue, provided its turn has not begun: {"cancelled":true}. */
claude_status_t claude_client_cancel_prompt(claude_client_t *client, const char *message_uuid, claude_done_fn done,
                                            void *user_data, claude_error_t **error);
/** @copydoc claude_client_cancel_prompt */
claude_status_t claude_client_cancel_prompt_wait(claude_client_t *client, const char *message_uuid, uint32_t timeout_ms,
                                                 char **reply_json, claude_error_t **error);

/** Repeats the request that began the session; claude_client_get_server_info returns the new reply from then on. The
 *  hooks stay. */
claude_status_t claude_client_reinitialize(claude_client_t *client, claude_done_fn done, void *user_data,
                                           claude_error_t **error);
/** @copydoc claude_client_reinitialize */
claude_status_t claude_client_reinitialize_wait(claude_client_t *client, uint32_t timeout_ms, char **reply_json,
                                                claude_error_t **error);

/** Sends any control request, including those that this library does not know. "initialize" is refused.
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
 * CLAUDE_ERR_CLOSED when the session has ended. CLAUDE_ERR_INVALID_ARGUMENT: an answer that does not fit; the request
 * stays open. See docs/requests.md.
 * @{ */

/** The id of a request, unique within the process. It fits in 53 bits. */
uint64_t claude_request_id(const claude_request_t *request);

/** The kind of the request. */
claude_request_kind_t claude_request_kind(const claude_request_t *request);

/** The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{...}}. */
const char *claude_request_json(const claude_request_t *request, size_t *len);

/** Its state, and how it ended. */
claude_request_state_t claude_request_state(const claude_request_t *request);

/** Whether an answer would be useless: withdrawn, expired, or the session has ended. True for an invalid handle. */
bool claude_request_is_cancelled(const claude_request_t *request);

/** Registers a callback for when the request ends without an answer from the host; it is called at once, inside this
 *  call, if that has already happened. Runs where callbacks run, possibly at the same time as the request callback. Not
 *  in PULL mode: CLAUDE_EVENT_REQUEST_CANCELLED. */
claude_status_t claude_request_on_cancel(claude_request_t *request, claude_cancel_fn callback, void *user_data,
                                         claude_destroy_fn destroy, claude_error_t **error);

/** Answers with the payload of a success response, a JSON object of the shape that this kind needs. */
claude_status_t claude_request_respond(claude_request_t *request, const char *response_json, claude_error_t **error);

/** Answers with an error response. */
claude_status_t claude_request_fail(claude_request_t *request, const char *message, claude_error_t **error);

/**
 * Permission: allows the tool to run.
 * @param input_json The input for the tool; NULL = the one that was asked about.
 * @param permissions_json Rule changes, a list as in `permission_suggestions`; NULL = none. If one is malformed, all
 *   are left out, the tool still runs, and a CLAUDE_EVENT_WARNING names it.
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
 * @param answers_json A list with one answer for each question, in order: the index of an option (from 0), the user's
 *   own text, or a list of these; such as [0,[1,2],"none"]. Or an object from questions to labels, in the CLI's own
 *   form.
 */
claude_status_t claude_request_answer_questions(claude_request_t *request, const char *answers_json,
                                                claude_error_t **error);

/** Sets a deadline, counted from now, in place of the option `request_timeout_ms`. CLAUDE_WAIT_FOREVER = none.
 *  @param action What the CLI gets then: "deny" or "error"; NULL = what the option `request_timeout_action` says. */
claude_status_t claude_request_set_deadline(claude_request_t *request, uint32_t deadline_ms, const char *action,
                                            claude_error_t **error);

/** The `user_data` of the hook or MCP handler that is called; NULL for other kinds. */
void *claude_request_user_data(const claude_request_t *request);

/** Frees a request. If it is still open, freeing its last handle refuses it. */
void claude_request_free(claude_request_t *request);

/** The open requests, oldest first, for rebuilding a user interface: `id`, `wire_id`, `kind` (a word), `kind_number`,
 *  `age_ms`, `deadline_ms` (left, or null), `handles` (held by the host), `request`. */
claude_status_t claude_client_pending_requests(claude_client_t *client, char **requests_json, claude_error_t **error);

/** Another handle to an open request; the first answer through any of them counts. CLAUDE_ERR_NOT_FOUND: none with this
 *  id is open. */
claude_status_t claude_client_take_request(claude_client_t *client, uint64_t id, claude_request_t **request,
                                           claude_error_t **error);

/**
 * Adds a hook: the CLI calls it with a CLAUDE_REQUEST_HOOK. Answer with claude_request_respond, {} for no opinion.
 * Before connecting.
 * @param event Such as "PreToolUse" or "Stop". A near miss of a known name is refused; one that only another CLI may
 *   know, or that the CLI asks no host about, gives a CLAUDE_EVENT_WARNING at connect.
 * @param matcher Such as "Bash" or "Write|Edit", or a JavaScript regular expression; NULL = all. One that can never
 *   match is refused.
 * @param deadline_ms How long the CLI waits, rounded up to whole seconds; 0 = its default. It then refuses a tool
 *   that was about to run.
 * @param on_failure What claude_request_fail means. Connecting to a CLI that cannot block is refused.
 * @param callback NULL = that of claude_client_on_request.
 */
claude_status_t claude_client_add_hook(claude_client_t *client, const char *event, const char *matcher,
                                       uint32_t deadline_ms, claude_hook_failure_t on_failure,
                                       claude_request_fn callback, void *user_data, claude_destroy_fn destroy,
                                       claude_error_t **error);

/** Declares that the host can show a kind of dialog: CLAUDE_REQUEST_DIALOG. Same as the option
 *  `supported_dialog_kinds`. Before connecting. */
claude_status_t claude_client_declare_dialog(claude_client_t *client, const char *kind, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup tools Tools inside the host
 * MCP servers whose tools are functions of the host. The model sees a tool as `mcp__<server>__<tool>`. A call is
 * answered once: CLAUDE_ERR_STALE when it was answered or withdrawn before, CLAUDE_ERR_CLOSED when the session has
 * ended. See docs/tools.md.
 * @{ */

/** Creates a server.
 *  @param name ASCII letters, digits, - and single _, at most 120: the CLI would rewrite any other name.
 *  @param options_json `version`, `instructions`, `timeout_ms`, `tools` ({"name","permission_policy"}); NULL = none. */
claude_status_t claude_mcp_server_create(const char *name, const char *options_json, claude_mcp_server_t **server,
                                         claude_error_t **error);

/** Frees a server. Clients to which it was added keep it. */
void claude_mcp_server_free(claude_mcp_server_t *server);

/**
 * Adds a tool; connected CLIs are notified. THREAD and INLINE: the callback runs on a library thread of its own and may
 * block.
 * @param tool_json As in MCP: `name`, `description`, `inputSchema`, `annotations`, `_meta`; and `max_concurrency` (1;
 *   0 = any number). Arguments that do not match the schema never reach the host.
 * @param callback NULL = the tool serves PULL clients only.
 */
claude_status_t claude_mcp_server_add_tool(claude_mcp_server_t *server, const char *tool_json, claude_tool_fn callback,
                                           void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** Removes a tool; connected CLIs are notified. Open calls can still be answered. */
claude_status_t claude_mcp_server_remove_tool(claude_mcp_server_t *server, const char *name, claude_error_t **error);

/** Adds a server to a client, or to several. The CLI learns of it when connecting; later, by
 *  claude_client_set_mcp_servers. */
claude_status_t claude_client_add_mcp_server(claude_client_t *client, claude_mcp_server_t *server,
                                             claude_error_t **error);

/**
 * Adds a server that speaks JSON-RPC itself: each message is a CLAUDE_REQUEST_MCP, one at a time, with `server_name`
 * and `message`. Answer with claude_request_respond and the response; a notification with
 * {"jsonrpc":"2.0","result":{}}.
 * @param callback NULL = that of claude_client_on_request.
 */
claude_status_t claude_client_add_mcp_handler(claude_client_t *client, const char *name, claude_request_fn callback,
                                              void *user_data, claude_destroy_fn destroy, claude_error_t **error);

/** The arguments, a JSON object that matches the schema. */
const char *claude_tool_call_arguments(const claude_tool_call_t *call, size_t *len);

/** The name of the tool. */
const char *claude_tool_call_name(const claude_tool_call_t *call, size_t *len);

/** All of it: `id`, `server`, `name`, `arguments`, and `meta` with `claudecode/toolUseId`. */
const char *claude_tool_call_json(const claude_tool_call_t *call, size_t *len);

/** The id of a call, unique within the process. It fits in 53 bits. */
uint64_t claude_tool_call_id(const claude_tool_call_t *call);

/**
 * Whether the answer is no longer wanted. Long-running work should check it now and then. True for an invalid handle.
 */
bool claude_tool_call_is_cancelled(const claude_tool_call_t *call);

/** Registers a callback for when the answer is no longer wanted; it is called at once if that is already so. Not in
 *  PULL mode: CLAUDE_EVENT_TOOL_CALL_CANCELLED. */
claude_status_t claude_tool_call_on_cancel(claude_tool_call_t *call, claude_cancel_fn callback, void *user_data,
                                           claude_destroy_fn destroy, claude_error_t **error);

/** Reports how far the work is. Has no effect when the CLI did not ask for it.
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
 *  @param text Added last; NULL = none. */
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

/** Uses a transport in place of a child process. Options for the CLI's command line, environment or process then have
 *  no effect; a CLAUDE_EVENT_WARNING lists them. Before connecting.
 *  @param vtable Copied; NULL = a child process again. */
claude_status_t claude_client_set_transport(claude_client_t *client, const claude_transport_vtable_t *vtable,
                                            void *user_data, claude_error_t **error);

/** Delivers bytes of the CLI's stdout, cut anywhere; they are copied, all or none. CLAUDE_ERR_WOULD_BLOCK: the queue is
 *  full. CLAUDE_ERR_CLOSED: after the end, or after `close`. */
claude_status_t claude_sink_push(claude_sink_t *sink, const void *bytes, size_t len, claude_error_t **error);

/** Whether the host should go on reading from the CLI: less than 1 MiB is waiting. After false, `on_room` will be
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
 * The files that the CLI has written, one for each conversation. No client is needed, and no CLI is started; each call
 * reads or writes files on the calling thread before it returns, so a UI should call them from another thread.
 * `options_json` names `config_dir`, the CLI's own folder (else CLAUDE_CONFIG_DIR, else ~/.claude), and `directory`,
 * which selects its sessions and those of its git worktrees unless `include_worktrees` is false (else all sessions).
 * CLAUDE_ERR_SESSION_NOT_FOUND: no such session. CLAUDE_ERR_FILE: the system refused. Ids are UUIDs. See
 * docs/sessions.md.
 * @{ */

/** Lists sessions, newest first, as an array of what claude_session_info gives. Only as many files are opened as rows
 *  are requested.
 *  @param options_json Also `limit`, `offset`, `include_archived`, `include_programmatic` (both true); NULL = none. */
claude_status_t claude_sessions_list(const char *options_json, char **sessions_json, claude_error_t **error);

/**
 * Describes a session: `session_id`, `summary`, `last_modified` and `created_at` (milliseconds), `file_size`,
 * `custom_title`, `first_prompt`, `git_branch`, `cwd`, `tag`, `archived`, `entrypoint`, `continued_in`, `live` (`pid`,
 * `status` of the CLI that has it open), `path`. What is not known is left out. A subagent's file, or one without a
 * word in it, is not a session.
 * @param options_json NULL = none.
 */
claude_status_t claude_session_info(const char *session_id, const char *options_json, char **info_json,
                                    claude_error_t **error);

/**
 * Reads a conversation, oldest message first. `on_message` runs on the calling thread, once for each message, before
 * this returns: `type`, `uuid`, `session_id`, `message`, `parent_tool_use_id`, `parent_agent_id`, `timestamp`, and more
 * where the CLI has recorded more. A session of any size is read in little memory.
 * @param options_json Also `limit`, `offset`, `from_end` (count both from the last message), `include_system`;
 *   NULL = none.
 * @param on_message Gets the messages: CLAUDE_MESSAGE_USER, _ASSISTANT, and _SYSTEM where that was asked for.
 */
claude_status_t claude_session_messages(const char *session_id, const char *options_json, claude_message_fn on_message,
                                        void *user_data, claude_error_t **error);

/** Lists the subagents of a session: `agent_id`, `agent_type`, `description`, `tool_use_id`, `parent_agent_id`,
 *  `finished`, `path`; null for what the CLI has not recorded.
 *  @param options_json NULL = none. */
claude_status_t claude_session_subagents(const char *session_id, const char *options_json, char **subagents_json,
                                         claude_error_t **error);

/**
 * Reads the conversation of a subagent, as claude_session_messages does.
 * @param agent_id As claude_session_subagents gives it.
 * @param options_json As for claude_session_messages; NULL = none.
 * @param on_message Gets the messages.
 */
claude_status_t claude_session_subagent_messages(const char *session_id, const char *agent_id, const char *options_json,
                                                 claude_message_fn on_message, void *user_data, claude_error_t **error);

/** Gives a session a title, even while it is live.
 *  @param options_json NULL = none. */
claude_status_t claude_session_rename(const char *session_id, const char *title, const char *options_json,
                                      claude_error_t **error);

/** Gives a session a tag, which is normalised (NFKC) and stripped of invisible characters.
 *  @param tag NULL = remove the tag.
 *  @param options_json NULL = none. */
claude_status_t claude_session_tag(const char *session_id, const char *tag, const char *options_json,
                                   claude_error_t **error);

/** Archives a session, or takes it out of the archive. Something typed into it takes it out as well.
 *  @param options_json NULL = none. */
claude_status_t claude_session_archive(const char *session_id, bool archived, const char *options_json,
                                       claude_error_t **error);

/** Removes a session from the disk with everything that belongs to it. CLAUDE_ERR_SESSION_IN_USE while a CLI or a
 *  client of this process has it open: its next write would recreate the file, without what was said before.
 *  @param options_json Also `force`; NULL = none. */
claude_status_t claude_session_delete(const char *session_id, const char *options_json, claude_error_t **error);

/** Copies a session under a new id, which the option `resume` accepts. CLAUDE_ERR_NOT_FOUND: it has no such message.
 *  @param options_json Also `up_to_message_id` (the last message that is copied), `title`; NULL = none.
 *  @param fork_json Receives `{"session_id": ...}` of the copy. */
claude_status_t claude_session_fork(const char *session_id, const char *options_json, char **fork_json,
                                    claude_error_t **error);

/** Names the folder below `projects/` in which the CLI keeps the sessions of a working folder.
 *  @param directory It need not exist. */
claude_status_t claude_session_project_key(const char *directory, char **key, claude_error_t **error);

/** @} */

/* ================================================================================================================== */
/** @defgroup stores Session stores
 * Sessions in the host's own storage, such as a database: what the CLI writes to the disk goes there too, and any
 * machine can continue from there. A store serves any number of clients at once. See docs/sessions.md.
 * @{ */

/** Creates a store from the host's functions.
 *  @param vtable Copied. */
claude_status_t claude_session_store_create(const claude_session_store_vtable_t *vtable, void *user_data,
                                            claude_session_store_t **store, claude_error_t **error);

/** Creates a store in memory, for tests: its contents are gone with it. */
claude_status_t claude_session_store_create_memory(claude_session_store_t **store, claude_error_t **error);

/** Frees a store. Clients that use it keep it until they are freed and what they had is stored; `destroy` runs then.
 *  @param store NULL = nothing. */
void claude_session_store_free(claude_session_store_t *store);

/**
 * Keeps the session in a store: each line that the CLI writes to the session's files is appended, in order, and before
 * the result that follows it is delivered. A store that fails is tried three times, then a CLAUDE_EVENT_WARNING reports
 * it (`mirror_error`); the session goes on. The options `resume` and `continue_conversation` then take the session from
 * the store: connecting writes it to a folder of its own, which is removed with the session, and fails with
 * CLAUDE_ERR_SESSION_NOT_FOUND when the store does not have it. Before connecting.
 * @param store Its handle may be freed at once; NULL = none.
 */
claude_status_t claude_client_set_session_store(claude_client_t *client, const claude_session_store_t *store,
                                                claude_error_t **error);

/**
 * Lists the sessions of a folder's project in a store, newest first: rows as from claude_sessions_list, without what
 * only a file has. It reads the `summaries` of a store that has them, and loads every other session that it lists.
 * CLAUDE_ERR_UNSUPPORTED: the store has neither `list` nor `summaries`.
 * @param options_json `directory` (else the working folder), `limit`, `offset`; NULL = none.
 */
claude_status_t claude_session_store_list(const claude_session_store_t *store, const char *options_json,
                                          uint32_t timeout_ms, char **sessions_json, claude_error_t **error);

/**
 * Stores a session that is on the disk, subagents included, appending to what the store already has of it.
 * @param options_json `config_dir`, `directory`, `include_worktrees` as for claude_session_info, `include_subagents`
 *   (true), `batch_size` (500 entries; 1 MiB at most); NULL = none.
 * @param result_json Receives the numbers of `files` and `entries`.
 */
claude_status_t claude_session_store_import(const claude_session_store_t *store, const char *session_id,
                                            const char *options_json, uint32_t timeout_ms, char **result_json,
                                            claude_error_t **error);

/**
 * Checks a store against the contract, for authors of stores. It stores sessions of its own in projects whose keys
 * begin with `-claude-store-check-`, and removes them if the store can. What the store does wrong is in the report, not
 * in the status.
 * @param timeout_ms For the whole check.
 * @param report_json Receives `ok`, the numbers `passed`, `failed` and `skipped`, and `cases`: `name`, `outcome`,
 *   `message`.
 */
claude_status_t claude_session_store_check(const claude_session_store_t *store, uint32_t timeout_ms, char **report_json,
                                           claude_error_t **error);

/**
 * Updates the summary of a session, for a store that has `summaries`: `session_id`, `mtime`, and `data`, which lists
 * read (`custom_title`, `first_prompt`, `tag`, `cwd`, `created_at` ...). Call it at each append without a `subpath`,
 * and set `mtime` to the store's own time. It has no side effects and never waits.
 * @param previous_json Its last result for this session; NULL = this is its first append.
 * @param key_json As `append` got it.
 * @param entries_json As `append` got them.
 */
claude_status_t claude_session_summary_fold(const char *previous_json, const char *key_json, const char *entries_json,
                                            char **summary_json, claude_error_t **error);

/** Answers a call of a session store and frees it. A second answer is CLAUDE_ERR_INVALID_HANDLE; CLAUDE_ERR_STALE: its
 *  time was over, and the call counts as failed.
 *  @param json The answer of the function; NULL = null. */
claude_status_t claude_store_call_respond(claude_store_call_t *call, const char *json, claude_error_t **error);

/**
 * Fails a call of a session store and frees it. An append is retried; a failed load fails the connect with this status.
 * @param status Such as CLAUDE_ERR_SESSION_IN_USE where another machine has it; CLAUDE_OK becomes CLAUDE_ERR_FILE.
 * @param message For the reader of the error.
 */
claude_status_t claude_store_call_fail(claude_store_call_t *call, claude_status_t status, const char *message,
                                       claude_error_t **error);

/** Frees a call without answering it, which fails it.
 *  @param call NULL = nothing. */
void claude_store_call_free(claude_store_call_t *call);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* CLAUDE_CLIENT_H */
