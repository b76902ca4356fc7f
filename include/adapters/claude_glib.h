/*
 * claude-client in a GLib main loop (GTK too). One header that you compile yourself; the library does not depend on GLib.
 *
 * Licence: MIT or Apache-2.0, as you choose. Floor: C99, C++11, GLib 2.36. Not for Windows, where there is no descriptor.
 *
 *     claude_client_create(NULL, &client, NULL);
 *     claude_client_on_message(client, on_message, loop, NULL, NULL);
 *     guint id = claude_glib_attach(client, NULL, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
 *     claude_client_connect(client, "Hello!", NULL, NULL, NULL);
 *     g_main_loop_run(loop);                                               // the loop runs the callbacks
 *     g_source_remove(id);
 *     claude_client_free(client);
 *
 * WHAT. The client's callbacks run in the main loop, in rounds of at most 2 ms (claude_glib_source_set_budget), so that
 * sources of the same priority get their turn between two rounds. GLib starves lower priorities while work is left: in a
 * GTK program G_PRIORITY_DEFAULT_IDLE lets drawing and input go first. A callback may run a loop of its own, such as
 * that of a dialog: the client waits until it has returned.
 *
 * THREADS. A source can be made, attached and destroyed on any thread; callbacks run on the thread that iterates the
 * context. Nobody else may dispatch the client while it is attached.
 *
 * OWNERSHIP. The context owns an attached source. The client stays yours.
 *
 * TEARDOWN. Remove the source, and free the client when you like: before, after, inside a callback or on another thread. A
 * freed client is never called again, and its source only waits to be removed. To end without holding up the loop:
 * claude_client_disconnect, then remove the source and free the client in on_closed.
 */
#ifndef CLAUDE_GLIB_H
#define CLAUDE_GLIB_H

#ifdef _WIN32
#error "claude_glib.h needs a descriptor to watch: on Windows call g_main_context_wakeup from claude_client_on_ready"
#endif

#include <claude_client.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

/** How long a round of callbacks may take unless claude_glib_source_set_budget changes it, in microseconds. */
#ifndef CLAUDE_GLIB_BUDGET_US
#define CLAUDE_GLIB_BUDGET_US 2000u
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Not yours: use it as the GSource that it begins with. */
typedef struct {
    GSource source;
    claude_client_t *client;
    int descriptor;
    guint budget_us;
} claude_glib_source_t;

/* A descriptor of our own for the same thing: the client may be freed, and its number given to another file, while the
 * context still watches this one. */
static inline int claude_glib_duplicate(int descriptor)
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

static inline gboolean claude_glib_on_readable(GSource *source, GSourceFunc callback, gpointer user_data)
{
    claude_glib_source_t *self = (claude_glib_source_t *)source;
    claude_status_t status = claude_client_pump(self->client, 0, self->budget_us, CLAUDE_NO_WAIT, NULL, NULL);

    (void)callback;
    (void)user_data;
    if (status == CLAUDE_OK || status == CLAUDE_ERR_WOULD_DEADLOCK || status == CLAUDE_ERR_CLOSED)
        return G_SOURCE_CONTINUE;
    return G_SOURCE_REMOVE;
}

static inline void claude_glib_on_finalize(GSource *source)
{
    claude_glib_source_t *self = (claude_glib_source_t *)source;

    if (self->descriptor >= 0)
        close(self->descriptor);
}

/* Never called: the source itself runs the client. GLib keeps user data and destroy-notify with a function only. */
static inline gboolean claude_glib_nothing(gpointer user_data)
{
    (void)user_data;
    return G_SOURCE_CONTINUE;
}

/**
 * Makes a source that runs the client's callbacks, for contexts, priorities and names of your choice. A client without
 * any registration is switched to PUMP mode.
 *
 * @param client The client, in PUMP mode or without any registration yet, and attached nowhere else.
 * @param error Receives the error; may be NULL.
 * @return A floating source like any other: g_source_attach it and g_source_unref it. NULL when the client cannot be
 *   watched, and `error` says why; without an error the process has no descriptor left, and `errno` says so.
 * @thread Any.
 */
static inline GSource *claude_glib_source_new(claude_client_t *client, claude_error_t **error)
{
    static GSourceFuncs functions = {NULL, NULL, claude_glib_on_readable, claude_glib_on_finalize, NULL, NULL};
    claude_glib_source_t *self;
    intptr_t handle = -1;
    int descriptor;

    /* Refused once something is registered: the mode was chosen before then, and the next call judges it. */
    (void)claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, NULL);
    if (claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, error) != CLAUDE_OK)
        return NULL;
    descriptor = claude_glib_duplicate((int)handle);
    if (descriptor < 0)
        return NULL;
    self = (claude_glib_source_t *)(void *)g_source_new(&functions, (guint)sizeof *self);
    self->client = client;
    self->descriptor = descriptor;
    self->budget_us = CLAUDE_GLIB_BUDGET_US;
    g_source_set_name(&self->source, "claude-client");
    g_source_add_unix_fd(&self->source, descriptor, (GIOCondition)(G_IO_IN | G_IO_HUP | G_IO_ERR));
    return &self->source;
}

/**
 * How long a round of callbacks may take.
 *
 * @param source A source of claude_glib_source_new.
 * @param budget_us The time in microseconds; 0 = no limit.
 * @thread That of the source's context.
 */
static inline void claude_glib_source_set_budget(GSource *source, guint budget_us)
{
    ((claude_glib_source_t *)(void *)source)->budget_us = budget_us;
}

/**
 * Lets a main loop run the client's callbacks: makes a source and attaches it.
 *
 * @param client As for claude_glib_source_new.
 * @param context The context; NULL = the default one.
 * @param priority Such as G_PRIORITY_DEFAULT.
 * @param destroyed Runs once when the source has been removed and the round of callbacks that was running has ended, also
 *   when this function fails; may be NULL.
 * @param user_data Passed to `destroyed`.
 * @param error As for claude_glib_source_new.
 * @return The id for g_source_remove (in the default context) or g_main_context_find_source_by_id; 0 when it failed.
 * @thread Any.
 */
static inline guint claude_glib_attach(claude_client_t *client, GMainContext *context, gint priority,
                                       GDestroyNotify destroyed, gpointer user_data, claude_error_t **error)
{
    GSource *source = claude_glib_source_new(client, error);
    guint id;

    if (source == NULL) {
        if (destroyed != NULL)
            destroyed(user_data);
        return 0;
    }
    g_source_set_priority(source, priority);
    g_source_set_callback(source, claude_glib_nothing, user_data, destroyed);
    id = g_source_attach(source, context);
    g_source_unref(source);
    return id;
}

#ifdef __cplusplus
}
#endif

#endif /* CLAUDE_GLIB_H */
