//! Tools of the host: MCP servers that live inside it.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::request::hand_over;
use super::support::{CALLS, CallObject, SERVERS, call, dead_handle, full_table, registered, with_client};
use super::types::{
    claude_client_t, claude_destroy_fn, claude_error_t, claude_mcp_server_t, claude_request_fn,
    claude_status_t, claude_tool_call_t, claude_tool_fn,
};
use crate::dispatch::RequestHandler;
use crate::error::Result;
use crate::ffi::callback::UserData;
use crate::ffi::guard::guard_or;
use crate::ffi::text::{self, STRLEN};
use crate::mcp::{Call, Owner, Server, ToolFunction};

/// Gives a call to the host. `None` when no handle can be had: the call fails then.
pub fn hand_over_call(call: Arc<Call>) -> Option<*mut claude_tool_call_t> {
    CALLS.insert(Arc::new(CallObject(call)))
}

struct HostFunction {
    function: claude_tool_fn,
    user_data: UserData,
}

impl ToolFunction for HostFunction {
    fn is_callable(&self) -> bool {
        self.function.is_some()
    }

    fn call(&self, call: Arc<Call>) {
        if let (Some(function), Some(handle)) = (self.function, hand_over_call(call)) {
            // SAFETY: the host registered the function for this pointer and takes the handle over.
            unsafe { function(handle, self.user_data.pointer()) }
        }
    }

    fn token(&self) -> usize {
        self.user_data.pointer().expose_provenance()
    }
}

fn server(handle: *const claude_mcp_server_t) -> Result<Arc<Owner>> {
    SERVERS.get(handle).ok_or_else(|| dead_handle("MCP server"))
}

/// Creates a server for tools of the host. The model sees a tool as `mcp__<server>__<tool>`.
///
/// @param name The server's name: letters, digits, - and single _ of ASCII, at most 120. The CLI would rewrite any other,
///   which is refused. Copied.
/// @param options_json NULL, or a JSON object: `version`, `instructions` (for the model), `timeout_ms` (how long the CLI waits
///   for a call, from 1000; a day unless given), `tools` (a list of {"name","permission_policy"}). Copied.
/// @param server Receives the server; free it with `claude_mcp_server_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a name or an option that cannot be used.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_create(
    name: *const c_char,
    options_json: *const c_char,
    server: *mut *mut claude_mcp_server_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_mcp_server_create_n(name, STRLEN, options_json, STRLEN, server, error) }
}

/// As `claude_mcp_server_create`, with the lengths of the texts.
///
/// @param name The server's name. Copied.
/// @param name_len Its length in bytes.
/// @param options_json NULL, or a JSON object. Copied.
/// @param options_len Its length in bytes.
/// @param server Receives the server; free it with `claude_mcp_server_free`.
/// @param error Receives the error; may be NULL.
/// @return As `claude_mcp_server_create`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_create_n(
    name: *const c_char,
    name_len: usize,
    options_json: *const c_char,
    options_len: usize,
    server: *mut *mut claude_mcp_server_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            text::require_out(server, "server")?;
            let name = text::required(name, name_len, "name")?;
            let options = text::optional(options_json, options_len, "options_json")?;
            let owner = Server::create(name, options.unwrap_or("{}"))?;
            let handle = SERVERS.insert(Arc::new(owner)).ok_or_else(|| full_table("MCP server"))?;
            text::put(server, handle);
            Ok(())
        })
    }
}

/// Frees the host's handle of a server. Clients that it was added to keep it until they are freed; with the last of them
/// its tools go, and their destroy-notify runs.
///
/// @param server The server; NULL and a server that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_free(server: *mut claude_mcp_server_t) {
    guard_or((), || drop(SERVERS.remove(server)));
}

