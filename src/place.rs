//! Where the current thread is: whose it is, which calls of the library it is in, and which functions of the host those have
//! called. It follows from this whether the thread may wait, and whether it has left a callback without returning from it.
//!
//! A callback that is left by `longjmp` or by another language's exception runs none of the library's code on the way. It
//! shows when the thread comes back: a call from a place further out on the stack than the library's frame that had called
//! the host can only be made once that frame is gone.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::error::{Error, Result, Status};

/// Calls within calls that are followed; those inside of more are taken for running.
const DEEPEST: usize = 16;

/// What of the host's is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Whether it may wait is a matter of the client's gate.
    Callback,
    /// Somebody is in the midst of something, whichever thread that is: it must not wait at all.
    Passing,
}

/// A function of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    pub callback: &'static str,
    pub role: Role,
    /// Its destroy-notify, as [`End::id`]; 0 = none.
    pub end: usize,
}

/// A call of the library that is under way on this thread.
#[derive(Clone, Copy)]
struct Visit {
    number: u64,
    /// The address of the library's frame that calls the host at the moment; 0 = none does.
    host: usize,
    callback: &'static str,
    /// The destroy-notify of what is called; 0 = none.
    end: usize,
    /// Whether the host made the call where nothing may wait.
    passing: bool,
}

const NOWHERE: Visit = Visit { number: 0, host: 0, callback: "", end: 0, passing: false };

thread_local! {
    // Const-initialised cells without destructors: they leave nothing behind on the host's threads.
    static LIBRARY: Cell<bool> = const { Cell::new(false) };
    static PASSING: Cell<bool> = const { Cell::new(false) };
    static LEVEL: Cell<usize> = const { Cell::new(0) };
    /// Of the last call.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    static VISITS: [Cell<Visit>; DEEPEST] = const { [const { Cell::new(NOWHERE) }; DEEPEST] };
}

/// Says that the current thread belongs to the library: it must never wait for another one of its kind.
pub fn mark_library_thread() {
    LIBRARY.with(|mark| mark.set(true));
}

pub fn is_library_thread() -> bool {
    LIBRARY.with(Cell::get)
}

/// Whether the current thread is inside a call of the library, or runs nothing else.
pub fn is_inside() -> bool {
    is_library_thread() || LEVEL.with(Cell::get) > 0
}

/// Whether a thread in this place may wait at all. Every function that waits asks this first.
pub fn may_wait() -> bool {
    !is_library_thread() && !PASSING.with(Cell::get)
}

/// The refusal of a wait on a thread that the awaited thing may need.
pub fn check_may_wait() -> Result<()> {
    if may_wait() { Ok(()) } else { Err(would_deadlock()) }
}

#[cold]
pub fn would_deadlock() -> Error {
    Error::new(Status::WouldDeadlock, "this call would wait inside a callback, or on a thread of the library")
        .with("remedy", "use the form with a completion callback, or call from a thread of your own")
}

/// The number of the call that is under way on this thread; 0 = none.
pub fn visit() -> u64 {
    match LEVEL.with(Cell::get) {
        0 => 0,
        level => VISITS.with(|visits| visits.get(level - 1).map_or(0, |visit| visit.get().number)),
    }
}

/// Whether a call of this thread is still under way.
pub fn is_live(number: u64) -> bool {
    let level = LEVEL.with(Cell::get).min(DEEPEST);
    number == 0 || VISITS.with(|visits| visits[..level].iter().any(|visit| visit.get().number == number))
}

/// A call of the library, as long as it lives.
pub struct Call {
    level: usize,
}

impl Call {
    /// `is_left` tells whether a frame of this thread is gone.
    pub fn enter(is_left: impl Fn(usize) -> bool) -> Call {
        let level = LEVEL.with(Cell::get);
        let left = if level > 0 { leave_behind(level, is_left) } else { None };
        let level = LEVEL.with(Cell::get);
        if level < DEEPEST {
            let number = NUMBER.with(|last| last.replace(last.get() + 1)) + 1;
            let passing = PASSING.with(Cell::get);
            VISITS.with(|visits| visits[level].set(Visit { number, passing, ..NOWHERE }));
        }
        return_to(level + 1);
        if let Some(left) = left {
            left.tell();
        }
        Call { level }
    }

    /// The first one on this thread.
    pub fn is_outermost(&self) -> bool {
        self.level == 0
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        return_to(self.level);
    }
}

/// Ends the calls whose frames are gone.
fn leave_behind(level: usize, is_left: impl Fn(usize) -> bool) -> Option<Left> {
    let stands = |at: usize| {
        let host = VISITS.with(|visits| visits[at].get().host);
        host == 0 || !is_left(host)
    };
    let known = level.min(DEEPEST);
    let first = (0..known).find(|at| !stands(*at))?;
    PASSING.with(|passing| passing.set(VISITS.with(|visits| visits[first].get().passing)));
    Some(lose(first, known))
}

/// The calls from `first` to `level` are over, and what they had called of the host with them.
fn lose(first: usize, level: usize) -> Left {
    let visits = VISITS.with(|visits| visits.clone());
    let ends: Vec<Arc<End>> = {
        let ends = lock(&ENDS);
        let called = visits[first..level].iter().map(Cell::get).filter(|visit| visit.host != 0);
        called.filter_map(|visit| ends.as_ref()?.get(&visit.end)?.1.upgrade()).collect()
    };
    return_to(first);
    let due = ends.into_iter().filter(|end| end.lose()).collect();
    Left { callback: visits[first].get().callback, due }
}

