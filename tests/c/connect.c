/* Connects and says how it went: `connected`, or the error's document. `delete-cwd`: from a directory that is gone. */
#include "host.h"

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    char folder[] = "../deleted-XXXXXX";

    if (argc > 2 && strcmp(argv[2], "delete-cwd") == 0) {
        CHECK(mkdtemp(folder) != NULL);
        CHECK(chdir(folder) == 0);
        CHECK(rmdir(folder) == 0);
    }
    OK(claude_client_create(argv[1], &client, &error));
    if (claude_client_connect_wait(client, NULL, LONG_MS, &error) == CLAUDE_OK)
        puts("connected");
    else
        puts(claude_error_json(error));
    drop_error();
    claude_client_free(client);
    return 0;
}
