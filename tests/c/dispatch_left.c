/* Callbacks that are left without returning from them, by longjmp. */
#include "dispatch_common.h"

#include <setjmp.h>

static jmp_buf out;
static const char *leave_in = "";
static _Atomic int jumps, results, messages, warnings, destroyed, prompts, asked, told_done, logs;
static _Atomic int texts, ready, log_destroyed, other_destroyed;
static claude_client_t *freed_client;
static char seen[64];

static bool leaves(const char *where) {
    if (strcmp(leave_in, where) != 0) return false;
    leave_in = "";
    jumps++;
    return true;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(len), UNUSED(user_data);
    messages++;
    if (kind == CLAUDE_EVENT_WARNING && strstr(json, "\"callback_left\"") != NULL) {
        warnings++;
        CHECK(strstr(json, "\"remedy\"") != NULL);
        char *callback = NULL;
        OK(claude_json_get(json, "/callback", &callback, &error));
        snprintf(seen, sizeof seen, "%s", callback);
        claude_string_free(callback);
    }
    long number = sequence_number(json);
    if (number == 5 && leaves("flood")) longjmp(out, 1);
    if (kind == CLAUDE_EVENT_TEXT_DELTA && ++texts == 1 && leaves("delta")) longjmp(out, 1);
    if (kind == CLAUDE_MESSAGE_RESULT) {
        results++;
        if (leaves("message")) longjmp(out, 1);
    }
}

static void on_destroy(void *user_data) {
    UNUSED(user_data);
    destroyed++;
    if (leaves("destroy")) longjmp(out, 1);
}

static void on_log_destroy(void *user_data) {
    UNUSED(user_data);
    log_destroyed++;
}

static void on_other_destroy(void *user_data) {
    UNUSED(user_data);
    other_destroyed++;
}

static void *other_thread(void *argument) {
    claude_client_free(argument);
    return NULL;
}

static pthread_t freeing;

static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    asked++;
    if (leaves("freed-inside")) {
        claude_client_free(freed_client);
        longjmp(out, 1);
    }
    if (leaves("freed-beside")) {
        CHECK(pthread_create(&freeing, NULL, other_thread, freed_client) == 0);
        char *stats = NULL;
        while (claude_client_stats(freed_client, &stats, NULL) == CLAUDE_OK) {
            claude_string_free(stats);
            sleep_ms(1);
        }
        longjmp(out, 1);
    }
    if (leaves("request")) longjmp(out, 1);
    claude_request_allow(request, NULL, NULL, NULL);
    claude_request_free(request);
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    told_done++;
    if (leaves("done")) longjmp(out, 1);
}

static void on_stderr(const char *text, size_t len, void *user_data) {
    UNUSED(text), UNUSED(len), UNUSED(user_data);
    if (leaves("stderr")) longjmp(out, 1);
}

static void on_closed(claude_status_t status, const char *text, size_t len, void *user_data) {
    UNUSED(status), UNUSED(text), UNUSED(len), UNUSED(user_data);
    if (leaves("closed")) longjmp(out, 1);
}

static const char *next_prompt(void *user_data) {
    UNUSED(user_data);
    if (leaves("prompt")) longjmp(out, 1);
    return prompts++ < 1 ? "one" : NULL;
}

static void on_log(claude_log_level_t level, const char *text, size_t len, void *user_data) {
    UNUSED(level), UNUSED(text), UNUSED(len), UNUSED(user_data);
    if (on_library_thread()) return;
    logs++;
    if (leaves("log")) longjmp(out, 1);
}

/* Receives until the callback has been left, from a place that is deeper than where it goes on. */
static __attribute__((noinline)) void receive(claude_client_t *client, bool dispatch) {
    volatile char deep[512];
    memset((void *)deep, 1, sizeof deep);
    if (!dispatch) claude_client_receive_response(client, NULL, 30000, NULL);
    for (;;) {
        claude_status_t status = claude_client_pump(client, 0, 0, 30000, NULL, NULL);
        CHECK(status == CLAUDE_OK || status == CLAUDE_ERR_CLOSED);
        CHECK(status == CLAUDE_OK);
    }
}

static claude_client_t *start(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_message, NULL, on_destroy, &error));
    OK(claude_client_on_request(client, on_request, NULL, on_destroy, &error));
    OK(claude_client_on_stderr(client, on_stderr, NULL, on_destroy, &error));
    OK(claude_client_on_closed(client, on_closed, NULL, on_destroy, &error));
    OK(claude_client_connect_wait(client, NULL, 30000, &error));
    return client;
}

