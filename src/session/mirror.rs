//! Mirrors a session to a store of the host: what the CLI writes to the session's files is also stored, in order and before the
//! result it belongs to is delivered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

use super::Client;
use super::life::Call;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::options::Launch;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::protocol::members::{self, top_level_string, top_level_value};
use crate::protocol::tolerant;
use crate::sessions::store::{Answer, Key, Operation, Reply, Request, Store, late, resume::Resumed};
use crate::sync::{lock, ranked};

/// The time limit for one append; a late store may still be working on it, so the append is not retried.
const APPEND_TAKES: Duration = Duration::from_secs(60);

/// The delay before each attempt.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_millis(800)];

/// Above either limit entries are stored even if no result has arrived.
const MOST_ENTRIES: usize = 500;
const MOST_BYTES: usize = 1 << 20;

/// With this many bytes not stored yet, reading stops.
const FULL_BYTES: usize = 8 << 20;

/// How long a close requested by the host waits for the store.
const REST_TAKES: Duration = Duration::from_secs(5);

/// How often a task waiting for the store checks whether the session is ending.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Lines of one file that are stored together.
struct Batch {
    path: String,
    entries: Vec<Box<RawValue>>,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    entries: usize,
    /// Includes those that are being stored.
    bytes: usize,
    /// A task is draining the queue.
    busy: bool,
    /// A result that waits for the queue to drain, and everything after it.
    held: Vec<Block>,
    held_bytes: usize,
}

ranked!(State: Leaf, Option<Arc<dyn Store>>: Leaf, Option<(Resumed, String)>: Leaf);

/// The store of a client, and the entries queued for it.
#[derive(Default)]
pub struct Mirror {
    store: Mutex<Option<Arc<dyn Store>>>,
    is_given: AtomicBool,
    state: Mutex<State>,
    /// Something was stored, or is no longer held.
    progress: Notify,
    /// What the session was resumed from, for as long as it lives.
    resumed: Mutex<Option<(Resumed, String)>>,
}

impl Mirror {
    pub fn store(&self) -> Option<Arc<dyn Store>> {
        lock(&self.store).clone()
    }

    pub fn is_given(&self) -> bool {
        self.is_given.load(Ordering::Acquire)
    }

    pub fn keep(&self, resumed: Resumed, session_id: String) {
        *lock(&self.resumed) = Some((resumed, session_id));
    }

    /// Points the child at the folder that was written from the store.
    pub fn lead(&self, launch: &mut Launch) {
        let resumed = lock(&self.resumed);
        let Some((resumed, id)) = &*resumed else { return };
        launch.env.retain(|(name, _)| name != "CLAUDE_CONFIG_DIR");
        launch.env.push(("CLAUDE_CONFIG_DIR".into(), resumed.config_dir().into()));
        // Instead of the arguments for the newest session.
        let names_it = |word: &str| word == "--continue" || word.starts_with("--resume=");
        launch.args.retain(|given| !given.to_str().is_some_and(names_it));
        launch.shown_args.retain(|given| !names_it(given));
        launch.args.push(format!("--resume={id}").into());
        launch.shown_args.push(format!("--resume={id}"));
    }

    /// The child is gone.
    pub fn forget(&self) {
        let resumed = lock(&self.resumed).take();
        drop(resumed);
    }

    /// Whether reading must stop. The reply to a request may be behind a held result.
    pub fn is_full(&self, awaits_reply: bool) -> bool {
        let state = lock(&self.state);
        let may_read_on = state.held.is_empty() || (awaits_reply && state.held_bytes < FULL_BYTES);
        !may_read_on || state.bytes >= FULL_BYTES
    }

    /// Waits until that may have changed.
    pub async fn wait_for_room(&self) {
        let _ = timeout(POLL_INTERVAL, self.progress.notified()).await;
    }

    /// The client is being freed. The rest is stored by the running task, which holds the store itself.
    pub fn release(&self) {
        let store = lock(&self.store).take();
        // Outside the lock: the host's destroy-notify may run here.
        drop(store);
    }

