//! One round: the threads do what they like, then everything is given back, and nothing may be left.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use claude_client::capi::types::claude_status_t;

use crate::ops::{Actor, free_client};
use crate::raw::{
    Handle, Owned, UserData, borrowed, claude_error_json, claude_runtime_on_log, claude_runtime_shutdown,
    claude_runtime_stats, claude_string_free, heap_bytes, number, trim_heap,
};
use crate::rng::mix;
use crate::surroundings::{descendants, descriptors, threads, wait_until};
use crate::watch::violation;
use crate::{Settings, far_moods, token, world};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Rounds {
    threads: usize,
    descriptors: Vec<String>,
    heap: Vec<usize>,
    tokens: usize,
}

impl Rounds {
    pub fn new() -> Self {
        Rounds { threads: threads(), descriptors: descriptors(), heap: Vec::new(), tokens: 0 }
    }

    pub fn count(&self) -> usize {
        self.heap.len()
    }

    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// What else may run beside the threads gets the end of the round.
    pub fn run(
        &mut self,
        settings: &Settings,
        end: Instant,
        beside: impl FnOnce(Instant) -> Vec<JoinHandle<()>>,
    ) {
        let end = end.min(Instant::now() + Duration::from_secs(settings.round_seconds));
        let late = far_moods::start_late();
        let round = self.count() as u64;
        let mut threads: Vec<_> = (0..settings.threads as u64)
            .map(|thread| {
                let mut actor = Actor::new(mix(mix(settings.seed, round), thread));
                let pause = settings.pause;
                let run = move || {
                    while Instant::now() < end {
                        actor.act();
                        if let Some(pause) = pause {
                            std::thread::sleep(pause);
                        }
                    }
                };
                std::thread::Builder::new().name(format!("host-{thread}")).spawn(run).expect("a thread")
            })
            .collect();
        threads.extend(beside(end));
        for thread in threads {
            if thread.join().is_err() {
                violation("a thread of the driver panicked");
            }
        }
        far_moods::stop_late(late);
        self.give_back();
    }

    /// Everything is freed, and the library is shut down: the process is as it was.
    fn give_back(&mut self) {
        world::set_quiet(true);
        free_all();
        claude_runtime_on_log(number(0), None, UserData::NULL, None, None);
        let mut error = Handle::NULL;
        if claude_runtime_shutdown(60_000, Some(&mut error)) != claude_status_t::CLAUDE_OK {
            violation(&format!("the last shutdown: {}", borrowed(claude_error_json(error))));
        }
        // What callbacks that were under way have made and kept meanwhile.
        free_all();
        let mut text = Owned::NULL;
        claude_runtime_stats(Some(&mut text), None);
        let stats: serde_json::Value = serde_json::from_str(&text.copied()).unwrap_or_default();
        claude_string_free(text);
        let left =
            |(name, value): (&String, &serde_json::Value)| name != "strings" && value.as_u64() != Some(0);
        if stats.as_object().is_none_or(|members| members.iter().any(left)) {
            violation(&format!("something is left: {stats}"));
        }
        self.tokens += token::settle_all();
        self.same_as_before();
        world::set_quiet(false);
        trim_heap();
        self.heap.push(heap_bytes());
    }

    fn same_as_before(&self) {
        if let Err(count) = wait_until(PATIENCE, threads, |count| *count == self.threads) {
            violation(&format!("{count} threads, and there were {}", self.threads));
        }
        if let Err(found) = wait_until(PATIENCE, descendants, Vec::is_empty) {
            violation(&format!("processes are left:\n{}", found.join("\n")));
        }
        let same = |now: &Vec<String>| now.len() == self.descriptors.len();
        if let Err(now) = wait_until(PATIENCE, descriptors, same) {
            let (now, before) = (now.join("\n"), self.descriptors.join("\n"));
            violation(&format!("descriptors are left:\n{now}\nThere were:\n{before}"));
        }
    }

    /// Memory does not grow with the rounds: from the second on, after which everything that is made once is there.
    pub fn judge(&self) {
        // A callback that is left costs up to its client's memory, as docs/threading.md says.
        const LEFT: usize = 64 << 10;
        let bound = (2 << 20) + LEFT * token::LEFT.load(Ordering::Relaxed) as usize;
        let kib: Vec<usize> = self.heap.iter().map(|bytes| bytes / 1024).collect();
        println!("chaos: KiB of heap after each round: {kib:?}");
        if let ([_, second, .., last], true) = (self.heap.as_slice(), self.heap.len() > 3) {
            let each = last.saturating_sub(*second) / (self.heap.len() - 2);
            if last.saturating_sub(*second) > bound && each > 64 * 1024 {
                violation(&format!("the heap has grown by {} KiB", last.saturating_sub(*second) / 1024));
            }
        }
    }
}

fn free_all() {
    world::all_clients().into_iter().for_each(free_client);
    world::free_the_rest();
}
