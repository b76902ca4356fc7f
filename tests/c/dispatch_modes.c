/* Which thread runs each kind of callback in each mode, in which order, with which kinds. */
#include "dispatch_common.h"

#define PROMPTS 3

static int mode;
static pump_t pump;
static _Atomic int messages, deltas, stream_events, results, requests, stderrs, closes, dones, ready_calls, prompts, cancels;
static _Atomic int in_messages, in_requests;
static _Atomic int permissions, hooks, tools, destroyed;
static int main_tid, destroying_tid;
static claude_client_t *client;
static char text[256];

/* The one place that says who may call. */
static void check_thread(bool wakeup) {
    if (wakeup) {
        CHECK(mode == CLAUDE_DISPATCH_PUMP || mode == CLAUDE_DISPATCH_PULL);
        return;
    }
    switch (mode) {
    case CLAUDE_DISPATCH_THREAD: CHECK(on_thread_named("claude-callback")); break;
    case CLAUDE_DISPATCH_PUMP: CHECK(tid() == pump.tid); break;
    case CLAUDE_DISPATCH_INLINE: CHECK(on_thread_named("claude-io")); break;
    default: CHECK(!"a callback in PULL mode");
    }
}

/* A destroy-notify runs on the thread whose call let go of the callback. */
static void destroy(void *user_data) {
    UNUSED(user_data);
    CHECK(tid() == destroying_tid);
    destroyed++;
}

static void count_message(claude_message_kind_t kind, const char *json, size_t len) {
    CHECK(strlen(json) == len);
    if (kind == CLAUDE_EVENT_TEXT_DELTA) {
        CHECK(++deltas == stream_events || stream_events > deltas);
        strncat(text, json, sizeof text - strlen(text) - 1);
    } else if (kind == CLAUDE_MESSAGE_STREAM_EVENT) {
        CHECK(strstr(json, "\"stream_event\"") != NULL);
        stream_events++;
    } else if (kind == CLAUDE_MESSAGE_RESULT) {
        CHECK(strstr(json, "\"type\":\"result\"") != NULL);
        results++;
    } else if (kind == CLAUDE_MESSAGE_ASSISTANT) {
        CHECK(strstr(json, "\"type\":\"assistant\"") != NULL);
    } else if (kind == CLAUDE_MESSAGE_SYSTEM) {
        CHECK(strstr(json, "\"type\":\"system\"") != NULL);
    }
    messages++;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    check_thread(false);
    CHECK(user_data == (void *)&messages);
    CHECK(in_messages++ == 0);
    count_message(kind, json, len);
    in_messages--;
}

static void on_cancel(uint64_t id, void *user_data) {
    UNUSED(id), UNUSED(user_data);
    check_thread(false);
    cancels++;
}

/* What no other callback is for. */
static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    check_thread(false);
    CHECK(in_requests++ == 0);
    CHECK(claude_request_kind(request) == CLAUDE_REQUEST_ELICITATION);
    requests++;
    claude_request_free(request);
    in_requests--;
}

static void on_permission(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    check_thread(false);
    CHECK(in_requests++ == 0);
    permissions++;
    if (strstr(claude_request_json(request, NULL), "to be withdrawn")) {
        OK(claude_request_on_cancel(request, on_cancel, NULL, NULL, &error));
        in_requests--;
        return; /* kept: the CLI withdraws it */
    }
    OK(claude_request_allow(request, NULL, NULL, &error));
    claude_request_free(request);
    in_requests--;
}

static void on_hook(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    check_thread(false);
    CHECK(in_requests++ == 0);
    hooks++;
    OK(claude_request_respond(request, "{}", &error));
    claude_request_free(request);
    in_requests--;
}

static void answer_tool(claude_tool_call_t *call) {
    tools++;
    OK(claude_tool_call_add_text(call, "done", &error));
    OK(claude_tool_call_finish(call, NULL, &error));
    claude_tool_call_free(call);
}

static void on_tool(claude_tool_call_t *call, void *user_data) {
    UNUSED(user_data);
    /* A tool may block, so INLINE has it on another thread of the library than the reader. */
    if (mode == CLAUDE_DISPATCH_INLINE) CHECK(on_thread_named("claude-callback"));
    else check_thread(false);
    answer_tool(call);
}

static void on_stderr(const char *line, size_t len, void *user_data) {
    UNUSED(user_data);
    check_thread(false);
    CHECK(in_messages++ == 0);
    CHECK(strlen(line) == len && strcmp(line, "a line of stderr") == 0);
    stderrs++;
    in_messages--;
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    check_thread(false);
    CHECK(status == CLAUDE_OK);
    /* Nothing of the message lane runs meanwhile: the old callback goes at once, here. */
    destroying_tid = tid();
    OK(claude_client_on_stderr(client, NULL, NULL, NULL, &error));
    CHECK(destroyed == 1);
    closes++;
}

