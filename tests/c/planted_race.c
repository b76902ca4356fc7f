/* A callback that shares a number with the main thread, in an order that nothing keeps. `make tsan` runs it to see that a race
 * between a host and the library's threads is found; and with `ordered`, where the library itself orders the two, that none is. */
#include "dispatch_common.h"

static int seen;
static _Atomic int done;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json);
    UNUSED(len);
    UNUSED(user_data);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    seen++;
    atomic_store_explicit(&done, 1, memory_order_relaxed);
}

int main(int argc, char **argv) {
    bool ordered = argc > 1 && strcmp(argv[1], "ordered") == 0;
    claude_client_t *client = NULL;
    OK(claude_client_create(getenv("OPTIONS"), &client, &error));
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    if (ordered)
        OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    else
        WAIT_FOR(atomic_load_explicit(&done, memory_order_relaxed));
    CHECK(seen == 1);
    claude_client_free(client);
    return 0;
}
