/* A session in its simplest form: connect, ask, print the answer, go. */
#include "example.h"

/* The library calls this for every message, on a thread of its own. `json` is what the CLI wrote, and it is gone
 * when this function returns. The CLI puts each block of an answer into a message of its own. */
static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    char *text = NULL;

    (void)len;
    (void)user_data;
    if (kind != CLAUDE_MESSAGE_ASSISTANT)
        return;
    if (claude_json_get(json, "/message/content/0/text", &text, NULL) == CLAUDE_OK)
        printf("Claude: %s\n", text);
    claude_string_free(text);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    TRY(claude_client_query(client, "What is the capital of France?", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    return example_end(client, error);
}
