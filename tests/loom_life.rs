//! The driver of a session's life under the model checker: whatever threads bring the events, what follows from them is performed
//! in the order in which the machine decided it, once, and nothing is left lying. The files are the library's own.
#![allow(dead_code)] // The models need a part of the machine.

#[path = "../src/session/life/action.rs"]
mod action;
#[path = "../src/session/life/calls.rs"]
mod calls;
#[path = "../src/session/life/driver.rs"]
mod driver;
#[path = "../src/session/life/event.rs"]
mod event;
#[path = "../src/session/life/machine.rs"]
mod machine;
#[path = "../src/session/life/states.rs"]
mod states;
#[path = "../src/session/life/steps.rs"]
mod steps;
#[path = "loom_support/sync.rs"]
mod sync;

use action::{Action, Completions};
use calls::Refusal;
use driver::{Driver, Launched, Perform};
use event::{Event, Timer};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use machine::Machine;
use states::{Config, Life, Millis};
use sync::{check, lock};

const CONFIG: Config = Config { exit: 5_000, terminate: 5_000, older_way: true };
const CONNECT: Event = Event::Connect { limit: 60_000 };
const FIRST: Launched = Launched { older: false };
const ENDS: [Event; 3] = [Event::Exited, Event::StdoutEnded, Event::StderrEnded { unknown_flag: false }];

/// A session whose actions are written down. It answers those that need an answer, as the session does: from within.
struct Session {
    driver: Driver,
    log: Mutex<Vec<Action>>,
    performing: AtomicBool,
    disconnects: AtomicUsize,
    released: Mutex<bool>,
    release: Condvar,
    /// The host has its destroy-notify: nothing is performed any more.
    freed: AtomicBool,
}

impl Perform for Session {
    fn perform(&self, action: Action) {
        assert!(!self.performing.swap(true, SeqCst), "two performers at once");
        assert!(!self.freed.load(SeqCst), "behind the free: {action:?}");
        lock(&self.log).push(action);
        if let Action::CompleteDisconnects { of: Completions::Awaited, .. } = action {
            self.disconnects.store(0, SeqCst);
        }
        self.performing.store(false, SeqCst);
        match action {
            Action::Launch { older } => self.told(Launched { older }, Event::Launched),
            Action::Open => self.told(FIRST, Event::Opened),
            Action::SendFirstPrompt => self.feed(Event::Begun),
            Action::ReleaseWaiters => {
                *lock(&self.released) = true;
                self.release.notify_all();
            }
            _ => {}
        }
    }

    fn timeout_changed(&self) {}
}

impl Session {
    fn new() -> Arc<Session> {
        Arc::new(Session {
            driver: Driver::new(Machine::new(CONFIG)),
            log: Mutex::new(Vec::new()),
            performing: AtomicBool::new(false),
            disconnects: AtomicUsize::new(0),
            released: Mutex::new(false),
            release: Condvar::new(),
            freed: AtomicBool::new(false),
        })
    }

    /// `initialize` has been sent.
    fn initializing() -> Arc<Session> {
        let session = Session::new();
        assert_eq!(session.connect(|| Ok(())), Ok(()));
        assert_eq!(session.driver.look(Machine::life), Life::Initializing);
        session
    }

    fn feed(&self, event: Event) {
        self.driver.feed(event, 0, self);
    }

    fn told(&self, launched: Launched, event: Event) {
        self.driver.feed_from(launched, event, 0, self);
    }

    fn ends(&self) {
        ENDS.into_iter().for_each(|event| self.told(FIRST, event));
    }

    fn connect(&self, accept: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.driver.call(CONNECT, 0, self, accept)
    }

    fn disconnect(&self) {
        let accept = || {
            self.disconnects.fetch_add(1, SeqCst);
            Ok::<(), Refusal>(())
        };
        assert_eq!(self.driver.call(Event::Disconnect, 0, self, accept), Ok(()));
    }

    /// As the end of a free: waits until everybody was told, whoever tells it.
    fn free(&self) {
        self.feed(Event::Free);
        let mut released = lock(&self.released);
        while !*released {
            released = self.release.wait(released).unwrap();
        }
        self.freed.store(true, SeqCst);
    }

    fn count(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        lock(&self.log).iter().filter(|action| wanted(action)).count()
    }

    fn at(&self, wanted: impl Fn(&Action) -> bool) -> usize {
        lock(&self.log).iter().position(wanted).expect("it was performed")
    }

    /// All threads have left.
    fn ended_in_order(&self) {
        assert!(self.driver.is_done(), "{:?}", lock(&self.log));
        let is_connect = |action: &Action| matches!(action, Action::CompleteConnect | Action::FailConnect(_));
        let is_closed = |action: &Action| matches!(action, Action::QueueClosed(_));
        let is_release = |action: &Action| matches!(action, Action::ReleaseWaiters);
        assert_eq!(self.count(is_connect), 1);
        assert_eq!((self.count(is_closed), self.count(is_release)), (1, 1));
        let requests = self.at(|action| matches!(action, Action::CloseRequests));
        assert!(self.at(is_connect) < self.at(is_closed));
        assert!(requests < self.at(is_closed) && self.at(is_closed) < self.at(is_release));
        assert_eq!(self.disconnects.load(SeqCst), 0, "somebody waits for ever");
    }
}

fn beside(session: &Arc<Session>, act: fn(&Session)) -> thread::JoinHandle<()> {
    let session = session.clone();
    thread::spawn(move || act(&session))
}

