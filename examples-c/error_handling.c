/* Telling errors apart. Each is provoked here by an option that cannot work. */
#include "example.h"

/* One that is there, and takes no option of Claude Code. */
#ifdef _WIN32
#define PROGRAM "C:/Windows/System32/hostname.exe"
#else
#define PROGRAM "/bin/cat"
#endif

/* The status says what kind of error it is; the message is for people, and says what to do; the JSON document has
 * the details. */
static void explain(const char *what, claude_error_t *error)
{
    switch (claude_error_status(error)) {
    case CLAUDE_ERR_CLI_NOT_FOUND:
        printf("%s: CLI not found. Is Claude Code installed?\n", what);
        break;
    case CLAUDE_ERR_CLI_CONNECTION:
    case CLAUDE_ERR_NOT_CONNECTED:
    case CLAUDE_ERR_CLOSED:
        printf("%s: connection error.\n", what);
        break;
    default:
        printf("%s: other error, %s.\n", what, claude_status_name(claude_error_status(error)));
        break;
    }
    printf("  %s\n", claude_error_message(error));
    claude_error_free(error);
}

/* Connects with `options`, which must fail, and says how it failed. */
static int provoke(const char *what, const char *options)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    claude_status_t status = claude_client_create(options, &client, &error);

    if (status == CLAUDE_OK)
        status = claude_client_connect_wait(client, NULL, 60000, &error);
    if (status == CLAUDE_OK)
        fprintf(stderr, "%s: did not fail\n", what);
    else
        explain(what, error);
    claude_client_free(client);
    return status != CLAUDE_OK;
}

int main(void)
{
    int ok = 1;

    ok &= provoke("no such program", CLAUDE_JSON({"cli_path": "/nowhere/claude"}));
    ok &= provoke("no such directory", "{\"cli_path\": \"" PROGRAM "\", \"cwd\": \"/nowhere\"}");
    ok &= provoke("not a claude", "{\"cli_path\": \"" PROGRAM "\"}");
    ok &= provoke("misspelt option", CLAUDE_JSON({"cli_pathh": "/bin/sh"}));
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
