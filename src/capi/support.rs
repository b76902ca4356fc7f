//! What the exports share: tables of handles, the guard with its error object, and callbacks as closures.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::types::{
    CLAUDE_WAIT_FOREVER, claude_client_t, claude_destroy_fn, claude_done_fn, claude_error_t,
    claude_log_level_t, claude_request_t, claude_status_t,
};
use crate::dispatch::{Event, EventKind, Listener, Mode, Outcome};
use crate::error::{Error, Result, Status, status_table};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::guard::{brief, guard, guard_or, quick};
use crate::ffi::handle::Table;
use crate::ffi::param::Out;
use crate::ffi::text;
use crate::log::Level;
use crate::mcp::{Call, Owner};
use crate::panics::hold_cancellation;
use crate::place::{self, Here, Scope};
use crate::requests::Request;
use crate::session::Client;

/// An error as the host sees it: its texts live as long as the handle.
pub struct ErrorObject {
    pub status: Status,
    pub message: CString,
    pub json: CString,
}

pub static CLIENTS: Table<Arc<Client>> = Table::new(1);
pub static ERRORS: Table<Arc<ErrorObject>> = Table::new(2);
pub static EVENTS: Table<EventObject> = Table::new(3);
pub static REQUESTS: Table<Arc<RequestObject>> = Table::new(4);
pub static SERVERS: Table<Arc<Owner>> = Table::new(9);
pub static CALLS: Table<Arc<CallObject>> = Table::new(10);

/// An event held by the host. The request or the call in it can be taken out once; left there, it is refused.
pub struct EventObject {
    pub event: Event,
    taken: AtomicBool,
}

impl EventObject {
    pub fn new(event: Event) -> EventObject {
        EventObject { event, taken: AtomicBool::new(false) }
    }

    pub fn take_request(&self) -> Option<Arc<Request>> {
        let EventKind::Request(request) = &self.event.kind else { return None };
        self.take().then(|| request.clone())
    }

    pub fn take_call(&self) -> Option<Arc<Call>> {
        let EventKind::ToolCall(call) = &self.event.kind else { return None };
        self.take().then(|| call.clone())
    }

    /// Whether dropping it releases nothing but memory.
    pub fn is_plain(&self) -> bool {
        matches!(
            self.event.kind,
            EventKind::Message(_) | EventKind::Stderr | EventKind::Closed(_) | EventKind::Done(..)
        )
    }

    fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }
}

impl Drop for EventObject {
    fn drop(&mut self) {
        match &self.event.kind {
            EventKind::Request(request) if self.take() => {
                request.refuse_unless_held("The host did not answer.")
            }
            EventKind::ToolCall(call) if self.take() => call.release(),
            _ => {}
        }
    }
}

/// A tool call held by the host. Dropping it unanswered fails it.
pub struct CallObject(pub Arc<Call>);

impl Drop for CallObject {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A request held by the host. Dropping the last one unanswered refuses it.
pub struct RequestObject(Arc<Request>);

impl RequestObject {
    /// The caller has taken another hold on the request for this object.
    pub fn of_held(request: Arc<Request>) -> RequestObject {
        RequestObject(request)
    }

    pub fn new(request: Arc<Request>) -> RequestObject {
        request.hold();
        RequestObject(request)
    }
}

impl std::ops::Deref for RequestObject {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.0
    }
}

