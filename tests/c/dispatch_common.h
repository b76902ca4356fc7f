/* What the programs of the dispatch tests share. */
#ifndef DISPATCH_COMMON_H
#define DISPATCH_COMMON_H

#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "claude_client.h"

#include "patience.h"
#include "portable.h"

/* The call must succeed; its last argument is `error`. */
#define OK(call)                                                                             \
    do {                                                                                     \
        claude_error_t *error = NULL;                                                        \
        claude_status_t status_ = (call);                                                    \
        if (status_ != CLAUDE_OK) {                                                          \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, claude_error_json(error)); \
            fflush(stderr);                                                                  \
            _exit(1);                                                                        \
        }                                                                                    \
    } while (0)

#define UNUSED(x) ((void)(x))

static inline int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Processor time of this thread. */
static inline int64_t thread_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline void sleep_ms(int ms) {
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Waits for a condition; one that does not come is a failure. */
#define WAIT_FOR(condition)                                                                  \
    do {                                                                                     \
        int64_t until_ = now_us() + (int64_t)patience_ms() * 1000;                           \
        while (!(condition)) {                                                               \
            CHECK(now_us() < until_ && #condition);                                          \
            sleep_ms(1);                                                                     \
        }                                                                                    \
    } while (0)

/* Whether this thread belongs to the library, going by its name. */
static inline bool on_library_thread(void) {
    char name[32] = "";
    own_thread_name(name, sizeof name);
    return strncmp(name, "claude", 6) == 0;
}

static inline bool on_thread_named(const char *wanted) {
    char name[32] = "";
    own_thread_name(name, sizeof name);
    return strcmp(name, wanted) == 0;
}

static inline int count_entries(const char *folder) {
    int count = 0;
    DIR *directory = opendir(folder);
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* Threads of this process that have the name. */
static inline int count_named(const char *wanted) {
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue; /* it has just ended */
        if (fgets(name, sizeof name, file)) name[strcspn(name, "\n")] = '\0';
        fclose(file);
        count += strcmp(name, wanted) == 0;
    }
    closedir(directory);
    return count;
}

/* ThreadSanitizer has a thread of its own, which it starts with the first one of the program. */
static int not_ours =
#ifdef __has_feature
    __has_feature(thread_sanitizer);
#else
    0;
#endif

#ifdef __linux__
/* What an emulator of another processor has started itself is there before anything of the program has run. */
__attribute__((constructor)) static void count_not_ours(void) {
    int before_us = count_entries("/proc/self/task") - 1;
    if (before_us > not_ours) not_ours = before_us;
}
#endif

/* After a shutdown to be used with WAIT_FOR: a joined thread leaves /proc a moment after the join has returned. */
static inline int count_threads(void) { return count_entries("/proc/self/task") - not_ours; }

/* A callback for a registration: in PULL mode nobody runs one, and NULL asks for the events. */
#define UNLESS_PULL(mode, callback) ((mode) == CLAUDE_DISPATCH_PULL ? NULL : (callback))

static inline claude_client_t *create(int mode) {
    claude_client_t *client = NULL;
    const char *options = getenv("OPTIONS");
    OK(claude_client_create(options ? options : "{}", &client, &error));
    OK(claude_client_set_dispatch(client, mode, &error));
    return client;
}

/* All that an event holds. */
static inline claude_event_info_t info_of(const claude_event_t *event) {
    claude_event_info_t info = {.size = sizeof info};
    OK(claude_event_info(event, &info, &error));
    return info;
}

static inline int mode_named(const char *name) {
    if (strcmp(name, "thread") == 0) return CLAUDE_DISPATCH_THREAD;
    if (strcmp(name, "pump") == 0) return CLAUDE_DISPATCH_PUMP;
    if (strcmp(name, "pull") == 0) return CLAUDE_DISPATCH_PULL;
    if (strcmp(name, "inline") == 0) return CLAUDE_DISPATCH_INLINE;
    fprintf(stderr, "no such mode: %s\n", name);
    exit(2);
}

/* The number behind "seq": of a frame that fake-claude made for `flood`, or -1. */
static inline long sequence_number(const char *json) {
    const char *at = strstr(json, "\"seq\":");
    return at ? strtol(at + 6, NULL, 10) : -1;
}

static inline long stat_number(claude_client_t *client, const char *pointer) {
    char *json = NULL, *value = NULL;
    OK(claude_client_stats(client, &json, &error));
    OK(claude_json_get(json, pointer, &value, &error));
    long number = strtol(value, NULL, 10);
    claude_string_free(value);
    claude_string_free(json);
    return number;
}

/* A thread that runs PUMP mode's callbacks until it is told to stop. */
typedef struct {
    claude_client_t *client;
    _Atomic bool stop;
    _Atomic int tid;
    pthread_t thread;
} pump_t;

static inline void *pump_body(void *argument) {
    pump_t *pump = argument;
    pump->tid = tid();
    while (!pump->stop) {
        claude_status_t status = claude_client_pump(pump->client, 0, 0, 20, NULL, NULL);
        if (status == CLAUDE_ERR_INVALID_HANDLE || status == CLAUDE_ERR_CLOSED) break;
    }
    return NULL;
}

static inline void pump_start(pump_t *pump, claude_client_t *client) {
    memset(pump, 0, sizeof *pump);
    pump->client = client;
    CHECK(pthread_create(&pump->thread, NULL, pump_body, pump) == 0);
    WAIT_FOR(pump->tid != 0);
}

static inline void pump_end(pump_t *pump) {
    pump->stop = true;
    CHECK(pthread_join(pump->thread, NULL) == 0);
}

#endif
