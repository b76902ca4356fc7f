/* Stuck callbacks, frame budgets, many clients, bounded memory. */
#include "dispatch_common.h"

#define MB (1024 * 1024)

static _Atomic bool release_it;
static _Atomic long received, next_number, results, requests, interrupted;
static _Atomic int64_t handled_at;
static _Atomic bool stuck;

/* A flood counts from 0; several of this size may follow each other. */
static long flood_size = 1000000;

static void expect_number(const char *json) {
    long number = sequence_number(json);
    if (number < 0) return;
    CHECK(number == next_number % flood_size);
    next_number++;
}

static void stick(void) {
    stuck = true;
    while (!release_it) sleep_ms(2);
}

static void stuck_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(len), UNUSED(user_data);
    if (!stuck) stick();
    received++;
    expect_number(json);
    if (kind == CLAUDE_MESSAGE_RESULT) {
        interrupted += strstr(json, "\"aborted_tools\"") != NULL;
        results++;
    }
}

static claude_request_t *_Atomic kept;
static _Atomic int cancels;

static void on_cancel(uint64_t id, void *user_data) {
    UNUSED(id), UNUSED(user_data);
    cancels++;
}

static void kept_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    handled_at = now_us();
    OK(claude_request_on_cancel(request, on_cancel, NULL, NULL, &error));
    kept = request;
    requests++;
}

static void count_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(len), UNUSED(user_data);
    received++;
    expect_number(json);
    if (kind == CLAUDE_MESSAGE_RESULT) results++;
}

/* 20,000 messages, then a request, with a message callback that does not return: the request is handled, the turn is
   interrupted, and the request's cancellation is told meanwhile. Returns how late the request was. */
static int64_t stuck_round(void) {
    received = next_number = results = requests = cancels = interrupted = 0;
    stuck = release_it = false;
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, stuck_message, NULL, NULL, &error));
    OK(claude_client_on_request(client, kept_request, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "flood, then ask", patience_ms(), &error));
    WAIT_FOR(stuck && stat_number(client, "/messages") >= 20000);
    int64_t all_in = now_us();
    WAIT_FOR(requests == 1);
    /* The request came behind the last message, or before this thread saw that one. */
    int64_t late = handled_at > all_in ? handled_at - all_in : 0;
    int64_t before = now_us();
    OK(claude_client_interrupt_wait(client, patience_ms(), NULL, &error));
    WAIT_FOR(cancels == 1);
    printf("request handled %.1f ms after the last message, interrupted and cancelled in %.1f ms\n",
           (double)late / 1000, (double)(now_us() - before) / 1000);
    CHECK(received == 0 && stuck);
    CHECK(claude_request_allow(kept, NULL, NULL, NULL) == CLAUDE_ERR_STALE);
    claude_request_free(kept);
    release_it = true;
    WAIT_FOR(results == 1);
    CHECK(next_number == 20000 && interrupted == 1);
    claude_client_free(client);
    CHECK(cancels == 1);
    return late;
}

static void stuck_messages(void) {
    int64_t best = INT64_MAX;
    for (int round = 0; round < 3; round++) {
        int64_t late = stuck_round();
        CHECK(late < 5000000);
        if (late < best) best = late;
    }
    CHECK(best < 100000);
}

static void stuck_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    stick();
    claude_request_free(request);
}

static _Atomic int dones;

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    CHECK(status == CLAUDE_OK);
    dones++;
}

/* Messages and completions go on while a request handler does not return. */
static void stuck_requests(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, count_message, NULL, NULL, &error));
    OK(claude_client_on_request(client, stuck_request, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "ask, then flood", patience_ms(), &error));
    WAIT_FOR(stuck);
    WAIT_FOR(next_number == 20000);
    OK(claude_client_interrupt(client, on_done, NULL, &error));
    WAIT_FOR(dones == 1);
    release_it = true;
    claude_client_free(client);
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void busy_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    count_message(kind, json, len, user_data);
    int64_t until = now_us() + 20;
    while (now_us() < until) {}
}

static _Atomic long asked_at;

