/*
 * Tools of a host in C: answered at once, later from another thread, not at all, and not any more. Each registration has
 * a block of its own, which its destroy-notify frees: a later use shows under the sanitizer. The second argument says how
 * it ends: `after` the turn, `during` calls, or `inside` one.
 */
#include "host.h"

static const char *end;
static claude_client_t *client;
static unsigned registered, destroyed, cancelled, begun;
static pthread_t workers[64];
static unsigned started;

static int *token(void)
{
    int *block = malloc(sizeof *block);

    CHECK(block != NULL);
    *block = 1;
    __atomic_add_fetch(&registered, 1, __ATOMIC_SEQ_CST);
    return block;
}

static void destroy(void *user_data)
{
    CHECK(*(int *)user_data == 1);
    *(int *)user_data = 0;
    free(user_data);
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

/* The client may be freed at any moment, unless the program waits for the turn. */
static void fine(claude_status_t status)
{
    CHECK(status == CLAUDE_OK || (status == CLAUDE_ERR_CLOSED && strcmp(end, "after") != 0));
}

static void at_once(claude_tool_call_t *call, void *user_data)
{
    static const unsigned char image[] = {0x89, 'P', 'N', 'G'};
    size_t len = 0;

    CHECK(*(int *)user_data == 1);
    CHECK(strlen(claude_tool_call_arguments(call, &len)) == len && len > 0);
    CHECK(strcmp(claude_tool_call_server(call, NULL), "calc") == 0);
    fine(claude_tool_call_progress(call, 1, 2, "half", NULL));
    fine(claude_tool_call_add_text(call, "text", NULL));
    fine(claude_tool_call_add_text(call, "{\"a\": 1}", NULL));
    fine(claude_tool_call_add_image(call, image, sizeof image, "image/png", NULL));
    fine(claude_tool_call_add_block(call, "{\"type\": \"resource_link\", \"name\": \"log\", \"uri\": \"file:///log\"}", NULL));
    fine(claude_tool_call_set_structured(call, "{\"a\": 1}", NULL));
    fine(claude_tool_call_set_meta(call, "{\"own\": true}", NULL));
    fine(claude_tool_call_finish(call, NULL, NULL));
    CHECK(claude_tool_call_finish(call, NULL, NULL) != CLAUDE_OK);
    claude_tool_call_free(call);
    claude_tool_call_free(call);
}

static void *answer(void *call)
{
    pause_ms(20);
    if (claude_tool_call_add_text(call, "later", NULL) == CLAUDE_OK)
        claude_tool_call_finish(call, NULL, NULL);
    claude_tool_call_free(call);
    return NULL;
}

static void later(claude_tool_call_t *call, void *user_data)
{
    CHECK(*(int *)user_data == 1);
    CHECK(pthread_create(&workers[__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST)], NULL, answer, call) == 0);
}

static void on_cancel(uint64_t id, void *user_data)
{
    CHECK(id != 0 && *(int *)user_data == 1);
    __atomic_add_fetch(&cancelled, 1, __ATOMIC_SEQ_CST);
}

/* Ends when it is told to. */
static void until_cancelled(claude_tool_call_t *call, void *user_data)
{
    CHECK(*(int *)user_data == 1);
    fine(claude_tool_call_on_cancel(call, on_cancel, token(), destroy, NULL));
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    if (strcmp(end, "inside") == 0)
        claude_client_free(client);
    while (!claude_tool_call_is_cancelled(call))
        pause_ms(5);
    CHECK(*(int *)user_data == 1);
    CHECK(claude_tool_call_fail(call, "late", NULL) != CLAUDE_OK);
    claude_tool_call_free(call);
}

static void dropped(claude_tool_call_t *call, void *user_data)
{
    CHECK(*(int *)user_data == 1);
    claude_tool_call_free(call);
}

int main(int argc, char **argv)
{
    struct seen seen = SEEN;
    claude_mcp_server_t *server = NULL;

    CHECK(argc == 3);
    end = argv[2];
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"at_once\"}", at_once, token(), destroy, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"later\", \"max_concurrency\": 0}", later, token(), destroy, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"until\", \"max_concurrency\": 3}", until_cancelled, token(), destroy, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"dropped\"}", dropped, token(), destroy, &error));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_mcp_server_add_tool(server, "{", dropped, token(), destroy, &error));
    drop_error();
    client = new_client(argv[1], &seen);
    OK(claude_client_add_mcp_server(client, server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"more\"}", dropped, token(), destroy, &error));
    OK(claude_mcp_server_remove_tool(server, "more", &error));
    claude_mcp_server_free(server);
    OK(claude_client_connect_wait(client, "go", LONG_MS, &error));
    if (strcmp(end, "after") == 0)
        OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    else
        while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) == 0)
            pause_ms(5);
    claude_client_free(client);
    while (strcmp(end, "inside") == 0 && __atomic_load_n(&destroyed, __ATOMIC_SEQ_CST) < registered)
        pause_ms(5);
    CHECK(__atomic_load_n(&destroyed, __ATOMIC_SEQ_CST) == registered);
    CHECK(seen.destroyed == 2);
    CHECK(strcmp(end, "after") == 0 || __atomic_load_n(&cancelled, __ATOMIC_SEQ_CST) > 0);
    while (started > 0)
        CHECK(pthread_join(workers[--started], NULL) == 0);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    return 0;
}
