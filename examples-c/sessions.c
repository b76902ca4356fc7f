/* A picker: the latest conversations of a folder, the last messages of one of them, and going on with it. */
#include "example.h"

static void print_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    char *text = NULL;

    (void)len;
    (void)user_data;
    if (claude_message_text(json, &text, NULL) == CLAUDE_OK)
        printf("  %s: %s\n", kind == CLAUDE_MESSAGE_USER ? "You" : "Claude", text);
    claude_string_free(text);
}

/* The id of the session that was chosen; NULL when there is none. */
static char *choose(const char *sessions)
{
    char place[40], line[16], *id = NULL;
    size_t count = 0, i;

    if (claude_json_count(sessions, "", &count, NULL) != CLAUDE_OK || count == 0)
        return NULL;
    for (i = 0; i < count; i++) {
        printf("%d ", (int)i + 1);
        sprintf(place, "/%d/summary", (int)i);
        example_print("", sessions, place, "\n");
    }
    printf("Which one? ");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        return NULL;
    sprintf(place, "/%d/session_id", atoi(line) - 1);
    claude_json_get(sessions, place, &id, NULL);
    return id;
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    char *sessions = NULL, *id = NULL, own[64];
    const char *latest;

    /* A second argument chooses another folder of the CLI: {"config_dir": "..."} */
    TRY(claude_sessions_list(argc > 2 ? argv[2] : "{\"limit\": 10}", &sessions, &error));
    id = choose(sessions);
    if (id == NULL) {
        printf("Nothing to go on with.\n");
        goto done;
    }
    latest = example_options(argc - 1, argv + 1, "{\"from_end\": true, \"limit\": 10}");
    TRY(claude_session_messages(id, latest, print_message, NULL, &error));

    sprintf(own, "{\"resume\": \"%s\"}", id);
    TRY(claude_client_create(example_options(argc, argv, own), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    TRY(claude_client_query(client, "What did we talk about?", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    claude_string_free(id);
    claude_string_free(sessions);
    return example_end(client, error);
}
