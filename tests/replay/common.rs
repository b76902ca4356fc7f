//! A host for every dispatch mode, and the conversation that is recorded and played back.
#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::{c_char, c_void};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use claude_client::capi::hook::*;
use claude_client::capi::receive::*;
use claude_client::capi::request::*;
use claude_client::capi::types::*;
use claude_testkit::Patience;
use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::boundary::{Failure, Kind, Outcome, Status, lent};
use crate::support::event::{self, Event};
use crate::support::handle::{Handle, fail};

pub const MODES: [claude_dispatch_t; 4] = [
    claude_dispatch_t::CLAUDE_DISPATCH_THREAD,
    claude_dispatch_t::CLAUDE_DISPATCH_PUMP,
    claude_dispatch_t::CLAUDE_DISPATCH_PULL,
    claude_dispatch_t::CLAUDE_DISPATCH_INLINE,
];

/// The record that is shipped.
pub fn session_record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/session.ndjson")
}

/// What a host has received: messages and events in their order, requests in theirs.
#[derive(Debug, Default, Clone)]
pub struct Received {
    pub messages: Vec<(Kind, String)>,
    pub requests: Vec<String>,
    /// The error's document; null for a normal end.
    pub closed: Option<(Status, Value)>,
}

impl Received {
    pub fn of(&self, kind: Kind) -> Vec<Value> {
        let of_kind = self.messages.iter().filter(|(known, _)| *known == kind);
        of_kind.map(|(_, text)| serde_json::from_str(text).expect("JSON")).collect()
    }

    /// The texts of what the CLI itself said.
    pub fn lines(&self) -> Vec<&str> {
        let from_cli = self.messages.iter().filter(|(kind, _)| (*kind as i32) < 100);
        from_cli.map(|(_, text)| text.as_str()).collect()
    }
}

#[derive(Default)]
struct Seen {
    received: Mutex<Received>,
    changed: Condvar,
}

impl Seen {
    fn note(&self, change: impl FnOnce(&mut Received)) {
        change(&mut self.received.lock().unwrap());
        self.changed.notify_all();
    }
}

/// A client that allows every tool and lets every hook pass.
pub struct Host {
    handle: Handle,
    seen: Arc<Seen>,
    /// Runs `claude_client_pump` or `claude_client_next` where the mode needs that.
    pump: Option<JoinHandle<()>>,
}

impl Deref for Host {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Host {
    pub fn new(options: &Value, mode: claude_dispatch_t) -> Host {
        let handle = Handle::with_mode(options, mode).unwrap_or_else(fail);
        let seen: Arc<Seen> = Arc::default();
        let user_data = Arc::as_ptr(&seen).cast_mut().cast();
        let pulls = mode == claude_dispatch_t::CLAUDE_DISPATCH_PULL;
        let on_request: claude_request_fn = if pulls { None } else { Some(on_request) };
        let must = |call: &dyn Fn(*mut claude_client_t, *mut *mut claude_error_t) -> Status| {
            handle.call(call).unwrap_or_else(fail)
        };
        // SAFETY: `seen` outlives the client, the texts are NUL-terminated.
        unsafe {
            if !pulls {
                must(&|client, error| {
                    claude_client_on_message(client, Some(on_message), user_data, None, error)
                });
                must(&|client, error| {
                    claude_client_on_closed(client, Some(on_closed), user_data, None, error)
                });
            }
            must(&|client, error| claude_client_on_request(client, on_request, user_data, None, error));
            must(&|client, error| {
                claude_client_add_hook(
                    client,
                    c"PreToolUse".as_ptr(),
                    null(),
                    0,
                    std::mem::MaybeUninit::new(claude_hook_failure_t::CLAUDE_HOOK_CONTINUE),
                    on_request,
                    user_data,
                    None,
                    error,
                )
            });
        }
        let pump = match mode {
            claude_dispatch_t::CLAUDE_DISPATCH_PUMP => Some(spawn(handle, &seen, pump)),
            claude_dispatch_t::CLAUDE_DISPATCH_PULL => Some(spawn(handle, &seen, pull)),
            _ => None,
        };
        Host { handle, seen, pump }
    }

    /// A prompt with a uuid of its own.
    pub fn send(&self, prompt: &str, uuid: &str) -> Outcome<()> {
        self.send_json(&json!({"type": "user", "message": {"role": "user", "content": prompt}, "uuid": uuid}))
    }

    /// Waits until it holds for what has come.
    #[track_caller]
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Received) -> bool) {
        let patience = Patience::new(PATIENCE);
        let mut received = self.seen.received.lock().unwrap();
        while !holds(&received) {
            let left = patience.left();
            assert!(!left.is_zero(), "{what} did not come: {received:#?}");
            received = self.seen.changed.wait_timeout(received, left).unwrap().0;
        }
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.seen.received.lock().unwrap().messages.iter().filter(|(known, _)| *known == kind).count()
    }

    #[track_caller]
    pub fn wait_results(&self, count: usize) {
        self.wait_for("a result", |received| received.of(Kind::CLAUDE_MESSAGE_RESULT).len() >= count);
    }

    /// Waits for the end of the session; everything that has come.
    #[track_caller]
    pub fn received(&self) -> Received {
        self.wait_for("the end of the session", |received| received.closed.is_some());
        self.seen.received.lock().unwrap().clone()
    }

    /// What has come so far.
    pub fn so_far(&self) -> Received {
        self.seen.received.lock().unwrap().clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What pumps learns that the handle is gone.
        self.handle.free();
        if let Some(pump) = self.pump.take() {
            pump.join().expect("the pump ends");
        }
    }
}

