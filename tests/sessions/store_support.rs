//! A session store written in Rust over the C functions, which does wrong what it is told to.
#![allow(clippy::disallowed_methods)] // A host's side of the boundary.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use claude_client::capi::session_store::*;
use claude_client::capi::types::{
    claude_client_t, claude_session_store_t, claude_session_store_vtable_t, claude_store_call_t,
};
use claude_client::ffi::number::given;
use serde_json::{Value, json};

use crate::support::probe::{Failure, Outcome, Session, Status, c_text, check, owned, parsed, text_of};

/// What the store does with its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Answers on another thread, after so many milliseconds.
    Slow(u64),
    /// Fails the next so many appends.
    Failing(usize),
    /// Answers each call twice.
    Twice,
    /// Lets go of each call.
    Silent,
    /// Keeps the calls; [`HostStore::answer_kept`] answers them.
    Keeps,
    /// Says of what is loaded that another machine has it.
    Taken,
    /// Answers a load with this.
    Nonsense(&'static str),
}

/// Everything that was asked, and what came of the answers.
#[derive(Default)]
pub struct Kept {
    pub files: BTreeMap<String, Vec<Value>>,
    pub asked: Vec<(String, String)>,
    /// Answers that were not taken: by their statuses.
    pub refused: Vec<Status>,
    /// Calls by number, with what they should be answered.
    waiting: Vec<(usize, Option<String>)>,
}

pub struct Inner {
    pub kept: Mutex<Kept>,
    mood: Mutex<Mood>,
    pub destroyed: AtomicUsize,
}

/// The store and its handle, which is freed with it.
pub struct HostStore {
    pub inner: Arc<Inner>,
    pub handle: *mut claude_session_store_t,
}

impl HostStore {
    pub fn new(mood: Mood) -> HostStore {
        let inner = Arc::new(Inner {
            kept: Mutex::default(),
            mood: Mutex::new(mood),
            destroyed: AtomicUsize::new(0),
        });
        let vtable = claude_session_store_vtable_t {
            size: size_of::<claude_session_store_vtable_t>(),
            append: Some(on_append),
            load: Some(on_load),
            list: Some(on_list),
            summaries: None,
            remove: Some(on_remove),
            list_subkeys: Some(on_subkeys),
            destroy: Some(on_destroy),
        };
        let mut handle = std::ptr::null_mut();
        let user_data = Arc::into_raw(inner.clone()).cast_mut().cast();
        // SAFETY: the struct has its size, the outputs are variables; `on_destroy` takes the reference back.
        check(|error| unsafe { claude_session_store_create(&vtable, user_data, &mut handle, error) })
            .expect("a store");
        HostStore { inner, handle }
    }

