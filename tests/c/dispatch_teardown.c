/* Freeing and replacing, from inside every kind of callback and from other threads. */
#include "dispatch_common.h"

/* One registration: counts its calls, and its one destroy-notify, which must be the last thing. */
typedef struct {
    const char *what;
    _Atomic int calls, running, destroyed;
} registration_t;

enum { MESSAGE, REQUEST, STDERR, CLOSED, WAKEUP, HOOK, PERMISSION, PROMPT, CANCEL, KINDS };
static registration_t regs[KINDS];
static _Atomic int dones;
static claude_client_t *client;
static const char *free_in;
static _Atomic bool freed;
static int mode;
static pump_t pump;
static _Atomic int freed_by;
static _Atomic bool freed_on_reader, prompt_registered;
static _Atomic unsigned long pid;

static bool is_gone(void) { return pid == 0 || !process_runs((unsigned)pid); }

/* What lives as long as the client goes when the callback that freed it has returned: on its thread, or on another of
   the library where that was the reader. */
static void check_destroy(const registration_t *reg) {
    if (freed_by == 0 || reg >= &regs[PROMPT] || reg == &regs[PERMISSION]) return;
    if (strcmp(free_in, "destroy") == 0 && reg == &regs[STDERR]) return;
    CHECK(is_gone());
    for (int i = 0; i < KINDS; i++) CHECK(regs[i].running == 0);
    if (freed_on_reader) CHECK(on_library_thread());
    else CHECK(tid() == freed_by);
}

static void note_free(void) {
    pid = claude_client_pid(client);
    freed_on_reader = on_thread_named("claude-io");
    freed_by = tid();
    freed = true;
}

static void destroy(void *user_data) {
    registration_t *reg = user_data;
    CHECK(reg->running == 0);
    CHECK(++reg->destroyed == 1);
    if (reg >= regs && reg < regs + KINDS) check_destroy(reg);
    if (strcmp(free_in, "destroy") == 0 && reg == &regs[STDERR] && !freed) {
        note_free();
        claude_client_free(client);
    }
}

static void maybe_free(const char *where) {
    /* A wake-up may come on two threads at once. */
    static _Atomic bool claimed;
    if (strcmp(free_in, where) != 0 || atomic_exchange(&claimed, true)) return;
    note_free();
    claude_client_free(client);
    /* The handle is gone at once; a second free is nothing. */
    CHECK(claude_client_interrupt(client, NULL, NULL, NULL) == CLAUDE_ERR_INVALID_HANDLE);
    claude_client_free(client);
}

static void enter(registration_t *reg) {
    CHECK(reg->destroyed == 0);
    /* Nothing starts after a free in a callback of the same thread. */
    reg->running++;
    reg->calls++;
}

static void leave(registration_t *reg) {
    CHECK(reg->destroyed == 0);
    reg->running--;
}

static _Atomic int after_free;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len);
    registration_t *reg = user_data;
    if (freed && strcmp(free_in, "message") == 0) after_free++;
    enter(reg);
    if (kind == CLAUDE_MESSAGE_STREAM_EVENT) maybe_free("message");
    leave(reg);
}

static void on_cancel(uint64_t id, void *user_data) {
    UNUSED(id);
    enter(user_data);
    maybe_free("cancel");
    leave(user_data);
}

static claude_request_t *_Atomic kept;

static void on_request(claude_request_t *request, void *user_data) {
    enter(user_data);
    if (kept == NULL) {
        kept = request;
        OK(claude_request_on_cancel(request, on_cancel, &regs[CANCEL], destroy, &error));
    } else {
        claude_request_free(request);
    }
    maybe_free("request");
    leave(user_data);
}

static void on_hook(claude_request_t *request, void *user_data) {
    enter(user_data);
    /* Another thread may be freeing the client. */
    claude_status_t status = claude_request_respond(request, "{}", NULL);
    CHECK(status == CLAUDE_OK || status == CLAUDE_ERR_CLOSED || status == CLAUDE_ERR_STALE);
    claude_request_free(request);
    maybe_free("hook");
    leave(user_data);
}

