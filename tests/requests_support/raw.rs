//! What the host needs to pass the boundary.

use std::ffi::{CString, c_char, c_void};
use std::ptr::null;
use std::sync::{Mutex, MutexGuard};

use claude_client::capi::types::claude_destroy_fn;

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub fn c_text(text: &str) -> CString {
    CString::new(text).expect("no NUL in a test's text")
}

pub fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

/// A closure as `user_data` with its destroy-notify.
pub fn boxed<T: ?Sized>(closure: Box<T>) -> (*mut c_void, claude_destroy_fn) {
    unsafe extern "C" fn destroy<T: ?Sized>(user_data: *mut c_void) {
        // SAFETY: `boxed` made the pointer, and the library calls this once.
        drop(unsafe { Box::from_raw(user_data.cast::<Box<T>>()) });
    }
    (Box::into_raw(Box::new(closure)).cast(), Some(destroy::<T>))
}
