/* Collecting all messages of an answer first, and looking at them afterwards. */
#include "example.h"

typedef struct {
    claude_message_kind_t kind;
    char *json;
} message_t;

typedef struct {
    message_t *items;
    size_t count, capacity;
    int out_of_memory;
} messages_t;

/* The text belongs to the library: what is to be kept has to be copied. */
static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    messages_t *all = user_data;
    char *copy = malloc(len + 1);

    if (copy != NULL && all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 16 : all->capacity * 2;
        message_t *items = realloc(all->items, capacity * sizeof *items);

        if (items != NULL) {
            all->items = items;
            all->capacity = capacity;
        }
    }
    if (copy == NULL || all->count == all->capacity) {
        free(copy);
        all->out_of_memory = 1;
        return;
    }
    memcpy(copy, json, len + 1); /* with the NUL that stands behind it */
    all->items[all->count].kind = kind;
    all->items[all->count++].json = copy;
}

static void print_all(const messages_t *all)
{
    size_t i;

    printf("%lu messages\n", (unsigned long)all->count);
    for (i = 0; i < all->count; i++) {
        const message_t *message = &all->items[i];

        example_print("- ", message->json, "/type", "\n");
        example_print_message(message->kind, message->json, 0, NULL);
        if (message->kind == CLAUDE_MESSAGE_RESULT) {
            example_print("Total cost: $", message->json, "/total_cost_usd", "\n");
            example_print("Turns: ", message->json, "/num_turns", "\n");
            example_print("Duration: ", message->json, "/duration_ms", " ms\n");
        }
    }
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    messages_t all = {NULL, 0, 0, 0};
    int code;

    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, on_message, &all, NULL, &error));
    TRY(claude_client_connect_wait(client, "What is the capital of France?", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));
    TRY(claude_client_disconnect_wait(client, 30000, &error));
    print_all(&all);

done:
    /* After this no callback runs, so that `all` may go. */
    code = example_end(client, error);
    if (all.out_of_memory) {
        fprintf(stderr, "out of memory\n");
        code = EXIT_FAILURE;
    }
    while (all.count > 0)
        free(all.items[--all.count].json);
    free(all.items);
    return code;
}
