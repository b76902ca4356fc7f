//! Records a conversation while it goes on, around any transport.
//!
//! Traffic is copied into a queue and written by a task of its own. A record that cannot be written costs the session nothing
//! but one warning.

mod file;
pub mod format;
mod names;
pub mod redact;
mod secrets;
mod shapes;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{End, Ends, ExitReport, Later, Sink, Transport};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::process::Exit;
use crate::protocol::tolerant;
use crate::sync::{lock, ranked};
pub use redact::Redactor;
use writer::{Item, Writer};

/// With this many bytes waiting for the disk, nothing more is read from the CLI …
const MOST_QUEUED: usize = 16 << 20;

/// … and without progress for this long, recording stops.
const STALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How often to report that the disk is still writing.
const STILL_WRITING: Duration = Duration::from_millis(50);

/// The end of a session waits no longer than this for the disk. It is less than a process that was killed is given to end: a disk
/// that is slow must not pass for a process that lives on.
const END_WAITS: Duration = Duration::from_secs(3);

/// Bytes to write before waiters are notified that there is room again.
const BATCH: usize = 256 << 10;

/// Called at most once, with the reason why recording has stopped.
pub type Warn = Box<dyn Fn(String) + Send + Sync>;

/// What is known before the first line.
pub struct Start<'a> {
    pub options: &'a Options,
    /// Variables of the host and of the CLI, whose secrets are kept out.
    pub environment: &'a [(OsString, OsString)],
    pub cli_path: Option<PathBuf>,
    pub warn: Warn,
}

struct Queue {
    items: VecDeque<(u64, Item)>,
    bytes: usize,
    /// A task is writing, or about to.
    draining: bool,
    /// Nothing more is accepted: the session is over, or the file cannot be written.
    stopped: bool,
    /// Runs the writing task. None once the client is freed: an abandoned stack frame may hold this for ever, and must not keep
    /// the descriptors of a reader open.
    runtime: Option<Handle>,
}

/// One record.
pub struct Recorder {
    me: Weak<Recorder>,
    path: String,
    queue: Mutex<Queue>,
    writer: Mutex<Option<Writer>>,
    /// Notified when something has been written.
    progress: Notify,
    idle: Notify,
    started: Instant,
    warn: Warn,
    warned: AtomicBool,
    /// The session is being ended.
    closing: AtomicBool,
}

