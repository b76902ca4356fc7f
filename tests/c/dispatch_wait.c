/* Waiting: the wake-up descriptor and function, several threads, results, and clients that are freed meanwhile. */
#include "dispatch_common.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static void wait_readable(intptr_t handle) {
    struct pollfd watched = {(int)handle, POLLIN, 0};
    CHECK(poll(&watched, 1, 20000) == 1);
}

static _Atomic int ready_calls;
static _Atomic long results, messages;

static void on_ready(void *user_data) {
    UNUSED(user_data);
    ready_calls++;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    messages++;
    if (kind == CLAUDE_MESSAGE_RESULT) results++;
}

static size_t pending(claude_client_t *client) {
    size_t events = 0;
    OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, NULL, &error));
    return events;
}

/* Receives one thing, or what there is. */
static void receive(claude_client_t *client, int mode) {
    if (mode == CLAUDE_DISPATCH_PUMP) {
        OK(claude_client_pump(client, 1, 0, CLAUDE_NO_WAIT, NULL, &error));
    } else {
        claude_event_t *event = NULL;
        if (claude_client_next(client, CLAUDE_LANE_ALL, 0, &event, NULL) == CLAUDE_OK) {
            on_message(info_of(event).kind, NULL, 0, NULL);
            claude_event_free(event);
        }
    }
}

static void drain(claude_client_t *client, int mode) {
    while (pending(client) > 0) receive(client, mode);
}

/* The descriptor is readable exactly while something is queued; on_ready is called when that begins. */
static void descriptor(int mode) {
    claude_client_t *client = create(mode);
    intptr_t handle = -1;
    OK(claude_client_on_message(client, UNLESS_PULL(mode, on_message), NULL, NULL, &error));
    OK(claude_client_on_ready(client, on_ready, NULL, NULL, &error));
    OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
    CHECK(readable(handle) == 0);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    drain(client, mode);
    CHECK(readable(handle) == 0);
    for (int round = 1; round <= 3; round++) {
        ready_calls = 0;
        OK(claude_client_query(client, "several lines in one write", NULL, NULL, &error));
        wait_readable(handle);
        WAIT_FOR(stat_number(client, "/messages") >= 100 * round);
        sleep_ms(100);
        CHECK(ready_calls == 1);
        while (pending(client) > 0) {
            CHECK(readable(handle) == 1);
            receive(client, mode);
        }
        CHECK(results == round && readable(handle) == 0);
    }
    OK(claude_client_wake(client, &error));
    CHECK(readable(handle) == 1);
    receive(client, mode);
    CHECK(readable(handle) == 0);
    claude_client_free(client);
}

/* on_ready tells of what waits already, and of what receive_response leaves. */
static void told_late(int mode) {
    claude_client_t *client = create(mode);
    OK(claude_client_on_message(client, UNLESS_PULL(mode, on_message), NULL, NULL, &error));
    OK(claude_client_on_ready(client, on_ready, NULL, NULL, &error));
    CHECK(ready_calls == 0);
    OK(claude_client_on_ready(client, NULL, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "several lines, two results", patience_ms(), &error));
    WAIT_FOR(stat_number(client, "/messages") >= 203);
    CHECK(ready_calls == 0);
    OK(claude_client_on_ready(client, on_ready, NULL, NULL, &error));
    CHECK(ready_calls == 1);
    OK(claude_client_on_ready(client, on_ready, NULL, NULL, &error));
    CHECK(ready_calls == 2);
    if (mode == CLAUDE_DISPATCH_PUMP) {
        OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
        CHECK(results == 1 && pending(client) >= 101 && ready_calls == 3);
        OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
        CHECK(results == 2 && ready_calls == (pending(client) > 0 ? 4 : 3));
    }
    drain(client, mode);
    int before = ready_calls;
    CHECK(claude_client_receive_response(client, NULL, CLAUDE_NO_WAIT, NULL) != CLAUDE_OK && ready_calls == before);
    claude_client_free(client);
}

#define READERS 8

static _Atomic long numbers_seen[100000];
static _Atomic int ends;

static void *reader(void *argument) {
    claude_client_t *client = argument;
    for (;;) {
        claude_event_t *event = NULL;
        claude_status_t status = claude_client_next(client, CLAUDE_LANE_ALL, CLAUDE_WAIT_FOREVER, &event, NULL);
        if (status == CLAUDE_ERR_CLOSED) break;
        CHECK(status == CLAUDE_OK);
        long number = sequence_number(info_of(event).json);
        if (number >= 0) numbers_seen[number]++;
        if (info_of(event).kind == CLAUDE_EVENT_CLOSED) ends++;
        if (info_of(event).kind == CLAUDE_MESSAGE_RESULT) OK(claude_client_disconnect(client, NULL, NULL, &error));
        claude_event_free(event);
    }
    return NULL;
}

