/*
 * A host that is going to be killed: starts a session, sends the prompt that the second argument holds, if any, says
 * `ready` when the session is up (or `starting` when it has been begun), and lives on until somebody ends it.
 */
#include "host.h"

int main(int argc, char **argv)
{
    struct seen seen = SEEN;
    claude_client_t *client = new_client(argv[1], &seen);

    CHECK(argc == 3);
    OK(claude_client_connect(client, NULL, NULL, NULL, &error));
    while (claude_client_pid(client) == 0)
        pause_ms(1);
    puts("starting");
    fflush(stdout);
    while (claude_client_state(client) != CLAUDE_STATE_CONNECTED)
        pause_ms(1);
    if (argv[2][0] != '\0')
        OK(claude_client_query(client, argv[2], NULL, NULL, &error));
    puts("ready");
    fflush(stdout);
    if (argv[2][0] != '\0')
        seen_wait(&seen, &seen.messages, 1);
    for (;;)
        pause();
}