impl Recorder {
    /// Opens the file and writes the header; `None` if there is nothing to record or it cannot be done. Accesses the disk, and
    /// must be called on the runtime.
    pub fn start(start: Start<'_>) -> Option<Arc<Recorder>> {
        let record = start.options.record.as_ref()?;
        let redactor = redactor(start.options, start.environment, &record.redact);
        let header = header(&start, &redactor);
        let longest = start.options.max_message_bytes;
        let writer = match Writer::create(Path::new(&record.path), record.fsync, redactor, longest) {
            Ok(writer) => writer,
            Err(cause) => {
                (start.warn)(format!("the conversation is not recorded: {}: {cause}", record.path));
                return None;
            }
        };
        let recorder = Arc::new_cyclic(|me| Recorder {
            me: me.clone(),
            path: record.path.clone(),
            queue: Mutex::new(Queue {
                items: VecDeque::new(),
                bytes: 0,
                draining: false,
                stopped: false,
                runtime: Some(Handle::current()),
            }),
            writer: Mutex::new(Some(writer)),
            progress: Notify::new(),
            idle: Notify::new(),
            started: Instant::now(),
            warn: start.warn,
            warned: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        recorder.push(Item::Meta(header));
        Some(recorder)
    }

    fn push(&self, item: Item) {
        let mut queue = lock(&self.queue);
        if queue.stopped {
            return;
        }
        let Some(runtime) = &queue.runtime else { return };
        let runtime = (!queue.draining).then(|| runtime.clone());
        let at_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        queue.bytes += item.size();
        queue.items.push_back((at_us, item));
        queue.draining = true;
        drop(queue);
        if let (Some(runtime), Some(me)) = (runtime, self.me.upgrade()) {
            runtime.spawn_blocking(move || me.drain());
        }
    }

    /// Writes until the queue is empty.
    fn drain(&self) {
        loop {
            let batch = {
                let mut queue = lock(&self.queue);
                let batch = take_batch(&mut queue.items);
                if batch.is_empty() {
                    queue.draining = false;
                    let released = queue.runtime.is_none();
                    drop(queue);
                    if released {
                        self.close_file();
                    }
                    self.idle.notify_waiters();
                    return;
                }
                batch
            };
            if let Err(cause) = self.write(&batch) {
                self.stop(&cause.to_string());
            }
            let written: usize = batch.iter().map(|(_, item)| item.size()).sum();
            let mut queue = lock(&self.queue);
            queue.bytes = queue.bytes.saturating_sub(written);
            drop(queue);
            self.progress.notify_one();
        }
    }

    fn write(&self, batch: &[(u64, Item)]) -> std::io::Result<()> {
        let mut writer = lock(&self.writer);
        let Some(writer) = writer.as_mut() else { return Ok(()) };
        for (at_us, item) in batch {
            writer.add(*at_us, item)?;
        }
        writer.flush()
    }

    /// Stops recording; what is in the file stays.
    fn stop(&self, why: &str) {
        {
            let mut queue = lock(&self.queue);
            queue.stopped = true;
            queue.items.clear();
            queue.bytes = 0;
        }
        self.warn_once("recording has stopped, the session goes on", why);
        self.close_file();
        self.progress.notify_one();
        self.idle.notify_waiters();
    }

    fn warn_once(&self, what: &str, why: &str) {
        if !self.warned.swap(true, Ordering::AcqRel) {
            (self.warn)(format!("{what}: {}: {why}", self.path));
        }
    }

    fn is_full(&self) -> bool {
        lock(&self.queue).bytes >= MOST_QUEUED
    }

    /// Waits until there may be room; without any progress, stops recording.
    async fn wait_for_room(&self) {
        if timeout(STALL_TIMEOUT, self.progress.notified()).await.is_err() && self.is_full() {
            self.stop("the disk does not keep up");
        }
    }

    /// Waits until everything is in the file, and closes it. A slow disk gets the rest behind the end.
    async fn finish(&self) {
        if timeout(END_WAITS, self.written()).await.is_err() {
            return self.warn_once(
                "the end of the conversation is still being written",
                "the disk does not keep up",
            );
        }
        lock(&self.queue).stopped = true;
        self.close_file();
    }

    /// Stops accepting; what is queued is still written. Releases system resources, even if something still holds this.
    fn release(&self) {
        let (runtime, idle) = {
            let mut queue = lock(&self.queue);
            (queue.runtime.take(), !queue.draining)
        };
        drop(runtime);
        if idle {
            self.close_file();
        }
    }

    /// A writer stuck in a system call keeps its file until it returns.
    fn close_file(&self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            *writer = None;
        }
    }

    async fn written(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.is_written() {
                return;
            }
            idle.await;
        }
    }

    fn is_written(&self) -> bool {
        let queue = lock(&self.queue);
        queue.stopped || (queue.items.is_empty() && !queue.draining)
    }
}

/// The runtime may have ended before everything was written.
impl Drop for Recorder {
    fn drop(&mut self) {
        let rest: Vec<(u64, Item)> = std::mem::take(&mut lock(&self.queue).items).into();
        if !rest.is_empty() {
            let _ = self.write(&rest);
        }
    }
}

fn take_batch(items: &mut VecDeque<(u64, Item)>) -> Vec<(u64, Item)> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH
        && let Some(entry) = items.pop_front()
    {
        bytes += entry.1.size();
        batch.push(entry);
    }
    batch
}

/// Removes what is secret in options and environment, and the values at these pointers.
pub fn redactor(options: &Options, environment: &[(OsString, OsString)], pointers: &[String]) -> Redactor {
    Redactor::new(secrets::collect(options.document(), environment), pointers)
}

