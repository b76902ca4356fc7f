/*
 * Starting at once: a pool of spares. Each is a CLI that has started before anybody knows for which folder, so that a session
 * begins without waiting for a start. Given a folder, it asks there:
 *     ./start_at_once '{}' /home/me/project
 */
#include "example.h"

#define SPARES 2

static claude_spare_t *pool[SPARES];

/* Puts a spare into each empty place. Starting waits for nothing. */
static claude_status_t refill(const char *options, claude_error_t **error)
{
    for (size_t at = 0; at < SPARES; at++) {
        claude_client_t *client = NULL;
        claude_status_t status = CLAUDE_OK;

        if (pool[at] != NULL)
            continue;
        status = claude_client_create(options, &client, error);
        if (status == CLAUDE_OK)
            status = claude_client_on_message(client, example_print_message, NULL, NULL, error);
        if (status == CLAUDE_OK)
            status = claude_spare_create(client, NULL, NULL, &pool[at], error);
        if (status != CLAUDE_OK) {
            claude_client_free(client);
            return status;
        }
    }
    return CLAUDE_OK;
}

/* A session in a folder: of a spare, or started anew when none can become it. Whatever a spare refuses, no prompt was sent. */
static claude_status_t begin(const char *options, const char *claim, claude_client_t **client, claude_error_t **error)
{
    for (size_t at = 0; at < SPARES; at++) {
        claude_spare_t *spare = pool[at];
        claude_status_t status = CLAUDE_OK;

        if (spare == NULL)
            continue;
        pool[at] = NULL;
        status = claude_spare_claim_wait(spare, claim, NULL, 10000, client, NULL);
        claude_spare_free(spare); /* with its client, unless it was claimed */
        if (status == CLAUDE_OK)
            return CLAUDE_OK;
    }
    if (claude_client_create(options, client, error) != CLAUDE_OK)
        return claude_error_status(*error);
    claude_client_on_message(*client, example_print_message, NULL, NULL, NULL);
    return claude_client_connect_wait(*client, NULL, 60000, error);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    char *folder = NULL, claim[4200] = "{}";
    const char *options = example_options(argc, argv, CLAUDE_JSON({"system_prompt": "Be brief."}));

    TRY(refill(options, &error)); /* when the program starts */

    /* Later, when the user has opened a folder: */
    if (argc > 2) {
        TRY(claude_json_quote(argv[2], &folder, &error));
        snprintf(claim, sizeof claim, "{\"cwd\": %s}", folder);
    }
    TRY(begin(options, claim, &client, &error));
    TRY(claude_client_query(client, "What is the capital of France?", NULL, NULL, &error));
    TRY(refill(options, &error)); /* for the next one */
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    for (size_t at = 0; at < SPARES; at++)
        claude_spare_free(pool[at]);
    claude_string_free(folder);
    return example_end(client, error);
}
