/* A callback is left by longjmp: once the client is freed, nothing of the system's is left with it. */
#include "dispatch_common.h"
#include <setjmp.h>

static jmp_buf home;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    longjmp(home, 1);
}

static void leave(claude_client_t *client) {
    if (setjmp(home) == 0) {
        for (int i = 0; i < 600; i++) claude_client_pump(client, 0, 0, 100, NULL, NULL);
        CHECK(!"a message came");
    }
}

static int descriptors(void) { return count_entries("/proc/self/fd"); }

int main(void) {
    int before = descriptors();
    for (int round = 0; round < 3; round++) {
        claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
        intptr_t handle = 0;
        OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
        OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
        OK(claude_client_connect(client, "hello", NULL, NULL, &error));
        leave(client);
        claude_client_free(client);
    }
    OK(claude_runtime_shutdown(20000, &error));
    WAIT_FOR(descriptors() == before);
    return 0;
}