    fn is_stored(&self) -> bool {
        let state = lock(&self.state);
        !state.busy && state.batches.is_empty()
    }

    /// Adds the lines of a frame; `true` if they should be stored at once.
    fn add(&self, path: String, entries: Vec<Box<RawValue>>) -> bool {
        let mut state = lock(&self.state);
        state.entries += entries.len();
        state.bytes += entries.iter().map(|entry| entry.get().len()).sum::<usize>();
        match state.batches.iter_mut().find(|batch| batch.path == path) {
            Some(batch) => batch.entries.extend(entries),
            None => state.batches.push_back(Batch { path, entries }),
        }
        state.entries > MOST_ENTRIES || state.bytes > MOST_BYTES
    }

    /// The next batch to store; `None` if there is none, which ends the task.
    fn next(&self) -> Option<Batch> {
        let mut state = lock(&self.state);
        let next = state.batches.pop_front();
        match &next {
            Some(batch) => state.entries -= batch.entries.len(),
            None => state.busy = false,
        }
        next
    }

    fn stored(&self, bytes: usize) {
        lock(&self.state).bytes -= bytes;
        self.progress.notify_one();
    }
}

/// Asks a store, and waits for its answer without blocking a thread.
pub(super) async fn ask(
    store: &Arc<dyn Store>,
    operation: Operation,
    key: String,
    entries: Option<String>,
    limit: Duration,
) -> Answer {
    let (sender, receiver) = oneshot::channel();
    let reply = Reply::new(move |answer| sender.send(answer).is_ok());
    store.ask(Request { operation, key, entries }, reply);
    match timeout(limit, receiver).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::new(Status::Cancelled, "the session store let go of a call")),
        Err(_) => Err(late(operation)),
    }
}

impl Client {
    /// Sets the store for the session; `None` removes it. Before connecting.
    pub fn set_store(&self, store: Option<Arc<dyn Store>>) -> Result<()> {
        if self.check(Call::Register).is_err() {
            return Err(Error::new(Status::AlreadyConnected, "the session store cannot change any more")
                .with("remedy", "call claude_client_set_session_store before connecting"));
        }
        self.mirror.is_given.store(store.is_some(), Ordering::Release);
        let before = std::mem::replace(&mut *lock(&self.mirror.store), store);
        // Outside the lock: the host's destroy-notify may run here.
        drop(before);
        Ok(())
    }

    /// Queues a part of the session's files for the store.
    pub(super) fn mirror_to_store(&self, line: &[u8]) {
        if !self.mirror.is_given() || top_level_string(line, b"type") != Some(b"transcript_mirror") {
            return;
        }
        let member = |name: &[u8]| top_level_value(line, name).and_then(members::value);
        let path = member(b"filePath").and_then(|path| tolerant::string(&String::from_utf8_lossy(path)));
        let entries =
            member(b"entries").and_then(|entries| serde_json::from_slice::<Vec<Box<RawValue>>>(entries).ok());
        match path.zip(entries) {
            Some((path, entries)) => {
                if self.mirror.add(path, entries) || self.options.stores_eagerly {
                    self.store_soon();
                }
            }
            None => self.warn(json!({"event": "mirror_error",
                "text": "a part of the session is not in the session store: its frame has no file or no entries"})),
        }
    }

    /// Returns the messages that can be delivered now. A result that must wait for the store is held, with everything after it.
    pub(super) fn hold_for_store(&self, block: Block) -> Option<Block> {
        if !self.mirror.is_given() {
            return Some(block);
        }
        let may_wait = !self.mirror.is_stored() && !self.is_closing();
        let mut state = lock(&self.mirror.state);
        let from = match block.lines.iter().position(|line| line.kind == Kind::Result) {
            _ if !state.held.is_empty() => 0,
            Some(result) if may_wait => result,
            _ => return Some(block),
        };
        let before = Block::new(block.data.clone(), block.lines[..from].into());
        let held = Block::new(block.data, block.lines[from..].into());
        state.held_bytes += held.data.len();
        state.held.push(held);
        drop(state);
        self.store_soon();
        (from > 0).then_some(before)
    }

