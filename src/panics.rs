//! A defect of the library must not reach the host: neither as an unwinding stack nor as text on its stderr.

use std::any::Any;
use std::cell::Cell;
use std::sync::Once;

use crate::error::{Error, Status};

thread_local! {
    // Const-initialised cells without destructors: they leave nothing behind on the host's threads.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

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

/// Marks the current thread as running library code, so that the panic hook stays silent on it.
pub struct Inside(());

impl Inside {
    pub fn enter() -> Inside {
        install_quiet_hook();
        INSIDE.with(|depth| depth.set(depth.get() + 1));
        Inside(())
    }

    /// For threads that never run anything else.
    pub fn mark_thread() {
        std::mem::forget(Inside::enter());
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|depth| depth.set(depth.get() - 1));
    }
}

/// The library prints nothing: the default hook would write a caught panic to the host's stderr.
/// Panics of other code keep the hook that they had.
fn install_quiet_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if INSIDE.with(Cell::get) == 0 {
                previous(info);
            }
        }));
    });
}
