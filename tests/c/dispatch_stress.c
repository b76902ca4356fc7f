/* Callbacks against free, replace and disconnect from other threads: none comes late, and each registration is destroyed
 * exactly once. What a callback is given is freed memory after its destroy-notify, so that a sanitizer sees a late call. */
#include "dispatch_common.h"

enum { ALIVE = 0x600d, DEAD = 0xdead };

typedef struct {
    _Atomic int state, running;
} token_t;

static _Atomic long made, destroyed, calls, freed_clients;
static _Atomic bool stop;
static bool gentle;
static int mode;

static token_t *make_token(void) {
    token_t *token = malloc(sizeof *token);
    CHECK(token != NULL);
    token->state = ALIVE;
    token->running = 0;
    made++;
    return token;
}

static void destroy(void *user_data) {
    token_t *token = user_data;
    CHECK(token->running == 0);
    CHECK(atomic_exchange(&token->state, DEAD) == ALIVE);
    destroyed++;
    free(token);
}

static void touch(void *user_data) {
    token_t *token = user_data;
    CHECK(token->state == ALIVE);
    token->running++;
    calls++;
    CHECK(token->state == ALIVE);
    token->running--;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    CHECK(kind != 0 && strlen(json) == len);
    touch(user_data);
}

static void on_request(claude_request_t *request, void *user_data) {
    touch(user_data);
    if (claude_request_id(request) % 3 != 0) claude_request_allow(request, NULL, NULL, NULL);
    claude_request_free(request);
}

static void on_text(const char *text, size_t len, void *user_data) {
    CHECK(strlen(text) == len);
    touch(user_data);
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status);
    CHECK(strlen(json) == len);
    touch(user_data);
}

static void on_ready(void *user_data) { touch(user_data); }

static void replace_one(claude_client_t *client, unsigned which) {
    switch (which % 5) {
    case 0: claude_client_on_message(client, UNLESS_PULL(mode, on_message), make_token(), destroy, NULL); break;
    case 1: claude_client_on_request(client, UNLESS_PULL(mode, on_request), make_token(), destroy, NULL); break;
    case 2: claude_client_on_stderr(client, UNLESS_PULL(mode, on_text), make_token(), destroy, NULL); break;
    case 3: claude_client_on_closed(client, UNLESS_PULL(mode, on_closed), make_token(), destroy, NULL); break;
    default: claude_client_on_ready(client, on_ready, make_token(), destroy, NULL);
    }
}

typedef struct {
    claude_client_t *_Atomic client;
    unsigned seed;
} seat_t;

#define SEATS 3
static seat_t seats[SEATS];

static void *replacer(void *argument) {
    unsigned which = (unsigned)(uintptr_t)argument;
    while (!stop) {
        seat_t *seat = &seats[which++ % SEATS];
        if (seat->client) replace_one(seat->client, which);
        /* Under a tool that runs one thread at a time, somebody else has to get a turn. */
        if (gentle || which % 7 == 0) sleep_ms(1);
    }
    return NULL;
}

static void *receiver(void *argument) {
    unsigned which = (unsigned)(uintptr_t)argument;
    while (!stop) {
        seat_t *seat = &seats[which++ % SEATS];
        claude_client_t *client = seat->client;
        if (mode == CLAUDE_DISPATCH_PUMP) {
            claude_client_pump(client, 100, 0, 1, NULL, NULL);
        } else if (mode == CLAUDE_DISPATCH_PULL) {
            claude_event_t *event = NULL;
            for (int i = 0; i < 50 && claude_client_next(client, CLAUDE_LANE_ALL, 1, &event, NULL) == CLAUDE_OK; i++) {
                calls++;
                claude_event_free(event);
            }
        } else {
            claude_client_receive_response(client, NULL, 1, NULL);
        }
    }
    return NULL;
}

static void *interrupter(void *argument) {
    unsigned which = (unsigned)(uintptr_t)argument;
    while (!stop) {
        seat_t *seat = &seats[which++ % SEATS];
        claude_client_set_permission_mode(seat->client, "default", NULL, NULL, NULL);
        if (which % 11 == 0) claude_client_disconnect(seat->client, NULL, NULL, NULL);
        sleep_ms(3);
    }
    return NULL;
}

/* Fills and clears the seats. */
static void *owner(void *argument) {
    seat_t *seat = argument;
    while (!stop) {
        claude_client_t *client = create(mode);
        for (unsigned which = 0; which < 5; which++) replace_one(client, which);
        seat->client = client;
        if (claude_client_connect_wait(client, "flood", patience_ms(), NULL) == CLAUDE_OK) sleep_ms(5 + (int)(seat->seed++ % 60));
        /* The others go on with the handle that is dying. */
        claude_client_free(client);
        freed_clients++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    mode = mode_named(argv[1]);
    long wanted = atol(argv[2]);
    gentle = wanted < 10000;
    pthread_t threads[SEATS + 5];
    int count = 0;
    for (int i = 0; i < SEATS; i++) {
        seats[i].seed = (unsigned)i * 17;
        CHECK(pthread_create(&threads[count++], NULL, owner, &seats[i]) == 0);
    }
    CHECK(pthread_create(&threads[count++], NULL, replacer, (void *)1) == 0);
    CHECK(pthread_create(&threads[count++], NULL, replacer, (void *)2) == 0);
    CHECK(pthread_create(&threads[count++], NULL, receiver, (void *)3) == 0);
    CHECK(pthread_create(&threads[count++], NULL, receiver, (void *)4) == 0);
    CHECK(pthread_create(&threads[count++], NULL, interrupter, (void *)5) == 0);
    while (calls < wanted) sleep_ms(5);
    stop = true;
    for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    printf("%ld calls, %ld registrations, %ld clients\n", calls, made, freed_clients);
    CHECK(made == destroyed);
    WAIT_FOR(count_threads() == 1);
    return 0;
}
