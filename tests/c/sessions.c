/*
 * Sessions on the disk in the hands of plain C: each function, on a folder that the test has made. The arguments: options that name
 * the folder, the id of a session with MESSAGES messages, the text of its last one, and options that ask for that one alone. There
 * is another session, and a subagent of the first.
 */
#include "host.h"

enum { MESSAGES = 6 };

static const char *options;

struct told {
    unsigned count;
    char last[256];
};

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    struct told *told = user_data;
    char *text = NULL;

    CHECK(strlen(json) == len);
    CHECK(kind == (told->count % 2 == 0 ? CLAUDE_MESSAGE_USER : CLAUDE_MESSAGE_ASSISTANT) || told->count == 0);
    OK(claude_json_get(json, "/message/content", &text, &error));
    snprintf(told->last, sizeof told->last, "%s", text);
    claude_string_free(text);
    told->count++;
}

static unsigned messages_of(const char *id)
{
    struct told told = {0, ""};

    OK(claude_session_messages(id, options, on_message, &told, &error));
    return told.count;
}

/* Whether the value at the place is the text; NULL = there is none. */
static int is(const char *json, const char *pointer, const char *wanted)
{
    char *value = NULL;
    claude_status_t status = claude_json_get(json, pointer, &value, NULL);
    int same = wanted == NULL ? status == CLAUDE_ERR_NOT_FOUND : status == CLAUDE_OK && strcmp(value, wanted) == 0;

    if (!same)
        fprintf(stderr, "%s is %s in %s\n", pointer, value == NULL ? "not there" : value, json);
    claude_string_free(value);
    return same;
}

static int info_is(const char *id, const char *pointer, const char *wanted)
{
    char *info = NULL;
    int same;

    OK(claude_session_info(id, options, &info, &error));
    same = is(info, "/session_id", id) && is(info, pointer, wanted);
    claude_string_free(info);
    return same;
}

static int count_sessions(void)
{
    char *list = NULL, *row = NULL, pointer[16];
    int count = 0;

    OK(claude_sessions_list(options, &list, &error));
    for (;; count++) {
        snprintf(pointer, sizeof pointer, "/%d", count);
        if (claude_json_get(list, pointer, &row, NULL) != CLAUDE_OK)
            break;
        claude_string_free(row);
        row = NULL;
    }
    claude_string_free(list);
    return count;
}

static void reads(const char *id, const char *last, const char *options_of_last)
{
    struct told told = {0, ""};
    char *agents = NULL;

    CHECK(count_sessions() == 2);
    CHECK(info_is(id, "/first_prompt", "Wie geht es Ihnen?"));
    OK(claude_session_messages(id, options, on_message, &told, &error));
    CHECK(told.count == MESSAGES && strcmp(told.last, last) == 0);
    told.count = 0;
    OK(claude_session_messages(id, options_of_last, on_message, &told, &error));
    CHECK(told.count == 1 && strcmp(told.last, last) == 0);
    OK(claude_session_subagents(id, options, &agents, &error));
    CHECK(is(agents, "/0/agent_id", "helper") && is(agents, "/0/tool_use_id", "t") && is(agents, "/1", NULL));
    claude_string_free(agents);
    told.count = 0;
    OK(claude_session_subagent_messages(id, "helper", options, on_message, &told, &error));
    CHECK(told.count == 1 && strcmp(told.last, "from below") == 0);
}

static void changes(const char *id)
{
    OK(claude_session_rename(id, "Ein Titel \xc3\xa4\xf0\x9f\x8e\x88", options, &error));
    CHECK(info_is(id, "/custom_title", "Ein Titel \xc3\xa4\xf0\x9f\x8e\x88"));
    OK(claude_session_tag(id, "wich\xe2\x80\x8btig", options, &error));
    CHECK(info_is(id, "/tag", "wichtig"));
    OK(claude_session_tag(id, NULL, options, &error));
    CHECK(info_is(id, "/tag", NULL));
    OK(claude_session_archive(id, true, options, &error));
    CHECK(info_is(id, "/archived", "true"));
    OK(claude_session_archive(id, false, options, &error));
    CHECK(info_is(id, "/archived", "false"));
    CHECK(messages_of(id) == MESSAGES);
}

static void copies_and_removes(const char *id)
{
    char *fork = NULL, *copy = NULL;

    OK(claude_session_fork(id, options, &fork, &error));
    OK(claude_json_get(fork, "/session_id", &copy, &error));
    CHECK(strcmp(copy, id) != 0 && messages_of(copy) == MESSAGES && count_sessions() == 3);
    OK(claude_session_delete(copy, options, &error));
    CHECK(count_sessions() == 2);
    FAILS(CLAUDE_ERR_SESSION_NOT_FOUND, claude_session_delete(copy, options, &error));
    drop_error();
    FAILS(CLAUDE_ERR_SESSION_NOT_FOUND, claude_session_messages(copy, options, on_message, NULL, &error));
    drop_error();
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_session_rename("no id", "x", options, &error));
    drop_error();
    claude_string_free(copy);
    claude_string_free(fork);
}

/* In a store in memory, and back out of it. */
static void is_imported(const char *id)
{
    claude_session_store_t *store = NULL;
    char *result = NULL, *list = NULL;

    OK(claude_session_store_create_memory(&store, &error));
    OK(claude_session_store_import(store, id, options, LONG_MS, &result, &error));
    OK(claude_session_store_list(store, "{\"directory\": \"/a/folder\"}", LONG_MS, &list, &error));
    CHECK(is(list, "/0/session_id", id) && is(list, "/1", NULL));
    claude_string_free(list);
    claude_string_free(result);
    claude_session_store_free(store);
}

int main(int argc, char **argv)
{
    char *key = NULL;

    CHECK(argc == 5);
    options = argv[1];
    OK(claude_session_project_key("/a/folder", &key, &error));
    CHECK(strcmp(key, "-a-folder") == 0);
    claude_string_free(key);
    reads(argv[2], argv[3], argv[4]);
    changes(argv[2]);
    copies_and_removes(argv[2]);
    is_imported(argv[2]);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    puts("done");
    return 0;
}
