/*
 * Connects and then goes in the way that the second argument names, with whatever clean-up belongs to it; `killed`: says
 * `ready` and waits for its end.
 */
#include "host.h"

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    const char *way = argc > 2 ? argv[2] : "";

    OK(claude_client_create(argv[1], &client, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    puts("ready");
    fflush(stdout);
    if (strcmp(way, "exit") == 0)
        exit(0);
    if (strcmp(way, "_exit") == 0)
        _exit(0);
    if (strcmp(way, "abort") == 0)
        abort();
    while (strcmp(way, "killed") == 0)
        pause();
    if (strcmp(way, "disconnect") == 0)
        OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    if (strcmp(way, "free") == 0)
        claude_client_free(client);
    return 0;
}