static void on_permission(claude_request_t *request, void *user_data) {
    enter(user_data);
    claude_request_free(request);
    maybe_free("permission");
    leave(user_data);
}

static void on_stderr(const char *line, size_t len, void *user_data) {
    UNUSED(line), UNUSED(len);
    enter(user_data);
    maybe_free("stderr");
    leave(user_data);
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len);
    enter(user_data);
    maybe_free("closed");
    leave(user_data);
}

static void on_ready(void *user_data) {
    enter(user_data);
    if (dones > 0) maybe_free("wakeup");
    leave(user_data);
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    dones++;
    maybe_free("done");
}

static const char *next_prompt(void *user_data) {
    enter(user_data);
    maybe_free("prompt");
    leave(user_data);
    return ((registration_t *)user_data)->calls < 3 ? "go on" : NULL;
}

static void on_log(claude_log_level_t level, const char *text, size_t len, void *user_data) {
    UNUSED(level), UNUSED(text), UNUSED(len), UNUSED(user_data);
    if (strstr(text, "the CLI asks")) maybe_free("log");
}

static void register_all(void) {
    claude_request_fn hook = UNLESS_PULL(mode, on_hook);
    OK(claude_client_add_hook(client, "SessionEnd", NULL, 0, CLAUDE_HOOK_CONTINUE, hook, &regs[HOOK], destroy, &error));
    OK(claude_client_on_message(client, UNLESS_PULL(mode, on_message), &regs[MESSAGE], destroy, &error));
    OK(claude_client_on_request(client, UNLESS_PULL(mode, on_request), &regs[REQUEST], destroy, &error));
    OK(claude_client_on_stderr(client, UNLESS_PULL(mode, on_stderr), &regs[STDERR], destroy, &error));
    OK(claude_client_on_closed(client, UNLESS_PULL(mode, on_closed), &regs[CLOSED], destroy, &error));
    OK(claude_client_on_ready(client, on_ready, &regs[WAKEUP], destroy, &error));
}

static bool is(const char *name) { return strcmp(free_in, name) == 0; }

static bool all_destroyed(bool with_prompt, bool with_cancel) {
    for (int i = 0; i < KINDS; i++) {
        if ((i == PROMPT && !with_prompt) || (i == CANCEL && !with_cancel)) continue;
        if (i == PERMISSION && !is("permission")) continue;
        if (regs[i].destroyed != 1) return false;
    }
    return true;
}

/* PUMP: what a free in a callback promises holds when the dispatch has returned. PULL: events, one by one. */
static void *receive_body(void *argument) {
    UNUSED(argument);
    pump.tid = tid();
    while (!pump.stop) {
        claude_status_t status;
        if (mode == CLAUDE_DISPATCH_PUMP) {
            status = claude_client_pump(client, 0, 0, 20, NULL, NULL);
            if (freed_by == pump.tid && !is("destroy")) CHECK(is_gone() && all_destroyed(prompt_registered, kept != NULL));
        } else {
            claude_event_t *event = NULL;
            status = claude_client_next(client, CLAUDE_LANE_ALL, 20, &event, NULL);
            if (status == CLAUDE_OK) dones += info_of(event).kind == CLAUDE_EVENT_DONE;
            claude_event_free(event);
        }
        if (status == CLAUDE_ERR_INVALID_HANDLE || status == CLAUDE_ERR_CLOSED) break;
    }
    return NULL;
}

static void receive_start(void) {
    if (mode != CLAUDE_DISPATCH_PUMP && mode != CLAUDE_DISPATCH_PULL) return;
    CHECK(pthread_create(&pump.thread, NULL, receive_body, NULL) == 0);
    WAIT_FOR(pump.tid != 0);
}

