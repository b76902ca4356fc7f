/* Linked into a program: at its end nothing that the library has given may be left. What is, is no leak to a leak checker. */
#include <claude_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((destructor)) static void look(void)
{
    static const char *const kinds[] = {"/clients", "/errors", "/strings", "/events", "/requests", "/mcp_servers", "/tool_calls"};
    char *stats = NULL, *count = NULL;
    size_t at;
    int left = 0;

    if (claude_runtime_stats(&stats, NULL) != CLAUDE_OK)
        _exit(96);
    for (at = 0; at < sizeof kinds / sizeof kinds[0]; at++) {
        if (claude_json_get(stats, kinds[at], &count, NULL) != CLAUDE_OK)
            _exit(96);
        left |= strcmp(count, "0") != 0;
        claude_string_free(count);
    }
    if (left)
        fprintf(stderr, "forgotten: %s\n", stats);
    claude_string_free(stats);
    if (left)
        _exit(97);
}