    pub fn set(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.inner.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries of the session itself.
    pub fn of_session(&self, id: &str) -> Vec<Value> {
        let kept = self.kept();
        let is_it = |key: &&String| {
            let key = parsed(key);
            key["session_id"] == id && key.get("subpath").is_none()
        };
        kept.files.keys().find(is_it).map(|key| kept.files[key].clone()).unwrap_or_default()
    }

    pub fn destroyed(&self) -> usize {
        self.inner.destroyed.load(Ordering::SeqCst)
    }

    pub fn free(&mut self) {
        // SAFETY: any value may be passed.
        unsafe { claude_session_store_free(self.handle) };
    }

    /// Answers what was kept; how each answer was taken.
    pub fn answer_kept(&self) -> Vec<Status> {
        let waiting = std::mem::take(&mut self.kept().waiting);
        waiting.into_iter().map(|(call, answer)| respond(call, answer.as_deref())).collect()
    }
}

impl Drop for HostStore {
    fn drop(&mut self) {
        self.free();
    }
}

/// Gives a client the store.
pub fn keep_in(session: &Session, store: *const claude_session_store_t) -> Result<(), Failure> {
    set_store(session.handle, store)
}

pub fn set_store(client: *mut claude_client_t, store: *const claude_session_store_t) -> Result<(), Failure> {
    // SAFETY: any values may be passed.
    check(|error| unsafe { claude_client_set_session_store(client, store, error) })
}

pub fn memory() -> *mut claude_session_store_t {
    let mut store = std::ptr::null_mut();
    // SAFETY: the outputs are variables.
    check(|error| unsafe { claude_session_store_create_memory(&mut store, error) }).expect("a store");
    store
}

/// The report of the contract.
pub fn report(store: *const claude_session_store_t, timeout_ms: u32) -> Value {
    let mut report = std::ptr::null_mut();
    // SAFETY: the outputs are variables.
    check(|error| unsafe { claude_session_store_check(store, timeout_ms, &mut report, error) })
        .unwrap_or_else(|failure| panic!("{failure:#?}"));
    parsed(&owned(report))
}

pub fn list(store: *const claude_session_store_t, options: &Value) -> Outcome {
    let options = c_text(&options.to_string());
    let mut sessions = std::ptr::null_mut();
    // SAFETY: texts are NUL-terminated, the outputs are variables.
    check(|error| unsafe {
        claude_session_store_list(store, options.as_ptr(), 60_000, &mut sessions, error)
    })?;
    Ok(parsed(&owned(sessions)))
}

pub fn import(store: *const claude_session_store_t, id: &str, options: &Value) -> Outcome {
    let (id, options) = (c_text(id), c_text(&options.to_string()));
    let mut result = std::ptr::null_mut();
    // SAFETY: texts are NUL-terminated, the outputs are variables.
    check(|error| unsafe {
        claude_session_store_import(store, id.as_ptr(), options.as_ptr(), 60_000, &mut result, error)
    })?;
    Ok(parsed(&owned(result)))
}

/// How an answer was taken.
fn respond(call: usize, answer: Option<&str>) -> Status {
    let answer = answer.map(c_text);
    let text = answer.as_ref().map_or(std::ptr::null(), |answer| answer.as_ptr());
    let call = std::ptr::without_provenance_mut::<claude_store_call_t>(call);
    // SAFETY: any handle may be passed; NULL or a NUL-terminated text.
    let answered = check(|error| unsafe { claude_store_call_respond(call, text, error) });
    answered.err().map_or(Status::CLAUDE_OK, |failure| failure.status)
}

fn fail(call: usize, status: Status, message: &str) {
    let message = c_text(message);
    let call = std::ptr::without_provenance_mut::<claude_store_call_t>(call);
    // SAFETY: as above.
    let failed =
        check(|error| unsafe { claude_store_call_fail(call, given(status as i32), message.as_ptr(), error) });
    // Whoever asked several things at once may have left at the first failure.
    let taken = failed.err().map_or(Status::CLAUDE_OK, |failure| failure.status);
    assert!(matches!(taken, Status::CLAUDE_OK | Status::CLAUDE_ERR_STALE), "{taken:?}");
}

fn inner(user_data: *mut c_void) -> Arc<Inner> {
    let inner = user_data.cast::<Inner>().cast_const();
    // SAFETY: made by `Arc::into_raw` in `new`; the store holds a reference until `on_destroy`.
    unsafe {
        Arc::increment_strong_count(inner);
        Arc::from_raw(inner)
    }
}

impl Inner {
    fn answer(self: Arc<Self>, call: usize, operation: &str, answer: Option<String>) {
        let mood = *self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        match mood {
            Mood::Well | Mood::Failing(0) => self.say(call, answer.as_deref()),
            Mood::Slow(ms) => {
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(ms));
                    self.say(call, answer.as_deref());
                });
            }
            Mood::Failing(left) if operation == "append" => {
                *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = Mood::Failing(left - 1);
                fail(call, Status::CLAUDE_ERR_FILE, "the disk is full");
            }
            Mood::Failing(_) => self.say(call, answer.as_deref()),
            Mood::Twice => {
                self.say(call, answer.as_deref());
                self.say(call, answer.as_deref());
            }
            Mood::Silent => {
                // SAFETY: any value may be passed.
                unsafe { claude_store_call_free(std::ptr::without_provenance_mut(call)) };
            }
            Mood::Keeps => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).waiting.push((call, answer))
            }
            Mood::Taken if operation == "load" => {
                fail(call, Status::CLAUDE_ERR_SESSION_IN_USE, "the machine b7 has it");
            }
            Mood::Nonsense(text) if operation == "load" => self.say(call, Some(text)),
            Mood::Taken | Mood::Nonsense(_) => self.say(call, answer.as_deref()),
        }
    }

    fn say(&self, call: usize, answer: Option<&str>) {
        let taken = respond(call, answer);
        if taken != Status::CLAUDE_OK {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).refused.push(taken);
        }
    }

    fn will_fail(&self) -> bool {
        matches!(*self.mood.lock().unwrap_or_else(PoisonError::into_inner), Mood::Failing(left) if left > 0)
    }

    fn note(&self, operation: &str, key: &str) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .asked
            .push((operation.to_owned(), key.to_owned()));
    }
}

