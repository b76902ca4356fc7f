//! A defect of the library must not reach the host: neither as an unwinding stack nor as text on its stderr.

use std::any::Any;
use std::sync::Once;

use crate::error::{Error, Status};
use crate::place::{self, Here};
use crate::process::cancel;

/// The error that stands for a caught panic.
pub fn panic_error(payload: &(dyn Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned());
    Error::new(Status::Panic, format!("the library has a defect and closed the client: {text}"))
        .with("remedy", "free the client and create another; report this message")
}

/// Runs `body` as library code: the panic hook stays silent on this thread, and it cannot be cancelled. `is_left` tells whether
/// a frame of this thread is gone.
#[inline]
pub fn inside<T>(is_left: impl Fn(usize) -> bool, body: impl FnOnce() -> T) -> T {
    install_quiet_hook();
    place::call(cancel::prepare, is_left, cancel::disable, cancel::restore, |_| body())
}

/// As [`inside`], for what is called once a message: to set the mark of the thread and to set it again would be felt. So `body`
/// calls [`hold_cancellation`] before whatever a cancelled thread would be unwound from.
#[inline]
pub fn inside_cancellable<T>(is_left: impl Fn(usize) -> bool, body: impl FnOnce(&Here) -> T) -> T {
    install_quiet_hook();
    place::call(cancel::prepare, is_left, || None, cancel::restore, body)
}

/// Runs `body` as library code that neither waits, nor blocks, nor calls the host.
#[inline]
pub fn inside_briefly<T>(body: impl FnOnce() -> T) -> T {
    install_quiet_hook();
    place::brief(cancel::prepare, body)
}

/// From here on the call of the library that is under way cannot be cancelled. For what [`inside_cancellable`] comes to:
/// waiting, waking another thread, reading and writing.
#[cold]
pub fn hold_cancellation() {
    place::change(cancel::disable);
}

/// For threads that never run anything else.
pub fn mark_thread() {
    install_quiet_hook();
    let _ = cancel::disable();
    place::mark_library_thread();
}

/// The library prints nothing: the default hook would write a caught panic to the host's stderr.
/// Panics of other code keep the hook that they had.
pub fn install_quiet_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !place::is_inside() {
                previous(info);
            }
        }));
    });
}
