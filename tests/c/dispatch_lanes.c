/* PULL mode: the two lanes, what comes by them unasked, what after its registration, and where each of them ends. */
#include "dispatch_common.h"

static char connecting, interrupting, leaving, leaving_again; /* their addresses name the operations */

static size_t pending(claude_client_t *client, claude_lanes_t lanes) {
    size_t events = 0;
    OK(claude_client_pending(client, lanes, &events, NULL, &error));
    return events;
}

static claude_status_t try_next(claude_client_t *client, claude_lanes_t lanes, uint32_t timeout_ms, claude_event_info_t *info) {
    claude_event_t *event = NULL;
    claude_status_t status = claude_client_next(client, lanes, timeout_ms, &event, NULL);
    memset(info, 0, sizeof *info);
    if (status != CLAUDE_OK) return status;
    *info = info_of(event);
    CHECK(info->lane & lanes);
    claude_event_free(event); /* its text goes with it */
    return status;
}

/* Receives from the lanes until an event of that kind. */
static claude_event_info_t next_of(claude_client_t *client, claude_lanes_t lanes, claude_message_kind_t kind) {
    claude_event_info_t info;
    do CHECK(try_next(client, lanes, patience_ms(), &info) == CLAUDE_OK);
    while (info.kind != kind);
    return info;
}

static void ends(claude_client_t *client, claude_lanes_t lanes) {
    claude_event_info_t info;
    for (int i = 0; i < 3; i++) {
        CHECK(try_next(client, lanes, CLAUDE_WAIT_FOREVER, &info) == CLAUDE_ERR_CLOSED);
        CHECK(try_next(client, lanes, CLAUDE_NO_WAIT, &info) == CLAUDE_ERR_CLOSED);
    }
}

/* What a disconnect behind the end is told comes, is not waited for, and changes nothing about the end. */
static void disconnects_behind(claude_client_t *client) {
    claude_event_info_t info;
    for (int i = 0; i < 2; i++) {
        OK(claude_client_disconnect(client, NULL, &leaving_again, &error));
        ends(client, CLAUDE_LANE_MESSAGES);
        CHECK(pending(client, CLAUDE_LANE_REQUESTS) == 1);
        CHECK(try_next(client, i == 0 ? CLAUDE_LANE_REQUESTS : CLAUDE_LANE_ALL, CLAUDE_WAIT_FOREVER, &info) == CLAUDE_OK);
        CHECK(info.kind == CLAUDE_EVENT_DONE && info.status == CLAUDE_OK && info.user_data == &leaving_again);
        ends(client, CLAUDE_LANE_ALL);
    }
    CHECK(claude_client_interrupt(client, NULL, &interrupting, NULL) == CLAUDE_ERR_CLOSED);
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    ends(client, CLAUDE_LANE_ALL);
}

