//! The gate, the replaceable callbacks and the lanes of the dispatcher under the model checker: every interleaving of a
//! few threads, within a bound of preemptions. The files are the library's own; only the primitives are loom's.

#[allow(dead_code)]
#[path = "../src/dispatch/fifo.rs"]
mod fifo;
#[allow(dead_code)]
#[path = "../src/dispatch/lanes.rs"]
mod lanes;

#[path = "loom_support/sync.rs"]
mod sync;

use std::sync::Arc as StdArc;

use fifo::Fifo;
use lanes::{Arrivals, Ended, Lanes, Waited, Wakes};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use loom::thread;
use sync::callback::Callback;
use sync::gate::{Closing, Gate, Slot};
use sync::{Mutex, check, lock};

#[test]
fn nothing_runs_behind_a_closed_gate() {
    check(3, || {
        let gate = Arc::new(Gate::new());
        let freed = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = [Slot::Message, Slot::Request]
            .into_iter()
            .map(|slot| {
                let (gate, freed) = (gate.clone(), freed.clone());
                thread::spawn(move || {
                    if let Some(_pass) = gate.enter(slot) {
                        assert!(!freed.load(SeqCst), "a call begins behind the gate");
                        thread::yield_now();
                        assert!(!freed.load(SeqCst), "a call goes on behind the gate");
                    }
                })
            })
            .collect();
        assert_eq!(gate.close(|| unreachable!("closed from outside"), || ()), Closing::Quiet);
        freed.store(true, SeqCst);
        assert!(gate.enter(Slot::Closed).is_none());
        callers.into_iter().for_each(|caller| caller.join().unwrap());
    });
}

#[test]
fn a_gate_that_is_closed_from_inside_is_finished_once_and_quietly() {
    check(3, || {
        let gate = Arc::new(Gate::new());
        let finished = Arc::new(AtomicUsize::new(0));
        let running = Arc::new(AtomicUsize::new(0));
        let other = {
            let (gate, running, finished) = (gate.clone(), running.clone(), finished.clone());
            thread::spawn(move || {
                if let Some(_pass) = gate.enter(Slot::Request) {
                    running.fetch_add(1, SeqCst);
                    assert_eq!(finished.load(SeqCst), 0, "a call runs behind the end");
                    running.fetch_sub(1, SeqCst);
                }
            })
        };
        {
            let _outer = gate.enter(Slot::Message).unwrap();
            {
                let _inner = gate.enter(Slot::Completion).unwrap();
                let (gate2, finished, running) = (gate.clone(), finished.clone(), running.clone());
                let closing = gate.close(
                    move || {
                        gate2.wait_quiet(|| ());
                        assert_eq!(running.load(SeqCst), 0);
                        finished.fetch_add(1, SeqCst);
                    },
                    || (),
                );
                assert_eq!(closing, Closing::Deferred);
            }
            assert_eq!(finished.load(SeqCst), 0, "finished inside the outer callback");
        }
        assert_eq!(finished.load(SeqCst), 1);
        other.join().unwrap();
    });
}

/// A call that waits for news which another thread queues while the gate is being closed.
#[test]
fn what_a_call_waits_for_is_told_behind_the_closed_gate() {
    check(3, || {
        let gate = Arc::new(Gate::new());
        let news = Arc::new(Mutex::new(false));
        let told = Arc::new((Mutex::new(false), loom::sync::Condvar::new()));
        let inside = Arc::new(AtomicBool::new(false));
        let caller = {
            let (gate, told, inside) = (gate.clone(), told.clone(), inside.clone());
            thread::spawn(move || {
                let Some(_pass) = gate.enter(Slot::Request) else { return };
                inside.store(true, SeqCst);
                let mut heard = lock(&told.0);
                while !*heard {
                    heard = told.1.wait(heard).unwrap();
                }
            })
        };
        let teller = {
            let (gate, news) = (gate.clone(), news.clone());
            thread::spawn(move || {
                *lock(&news) = true;
                gate.announce();
            })
        };
        let tell = || {
            if *lock(&news) {
                *lock(&told.0) = true;
                told.1.notify_all();
            }
        };
        assert_eq!(gate.close(|| unreachable!("closed from outside"), tell), Closing::Quiet);
        caller.join().unwrap();
        teller.join().unwrap();
        assert_eq!(*lock(&told.0), inside.load(SeqCst), "whoever waits is told");
    });
}

