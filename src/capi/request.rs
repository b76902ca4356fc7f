//! @defgroup requests Requests of the CLI
//! Answer now or later, from any thread, once: CLAUDE_ERR_STALE when it was answered, withdrawn or expired before,
//! CLAUDE_ERR_CLOSED when the session has ended. CLAUDE_ERR_INVALID_ARGUMENT: an answer that does not fit; the request stays open.
//! See docs/requests.md.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::support::{
    REQUESTS, RequestObject, call, full_table, parts, registered, request, time_of, with_client,
};
use super::types::{
    claude_cancel_fn, claude_client_t, claude_destroy_fn, claude_error_t, claude_request_kind_t,
    claude_request_state_t, claude_request_t, claude_status_t,
};
use crate::error::{Error, Status};
use crate::ffi::callback::Unwinding;
use crate::ffi::guard::guard_or;
use crate::ffi::param::{optional_text, out, required_out, required_text};
use crate::place::Scope;
use crate::requests::{OnCancel, Phase, Request, RequestKind, TimeoutAction};

/// What the model reads if the host gives no reason.
const NO_REASON: &str = "The user did not allow this.";

/// Gives a request to the host. `None` when no handle is available: the request is then refused.
pub fn hand_over(request: Arc<Request>) -> Option<*mut claude_request_t> {
    REQUESTS.insert(Arc::new(RequestObject::new(request)))
}

/// The id of a request, unique within the process. It fits in 53 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_id(request: *const claude_request_t) -> u64 {
    guard_or(0, || REQUESTS.get(request).map_or(0, |request| request.number()))
}

/// The kind of the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_kind(request: *const claude_request_t) -> claude_request_kind_t {
    let other = claude_request_kind_t::CLAUDE_REQUEST_OTHER;
    guard_or(other, || REQUESTS.get(request).map_or(other, |request| kind_of(request.kind())))
}

/// The kinds of the header.
pub fn kind_of(kind: RequestKind) -> claude_request_kind_t {
    match kind {
        RequestKind::Other => claude_request_kind_t::CLAUDE_REQUEST_OTHER,
        RequestKind::Permission => claude_request_kind_t::CLAUDE_REQUEST_PERMISSION,
        RequestKind::Hook => claude_request_kind_t::CLAUDE_REQUEST_HOOK,
        RequestKind::Mcp => claude_request_kind_t::CLAUDE_REQUEST_MCP,
        RequestKind::Elicitation => claude_request_kind_t::CLAUDE_REQUEST_ELICITATION,
        RequestKind::Dialog => claude_request_kind_t::CLAUDE_REQUEST_DIALOG,
    }
}

/// The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{...}}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_json(
    request: *const claude_request_t,
    len: *mut usize,
) -> *const c_char {
    let nothing = (c"".as_ptr(), 0);
    let (json, size) = guard_or(nothing, || match REQUESTS.get(request) {
        Some(request) => parts(request.text()),
        None => nothing,
    });
    out!(len).put(size);
    json
}

/// Its state, and how it ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_state(request: *const claude_request_t) -> claude_request_state_t {
    let closed = claude_request_state_t::CLAUDE_REQUEST_STATE_CLOSED;
    guard_or(closed, || match REQUESTS.get(request).map(|request| request.phase()) {
        Some(Phase::Open) => claude_request_state_t::CLAUDE_REQUEST_STATE_OPEN,
        Some(Phase::Answered) => claude_request_state_t::CLAUDE_REQUEST_STATE_ANSWERED,
        Some(Phase::Withdrawn) => claude_request_state_t::CLAUDE_REQUEST_STATE_WITHDRAWN,
        Some(Phase::Expired) => claude_request_state_t::CLAUDE_REQUEST_STATE_EXPIRED,
        None | Some(Phase::Closed) => closed,
    })
}

/// Whether an answer would be useless: withdrawn, expired, or the session has ended. True for an invalid handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_is_cancelled(request: *const claude_request_t) -> bool {
    guard_or(true, || REQUESTS.get(request).is_none_or(|request| request.is_cancelled()))
}

