/* Functions that wait, called in every place where they must not. */
#include "dispatch_common.h"

static claude_client_t *pumped, *pulled, *threaded;
static const char *place;
static _Atomic int tried;
static _Atomic bool inside;

static void refused(const char *function, claude_status_t status) {
    if (status == CLAUDE_ERR_WOULD_DEADLOCK) return;
    fprintf(stderr, "%s is not refused in %s: %s\n", function, place, claude_status_name(status));
    fflush(stderr);
    _exit(1);
}

static void nothing(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
}

/* None of them may wait, however long they are told to. */
static void try_all(void) {
    claude_event_t *event = NULL;
    char *text = NULL;
    if (inside || tried) return;
    inside = true;
    int64_t begun = now_us();
    for (int round = 0; round < 2; round++) {
        uint32_t time = round == 0 ? CLAUDE_WAIT_FOREVER : 1000;
        refused("dispatch", claude_client_pump(pumped, 0, 0, time, NULL, NULL));
        refused("next", claude_client_next(pulled, CLAUDE_LANE_ALL, time, &event, NULL));
        refused("receive_response", claude_client_receive_response(pumped, NULL, time, NULL));
        refused("receive_response", claude_client_receive_response(threaded, NULL, time, NULL));
        refused("connect_wait", claude_client_connect_wait(pumped, NULL, time, NULL));
        refused("disconnect_wait", claude_client_disconnect_wait(threaded, time, NULL));
        refused("interrupt_wait", claude_client_interrupt_wait(threaded, time, NULL, NULL));
        refused("control_wait", claude_client_control_wait(threaded, "{\"subtype\":\"x\"}", time, &text, NULL));
        refused("shutdown", claude_runtime_shutdown(time, NULL));
        refused("query_once", claude_query_once("x", getenv("OPTIONS"), NULL, NULL, NULL, time, NULL, NULL));
        refused("probe", claude_probe(NULL, time, &text, NULL));
    }
    CHECK(claude_client_on_message(threaded, nothing, NULL, NULL, NULL) == CLAUDE_OK);
    CHECK(claude_client_query(threaded, "what does not wait is let through", NULL, NULL, NULL) == CLAUDE_OK);
    CHECK(now_us() - begun < 20000000);
    tried++;
    inside = false;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    try_all();
}

static void on_text(const char *text, size_t len, void *user_data) {
    UNUSED(text), UNUSED(len), UNUSED(user_data);
    try_all();
}

static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    try_all();
    claude_request_free(request);
}

static void on_closed(claude_status_t status, const char *text, size_t len, void *user_data) {
    UNUSED(status), UNUSED(text), UNUSED(len), UNUSED(user_data);
    try_all();
}

static void on_log(claude_log_level_t level, const char *text, size_t len, void *user_data) {
    UNUSED(level), UNUSED(text), UNUSED(len);
    if (user_data == NULL || on_library_thread()) try_all();
}

static void plain(void *user_data) {
    UNUSED(user_data);
    if (threaded != NULL) try_all();
}

static void on_library(void *user_data) {
    UNUSED(user_data);
    if (on_library_thread()) try_all();
}

static const char *next_prompt(void *user_data) {
    UNUSED(user_data);
    try_all();
    return NULL;
}

static _Atomic bool reached;

static claude_status_t t_connect(claude_sink_t *given, void *user_data) {
    UNUSED(given), UNUSED(user_data);
    reached = true;
    if (strcmp(place, "transport-connect") == 0) try_all();
    return 0;
}

static claude_status_t t_write(const void *bytes, size_t len, void *user_data) {
    UNUSED(bytes), UNUSED(len), UNUSED(user_data);
    if (strcmp(place, "transport-write") == 0) try_all();
    return 0;
}

static int32_t t_close(void *user_data) {
    UNUSED(user_data);
    if (strcmp(place, "transport-close") == 0) try_all();
    return 0;
}

static int32_t t_end(void *user_data) {
    UNUSED(user_data);
    return 0;
}

static void end_run(claude_client_t *client) {
    claude_client_free(client);
    claude_client_free(pumped);
    claude_client_free(pulled);
    claude_client_free(threaded);
    OK(claude_runtime_shutdown(30000, &error));
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    place = arguments[1];
    int mode = mode_named(arguments[2]);
    claude_runtime_config_t config = {0};
    config.size = sizeof config;
    if (strcmp(place, "thread-start") == 0) config.on_thread_start = plain;
    /* The threads of callbacks end when they have been idle. */
    if (strcmp(place, "thread-stop") == 0) config.on_thread_stop = plain;
    OK(claude_runtime_configure(&config, &error));
    pumped = create(CLAUDE_DISPATCH_PUMP);
    pulled = create(CLAUDE_DISPATCH_PULL);
    claude_client_t *quiet = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(quiet, NULL, 30000, &error));
    threaded = quiet;
    claude_client_t *client = create(mode);
    if (strcmp(place, "message") == 0) OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    if (strcmp(place, "request") == 0) OK(claude_client_on_request(client, on_request, NULL, NULL, &error));
    if (strcmp(place, "stderr") == 0) OK(claude_client_on_stderr(client, on_text, NULL, NULL, &error));
    if (strcmp(place, "closed") == 0) OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
    if (strcmp(place, "wakeup") == 0) OK(claude_client_on_ready(client, plain, NULL, NULL, &error));
    if (strcmp(place, "log") == 0) OK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, NULL, NULL, &error));
    if (strcmp(place, "log-library") == 0)
        OK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, (void *)1, NULL, &error));
    if (strncmp(place, "transport", 9) == 0) {
        claude_transport_vtable_t table = {0};
        table.size = sizeof table;
        table.connect = t_connect, table.write = t_write, table.end_input = t_end, table.close = t_close;
        claude_client_t *remote = NULL;
        OK(claude_client_create("{}", &remote, &error));
        OK(claude_client_set_transport(remote, &table, NULL, &error));
        OK(claude_client_connect(remote, NULL, NULL, NULL, &error));
        WAIT_FOR(reached);
        if (strcmp(place, "transport-close") == 0) claude_client_free(remote);
        WAIT_FOR(tried == 1);
        claude_client_free(remote);
        end_run(client);
        return 0;
    }
    OK(claude_client_connect_wait(client, NULL, 30000, &error));
    if (strcmp(place, "prompt") == 0)
        OK(claude_client_query_stream(client, NULL, next_prompt, NULL, on_library, &error));
    else if (strcmp(place, "destroy") == 0)
        OK(claude_client_query_stream(client, NULL, next_prompt, NULL, on_library, &error));
    else
        OK(claude_client_query(client, "a turn", NULL, NULL, &error));
    if (strcmp(place, "closed") == 0) OK(claude_client_disconnect(client, NULL, NULL, &error));
    WAIT_FOR(tried == 1);
    end_run(client);
    return 0;
}
