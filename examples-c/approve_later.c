/*
 * Answering a permission request later, from another thread: the callback only puts it aside.
 * A request may stay open as long as it likes. When Claude no longer needs the answer, on_cancel says so.
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static claude_request_t *waiting; /* one place is enough for an example: what comes on top of it is refused */
static int leave;

static void on_cancel(uint64_t request_id, void *user_data)
{
    (void)user_data;
    printf("Request %llu is no longer needed.\n", (unsigned long long)request_id);
}

static void on_request(claude_request_t *request, void *user_data)
{
    (void)user_data;
    if (claude_request_kind(request) == CLAUDE_REQUEST_PERMISSION) {
        example_print("Put aside: ", claude_request_json(request, NULL), "/tool_name", "\n");
        claude_request_on_cancel(request, on_cancel, NULL, NULL, NULL);
        pthread_mutex_lock(&lock);
        if (waiting == NULL) {
            waiting = request;
            request = NULL;
        }
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    claude_request_free(request); /* refuses it; NULL is fine */
}

/* The supervisor: takes what was put aside, thinks for a second, and says yes. */
static void *supervise(void *unused)
{
    const struct timespec second = {1, 0};
    claude_request_t *request;

    (void)unused;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (waiting == NULL && !leave)
            pthread_cond_wait(&changed, &lock);
        request = waiting;
        waiting = NULL;
        pthread_mutex_unlock(&lock);
        if (request == NULL)
            return NULL;
        nanosleep(&second, NULL);
        if (claude_request_allow(request, NULL, NULL, NULL) == CLAUDE_OK)
            printf("Approved later.\n");
        claude_request_free(request);
    }
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    pthread_t supervisor;
    int code;

    if (pthread_create(&supervisor, NULL, supervise, NULL) != 0) {
        perror("pthread_create");
        return EXIT_FAILURE;
    }
    TRY(claude_client_create(example_options(argc, argv, NULL), &client, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_on_request(client, on_request, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, "Create the file hello.txt with the line: Hello from C", 60000, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    code = example_end(client, error); /* from here on no callback runs; a request that is still open is denied */
    pthread_mutex_lock(&lock);
    leave = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(supervisor, NULL);
    return code;
}
