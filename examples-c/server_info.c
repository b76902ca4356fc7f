/* What the CLI says about itself: commands, models, output style. No prompt is sent. */
#include "example.h"

/* The number of elements of the array at `pointer`; prints the member `name` of the first few. */
static int list(const char *json, const char *pointer, const char *name)
{
    char path[128];
    char *value = NULL;
    int count;

    for (count = 0;; count++) {
        sprintf(path, "%s/%d/%s", pointer, count, name);
        if (claude_json_get(json, path, &value, NULL) != CLAUDE_OK)
            return count;
        if (count < 5)
            printf("  %s\n", value);
        claude_string_free(value);
    }
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    char *info = NULL;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    TRY(claude_client_get_server_info(client, &info, &error));

    example_print("CLI version: ", info, "/claude_code_version", "\n");
    example_print("Output style: ", info, "/output_style", "\n");
    printf("Commands: %d\n", list(info, "/commands", "name"));
    printf("Models: %d\n", list(info, "/models", "value"));

done:
    claude_string_free(info);
    return example_end(client, error);
}