/// What a host gives with a callback: dead after its destroy-notify.
struct Token {
    alive: Arc<AtomicBool>,
    destroyed: Arc<AtomicUsize>,
}

impl Drop for Token {
    fn drop(&mut self) {
        assert!(self.alive.swap(false, SeqCst), "destroyed twice");
        self.destroyed.fetch_add(1, SeqCst);
    }
}

type Handler = dyn Fn() + Send + Sync;

fn handler(destroyed: &Arc<AtomicUsize>) -> StdArc<Handler> {
    let alive = Arc::new(AtomicBool::new(true));
    let token = Token { alive: alive.clone(), destroyed: destroyed.clone() };
    StdArc::new(move || {
        let _held = &token;
        assert!(alive.load(SeqCst), "called behind its destroy-notify");
        thread::yield_now();
        assert!(alive.load(SeqCst), "destroyed while it runs");
    })
}

#[test]
fn a_replaced_callback_is_not_called_again() {
    check(3, || {
        let (gate, destroyed) = (Arc::new(Gate::new()), Arc::new(AtomicUsize::new(0)));
        let callback: Arc<Callback<Handler>> = Arc::new(Callback::new(Slot::Message));
        callback.replace(&gate, Some(handler(&destroyed)));
        let caller = {
            let (gate, callback) = (gate.clone(), callback.clone());
            thread::spawn(move || {
                callback.run(&gate, |handler| handler());
                callback.run(&gate, |handler| handler());
            })
        };
        callback.replace(&gate, Some(handler(&destroyed)));
        assert_eq!(destroyed.load(SeqCst), 1, "the old one lives on behind replace");
        callback.replace(&gate, None);
        assert_eq!(destroyed.load(SeqCst), 2);
        caller.join().unwrap();
    });
}

/// A lane enters again as soon as it has left, and looks at the epoch between calls under one pass.
#[test]
fn a_callback_is_replaced_under_a_caller_that_loops() {
    check(3, || {
        let (gate, destroyed) = (Arc::new(Gate::new()), Arc::new(AtomicUsize::new(0)));
        let callback: Arc<Callback<Handler>> = Arc::new(Callback::new(Slot::Message));
        callback.replace(&gate, Some(handler(&destroyed)));
        let caller = {
            let (gate, callback) = (gate.clone(), callback.clone());
            thread::spawn(move || {
                for _ in 0..3 {
                    let Some(_pass) = gate.enter(Slot::Message) else { return };
                    let epoch = gate.epoch();
                    let Some(handler) = callback.get() else { continue };
                    handler();
                    if gate.epoch() == epoch {
                        handler();
                    }
                }
            })
        };
        callback.replace(&gate, Some(handler(&destroyed)));
        assert_eq!(destroyed.load(SeqCst), 1, "the old one lives on behind replace");
        gate.close(|| unreachable!("closed from outside"), || ());
        callback.close();
        assert_eq!(destroyed.load(SeqCst), 2);
        caller.join().unwrap();
    });
}

#[test]
fn a_callback_that_comes_behind_the_end_is_destroyed_and_never_called() {
    check(3, || {
        let (gate, destroyed) = (Arc::new(Gate::new()), Arc::new(AtomicUsize::new(0)));
        let callback: Arc<Callback<Handler>> = Arc::new(Callback::new(Slot::Message));
        let registering = {
            let (gate, callback, destroyed) = (gate.clone(), callback.clone(), destroyed.clone());
            thread::spawn(move || callback.replace(&gate, Some(handler(&destroyed))))
        };
        let caller = {
            let (gate, callback) = (gate.clone(), callback.clone());
            thread::spawn(move || callback.run(&gate, |handler| handler()))
        };
        gate.close(|| {}, || ());
        callback.close();
        registering.join().unwrap();
        assert_eq!(destroyed.load(SeqCst), 1);
        caller.join().unwrap();
    });
}

/// A lane as the dispatcher keeps it: entries under a lock, served by whoever finds nobody serving.
struct Lane {
    fifo: Mutex<Fifo<usize>>,
    gate: Gate,
    serving: AtomicUsize,
    delivered: Mutex<Vec<usize>>,
}

impl Lane {
    fn new() -> Arc<Lane> {
        Arc::new(Lane {
            fifo: Mutex::new(Fifo::default()),
            gate: Gate::new(),
            serving: AtomicUsize::new(0),
            delivered: Mutex::new(Vec::new()),
        })
    }