#[test]
fn a_disconnect_beside_the_end_of_the_process_is_told_once_and_in_order() {
    check(6, || {
        let session = Session::initializing();
        let other = beside(&session, Session::disconnect);
        session.ends();
        other.join().unwrap();
        session.ended_in_order();
    });
}

#[test]
fn the_answer_the_end_and_a_disconnect_may_come_from_three_threads() {
    check(4, || {
        let session = Session::initializing();
        let answering = beside(&session, |session| session.told(FIRST, Event::Answered));
        let leaving = beside(&session, Session::disconnect);
        session.ends();
        answering.join().unwrap();
        leaving.join().unwrap();
        session.ended_in_order();
    });
}

#[test]
fn a_disconnect_beside_a_connect_ends_what_begins_or_keeps_it_from_beginning() {
    check(6, || {
        let session = Session::new();
        let leaving = beside(&session, Session::disconnect);
        let accepted = session.connect(|| Ok(())).is_ok();
        leaving.join().unwrap();
        let launched = session.count(|action| matches!(action, Action::Launch { .. }));
        assert_eq!(launched, usize::from(accepted));
        if accepted {
            assert!(session.driver.look(Machine::is_closing));
            session.ends();
            session.ended_in_order();
        }
        assert!(session.driver.is_done());
        assert_eq!(session.disconnects.load(SeqCst), 0);
    });
}

/// A registry of all sessions, and whether the library shuts down.
#[derive(Default)]
struct Library {
    ending: AtomicBool,
    sessions: Mutex<Vec<Arc<Session>>>,
}

impl Library {
    fn shut_down(&self) {
        self.ending.store(true, SeqCst);
        let sessions = lock(&self.sessions).clone();
        sessions.iter().for_each(|session| session.feed(Event::Shutdown));
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.ending.load(SeqCst) { Err(Refusal::Over) } else { Ok(()) }
    }
}

fn connect_beside_a_shutdown(connect: fn(&Session, &Library) -> Result<(), Refusal>) {
    check(6, move || {
        let (session, library) = (Session::new(), Arc::new(Library::default()));
        let ending = {
            let library = library.clone();
            thread::spawn(move || library.shut_down())
        };
        lock(&library.sessions).push(session.clone());
        let accepted = connect(&session, &library).is_ok();
        ending.join().unwrap();
        lock(&library.sessions).clear();
        if accepted {
            assert!(session.driver.look(Machine::is_closing), "nobody ends it");
            session.ends();
            session.ended_in_order();
        }
    });
}

#[test]
fn a_connect_beside_a_shutdown_is_refused_or_ended() {
    connect_beside_a_shutdown(|session, library| session.connect(|| library.check()));
}

#[test]
#[should_panic(expected = "nobody ends it")]
fn a_connect_that_asks_for_the_shutdown_before_it_is_decided_would_be_missed() {
    connect_beside_a_shutdown(|session, library| {
        library.check()?;
        session.connect(|| Ok(()))
    });
}

#[test]
fn a_timeout_beside_the_end_that_it_would_hasten_does_no_harm() {
    check(6, || {
        let session = Session::initializing();
        session.disconnect();
        let late: Millis = CONFIG.exit;
        let keeper = {
            let session = session.clone();
            thread::spawn(move || session.driver.expire(late, &*session))
        };
        session.ends();
        keeper.join().unwrap();
        session.driver.feed(Event::Timeout(Timer::Silence), late, &*session);
        session.ended_in_order();
    });
}

#[test]
fn what_the_first_process_tells_late_is_not_taken_for_the_second_one() {
    check(6, || {
        let session = Session::initializing();
        let late = beside(&session, |session| session.told(FIRST, Event::Exited));
        for event in [Event::StdoutEnded, Event::StderrEnded { unknown_flag: true }] {
            session.told(FIRST, event);
        }
        late.join().unwrap();
        // Told once more, whoever did so: the second one lives.
        session.told(FIRST, Event::Exited);
        session.disconnect();
        assert!(!session.driver.is_done());
        session.feed(Event::Timeout(Timer::Delivery));
        assert_eq!(session.disconnects.load(SeqCst), 1, "nobody is told beside a process that lives");
    });
}

#[test]
fn a_free_returns_when_what_other_threads_perform_has_been_performed() {
    check(6, || {
        let session = Session::initializing();
        let reading = beside(&session, Session::ends);
        session.free();
        reading.join().unwrap();
        session.ended_in_order();
    });
}

/// A thread of the host that waits may read for itself: the right to read goes from one to the other, and the machine does not
/// know by whom an event was read.
#[test]
fn the_events_of_the_streams_may_be_read_by_whoever_has_the_right_to_read() {
    check(6, || {
        let session = Session::initializing();
        let unread = Arc::new(Mutex::new(ENDS.into_iter()));
        let read = |session: &Session, unread: &Mutex<std::array::IntoIter<Event, 3>>| {
            let mut events = lock(unread);
            if let Some(event) = events.next() {
                session.told(FIRST, event);
            }
        };
        let waiting = {
            let (session, unread) = (session.clone(), unread.clone());
            thread::spawn(move || {
                session.disconnect();
                read(&session, &unread);
            })
        };
        read(&session, &unread);
        read(&session, &unread);
        waiting.join().unwrap();
        session.ended_in_order();
    });
}
