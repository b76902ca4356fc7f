//! A host over the C functions, with a CLI of a few lines in place of a transport. Everything that the library has to call once
//! has a token, which knows how often it was.

use std::ffi::{CStr, c_char, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use claude_client::capi::error::*;
use claude_client::capi::event::*;
use claude_client::capi::receive::*;
use claude_client::capi::runtime::claude_runtime_stats;
use claude_client::capi::transport::*;
use claude_client::capi::types::*;
use claude_client::ffi::number::{given, number};

pub use claude_client::capi::types::claude_status_t as Status;

/// Far more than anything takes; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the library has to call once.
pub struct Token {
    world: Arc<World>,
    /// The client that it belongs to, by its place; and what its callback does.
    pub client: usize,
    pub deed: u8,
    taken: AtomicUsize,
    told: AtomicUsize,
    status: AtomicU32,
    is_done: bool,
}

impl Token {
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub fn as_data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// # Safety
    /// `data` is that of a token whose world has not ended.
    pub unsafe fn of<'a>(data: *mut c_void) -> &'a Token {
        // SAFETY: the caller's promise.
        unsafe { &*data.cast::<Token>() }
    }

    /// The call that has it was taken, or is a registration, which is told in any case.
    pub fn taken(&self) {
        self.taken.fetch_add(1, SeqCst);
    }

    pub fn told(&self) -> bool {
        self.told.load(SeqCst) > 0
    }

    pub fn status(&self) -> i32 {
        self.status.load(SeqCst) as i32
    }

    fn tell(&self, status: i32) {
        self.status.store(status as u32, SeqCst);
        assert_eq!(self.told.fetch_add(1, SeqCst), 0, "told twice");
        self.world.changed.notify_all();
    }
}

/// What one run has to do with.
#[derive(Default)]
pub struct World {
    /// In boxes, so that they stay where the library was told they are.
    #[allow(clippy::vec_box)]
    tokens: Mutex<Vec<Box<Token>>>,
    pub changed: Condvar,
    lock: Mutex<()>,
    pub seen: Mutex<Vec<(i32, Vec<u8>)>>,
    pub closed: AtomicUsize,
    /// Handles by kind and place, as numbers: dead ones stay.
    pub clients: [AtomicUsize; 3],
    pub sinks: [AtomicUsize; 3],
    pub requests: Mutex<Vec<usize>>,
    pub calls: Mutex<Vec<usize>>,
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl World {
    pub fn token(self: &Arc<World>, client: usize, deed: u8, is_done: bool) -> &Token {
        let token = Box::new(Token {
            world: self.clone(),
            client,
            deed,
            taken: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            status: AtomicU32::new(0),
            is_done,
        });
        let place: *const Token = &*token;
        lock(&self.tokens).push(token);
        // SAFETY: it lives until `end`, which borrows nothing of it.
        unsafe { &*place }
    }

    pub fn client(&self, place: usize) -> *mut claude_client_t {
        std::ptr::without_provenance_mut(self.clients[place % 3].load(SeqCst))
    }

    pub fn sink(&self, place: usize) -> *mut claude_sink_t {
        std::ptr::without_provenance_mut(self.sinks[place % 3].load(SeqCst))
    }

    /// Waits until it holds; `step` moves things on.
    #[track_caller]
    pub fn wait(&self, what: &str, mut step: impl FnMut(), holds: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < end, "{what} does not come");
            step();
            if !holds() {
                drop(self.changed.wait_timeout(lock(&self.lock), Duration::from_micros(200)));
            }
        }
    }

    /// Everything has been freed: each token was told once, and no handle is alive.
    pub fn end(self: Arc<World>) {
        let all_told =
            || lock(&self.tokens).iter().all(|token| token.told.load(SeqCst) == token.taken.load(SeqCst));
        self.wait("a completion or a destroy-notify", || {}, all_told);
        let mut left = String::new();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            left = live_handles();
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        assert!(left.is_empty(), "left behind: {left}");
        // The tokens hold the world.
        let tokens = std::mem::take(&mut *lock(&self.tokens));
        drop(tokens);
    }

    pub fn see(&self, kind: i32, text: &[u8]) {
        lock(&self.seen).push((kind, text.to_vec()));
        self.changed.notify_all();
    }

    /// The next event, handled as a host would.
    pub fn next(&self, client: *mut claude_client_t, timeout_ms: u32) {
        let mut event = null_mut();
        // SAFETY: any handle may be passed, and the output is this one.
        let status = unsafe {
            claude_client_next(
                client,
                given(claude_lanes_t::CLAUDE_LANE_ALL as i32),
                timeout_ms,
                &mut event,
                null_mut(),
            )
        };
        if status != Status::CLAUDE_OK {
            return;
        }
        // SAFETY: numbers and pointers.
        let mut info: claude_event_info_t = unsafe { zeroed() };
        info.size = size_of::<claude_event_info_t>();
        // SAFETY: the event is alive, the output is this one.
        assert_eq!(unsafe { claude_event_info(event, &mut info, null_mut()) }, Status::CLAUDE_OK);
        // SAFETY: the library wrote it, and the text lives as long as the event.
        let (kind, text) = unsafe { (number(info.kind), text(info.json, info.len)) };
        if kind == claude_message_kind_t::CLAUDE_EVENT_DONE as i32 && !info.user_data.is_null() {
            // SAFETY: what was given for `done` is a token. The status was written.
            unsafe { Token::of(info.user_data).tell(number(info.status)) };
        } else if kind == claude_message_kind_t::CLAUDE_EVENT_CLOSED as i32 {
            self.closed.fetch_add(1, SeqCst);
        }
        self.see(kind, text);
        // SAFETY: the event is freed once.
        unsafe { claude_event_free(event) };
    }
}

