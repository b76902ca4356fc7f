/* Transports in memory that do what they should not, on several threads at once. Meant for memory checkers. */
#include "host.h"

enum { THREADS = 8, ROUNDS = 12 };

struct partner {
    claude_sink_t *sink;
    pthread_t threads[THREADS];
    int running;
    int late;           /* so many milliseconds after the prompt the stream ends; below 0: never by itself */
    claude_status_t connect, write, close;
    unsigned *destroyed;
    /* Where it hangs until it is closed. */
    int connect_hangs, write_hangs, never_ready;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int closing, hanging;
    unsigned rooms, waits;
};

static void announce(struct partner *partner, int *what)
{
    pthread_mutex_lock(&partner->lock);
    ++*what;
    pthread_cond_broadcast(&partner->changed);
    pthread_mutex_unlock(&partner->lock);
}

static void wait_for(struct partner *partner, const int *what)
{
    pthread_mutex_lock(&partner->lock);
    while (!*what)
        pthread_cond_wait(&partner->changed, &partner->lock);
    pthread_mutex_unlock(&partner->lock);
}

static void hang(struct partner *partner)
{
    announce(partner, &partner->hanging);
    wait_for(partner, &partner->closing);
}

static const char message[] = "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}\n";

static void *push_all(void *argument)
{
    struct partner *partner = argument;
    claude_error_t *refused = NULL;
    size_t at = 0, piece;
    claude_status_t status;

    /* Pieces of 1 to 13 bytes; the threads mix, so that most lines are broken: that must cost nothing but the line. */
    do {
        piece = at % 13 + 1;
        if (piece > sizeof message - 1 - at)
            piece = sizeof message - 1 - at;
        status = claude_sink_push(partner->sink, message + at, piece, &refused);
        at = (at + piece) % (sizeof message - 1);
        /* Under an emulator nobody else would have a turn. */
        if (slowed(1) > 1)
            pause_ms(1);
        if (status == CLAUDE_ERR_WOULD_BLOCK) {
            claude_error_free(refused);
            refused = NULL;
            pause_ms(1);
        }
    } while (status == CLAUDE_OK || status == CLAUDE_ERR_WOULD_BLOCK);
    CHECK(status == CLAUDE_ERR_CLOSED || status == CLAUDE_ERR_INVALID_HANDLE);
    CHECK(claude_error_status(refused) == status);
    claude_error_free(refused);
    return NULL;
}

static void *end_late(void *argument)
{
    struct partner *partner = argument;

    pause_ms(partner->late);
    claude_sink_end(partner->sink, CLAUDE_OK, 0, "enough", NULL);
    return NULL;
}

static claude_status_t partner_connect(claude_sink_t *sink, void *user_data)
{
    struct partner *partner = user_data;

    partner->sink = sink;
    if (partner->connect_hangs)
        hang(partner);
    return partner->connect;
}

static void start(struct partner *partner)
{
    while (partner->running < THREADS - 1)
        CHECK(pthread_create(&partner->threads[partner->running++], NULL, push_all, partner) == 0);
    if (partner->late >= 0)
        CHECK(pthread_create(&partner->threads[partner->running++], NULL, end_late, partner) == 0);
}

static claude_status_t partner_write(const void *bytes, size_t len, void *user_data)
{
    struct partner *partner = user_data;
    char *line = malloc(len), *type = NULL, *id = NULL, answer[256];

    CHECK(((const char *)bytes)[len - 1] == '\n');
    CHECK(line != NULL);
    memcpy(line, bytes, len - 1);
    line[len - 1] = '\0';
    if (partner->write != CLAUDE_OK) {
        free(line);
        return partner->write;
    }
    CHECK(claude_json_get(line, "/type", &type, NULL) == CLAUDE_OK);
    if (strcmp(type, "user") == 0 && partner->write_hangs)
        hang(partner);
    else if (strcmp(type, "user") == 0)
        start(partner);
    if (strcmp(type, "control_request") == 0) {
        CHECK(claude_json_get(line, "/request_id", &id, NULL) == CLAUDE_OK);
        snprintf(answer, sizeof answer,
                 "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%s\","
                 "\"response\":{}}}\n", id);
        claude_sink_push(partner->sink, answer, strlen(answer), NULL);
    }
    claude_string_free(type);
    claude_string_free(id);
    free(line);
    return CLAUDE_OK;
}

static claude_status_t partner_end_input(void *user_data)
{
    (void)user_data; /* it goes on talking: close has to come */
    return CLAUDE_OK;
}

