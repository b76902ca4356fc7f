//! Calls of the host's functions against the end of their registrations, under the model checker: the counts behind a
//! destroy-notify, the log, and a thread that stops waiting. The files are the library's own; only the primitives are loom's.

#[allow(dead_code)]
#[path = "../src/log/sink.rs"]
mod sink;
#[path = "loom_support/sync.rs"]
mod sync;
#[allow(dead_code)]
#[path = "../src/place/uses.rs"]
mod uses;
#[allow(dead_code)]
#[path = "../src/dispatch/waiter.rs"]
mod waiter;

// As `uses.rs` finds them in the library.
use loom::sync::atomic::{AtomicUsize, Ordering};

use loom::sync::Arc;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;
use sink::Sink;
use sync::check;
use uses::Uses;
use waiter::Waiter;

/// A registration whose destroy-notify runs when the counts say so.
struct Registration {
    uses: Uses,
    running: AtomicUsize,
    destroyed: AtomicUsize,
}

impl Registration {
    fn call(&self) {
        if !self.uses.begin() {
            return;
        }
        self.running.fetch_add(1, SeqCst);
        assert_eq!(self.destroyed.load(SeqCst), 0, "called behind its destroy-notify");
        thread::yield_now();
        assert_eq!(self.destroyed.load(SeqCst), 0, "destroyed while it runs");
        self.running.fetch_sub(1, SeqCst);
        if self.uses.finish() {
            self.destroy();
        }
    }

    fn destroy(&self) {
        assert_eq!(self.running.load(SeqCst), 0, "destroyed while it runs");
        assert_eq!(self.destroyed.fetch_add(1, SeqCst), 0, "destroyed twice");
    }
}

#[test]
fn a_registration_is_destroyed_once_and_behind_its_last_call() {
    check(3, || {
        let registration = Arc::new(Registration {
            uses: Uses::new(),
            running: AtomicUsize::new(0),
            destroyed: AtomicUsize::new(0),
        });
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let registration = registration.clone();
                thread::spawn(move || registration.call())
            })
            .collect();
        if registration.uses.retire() {
            registration.destroy();
        }
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(registration.destroyed.load(Ordering::SeqCst), 1);
    });
}

/// A log callback that notes the highest level that it may get.
#[derive(Clone)]
struct Handler {
    most: i32,
    alive: Arc<AtomicUsize>,
}

fn handler(most: i32) -> Handler {
    Handler { most, alive: Arc::new(AtomicUsize::new(1)) }
}

fn write(sink: &Sink<Handler>, level: i32) {
    if sink.wants(level) {
        sink.tell(level, |handler| {
            assert!(level <= handler.most, "a line above its level");
            assert_eq!(handler.alive.load(SeqCst), 1, "called behind its end");
            thread::yield_now();
            assert_eq!(handler.alive.load(SeqCst), 1, "ended while it runs");
        });
    }
}

fn set(sink: &Sink<Handler>, most: i32, handler: Option<Handler>) {
    if let Some(old) = sink.set(most, handler) {
        assert_eq!(old.alive.swap(0, SeqCst), 1, "ended twice");
    }
}

#[test]
fn a_log_callback_gets_lines_of_its_level_only_and_none_behind_its_end() {
    check(2, || {
        let sink = Arc::new(Sink::new());
        set(&sink, 4, Some(handler(4)));
        let other = {
            let sink = sink.clone();
            thread::spawn(move || set(&sink, 1, Some(handler(1))))
        };
        let writer = {
            let sink = sink.clone();
            thread::spawn(move || write(&sink, 3))
        };
        set(&sink, 4, Some(handler(4)));
        other.join().unwrap();
        writer.join().unwrap();
        // Whoever came last, the level is that of the handler.
        let mut most = 0;
        sink.tell(1, |handler| most = handler.most);
        assert!(sink.wants(most) && !sink.wants(most + 1));
    });
}

type Outcome = Result<String, ()>;

/// The books of control requests: whoever takes a request out of them tells its outcome.
#[test]
fn a_reply_that_comes_in_the_last_instant_is_not_told_as_a_timeout() {
    check(3, || {
        let open = Arc::new(sync::Mutex::new(Some(())));
        let waiter = Arc::new(Waiter::default());
        let reader = {
            let (open, waiter) = (open.clone(), waiter.clone());
            thread::spawn(move || {
                let found = sync::lock(&open).take().is_some();
                if found {
                    waiter.set(Ok("reply".to_owned()));
                }
                found
            })
        };
        // The time is over.
        let taken_out = sync::lock(&open).take().is_some();
        let outcome = waiter.give_up(taken_out);
        let replied = reader.join().unwrap();
        assert_eq!(outcome.is_some(), replied);
    });
}
