/* One turn of a conversation; prints the messages, and how it ended. The argument: the options. */
#include "host.h"

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)kind, (void)user_data;
    CHECK(strlen(json) == len);
    puts(json);
}

int main(int argc, char **argv)
{
    struct seen seen = SEEN;
    claude_client_t *client = NULL;

    CHECK(argc == 2);
    OK(claude_client_create(argv[1], &client, &error));
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_on_closed(client, seen_closed, &seen, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "hello", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    seen_wait(&seen, &seen.closed, 1);
    claude_client_free(client);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    puts(claude_status_name(seen.closed_status));
    return 0;
}
