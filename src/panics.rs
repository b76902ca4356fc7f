//! A bug in the library must not reach the host: neither as an unwinding stack nor as text on its stderr.

use std::any::Any;
use std::sync::Once;

use crate::error::{Error, Status};
use crate::place::{self, Here};
use crate::process::cancel;

/// The error for a caught panic.
pub fn panic_error(payload: &(dyn Any + Send)) -> Error {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned());
    Error::new(Status::Panic, format!("the library has a defect and closed the client: {text}"))
        .with("remedy", "free the client and create another; report this message")
}

/// Runs `body` as library code: the panic hook is silent on this thread, and the thread cannot be cancelled. `is_left` says
/// whether a frame of this thread is gone.
#[inline]
pub fn inside<T>(is_left: impl Fn(usize) -> bool, body: impl FnOnce() -> T) -> T {
    install_quiet_hook();
    place::call(cancel::prepare, is_left, cancel::disable, cancel::restore, |_| body())
}

/// Like [`inside`], for functions called once per message, where disabling and restoring cancellation would be measurable. So
/// `body` calls [`hold_cancellation`] before anything at which a cancelled thread would unwind.
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

/// From here on the current library call cannot be cancelled. For the operations that [`inside_cancellable`] may reach:
/// waiting, waking another thread, reading and writing.
#[cold]
pub fn hold_cancellation() {
    place::change(cancel::disable);
}

/// For threads that only ever run library code.
pub fn mark_thread() {
    install_quiet_hook();
    let _ = cancel::disable();
    place::mark_library_thread();
}

/// The library prints nothing: the default hook would write a caught panic to the host's stderr. Panics in other code still get
/// the previous hook.
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

/// Debug builds only, for tests: if the file named by `CLAUDE_CLIENT_PLANTED_PANIC` exists, the next call panics, and the file is
/// removed.
#[cfg(debug_assertions)]
pub mod planted {
    use std::path::PathBuf;
    use std::sync::LazyLock;

    static FILE: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("CLAUDE_CLIENT_PLANTED_PANIC").map(PathBuf::from));

    pub fn around<T>(body: impl FnOnce() -> T) -> T {
        if FILE.as_ref().is_some_and(|file| std::fs::remove_file(file).is_ok()) {
            std::panic::panic_any("planted by a test");
        }
        body()
    }
}