    fn push(&self, entry: usize) {
        let mut fifo = lock(&self.fifo);
        fifo.push(entry);
        if !fifo.claim() {
            return;
        }
        drop(fifo);
        while self.deliver() || !self.leave() {}
    }

    fn deliver(&self) -> bool {
        let Some(_pass) = self.gate.enter(Slot::Message) else { return false };
        let Some(entry) = lock(&self.fifo).pop() else { return false };
        assert_eq!(self.serving.fetch_add(1, SeqCst), 0, "two serve the lane");
        lock(&self.delivered).push(entry);
        self.serving.fetch_sub(1, SeqCst);
        true
    }

    fn leave(&self) -> bool {
        lock(&self.fifo).leave() || self.gate.is_closed()
    }
}

#[test]
fn a_lane_is_served_by_one_thread_and_never_left_with_entries() {
    check(3, || {
        let lane = Lane::new();
        let other = {
            let lane = lane.clone();
            thread::spawn(move || {
                lane.push(10);
                lane.push(11);
            })
        };
        lane.push(20);
        lane.push(21);
        other.join().unwrap();
        let delivered = lock(&lane.delivered);
        assert_eq!(delivered.len(), 4, "{delivered:?}");
        let of = |first: usize| {
            delivered.iter().copied().filter(move |entry| entry / 10 == first).collect::<Vec<_>>()
        };
        assert_eq!((of(1), of(2)), (vec![10, 11], vec![20, 21]));
    });
}

#[test]
fn behind_a_closed_gate_every_entry_is_either_delivered_or_left() {
    check(3, || {
        let lane = Lane::new();
        let pushing = {
            let lane = lane.clone();
            thread::spawn(move || {
                lane.push(1);
                lane.push(2);
            })
        };
        lane.gate.close(|| {}, || ());
        let delivered = lock(&lane.delivered).len();
        pushing.join().unwrap();
        assert_eq!(lock(&lane.delivered).len(), delivered, "delivered behind the gate");
        assert_eq!(lock(&lane.fifo).take_all().len() + delivered, 2);
    });
}

/// What PULL mode's readers wait for: how many entries each lane has, and how far the session has ended.
#[derive(Default)]
struct Queued {
    wakes: Wakes,
    messages: usize,
    requests: usize,
    /// The closing message is queued or received, after which the other lane is complete.
    closed: bool,
    /// The closing message is received.
    ended: bool,
}

impl Queued {
    fn is_empty(&self, lanes: Lanes) -> bool {
        let messages = if lanes.has(Lanes::MESSAGES) { self.messages } else { 0 };
        let requests = if lanes.has(Lanes::REQUESTS) { self.requests } else { 0 };
        messages + requests == 0
    }

    fn is_over(&self, lanes: Lanes) -> bool {
        self.is_empty(lanes) && self.closed && (self.ended || !lanes.has(Lanes::MESSAGES))
    }
}

impl Waited for Queued {
    fn wakes(&mut self) -> &mut Wakes {
        &mut self.wakes
    }

    fn is_settled(&self, lanes: Lanes) -> bool {
        !self.is_empty(lanes) || self.is_over(lanes)
    }
}

#[derive(Default)]
struct Pulled {
    queue: Mutex<Queued>,
    arrivals: Arrivals,
}

impl Pulled {
    fn push(&self, lane: Lanes) {
        let mut queue = lock(&self.queue);
        if lane == Lanes::MESSAGES {
            queue.messages += 1
        } else {
            queue.requests += 1
        }
        drop(queue);
        self.arrivals.notify(lane);
    }

    /// The last message. What goes by the other lane has been pushed before.
    fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.messages += 1;
        queue.closed = true;
        drop(queue);
        self.arrivals.notify(Lanes::ALL);
    }

    /// How many entries a thread gets from the lanes until they will bring nothing more.
    fn read(&self, lanes: Lanes) -> usize {
        let mut count = 0;
        loop {
            let (mut queue, ended) = self.arrivals.wait(lock(&self.queue), lanes, None);
            let woken = ended == Ended::Woken;
            assert!(!woken);
            if queue.is_over(lanes) {
                return count;
            }
            count += 1;
            if lanes.has(Lanes::REQUESTS) && queue.requests > 0 {
                queue.requests -= 1;
                continue;
            }
            queue.messages -= 1;
            // Nobody waits for this: the lane was not empty since the closing message came.
            queue.ended = queue.closed && queue.messages == 0;
        }
    }
}