/* Every event goes to exactly one of several threads, and all of them hear of the end. */
static void several(void) {
    pthread_t threads[READERS];
    intptr_t handle = -1;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    for (int i = 0; i < READERS; i++) CHECK(pthread_create(&threads[i], NULL, reader, client) == 0);
    OK(claude_client_query(client, "flood", NULL, NULL, &error));
    for (int i = 0; i < READERS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < 20000; i++) CHECK(numbers_seen[i] == 1);
    CHECK(ends == 1 && pending(client) == 0 && readable(handle) == 0);
    claude_client_free(client);
}

/* A loop on level-triggered epoll that dispatches one callback at a time misses nothing and never spins. */
static void with_epoll(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    intptr_t handle = -1;
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event watched = {.events = EPOLLIN};
    CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, (int)handle, &watched) == 0);
    OK(claude_client_connect_wait(client, "flood", patience_ms(), &error));
    int idle = 0, ready;
    struct epoll_event event;
    /* Something may come behind the result. */
    while ((ready = epoll_wait(epoll, &event, 1, results == 0 ? 20000 : 200)) == 1) {
        uint32_t ran = 0;
        OK(claude_client_pump(client, 3, 0, CLAUDE_NO_WAIT, &ran, &error));
        idle += ran == 0;
    }
    CHECK(ready == 0 && results == 1 && pending(client) == 0);
    CHECK(idle <= 1);
    close(epoll);
    claude_client_free(client);
}

typedef struct {
    claude_client_t *client;
    const char *what;
    _Atomic bool begun, ended;
    bool to_the_end;
    claude_status_t status;
    pthread_t thread;
} waiter_t;

static void *wait_body(void *argument) {
    waiter_t *waiter = argument;
    claude_client_t *client = waiter->client;
    uint32_t forever = CLAUDE_WAIT_FOREVER;
    claude_event_t *event = NULL;
    uint32_t ran = 77;
    waiter->begun = true;
    if (strcmp(waiter->what, "next") == 0) {
        do {
            waiter->status = claude_client_next(client, CLAUDE_LANE_ALL, forever, &event, NULL);
            claude_event_free(event);
            event = NULL;
        } while (waiter->status == CLAUDE_OK);
    } else if (strcmp(waiter->what, "dispatch") == 0) {
        do { /* nothing runs after a wake, and while another thread is at it */
            waiter->status = claude_client_pump(client, 0, 0, forever, &ran, NULL);
        } while (waiter->status == CLAUDE_OK && (ran > 0 || waiter->to_the_end));
    } else if (strcmp(waiter->what, "receive_response") == 0) {
        waiter->status = claude_client_receive_response(client, NULL, forever, NULL);
    } else if (strcmp(waiter->what, "connect_wait") == 0) {
        waiter->status = claude_client_connect_wait(client, NULL, forever, NULL);
    } else if (strcmp(waiter->what, "control_wait") == 0) {
        waiter->status = claude_client_set_permission_mode_wait(client, "default", forever, NULL, NULL);
    } else {
        CHECK(strcmp(waiter->what, "disconnect_wait") == 0);
        waiter->status = claude_client_disconnect_wait(client, forever, NULL);
    }
    waiter->ended = true;
    return NULL;
}

static void start_waiter(waiter_t *waiter, claude_client_t *client, const char *what) {
    waiter->client = client;
    waiter->what = what;
    CHECK(pthread_create(&waiter->thread, NULL, wait_body, waiter) == 0);
    WAIT_FOR(waiter->begun);
    /* The first call of the library takes its time. */
    if (strcmp(what, "connect_wait") == 0) WAIT_FOR(claude_client_state(client) == CLAUDE_STATE_CONNECTING);
    sleep_ms(100);
    CHECK(!waiter->ended);
}

static claude_status_t end_waiter(waiter_t *waiter) {
    WAIT_FOR(waiter->ended);
    CHECK(pthread_join(waiter->thread, NULL) == 0);
    return waiter->status;
}

