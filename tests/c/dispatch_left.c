/* Callbacks that are left without returning from them, by longjmp. */
#include "dispatch_common.h"

#include <setjmp.h>

static jmp_buf out;
static const char *leave_in = "";
static _Atomic int jumps, results, messages, warnings, destroyed, prompts, asked, told_done, logs;
static _Atomic int texts;
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

static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    asked++;
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

static void *other_thread(void *argument) {
    claude_client_free(argument);
    return NULL;
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

/* Freed inside the callback that is then left, and freed straight after it. */
static void freed(bool inside) {
    claude_client_t *client = start();
    leave_in = "request";
    if (setjmp(out) == 0) {
        OK(claude_client_query(client, "first", NULL, NULL, &error));
        receive(client, true);
    }
    if (inside) {
        leave_in = "";
    }
    claude_client_free(client);
    CHECK(destroyed == 4);
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
    else if (strcmp(what, "freed") == 0) freed(false);
    else if (strcmp(what, "another-client") == 0) another_client();
    else if (strcmp(what, "nested") == 0) nested();
    else if (strcmp(what, "log") == 0) log_callback();
    else if (strcmp(what, "destroy") == 0) destroy_function();
    else CHECK(!"a scenario");
    puts("good");
    return 0;
}
