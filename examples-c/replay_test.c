/*
 * A test of a program, without a CLI, a network or an account: the way to test your own program in CI.
 *
 *     ./replay_test session.ndjson
 *
 * The program is any code that is written against the library; here it is hold_conversation(). The option `replay`
 * gives it a recorded conversation in place of the CLI. The first line that it sends and the record does not have ends the
 * test, with the number of that line and the difference. A record is made once, with the real CLI, by the same program with
 * the option `record`: `replay_test record.ndjson '{"record": "record.ndjson"}'`. (The one that is shipped was made by
 * tests/replay/session.rs, which holds the same conversation.)
 */
#include "example.h"

/* ---- the program ---- */

static const char *const PROMPTS[] = {
    "USE_TOOL {\"name\":\"Bash\",\"input\":{\"command\":\"touch made-by-claude\",\"description\":\"Make a file\"}}",
    "SLOW 200 50",
    "What is 2+2?",
    "What is the capital of France?",
};

enum { TURNS = sizeof PROMPTS / sizeof PROMPTS[0], INTERRUPTED = 1 };

typedef struct {
    claude_client_t *client;
    int turn, interrupting;
    int hooks, permissions, differences;
    char *answers[TURNS]; /* the last text of each turn */
    char *ends[TURNS];    /* the subtype of each result */
} conversation_t;

static char connected, interrupted, mode_changed; /* their addresses tell our operations apart */

static void take(char **place, const char *json, const char *pointer)
{
    char *value = NULL;

    if (claude_json_get(json, pointer, &value, NULL) != CLAUDE_OK)
        return;
    claude_string_free(*place);
    *place = value;
}

static claude_status_t ask(conversation_t *talk, claude_error_t **error)
{
    printf("You: %.60s\n", PROMPTS[talk->turn]);
    return claude_client_query(talk->client, PROMPTS[talk->turn], NULL, NULL, error);
}

/* Every tool may run, and the hook has no objection. */
static claude_status_t answer(conversation_t *talk, claude_event_t *event, claude_error_t **error)
{
    claude_request_t *request = NULL;
    claude_status_t status = claude_event_take_request(event, &request, error);

    if (status != CLAUDE_OK)
        return status;
    if (claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION) {
        talk->permissions++;
        example_print("May run: ", claude_request_json(request, NULL), "/input/command", "\n");
        status = claude_request_allow(request, NULL, NULL, error);
    } else {
        talk->hooks++;
        status = claude_request_respond(request, "{}", error);
    }
    claude_request_free(request);
    return status;
}

static claude_status_t operation_ended(conversation_t *talk, const claude_event_info_t *info, claude_error_t **error)
{
    if (info->status != CLAUDE_OK) {
        example_print("", info->json, "/message", "\n");
        return info->status;
    }
    return info->user_data == &connected || info->user_data == &mode_changed ? ask(talk, error) : CLAUDE_OK;
}

static claude_status_t turn_ended(conversation_t *talk, const char *json, claude_error_t **error)
{
    take(&talk->ends[talk->turn], json, "/subtype");
    printf("Claude: %s\n", talk->answers[talk->turn]);
    if (++talk->turn == TURNS)
        return CLAUDE_OK;
    if (talk->turn == INTERRUPTED + 1)
        return claude_client_set_permission_mode(talk->client, "acceptEdits", NULL, &mode_changed, error);
    return ask(talk, error);
}

static claude_status_t partial_message(conversation_t *talk, const char *json, claude_error_t **error)
{
    char *type = NULL;
    claude_status_t status = CLAUDE_OK;

    take(&type, json, "/event/type");
    if (talk->turn == INTERRUPTED && !talk->interrupting && strcmp(type, "content_block_delta") == 0) {
        talk->interrupting = 1;
        status = claude_client_interrupt(talk->client, NULL, &interrupted, error);
    }
    claude_string_free(type);
    return status;
}

