//! The table of functions for a transport that is written in Rust, and what it was asked.

use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use claude_client::capi::transport::*;
use claude_client::capi::types::*;
use claude_client::ffi::number::given;

use super::Noted;
use super::client::{Client, Failure, check};

/// A transport as its author sees it.
pub trait Host: Send + Sync + 'static {
    fn connect(&self, _sink: Sink) -> i32 {
        0
    }
    fn write(&self, line: &[u8]) -> i32;
    fn end_input(&self) -> i32 {
        0
    }
    fn close(&self) -> i32 {
        0
    }
    fn is_ready(&self) -> i32 {
        0
    }
    fn room(&self) {}
}

/// The sink as a value for threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sink(pub *mut claude_sink_t);

// SAFETY: the header lets every function be called on any thread.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

impl Sink {
    pub fn push(self, bytes: &[u8]) -> Result<(), Failure> {
        // SAFETY: the slice is readable.
        check(|error| unsafe { claude_sink_push(self.0, bytes.as_ptr().cast(), bytes.len(), error) })
    }

    /// With an exit code, or with the number of a status, which is below 0.
    pub fn end(self, number: i32, message: &str) -> Result<(), Failure> {
        let (status, code) = if number < 0 { (number, -1) } else { (0, number) };
        self.end_as(status, code, message)
    }

    pub fn end_as(self, status: i32, code: i32, message: &str) -> Result<(), Failure> {
        let message = CString::new(message).expect("no NUL");
        // SAFETY: the text is NUL-terminated.
        check(|error| unsafe { claude_sink_end(self.0, given(status), code, message.as_ptr(), error) })
    }

    pub fn has_room(self) -> bool {
        // SAFETY: any value may be passed.
        unsafe { claude_sink_has_room(self.0) }
    }
}

/// What the library has called.
#[derive(Debug, Default)]
pub struct Log {
    /// Begins and ends in their order: `write`, `/write`.
    pub calls: Vec<String>,
    /// Of those that must not run together.
    running: usize,
    pub together: bool,
    pub destroyed: usize,
}

impl Log {
    pub fn count(&self, name: &str) -> usize {
        self.calls.iter().filter(|call| *call == name).count()
    }
}

struct Watched<H> {
    host: H,
    log: Arc<Noted<Log>>,
}

impl<H> Watched<H> {
    fn call(&self, name: &str, alone: bool, body: impl FnOnce(&H) -> i32) -> i32 {
        self.log.note(|log| {
            assert_eq!(log.destroyed, 0, "{name} after destroy");
            log.calls.push(name.to_owned());
            log.together |= alone && log.running > 0;
            log.running += usize::from(alone);
        });
        let status = body(&self.host);
        self.log.note(|log| {
            log.calls.push(format!("/{name}"));
            log.running -= usize::from(alone);
        });
        status
    }
}

/// # Safety
/// `user_data` comes from [`install`] and has not been destroyed.
unsafe fn watched<'a, H>(user_data: *mut c_void) -> &'a Watched<H> {
    // SAFETY: the caller's promise.
    unsafe { &*user_data.cast::<Watched<H>>() }
}

unsafe extern "C" fn connect<H: Host>(
    sink: *mut claude_sink_t,
    user_data: *mut c_void,
) -> MaybeUninit<claude_status_t> {
    // SAFETY: registered so.
    given(unsafe { watched::<H>(user_data) }.call("connect", true, |host| host.connect(Sink(sink))))
}

unsafe extern "C" fn write<H: Host>(
    bytes: *const c_void,
    len: usize,
    user_data: *mut c_void,
) -> MaybeUninit<claude_status_t> {
    // SAFETY: the header promises so many readable bytes.
    let line = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) };
    assert!(line.ends_with(b"\n") && line.iter().filter(|byte| **byte == b'\n').count() == 1, "not one line");
    // SAFETY: registered so.
    given(unsafe { watched::<H>(user_data) }.call("write", true, |host| host.write(line)))
}

unsafe extern "C" fn end_input<H: Host>(user_data: *mut c_void) -> MaybeUninit<claude_status_t> {
    // SAFETY: registered so.
    given(unsafe { watched::<H>(user_data) }.call("end_input", true, Host::end_input))
}

unsafe extern "C" fn close<H: Host>(user_data: *mut c_void) -> MaybeUninit<claude_status_t> {
    // SAFETY: registered so.
    given(unsafe { watched::<H>(user_data) }.call("close", false, Host::close))
}

unsafe extern "C" fn is_ready<H: Host>(user_data: *mut c_void) -> MaybeUninit<claude_status_t> {
    // SAFETY: registered so.
    given(unsafe { watched::<H>(user_data) }.call("is_ready", true, Host::is_ready))
}

unsafe extern "C" fn on_room<H: Host>(user_data: *mut c_void) {
    // SAFETY: registered so.
    unsafe { watched::<H>(user_data) }.call("on_room", false, |host| {
        host.room();
        0
    });
}

unsafe extern "C" fn destroy<H: Host>(user_data: *mut c_void) {
    // SAFETY: made by `install`, and this is the only call.
    let watched = unsafe { Box::from_raw(user_data.cast::<Watched<H>>()) };
    watched.log.note(|log| log.destroyed += 1);
}

pub fn table<H: Host>() -> claude_transport_vtable_t {
    claude_transport_vtable_t {
        size: size_of::<claude_transport_vtable_t>(),
        connect: Some(connect::<H>),
        write: Some(write::<H>),
        end_input: Some(end_input::<H>),
        close: Some(close::<H>),
        is_ready: Some(is_ready::<H>),
        destroy: Some(destroy::<H>),
        on_room: Some(on_room::<H>),
    }
}

/// Gives the client the transport; the log of it, and how that call ended.
pub fn try_install<H: Host>(
    client: &Client,
    vtable: &claude_transport_vtable_t,
    host: H,
) -> (Arc<Noted<Log>>, Result<(), Failure>) {
    let log = Arc::new(Noted::default());
    let watched = Box::into_raw(Box::new(Watched { host, log: log.clone() }));
    let outcome = client.set_transport(vtable, watched.cast());
    (log, outcome)
}

#[track_caller]
pub fn install<H: Host>(client: &Client, host: H) -> Arc<Noted<Log>> {
    let (log, outcome) = try_install(client, &table::<H>(), host);
    outcome.expect("the transport is taken");
    log
}
