/*
 * A host that becomes another user while a session runs: it has no right to end the CLI any more, says so, and is not held up.
 * The second argument: `free`, `disconnect`, `connect` (runs out of time) or `shutdown`; the third: the grace times together.
 */
#define _GNU_SOURCE
#include "host.h"
#include <grp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static char told[4096];

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void on_log(claude_log_level_t level, const char *text, size_t len, void *user_data)
{
    (void)len, (void)user_data;
    if (level <= CLAUDE_LOG_WARNING && strstr(text, "cannot be ended") != NULL)
        snprintf(told, sizeof told, "%s", text);
}

static void on_connected(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)json, (void)len;
    *(volatile claude_status_t *)user_data = status;
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    volatile claude_status_t connected = CLAUDE_OK;
    char pid[32];
    double before, took, grace;
    pid_t cli;

    CHECK(argc == 4);
    grace = atof(argv[3]);
    OK(claude_runtime_on_log(CLAUDE_LOG_WARNING, on_log, NULL, NULL, &error));
    OK(claude_client_create(argv[1], &client, &error));
    if (strcmp(argv[2], "connect") == 0) {
        OK(claude_client_connect(client, NULL, on_connected, (void *)&connected, &error));
        while (claude_client_pid(client) == 0)
            pause_ms(1);
    } else {
        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    }
    cli = (pid_t)claude_client_pid(client);
    snprintf(pid, sizeof pid, "%d", (int)cli);
    CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    before = now_ms();
    if (strcmp(argv[2], "disconnect") == 0) {
        CHECK(claude_client_disconnect_wait(client, LONG_MS, &error) == CLAUDE_ERR_PROCESS);
        CHECK(strstr(claude_error_message(error), pid) != NULL);
        drop_error();
    } else if (strcmp(argv[2], "connect") == 0) {
        while (connected == CLAUDE_OK)
            pause_ms(1);
        CHECK(connected == CLAUDE_ERR_TIMEOUT || connected == CLAUDE_ERR_PROCESS);
    } else if (strcmp(argv[2], "shutdown") == 0) {
        CHECK(claude_runtime_shutdown((uint32_t)grace + 2000, &error) == CLAUDE_ERR_TIMEOUT);
        CHECK(strstr(claude_error_message(error), pid) != NULL);
        drop_error();
    }
    claude_client_free(client);
    took = now_ms() - before;
    printf("%.0f ms, %s\n", took, told);
    CHECK(took < grace + 4000);
    CHECK(strstr(told, pid) != NULL);
    CHECK(kill(cli, 0) != 0);
    return 0;
}
