/* How a CLI and what it has started end, and what a program is told of it; the first argument names the scenario. `LOG` is the
 * path of what the stand-in has noted. */
#include "dispatch_common.h"

static char closed[32768];
static _Atomic int closes, results;
static _Atomic size_t longest;

static void on_closed(claude_status_t status, const char *json, size_t len, void *user_data) {
    UNUSED(len), UNUSED(user_data);
    snprintf(closed, sizeof closed, "%d %s", (int)status, json);
    closes++;
}

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data) {
    UNUSED(user_data);
    CHECK(json[len] == '\0');
    if (len > longest) longest = len;
    results += kind == CLAUDE_MESSAGE_RESULT;
}

static claude_client_t *connected(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_on_closed(client, on_closed, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, patience_ms(), &error));
    return client;
}

/* The process id in the last event of this name that the stand-in has noted; 0 = not yet there. */
static unsigned noted(const char *event) {
    static char text[1 << 20];
    const char *at = text, *last = NULL;
    FILE *file = fopen(getenv("LOG"), "rb");
    if (file == NULL) return 0;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    while ((at = strstr(at, event)) != NULL) last = at += strlen(event);
    at = last ? strstr(last, "\"pid\":") : NULL;
    return at ? (unsigned)strtoul(at + strlen("\"pid\":"), NULL, 10) : 0;
}

/* The process that the stand-in leaves behind. */
static unsigned grandchild(void) {
    unsigned pid = 0;
    WAIT_FOR((pid = noted("\"event\":\"spawned\"")) != 0);
    return pid;
}

/* A CLI that goes on at the end of its input is ended by force, with all that it has started. */
static void ignores_end(void) {
    claude_client_t *client = connected();
    unsigned pid = (unsigned)claude_client_pid(client);
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    unsigned below = grandchild();
    CHECK(process_runs(pid) && process_runs(below));
    int64_t start = now_us();
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    CHECK(now_us() - start >= 300 * 1000); /* it had its grace */
    WAIT_FOR(!process_runs(pid) && !process_runs(below));
    CHECK(closes == 1 && strncmp(closed, "0 ", 2) == 0);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

/* A CLI that ends at the end of its input is given the time for it. */
static void obeys_end(void) {
    claude_client_t *client = connected();
    OK(claude_client_disconnect_wait(client, patience_ms(), &error));
    CHECK(closes == 1 && strncmp(closed, "0 ", 2) == 0);
    claude_client_free(client);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

/* The code and the last words of a CLI that dies in a turn. */
static void dies(void) {
    claude_client_t *client = connected();
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    WAIT_FOR(closes == 1);
    puts(closed);
    claude_client_free(client);
}

/* Why something cannot be started. */
static void refused(void) {
    claude_client_t *client = create(CLAUDE_DISPATCH_THREAD);
    claude_error_t *error = NULL;
    claude_status_t status = claude_client_connect_wait(client, NULL, patience_ms(), &error);
    printf("%s %s\n", claude_status_name(status), claude_error_json(error));
    claude_error_free(error);
    claude_client_free(client);
}

/* What the probe says of the stand-in. */
static void probe(void) {
    char *report = NULL;
    OK(claude_probe(getenv("OPTIONS"), patience_ms(), &report, &error));
    puts(report);
    claude_string_free(report);
    OK(claude_runtime_shutdown(patience_ms(), &error));
}

static void one_turn(void) {
    claude_client_t *client = connected();
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, patience_ms(), &error));
    CHECK(results == 1);
    printf("{\"longest\": %zu, \"peak_kb\": %ld}\n", (size_t)longest, memory_kb("VmHWM:"));
    claude_client_free(client);
}

/* A host in the middle of a turn, until it is killed. */
static void host(void) {
    claude_client_t *client = connected();
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    pause();
}

/* The end of a host by force is that of its CLI and of all that this has started. */
static void killed_host(const char *self) {
    started_t child = start_self(self, "host");
    unsigned below = grandchild(), pid = noted("\"ids\":");
    CHECK(pid != 0 && process_runs(pid) && process_runs(below));
    kill_started(&child);
    WAIT_FOR(!process_runs(pid) && !process_runs(below));
}

/* A host that returns from main in the middle of a turn. */
static void leave(void) {
    claude_client_t *client = connected();
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    grandchild();
}

/* Leaving without any clean-up is safe, and leaves nothing. */
static void left_host(const char *self) {
    started_t child = start_self(self, "leave");
    CHECK(wait_started(&child) == 0);
    unsigned below = grandchild(), pid = noted("\"ids\":");
    WAIT_FOR(!process_runs(pid) && !process_runs(below));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    if (strcmp(argv[1], "ignores-end") == 0) ignores_end();
    else if (strcmp(argv[1], "obeys-end") == 0) obeys_end();
    else if (strcmp(argv[1], "dies") == 0) dies();
    else if (strcmp(argv[1], "refused") == 0) refused();
    else if (strcmp(argv[1], "probe") == 0) probe();
    else if (strcmp(argv[1], "one-turn") == 0) one_turn();
    else if (strcmp(argv[1], "host") == 0) host();
    else if (strcmp(argv[1], "leave") == 0) leave();
    else if (strcmp(argv[1], "left-host") == 0) left_host(argv[0]);
    else if (strcmp(argv[1], "killed-host") == 0) killed_host(argv[0]);
    else CHECK(!"a scenario of this name");
    return 0;
}
