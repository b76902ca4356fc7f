//! Function pointers of the host with their `user_data` and destroy-notify.

use std::ffi::c_void;
use std::sync::Arc;

use super::stack::Mark;
use crate::place::{self, End, Host, Role, Scope};

/// A function of the host as what it may be in C++: one that throws. Called as it is declared, an exception out of it would
/// end the process in the midst of the frames of the library, without a word about where it came from.
pub trait Unwinding {
    type As;
    fn unwinding(self) -> Self::As;
}

macro_rules! unwinding {
    ($($argument:ident)*) => {
        impl<$($argument,)* R> Unwinding for unsafe extern "C" fn($($argument),*) -> R {
            type As = unsafe extern "C-unwind" fn($($argument),*) -> R;

            fn unwinding(self) -> Self::As {
                // SAFETY: the two differ only in what the caller is ready for.
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

/// The host's pointer, and the promise that its destroy-notify runs exactly once: when this value is dropped.
pub struct UserData {
    pointer: Pointer,
    end: Option<Arc<End>>,
}

#[derive(Clone, Copy)]
struct Pointer(*mut c_void);

// SAFETY: the header says that callbacks may be called on library threads; what the pointer leads to is the host's
// to make usable there. The library never looks behind it.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl UserData {
    /// `scope` is what the registration ends with.
    pub fn new(pointer: *mut c_void, destroy: DestroyFn, scope: Scope) -> UserData {
        let pointer = Pointer(pointer);
        let end = destroy.map(|destroy| {
            let destroy = move || {
                let Pointer(pointer) = { pointer };
                // SAFETY: the host registered this function for this pointer, and the end runs once.
                call_as(destroy_function(), || unsafe { destroy.unwinding()(pointer) });
            };
            End::new(scope, Box::new(destroy))
        });
        UserData { pointer, end }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.pointer.0
    }

    /// Calls a function of the host that was registered with this pointer. `name` is what the header calls it.
    #[inline]
    pub fn call<T>(&self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> T {
        self.call_in(Role::Callback, name, function)
    }

    /// As [`UserData::call`], for a function that may interrupt anybody: nothing that waits may be called in it, on any thread.
    #[inline]
    pub fn call_passing<T>(&self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> T {
        self.call_in(Role::Passing, name, function)
    }

    /// As [`UserData::call`], for the one call that there is.
    pub fn call_once<T>(self, name: &'static str, function: impl FnOnce(*mut c_void) -> T) -> T {
        self.begin();
        self.retire();
        self.call_begun(Role::Callback, name, function)
    }

    /// As [`UserData::call`], by somebody who may have looked it up before it was retired. `None` = it is gone.
    pub fn call_unless_retired<T>(
        &self,
        role: Role,
        name: &'static str,
        function: impl FnOnce(*mut c_void) -> T,
    ) -> Option<T> {
        self.begin().then(|| self.call_begun(role, name, function))
    }

    /// The registration is gone: its destroy-notify waits for calls that are under way only, and not for frames that were left.
    pub fn retire(&self) {
        if let Some(end) = &self.end {
            end.retire();
        }
    }

    #[inline]
    fn call_in<T>(&self, role: Role, callback: &'static str, function: impl FnOnce(*mut c_void) -> T) -> T {
        self.begin();
        self.call_begun(role, callback, function)
    }

    #[inline]
    fn begin(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.begin())
    }

    #[inline]
    fn call_begun<T>(
        &self,
        role: Role,
        callback: &'static str,
        function: impl FnOnce(*mut c_void) -> T,
    ) -> T {
        let end = self.end.as_ref();
        let host = Host { callback, role, end: end.map_or(0, End::id) };
        let value = call_as(host, || function(self.pointer()));
        if let Some(end) = end {
            end.finish();
        }
        value
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

/// The one way into the host.
#[inline]
fn call_as<T>(host: Host, function: impl FnOnce() -> T) -> T {
    let mut mark = Mark::new();
    let value = place::call_host(host, mark.set(), function);
    mark.clear();
    value
}
