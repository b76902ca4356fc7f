//! The threads that run callbacks in THREAD mode.
//!
//! A client owns none of them: a lane with work borrows one and returns it when the lane is empty. Two threads serve everybody
//! as long as callbacks return; when all are blocked in host code and work is queued, more are added, so that a blocked
//! callback delays nobody else. Idle threads end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pool_state::{Need, Next, PoolState, WATCH_EVERY};
use crate::process;
use crate::sync::{MutexGuard, SystemCondvar, lock, ranked};

/// A unit of work that runs in turns.
pub trait Job: Send + Sync {
    /// `true` when there is more to do and the job must be queued again.
    fn run(&self) -> bool;
}

/// Work that takes a single turn.
struct Once(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Job for Once {
    fn run(&self) -> bool {
        let work = lock(&self.0).take();
        if let Some(work) = work {
            work();
        }
        false
    }
}

type Work = std::sync::Arc<dyn Job>;

const IDLE_LIFETIME: Duration = Duration::from_secs(2);

struct Pool {
    state: PoolState<Work>,
    handles: Vec<JoinHandle<()>>,
}

ranked!(Pool: Pool, Option<Box<dyn FnOnce() + Send>>: Leaf);

static POOL: Mutex<Pool> = Mutex::new(Pool { state: PoolState::new(), handles: Vec::new() });
static WORK: SystemCondvar = SystemCondvar::new();

/// Queues `work` for a callback thread.
pub fn submit(work: Work) {
    let mut pool = lock(&POOL);
    let watched = match pool.state.push(work) {
        Need::Nothing => false,
        Need::Thread => !add_thread(&mut pool),
        Need::Watch => true,
    };
    if watched {
        watch(&mut pool);
    }
    if pool.state.has_idle() {
        drop(pool);
        WORK.notify_one();
    }
}

/// Runs `work` on a callback thread.
pub fn run(work: impl FnOnce() + Send + 'static) {
    submit(std::sync::Arc::new(Once(Mutex::new(Some(Box::new(work))))));
}

/// Runs `work` on a reader thread, for what may run on no other thread while a reader exists.
pub fn submit_to_reader(work: Work) {
    let mut owed = Owed::new(work);
    let _ = super::spawn(async move {
        while owed.run() {
            tokio::task::yield_now().await;
        }
    });
}

/// Work submitted to a reader. It always runs: if no reader gets to it, a callback thread runs it.
struct Owed(Option<Work>);

/// The number of such jobs.
static OWED: AtomicUsize = AtomicUsize::new(0);

impl Owed {
    fn new(work: Work) -> Owed {
        OWED.fetch_add(1, Ordering::AcqRel);
        Owed(Some(work))
    }

    /// `true` when there is more to do.
    fn run(&mut self) -> bool {
        let Some(work) = self.0.take() else { return false };
        let again = work.run();
        self.0 = again.then_some(work);
        again
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            submit(work);
        }
        OWED.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Lets a reader that is about to end finish the work submitted to it, until the deadline.
pub async fn owed_is_done(deadline: Instant) {
    while OWED.load(Ordering::Acquire) != 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Whether queued work is being monitored.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Lives as long as the monitoring task, however that ends: its runtime may be shut down under it.
struct Watching;

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHED.store(false, Ordering::Release);
    }
}

/// While work is queued, checks every few milliseconds whether all threads are blocked.
fn watch(pool: &mut Pool) {
    if WATCHED.swap(true, Ordering::AcqRel) {
        return;
    }
    let watching = Watching;
    let mut turns = pool.state.turns;
    let spawned = super::spawn(async move {
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            let mut pool = lock(&POOL);
            if !pool.state.has_waiting() || pool.state.is_stopping() {
                // Under the lock, so that the next thread to queue work sees it.
                return drop(watching);
            }
            for _ in 0..pool.state.threads_to_spawn(turns) {
                add_thread(&mut pool);
            }
            turns = pool.state.turns;
        }
    });
    if spawned.is_err() {
        add_thread(pool);
    }
}

/// `false` if a thread cannot be started now. The monitoring task retries, and the existing threads go on.
fn add_thread(pool: &mut Pool) -> bool {
    let configuration = super::configuration();
    let mut builder = std::thread::Builder::new().name(format!("{}-callback", configuration.thread_name));
    if configuration.stack_size != 0 {
        builder = builder.stack_size(configuration.stack_size);
    }
    let body = move || {
        configuration.started();
        serve();
        configuration.stopped();
    };
    // Even without a reader: operations that the host starts after a shutdown complete here.
    super::own_process();
    let Ok(handle) = process::with_signals_blocked(|| builder.spawn(body)) else { return false };
    pool.state.thread_started();
    join_finished(&mut pool.handles);
    pool.handles.push(handle);
    true
}

fn serve() {
    while let Some(work) = next(lock(&POOL)) {
        let (again, done) = if work.run() { (Some(work), None) } else { (None, Some(work)) };
        lock(&POOL).state.ended(again);
        // Drop outside the lock: the job may own host objects, and dropping those may call the library.
        drop(done);
    }
}

/// The next job, or `None` when this thread has been idle for too long or the pool stops.
fn next(mut pool: MutexGuard<'_, Pool>) -> Option<Work> {
    let idle_since = Instant::now();
    loop {
        let idle_for = idle_since.elapsed();
        match pool.state.next(idle_for >= IDLE_LIFETIME) {
            Next::Run(work) => return Some(work),
            Next::Leave => return None,
            Next::Wait => {}
        }
        let waited = WORK.wait_timeout(pool, IDLE_LIFETIME - idle_for);
        pool = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        pool.state.woken();
    }
}

/// Joins the threads that have ended, and leaves the others.
fn join_finished(handles: &mut Vec<JoinHandle<()>>) {
    for handle in handles.extract_if(.., |handle| handle.is_finished()) {
        let _ = handle.join();
    }
}

/// Calls `act` if there are no threads, and before one can be started.
pub fn if_empty(act: impl FnOnce()) {
    let pool = lock(&POOL);
    if pool.handles.is_empty() {
        act();
    }
}

/// Lets the threads finish their current work and joins them. `false` if one was still in host code at the deadline.
pub fn shutdown(timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    lock(&POOL).state.stop();
    WORK.notify_all();
    loop {
        let mut pool = lock(&POOL);
        join_finished(&mut pool.handles);
        let ended = pool.handles.is_empty();
        if ended || Instant::now() >= deadline {
            pool.state.stopped();
            return ended;
        }
        drop(pool);
        std::thread::sleep(Duration::from_millis(1));
    }
}
