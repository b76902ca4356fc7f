/* Many conversations at once: twenty clients in one program (or as many as the second argument says). */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include <pthread.h>

enum { MOST = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int answered, ended;

typedef struct {
    int number;
    int over; /* counted in `ended` */
} talk_t;

static void count(talk_t *talk, int *also)
{
    pthread_mutex_lock(&lock);
    if (!talk->over) {
        talk->over = 1;
        ended++;
        if (also != NULL)
            ++*also;
    }
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    talk_t *talk = user_data;
    char before[32];

    (void)len;
    sprintf(before, "[%d] ", talk->number);
    if (!example_is_failure(kind, json) && kind == CLAUDE_MESSAGE_ASSISTANT)
        example_print(before, json, "/message/content/0/text", "\n");
    if (kind == CLAUDE_MESSAGE_RESULT)
        count(talk, &answered);
}

/* The end of a session, and also of a connect that failed. */
static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    (void)len;
    if (status != CLAUDE_OK)
        example_print_failure(error_json);
    count(user_data, NULL);
}

int main(int argc, char **argv)
{
    const char *options = example_options(argc, argv, NULL);
    int wanted = argc > 2 ? atoi(argv[2]) : 20;
    static claude_client_t *clients[MOST];
    static talk_t talks[MOST];
    claude_error_t *error = NULL;
    char prompt[64];
    int i, code;

    if (wanted < 1 || wanted > MOST)
        wanted = 20;
    for (i = 0; i < wanted; i++) {
        talks[i].number = i + 1;
        sprintf(prompt, "What is %d + %d?", i + 1, i + 1);
        TRY(claude_client_create(options, &clients[i], &error));
        TRY(claude_client_on_message(clients[i], on_message, &talks[i], NULL, &error));
        TRY(claude_client_on_closed(clients[i], on_closed, &talks[i], NULL, &error));
        /* Returns at once: all of them connect at the same time. */
        TRY(claude_client_connect(clients[i], prompt, NULL, NULL, &error));
    }
    pthread_mutex_lock(&lock);
    while (ended < wanted)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    printf("%d of %d clients got an answer\n", answered, wanted);

done:
    code = example_end(NULL, error);
    /* Freeing waits for a CLI to end. Told beforehand, all of them end at the same time. */
    for (i = 0; i < wanted; i++)
        claude_client_disconnect(clients[i], NULL, NULL, NULL);
    for (i = 0; i < wanted; i++)
        claude_client_free(clients[i]);
    return answered == wanted ? code : EXIT_FAILURE;
}
