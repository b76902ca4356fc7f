/*
 * A host that is stopped for FROZEN_MS in the midst of a wait, as by a debugger, and wakes up behind its deadline. What came
 * before the deadline has come in time. The second argument names what it waits for.
 */
#include "host.h"

enum { BEFORE_MS = 100, DEADLINE_MS = 1500, FROZEN_MS = 3000 };

static void *stop(void *unused)
{
    (void)unused;
    pause_ms(BEFORE_MS);
    kill(getpid(), SIGSTOP);
    return NULL;
}

static pthread_t freezer;

static void freeze(void)
{
    char command[100];

    snprintf(command, sizeof command, "(sleep %d; kill -CONT %d) &", FROZEN_MS / 1000, (int)getpid());
    CHECK(system(command) == 0);
    CHECK(pthread_create(&freezer, NULL, stop, NULL) == 0);
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)json, (void)len;
    *(volatile claude_status_t *)user_data = status;
}

int main(int argc, char **argv)
{
    struct seen seen = SEEN;
    claude_client_t *client;
    const char *what = argc > 2 ? argv[2] : "";
    char *reply = NULL;

    if (strcmp(what, "next") == 0) {
        claude_event_t *event = NULL;
        OK(claude_client_create(argv[1], &client, &error));
        OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PULL, &error));
        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
        OK(claude_client_query(client, "hello", NULL, NULL, &error));
        freeze();
        OK(claude_client_next(client, CLAUDE_LANE_ALL, DEADLINE_MS, &event, &error));
        claude_event_free(event);
        claude_client_free(client);
        return 0;
    }
    client = new_client(argv[1], &seen);
    if (strcmp(what, "connect") == 0)
        freeze();
    OK(claude_client_connect_wait(client, NULL, strcmp(what, "connect") == 0 ? DEADLINE_MS : LONG_MS, &error));
    if (strcmp(what, "interrupt") == 0) {
        OK(claude_client_query(client, "hello", NULL, NULL, &error));
        seen_wait(&seen, &seen.messages, 1);
        freeze();
        OK(claude_client_interrupt_with(client, false, DEADLINE_MS, CLAUDE_ESCALATE_KILL, NULL, NULL, &error));
        seen_wait(&seen, &seen.results, 1);
        CHECK(pthread_join(freezer, NULL) == 0);
        pause_ms(500);
        CHECK(claude_client_state(client) == CLAUDE_STATE_CONNECTED);
    } else if (strcmp(what, "control") == 0) {
        freeze();
        OK(claude_client_control_wait(client, "{\"subtype\": \"get_context_usage\"}", DEADLINE_MS, &reply, &error));
        claude_string_free(reply);
    } else if (strcmp(what, "control-later") == 0) {
        volatile claude_status_t status = CLAUDE_ERR_CLOSED;
        freeze();
        OK(claude_client_control(client, "{\"subtype\": \"get_context_usage\"}", on_done, (void *)&status, &error));
        while (status == CLAUDE_ERR_CLOSED)
            pause_ms(5);
        CHECK(status == CLAUDE_OK);
    } else if (strcmp(what, "receive") == 0) {
        OK(claude_client_query(client, "hello", NULL, NULL, &error));
        freeze();
        OK(claude_client_receive_response(client, NULL, DEADLINE_MS, &error));
    } else if (strcmp(what, "disconnect") == 0) {
        freeze();
        OK(claude_client_disconnect_wait(client, DEADLINE_MS, &error));
    } else if (strcmp(what, "shutdown") == 0) {
        freeze();
        OK(claude_runtime_shutdown(DEADLINE_MS, &error));
    } else if (strcmp(what, "free") == 0) {
        freeze();
    }
    claude_client_free(client);
    return 0;
}
