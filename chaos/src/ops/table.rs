//! Every function and how often it is called, among a sum of about two thousand.

use claude_client::capi::types::claude_event_info_t;

use super::Actor;
use crate::raw::*;
use crate::token::Kind;
use crate::world::{self, CALLS, ERRORS, EVENTS, REQUESTS, SERVERS, STORE_CALLS, STORES};

type Operation = fn(&mut Actor);

/// What only looks at an object answers something, whatever it is.
fn ignore<T>(_: T) {}

/// Weight, name, and what calls it.
pub const OPS: &[(usize, &str, Operation)] = &[
    (2, "claude_version", |_| ignore(borrowed(claude_version()))),
    (2, "claude_abi_version", |_| ignore(claude_abi_version())),
    (2, "claude_build_info_json", |_| ignore(borrowed(claude_build_info_json()))),
    (2, "claude_status_name", |a| ignore(borrowed(claude_status_name(number(-(a.rng.below(1000) as i32)))))),
    (4, "claude_error_status", |a| {
        ignore(claude_error_status(Failure::from_number(ERRORS.look(&mut a.rng))))
    }),
    (4, "claude_error_message", |a| {
        ignore(claude_error_message(Failure::from_number(ERRORS.look(&mut a.rng))))
    }),
    (4, "claude_error_json", |a| ignore(claude_error_json(Failure::from_number(ERRORS.look(&mut a.rng))))),
    (4, "claude_error_free", |a| world::free_error(ERRORS.take(&mut a.rng))),
    (2, "claude_string_free", |_| claude_string_free(Owned::foreign(c"not yours"))),
    (4, "claude_json_get", |a| {
        let (json, pointer) =
            (a.answer_text(), a.rng.pick(&[c"", c"/behavior", c"/content/name", c"no", c"/~2"]));
        a.text(|text, error| claude_json_get(Some(json), Some(pointer), text, error));
    }),
    (2, "claude_json_count", |a| {
        let json = a.answer_text();
        a.call(|error| claude_json_count(Some(json), Some(c""), Some(&mut 0), error));
    }),
    (2, "claude_json_key", |a| {
        let (json, index) = (a.answer_text(), a.rng.below(3));
        a.text(|text, error| claude_json_key(Some(json), Some(c""), index, text, error));
    }),
    (2, "claude_json_quote", |a| {
        let prompt = a.prompt();
        a.text(|text, error| claude_json_quote(Some(prompt), text, error));
    }),
    (2, "claude_message_text", |a| {
        let json = a.answer_text();
        a.text(|text, error| claude_message_text(Some(json), text, error));
    }),
    (6, "claude_runtime_configure", Actor::configure),
    (4, "claude_runtime_on_log", Actor::log),
    (4, "claude_runtime_shutdown", Actor::shutdown),
    (4, "claude_runtime_stats", |a| a.text(claude_runtime_stats)),
    (2, "claude_probe", Actor::probe),
    (2, "claude_sessions_list", Actor::sessions_list),
    (2, "claude_session_info", Actor::session_info),
    (2, "claude_session_messages", Actor::session_messages),
    (2, "claude_session_subagents", Actor::session_subagents),
    (2, "claude_session_subagent_messages", Actor::session_subagent_messages),
    (2, "claude_session_rename", Actor::session_rename),
    (2, "claude_session_tag", Actor::session_tag),
    (2, "claude_session_archive", Actor::session_archive),
    (2, "claude_session_delete", Actor::session_delete),
    (2, "claude_session_fork", Actor::session_fork),
    (2, "claude_session_project_key", Actor::session_project_key),
    (3, "claude_session_store_create", Actor::create_store),
    (2, "claude_session_store_create_memory", Actor::create_memory_store),
    (3, "claude_session_store_free", |a| world::free_store(STORES.take(&mut a.rng))),
    (3, "claude_client_set_session_store", Actor::set_store),
    (2, "claude_session_store_list", Actor::list_store),
    (2, "claude_session_store_import", Actor::import_into_store),
    (2, "claude_session_store_check", Actor::check_store),
    (2, "claude_session_summary_fold", Actor::fold),
    (6, "claude_store_call_respond", Actor::respond_to_store),
    (3, "claude_store_call_fail", Actor::refuse_store),
    (3, "claude_store_call_free", |a| world::free_store_call(STORE_CALLS.take(&mut a.rng))),
    (60, "claude_client_create", Actor::create),
    (6, "claude_client_set_dispatch", |a| {
        let ((client, _), mode) = (a.client(), a.rng.below(6) as i32);
        // A client that is seen here has been connected or has registrations: its mode stays.
        if mode > 3 || client.is_null() {
            a.call(|error| claude_client_set_dispatch(client, number(mode), error));
        }
    }),
    (10, "claude_client_connect", Actor::connect),
    (10, "claude_client_connect_wait", Actor::connect),
    (10, "claude_client_disconnect", |a| a.operation(claude_client_disconnect)),
    (6, "claude_client_disconnect_wait", |a| {
        let ((client, _), timeout) = (a.client(), a.timeout());
        a.call(|error| claude_client_disconnect_wait(client, timeout, error));
    }),
    (40, "claude_client_free", Actor::free),
    (6, "claude_spare_create", Actor::create_spare),
    (10, "claude_spare_claim", Actor::claim_spare),
    (6, "claude_spare_claim_wait", Actor::claim_spare_and_wait),
    (6, "claude_spare_free", Actor::free_spare),
    (6, "claude_client_state", |a| ignore(claude_client_state(a.client().0))),
    (6, "claude_client_pid", |a| ignore(claude_client_pid(a.client().0))),
    (6, "claude_client_stats", |a| {
        let (client, _) = a.client();
        a.text(|text, error| claude_client_stats(client, text, error));
    }),
    (6, "claude_client_get_server_info", |a| {
        let (client, _) = a.client();
        a.text(|text, error| claude_client_get_server_info(client, text, error));
    }),
    (80, "claude_client_query", |a| {
        let ((client, _), prompt) = (a.client(), a.prompt());
        let session = a.rng.pick(&[None, None, Some(c"other"), Some(c"")]);
        a.text(|uuid, error| claude_client_query(client, Some(prompt), session, uuid, error));
    }),
    (10, "claude_client_send_json", |a| {
        let (client, _) = a.client();
        let message = a.rng.pick(&[
            c"{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}",
            c"{\"type\":\"user\",\"message\":{\"role\":\"assistant\",\"content\":\"\"}}",
            c"[]",
        ]);
        a.text(|uuid, error| claude_client_send_json(client, Some(message), uuid, error));
    }),
    (6, "claude_client_query_stream", Actor::prompts),
    (4, "claude_client_end_input", |a| {
        let (client, _) = a.client();
        a.call(|error| claude_client_end_input(client, error));
    }),
    (4, "claude_client_end_input_after_run", |a| {
        let (client, _) = a.client();
        a.call(|error| claude_client_end_input_after_run(client, error));
    }),
    (2, "claude_query_once", Actor::once),
    (20, "claude_client_on_message", |a| a.register(Kind::Message)),
    (15, "claude_client_on_request", |a| a.register(Kind::Request)),
    (15, "claude_client_on_permission", |a| a.register(Kind::Request)),
    (10, "claude_client_on_stderr", |a| a.register(Kind::Stderr)),
    (10, "claude_client_on_closed", |a| a.register(Kind::Closed)),
    (10, "claude_client_on_ready", |a| a.register(Kind::Ready)),
    (8, "claude_client_ready_handle", |a| {
        let ((client, _), lanes) = (a.client(), a.rng.pick(&[0x7FFF_FFFF, 1, 2, 3, 0]));
        a.call(|error| claude_client_ready_handle(client, number(lanes), Some(&mut 0), error));
    }),
    (10, "claude_client_wake", |a| {
        let (client, _) = a.client();
        a.call(|error| claude_client_wake(client, error));
    }),
    (250, "claude_client_pump", Actor::pump),
    (250, "claude_client_next", Actor::next_event),
    (40, "claude_client_receive_response", |a| {
        let ((client, record), timeout) = (a.client_to_wait_for(), a.timeout());
        let uuid = a.rng.pick(&[None, None, Some(c"00000000-0000-4000-8000-000000000001"), Some(c"")]);
        if record.is_some() {
            a.call(|error| claude_client_receive_response(client, uuid, timeout, error));
        }
    }),
    (10, "claude_client_pending", |a| {
        let ((client, _), lanes) = (a.client(), a.rng.pick(&[0x7FFF_FFFF, 1, 2, 0]));
        let (mut events, mut bytes) = (0, 0);
        a.call(|error| {
            claude_client_pending(client, number(lanes), Some(&mut events), Some(&mut bytes), error)
        });
    }),
    (10, "claude_event_info", |a| {
        let event = a.event();
        let mut info: claude_event_info_t = empty_info();
        a.call(|error| claude_event_info(event, Some(&mut info), error));
    }),
    (10, "claude_event_take_request", Actor::take_request_of_event),
    (10, "claude_event_take_tool_call", Actor::take_call_of_event),
    (10, "claude_event_free", |a| world::free_event(EVENTS.take(&mut a.rng))),
    (15, "claude_client_interrupt", |a| a.operation(claude_client_interrupt)),
    (4, "claude_client_interrupt_wait", |a| a.waiting(claude_client_interrupt_wait)),
    (6, "claude_client_interrupt_with", |a| {
        let (queued, deadline, how) = (a.rng.one_in(2), a.rng.below(200) as u32, a.escalation());
        a.operation(|client, done, data, error| {
            claude_client_interrupt_with(client, queued, deadline, number(how), done, data, error)
        });
    }),
    (3, "claude_client_interrupt_with_wait", |a| {
        let (queued, deadline, how) = (a.rng.one_in(2), a.rng.below(200) as u32, a.escalation());
        a.waiting(|client, timeout, reply, error| {
            claude_client_interrupt_with_wait(client, queued, deadline, number(how), timeout, reply, error)
        });
    }),
    (6, "claude_client_set_permission_mode", |a| {
        let mode = a.mode_name();
        a.operation(|client, done, data, error| {
            claude_client_set_permission_mode(client, Some(mode), done, data, error)
        });
    }),
    (3, "claude_client_set_permission_mode_wait", |a| {
        let mode = a.mode_name();
        a.waiting(|client, timeout, reply, error| {
            claude_client_set_permission_mode_wait(client, Some(mode), timeout, reply, error)
        });
    }),
    (6, "claude_client_set_model", |a| {
        let model = a.rng.pick(&[None, Some(c"opus"), Some(c"")]);
        a.operation(|client, done, data, error| claude_client_set_model(client, model, done, data, error));
    }),
    (3, "claude_client_set_model_wait", |a| {
        a.waiting(|client, timeout, reply, error| {
            claude_client_set_model_wait(client, None, timeout, reply, error)
        });
    }),
    (4, "claude_client_rewind_files", |a| {
        let (uuid, dry) = (a.uuid(), a.rng.one_in(2));
        a.operation(|client, done, data, error| {
            claude_client_rewind_files(client, Some(uuid), dry, done, data, error)
        });
    }),
    (3, "claude_client_rewind_files_wait", |a| {
        let uuid = a.uuid();
        a.waiting(|client, timeout, reply, error| {
            claude_client_rewind_files_wait(client, Some(uuid), true, timeout, reply, error)
        });
    }),
    (4, "claude_client_get_mcp_status", |a| a.operation(claude_client_get_mcp_status)),
    (3, "claude_client_get_mcp_status_wait", |a| a.waiting(claude_client_get_mcp_status_wait)),
    (4, "claude_client_reconnect_mcp_server", |a| {
        let name = a.name();
        a.operation(|client, done, data, error| {
            claude_client_reconnect_mcp_server(client, Some(name), done, data, error)
        });
    }),
    (3, "claude_client_reconnect_mcp_server_wait", |a| {
        let name = a.name();
        a.waiting(|client, timeout, reply, error| {
            claude_client_reconnect_mcp_server_wait(client, Some(name), timeout, reply, error)
        });
    }),
    (4, "claude_client_toggle_mcp_server", |a| {
        let (name, on) = (a.name(), a.rng.one_in(2));
        a.operation(|client, done, data, error| {
            claude_client_toggle_mcp_server(client, Some(name), on, done, data, error)
        });
    }),
    (3, "claude_client_toggle_mcp_server_wait", |a| {
        let name = a.name();
        a.waiting(|client, timeout, reply, error| {
            claude_client_toggle_mcp_server_wait(client, Some(name), false, timeout, reply, error)
        });
    }),
    (6, "claude_client_set_mcp_servers", |a| {
        let servers = a.servers_json();
        a.operation(|client, done, data, error| {
            claude_client_set_mcp_servers(client, Some(servers), done, data, error)
        });
    }),
    (3, "claude_client_set_mcp_servers_wait", |a| {
        let servers = a.servers_json();
        a.waiting(|client, timeout, reply, error| {
            claude_client_set_mcp_servers_wait(client, Some(servers), timeout, reply, error)
        });
    }),
    (4, "claude_client_stop_task", |a| {
        a.operation(|client, done, data, error| {
            claude_client_stop_task(client, Some(c"t"), done, data, error)
        });
    }),
    (3, "claude_client_stop_task_wait", |a| {
        a.waiting(|client, timeout, reply, error| {
            claude_client_stop_task_wait(client, Some(c"t"), timeout, reply, error)
        });
    }),
    (4, "claude_client_get_context_usage", |a| {
        let detail = a.detail();
        a.operation(|client, done, data, error| {
            claude_client_get_context_usage(client, detail, done, data, error)
        });
    }),
    (3, "claude_client_get_context_usage_wait", |a| {
        let detail = a.detail();
        a.waiting(|client, timeout, reply, error| {
            claude_client_get_context_usage_wait(client, detail, timeout, reply, error)
        });
    }),
    (6, "claude_client_cancel_prompt", |a| {
        let uuid = a.uuid();
        a.operation(|client, done, data, error| {
            claude_client_cancel_prompt(client, Some(uuid), done, data, error)
        });
    }),
    (3, "claude_client_cancel_prompt_wait", |a| {
        let uuid = a.uuid();
        a.waiting(|client, timeout, reply, error| {
            claude_client_cancel_prompt_wait(client, Some(uuid), timeout, reply, error)
        });
    }),
    (4, "claude_client_reinitialize", |a| a.operation(claude_client_reinitialize)),
    (3, "claude_client_reinitialize_wait", |a| a.waiting(claude_client_reinitialize_wait)),
    (40, "claude_client_control", Actor::echo),
    (15, "claude_client_control_wait", Actor::echo_wait),
    (8, "claude_request_id", |a| ignore(claude_request_id(a.request()))),
    (8, "claude_request_kind", |a| ignore(claude_request_kind(a.request()))),
    (8, "claude_request_json", |a| ignore(claude_request_json(a.request(), Some(&mut 0)))),
    (8, "claude_request_state", |a| ignore(claude_request_state(a.request()))),
    (8, "claude_request_is_cancelled", |a| ignore(claude_request_is_cancelled(a.request()))),
    (10, "claude_request_on_cancel", |a| {
        let request = a.request();
        a.request_on_cancel(request);
    }),
    (15, "claude_request_respond", |a| {
        let (request, text) = (a.request(), a.answer_text());
        a.call(|error| claude_request_respond(request, Some(text), error));
    }),
    (10, "claude_request_fail", |a| {
        let request = a.request();
        a.call(|error| claude_request_fail(request, Some(c"no"), error));
    }),
    (15, "claude_request_allow", |a| {
        let request = a.request();
        let rules = a.rng.pick(&[None, None, Some(c"[]"), Some(c"[{\"type\":\"odd\"}]"), Some(c"{")]);
        a.call(|error| claude_request_allow(request, None, rules, error));
    }),
    (15, "claude_request_deny", |a| {
        let (request, interrupt) = (a.request(), a.rng.one_in(3));
        a.call(|error| claude_request_deny(request, None, interrupt, error));
    }),
    (10, "claude_request_answer_questions", |a| {
        let (request, answers) =
            (a.request(), a.rng.pick(&[c"[0]", c"[\"z\"]", c"[9]", c"{\"A?\":\"x\"}", c"{"]));
        a.call(|error| claude_request_answer_questions(request, Some(answers), error));
    }),
    (10, "claude_request_set_deadline", |a| {
        let (request, deadline) = (a.request(), a.rng.pick(&[0, 1, 30, u32::MAX]));
        let action = a.rng.pick(&[None, Some(c"deny"), Some(c"error"), Some(c"allow")]);
        a.call(|error| claude_request_set_deadline(request, deadline, action, error));
    }),
    (4, "claude_request_user_data", |a| ignore(claude_request_user_data(a.request()))),
    (15, "claude_request_free", |a| world::free_request(REQUESTS.take(&mut a.rng))),
    (8, "claude_client_pending_requests", |a| {
        let (client, _) = a.client();
        a.text(|text, error| claude_client_pending_requests(client, text, error));
    }),
    (15, "claude_client_take_request", Actor::take_request),
    (6, "claude_client_add_hook", Actor::hook),
    (4, "claude_client_declare_dialog", |a| {
        let ((client, _), kind) = (a.client(), a.rng.pick(&[c"refusal_fallback_prompt", c""]));
        a.call(|error| claude_client_declare_dialog(client, Some(kind), error));
    }),
    (8, "claude_mcp_server_create", Actor::create_server),
    (3, "claude_mcp_server_free", |a| world::free_server(SERVERS.take(&mut a.rng))),
    (8, "claude_mcp_server_add_tool", Actor::add_tool),
    (4, "claude_mcp_server_remove_tool", |a| {
        let (server, name) = (Server::from_number(a.server()), a.rng.pick(&[c"add", c"sub", c""]));
        a.call(|error| claude_mcp_server_remove_tool(server, Some(name), error));
    }),
    (6, "claude_client_add_mcp_server", |a| {
        let ((client, _), server) = (a.client(), Server::from_number(a.server()));
        a.call(|error| claude_client_add_mcp_server(client, server, error));
    }),
    (4, "claude_client_add_mcp_handler", Actor::handler),
    (8, "claude_tool_call_arguments", |a| ignore(claude_tool_call_arguments(a.tool_call(), Some(&mut 0)))),
    (8, "claude_tool_call_name", |a| ignore(claude_tool_call_name(a.tool_call(), None))),
    (8, "claude_tool_call_json", |a| ignore(claude_tool_call_json(a.tool_call(), Some(&mut 0)))),
    (8, "claude_tool_call_id", |a| ignore(claude_tool_call_id(a.tool_call()))),
    (8, "claude_tool_call_is_cancelled", |a| ignore(claude_tool_call_is_cancelled(a.tool_call()))),
    (8, "claude_tool_call_on_cancel", |a| {
        let call = a.tool_call();
        a.call_on_cancel(call);
    }),
    (8, "claude_tool_call_progress", |a| {
        let (call, total) = (a.tool_call(), a.rng.pick(&[0.0, 1.0, f64::NAN, f64::INFINITY, -1.0]));
        a.call(|error| claude_tool_call_progress(call, 0.5, total, None, error));
    }),
    (8, "claude_tool_call_add_text", |a| {
        let (call, text) = (a.tool_call(), a.prompt());
        a.call(|error| claude_tool_call_add_text(call, Some(text), error));
    }),
    (8, "claude_tool_call_add_image", |a| {
        let (call, len) = (a.tool_call(), a.rng.below(9));
        a.call(|error| {
            claude_tool_call_add_image(
                call,
                Bytes(&b"\x89PNG\r\n\x1a\n"[..len]),
                len,
                Some(c"image/png"),
                error,
            )
        });
    }),
    (8, "claude_tool_call_add_block", |a| {
        let (call, block) = (
            a.tool_call(),
            a.rng.pick(&[c"{\"type\":\"text\",\"text\":\"x\"}", c"{\"type\":\"audio\"}", c"1"]),
        );
        a.call(|error| claude_tool_call_add_block(call, Some(block), error));
    }),
    (8, "claude_tool_call_set_structured", |a| {
        let (call, text) = (a.tool_call(), a.answer_text());
        a.call(|error| claude_tool_call_set_structured(call, Some(text), error));
    }),
    (8, "claude_tool_call_set_meta", |a| {
        let (call, text) = (a.tool_call(), a.answer_text());
        a.call(|error| claude_tool_call_set_meta(call, Some(text), error));
    }),
    (10, "claude_tool_call_finish", |a| {
        let call = a.tool_call();
        a.call(|error| claude_tool_call_finish(call, Some(c"3"), error));
    }),
    (8, "claude_tool_call_fail", |a| {
        let call = a.tool_call();
        a.call(|error| claude_tool_call_fail(call, Some(c"no"), error));
    }),
    (12, "claude_tool_call_free", |a| world::free_call(CALLS.take(&mut a.rng))),
    (3, "claude_client_set_transport", Actor::transport),
    (10, "claude_sink_push", Actor::push),
    (6, "claude_sink_has_room", |a| ignore(claude_sink_has_room(world::sink(&mut a.rng)))),
    (4, "claude_sink_end", |a| {
        let (sink, status) = (world::sink(&mut a.rng), a.rng.pick(&[0, -202, -205, 5]));
        a.call(|error| claude_sink_end(sink, number(status), 1, None, error));
    }),
    (4, "fork", Actor::fork),
    (120, "pump and leave", Actor::pump_and_leave),
    (6, "cancel", Actor::cancel_receiver),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{NAMES, OPS};

    #[test]
    fn every_exported_function_is_called_and_has_its_turn() {
        let symbols = include_str!("../../../packaging/symbols.txt");
        let exported: BTreeSet<&str> = symbols.split_whitespace().collect();
        let wrapped: BTreeSet<&str> = NAMES.iter().copied().collect();
        let turns: BTreeSet<&str> =
            OPS.iter().map(|(_, name, _)| *name).filter(|name| name.starts_with("claude_")).collect();
        assert_eq!(
            exported, wrapped,
            "chaos/src/raw/exports.rs does not have what packaging/symbols.txt has"
        );
        assert_eq!(exported, turns, "chaos/src/ops/table.rs does not have what packaging/symbols.txt has");
    }
}
