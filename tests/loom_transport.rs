//! What the reader waits for, and the host's transport, under the model checker: the bound of the queue, the inlet, and the
//! host's functions against their end. The files are the library's own; only the primitives are loom's.

#[allow(dead_code)]
#[path = "../src/dispatch/bound.rs"]
mod bound;
#[allow(dead_code)]
#[path = "../src/transport/host/calls.rs"]
mod calls;
#[allow(dead_code)]
#[path = "../src/transport/host/inlet.rs"]
mod inlet;
#[path = "loom_support/sync.rs"]
mod sync;

mod error {
    pub use claude_client::error::*;
}
mod process {
    pub use claude_client::process::Exit;
}

use std::sync::Arc as StdArc;

use bound::Bound;
use bytes::BytesMut;
use calls::Calls;
use inlet::{Ending, Inlet, Taken};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use loom::thread;
use sync::{Mutex, SystemCondvar, check, lock, run};

/// What the host's transport is here: it notes when a function of it runs behind its end.
pub trait Link: Send + Sync {
    fn call(&self);
}

/// A queue of entries of one size, read by one thread and emptied by another.
struct Queue {
    bound: Bound,
    entries: Mutex<usize>,
    pushed: SystemCondvar,
}

impl Queue {
    fn new(most: usize) -> Arc<Queue> {
        Arc::new(Queue { bound: Bound::new(most), entries: Mutex::new(0), pushed: SystemCondvar::new() })
    }

    fn push(&self, cost: usize) {
        self.bound.add(cost);
        *lock(&self.entries) += 1;
        self.pushed.notify_one();
    }

    fn pop(&self, cost: usize) {
        let mut entries = lock(&self.entries);
        while *entries == 0 {
            entries = self.pushed.wait(entries).unwrap();
        }
        *entries -= 1;
        drop(entries);
        if self.bound.release(cost) {
            self.bound.tell_room();
        }
    }
}

#[test]
fn a_reader_that_stops_at_the_bound_goes_on_when_there_is_room() {
    check(3, || {
        let queue = Queue::new(2);
        let host = {
            let queue = queue.clone();
            thread::spawn(move || (0..3).for_each(|_| queue.pop(2)))
        };
        for _ in 0..3 {
            while queue.bound.is_reached(0) {
                run(queue.bound.wait_for_room());
            }
            queue.push(2);
        }
        host.join().unwrap();
        assert_eq!(queue.bound.bytes(), 0);
    });
}

/// The reader may go on for the sake of a reply while the queue is full, as long as there is extra room; the host, in the next
/// callback by then, waits for that reply.
#[test]
fn a_reply_is_read_as_soon_as_there_is_extra_room() {
    check(3, || {
        let queue = Queue::new(1);
        let open = Arc::new(AtomicBool::new(false));
        let replied = Arc::new((Mutex::new(false), SystemCondvar::new()));
        queue.push(4);
        queue.push(2);
        let host = {
            let (queue, open, replied) = (queue.clone(), open.clone(), replied.clone());
            thread::spawn(move || {
                open.store(true, SeqCst);
                queue.bound.tell_room();
                queue.pop(4);
                let mut heard = lock(&replied.0);
                while !*heard {
                    heard = replied.1.wait(heard).unwrap();
                }
                drop(heard);
                queue.pop(2);
            })
        };
        while queue.bound.is_reached(0) && (queue.bound.is_reached(2) || !open.load(SeqCst)) {
            run(queue.bound.wait_for_room());
        }
        *lock(&replied.0) = true;
        replied.1.notify_one();
        host.join().unwrap();
    });
}

/// What the reader does with an inlet, to its end.
fn read(inlet: &Inlet, room: impl Fn()) -> usize {
    let mut buffer = BytesMut::new();
    loop {
        match inlet.take(&mut buffer) {
            Taken::Some { room: true } => room(),
            Taken::Some { room: false } => {}
            Taken::Nothing => run(inlet.work()),
            Taken::End => return buffer.len(),
        }
    }
}

#[test]
fn everything_that_was_taken_from_a_host_is_read_before_the_end() {
    for closed in [false, true] {
        check(2, move || {
            let inlet = Arc::new(Inlet::new(0));
            let taken = Arc::new(AtomicUsize::new(0));
            let pushing: Vec<_> = (0..2)
                .map(|_| {
                    let (inlet, taken) = (inlet.clone(), taken.clone());
                    thread::spawn(move || {
                        if inlet.push(b"x").is_ok() {
                            taken.fetch_add(1, SeqCst);
                        }
                    })
                })
                .collect();
            let ending = {
                let inlet = inlet.clone();
                thread::spawn(move || match closed {
                    true => inlet.close(),
                    false => inlet.end(Ending::new(0, 0, "")).unwrap(),
                })
            };
            let seen = read(&inlet, || ());
            pushing.into_iter().for_each(|pushing| pushing.join().unwrap());
            ending.join().unwrap();
            assert_eq!(seen, taken.load(SeqCst));
        });
    }
}

/// A host that was told to wait waits for nothing else.
#[test]
fn a_host_without_room_is_told_of_room() {
    check(2, || {
        let inlet = Arc::new(Inlet::new(0));
        let told = Arc::new((Mutex::new(false), SystemCondvar::new()));
        inlet.push(&vec![b'x'; 1 << 20]).unwrap();
        let host = {
            let (inlet, told) = (inlet.clone(), told.clone());
            thread::spawn(move || {
                if !inlet.has_room() {
                    let mut heard = lock(&told.0);
                    while !*heard {
                        heard = told.1.wait(heard).unwrap();
                    }
                }
                inlet.push(b"x").unwrap();
                inlet.end(Ending::new(0, 0, "")).unwrap();
            })
        };
        let seen = read(&inlet, || {
            *lock(&told.0) = true;
            told.1.notify_one();
        });
        host.join().unwrap();
        assert_eq!(seen, (1 << 20) + 1);
    });
}

/// Functions of a host that must not run once they have been released.
struct Watched {
    released: Arc<AtomicBool>,
}

impl Link for Watched {
    fn call(&self) {
        assert!(!self.released.load(SeqCst), "a function begins behind the release");
        thread::yield_now();
        assert!(!self.released.load(SeqCst), "a function runs behind the release");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        assert!(!self.released.load(SeqCst), "held behind the release");
    }
}

#[test]
fn no_function_of_a_transport_runs_behind_its_release() {
    check(3, || {
        let released = Arc::new(AtomicBool::new(false));
        let link = StdArc::new(Watched { released: released.clone() });
        let calls = Arc::new(Calls::new(link));
        let caller = {
            let calls = calls.clone();
            thread::spawn(move || {
                calls.call(|link| link.call());
                calls.call_closing(|link| link.call());
            })
        };
        calls.begin_closing();
        assert!(calls.call(|_| ()).is_none(), "a function begins while the transport closes");
        calls.release();
        released.store(true, SeqCst);
        assert!(calls.call_closing(|_| ()).is_none());
        caller.join().unwrap();
    });
}
