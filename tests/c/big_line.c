/* Has one turn and says what came and what it took: the longest message with its hash, and the memory. */
#include "host.h"

static size_t longest;
static unsigned long long hash;
static unsigned others, stream_events;

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    size_t at;

    (void)user_data;
    if (kind == CLAUDE_MESSAGE_STREAM_EVENT) {
        stream_events++;
    } else if (kind == CLAUDE_MESSAGE_ASSISTANT && len > 1000000) {
        CHECK(json[len] == '\0');
        longest = len;
        hash = 0xcbf29ce484222325u;
        for (at = 0; at < len; at++)
            hash = (hash ^ (unsigned char)json[at]) * 0x100000001b3u;
    } else if (kind == CLAUDE_MESSAGE_ASSISTANT) {
        others++;
    }
}

/* A line of /proc/self/status, in kilobytes. */
static long status_kb(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");

    CHECK(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(file);
    CHECK(value > 0);
    return value;
}

int main(int argc, char **argv)
{
    claude_client_t *client = NULL;
    long before, tries;

    CHECK(argc == 2);
    OK(claude_client_create(argv[1], &client, &error));
    OK(claude_client_on_message(client, on_message, NULL, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    before = status_kb("VmRSS");
    OK(claude_client_query(client, "go", NULL, NULL, &error));
    OK(claude_client_receive_response(client, NULL, 2 * LONG_MS, &error));
    /* The wait ends inside the last message's call; the buffer behind it goes a moment later. */
    for (tries = 0; tries < 200 && status_kb("VmRSS") > before + 64 * 1024; tries++)
        pause_ms(10);
    printf("{\"length\": %zu, \"hash\": \"%016llx\", \"others\": %u, \"stream_events\": %u, ", longest, hash, others,
           stream_events);
    printf("\"rss_before_kb\": %ld, \"rss_kb\": %ld, \"peak_kb\": %ld}\n", before, status_kb("VmRSS"),
           status_kb("VmHWM"));
    claude_client_free(client);
    return 0;
}
