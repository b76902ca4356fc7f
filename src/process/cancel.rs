//! A cancelled thread (`pthread_cancel`) is unwound from within its current system call, which no frame of the library
//! survives. So cancellation is deferred until the thread has left the library.

use std::hash::RandomState;

pub use system::{disable, restore};

/// Called before a thread runs anything of the library that can be cancelled: Rust's maps ask the system for their random keys
/// once on each thread, which would be a cancellation point.
#[cold]
pub fn prepare() {
    held(|| drop(RandomState::new()));
}

/// Runs `body` with cancellation disabled.
pub fn held<T>(body: impl FnOnce() -> T) -> T {
    let before = disable();
    let value = body();
    if let Some(before) = before {
        restore(before);
    }
    value
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod system {
    use std::ffi::c_int;

    #[cfg(target_os = "linux")]
    const DISABLE: c_int = 1;
    #[cfg(target_os = "macos")]
    const DISABLE: c_int = 0;

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    }

    /// The previous state, if it was another one.
    pub fn disable() -> Option<i32> {
        let old = set(DISABLE);
        (old != DISABLE).then_some(old)
    }

    pub fn restore(state: i32) {
        set(state);
    }

    fn set(state: c_int) -> c_int {
        let mut old = DISABLE;
        // SAFETY: changes a flag of the current thread; `old` is writable.
        unsafe { pthread_setcancelstate(state, &mut old) };
        old
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod system {
    pub fn disable() -> Option<i32> {
        None
    }

    pub fn restore(_state: i32) {}
}
