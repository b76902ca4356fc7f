//! How a host in Rust passes the boundary: texts, errors, closures. Every host of the tests stands on it.
#![allow(clippy::disallowed_methods)] // This is a host's side: it reads what the library gives.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard};

use claude_client::capi::error::*;
use claude_client::capi::types::{claude_destroy_fn, claude_error_t};
use serde_json::Value;

pub use claude_client::capi::types::claude_message_kind_t as Kind;
pub use claude_client::capi::types::claude_status_t as Status;

/// A call that failed, with its error's document.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: Status,
    pub json: Value,
}

impl Failure {
    /// A text of the document; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.text("message")
    }
}

/// How a call ended that may give something.
pub type Outcome<T = Value> = Result<T, Failure>;

/// Runs a call and turns its error into a value.
pub fn check(call: impl FnOnce(*mut *mut claude_error_t) -> Status) -> Outcome<()> {
    let mut error = null_mut();
    let status = call(&mut error);
    if status == Status::CLAUDE_OK {
        assert!(error.is_null(), "an error was written by a call that succeeded");
        return Ok(());
    }
    let (same, json) = (claude_error_status(error), text_of(claude_error_json(error)));
    assert_eq!(same, status, "the error has another status than the call: {json}");
    claude_error_free(error);
    Err(Failure { status, json: parsed(&json) })
}

/// Runs a call that gives a text, which is JSON; null for none.
pub fn given(call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> Status) -> Outcome {
    given_text(call).map(|text| text.map_or(Value::Null, |text| parsed(&text)))
}

/// Runs a call that gives a text, or none.
pub fn given_text(
    call: impl FnOnce(*mut *mut c_char, *mut *mut claude_error_t) -> Status,
) -> Outcome<Option<String>> {
    let mut text = null_mut();
    check(|error| call(&mut text, error))?;
    Ok((!text.is_null()).then(|| owned(text)))
}

pub fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

/// NULL for none.
pub fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

pub fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in the library's JSON: {json}"))
}

/// A text that the library lends.
pub fn text_of(text: *const c_char) -> String {
    // SAFETY: the library's texts are never NULL and end with a NUL.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the library's texts are UTF-8").to_owned()
}

/// Takes over a text that the library gave away.
pub fn owned(text: *mut c_char) -> String {
    let copy = text_of(text);
    claude_string_free(text);
    copy
}

/// A text that a callback receives; checks the promise of a NUL behind it.
///
/// # Safety
/// As the header promises: `len` bytes and a NUL.
pub unsafe fn lent(text: *const c_char, len: usize) -> String {
    // SAFETY: the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len + 1) };
    assert_eq!(bytes[len], 0, "no NUL behind the text");
    std::str::from_utf8(&bytes[..len]).expect("the library's texts are UTF-8").to_owned()
}

/// A closure as `user_data` with its destroy-notify.
pub fn boxed<T: ?Sized>(closure: Box<T>) -> (*mut c_void, claude_destroy_fn) {
    unsafe extern "C" fn destroy<T: ?Sized>(user_data: *mut c_void) {
        // SAFETY: `boxed` made the pointer, and the library calls this once.
        drop(unsafe { Box::from_raw(user_data.cast::<Box<T>>()) });
    }
    (Box::into_raw(Box::new(closure)).cast(), Some(destroy::<T>))
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
