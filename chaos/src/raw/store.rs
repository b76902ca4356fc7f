//! A session store of the host: one that answers as it should, or late, or twice, or not at all.

use std::ffi::{c_char, c_void};

use claude_client::capi::types::*;

use super::callbacks::DESTROY;
use super::exports::StoreCall;
use crate::ops;
use crate::token::Token;
use crate::watch::violation;

/// What is handed to `claude_session_store_create`.
pub fn store_vtable(whole: bool, with_more: bool) -> claude_session_store_vtable_t {
    let more: claude_store_fn = if with_more { Some(asked) } else { None };
    claude_session_store_vtable_t {
        size: size_of::<claude_session_store_vtable_t>(),
        append: Some(append),
        load: if whole { Some(asked) } else { None },
        list: more,
        summaries: more,
        remove: more,
        list_subkeys: more,
        destroy: DESTROY,
    }
}

unsafe extern "C" fn append(
    call: *mut claude_store_call_t,
    _key: *const c_char,
    _entries: *const c_char,
    user_data: *mut c_void,
) {
    // SAFETY: as in `asked`.
    unsafe { asked(call, std::ptr::null(), user_data) }
}

unsafe extern "C" fn asked(call: *mut claude_store_call_t, _key: *const c_char, user_data: *mut c_void) {
    // SAFETY: a store is registered with a token, which lives until the round is over.
    let token = unsafe { user_data.cast::<Token>().as_ref() }.unwrap_or_else(|| violation("no user data"));
    let running = token.enter();
    ops::on_store_call(token, running.number, StoreCall::from_number(call as usize));
}
