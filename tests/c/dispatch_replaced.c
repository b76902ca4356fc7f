/* A callback is replaced on one thread while another frees the client: what was before is let go of by then. */
#include "dispatch_common.h"

static claude_client_t *client;
static _Atomic bool letting_go, freeing, let_go;
static _Atomic int later_destroyed;
static const char *what;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
}
static void on_text(const char *text, size_t len, void *user_data) { UNUSED(text), UNUSED(len), UNUSED(user_data); }
static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
}
static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    claude_request_free(request);
}
static void on_ready(void *user_data) { UNUSED(user_data); }
static claude_status_t connects(claude_sink_t *sink, void *user_data) {
    UNUSED(sink), UNUSED(user_data);
    return CLAUDE_OK;
}
static claude_status_t writes(const void *bytes, size_t len, void *user_data) {
    UNUSED(bytes), UNUSED(len), UNUSED(user_data);
    return CLAUDE_OK;
}
static claude_status_t does(void *user_data) {
    UNUSED(user_data);
    return CLAUDE_OK;
}

/* Takes long, on the thread that replaces. */
static void slow_destroy(void *user_data) {
    UNUSED(user_data);
    letting_go = true;
    WAIT_FOR(freeing);
    sleep_ms(200);
    let_go = true;
}

static void freeing_destroy(void *user_data) {
    UNUSED(user_data);
    claude_client_free(client);
    CHECK(claude_client_wake(client, NULL) == CLAUDE_ERR_INVALID_HANDLE);
    CHECK(later_destroyed == 0);
    let_go = true;
}

static void later_destroy(void *user_data) {
    UNUSED(user_data);
    later_destroyed++;
}

static void set(claude_destroy_fn destroy) {
    if (strcmp(what, "message") == 0) OK(claude_client_on_message(client, on_message, NULL, destroy, &error));
    else if (strcmp(what, "stderr") == 0) OK(claude_client_on_stderr(client, on_text, NULL, destroy, &error));
    else if (strcmp(what, "closed") == 0) OK(claude_client_on_closed(client, on_closed, NULL, destroy, &error));
    else if (strcmp(what, "ready") == 0) OK(claude_client_on_ready(client, on_ready, NULL, destroy, &error));
    else if (strcmp(what, "request") == 0) OK(claude_client_on_request(client, on_request, NULL, destroy, &error));
    else if (strcmp(what, "permission") == 0) OK(claude_client_on_permission(client, on_request, NULL, destroy, &error));
    else {
        claude_transport_vtable_t table = {sizeof table, connects, writes, does, does, NULL, NULL, destroy};
        CHECK(strcmp(what, "transport") == 0);
        OK(claude_client_set_transport(client, &table, NULL, &error));
    }
}

static void *replace(void *argument) {
    UNUSED(argument);
    set(later_destroy);
    return NULL;
}

/* The free waits for the destroy-notify that runs on the other thread. */
static void freed_meanwhile(void) {
    pthread_t thread;
    set(slow_destroy);
    CHECK(pthread_create(&thread, NULL, replace, NULL) == 0);
    WAIT_FOR(letting_go);
    freeing = true;
    claude_client_free(client);
    CHECK(let_go);
    CHECK(later_destroyed == 1);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* The destroy-notify itself frees: the rest of the promise is kept when the replacement returns. */
static void freed_by_it(void) {
    set(freeing_destroy);
    set(later_destroy);
    CHECK(let_go);
    CHECK(later_destroyed == 1);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    what = argv[2];
    client = create(CLAUDE_DISPATCH_PUMP);
    if (strcmp(argv[1], "meanwhile") == 0) freed_meanwhile();
    else if (strcmp(argv[1], "by-it") == 0) freed_by_it();
    else return 2;
    return 0;
}
