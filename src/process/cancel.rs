//! A thread that is cancelled (`pthread_cancel`) is unwound from within whatever system call it is in, which no frame of the
//! library survives. So the cancellation waits until the library has been left.

pub use system::{State, disable, restore};

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod system {
    use std::ffi::c_int;

    /// What was in force before.
    pub type State = c_int;

    #[cfg(target_os = "linux")]
    const DISABLE: c_int = 1;
    #[cfg(target_os = "macos")]
    const DISABLE: c_int = 0;

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    }

    pub fn disable() -> State {
        set(DISABLE)
    }

    pub fn restore(state: State) {
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
    pub type State = ();

    pub fn disable() -> State {}

    pub fn restore(_state: State) {}
}
