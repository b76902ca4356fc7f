/*
 * claude-client in a libuv loop. One header that you compile yourself; the library does not depend on libuv.
 *
 * Licence: MIT or Apache-2.0, as you choose. Floor: C99, C++11, libuv 1.0. Not for Windows, where there is no descriptor.
 *
 *     claude_uv_t attached;
 *     claude_client_create(NULL, &client, NULL);
 *     claude_client_on_message(client, on_message, &attached, NULL, NULL);
 *     claude_uv_attach(&attached, loop, client, NULL);                     // from now on the loop runs the callbacks
 *     claude_client_connect(client, "Hello!", NULL, NULL, NULL);
 *     uv_run(loop, UV_RUN_DEFAULT);                                        // until on_closed calls claude_uv_detach
 *     claude_client_free(client);
 *
 * WHAT. The client's callbacks run in the loop, in rounds of at most `budget_us`, so that timers and other handles get
 * their turn between two rounds. Nothing has to be armed again when a round leaves work behind: the descriptor stays
 * readable, and libuv reports it in the next iteration.
 *
 * THREADS. Every function here belongs on the loop's thread, as in libuv itself. The client can be used on any thread.
 * Nobody else may dispatch the client while it is attached.
 *
 * OWNERSHIP. A claude_uv_t is yours, like any libuv handle, and must stay where it is until its `detached` was called. The
 * client stays yours too. An attached client keeps the loop alive, until claude_uv_unref.
 *
 * TEARDOWN. Detach, and free the client when you like: before, after, inside a callback or on another thread. A freed
 * client is never called again, and is only a detach that is still owed. To end without holding up the loop:
 * claude_client_disconnect, then detach and free in on_closed.
 */
#ifndef CLAUDE_LIBUV_H
#define CLAUDE_LIBUV_H

#ifdef _WIN32
#error "claude_libuv.h needs a descriptor to watch: on Windows call uv_async_send from claude_client_on_ready"
#endif

#include <claude_client.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

/** How long a round of callbacks may take unless `budget_us` is changed, in microseconds. */
#ifndef CLAUDE_UV_BUDGET_US
#define CLAUDE_UV_BUDGET_US 2000u
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct claude_uv_t claude_uv_t;

/** The last call for this attachment: its memory is yours again, and no callback of the client runs in the loop. */
typedef void (*claude_uv_detached_fn)(claude_uv_t *attached);

/** A client in a loop. */
struct claude_uv_t {
    /** Yours; nothing here touches it. */
    void *data;
    /** How long a round of callbacks may take, in microseconds; 0 = no limit. Set by attaching, change it afterwards. */
    uint32_t budget_us;
    /** CLAUDE_OK while the client is watched; else why dispatching it has failed, such as CLAUDE_ERR_INVALID_HANDLE. */
    claude_status_t status;
    /* The rest is not yours. */
    claude_client_t *client;
    claude_uv_detached_fn detached;
    int descriptor;
    uv_poll_t poll;
};

/* A descriptor of our own for the same thing: the client may be freed, and its number given to another file, while libuv
 * still watches this one. */
static inline int claude_uv_duplicate(int descriptor)
{
#ifdef F_DUPFD_CLOEXEC
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
#else
    int copy = dup(descriptor);
    if (copy >= 0)
        (void)fcntl(copy, F_SETFD, FD_CLOEXEC);
    return copy;
#endif
}

static inline void claude_uv_on_readable(uv_poll_t *poll, int broken, int events)
{
    claude_uv_t *attached = (claude_uv_t *)poll->data;
    claude_status_t status =
        claude_client_pump(attached->client, 0, attached->budget_us, CLAUDE_NO_WAIT, NULL, NULL);

    (void)broken;
    (void)events;
    if (status == CLAUDE_OK || status == CLAUDE_ERR_WOULD_DEADLOCK)
        return;
    attached->status = status;
    if (!uv_is_closing((uv_handle_t *)poll))
        uv_poll_stop(poll);
}

static inline void claude_uv_on_close(uv_handle_t *handle)
{
    claude_uv_t *attached = (claude_uv_t *)handle->data;

    close(attached->descriptor);
    attached->descriptor = -1;
    if (attached->detached != NULL)
        attached->detached(attached);
}

/**
 * Lets a loop run the client's callbacks. A client without any registration is switched to PUMP mode.
 *
 * @param attached Filled in, but for `data`. Must stay where it is until it is detached.
 * @param loop The loop.
 * @param client The client, in PUMP mode or without any registration yet, and attached nowhere else.
 * @param error Receives the error where the client is at fault (UV_EINVAL); may be NULL.
 * @return 0, or an error code of libuv; then there is nothing to detach.
 * @thread The loop's.
 */
static inline int claude_uv_attach(claude_uv_t *attached, uv_loop_t *loop, claude_client_t *client,
                                   claude_error_t **error)
{
    intptr_t handle = -1;
    int result;

    /* Refused once something is registered: the mode was chosen before then, and the next call judges it. */
    (void)claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, NULL);
    if (claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, error) != CLAUDE_OK)
        return UV_EINVAL;
    attached->budget_us = CLAUDE_UV_BUDGET_US;
    attached->status = CLAUDE_OK;
    attached->client = client;
    attached->detached = NULL;
    attached->descriptor = claude_uv_duplicate((int)handle);
    if (attached->descriptor < 0)
        return uv_translate_sys_error(errno);
    result = uv_poll_init(loop, &attached->poll, attached->descriptor);
    if (result != 0) {
        close(attached->descriptor);
        attached->descriptor = -1;
        return result;
    }
    attached->poll.data = attached;
    /* Cannot fail: the descriptor is new, and poll_init has accepted it. */
    (void)uv_poll_start(&attached->poll, UV_READABLE, claude_uv_on_readable);
    return 0;
}

/**
 * Ends the attachment. What the client still has to tell stays queued, and comes when it is attached again. The second
 * call does nothing.
 *
 * @param attached The attachment.
 * @param detached Told by the loop in a later step that the end is reached, as with uv_close; may be NULL. Inside a
 *   callback of the client, the running round still goes on to its end first.
 * @thread The loop's, also inside a callback of the client.
 */
static inline void claude_uv_detach(claude_uv_t *attached, claude_uv_detached_fn detached)
{
    if (uv_is_closing((uv_handle_t *)&attached->poll))
        return;
    attached->detached = detached;
    uv_close((uv_handle_t *)&attached->poll, claude_uv_on_close);
}

/** As uv_unref: an attached client does not keep the loop alive any more. */
static inline void claude_uv_unref(claude_uv_t *attached)
{
    uv_unref((uv_handle_t *)&attached->poll);
}

#ifdef __cplusplus
}
#endif

#endif /* CLAUDE_LIBUV_H */
