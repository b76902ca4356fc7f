/*
 * Frees the client at the worst moments. Nothing may be called after the last destroy-notify, and that runs exactly
 * once for each registration. The second argument names the place: `message`, `done`, `closed`, `stderr`, `request`,
 * or `thread` for another thread while callbacks run.
 */
#include "host.h"

static const char *place;
static claude_client_t *client;
static unsigned calls, destroyed, registered, done_calls;

static void count(unsigned *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static unsigned read_count(unsigned *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

/* Each registration has a block of its own, which its destroy-notify frees: a later use shows under the sanitizer. */
static int *token(void)
{
    int *block = malloc(sizeof *block);

    CHECK(block != NULL);
    *block = 1;
    count(&registered);
    return block;
}

static void destroy(void *user_data)
{
    int *block = user_data;

    CHECK(*block == 1);
    *block = 0;
    free(block);
    count(&destroyed);
}

static void called(void *user_data, const char *where)
{
    CHECK(*(int *)user_data == 1);
    count(&calls);
    if (strcmp(place, where) == 0) {
        claude_client_free(client);
        /* It holds when the callback returns, not before. */
        CHECK(*(int *)user_data == 1);
        CHECK(claude_client_state(client) == CLAUDE_STATE_CREATED);
    }
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)kind;
    called(user_data, "message");
    CHECK(strlen(json) == len);
}

static void on_stderr(const char *text, size_t len, void *user_data)
{
    called(user_data, "stderr");
    CHECK(strlen(text) == len);
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)status;
    called(user_data, "closed");
    CHECK(strlen(json) == len);
}

static void on_request(claude_request_t *request, void *user_data)
{
    called(user_data, "request");
    claude_request_free(request);
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)status;
    CHECK(strlen(json) == len);
    count(&done_calls);
    if (user_data != NULL && strcmp(place, "done") == 0)
        claude_client_free(client);
}

static void *free_it(void *unused)
{
    (void)unused;
    pause_ms(5);
    claude_client_free(client);
    CHECK(read_count(&destroyed) == read_count(&registered));
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t other;
    unsigned before, round, asked;

    CHECK(argc == 3);
    place = argv[2];
    for (round = 0; round < 10; round++) {
        asked = read_count(&done_calls);
        OK(claude_client_create(argv[1], &client, &error));
        OK(claude_client_on_message(client, on_message, token(), destroy, &error));
        OK(claude_client_on_stderr(client, on_stderr, token(), destroy, &error));
        OK(claude_client_on_closed(client, on_closed, token(), destroy, &error));
        OK(claude_client_on_request(client, on_request, token(), destroy, &error));
        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
        /* The first is never answered. */
        OK(claude_client_control(client, "{\"subtype\":\"never\"}", on_done, NULL, &error));
        if (strcmp(place, "thread") == 0)
            CHECK(pthread_create(&other, NULL, free_it, NULL) == 0);
        claude_client_query(client, "go", NULL, NULL, NULL);
        asked += 1 + (claude_client_control(client, "{\"subtype\":\"echo\"}", on_done, &round, NULL) == CLAUDE_OK);
        for (before = 0; before < 6000 && read_count(&destroyed) < read_count(&registered); before++)
            pause_ms(10);
        CHECK(read_count(&destroyed) == 4 * (round + 1));
        CHECK(read_count(&registered) == 4 * (round + 1));
        CHECK(read_count(&done_calls) == asked);
        before = read_count(&calls);
        CHECK(before > 0 || strcmp(place, "done") == 0 || strcmp(place, "thread") == 0);
        pause_ms(20);
        CHECK(read_count(&calls) == before && read_count(&done_calls) == asked);
        CHECK(claude_client_pid(client) == 0);
        FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_query(client, "gone", NULL, NULL, &error));
        drop_error();
        if (strcmp(place, "thread") == 0)
            CHECK(pthread_join(other, NULL) == 0);
        claude_client_free(client);
    }
    return 0;
}