/* Every way in which a session ends, read as one lane and as two. */
static void at_the_end(const char *how) {
    claude_event_info_t info;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    if (strcmp(how, "never-connected") == 0) {
        OK(claude_client_disconnect(client, NULL, &leaving, &error));
        CHECK(next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE).user_data == &leaving);
        ends(client, CLAUDE_LANE_REQUESTS);
        ends(client, CLAUDE_LANE_MESSAGES);
    } else if (strcmp(how, "failed") == 0) {
        OK(claude_client_connect(client, NULL, NULL, &connecting, &error));
        info = next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE);
        CHECK(info.user_data == &connecting && info.status != CLAUDE_OK);
        ends(client, CLAUDE_LANE_REQUESTS);
        CHECK(next_of(client, CLAUDE_LANE_MESSAGES, CLAUDE_EVENT_CLOSED).status == info.status);
        ends(client, CLAUDE_LANE_MESSAGES);
        claude_client_free(client);
        return;
    } else {
        OK(claude_client_on_permission(client, NULL, NULL, NULL, &error));
        OK(claude_client_connect(client, "ask", NULL, &connecting, &error));
        CHECK(next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE).user_data == &connecting);
        claude_event_t *event = NULL;
        claude_request_t *request = NULL;
        OK(claude_client_next(client, CLAUDE_LANE_REQUESTS, patience_ms(), &event, &error));
        OK(claude_event_take_request(event, &request, &error));
        claude_event_free(event);
        if (strcmp(how, "in-one") == 0) {
            OK(claude_client_disconnect(client, NULL, &leaving, &error));
            bool cancelled = false, left = false, closed = false;
            while (try_next(client, CLAUDE_LANE_ALL, CLAUDE_WAIT_FOREVER, &info) == CLAUDE_OK) {
                cancelled |= info.kind == CLAUDE_EVENT_REQUEST_CANCELLED && info.id == claude_request_id(request);
                left |= info.kind == CLAUDE_EVENT_DONE && info.user_data == &leaving;
                closed |= info.kind == CLAUDE_EVENT_CLOSED;
            }
            CHECK(cancelled && left && closed);
        } else {
            /* Nobody reads a message; the other lane has its end all the same. */
            OK(claude_client_disconnect(client, NULL, &leaving, &error));
            CHECK(next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_REQUEST_CANCELLED).id == claude_request_id(request));
            CHECK(next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE).user_data == &leaving);
            ends(client, CLAUDE_LANE_REQUESTS);
            CHECK(pending(client, CLAUDE_LANE_MESSAGES) > 1);
            OK(claude_client_disconnect(client, NULL, &leaving_again, &error));
            CHECK(next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE).user_data == &leaving_again);
            ends(client, CLAUDE_LANE_REQUESTS);
            next_of(client, CLAUDE_LANE_MESSAGES, CLAUDE_EVENT_CLOSED);
            ends(client, CLAUDE_LANE_MESSAGES);
        }
        claude_request_free(request);
    }
    disconnects_behind(client);
    claude_client_free(client);
}

typedef struct {
    claude_client_t *client;
    claude_lanes_t lanes;
    long messages, closed, dones;
    _Atomic long seen;
    _Atomic bool begun, ended;
    claude_status_t status;
    pthread_t thread;
} reader_t;

static void *read_lane(void *argument) {
    reader_t *reader = argument;
    claude_event_info_t info;
    claude_event_t *event = NULL;
    reader->begun = true;
    while ((reader->status = claude_client_next(reader->client, reader->lanes, CLAUDE_WAIT_FOREVER, &event, NULL)) == CLAUDE_OK) {
        info = info_of(event);
        reader->messages += info.kind == CLAUDE_MESSAGE_ASSISTANT;
        reader->closed += info.kind == CLAUDE_EVENT_CLOSED;
        reader->dones += info.kind == CLAUDE_EVENT_DONE;
        reader->seen++;
        if (info.kind == CLAUDE_EVENT_REQUEST) {
            claude_request_t *request = NULL;
            OK(claude_event_take_request(event, &request, &error));
            OK(claude_request_allow(request, NULL, NULL, &error));
            claude_request_free(request);
        }
        if (info.kind == CLAUDE_MESSAGE_RESULT) OK(claude_client_disconnect(reader->client, NULL, &leaving, &error));
        claude_event_free(event);
    }
    reader->ended = true;
    return NULL;
}

static void start_reader(reader_t *reader, claude_client_t *client, claude_lanes_t lanes) {
    memset(reader, 0, sizeof *reader);
    reader->client = client;
    reader->lanes = lanes;
    CHECK(pthread_create(&reader->thread, NULL, read_lane, reader) == 0);
    WAIT_FOR(reader->begun);
}

