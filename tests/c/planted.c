/* Defects that are planted in the library (src/panics.rs): what the host sees of them. */
#include <claude_client.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* The next call panics, or none does. */
static void plant(bool wanted)
{
    const char *path = getenv("CLAUDE_CLIENT_PLANTED_PANIC");
    FILE *file;

    remove(path);
    if (!wanted) return;
    file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fclose(file) == 0);
}

/* A line for each function: what it gives with a defect, and what it says. Made from include/api.json. */
static void every_function(void)
{
    claude_error_t *error = NULL;
#include "every_function.inc"
}

static int closed;

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)len, (void)user_data;
    CHECK(status == CLAUDE_ERR_PANIC && strstr(json, "planted"));
    closed++;
}

/* In PULL the end is an event. */
static void pull_end(claude_client_t *client)
{
    claude_event_t *event = NULL;
    claude_event_info_t info;

    while (!closed) {
        CHECK(claude_client_next(client, CLAUDE_LANE_ALL, 60000, &event, NULL) == CLAUDE_OK);
        memset(&info, 0, sizeof info);
        info.size = sizeof info;
        CHECK(claude_event_info(event, &info, NULL) == CLAUDE_OK);
        if (info.kind == CLAUDE_EVENT_CLOSED) on_closed(info.status, info.json, info.len, NULL);
        claude_event_free(event);
    }
}

/* A call for a live client: the client is closed, and nothing else is. */
static void client(const char *how)
{
    const int pumps = !strcmp(how, "pump"), pulls = !strcmp(how, "next");
    claude_client_t *broken = NULL, *other = NULL;
    claude_event_t *event = NULL;
    claude_error_t *error = NULL;
    claude_status_t status;

    CHECK(claude_client_create(getenv("OPTIONS"), &broken, NULL) == CLAUDE_OK);
    CHECK(claude_client_create(getenv("OPTIONS"), &other, NULL) == CLAUDE_OK);
    if (pumps) CHECK(claude_client_set_dispatch(broken, CLAUDE_DISPATCH_PUMP, NULL) == CLAUDE_OK);
    if (pulls) CHECK(claude_client_set_dispatch(broken, CLAUDE_DISPATCH_PULL, NULL) == CLAUDE_OK);
    if (!pulls) CHECK(claude_client_on_closed(broken, on_closed, NULL, NULL, NULL) == CLAUDE_OK);
    CHECK(claude_client_connect_wait(other, NULL, 60000, NULL) == CLAUDE_OK);
    CHECK(claude_client_connect_wait(broken, NULL, 60000, NULL) == CLAUDE_OK);
    plant(true);
    if (pumps) status = claude_client_pump(broken, 0, 0, 0, NULL, &error);
    else if (pulls) status = claude_client_next(broken, CLAUDE_LANE_ALL, 0, &event, &error);
    else if (!strcmp(how, "query")) status = claude_client_query(broken, "hello", NULL, NULL, &error);
    else status = claude_client_interrupt_wait(broken, 60000, NULL, &error);
    plant(false);
    CHECK(status == CLAUDE_ERR_PANIC && claude_error_status(error) == CLAUDE_ERR_PANIC);
    CHECK(strstr(claude_error_message(error), "free the client and create another"));
    claude_error_free(error);
    if (pulls) pull_end(broken);
    else CHECK(claude_client_receive_response(broken, NULL, 60000, NULL) == CLAUDE_ERR_PANIC);
    CHECK(closed == 1);
    CHECK(claude_client_query(other, "hello", NULL, NULL, NULL) == CLAUDE_OK);
    CHECK(claude_client_receive_response(other, NULL, 60000, NULL) == CLAUDE_OK);
    claude_client_free(broken);
    claude_client_free(other);
    CHECK(claude_runtime_shutdown(60000, NULL) == CLAUDE_OK);
}

int main(int count, char **arguments)
{
    if (count == 2) client(arguments[1]);
    else every_function();
    return 0;
}
