/* Every function that takes or delivers JSON, on threads whose stacks are as small as documented, with JSON of any depth.
   What is only looked through is taken; what must become a tree is refused with its place. */
#include "host.h"
#include <limits.h>

static size_t depth, stack;

struct text {
    char *bytes;
    size_t used, room;
};

static void add(struct text *text, const char *piece)
{
    size_t len = strlen(piece);

    while (text->used + len + 1 > text->room) {
        text->room = text->room * 2 + 256;
        CHECK((text->bytes = realloc(text->bytes, text->room)) != NULL);
    }
    memcpy(text->bytes + text->used, piece, len + 1);
    text->used += len;
}

/* `before`, lists and objects in turn as deep as wanted, `behind`. */
static char *nested(const char *before, const char *behind)
{
    struct text text = {NULL, 0, 0};
    size_t at;

    add(&text, before);
    for (at = 0; at < depth; at++)
        add(&text, at % 2 == 0 ? "[" : "{\"a\":");
    add(&text, "1");
    for (at = depth; at-- > 0;)
        add(&text, at % 2 == 0 ? "]" : "}");
    add(&text, behind);
    return text.bytes;
}

static void *run(void *step)
{
    (*(void (**)(void))step)();
    return NULL;
}

static void on_small_stack(void (*step)(void))
{
    pthread_attr_t attributes;
    pthread_t thread;

    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, stack) == 0);
    CHECK(pthread_create(&thread, &attributes, run, &step) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

/* What becomes a tree has room for so many levels, `around` of them in the text around what is nested. */
static int fits(size_t around)
{
    return depth + around <= 100;
}

static void taken(size_t around, claude_status_t status, const char *what)
{
    const char *json;

    if (status == CLAUDE_OK && fits(around))
        return;
    json = claude_error_json(error);
    if (status == CLAUDE_OK || fits(around) || strstr(json, "nested deeper than 100 levels") == NULL ||
        strstr(json, "\"pointer\":\"/") == NULL || strstr(json, "\"remedy\":\"nest it at most 100 levels deep\"") == NULL) {
        fprintf(stderr, "%s: %s %s\n", what, claude_status_name(status), json);
        _exit(1);
    }
    drop_error();
}
#define TAKEN(around, call) taken((around), (call), #call)

static void json_functions(void)
{
    static const char tail[] = ",\"type\":\"result\",\"result\":\"x\",\"o\":{\"n\":1}}";
    char *deep = nested("{\"deep\":", tail), *value = NULL;
    size_t count = 0;

    OK(claude_json_get(deep, "/result", &value, &error));
    CHECK(strcmp(value, "x") == 0);
    claude_string_free(value);
    OK(claude_json_get(deep, "", &value, &error));
    CHECK(strcmp(value, deep) == 0);
    claude_string_free(value);
    OK(claude_json_get(deep, "/deep", &value, &error));
    CHECK(strncmp(value, deep + 8, strlen(value)) == 0 && strlen(value) + 8 + sizeof tail - 1 == strlen(deep));
    claude_string_free(value);
    OK(claude_json_count(deep, "", &count, &error));
    CHECK(count == 4);
    OK(claude_json_key(deep, "", 3, &value, &error));
    CHECK(strcmp(value, "o") == 0);
    claude_string_free(value);
    OK(claude_message_text(deep, &value, &error));
    CHECK(strcmp(value, "x") == 0);
    claude_string_free(value);
    OK(claude_json_quote(deep, &value, &error));
    claude_string_free(value);
    deep[strlen(deep) - 1] = ']';
    FAILS(CLAUDE_ERR_JSON_DECODE, claude_json_get(deep, "/result", &value, &error));
    drop_error();
    free(deep);
}

static void options(void)
{
    static const char *const heads[] = {"{\"cli_path\":\"/nowhere\",\"extra_initialize\":{\"x\":", "{\"cli_path\":\"/nowhere\",\"settings\":{\"x\":", "{\"cli_path\":\"/nowhere\",\"managed_settings\":{\"x\":",
                                        "{\"cli_path\":\"/nowhere\",\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"x\":"};
    static const char *const tails[] = {"}}", "}}", "}}", "}}}"};
    claude_client_t *client;
    char *text, *report = NULL;
    size_t at;

    for (at = 0; at < sizeof heads / sizeof *heads; at++) {
        text = nested(heads[at], tails[at]);
        client = NULL;
        TAKEN(at == 3 ? 3 : 2, claude_client_create(text, &client, &error));
        claude_client_free(client);
        TAKEN(at == 3 ? 3 : 2, claude_probe(text, LONG_MS, &report, &error));
        claude_string_free(report);
        report = NULL;
        free(text);
    }
}

static void tool_definitions(void)
{
    claude_mcp_server_t *server = NULL, *listed = NULL;
    char *text = nested("{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"x\":", "}}");

    OK(claude_mcp_server_create("s", NULL, &server, &error));
    TAKEN(2, claude_mcp_server_add_tool(server, text, NULL, NULL, NULL, &error));
    free(text);
    text = nested("{\"name\":\"b\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"default\":", "}}}}");
    TAKEN(4, claude_mcp_server_add_tool(server, text, NULL, NULL, NULL, &error));
    free(text);
    claude_mcp_server_free(server);
    text = nested("{\"tools\":[{\"name\":\"a\",\"x\":", "}]}");
    claude_mcp_server_create("s", text, &listed, &error);
    drop_error();
    claude_mcp_server_free(listed);
    free(text);
}

/* A schema in a schema in a schema. */
static void nested_schemas(void)
{
    claude_mcp_server_t *server = NULL;
    struct text text = {NULL, 0, 0};
    size_t at;

    add(&text, "{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"not\":");
    for (at = 0; at < depth; at++)
        add(&text, "{\"not\":");
    add(&text, "true");
    for (at = 0; at < depth; at++)
        add(&text, "}");
    add(&text, "}}");
    OK(claude_mcp_server_create("s", NULL, &server, &error));
    TAKEN(2, claude_mcp_server_add_tool(server, text.bytes, NULL, NULL, NULL, &error));
    claude_mcp_server_free(server);
    free(text.bytes);
}

/* A CLI in memory that speaks deep JSON. */
static claude_sink_t *sink;
static claude_client_t *client;
static int asked;

static void say(const char *before, const char *behind)
{
    char *line = nested(before, behind);

    OK(claude_sink_push(sink, line, strlen(line), &error));
    free(line);
}

static claude_status_t cli_connect(claude_sink_t *into, void *user_data)
{
    (void)user_data;
    sink = into;
    return CLAUDE_OK;
}

static claude_status_t cli_write(const void *bytes, size_t len, void *user_data)
{
    char *line = malloc(len), *type = NULL, *id = NULL;
    char head[256];

    (void)user_data;
    memcpy(line, bytes, len);
    line[len - 1] = '\0';
    OK(claude_json_get(line, "/type", &type, &error));
    if (strcmp(type, "control_request") == 0) {
        OK(claude_json_get(line, "/request_id", &id, &error));
        snprintf(head, sizeof head,
                 "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"%s\","
                 "\"response\":{\"deep\":", id);
        say(head, "}}}\n");
    } else if (strcmp(type, "user") == 0 && !asked++) {
        say("{\"type\":\"assistant\",\"deep\":", ",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}\n");
        say("{\"type\":\"control_request\",\"request_id\":\"p1\",\"request\":{\"subtype\":\"can_use_tool\",\"tool_name\":\"T\","
            "\"input\":{\"deep\":", "}}}\n");
        say("{\"type\":\"control_request\",\"request_id\":\"p2\",\"request\":{\"subtype\":\"can_use_tool\",\"tool_name\":"
            "\"AskUserQuestion\",\"input\":{\"deep\":",
            ",\"questions\":[{\"question\":\"q\",\"options\":[{\"label\":\"l\"}]}]}}}\n");
        say("{\"type\":\"control_request\",\"request_id\":\"p3\",\"request\":{\"subtype\":\"can_use_tool\",\"tool_name\":\"T\","
            "\"input\":{\"deep\":", "}}}\n");
        say("{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"rateLimitType\":\"x\",\"deep\":", "}}\n");
        say("{\"type\":\"system\",\"subtype\":\"init\",\"deep\":", "}\n");
        say("{\"type\":\"result\",\"subtype\":\"success\",\"usage\":{\"deep\":", "},\"result\":\"done\"}\n");
    }
    claude_string_free(type);
    claude_string_free(id);
    free(line);
    return CLAUDE_OK;
}

static int32_t cli_close(void *user_data)
{
    (void)user_data;
    claude_sink_end(sink, CLAUDE_OK, 0, NULL, NULL);
    return CLAUDE_OK;
}

static const char *client_options;

static void begin(void)
{
    claude_transport_vtable_t vtable = {.size = sizeof vtable};

    vtable.connect = cli_connect;
    vtable.write = cli_write;
    vtable.close = vtable.end_input = cli_close;
    OK(claude_client_create(client_options, &client, &error));
    OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PULL, &error));
    OK(claude_client_on_request(client, NULL, NULL, NULL, &error));
    OK(claude_client_set_transport(client, &vtable, NULL, &error));
    OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    OK(claude_client_query(client, "go", NULL, NULL, &error));
}