unsafe extern "C" fn on_append(
    call: *mut claude_store_call_t,
    key: *const c_char,
    entries: *const c_char,
    user_data: *mut c_void,
) {
    let (inner, key, entries) = (inner(user_data), text_of(key), parsed(&text_of(entries)));
    inner.note("append", &key);
    let entries = entries.as_array().expect("an array").clone();
    if !entries.is_empty() && !inner.will_fail() {
        inner
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .files
            .entry(key)
            .or_default()
            .extend(entries);
    }
    inner.answer(call.addr(), "append", None);
}

unsafe extern "C" fn on_load(call: *mut claude_store_call_t, key: *const c_char, user_data: *mut c_void) {
    let (inner, key) = (inner(user_data), text_of(key));
    inner.note("load", &key);
    let found = inner
        .kept
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .files
        .get(&key)
        .map(|entries| json!(entries).to_string());
    inner.answer(call.addr(), "load", found);
}

/// The parsed keys of which it holds.
fn keys(inner: &Inner, holds: impl Fn(&Value) -> bool) -> Vec<Value> {
    let kept = inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.files.keys().map(|key| parsed(key)).filter(holds).collect()
}

unsafe extern "C" fn on_list(call: *mut claude_store_call_t, key: *const c_char, user_data: *mut c_void) {
    let (inner, asked) = (inner(user_data), parsed(&text_of(key)));
    inner.note("list", &asked.to_string());
    let is_it = |key: &Value| key["project_key"] == asked["project_key"] && key.get("subpath").is_none();
    let order = |id: &Value| {
        let kept = inner.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of =
            |(operation, key): &(String, String)| operation == "append" && parsed(key)["session_id"] == *id;
        kept.asked.iter().rposition(is_of)
    };
    let rows: Vec<Value> = keys(&inner, is_it)
        .into_iter()
        .map(|key| json!({"session_id": key["session_id"], "mtime": order(&key["session_id"])}))
        .collect();
    inner.answer(call.addr(), "list", Some(json!(rows).to_string()));
}

unsafe extern "C" fn on_remove(call: *mut claude_store_call_t, key: *const c_char, user_data: *mut c_void) {
    let (inner, gone) = (inner(user_data), parsed(&text_of(key)));
    let is_gone = |key: &Value| {
        *key == gone
            || gone.get("subpath").is_none()
                && (&key["project_key"], &key["session_id"]) == (&gone["project_key"], &gone["session_id"])
    };
    inner.kept.lock().unwrap_or_else(PoisonError::into_inner).files.retain(|key, _| !is_gone(&parsed(key)));
    inner.answer(call.addr(), "remove", None);
}

unsafe extern "C" fn on_subkeys(call: *mut claude_store_call_t, key: *const c_char, user_data: *mut c_void) {
    let (inner, asked) = (inner(user_data), parsed(&text_of(key)));
    let is_it = |key: &Value| {
        (&key["project_key"], &key["session_id"]) == (&asked["project_key"], &asked["session_id"])
    };
    let subpaths: Vec<Value> =
        keys(&inner, is_it).into_iter().filter_map(|key| key.get("subpath").cloned()).collect();
    inner.answer(call.addr(), "list_subkeys", Some(json!(subpaths).to_string()));
}

unsafe extern "C" fn on_destroy(user_data: *mut c_void) {
    // SAFETY: made by `Arc::into_raw` in `new`, and run once.
    let inner = unsafe { Arc::from_raw(user_data.cast::<Inner>().cast_const()) };
    inner.destroyed.fetch_add(1, Ordering::SeqCst);
}
