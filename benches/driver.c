/*
 * The same work through the library.
 *
 * driver STANDIN MODE OPTIONS bulk COUNT SIZE KIND WRITES | ping ROUNDS | control ROUNDS | connect ROUNDS [MIB]
 *                             idle CLIENTS | many CLIENTS PROMPTS | big SIZE
 * MODE: thread, inline, pump, pull. OPTIONS: more members of the options, or an empty word. MIB: memory that the host has
 * touched before.
 */
#include "common.h"
#include <claude_client.h>
#include <pthread.h>

#define TRY(call)                                                                   \
    do {                                                                            \
        if ((call) != CLAUDE_OK) {                                                  \
            fprintf(stderr, "%s: %s\n", #call, claude_error_message(error));        \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

static claude_error_t *error;
static claude_dispatch_t mode;
static const char *standin, *more_options;
static volatile long bytes;
static long messages;

/* INLINE: the next round starts in the callback, as a host without other threads would do it. */
static struct {
    claude_client_t *client;
    int ping;
    long done, rounds;
    double *times, begin;
    pthread_mutex_t lock;
    pthread_cond_t finished;
} chain = {.lock = PTHREAD_MUTEX_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER};

static void chain_next(void);

static void chain_step(void) {
    chain.times[chain.done] = now() - chain.begin;
    if (chain.done + 1 < chain.rounds) {
        chain.done++;
        chain_next();
        return;
    }
    pthread_mutex_lock(&chain.lock);
    chain.done++;
    pthread_cond_signal(&chain.finished);
    pthread_mutex_unlock(&chain.lock);
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    (void)json;
    (void)user_data;
    bytes += (long)len;
    messages++;
    if (kind == CLAUDE_MESSAGE_RESULT && chain.client) chain_step();
}

static void on_done(claude_status_t status, const char *json, size_t len, void *user_data) {
    (void)status;
    (void)json;
    (void)len;
    (void)user_data;
    chain_step();
}

static void chain_next(void) {
    chain.begin = now();
    if (chain.ping) claude_client_query(chain.client, "ping", NULL, NULL, NULL);
    else claude_client_control(chain.client, "{\"subtype\":\"x\"}", on_done, NULL, NULL);
}

static void run_chain(claude_client_t *client, int ping, long rounds, double *times) {
    chain.ping = ping, chain.rounds = rounds, chain.times = times, chain.client = client;
    chain_next();
    pthread_mutex_lock(&chain.lock);
    while (chain.done < rounds) pthread_cond_wait(&chain.finished, &chain.lock);
    pthread_mutex_unlock(&chain.lock);
    chain.client = NULL;
}

static claude_client_t *open_client(void) {
    char options[1024];
    claude_client_t *client = NULL;
    snprintf(options, sizeof options, "{\"cli_path\":\"%s\"%s%s}", standin, *more_options ? "," : "", more_options);
    TRY(claude_client_create(options, &client, &error));
    TRY(claude_client_set_dispatch(client, mode, &error));
    if (mode != CLAUDE_DISPATCH_PULL) TRY(claude_client_on_message(client, on_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    return client;
}

static void receive(claude_client_t *client) {
    claude_event_t *event = NULL;
    claude_message_kind_t kind;
    claude_event_info_t info = {.size = sizeof info};
    if (mode != CLAUDE_DISPATCH_PULL) {
        TRY(claude_client_receive_response(client, NULL, 600000, &error));
        return;
    }
    do {
        TRY(claude_client_next(client, CLAUDE_LANE_ALL, 600000, &event, &error));
        TRY(claude_event_info(event, &info, &error));
        kind = info.kind;
        claude_event_free(event);
        messages++;
    } while (kind != CLAUDE_MESSAGE_RESULT);
}

static void ask(claude_client_t *client, const char *prompt) {
    TRY(claude_client_query(client, prompt, NULL, NULL, &error));
    receive(client);
}

static void run_rounds(claude_client_t *client, const char *what, long rounds, double *times) {
    if (mode == CLAUDE_DISPATCH_INLINE && strcmp(what, "connect")) {
        run_chain(client, !strcmp(what, "ping"), rounds, times);
        return;
    }
    for (long i = 0; i < rounds; i++) {
        double begin = now();
        if (!strcmp(what, "connect")) client = open_client();
        else if (!strcmp(what, "ping")) ask(client, "ping");
        else TRY(claude_client_control_wait(client, "{\"subtype\":\"x\"}", 60000, NULL, &error));
        times[i] = now() - begin;
        if (!strcmp(what, "connect")) claude_client_free(client);
    }
}

static claude_dispatch_t mode_of(const char *name) {
    if (!strcmp(name, "pump")) return CLAUDE_DISPATCH_PUMP;
    if (!strcmp(name, "pull")) return CLAUDE_DISPATCH_PULL;
    if (!strcmp(name, "inline")) return CLAUDE_DISPATCH_INLINE;
    return CLAUDE_DISPATCH_THREAD;
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const char *what = argv[4];
    long rounds = atol(argv[5]);
    double *times = malloc(sizeof *times * (size_t)rounds);
    struct result result = {0};
    int is_many = !strcmp(what, "many"), is_idle = !strcmp(what, "idle"), is_connect = !strcmp(what, "connect");
    long count = is_many || is_idle ? rounds : 1;
    claude_client_t **clients = calloc((size_t)count, sizeof *clients);
    char prompt[128] = "ping";
    standin = argv[1], mode = mode_of(argv[2]), more_options = argv[3];
    if (is_connect && argc > 6) memset(malloc((size_t)atol(argv[6]) << 20), 1, (size_t)atol(argv[6]) << 20);
    for (long i = 0; i < count; i++) clients[i] = open_client();
    if (is_connect) claude_client_free(clients[0]);
    if (!strcmp(what, "bulk")) snprintf(prompt, sizeof prompt, "flood %s %s %s %s", argv[5], argv[6], argv[7], argv[8]);
    if (!strcmp(what, "big")) snprintf(prompt, sizeof prompt, "flood 1 %s assistant 1", argv[5]);
    if (is_idle) sleep(2); /* threads that are not needed any more end by then */
    reset_peak();
    result.rss_before = status_of("VmRSS:");
    result.wall = now(), result.cpu = cpu();
    if (is_many) {
        for (long p = atol(argv[6]); p > 0; p--) {
            for (long i = 0; i < count; i++) TRY(claude_client_query(clients[i], "ping", NULL, NULL, &error));
            for (long i = 0; i < count; i++) receive(clients[i]);
        }
    } else if (!strcmp(what, "bulk") || !strcmp(what, "big")) {
        ask(clients[0], prompt);
    } else if (!is_idle) {
        run_rounds(clients[0], what, rounds, times);
        result.median = median(times, rounds);
    }
    result.wall = now() - result.wall, result.cpu = cpu() - result.cpu;
    result.messages = messages;
    result.rss_after = status_of("VmRSS:");
    if (!strcmp(what, "big")) { /* what is given back is given back by now */
        ask(clients[0], "ping");
        result.rss_after = status_of("VmRSS:");
    }
    print_result(&result);
    for (long i = 0; i < count && !is_connect; i++) claude_client_free(clients[i]);
    return 0;
}
