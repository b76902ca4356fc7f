//! Text across the boundary: UTF-8, NUL-terminated or with a length on the way in; with both on the way out.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::sync::Mutex;

use crate::error::{Error, Result, Status};

/// The length that means "ends at the NUL".
pub const STRLEN: usize = usize::MAX;

/// A required text argument. `name` is the parameter's name in the header.
///
/// # Safety
/// `text` is NULL, or readable for `len` bytes, or up to its NUL when `len` is [`STRLEN`].
pub unsafe fn required<'a>(text: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise is the same.
    unsafe { optional(text, len, name) }?
        .ok_or_else(|| argument(name, format!("{name} is NULL")).with("remedy", "pass a UTF-8 text"))
}

/// A text argument that may be NULL.
///
/// # Safety
/// As [`required`].
pub unsafe fn optional<'a>(text: *const c_char, len: usize, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return match len {
            0 | STRLEN => Ok(None),
            _ => Err(argument(name, format!("{name} is NULL but its length is {len}"))),
        };
    }
    let bytes = if len == STRLEN {
        // SAFETY: the caller promises a NUL.
        unsafe { CStr::from_ptr(text) }.to_bytes()
    } else {
        if len > isize::MAX as usize {
            return Err(argument(name, format!("{name} has the impossible length {len}")));
        }
        // SAFETY: the caller promises `len` readable bytes.
        unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) }
    };
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

/// Writes through an output parameter, which may be NULL.
///
/// # Safety
/// `out` is NULL or writable.
pub unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Refuses a NULL output parameter.
pub fn require_out<T>(out: *mut T, name: &str) -> Result<()> {
    if out.is_null() {
        return Err(
            argument(name, format!("{name} is NULL")).with("remedy", "pass the address of a variable")
        );
    }
    Ok(())
}

/// Texts that the host owns, so that a foreign or second free does nothing instead of corrupting the heap.
static OWNED: Mutex<Option<HashMap<usize, Box<[u8]>>>> = Mutex::new(None);

/// Gives a text to the host, which frees it with `claude_string_free`.
pub fn give(text: String) -> *mut c_char {
    let mut bytes = text.into_bytes();
    bytes.push(0);
    let mut bytes = bytes.into_boxed_slice();
    let address = bytes.as_mut_ptr();
    let mut owned = OWNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    owned.get_or_insert_default().insert(address.addr(), bytes);
    address.cast()
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
        // SAFETY: the literals are NUL-terminated and of the given lengths.
        unsafe {
            assert_eq!(required(c"hi".as_ptr(), STRLEN, "prompt").unwrap(), "hi");
            assert_eq!(required(c"hi there".as_ptr(), 2, "prompt").unwrap(), "hi");
            assert_eq!(optional(std::ptr::null(), 0, "prompt").unwrap(), None);
            assert_eq!(
                required(std::ptr::null(), STRLEN, "prompt").unwrap_err().status,
                Status::InvalidArgument
            );
            assert!(optional(std::ptr::null(), 3, "prompt").is_err());
            let error = required(c"ab\xff".as_ptr(), STRLEN, "prompt").unwrap_err();
            assert!(error.message.contains("offset 2"), "{}", error.message);
        }
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
