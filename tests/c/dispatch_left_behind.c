/* A callback is left by longjmp: once the client is freed, nothing of the system's is left with it. Argument: which one. */
#include "dispatch_common.h"
#include <setjmp.h>

static jmp_buf home;
static const char *place;

static void leave_in(const char *where) {
    if (strcmp(where, place) == 0) longjmp(home, 1);
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    leave_in("message");
}

static void on_request(claude_request_t *request, void *user_data) {
    UNUSED(request), UNUSED(user_data);
    claude_request_free(request);
    leave_in("request");
}

static void on_closed(claude_status_t status, const char *text, size_t len, void *user_data) {
    UNUSED(status), UNUSED(text), UNUSED(len), UNUSED(user_data);
    leave_in("closed");
}

static void on_connected(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    leave_in("done");
}

static const char *next_prompt(void *user_data) {
    UNUSED(user_data);
    leave_in("prompt");
    return NULL;
}

static void leave(claude_client_t *client) {
    if (setjmp(home) == 0) {
        for (int i = 0; i < 600; i++) claude_client_pump(client, 0, 0, 100, NULL, NULL);
        CHECK(!"the callback was called");
    }
}

static int descriptors(void) { return count_entries("/proc/self/fd"); }

int main(int argc, char **argv) {
    CHECK(argc == 2);
    place = argv[1];
    int before = descriptors();
    for (int round = 0; round < 3; round++) {
        claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
        intptr_t handle = 0;
        OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
        OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
        OK(claude_client_on_request(client, on_request, NULL, NULL, &error));
        OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
        if (strcmp(place, "prompt") == 0) {
            OK(claude_client_connect_wait(client, NULL, 30000, &error));
            OK(claude_client_query_stream(client, NULL, next_prompt, NULL, NULL, &error));
        } else {
            OK(claude_client_connect(client, "hello", on_connected, NULL, &error));
        }
        if (strcmp(place, "closed") == 0) OK(claude_client_disconnect(client, NULL, NULL, &error));
        leave(client);
        claude_client_free(client);
    }
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(descriptors() == before);
    return 0;
}
