//! One call of a tool of the host's.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::mcp::hand_over_call;
use super::support::{CALLS, CallObject, call, dead_handle, event, parts, registered};
use super::types::{
    claude_cancel_fn, claude_destroy_fn, claude_error_t, claude_event_t, claude_status_t, claude_tool_call_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::Unwinding;
use crate::ffi::guard::guard_or;
use crate::ffi::text::{self, STRLEN};
use crate::mcp::{Call, OnCancel};

fn tool_call(handle: *const claude_tool_call_t) -> Result<Arc<CallObject>> {
    CALLS.get(handle).ok_or_else(|| dead_handle("tool call"))
}

/// A text of the call; empty for a handle that is not valid.
fn text_of(handle: *const claude_tool_call_t, text: fn(&Call) -> &[u8]) -> (*const c_char, usize) {
    let nothing = (c"".as_ptr(), 0);
    guard_or(nothing, || CALLS.get(handle).map_or(nothing, |call| parts(text(&call.0))))
}

/// The arguments, as the CLI wrote them. They fit the tool's `inputSchema`. Whole numbers from 2^53 on were rounded by the
/// CLI; see docs/tools.md.
///
/// @param call The call.
/// @param len Receives the length in bytes; may be NULL.
/// @return A JSON object with a NUL behind it; it lives as long as the call. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_arguments(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::arguments);
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    text
}

/// The name of the tool that is called.
///
/// @param call The call.
/// @param len Receives the length in bytes; may be NULL.
/// @return The name; it lives as long as the call. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_name(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::name);
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    text
}

/// The name of the server that the tool belongs to.
///
/// @param call The call.
/// @param len Receives the length in bytes; may be NULL.
/// @return The name; it lives as long as the call. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_server(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::server);
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    text
}

/// What the CLI says about the call, such as {"claudecode/toolUseId":"toolu_…","progressToken":2}.
///
/// @param call The call.
/// @param len Receives the length in bytes; may be NULL.
/// @return A JSON object with a NUL behind it; it lives as long as the call. Empty for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_meta(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::meta);
    // SAFETY: the header's rules on output parameters.
    unsafe { text::put(len, size) };
    text
}

/// The number of a call, unique within the process.
///
/// @param call The call.
/// @return The number; 0 for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_id(call: *const claude_tool_call_t) -> u64 {
    guard_or(0, || CALLS.get(call).map_or(0, |call| call.0.number()))
}

/// Whether the answer is not wanted any more: the turn was interrupted, the CLI has waited long enough, or its session has
/// ended. Long work should look at it now and then.
///
/// @param call The call.
/// @return True also for a handle that is not valid.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_is_cancelled(call: *const claude_tool_call_t) -> bool {
    guard_or(true, || CALLS.get(call).is_none_or(|call| call.0.is_cancelled()))
}

/// Registers what is told when the answer is not wanted any more; told at once when that is so already. Not in PULL mode, where
/// a `CLAUDE_EVENT_TOOL_CALL_CANCELLED` comes.
///
/// @param call The call.
/// @param callback Gets the call's number; replaces an earlier one.
/// @param user_data Passed to the callback.
/// @param destroy Runs once when the callback will not be called any more, also when this function fails; may be NULL.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_INVALID_HANDLE`; `CLAUDE_ERR_INVALID_ARGUMENT` for NULL; `CLAUDE_ERR_UNSUPPORTED` in PULL
///   mode.
/// @thread Any. The callback runs where the tool's function does, beside it if need be.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_on_cancel(
    call: *mut claude_tool_call_t,
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
        self::call(error, || {
            let call = tool_call(call)?;
            let on_cancel = on_cancel.ok_or_else(|| {
                Error::new(Status::InvalidArgument, "callback is NULL").with("argument", "callback")
            })?;
            call.0.on_cancel(on_cancel)
        })
    }
}

/// Tells the CLI how far the work is. Without effect when the CLI did not ask for it.
///
/// @param call The call.
/// @param progress How much is done; it should grow from call to call.
/// @param total How much there is to do; 0 = unknown.
/// @param message What is being done; NULL = nothing to say. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a number that is not finite.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_progress(
    call: *mut claude_tool_call_t,
    progress: f64,
    total: f64,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        self::call(error, || {
            tool_call(call)?.0.progress(progress, total, text::optional(message, STRLEN, "message")?)
        })
    }
}

/// Adds a text to the result.
///
/// @param call The call.
/// @param text The text. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_text(
    call: *mut claude_tool_call_t,
    text: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_add_text_n(call, text, STRLEN, error) }
}

/// As `claude_tool_call_add_text`, with a length.
///
/// @param call The call.
/// @param text The text. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_add_text`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_text_n(
    call: *mut claude_tool_call_t,
    text: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.add_text(text::required(text, len, "text")?)) }
}

/// Adds JSON to the result, as text: the model reads it as it stands.
///
/// @param call The call.
/// @param json The JSON text. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_json(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_add_json_n(call, json, STRLEN, error) }
}

