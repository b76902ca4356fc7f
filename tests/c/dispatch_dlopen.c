/* Loading and unloading the library again and again, with and without a shutdown in between. */
#include "dispatch_common.h"

#include <dlfcn.h>

static _Atomic int results;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind == CLAUDE_MESSAGE_RESULT) results++;
}

#define LOAD(name) name##_ = (__typeof__(&name))(uintptr_t)dlsym(library, #name); CHECK(name##_ != NULL)

/* The library and a copy of it under another name, such as two plugins bring along, at the same time. */
static void both(void) {
    const char *names[] = {getenv("LIBRARY"), getenv("COPY")};
    __typeof__(&claude_client_free) frees[2];
    __typeof__(&claude_client_query) queries[2];
    __typeof__(&claude_runtime_shutdown) shutdowns[2];
    claude_client_t *clients[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) fprintf(stderr, "%s\n", dlerror());
        CHECK(library != NULL);
        __typeof__(&claude_client_create) LOAD(claude_client_create);
        __typeof__(&claude_client_on_message) LOAD(claude_client_on_message);
        __typeof__(&claude_client_connect_wait) LOAD(claude_client_connect_wait);
        __typeof__(&claude_client_query) LOAD(claude_client_query);
        __typeof__(&claude_client_free) LOAD(claude_client_free);
        __typeof__(&claude_runtime_shutdown) LOAD(claude_runtime_shutdown);
        frees[i] = claude_client_free_;
        queries[i] = claude_client_query_;
        shutdowns[i] = claude_runtime_shutdown_;
        CHECK(i == 0 || frees[0] != frees[1]);
        CHECK(claude_client_create_(getenv("OPTIONS"), &clients[i], NULL) == CLAUDE_OK);
        CHECK(claude_client_on_message_(clients[i], on_message, NULL, NULL, NULL) == CLAUDE_OK);
        CHECK(claude_client_connect_wait_(clients[i], "hello", patience_ms(), NULL) == CLAUDE_OK);
    }
    WAIT_FOR(results == 2);
    frees[0](clients[0]);
    CHECK(shutdowns[0](patience_ms(), NULL) == CLAUDE_OK);
    /* The other one notices nothing. */
    CHECK(queries[1](clients[1], "more", NULL, NULL, NULL) == CLAUDE_OK);
    WAIT_FOR(results == 3);
    frees[1](clients[1]);
    CHECK(shutdowns[1](patience_ms(), NULL) == CLAUDE_OK);
    WAIT_FOR(count_threads() == 1);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    if (strcmp(argv[1], "both") == 0) {
        both();
        return 0;
    }
    CHECK(argc == 3);
    bool shut_down = strcmp(argv[1], "shutdown") == 0;
    int descriptors = 0, threads = 0;
    for (int round = 0; round < atoi(argv[2]); round++) {
        void *library = dlopen(getenv("LIBRARY"), RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) fprintf(stderr, "%s\n", dlerror());
        CHECK(library != NULL);
        __typeof__(&claude_client_create) LOAD(claude_client_create);
        __typeof__(&claude_client_on_message) LOAD(claude_client_on_message);
        __typeof__(&claude_client_connect_wait) LOAD(claude_client_connect_wait);
        __typeof__(&claude_client_free) LOAD(claude_client_free);
        __typeof__(&claude_runtime_shutdown) LOAD(claude_runtime_shutdown);
        claude_client_t *client = NULL;
        results = 0;
        CHECK(claude_client_create_(getenv("OPTIONS"), &client, NULL) == CLAUDE_OK);
        CHECK(claude_client_on_message_(client, on_message, NULL, NULL, NULL) == CLAUDE_OK);
        CHECK(claude_client_connect_wait_(client, "hello", patience_ms(), NULL) == CLAUDE_OK);
        WAIT_FOR(results == 1);
        /* Every other time the client is simply left behind. */
        if (shut_down || round % 2 == 0) claude_client_free_(client);
        if (shut_down) {
            CHECK(claude_runtime_shutdown_(patience_ms(), NULL) == CLAUDE_OK);
            WAIT_FOR(count_threads() == 1);
        }
        CHECK(dlclose(library) == 0);
        if (shut_down) WAIT_FOR(count_threads() == 1);
        if (round == 5) {
            descriptors = count_entries("/proc/self/fd");
            threads = count_threads();
        }
    }
    if (shut_down) CHECK(count_entries("/proc/self/fd") == descriptors);
    CHECK(count_threads() <= threads + 2);
    return 0;
}