impl Drop for RequestObject {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Where an export puts its error object.
type ErrorOut = Out<*mut claude_error_t>;

/// Runs an export: catches panics, turns an error into its status and, where asked for, an error object.
pub fn call(error: ErrorOut, body: impl FnOnce() -> Result<()>) -> claude_status_t {
    let mut body = Some(body);
    call_once(error, &mut || body.take().map_or(Ok(()), |body| body()))
}

/// Separate from the body of an export, so that the library contains this once.
fn call_once(error: ErrorOut, body: &mut dyn FnMut() -> Result<()>) -> claude_status_t {
    status_of(guard(body), |failure| fail(error, &failure))
}

/// As [`call`], for a `body` that neither waits, nor blocks, nor calls the host.
#[inline]
pub fn call_brief(error: ErrorOut, body: impl FnOnce() -> Result<()>) -> claude_status_t {
    status_of(brief(body), |failure| fail(error, &failure))
}

#[inline]
fn status_of(outcome: Result<()>, fail: impl FnOnce(Error) -> claude_status_t) -> claude_status_t {
    match outcome {
        Ok(()) => claude_status_t::CLAUDE_OK,
        Err(failure) => fail(failure),
    }
}

#[cold]
fn fail(error: ErrorOut, failure: &Error) -> claude_status_t {
    let status = failure.status;
    if error.is_wanted() {
        // In a forked child a lock of the table may be held by a thread that does not exist there.
        let forked = status == Status::Forked;
        error.put(if forked { std::ptr::null_mut() } else { error_handle(failure) });
    }
    status.into()
}

/// As [`call`], for a live client. A panic caught on the way closes the client.
pub fn with_client(
    handle: *const claude_client_t,
    error: ErrorOut,
    body: impl FnOnce(&Arc<Client>) -> Result<()>,
) -> claude_status_t {
    let mut body = Some(body);
    with_client_once(handle, error, &mut |client| body.take().map_or(Ok(()), |body| body(client)))
}

/// As [`call_once`].
fn with_client_once(
    handle: *const claude_client_t,
    error: ErrorOut,
    body: &mut dyn FnMut(&Arc<Client>) -> Result<()>,
) -> claude_status_t {
    let outcome = guard(|| body(&client(handle)?));
    status_of(outcome, |failure| fail_for(handle, error, &failure))
}

/// As [`with_client`], for what is called for every event: see [`quick`] for what `body` must do.
#[inline]
pub fn with_client_quick(
    handle: *const claude_client_t,
    error: ErrorOut,
    body: impl FnOnce(&Arc<Client>, &Here) -> Result<()>,
) -> claude_status_t {
    let outcome = quick(|here| {
        let client = client(handle)?;
        let outcome = body(&client, here);
        if let Some(last) = Arc::into_inner(client) {
            end(last);
        }
        outcome
    });
    status_of(outcome, |failure| fail_for(handle, error, &failure))
}

/// The client was freed meanwhile, and is dropped by its last holder.
#[cold]
#[inline(never)]
fn end(last: Client) {
    hold_cancellation();
    drop(last);
}

#[cold]
fn fail_for(handle: *const claude_client_t, error: ErrorOut, failure: &Error) -> claude_status_t {
    if failure.status == Status::Panic {
        guard_or((), || client(handle).map_or((), |client| client.poison(failure)));
    }
    fail(error, failure)
}

pub fn client(handle: *const claude_client_t) -> Result<Arc<Client>> {
    CLIENTS.get(handle).ok_or_else(|| dead_handle("client"))
}

/// Of what is registered with a client.
pub fn scope_of(handle: *const claude_client_t) -> Scope {
    CLIENTS.get(handle).map_or(Scope::NOBODY, |client| client.scope)
}

pub fn request(handle: *const claude_request_t) -> Result<Arc<RequestObject>> {
    REQUESTS.get(handle).ok_or_else(|| dead_handle("request"))
}

pub fn dead_handle(what: &str) -> Error {
    Error::new(
        Status::InvalidHandle,
        format!("this is not a live {what} handle: NULL, freed or of another type"),
    )
    .with("remedy", "use the handle between its creation and its free")
}

pub fn full_table(what: &str) -> Error {
    Error::new(Status::InvalidHandle, format!("too many {what} handles are alive"))
        .with("remedy", "free those that are not used any more")
}

fn error_handle(error: &Error) -> *mut claude_error_t {
    let object = ErrorObject {
        status: error.status,
        message: c_string(error.advice()),
        json: c_string(error.to_json()),
    };
    ERRORS.insert(Arc::new(object)).unwrap_or(std::ptr::null_mut())
}

/// A text of the library for C: a NUL inside, where C would end it, becomes U+FFFD.
pub fn c_string(text: String) -> CString {
    CString::new(text::without_nul(text)).unwrap_or_default()
}

/// How long an export may wait; refused in a place that must not. Every export with a `timeout_ms` gets it here.
pub fn wait_of(timeout_ms: u32) -> Result<Option<Duration>> {
    place::check_may_wait()?;
    Ok(time_of(timeout_ms))
}

/// `None` = for ever.
pub fn time_of(timeout_ms: u32) -> Option<Duration> {
    (timeout_ms != CLAUDE_WAIT_FOREVER).then(|| Duration::from_millis(timeout_ms.into()))
}

/// Where the completion of an operation goes, in the client's mode.
pub fn listener(client: &Client, done: claude_done_fn, user_data: *mut c_void) -> Result<Listener> {
    if client.dispatcher.mode() == Mode::Pull {
        return match done {
            None => Ok(Listener::Event(user_data.expose_provenance())),
            Some(_) => {
                Err(Error::new(Status::InvalidArgument, "in PULL mode nobody runs completion callbacks")
                    .with("argument", "done")
                    .with("remedy", "pass NULL and wait for CLAUDE_EVENT_DONE with this user_data"))
            }
        };
    }
    let Some(done) = done else { return Ok(Listener::Nobody) };
    let user_data = UserData::new(user_data, None, Scope::NOBODY);
    Ok(Listener::Call(Box::new(move |outcome: &Outcome| {
        let (status, text) = match outcome {
            Ok(reply) => (claude_status_t::CLAUDE_OK, c_string(reply.clone())),
            Err(error) => (error.status.into(), c_string(error.to_json())),
        };
        let len = text.as_bytes().len();
        // SAFETY: the host registered the function for this pointer; the text outlives the call.
        user_data.call("the callback done", |pointer| unsafe {
            done.unwinding()(status, text.as_ptr(), len, pointer)
        });
    })))
}

/// Registers a callback: `make` turns the host's pointers into a closure, and NULL removes the callback.
pub fn registered<F, H>(
    function: Option<F>,
    user_data: *mut c_void,
    destroy: claude_destroy_fn,
    scope: Scope,
    make: impl FnOnce(F, UserData) -> H,
) -> Option<H> {
    // Made first, so that its destroy-notify runs whatever happens next.
    let user_data = UserData::new(user_data, destroy, scope);
    function.map(|function| make(function, user_data))
}

/// Pointer and length of a text that ends with a NUL.
pub fn parts(text: &[u8]) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len() - 1)
}

macro_rules! statuses_of_the_header {
    ($($status:ident = $code:literal, $name:ident, $class:literal;)*) => {
        impl From<Status> for claude_status_t {
            fn from(status: Status) -> claude_status_t {
                match status { $(Status::$status => claude_status_t::$name,)* }
            }
        }
    };
}

status_table!(statuses_of_the_header);

impl From<Level> for claude_log_level_t {
    fn from(level: Level) -> claude_log_level_t {
        match level {
            Level::Error => claude_log_level_t::CLAUDE_LOG_ERROR,
            Level::Warning => claude_log_level_t::CLAUDE_LOG_WARNING,
            Level::Info => claude_log_level_t::CLAUDE_LOG_INFO,
            Level::Debug => claude_log_level_t::CLAUDE_LOG_DEBUG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_numbers_and_names_of_the_table() {
        for status in Status::ALL {
            let exported = claude_status_t::from(*status);
            assert_eq!(exported as i32, status.code());
            assert_eq!(format!("{exported:?}"), status.name());
        }
    }
}
