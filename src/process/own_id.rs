//! The pid of this process, without asking the system each time: every exported function compares it with its owner's.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A page that is zeroed in a forked child. Never unmapped: any thread may read it at any time.
static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// The pid of this process; in a forked child, the child's.
pub fn own_id() -> u32 {
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        return std::process::id();
    }
    // SAFETY: the page is mapped for ever, aligned, and zeroed by the system.
    let known = unsafe { &*page };
    match known.load(Ordering::Relaxed) {
        0 => {
            let id = std::process::id();
            known.store(id, Ordering::Relaxed);
            id
        }
        id => id,
    }
}

/// Makes [`own_id`] fast from now on. Without such a page (an old kernel, an emulator, no memory) it keeps asking the system.
#[cfg(target_os = "linux")]
pub fn remember_own_id() {
    const SIZE: usize = 4096;
    if !PAGE.load(Ordering::Acquire).is_null() {
        return;
    }
    // SAFETY: a new private mapping; it is unmapped here, unless it has become the page of the process.
    unsafe {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), SIZE, protection, flags, -1, 0);
        if page == libc::MAP_FAILED {
            return;
        }
        // An emulator of another processor (qemu-user) has no objection to any advice, even one that does not exist, and takes none.
        let takes_any = libc::madvise(page, SIZE, -1) == 0;
        let emptied = !takes_any && libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) == 0;
        let first = || {
            PAGE.compare_exchange(std::ptr::null_mut(), page.cast(), Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        };
        if !emptied || !first() {
            libc::munmap(page, SIZE);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub fn remember_own_id() {}
