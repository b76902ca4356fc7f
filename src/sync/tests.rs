use super::*;

struct Outer;

impl Ranked for Outer {
    const RANK: Rank = Rank::Life;
}

struct Inner;

impl Ranked for Inner {
    const RANK: Rank = Rank::Queue;
}

fn panics(body: impl FnOnce() + Send + 'static) -> bool {
    std::thread::spawn(body).join().is_err()
}

#[test]
fn locks_are_taken_from_the_outermost_to_the_innermost() {
    let (outer, inner) = (Mutex::new(Outer), Mutex::new(Inner));
    let first = lock(&outer);
    let second = lock(&inner);
    // Whichever is released first, the other keeps its rank.
    drop(first);
    drop(second);
    drop(lock(&inner));
    drop(lock(&outer));
}

#[test]
#[cfg(debug_assertions)]
fn a_wrong_order_panics() {
    assert!(panics(|| {
        let (outer, inner) = (Mutex::new(Outer), Mutex::new(Inner));
        let _inner = lock(&inner);
        let _outer = lock(&outer);
    }));
    // Even if the outer one of three has been released already.
    assert!(panics(|| {
        let (outer, inner, other) = (Mutex::new(Outer), Mutex::new(Inner), Mutex::new(Outer));
        let first = lock(&outer);
        let _inner = lock(&inner);
        drop(first);
        let _other = lock(&other);
    }));
}

#[test]
#[cfg(debug_assertions)]
fn two_locks_of_one_rank_are_not_held_at_once() {
    assert!(panics(|| {
        let (one, other) = (Mutex::new(Inner), Mutex::new(Inner));
        let _one = lock(&one);
        let _other = lock(&other);
    }));
}

#[test]
#[cfg(debug_assertions)]
fn a_waiting_thread_keeps_its_rank() {
    assert!(panics(|| {
        let (outer, inner, changed) = (Mutex::new(Outer), Mutex::new(Inner), Condvar::new());
        let _inner = changed.wait_timeout(lock(&inner), std::time::Duration::ZERO);
        let _outer = lock(&outer);
    }));
}

#[test]
#[cfg(debug_assertions)]
fn the_host_is_not_called_under_a_lock_that_it_may_need() {
    struct Reading;

    impl Ranked for Reading {
        const RANK: Rank = Rank::Reading;
    }

    let (reading, inner) = (Mutex::new(Reading), Mutex::new(Inner));
    let _reading = lock(&reading);
    check_host_call();
    assert!(panics(move || {
        let _inner = lock(&inner);
        check_host_call();
    }));
}

#[test]
fn a_panic_under_a_lock_leaves_it_usable_and_no_rank_behind() {
    let (outer, inner) = (Mutex::new(Outer), Mutex::new(Inner));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _inner = lock(&inner);
        panic!("under the lock");
    }));
    assert!(caught.is_err());
    let _outer = lock(&outer);
    drop(lock(&inner));
}
