/* Several turns in one session: Claude remembers what was said before. */
#include "example.h"

static const char *const PROMPTS[] = {
    "My favourite colour is teal. Remember it.",
    "What is 17 + 25?",
    "Which colour did I name?", /* only the conversation so far can answer this */
};

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    size_t i;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));

    for (i = 0; i < sizeof PROMPTS / sizeof PROMPTS[0]; i++) {
        printf("You: %s\n", PROMPTS[i]);
        TRY(claude_client_query(client, PROMPTS[i], NULL, NULL, &error));
        TRY(claude_client_receive_response(client, NULL, 120000, &error));
    }

done:
    return example_end(client, error);
}