fn return_to(level: usize) {
    LEVEL.with(|present| present.set(level));
}

/// A callback that was left without returning from it.
struct Left {
    callback: &'static str,
    /// The destroy-notifies that have waited for nothing but the calls that are gone.
    due: Vec<Arc<End>>,
}

impl Left {
    fn tell(self) {
        let told = lock(&TOLD).clone();
        told.into_iter().for_each(|tell| tell(self.callback));
        self.due.iter().for_each(|end| end.run());
    }
}

type Tell = fn(&'static str);

static TOLD: Mutex<Vec<Tell>> = Mutex::new(Vec::new());

/// `tell` is called on the thread that has left a callback, with what that is called.
pub fn on_left(tell: Tell) {
    let mut told = lock(&TOLD);
    if !told.iter().any(|known| std::ptr::fn_addr_eq(*known, tell)) {
        told.push(tell);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

type Destroy = Box<dyn FnOnce() + Send>;

/// What registrations belong to, and end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(u64);

impl Scope {
    /// For what is ended one by one.
    pub const NOBODY: Scope = Scope(0);

    pub fn unique() -> Scope {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Scope(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Every registration of this scope is gone: what frames that were left still hold is destroyed.
    pub fn retire(self) {
        let ends: Vec<Arc<End>> = {
            let ends = lock(&ENDS);
            let mine = ends.iter().flatten().filter(|(_, (scope, _))| *scope == self);
            mine.filter_map(|(_, (_, end))| end.upgrade()).collect()
        };
        ends.iter().for_each(|end| end.retire());
    }
}

/// A destroy-notify of the host. It runs once: when the last one who holds the registration lets go of it; or, since a frame
/// that was left never lets go of what it held, when the registration is retired and no call of it is under way.
pub struct End {
    destroy: Mutex<Option<Destroy>>,
    /// [`CALL`] for each call that is under way, and [`RETIRED`].
    state: AtomicUsize,
}

const RETIRED: usize = 1;
const CALL: usize = 2;

type Ends = HashMap<usize, (Scope, Weak<End>)>;

/// By their ids, as frames know them.
static ENDS: Mutex<Option<Ends>> = Mutex::new(None);

impl End {
    pub fn new(scope: Scope, destroy: Destroy) -> Arc<End> {
        let end = Arc::new(End { destroy: Mutex::new(Some(destroy)), state: AtomicUsize::new(0) });
        lock(&ENDS).get_or_insert_default().insert(end.id(), (scope, Arc::downgrade(&end)));
        end
    }

    pub fn id(self: &Arc<End>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// A call begins. `false` when the destroy-notify has run, or is about to.
    pub fn begin(&self) -> bool {
        let begun = |state| (state != RETIRED).then_some(state + CALL);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// The call has returned.
    pub fn finish(&self) {
        if self.lose() {
            self.run();
        }
    }

    /// A call is over. `true` when the destroy-notify has waited for that.
    fn lose(&self) -> bool {
        let over = |state: usize| state.checked_sub(CALL);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, over) == Ok(CALL | RETIRED)
    }

    /// The registration is gone, whoever seems to hold it.
    pub fn retire(&self) {
        if self.state.fetch_or(RETIRED, Ordering::AcqRel) < CALL {
            self.run();
        }
    }

    pub fn run(&self) {
        let destroy = lock(&self.destroy).take();
        if let Some(destroy) = destroy {
            destroy();
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(ends) = lock(&ENDS).as_mut() {
            ends.remove(&std::ptr::from_ref(self).addr());
        }
    }
}

/// Calls the host from the frame at `frame`. An unwinding that comes out of it ends the process: it would leave the library
/// half-way, and its callers cannot be unwound.
#[inline]
pub fn call_host<T>(host: Host, frame: usize, function: impl FnOnce() -> T) -> T {
    let Host { callback, role, end } = host;
    let level = LEVEL.with(Cell::get);
    let note = |host| {
        if (1..=DEEPEST).contains(&level) {
            VISITS.with(|visits| {
                let visit = &visits[level - 1];
                visit.set(Visit { host, callback, end, ..visit.get() });
            });
        }
    };
    note(frame);
    let passing = PASSING.with(Cell::get);
    if role == Role::Passing {
        PASSING.with(|passing| passing.set(true));
    }
    let unwound = Unwound(callback);
    let value = function();
    std::mem::forget(unwound);
    // A callback that has itself been jumped into may have left calls of its own behind.
    if LEVEL.with(Cell::get) != level {
        come_back(level);
    }
    PASSING.with(|present| present.set(passing));
    note(0);
    value
}

#[cold]
fn come_back(level: usize) {
    let last = LEVEL.with(Cell::get).min(DEEPEST);
    if level < last {
        lose(level, last).tell();
    } else {
        return_to(level);
    }
}

/// Dropped by an unwinding only.
struct Unwound(&'static str);

impl Drop for Unwound {
    #[cold]
    fn drop(&mut self) {
        use std::io::Write;
        // Nothing else is ever printed: this is all that the developer gets to see.
        let _ = writeln!(
            std::io::stderr(),
            "claude-client: {} was left by an exception, by pthread_exit or by another unwinding. Functions that the host \
             gives to the library must return normally: catch what they throw inside of them (point 6 of the contract at \
             the top of claude_client.h, and docs/threading.md). The process is aborted.",
            self.0
        );
        std::process::abort();
    }
}
