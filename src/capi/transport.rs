//! @defgroup transport Transport
//! A CLI that runs somewhere else: in a container, on another machine, in a test. The options `launcher`, `record`
//! and `replay` need none of this. See docs/remote.md.

use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::sync::{Arc, Mutex};

use super::support::{call, client, dead_handle, full_table};
use super::types::{
    claude_client_t, claude_error_t, claude_sink_t, claude_status_t, claude_transport_fn,
    claude_transport_vtable_t,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::guard::guard_or;
use crate::ffi::handle::Table;
use crate::ffi::number::number;
use crate::ffi::param::{bytes, number, optional_text, out, structure};
use crate::ffi::versioned::{Given, Versioned};
use crate::place::Scope;
use crate::sync::{lock, ranked};
use crate::transport::host::{Ending, Inlet, Link};

static SINKS: Table<Arc<Inlet>> = Table::new(12);

/// Uses a transport in place of a child process. Options for the CLI's command line, environment or process then have no effect; a
/// CLAUDE_EVENT_WARNING lists them. Before connecting.
/// @param vtable Copied; NULL = a child process again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_transport(
    client: *mut claude_client_t,
    vtable: *const claude_transport_vtable_t,
    user_data: *mut c_void,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || match vtable.is_null() {
        true => self::client(client)?.set_transport(None),
        false => set_transport(client, structure!(vtable)?, user_data),
    })
}

fn set_transport(
    handle: *const claude_client_t,
    Given { value: vtable, understood }: Given<claude_transport_vtable_t>,
    user_data: *mut c_void,
) -> Result<()> {
    // Made first, so that the destroy-notify runs whatever happens next.
    let user_data = UserData::new(user_data, vtable.destroy, Scope::NOBODY);
    let link = HostFunctions { vtable, sink: Mutex::default(), user_data };
    understood?;
    link.check()?;
    client(handle)?.set_transport(Some(Arc::new(link)))
}

fn wrong(message: &str) -> Error {
    Error::new(Status::InvalidArgument, message).with("argument", "vtable").with(
        "remedy",
        "zero the struct, set size to sizeof(claude_transport_vtable_t) and set the functions",
    )
}

// SAFETY: `size` first, then functions that may be NULL.
unsafe impl Versioned for claude_transport_vtable_t {
    const NAME: &'static str = "claude_transport_vtable_t";
    const FIRST: usize = offset_of!(claude_transport_vtable_t, destroy) + size_of::<usize>();
}

/// The host's functions as the library calls them.
struct HostFunctions {
    vtable: claude_transport_vtable_t,
    /// The handle that `connect` was given.
    sink: Mutex<Option<Sink>>,
    /// Last, so that the sink's handle is dead when the destroy-notify runs.
    user_data: UserData,
}

ranked!(Option<Sink>: Leaf);

/// A sink's handle for as long as the transport lives.
struct Sink(usize);

impl Sink {
    fn handle(&self) -> *mut claude_sink_t {
        std::ptr::without_provenance_mut(self.0)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(SINKS.remove(self.handle()));
    }
}

impl HostFunctions {
    fn check(&self) -> Result<()> {
        let vtable = &self.vtable;
        let given = [
            ("connect", vtable.connect.is_some()),
            ("write", vtable.write.is_some()),
            ("end_input", vtable.end_input.is_some()),
            ("close", vtable.close.is_some()),
        ];
        match given.iter().find(|(_, given)| !given) {
            Some((name, _)) => Err(wrong(&format!("vtable->{name} is NULL"))),
            None => Ok(()),
        }
    }

    /// Calls one of the functions that take nothing; what it returned, or 0 where the host has none.
    fn plain(&self, function: claude_transport_fn) -> i32 {
        function.map_or(0, |function| {
            // SAFETY: the host gave the function for this pointer, and it returns a number.
            let call = |pointer| unsafe { number(function.unwinding()(pointer)) };
            self.call("a function of the transport", call)
        })
    }

