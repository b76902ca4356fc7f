//! A request that is answered, withdrawn, expired and closed at once, under the model checker. The files are the library's own;
//! only the lock is loom's.

#[allow(dead_code)]
#[path = "../src/sync/rank.rs"]
mod rank;
#[allow(dead_code)]
#[path = "../src/requests/mod.rs"]
mod requests;

mod error {
    pub use claude_client::error::*;
}
mod names {
    pub use claude_client::names::*;
}
mod permissions {
    pub use claude_client::permissions::*;
}
mod protocol {
    pub use claude_client::protocol::*;
}

/// Stands in for `src/sync/mod.rs`: loom's lock within a model, and the usual one in the unit tests that come with the files.
mod sync {
    use std::cell::Cell;
    use std::ops::{Deref, DerefMut};

    pub(crate) use crate::rank::ranked;
    pub use crate::rank::{Rank, Ranked};

    thread_local!(pub static IN_MODEL: Cell<bool> = const { Cell::new(false) });

    pub enum Mutex<T> {
        Loom(loom::sync::Mutex<T>),
        Usual(std::sync::Mutex<T>),
    }

    pub enum MutexGuard<'a, T> {
        Loom(loom::sync::MutexGuard<'a, T>),
        Usual(std::sync::MutexGuard<'a, T>),
    }

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            if IN_MODEL.get() {
                Mutex::Loom(loom::sync::Mutex::new(value))
            } else {
                Mutex::Usual(std::sync::Mutex::new(value))
            }
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Mutex<T> {
            Mutex::new(T::default())
        }
    }

    pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        match mutex {
            Mutex::Loom(mutex) => MutexGuard::Loom(mutex.lock().unwrap()),
            Mutex::Usual(mutex) => MutexGuard::Usual(mutex.lock().unwrap()),
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            match self {
                MutexGuard::Loom(guard) => guard,
                MutexGuard::Usual(guard) => guard,
            }
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            match self {
                MutexGuard::Loom(guard) => guard,
                MutexGuard::Usual(guard) => guard,
            }
        }
    }
}

use std::sync::Arc as StdArc;
use std::sync::Weak;
use std::time::{Duration, Instant};

use error::Result;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread;
use protocol::control::Inbound;
use requests::{Pending, Phase, Request, Session, Target, TimeoutAction, Timer};
use serde_json::{Value, json};
use sync::IN_MODEL;

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    IN_MODEL.set(true);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// The session of the model: counts what it is told.
struct Desk {
    pending: Pending,
    lines: AtomicUsize,
    ended: AtomicUsize,
    settled: AtomicUsize,
}

impl Session for Desk {
    fn write_line(&self, _: String) -> Result<()> {
        self.lines.fetch_add(1, SeqCst);
        Ok(())
    }

    fn ended(&self, request: StdArc<Request>) {
        self.ended.fetch_add(1, SeqCst);
        request.notify_cancelled();
    }

    fn expire_at(&self, _: Weak<Request>, _: Instant) -> Option<Timer> {
        None
    }

    fn settled(&self, wire_id: &str, number: u64) {
        self.settled.fetch_add(1, SeqCst);
        self.pending.settled(wire_id, number);
    }

    fn timeout_action(&self) -> TimeoutAction {
        TimeoutAction::Deny
    }

    fn warn(&self, _: Value) {}

    fn runs_callbacks(&self) -> bool {
        true
    }
}

fn asked() -> (StdArc<Desk>, StdArc<Request>) {
    let desk = StdArc::new(Desk {
        pending: Pending::default(),
        lines: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
        settled: AtomicUsize::new(0),
    });
    let session: StdArc<dyn Session> = desk.clone();
    let inbound = Inbound {
        id: "one".into(),
        subtype: "can_use_tool".into(),
        request: json!({"subtype": "can_use_tool", "tool_name": "Read", "input": {}}).to_string(),
    };
    let request = Request::new(inbound, StdArc::downgrade(&session), Target::default(), None);
    assert!(desk.pending.add(&request));
    (desk, request)
}

/// What holds however it went; `told` is how often the host heard of an end that is not its answer.
fn judge(desk: &Desk, request: &Request, answered: bool, told: usize) {
    let phase = request.phase();
    assert_ne!(phase, Phase::Open);
    assert_eq!(answered, phase == Phase::Answered, "{phase:?}");
    assert_eq!(desk.lines.load(SeqCst), usize::from(phase != Phase::Withdrawn), "{phase:?}");
    assert_eq!(desk.ended.load(SeqCst), usize::from(!answered), "{phase:?}");
    assert_eq!(told, usize::from(!answered), "{phase:?}");
    assert_eq!(desk.settled.load(SeqCst), 1);
    assert!(desk.pending.is_empty());
}

type Act = fn(&Desk, &Request);

fn withdraw(desk: &Desk, _: &Request) {
    desk.pending.withdraw("one");
}

fn expire(_: &Desk, request: &Request) {
    request.expire();
}

fn close(desk: &Desk, _: &Request) {
    desk.pending.end();
}

/// The host answers and asks to be told of the end, on two threads, while the request ends in another way.
fn ends_once(acts: &'static [Act]) {
    check(2, || {
        let (desk, request) = asked();
        request.set_deadline(Some(Duration::ZERO), None).unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let others: Vec<_> = acts
            .iter()
            .map(|act| {
                let (desk, request) = (desk.clone(), request.clone());
                thread::spawn(move || act(&desk, &request))
            })
            .collect();
        let hears = told.clone();
        let hear = move |_| {
            hears.fetch_add(1, SeqCst);
        };
        request.on_cancel(Box::new(hear)).unwrap();
        let answered = request.respond_checked("{}").is_ok();
        others.into_iter().for_each(|other| other.join().unwrap());
        judge(&desk, &request, answered, told.load(SeqCst));
    });
}

#[test]
fn a_request_that_is_answered_and_withdrawn_at_once_ends_once() {
    ends_once(&[withdraw]);
}

#[test]
fn a_request_that_is_answered_and_expires_at_once_ends_once() {
    ends_once(&[expire]);
}

#[test]
fn a_request_that_is_answered_withdrawn_and_closed_at_once_ends_once() {
    ends_once(&[withdraw, close]);
}

#[test]
fn a_request_that_expires_while_its_session_closes_ends_once() {
    ends_once(&[expire, close]);
}

/// The last handle goes while the CLI withdraws.
#[test]
fn a_request_that_is_let_go_of_and_withdrawn_at_once_ends_once() {
    check(3, || {
        let (desk, request) = asked();
        request.hold();
        let other = {
            let desk = desk.clone();
            thread::spawn(move || desk.pending.withdraw("one"))
        };
        request.release();
        other.join().unwrap();
        let refused = request.phase() == Phase::Answered;
        assert_eq!(desk.lines.load(SeqCst), usize::from(refused));
        assert_eq!(desk.ended.load(SeqCst), usize::from(!refused));
        assert_eq!(desk.settled.load(SeqCst), 1);
        assert!(desk.pending.is_empty());
    });
}
