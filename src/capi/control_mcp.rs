//! Control of MCP servers.

use std::ffi::{c_char, c_void};

use serde_json::json;

use super::control::{ask, ask_wait, json_object};
use super::support::with_client;
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_status_t};
use crate::ffi::text::{self, STRLEN};

/// The MCP servers and how they are.
///
/// @param client The client, connected.
/// @param done Told of the CLI's reply, such as {"mcpServers":[{"name":"…","status":"connected"}]}; may be NULL. In PULL
///   mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| ask(client, json!({"subtype": "mcp_status"}), done, user_data))
    }
}

/// As `claude_client_get_mcp_status`, waiting for the reply.
///
/// @param client The client, connected.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"mcpServers":[{"name":"…","status":"connected"}]}; free it with
///   `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_get_mcp_status_wait(
    client: *mut claude_client_t,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            ask_wait(client, json!({"subtype": "mcp_status"}), timeout_ms, reply_json)
        })
    }
}

/// Connects an MCP server again.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reconnect_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            ask(client, json!({"subtype": "mcp_reconnect", "serverName": server_name}), done, user_data)
        })
    }
}

/// As `claude_client_reconnect_mcp_server`, waiting for the reply.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_reconnect_mcp_server_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            ask_wait(
                client,
                json!({"subtype": "mcp_reconnect", "serverName": server_name}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Switches an MCP server on or off.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param enabled Whether it shall be on.
/// @param done Told of the CLI's reply, an empty object; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_toggle_mcp_server(
    client: *mut claude_client_t,
    server_name: *const c_char,
    enabled: bool,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            ask(
                client,
                json!({"subtype": "mcp_toggle", "serverName": server_name, "enabled": enabled}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_toggle_mcp_server`, waiting for the reply.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param enabled Whether it shall be on.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, an empty object; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_toggle_mcp_server_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    enabled: bool,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            ask_wait(
                client,
                json!({"subtype": "mcp_toggle", "serverName": server_name, "enabled": enabled}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Replaces the MCP servers that were added while the session runs. The client's in-process servers stay, and those that
/// were added after connecting become known.
///
/// @param client The client, connected.
/// @param servers_json A JSON object of name and configuration; null for an in-process server that is to go. Copied.
/// @param done Told of the CLI's reply, such as {"added":[],"removed":[],"errors":{}}; may be NULL. In PULL mode NULL: a
///   `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_servers(
    client: *mut claude_client_t,
    servers_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let servers = json_object(text::required(servers_json, STRLEN, "servers_json")?, "servers_json")?;
            let servers = client.all_servers(servers)?;
            ask(client, json!({"subtype": "mcp_set_servers", "servers": servers}), done, user_data)
        })
    }
}

/// As `claude_client_set_mcp_servers`, waiting for the reply.
///
/// @param client The client, connected.
/// @param servers_json A JSON object of name and configuration. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"added":[],"removed":[],"errors":{}}; free it with
///   `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_servers_wait(
    client: *mut claude_client_t,
    servers_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let servers = json_object(text::required(servers_json, STRLEN, "servers_json")?, "servers_json")?;
            let servers = client.all_servers(servers)?;
            ask_wait(
                client,
                json!({"subtype": "mcp_set_servers", "servers": servers}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Calls a tool of an MCP server without the model. Not for in-process servers.
///
/// @param client The client, connected.
/// @param tool The tool's full name, such as "mcp__files__read".
/// @param arguments_json A JSON object; NULL = none. Copied.
/// @param done Told of the CLI's reply, the tool's result; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes
///   instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_call_mcp_tool(
    client: *mut claude_client_t,
    tool: *const c_char,
    arguments_json: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let tool = text::required(tool, STRLEN, "tool")?;
            let arguments_json = match text::optional(arguments_json, STRLEN, "arguments_json")? {
                Some(text) => json_object(text, "arguments_json")?,
                None => json!({}),
            };
            ask(
                client,
                json!({"subtype": "mcp_call", "tool": tool, "arguments": arguments_json}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_call_mcp_tool`, waiting for the reply.
///
/// @param client The client, connected.
/// @param tool The tool's full name, such as "mcp__files__read".
/// @param arguments_json A JSON object; NULL = none. Copied.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, the tool's result; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_call_mcp_tool_wait(
    client: *mut claude_client_t,
    tool: *const c_char,
    arguments_json: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let tool = text::required(tool, STRLEN, "tool")?;
            let arguments_json = match text::optional(arguments_json, STRLEN, "arguments_json")? {
                Some(text) => json_object(text, "arguments_json")?,
                None => json!({}),
            };
            ask_wait(
                client,
                json!({"subtype": "mcp_call", "tool": tool, "arguments": arguments_json}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Reads a user-interface resource of an MCP server.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param uri The resource, such as ui://…
/// @param done Told of the CLI's reply, such as {"contents":[…]}; may be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE`
///   comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_read_mcp_resource(
    client: *mut claude_client_t,
    server_name: *const c_char,
    uri: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            let uri = text::required(uri, STRLEN, "uri")?;
            ask(
                client,
                json!({"subtype": "mcp_read_resource", "serverName": server_name, "uri": uri}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_read_mcp_resource`, waiting for the reply.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param uri The resource, such as ui://…
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, such as {"contents":[…]}; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_read_mcp_resource_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    uri: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            let uri = text::required(uri, STRLEN, "uri")?;
            ask_wait(
                client,
                json!({"subtype": "mcp_read_resource", "serverName": server_name, "uri": uri}),
                timeout_ms,
                reply_json,
            )
        })
    }
}

/// Chooses a permission mode for the tools of one MCP server.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param mode "default" or "auto"; NULL = none.
/// @param done Told of the CLI's reply, an object that is empty but for a `warning` about a server that is not known yet; may
///   be NULL. In PULL mode NULL: a `CLAUDE_EVENT_DONE` comes instead.
/// @param user_data Passed to `done`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_permission_mode_override(
    client: *mut claude_client_t,
    server_name: *const c_char,
    mode: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            let mode = text::optional(mode, STRLEN, "mode")?;
            ask(
                client,
                json!({"subtype": "set_mcp_permission_mode_override", "serverName": server_name, "mode": mode}),
                done,
                user_data,
            )
        })
    }
}

/// As `claude_client_set_mcp_permission_mode_override`, waiting for the reply.
///
/// @param client The client, connected.
/// @param server_name The server's name.
/// @param mode "default" or "auto"; NULL = none.
/// @param timeout_ms How long to wait, in milliseconds.
/// @param reply_json Receives the reply, as above; free it with `claude_string_free`. May be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_client_interrupt_wait`.
/// @thread Any thread of the host.
/// @callback Refused.
/// @since 0.1.0
/// @see docs/threading.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_mcp_permission_mode_override_wait(
    client: *mut claude_client_t,
    server_name: *const c_char,
    mode: *const c_char,
    timeout_ms: u32,
    reply_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            let server_name = text::required(server_name, STRLEN, "server_name")?;
            let mode = text::optional(mode, STRLEN, "mode")?;
            ask_wait(
                client,
                json!({"subtype": "set_mcp_permission_mode_override", "serverName": server_name, "mode": mode}),
                timeout_ms,
                reply_json,
            )
        })
    }
}