/* Whatever was left, in whatever call: everything goes on, with one warning, and nothing is lost. */
static void go_on(const char *where, bool dispatch, const char *how_it_ends) {
    claude_client_t *client = start();
    leave_in = where;
    if (setjmp(out) == 0) {
        if (strcmp(where, "prompt") == 0) {
            OK(claude_client_query_stream(client, NULL, next_prompt, NULL, NULL, &error));
        } else {
            OK(claude_client_query(client, "first", NULL, NULL, &error));
            if (strcmp(where, "done") == 0)
                OK(claude_client_set_permission_mode(client, "plan", on_done, NULL, &error));
        }
        receive(client, dispatch);
    }
    CHECK(jumps == 1);
    if (strcmp(where, "prompt") != 0 && strcmp(where, "message") != 0)
        OK(claude_client_receive_response(client, NULL, 30000, &error));
    if (strcmp(where, "message") == 0 && dispatch) /* counted, as after any dispatch */
        OK(claude_client_receive_response(client, NULL, CLAUDE_NO_WAIT, &error));
    int before = results;
    OK(claude_client_query(client, "second", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    CHECK(results == before + 1);
    while (warnings == 0) OK(claude_client_pump(client, 0, 0, 30000, NULL, &error));
    CHECK(warnings == 1 && strlen(seen) > 0);
    if (strcmp(how_it_ends, "thread") == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, other_thread, client) == 0 && pthread_join(thread, NULL) == 0);
    } else if (strcmp(how_it_ends, "shutdown") == 0) {
        OK(claude_runtime_shutdown(30000, &error));
        claude_client_free(client);
    } else {
        OK(claude_client_disconnect_wait(client, 30000, &error));
        claude_client_free(client);
    }
    CHECK(destroyed == 4);
    OK(claude_runtime_shutdown(30000, &error));
    printf("%s: %s, %d messages, %d texts\n", where, seen, messages, texts);
}

/* A flood of numbered messages: the one whose callback was left counts as received, and none comes twice or not at all. */
static void flood(void) {
    claude_client_t *client = start();
    leave_in = "flood";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "flood", NULL, NULL, &error));
        receive(client, true);
    }
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    size_t events = 1, bytes = 1;
    while (events > 0) {
        OK(claude_client_pump(client, 0, 0, CLAUDE_NO_WAIT, NULL, &error));
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, &bytes, &error));
    }
    CHECK(bytes == 0 && warnings == 1);
    CHECK(messages == stat_number(client, "/messages") + warnings);
    claude_client_free(client);
    CHECK(destroyed == 4);
}

/* Freed straight after the callback was left. */
static void freed(void) {
    claude_client_t *client = start();
    leave_in = "request";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "first", NULL, NULL, &error));
        receive(client, true);
    }
    claude_client_free(client);
    CHECK(destroyed == 4);
    OK(claude_runtime_shutdown(30000, &error));
}

/* Freed inside the callback that is then left, or meanwhile by another thread: it ends with the next call of the library. */
static void freed_meanwhile(const char *where) {
    freed_client = start();
    leave_in = where;
    if (setjmp(out) == 0) {
        OK(claude_client_query(freed_client, "first", NULL, NULL, &error));
        receive(freed_client, true);
    }
    CHECK(jumps == 1);
    claude_client_t *other = create(CLAUDE_DISPATCH_PUMP);
    if (strcmp(where, "freed-beside") == 0) CHECK(pthread_join(freeing, NULL) == 0);
    CHECK(destroyed == 4);
    claude_client_free(other);
    OK(claude_runtime_shutdown(30000, &error));
}

/* The end of the session counts as told, and nobody waits for it any more. */
static void closed(bool dispatch) {
    claude_client_t *client = start();
    leave_in = "closed";
    if (setjmp(out) == 0) {
        OK(claude_client_disconnect(client, NULL, NULL, &error));
        receive(client, dispatch);
    }
    CHECK(jumps == 1);
    CHECK(claude_client_pump(client, 0, 0, 30000, NULL, NULL) == CLAUDE_ERR_CLOSED);
    CHECK(claude_client_receive_response(client, NULL, 30000, NULL) == CLAUDE_ERR_CLOSED);
    claude_client_free(client);
    CHECK(destroyed == 4);
    OK(claude_runtime_shutdown(30000, &error));
}

