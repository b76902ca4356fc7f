/* What concerns the whole process: shutdown, fork, names and hooks of threads, returning from main. */
#include "dispatch_common.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MB (1024 * 1024)

static _Atomic long messages, results;
static _Atomic bool inside, let_go;
static _Atomic int closes, dones;
static _Atomic claude_status_t shutdown_status;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    messages++;
    if (kind == CLAUDE_MESSAGE_RESULT) results++;
}

static void stuck_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    on_message(kind, json, len, user_data);
    inside = true;
    while (!let_go) sleep_ms(2);
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    CHECK(status == CLAUDE_OK);
    closes++;
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    if (status == CLAUDE_ERR_CANCELLED) dones++;
}

/* With clients of every mode alive, again and again. */
static void restart(int rounds) {
    for (int round = 0; round < rounds; round++) {
        claude_client_t *clients[4];
        results = 0;
        dones = 0;
        closes = 0;
        for (int mode = 0; mode < 4; mode++) {
            clients[mode] = create(mode);
            OK(claude_client_on_message(clients[mode], UNLESS_PULL(mode, on_message), NULL, NULL, &error));
            OK(claude_client_on_closed(clients[mode], UNLESS_PULL(mode, on_closed), NULL, NULL, &error));
            OK(claude_client_connect_wait(clients[mode], "hello", patience_ms(), &error));
        }
        WAIT_FOR(results == 2);
        OK(claude_client_set_permission_mode(clients[CLAUDE_DISPATCH_THREAD], "default", on_done, NULL, &error));
        unsigned long pid = claude_client_pid(clients[CLAUDE_DISPATCH_INLINE]);
        OK(claude_runtime_shutdown(patience_ms(), &error));
        WAIT_FOR(count_threads() == 1 && dones == 1 && closes == 2);
        CHECK(kill((pid_t)pid, 0) != 0);
        for (int mode = 0; mode < 4; mode++) {
            CHECK(claude_client_state(clients[mode]) == CLAUDE_STATE_CLOSED);
            CHECK(claude_client_query(clients[mode], "more", NULL, NULL, NULL) == CLAUDE_ERR_CLOSED);
            claude_client_free(clients[mode]);
        }
        /* What was left of PUMP and PULL has gone with them, and nothing has come back to life. */
        WAIT_FOR(count_threads() == 1);
    }
    OK(claude_runtime_shutdown(0, &error));
}

static void *shut_down_in_time(void *argument) {
    UNUSED(argument);
    shutdown_status = claude_runtime_shutdown(patience_ms(), NULL);
    return NULL;
}

#define MANY 200

static _Atomic bool behind_deadline;

static void on_done_inline(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    char name[32] = "";
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    CHECK(status == CLAUDE_OK);
    CHECK(strcmp(name, "claude-io") == 0 || (behind_deadline && strcmp(name, "claude-callback") == 0));
    dones++;
    if (inside) return;
    inside = true;
    while (!let_go) sleep_ms(2);
    /* Let the shutdown get as far as the reader. */
    sleep_ms(200);
}

/* What is on its way to a reader when that is told to end, or when it does not come to it in time. */
static void owed(bool late) {
    claude_client_t *clients[MANY];
    pthread_t thread;
    for (int round = 0; round < 3; round++) {
        dones = 0;
        inside = let_go = behind_deadline = false;
        for (int i = 0; i < MANY; i++) {
            clients[i] = create(CLAUDE_DISPATCH_INLINE);
            OK(claude_client_disconnect(clients[i], on_done_inline, NULL, &error));
            WAIT_FOR(inside);
        }
        if (late) {
            behind_deadline = true;
            CHECK(claude_runtime_shutdown(100, NULL) == CLAUDE_ERR_TIMEOUT);
        }
        CHECK(pthread_create(&thread, NULL, shut_down_in_time, NULL) == 0);
        let_go = true;
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(shutdown_status == CLAUDE_OK);
        CHECK(dones == MANY);
        /* The system lists a thread for a moment after it was joined, an emulator for longer. */
        WAIT_FOR(count_threads() == 1);
        for (int i = 0; i < MANY; i++) claude_client_free(clients[i]);
    }
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
}

static void *shut_down(void *argument) {
    UNUSED(argument);
    shutdown_status = claude_runtime_shutdown(300, NULL);
    return NULL;
}

