/* Interrupting a long answer, and going on in the same session. */
#include "example.h"

static int begun; /* some of the answer has come, or its end; PUMP mode, so only this thread looks at it */

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    example_print_message(kind, json, len, user_data);
    if (kind == CLAUDE_EVENT_TEXT_DELTA || kind == CLAUDE_MESSAGE_RESULT)
        begun = 1;
    if (kind == CLAUDE_MESSAGE_RESULT && !example_failed)
        example_print("The turn ended: ", json, "/subtype", "\n");
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, CLAUDE_JSON({"text_deltas": true})), &client, &error));
    TRY(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));

    TRY(claude_client_query(client, "Count from 1 to 1000, one number per line.", NULL, NULL, &error));
    while (!begun)
        TRY(claude_client_pump(client, 0, 0, CLAUDE_WAIT_FOREVER, NULL, &error));
    printf("Interrupting.\n");
    TRY(claude_client_interrupt_wait(client, 10000, NULL, &error));
    /* An interrupted turn has a result as well. Take it, so that the next one belongs to the next prompt. */
    TRY(claude_client_receive_response(client, NULL, 30000, &error));

    TRY(claude_client_query(client, "Never mind. What is 2 + 2?", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    return example_end(client, error);
}
