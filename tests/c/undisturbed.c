/*
 * Has sessions that may go wrong in any way, and compares the process before and after: signal dispositions and mask,
 * environment, working directory, descriptors, children. The first argument holds the options, the second the number
 * of sessions, the third what the host does about SIGPIPE: `default` (also without it), `handler` or `ignored`; stdout and
 * stderr stay empty.
 */
#include "process_state.h"

static void handler(int number)
{
    (void)number;
}

static volatile sig_atomic_t broken_pipes;

static void pipe_handler(int number)
{
    (void)number;
    broken_pipes++;
}

/* While the library runs: its descriptors must not reach a program that the host starts. */
static void check_close_on_exec(const struct state *before)
{
    char line[16];
    int number, flags;

    for (number = 3; number < 1024; number++) {
        flags = fcntl(number, F_GETFD);
        snprintf(line, sizeof line, "\n%d ", number);
        if (flags >= 0 && strstr(before->descriptors, line) == NULL)
            CHECK(flags & FD_CLOEXEC);
    }
}

static void session(const char *options, const struct state *before)
{
    struct seen seen = SEEN;
    struct state during;
    claude_client_t *client = new_client(options, &seen);
    claude_error_t *failure = NULL;
    int tries;

    if (claude_client_connect_wait(client, NULL, LONG_MS, &failure) == CLAUDE_OK)
        check_close_on_exec(before);
    claude_error_free(failure);
    /* Writes on and on: before the death of the CLI, in its middle, and after it. */
    for (tries = 0; tries < 40; tries++) {
        claude_client_query(client, "a line for somebody who may be gone", NULL, NULL, NULL);
        claude_client_control(client, "{\"subtype\":\"mcp_status\"}", NULL, NULL, NULL);
        if (tries % 8 == 7)
            pause_ms(2);
    }
    take(&during);
    compare(before, &during);
    free(during.environment);
    claude_client_free(client);
    CHECK(seen.destroyed == 2);
}

int main(int argc, char **argv)
{
    const char *sigpipe = argc > 3 ? argv[3] : "default";
    struct sigaction action;
    struct state before, after;
    int rounds;

    CHECK(argc >= 3);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &action.sa_mask, NULL) == 0);
    sigemptyset(&action.sa_mask);
    action.sa_handler = strcmp(sigpipe, "handler") == 0 ? pipe_handler : strcmp(sigpipe, "ignored") == 0 ? SIG_IGN : SIG_DFL;
    CHECK(sigaction(SIGPIPE, &action, NULL) == 0);
    take(&before);
    for (rounds = atoi(argv[2]); rounds > 0; rounds--)
        session(argv[1], &before);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    take(&after);
    compare(&before, &after);
    CHECK(broken_pipes == 0);
    if (strcmp(before.descriptors, after.descriptors) != 0)
        fprintf(stderr, "before:\n%safter:\n%s", before.descriptors, after.descriptors);
    CHECK(strcmp(before.descriptors, after.descriptors) == 0);
    free(before.environment);
    free(after.environment);
    return 0;
}
