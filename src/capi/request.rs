//! What the CLI asks of the host.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::support::{
    REQUESTS, RequestObject, call, event, full_table, parts, registered, request, time_of, with_client,
};
use super::types::{
    claude_cancel_fn, claude_client_t, claude_destroy_fn, claude_error_t, claude_event_t,
    claude_request_kind_t, claude_request_state_t, claude_request_t, claude_status_t,
};
use crate::dispatch::EventKind;
use crate::error::{Error, Status};
use crate::ffi::callback::Unwinding;
use crate::ffi::guard::guard_or;
use crate::ffi::text::{self, STRLEN};
use crate::requests::{OnCancel, Phase, Request, RequestKind, TimeoutAction};

/// Gives a request to the host. `None` when no handle can be had: the request is refused then.
pub fn hand_over(request: Arc<Request>) -> Option<*mut claude_request_t> {
    REQUESTS.insert(Arc::new(RequestObject::new(request)))
}

/// The number of a request, unique within the process.
///
/// @param request The request.
/// @return The number; 0 for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_id(request: *const claude_request_t) -> u64 {
    guard_or(0, || REQUESTS.get(request).map_or(0, |request| request.number()))
}

/// What the CLI asks.
///
/// @param request The request.
/// @return The kind; `CLAUDE_REQUEST_OTHER` for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_kind(request: *const claude_request_t) -> claude_request_kind_t {
    let other = claude_request_kind_t::CLAUDE_REQUEST_OTHER;
    guard_or(other, || match REQUESTS.get(request).map(|request| request.kind()) {
        None | Some(RequestKind::Other) => other,
        Some(RequestKind::Permission) => claude_request_kind_t::CLAUDE_REQUEST_PERMISSION,
        Some(RequestKind::Hook) => claude_request_kind_t::CLAUDE_REQUEST_HOOK,
        Some(RequestKind::Mcp) => claude_request_kind_t::CLAUDE_REQUEST_MCP,
        Some(RequestKind::Elicitation) => claude_request_kind_t::CLAUDE_REQUEST_ELICITATION,
        Some(RequestKind::Dialog) => claude_request_kind_t::CLAUDE_REQUEST_DIALOG,
    })
}

/// The request as the CLI wrote it, such as {"subtype":"can_use_tool","tool_name":"Bash","input":{…},…}.
///
/// @param request The request.
/// @param len Receives the length in bytes; may be NULL.
/// @return A JSON object with a NUL behind it; it lives as long as the request. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
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
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    json
}

/// Where a request stands, and how it ended: what a user interface says about it.
///
/// @param request The request.
/// @return The state; `CLAUDE_REQUEST_STATE_CLOSED` for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
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

/// Whether the CLI has withdrawn the request, its deadline has passed, or its session has ended: an answer would be of no
/// use.
///
/// @param request The request.
/// @return True also for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_is_cancelled(request: *const claude_request_t) -> bool {
    guard_or(true, || REQUESTS.get(request).is_none_or(|request| request.is_cancelled()))
}

/// Registers what is told when the request ends without an answer of the host: the CLI withdraws it, its deadline passes, or
/// the session ends. Told at once when that has happened already, and never when the request was answered.
///
/// @param request The request.
/// @param callback The callback; replaces an earlier one.
/// @param user_data Passed to the callback.
/// @param destroy Runs once when the callback will not be called any more, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` for NULL; `CLAUDE_ERR_UNSUPPORTED` in
///   PULL mode, where a `CLAUDE_EVENT_REQUEST_CANCELLED` comes instead.
/// @thread Any. The callback runs where the dispatch mode says, also while the request callback is running; told at once, it
///   runs inside this call.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_on_cancel(
    request: *mut claude_request_t,
    callback: claude_cancel_fn,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let on_cancel = registered(callback, user_data, destroy, |callback, user_data| -> OnCancel {
        Box::new(move |number| {
            // SAFETY: the host registered the function for this pointer.
            let call = |pointer| unsafe { callback.unwinding()(number, pointer) };
            user_data.call("the callback on_cancel", call);
        })
    });
    // SAFETY: the header's rules on output parameters.
    unsafe {
        call(error, || {
            let request = self::request(request)?;
            let on_cancel = on_cancel.ok_or_else(|| {
                Error::new(Status::InvalidArgument, "callback is NULL").with("argument", "callback")
            })?;
            request.on_cancel(on_cancel)
        })
    }
}