static claude_status_t partner_close(void *user_data)
{
    struct partner *partner = user_data;

    announce(partner, &partner->closing);
    return partner->close;
}

static claude_status_t partner_is_ready(void *user_data)
{
    return ((struct partner *)user_data)->never_ready ? CLAUDE_ERR_WOULD_BLOCK : CLAUDE_OK;
}

static void partner_on_room(void *user_data)
{
    struct partner *partner = user_data;

    pthread_mutex_lock(&partner->lock);
    partner->rooms++;
    pthread_cond_broadcast(&partner->changed);
    pthread_mutex_unlock(&partner->lock);
}

static void partner_destroy(void *user_data)
{
    struct partner *partner = user_data;

    while (partner->running > 0)
        CHECK(pthread_join(partner->threads[--partner->running], NULL) == 0);
    ++*partner->destroyed;
    CHECK(pthread_cond_destroy(&partner->changed) == 0);
    CHECK(pthread_mutex_destroy(&partner->lock) == 0);
    memset(partner, 0xdd, sizeof *partner);
    free(partner);
}

static const claude_transport_vtable_t vtable = {
    .size = sizeof(claude_transport_vtable_t),
    .connect = partner_connect,
    .write = partner_write,
    .end_input = partner_end_input,
    .close = partner_close,
    .is_ready = partner_is_ready,
    .on_room = partner_on_room,
    .destroy = partner_destroy,
};

static struct partner *new_partner(unsigned *destroyed)
{
    struct partner *partner = calloc(1, sizeof *partner);

    CHECK(partner != NULL);
    partner->late = -1;
    partner->destroyed = destroyed;
    CHECK(pthread_mutex_init(&partner->lock, NULL) == 0);
    CHECK(pthread_cond_init(&partner->changed, NULL) == 0);
    return partner;
}

static const char *options = "{\"max_queue_bytes\": 1000000, \"graceful_exit_timeout_ms\": 50, \"terminate_timeout_ms\": 2000}";

/* Threads push while the stream ends, the client is disconnected, or just freed. */
static void ends_during_pushes(int round)
{
    struct seen seen = SEEN;
    unsigned destroyed = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_dispatch_t mode = round % 4 == 3 ? CLAUDE_DISPATCH_INLINE : CLAUDE_DISPATCH_THREAD;
    claude_client_t *client = new_client_in(mode, options, &seen);
    claude_sink_t *sink;

    partner->late = round % 3 == 0 ? round : -1;
    partner->close = round % 2 == 0 ? CLAUDE_OK : CLAUDE_ERR_PROCESS;
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    sink = partner->sink;
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    pause_ms(round % 5);
    if (round % 3 == 0)
        seen_wait(&seen, &seen.closed, 1);
    else if (round % 3 == 1)
        OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    CHECK(destroyed == 1);
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_sink_push(sink, "x", 1, &error));
    drop_error();
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_sink_end(sink, CLAUDE_OK, 0, NULL, &error));
    drop_error();
    CHECK(!claude_sink_has_room(sink));
}

static void fails(claude_status_t connect, claude_status_t write)
{
    struct seen seen = SEEN;
    unsigned destroyed = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_client_t *client = new_client(options, &seen);

    partner->connect = connect;
    partner->write = write;
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    FAILS(connect != 0 ? connect : write, claude_client_connect_wait(client, NULL, LONG_MS, &error));
    drop_error();
    seen_wait(&seen, &seen.closed, 1);
    CHECK(destroyed == 0);
    claude_client_free(client);
    CHECK(destroyed == 1);
}

static void is_refused(void)
{
    unsigned destroyed = 0;
    claude_client_t *client = NULL;
    claude_transport_vtable_t incomplete = vtable;

    incomplete.write = NULL;
    OK(claude_client_create(NULL, &client, &error));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_set_transport(client, &incomplete, new_partner(&destroyed), &error));
    drop_error();
    CHECK(destroyed == 1);
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_set_transport(NULL, &vtable, new_partner(&destroyed), &error));
    drop_error();
    CHECK(destroyed == 2);
    OK(claude_client_set_transport(client, &vtable, new_partner(&destroyed), &error));
    OK(claude_client_set_transport(client, &vtable, new_partner(&destroyed), &error));
    CHECK(destroyed == 3);
    OK(claude_client_set_transport(client, NULL, NULL, &error));
    CHECK(destroyed == 4);
    OK(claude_client_set_transport(client, &vtable, new_partner(&destroyed), &error));
    claude_client_free(client);
    CHECK(destroyed == 5);
}

