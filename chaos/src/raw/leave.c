/* What only a host in C can do: callbacks that are left by longjmp, and threads that are cancelled inside of the library. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <time.h>

#include "claude_client.h"

static __thread jmp_buf *home;

/* Pumps; -1 = a callback was left. */
int32_t chaos_pump(claude_client_t *client, uint32_t most, uint32_t budget_us, uint32_t timeout_ms) {
    jmp_buf here;
    jmp_buf *volatile before = home;
    volatile int32_t status = -1;
    home = &here;
    if (setjmp(here) == 0) status = claude_client_pump(client, most, budget_us, timeout_ms, NULL, NULL);
    home = before;
    return status;
}

/* Out of a callback, back to the call above. */
void chaos_leave(void) {
    if (home) longjmp(*home, 1);
}

static void *receiver(void *client) {
    for (;;) {
        claude_event_t *event = NULL;
        claude_client_next(client, CLAUDE_LANE_ALL, 3, &event, NULL);
        claude_event_free(event);
        claude_client_pump(client, 3, 0, 3, NULL, NULL);
        claude_client_receive_response(client, NULL, 3, NULL);
        pthread_testcancel();
    }
    return NULL;
}

/* A thread that receives and is cancelled; it has left the library when this returns. */
int chaos_cancelled(claude_client_t *client, uint32_t after_ms) {
    pthread_t thread;
    struct timespec pause = {(time_t)(after_ms / 1000), (long)(after_ms % 1000) * 1000000};
    if (pthread_create(&thread, NULL, receiver, client) != 0) return 0;
    nanosleep(&pause, NULL);
    pthread_cancel(thread);
    void *result = NULL;
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED ? 0 : -1;
}
