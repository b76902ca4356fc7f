/*
 * Several prompts from a generator: a function that the library calls whenever it can take another prompt.
 * It would read a file, a socket or a queue of the program just as well.
 */
#include "example.h"

typedef struct {
    claude_client_t *client;
    int made;
    char text[64];
} generator_t;

/* The next prompt, or NULL at the end. The text has to stay as it is until the next call. */
static const char *next_prompt(void *user_data)
{
    generator_t *generator = user_data;

    (void)len; /* says "NUL-terminated" already */
    if (generator->made == 3) {
        /* No more input: the CLI answers what it was sent, then ends, and the session is closed. */
        claude_client_end_input(generator->client, NULL);
        return NULL;
    }
    generator->made++;
    sprintf(generator->text, "What is %d + %d?", generator->made, generator->made);
    return generator->text;
}

/* The CLI may answer prompts that waited together in one turn: results are counted, not expected. */
static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    int *results = user_data;

    example_print_message(kind, json, len, NULL);
    if (kind == CLAUDE_MESSAGE_RESULT)
        ++*results;
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    generator_t generator = {NULL, 0, ""};
    int results = 0;
    claude_status_t status;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, on_message, &results, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    generator.client = client;
    TRY(claude_client_query_stream(client, NULL, next_prompt, &generator, NULL, &error));

    /* Until the end of the session: CLAUDE_ERR_CLOSED after a normal one, otherwise its cause. */
    while ((status = claude_client_receive_response(client, NULL, 120000, &error)) == CLAUDE_OK)
        continue;
    if (status == CLAUDE_ERR_CLOSED) {
        claude_error_free(error);
        error = NULL;
    }
    printf("%d prompts, %d results\n", generator.made, results);

done:
    return example_end(client, error);
}
