/*
 * Pulling events instead of being called: the way for languages and programs that cannot take a callback.
 * In PULL mode no library thread ever runs code of the program. What would be a callback is an event.
 */
#include "example.h"

static char connected; /* its address marks the end of our connect */

typedef struct {
    claude_client_t *client;
    int answered, closed;
} talk_t;

/* The host owns a request that it has taken, and answers it when it likes. One that it leaves in its event is refused. */
static void refuse(claude_event_t *event)
{
    claude_request_t *request = claude_event_take_request(event);

    example_print("Refused: ", claude_request_json(request, NULL), "/tool_name", "\n");
    if (claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION)
        claude_request_deny(request, "This program answers questions only.", false, NULL);
    claude_request_free(request);
}

/* Looks at one event. */
static claude_status_t handle(talk_t *talk, claude_event_t *event, claude_error_t **error)
{
    const char *json = claude_event_json(event, NULL);

    switch (claude_event_kind(event)) {
    case CLAUDE_EVENT_DONE: /* a connect that fails closes the session: its cause comes with that event */
        if (claude_event_user_data(event) == &connected && claude_event_status(event) == CLAUDE_OK)
            return claude_client_query(talk->client, "What is the capital of France?", NULL, error);
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_ASSISTANT:
        example_print("Claude: ", json, "/message/content/0/text", "\n");
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_RESULT:
        example_print("Result: ", json, "/subtype", "\n");
        talk->answered = 1;
        return claude_client_disconnect(talk->client, NULL, NULL, error);
    case CLAUDE_EVENT_REQUEST:
        refuse(event);
        return CLAUDE_OK;
    case CLAUDE_EVENT_CLOSED: /* the last one */
        if (claude_event_status(event) != CLAUDE_OK)
            example_print("closed: ", json, "/message", "\n");
        talk->closed = 1;
        return CLAUDE_OK;
    default: /* later versions have more kinds */
        return CLAUDE_OK;
    }
}

int main(int argc, char **argv)
{
    talk_t talk = {NULL, 0, 0};
    claude_error_t *error = NULL;
    int code;

    TRY(claude_client_create(example_options(argc, argv, NULL), &talk.client, &error));
    TRY(claude_client_set_dispatch(talk.client, CLAUDE_DISPATCH_PULL, &error));
    TRY(claude_client_connect(talk.client, NULL, NULL, &connected, &error));
    while (!talk.closed) {
        claude_event_t *event = NULL;
        claude_status_t status;

        TRY(claude_client_next(talk.client, CLAUDE_LANE_ALL, 120000, &event, &error));
        status = handle(&talk, event, &error);
        claude_event_free(event);
        TRY(status);
    }

done:
    code = example_end(talk.client, error);
    return talk.answered ? code : EXIT_FAILURE;
}
