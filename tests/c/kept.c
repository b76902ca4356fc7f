/* A session that the CLI has written to the disk: it is found, read, named, copied, gone on with, kept in a store, and removed. The
 * arguments are the options of a client, those of the functions for sessions, and those of a list from a store; each names the same
 * folders. */
#include "host.h"

static const char *options, *place, *stored;

static void append_text(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    char *text = NULL, *all = user_data;

    (void)kind, (void)len;
    if (claude_message_text(json, &text, NULL) != CLAUDE_OK)
        return;
    CHECK(strlen(all) + strlen(text) + 2 <= 1 << 16);
    strcat(strcat(all, text), "\n");
    claude_string_free(text);
}

/* One turn of a new session, or of one that goes on: from the disk, or from a store. What was said. */
static const char *talk(const char *prompt, const char *resume, claude_session_store_t *store)
{
    static char all[1 << 16], joined[1 << 16];
    claude_client_t *client = NULL;

    all[0] = '\0';
    if (resume != NULL)
        snprintf(joined, sizeof joined, "{\"resume\": \"%s\", %s", resume, options + 1);
    OK(claude_client_create(resume != NULL ? joined : options, &client, &error));
    if (store != NULL)
        OK(claude_client_set_session_store(client, store, &error));
    OK(claude_client_on_message(client, append_text, all, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, prompt, NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    return all;
}

/* A member of the only session, or of the first of so many. */
static char *of_the_first(size_t sessions, const char *pointer)
{
    char *list = NULL, *value = NULL;
    size_t count = 0;

    OK(claude_sessions_list(place, &list, &error));
    OK(claude_json_count(list, "", &count, &error));
    CHECK(count == sessions);
    if (pointer != NULL)
        OK(claude_json_get(list, pointer, &value, &error));
    claude_string_free(list);
    return value;
}

static void is_found_read_and_named(const char *id)
{
    static char texts[1 << 16];
    char *summary;

    OK(claude_session_messages(id, place, append_text, texts, &error));
    CHECK(strstr(texts, "My word is teapot.") != NULL && strstr(texts, "You said:") != NULL);
    OK(claude_session_rename(id, "A title", place, &error));
    summary = of_the_first(1, "/0/summary");
    CHECK(strcmp(summary, "A title") == 0);
    claude_string_free(summary);
}

static void is_copied_and_gone_on_with(const char *id)
{
    char *fork = NULL, *copy = NULL;

    OK(claude_session_fork(id, place, &fork, &error));
    OK(claude_json_get(fork, "/session_id", &copy, &error));
    CHECK(strcmp(copy, id) != 0);
    of_the_first(2, NULL);
    CHECK(strstr(talk("RECALL 1", copy, NULL), "My word is teapot.") != NULL);
    OK(claude_session_delete(copy, place, &error));
    claude_string_free(copy);
    claude_string_free(fork);
}

/* From a store it goes on where the disk has it no more, and what is said then is in the store. */
static void is_kept_in_a_store(const char *id)
{
    claude_session_store_t *store = NULL;
    char *imported = NULL, *list = NULL;
    size_t count = 0;

    OK(claude_session_store_create_memory(&store, &error));
    OK(claude_session_store_import(store, id, place, LONG_MS, &imported, &error));
    claude_string_free(imported);
    OK(claude_session_delete(id, place, &error));
    of_the_first(0, NULL);
    CHECK(strstr(talk("RECALL 1", id, store), "My word is teapot.") != NULL);
    CHECK(strstr(talk("RECALL 2", id, store), "RECALL 1") != NULL);
    OK(claude_session_store_list(store, stored, LONG_MS, &list, &error));
    OK(claude_json_count(list, "", &count, &error));
    CHECK(count == 1);
    claude_string_free(list);
    claude_session_store_free(store);
}

int main(int argc, char **argv)
{
    char *id;

    CHECK(argc == 4);
    options = argv[1];
    place = argv[2];
    stored = argv[3];
    talk("My word is teapot.", NULL, NULL);
    id = of_the_first(1, "/0/session_id");
    is_found_read_and_named(id);
    is_copied_and_gone_on_with(id);
    is_kept_in_a_store(id);
    claude_string_free(id);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    puts("kept");
    return 0;
}