static void allow_request(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    asked_at = next_number;
    requests++;
    OK(claude_request_allow(request, NULL, NULL, &error));
    claude_request_free(request);
}

#define FRAME_US 2000
/* One callback, and what the library and the system need around it. */
#define MARGIN_US 1000

/* 10,000 messages in frames of 2 ms, as they come or all at once. Whether every frame kept its budget; processor time,
   so that other programs do not count. */
static bool frames_round(bool all_at_once) {
    static int64_t took[100000];
    int count = 0;
    next_number = results = requests = 0;
    asked_at = -1;
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, busy_message, NULL, NULL, &error));
    OK(claude_client_on_request(client, allow_request, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "flood", patience_ms(), &error));
    if (all_at_once) WAIT_FOR(stat_number(client, "/messages") >= 10000);
    while (results == 0) {
        int64_t before = thread_us();
        OK(claude_client_pump(client, 0, FRAME_US, CLAUDE_NO_WAIT, NULL, &error));
        CHECK(count < 100000);
        took[count++] = thread_us() - before;
        if (!all_at_once) sleep_ms(1);
    }
    CHECK(next_number == 10000);
    claude_client_free(client);
    qsort(took, (size_t)count, sizeof *took, compare);
    printf("%d frames: median %.2f ms, longest %.2f ms; the request came at message %ld\n", count,
           (double)took[count / 2] / 1000, (double)took[count - 1] / 1000, asked_at);
    CHECK(count >= 20);
    if (all_at_once) return took[count - 1] < FRAME_US + MARGIN_US;
    /* The CLI asked behind 5,000 messages, and was heard before they were. */
    CHECK(requests == 1);
    return took[count - 1] < FRAME_US + MARGIN_US && asked_at < 5000;
}

/* Whatever keeps one of three rounds from its budget is the machine; what keeps all of them is the library. */
static void frames(bool all_at_once) {
    flood_size = all_at_once ? 10000 : 5000;
    for (int round = 0; !frames_round(all_at_once); round++) CHECK(round < 2);
}

static _Atomic long calls;

static void count_call(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    calls++;
}

/* max_events is exact, also with the deltas that the library makes itself. */
static void event_budget(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, count_call, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "stream", patience_ms(), &error));
    WAIT_FOR(stat_number(client, "/messages") >= 14);
    sleep_ms(50);
    for (uint32_t budget = 1; budget <= 5; budget++) {
        size_t before = 0, after = 0;
        uint32_t ran = 0;
        long called = calls;
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, &before, NULL, &error));
        OK(claude_client_pump(client, budget, 0, CLAUDE_NO_WAIT, &ran, &error));
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, &after, NULL, &error));
        CHECK(ran == budget && calls - called == (long)budget);
        /* A delta is one event more than what was read. */
        CHECK(after + budget >= before);
    }
    uint32_t ran = 0;
    OK(claude_client_pump(client, 0, 0, CLAUDE_NO_WAIT, &ran, &error));
    size_t left = 1, bytes = 1;
    OK(claude_client_pending(client, CLAUDE_LANE_ALL, &left, &bytes, &error));
    CHECK(left == 0 && bytes == 0 && ran > 0);
    claude_client_free(client);
}

/* A prompt stream without end does not keep messages from PUMP. */
static _Atomic long prompts_made;

static const char *endless(void *user_data) {
    UNUSED(user_data);
    prompts_made++;
    return results < 5 ? "again" : NULL;
}

static void endless_stream(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_on_message(client, count_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_client_query_stream(client, NULL, endless, NULL, NULL, &error));
    int64_t until = now_us() + 20000000;
    while (results < 5) {
        CHECK(now_us() < until);
        OK(claude_client_pump(client, 50, 0, 10, NULL, &error));
    }
    printf("%ld prompts for 5 results\n", prompts_made);
    claude_client_free(client);
}

static _Atomic bool enough;
static _Atomic int destroyed;

static const char *bulky(void *user_data) {
    static char text[4096];
    UNUSED(user_data);
    memset(text, 'x', sizeof text - 1);
    prompts_made++;
    return enough ? NULL : text;
}