static void receive_end(void) {
    if (pump.tid != 0) pump_end(&pump);
}

/* Frees the client inside the callback that `free_in` names. */
static void free_inside(void) {
    client = create(mode);
    register_all();
    if (is("permission")) OK(claude_client_on_permission(client, on_permission, &regs[PERMISSION], destroy, &error));
    if (is("log")) OK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, NULL, NULL, &error));
    receive_start();
    OK(claude_client_connect(client, NULL, mode == CLAUDE_DISPATCH_PULL ? NULL : on_done, NULL, &error));
    bool streamed = false;
    if (!is("done")) {
        WAIT_FOR(dones == 1 || freed);
        /* The client may be freed under these calls: that is no failure. */
        claude_client_query(client, "hello", NULL, NULL, NULL);
        streamed = claude_client_query_stream(client, NULL, next_prompt, &regs[PROMPT], destroy, NULL) == CLAUDE_OK;
        prompt_registered = streamed;
        if (is("closed")) {
            WAIT_FOR(regs[MESSAGE].calls > 5);
            claude_client_disconnect(client, NULL, NULL, NULL);
        }
        if (is("destroy")) {
            WAIT_FOR(regs[STDERR].calls > 0);
            claude_client_on_stderr(client, NULL, NULL, NULL, NULL);
            CHECK(freed_by == tid() && is_gone() && all_destroyed(true, kept != NULL));
        }
        if (!streamed) CHECK(regs[PROMPT].destroyed == 1);
    }
    WAIT_FOR(freed);
    int64_t before = now_us();
    WAIT_FOR(all_destroyed(!is("done"), kept != NULL));
    printf("%s: all destroyed %.0f ms after the free\n", free_in, (double)(now_us() - before) / 1000);
    CHECK(now_us() - before < 10000000);
    CHECK(after_free == 0);
    receive_end();
    if (kept) {
        claude_status_t status = claude_request_allow(kept, NULL, NULL, NULL);
        CHECK(status == CLAUDE_ERR_CLOSED || status == CLAUDE_ERR_STALE);
        claude_request_free(kept);
    }
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
}

static _Atomic int cancelled_dones;

static void on_open_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    CHECK(status == CLAUDE_ERR_CANCELLED);
    cancelled_dones++;
}

/* Frees from another thread while callbacks of all kinds run; what it promises holds when it returns. */
static void free_outside(void) {
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < KINDS; i++) regs[i].calls = regs[i].running = regs[i].destroyed = 0;
        dones = cancelled_dones = 0;
        kept = NULL;
        freed = false;
        client = create(mode);
        register_all();
        if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
        OK(claude_client_connect(client, "hello", on_done, NULL, &error));
        WAIT_FOR(regs[MESSAGE].calls > 3 + round * 20 && kept != NULL);
        OK(claude_client_set_permission_mode(client, "default", on_open_done, NULL, &error));
        pid = claude_client_pid(client);
        freed = true;
        claude_client_free(client);
        CHECK(all_destroyed(false, true));
        for (int i = 0; i < KINDS; i++) CHECK(regs[i].running == 0);
        CHECK(dones == 1 && cancelled_dones == 1 && regs[CANCEL].calls == 1);
        CHECK(pid != 0 && is_gone());
        CHECK(claude_request_allow(kept, NULL, NULL, NULL) == CLAUDE_ERR_CLOSED);
        claude_request_free(kept);
        if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
    }
}

/* A request handler that blocks until its request is cancelled does not hold up a free. */
static _Atomic bool cancelled, handler_runs;

static void note_cancel(uint64_t id, void *user_data) {
    UNUSED(id), UNUSED(user_data);
    cancelled = true;
}

static void waiting_handler(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    OK(claude_request_on_cancel(request, note_cancel, NULL, NULL, &error));
    handler_runs = true;
    while (!cancelled) sleep_ms(2);
    claude_request_free(request);
}

