//! How a host's values become what C functions take.

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use claude_client::capi::types::*;

use crate::token::Token;

pub trait Pass {
    type Raw;
    fn pass(self) -> Self::Raw;
}

/// A handle: a number that looks like a pointer, and that nobody reads through.
#[repr(transparent)]
pub struct Handle<T>(*mut T);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> Handle<T> {
    pub const NULL: Self = Handle(std::ptr::null_mut());

    pub fn from_number(number: usize) -> Self {
        Handle(number as *mut T)
    }

    pub fn number(self) -> usize {
        self.0 as usize
    }

    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
}

impl<T> Pass for Handle<T> {
    type Raw = *mut T;
    fn pass(self) -> *mut T {
        self.0
    }
}

/// Where a function writes a handle.
impl<T> Pass for Option<&mut Handle<T>> {
    type Raw = *mut *mut T;
    fn pass(self) -> *mut *mut T {
        self.map_or(std::ptr::null_mut(), |place| std::ptr::from_mut(place).cast())
    }
}

/// A text that the library gave and that belongs to the host.
#[repr(transparent)]
pub struct Owned(*mut c_char);

impl Owned {
    pub const NULL: Self = Owned(std::ptr::null_mut());

    /// Something that the library did not give.
    pub fn foreign(text: &'static CStr) -> Self {
        Owned(text.as_ptr().cast_mut())
    }

    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// A copy of it. The caller is the only one who has it.
    pub fn copied(&self) -> String {
        if self.0.is_null() {
            return String::new();
        }
        // SAFETY: a text of the library, which nobody has freed: it is freed by value.
        unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned()
    }
}

impl Pass for Owned {
    type Raw = *mut c_char;
    fn pass(self) -> *mut c_char {
        self.0
    }
}

impl Pass for Option<&mut Owned> {
    type Raw = *mut *mut c_char;
    fn pass(self) -> *mut *mut c_char {
        self.map_or(std::ptr::null_mut(), |place| std::ptr::from_mut(place).cast())
    }
}

impl Pass for Option<&CStr> {
    type Raw = *const c_char;
    fn pass(self) -> *const c_char {
        self.map_or(std::ptr::null(), CStr::as_ptr)
    }
}

/// Any number as a value of an enumeration: C can pass what it likes.
pub struct Number<E>(pub i32, PhantomData<E>);

pub fn number<E>(value: i32) -> Number<E> {
    Number(value, PhantomData)
}

impl<E> Pass for Number<E> {
    type Raw = MaybeUninit<E>;
    fn pass(self) -> MaybeUninit<E> {
        const { assert!(size_of::<E>() == size_of::<i32>()) };
        let mut raw = MaybeUninit::<E>::uninit();
        // SAFETY: enumerations of the header are 32 bits wide, and any bits may be in a MaybeUninit.
        unsafe { raw.as_mut_ptr().cast::<i32>().write_unaligned(self.0) };
        raw
    }
}

pub struct Bytes<'a>(pub &'a [u8]);

impl Pass for Bytes<'_> {
    type Raw = *const c_void;
    fn pass(self) -> *const c_void {
        if self.0.is_empty() { std::ptr::null() } else { self.0.as_ptr().cast() }
    }
}

/// What a callback is given as `user_data`: a token, which lives until the round is over, or NULL.
#[derive(Clone, Copy)]
pub struct UserData(*mut c_void);

impl UserData {
    pub const NULL: Self = UserData(std::ptr::null_mut());

    pub fn of(token: &Token) -> Self {
        UserData(std::ptr::from_ref(token).cast_mut().cast())
    }
}

impl Pass for UserData {
    type Raw = *mut c_void;
    fn pass(self) -> *mut c_void {
        self.0
    }
}

macro_rules! as_they_are {
    ($($type:ty),*) => { $(impl Pass for $type {
        type Raw = $type;
        fn pass(self) -> $type {
            self
        }
    })* };
}

as_they_are!(i32, u32, u64, usize, f64, bool);
as_they_are!(claude_message_fn, claude_request_fn, claude_tool_fn, claude_cancel_fn, claude_text_fn);
as_they_are!(claude_done_fn, claude_log_fn, claude_destroy_fn, claude_prompt_fn);

macro_rules! places {
    ($($type:ty),*) => { $(impl Pass for Option<&mut $type> {
        type Raw = *mut $type;
        fn pass(self) -> *mut $type {
            self.map_or(std::ptr::null_mut(), std::ptr::from_mut)
        }
    })* };
}

places!(u32, usize, isize, claude_event_info_t);

macro_rules! structs {
    ($($type:ty),*) => { $(impl Pass for Option<&$type> {
        type Raw = *const $type;
        fn pass(self) -> *const $type {
            self.map_or(std::ptr::null(), std::ptr::from_ref)
        }
    })* };
}

structs!(claude_transport_vtable_t, claude_session_store_vtable_t, claude_runtime_config_t);