/* A callback that does not return makes it time out; afterwards it can be had again. */
static void stuck(int mode) {
    pthread_t thread;
    claude_client_t *client = create(mode);
    OK(claude_client_on_message(client, stuck_message, NULL, NULL, &error));
    OK(claude_client_connect(client, "hello", NULL, NULL, &error));
    WAIT_FOR(inside);
    int64_t before = now_us();
    CHECK(pthread_create(&thread, NULL, shut_down, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(shutdown_status == CLAUDE_ERR_TIMEOUT && now_us() - before < 10000000);
    let_go = true;
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
    claude_client_free(client);
    let_go = false;
    inside = false;
    /* Stuck callbacks of the life before are no reason for new ones to be. */
    client = create(mode);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    results = 0;
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    WAIT_FOR(results == 1);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
}

static void shut_down_inside(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    on_message(kind, json, len, user_data);
    shutdown_status = claude_runtime_shutdown(1000, NULL);
    inside = true;
}

static void in_callback(int mode) {
    claude_client_t *client = create(mode);
    pump_t pump;
    OK(claude_client_on_message(client, shut_down_inside, NULL, NULL, &error));
    if (mode == CLAUDE_DISPATCH_PUMP) pump_start(&pump, client);
    OK(claude_client_connect(client, "hello", NULL, NULL, &error));
    WAIT_FOR(inside);
    CHECK(shutdown_status == CLAUDE_ERR_WOULD_DEADLOCK);
    WAIT_FOR(results == 1);
    if (mode == CLAUDE_DISPATCH_PUMP) pump_end(&pump);
    claude_client_free(client);
}

/* Threads that are stuck in callbacks at a shutdown are watched for again after it. */
static void watched_again(void) {
    for (int round = 0; round < 2; round++) {
        claude_client_t *clients[8];
        let_go = false;
        messages = 0;
        for (int i = 0; i < 8; i++) {
            clients[i] = create(CLAUDE_DISPATCH_THREAD);
            OK(claude_client_on_message(clients[i], stuck_message, NULL, NULL, &error));
            OK(claude_client_connect(clients[i], "hello", NULL, NULL, &error));
        }
        WAIT_FOR(messages == 8);
        CHECK(claude_runtime_shutdown(100, NULL) == CLAUDE_ERR_TIMEOUT);
        let_go = true;
        OK(claude_runtime_shutdown(patience_ms(), &error));
        for (int i = 0; i < 8; i++) claude_client_free(clients[i]);
    }
}

static void forked(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    claude_error_t *before = NULL;
    CHECK(claude_client_query(client, NULL, NULL, NULL, &before) == CLAUDE_ERR_INVALID_ARGUMENT);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)slowed(20));
        claude_error_t *error = NULL;
        claude_client_t *other = NULL;
        claude_event_t *event = NULL;
        char *json = NULL;
        size_t count = 0;
        intptr_t handle = 0;
        claude_status_t f = CLAUDE_ERR_FORKED;
        CHECK(claude_client_create("{}", &other, &error) == f && other == NULL);
        CHECK(claude_client_query(client, "hi", NULL, NULL, &error) == f);
        CHECK(claude_client_send_json(client, "{}", NULL, &error) == f);
        CHECK(claude_client_connect(client, NULL, NULL, NULL, &error) == f);
        CHECK(claude_client_connect_wait(client, NULL, 1000, &error) == f);
        CHECK(claude_client_disconnect(client, NULL, NULL, &error) == f);
        CHECK(claude_client_disconnect_wait(client, 1000, &error) == f);
        CHECK(claude_client_interrupt(client, NULL, NULL, &error) == f);
        CHECK(claude_client_interrupt_wait(client, 1000, NULL, &error) == f);
        CHECK(claude_client_receive_response(client, NULL, 1000, &error) == f);
        CHECK(claude_client_pump(client, 0, 0, 1000, NULL, &error) == f);
        CHECK(claude_client_next(client, CLAUDE_LANE_ALL, 1000, &event, &error) == f);
        CHECK(claude_client_wake(client, &error) == f);
        CHECK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, &error) == f);
        CHECK(claude_client_pending(client, CLAUDE_LANE_ALL, &count, NULL, &error) == f);
        CHECK(claude_client_stats(client, &json, &error) == f);
        CHECK(claude_client_end_input(client, &error) == f);
        CHECK(claude_client_on_message(client, on_message, NULL, NULL, &error) == f);
        CHECK(claude_client_on_request(client, NULL, NULL, NULL, &error) == f);
        CHECK(claude_client_set_dispatch(client, 0, &error) == f);
        CHECK(claude_json_get("{\"a\":1}", "/a", &json, &error) == f);
        CHECK(claude_runtime_shutdown(1000, &error) == f);
        CHECK(claude_client_pid(client) == 0 && claude_client_state(client) == CLAUDE_STATE_CREATED);
        CHECK(claude_error_message(before) != NULL && claude_error_message(error) != NULL);
        claude_client_free(client);
        claude_error_free(before);
        claude_error_free(error);
        exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(claude_client_query(client, "go on", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    CHECK(results == 2);
    claude_client_free(client);
    claude_error_free(before);
    /* After a shutdown there is nothing that a copy would miss. */
    OK(claude_runtime_shutdown(patience_ms(), &error));
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)slowed(30));
        client = create(CLAUDE_DISPATCH_THREAD);
        OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
        OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
        claude_client_free(client);
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static _Atomic int told;