/// As `claude_tool_call_add_json`, with a length.
///
/// @param call The call.
/// @param json The JSON text. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_add_json`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_json_n(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.add_json(text::required(json, len, "json")?)) }
}

/// Adds an image to the result.
///
/// @param call The call.
/// @param bytes The image file's bytes, such as those of a PNG. Copied.
/// @param len How many they are.
/// @param mime_type Their type, such as "image/png". Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for another type.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_image(
    call: *mut claude_tool_call_t,
    bytes: *const c_void,
    len: usize,
    mime_type: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters; `bytes` is readable for `len` bytes.
    unsafe {
        self::call(error, || {
            let call = tool_call(call)?;
            let bytes = text::bytes(bytes, len, "bytes")?;
            call.0.add_image(bytes, text::required(mime_type, STRLEN, "mime_type")?)
        })
    }
}

/// Adds an MCP block of the type `resource` or `resource_link` to the result. The model gets the text of a resource, the image of an
/// image, and name, uri and description of a link.
///
/// @param call The call.
/// @param resource_json The block as JSON. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be;
///   `CLAUDE_ERR_UNSUPPORTED` for a block that does not reach the model.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_resource(
    call: *mut claude_tool_call_t,
    resource_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_add_resource_n(call, resource_json, STRLEN, error) }
}

/// As `claude_tool_call_add_resource`, with the length of the JSON text.
///
/// @param call The call.
/// @param resource_json The block as JSON. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_add_resource`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_resource_n(
    call: *mut claude_tool_call_t,
    resource_json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe {
        self::call(error, || {
            tool_call(call)?.0.add_resource(text::required(resource_json, len, "resource_json")?)
        })
    }
}

/// Sets the `structuredContent` of the result. It is also its text when nothing else is added. The CLI rounds whole numbers
/// from 2^53 on in it; `claude_tool_call_add_json` is exact.
///
/// @param call The call.
/// @param json A JSON object. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_structured(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_set_structured_n(call, json, STRLEN, error) }
}

/// As `claude_tool_call_set_structured`, with the length of the JSON text.
///
/// @param call The call.
/// @param json A JSON object. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_set_structured`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_structured_n(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.set_structured(text::required(json, len, "json")?)) }
}

/// Sets the `_meta` of the result.
///
/// @param call The call.
/// @param json A JSON object. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended; `CLAUDE_ERR_INVALID_ARGUMENT` for a text that is not the JSON it should be.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_meta(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_set_meta_n(call, json, STRLEN, error) }
}

/// As `claude_tool_call_set_meta`, with the length of the JSON text.
///
/// @param call The call.
/// @param json A JSON object. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_set_meta`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_meta_n(
    call: *mut claude_tool_call_t,
    json: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.set_meta(text::required(json, len, "json")?)) }
}

/// Answers with what has been added. The call stays a valid handle until it is freed.
///
/// @param call The call.
/// @param is_error Whether the result tells of a failure.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_finish(
    call: *mut claude_tool_call_t,
    is_error: bool,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.finish(is_error)) }
}

/// Answers that the tool failed, whatever has been added. The model reads the message.
///
/// @param call The call.
/// @param message What went wrong. Copied.
/// @param error Receives the error; may be NULL.
/// @return `CLAUDE_OK`; `CLAUDE_ERR_STALE` when the call was answered or withdrawn before; `CLAUDE_ERR_CLOSED` when the session
///   has ended.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_fail(
    call: *mut claude_tool_call_t,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { claude_tool_call_fail_n(call, message, STRLEN, error) }
}

/// As `claude_tool_call_fail`, with the length of the message.
///
/// @param call The call.
/// @param message What the model reads. Copied.
/// @param len Its length in bytes.
/// @param error Receives the error; may be NULL.
/// @return As `claude_tool_call_fail`.
/// @thread Any, now or later.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_fail_n(
    call: *mut claude_tool_call_t,
    message: *const c_char,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    // SAFETY: the header's rules on texts and output parameters.
    unsafe { self::call(error, || tool_call(call)?.0.fail(text::required(message, len, "message")?)) }
}

/// Frees a call. One that was not answered fails: the model reads that the host did not answer. Until it is answered or freed, a
/// call counts for the tool's `max_concurrency`, also when it was withdrawn.
///
/// @param call The call; NULL and a call that was freed before are ignored.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_free(call: *mut claude_tool_call_t) {
    guard_or((), || drop(CALLS.remove(call)));
}

/// Takes the tool call out of an event. Answer it, now or later, and free it. A call that is left in its event fails when the
/// event is freed.
///
/// @param event An event of the kind `CLAUDE_EVENT_TOOL_CALL`.
/// @return The call, which the caller owns; NULL for other kinds and the second time.
/// @thread Any.
/// @callback May be called.
/// @since 0.1.0
/// @see docs/tools.md
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_event_take_tool_call(event: *mut claude_event_t) -> *mut claude_tool_call_t {
    guard_or(std::ptr::null_mut(), || {
        let call = self::event(event).and_then(|object| object.take_call());
        call.and_then(hand_over_call).unwrap_or(std::ptr::null_mut())
    })
}