/* A thread for each lane: each gets what is its own and hears of its end. */
static void a_thread_each(void) {
    reader_t messages, requests;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_on_permission(client, NULL, NULL, NULL, &error));
    start_reader(&messages, client, CLAUDE_LANE_MESSAGES);
    start_reader(&requests, client, CLAUDE_LANE_REQUESTS);
    OK(claude_client_connect(client, "flood", NULL, &connecting, &error));
    CHECK(pthread_join(messages.thread, NULL) == 0 && pthread_join(requests.thread, NULL) == 0);
    CHECK(messages.status == CLAUDE_ERR_CLOSED && requests.status == CLAUDE_ERR_CLOSED);
    CHECK(messages.messages == 20001 /* the answer is one */ && messages.closed == 1 && messages.dones == 0);
    CHECK(requests.messages == 0 && requests.closed == 0 && requests.dones == 2 && requests.seen == 3);
    claude_client_free(client);
}

/* Every one that waits returns at a wake, whatever lane it waits for; where none waits, the next one does, once. */
static void wake_all(void) {
    reader_t readers[4];
    claude_lanes_t lanes[] = {CLAUDE_LANE_MESSAGES, CLAUDE_LANE_REQUESTS, CLAUDE_LANE_ALL, CLAUDE_LANE_MESSAGES};
    claude_event_info_t info;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    while (try_next(client, CLAUDE_LANE_ALL, 100, &info) == CLAUDE_OK) {}
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) start_reader(&readers[i], client, lanes[i]);
        sleep_ms(100);
        for (int i = 0; i < 4; i++) CHECK(!readers[i].ended);
        OK(claude_client_wake(client, &error));
        for (int i = 0; i < 4; i++) {
            CHECK(pthread_join(readers[i].thread, NULL) == 0);
            CHECK(readers[i].status == CLAUDE_ERR_CANCELLED);
        }
        CHECK(try_next(client, CLAUDE_LANE_ALL, 10, &info) == CLAUDE_ERR_TIMEOUT);
    }
    for (int i = 0; i < 3; i++) {
        intptr_t handle = -1;
        OK(claude_client_wake(client, &error));
        OK(claude_client_ready_handle(client, lanes[i], &handle, &error));
        CHECK(readable(handle) == 1);
        CHECK(try_next(client, lanes[i], CLAUDE_WAIT_FOREVER, &info) == CLAUDE_ERR_CANCELLED);
        CHECK(readable(handle) == 0);
        CHECK(try_next(client, lanes[i], 10, &info) == CLAUDE_ERR_TIMEOUT);
    }
    claude_client_free(client);
}

static _Atomic int ready;

static void on_ready(void *user_data) {
    UNUSED(user_data);
    ready++;
}

