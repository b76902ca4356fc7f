/* What cgo needs beside claude_client.h: numbers in place of `void *` (a Go pointer must not be kept by C, and a small number in
 * an unsafe.Pointer is refused under -race), and one crossing for each event. */
#ifndef CLAUDE_GO_SHIM_H
#define CLAUDE_GO_SHIM_H
#include "zz_operations.h"
#include <stdlib.h>

typedef struct {
    claude_event_t *event;
    claude_request_t *request;
    claude_tool_call_t *call;
    const char *json;
    size_t len;
    uint64_t id;
    uintptr_t user_data; /* of the operation, the tool, the hook or the MCP handler */
    int32_t kind, status, request_kind;
} go_event_t;

/* What is queued, without waiting; takes what the event holds. */
static inline claude_status_t go_next(claude_client_t *client, claude_lanes_t lanes, go_event_t *out)
{
    claude_event_info_t info = {.size = sizeof info};
    claude_status_t status = claude_client_next(client, lanes, CLAUDE_NO_WAIT, &out->event, NULL);
    if (status == CLAUDE_OK)
        status = claude_event_info(out->event, &info, NULL);
    if (status != CLAUDE_OK)
        return status;
    out->kind = info.kind;
    out->status = info.status;
    out->request_kind = info.request_kind;
    out->id = info.id;
    out->user_data = (uintptr_t)info.user_data;
    out->json = info.json;
    out->len = info.len;
    if (info.kind == CLAUDE_EVENT_REQUEST)
        claude_event_take_request(out->event, &out->request, NULL);
    if (info.kind == CLAUDE_EVENT_TOOL_CALL)
        claude_event_take_tool_call(out->event, &out->call, NULL);
    return CLAUDE_OK;
}

static inline claude_status_t go_add_tool(claude_mcp_server_t *server, const char *tool_json, uintptr_t number,
                                          claude_error_t **error)
{
    return claude_mcp_server_add_tool(server, tool_json, NULL, (void *)number, NULL, error);
}

static inline claude_status_t go_add_hook(claude_client_t *client, const char *event, const char *matcher, uint32_t deadline_ms,
                                          claude_hook_failure_t on_failure, uintptr_t number, claude_error_t **error)
{
    return claude_client_add_hook(client, event, matcher, deadline_ms, on_failure, NULL, (void *)number, NULL, error);
}

static inline claude_status_t go_add_mcp_handler(claude_client_t *client, const char *name, uintptr_t number,
                                                 claude_error_t **error)
{
    return claude_client_add_mcp_handler(client, name, NULL, (void *)number, NULL, error);
}

static inline claude_status_t go_spare_create(claude_client_t *client, uintptr_t operation, claude_spare_t **spare,
                                              claude_error_t **error)
{
    return claude_spare_create(client, NULL, (void *)operation, spare, error);
}

static inline claude_status_t go_spare_claim(claude_spare_t *spare, const char *claim_json, uintptr_t operation,
                                             claude_error_t **error)
{
    claude_client_t *same = NULL;
    return claude_spare_claim(spare, claim_json, NULL, NULL, (void *)operation, &same, error);
}

/* Defined in callbacks.go. */
extern void goSessionMessage(int32_t kind, char *json, size_t len, uintptr_t reader);
extern void goLog(int32_t level, char *text, size_t len, uintptr_t number);
extern void goForget(uintptr_t number);
extern int32_t goTransportConnect(claude_sink_t *sink, uintptr_t number);
extern int32_t goTransportWrite(void *bytes, size_t len, uintptr_t number);
extern int32_t goTransportEndInput(uintptr_t number);
extern int32_t goTransportClose(uintptr_t number);
extern int32_t goTransportIsReady(uintptr_t number);
extern void goTransportOnRoom(uintptr_t number);
extern void goStoreAsk(claude_store_call_t *call, int function, char *key, char *entries, uintptr_t number);

static inline void go_session_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    goSessionMessage(kind, (char *)json, len, (uintptr_t)user_data);
}

static inline claude_status_t go_session_messages(const char *id, const char *options_json, uintptr_t reader, claude_error_t **error)
{
    return claude_session_messages(id, options_json, go_session_message, (void *)reader, error);
}

static inline claude_status_t go_session_subagent_messages(const char *id, const char *agent_id, const char *options_json,
                                                           uintptr_t reader, claude_error_t **error)
{
    return claude_session_subagent_messages(id, agent_id, options_json, go_session_message, (void *)reader, error);
}

