/* A shutdown of the library that meets something else: nobody is left waiting. */
#include "dispatch_common.h"

static _Atomic long messages;
static _Atomic bool returned;
static _Atomic claude_status_t status_of_once, status_of_shutdown;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    messages++;
}

static pthread_t start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static void *once(void *argument) {
    UNUSED(argument);
    status_of_once = claude_query_once("hello", getenv("OPTIONS"), on_message, NULL, NULL, CLAUDE_WAIT_FOREVER, NULL, NULL);
    returned = true;
    return NULL;
}

/* The client of claude_query_once has no handle, and is closed like any other. */
static void during_once(void) {
    pthread_t asking = start(once, NULL);
    WAIT_FOR(messages > 0);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(returned);
    CHECK(pthread_join(asking, NULL) == 0);
    CHECK(status_of_once == CLAUDE_ERR_CLOSED || status_of_once == CLAUDE_ERR_CANCELLED || status_of_once == CLAUDE_OK);
    printf("%s\n", claude_status_name(status_of_once));
    WAIT_FOR(count_threads() == 1);
}

static void *shut_down(void *argument) {
    UNUSED(argument);
    status_of_shutdown = claude_runtime_shutdown(patience_ms(), NULL);
    return NULL;
}

/* While an old session takes its time to end, a new one either does not begin or ends as well. */
static void late_connect(void) {
    claude_client_t *old = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(old, NULL, patience_ms(), &error));
    pthread_t shutting = start(shut_down, NULL);
    WAIT_FOR(claude_client_state(old) == CLAUDE_STATE_CLOSING);
    claude_client_t *late = create(CLAUDE_DISPATCH_THREAD);
    claude_status_t connected = claude_client_connect_wait(late, NULL, patience_ms(), NULL);
    CHECK(claude_client_state(old) == CLAUDE_STATE_CLOSING); /* it was in time */
    CHECK(pthread_join(shutting, NULL) == 0);
    CHECK(status_of_shutdown == CLAUDE_OK);
    printf("%s\n", claude_status_name(connected));
    if (connected == CLAUDE_OK)
        CHECK(claude_client_receive_response(late, NULL, patience_ms(), NULL) == CLAUDE_ERR_CLOSED);
    else
        CHECK(connected == CLAUDE_ERR_CLOSED || connected == CLAUDE_ERR_CANCELLED);
    WAIT_FOR(count_threads() == 1);
    /* Where it was refused it is as new. */
    if (connected == CLAUDE_ERR_CLOSED) OK(claude_client_connect_wait(late, NULL, patience_ms(), &error));
    claude_client_free(old);
    claude_client_free(late);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
}

static void *free_client(void *client) {
    claude_client_free(client);
    returned = true;
    return NULL;
}

/* A free that waits for a process needs the threads that the shutdown ends. */
static void during_free(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    pthread_t freeing = start(free_client, client);
    WAIT_FOR(claude_client_set_dispatch(client, 0, NULL) == CLAUDE_ERR_INVALID_HANDLE);
    int64_t before = now_us();
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(returned);
    CHECK(pthread_join(freeing, NULL) == 0);
    /* The process takes three seconds. */
    printf("%ld ms\n", (long)((now_us() - before) / 1000));
    CHECK(now_us() - before < 25000000);
    WAIT_FOR(count_threads() == 1);
}

/* Nobody receives what the CLI has written, and will not any more. */
static void unread(int mode) {
    claude_client_t *client = create(mode);
    size_t bytes = 0;
    OK(claude_client_connect(client, "hello", NULL, NULL, &error));
    while (bytes < 1 << 20) {
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, NULL, &bytes, &error));
        sleep_ms(1);
    }
    OK(claude_runtime_shutdown(patience_ms(), &error));
    CHECK(claude_client_state(client) == CLAUDE_STATE_CLOSED);
    WAIT_FOR(count_threads() == 1);
    claude_client_free(client);
}

static void *shut_down_again_and_again(void *argument) {
    UNUSED(argument);
    for (long round = 0; !returned; round++) {
        struct timespec pause = {0, round * 7919 % 500 * 1000};
        nanosleep(&pause, NULL);
        OK(claude_runtime_shutdown(patience_ms(), &error));
    }
    return NULL;
}

/* Whatever a connect is at when the library ends, it ends too. */
static void race(int rounds) {
    int refused = 0, begun = 0, ended = 0;
    pthread_t shutting = start(shut_down_again_and_again, NULL);
    while (begun < rounds) {
        claude_client_t *client = NULL;
        OK(claude_client_create("{\"cli_path\": \"/nowhere/claude\"}", &client, &error));
        claude_status_t status = claude_client_connect_wait(client, NULL, patience_ms(), NULL);
        CHECK(status == CLAUDE_ERR_CLI_NOT_FOUND || status == CLAUDE_ERR_CLOSED || status == CLAUDE_ERR_CANCELLED);
        refused += status == CLAUDE_ERR_CLOSED;
        begun += status != CLAUDE_ERR_CLOSED;
        ended += status == CLAUDE_ERR_CANCELLED;
        claude_client_free(client);
    }
    returned = true;
    CHECK(pthread_join(shutting, NULL) == 0);
    printf("%d connects were refused, %d of %d others ended with the library\n", refused, ended, begun);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    if (strcmp(argv[1], "once") == 0) during_once();
    else if (strcmp(argv[1], "late-connect") == 0) late_connect();
    else if (strcmp(argv[1], "free") == 0) during_free();
    else if (strcmp(argv[1], "unread") == 0 && argc == 3) unread(mode_named(argv[2]));
    else if (strcmp(argv[1], "race") == 0 && argc == 3) race(atoi(argv[2]));
    else return 2;
    return 0;
}
