//! What the threads share: handles in slots, each with one owner at a time for what frees and reads, and the handles that
//! have been freed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::raw::{
    Call, Event, Failure, Request, Server, Sink, Spare, Store, StoreCall, claude_error_free,
    claude_event_free, claude_mcp_server_free, claude_request_free, claude_session_store_free,
    claude_spare_free, claude_store_call_free, claude_tool_call_free,
};
use crate::rng::Rng;
use crate::token::Record;

const SLOTS: usize = 24;
const STALE: usize = 8;
const CLIENTS: usize = 10;

/// Handles of one type.
pub struct Slots {
    live: [AtomicUsize; SLOTS],
    stale: [AtomicUsize; STALE],
}

impl Slots {
    const fn new() -> Self {
        Slots { live: [const { AtomicUsize::new(0) }; SLOTS], stale: [const { AtomicUsize::new(0) }; STALE] }
    }

    /// Some handle: mostly a live one, now and then a stale one, NULL, or one of another type. Others may have it, too:
    /// nothing is read through it, and it is not freed.
    pub fn look(&self, rng: &mut Rng) -> usize {
        let (how, at) = (rng.below(40), rng.below(SLOTS));
        match how {
            0 => 0,
            1 => self.stale[at % STALE].load(Ordering::Relaxed),
            2 => CALLS.live[at].load(Ordering::Relaxed) ^ REQUESTS.live[at].load(Ordering::Relaxed),
            _ => self.live[at].load(Ordering::Relaxed),
        }
    }

    /// A handle that this thread alone may read and free.
    pub fn take(&self, rng: &mut Rng) -> usize {
        self.live[rng.below(SLOTS)].swap(0, Ordering::SeqCst)
    }

    /// Keeps it for others; what has to give way.
    pub fn put(&self, rng: &mut Rng, handle: usize) -> usize {
        self.live[rng.below(SLOTS)].swap(handle, Ordering::SeqCst)
    }

    fn freed(&self, handle: usize) {
        if handle != 0 {
            self.stale[handle / 2 % STALE].store(handle, Ordering::Relaxed);
        }
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        self.live.iter().map(|slot| slot.swap(0, Ordering::SeqCst))
    }
}

pub static REQUESTS: Slots = Slots::new();
pub static CALLS: Slots = Slots::new();
pub static EVENTS: Slots = Slots::new();
pub static ERRORS: Slots = Slots::new();
pub static SERVERS: Slots = Slots::new();
pub static STORES: Slots = Slots::new();
pub static STORE_CALLS: Slots = Slots::new();
/// Sinks are never freed: the stale ones come by themselves.
pub static SINKS: Slots = Slots::new();

pub fn free_request(handle: usize) {
    claude_request_free(Request::from_number(handle));
    REQUESTS.freed(handle);
}

pub fn free_call(handle: usize) {
    claude_tool_call_free(Call::from_number(handle));
    CALLS.freed(handle);
}

pub fn free_event(handle: usize) {
    claude_event_free(Event::from_number(handle));
    EVENTS.freed(handle);
}

pub fn free_error(handle: usize) {
    claude_error_free(Failure::from_number(handle));
    ERRORS.freed(handle);
}

pub fn free_server(handle: usize) {
    claude_mcp_server_free(Server::from_number(handle));
    SERVERS.freed(handle);
}

pub fn free_store(handle: usize) {
    claude_session_store_free(Store::from_number(handle));
    STORES.freed(handle);
}

pub fn free_store_call(handle: usize) {
    claude_store_call_free(StoreCall::from_number(handle));
    STORE_CALLS.freed(handle);
}

/// All spares of a round: one that is made while its client is being freed has nobody who frees it.
static SPARES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

fn spares() -> std::sync::MutexGuard<'static, Vec<usize>> {
    SPARES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn spare_made(handle: usize) {
    spares().push(handle);
}

pub fn sink(rng: &mut Rng) -> Sink {
    Sink::from_number(SINKS.look(rng))
}

/// Everything is being given back: callbacks do nothing of their own any more.
static QUIET: AtomicBool = AtomicBool::new(false);

pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::SeqCst);
}

pub fn is_quiet() -> bool {
    QUIET.load(Ordering::SeqCst)
}

struct Seats {
    live: [Mutex<Option<Arc<Record>>>; CLIENTS],
    stale: [Mutex<Option<Arc<Record>>>; 4],
}

static SEATS: Seats =
    Seats { live: [const { Mutex::new(None) }; CLIENTS], stale: [const { Mutex::new(None) }; 4] };

fn with<T>(slot: &Mutex<Option<Arc<Record>>>, use_it: impl FnOnce(&mut Option<Arc<Record>>) -> T) -> T {
    use_it(&mut slot.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Some client, which others may use and free at the same time; now and then one that is freed.
pub fn client(rng: &mut Rng) -> Option<Arc<Record>> {
    let (how, at) = (rng.below(40), rng.below(CLIENTS));
    if how == 0 {
        return with(&SEATS.stale[at % 4], |slot| slot.clone());
    }
    with(&SEATS.live[at], |slot| slot.clone())
}

/// A client that this thread is to free, if `may`.
pub fn take_client(rng: &mut Rng, may: impl Fn(&Record) -> bool) -> Option<Arc<Record>> {
    with(&SEATS.live[rng.below(CLIENTS)], |slot| slot.take_if(|record| may(record)))
}

/// The record of a client that this thread has just made; what has to give way, if `may`. Else it is given back.
pub fn put_client(
    rng: &mut Rng,
    record: Arc<Record>,
    may: impl Fn(&Record) -> bool,
) -> Result<Option<Arc<Record>>, Arc<Record>> {
    with(&SEATS.live[rng.below(CLIENTS)], |slot| {
        if slot.as_ref().is_none_or(|old| may(old)) { Ok(slot.replace(record)) } else { Err(record) }
    })
}

pub fn client_freed(record: Arc<Record>) {
    let at = record.number as usize % 4;
    with(&SEATS.stale[at], |slot| *slot = Some(record));
}

pub fn all_clients() -> Vec<Arc<Record>> {
    SEATS.live.iter().filter_map(|slot| with(slot, Option::take)).collect()
}

/// Frees all but the clients, which are gone.
pub fn free_the_rest() {
    REQUESTS.all().for_each(free_request);
    CALLS.all().for_each(free_call);
    EVENTS.all().for_each(free_event);
    ERRORS.all().for_each(free_error);
    SERVERS.all().for_each(free_server);
    STORES.all().for_each(free_store);
    STORE_CALLS.all().for_each(free_store_call);
    SINKS.all().for_each(drop);
    spares().drain(..).for_each(|spare| claude_spare_free(Spare::from_number(spare)));
    SEATS.stale.iter().for_each(|slot| with(slot, |record| *record = None));
}
