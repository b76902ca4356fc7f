/*
 * A whole conversation with the stand-in CLI, errors and all. The second argument says how it ends: `tidy` frees
 * everything, `leave` returns from main in the middle of a turn without any clean-up, `exit` calls exit in a callback.
 * The third is `valgrind` under that: it gives a child a copy of the memory in place of the memory, so that a program
 * that cannot be started shows as one that has failed.
 */
#include "host.h"

static void on_request(claude_request_t *request, void *user_data)
{
    unsigned *requests = user_data;
    char *name = NULL;

    (*requests)++;
    CHECK(claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION);
    OK(claude_json_get(claude_request_json(request, NULL), "/tool_name", &name, &error));
    if (strcmp(name, "Write") == 0)
        OK(claude_request_allow(request, NULL, NULL, &error));
    else
        OK(claude_request_deny(request, "Not here.", false, &error));
    FAILS(CLAUDE_ERR_STALE, claude_request_deny(request, "twice", false, &error));
    drop_error();
    claude_string_free(name);
    claude_request_free(request);
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data)
{
    struct seen *seen = user_data;

    CHECK(status == CLAUDE_OK && strlen(json) == len);
    seen_closed(status, json, len, seen);
}

static void on_message_exit(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)json;
    (void)len;
    (void)user_data;
    if (kind == CLAUDE_MESSAGE_ASSISTANT)
        exit(0);
}

static void errors(const char *options, claude_status_t not_found)
{
    claude_client_t *client = NULL;
    char *text = NULL;

    FAILS(CLAUDE_ERR_INVALID_OPTION, claude_client_create("{\"modle\": \"opus\"}", &client, &error));
    OK(claude_json_get(claude_error_json(error), "/pointer", &text, NULL));
    CHECK(strcmp(text, "/modle") == 0);
    claude_string_free(text);
    drop_error();
    OK(claude_client_create("{\"cli_path\": \"/nonexistent/claude\"}", &client, &error));
    FAILS(CLAUDE_ERR_NOT_CONNECTED, claude_client_query(client, "hello", NULL, NULL, &error));
    drop_error();
    FAILS(not_found, claude_client_connect_wait(client, NULL, LONG_MS, &error));
    drop_error();
    claude_client_free(client);
    OK(claude_client_create(options, &client, &error));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_connect_wait(client, "\xff", LONG_MS, &error));
    drop_error();
    claude_client_free(client);
}

int main(int argc, char **argv)
{
    struct seen seen = SEEN, done = SEEN;
    claude_client_t *client;
    unsigned requests = 0, before;
    char *text = NULL;

    CHECK(argc == 4);
    errors(argv[1], strcmp(argv[3], "valgrind") == 0 ? CLAUDE_ERR_PROCESS : CLAUDE_ERR_CLI_NOT_FOUND);
    client = new_client(argv[1], &seen);
    OK(claude_client_on_request(client, on_request, &requests, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_get_server_info(client, &text, &error));
    claude_string_free(text);
    OK(claude_client_query(client, "first", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    CHECK(requests == 2 && seen.results == 1);
    OK(claude_client_control_wait(client, "{\"subtype\":\"mcp_status\"}", LONG_MS, &text, &error));
    claude_string_free(text);
    FAILS(CLAUDE_ERR_CONTROL, claude_client_control_wait(client, "{\"subtype\":\"nonsense\"}", LONG_MS, &text, &error));
    drop_error();
    OK(claude_client_set_model(client, "opus", on_done, &done, &error));
    seen_wait(&done, &done.closed, 1);
    FAILS(CLAUDE_ERR_TIMEOUT, claude_client_receive_response(client, NULL, 10, &error));
    drop_error();
    OK(claude_client_stats(client, &text, &error));
    claude_string_free(text);
    if (strcmp(argv[2], "exit") == 0)
        OK(claude_client_on_message(client, on_message_exit, NULL, NULL, &error));
    before = seen.messages;
    OK(claude_client_query(client, "second, which does not end", NULL, NULL, &error));
    if (strcmp(argv[2], "exit") == 0) {
        pause();
        return 1;
    }
    /* An interrupt that comes before the turn has begun interrupts nothing. */
    seen_wait(&seen, &seen.messages, before + 6);
    if (strcmp(argv[2], "leave") == 0)
        return 0;
    OK(claude_client_interrupt_wait(client, LONG_MS, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "third, in which the CLI dies", NULL, NULL, &error));
    seen_wait(&seen, &seen.closed, 1);
    CHECK(seen.closed_status == CLAUDE_ERR_PROCESS);
    FAILS(CLAUDE_ERR_PROCESS, claude_client_query(client, "fourth", NULL, NULL, &error));
    drop_error();
    claude_client_free(client);
    claude_client_free(client);
    CHECK(seen.destroyed == 2);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    return 0;
}