static claude_status_t handle(conversation_t *talk, claude_event_t *event, claude_error_t **error)
{
    claude_event_info_t info;
    claude_status_t status;

    info.size = sizeof info;
    status = claude_event_info(event, &info, error);
    if (status != CLAUDE_OK)
        return status;
    switch (info.kind) {
    case CLAUDE_EVENT_DONE:
        return operation_ended(talk, &info, error);
    case CLAUDE_EVENT_REQUEST:
        return answer(talk, event, error);
    case CLAUDE_EVENT_REPLAY_MISMATCH:
        talk->differences++;
        example_print("", info.json, "/text", "\n");
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_STREAM_EVENT:
        return partial_message(talk, info.json, error);
    case CLAUDE_MESSAGE_ASSISTANT:
        take(&talk->answers[talk->turn], info.json, "/message/content/0/text");
        return CLAUDE_OK;
    case CLAUDE_MESSAGE_RESULT:
        return turn_ended(talk, info.json, error);
    default:
        return CLAUDE_OK;
    }
}

static claude_status_t hold_conversation(conversation_t *talk, const char *options, claude_error_t **error)
{
    claude_event_t *event = NULL;
    claude_status_t status = claude_client_create(options, &talk->client, error);

    if (status == CLAUDE_OK)
        status = claude_client_set_dispatch(talk->client, CLAUDE_DISPATCH_PULL, error);
    if (status == CLAUDE_OK)
        status = claude_client_on_permission(talk->client, NULL, NULL, NULL, error);
    if (status == CLAUDE_OK)
        status = claude_client_add_hook(talk->client, "PreToolUse", NULL, 0, CLAUDE_HOOK_CONTINUE, NULL, NULL, NULL, error);
    if (status == CLAUDE_OK)
        status = claude_client_connect(talk->client, NULL, NULL, &connected, error);
    while (status == CLAUDE_OK && talk->turn < TURNS) {
        status = claude_client_next(talk->client, CLAUDE_LANE_ALL, 60000, &event, error);
        if (status == CLAUDE_OK) {
            status = handle(talk, event, error);
            claude_event_free(event);
        }
    }
    return status;
}

/* ---- the test ---- */

static int failures;

static void expect(int holds, const char *what)
{
    printf("%s - %s\n", holds ? "ok" : "not ok", what);
    failures += !holds;
}

static int contains(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

int main(int argc, char **argv)
{
    static char options[8192];
    const char *record = argc > 1 ? argv[1] : "tests/data/session.ndjson";
    const char *own = "\"system_prompt\": \"You are part of a recorded session.\", \"include_partial_messages\": true";
    conversation_t talk;
    claude_error_t *error = NULL;
    int i;

    memset(&talk, 0, sizeof talk);
    if (strlen(record) > sizeof options - 256) {
        fprintf(stderr, "the path is too long\n");
        return EXIT_FAILURE;
    }
    if (argc > 2) /* options of your own, to make a record: {"record": "..."} */
        sprintf(options, "{%s, %.4000s", own, argv[2] + strspn(argv[2], "{ "));
    else
        sprintf(options, "{%s, \"replay\": \"%s\"}", own, record);

    expect(hold_conversation(&talk, options, &error) == CLAUDE_OK, "the conversation is held to its end");
    expect(talk.differences == 0, "the program sends what the record has");
    expect(talk.permissions == 1 && talk.hooks == 1, "one tool was used, and the program was asked");
    expect(contains(talk.answers[0], "Bash completed"), "the tool's output reached Claude");
    expect(contains(talk.ends[INTERRUPTED], "error_during_execution"), "the long answer was interrupted");
    expect(contains(talk.answers[2], "4"), "the session went on after it");
    expect(contains(talk.answers[3], "Paris"), "and on");

    for (i = 0; i < TURNS; i++) {
        claude_string_free(talk.answers[i]);
        claude_string_free(talk.ends[i]);
    }
    i = example_end(talk.client, error);
    return failures == 0 ? i : EXIT_FAILURE;
}