static void connected(claude_status_t status, const char *json, size_t len, void *user_data)
{
    CHECK(strlen(json) == len && status != CLAUDE_OK);
    ++*(unsigned *)user_data;
}

/* The client is disconnected or freed while its transport is still connecting. */
static void ends_while_connecting(int is_freed)
{
    struct seen seen = SEEN;
    unsigned destroyed = 0, told = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_client_t *client = new_client(options, &seen);

    partner->connect_hangs = 1;
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    OK(claude_client_connect(client, NULL, connected, &told, &error));
    wait_for(partner, &partner->hanging);
    if (!is_freed)
        OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    CHECK(told == 1 && destroyed == 1);
}

static void is_never_ready(void)
{
    struct seen seen = SEEN;
    unsigned destroyed = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_client_t *client = new_client(options, &seen);

    partner->never_ready = 1;
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    FAILS(CLAUDE_ERR_TIMEOUT, claude_client_connect_wait(client, NULL, 100, &error));
    drop_error();
    seen_wait(&seen, &seen.closed, 1);
    CHECK(partner->closing == 1);
    claude_client_free(client);
    CHECK(destroyed == 1);
}

/* A write that does not return holds up nothing but what is to be written. */
static void is_stuck_in_a_write(int is_freed)
{
    struct seen seen = SEEN;
    unsigned destroyed = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_client_t *client = new_client(options, &seen);

    partner->write_hangs = 1;
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "one", NULL, NULL, &error));
    wait_for(partner, &partner->hanging);
    OK(claude_client_query(client, "two", NULL, NULL, &error));
    if (!is_freed)
        OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    CHECK(destroyed == 1);
}

/* So many that they find no room, and not more than an emulator has time for. */
static int flood(void)
{
    return 30000 / (int)(slowed(1) < 3 ? slowed(1) : 3);
}

static void *push_with_room(void *argument)
{
    struct partner *partner = argument;
    unsigned before;
    int number;

    for (number = 0; number < flood(); number++) {
        pthread_mutex_lock(&partner->lock);
        before = partner->rooms;
        pthread_mutex_unlock(&partner->lock);
        if (!claude_sink_has_room(partner->sink)) {
            pthread_mutex_lock(&partner->lock);
            partner->waits++;
            while (partner->rooms == before)
                pthread_cond_wait(&partner->changed, &partner->lock);
            pthread_mutex_unlock(&partner->lock);
        }
        OK(claude_sink_push(partner->sink, message, sizeof message - 1, NULL));
    }
    OK(claude_sink_end(partner->sink, CLAUDE_OK, 0, NULL, NULL));
    return NULL;
}

/* A host that looks for room before it pushes is never refused. */
static void waits_for_room(void)
{
    unsigned destroyed = 0, waits = 0, received = 0;
    struct partner *partner = new_partner(&destroyed);
    claude_client_t *client = NULL;
    claude_event_t *event = NULL;
    claude_message_kind_t kind = CLAUDE_MESSAGE_OTHER;
    claude_event_info_t info = {sizeof info, 0, 0, 0, 0, 0, NULL, NULL, 0};

    OK(claude_client_create(options, &client, &error));
    OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PULL, &error));
    OK(claude_client_set_transport(client, &vtable, partner, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    CHECK(pthread_create(&partner->threads[partner->running++], NULL, push_with_room, partner) == 0);
    while (waits == 0) {
        pause_ms(1);
        pthread_mutex_lock(&partner->lock);
        waits = partner->waits;
        pthread_mutex_unlock(&partner->lock);
    }
    while (kind != CLAUDE_EVENT_CLOSED) {
        OK(claude_client_next(client, CLAUDE_LANE_ALL, LONG_MS, &event, &error));
        OK(claude_event_info(event, &info, &error));
        kind = info.kind;
        received += kind == CLAUDE_MESSAGE_ASSISTANT;
        claude_event_free(event);
    }
    CHECK(received == (unsigned)flood());
    claude_client_free(client);
    CHECK(destroyed == 1);
}

int main(void)
{
    int round;

    is_refused();
    fails(CLAUDE_ERR_CLI_NOT_FOUND, CLAUDE_OK);
    fails(CLAUDE_OK, CLAUDE_ERR_TIMEOUT);
    for (round = 0; round < ROUNDS; round++)
        ends_during_pushes(round);
    is_never_ready();
    for (round = 0; round < 2; round++) {
        ends_while_connecting(round);
        is_stuck_in_a_write(round);
    }
    waits_for_room();
    OK(claude_runtime_shutdown(LONG_MS, &error));
    puts("done");
    return 0;
}
