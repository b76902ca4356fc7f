//! Counters of one client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::Client;
use crate::dispatch::Lanes;

#[derive(Debug, Default)]
pub struct Stats {
    prompts: AtomicU64,
    pub unparsed_lines: AtomicU64,
    pub long_lines: AtomicU64,
    pub requests: AtomicU64,
    bytes_read: AtomicU64,
    /// Those that are only keep-alives.
    keep_alive_bytes: AtomicU64,
    bytes_written: AtomicU64,
    /// Of the last answered control request and of the slowest one, in microseconds; 0 = none.
    control_last: AtomicU64,
    control_max: AtomicU64,
}

impl Stats {
    pub fn prompt_sent(&self) {
        self.prompts.fetch_add(1, Ordering::Relaxed);
    }

    /// Without an atomic read-modify-write: only one thread reads at a time.
    pub fn read(&self, bytes: usize) {
        self.bytes_read.store(self.bytes_read.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
    }

    pub fn keep_alive(&self, length: usize) {
        self.keep_alive_bytes.fetch_add(length as u64 + 1, Ordering::Relaxed);
    }

    /// All bytes, and those that were not keep-alives.
    pub fn bytes_read(&self) -> (u64, u64) {
        let bytes = self.bytes_read.load(Ordering::Relaxed);
        (bytes, bytes.saturating_sub(self.keep_alive_bytes.load(Ordering::Relaxed)))
    }

    pub fn line_written(&self, length: usize) {
        self.bytes_written.fetch_add(length as u64 + 1, Ordering::Relaxed);
    }

    /// The start of a session does not count as a round trip: the CLI has to get ready.
    pub fn control_answered(&self, time: Duration, subtype: &str) {
        if subtype == "initialize" {
            return;
        }
        let time = microseconds(time);
        self.control_last.store(time, Ordering::Relaxed);
        self.control_max.fetch_max(time, Ordering::Relaxed);
    }
}

fn microseconds(time: Duration) -> u64 {
    time.as_micros().try_into().unwrap_or(u64::MAX).max(1)
}

/// The resident memory of a process, on systems where that is cheap to obtain.
fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

impl Client {
    /// The document of `claude_client_stats`.
    pub fn stats_json(&self) -> String {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.dispatcher.counters;
        let known = |counter: &AtomicU64| Some(load(counter)).filter(|time| *time > 0);
        let (first_answer, answer) = self.run.waits();
        let (queued_events, queued_bytes) = self.dispatcher.pending(Lanes::ALL);
        json!({
            "session_id": self.run.session_id(),
            "pid": self.pid(),
            "prompts": load(&self.stats.prompts),
            "messages": load(&counters.messages),
            "message_bytes": load(&counters.message_bytes),
            "bytes_read": load(&self.stats.bytes_read),
            "bytes_written": load(&self.stats.bytes_written),
            "requests": load(&self.stats.requests),
            "open_requests": self.requests.list().len(),
            "unparsed_lines": load(&self.stats.unparsed_lines),
            "long_lines": load(&self.stats.long_lines),
            "stderr_lines_dropped": load(&counters.stderr_dropped),
            "queued_events": queued_events,
            "queued_bytes": queued_bytes,
            "queued_input_bytes": self.transport().map_or(0, |transport| transport.queued_input()),
            "latency": {
                "control_last_us": known(&self.stats.control_last),
                "control_max_us": known(&self.stats.control_max),
                "first_answer_us": first_answer.map(microseconds),
                "result_us": answer.map(microseconds),
            },
            "waiting_for": self.waiting_for(),
            "silent_ms": self.silent_ms(),
            "ledger": self.run.ledger(),
            "memory_bytes": self.transport().and_then(|transport| transport.pid()).and_then(resident_bytes),
            "peak_queued_bytes": counters.peak_queued_bytes.load(Ordering::Relaxed),
        })
        .to_string()
    }
}