/// The conversation of the shipped record: a tool that a hook and the host let pass, an interrupt, and two more turns.
/// Waits for the end of the session; everything that has come.
pub fn converse(host: &Host) -> Result<Received, Failure> {
    const TOOL: &str =
        r#"USE_TOOL {"name":"Bash","input":{"command":"touch made-by-claude","description":"Make a file"}}"#;
    let uuid = |number: u32| format!("00000000-0000-4000-8000-00000000000{number}");
    host.connect()?;
    host.send(TOOL, &uuid(1))?;
    host.wait_results(1);
    let before = host.count(Kind::CLAUDE_MESSAGE_STREAM_EVENT);
    host.send("SLOW 200 50", &uuid(2))?;
    host.wait_for("a piece of the answer", |received| {
        let pieces = received.of(Kind::CLAUDE_MESSAGE_STREAM_EVENT);
        pieces.iter().skip(before).any(|piece| piece["event"]["type"] == "content_block_delta")
    });
    host.interrupt()?;
    host.wait_results(2);
    host.control(&json!({"subtype": "set_permission_mode", "mode": "acceptEdits"}))?;
    host.send("What is 2+2?", &uuid(3))?;
    host.wait_results(3);
    host.send("What is the capital of France?", &uuid(4))?;
    host.wait_results(4);
    host.disconnect()?;
    Ok(host.received())
}

struct Shared(Handle, Arc<Seen>);

fn spawn(handle: Handle, seen: &Arc<Seen>, run: fn(Shared)) -> JoinHandle<()> {
    let shared = Shared(handle, seen.clone());
    std::thread::spawn(move || run(shared))
}

fn pump(Shared(handle, _): Shared) {
    loop {
        // SAFETY: outputs that are not wanted may be NULL.
        let status = unsafe { claude_client_pump(handle.raw(), 0, 0, 100, null_mut(), null_mut()) };
        if status != Status::CLAUDE_OK {
            return;
        }
    }
}

fn pull(Shared(handle, seen): Shared) {
    loop {
        let event = match Event::next(handle.raw(), event::ALL, 100) {
            Ok(event) => event,
            Err(Status::CLAUDE_ERR_TIMEOUT) => continue,
            Err(_) => return,
        };
        let info = event.info();
        match info.kind {
            // SAFETY: the request was taken just now.
            Kind::CLAUDE_EVENT_REQUEST => unsafe { answer(event.take_request().expect("a request"), &seen) },
            Kind::CLAUDE_EVENT_CLOSED => seen.note(|received| {
                let document = serde_json::from_str(&info.text).unwrap_or_default();
                received.closed = Some((info.status, document));
            }),
            Kind::CLAUDE_EVENT_DONE | Kind::CLAUDE_EVENT_STDERR => {}
            kind => seen.note(|received| received.messages.push((kind, info.text))),
        }
    }
}

unsafe extern "C" fn on_message(
    kind: claude_message_kind_t,
    json: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    // SAFETY: registered with a `Seen` that outlives the client; the text is as the header promises.
    let (seen, text) = unsafe { (&*user_data.cast::<Seen>(), lent(json, len)) };
    seen.note(|received| received.messages.push((kind, text)));
}

unsafe extern "C" fn on_closed(status: Status, json: *const c_char, len: usize, user_data: *mut c_void) {
    // SAFETY: as in `on_message`.
    let (seen, text) = unsafe { (&*user_data.cast::<Seen>(), lent(json, len)) };
    seen.note(|received| received.closed = Some((status, serde_json::from_str(&text).unwrap_or_default())));
}

unsafe extern "C" fn on_request(request: *mut claude_request_t, user_data: *mut c_void) {
    // SAFETY: as in `on_message`; the request is ours.
    unsafe { answer(request, &*user_data.cast::<Seen>()) };
}

/// # Safety
/// The request is the caller's, and is freed here.
unsafe fn answer(request: *mut claude_request_t, seen: &Seen) {
    let mut len = 0;
    // SAFETY: the caller's promise; the text is NUL-terminated.
    unsafe {
        let text = lent(claude_request_json(request, &mut len), len);
        match claude_request_kind(request) {
            claude_request_kind_t::CLAUDE_REQUEST_PERMISSION => {
                claude_request_allow(request, null(), null(), null_mut());
            }
            _ => {
                claude_request_respond(request, c"{}".as_ptr(), null_mut());
            }
        }
        claude_request_free(request);
        seen.note(|received| received.requests.push(text));
    }
}

/// Gives a background thread of the library the time that it needs.
pub fn moment() {
    std::thread::sleep(Duration::from_millis(50));
}
