//! Function pointers of the host with their `user_data` and destroy-notify.

use std::ffi::c_void;
use std::sync::Arc;

use super::stack::Mark;
use crate::place::{self, Calls, End, Host, Role, Scope};
use crate::sync::check_host_call;

/// A host function as what it may be in C++: one that throws. Called as it is declared, an exception out of it
/// would end the process in the middle of the library's frames, with no hint of where it came from.
pub trait Unwinding {
    type As;
    fn unwinding(self) -> Self::As;
}

macro_rules! unwinding {
    ($($argument:ident)*) => {
        impl<$($argument,)* R> Unwinding for unsafe extern "C" fn($($argument),*) -> R {
            type As = unsafe extern "C-unwind" fn($($argument),*) -> R;

            fn unwinding(self) -> Self::As {
                // SAFETY: the two differ only in whether the caller is prepared for unwinding.
                unsafe { std::mem::transmute::<Self, Self::As>(self) }
            }
        }
    };
}

unwinding!(A);
unwinding!(A B);
unwinding!(A B C);
unwinding!(A B C D);

/// The host's `void (*destroy)(void *user_data)`.
pub type DestroyFn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's pointer, with the guarantee that its destroy-notify runs exactly once: when this value is dropped.
pub struct UserData {
    pointer: Pointer,
    end: Option<Arc<End>>,
}

#[derive(Clone, Copy)]
struct Pointer(*mut c_void);

// SAFETY: the header says that callbacks may be called on library threads; making what the pointer refers to
// usable there is up to the host. The library never dereferences it.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl UserData {
    /// The registration ends together with `scope`.
    pub fn new(pointer: *mut c_void, destroy: DestroyFn, scope: Scope) -> UserData {
        let pointer = Pointer(pointer);
        let end = destroy.map(|destroy| {
            let destroy = move || {
                let Pointer(pointer) = { pointer };
                // SAFETY: the host registered this function for this pointer, and this closure runs once.
                call_as(destroy_function(), |calls| calls.call(|| unsafe { destroy.unwinding()(pointer) }));
            };
            End::new(scope, Box::new(destroy))
        });
        UserData { pointer, end }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.pointer.0
    }

    /// Calls a host function that was registered with this pointer. `name` is what the header calls it.
    /// `None` if it was retired after the caller had looked it up.
    #[inline]
    pub fn call<T>(&self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> Option<T> {
        self.call_as(Role::Callback, name, function)
    }

    /// As [`UserData::call`], for a function that may interrupt any code: nothing that waits may be called in
    /// it, on any thread.
    #[inline]
    pub fn call_passing<T>(&self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> Option<T> {
        self.call_as(Role::Passing, name, function)
    }

    /// As [`UserData::call`], for several calls in a row: the bookkeeping is done once.
    #[inline]
    pub fn calls<T>(&self, name: &'static str, body: impl FnOnce(&Calls<'_>, *mut c_void) -> T) -> Option<T> {
        self.begin().map(|begun| begun.calls(Role::Callback, name, body))
    }

    /// As [`UserData::call`], for a function that is called only once.
    pub fn call_once<T>(self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> Option<T> {
        let begun = self.begin()?;
        self.retire();
        Some(begun.call(Role::Callback, name, function))
    }

    /// The registration is gone: its destroy-notify waits only for calls in progress, not for frames that were
    /// left by a jump.
    pub fn retire(&self) {
        if let Some(end) = &self.end {
            end.retire();
        }
    }

    #[inline]
    fn call_as<T>(
        &self,
        role: Role,
        callback: &'static str,
        function: impl FnOnce(*mut c_void) -> T,
    ) -> Option<T> {
        self.begin().map(|begun| begun.call(role, callback, function))
    }

    #[inline]
    fn begin(&self) -> Option<Begun<'_>> {
        self.end.as_ref().is_none_or(|end| end.begin()).then_some(Begun(self))
    }
}

/// Calls in progress of a function that is not destroyed before they return.
struct Begun<'a>(&'a UserData);

impl Begun<'_> {
    #[inline]
    fn call<T>(self, role: Role, callback: &'static str, function: impl FnOnce(*mut c_void) -> T) -> T {
        self.calls(role, callback, |calls, pointer| calls.call(|| function(pointer)))
    }

    #[inline]
    fn calls<T>(
        self,
        role: Role,
        callback: &'static str,
        body: impl FnOnce(&Calls<'_>, *mut c_void) -> T,
    ) -> T {
        let host = Host { callback, role, end: self.0.end.as_ref().map_or(0, End::id) };
        call_as(host, |calls| body(calls, self.0.pointer()))
    }
}

impl Drop for Begun<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(end) = &self.0.end {
            end.finish();
        }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(end) = &self.end {
            end.run();
        }
    }
}

fn destroy_function() -> Host {
    Host { callback: "a destroy function", role: Role::Callback, end: 0 }
}

/// The only way into the host.
#[inline]
fn call_as<T>(host: Host, body: impl FnOnce(&Calls<'_>) -> T) -> T {
    check_host_call();
    let mut mark = Mark::new();
    place::call_host(host, mark.set(), body)
}
