//! @addtogroup tools
//!
//! One call of a tool of the host.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::support::{CALLS, CallObject, call, dead_handle, parts, registered};
use super::types::{
    claude_cancel_fn, claude_destroy_fn, claude_error_t, claude_status_t, claude_tool_call_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::Unwinding;
use crate::ffi::guard::guard_or;
use crate::ffi::param::{bytes, optional_text, out, required_text};
use crate::mcp::{Call, OnCancel};
use crate::place::Scope;

fn tool_call(handle: *const claude_tool_call_t) -> Result<Arc<CallObject>> {
    CALLS.get(handle).ok_or_else(|| dead_handle("tool call"))
}

/// A text of the call; empty for an invalid handle.
fn text_of(handle: *const claude_tool_call_t, text: fn(&Call) -> &[u8]) -> (*const c_char, usize) {
    let nothing = (c"".as_ptr(), 0);
    guard_or(nothing, || CALLS.get(handle).map_or(nothing, |call| parts(text(&call.0))))
}

/// The arguments, a JSON object that matches the schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_arguments(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::arguments);
    out!(len).put(size);
    text
}

/// The name of the tool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_name(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::name);
    out!(len).put(size);
    text
}

/// All of it: `id`, `server`, `name`, `arguments`, and `meta` with `claudecode/toolUseId`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_json(
    call: *const claude_tool_call_t,
    len: *mut usize,
) -> *const c_char {
    let (text, size) = text_of(call, Call::json);
    out!(len).put(size);
    text
}

/// The id of a call, unique within the process. It fits in 53 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_id(call: *const claude_tool_call_t) -> u64 {
    guard_or(0, || CALLS.get(call).map_or(0, |call| call.0.number()))
}

/// Whether the answer is no longer wanted. Long-running work should check it now and then. True for an invalid handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_is_cancelled(call: *const claude_tool_call_t) -> bool {
    guard_or(true, || CALLS.get(call).is_none_or(|call| call.0.is_cancelled()))
}

/// Registers a callback for when the answer is no longer wanted; it is called at once if that is already so. Not in PULL mode:
/// CLAUDE_EVENT_TOOL_CALL_CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_on_cancel(
    call: *mut claude_tool_call_t,
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
    self::call(out!(error), || {
        let call = tool_call(call)?;
        let on_cancel = on_cancel.ok_or_else(|| {
            Error::new(Status::InvalidArgument, "callback is NULL").with("argument", "callback")
        })?;
        call.0.on_cancel(on_cancel)
    })
}

/// Reports how far the work is. Has no effect when the CLI did not ask for it.
/// @param total 0 = unknown.
/// @param message NULL = nothing to say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_progress(
    call: *mut claude_tool_call_t,
    progress: f64,
    total: f64,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.progress(progress, total, optional_text!(message)?))
}

/// Adds a text to the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_text(
    call: *mut claude_tool_call_t,
    text: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.add_text(required_text!(text)?))
}

/// Adds an image: the bytes of a file, copied.
/// @param mime_type Such as "image/png".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_image(
    call: *mut claude_tool_call_t,
    bytes: *const c_void,
    len: usize,
    mime_type: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || {
        let call = tool_call(call)?;
        let bytes = bytes!(bytes, len)?;
        call.0.add_image(bytes, required_text!(mime_type)?)
    })
}

/// Adds any other MCP content block, such as `resource` or `resource_link`. CLAUDE_ERR_UNSUPPORTED: one that does not reach the
/// model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_add_block(
    call: *mut claude_tool_call_t,
    block_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.add_block(required_text!(block_json)?))
}

/// Sets the `structuredContent` of the result; also its text when nothing else is added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_structured(
    call: *mut claude_tool_call_t,
    object_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.set_structured(required_text!(object_json)?))
}

/// Sets the `_meta` of the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_set_meta(
    call: *mut claude_tool_call_t,
    object_json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.set_meta(required_text!(object_json)?))
}

/// Answers with what was added.
/// @param text Added last; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_finish(
    call: *mut claude_tool_call_t,
    text: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.finish(optional_text!(text)?))
}

/// Answers that the tool failed, with what was added.
/// @param message What went wrong; the model reads it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_fail(
    call: *mut claude_tool_call_t,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || tool_call(call)?.0.fail(required_text!(message)?))
}

/// Frees a call. One that was not answered fails. Until answered or freed it counts for `max_concurrency`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_tool_call_free(call: *mut claude_tool_call_t) {
    guard_or((), || drop(CALLS.remove(call)));
}