/* A client that was never connected has callbacks too. */
static void unconnected(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    leave_in = "done";
    if (setjmp(out) == 0) {
        OK(claude_client_disconnect(client, on_done, NULL, &error));
        receive(client, true);
    }
    CHECK(jumps == 1 && told_done == 1);
    claude_client_free(client);
    OK(claude_runtime_shutdown(30000, &error));
}

static void on_ready(void *user_data) {
    UNUSED(user_data);
    ready++;
}

static void on_ready_once(void *user_data) {
    UNUSED(user_data);
    if (leaves("ready")) longjmp(out, 1);
}

/* The ready function is called from the midst of what the end of a session has to do: the rest is done all the same. */
static void ready_function(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_ready(client, on_ready_once, NULL, on_destroy, &error));
    leave_in = "ready";
    if (setjmp(out) == 0) OK(claude_client_disconnect(client, on_done, NULL, &error));
    CHECK(jumps == 1 && told_done == 0);
    claude_client_free(client);
    CHECK(told_done == 1 && destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* An event loop pumps when it is told to: of what a left callback had before it, the next call tells. */
static void told_of_rest(void) {
    claude_client_t *client = start();
    OK(claude_client_on_ready(client, on_ready, NULL, on_destroy, &error));
    leave_in = "flood";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "flood", NULL, NULL, &error));
        receive(client, true);
    }
    ready = 0;
    size_t events = 0;
    OK(claude_client_pending(client, CLAUDE_LANE_MESSAGES, &events, NULL, &error));
    CHECK(events > 0 && ready > 0);
    claude_client_free(client);
    CHECK(destroyed == 5);
}

/* A tool that two clients share: whichever of them had called it, it lives on until it is removed, or the server is gone. */
static _Atomic int tool_calls, tools_destroyed;

static void on_tool(claude_tool_call_t *call, void *user_data) {
    CHECK(*(int *)user_data == 7 && tools_destroyed == 0);
    tool_calls++;
    if (leaves("tool")) longjmp(out, 1);
    OK(claude_tool_call_finish(call, "done", &error));
    claude_tool_call_free(call);
}

static void on_tool_destroy(void *user_data) {
    *(int *)user_data = 0;
    tools_destroyed++;
}

static claude_client_t *with_server(claude_mcp_server_t *server) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_add_mcp_server(client, server, &error));
    OK(claude_client_connect_wait(client, "first", 30000, &error));
    return client;
}

static void shared_tool(bool removed) {
    int number = 7;
    claude_mcp_server_t *server = NULL;
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"work\"}", on_tool, &number, on_tool_destroy, &error));
    claude_client_t *client = with_server(server);
    leave_in = "tool";
    if (setjmp(out) == 0) receive(client, true);
    CHECK(jumps == 1 && tool_calls == 1);
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    claude_client_free(client);
    CHECK(tools_destroyed == 0);
    client = with_server(server);
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    CHECK(tool_calls == 2 && tools_destroyed == 0);
    if (removed) {
        OK(claude_mcp_server_remove_tool(server, "work", &error));
        CHECK(tools_destroyed == 1);
    }
    claude_mcp_server_free(server);
    claude_client_free(client);
    CHECK(tools_destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* A thread that has left a callback of one client and comes back for another one. */
static void *free_and_tell(void *argument) {
    claude_client_free(argument);
    destroyed += 100;
    return NULL;
}

static void another_client(void) {
    claude_client_t *client = start(), *other = create(CLAUDE_DISPATCH_PUMP);
    leave_in = "message";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "first", NULL, NULL, &error));
        receive(client, true);
    }
    CHECK(claude_client_state(other) == CLAUDE_STATE_CREATED);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_and_tell, client) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(destroyed == 104);
    claude_client_free(other);
}

/* A callback inside a callback of another client is left to the outer one, which goes on as before. */
static claude_client_t *inner;

static void on_outer(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    leave_in = "message";
    if (setjmp(out) == 0) {
        OK(claude_client_query(inner, "first", NULL, NULL, &error));
        receive(inner, true);
    }
    CHECK(jumps == 1);
    OK(claude_client_query(inner, "second", NULL, NULL, &error));
    OK(claude_client_receive_response(inner, NULL, 30000, &error));
    OK(claude_client_receive_response(inner, NULL, 30000, &error));
    CHECK(claude_client_pump(user_data, 0, 0, 0, NULL, NULL) == CLAUDE_ERR_WOULD_DEADLOCK);
}

