/* Asking the user on the terminal whether Claude may use a tool. */
#include "example.h"

/*
 * Runs for everything that the CLI asks. `request` is ours now: it is answered once, and freed. A request that is
 * freed without an answer is refused. The callback may take its time: messages go on arriving.
 */
static void on_request(claude_request_t *request, void *user_data)
{
    const char *json = claude_request_json(request, NULL);
    claude_error_t *error = NULL;
    claude_status_t status;
    char answer[16];

    (void)user_data;
    if (claude_request_kind(request) != CLAUDE_REQUEST_PERMISSION) {
        claude_request_free(request);
        return;
    }
    example_print("Claude wants to use ", json, "/tool_name", "\n");
    example_print("  with ", json, "/input", "\n");
    printf("Allow? [y/N] ");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) != NULL && answer[0] == 'y')
        status = claude_request_allow(request, NULL, NULL, &error); /* with the input that Claude chose */
    else
        status = claude_request_deny(request, "The user said no.", false, &error);
    if (status != CLAUDE_OK) /* for example withdrawn in the meantime */
        fprintf(stderr, "%s\n", claude_error_message(error));
    claude_error_free(error);
    claude_request_free(request);
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_on_request(client, on_request, NULL, NULL, &error)); /* before connecting */
    TRY(claude_client_connect_wait(client, "Create the file hello.txt with the line: Hello from C", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, CLAUDE_WAIT_FOREVER, &error)); /* the user may be at lunch */

done:
    return example_end(client, error);
}
