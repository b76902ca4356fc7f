//! Text across the boundary: UTF-8 that ends with a NUL. Anything that is not text has a length instead.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::sync::Mutex;

use crate::error::{Error, Result, Status};

/// A required text argument. `name` is the parameter's name in the header.
///
/// # Safety
/// `text` is NULL, or readable up to its NUL.
pub unsafe fn required<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise is the same.
    unsafe { optional(text, name) }?
        .ok_or_else(|| argument(name, format!("{name} is NULL")).with("remedy", "pass a UTF-8 text"))
}

/// A text argument that may be NULL.
///
/// # Safety
/// As [`required`].
pub unsafe fn optional<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller promises a NUL.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(argument(
            name,
            format!("{name} is not UTF-8: the byte at offset {} is wrong", error.valid_up_to()),
        )
        .with("offset", error.valid_up_to())
        .with("remedy", "convert the text to UTF-8 before passing it")),
    }
}

/// Bytes that are not text.
///
/// # Safety
/// `bytes` is NULL, or readable for `len` bytes.
pub unsafe fn bytes<'a>(bytes: *const std::ffi::c_void, len: usize, name: &str) -> Result<&'a [u8]> {
    match (bytes.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(argument(name, format!("{name} is NULL but its length is {len}"))),
        (false, len) if len > isize::MAX as usize => {
            Err(argument(name, format!("{name} has the impossible length {len}")))
        }
        // SAFETY: the caller promises `len` readable bytes.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) }),
    }
}

fn argument(name: &str, message: String) -> Error {
    Error::new(Status::InvalidArgument, message).with("argument", name)
}

/// The error for an output parameter that is NULL but must not be. `name` is the parameter's name in the header.
#[cold]
pub fn no_out(name: &str) -> Error {
    argument(name, format!("{name} is NULL")).with("remedy", "pass the address of a variable")
}

/// A text owned by the host. Kept as the raw pointer that the host has, not as a `Box`: moving a box, as a
/// table does, would claim exclusive access to the bytes, and the host's reads through its pointer would be
/// undefined behaviour.
struct Given(*mut [u8]);

// SAFETY: the bytes belong to the owner of this value, on any thread.
unsafe impl Send for Given {}

impl Given {
    fn new(bytes: Box<[u8]>) -> Given {
        Given(Box::into_raw(bytes))
    }

    fn address(&self) -> *mut c_char {
        self.0.cast()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `new`, and released once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// Texts that the host owns, so that a foreign pointer or a double free does nothing instead of corrupting the heap.
static OWNED: Mutex<Option<HashMap<usize, Given>>> = Mutex::new(None);

/// A C string ends at its first NUL: one inside becomes U+FFFD, so that nothing after it is lost.
pub fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

/// Gives a text to the host, which frees it with `claude_string_free`.
pub fn give(text: String) -> *mut c_char {
    let mut bytes = without_nul(text).into_bytes();
    bytes.push(0);
    let given = Given::new(bytes.into_boxed_slice());
    let address = given.address();
    let mut owned = OWNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    owned.get_or_insert_default().insert(address.addr(), given);
    address
}

/// How many texts the host has not freed.
pub fn given() -> usize {
    OWNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).as_ref().map_or(0, HashMap::len)
}

/// Takes a text back. Anything that [`give`] did not hand out is ignored.
pub fn take_back(text: *mut c_char) {
    let mut owned = OWNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(texts) = owned.as_mut() {
        texts.remove(&text.addr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_is_checked() {
        // SAFETY: the literals are NUL-terminated.
        unsafe {
            assert_eq!(required(c"hi".as_ptr(), "prompt").unwrap(), "hi");
            assert_eq!(optional(std::ptr::null(), "prompt").unwrap(), None);
            assert_eq!(required(std::ptr::null(), "prompt").unwrap_err().status, Status::InvalidArgument);
            let error = required(c"ab\xff".as_ptr(), "prompt").unwrap_err();
            assert!(error.message.contains("offset 2"), "{}", error.message);
        }
    }

    #[test]
    fn a_nul_inside_hides_nothing_behind_it() {
        let text = give("a\0b".into());
        // SAFETY: given just now and NUL-terminated.
        assert_eq!(unsafe { CStr::from_ptr(text) }.to_str(), Ok("a\u{FFFD}b"));
        take_back(text);
    }

    #[test]
    fn owned_text_can_be_freed_twice() {
        let text = give("hello".into());
        // SAFETY: given just now and NUL-terminated.
        assert_eq!(unsafe { CStr::from_ptr(text) }.to_str(), Ok("hello"));
        take_back(text);
        take_back(text);
        take_back(std::ptr::null_mut());
    }
}
