//! The parameters of an export, converted from C. Each macro here holds the one `unsafe` of its kind, with the
//! rule of the header that it relies on: an export says what it does with a parameter, and no more.

use std::ffi::c_char;

use super::text;
use crate::error::Result;

/// An output parameter, which may be NULL: a value written to it is then dropped.
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Out<T> {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// # Safety
    /// `out` is NULL, or writable as long as this lives.
    #[inline]
    pub unsafe fn new(out: *mut T) -> Out<T> {
        Out(out)
    }

    #[inline]
    pub fn is_wanted(self) -> bool {
        !self.0.is_null()
    }

    #[inline]
    pub fn put(self, value: T) {
        if self.is_wanted() {
            // SAFETY: not NULL, so writable by the promise given to `new`.
            unsafe { self.0.write(value) };
        }
    }

    /// Refuses NULL. `name` is the parameter's name in the header.
    #[inline]
    pub fn required(self, name: &str) -> Result<Out<T>> {
        if self.is_wanted() { Ok(self) } else { Err(text::no_out(name)) }
    }
}

impl Out<*mut c_char> {
    /// Gives a text to the host, if it wants one; the host frees it with `claude_string_free`.
    pub fn give(self, text: String) {
        if self.is_wanted() {
            self.put(text::give(text));
        }
    }
}

/// A text; NULL is refused.
macro_rules! required_text {
    ($parameter:ident) => {
        // SAFETY: a text is NULL or ends with a NUL, and stays as it is during the call.
        unsafe { $crate::ffi::text::required($parameter, stringify!($parameter)) }
    };
}

/// A text, or NULL for none.
macro_rules! optional_text {
    ($parameter:ident) => {
        // SAFETY: a text is NULL or ends with a NUL, and stays as it is during the call.
        unsafe { $crate::ffi::text::optional($parameter, stringify!($parameter)) }
    };
}

/// Bytes with their length.
macro_rules! bytes {
    ($parameter:ident, $len:ident) => {
        // SAFETY: bytes are NULL or readable up to their length, and stay as they are during the call.
        unsafe { $crate::ffi::text::bytes($parameter, $len, stringify!($parameter)) }
    };
}

/// The number of an enumeration, which may be any number.
macro_rules! number {
    ($parameter:ident) => {
        // SAFETY: the caller of an export has passed a number.
        unsafe { $crate::ffi::number::number($parameter) }
    };
}

/// A struct that begins with its size.
macro_rules! structure {
    ($parameter:ident) => {
        // SAFETY: a struct is NULL or readable as far as the size at its start says.
        unsafe { $crate::ffi::versioned::read($parameter, stringify!($parameter)) }
    };
}

/// A struct that begins with its size, to be filled.
macro_rules! filled {
    ($parameter:ident, $fill:expr) => {
        // SAFETY: a struct to be filled is NULL or writable as far as the size at its start says.
        unsafe { $crate::ffi::versioned::fill($parameter, stringify!($parameter), $fill) }
    };
}

/// An output parameter.
macro_rules! out {
    ($parameter:ident) => {
        // SAFETY: an output parameter is NULL or writable during the call, and nothing here outlives that.
        unsafe { $crate::ffi::param::Out::new($parameter) }
    };
}

/// An output parameter; NULL is refused.
macro_rules! required_out {
    ($parameter:ident) => {
        $crate::ffi::param::out!($parameter).required(stringify!($parameter))
    };
}

pub(crate) use {bytes, filled, number, optional_text, out, required_out, required_text, structure};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_null_is_dropped() {
        let (mut there, nowhere): (u32, *mut u32) = (0, std::ptr::null_mut());
        // SAFETY: NULL, or a variable that outlives it.
        let (out, none) = unsafe { (Out::new(&mut there), Out::new(nowhere)) };
        out.put(7);
        none.put(8);
        assert!(out.required("count").is_ok());
        assert_eq!(none.required("count").err().map(|error| error.message), Some("count is NULL".into()));
        assert_eq!(there, 7);
    }

    #[test]
    fn no_text_is_kept_for_a_host_that_wants_none() {
        let before = text::given();
        // SAFETY: NULL.
        let out = unsafe { Out::new(std::ptr::null_mut::<*mut c_char>()) };
        out.give("nobody's".into());
        assert_eq!(text::given(), before);
    }
}
