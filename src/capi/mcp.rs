//! @defgroup tools Tools inside the host
//! MCP servers whose tools are functions of the host. The model sees a tool as `mcp__<server>__<tool>`. A call is
//! answered once: CLAUDE_ERR_STALE when it was answered or withdrawn before, CLAUDE_ERR_CLOSED when the session has
//! ended. See docs/tools.md.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::hook::route_to;
use super::support::{CALLS, CallObject, SERVERS, call, dead_handle, full_table, scope_of, with_client};
use super::types::{
    claude_client_t, claude_destroy_fn, claude_error_t, claude_mcp_server_t, claude_request_fn,
    claude_status_t, claude_tool_call_t, claude_tool_fn,
};
use crate::error::Result;
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::guard::guard_or;
use crate::ffi::param::{optional_text, out, required_out, required_text};
use crate::mcp::{Call, Owner, Server, ToolFunction};
use crate::place;
use crate::session::McpHandler;

/// Gives a call to the host. `None` when no handle is available: the call then fails.
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
        let Some(function) = self.function else { return };
        let begun = self.user_data.call("a tool's function", |pointer| {
            if let Some(handle) = hand_over_call(call.clone()) {
                // SAFETY: the host registered the function for this pointer and takes the handle over.
                unsafe { function.unwinding()(handle, pointer) }
            }
        });
        if begun.is_none() {
            call.refuse_removed();
        }
    }

    fn retire(&self) {
        self.user_data.retire();
    }

    fn token(&self) -> usize {
        self.user_data.pointer().expose_provenance()
    }
}

fn server(handle: *const claude_mcp_server_t) -> Result<Arc<Owner>> {
    SERVERS.get(handle).ok_or_else(|| dead_handle("MCP server"))
}

/// Creates a server.
/// @param name ASCII letters, digits, - and single _, at most 120: the CLI would rewrite any other name.
/// @param options_json `version`, `instructions`, `timeout_ms`, `tools` ({"name","permission_policy"}); NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_create(
    name: *const c_char,
    options_json: *const c_char,
    server: *mut *mut claude_mcp_server_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let server = required_out!(server)?;
        let name = required_text!(name)?;
        let options = optional_text!(options_json)?;
        let owner = Server::create(name, options.unwrap_or("{}"))?;
        let handle = SERVERS.insert(Arc::new(owner)).ok_or_else(|| full_table("MCP server"))?;
        server.put(handle);
        Ok(())
    })
}

/// Frees a server. Clients to which it was added keep it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_free(server: *mut claude_mcp_server_t) {
    guard_or((), || drop(SERVERS.remove(server)));
}

/// Adds a tool; connected CLIs are notified. THREAD and INLINE: the callback runs on a library thread of its own and may block.
/// @param tool_json As in MCP: `name`, `description`, `inputSchema`, `annotations`, `_meta`; and `max_concurrency` (1; 0 = any
///   number). Arguments that do not match the schema never reach the host.
/// @param callback NULL = the tool serves PULL clients only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_add_tool(
    server: *mut claude_mcp_server_t,
    tool_json: *const c_char,
    callback: claude_tool_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // Made first, so that its destroy-notify runs whatever happens next.
    let function = Arc::new(HostFunction {
        function: callback,
        user_data: UserData::new(user_data, destroy, place::Scope::NOBODY),
    });
    call(out!(error), || {
        let owner = self::server(server)?;
        owner.server().add_tool(required_text!(tool_json)?, function)
    })
}

/// Removes a tool; connected CLIs are notified. Open calls can still be answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_mcp_server_remove_tool(
    server: *mut claude_mcp_server_t,
    name: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let owner = self::server(server)?;
        owner.server().remove_tool(required_text!(name)?)
    })
}

/// Adds a server to a client, or to several. The CLI learns of it when connecting; later, by
/// claude_client_set_mcp_servers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_mcp_server(
    client: *mut claude_client_t,
    server: *mut claude_mcp_server_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| client.add_mcp_server(Owner::clone(&*self::server(server)?)))
}

/// Adds a server that speaks JSON-RPC itself: each message is a CLAUDE_REQUEST_MCP, one at a time, with `server_name` and
/// `message`. Answer with claude_request_respond and the response; a notification with {"jsonrpc":"2.0","result":{}}.
/// @param callback NULL = that of claude_client_on_request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_add_mcp_handler(
    client: *mut claude_client_t,
    name: *const c_char,
    callback: claude_request_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let user_data = UserData::new(user_data, destroy, scope_of(client));
    let token = user_data.pointer().expose_provenance();
    with_client(client, out!(error), |client| {
        let (handler, kept) = route_to(callback, user_data);
        let name = required_text!(name)?.to_owned();
        client.add_mcp_handler(McpHandler { name, handler, token, _kept: kept })
    })
}