static void answers(claude_request_t *request, unsigned number)
{
    char *text = nested("{\"deep\":", "}"), *other = NULL;

    if (number == 0) {
        OK(claude_request_allow(request, NULL, "[]", &error));
        free(text);
        return;
    }
    if (number == 1) {
        OK(claude_request_answer_questions(request, "[0]", &error));
        free(text);
        return;
    }
    other = nested("{\"behavior\":\"allow\",\"updatedInput\":{\"deep\":", "}}");
    OK(claude_request_allow(request, text, NULL, &error));
    free(text);
    free(other);
}

static void receive(void)
{
    unsigned requests = 0, messages = 0, done = 0;
    claude_event_t *event;
    char *text = NULL;
    claude_event_info_t info;
    const char *json;
    size_t len;

    info.size = sizeof info;
    while (requests < 3 || !done) {
        claude_request_t *request = NULL;

        event = NULL;
        OK(claude_client_next(client, CLAUDE_LANE_ALL, LONG_MS, &event, &error));
        OK(claude_event_info(event, &info, &error));
        /* Nothing is cut. */
        CHECK(strlen(info.json) == info.len);
        CHECK(info.kind != CLAUDE_EVENT_UNPARSED_LINE);
        if (info.kind == CLAUDE_MESSAGE_ASSISTANT) {
            CHECK(info.len > 2 * depth);
            OK(claude_message_text(info.json, &text, &error));
            claude_string_free(text);
            messages++;
        }
        done |= info.kind == CLAUDE_MESSAGE_RESULT;
        if (claude_event_take_request(event, &request, NULL) == CLAUDE_OK) {
            json = claude_request_json(request, &len);
            CHECK(strlen(json) == len && len > 2 * depth);
            OK(claude_client_pending_requests(client, &text, &error));
            claude_string_free(text);
            answers(request, requests++);
            claude_request_free(request);
        }
        claude_event_free(event);
    }
    CHECK(messages == 1);
}

