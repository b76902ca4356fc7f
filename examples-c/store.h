/*
 * What the three examples of session stores share: keys, growing texts, and a small program around a store.
 *
 *     ./store '{}' PLACE                begins a session that is kept there; each line of the input is a prompt
 *     ./store '{}' PLACE resume ID      goes on with one, on whatever machine it began
 *     ./store '{}' PLACE list           shows those of the working folder
 *     ./store '{}' PLACE import ID      stores a session that is on this machine's disk
 *     ./store '{}' PLACE check          holds the store against the contract
 *
 * Each append is kept as it comes, an array of entries, and a load puts the arrays together. No entry is taken apart.
 */
#ifndef STORE_H
#define STORE_H

#include "example.h"
#include <pthread.h>
#include <stdarg.h>

/* Of whom an append, a load or a removal is. */
struct key {
    char *project, *session, *subpath; /* an empty subpath is the session itself; a list has an empty session */
};

static inline char *key_member(const char *key_json, const char *pointer)
{
    char *value = NULL, *copy;

    claude_json_get(key_json, pointer, &value, NULL);
    copy = calloc(1, value == NULL ? 1 : strlen(value) + 1);
    if (copy != NULL && value != NULL)
        strcpy(copy, value);
    claude_string_free(value);
    return copy;
}

static inline struct key key_of(const char *key_json)
{
    struct key key;

    key.project = key_member(key_json, "/project_key");
    key.session = key_member(key_json, "/session_id");
    key.subpath = key_member(key_json, "/subpath");
    return key;
}

static inline void key_free(struct key *key)
{
    free(key->project);
    free(key->session);
    free(key->subpath);
}

/* A text that grows. `failed` is set where there is no memory. */
struct text {
    char *start;
    size_t length, room;
    int failed;
};

static inline void text_add(struct text *text, const char *more, size_t length)
{
    if (text->length + length + 1 > text->room) {
        size_t room = (text->length + length + 1) * 2;
        char *start = realloc(text->start, room);

        if (start == NULL) {
            text->failed = 1;
            return;
        }
        text->start = start;
        text->room = room;
    }
    memcpy(text->start + text->length, more, length);
    text->length += length;
    text->start[text->length] = '\0';
}

static inline void text_append(struct text *text, const char *more)
{
    text_add(text, more, strlen(more));
}

/* Begins an array: what text_add_array and text_add_item put in comes before text_end_array. */
static inline void text_begin_array(struct text *text)
{
    text_append(text, "[");
}

static inline void text_add_item(struct text *text, const char *item)
{
    if (text->start != NULL && text->length > 1)
        text_append(text, ",");
    text_append(text, item);
}

/* Adds the entries of an array. */
static inline void text_add_array(struct text *text, const char *array, size_t length)
{
    if (length <= 2)
        return;
    if (text->start != NULL && text->length > 1)
        text_append(text, ",");
    text_add(text, array + 1, length - 2);
}

static inline void text_end_array(struct text *text)
{
    text_append(text, "]");
}

/* Adds {"session_id": ..., "mtime": ...}, with the members of `more` if that is not NULL. */
static inline void text_add_row(struct text *text, const char *session, long long mtime, const char *data)
{
    char *quoted = NULL, number[64];

    if (claude_json_quote(session, &quoted, NULL) != CLAUDE_OK) {
        text->failed = 1;
        return;
    }
    sprintf(number, ",\"mtime\":%lld", mtime);
    text_add_item(text, "{\"session_id\":");
    text_append(text, quoted);
    text_append(text, number);
    if (data != NULL) {
        text_append(text, ",\"data\":");
        text_append(text, data);
    }
    text_append(text, "}");
    claude_string_free(quoted);
}

static inline void text_free(struct text *text)
{
    free(text->start);
}

/* Answers with a text, which is freed; with NULL where `found` is 0. */
static inline void answer(claude_store_call_t *call, struct text *text, int found)
{
    if (text->failed)
        claude_store_call_fail(call, CLAUDE_ERR_FILE, "out of memory", NULL);
    else
        claude_store_call_respond(call, found ? text->start : NULL, NULL);
    text_free(text);
}

static inline void fail(claude_store_call_t *call, claude_status_t status, const char *message)
{
    claude_store_call_fail(call, status, message, NULL);
}

