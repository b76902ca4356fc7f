/* Changing the permission mode while the session lives: from "look only" to "edit files without asking". */
#include "example.h"

static const char TASK[] = "Create the file hello.txt with the line: Hello from C";

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    example_print_message(kind, json, len, user_data);
    if (kind == CLAUDE_MESSAGE_RESULT)
        example_print("Refused tool: ", json, "/permission_denials/0/tool_name", "\n");
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    /* In the mode "default" a change needs a permission, and this program answers no such request: see
     * permission_dialog.c for one that does. Claude is told no. */
    TRY(claude_client_create(example_options(argc, argv, CLAUDE_JSON({"permission_mode": "default"})), &client, &error));
    TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, TASK, 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

    printf("Now with acceptEdits.\n");
    TRY(claude_client_set_permission_mode_wait(client, "acceptEdits", 10000, NULL, &error));
    TRY(claude_client_query(client, TASK, NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    return example_end(client, error);
}
