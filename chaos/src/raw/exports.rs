//! Every export, under its own name, counted. The test below holds the list against packaging/symbols.txt.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU64, Ordering};

use claude_client::capi;
use claude_client::capi::types::*;

use super::pass::{Bytes, Handle, Number, Owned, Pass, UserData};

pub type Client = Handle<claude_client_t>;
pub type Failure = Handle<claude_error_t>;
pub type Event = Handle<claude_event_t>;
pub type Request = Handle<claude_request_t>;
pub type Server = Handle<claude_mcp_server_t>;
pub type Call = Handle<claude_tool_call_t>;
pub type Sink = Handle<claude_sink_t>;
pub type Spare = Handle<claude_spare_t>;
pub type Store = Handle<claude_session_store_t>;
pub type StoreCall = Handle<claude_store_call_t>;
pub type Text<'a> = Option<&'a CStr>;
type Status = claude_status_t;
type Error<'a> = Option<&'a mut Failure>;
type Reply<'a> = Option<&'a mut Owned>;
type Length<'a> = Option<&'a mut usize>;

macro_rules! exports {
    ($($room:ident { $($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)* })*) => {
        /// The functions that the driver can call.
        pub const NAMES: &[&str] = &[$($(stringify!($name)),*),*];
        #[allow(non_camel_case_types)]
        enum Index { $($($name),*),* }
        $($(
            #[allow(unused_unsafe)]
            #[allow(clippy::too_many_arguments)] // The header's own.
            pub fn $name($($argument: $type),*) -> $result {
                let _call = crate::watch::enter(Index::$name as usize);
                CALLED[Index::$name as usize].fetch_add(1, Ordering::Relaxed);
                // SAFETY: the header's contract: texts end with a NUL, outputs are variables or NULL, tokens live on.
                unsafe { capi::$room::$name($($argument.pass()),*) }
            }
        )*)*
    };
}

static CALLED: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

/// How often each was called.
pub fn called() -> impl Iterator<Item = (&'static str, u64)> {
    NAMES.iter().zip(&CALLED).map(|(name, count)| (*name, count.load(Ordering::Relaxed)))
}