/// Registers a callback for when the request ends without an answer from the host; it is called at once, inside this call, if that
/// has already happened. Runs where callbacks run, possibly at the same time as the request callback. Not in PULL mode:
/// CLAUDE_EVENT_REQUEST_CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_on_cancel(
    request: *mut claude_request_t,
    callback: claude_cancel_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let on_cancel =
        registered(callback, user_data, destroy, Scope::NOBODY, |callback, user_data| -> OnCancel {
            Box::new(move |number| {
                // SAFETY: the host registered the function for this pointer.
                let call = |pointer| unsafe { callback.unwinding()(number, pointer) };
                user_data.call_once("the callback on_cancel", call);
            })
        });
    call(out!(error), || {
        let request = self::request(request)?;
        let on_cancel = on_cancel.ok_or_else(|| {
            Error::new(Status::InvalidArgument, "callback is NULL").with("argument", "callback")
        })?;
        request.on_cancel(on_cancel)
    })
}

/// Answers with the payload of a success response, a JSON object of the shape that this kind needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_respond(
    request: *mut claude_request_t,
    response_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || self::request(request)?.respond(required_text!(response_json)?))
}

/// Answers with an error response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_fail(
    request: *mut claude_request_t,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || self::request(request)?.fail(required_text!(message)?))
}

/// Permission: allows the tool to run.
/// @param input_json The input for the tool; NULL = the one that was asked about.
/// @param permissions_json Rule changes, a list as in `permission_suggestions`; NULL = none. If one is malformed, all are left out,
///   the tool still runs, and a CLAUDE_EVENT_WARNING names it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_allow(
    request: *mut claude_request_t,
    input_json: *const c_char,
    permissions_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let input = optional_text!(input_json)?;
        let permissions = optional_text!(permissions_json)?;
        self::request(request)?.allow(input, permissions)
    })
}

/// Permission: refuses the tool.
/// @param message Why; the model reads it; NULL = "The user did not allow this."
/// @param interrupt Whether the turn ends as well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_deny(
    request: *mut claude_request_t,
    message: *const c_char,
    interrupt: bool,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let message = optional_text!(message)?.unwrap_or(NO_REASON);
        self::request(request)?.deny(message, interrupt)
    })
}

/// Permission for the tool `AskUserQuestion`: lets it run with the user's answers.
/// @param answers_json A list with one answer for each question, in order: the index of an option (from 0), the user's own text, or
///   a list of these; such as [0,[1,2],"none"]. Or an object from questions to labels, in the CLI's own form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_answer_questions(
    request: *mut claude_request_t,
    answers_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || self::request(request)?.answer_questions(required_text!(answers_json)?))
}

/// Sets a deadline, counted from now, in place of the option `request_timeout_ms`. CLAUDE_WAIT_FOREVER = none.
/// @param action What the CLI gets then: "deny" or "error"; NULL = what the option `request_timeout_action` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_set_deadline(
    request: *mut claude_request_t,
    deadline_ms: u32,
    action: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let request = self::request(request)?;
        let action = optional_text!(action)?.map(TimeoutAction::of).transpose()?;
        request.set_deadline(time_of(deadline_ms), action)
    })
}

/// The `user_data` of the hook or MCP handler that is called; NULL for other kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_user_data(request: *const claude_request_t) -> *mut c_void {
    let token = guard_or(0, || REQUESTS.get(request).map_or(0, |request| request.token()));
    std::ptr::with_exposed_provenance_mut(token)
}

/// Frees a request. If it is still open, freeing its last handle refuses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_free(request: *mut claude_request_t) {
    guard_or((), || drop(REQUESTS.remove(request)));
}

/// The open requests, oldest first, for rebuilding a user interface: `id`, `wire_id`, `kind` (a word), `kind_number`, `age_ms`,
/// `deadline_ms` (left, or null), `handles` (held by the host), `request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pending_requests(
    client: *mut claude_client_t,
    requests_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let requests_json = required_out!(requests_json)?;
        requests_json.give(client.requests.to_json());
        Ok(())
    })
}

/// Another handle to an open request; the first answer through any of them counts. CLAUDE_ERR_NOT_FOUND: none with this id is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_take_request(
    client: *mut claude_client_t,
    id: u64,
    request: *mut *mut claude_request_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |client| {
        let request = required_out!(request)?;
        let object = RequestObject::of_held(client.requests.take(id)?);
        let handle = REQUESTS.insert(Arc::new(object)).ok_or_else(|| full_table("request"))?;
        request.put(handle);
        Ok(())
    })
}
