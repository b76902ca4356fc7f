/*
 * Pulling events instead of being called: the way for languages and programs that cannot take a callback.
 * In PULL mode no library thread ever runs code of the program. What would be a callback is an event.
 */
#include "example.h"

static char connected; /* its address marks the end of our connect */

typedef struct {
    claude_client_t *client;
    int answered;
} talk_t;

/* The host owns a request that it has taken, and answers it when it likes. One that it leaves in its event is refused. */
static void refuse(claude_event_t *event)
{
    claude_request_t *request = NULL;

    if (claude_event_take_request(event, &request, NULL) != CLAUDE_OK)
        return;
    example_print("Refused: ", claude_request_json(request, NULL), "/tool_name", "\n");
    if (claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION)
        claude_request_deny(request, "This program answers questions only.", false, NULL);
    claude_request_free(request);
}

/* Looks at one event. */
static claude_status_t handle(talk_t *talk, claude_event_t *event, claude_error_t **error)
{
    claude_event_info_t info;
    claude_status_t status;

    info.size = sizeof info;
    status = claude_event_info(event, &info, error);
    if (status != CLAUDE_OK)
        return status;
    switch (info.kind) {
    case CLAUDE_EVENT_DONE: /* a connect that fails closes the session: its cause comes with that event */
        if (info.user_data == &connected && info.status == CLAUDE_OK)
            return claude_client_query(talk->client, "What is the capital of France?", NULL, NULL, error);
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_ASSISTANT:
        if (!example_is_failure(CLAUDE_MESSAGE_ASSISTANT, info.json))
            example_print("Claude: ", info.json, "/message/content/0/text", "\n");
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_RESULT:
        if (!example_is_failure(CLAUDE_MESSAGE_RESULT, info.json))
            example_print("Result: ", info.json, "/subtype", "\n");
        talk->answered = 1;
        return claude_client_disconnect(talk->client, NULL, NULL, error);
    case CLAUDE_EVENT_REQUEST:
        refuse(event);
        return CLAUDE_OK;
    case CLAUDE_EVENT_CLOSED: /* the last message */
        if (info.status != CLAUDE_OK)
            example_print_failure(info.json);
        return CLAUDE_OK;
    default: /* later versions have more kinds */
        return CLAUDE_OK;
    }
}

int main(int argc, char **argv)
{
    talk_t talk = {NULL, 0};
    claude_error_t *error = NULL;
    int code;

    TRY(claude_client_create(example_options(argc, argv, NULL), &talk.client, &error));
    TRY(claude_client_set_dispatch(talk.client, CLAUDE_DISPATCH_PULL, &error));
    /* NULL: nobody is called, the requests come as events. What is not asked for is refused by the library. */
    TRY(claude_client_on_permission(talk.client, NULL, NULL, NULL, &error));
    TRY(claude_client_connect(talk.client, NULL, NULL, &connected, &error));
    for (;;) {
        claude_event_t *event = NULL;
        claude_status_t status = claude_client_next(talk.client, CLAUDE_LANE_ALL, 120000, &event, &error);

        if (status == CLAUDE_ERR_CLOSED) { /* nothing more will come, not the end of an operation either */
            claude_error_free(error);
            error = NULL;
            break;
        }
        TRY(status);
        status = handle(&talk, event, &error);
        claude_event_free(event);
        TRY(status);
    }

done:
    code = example_end(talk.client, error);
    return talk.answered ? code : EXIT_FAILURE;
}
