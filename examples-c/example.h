/* What every example shares. The examples themselves show the library; nothing here has to be copied. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <claude_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goes to the label `done` when a call fails. `error` then says why. */
#define TRY(call)                 \
    do {                          \
        if ((call) != CLAUDE_OK)  \
            goto done;            \
    } while (0)

/*
 * An example's own options, plus those that were given as the first argument:
 *     ./basic_session '{"cli_path": "/opt/claude/bin/claude"}'
 * `own` is a JSON object with at least one option, or NULL for none.
 */
static inline const char *example_options(int argc, char **argv, const char *own)
{
    static char joined[16384];
    const char *given = argc > 1 ? strchr(argv[1], '{') : NULL;

    if (given == NULL || own == NULL)
        return given == NULL ? own : argv[1];
    given++;
    if (given[strspn(given, " \t\r\n")] == '}')
        return own;
    if (strlen(own) + strlen(given) + 1 > sizeof joined) {
        fprintf(stderr, "the options are too long\n");
        exit(EXIT_FAILURE);
    }
    /* {"a": 1} and {"b": 2} become {"a": 1,"b": 2} */
    sprintf(joined, "%.*s,%s", (int)(strrchr(own, '}') - own), own, given);
    return joined;
}

/* Prints what the member `pointer` of `json` holds, between `before` and `after`; nothing when it is not there. */
static inline void example_print(const char *before, const char *json, const char *pointer, const char *after)
{
    char *value = NULL;

    if (claude_json_get(json, pointer, &value, NULL) != CLAUDE_OK)
        return;
    printf("%s%s%s", before, value, after);
    fflush(stdout);
    claude_string_free(value);
}

/* Whether something that is told was a failure: the example ends with one. */
static int example_failed;

/* Prints an error's document in one line: what went wrong, and what to do about it. */
static inline void example_print_failure(const char *error_json)
{
    char *message = NULL, *remedy = NULL;

    example_failed = 1;
    if (claude_json_get(error_json, "/message", &message, NULL) == CLAUDE_OK)
        fprintf(stderr, "%s", message);
    if (claude_json_get(error_json, "/remedy", &remedy, NULL) == CLAUDE_OK)
        fprintf(stderr, "; %s", remedy);
    fputc('\n', stderr);
    claude_string_free(message);
    claude_string_free(remedy);
}

/* Whether the member `pointer` of `json` is there, and is neither null nor false. */
static inline int example_has(const char *json, const char *pointer)
{
    char *value = NULL;
    int has = claude_json_get(json, pointer, &value, NULL) == CLAUDE_OK && strcmp(value, "null") != 0 &&
              strcmp(value, "false") != 0;

    claude_string_free(value);
    return has;
}

/*
 * Whether a message is a failure in the form of an answer, as with a session that is not logged in: the CLI says so in an
 * assistant's message with an `error`, and in a result that ends a turn as it should but for `is_error`.
 */
static inline int example_is_failure(claude_message_kind_t kind, const char *json)
{
    char *value = NULL;

    if (kind == CLAUDE_MESSAGE_ASSISTANT)
        return example_has(json, "/error");
    if (kind != CLAUDE_MESSAGE_RESULT || !example_has(json, "/is_error") ||
        claude_json_get(json, "/subtype", &value, NULL) != CLAUDE_OK || strcmp(value, "success") != 0) {
        claude_string_free(value);
        return 0;
    }
    claude_string_free(value);
    value = NULL;
    example_failed = 1;
    if (claude_json_get(json, "/result", &value, NULL) == CLAUDE_OK)
        fprintf(stderr, "%s\n", value);
    claude_string_free(value);
    return 1;
}

/* A message callback: prints what Claude says, and each tool that it uses. */
static inline void example_print_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)len;
    (void)user_data;
    if (!example_is_failure(kind, json) && kind == CLAUDE_MESSAGE_ASSISTANT) {
        example_print("Claude: ", json, "/message/content/0/text", "\n");
        example_print("[uses the tool ", json, "/message/content/0/name", "]\n");
    }
}

/* Ends an example: prints the error if there is one, frees both (NULL is fine) and gives the exit code. */
static inline int example_end(claude_client_t *client, claude_error_t *error)
{
    int code = error == NULL && !example_failed ? EXIT_SUCCESS : EXIT_FAILURE;

    if (error != NULL)
        fprintf(stderr, "%s\n", claude_error_message(error));
    claude_error_free(error);
    claude_client_free(client);
    return code;
}

#endif