/// Those that a run must free; empty when there are none.
fn live_handles() -> String {
    let mut json = null_mut();
    // SAFETY: the output is this one.
    assert_eq!(unsafe { claude_runtime_stats(&mut json, null_mut()) }, Status::CLAUDE_OK);
    // SAFETY: an owned text.
    let stats: serde_json::Value =
        serde_json::from_slice(unsafe { CStr::from_ptr(json) }.to_bytes()).expect("JSON");
    claude_string_free(json);
    let live = stats.as_object().expect("an object").iter();
    let live = live.filter(|(name, count)| *name != "threads" && **count != 0);
    let left: Vec<String> = live.map(|(name, count)| format!("{name}: {count}")).collect();
    left.join(", ")
}

/// # Safety
/// So many bytes can be read, and a NUL behind them.
pub unsafe fn text<'a>(json: *const c_char, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    let (text, end) = unsafe { (std::slice::from_raw_parts(json.cast::<u8>(), len), *json.add(len)) };
    assert_eq!(end, 0, "no NUL behind a text");
    assert!(std::str::from_utf8(text).is_ok(), "a text is no UTF-8");
    text
}

pub unsafe extern "C" fn done(status: Status, json: *const c_char, len: usize, data: *mut c_void) {
    // SAFETY: the library's promise, and what was given is a token.
    unsafe {
        text(json, len);
        let token = Token::of(data);
        assert!(token.is_done);
        token.tell(status as i32);
    }
}

pub unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    assert!(!token.is_done);
    token.tell(0);
}

pub unsafe extern "C" fn on_message(
    kind: claude_message_kind_t,
    json: *const c_char,
    len: usize,
    data: *mut c_void,
) {
    // SAFETY: the library's promise, and what was given is a token.
    let (token, text) = unsafe { (Token::of(data), text(json, len)) };
    assert!(!token.told(), "a callback behind its destroy-notify");
    token.world.see(kind as i32, text);
}

pub unsafe extern "C" fn on_closed(_: Status, json: *const c_char, len: usize, data: *mut c_void) {
    // SAFETY: the library's promise, and what was given is a token.
    let token = unsafe {
        text(json, len);
        Token::of(data)
    };
    assert!(!token.told(), "a callback behind its destroy-notify");
    assert_eq!(token.world.closed.fetch_add(1, SeqCst), 0, "closed twice");
    token.world.changed.notify_all();
}

// The transport. What its functions do is the token's deed, bit by bit.

/// Does not answer control requests.
pub const MUTE: u8 = 1;
/// Says twice that it is not ready.
pub const SLOW: u8 = 2;
/// `connect` fails.
pub const REFUSES: u8 = 4;
/// `write` fails.
pub const DEAF: u8 = 8;
/// Ends the stream inside of `close`.
pub const ENDS: u8 = 16;
/// Brings half a line inside of `connect`.
pub const EAGER: u8 = 32;
/// `end_input` fails.
pub const CLINGS: u8 = 64;