static void count_destroy(void *user_data) {
    UNUSED(user_data);
    destroyed++;
}

/* The generator is asked for no more than the CLI takes, with some in reserve; `again`: the CLI reads on in the end. */
static void held_stream(bool again) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_client_query_stream(client, NULL, bulky, NULL, count_destroy, &error));
    WAIT_FOR(stat_number(client, "/queued_input_bytes") > MB);
    long made = prompts_made;
    for (int i = 0; i < 50; i++) {
        CHECK(stat_number(client, "/queued_input_bytes") < MB + 8192);
        sleep_ms(10);
    }
    CHECK(prompts_made <= made + 1 && destroyed == 0);
    if (again) {
        WAIT_FOR(prompts_made > made + 1000);
        enough = true;
        WAIT_FOR(destroyed == 1);
    }
    claude_client_free(client);
    CHECK(destroyed == 1);
}

#define CLIENTS 500

static void many_idle(int count) {
    static claude_client_t *clients[CLIENTS];
    int before = count_threads();
    for (int i = 0; i < count; i++) {
        clients[i] = create(CLAUDE_DISPATCH_THREAD);
        OK(claude_client_on_message(clients[i], count_message, NULL, NULL, &error));
        OK(claude_client_connect(clients[i], "hello", on_done, NULL, &error));
    }
    int peak = 0;
    int64_t until = now_us() + 120000000;
    while (results < count) {
        int threads = count_threads() - before;
        if (threads > peak) peak = threads;
        CHECK(now_us() < until);
        sleep_ms(2);
    }
    CHECK(dones == count);
    sleep_ms(3000);
    int idle = count_threads() - before;
    printf("%d clients: %d threads at most, %d at rest, %ld kB\n", count, peak, idle, memory_kb("VmRSS:"));
    CHECK(idle <= 4);
    for (int i = 0; i < count; i++) OK(claude_client_disconnect(clients[i], NULL, NULL, &error));
    for (int i = 0; i < count; i++) claude_client_free(clients[i]);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == before);
}

static _Atomic int blocked, answered;

static void block_once(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    blocked++;
    while (!release_it) sleep_ms(5);
}

static void answer(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (kind == CLAUDE_MESSAGE_RESULT) answered++;
}

/* So many clients are stuck in their callbacks; another one notices nothing. */
static void blocked_clients(int count) {
    static claude_client_t *clients[CLIENTS];
    for (int i = 0; i < count; i++) {
        clients[i] = create(CLAUDE_DISPATCH_THREAD);
        OK(claude_client_on_message(clients[i], block_once, NULL, NULL, &error));
        OK(claude_client_connect(clients[i], "hello", NULL, NULL, &error));
    }
    WAIT_FOR(blocked == count);
    claude_client_t *free_one = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(free_one, answer, NULL, NULL, &error));
    OK(claude_client_connect_wait(free_one, NULL, 30000, &error));
    int64_t longest = 0;
    for (int round = 1; round <= 20; round++) {
        int64_t before = now_us();
        OK(claude_client_query(free_one, "hello", NULL, NULL, &error));
        OK(claude_client_receive_response(free_one, NULL, patience_ms(), &error));
        CHECK(answered == round);
        if (now_us() - before > longest) longest = now_us() - before;
    }
    printf("%d blocked: longest round trip of another client %.1f ms\n", count, (double)longest / 1000);
    CHECK(longest < grown_us(2000000));
    CHECK(blocked == count);
    release_it = true;
    claude_client_free(free_one);
    for (int i = 0; i < count; i++) claude_client_free(clients[i]);
}

static _Atomic long bytes_received;

static void slow_start(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    if (!stuck) stick();
    bytes_received += (long)len;
    count_message(kind, json, len, user_data);
}

