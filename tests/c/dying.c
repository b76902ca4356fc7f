/*
 * A host that dies: it brings its sessions into a phase (second argument), says `there`, waits for a line on its stdin,
 * and ends in the way that the third argument names; or it is killed while it waits. In the phase nothing of its own may
 * have changed, and it has said nothing on stderr.
 */
#include "process_state.h"
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { CLIENTS = 4, COPIES = 100 };
static const char *options, *phase;
static struct seen seen[CLIENTS] = {SEEN, SEEN, SEEN, SEEN};
static claude_client_t *clients[CLIENTS];
static int inside;

static void enter(void)
{
    __atomic_store_n(&inside, 1, __ATOMIC_SEQ_CST);
}

static void wait_inside(void)
{
    int tries;

    for (tries = 0; __atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0; tries++) {
        CHECK(tries < (int)LONG_MS);
        pause_ms(1);
    }
}

static int is_phase(const char *name)
{
    return strcmp(phase, name) == 0;
}

/* The tool of the host runs until the host has gone. */
static void on_tool(claude_tool_call_t *call, void *user_data)
{
    (void)call, (void)user_data;
    enter();
    for (;;)
        pause();
}

/* It stays open: the handle is kept. */
static void on_permission(claude_request_t *request, void *user_data)
{
    (void)request, (void)user_data;
    enter();
}

static void *probing(void *unused)
{
    char *report = NULL;

    (void)unused;
    claude_probe(options, LONG_MS, &report, NULL);
    claude_string_free(report);
    return NULL;
}

static void *shutting_down(void *unused)
{
    (void)unused;
    claude_runtime_shutdown(LONG_MS, NULL);
    return NULL;
}

static void in_thread(void *(*body)(void *))
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_detach(thread) == 0);
}

static void add_tool(claude_client_t *client)
{
    claude_mcp_server_t *server = NULL;

    OK(claude_mcp_server_create("calc", NULL, &server, &error));
    OK(claude_mcp_server_add_tool(server, "{\"name\": \"slow\", \"description\": \"d\", \"inputSchema\": {\"type\": \"object\"}}",
                                  on_tool, NULL, NULL, &error));
    OK(claude_client_add_mcp_server(client, server, &error));
    claude_mcp_server_free(server);
}

/* Its CLI waits to be claimed. */
static void on_parked(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)json, (void)len, (void)user_data;
    CHECK(status == CLAUDE_OK);
    enter();
}

static void begin(int number)
{
    claude_spare_t *spare = NULL;

    clients[number] = new_client(options, &seen[number]);
    if (is_phase("host_tool"))
        add_tool(clients[number]);
    if (is_phase("permission"))
        OK(claude_client_on_permission(clients[number], on_permission, NULL, NULL, &error));
    if (is_phase("parked"))
        OK(claude_spare_create(clients[number], on_parked, NULL, &spare, &error));
    else if (!is_phase("created"))
        OK(claude_client_connect(clients[number], NULL, NULL, NULL, &error));
}

static void wait_connected(claude_client_t *client)
{
    int tries;

    for (tries = 0; claude_client_state(client) != CLAUDE_STATE_CONNECTED; tries++) {
        CHECK(tries < (int)LONG_MS);
        pause_ms(1);
    }
}

/* All through the start of the CLI and of what watches over it. Each lives on, with whatever was open when it was made. */
static void make_copies(void)
{
    int number;

    for (number = 0; number < COPIES; number++) {
        pid_t copy = fork();
        CHECK(copy >= 0);
        if (copy == 0) {
            sleep(120);
            _exit(0);
        }
        printf("%d ", (int)copy);
        usleep(200);
    }
    puts("");
    fflush(stdout);
}

static void reach_phase(void)
{
    int count = is_phase("several") ? CLIENTS : 1, number;

    if (is_phase("unguarded")) {
        claude_runtime_config_t config = {0};
        config.size = sizeof config;
        config.no_guardian = 1;
        OK(claude_runtime_configure(&config, &error));
    }
    if (is_phase("probing")) {
        in_thread(probing);
        return;
    }
    for (number = 0; number < count; number++)
        begin(number);
    if (is_phase("copied"))
        make_copies();
    if (is_phase("parked")) {
        wait_inside();
        return;
    }
    if (is_phase("created") || is_phase("copied") || is_phase("spawning") || is_phase("connecting") || is_phase("reconnecting"))
        return;
    for (number = 0; number < count; number++)
        wait_connected(clients[number]);
    /* The CLI starts its tools at the first prompt. */
    for (number = 0; number < count; number++)
        OK(claude_client_query(clients[number], "go", NULL, NULL, &error));
    for (number = 0; number < count; number++)
        seen_wait(&seen[number], &seen[number].messages, 1);
    if (is_phase("host_tool") || is_phase("permission"))
        wait_inside();
    else if (!is_phase("turn"))
        for (number = 0; number < count; number++)
            seen_wait(&seen[number], &seen[number].results, 1);
    if (is_phase("closing"))
        OK(claude_client_disconnect(clients[0], NULL, NULL, &error));
    if (is_phase("shutdown"))
        in_thread(shutting_down);
}

static int fork_and_leave(int lives)
{
    pid_t copy = fork();

    CHECK(copy >= 0);
    if (copy == 0) {
        if (lives)
            sleep(60);
        _exit(0);
    }
    printf("copy %d\n", (int)copy);
    fflush(stdout);
    if (!lives)
        CHECK(waitpid(copy, NULL, 0) == copy);
    _exit(0);
}

/* The compiler must not see where it points. */
static int *volatile nowhere;

static int end(const char *way)
{
    char *sleeper[] = {"sleep", "60", NULL};

    if (strcmp(way, "exit") == 0)
        exit(0);
    if (strcmp(way, "_exit") == 0)
        _exit(0);
    if (strcmp(way, "abort") == 0)
        abort();
    if (strcmp(way, "exec") == 0)
        execv("/bin/sleep", sleeper);
    if (strcmp(way, "fork_lives") == 0 || strcmp(way, "fork_exits") == 0)
        return fork_and_leave(strcmp(way, "fork_lives") == 0);
    if (strcmp(way, "fault") == 0)
        *nowhere = 1;
    CHECK(strcmp(way, "return") == 0);
    return 0;
}

static void handler(int number)
{
    (void)number;
}

int main(int argc, char **argv)
{
    struct sigaction action;
    struct rlimit no_core = {0, 0};
    struct state before, during;

    CHECK(argc == 4);
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    options = argv[1], phase = argv[2];
    /* Jobs in the background are started with SIGINT ignored, and it is one of the ways to go. */
    CHECK(signal(SIGINT, SIG_DFL) != SIG_ERR);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &action.sa_mask, NULL) == 0);
    umask(027);
    take(&before);
    reach_phase();
    take(&during);
    compare(&before, &during);
    puts("there");
    fflush(stdout);
    (void)getchar();
    take(&during);
    compare(&before, &during);
    return end(argv[3]);
}