pub fn push(sink: *mut claude_sink_t, bytes: &[u8]) -> Status {
    // SAFETY: any handle may be passed; the bytes can be read.
    unsafe { claude_sink_push(sink, bytes.as_ptr().cast(), bytes.len(), null_mut()) }
}

pub fn end(sink: *mut claude_sink_t, status: i32, code: i32, message: &CStr) -> Status {
    // SAFETY: any handle may be passed; the text ends with NUL.
    unsafe { claude_sink_end(sink, given(status), code, message.as_ptr(), null_mut()) }
}

unsafe extern "C" fn connect(sink: *mut claude_sink_t, data: *mut c_void) -> MaybeUninit<Status> {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    token.world.sinks[token.client].store(sink.addr(), SeqCst);
    if token.deed & EAGER != 0 {
        push(sink, b"{\"type\":\"keep_alive\"}\n");
    }
    given(if token.deed & REFUSES != 0 { Status::CLAUDE_ERR_CLI_CONNECTION as i32 } else { 0 })
}

unsafe extern "C" fn write(bytes: *const c_void, len: usize, data: *mut c_void) -> MaybeUninit<Status> {
    // SAFETY: what was given is a token; so many bytes can be read.
    let (token, line) = unsafe { (Token::of(data), std::slice::from_raw_parts(bytes.cast::<u8>(), len)) };
    assert!(!token.told(), "a transport's function behind its destroy-notify");
    assert!(line.ends_with(b"\n") && line.iter().filter(|byte| **byte == b'\n').count() == 1, "not one line");
    let frame: serde_json::Value = claude_testkit::javascript::parse(line).expect("the CLI can read it");
    if token.deed & DEAF != 0 {
        return given(7);
    }
    if frame["type"] == "control_request" && token.deed & MUTE == 0 {
        let answer = serde_json::json!({"type": "control_response", "response": {
            "subtype": "success", "request_id": frame["request_id"],
            "response": {"commands": [], "settings_applied": true, "hooks_applied": true, "hook_on_failure_supported": true}}});
        push(token.world.sink(token.client), format!("{answer}\n").as_bytes());
    }
    given(0)
}

unsafe extern "C" fn end_input(data: *mut c_void) -> MaybeUninit<Status> {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    if token.deed & CLINGS == 0 {
        end(token.world.sink(token.client), 0, 0, c"");
    }
    given(i32::from(token.deed & CLINGS != 0))
}

unsafe extern "C" fn close(data: *mut c_void) -> MaybeUninit<Status> {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    assert!(!token.told(), "a transport's function behind its destroy-notify");
    if token.deed & ENDS != 0 {
        end(token.world.sink(token.client), 0, -1, c"closed");
    }
    given(0)
}

unsafe extern "C" fn is_ready(data: *mut c_void) -> MaybeUninit<Status> {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    let slow = token.deed & SLOW != 0 && token.status.fetch_add(1, SeqCst) < 2;
    given(if slow { Status::CLAUDE_ERR_WOULD_BLOCK as i32 } else { 0 })
}

unsafe extern "C" fn on_room(data: *mut c_void) {
    // SAFETY: what was given is a token.
    let token = unsafe { Token::of(data) };
    assert!(!token.told(), "a transport's function behind its destroy-notify");
}

/// Gives the client in that place a transport whose functions do `deed`.
pub fn set_transport(world: &Arc<World>, place: usize, deed: u8) -> Status {
    let token = world.token(place, deed, false);
    token.taken();
    let vtable = claude_transport_vtable_t {
        size: size_of::<claude_transport_vtable_t>(),
        connect: Some(connect),
        write: Some(write),
        end_input: Some(end_input),
        close: Some(close),
        is_ready: Some(is_ready),
        on_room: Some(on_room),
        destroy: Some(destroy),
    };
    // SAFETY: any handle may be passed; the struct is whole.
    unsafe { claude_client_set_transport(world.client(place), &vtable, token.as_data(), null_mut()) }
}

impl World {
    /// In PULL mode nobody is told of an operation whose client is freed.
    pub fn see_dropped(&self, token: &Token) {
        token.told.store(1, SeqCst);
    }
}