/* A consumer that stops under a CLI that does not, for so many seconds; then it gets everything. */
static void bounded(int mode, long messages, long bound_mb, int seconds) {
    flood_size = 1000;
    claude_client_t *client = create(mode);
    long before = memory_kb("VmRSS:");
    OK(claude_client_on_message(client, UNLESS_PULL(mode, slow_start), NULL, NULL, &error));
    if (mode != CLAUDE_DISPATCH_THREAD) stuck = true;
    OK(claude_client_connect_wait(client, "flood", patience_ms(), &error));
    int64_t until = now_us() + (int64_t)seconds * 1000000;
    long most = 0;
    int replies = 0;
    while (now_us() < until) {
        long now = memory_kb("VmRSS:") - before;
        if (now > most) most = now;
        /* Its answer stands behind what nobody reads. */
        if (replies < 3 && now_us() > until - 2000000) {
            OK(claude_client_set_permission_mode_wait(client, "default", patience_ms(), NULL, &error));
            replies++;
        }
        sleep_ms(10);
    }
    long queued = stat_number(client, "/queued_bytes"), peak = stat_number(client, "/peak_queued_bytes");
    long read = stat_number(client, "/messages");
    printf("%ld kB more memory at most; %ld bytes queued, %ld at the peak; %ld messages read\n", most, queued, peak, read);
    CHECK(replies == 3);
    CHECK(queued > 0 && queued <= bound_mb * MB + 17 * MB && peak >= queued);
    CHECK(read < messages);
    CHECK(stat_number(client, "/queued_events") > 0);
    CHECK(most < bound_mb * 1024 + 32 * 1024);
    release_it = true;
    until = now_us() + 120000000;
    while (results == 0) {
        CHECK(now_us() < until);
        if (mode == CLAUDE_DISPATCH_PUMP) {
            OK(claude_client_pump(client, 0, 0, 100, NULL, &error));
        } else if (mode == CLAUDE_DISPATCH_PULL) {
            claude_event_t *event = NULL;
            if (claude_client_next(client, CLAUDE_LANE_ALL, 100, &event, NULL) != CLAUDE_OK) continue;
            claude_event_info_t info = info_of(event);
            count_message(info.kind, info.json, info.len, NULL);
            claude_event_free(event);
        } else {
            sleep_ms(5);
        }
        long now = memory_kb("VmRSS:") - before;
        if (now > most) most = now;
    }
    CHECK(next_number == messages);
    CHECK(most < bound_mb * 1024 + 32 * 1024);
    size_t events = 1, bytes = 1;
    sleep_ms(100);
    OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, &bytes, &error));
    if (mode == CLAUDE_DISPATCH_THREAD) CHECK(events == 0 && bytes == 0);
    claude_client_free(client);
}

/* Lines that come one by one take the memory that they need, not that of the buffers they were read into. */
static void paced(long lines) {
    claude_client_t *client = create(CLAUDE_DISPATCH_PUMP);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    long before = memory_kb("VmRSS:");
    OK(claude_client_query(client, "one by one", NULL, NULL, &error));
    WAIT_FOR(stat_number(client, "/messages") >= lines);
    long more = memory_kb("VmRSS:") - before;
    printf("%ld kB for %ld bytes\n", more, stat_number(client, "/message_bytes"));
    CHECK(more < 4000);
    claude_client_free(client);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    const char *name = argv[1];
    if (strcmp(name, "stuck-messages") == 0) stuck_messages();
    else if (strcmp(name, "stuck-requests") == 0) stuck_requests();
    else if (strcmp(name, "frames") == 0) frames(true);
    else if (strcmp(name, "frames-as-it-comes") == 0) frames(false);
    else if (strcmp(name, "event-budget") == 0) event_budget();
    else if (strcmp(name, "endless-stream") == 0) endless_stream();
    else if (strcmp(name, "held-stream") == 0) held_stream(strcmp(argv[2], "again") == 0);
    else if (strcmp(name, "many-idle") == 0) many_idle(atoi(argv[2]));
    else if (strcmp(name, "blocked") == 0) blocked_clients(atoi(argv[2]));
    else if (strcmp(name, "bounded") == 0) bounded(mode_named(argv[2]), atol(argv[3]), atol(argv[4]), atoi(argv[5]));
    else if (strcmp(name, "paced") == 0) paced(atol(argv[2]));
    else return 2;
    return 0;
}