/// Adds a tool. CLIs that are connected hear of it (`tools/list_changed`).
///
/// @param server The server.
/// @param tool_json The tool as MCP describes it: `name`, `description`, `inputSchema` (a JSON schema of the type object;
///   arguments that do not fit it never reach the function), `annotations`, `_meta` and others, all passed on untouched;
///   and `max_concurrency`: how many calls may be open at once (1 unless given, 0 = any number), those beyond it wait.
///   Copied.
/// @param function Called when the model uses the tool; it owns the call. NULL where the tool serves clients in PULL mode only:
///   there each call is a `CLAUDE_EVENT_TOOL_CALL`, whether there is a function or not.
/// @param user_data Passed to the function.
/// @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` for a description or a schema that cannot be used, or a name in use;
///   `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The function runs in THREAD and INLINE mode on a library thread of its own, so that it may block; in PUMP mode
///   inside `claude_client_dispatch`.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_add_tool(
    server: *mut claude_mcp_server_t,
    tool_json: *const c_char,
    function: claude_tool_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_mcp_server_add_tool_n(server, tool_json, STRLEN, function, user_data, destroy, error) }
}

/// As `claude_mcp_server_add_tool`, with the length of the description.
///
/// @param server The server.
/// @param tool_json The tool as MCP describes it. Copied.
/// @param len Its length in bytes.
/// @param function Called when the model uses the tool; it owns the call.
/// @param user_data Passed to the function.
/// @param destroy Runs once after the last call of the function, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return As `claude_mcp_server_add_tool`.
/// @thread Any. The function runs as with `claude_mcp_server_add_tool`.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_add_tool_n(
    server: *mut claude_mcp_server_t,
    tool_json: *const c_char,
    len: usize,
    function: claude_tool_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // Made first, so that its destroy-notify runs whatever happens next.
    let function = Arc::new(HostFunction { function, user_data: UserData::new(user_data, destroy) });
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let owner = self::server(server)?;
            owner.server().add_tool(text::required(tool_json, len, "tool_json")?, function)
        })
    }
}

/// Removes a tool. CLIs that are connected hear of it (`tools/list_changed`). Calls that are open can still be answered; the
/// tool's destroy-notify runs when its function is not running any more.
///
/// @param server The server.
/// @param name The tool's name. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when there is no such tool; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_remove_tool(
    server: *mut claude_mcp_server_t,
    name: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let owner = self::server(server)?;
            owner.server().remove_tool(text::required(name, STRLEN, "name")?)
        })
    }
}

/// Adds a server to a client. The client keeps it until it is freed; a server may belong to several clients. The CLI learns of
/// it when connecting; of one that is added later, by the next `claude_client_set_mcp_servers`. Whether the model may use the
/// tools is decided like for other tools: option `allowed_tools`, permission requests.
///
/// @param client The client.
/// @param server The server.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when the client has an in-process server of that name;
///   `CLAUDE_ERR_CLOSED` when the session has ended; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_mcp_server(
    client: *mut claude_client_t,
    server: *mut claude_mcp_server_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| client.add_mcp_server(Owner::clone(&*self::server(server)?)))
    }
}

/// Adds an MCP server that the host implements itself: each message of the CLI for it is a request of the kind
/// `CLAUDE_REQUEST_MCP` with `server_name` and `message` (JSON-RPC). Answer it by `claude_request_respond` with the JSON-RPC
/// response; a notification is answered with {"jsonrpc":"2.0","result":{}}. When the CLI learns of the server: as with
/// `claude_client_add_mcp_server`.
///
/// @param client The client.
/// @param name The server's name. Copied.
/// @param callback Gets the requests, one at a time and in order, and owns them. NULL in PULL mode: they are events of the kind
///   `CLAUDE_EVENT_REQUEST`.
/// @param user_data Passed to the callback.
/// @param destroy Runs once after the last call of the callback, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_ARGUMENT` when the name cannot be used or is in use; `CLAUDE_ERR_CLOSED` when the
///   session has ended; `CLAUDE_ERR_INVALID_HANDLE`.
/// @thread Any. The callback runs like that of `claude_client_on_request`.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_mcp_handler(
    client: *mut claude_client_t,
    name: *const c_char,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let handler = registered(callback, user_data, destroy, |callback, user_data| -> RequestHandler {
        Arc::new(move |request| {
            if let Some(handle) = hand_over(request) {
                // SAFETY: the host registered the function for this pointer and takes the handle over.
                unsafe { callback(handle, user_data.pointer()) }
            }
        })
    });
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        with_client(client, error, |client| {
            client.add_mcp_handler(text::required(name, STRLEN, "name")?, handler)
        })
    }
}
