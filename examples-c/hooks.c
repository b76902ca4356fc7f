/*
 * Hooks: the CLI asks before it runs a shell command, and tells after every tool.
 * This one lets no `rm -rf` through, and logs what Claude does.
 */
#include "example.h"

static void answer(claude_request_t *request, const char *output)
{
    claude_error_t *error = NULL;

    if (claude_request_respond(request, output, &error) != CLAUDE_OK) /* for example withdrawn in the meantime */
        fprintf(stderr, "%s\n", claude_error_message(error));
    claude_error_free(error);
    claude_request_free(request);
}

/* PreToolUse: may forbid the call. Freed without an answer, it would be forbidden as well. */
static void before_a_command(claude_request_t *request, void *user_data)
{
    const char *json = claude_request_json(request, NULL);
    char *command = NULL;
    int *refused = user_data;

    if (claude_json_get(json, "/input/tool_input/command", &command, NULL) != CLAUDE_OK) {
        claude_request_free(request);
        return;
    }
    if (strstr(command, "rm -rf") != NULL) {
        printf("Blocked: %s\n", command);
        ++*refused;
        answer(request, CLAUDE_JSON({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny",
                                     "permissionDecisionReason": "Nothing is removed that way here."}}));
    } else {
        answer(request, "{}"); /* no opinion: the usual rules decide */
    }
    claude_string_free(command);
}

/* PostToolUse: the tool has run. */
static void after_a_tool(claude_request_t *request, void *user_data)
{
    const char *json = claude_request_json(request, NULL);

    (void)user_data;
    example_print("Log: ", json, "/input/tool_name", "");
    example_print(" ", json, "/input/tool_input", "\n");
    answer(request, "{}");
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    int refused = 0;

    TRY(claude_client_create(example_options(argc, argv, CLAUDE_JSON({"allowed_tools": ["Bash"]})), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    /* Should the hook itself fail, the command does not run either: CLAUDE_HOOK_BLOCK. */
    TRY(claude_client_add_hook(client, "PreToolUse", "Bash", 0, CLAUDE_HOOK_BLOCK, before_a_command, &refused, NULL,
                               &error));
    TRY(claude_client_add_hook(client, "PostToolUse", NULL, 0, CLAUDE_HOOK_CONTINUE, after_a_tool, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));

    TRY(claude_client_query(client, "Run: echo hello", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));
    TRY(claude_client_query(client, "Run: rm -rf build", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));
    printf("%d command(s) blocked\n", refused);

done:
    return example_end(client, error);
}