static void cancel_wakes(bool by_cli) {
    free_in = "";
    client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_request(client, waiting_handler, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "ask", patience_ms(), &error));
    WAIT_FOR(handler_runs);
    int64_t before = now_us();
    if (by_cli) WAIT_FOR(cancelled);
    claude_client_free(client);
    CHECK(cancelled && now_us() - before < 10000000);
}

static void stuck_inline(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len), UNUSED(user_data);
    handler_runs = true;
    while (!cancelled) sleep_ms(2);
}

static void on_cancelled_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len);
    CHECK(status == CLAUDE_ERR_CANCELLED && !freed);
    (*(_Atomic int *)user_data)++;
}

/* An end that cannot be awaited, because another client's callback holds the only reader, is not told behind the free. */
static void unreachable_end(void) {
    free_in = "";
    claude_client_t *blocker = create(CLAUDE_DISPATCH_INLINE);
    OK(claude_client_on_message(blocker, stuck_inline, NULL, NULL, &error));
    OK(claude_client_connect_wait(blocker, NULL, patience_ms(), &error));
    client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_client_query(blocker, "hello", NULL, NULL, &error));
    WAIT_FOR(handler_runs);
    OK(claude_client_disconnect(client, on_cancelled_done, &dones, &error));
    claude_client_free(client);
    freed = true;
    CHECK(dones == 1);
    cancelled = true;
    claude_client_free(blocker);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    CHECK(dones == 1);
}

/* Two clients whose callbacks free each other. */
static claude_client_t *pair[2];
static _Atomic int meeting, pair_destroyed;

static void note_destroy(void *user_data) {
    UNUSED(user_data);
    pair_destroyed++;
}

static void free_other(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len);
    if (kind != CLAUDE_MESSAGE_RESULT) return;
    claude_client_free(*(claude_client_t **)user_data);
    meeting++;
}

static void two_clients(void) {
    free_in = "";
    pair[0] = create(mode);
    pair[1] = create(mode);
    /* The first is freed in the second's callback, which goes on as if nothing had been. */
    OK(claude_client_on_message(pair[0], on_message, &regs[MESSAGE], destroy, &error));
    OK(claude_client_on_message(pair[1], free_other, &pair[0], note_destroy, &error));
    OK(claude_client_connect_wait(pair[0], "hello", patience_ms(), &error));
    if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, pair[1]);
    OK(claude_client_connect_wait(pair[1], "hello", patience_ms(), &error));
    WAIT_FOR(meeting == 1);
    /* The reader does not wait for what it would have to read itself. */
    if (mode == CLAUDE_DISPATCH_INLINE) WAIT_FOR(regs[MESSAGE].destroyed == 1);
    CHECK(regs[MESSAGE].destroyed == 1);
    OK(claude_client_query(pair[1], "again", NULL, NULL, &error));
    WAIT_FOR(meeting == 2);
    if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
    claude_client_free(pair[1]);
    CHECK(pair_destroyed == 1);
}

/* Replacing while the callback runs: from outside it waits, from inside it does not. */
static registration_t one = {.what = "one"}, two = {.what = "two"}, three = {.what = "three"};
static _Atomic bool in_one, go_on;

static void in_two(claude_message_kind_t kind, const char *json, size_t len, void *user_data);

static void slow_one(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len);
    enter(user_data);
    in_one = true;
    while (!go_on) sleep_ms(1);
    sleep_ms(20);
    leave(user_data);
}

static void in_three(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len);
    CHECK(two.destroyed == 1);
    enter(user_data);
    leave(user_data);
}

static void in_two(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len);
    enter(user_data);
    OK(claude_client_on_message(client, in_three, &three, destroy, &error));
    CHECK(two.destroyed == 0);
    leave(user_data);
}

static void *let_go(void *argument) {
    UNUSED(argument);
    sleep_ms(100);
    go_on = true;
    return NULL;
}