/* A client that is freed, or only disconnected, while another thread waits on it. */
static void freed(const char *what, int mode, bool shut_down) {
    waiter_t waiter = {.to_the_end = true}, second = {.to_the_end = true};
    claude_client_t *client = create(mode);
    OK(claude_client_on_message(client, UNLESS_PULL(mode, on_message), NULL, NULL, &error));
    if (strcmp(what, "connect_wait") != 0) OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    start_waiter(&waiter, client, what);
    if (strcmp(what, "connect_wait") != 0) start_waiter(&second, client, what);
    int64_t before = now_us();
    if (shut_down) OK(claude_runtime_shutdown(30000, &error));
    else claude_client_free(client);
    claude_status_t status = end_waiter(&waiter);
    printf("%s: %s after %.0f ms\n", what, claude_status_name(status), (double)(now_us() - before) / 1000);
    bool disconnected = strcmp(what, "disconnect_wait") == 0 && status == CLAUDE_OK;
    CHECK(status == CLAUDE_ERR_CLOSED || status == CLAUDE_ERR_CANCELLED || status == CLAUDE_ERR_INVALID_HANDLE || disconnected);
    if (second.begun) CHECK(end_waiter(&second) == status);
    CHECK(now_us() - before < 15000000);
    if (shut_down) claude_client_free(client);
}

/* A client that is disconnected instead of connected: nothing will come, and whoever waits is told so. */
static void never_connected(const char *what, int mode) {
    waiter_t waiter = {.to_the_end = true};
    claude_client_t *client = create(mode);
    start_waiter(&waiter, client, what);
    OK(claude_client_disconnect(client, NULL, NULL, &error));
    CHECK(end_waiter(&waiter) == CLAUDE_ERR_CLOSED);
    claude_client_free(client);
}

/* A wake is told once, whatever is queued, and takes no event's place. */
static void woken_among_events(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    intptr_t handle = -1;
    OK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    WAIT_FOR(pending(client) > 3);
    sleep_ms(100);
    size_t waiting = pending(client), events = 0;
    int told = 0;
    OK(claude_client_wake(client, &error));
    OK(claude_client_wake(client, &error));
    for (;;) {
        claude_event_t *event = NULL;
        claude_status_t status = claude_client_next(client, CLAUDE_LANE_ALL, 100, &event, NULL);
        if (status == CLAUDE_ERR_TIMEOUT) break;
        CHECK(status == CLAUDE_OK || status == CLAUDE_ERR_CANCELLED);
        events += status == CLAUDE_OK;
        told += status == CLAUDE_ERR_CANCELLED;
        claude_event_free(event);
    }
    CHECK(told == 1 && events == waiting && readable(handle) == 0);
    claude_client_free(client);
}

/* claude_client_wake ends a wait, or the next one. */
static void wake(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    drain(client, CLAUDE_DISPATCH_PULL);
    waiter_t waiter = {0};
    start_waiter(&waiter, client, "next");
    OK(claude_client_wake(client, &error));
    CHECK(end_waiter(&waiter) == CLAUDE_ERR_CANCELLED);
    OK(claude_client_wake(client, &error));
    claude_event_t *event = NULL;
    CHECK(claude_client_next(client, CLAUDE_LANE_ALL, CLAUDE_WAIT_FOREVER, &event, NULL) == CLAUDE_ERR_CANCELLED && event == NULL);
    CHECK(claude_client_next(client, CLAUDE_LANE_ALL, 10, &event, NULL) == CLAUDE_ERR_TIMEOUT);
    claude_client_free(client);
    woken_among_events();

    client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    drain(client, CLAUDE_DISPATCH_PUMP);
    waiter_t pump = {0};
    start_waiter(&pump, client, "dispatch");
    OK(claude_client_wake(client, &error));
    CHECK(end_waiter(&pump) == CLAUDE_OK);
    claude_client_free(client);
}

static double cpu_seconds(void) {
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
           (double)usage.ru_stime.tv_usec / 1e6;
}

static _Atomic bool inside, let_go;

static void on_slow_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    on_message(kind, json, len, user_data);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    inside = true;
    while (!let_go) sleep_ms(5);
}

