/*
 * A host that has its own way with SIGCHLD: `ignore` it, or `reap` whatever ends, in a thread. Sessions work and close;
 * that nobody knows the exit status is no error, where the end was asked for.
 */
#include "host.h"
#include <sys/wait.h>

static int stopping;

static void *reap_everything(void *unused)
{
    int status;

    (void)unused;
    while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
        if (waitpid(-1, &status, 0) < 0)
            pause_ms(1);
    return NULL;
}

/* The CLI dies unasked: by itself in mid-turn, or by a signal from elsewhere between two turns. */
static void crash(const char *options, int in_turn, int reap)
{
    struct seen seen = SEEN;
    claude_client_t *client = new_client(options, &seen);
    uint64_t process;

    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "hello", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    process = claude_client_pid(client);
    if (in_turn)
        OK(claude_client_query(client, "crash", NULL, NULL, &error));
    else
        CHECK(kill((pid_t)process, SIGKILL) == 0);
    FAILS(CLAUDE_ERR_PROCESS, claude_client_receive_response(client, NULL, LONG_MS, &error));
    if (!reap) /* a thread that reaps may be slower than the library */
        CHECK(strstr(claude_error_message(error), "exit status is unknown") != NULL);
    if (in_turn)
        CHECK(strstr(claude_error_json(error), "fatal: the end") != NULL);
    drop_error();
    seen_wait(&seen, &seen.closed, 1);
    expect(CLAUDE_ERR_PROCESS, seen.closed_status, seen.closed_json, __FILE__, __LINE__);
    claude_client_free(client);
}

int main(int argc, char **argv)
{
    pthread_t reaper;
    int round, reap;

    CHECK(argc == 3);
    reap = strcmp(argv[2], "reap") == 0;
    if (reap)
        CHECK(pthread_create(&reaper, NULL, reap_everything, NULL) == 0);
    else
        CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    for (round = 0; round < 20; round++) {
        struct seen seen = SEEN;
        claude_client_t *client = new_client(argv[1], &seen);

        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
        OK(claude_client_query(client, "hello", NULL, NULL, &error));
        OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
        /* By its own end, and by ours. */
        if (round % 2 == 0)
            OK(claude_client_end_input(client, &error));
        else
            OK(claude_client_disconnect_wait(client, LONG_MS, &error));
        seen_wait(&seen, &seen.closed, 1);
        expect(CLAUDE_OK, seen.closed_status, seen.closed_json, __FILE__, __LINE__);
        CHECK(seen.results == 1);
        claude_client_free(client);
        CHECK(claude_client_pid(client) == 0);
    }
    crash(argv[1], 1, reap);
    crash(argv[1], 0, reap);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    if (reap) {
        __atomic_store_n(&stopping, 1, __ATOMIC_RELEASE);
        pthread_join(reaper, NULL);
    } else {
        CHECK(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
    }
    return 0;
}
