//! Function pointers of the host with their `user_data` and destroy-notify.

use std::ffi::c_void;

/// The host's `void (*destroy)(void *user_data)`.
pub type DestroyFn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's pointer, and the promise that its destroy-notify runs exactly once: when this value is dropped.
pub struct UserData {
    pointer: *mut c_void,
    destroy: DestroyFn,
}

// SAFETY: the header says that callbacks may be called on library threads; what `pointer` leads to is the host's
// to make usable there. The library never looks behind it.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub fn new(pointer: *mut c_void, destroy: DestroyFn) -> UserData {
        UserData { pointer, destroy }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy.take() {
            // SAFETY: the host registered this function for this pointer, and `take` makes the call the only one.
            unsafe { destroy(self.pointer) };
        }
    }
}
