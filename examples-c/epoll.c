/*
 * The library in an event loop that exists already (Linux): its wake-up handle is readable while something waits.
 *
 * A round of callbacks gets a budget, so that whatever else the loop looks after has its turn soon. A round that leaves
 * work behind needs nothing more: the handle stays readable. For libuv, GLib and Qt there are headers that do all this.
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BUDGET_US = 2000 };

typedef struct {
    claude_client_t *client;
    int closed, failed;
} talk_t;

/* Disconnecting does not wait: the loop goes on until on_closed, and freeing takes no time then. */
static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    talk_t *talk = user_data;

    example_print_message(kind, json, len, NULL);
    if (kind == CLAUDE_MESSAGE_RESULT)
        claude_client_disconnect(talk->client, NULL, NULL, NULL);
}

/* Also comes when connecting has failed. */
static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    talk_t *talk = user_data;

    (void)len;
    if (status != CLAUDE_OK)
        example_print("closed: ", error_json, "/message", "\n");
    talk->failed = status != CLAUDE_OK;
    talk->closed = 1;
}

static int watch(int loop, int descriptor)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    return epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
}

/* Stands for everything else that the loop looks after: ten ticks a second. */
static int make_ticker(void)
{
    const struct itimerspec every = {{0, 100000000}, {0, 100000000}};
    int ticker = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (ticker >= 0)
        timerfd_settime(ticker, 0, &every, NULL);
    return ticker;
}

int main(int argc, char **argv)
{
    talk_t talk = {NULL, 0, 0};
    claude_error_t *error = NULL;
    intptr_t handle = -1;
    uint64_t expired, ticks = 0;
    int code;
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int ticker = make_ticker();

    TRY(claude_client_create(example_options(argc, argv, NULL), &talk.client, &error));
    TRY(claude_client_set_dispatch(talk.client, CLAUDE_DISPATCH_PUMP, &error));
    TRY(claude_client_on_message(talk.client, on_message, &talk, NULL, &error));
    TRY(claude_client_on_closed(talk.client, on_closed, &talk, NULL, &error));
    TRY(claude_client_ready_handle(talk.client, CLAUDE_LANE_ALL, &handle, &error));
    if (loop < 0 || ticker < 0 || watch(loop, ticker) != 0 || watch(loop, (int)handle) != 0) {
        perror("epoll");
        talk.failed = 1;
        goto done;
    }
    TRY(claude_client_connect(talk.client, "What is the capital of France?", NULL, NULL, &error));

    while (!talk.closed) {
        struct epoll_event ready[8];
        int i, count = epoll_wait(loop, ready, 8, -1);

        if (count < 0 && errno != EINTR) {
            perror("epoll_wait");
            talk.failed = 1;
            break;
        }
        for (i = 0; i < count; i++) {
            if (ready[i].data.fd == ticker) {
                if (read(ticker, &expired, sizeof expired) == sizeof expired)
                    ticks += expired;
            } else { /* never reads the handle: dispatch makes it quiet again */
                TRY(claude_client_pump(talk.client, 0, BUDGET_US, CLAUDE_NO_WAIT, NULL, &error));
            }
        }
    }
    printf("%lu ticks meanwhile\n", (unsigned long)ticks);

done:
    code = example_end(talk.client, error);
    if (ticker >= 0)
        close(ticker);
    if (loop >= 0)
        close(loop);
    return talk.failed ? EXIT_FAILURE : code;
}
