/*
 * What a host forgets: its objects are counted by type, and named in the log at the shutdown. Nothing else would see them, as
 * a handle is a number.
 */
#include "host.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static claude_request_t *kept;
static claude_tool_call_t *call;
static char logged[512];

static long count(const char *name)
{
    char *stats = NULL, *value = NULL;
    long number;

    OK(claude_runtime_stats(&stats, &error));
    OK(claude_json_get(stats, name, &value, &error));
    number = strtol(value, NULL, 10);
    claude_string_free(value);
    claude_string_free(stats);
    return number;
}

static void wait_for(const char *name, long wanted)
{
    int tries;

    for (tries = 0; tries < 6000 && count(name) != wanted; tries++)
        pause_ms(10);
    CHECK(count(name) == wanted);
}

static void on_log(claude_log_level_t level, const char *text, size_t len, void *user_data)
{
    CHECK(level == CLAUDE_LOG_WARNING && strlen(text) == len);
    (void)user_data;
    if (strstr(text, "has not freed") != NULL)
        snprintf(logged, sizeof logged, "%s", text);
}

static void on_request(claude_request_t *request, void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    kept = request;
    pthread_mutex_unlock(&lock);
}

static void on_call(claude_tool_call_t *given, void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    call = given;
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_mcp_server_t *server = NULL;
    claude_error_t *failure = NULL;
    char *text = NULL;
    struct seen seen = SEEN;

    CHECK(argc == 2);
    CHECK(count("/clients") == 0 && count("/threads") == 0 && count("/children") == 0);
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"slow\"}", on_call, NULL, NULL, &error));
    client = new_client(argv[1], &seen);
    OK(claude_client_on_request(client, on_request, NULL, NULL, &error));
    OK(claude_client_add_mcp_server(client, server, &error));
    OK(claude_client_connect_wait(client, "go", LONG_MS, &error));
    wait_for("/requests", 1);
    wait_for("/tool_calls", 1);
    CHECK(count("/clients") == 1 && count("/mcp_servers") == 1 && count("/children") == 1 && count("/threads") > 0);

    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_query(client, "", NULL, NULL, &failure));
    CHECK(count("/errors") == 1);
    claude_error_free(failure);
    CHECK(count("/errors") == 0);
    OK(claude_client_stats(client, &text, &error));
    /* That text, and the one of the count itself. */
    CHECK(count("/strings") == 1);

    OK(claude_runtime_on_log(CLAUDE_LOG_WARNING, on_log, NULL, NULL, &error));
    OK(claude_runtime_shutdown(LONG_MS, &error));
    CHECK(count("/threads") == 0 && count("/children") == 0);
    CHECK(strstr(logged, "clients: 1") != NULL && strstr(logged, "strings: 1") != NULL);
    CHECK(strstr(logged, "requests: 1") != NULL && strstr(logged, "mcp_servers: 1") != NULL);
    CHECK(strstr(logged, "tool_calls: 1") != NULL && strstr(logged, "errors") == NULL && strstr(logged, "events") == NULL);

    claude_string_free(text);
    claude_request_free(kept);
    claude_tool_call_free(call);
    claude_mcp_server_free(server);
    claude_client_free(client);
    CHECK(count("/clients") == 0 && count("/strings") == 0 && count("/requests") == 0);
    CHECK(count("/mcp_servers") == 0 && count("/tool_calls") == 0);
    logged[0] = '\0';
    OK(claude_runtime_shutdown(LONG_MS, &error));
    CHECK(logged[0] == '\0');
    return 0;
}