/// The first line of the file.
fn header(start: &Start<'_>, redactor: &Redactor) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut options = start.options.document().clone();
    options.shift_remove("record");
    let options = redactor.json(&Value::Object(options).to_string()).unwrap_or_default();
    let options = tolerant::value(&options).unwrap_or_default();
    json!({
        "event": format::HEADER,
        "format": format::FORMAT,
        "format_version": format::FORMAT_VERSION,
        "library_version": env!("CARGO_PKG_VERSION"),
        "recorded_at_ms": u64::try_from(now.as_millis()).unwrap_or(0),
        "cli_path": start.cli_path.as_ref().map(|path| redactor.text(&path.to_string_lossy()).into_owned()),
        "options": options,
    })
}

/// Records the outgoing lines.
pub struct RecordingTransport {
    inner: Arc<dyn Transport>,
    recorder: Arc<Recorder>,
    input_ended: AtomicBool,
}

impl RecordingTransport {
    pub fn new(inner: Arc<dyn Transport>, recorder: Arc<Recorder>) -> RecordingTransport {
        RecordingTransport { inner, recorder, input_ended: AtomicBool::new(false) }
    }

    fn note_once(&self, done: &AtomicBool, event: &str) {
        if !done.swap(true, Ordering::AcqRel) {
            self.recorder.push(Item::Meta(json!({"event": event})));
        }
    }
}

impl Transport for RecordingTransport {
    fn open(&self) -> Later<'_, Result<()>> {
        self.inner.open()
    }

    fn remove_files(&self) {
        self.inner.remove_files();
    }

    fn write_line(&self, line: String) -> Result<()> {
        // Recorded first: the answer may come before the write returns.
        self.recorder.push(Item::Out(line.clone()));
        self.inner.write_line(line)
    }

    fn write_last(&self, line: String) {
        self.inner.write_last(line);
    }

    fn end_input(&self) {
        // When the session ends, this is part of its end.
        if !self.recorder.closing.load(Ordering::Acquire) {
            self.note_once(&self.input_ended, format::END_INPUT);
        }
        self.inner.end_input();
    }

    fn closing(&self) {
        self.note_once(&self.recorder.closing, format::CLOSE);
        self.inner.closing();
    }

    fn terminate(&self) {
        self.inner.terminate();
    }

    fn kill(&self) {
        self.inner.kill();
    }

    fn stop_reading(&self) {
        self.inner.stop_reading();
    }

    fn release(&self) {
        self.inner.release();
        self.recorder.release();
    }

    fn pid(&self) -> Option<u32> {
        self.inner.pid()
    }

    fn exit(&self) -> Option<ExitReport> {
        self.inner.exit()
    }

    fn queued_input(&self) -> usize {
        self.inner.queued_input()
    }

    fn stderr(&self) -> String {
        self.inner.stderr()
    }
}

type Tell = Box<dyn FnOnce(&dyn Sink) + Send>;

/// Records the incoming data.
pub struct RecordingSink {
    inner: Arc<dyn Sink>,
    recorder: Arc<Recorder>,
    /// Bytes at the front of the buffer that have been recorded already.
    seen: AtomicUsize,
    has_stderr: AtomicBool,
    ends: Mutex<Ends>,
    /// stdout ended although the session was not being ended.
    muted: AtomicBool,
}

ranked!(Option<Writer>: Transport, Queue: Leaf, Ends: Leaf);

impl RecordingSink {
    pub fn new(inner: Arc<dyn Sink>, recorder: Arc<Recorder>) -> RecordingSink {
        RecordingSink {
            inner,
            recorder,
            seen: AtomicUsize::new(0),
            has_stderr: AtomicBool::new(false),
            ends: Mutex::default(),
            muted: AtomicBool::new(false),
        }
    }