static void on_ready(void *user_data) {
    UNUSED(user_data);
    check_thread(true);
    ready_calls++;
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(len);
    check_thread(false);
    if (status != CLAUDE_OK) fprintf(stderr, "done: %s\n", json);
    CHECK(status == CLAUDE_OK && user_data == (void *)&dones);
    dones++;
}

static const char *next_prompt(void *user_data) {
    UNUSED(user_data);
    /* A generator may block, so INLINE has it on another thread of the library than the reader. */
    if (mode == CLAUDE_DISPATCH_INLINE) CHECK(on_thread_named("claude-callback"));
    else check_thread(false);
    return prompts++ < PROMPTS - 1 ? "go on" : NULL;
}

static void check_counts(void) {
    CHECK(results == PROMPTS);
    CHECK(deltas == 4 * PROMPTS && stream_events >= deltas);
    CHECK(strncmp(text, "one two three four", 18) == 0);
    CHECK(requests == PROMPTS && permissions == 2 * PROMPTS && cancels == PROMPTS);
    CHECK(hooks == PROMPTS && tools == PROMPTS);
    CHECK(stderrs == PROMPTS && closes == 1 && dones == 3);
}

#define REGISTRATIONS 8

static void register_all(void) {
    claude_request_fn hook = UNLESS_PULL(mode, on_hook);
    claude_tool_fn tool = UNLESS_PULL(mode, on_tool);
    claude_mcp_server_t *server = NULL;
    client = create(mode);
    OK(claude_client_on_message(client, UNLESS_PULL(mode, on_message), (void *)&messages, destroy, &error));
    OK(claude_client_on_request(client, UNLESS_PULL(mode, on_request), NULL, destroy, &error));
    OK(claude_client_on_permission(client, UNLESS_PULL(mode, on_permission), NULL, destroy, &error));
    OK(claude_client_add_hook(client, "SessionEnd", NULL, 0, CLAUDE_HOOK_CONTINUE, hook, NULL, destroy, &error));
    OK(claude_client_on_stderr(client, UNLESS_PULL(mode, on_stderr), NULL, destroy, &error));
    OK(claude_client_on_closed(client, UNLESS_PULL(mode, on_closed), NULL, destroy, &error));
    OK(claude_client_on_ready(client, on_ready, NULL, destroy, &error));
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"work\"}", tool, NULL, destroy, &error));
    OK(claude_client_add_mcp_server(client, server, &error));
    claude_mcp_server_free(server);
}

static void free_client(void) {
    /* Without a callback nothing keeps what it would need, but for a hook. */
    CHECK(destroyed == (mode == CLAUDE_DISPATCH_PULL ? 5 : 1));
    destroying_tid = main_tid;
    claude_client_free(client);
    CHECK(destroyed == REGISTRATIONS);
}

static void with_callbacks(void) {
    register_all();
    if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
    OK(claude_client_connect(client, NULL, on_done, (void *)&dones, &error));
    WAIT_FOR(dones == 1);
    OK(claude_client_query(client, "hello", NULL, NULL, &error));
    OK(claude_client_query_stream(client, NULL, next_prompt, NULL, NULL, &error));
    WAIT_FOR(results == PROMPTS && cancels == PROMPTS && prompts == PROMPTS && stderrs == PROMPTS);
    OK(claude_client_interrupt(client, on_done, (void *)&dones, &error));
    WAIT_FOR(dones == 2);
    OK(claude_client_disconnect(client, on_done, (void *)&dones, &error));
    WAIT_FOR(dones == 3 && closes == 1);
    if (mode == CLAUDE_DISPATCH_PUMP) {
        CHECK(ready_calls > 0);
        pump_end(&pump);
    } else {
        CHECK(ready_calls == 0);
    }
    check_counts();
    free_client();
}

static void pull_request(claude_event_t *event, const claude_event_info_t *info) {
    claude_request_t *request = NULL, *again = NULL;
    claude_tool_call_t *call = NULL;
    OK(claude_event_take_request(event, &request, &error));
    CHECK(claude_event_take_request(event, &again, NULL) == CLAUDE_ERR_NOT_FOUND && again == NULL);
    CHECK(claude_event_take_tool_call(event, &call, NULL) == CLAUDE_ERR_NOT_FOUND && call == NULL);
    CHECK(info->id == claude_request_id(request) && info->request_kind == claude_request_kind(request));
    CHECK(info->user_data == claude_request_user_data(request));
    const char *json = info->json;
    switch ((int)claude_request_kind(request)) {
    case CLAUDE_REQUEST_PERMISSION:
        permissions++;
        if (strstr(json, "to be withdrawn")) return; /* kept: the CLI withdraws it */
        OK(claude_request_allow(request, NULL, NULL, &error));
        break;
    case CLAUDE_REQUEST_HOOK:
        hooks++;
        OK(claude_request_respond(request, "{}", &error));
        break;
    default: requests++;
    }
    claude_request_free(request);
}