/* Messages that a host holds back silence neither on_ready nor the descriptor of the other lane. */
static void held_back(void) {
    claude_event_info_t info;
    intptr_t handles[3] = {-1, -1, -1}, again = -1;
    claude_lanes_t lanes[] = {CLAUDE_LANE_MESSAGES, CLAUDE_LANE_REQUESTS, CLAUDE_LANE_ALL};
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_on_ready(client, on_ready, NULL, NULL, &error));
    for (int i = 0; i < 3; i++) {
        OK(claude_client_ready_handle(client, lanes[i], &handles[i], &error));
        OK(claude_client_ready_handle(client, lanes[i], &again, &error));
        CHECK(again == handles[i] && readable(again) == 0);
    }
    CHECK(handles[0] != handles[1] && handles[1] != handles[2] && handles[2] != handles[0]);
    /* Bits of lanes to come mean nothing yet. */
    OK(claude_client_ready_handle(client, CLAUDE_LANE_REQUESTS | 1024, &again, &error));
    CHECK(again == handles[1]);
    static const claude_lanes_t none[] = {0, 4, 1024, -1, -2147483647 - 1};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        claude_event_t *event = NULL;
        CHECK(claude_client_ready_handle(client, none[i], &again, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
        CHECK(claude_client_pending(client, none[i], NULL, NULL, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
        CHECK(claude_client_next(client, none[i], CLAUDE_WAIT_FOREVER, &event, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    }
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    WAIT_FOR(stat_number(client, "/messages") >= 101);
    size_t held = pending(client, CLAUDE_LANE_MESSAGES), bytes = 1;
    CHECK(held > 100 && pending(client, CLAUDE_LANE_REQUESTS) == 0 && pending(client, CLAUDE_LANE_ALL) == held);
    OK(claude_client_pending(client, CLAUDE_LANE_REQUESTS, NULL, &bytes, &error));
    CHECK(bytes == 0);
    CHECK(readable(handles[0]) == 1 && readable(handles[1]) == 0 && readable(handles[2]) == 1);
    CHECK(ready >= 1);
    for (int round = 0; round < 3; round++) {
        int before = ready;
        OK(claude_client_set_permission_mode(client, "default", NULL, &interrupting, &error));
        WAIT_FOR(readable(handles[1]) == 1);
        WAIT_FOR(ready == before + 1);
        CHECK(try_next(client, CLAUDE_LANE_REQUESTS, CLAUDE_NO_WAIT, &info) == CLAUDE_OK);
        CHECK(info.kind == CLAUDE_EVENT_DONE && info.user_data == &interrupting);
        CHECK(readable(handles[1]) == 0 && readable(handles[0]) == 1);
        CHECK(try_next(client, CLAUDE_LANE_REQUESTS, CLAUDE_NO_WAIT, &info) == CLAUDE_ERR_TIMEOUT);
    }
    CHECK(pending(client, CLAUDE_LANE_MESSAGES) >= held);
    while (try_next(client, CLAUDE_LANE_MESSAGES, 100, &info) == CLAUDE_OK) {}
    CHECK(readable(handles[0]) == 0 && readable(handles[2]) == 0);
    claude_client_free(client);
}

/* A reader of messages that has stopped: the CLI is slowed down, memory stays bounded, and what goes by the other lane still
 * comes. Then nothing is missing. */
static void stopped_reader(long messages, long bound) {
    claude_event_info_t info;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_on_permission(client, NULL, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    long before = memory_kb("VmRSS:");
    OK(claude_client_query(client, "flood", NULL, NULL, &error));
    /* The permission that stands in front of the flood. */
    claude_event_t *event = NULL;
    claude_request_t *request = NULL;
    OK(claude_client_next(client, CLAUDE_LANE_REQUESTS, patience_ms(), &event, &error));
    OK(claude_event_take_request(event, &request, &error));
    OK(claude_request_allow(request, NULL, NULL, &error));
    claude_request_free(request);
    claude_event_free(event);
    WAIT_FOR(stat_number(client, "/queued_bytes") >= bound);
    sleep_ms(300);
    long queued = stat_number(client, "/queued_bytes");
    CHECK(queued < bound + 1024 * 1024);
    for (int round = 0; round < 3; round++) {
        int64_t asked = now_us();
        OK(claude_client_set_permission_mode(client, "default", NULL, &interrupting, &error));
        info = next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE);
        CHECK(info.user_data == &interrupting && info.status == CLAUDE_OK);
        printf("answered after %.0f ms\n", (double)(now_us() - asked) / 1000);
    }
    OK(claude_client_interrupt(client, NULL, &interrupting, &error));
    info = next_of(client, CLAUDE_LANE_REQUESTS, CLAUDE_EVENT_DONE);
    CHECK(info.user_data == &interrupting && info.status == CLAUDE_OK);
    long peak = stat_number(client, "/peak_queued_bytes"), memory = memory_kb("VmRSS:") - before;
    printf("%ld bytes queued, %ld at the peak, %ld kB more memory\n", queued, peak, memory);
    CHECK(peak <= bound + 17 * 1024 * 1024);
    CHECK(memory < bound / 1024 + 32 * 1024);
    long next = 0;
    for (;;) {
        OK(claude_client_next(client, CLAUDE_LANE_MESSAGES, patience_ms(), &event, &error));
        info = info_of(event);
        long number = sequence_number(info.json);
        if (number >= 0) CHECK(number == next++);
        bool ended = info.kind == CLAUDE_MESSAGE_RESULT;
        claude_event_free(event);
        if (ended) break;
    }
    printf("%ld of %ld messages\n", next, messages);
    CHECK(next <= messages && next > 0);
    claude_client_free(client);
}

/* What is not registered is refused at once, and no event tells of it. */
static void unasked(void) {
    bool refused = false;
    claude_event_info_t info;
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    OK(claude_client_connect_wait(client, "ask", patience_ms(), &error));
    for (info.kind = 0; info.kind != CLAUDE_MESSAGE_RESULT;) {
        claude_event_t *event = NULL;
        OK(claude_client_next(client, CLAUDE_LANE_ALL, patience_ms(), &event, &error));
        info = info_of(event);
        CHECK(info.kind != CLAUDE_EVENT_REQUEST && info.kind != CLAUDE_EVENT_REQUEST_CANCELLED && info.kind != CLAUDE_EVENT_STDERR);
        refused |= strstr(info.json, "deny") || strstr(info.json, "cancel") || strstr(info.json, "decline");
        claude_event_free(event);
    }
    CHECK(refused);
    claude_client_free(client);
}

static void nothing(void) {}

/* The mode is chosen before anything is registered: what a NULL callback means depends on it. */
static void mode_first(void) {
    void (*function)(void) = nothing;
    for (int which = 0; which < 8; which++) {
        for (int null = 0; null < 2; null++) {
            claude_client_t *client = NULL;
            void *f = NULL;
            if (!null) memcpy(&f, &function, sizeof f);
            OK(claude_client_create(getenv("OPTIONS"), &client, &error));
            OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, &error));
            OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_THREAD, &error));
            switch (which) {
            case 0: OK(claude_client_on_message(client, (claude_message_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 1: OK(claude_client_on_request(client, (claude_request_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 2: OK(claude_client_on_permission(client, (claude_request_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 3: OK(claude_client_on_stderr(client, (claude_text_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 4: OK(claude_client_on_closed(client, (claude_closed_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 5: OK(claude_client_on_ready(client, (claude_notify_fn)(uintptr_t)f, NULL, NULL, &error)); break;
            case 6:
                OK(claude_client_add_hook(client, "Stop", NULL, 0, CLAUDE_HOOK_CONTINUE, (claude_request_fn)(uintptr_t)f, NULL, NULL, &error));
                break;
            default: OK(claude_client_add_mcp_handler(client, "own", (claude_request_fn)(uintptr_t)f, NULL, NULL, &error));
            }
            for (int mode = CLAUDE_DISPATCH_THREAD; mode <= CLAUDE_DISPATCH_INLINE; mode++)
                CHECK(claude_client_set_dispatch(client, mode, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
            claude_client_free(client);
        }
    }
    /* One that was refused does not count. */
    claude_client_t *client = create(CLAUDE_DISPATCH_PULL);
    claude_request_fn request;
    memcpy(&request, &function, sizeof request);
    CHECK(claude_client_on_permission(client, request, NULL, NULL, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_add_hook(client, "Stop", NULL, 0, CLAUDE_HOOK_CONTINUE, request, NULL, NULL, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    CHECK(claude_client_add_mcp_handler(client, "own", request, NULL, NULL, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_THREAD, &error));
    claude_client_free(client);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    const char *name = argv[1];
    if (strcmp(name, "end") == 0) at_the_end(argv[2]);
    else if (strcmp(name, "a-thread-each") == 0) a_thread_each();
    else if (strcmp(name, "wake-all") == 0) wake_all();
    else if (strcmp(name, "held-back") == 0) held_back();
    else if (strcmp(name, "stopped-reader") == 0) stopped_reader(atol(argv[2]), atol(argv[3]));
    else if (strcmp(name, "unasked") == 0) unasked();
    else if (strcmp(name, "mode-first") == 0) mode_first();
    else return 2;
    return 0;
}