static inline void go_log(claude_log_level_t level, const char *text, size_t len, void *user_data)
{
    goLog(level, (char *)text, len, (uintptr_t)user_data);
}

static inline void go_forget(void *user_data)
{
    goForget((uintptr_t)user_data);
}

static inline claude_status_t go_on_log(claude_log_level_t most, uintptr_t number, claude_error_t **error)
{
    return claude_runtime_on_log(most, go_log, (void *)number, go_forget, error);
}

static inline claude_status_t go_transport_connect(claude_sink_t *sink, void *user_data)
{
    return (claude_status_t)goTransportConnect(sink, (uintptr_t)user_data);
}

static inline claude_status_t go_transport_write(const void *bytes, size_t len, void *user_data)
{
    return (claude_status_t)goTransportWrite((void *)bytes, len, (uintptr_t)user_data);
}

static inline claude_status_t go_transport_end_input(void *user_data)
{
    return (claude_status_t)goTransportEndInput((uintptr_t)user_data);
}

static inline claude_status_t go_transport_close(void *user_data)
{
    return (claude_status_t)goTransportClose((uintptr_t)user_data);
}

static inline claude_status_t go_transport_is_ready(void *user_data)
{
    return (claude_status_t)goTransportIsReady((uintptr_t)user_data);
}

static inline void go_transport_on_room(void *user_data)
{
    goTransportOnRoom((uintptr_t)user_data);
}

static inline claude_status_t go_set_transport(claude_client_t *client, uintptr_t number, claude_error_t **error)
{
    claude_transport_vtable_t table = {.size = sizeof table};
    table.connect = go_transport_connect;
    table.write = go_transport_write;
    table.end_input = go_transport_end_input;
    table.close = go_transport_close;
    table.is_ready = go_transport_is_ready;
    table.on_room = go_transport_on_room;
    table.destroy = go_forget;
    return claude_client_set_transport(client, &table, (void *)number, error);
}

/* The functions of a store. */
enum { GO_STORE_APPEND, GO_STORE_LOAD, GO_STORE_LIST, GO_STORE_SUMMARIES, GO_STORE_REMOVE, GO_STORE_LIST_SUBKEYS };

static inline void go_store_append(claude_store_call_t *call, const char *key_json, const char *entries_json, void *user_data)
{
    goStoreAsk(call, GO_STORE_APPEND, (char *)key_json, (char *)entries_json, (uintptr_t)user_data);
}

#define GO_STORE_FUNCTION(name, function)                                                                                          \
    static inline void name(claude_store_call_t *call, const char *key_json, void *user_data)                                      \
    {                                                                                                                              \
        goStoreAsk(call, function, (char *)key_json, NULL, (uintptr_t)user_data);                                                  \
    }
GO_STORE_FUNCTION(go_store_load, GO_STORE_LOAD)
GO_STORE_FUNCTION(go_store_list, GO_STORE_LIST)
GO_STORE_FUNCTION(go_store_summaries, GO_STORE_SUMMARIES)
GO_STORE_FUNCTION(go_store_remove, GO_STORE_REMOVE)
GO_STORE_FUNCTION(go_store_list_subkeys, GO_STORE_LIST_SUBKEYS)

static inline claude_status_t go_session_store(bool list, bool summaries, bool remove, bool subkeys, uintptr_t number,
                                               claude_session_store_t **store, claude_error_t **error)
{
    claude_session_store_vtable_t table = {.size = sizeof table};
    table.append = go_store_append;
    table.load = go_store_load;
    table.list = list ? go_store_list : NULL;
    table.summaries = summaries ? go_store_summaries : NULL;
    table.remove = remove ? go_store_remove : NULL;
    table.list_subkeys = subkeys ? go_store_list_subkeys : NULL;
    table.destroy = go_forget;
    return claude_session_store_create(&table, (void *)number, store, error);
}

static inline claude_status_t go_configure(size_t stack_size, const char *thread_name, uint32_t worker_threads, bool no_guardian,
                                           claude_error_t **error)
{
    claude_runtime_config_t config = {.size = sizeof config};
    config.stack_size = stack_size;
    config.thread_name = thread_name;
    config.worker_threads = worker_threads;
    config.no_guardian = no_guardian;
    return claude_runtime_configure(&config, error);
}

#endif