static void pull_call(claude_event_t *event, const claude_event_info_t *info) {
    claude_tool_call_t *call = NULL, *again = NULL;
    OK(claude_event_take_tool_call(event, &call, &error));
    CHECK(claude_event_take_tool_call(event, &again, NULL) == CLAUDE_ERR_NOT_FOUND && again == NULL);
    CHECK(info->id != 0 && info->id == claude_tool_call_id(call));
    answer_tool(call);
}

static bool pull_one(void) {
    claude_event_t *event = NULL;
    claude_status_t status = claude_client_next(client, CLAUDE_LANE_ALL, patience_ms(), &event, NULL);
    if (status == CLAUDE_ERR_CLOSED) return false;
    CHECK(status == CLAUDE_OK);
    claude_event_info_t info = info_of(event);
    const char *json = info.json;
    CHECK(strlen(json) == info.len);
    bool among_messages = info.kind < CLAUDE_EVENT_REQUEST || info.kind == CLAUDE_EVENT_STDERR || info.kind == CLAUDE_EVENT_CLOSED;
    CHECK(info.lane == (among_messages ? CLAUDE_LANE_MESSAGES : CLAUDE_LANE_REQUESTS));
    CHECK(closes == 0 || !among_messages);
    switch ((int)info.kind) {
    case CLAUDE_EVENT_REQUEST: pull_request(event, &info); break;
    case CLAUDE_EVENT_TOOL_CALL: pull_call(event, &info); break;
    case CLAUDE_EVENT_REQUEST_CANCELLED: cancels++; break;
    case CLAUDE_EVENT_DONE:
        CHECK(info.user_data == (void *)&dones);
        CHECK(info.status == CLAUDE_OK);
        dones++;
        break;
    case CLAUDE_EVENT_STDERR:
        CHECK(strcmp(json, "a line of stderr") == 0);
        stderrs++;
        break;
    case CLAUDE_EVENT_CLOSED: closes++; break;
    default: count_message(info.kind, json, info.len);
    }
    claude_event_free(event);
    claude_event_free(event);
    return true;
}

/* A callback that would never be called is refused, and what it needs is freed. */
static void refused_in_pull(void) {
    int before = destroyed;
    CHECK(claude_client_on_message(client, on_message, NULL, destroy, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_on_request(client, on_request, NULL, destroy, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_on_permission(client, on_permission, NULL, destroy, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_on_stderr(client, on_stderr, NULL, destroy, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_on_closed(client, on_closed, NULL, destroy, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(destroyed == before + 5);
    destroyed = before;
}

static void pulling(void) {
    destroying_tid = main_tid;
    register_all();
    refused_in_pull();
    CHECK(claude_client_connect(client, NULL, on_done, NULL, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_receive_response(client, NULL, 0, NULL) == CLAUDE_ERR_UNSUPPORTED);
    CHECK(claude_client_pump(client, 0, 0, 0, NULL, NULL) == CLAUDE_ERR_UNSUPPORTED);
    OK(claude_client_connect(client, NULL, NULL, (void *)&dones, &error));
    while (dones == 0) CHECK(pull_one());
    for (int i = 0; i < PROMPTS; i++) OK(claude_client_query(client, "hello", NULL, NULL, &error));
    while (results < PROMPTS || cancels < PROMPTS || stderrs < PROMPTS) CHECK(pull_one());
    OK(claude_client_interrupt(client, NULL, (void *)&dones, &error));
    while (dones < 2) CHECK(pull_one());
    OK(claude_client_disconnect(client, NULL, (void *)&dones, &error));
    while (pull_one()) {}
    CHECK(ready_calls > 0);
    check_counts();
    free_client();
}

/* An event that is freed with its request inside refuses the request. */
static void dropped_request(void) {
    client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_on_permission(client, NULL, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "ask", patience_ms(), &error));
    bool asked = false, refused = false, ended = false;
    while (!ended) {
        claude_event_t *event = NULL;
        OK(claude_client_next(client, CLAUDE_LANE_ALL, patience_ms(), &event, &error));
        asked |= info_of(event).kind == CLAUDE_EVENT_REQUEST;
        refused |= strstr(info_of(event).json, "deny") != NULL;
        ended = info_of(event).kind == CLAUDE_MESSAGE_RESULT;
        claude_event_free(event);
    }
    CHECK(asked && refused);
    claude_client_free(client);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    main_tid = tid();
    if (strcmp(argv[1], "dropped-request") == 0) {
        dropped_request();
        return 0;
    }
    mode = mode_named(argv[1]);
    if (mode == CLAUDE_DISPATCH_PULL) pulling();
    else with_callbacks();
    return 0;
}