static void nested(void) {
    inner = start();
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_outer, client, NULL, &error));
    OK(claude_client_connect_wait(client, "first", 30000, &error));
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    CHECK(jumps == 1 && warnings == 1);
    OK(claude_client_query(client, "x", NULL, NULL, &error));
    claude_client_free(client);
    claude_client_free(inner);
    CHECK(destroyed == 4);
}

/* A callback of one client inside that of another one, both left at once: what each registered ends with its own client. */
static void on_outer_of_both(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind != CLAUDE_MESSAGE_RESULT || jumps > 0) return;
    leave_in = "message";
    OK(claude_client_query(inner, "first", NULL, NULL, &error));
    receive(inner, true);
}

static void out_of_both(bool inner_first) {
    inner = start();
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_outer_of_both, NULL, on_other_destroy, &error));
    OK(claude_client_connect_wait(client, "first", 30000, &error));
    if (setjmp(out) == 0) receive(client, true);
    CHECK(jumps == 1);
    claude_client_t *first = inner_first ? inner : client, *second = inner_first ? client : inner;
    claude_client_free(first);
    CHECK(destroyed == (inner_first ? 4 : 0) && other_destroyed == (inner_first ? 0 : 1));
    OK(claude_client_receive_response(second, NULL, inner_first ? 30000 : CLAUDE_NO_WAIT, &error));
    OK(claude_client_query(second, "second", NULL, NULL, &error));
    OK(claude_client_receive_response(second, NULL, 30000, &error));
    claude_client_free(second);
    CHECK(destroyed == 4 && other_destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* The outer callback returns straight after it was jumped into: no call of the library shows it. */
static void on_outer_that_returns(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    leave_in = "message";
    if (setjmp(out) == 0) {
        OK(claude_client_query(inner, "first", NULL, NULL, &error));
        receive(inner, true);
    }
}

static void jumped_into(void) {
    inner = start();
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_outer_that_returns, NULL, on_other_destroy, &error));
    OK(claude_client_connect_wait(client, "first", 30000, &error));
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    CHECK(jumps == 1);
    claude_client_free(inner);
    CHECK(destroyed == 4 && other_destroyed == 0);
    claude_client_free(client);
    CHECK(other_destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* Two messages of one read: the callback of one is jumped into, that of the other is left. */
static jmp_buf behind;
static long seen_messages;

static void on_messages_of_one_read(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(len), UNUSED(user_data);
    seen_messages++;
    long number = sequence_number(json);
    if (number == 5 && jumps == 0) {
        leave_in = "message";
        if (setjmp(out) == 0) {
            OK(claude_client_query(inner, "first", NULL, NULL, &error));
            receive(inner, true);
        }
    } else if (number == 20 && jumps == 1) {
        jumps++;
        longjmp(behind, 1);
    }
    if (kind == CLAUDE_EVENT_WARNING && strstr(json, "\"callback_left\"") != NULL) warnings++;
}

static void jumped_into_then_left(void) {
    inner = start();
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_messages_of_one_read, NULL, on_other_destroy, &error));
    OK(claude_client_connect_wait(client, NULL, 30000, &error));
    OK(claude_client_query(client, "flood", NULL, NULL, &error));
    if (setjmp(behind) == 0) receive(client, true);
    CHECK(jumps == 2);
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    size_t events = 1;
    while (events > 0) {
        OK(claude_client_pump(client, 0, 0, CLAUDE_NO_WAIT, NULL, &error));
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, NULL, &error));
    }
    CHECK(warnings == 1);
    CHECK(seen_messages == stat_number(client, "/messages") + warnings);
    claude_client_free(inner);
    CHECK(destroyed == 4 && other_destroyed == 0);
    claude_client_free(client);
    CHECK(other_destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* The log callback raises inside a callback, to the place before both or to the callback itself. */
static bool to_the_callback;
static claude_tool_call_t *kept_call;

static void on_kept_tool(claude_tool_call_t *call, void *user_data) {
    UNUSED(user_data);
    kept_call = call;
}

static void on_message_that_logs(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind != CLAUDE_MESSAGE_RESULT || jumps > 0) return;
    leave_in = "log";
    if (to_the_callback && setjmp(out) != 0) return;
    claude_tool_call_set_structured(kept_call, "{\"n\": 9007199254740993}", NULL);
    CHECK(!"the log callback was called");
}

