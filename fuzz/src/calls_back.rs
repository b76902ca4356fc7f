//! The callbacks of a sequence of calls, and what is done with what they are given.

use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

use claude_client::capi::client::*;
use claude_client::capi::control::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::talk::*;
use claude_client::capi::tool_call::*;
use claude_client::capi::types::*;

use super::host::{self, Status, Token, World, lock};
use super::said::{Given, Text};

pub fn keep(world: &World, request: *mut claude_request_t) {
    if !request.is_null() {
        lock(&world.requests).push(request.addr());
    }
}

/// Does something with a request, which may be dead or none.
pub fn answer(request: *mut claude_request_t, what: u8, text: &Text) {
    let text = Given::of(text);
    let text = text.as_ptr();
    let mut len = 0;
    // SAFETY: handles may be any; texts end with NUL.
    unsafe {
        let status = match what % 13 {
            0 => claude_request_respond(request, text, null_mut()),
            1 => claude_request_fail(request, text, null_mut()),
            2 => claude_request_allow(request, text, null(), null_mut()),
            3 => claude_request_allow(request, null(), text, null_mut()),
            4 => claude_request_deny(request, text, false, null_mut()),
            5 => claude_request_answer_questions(request, text, null_mut()),
            6 => claude_request_set_deadline(request, 1, text, null_mut()),
            7 => claude_request_on_cancel(
                request,
                Some(on_cancel),
                null_mut(),
                Some(on_cancel_gone),
                null_mut(),
            ),
            8 => {
                let _ =
                    (claude_request_kind(request), claude_request_state(request), claude_request_id(request));
                assert!(!claude_request_json(request, &mut len).is_null());
                let _ = claude_request_user_data(request);
                Status::CLAUDE_OK
            }
            9 => {
                let _ = claude_request_is_cancelled(request);
                Status::CLAUDE_OK
            }
            _ => {
                claude_request_free(request);
                Status::CLAUDE_OK
            }
        };
        assert_ne!(status, Status::CLAUDE_ERR_PANIC);
    }
}

unsafe extern "C" fn on_cancel(_: u64, _: *mut c_void) {}

unsafe extern "C" fn on_cancel_gone(_: *mut c_void) {}

/// Does something with a call of a tool, which may be dead or none.
pub fn answer_call(call: *mut claude_tool_call_t, what: u8, text: &Text) {
    let text = Given::of(text);
    let text = text.as_ptr();
    let mut len = 0;
    // SAFETY: handles may be any; texts end with NUL.
    unsafe {
        let status = match what % 11 {
            0 => claude_tool_call_add_text(call, text, null_mut()),
            1 => claude_tool_call_add_block(call, text, null_mut()),
            2 => claude_tool_call_set_structured(call, text, null_mut()),
            3 => claude_tool_call_set_meta(call, text, null_mut()),
            4 => claude_tool_call_finish(call, text, null_mut()),
            5 => claude_tool_call_fail(call, text, null_mut()),
            6 => claude_tool_call_progress(call, f64::from(what), f64::NAN, text, null_mut()),
            7 => claude_tool_call_add_image(call, text.cast(), 0, text, null_mut()),
            8 => claude_tool_call_on_cancel(
                call,
                Some(on_cancel),
                null_mut(),
                Some(on_cancel_gone),
                null_mut(),
            ),
            9 => {
                let _ = (claude_tool_call_name(call, &mut len), claude_tool_call_arguments(call, &mut len));
                let _ = (
                    claude_tool_call_json(call, &mut len),
                    claude_tool_call_id(call),
                    claude_tool_call_is_cancelled(call),
                );
                Status::CLAUDE_OK
            }
            _ => {
                claude_tool_call_free(call);
                Status::CLAUDE_OK
            }
        };
        assert_ne!(status, Status::CLAUDE_ERR_PANIC);
    }
}

// Callbacks that call back: only on their own client where a call may wait.

fn call_back(token: &Token) {
    assert!(!token.told(), "a callback behind its destroy-notify");
    let world = token.world();
    let client = world.client(token.client);
    let mut ran = 0;
    // SAFETY: handles may be any; texts end with NUL; functions for tokens.
    unsafe {
        let status = match token.deed & 15 {
            0 => claude_client_query(client, c"again".as_ptr(), null(), null_mut(), null_mut()),
            1 => {
                claude_client_free(client);
                Status::CLAUDE_OK
            }
            2 => claude_client_disconnect_wait(client, 10, null_mut()),
            3 => claude_client_disconnect(client, Some(done_of_nobody), null_mut(), null_mut()),
            4 => claude_client_pump(client, 1, 0, 1, &mut ran, null_mut()),
            5 => {
                let next = world.token(token.client, 9, false);
                next.taken();
                claude_client_on_message(
                    client,
                    Some(on_message),
                    next.as_data(),
                    Some(host::destroy),
                    null_mut(),
                )
            }
            6 => claude_client_interrupt_wait(client, 10, null_mut(), null_mut()),
            7 => claude_client_connect_wait(client, null(), 10, null_mut()),
            8 => claude_client_end_input(client, null_mut()),
            _ => Status::CLAUDE_OK,
        };
        assert_ne!(status, Status::CLAUDE_ERR_PANIC);
    }
}

unsafe extern "C" fn done_of_nobody(_: Status, json: *const c_char, len: usize, _: *mut c_void) {
    // SAFETY: the library's promise.
    unsafe { host::text(json, len) };
}

pub unsafe extern "C" fn on_message(
    _: claude_message_kind_t,
    json: *const c_char,
    len: usize,
    data: *mut c_void,
) {
    // SAFETY: the library's promise, and what was given is a token.
    unsafe {
        host::text(json, len);
        call_back(Token::of(data));
    }
}

pub unsafe extern "C" fn on_request(request: *mut claude_request_t, data: *mut c_void) {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    call_back(token);
    if token.deed & 64 == 0 {
        answer(request, token.deed >> 4, &Text::Known(token.deed));
    }
    keep(token.world(), request);
}

pub unsafe extern "C" fn on_tool(call: *mut claude_tool_call_t, data: *mut c_void) {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    call_back(token);
    answer_call(call, token.deed >> 4, &Text::Known(token.deed));
    lock(&token.world().calls).push(call.addr());
}

pub unsafe extern "C" fn on_stderr(_: *const c_char, _: usize, data: *mut c_void) {
    // SAFETY: what was given is a token.
    call_back(unsafe { Token::of(data) });
}

pub unsafe extern "C" fn on_closed(_: Status, json: *const c_char, len: usize, data: *mut c_void) {
    // SAFETY: the library's promise, and what was given is a token.
    unsafe {
        host::text(json, len);
        call_back(Token::of(data));
    }
}

pub unsafe extern "C" fn on_ready(data: *mut c_void) {
    // SAFETY: what was given is a token. It may only poke an event loop.
    assert!(!unsafe { Token::of(data) }.told(), "a callback behind its destroy-notify");
}
