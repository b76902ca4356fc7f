/*
 * Every kind of handle used after its end, freed twice and taken for another kind; texts that are no texts. Each is an
 * error code. Runs with the stand-in CLI, which asks for a permission in its first turn.
 */
#include "host.h"

static claude_event_info_t info_of(const claude_event_t *event)
{
    claude_event_info_t info;

    info.size = sizeof info;
    OK(claude_event_info(event, &info, &error));
    return info;
}

static claude_event_t *next_of(claude_client_t *client, claude_message_kind_t kind)
{
    claude_event_t *event = NULL;

    for (;;) {
        OK(claude_client_next(client, CLAUDE_LANE_ALL, LONG_MS, &event, &error));
        if (info_of(event).kind == kind)
            return event;
        claude_event_free(event);
    }
}

static void dead_request(claude_request_t *request)
{
    size_t len = 7;

    CHECK(claude_request_id(request) == 0);
    CHECK(claude_request_kind(request) == CLAUDE_REQUEST_OTHER);
    CHECK(strcmp(claude_request_json(request, &len), "") == 0 && len == 0);
    CHECK(claude_request_is_cancelled(request));
    CHECK(claude_request_state(request) == CLAUDE_REQUEST_STATE_CLOSED);
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_request_respond(request, "{}", NULL));
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_request_deny(request, "no", false, NULL));
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_request_answer_questions(request, "{}", NULL));
    claude_request_free(request);
}

static void dead_event(claude_event_t *event)
{
    claude_event_info_t info = {sizeof info, 7, 7, 7, 7, 7, NULL, NULL, 7};
    claude_request_t *request = NULL;
    claude_tool_call_t *call = NULL;

    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_event_info(event, &info, NULL));
    CHECK(info.kind == 7 && info.id == 7 && info.len == 7); /* outputs are written on CLAUDE_OK only */
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_event_take_request(event, &request, NULL));
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_event_take_tool_call(event, &call, NULL));
    CHECK(request == NULL && call == NULL);
    claude_event_free(event);
}

static void dead_error(claude_error_t *dead)
{
    CHECK(claude_error_status(dead) == CLAUDE_ERR_INVALID_HANDLE);
    CHECK(strcmp(claude_error_message(dead), "") == 0);
    CHECK(strcmp(claude_error_json(dead), "{}") == 0);
    claude_error_free(dead);
}

static void dead_client(claude_client_t *client)
{
    size_t events;

    CHECK(claude_client_state(client) == CLAUDE_STATE_CREATED);
    CHECK(claude_client_pid(client) == 0);
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_query(client, "hello", NULL, NULL, &error));
    CHECK(strstr(claude_error_message(error), "handle") != NULL);
    drop_error();
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_pending(client, CLAUDE_LANE_ALL, &events, NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_disconnect_wait(client, LONG_MS, NULL));
    claude_client_free(client);
}

/* All of these in each other's place, dead or alive. */
static void dead(void *handle)
{
    dead_client(handle);
    dead_error(handle);
    dead_event(handle);
    dead_request(handle);
    claude_string_free(handle);
}

static void texts(claude_client_t *client)
{
    const char *broken[] = {"\xff", "ok\xc3", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "\xc0\x80"};
    char *value = NULL;
    size_t at;

    for (at = 0; at < sizeof broken / sizeof *broken; at++) {
        FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_query(client, broken[at], NULL, NULL, &error));
        OK(claude_json_get(claude_error_json(error), "/argument", &value, NULL));
        CHECK(strcmp(value, "prompt") == 0);
        claude_string_free(value);
        drop_error();
        FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_query(client, "fine", broken[at], NULL, NULL));
        FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_create(broken[at], &client, NULL));
        FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_send_json(client, broken[at], NULL, NULL));
        FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_set_model(client, broken[at], NULL, NULL, NULL));
    }
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_query(client, "", NULL, NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_client_query(client, NULL, NULL, NULL, NULL));
    FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_get("{", "/a", &value, NULL));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_json_get("{}", "/a", &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{}", "a", &value, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_json_get("{}", "", NULL, NULL));
    /* A NUL belongs to a prompt, and to no path. */
    OK(claude_client_send_json(client, "{\"type\": \"user\", \"message\": {\"role\": \"user\", \"content\": \"a\\u0000b\"}}", NULL,
                               &error));
    FAILS(CLAUDE_ERR_INVALID_OPTION, claude_client_create("{\"cwd\": \"a\\u0000b\"}", &client, &error));
    drop_error();
    /* A NUL that a C text cannot hold. */
    OK(claude_json_get("{\"a\": \"x\\u0000y\"}", "/a", &value, &error));
    CHECK(strcmp(value, "x\xEF\xBF\xBDy") == 0);
    claude_string_free(value);
    claude_string_free(value);
    /* Half a character, which the CLI writes where it has cut a text. */
    OK(claude_json_get("{\"a\": \"cut \\ud83d\", \"b\": 1}", "/a", &value, &error));
    CHECK(strcmp(value, "cut \xEF\xBF\xBD") == 0);
    claude_string_free(value);
}

