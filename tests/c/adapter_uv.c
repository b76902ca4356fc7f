/* The libuv adapter under the scenarios that all adapters share. */
#define _POSIX_C_SOURCE 200809L
#include "../../include/adapters/claude_libuv.h"
#include "adapter_scenarios.h"

static uv_loop_t loop;
static uv_timer_t ticker;
static claude_uv_t attached[MOST];
static int numbers[MOST];

static void loop_open(void)
{
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(uv_timer_init(&loop, &ticker) == 0);
}

static void loop_run(void)
{
    CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
}

/* Nothing stops the loop: it returns by itself when no handle is left. */
static void loop_quit(void)
{
    uv_close((uv_handle_t *)&ticker, NULL);
}

static void loop_close(void)
{
    if (!uv_is_closing((uv_handle_t *)&ticker))
        loop_quit();
    loop_run();
    CHECK(uv_loop_close(&loop) == 0);
}

static void tick(uv_timer_t *timer)
{
    (void)timer;
    on_tick();
}

static void loop_start_ticks(void)
{
    CHECK(uv_timer_start(&ticker, tick, 1, 1) == 0);
}

static int loop_attach(int slot, claude_client_t *client, claude_error_t **error)
{
    int result;

    numbers[slot] = slot;
    attached[slot].data = &numbers[slot];
    result = claude_uv_attach(&attached[slot], &loop, client, error);
    CHECK(result == 0 || result == UV_EINVAL);
    CHECK(attached[slot].data == &numbers[slot]);
    return result == 0;
}

static void detached(claude_uv_t *which)
{
    CHECK(which->status == CLAUDE_OK || which->status == CLAUDE_ERR_INVALID_HANDLE);
    on_detached(*(int *)which->data);
}

static void loop_detach(int slot, int inside)
{
    claude_uv_detach(&attached[slot], detached);
    if (inside)
        claude_uv_detach(&attached[slot], NULL); /* the second time does nothing */
}

static int loop_nest(void)
{
    return 0;
}

static void loop_unnest(void)
{
}
