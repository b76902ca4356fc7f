/* A thread that is to be cancelled makes its first call of the library: the call is made to its end, and then the thread
 * ends. Argument: which call. */
#include "dispatch_common.h"

static claude_client_t *client;

static void next(claude_error_t **error) {
    claude_event_t *event = NULL;
    CHECK(claude_client_next(client, CLAUDE_LANE_REQUESTS, 0, &event, error) == CLAUDE_OK);
    CHECK(info_of(event).kind == CLAUDE_EVENT_DONE);
    claude_event_free(event);
}

static void dead_client(claude_error_t **error) {
    claude_event_t *event = NULL;
    CHECK(claude_client_next(NULL, CLAUDE_LANE_ALL, 0, &event, error) == CLAUDE_ERR_INVALID_HANDLE);
}

static void dead_event(claude_error_t **error) {
    claude_event_info_t info = {.size = sizeof info};
    CHECK(claude_event_info(NULL, &info, error) == CLAUDE_ERR_INVALID_HANDLE);
}

static void wrong_mode(claude_error_t **error) {
    CHECK(claude_client_pump(client, 0, 0, 0, NULL, error) == CLAUDE_ERR_UNSUPPORTED);
}

typedef void call_t(claude_error_t **error);

static call_t *named(const char *name) {
    if (strcmp(name, "next") == 0) return next;
    if (strcmp(name, "dead-client") == 0) return dead_client;
    if (strcmp(name, "dead-event") == 0) return dead_event;
    CHECK(strcmp(name, "wrong-mode") == 0);
    return wrong_mode;
}

static _Atomic bool called;

static void *cancelled(void *name) {
    call_t *call = named(name);
    claude_error_t *error = NULL;
    pthread_cancel(pthread_self());
    call(&error);
    claude_error_free(error);
    called = true;
    pthread_testcancel();
    return NULL;
}

static size_t pending(void) {
    size_t events = 0;
    OK(claude_client_pending(client, CLAUDE_LANE_REQUESTS, &events, NULL, &error));
    return events;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_connect(client, NULL, NULL, NULL, &error));
    WAIT_FOR(pending() > 0);
    pthread_t thread;
    void *result = NULL;
    CHECK(pthread_create(&thread, NULL, cancelled, argv[1]) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(called && result == PTHREAD_CANCELED);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    return 0;
}
