/* Holds one conversation with a CLI, which is recorded, and the same one with the record: both must see the same. The arguments are
 * the options of either, and the path of the record. */
#include "host.h"

static char said[2][1 << 16];

static void keep(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    char *text = user_data;
    size_t used = strlen(text);

    if (kind >= CLAUDE_EVENT_TEXT_DELTA) /* the library's own */
        return;
    CHECK(used + len + 2 <= sizeof said[0]);
    memcpy(text + used, json, len);
    memcpy(text + used + len, "\n", 2);
}

static void allow(claude_request_t *request, void *user_data)
{
    ++*(int *)user_data;
    OK(claude_request_allow(request, NULL, NULL, &error));
    claude_request_free(request);
}

/* With an id of its own: a record is played with the ids of the one who plays it. */
static void ask(claude_client_t *client, const char *prompt, int number)
{
    char message[256];

    snprintf(message, sizeof message,
             "{\"type\": \"user\", \"uuid\": \"00000000-0000-4000-8000-00000000000%d\","
             " \"message\": {\"role\": \"user\", \"content\": \"%s\"}}",
             number, prompt);
    OK(claude_client_send_json(client, message, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
}

static void converse(const char *options, char *text)
{
    claude_client_t *client = NULL;
    int asked = 0;

    OK(claude_client_create(options, &client, &error));
    OK(claude_client_on_message(client, keep, text, NULL, &error));
    OK(claude_client_on_permission(client, allow, &asked, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    ask(client, "one", 1);
    ask(client, "two", 2);
    OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    CHECK(asked == 1 && strstr(text, "\"result\"") != NULL);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    converse(argv[1], said[0]);
    CHECK(is_private(argv[3]));
    converse(argv[2], said[1]);
    if (strcmp(said[0], said[1]) != 0)
        fprintf(stderr, "with the CLI:\n%swith its record:\n%s", said[0], said[1]);
    CHECK(strcmp(said[0], said[1]) == 0);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    puts("the same");
    return 0;
}