    /// Delivers what was held. The caller holds the framer, so nothing overtakes it.
    pub(super) fn tell_held(&self) {
        if !self.mirror.is_given() {
            return;
        }
        let held = {
            let mut state = lock(&self.mirror.state);
            state.held_bytes = 0;
            std::mem::take(&mut state.held)
        };
        held.into_iter().for_each(|block| self.take_block(block));
        self.mirror.progress.notify_one();
    }

    /// Starts to store what is queued, unless a task is already doing so.
    fn store_soon(&self) {
        let mut state = lock(&self.mirror.state);
        if std::mem::replace(&mut state.busy, true) {
            return;
        }
        drop(state);
        let Some(client) = self.strong() else { return };
        if self.spawn(async move { client.store_all().await }).is_err() {
            lock(&self.mirror.state).busy = false;
        }
    }

    async fn store_all(self: Arc<Self>) {
        let Some(store) = self.mirror.store() else {
            lock(&self.mirror.state).busy = false;
            return;
        };
        loop {
            while let Some(batch) = self.mirror.next() {
                let bytes = batch.entries.iter().map(|entry| entry.get().len()).sum();
                self.store_batch(&store, batch).await;
                self.mirror.stored(bytes);
            }
            {
                let framer = lock(&self.framer);
                // What has arrived since is stored first: it may belong to a held result.
                if self.mirror.is_stored() {
                    self.tell_held();
                    drop(framer);
                    return;
                }
            }
            if std::mem::replace(&mut lock(&self.mirror.state).busy, true) {
                return;
            }
        }
    }

    async fn store_batch(&self, store: &Arc<dyn Store>, batch: Batch) {
        let Some(key) = Key::of_path(&batch.path) else {
            let text = format!("this is no session's file, and is not stored: {}", batch.path);
            return self.warn(json!({"event": "mirror_error", "text": text, "path": batch.path}));
        };
        let entries = serde_json::to_string(&batch.entries).unwrap_or_default();
        let mut failure = None;
        for pause in PAUSES {
            sleep(pause).await;
            let answer =
                ask(store, Operation::Append, key.to_json(), Some(entries.clone()), APPEND_TAKES).await;
            match answer {
                Ok(_) => return,
                Err(error) if error.status == Status::Timeout => {
                    failure = Some(error);
                    break;
                }
                Err(error) => failure = Some(error),
            }
            log::info(|| "the session store failed to append".to_owned());
        }
        if let Some(error) = failure {
            self.not_stored(&key, &batch.path, &error);
        }
    }

    /// The session goes on: its content is on disk as well.
    fn not_stored(&self, key: &Key, path: &str, error: &Error) {
        let text = format!("a part of the session is not in the session store: {}", error.message);
        let document = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let remedy = match lock(&self.mirror.resumed).is_some() {
            true => {
                "all of the session is in the file, which goes with this client: copy it before, or say it again"
            }
            false => {
                "import the session from the disk with claude_session_store_import when the store is well again"
            }
        };
        self.warn(
            json!({"event": "mirror_error", "text": text, "key": document(&key.to_json()), "path": path,
            "error": document(&error.to_json()), "remedy": remedy}),
        );
    }

    /// Waits until everything is stored; `waits` reports meanwhile that this is not silence. A close requested by the host
    /// waits only for a limited time; the rest is stored afterwards.
    pub(super) async fn store_rest(self: Arc<Self>, waits: impl Fn()) {
        self.store_soon();
        let began = Instant::now();
        while !self.mirror.is_stored() {
            if !self.is_closing() || began.elapsed() < REST_TAKES {
                waits();
            }
            let _ = timeout(POLL_INTERVAL, self.mirror.progress.notified()).await;
        }
    }

    /// Whether a part of the session is not stored yet.
    pub(super) fn has_unstored(&self) -> bool {
        self.mirror.is_given() && !self.mirror.is_stored()
    }
}
