//! Synchronises the calls of a host function with the end of its registration.

use super::{AtomicUsize, Ordering};

/// [`CALL`] for each call in progress, plus [`RETIRED`].
pub struct Uses(AtomicUsize);

const RETIRED: usize = 1;
const CALL: usize = 2;

impl Uses {
    pub fn new() -> Uses {
        Uses(AtomicUsize::new(0))
    }

    /// A call starts. `false` if the registration has ended and no call is in progress: it may have been destroyed.
    pub fn begin(&self) -> bool {
        let begun = |state| (state != RETIRED).then_some(state + CALL);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// A call is over. `true` for the last one of a registration that has ended: the caller must destroy it.
    pub fn finish(&self) -> bool {
        let over = |state: usize| state.checked_sub(CALL);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, over) == Ok(CALL | RETIRED)
    }

    /// The registration ends. `true` if no call is in progress: the caller must destroy it.
    pub fn retire(&self) -> bool {
        self.0.fetch_or(RETIRED, Ordering::AcqRel) < CALL
    }
}
