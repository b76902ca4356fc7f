/* The GLib adapter under the scenarios that all adapters share, in a context that is not the default one. */
#define _POSIX_C_SOURCE 200809L
#include "../../include/adapters/claude_glib.h"
#include "adapter_scenarios.h"

static GMainContext *context;
static GMainLoop *loop, *inner;
static GSource *ticker;
static guint ids[MOST];
static int numbers[MOST];

static void loop_open(void)
{
    context = g_main_context_new();
    loop = g_main_loop_new(context, FALSE);
}

static void loop_run(void)
{
    g_main_loop_run(loop);
}

static void loop_quit(void)
{
    g_main_loop_quit(loop);
}

static void loop_close(void)
{
    g_source_destroy(ticker);
    g_source_unref(ticker);
    g_main_loop_unref(loop);
    CHECK(!g_main_context_pending(context));
    g_main_context_unref(context);
}

static gboolean tick(gpointer user_data)
{
    (void)user_data;
    on_tick();
    return G_SOURCE_CONTINUE;
}

static void loop_start_ticks(void)
{
    ticker = g_timeout_source_new(1);
    g_source_set_callback(ticker, tick, NULL, NULL);
    CHECK(g_source_attach(ticker, context) != 0);
}

static int failures;

static void detached(gpointer user_data)
{
    int slot = *(int *)user_data;

    ids[slot] = 0;
    on_detached(slot);
}

static void failed(gpointer user_data)
{
    (void)user_data;
    failures++;
}

static int loop_attach(int slot, claude_client_t *client, claude_error_t **error)
{
    GSource *made = claude_glib_source_new(client, NULL);

    numbers[slot] = slot;
    if (made == NULL) { /* then the shorter way fails as well, and tells so */
        int before = failures;

        CHECK(claude_glib_attach(client, context, G_PRIORITY_DEFAULT, failed, NULL, error) == 0);
        CHECK(failures == before + 1);
        return 0;
    }
    claude_glib_source_set_budget(made, 1);
    g_source_unref(made); /* never attached */
    ids[slot] = claude_glib_attach(client, context, G_PRIORITY_DEFAULT, detached, &numbers[slot], error);
    CHECK(ids[slot] != 0);
    return 1;
}

static void loop_detach(int slot, int inside)
{
    GSource *source = g_main_context_find_source_by_id(context, ids[slot]);
    int before = talks[slot].detached;

    CHECK(source != NULL && strcmp(g_source_get_name(source), "claude-client") == 0);
    g_source_destroy(source);
    if (inside)
        CHECK(talks[slot].detached == before); /* told when the callback has returned */
}

static int loop_nest(void)
{
    inner = g_main_loop_new(context, FALSE);
    g_main_loop_run(inner);
    g_main_loop_unref(inner);
    return 1;
}

static void loop_unnest(void)
{
    g_main_loop_quit(inner);
}