static void log_inside(const char *how) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    claude_mcp_server_t *server = NULL;
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"work\"}", on_kept_tool, NULL, NULL, &error));
    OK(claude_client_add_mcp_server(client, server, &error));
    claude_mcp_server_free(server);
    OK(claude_client_on_message(client, on_message_that_logs, NULL, on_other_destroy, &error));
    OK(claude_client_connect_wait(client, NULL, 30000, &error));
    OK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, NULL, on_log_destroy, &error));
    to_the_callback = strcmp(how, "log-to-callback") == 0;
    if (to_the_callback || setjmp(out) == 0) {
        OK(claude_client_query(client, "first", NULL, NULL, &error));
        if (!to_the_callback) receive(client, true);
        OK(claude_client_receive_response(client, NULL, 30000, &error));
    }
    CHECK(jumps == 1);
    claude_tool_call_free(kept_call);
    /* The thread may wait again. */
    OK(claude_client_disconnect_wait(client, 30000, &error));
    bool log_first = strcmp(how, "log-ends-first") == 0;
    if (log_first) {
        OK(claude_runtime_on_log(0, NULL, NULL, NULL, &error));
        CHECK(log_destroyed == 1 && other_destroyed == 0);
    }
    claude_client_free(client);
    CHECK(log_destroyed == log_first && other_destroyed == 1);
    int before = logs;
    claude_client_free(create(CLAUDE_DISPATCH_PUMP));
    CHECK(!log_first || logs == before);
    OK(claude_runtime_on_log(0, NULL, NULL, NULL, &error));
    CHECK(log_destroyed == 1 && other_destroyed == 1);
    OK(claude_runtime_shutdown(30000, &error));
}

/* The log callback on the host's own thread; the lines go on, and it can be replaced. */
static void log_callback(void) {
    claude_client_t *client = start();
    OK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, NULL, on_destroy, &error));
    leave_in = "message";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "first", NULL, NULL, &error));
        receive(client, true);
    }
    /* The next call tells the log of that, on this thread. */
    leave_in = "log";
    if (setjmp(out) == 0) claude_client_query(client, "second", NULL, NULL, NULL);
    CHECK(jumps == 2);
    int before = logs;
    OK(claude_client_query(client, "second", NULL, NULL, &error));
    CHECK(logs > before);
    OK(claude_runtime_on_log(0, NULL, NULL, NULL, &error));
    claude_client_free(client);
    CHECK(destroyed == 5);
    OK(claude_runtime_shutdown(30000, &error));
}

/* A destroy function that is left: the client is gone all the same. */
static void destroy_function(void) {
    claude_client_t *client = start();
    leave_in = "destroy";
    if (setjmp(out) == 0) OK(claude_client_on_message(client, NULL, NULL, NULL, &error));
    CHECK(jumps == 1 && destroyed == 1);
    OK(claude_client_on_message(client, on_message, NULL, on_destroy, &error));
    OK(claude_client_query(client, "first", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, 30000, &error));
    claude_client_free(client);
    CHECK(destroyed == 5);
    OK(claude_runtime_shutdown(30000, &error));
}

int main(int count, char **arguments) {
    CHECK(count >= 2);
    const char *what = arguments[1];
    if (strcmp(what, "go-on") == 0) go_on(arguments[2], strcmp(arguments[3], "dispatch") == 0, arguments[4]);
    else if (strcmp(what, "flood") == 0) flood();
    else if (strcmp(what, "freed") == 0) freed();
    else if (strncmp(what, "freed-", 6) == 0) freed_meanwhile(what);
    else if (strcmp(what, "closed") == 0) closed(strcmp(arguments[2], "dispatch") == 0);
    else if (strcmp(what, "unconnected") == 0) unconnected();
    else if (strcmp(what, "told-of-rest") == 0) told_of_rest();
    else if (strcmp(what, "shared-tool") == 0) shared_tool(strcmp(arguments[2], "removed") == 0);
    else if (strcmp(what, "out-of-both") == 0) out_of_both(strcmp(arguments[2], "inner-first") == 0);
    else if (strcmp(what, "jumped-into") == 0) jumped_into();
    else if (strcmp(what, "jumped-into-then-left") == 0) jumped_into_then_left();
    else if (strncmp(what, "log-", 4) == 0) log_inside(what);
    else if (strcmp(what, "another-client") == 0) another_client();
    else if (strcmp(what, "nested") == 0) nested();
    else if (strcmp(what, "log") == 0) log_callback();
    else if (strcmp(what, "ready") == 0) ready_function();
    else if (strcmp(what, "destroy") == 0) destroy_function();
    else CHECK(!"a scenario");
    puts("good");
    return 0;
}
