/*
 * claude_probe: is Claude Code there, and fit to be used? No session is started.
 *     ./claude_probe                                 with the default options
 *     ./claude_probe '{"cli_path": "/opt/claude"}'   with options of your own
 * Prints the findings; the exit code is 0 when none of them is an error.
 */
#include "example.h"

/* The member `name` of the finding with this number, to be freed; NULL when there is none. */
static char *member(const char *report, int number, const char *name)
{
    char pointer[64];
    char *value = NULL;

    sprintf(pointer, "/findings/%d/%s", number, name);
    return claude_json_get(report, pointer, &value, NULL) == CLAUDE_OK ? value : NULL;
}

static void print_findings(const char *report)
{
    int number;

    for (number = 0;; number++) {
        char *id = member(report, number, "id");
        char *level = member(report, number, "level");
        char *message = member(report, number, "message");
        char *remedy = member(report, number, "remedy");

        if (id != NULL && level != NULL && message != NULL)
            printf("%-8s %-15s %s\n", level, id, message);
        if (remedy != NULL && strcmp(remedy, "null") != 0)
            printf("%24s -> %s\n", "", remedy);
        claude_string_free(remedy);
        claude_string_free(message);
        claude_string_free(level);
        claude_string_free(id);
        if (id == NULL)
            return;
    }
}

int main(int argc, char **argv)
{
    claude_error_t *error = NULL;
    char *report = NULL;
    char *ok = NULL;
    int code = EXIT_FAILURE;

    TRY(claude_probe(argc > 1 ? argv[1] : NULL, 30000, &report, &error));
    print_findings(report);
    TRY(claude_json_get(report, "/ok", &ok, &error));
    code = strcmp(ok, "true") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;

done:
    if (error != NULL)
        fprintf(stderr, "%s\n", claude_error_message(error));
    claude_error_free(error);
    claude_string_free(ok);
    claude_string_free(report);
    return code;
}
