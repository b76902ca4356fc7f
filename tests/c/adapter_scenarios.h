/*
 * What the test of every loop adapter does, in words that all loops share. The file that includes this one defines the
 * functions of the first part for its loop; C99 and C++11.
 */
#ifndef ADAPTER_SCENARIOS_H
#define ADAPTER_SCENARIOS_H

#include <claude_client.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 1. What a loop is. */

static void loop_open(void);
/* Until loop_quit has been called and everything that was detached is gone. */
static void loop_run(void);
static void loop_quit(void);
/* Fails the test when something of the loop is left. */
static void loop_close(void);
/* Calls on_tick() every millisecond, from now on until loop_quit. */
static void loop_start_ticks(void);
/* Watches a client; false when the adapter refuses. Each slot holds one client. */
static int loop_attach(int slot, claude_client_t *client, claude_error_t **error);
/* Calls on_detached(slot) once, in the end. `inside`: by the harshest means that is allowed inside a callback. */
static void loop_detach(int slot, int inside);
/* Runs the loop inside a callback until loop_unnest(); false where the loop cannot do that. */
static int loop_nest(void);
static void loop_unnest(void);

static void on_tick(void);
static void on_detached(int slot);

/* 2. Checks. */

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

#define OK(call)                                                                         \
    do {                                                                                 \
        claude_error_t *error = NULL;                                                    \
        if ((call(&error)) != CLAUDE_OK) {                                               \
            printf("%s:%d: %s\n", __FILE__, __LINE__, claude_error_json(error));          \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

static pthread_t loop_thread;

static void check_thread(void)
{
    CHECK(pthread_equal(pthread_self(), loop_thread));
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 3. Clients. */

enum { MOST = 5, FLOOD = 5000 };

typedef struct {
    int slot;
    claude_client_t *client;
    int received; /* messages of the flood, which are numbered */
    int said;     /* texts that are no part of the flood */
    int results;
    int closed;
    int detached;
    int since_tick;
    int freed;
} talk_t;

static talk_t talks[MOST];
static int clients, ticks, ticks_between, longest_round, ended;
static claude_request_t *asked;

/* What a scenario adds. */
static void (*after_message)(talk_t *talk, claude_message_kind_t kind, const char *json);
static void (*after_tick)(void);
static void (*after_closed)(talk_t *talk);
static void (*after_request)(talk_t *talk);

static void spend_20_us(void)
{
    double until = seconds(CLOCK_MONOTONIC) + 20e-6;

    while (seconds(CLOCK_MONOTONIC) < until)
        ;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    talk_t *talk = (talk_t *)user_data;
    char *value = NULL;

    check_thread();
    CHECK(!talk->freed);
    CHECK(strlen(json) == len);
    if (kind == CLAUDE_MESSAGE_ASSISTANT && claude_json_get(json, "/seq", &value, NULL) == CLAUDE_OK) {
        CHECK(atoi(value) == talk->received);
        talk->received++;
        if (++talk->since_tick > longest_round)
            longest_round = talk->since_tick;
        spend_20_us();
    } else if (kind == CLAUDE_MESSAGE_ASSISTANT &&
               claude_json_get(json, "/message/content/0/text", &value, NULL) == CLAUDE_OK) {
        talk->said++;
        printf("[%d] %s\n", talk->slot, value);
    } else if (kind == CLAUDE_MESSAGE_RESULT) {
        talk->results++;
    }
    claude_string_free(value);
    if (after_message != NULL)
        after_message(talk, kind, json);
}

static void on_request(claude_request_t *request, void *user_data)
{
    check_thread();
    CHECK(asked == NULL);
    CHECK(claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION);
    asked = request;
    if (after_request != NULL)
        after_request((talk_t *)user_data);
}

static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    talk_t *talk = (talk_t *)user_data;

    (void)len;
    check_thread();
    if (status != CLAUDE_OK)
        printf("closed: %s\n", error_json);
    talk->closed++;
    if (after_closed != NULL)
        after_closed(talk);
}

static void on_connected(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)len;
    (void)user_data;
    check_thread();
    if (status != CLAUDE_OK)
        printf("not connected: %s\n", json);
}

/* The loop has let go of a client. */
static void on_detached(int slot)
{
    talks[slot].detached++;
}

static void on_tick(void)
{
    int i;

    check_thread();
    ticks++;
    if (talks[0].received > 0 && talks[0].received < FLOOD)
        ticks_between++;
    for (i = 0; i < MOST; i++)
        talks[i].since_tick = 0;
    if (after_tick != NULL)
        after_tick();
}

static talk_t *make_client(const char *options)
{
    talk_t *talk = &talks[clients];

    talk->slot = clients++;
#define CREATE(error) claude_client_create(options, &talk->client, error)
#define PUMPED(error) claude_client_set_dispatch(talk->client, CLAUDE_DISPATCH_PUMP, error)
#define ON_MESSAGE(error) claude_client_on_message(talk->client, on_message, talk, NULL, error)
#define ON_REQUEST(error) claude_client_on_request(talk->client, on_request, talk, NULL, error)
#define ON_CLOSED(error) claude_client_on_closed(talk->client, on_closed, talk, NULL, error)
    OK(CREATE);
    OK(PUMPED);
    OK(ON_MESSAGE);
    OK(ON_REQUEST);
    OK(ON_CLOSED);
    return talk;
}

static void attach(talk_t *talk)
{
    claude_error_t *error = NULL;

    if (!loop_attach(talk->slot, talk->client, &error)) {
        printf("not attached: %s\n", claude_error_json(error));
        exit(1);
    }
}

static void connect_client(talk_t *talk, const char *prompt)
{
#define CONNECT(error) claude_client_connect(talk->client, prompt, on_connected, NULL, error)
    OK(CONNECT);
}

static talk_t *start_client(const char *prompt)
{
    talk_t *talk = make_client(NULL);

    attach(talk);
    connect_client(talk, prompt);
    return talk;
}

static void disconnect(talk_t *talk)
{
#define DISCONNECT(error) claude_client_disconnect(talk->client, NULL, NULL, error)
    OK(DISCONNECT);
}

static int all_detached(void)
{
    int i;

    for (i = 0; i < clients; i++)
        if (talks[i].detached == 0)
            return 0;
    return 1;
}

static void quit_when_all_are_detached(void)
{
    if (!ended && all_detached()) {
        ended = 1;
        loop_quit();
    }
}

/* 4. The scenarios. */

static void detach_after_result(talk_t *talk, claude_message_kind_t kind, const char *json)
{
    (void)json;
    if (kind == CLAUDE_MESSAGE_RESULT)
        loop_detach(talk->slot, 0);
}

/* Five thousand messages that take a tenth of a second: the timer of the loop goes on meanwhile. */
static void burst(void)
{
    after_message = detach_after_result;
    after_tick = quit_when_all_are_detached;
    start_client("flood");
    loop_run();
    CHECK(talks[0].received == FLOOD && talks[0].results == 1 && talks[0].detached == 1);
    printf("%d messages, %d ticks meanwhile, at most %d messages between two ticks\n", talks[0].received,
           ticks_between, longest_round);
}

static int quiet, received_then;

static void detach_at_100(talk_t *talk, claude_message_kind_t kind, const char *json)
{
    if (talk->received == 100 && kind == CLAUDE_MESSAGE_ASSISTANT)
        loop_detach(talk->slot, 0);
    else
        detach_after_result(talk, kind, json);
}

static void attach_after_50_quiet_ticks(void)
{
    talk_t *talk = &talks[0];
    size_t waiting = 0;

    if (talk->detached == 1 && quiet < 50) {
        if (quiet++ == 0)
            received_then = talk->received;
        CHECK(talk->received == received_then && talk->received >= 100 && talk->received < FLOOD);
        if (quiet == 50) {
            CHECK(claude_client_pending(talk->client, CLAUDE_LANE_ALL, &waiting, NULL, NULL) == CLAUDE_OK && waiting > 0);
            attach(talk);
        }
    } else if (talk->detached == 2 && !ended) {
        ended = 1;
        loop_quit();
    }
}

/* A callback detaches its client; later it is attached again, and nothing is missing. */
static void detach_inside(void)
{
    after_message = detach_at_100;
    after_tick = attach_after_50_quiet_ticks;
    start_client("flood");
    loop_run();
    CHECK(talks[0].received == FLOOD && talks[0].results == 1 && talks[0].detached == 2);
    puts("detached and attached again");
}

static void free_the_first(talk_t *talk, claude_message_kind_t kind, const char *json)
{
    (void)json;
    if (talk->slot == 0 && talk->received == 10) {
        claude_client_free(talk->client);
        talk->freed = 1; /* on_message checks that it is not called again */
    }
    if (talk->slot > 0 && kind == CLAUDE_MESSAGE_RESULT)
        disconnect(talk);
}

static void detach_inside_closed(talk_t *talk)
{
    loop_detach(talk->slot, 1);
}

static int ticks_at_free;

static void go_on_without_the_first(void)
{
    if (talks[0].freed && clients == 2) {
        ticks_at_free = ticks;
        start_client("a third one"); /* most likely gets the descriptor of the first */
    }
    if (clients == 3 && talks[1].detached && talks[2].detached && ticks > ticks_at_free + 20 && !talks[0].detached)
        loop_detach(0, 0);
    quit_when_all_are_detached();
}

/* A client is freed inside its own callback, while the loop still watches it; others go on. */
static void free_inside(void)
{
    after_message = free_the_first;
    after_closed = detach_inside_closed;
    after_tick = go_on_without_the_first;
    start_client("flood");
    start_client("a second one");
    loop_run();
    CHECK(clients == 3 && talks[1].closed == 1 && talks[2].closed == 1);
    CHECK(talks[1].received == FLOOD && talks[2].received == FLOOD && talks[0].closed == 0);
    puts("freed inside its callback");
}

static void detach_closed(talk_t *talk)
{
    loop_detach(talk->slot, 0);
}

static void disconnect_after_result(talk_t *talk, claude_message_kind_t kind, const char *json)
{
    (void)json;
    if (kind == CLAUDE_MESSAGE_RESULT)
        disconnect(talk);
}

/* Five clients on one loop, each with its own conversation. */
static void several(void)
{
    static const char *const PROMPTS[MOST] = {"alpha", "beta", "gamma", "delta", "epsilon"};
    int i;

    after_message = disconnect_after_result;
    after_closed = detach_closed;
    after_tick = quit_when_all_are_detached;
    for (i = 0; i < MOST; i++)
        start_client(PROMPTS[i]);
    loop_run();
    for (i = 0; i < MOST; i++)
        CHECK(talks[i].results == 1 && talks[i].said == 1 && talks[i].closed == 1 && talks[i].detached == 1);
    puts("all five have ended");
}

static void allow(void)
{
#define ALLOW(error) claude_request_allow(asked, NULL, NULL, error)
    OK(ALLOW);
    claude_request_free(asked);
    asked = NULL;
}

static int ticks_asked;

static void allow_after_20_ticks(void)
{
    if (asked != NULL && ++ticks_asked == 20)
        allow();
    quit_when_all_are_detached();
}

/* The CLI asks for a permission, and the loop answers some ticks later. */
static void permission(void)
{
    after_message = detach_after_result;
    after_tick = allow_after_20_ticks;
    start_client("ask");
    loop_run();
    CHECK(ticks_asked == 20 && talks[0].results == 1);
    puts("answered in the loop");
}

static int nested_ticks, said_before;
static double spent_before, spent;

static void nest(talk_t *talk)
{
    size_t waiting = 0;

    said_before = talk->said;
    spent_before = seconds(CLOCK_PROCESS_CPUTIME_ID);
    nested_ticks = 1;
    if (!loop_nest()) {
        puts("cannot nest");
        exit(0);
    }
    spent = seconds(CLOCK_PROCESS_CPUTIME_ID) - spent_before;
    CHECK(claude_client_pending(talk->client, CLAUDE_LANE_ALL, &waiting, NULL, NULL) == CLAUDE_OK && waiting > 0);
    CHECK(talk->said == said_before); /* one callback at a time */
    allow();
}

static void unnest_after_300_ticks(void)
{
    if (nested_ticks > 0 && nested_ticks++ == 300)
        loop_unnest();
    quit_when_all_are_detached();
}

/* A callback runs a loop of its own, as a modal dialog does, while messages wait. */
static void nested(void)
{
    after_request = nest;
    after_message = detach_after_result;
    after_tick = unnest_after_300_ticks;
    start_client("ask");
    loop_run();
    CHECK(nested_ticks > 300 && talks[0].said == 1 && talks[0].results == 1);
    printf("nested for 300 ticks, spent %.3f s\n", spent);
}

static int by_library_thread;

static void on_thread_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)kind;
    (void)json;
    (void)len;
    (void)user_data;
    by_library_thread = 1;
}

