//! The functions that the host gives to the library. Each looks after the promises, then does as its token's seed says.

use std::ffi::{CStr, c_char, c_void};

use claude_client::capi::types::*;

use super::leave::maybe_leave;
use super::pass::{Handle, Pass};
use crate::ops;
use crate::token::{Inside, Token};
use crate::watch::violation;

pub const ON_MESSAGE: claude_message_fn = Some(on_message);
pub const ON_REQUEST: claude_request_fn = Some(on_request);
pub const ON_TOOL: claude_tool_fn = Some(on_tool);
pub const ON_CANCEL: claude_cancel_fn = Some(on_cancel);
pub const ON_STDERR: claude_text_fn = Some(on_stderr);
pub const ON_CLOSED: claude_closed_fn = Some(on_closed);
pub const ON_DONE: claude_done_fn = Some(on_done);
pub const ON_READY: claude_notify_fn = Some(on_ready);
pub const ON_LOG: claude_log_fn = Some(on_log);
pub const NEXT_PROMPT: claude_prompt_fn = Some(next_prompt);
pub const DESTROY: claude_destroy_fn = Some(destroy);
pub const THREAD_HOOK: claude_thread_fn = Some(thread_hook);

/// The token behind a `user_data`; NULL is a registration that nobody looks after.
fn token<'a>(user_data: *mut c_void) -> Option<&'a Token> {
    // SAFETY: NULL or a token, which lives until the round is over.
    unsafe { user_data.cast::<Token>().as_ref() }
}

/// The token of an event.
pub fn token_of_event<'a>(info: &claude_event_info_t) -> Option<&'a Token> {
    token(info.user_data)
}

pub fn empty_info() -> claude_event_info_t {
    claude_event_info_t {
        size: size_of::<claude_event_info_t>(),
        kind: super::pass::number(0).pass(),
        status: super::pass::number(0).pass(),
        request_kind: super::pass::number(0).pass(),
        lane: super::pass::number(0).pass(),
        id: 0,
        user_data: std::ptr::null_mut(),
        json: std::ptr::null(),
        len: 0,
    }
}

pub fn event_kind(info: &claude_event_info_t) -> i32 {
    // SAFETY: any bits are a number.
    unsafe { info.kind.as_ptr().cast::<i32>().read() }
}

pub fn event_status(info: &claude_event_info_t) -> claude_status_t {
    // SAFETY: the library has written one of its statuses.
    unsafe { info.status.assume_init() }
}

/// The text of an event that nobody else has.
pub fn text_of_event(info: &claude_event_info_t) -> String {
    lent(info.json, info.len).to_owned()
}

/// A text that the library lends, with its promises: a NUL behind it, and UTF-8.
fn lent<'a>(text: *const c_char, len: usize) -> &'a str {
    // SAFETY: the header: `len` bytes and a NUL, valid until the callback returns.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len + 1) };
    if bytes[len] != 0 {
        violation("no NUL behind a text");
    }
    std::str::from_utf8(&bytes[..len]).unwrap_or_else(|_| violation("a text is not UTF-8"))
}

unsafe extern "C" fn on_message(
    kind: claude_message_kind_t,
    json: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    let text = lent(json, len);
    let Some(token) = token(user_data) else { return };
    // First, so that a message whose callback is left counts as received.
    ops::follow(token, kind as i32, text);
    maybe_leave(token);
    let running = token.enter();
    ops::inside(token, running.number);
}

unsafe extern "C" fn on_request(request: *mut claude_request_t, user_data: *mut c_void) {
    let request = Handle::from_number(request as usize);
    match token(user_data) {
        Some(token) => {
            let running = token.enter();
            ops::on_request(token, running.number, request);
        }
        None => super::exports::claude_request_free(request),
    }
}

unsafe extern "C" fn on_tool(call: *mut claude_tool_call_t, user_data: *mut c_void) {
    let call = Handle::from_number(call as usize);
    match token(user_data) {
        Some(token) => {
            let running = token.enter();
            ops::on_tool(token, running.number, call);
        }
        None => super::exports::claude_tool_call_free(call),
    }
}

unsafe extern "C" fn on_cancel(id: u64, user_data: *mut c_void) {
    let Some(token) = token(user_data) else { return };
    maybe_leave(token);
    let running = token.enter();
    let wanted = token.id.load(std::sync::atomic::Ordering::SeqCst);
    if wanted != 0 && wanted != id {
        violation(&format!("the cancellation of {wanted} names {id}"));
    }
    ops::inside(token, running.number);
}

unsafe extern "C" fn on_stderr(text: *const c_char, len: usize, user_data: *mut c_void) {
    lent(text, len);
    let Some(token) = token(user_data) else { return };
    maybe_leave(token);
    let running = token.enter();
    ops::inside(token, running.number);
}

unsafe extern "C" fn on_closed(
    status: claude_status_t,
    json: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    let text = lent(json, len);
    if text.is_empty() != (status == claude_status_t::CLAUDE_OK) {
        violation(&format!("closed with {status:?} and {text:?}"));
    }
    let Some(token) = token(user_data) else { return };
    if let Some(owner) = &token.owner {
        owner.saw_closed();
    }
    maybe_leave(token);
    let running = token.enter();
    ops::inside(token, running.number);
}

unsafe extern "C" fn on_done(
    status: claude_status_t,
    json: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    let text = lent(json, len);
    let Some(token) = token(user_data) else { return };
    maybe_leave(token);
    let running = token.enter();
    ops::on_done(token, running.number, status, text);
}

unsafe extern "C" fn on_ready(user_data: *mut c_void) {
    let Some(token) = token(user_data) else { return };
    let running = token.enter();
    ops::inside(token, running.number);
}

unsafe extern "C" fn on_log(_: claude_log_level_t, text: *const c_char, len: usize, user_data: *mut c_void) {
    lent(text, len);
    let Some(token) = token(user_data) else { return };
    let running = token.enter();
    ops::inside(token, running.number);
}

unsafe extern "C" fn next_prompt(user_data: *mut c_void) -> *const c_char {
    let Some(token) = token(user_data) else { return std::ptr::null() };
    maybe_leave(token);
    let running = token.enter();
    ops::inside(token, running.number);
    ops::next_prompt(token, running.number).map_or(std::ptr::null(), CStr::as_ptr)
}

unsafe extern "C" fn destroy(user_data: *mut c_void) {
    let Some(token) = token(user_data) else { violation("destroy without its user data") };
    token.destroy();
    let before = Inside::enter_destroy(token);
    ops::inside(token, u32::MAX);
    Inside::leave_to(before);
}

unsafe extern "C" fn thread_hook(_: *mut c_void) {
    super::exports::claude_abi_version();
}
