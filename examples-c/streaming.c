/* Text as it is written: one prompt a line, each answer piece by piece. */
#include "example.h"

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)user_data;
    if (!example_is_failure(kind, json) && kind == CLAUDE_EVENT_TEXT_DELTA)
        fwrite(json, 1, len, stdout); /* plain text, not JSON */
    else if (kind == CLAUDE_MESSAGE_RESULT)
        putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    char line[4096];

    TRY(claude_client_create(example_options(argc, argv, CLAUDE_JSON({"text_deltas": true})), &client, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    while (fgets(line, sizeof line, stdin) != NULL) {
        TRY(claude_client_query(client, line, NULL, NULL, &error));
        TRY(claude_client_receive_response(client, NULL, CLAUDE_WAIT_FOREVER, &error));
    }
done:
    return example_end(client, error);
}
