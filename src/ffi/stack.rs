//! The stack of the current thread: where it lies, and whether a frame on it is still there.

use std::cell::Cell;

/// An address in the frame of the caller.
#[inline(always)]
pub fn here() -> usize {
    let local = 0u8;
    std::hint::black_box(&raw const local).addr()
}

/// What a [`Mark`] contains as long as its frame exists.
const STANDS: u64 = 0x6c61_7564_652d_6366;

/// A mark in a frame by which the frame can be recognised.
pub struct Mark(u64);

impl Mark {
    pub fn new() -> Mark {
        Mark(0)
    }

    pub fn set(&mut self) -> usize {
        // SAFETY: the reference is to a live number; volatile, since only `is_left` reads it.
        unsafe { std::ptr::write_volatile(&mut self.0, STANDS) };
        (&raw const self.0).expose_provenance()
    }
}

impl Drop for Mark {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { std::ptr::write_volatile(&mut self.0, 0) };
    }
}

/// Whether the frame that had the mark at `frame` is gone, judged from `position`, an address in a running
/// frame. In doubt it is not: either address may lie on another stack, such as a coroutine's.
pub fn is_left(frame: usize, position: usize) -> bool {
    if !on_this_stack(frame) || !on_this_stack(position) {
        return false;
    }
    // SAFETY: further out than a running frame, so the stack is mapped, whatever uses it now; aligned as it was.
    position > frame || unsafe { std::ptr::with_exposed_provenance::<u64>(frame).read_volatile() } != STANDS
}

fn on_this_stack(address: usize) -> bool {
    thread_local!(static BOUNDS: Cell<(usize, usize)> = const { Cell::new((0, 0)) });
    let mut bounds = BOUNDS.with(Cell::get);
    if bounds.1 == 0 {
        bounds = known(system::bounds());
        BOUNDS.with(|known| known.set(bounds));
    }
    (bounds.0..bounds.1).contains(&address)
}

/// If the bounds of the stack are unknown, no address is known to lie on it.
fn known(bounds: Option<(usize, usize)>) -> (usize, usize) {
    bounds.unwrap_or((1, 1))
}

#[cfg(target_os = "linux")]
mod system {
    use std::mem::MaybeUninit;

    pub fn bounds() -> Option<(usize, usize)> {
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the attributes are filled in by the first call, read by the second, and released by the third.
        let known = unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size) == 0;
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            known
        };
        known.then(|| (low.addr(), low.addr() + size))
    }
}

#[cfg(target_os = "macos")]
mod system {
    pub fn bounds() -> Option<(usize, usize)> {
        // SAFETY: both only read what the system knows about the current thread.
        let (high, size) = unsafe {
            let this = libc::pthread_self();
            (libc::pthread_get_stackaddr_np(this).addr(), libc::pthread_get_stacksize_np(this))
        };
        Some((high.saturating_sub(size), high))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod system {
    pub fn bounds() -> Option<(usize, usize)> {
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn on_a_stack_whose_place_is_unknown_no_frame_is_taken_for_left() {
        let (low, high) = super::known(None);
        assert!(high != 0, "it would be asked for again and again");
        assert!(![0, 1, super::here(), usize::MAX].iter().any(|address| (low..high).contains(address)));
    }
}
