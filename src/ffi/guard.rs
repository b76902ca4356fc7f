//! What wraps each export: no panic crosses the boundary, and nothing runs in a forked child.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::stack;
use crate::error::Result;
use crate::panics::{inside, inside_briefly, inside_cancellable, panic_error};
use crate::place::Here;
use crate::runtime;

/// Runs `body`; a panic becomes [`Panic`](crate::error::Status::Panic), a forked process gets [`Forked`](crate::error::Status::Forked).
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    runtime::check_fork()?;
    let position = stack::here();
    inside(|frame| stack::is_left(frame, position), || caught(body))
}

/// As [`guard`], for what is called for every event: see [`inside_cancellable`] for what `body` must do.
#[inline]
pub fn quick<T>(body: impl FnOnce(&Here) -> Result<T>) -> Result<T> {
    runtime::check_fork()?;
    let position = stack::here();
    inside_cancellable(|frame| stack::is_left(frame, position), |here| caught(|| body(here)))
}

/// As [`guard`], inside of one.
pub fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    #[cfg(debug_assertions)]
    let body = || crate::panics::planted::around(body);
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => Err(panic_error(payload.as_ref())),
    }
}

/// For exports that cannot fail: `fallback` is returned after a panic and in a forked process.
pub fn guard_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    guard(|| Ok(body())).unwrap_or(fallback)
}

/// As [`guard`], for a `body` that neither waits, nor blocks, nor calls the host.
#[inline]
pub fn brief<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    runtime::check_fork()?;
    inside_briefly(|| caught(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn a_panic_becomes_an_error_with_its_text() {
        let error = guard::<()>(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(error.status, Status::Panic);
        assert!(error.message.contains("number 7"), "{}", error.message);
    }
}
