/* What the C hosts of the fault tests share. A program that is content ends with 0 and prints nothing on stderr. */
#ifndef HOST_H
#define HOST_H

#define _GNU_SOURCE
#include <claude_client.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "patience.h"

#define LONG_MS patience_ms()

static claude_error_t *error;

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
/* The call must succeed. */
#define OK(call) expect(CLAUDE_OK, (call), #call, __FILE__, __LINE__)
/* The call must fail with this status; its error stays in `error`. */
#define FAILS(status, call) expect((status), (call), #call, __FILE__, __LINE__)

static inline void check(int holds, const char *text, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, text);
    _exit(1);
}

static inline void expect(claude_status_t wanted, claude_status_t status, const char *text, const char *file, int line)
{
    if (status == wanted)
        return;
    fprintf(stderr, "%s:%d: %s is %s\n%s\n", file, line, text, claude_status_name(status), claude_error_json(error));
    _exit(1);
}

#include "portable.h"

static inline void drop_error(void)
{
    claude_error_free(error);
    error = NULL;
}

static inline void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        ;
}

/* Counts what the callbacks are told. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned messages, results, closed, destroyed;
    claude_status_t closed_status;
    char closed_json[16384];
};

#define SEEN {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}

static inline void seen_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    struct seen *seen = user_data;

    CHECK(strlen(json) == len);
    pthread_mutex_lock(&seen->lock);
    seen->messages++;
    seen->results += kind == CLAUDE_MESSAGE_RESULT;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
}

static inline void seen_closed(claude_status_t status, const char *json, size_t len, void *user_data)
{
    struct seen *seen = user_data;

    CHECK(strlen(json) == len);
    pthread_mutex_lock(&seen->lock);
    seen->closed++;
    seen->closed_status = status;
    snprintf(seen->closed_json, sizeof seen->closed_json, "%s", json);
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
}

static inline void seen_destroy(void *user_data)
{
    struct seen *seen = user_data;

    pthread_mutex_lock(&seen->lock);
    seen->destroyed++;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
}

/* Waits until the counter has reached the number. */
static inline void seen_wait(struct seen *seen, unsigned *counter, unsigned number)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LONG_MS / 1000;
    pthread_mutex_lock(&seen->lock);
    while (*counter < number)
        CHECK(pthread_cond_timedwait(&seen->changed, &seen->lock, &limit) == 0);
    pthread_mutex_unlock(&seen->lock);
}

/* A client that counts messages and its end into `seen`. */
static inline claude_client_t *new_client_in(claude_dispatch_t mode, const char *options, struct seen *seen)
{
    claude_client_t *client = NULL;

    OK(claude_client_create(options, &client, &error));
    OK(claude_client_set_dispatch(client, mode, &error));
    OK(claude_client_on_message(client, seen_message, seen, seen_destroy, &error));
    OK(claude_client_on_closed(client, seen_closed, seen, seen_destroy, &error));
    return client;
}

static inline claude_client_t *new_client(const char *options, struct seen *seen)
{
    return new_client_in(CLAUDE_DISPATCH_THREAD, options, seen);
}

#endif