    /// What the host's function returned.
    fn call(&self, name: &'static str, function: impl FnOnce(*mut c_void) -> i32) -> i32 {
        self.user_data.call_passing(name, function).unwrap_or(Status::Closed.code())
    }
}

/// The meaning of a number from the host; `function` names the function that returned it.
fn outcome(status: i32, function: &str) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    let known = Status::from_code(status);
    let name = known.map_or_else(|| status.to_string(), |known| known.name().to_owned());
    Err(Error::new(
        known.unwrap_or(Status::CliConnection),
        format!("the host's transport failed: {function} returned {name}"),
    )
    .with("phase", "transport")
    .with("function", function)
    .with("host_status", status))
}

impl Link for HostFunctions {
    fn connect(&self, inlet: &Arc<Inlet>) -> Result<()> {
        let Some(connect) = self.vtable.connect else { return Ok(()) };
        let handle: *mut claude_sink_t = SINKS.insert(inlet.clone()).ok_or_else(|| full_table("sink"))?;
        *lock(&self.sink) = Some(Sink(handle.addr()));
        // SAFETY: the host gave the function for this pointer.
        let status = self.call("connect of the transport", |pointer| unsafe {
            number(connect.unwinding()(handle, pointer))
        });
        outcome(status, "connect")
    }

    fn is_ready(&self) -> Result<bool> {
        match self.plain(self.vtable.is_ready) {
            not_yet if not_yet == Status::WouldBlock.code() => Ok(false),
            status => outcome(status, "is_ready").map(|()| true),
        }
    }

    fn write(&self, line: &[u8]) -> Result<()> {
        let Some(write) = self.vtable.write else { return Ok(()) };
        // SAFETY: the host gave the function for this pointer; the bytes outlive the call.
        let status = self.call("write of the transport", |pointer| unsafe {
            number(write.unwinding()(line.as_ptr().cast(), line.len(), pointer))
        });
        outcome(status, "write")
    }

    fn end_input(&self) -> Result<()> {
        outcome(self.plain(self.vtable.end_input), "end_input")
    }

    fn close(&self) -> Result<()> {
        outcome(self.plain(self.vtable.close), "close")
    }

    fn room(&self) {
        if let Some(on_room) = self.vtable.on_room {
            // SAFETY: the host gave the function for this pointer.
            self.user_data
                .call_passing("on_room of the transport", |pointer| unsafe { on_room.unwinding()(pointer) });
        }
    }
}

fn sink(handle: *const claude_sink_t) -> Result<Arc<Inlet>> {
    SINKS.get(handle).ok_or_else(|| dead_handle("sink"))
}

/// Delivers bytes of the CLI's stdout, cut anywhere; they are copied, all or none. CLAUDE_ERR_WOULD_BLOCK: the queue is full.
/// CLAUDE_ERR_CLOSED: after the end, or after `close`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_push(
    sink: *mut claude_sink_t,
    bytes: *const c_void,
    len: usize,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || self::sink(sink)?.push(bytes!(bytes, len)?))
}

/// Whether the host should go on reading from the CLI: less than 1 MiB is waiting. After false, `on_room` will be called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_has_room(sink: *const claude_sink_t) -> bool {
    guard_or(false, || self::sink(sink).is_ok_and(|sink| sink.has_room()))
}

/// The CLI's output has ended. What was pushed is delivered, then the session ends with `status`.
/// @param exit_code The CLI's exit code; -1 = not known. Not 0: CLAUDE_OK becomes CLAUDE_ERR_PROCESS.
/// @param message What a user should read about it, such as the end of stderr; NULL = nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_sink_end(
    sink: *mut claude_sink_t,
    status: MaybeUninit<claude_status_t>,
    exit_code: i32,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let sink = self::sink(sink)?;
        let message = optional_text!(message)?;
        sink.end(Ending::new(number!(status), exit_code, message.unwrap_or_default()))
    })
}