    fn note_new(&self, buffer: &BytesMut) {
        let seen = self.seen.load(Ordering::Relaxed).min(buffer.len());
        if seen < buffer.len() {
            self.recorder.push(Item::In(Bytes::copy_from_slice(&buffer[seen..])));
        }
    }

    /// Records a part of the end and reports it; the last one once the record is complete, so that all of it is in the file by
    /// then, unless the disk is slow: then the rest is written behind the end.
    fn part_ended(&self, note: impl FnOnce(&mut Ends), tell: Tell) {
        let end = {
            let mut ends = lock(&self.ends);
            note(&mut ends);
            ends.complete()
        };
        match end {
            Some(end) => self.ended(&end, tell),
            None => tell(&*self.inner),
        }
    }

    fn ended(&self, end: &End, tell: Tell) {
        self.recorder.push(Item::Meta(format::ended(end, !self.has_stderr.load(Ordering::Relaxed))));
        let (recorder, inner) = (self.recorder.clone(), self.inner.clone());
        let runtime = lock(&self.recorder.queue).runtime.clone();
        let Some(runtime) = runtime else { return tell(&*self.inner) };
        runtime.spawn(async move {
            handing_over(&*inner, recorder.finish()).await;
            tell(&*inner);
        });
    }
}

/// Waits for the disk, which must not be mistaken for a silent peer.
async fn handing_over(sink: &dyn Sink, writing: impl Future<Output = ()>) {
    tokio::pin!(writing);
    while timeout(STILL_WRITING, &mut writing).await.is_err() {
        sink.handing_over();
    }
}

impl Sink for RecordingSink {
    fn data(&self, buffer: &mut BytesMut) {
        // Recorded first: the application may answer inside the call.
        self.note_new(buffer);
        self.inner.data(buffer);
        self.seen.store(buffer.len(), Ordering::Relaxed);
    }

    fn data_ended(&self, buffer: &mut BytesMut) {
        self.note_new(buffer);
        self.recorder.push(Item::InEnd);
        self.inner.data_ended(buffer);
        self.seen.store(buffer.len(), Ordering::Relaxed);
    }

    fn has_room(&self) -> bool {
        self.inner.has_room() && !self.recorder.is_full()
    }

    fn wait_for_room(&self) -> Later<'_, ()> {
        Box::pin(async move {
            if self.recorder.is_full() {
                handing_over(&*self.inner, self.recorder.wait_for_room()).await;
            } else if !self.inner.has_room() {
                // If it has room, the disk has caught up in the meantime, and no notification would come.
                self.inner.wait_for_room().await;
            }
        })
    }

    fn stderr_line(&self, line: &[u8]) {
        self.has_stderr.store(true, Ordering::Relaxed);
        self.recorder.push(Item::Stderr(line.to_vec()));
        self.inner.stderr_line(line);
    }

    fn reading_held(&self, held: bool) {
        self.inner.reading_held(held);
    }

    fn handing_over(&self) {
        self.inner.handing_over();
    }

    fn stdout_ended(&self) {
        self.muted.store(!self.recorder.closing.load(Ordering::Acquire), Ordering::Release);
        self.part_ended(|ends| ends.stdout = true, Box::new(|inner| inner.stdout_ended()));
    }

    fn stderr_ended(&self, tail: String) {
        let noted = tail.clone();
        self.part_ended(|ends| ends.stderr = Some(noted), Box::new(|inner| inner.stderr_ended(tail)));
    }

    fn exited(&self, exit: ExitReport) {
        let mut noted = exit.clone();
        noted.abandoned |=
            self.muted.load(Ordering::Acquire) && self.recorder.closing.load(Ordering::Acquire);
        self.part_ended(|ends| ends.report = Some(noted), Box::new(|inner| inner.exited(exit)));
    }

    fn unended(&self, why: Error) {
        let report = ExitReport { cause: Some(Box::new(why.clone())), ..ExitReport::new(Exit::Unknown) };
        self.ended(&End { report, stderr: String::new() }, Box::new(|inner| inner.unended(why)));
    }
}
