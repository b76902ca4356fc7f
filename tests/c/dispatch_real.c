/* A conversation with the real CLI, whose API plays along: an answer, a tool of this program, a permission, an interrupt. `NOTE` is
 * the path of a file that the CLI is to write. */
#include "dispatch_common.h"

static _Atomic int permissions, tools, results, pieces, closes;
static claude_status_t closed_with;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(json), UNUSED(len), UNUSED(user_data);
    pieces += kind == CLAUDE_MESSAGE_STREAM_EVENT;
    results += kind == CLAUDE_MESSAGE_RESULT;
}

static void on_permission(claude_request_t *request, void *user_data) {
    UNUSED(user_data);
    char *name = NULL;
    OK(claude_json_get(claude_request_json(request, NULL), "/tool_name", &name, &error));
    CHECK(strcmp(name, "Write") == 0);
    claude_string_free(name);
    permissions++;
    OK(claude_request_allow(request, NULL, NULL, &error));
    claude_request_free(request);
}

static void on_add(claude_tool_call_t *call, void *user_data) {
    UNUSED(user_data);
    CHECK(strstr(claude_tool_call_arguments(call, NULL), "20") != NULL);
    tools++;
    OK(claude_tool_call_add_text(call, "42", &error));
    OK(claude_tool_call_finish(call, NULL, &error));
    claude_tool_call_free(call);
}

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(len), UNUSED(user_data);
    if (status != CLAUDE_OK) fprintf(stderr, "closed: %s\n", json);
    closed_with = status;
    closes++;
}

static void turn(claude_client_t *client, const char *prompt) {
    int before = results;
    OK(claude_client_query(client, prompt, NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    CHECK(results == before + 1);
}

static bool is_there(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file != NULL) fclose(file);
    return file != NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && strcmp(argv[1], "conversation") == 0);
    static char prompt[4096];
    const char *path = getenv("NOTE");
    char *quoted = NULL;
    claude_mcp_server_t *server = NULL;
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_on_permission(client, on_permission, NULL, NULL, &error));
    OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"add\"}", on_add, NULL, NULL, &error));
    OK(claude_client_add_mcp_server(client, server, &error));
    claude_mcp_server_free(server);
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));

    turn(client, "hello there");
    CHECK(private_folders() == 0); /* the CLI has read its private file */
    turn(client, "USE_TOOL {\"name\": \"mcp__calc__add\", \"input\": {\"a\": 20, \"b\": 22}}");
    CHECK(tools == 1 && permissions == 0);
    OK(claude_json_quote(path, &quoted, &error));
    snprintf(prompt, sizeof prompt, "USE_TOOL {\"name\": \"Write\", \"input\": {\"file_path\": %s, \"content\": \"x\"}}", quoted);
    claude_string_free(quoted);
    CHECK(!is_there(path));
    turn(client, prompt);
    CHECK(permissions == 1 && is_there(path));

    int before = pieces, answered = results;
    OK(claude_client_query(client, "SLOW 500 200", NULL, NULL, &error));
    WAIT_FOR(pieces > before + 5);
    OK(claude_client_interrupt_wait(client, patience_ms(), NULL, &error));
    WAIT_FOR(results == answered + 1);
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    CHECK(closes == 1 && closed_with == CLAUDE_OK);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
    puts("a whole conversation");
    return 0;
}