/* The data of a session's summary with these entries; NULL where something is wrong. `before` is the data so far, or NULL. */
static inline char *folded(const char *before, const char *key_json, const char *entries_json)
{
    struct text previous = {0};
    char *summary = NULL, *data = NULL;

    if (before != NULL) {
        text_append(&previous, "{\"data\":");
        text_append(&previous, before);
        text_append(&previous, "}");
    }
    if (!previous.failed &&
        claude_session_summary_fold(previous.start, key_json, entries_json, &summary, NULL) == CLAUDE_OK)
        claude_json_get(summary, "/data", &data, NULL);
    claude_string_free(summary);
    text_free(&previous);
    return data;
}

/* The program. */

static void print_answer(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    if (kind == CLAUDE_MESSAGE_SYSTEM)
        example_print("session: ", json, "/session_id", "\n");
    if (kind == CLAUDE_EVENT_WARNING)
        example_print("warning: ", json, "/text", "\n");
    example_print_message(kind, json, len, user_data);
}

static int talk(int argc, char **argv, claude_session_store_t *store, const char *resume)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    char own[96], line[4096];

    sprintf(own, "{\"resume\": \"%.40s\"}", resume == NULL ? "" : resume);
    TRY(claude_client_create(example_options(argc, argv, resume == NULL ? NULL : own), &client, &error));
    TRY(claude_client_set_session_store(client, store, &error));
    TRY(claude_client_on_message(client, print_answer, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        TRY(claude_client_query(client, line, NULL, NULL, &error));
        TRY(claude_client_receive_response(client, NULL, 120000, &error));
        /* What was answered is stored now: this machine may go up in smoke. */
        printf("stored\n");
        fflush(stdout);
    }
    TRY(claude_client_disconnect_wait(client, 30000, &error));

done:
    return example_end(client, error);
}

static int check_store(claude_session_store_t *store)
{
    claude_error_t *error = NULL;
    char *report = NULL, place[64];
    size_t count = 0, i;
    int ok = 0;

    TRY(claude_session_store_check(store, 300000, &report, &error));
    TRY(claude_json_count(report, "/cases", &count, &error));
    for (i = 0; i < count; i++) {
        sprintf(place, "/cases/%lu/outcome", (unsigned long)i);
        example_print("", report, place, ": ");
        sprintf(place, "/cases/%lu/name", (unsigned long)i);
        example_print("", report, place, "");
        sprintf(place, "/cases/%lu/message", (unsigned long)i);
        example_print(" (", report, place, ")");
        printf("\n");
    }
    ok = example_has(report, "/ok");

done:
    claude_string_free(report);
    return example_end(NULL, error) == EXIT_SUCCESS && ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int import_session(claude_session_store_t *store, const char *id)
{
    claude_error_t *error = NULL;
    char *result = NULL;

    if (claude_session_store_import(store, id, NULL, 60000, &result, &error) == CLAUDE_OK)
        example_print("imported entries: ", result, "/entries", "\n");
    claude_string_free(result);
    return example_end(NULL, error);
}

static int list_sessions(claude_session_store_t *store)
{
    claude_error_t *error = NULL;
    char *sessions = NULL, place[64];
    size_t count = 0, i;

    TRY(claude_session_store_list(store, NULL, 60000, &sessions, &error));
    TRY(claude_json_count(sessions, "", &count, &error));
    for (i = 0; i < count; i++) {
        sprintf(place, "/%lu/session_id", (unsigned long)i);
        example_print("", sessions, place, " ");
        sprintf(place, "/%lu/summary", (unsigned long)i);
        example_print("", sessions, place, "\n");
    }

done:
    claude_string_free(sessions);
    return example_end(NULL, error);
}

/* What to do with the store, which is freed. */
static inline int store_main(int argc, char **argv, claude_session_store_t *store)
{
    const char *command = argc > 3 ? argv[3] : "";
    int code;

    if (strcmp(command, "check") == 0)
        code = check_store(store);
    else if (strcmp(command, "list") == 0)
        code = list_sessions(store);
    else if (strcmp(command, "import") == 0 && argc > 4)
        code = import_session(store, argv[4]);
    else
        code = talk(argc, argv, store, strcmp(command, "resume") == 0 && argc > 4 ? argv[4] : NULL);
    claude_session_store_free(store);
    return code;
}

#endif
