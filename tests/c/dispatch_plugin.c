/* A plugin that is reloaded while a session lives. This file is both: with PLUGIN defined it is the plugin, which owns the
 * callbacks; without, it is the host, which owns the client. */
#include "dispatch_common.h"

#include <dlfcn.h>

typedef struct {
    _Atomic long calls, destroyed;
} counts_t;

#ifdef PLUGIN

void plugin_load(claude_client_t *client, counts_t *counts);
void plugin_unload(claude_client_t *client);

/* Read by every call: it is gone with the plugin, as the code is. */
static volatile int loaded = 4711;

static void count(counts_t *counts) {
    CHECK(loaded == 4711);
    counts->calls++;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len);
    count(user_data);
}

static void on_request(claude_request_t *request, void *user_data) {
    count(user_data);
    claude_request_free(request);
}

static void on_text(const char *text, size_t len, void *user_data) {
    UNUSED(text), UNUSED(len);
    count(user_data);
}

static void destroy(void *user_data) {
    CHECK(loaded == 4711);
    ((counts_t *)user_data)->destroyed++;
}

void plugin_load(claude_client_t *client, counts_t *counts) {
    OK(claude_client_on_message(client, on_message, counts, destroy, &error));
    OK(claude_client_on_request(client, on_request, counts, destroy, &error));
    OK(claude_client_on_stderr(client, on_text, counts, destroy, &error));
}

void plugin_unload(claude_client_t *client) {
    OK(claude_client_on_message(client, NULL, NULL, NULL, &error));
    OK(claude_client_on_request(client, NULL, NULL, NULL, &error));
    OK(claude_client_on_stderr(client, NULL, NULL, NULL, &error));
}

#else

static counts_t counts;

int main(int argc, char **argv) {
    CHECK(argc == 3);
    int mode = mode_named(argv[1]), rounds = atoi(argv[2]);
    pump_t pump;
    claude_client_t *client = create(mode);
    for (int round = 1; round <= rounds; round++) {
        void *plugin = dlopen(getenv("PLUGIN"), RTLD_NOW | RTLD_LOCAL);
        if (plugin == NULL) fprintf(stderr, "%s\n", dlerror());
        CHECK(plugin != NULL);
        void (*load)(claude_client_t *, counts_t *) = (void (*)(claude_client_t *, counts_t *))(uintptr_t)dlsym(plugin, "plugin_load");
        void (*unload)(claude_client_t *) = (void (*)(claude_client_t *))(uintptr_t)dlsym(plugin, "plugin_unload");
        CHECK(load != NULL && unload != NULL);
        load(client, &counts);
        if (round == 1) {
            OK(claude_client_connect_wait(client, "flood", patience_ms(), &error));
            if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
        }
        long before = counts.calls;
        WAIT_FOR(counts.calls > before + 3);
        unload(client);
        CHECK(counts.destroyed == 3 * round);
        before = counts.calls;
        CHECK(dlclose(plugin) == 0);
        /* It was really unloaded: nothing has it. */
        CHECK(dlopen(getenv("PLUGIN"), RTLD_NOW | RTLD_NOLOAD) == NULL);
        CHECK(counts.calls == before);
    }
    printf("%ld calls in %d plugins\n", counts.calls, rounds);
    if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
    claude_client_free(client);
    return 0;
}

#endif
