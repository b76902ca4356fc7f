//! Calls of a function of the host against the end of its registration.

use super::{AtomicUsize, Ordering};

/// [`CALL`] for each call that is under way, and [`RETIRED`].
pub struct Uses(AtomicUsize);

const RETIRED: usize = 1;
const CALL: usize = 2;

impl Uses {
    pub fn new() -> Uses {
        Uses(AtomicUsize::new(0))
    }

    /// A call begins. `false` when the registration has ended and nothing is under way: it may have been destroyed.
    pub fn begin(&self) -> bool {
        let begun = |state| (state != RETIRED).then_some(state + CALL);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// A call is over. `true` for the last one of a registration that has ended: it is the caller's to destroy.
    pub fn finish(&self) -> bool {
        let over = |state: usize| state.checked_sub(CALL);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, over) == Ok(CALL | RETIRED)
    }

    /// The registration ends. `true` when nothing is under way: it is the caller's to destroy.
    pub fn retire(&self) -> bool {
        self.0.fetch_or(RETIRED, Ordering::AcqRel) < CALL
    }
}
