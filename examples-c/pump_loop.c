/*
 * A game loop without a window: 60 frames a second, and Claude talks meanwhile.
 *
 * In PUMP mode callbacks run only inside claude_client_pump(), on the thread that calls it, and no longer than the
 * budget that the frame can spare. Connecting and asking do not wait either.
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include <time.h>

enum { FRAME_US = 1000000 / 60, BUDGET_US = 2000 };

typedef struct {
    claude_client_t *client;
    int closed, failed;
} game_t;

/*
 * Disconnecting does not wait, and freeing a client that has closed takes no time. Freeing it at once would hold up the
 * frame until the CLI has ended.
 */
static void on_message(claude_message_kind_t kind, const char *text, size_t len, void *user_data)
{
    game_t *game = user_data;

    example_is_failure(kind, text);
    if (kind == CLAUDE_EVENT_TEXT_DELTA) {
        fwrite(text, 1, len, stdout); /* a game would put it into a speech bubble */
        fflush(stdout);
    } else if (kind == CLAUDE_MESSAGE_RESULT) {
        claude_client_disconnect(game->client, NULL, NULL, NULL);
    }
}

/* Also comes when connecting has failed. */
static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    game_t *game = user_data;

    (void)len;
    if (status != CLAUDE_OK)
        example_print_failure(error_json);
    game->closed = 1;
    game->failed = status != CLAUDE_OK;
}

static long long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sleep_us(long long us)
{
    struct timespec pause = {0, 0};

    if (us <= 0)
        return;
    pause.tv_sec = (time_t)(us / 1000000);
    pause.tv_nsec = (long)(us % 1000000) * 1000;
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    static const char OPTIONS[] = CLAUDE_JSON({"text_deltas": true});
    game_t game = {NULL, 0, 0};
    claude_error_t *error = NULL;
    long long longest = 0;
    int frames = 0, code;

    TRY(claude_client_create(example_options(argc, argv, OPTIONS), &game.client, &error));
    TRY(claude_client_set_dispatch(game.client, CLAUDE_DISPATCH_PUMP, &error));
    TRY(claude_client_on_message(game.client, on_message, &game, NULL, &error));
    TRY(claude_client_on_closed(game.client, on_closed, &game, NULL, &error));
    TRY(claude_client_connect(game.client, "Tell me a short story about a robot.", NULL, NULL, &error));

    while (!game.closed) {
        const long long start = now_us();
        long long spent;

        /* A real game reads the controls, moves the world and draws it here. */
        TRY(claude_client_pump(game.client, 0, BUDGET_US, CLAUDE_NO_WAIT, NULL, &error));
        spent = now_us() - start;
        if (spent > longest)
            longest = spent;
        frames++;
        sleep_us(FRAME_US - spent);
    }
    printf("\n%d frames, the longest dispatch took %lld us\n", frames, longest);

done:
    code = example_end(game.client, error);
    return game.failed ? EXIT_FAILURE : code;
}
