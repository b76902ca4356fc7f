/*
 * The whole life of a connection by hand, with clean-up on every path.
 *
 * The rule: what was created is freed, whatever happened in between, and claude_client_free() alone is enough: it
 * ends a live session and waits for the CLI to be gone. Disconnecting first is for those who want to know how the
 * session ended.
 */
#include "example.h"

static const char *state_name(const claude_client_t *client)
{
    switch (claude_client_state(client)) {
    case CLAUDE_STATE_CREATED: return "created";
    case CLAUDE_STATE_CONNECTING: return "connecting";
    case CLAUDE_STATE_CONNECTED: return "connected";
    case CLAUDE_STATE_CLOSING: return "closing";
    case CLAUDE_STATE_CLOSED: return "closed";
    default: return "unknown";
    }
}

/* Talks over a client that exists. Disconnects on every path, and keeps the first error. */
static claude_status_t talk(claude_client_t *client, claude_error_t **error)
{
    claude_status_t status, ended;

    status = claude_client_connect_wait(client, NULL, 60000, error);
    if (status != CLAUDE_OK)
        return status; /* nothing was connected: nothing is left behind */
    printf("state: %s, process %llu\n", state_name(client), (unsigned long long)claude_client_pid(client));

    status = claude_client_query(client, "Say hello.", NULL, NULL, error);
    if (status == CLAUDE_OK)
        status = claude_client_receive_response(client, NULL, 120000, error);

    ended = claude_client_disconnect_wait(client, 30000, status == CLAUDE_OK ? error : NULL);
    return status == CLAUDE_OK ? ended : status;
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    printf("state: %s\n", state_name(client));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(talk(client, &error));
    printf("state: %s\n", state_name(client));

done:
    return example_end(client, error);
}
