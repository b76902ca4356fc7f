//! A defect of the library must not reach the host: neither as an unwinding stack nor as text on its stderr.

use std::any::Any;
use std::cell::Cell;
use std::sync::Once;

use crate::error::{Error, Status};
use crate::place::{self, Call};
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

thread_local! {
    /// Whether the host lets this thread be cancelled, as long as the library has changed that.
    static CANCEL: Cell<Option<cancel::State>> = const { Cell::new(None) };
}

/// Marks the current thread as running library code: the panic hook stays silent on it, and it cannot be cancelled.
pub struct Inside(Call);

impl Inside {
    /// `is_left` tells whether a frame of this thread is gone.
    pub fn enter(is_left: impl Fn(usize) -> bool) -> Inside {
        install_quiet_hook();
        let call = Call::enter(is_left);
        // Where the last call was left without returning, the host's own choice is known already.
        if call.is_outermost() && CANCEL.with(Cell::get).is_none() {
            CANCEL.with(|state| state.set(Some(cancel::disable())));
        }
        Inside(call)
    }

    /// For threads that never run anything else.
    pub fn mark_thread() {
        install_quiet_hook();
        cancel::disable();
        place::mark_library_thread();
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.0.is_outermost()
            && let Some(state) = CANCEL.with(Cell::take)
        {
            cancel::restore(state);
        }
    }
}

/// The library prints nothing: the default hook would write a caught panic to the host's stderr.
/// Panics of other code keep the hook that they had.
fn install_quiet_hook() {
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
