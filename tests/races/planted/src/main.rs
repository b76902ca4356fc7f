//! Two threads that use a number without any order between them. `make tsan` runs it to see that a race is found in Rust code.
//! `ordered` as its argument: with an order, where none must be found.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

struct Shared {
    number: UnsafeCell<u64>,
    written: AtomicBool,
}

// SAFETY: none. This is the race.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared { number: UnsafeCell::new(0), written: AtomicBool::new(false) };

fn main() {
    let ordered = std::env::args().any(|argument| argument == "ordered");
    let (store, load) = if ordered {
        (Ordering::Release, Ordering::Acquire)
    } else {
        (Ordering::Relaxed, Ordering::Relaxed)
    };
    let writer = std::thread::spawn(move || {
        // SAFETY: with an order, nobody reads yet.
        unsafe { SHARED.number.get().write(7) };
        SHARED.written.store(true, store);
    });
    while !SHARED.written.load(load) {
        std::thread::yield_now();
    }
    // SAFETY: with an order, the write is over.
    println!("{}", unsafe { SHARED.number.get().read() });
    let _ = writer.join();
}
