/*
 * A stand-in CLI for measurements: it answers at once and renders what it floods before it writes, so that it is never
 * the bottleneck.
 *
 * A prompt is a command: "ping" answers with a result; "flood COUNT SIZE KIND WRITES" sends COUNT messages of SIZE bytes,
 * WRITES to a write (0 = as many as fit into 1 MiB), then a result. KIND: assistant, delta, unicode (an assistant message
 * in Japanese). Every control request succeeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char RESULT[] =
    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"duration_ms\":1,\"duration_api_ms\":1,"
    "\"num_turns\":1,\"result\":\"ok\",\"session_id\":\"s\",\"total_cost_usd\":0.001,\"usage\":{},\"uuid\":\"r\"}\n";

/* The shapes that the real CLI writes, so that every SDK takes them. */
static const char *const ASSISTANT[] = {
    "{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"x\","
    "\"content\":[{\"type\":\"text\",\"text\":\"",
    "\"}]},\"parent_tool_use_id\":null,\"session_id\":\"s\",\"uuid\":\"u\"}\n"};
static const char *const DELTA[] = {
    "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"",
    "\"}},\"parent_tool_use_id\":null,\"session_id\":\"s\",\"uuid\":\"u\"}\n"};
static const char *const TEXT[] = {"The quick brown fox jumps over the lazy dog. ", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"};

static void write_all(const char *data, size_t len) {
    while (len > 0) {
        ssize_t wrote = write(1, data, len);
        if (wrote <= 0) exit(0);
        data += wrote;
        len -= (size_t)wrote;
    }
}

/* One message of exactly `size` bytes, its newline included. */
static size_t render(char *out, size_t size, const char *kind) {
    const char *const *shape = !strcmp(kind, "delta") ? DELTA : ASSISTANT;
    const char *text = TEXT[!strcmp(kind, "unicode")];
    size_t head = strlen(shape[0]), tail = strlen(shape[1]), unit = strlen(text), at = head;
    if (size < head + tail) size = head + tail;
    memcpy(out, shape[0], head);
    for (; at + unit <= size - tail; at += unit) memcpy(out + at, text, unit);
    memset(out + at, '.', size - tail - at);
    memcpy(out + size - tail, shape[1], tail);
    return size;
}

static void flood(long count, size_t size, const char *kind, long per_write) {
    if (per_write == 0) per_write = (long)((1 << 20) / size) + 1;
    if (per_write > count) per_write = count;
    char *block = malloc((size + 512) * (size_t)per_write);
    size_t len = 0;
    for (long i = 0; i < per_write; i++) len += render(block + len, size, kind);
    for (; count > 0; count -= per_write) {
        if (count < per_write) len = len / (size_t)per_write * (size_t)count;
        write_all(block, len);
    }
    free(block);
}

static void prompt(const char *line) {
    long count = 0, size = 0, per_write = 0;
    char kind[16];
    const char *command = strstr(line, "flood ");
    if (command && sscanf(command, "flood %ld %ld %15[a-z] %ld", &count, &size, kind, &per_write) == 4)
        flood(count, (size_t)size, kind, per_write);
    write_all(RESULT, sizeof RESULT - 1);
}

static void control(const char *line) {
    char id[128] = "", reply[512];
    const char *at = strstr(line, "\"request_id\":\"");
    if (!at) at = strstr(line, "\"request_id\": \"");
    if (at) sscanf(strchr(at, ':') + 1, " \"%127[^\"]", id);
    int len = snprintf(reply, sizeof reply,
                       "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%s\","
                       "\"response\":{\"commands\":[],\"models\":[],\"claude_code_version\":\"" CLI_VERSION "\"}}}\n",
                       id);
    write_all(reply, (size_t)len);
}

int main(int argc, char **argv) {
    static char buffer[1 << 20];
    size_t held = 0;
    if (argc == 2 && (!strcmp(argv[1], "-v") || !strcmp(argv[1], "--version"))) {
        puts(CLI_VERSION " (Claude Code)");
        return 0;
    }
    for (;;) {
        ssize_t got = read(0, buffer + held, sizeof buffer - 1 - held);
        if (got <= 0) return 0;
        held += (size_t)got;
        char *start = buffer, *end;
        while ((end = memchr(start, '\n', held - (size_t)(start - buffer)))) {
            *end = 0;
            if (strstr(start, "control_request\"")) control(start);
            else if (strstr(start, "\"user\"")) prompt(start);
            start = end + 1;
        }
        held -= (size_t)(start - buffer);
        memmove(buffer, start, held);
        if (held == sizeof buffer - 1) held = 0;
    }
}