static void replacing(void) {
    free_in = "";
    pthread_t thread;
    client = create(mode);
    OK(claude_client_on_message(client, slow_one, &one, destroy, &error));
    if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
    OK(claude_client_connect(client, "hello", NULL, NULL, &error));
    WAIT_FOR(in_one);
    CHECK(pthread_create(&thread, NULL, let_go, NULL) == 0);
    OK(claude_client_on_message(client, in_two, &two, destroy, &error));
    CHECK(go_on && one.running == 0 && one.destroyed == 1);
    WAIT_FOR(three.calls > 0);
    CHECK(two.calls == 1 && two.destroyed == 1);
    OK(claude_client_on_message(client, NULL, NULL, NULL, &error));
    CHECK(three.destroyed == 1);
    int calls = three.calls;
    OK(claude_client_query(client, "unheard", NULL, NULL, &error));
    sleep_ms(100);
    CHECK(three.calls == calls);
    if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
    claude_client_free(client);
    CHECK(pthread_join(thread, NULL) == 0);
    /* On a freed client the destroy-notify runs although nothing is registered. */
    registration_t late = {.what = "late"};
    CHECK(claude_client_on_message(client, in_three, &late, destroy, NULL) == CLAUDE_ERR_INVALID_HANDLE);
    CHECK(late.destroyed == 1);
}

static void unhurried(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(kind), UNUSED(json), UNUSED(len);
    enter(user_data);
    sleep_ms(5);
    leave(user_data);
}

static size_t waiting_events(void) {
    size_t events = 0;
    OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, NULL, &error));
    return events;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

#define REPLACEMENTS 15

/* Replacing waits for one call of 5 ms, not for the ten seconds of calls that are queued behind it. */
static void replace_in_a_backlog(void) {
    static registration_t slow[REPLACEMENTS + 1];
    int64_t took[REPLACEMENTS];
    free_in = "";
    client = create(mode);
    OK(claude_client_on_message(client, unhurried, &slow[0], destroy, &error));
    if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
    OK(claude_client_connect(client, "flood", NULL, NULL, &error));
    WAIT_FOR(waiting_events() > 1500);
    for (int i = 0; i < REPLACEMENTS; i++) {
        WAIT_FOR(slow[i].running == 1);
        int64_t before = now_us();
        OK(claude_client_on_message(client, unhurried, &slow[i + 1], destroy, &error));
        took[i] = now_us() - before;
        CHECK(slow[i].destroyed == 1);
    }
    CHECK(waiting_events() > 500);
    qsort(took, REPLACEMENTS, sizeof *took, compare);
    printf("replaced in %.1f ms, at most %.1f ms\n", (double)took[REPLACEMENTS / 2] / 1000,
           (double)took[REPLACEMENTS - 1] / 1000);
    CHECK(took[REPLACEMENTS / 2] < grown_us(15000) && took[REPLACEMENTS - 1] < grown_us(2000000));
    claude_client_free(client);
    if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    mode = argc > 2 ? mode_named(argv[2]) : CLAUDE_DISPATCH_THREAD;
    free_in = argc > 3 ? argv[3] : "";
    if (strcmp(argv[1], "inside") == 0) free_inside();
    else if (strcmp(argv[1], "outside") == 0) free_outside();
    else if (strcmp(argv[1], "cancel-wakes") == 0) cancel_wakes(false);
    else if (strcmp(argv[1], "cancel-in-thread") == 0) cancel_wakes(true);
    else if (strcmp(argv[1], "unreachable-end") == 0) unreachable_end();
    else if (strcmp(argv[1], "two") == 0) two_clients();
    else if (strcmp(argv[1], "replace") == 0) replacing();
    else if (strcmp(argv[1], "replace-in-a-backlog") == 0) replace_in_a_backlog();
    else return 2;
    return 0;
}
