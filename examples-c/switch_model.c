/* Changing the model in the middle of a conversation. */
#include "example.h"

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    if (kind == CLAUDE_MESSAGE_ASSISTANT)
        example_print("Model: ", json, "/message/model", "\n");
    example_print_message(kind, json, len, user_data);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, "Plan a short walk through Paris.", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

    /* A smaller model is good enough for the easy part. */
    TRY(claude_client_set_model_wait(client, "haiku", 30000, NULL, &error));
    TRY(claude_client_query(client, "Now say it in five words.", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

    /* NULL goes back to the model that the session began with. */
    TRY(claude_client_set_model_wait(client, NULL, 30000, NULL, &error));
    TRY(claude_client_query(client, "And in three.", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    return example_end(client, error);
}