exports! {
    version {
        claude_version() -> *const c_char;
        claude_abi_version() -> u32;
        claude_build_info_json() -> *const c_char;
    }
    error {
        claude_status_name(status: Number<claude_status_t>) -> *const c_char;
        claude_error_status(error: Failure) -> Status;
        claude_error_message(error: Failure) -> *const c_char;
        claude_error_json(error: Failure) -> *const c_char;
        claude_error_free(error: Failure) -> ();
        claude_string_free(text: Owned) -> ();
    }
    json {
        claude_json_get(json: Text, pointer: Text, value: Reply, error: Error) -> Status;
        claude_json_count(json: Text, pointer: Text, count: Length, error: Error) -> Status;
        claude_json_key(json: Text, pointer: Text, index: usize, name: Reply, error: Error) -> Status;
        claude_json_quote(text: Text, json: Reply, error: Error) -> Status;
        claude_message_text(json: Text, text: Reply, error: Error) -> Status;
    }
    runtime {
        claude_runtime_configure(config: Option<&claude_runtime_config_t>, error: Error) -> Status;
        claude_runtime_on_log(level: Number<claude_log_level_t>, callback: claude_log_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_runtime_shutdown(timeout_ms: u32, error: Error) -> Status;
        claude_runtime_stats(json: Reply, error: Error) -> Status;
    }
    probe {
        claude_probe(options: Text, timeout_ms: u32, report: Reply, error: Error) -> Status;
    }
    client {
        claude_client_create(options: Text, client: Option<&mut Client>, error: Error) -> Status;
        claude_client_set_dispatch(client: Client, mode: Number<claude_dispatch_t>, error: Error) -> Status;
        claude_client_connect(client: Client, prompt: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_connect_wait(client: Client, prompt: Text, timeout_ms: u32, error: Error) -> Status;
        claude_client_disconnect(client: Client, done: claude_done_fn, user_data: UserData, error: Error) -> Status;
        claude_client_disconnect_wait(client: Client, timeout_ms: u32, error: Error) -> Status;
        claude_client_free(client: Client) -> ();
        claude_client_state(client: Client) -> claude_state_t;
        claude_client_pid(client: Client) -> u64;
        claude_client_stats(client: Client, json: Reply, error: Error) -> Status;
        claude_client_get_server_info(client: Client, json: Reply, error: Error) -> Status;
    }
    talk {
        claude_client_query(client: Client, prompt: Text, session_id: Text, uuid: Reply, error: Error) -> Status;
        claude_client_send_json(client: Client, message: Text, uuid: Reply, error: Error) -> Status;
        claude_client_query_stream(client: Client, session_id: Text, callback: claude_prompt_fn,
            user_data: UserData, destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_end_input(client: Client, error: Error) -> Status;
        claude_client_end_input_after_run(client: Client, error: Error) -> Status;
        claude_query_once(prompt: Text, options: Text, on_message: claude_message_fn,
            on_request: claude_request_fn, user_data: UserData, timeout_ms: u32, result: Reply,
            error: Error) -> Status;
    }
    receive {
        claude_client_on_message(client: Client, callback: claude_message_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_on_request(client: Client, callback: claude_request_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_on_permission(client: Client, callback: claude_request_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_on_stderr(client: Client, callback: claude_text_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_on_closed(client: Client, callback: claude_closed_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_on_ready(client: Client, callback: claude_notify_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_ready_handle(client: Client, lanes: Number<claude_lanes_t>, handle: Option<&mut isize>,
            error: Error) -> Status;
        claude_client_wake(client: Client, error: Error) -> Status;
        claude_client_pump(client: Client, max_events: u32, budget_us: u32, timeout_ms: u32,
            ran: Option<&mut u32>, error: Error) -> Status;
        claude_client_next(client: Client, lanes: Number<claude_lanes_t>, timeout_ms: u32,
            event: Option<&mut Event>, error: Error) -> Status;
        claude_client_receive_response(client: Client, uuid: Text, timeout_ms: u32, error: Error) -> Status;
        claude_client_pending(client: Client, lanes: Number<claude_lanes_t>, events: Length, bytes: Length,
            error: Error) -> Status;
    }
    event {
        claude_event_info(event: Event, info: Option<&mut claude_event_info_t>, error: Error) -> Status;
        claude_event_take_request(event: Event, request: Option<&mut Request>, error: Error) -> Status;
        claude_event_take_tool_call(event: Event, call: Option<&mut Call>, error: Error) -> Status;
        claude_event_free(event: Event) -> ();
    }
    control {
        claude_client_interrupt(client: Client, done: claude_done_fn, user_data: UserData, error: Error) -> Status;
        claude_client_interrupt_wait(client: Client, timeout_ms: u32, reply: Reply, error: Error) -> Status;
        claude_client_interrupt_with(client: Client, cancel_queued: bool, deadline_ms: u32,
            escalation: Number<claude_escalation_t>, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_interrupt_with_wait(client: Client, cancel_queued: bool, deadline_ms: u32,
            escalation: Number<claude_escalation_t>, timeout_ms: u32, reply: Reply, error: Error) -> Status;
        claude_client_set_permission_mode(client: Client, mode: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_set_permission_mode_wait(client: Client, mode: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_set_model(client: Client, model: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_set_model_wait(client: Client, model: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_rewind_files(client: Client, uuid: Text, dry_run: bool, done: claude_done_fn,
            user_data: UserData, error: Error) -> Status;
        claude_client_rewind_files_wait(client: Client, uuid: Text, dry_run: bool, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_get_mcp_status(client: Client, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_get_mcp_status_wait(client: Client, timeout_ms: u32, reply: Reply, error: Error) -> Status;
        claude_client_reconnect_mcp_server(client: Client, name: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_reconnect_mcp_server_wait(client: Client, name: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_toggle_mcp_server(client: Client, name: Text, enabled: bool, done: claude_done_fn,
            user_data: UserData, error: Error) -> Status;
        claude_client_toggle_mcp_server_wait(client: Client, name: Text, enabled: bool, timeout_ms: u32,
            reply: Reply, error: Error) -> Status;
        claude_client_set_mcp_servers(client: Client, servers: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_set_mcp_servers_wait(client: Client, servers: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_stop_task(client: Client, task: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_stop_task_wait(client: Client, task: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_get_context_usage(client: Client, detail: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_get_context_usage_wait(client: Client, detail: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_cancel_prompt(client: Client, uuid: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_cancel_prompt_wait(client: Client, uuid: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
        claude_client_reinitialize(client: Client, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_reinitialize_wait(client: Client, timeout_ms: u32, reply: Reply, error: Error) -> Status;
        claude_client_control(client: Client, request: Text, done: claude_done_fn, user_data: UserData,
            error: Error) -> Status;
        claude_client_control_wait(client: Client, request: Text, timeout_ms: u32, reply: Reply,
            error: Error) -> Status;
    }
    request {
        claude_request_id(request: Request) -> u64;
        claude_request_kind(request: Request) -> claude_request_kind_t;
        claude_request_json(request: Request, len: Length) -> *const c_char;
        claude_request_state(request: Request) -> claude_request_state_t;
        claude_request_is_cancelled(request: Request) -> bool;
        claude_request_on_cancel(request: Request, callback: claude_cancel_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_request_respond(request: Request, response: Text, error: Error) -> Status;
        claude_request_fail(request: Request, message: Text, error: Error) -> Status;
        claude_request_allow(request: Request, input: Text, permissions: Text, error: Error) -> Status;
        claude_request_deny(request: Request, message: Text, interrupt: bool, error: Error) -> Status;
        claude_request_answer_questions(request: Request, answers: Text, error: Error) -> Status;
        claude_request_set_deadline(request: Request, deadline_ms: u32, action: Text, error: Error) -> Status;
        claude_request_user_data(request: Request) -> *mut std::ffi::c_void;
        claude_request_free(request: Request) -> ();
        claude_client_pending_requests(client: Client, requests: Reply, error: Error) -> Status;
        claude_client_take_request(client: Client, id: u64, request: Option<&mut Request>, error: Error) -> Status;
    }
    hook {
        claude_client_add_hook(client: Client, event: Text, matcher: Text, deadline_ms: u32,
            on_failure: Number<claude_hook_failure_t>, callback: claude_request_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_client_declare_dialog(client: Client, kind: Text, error: Error) -> Status;
    }
    mcp {
        claude_mcp_server_create(name: Text, options: Text, server: Option<&mut Server>, error: Error) -> Status;
        claude_mcp_server_free(server: Server) -> ();
        claude_mcp_server_add_tool(server: Server, tool: Text, callback: claude_tool_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_mcp_server_remove_tool(server: Server, name: Text, error: Error) -> Status;
        claude_client_add_mcp_server(client: Client, server: Server, error: Error) -> Status;
        claude_client_add_mcp_handler(client: Client, name: Text, callback: claude_request_fn,
            user_data: UserData, destroy: claude_destroy_fn, error: Error) -> Status;
    }
    tool_call {
        claude_tool_call_arguments(call: Call, len: Length) -> *const c_char;
        claude_tool_call_name(call: Call, len: Length) -> *const c_char;
        claude_tool_call_json(call: Call, len: Length) -> *const c_char;
        claude_tool_call_id(call: Call) -> u64;
        claude_tool_call_is_cancelled(call: Call) -> bool;
        claude_tool_call_on_cancel(call: Call, callback: claude_cancel_fn, user_data: UserData,
            destroy: claude_destroy_fn, error: Error) -> Status;
        claude_tool_call_progress(call: Call, progress: f64, total: f64, message: Text, error: Error) -> Status;
        claude_tool_call_add_text(call: Call, text: Text, error: Error) -> Status;
        claude_tool_call_add_image(call: Call, bytes: Bytes, len: usize, mime: Text, error: Error) -> Status;
        claude_tool_call_add_block(call: Call, block: Text, error: Error) -> Status;
        claude_tool_call_set_structured(call: Call, object: Text, error: Error) -> Status;
        claude_tool_call_set_meta(call: Call, object: Text, error: Error) -> Status;
        claude_tool_call_finish(call: Call, text: Text, error: Error) -> Status;
        claude_tool_call_fail(call: Call, message: Text, error: Error) -> Status;
        claude_tool_call_free(call: Call) -> ();
    }
    transport {
        claude_client_set_transport(client: Client, vtable: Option<&claude_transport_vtable_t>,
            user_data: UserData, error: Error) -> Status;
        claude_sink_push(sink: Sink, bytes: Bytes, len: usize, error: Error) -> Status;
        claude_sink_has_room(sink: Sink) -> bool;
        claude_sink_end(sink: Sink, status: Number<claude_status_t>, exit_code: i32, message: Text,
            error: Error) -> Status;
    }
    sessions {
        claude_sessions_list(options: Text, sessions: Reply, error: Error) -> Status;
        claude_session_info(id: Text, options: Text, info: Reply, error: Error) -> Status;
        claude_session_messages(id: Text, options: Text, callback: claude_message_fn, user_data: UserData,
            error: Error) -> Status;
        claude_session_subagents(id: Text, options: Text, subagents: Reply, error: Error) -> Status;
        claude_session_subagent_messages(id: Text, agent: Text, options: Text, callback: claude_message_fn,
            user_data: UserData, error: Error) -> Status;
        claude_session_rename(id: Text, title: Text, options: Text, error: Error) -> Status;
        claude_session_tag(id: Text, tag: Text, options: Text, error: Error) -> Status;
        claude_session_archive(id: Text, archived: bool, options: Text, error: Error) -> Status;
        claude_session_delete(id: Text, options: Text, error: Error) -> Status;
        claude_session_fork(id: Text, options: Text, fork: Reply, error: Error) -> Status;
        claude_session_project_key(directory: Text, key: Reply, error: Error) -> Status;
    }
    spare {
        claude_spare_create(client: Client, done: claude_done_fn, user_data: UserData, spare: Option<&mut Spare>,
            error: Error) -> Status;
        claude_spare_claim(spare: Spare, claim: Text, prompt: Text, done: claude_done_fn, user_data: UserData,
            client: Option<&mut Client>, error: Error) -> Status;
        claude_spare_claim_wait(spare: Spare, claim: Text, prompt: Text, timeout_ms: u32,
            client: Option<&mut Client>, error: Error) -> Status;
        claude_spare_free(spare: Spare) -> ();
    }
    session_store {
        claude_session_store_create(vtable: Option<&claude_session_store_vtable_t>, user_data: UserData,
            store: Option<&mut Store>, error: Error) -> Status;
        claude_session_store_create_memory(store: Option<&mut Store>, error: Error) -> Status;
        claude_session_store_free(store: Store) -> ();
        claude_client_set_session_store(client: Client, store: Store, error: Error) -> Status;
        claude_session_store_list(store: Store, options: Text, timeout_ms: u32, sessions: Reply, error: Error) -> Status;
        claude_session_store_import(store: Store, id: Text, options: Text, timeout_ms: u32, result: Reply,
            error: Error) -> Status;
        claude_session_store_check(store: Store, timeout_ms: u32, report: Reply, error: Error) -> Status;
        claude_session_summary_fold(previous: Text, key: Text, entries: Text, summary: Reply, error: Error) -> Status;
        claude_store_call_respond(call: StoreCall, json: Text, error: Error) -> Status;
        claude_store_call_fail(call: StoreCall, status: Number<claude_status_t>, message: Text, error: Error) -> Status;
        claude_store_call_free(call: StoreCall) -> ();
    }
}