/* Results are counted: those from before the call too, one for each of several waiting threads. */
static void counted(int mode) {
    claude_client_t *client = create(mode);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "one", patience_ms(), &error));
    OK(claude_client_query(client, "two", NULL, NULL, &error));
    if (mode == CLAUDE_DISPATCH_PUMP) {
        while (results < 2) OK(claude_client_pump(client, 0, 0, 100, NULL, &error));
    } else {
        WAIT_FOR(results == 2);
    }
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    OK(claude_client_receive_response(client, NULL, CLAUDE_NO_WAIT, &error));
    CHECK(claude_client_receive_response(client, NULL, 50, NULL) == CLAUDE_ERR_TIMEOUT);
    waiter_t first = {0}, second = {0};
    start_waiter(&first, client, "receive_response");
    start_waiter(&second, client, "receive_response");
    OK(claude_client_query(client, "three", NULL, NULL, &error));
    WAIT_FOR(first.ended || second.ended);
    sleep_ms(100);
    CHECK(!(first.ended && second.ended));
    OK(claude_client_query(client, "four", NULL, NULL, &error));
    CHECK(end_waiter(&first) == CLAUDE_OK && end_waiter(&second) == CLAUDE_OK);
    CHECK(results == 4);
    OK(claude_client_query(client, "five", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    CHECK(results == 5);
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    CHECK(claude_client_receive_response(client, NULL, patience_ms(), NULL) == CLAUDE_ERR_CLOSED);
    claude_client_free(client);
}

/* PUMP: who waits for a result while another thread is inside a long callback does not spin. */
static void busy_pump(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_slow_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "one", patience_ms(), &error));
    pump_t pump;
    pump_start(&pump, client);
    WAIT_FOR(inside);
    /* What is queued meanwhile cannot be had by the waiting thread either. */
    OK(claude_client_query(client, "two", NULL, NULL, &error));
    WAIT_FOR(pending(client) > 3);
    waiter_t waiter = {0};
    start_waiter(&waiter, client, "receive_response");
    double before = cpu_seconds();
    sleep_ms(1000);
    double used = cpu_seconds() - before;
    printf("%.3f s of processor time in a second of waiting\n", used);
    CHECK(used < 0.3);
    let_go = true;
    CHECK(end_waiter(&waiter) == CLAUDE_OK);
    pump_end(&pump);
    claude_client_free(client);
}

static _Atomic int closes;

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    closes++;
}

/* When the end of the session has been told and nothing is left, a pump says so. */
static void after_the_end(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_client_disconnect(client, NULL, NULL, &error));
    while (closes == 0) OK(claude_client_pump(client, 0, 0, CLAUDE_WAIT_FOREVER, NULL, &error));
    CHECK(claude_client_pump(client, 0, 0, CLAUDE_WAIT_FOREVER, NULL, NULL) == CLAUDE_ERR_CLOSED);
    CHECK(claude_client_pump(client, 0, 0, CLAUDE_NO_WAIT, NULL, NULL) == CLAUDE_ERR_CLOSED);
    claude_client_free(client);
    CHECK(claude_client_pump(client, 0, 0, CLAUDE_NO_WAIT, NULL, NULL) == CLAUDE_ERR_INVALID_HANDLE);
}

static _Atomic int dones;

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    dones++;
}

/* An operation that is refused with an error is not told again through `done`. */
static void refused(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    CHECK(claude_client_interrupt(client, on_done, NULL, NULL) == CLAUDE_ERR_NOT_CONNECTED);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    CHECK(claude_client_connect(client, NULL, on_done, NULL, NULL) == CLAUDE_ERR_ALREADY_CONNECTED);
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    CHECK(claude_client_interrupt(client, on_done, NULL, NULL) != CLAUDE_OK);
    CHECK(claude_client_connect(client, NULL, on_done, NULL, NULL) == CLAUDE_ERR_ALREADY_CONNECTED);
    sleep_ms(100);
    CHECK(dones == 0);
    OK(claude_client_disconnect(client, on_done, NULL, &error));
    WAIT_FOR(dones == 1);
    claude_client_free(client);
    CHECK(dones == 1);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    const char *name = argv[1];
    if (strcmp(name, "descriptor") == 0) descriptor(mode_named(argv[2]));
    else if (strcmp(name, "told-late") == 0) told_late(mode_named(argv[2]));
    else if (strcmp(name, "several") == 0) several();
    else if (strcmp(name, "epoll") == 0) with_epoll();
    else if (strcmp(name, "freed") == 0) freed(argv[2], mode_named(argv[3]), false);
    else if (strcmp(name, "shut-down") == 0) freed(argv[2], mode_named(argv[3]), true);
    else if (strcmp(name, "never-connected") == 0) never_connected(argv[2], mode_named(argv[3]));
    else if (strcmp(name, "wake") == 0) wake();
    else if (strcmp(name, "counted") == 0) counted(mode_named(argv[2]));
    else if (strcmp(name, "busy-pump") == 0) busy_pump();
    else if (strcmp(name, "after-the-end") == 0) after_the_end();
    else if (strcmp(name, "refused") == 0) refused();
    else return 2;
    return 0;
}
