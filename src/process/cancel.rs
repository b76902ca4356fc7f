//! A thread that is cancelled (`pthread_cancel`) is unwound from within whatever system call it is in, which no frame of the
//! library survives. So the cancellation waits until the library has been left.

use std::hash::RandomState;

pub use system::{disable, restore};

/// Before a thread runs anything of the library that can be cancelled: what Rust's maps ask the system for once on each thread,
/// their random keys, would be a place to be cancelled in.
#[cold]
pub fn prepare() {
    held(|| drop(RandomState::new()));
}

/// Runs `body` with the cancellation held.
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

    /// What was in force before, if that was another state.
    pub fn disable() -> Option<i32> {
        let old = set(DISABLE);
        (old != DISABLE).then_some(old)
    }

    pub fn restore(state: i32) {
        set(state);
    }

    fn set(state: c_int) -> c_int {
        let mut old = DISABLE;
        // SAFETY: changes a mark of the current thread; `old` is writable.
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