static void inspect(void)
{
    char *text = NULL;

    OK(claude_client_stats(client, &text, &error));
    claude_string_free(text);
    OK(claude_client_get_server_info(client, &text, &error));
    CHECK(strlen(text) > 2 * depth);
    claude_string_free(text);
}

static void send(void)
{
    char *text = nested("{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"x\":", "}]}}");
    char *reply = NULL;

    TAKEN(4, claude_client_send_json(client, text, NULL, &error));
    free(text);
    text = nested("", "");
    OK(claude_client_query(client, text, NULL, NULL, &error));
    free(text);
    text = nested("{\"subtype\":\"x\",\"deep\":", "}");
    TAKEN(1, claude_client_control_wait(client, text, LONG_MS, &reply, &error));
    claude_string_free(reply);
    reply = NULL;
    OK(claude_client_control_wait(client, "{\"subtype\":\"x\"}", LONG_MS, &reply, &error));
    CHECK(strlen(reply) > 2 * depth);
    claude_string_free(reply);
    free(text);
    text = nested("{\"s\":{\"command\":\"c\",\"x\":", "}}");
    TAKEN(2, claude_client_set_mcp_servers(client, text, NULL, NULL, &error));
    free(text);
}

static void end(void)
{
    OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
}

static const char *process_options;

static void seen_deep(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    CHECK(strlen(json) == len && kind != CLAUDE_EVENT_UNPARSED_LINE);
    *(size_t *)user_data += kind == CLAUDE_MESSAGE_RESULT;
}

/* The CLI as a child process, whose start takes more of the stack; in PUMP mode, where callbacks run on it too. */
static void with_a_process(void)
{
    char *stats = NULL, *result = NULL;
    size_t results = 0;

    client = NULL;
    OK(claude_client_create(process_options, &client, &error));
    OK(claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, &error));
    OK(claude_client_on_message(client, seen_deep, &results, NULL, &error));
    OK(claude_client_connect_wait(client, "first", LONG_MS, &error));
    OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
    CHECK(results == 1);
    OK(claude_client_stats(client, &stats, &error));
    claude_string_free(stats);
    OK(claude_client_disconnect_wait(client, LONG_MS, &error));
    claude_client_free(client);
    OK(claude_query_once("once", process_options, NULL, NULL, NULL, LONG_MS, NULL, &error));
    claude_string_free(result);
    OK(claude_probe(process_options, LONG_MS, &result, &error));
    claude_string_free(result);
}

static void stop(void)
{
    OK(claude_runtime_shutdown(LONG_MS, &error));
}

int main(int argc, char **argv)
{
    claude_runtime_config_t config = {.size = sizeof config, .stack_size = 524288};

    CHECK(argc == 5);
    client_options = argv[1];
    process_options = argv[4];
    depth = (size_t)strtoul(argv[2], NULL, 10);
    stack = (size_t)strtoul(argv[3], NULL, 10);
    if (stack < (size_t)PTHREAD_STACK_MIN)
        stack = (size_t)PTHREAD_STACK_MIN;
    OK(claude_runtime_configure(&config, &error));
    on_small_stack(json_functions);
    on_small_stack(options);
    on_small_stack(tool_definitions);
    on_small_stack(nested_schemas);
    on_small_stack(begin);
    on_small_stack(receive);
    on_small_stack(inspect);
    on_small_stack(send);
    on_small_stack(end);
    on_small_stack(with_a_process);
    on_small_stack(stop);
    return 0;
}
