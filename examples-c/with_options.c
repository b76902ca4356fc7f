/* Options: who Claude is, which model answers, which tools it has, and how long it may go on. docs/options.md has all. */
#include "example.h"

static const char OPTIONS[] = CLAUDE_JSON({
    "system_prompt": "You are a pirate. Answer in one sentence.",
    "model": "haiku",
    "tools": ["Read", "Grep"],
    "max_turns": 3,
    "setting_sources": []
});

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, OPTIONS), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    /* The first prompt may be given to connect. */
    TRY(claude_client_connect_wait(client, "Where is the treasure?", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

    /* A typing error does not go unnoticed: the error names the option and the nearest one that exists. */
    claude_client_free(client);
    client = NULL;
    if (claude_client_create(CLAUDE_JSON({"max_turn": 3}), &client, &error) == CLAUDE_ERR_INVALID_OPTION) {
        printf("refused: %s\n", claude_error_message(error));
        claude_error_free(error);
        error = NULL;
    }

done:
    return example_end(client, error);
}
