/*
 * What a shutdown of the library leaves: three sessions, whose CLIs end as the options say. The second argument names the
 * scenario.
 */
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { SESSIONS = 3 };
static claude_client_t *clients[SESSIONS];
static pid_t pids[SESSIONS];

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int alive(void)
{
    int count = 0;
    for (int i = 0; i < SESSIONS; i++)
        count += pids[i] != 0 && kill(pids[i], 0) == 0;
    return count;
}

static void connect_all(const char *options)
{
    for (int i = 0; i < SESSIONS; i++) {
        OK(claude_client_create(options, &clients[i], &error));
        OK(claude_client_connect_wait(clients[i], NULL, LONG_MS, &error));
        pids[i] = (pid_t)claude_client_pid(clients[i]);
        CHECK(pids[i] > 0);
    }
}

static void free_all(void)
{
    for (int i = 0; i < SESSIONS; i++)
        claude_client_free(clients[i]);
}

/* Not OK as long as one of them lives, and it names them. */
static void shut_down_too_soon(uint32_t timeout_ms)
{
    char pid[32];
    double before = now_ms();

    CHECK(claude_runtime_shutdown(timeout_ms, &error) == CLAUDE_ERR_TIMEOUT);
    CHECK(now_ms() - before < timeout_ms + 3000);
    snprintf(pid, sizeof pid, "%d", (int)pids[SESSIONS - 1]);
    CHECK(strstr(claude_error_message(error), pid) != NULL);
    drop_error();
    CHECK(alive() == SESSIONS);
}

static void nothing_is_left(void)
{
    errno = 0;
    CHECK(alive() == 0);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void *shut_down_for_long(void *unused)
{
    (void)unused;
    CHECK(claude_runtime_shutdown(LONG_MS, NULL) == CLAUDE_OK);
    CHECK(alive() == 0);
    return NULL;
}

static void *free_for_long(void *unused)
{
    (void)unused;
    free_all();
    CHECK(alive() == 0);
    return NULL;
}

static void on_connected(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)json, (void)len;
    *(volatile claude_status_t *)user_data = status;
}

int main(int argc, char **argv)
{
    const char *options = argv[1], *scenario = argc > 2 ? argv[2] : "";
    pthread_t thread;

    if (strcmp(scenario, "during-connect") == 0) {
        volatile claude_status_t connected[SESSIONS];
        for (int i = 0; i < SESSIONS; i++) {
            connected[i] = CLAUDE_OK;
            OK(claude_client_create(options, &clients[i], &error));
            OK(claude_client_connect(clients[i], NULL, on_connected, (void *)&connected[i], &error));
        }
        for (int i = 0; i < SESSIONS; i++) {
            while ((pids[i] = (pid_t)claude_client_pid(clients[i])) == 0)
                pause_ms(1);
        }
        shut_down_too_soon(0);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
        for (int i = 0; i < SESSIONS; i++)
            CHECK(connected[i] != CLAUDE_OK);
        free_all();
        return 0;
    }
    connect_all(options);
    if (strcmp(scenario, "again") == 0) {
        shut_down_too_soon(0);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
        free_all();
    } else if (strcmp(scenario, "patience") == 0) {
        /* Nobody calls again: their end goes on. */
        shut_down_too_soon(100);
        while (alive() > 0)
            pause_ms(5);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
        free_all();
    } else if (strcmp(scenario, "free") == 0) {
        shut_down_too_soon(0);
        free_all();
        CHECK(alive() == 0);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
    } else if (strcmp(scenario, "during-disconnect") == 0) {
        for (int i = 0; i < SESSIONS; i++)
            OK(claude_client_disconnect(clients[i], NULL, NULL, &error));
        shut_down_too_soon(0);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
        free_all();
    } else if (strcmp(scenario, "during-free") == 0) {
        CHECK(pthread_create(&thread, NULL, free_for_long, NULL) == 0);
        while (claude_client_state(clients[0]) == CLAUDE_STATE_CONNECTED)
            pause_ms(1);
        shut_down_too_soon(0);
        CHECK(pthread_join(thread, NULL) == 0);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
    } else if (strcmp(scenario, "two-at-once") == 0) {
        CHECK(pthread_create(&thread, NULL, shut_down_for_long, NULL) == 0);
        while (claude_client_state(clients[SESSIONS - 1]) == CLAUDE_STATE_CONNECTED)
            pause_ms(1);
        /* It does not wait for the first one beyond its own time. */
        shut_down_too_soon(50);
        OK(claude_runtime_shutdown(LONG_MS, &error));
        CHECK(pthread_join(thread, NULL) == 0);
        nothing_is_left();
        free_all();
    } else if (strcmp(scenario, "afresh") == 0) {
        claude_client_t *client = NULL;
        shut_down_too_soon(0);
        OK(claude_client_create(options, &client, &error));
        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
        claude_client_free(client);
        free_all();
        OK(claude_runtime_shutdown(LONG_MS, &error));
        nothing_is_left();
    } else if (strcmp(scenario, "leave") == 0) {
        shut_down_too_soon(0);
        /* The guardian does the rest. */
    } else {
        return 2;
    }
    return 0;
}