/* What cannot be watched is refused, and leaves nothing behind. */
static void refused(void)
{
    claude_error_t *error = NULL;
    claude_client_t *client = NULL;

    CHECK(!loop_attach(0, NULL, &error));
    CHECK(claude_error_status(error) == CLAUDE_ERR_INVALID_HANDLE);
    claude_error_free(error);
    error = NULL;
    CHECK(claude_client_create(NULL, &client, NULL) == CLAUDE_OK);
    CHECK(claude_client_on_message(client, on_thread_message, NULL, NULL, NULL) == CLAUDE_OK);
    CHECK(claude_client_connect_wait(client, "hello", 30000, NULL) == CLAUDE_OK);
    CHECK(!loop_attach(0, client, &error));
    CHECK(claude_error_status(error) == CLAUDE_ERR_UNSUPPORTED);
    claude_error_free(error);
    CHECK(claude_client_receive_response(client, NULL, 30000, NULL) == CLAUDE_OK && by_library_thread);
    claude_client_free(client);
    puts("refused");
}

/* One question and its answer, with whatever CLI is there. */
static void ask(void)
{
    after_message = disconnect_after_result;
    after_closed = detach_closed;
    after_tick = quit_when_all_are_detached;
    start_client("What is the capital of France?");
    loop_run();
    CHECK(talks[0].results == 1 && talks[0].closed == 1 && talks[0].detached == 1);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } SCENARIOS[] = {
        {"burst", burst},   {"detach_inside", detach_inside}, {"free_inside", free_inside}, {"several", several},
        {"nested", nested}, {"permission", permission},       {"refused", refused},         {"ask", ask},
    };
    size_t i;
    int slot;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (i = 0; i < sizeof SCENARIOS / sizeof *SCENARIOS; i++)
        if (argc == 2 && strcmp(argv[1], SCENARIOS[i].name) == 0)
            break;
    CHECK(i < sizeof SCENARIOS / sizeof *SCENARIOS);
    loop_thread = pthread_self();
    loop_open();
    loop_start_ticks();
    SCENARIOS[i].run();
    for (slot = 0; slot < clients; slot++)
        claude_client_free(talks[slot].client);
    loop_close();
    return 0;
}

#endif