static void on_told(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(status), UNUSED(json), UNUSED(len), UNUSED(user_data);
    told++;
}

/* What a host still does behind a shutdown is told on a callback thread, which a copy would miss as well. */
static void forked_behind_a_shutdown(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    OK(claude_runtime_shutdown(patience_ms(), &error));
    OK(claude_client_disconnect(client, on_told, NULL, &error));
    WAIT_FOR(told == 1);
    CHECK(count_named("claude-callback") > 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)slowed(20));
        _exit(claude_client_disconnect(client, on_told, NULL, NULL) == CLAUDE_ERR_FORKED ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)slowed(20));
        _exit(claude_client_disconnect(client, NULL, NULL, NULL) == CLAUDE_OK ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    claude_client_free(client);
}

static _Atomic bool forked_early;
static _Atomic int early_status = -1;

/* On the first of many threads of the library, while the others are being started. */
static void fork_at_start(void *user_data) {
    if (atomic_exchange(&forked_early, true)) return;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm((unsigned)slowed(20));
        _exit(claude_client_query(user_data, "hi", NULL, NULL, NULL) == CLAUDE_ERR_FORKED ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    early_status = status;
}

static void forked_at_start(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    claude_runtime_config_t config = {.size = sizeof config};
    config.worker_threads = 64;
    config.on_thread_start = fork_at_start;
    config.user_data = client;
    OK(claude_runtime_configure(&config, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    WAIT_FOR(early_status != -1);
    CHECK(early_status == 0);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

static _Atomic int started, stopped, misnamed;

static void on_start(void *user_data) {
    char name[32] = "";
    CHECK(user_data == (void *)&started);
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (strncmp(name, "mine-", 5) != 0) misnamed++;
    started++;
}

static void on_stop(void *user_data) {
    CHECK(user_data == (void *)&started);
    /* Waiting here would wait for this very thread. */
    CHECK(claude_runtime_shutdown(10, NULL) == CLAUDE_ERR_WOULD_DEADLOCK);
    stopped++;
}

static void hooks(void) {
    claude_runtime_config_t config = {.size = sizeof config, .thread_name = "mine", .on_thread_start = on_start,
                                      .on_thread_stop = on_stop, .user_data = (void *)&started};
    OK(claude_runtime_configure(&config, &error));
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    CHECK(claude_runtime_configure(&config, NULL) == CLAUDE_ERR_ALREADY_CONNECTED);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    WAIT_FOR(count_threads() == 1);
    /* One that reads, one that starts processes, one that runs callbacks at least. */
    printf("%d threads started and ended\n", started);
    CHECK(started >= 3 && stopped == started && misnamed == 0);
}

static _Atomic int started_io;
static _Atomic long least_stack = LONG_MAX;

static void note_thread(void *user_data) {
    UNUSED(user_data);
    pthread_attr_t attributes;
    size_t size = 0;
    CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
    CHECK(pthread_attr_getstacksize(&attributes, &size) == 0);
    pthread_attr_destroy(&attributes);
    if ((long)size < least_stack) least_stack = (long)size;
    CHECK((long)size < 2 * MB);
    started_io += on_thread_named("claude-io");
}

/* As many readers as the host wants, and threads of the size that it wants. */
static void sized(void) {
    claude_runtime_config_t config = {.size = sizeof config, .on_thread_start = note_thread, .worker_threads = 3,
                                      .stack_size = MB};
    OK(claude_runtime_configure(&config, &error));
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    printf("%d readers, stacks from %ld bytes\n", count_named("claude-io"), (long)least_stack);
    WAIT_FOR(count_named("claude-io") == 3);
    CHECK(started_io >= 3 && count_named("claude-callback") >= 1);
    /* glibc takes what it needs itself off the top. */
    CHECK(least_stack >= MB - 64 * 1024);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

/* Stacks on which the library itself would overflow are refused; the smallest that is taken serves. */
static void small_stacks(void) {
    claude_runtime_config_t config = {.size = sizeof config};
    for (config.stack_size = 1; config.stack_size < 512 * 1024; config.stack_size *= 2)
        CHECK(claude_runtime_configure(&config, NULL) == CLAUDE_ERR_INVALID_ARGUMENT);
    OK(claude_runtime_configure(&config, &error));
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

/* A callback thread that cannot be had is had later, without anything else that happens. */
static void thread_later(void) {
    claude_runtime_config_t config = {.size = sizeof config, .stack_size = 64 * MB};
    OK(claude_runtime_configure(&config, &error));
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    WAIT_FOR(count_named("claude-callback") == 0 && count_named("claude-io") == 1);
    struct rlimit before, less;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    less = before;
    less.rlim_cur = (rlim_t)memory_kb("VmSize:") * 1024 + 32 * MB;
    CHECK(setrlimit(RLIMIT_AS, &less) == 0);
    long heard = messages;
    OK(claude_client_query(client, "hello", NULL, NULL, &error));
    WAIT_FOR(stat_number(client, "/queued_events") >= 3);
    sleep_ms(100);
    CHECK(messages == heard && count_named("claude-callback") == 0);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    WAIT_FOR(results == 1);
    claude_client_free(client);
}

static _Atomic int ended;

static void on_end(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    CHECK(status == CLAUDE_OK);
    ended++;
}

/* The longest call of a host that ticks every 10 ms while a stubborn CLI is closed and its client freed. */
static int64_t longest_call(int mode) {
    int64_t longest = 0;
    int ticks = 0;
    ended = closes = 0;
    claude_client_t *client = create(mode);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, "hello", patience_ms(), &error));
    for (; ended < 1 || closes < 1; ticks++) {
        int64_t before = now_us();
        size_t events = 0;
        if (mode == CLAUDE_DISPATCH_PUMP) OK(claude_client_pump(client, 0, 2000, CLAUDE_NO_WAIT, NULL, &error));
        if (ticks == 5) OK(claude_client_disconnect(client, on_end, NULL, &error));
        OK(claude_client_pending(client, CLAUDE_LANE_ALL, &events, NULL, &error));
        if (now_us() - before > longest) longest = now_us() - before;
        sleep_ms(10);
        CHECK(ticks < 6000);
    }
    /* Twice 200 ms of grace went by. */
    CHECK(ticks > 20);
    int64_t before = now_us();
    claude_client_free(client);
    if (now_us() - before > longest) longest = now_us() - before;
    printf("%d ticks, the longest took %.1f ms\n", ticks, (double)longest / 1000);
    return longest;
}

/* No call takes a frame; what does so in one of three rounds is the machine. */
static void ticking(int mode) {
    for (int round = 0; longest_call(mode) > slowed(16000); round++) CHECK(round < 2);
}

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    const char *name = argv[1];
    if (strcmp(name, "restart") == 0) restart(atoi(argv[2]));
    else if (strcmp(name, "owed") == 0) owed(false);
    else if (strcmp(name, "owed-late") == 0) owed(true);
    else if (strcmp(name, "stuck") == 0) stuck(mode_named(argv[2]));
    else if (strcmp(name, "in-callback") == 0) in_callback(mode_named(argv[2]));
    else if (strcmp(name, "watched-again") == 0) watched_again();
    else if (strcmp(name, "fork") == 0) forked();
    else if (strcmp(name, "fork-at-start") == 0) forked_at_start();
    else if (strcmp(name, "fork-behind") == 0) forked_behind_a_shutdown();
    else if (strcmp(name, "hooks") == 0) hooks();
    else if (strcmp(name, "ticking") == 0) ticking(mode_named(argv[2]));
    else if (strcmp(name, "sized") == 0) sized();
    else if (strcmp(name, "small-stacks") == 0) small_stacks();
    else if (strcmp(name, "thread-later") == 0) thread_later();
    else if (strcmp(name, "return") == 0) {
        /* The session lives, the CLI floods, callbacks run: returning is all. */
        claude_client_t *client = create(mode_named(argv[2]));
        OK(claude_client_on_message(client, UNLESS_PULL(mode_named(argv[2]), on_message), NULL, NULL, &error));
        OK(claude_client_connect_wait(client, "flood", patience_ms(), &error));
        if (strcmp(argv[2], "thread") == 0 || strcmp(argv[2], "inline") == 0) WAIT_FOR(messages > 1000);
        printf("pid %lu\n", (unsigned long)claude_client_pid(client));
    } else return 2;
    return 0;
}
