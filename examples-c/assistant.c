/* Four things at once without a JSON library: streamed text, permissions, the model's questions, and a tool of ours. */
#include "example.h"
#include <time.h>

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    (void)user_data;
    if (!example_is_failure(kind, json) && kind == CLAUDE_EVENT_TEXT_DELTA)
        fwrite(json, 1, len, stdout); /* plain text */
    else if (kind == CLAUDE_MESSAGE_RESULT)
        putchar('\n');
    fflush(stdout);
}

/* The model calls mcp__clock__now. */
static void on_now(claude_tool_call_t *call, void *user_data)
{
    char text[32];
    time_t now = time(NULL);

    (void)user_data;
    strftime(text, sizeof text, "%H:%M", localtime(&now));
    claude_tool_call_finish(call, text, NULL);
    claude_tool_call_free(call);
}

static void read_line(char *line, size_t size)
{
    fflush(stdout);
    if (fgets(line, (int)size, stdin) == NULL)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Shows each question with its options, and answers by their numbers. */
static claude_status_t ask(claude_request_t *request, claude_error_t **error)
{
    const char *json = claude_request_json(request, NULL);
    char answers[256] = "", pointer[96], line[16];
    size_t questions = 0, options, question, option;

    claude_json_count(json, "/input/questions", &questions, NULL);
    for (question = 0; question < questions && question < 10; question++) {
        sprintf(pointer, "/input/questions/%u/question", (unsigned)question);
        example_print("", json, pointer, "\n");
        sprintf(pointer, "/input/questions/%u/options", (unsigned)question);
        options = 0;
        claude_json_count(json, pointer, &options, NULL);
        for (option = 0; option < options; option++) {
            sprintf(pointer, "/input/questions/%u/options/%u/label", (unsigned)question, (unsigned)option);
            printf("  %u ", (unsigned)option);
            example_print("", json, pointer, "\n");
        }
        printf("Number? ");
        read_line(line, sizeof line);
        sprintf(answers + strlen(answers), "%c%lu", question == 0 ? '[' : ',', strtoul(line, NULL, 10));
    }
    strcat(answers, "]");
    return claude_request_answer_questions(request, answers, error);
}

static void on_permission(claude_request_t *request, void *user_data)
{
    const char *json = claude_request_json(request, NULL);
    claude_error_t *error = NULL;
    claude_status_t status;
    char line[16];

    (void)user_data;
    if (example_has(json, "/input/questions")) {
        status = ask(request, &error);
    } else {
        example_print("Allow ", json, "/tool_name", "? [y/N] ");
        read_line(line, sizeof line);
        status = line[0] == 'y' ? claude_request_allow(request, NULL, NULL, &error)
                                : claude_request_deny(request, NULL, false, &error);
    }
    if (status != CLAUDE_OK)
        fprintf(stderr, "%s\n", claude_error_message(error));
    claude_error_free(error);
    claude_request_free(request);
}

int main(int argc, char **argv)
{
    claude_mcp_server_t *tools = NULL;
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_mcp_server_create("clock", NULL, &tools, &error));
    TRY(claude_mcp_server_add_tool(tools, CLAUDE_JSON({"name": "now", "description": "The time of day",
                                                       "inputSchema": {"type": "object"}}),
                                   on_now, NULL, NULL, &error));
    TRY(claude_client_create(example_options(argc, argv, CLAUDE_JSON({"text_deltas": true})), &client, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_on_permission(client, on_permission, NULL, NULL, &error));
    TRY(claude_client_add_mcp_server(client, tools, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    TRY(claude_client_query(client, "Ask me what I would like to know, then look at the clock.", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, CLAUDE_WAIT_FOREVER, &error));

done:
    claude_mcp_server_free(tools);
    return example_end(client, error);
}