/// Answers with the payload of a success response. The request stays a valid handle until it is freed.
///
/// @param request The request.
/// @param json The payload, a JSON object. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when it was answered, withdrawn or refused before; `CLAUDE_ERR_CLOSED` when the
///   session has ended; `CLAUDE_ERR_INVALID_ARGUMENT` when the payload is no JSON object, or has not the shape that requests
///   of this kind are answered in: the request is still open then.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_respond(
    request: *mut claude_request_t,
    json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_request_respond_n(request, json, STRLEN, error) }
}

/// As `claude_request_respond`, with the length of the payload.
///
/// @param request The request.
/// @param json The payload. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_respond`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_respond_n(
    request: *mut claude_request_t,
    json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { call(error, || self::request(request)?.respond(text::required(json, len, "json")?)) }
}

/// Answers with an error response.
///
/// @param request The request.
/// @param message What went wrong. Copied.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_respond`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_fail(
    request: *mut claude_request_t,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_request_fail_n(request, message, STRLEN, error) }
}

/// As `claude_request_fail`, with the length of the message.
///
/// @param request The request.
/// @param message What went wrong. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_fail`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_fail_n(
    request: *mut claude_request_t,
    message: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { call(error, || self::request(request)?.fail(text::required(message, len, "message")?)) }
}

/// Permission: lets the tool run.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
/// @param updated_input_json The input that the tool gets, a JSON object; NULL = the one that was asked about. Copied.
/// @param updated_permissions_json Changes of the rules, a JSON list as in the request's `permission_suggestions`; NULL =
///   none. If one is malformed, all are left out, the tool still runs, and a `CLAUDE_EVENT_WARNING` names it. Copied.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another kind.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_allow(
    request: *mut claude_request_t,
    updated_input_json: *const c_char,
    updated_permissions_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    let (input, permissions) = (updated_input_json, updated_permissions_json);
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_request_allow_n(request, input, STRLEN, permissions, STRLEN, error) }
}

/// As `claude_request_allow`, with the lengths of the texts.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
/// @param updated_input_json The input that the tool gets; NULL = the one that was asked about. Copied.
/// @param input_len Its length in bytes.
/// @param updated_permissions_json Changes of the rules; NULL = none. Copied.
/// @param permissions_len Their length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_allow`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_allow_n(
    request: *mut claude_request_t,
    updated_input_json: *const c_char,
    input_len: usize,
    updated_permissions_json: *const c_char,
    permissions_len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let input = text::optional(updated_input_json, input_len, "updated_input_json")?;
            let name = "updated_permissions_json";
            let permissions = text::optional(updated_permissions_json, permissions_len, name)?;
            self::request(request)?.allow(input, permissions)
        })
    }
}

/// Permission: refuses the tool.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
/// @param message Why; the model reads it. Copied.
/// @param interrupt Whether the turn ends as well.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another kind.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_deny(
    request: *mut claude_request_t,
    message: *const c_char,
    interrupt: bool,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_request_deny_n(request, message, STRLEN, interrupt, error) }
}

/// As `claude_request_deny`, with the length of the message.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION`.
/// @param message Why; the model reads it. Copied.
/// @param len Its length in bytes.
/// @param interrupt Whether the turn ends as well.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_deny`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_deny_n(
    request: *mut claude_request_t,
    message: *const c_char,
    len: usize,
    interrupt: bool,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || self::request(request)?.deny(text::required(message, len, "message")?, interrupt))
    }
}

/// Permission for the tool `AskUserQuestion`: lets it run with the user's answers.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION` whose `tool_name` is `AskUserQuestion`.
/// @param answers_json An object with the questions' texts as names and the chosen labels as values: a text, or a list of
///   texts where several may be chosen. Copied.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_respond`; `CLAUDE_ERR_INVALID_ARGUMENT` for another tool and for a question that was not
///   asked.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_answer_questions(
    request: *mut claude_request_t,
    answers_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_request_answer_questions_n(request, answers_json, STRLEN, error) }
}