/* An older host's struct is shorter, a newer one's longer. */
static void sizes(claude_event_t *event)
{
    struct {
        claude_event_info_t info;
        char more[16];
    } newer;
    claude_event_info_t info;

    memset(&newer, 7, sizeof newer);
    newer.info.size = sizeof newer;
    OK(claude_event_info(event, &newer.info, &error));
    CHECK(newer.info.size == sizeof newer && newer.info.kind == CLAUDE_EVENT_REQUEST && newer.info.lane == CLAUDE_LANE_REQUESTS);
    CHECK(newer.more[0] == 0 && newer.more[15] == 0);
    CHECK(newer.info.len == strlen(newer.info.json));
    info.size = sizeof info - 1;
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_event_info(event, &info, NULL));
    info.size = 0;
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_event_info(event, &info, NULL));
    info.size = (size_t)-1;
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_event_info(event, &info, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_event_info(event, NULL, NULL));
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL, *second = NULL;
    claude_event_t *event;
    claude_request_t *request, *kept;
    claude_error_t *failure = NULL;
    int on_stack = 0;
    size_t at;
    void *garbage[] = {NULL, (void *)1, (void *)3, &on_stack, (void *)dead, (void *)~(size_t)0, (void *)~(size_t)1,
                       (void *)((size_t)1 << 46 | 1), (void *)((size_t)3 << 42 | 1)};

    CHECK(argc == 2);
    for (at = 0; at < sizeof garbage / sizeof *garbage; at++)
        dead(garbage[at]);
    OK(claude_client_create(argv[1], &client, &error));
    OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PULL, &error));
    OK(claude_client_on_permission(client, NULL, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "first", NULL, NULL, &error));

    event = next_of(client, CLAUDE_EVENT_REQUEST);
    sizes(event);
    OK(claude_event_take_request(event, &request, &error));
    CHECK(info_of(event).id == claude_request_id(request));
    FAILS(CLAUDE_ERR_NOT_FOUND, claude_event_take_request(event, &kept, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_event_take_request(event, NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_request_respond(request, "[]", NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_request_respond(request, "{", NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_request_allow(request, "5", NULL, NULL));
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_request_respond(request, NULL, NULL));
    dead_client((void *)request);
    dead_event((void *)request);
    dead_error((void *)event);
    OK(claude_request_deny(request, "no", false, &error));
    FAILS(CLAUDE_ERR_STALE, claude_request_allow(request, NULL, NULL, NULL));
    claude_event_free(event);
    claude_request_free(request);
    dead(event);
    dead(request);

    /* One that is kept beyond the end of its session. */
    event = next_of(client, CLAUDE_EVENT_REQUEST);
    OK(claude_event_take_request(event, &kept, &error));
    claude_event_free(event);
    texts(client);
    CHECK(claude_client_wake(client, NULL) == CLAUDE_OK);
    claude_client_free(client);
    dead(client);
    CHECK(strlen(claude_request_json(kept, NULL)) > 2 && claude_request_is_cancelled(kept));
    FAILS(CLAUDE_ERR_CLOSED, claude_request_allow(kept, NULL, NULL, &failure));
    dead_client((void *)failure);
    claude_request_free(kept);
    dead(kept);
    claude_error_free(failure);
    dead(failure);

    /* Slots that are used again do not bring old handles back to life. */
    for (at = 0; at < 300; at++) {
        OK(claude_client_create(argv[1], &second, &error));
        CHECK(second != client);
        CHECK(claude_client_disconnect(client, NULL, NULL, NULL) == CLAUDE_ERR_INVALID_HANDLE);
        claude_client_free(second);
    }
    OK(claude_runtime_shutdown(LONG_MS, &error));
    dead(client);
    return 0;
}