#[test]
fn every_reader_of_a_lane_gets_its_entries_and_hears_of_its_end() {
    for second in [Lanes::REQUESTS, Lanes::ALL] {
        check(2, move || {
            let pulled = Arc::new(Pulled::default());
            let readers: Vec<_> = [Lanes::MESSAGES, second]
                .into_iter()
                .map(|lanes| {
                    let pulled = pulled.clone();
                    thread::spawn(move || pulled.read(lanes))
                })
                .collect();
            pulled.push(Lanes::MESSAGES);
            pulled.push(Lanes::REQUESTS);
            pulled.close();
            let counts: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
            assert_eq!(counts.iter().sum::<usize>(), 3, "{counts:?}");
            assert!(second == Lanes::ALL || counts == [2, 1], "{counts:?}");
        });
    }
}

/// One wake: for all who wait at that moment, or else for the first who would; nobody else, and no entry is lost.
#[test]
fn a_wake_is_for_all_who_wait_or_for_the_next() {
    for masks in [[Lanes::MESSAGES, Lanes::REQUESTS], [Lanes::ALL, Lanes::REQUESTS]] {
        check(3, move || {
            let pulled = Arc::new(Pulled::default());
            let waiting = Arc::new(AtomicUsize::new(0));
            let readers: Vec<_> = masks
                .into_iter()
                .map(|lanes| {
                    let (pulled, waiting) = (pulled.clone(), waiting.clone());
                    thread::spawn(move || {
                        let queue = lock(&pulled.queue);
                        // Under the lock until it waits.
                        waiting.fetch_add(1, SeqCst);
                        let (_queue, ended) = pulled.arrivals.wait(queue, lanes, None);
                        ended == Ended::Woken
                    })
                })
                .collect();
            let mut queue = lock(&pulled.queue);
            let expected = waiting.load(SeqCst).max(1);
            queue.wakes.wake();
            drop(queue);
            pulled.arrivals.notify(Lanes::ALL);
            pulled.push(Lanes::MESSAGES);
            pulled.push(Lanes::REQUESTS);
            let woken =
                readers.into_iter().map(|reader| reader.join().unwrap()).filter(|woken| *woken).count();
            assert_eq!(woken, expected);
            let queue = lock(&pulled.queue);
            assert_eq!((queue.messages, queue.requests, queue.wakes.is_pending()), (1, 1, false));
        });
    }
}

/// PUMP as `pump.rs` keeps it: whoever is told of an entry pumps, and one that finds another thread at it goes away.
#[derive(Default)]
struct Pump {
    fifo: Mutex<Fifo<usize>>,
    /// How often the host was told, and has not pumped for it yet.
    told: Mutex<usize>,
    changed: loom::sync::Condvar,
    delivered: AtomicUsize,
}

impl Pump {
    fn push(&self, entry: usize) {
        let mut fifo = lock(&self.fifo);
        let first = fifo.is_empty();
        fifo.push(entry);
        drop(fifo);
        if first {
            *lock(&self.told) += 1;
            self.changed.notify_all();
        }
    }

    fn pump(&self) {
        let mut fifo = lock(&self.fifo);
        if fifo.is_empty() || !fifo.claim() {
            return;
        }
        loop {
            while let Some(_entry) = fifo.pop() {
                drop(fifo);
                self.delivered.fetch_add(1, SeqCst);
                fifo = lock(&self.fifo);
            }
            // A callback that finds nothing to do has let go of the lock, so it is looked at again.
            drop(fifo);
            fifo = lock(&self.fifo);
            if fifo.leave() {
                return;
            }
        }
    }

    /// A thread of the host that pumps whenever it is told.
    fn host(&self, all: usize) {
        loop {
            let mut told = lock(&self.told);
            while *told == 0 && self.delivered.load(SeqCst) < all {
                told = self.changed.wait(told).unwrap();
            }
            if self.delivered.load(SeqCst) == all {
                return;
            }
            *told -= 1;
            drop(told);
            self.pump();
            let _told = lock(&self.told);
            self.changed.notify_all();
        }
    }
}

/// The thread that is told of an entry may be turned away by one that is just leaving.
#[test]
fn an_entry_that_comes_while_a_pump_leaves_is_looked_after() {
    check(2, || {
        let pump = Arc::new(Pump::default());
        let hosts: Vec<_> = (0..2)
            .map(|_| {
                let pump = pump.clone();
                thread::spawn(move || pump.host(2))
            })
            .collect();
        pump.push(1);
        pump.push(2);
        hosts.into_iter().for_each(|host| host.join().unwrap());
    });
}
