//! The books of the callback threads under the model checker: no work is left lying beside a thread that could do it.

#[allow(dead_code)]
#[path = "../src/runtime/pool_state.rs"]
mod pool_state;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use pool_state::{Need, Next, PoolState};

/// As `pool.rs` keeps it; the model has no clock, so an idle thread waits for ever or not at all.
struct Pool {
    state: Mutex<PoolState<Job>>,
    called: Condvar,
    done: Mutex<[usize; 3]>,
    progress: Condvar,
    leaves_at_once: bool,
}

/// A job with this number. `turns` are left of it, and before the last one it waits for `after` to have been done.
struct Job {
    number: usize,
    turns: usize,
    after: Option<usize>,
}

fn once(number: usize) -> Job {
    Job { number, turns: 1, after: None }
}

fn pool(leaves_at_once: bool) -> Arc<Pool> {
    Arc::new(Pool {
        state: Mutex::new(PoolState::new()),
        called: Condvar::new(),
        done: Mutex::new([0; 3]),
        progress: Condvar::new(),
        leaves_at_once,
    })
}

type Threads = Vec<thread::JoinHandle<()>>;

fn add_thread(pool: &Arc<Pool>, state: &mut PoolState<Job>, threads: &mut Threads) {
    state.thread_started();
    let pool = pool.clone();
    threads.push(thread::spawn(move || pool.serve()));
}

fn submit(pool: &Arc<Pool>, job: Job, threads: &mut Threads) -> Need {
    let mut state = pool.state.lock().unwrap();
    let need = state.push(job);
    if need == Need::Thread {
        add_thread(pool, &mut state, threads);
    }
    let idle = state.has_idle();
    drop(state);
    if idle {
        pool.called.notify_one();
    }
    need
}

impl Pool {
    fn serve(&self) {
        loop {
            let mut state = self.state.lock().unwrap();
            let mut job = loop {
                match state.next(self.leaves_at_once) {
                    Next::Run(job) => break job,
                    Next::Leave => return,
                    Next::Wait => {
                        state = self.called.wait(state).unwrap();
                        state.woken();
                    }
                }
            };
            drop(state);
            job.turns -= 1;
            if job.turns == 0 {
                self.run(&job);
            }
            let mut state = self.state.lock().unwrap();
            state.ended((job.turns > 0).then_some(job));
        }
    }

    fn run(&self, job: &Job) {
        if let Some(other) = job.after {
            self.wait_for(other);
        }
        self.done.lock().unwrap()[job.number] += 1;
        self.progress.notify_all();
    }

    fn wait_for(&self, number: usize) {
        let mut done = self.done.lock().unwrap();
        while done[number] == 0 {
            done = self.progress.wait(done).unwrap();
        }
    }

    fn stop(&self, threads: Threads) {
        self.state.lock().unwrap().stop();
        self.called.notify_all();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(!self.state.lock().unwrap().has_waiting());
    }
}

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A lane that comes back for another turn, and gets stuck in it, leaves other work to the idle thread.
#[test]
fn new_work_beside_a_lane_that_comes_again_finds_the_idle_thread() {
    check(3, || {
        let (pool, mut threads) = (pool(false), Vec::new());
        {
            let mut state = pool.state.lock().unwrap();
            add_thread(&pool, &mut state, &mut threads);
            add_thread(&pool, &mut state, &mut threads);
        }
        submit(&pool, Job { number: 0, turns: 2, after: Some(1) }, &mut threads);
        submit(&pool, once(1), &mut threads);
        pool.wait_for(0);
        pool.stop(threads);
        assert_eq!(*pool.done.lock().unwrap(), [1, 1, 0]);
    });
}

/// A thread that leaves for want of work does not leave with what comes in the last instant.
#[test]
fn work_that_comes_while_a_thread_leaves_is_done() {
    check(3, || {
        let (pool, mut threads) = (pool(true), Vec::new());
        for number in 0..3 {
            let need = submit(&pool, once(number), &mut threads);
            assert_ne!(need, Need::Nothing, "nobody is idle here");
        }
        pool.stop(threads);
        assert_eq!(*pool.done.lock().unwrap(), [1, 1, 1]);
    });
}

/// Whatever waits beside stuck threads has somebody who looks after it, and gets a thread.
#[test]
fn work_beside_stuck_threads_is_watched() {
    check(1, || {
        let (pool, mut threads) = (pool(false), Vec::new());
        submit(&pool, Job { number: 0, turns: 1, after: Some(2) }, &mut threads);
        submit(&pool, Job { number: 1, turns: 1, after: Some(2) }, &mut threads);
        let need = submit(&pool, once(2), &mut threads);
        if need == Need::Watch {
            let mut state = pool.state.lock().unwrap();
            add_thread(&pool, &mut state, &mut threads);
        }
        pool.wait_for(2);
        pool.wait_for(1);
        pool.wait_for(0);
        pool.stop(threads);
    });
}

/// Two wait for the threads to leave, and one of them gives up at once.
#[test]
fn a_stop_that_is_given_up_does_not_keep_the_threads_for_another() {
    check(3, || {
        let (pool, mut threads) = (pool(false), Vec::new());
        {
            let mut state = pool.state.lock().unwrap();
            add_thread(&pool, &mut state, &mut threads);
        }
        let impatient = {
            let pool = pool.clone();
            thread::spawn(move || {
                pool.state.lock().unwrap().stop();
                pool.called.notify_all();
                pool.state.lock().unwrap().stopped();
            })
        };
        pool.stop(threads);
        impatient.join().unwrap();
    });
}