/// As `claude_request_answer_questions`, with the length of the answers.
///
/// @param request A request of the kind `CLAUDE_REQUEST_PERMISSION` whose `tool_name` is `AskUserQuestion`.
/// @param answers_json The answers. Copied.
/// @param len Their length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_request_answer_questions`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_answer_questions_n(
    request: *mut claude_request_t,
    answers_json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            self::request(request)?.answer_questions(text::required(answers_json, len, "answers_json")?)
        })
    }
}

/// Gives the request a deadline: when it passes, the request is refused and its `claude_request_on_cancel` told. Replaces
/// the one of the option `request_timeout_ms`.
///
/// @param request The request.
/// @param timeout_ms Time from now, in milliseconds; `CLAUDE_WAIT_FOREVER` = no deadline.
/// @param action What the CLI gets then, in the words of the option `request_timeout_action`: "deny", the refusal of its
///   kind, or "error", which refuses a hook all the same; NULL = what the option says.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` and `CLAUDE_ERR_CLOSED` as `claude_request_respond`;
///   `CLAUDE_ERR_INVALID_ARGUMENT` for another action.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_set_deadline(
    request: *mut claude_request_t,
    timeout_ms: u32,
    action: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        call(error, || {
            let request = self::request(request)?;
            let action = text::optional(action, STRLEN, "action")?.map(TimeoutAction::of).transpose()?;
            request.set_deadline(time_of(timeout_ms), action)
        })
    }
}

/// The `user_data` of the hook that the CLI calls.
///
/// @param request A request of the kind `CLAUDE_REQUEST_HOOK`.
/// @return The pointer that was given to `claude_client_add_hook`; NULL for other kinds.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_user_data(request: *const claude_request_t) -> *mut c_void {
    let token = guard_or(0, || REQUESTS.get(request).map_or(0, |request| request.token()));
    std::ptr::with_exposed_provenance_mut(token)
}

/// Frees a request. One that is still open is refused with its last handle: a permission is denied, a hook forbids what it
/// can forbid, anything else gets an error or a decline.
///
/// @param request The request; NULL and a request that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_request_free(request: *mut claude_request_t) {
    guard_or((), || drop(REQUESTS.remove(request)));
}

/// The requests that wait for an answer, oldest first, so that a user interface can be rebuilt.
///
/// @param client The client.
/// @param json Receives a JSON list of objects with `id` (as `claude_request_id`), `kind` ("permission", "hook", "mcp",
///   "elicitation", "dialog", "other"), `kind_number`, `age_ms`, `deadline_ms` (time left, or null), `handles` (how many the
///   host holds) and `request` (as `claude_request_json`); free it with `claude_string_free`.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` when `json` is NULL.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_pending_requests(
    client: *mut claude_client_t,
    json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(json, "json")?;
            text::put(json, text::give(client.requests.to_json()));
            Ok(())
        })
    }
}

/// Another handle to an open request.
///
/// @param client The client.
/// @param request_id The request's number, as in `claude_client_pending_requests`.
/// @param request Receives the request; free it with `claude_request_free`. Of several handles the first answer counts.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when no request with this number is open.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_take_request(
    client: *mut claude_client_t,
    request_id: u64,
    request: *mut *mut claude_request_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe {
        with_client(client, error, |client| {
            text::require_out(request, "request")?;
            let object = RequestObject::of_held(client.requests.take(request_id)?);
            let handle = REQUESTS.insert(Arc::new(object)).ok_or_else(|| full_table("request"))?;
            text::put(request, handle);
            Ok(())
        })
    }
}

/// The number of the request that an event is about.
///
/// @param event An event of the kind `CLAUDE_EVENT_REQUEST` or `CLAUDE_EVENT_REQUEST_CANCELLED`.
/// @return As `claude_request_id`; 0 for other kinds.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/requests.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_request_id(event: *const claude_event_t) -> u64 {
    guard_or(0, || match self::event(event).as_deref().map(|object| &object.event.kind) {
        Some(EventKind::Request(request) | EventKind::RequestCancelled(request)) => request.number(),
        _ => 0,
    })
}
