//! @defgroup stores Session stores
//! Sessions in the host's own storage, such as a database: what the CLI writes to the disk goes there too, and any machine can
//! continue from there. A store serves any number of clients at once. See docs/sessions.md.

use std::ffi::{CString, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::sync::Arc;

use super::support::{c_string, call, client, dead_handle, full_table, wait_of};
use super::types::{
    claude_client_t, claude_error_t, claude_session_store_t, claude_session_store_vtable_t, claude_status_t,
    claude_store_call_t, claude_store_fn,
};
use crate::error::{Error, Result, Status};
use crate::ffi::callback::{Unwinding, UserData};
use crate::ffi::guard::guard_or;
use crate::ffi::handle::Table;
use crate::ffi::param::{Out, number, optional_text, out, required_out, required_text, structure};
use crate::ffi::versioned::{Given, Versioned};
use crate::place::Scope;
use crate::runtime::pool;
use crate::sessions::store::memory::Memory;
use crate::sessions::store::{Answer, Operation, Reply, Request, Store, check, fold, import, list};

static STORES: Table<Arc<dyn Store>> = Table::new(13);
static STORE_CALLS: Table<CallInHand> = Table::new(14);

/// A call held by the host. Dropping it without an answer fails it.
struct CallInHand(Reply);

pub fn live_stores() -> usize {
    STORES.count()
}

pub fn live_calls() -> usize {
    STORE_CALLS.count()
}

/// Creates a store from the host's functions.
/// @param vtable Copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_create(
    vtable: *const claude_session_store_vtable_t,
    user_data: *mut c_void,
    store: *mut *mut claude_session_store_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || create(structure!(vtable)?, user_data, out!(store)))
}

fn create(
    Given { value: vtable, understood }: Given<claude_session_store_vtable_t>,
    user_data: *mut c_void,
    store: Out<*mut claude_session_store_t>,
) -> Result<()> {
    // Made first, so that the destroy-notify runs whatever happens next.
    let user_data = UserData::new(user_data, vtable.destroy, Scope::NOBODY);
    let functions = Arc::new(HostFunctions { vtable, user_data });
    understood?;
    functions.check()?;
    give(store.required("store")?, Arc::new(HostStore(functions)))
}

/// Creates a store in memory, for tests: its contents are gone with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_create_memory(
    store: *mut *mut claude_session_store_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let store = required_out!(store)?;
        give(store, Arc::new(Memory::default()))
    })
}

fn give(out: Out<*mut claude_session_store_t>, store: Arc<dyn Store>) -> Result<()> {
    out.put(STORES.insert(store).ok_or_else(|| full_table("session store"))?);
    Ok(())
}

/// Frees a store. Clients that use it keep it until they are freed and what they had is stored; `destroy` runs then.
/// @param store NULL = nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_free(store: *mut claude_session_store_t) {
    guard_or((), || drop(STORES.remove(store)));
}

/// Keeps the session in a store: each line that the CLI writes to the session's files is appended, in order, and before the result
/// that follows it is delivered. A store that fails is tried three times, then a CLAUDE_EVENT_WARNING reports it (`mirror_error`);
/// the session goes on. The options `resume` and `continue_conversation` then take the session from the store: connecting writes it
/// to a folder of its own, which is removed with the session, and fails with CLAUDE_ERR_SESSION_NOT_FOUND when the store does not
/// have it. Before connecting.
/// @param store Its handle may be freed at once; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_client_set_session_store(
    client: *mut claude_client_t,
    store: *const claude_session_store_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let client = self::client(client)?;
        client.set_store(if store.is_null() { None } else { Some(self::store(store)?) })
    })
}

/// Lists the sessions of a folder's project in a store, newest first: rows as from claude_sessions_list, without what only a file
/// has. It reads the `summaries` of a store that has them, and loads every other session that it lists. CLAUDE_ERR_UNSUPPORTED: the
/// store has neither `list` nor `summaries`.
/// @param options_json `directory` (else the working folder), `limit`, `offset`; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_list(
    store: *const claude_session_store_t,
    options_json: *const c_char,
    timeout_ms: u32,
    sessions_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let store = self::store(store)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        let wait = wait_of(timeout_ms)?;
        required_out!(sessions_json)?.give(list::list(&*store, options, wait)?);
        Ok(())
    })
}

/// Stores a session that is on the disk, subagents included, appending to what the store already has of it.
/// @param options_json `config_dir`, `directory`, `include_worktrees` as for claude_session_info, `include_subagents` (true),
/// `batch_size` (500 entries; 1 MiB at most); NULL = none.
/// @param result_json Receives the numbers of `files` and `entries`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_import(
    store: *const claude_session_store_t,
    session_id: *const c_char,
    options_json: *const c_char,
    timeout_ms: u32,
    result_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let store = self::store(store)?;
        let id = required_text!(session_id)?;
        let options = optional_text!(options_json)?.unwrap_or("");
        let wait = wait_of(timeout_ms)?;
        required_out!(result_json)?.give(import::import(&*store, id, options, wait)?);
        Ok(())
    })
}

/// Checks a store against the contract, for authors of stores. It stores sessions of its own in projects whose keys begin with
/// `-claude-store-check-`, and removes them if the store can. What the store does wrong is in the report, not in the status.
/// @param timeout_ms For the whole check.
/// @param report_json Receives `ok`, the numbers `passed`, `failed` and `skipped`, and `cases`: `name`, `outcome`, `message`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_store_check(
    store: *const claude_session_store_t,
    timeout_ms: u32,
    report_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let store = self::store(store)?;
        let wait = wait_of(timeout_ms)?;
        required_out!(report_json)?.give(check::check(&*store, wait));
        Ok(())
    })
}

/// Updates the summary of a session, for a store that has `summaries`: `session_id`, `mtime`, and `data`, which lists read
/// (`custom_title`, `first_prompt`, `tag`, `cwd`, `created_at` ...). Call it at each append without a `subpath`, and set `mtime` to
/// the store's own time. It has no side effects and never waits.
/// @param previous_json Its last result for this session; NULL = this is its first append.
/// @param key_json As `append` got it.
/// @param entries_json As `append` got them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_session_summary_fold(
    previous_json: *const c_char,
    key_json: *const c_char,
    entries_json: *const c_char,
    summary_json: *mut *mut c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    call(out!(error), || {
        let previous = optional_text!(previous_json)?;
        let key = required_text!(key_json)?;
        let entries = required_text!(entries_json)?;
        required_out!(summary_json)?.give(fold::fold_texts(previous, key, entries)?);
        Ok(())
    })
}

/// Answers a call of a session store and frees it. A second answer is CLAUDE_ERR_INVALID_HANDLE; CLAUDE_ERR_STALE: its time was
/// over, and the call counts as failed.
/// @param json The answer of the function; NULL = null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_store_call_respond(
    call: *mut claude_store_call_t,
    json: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || {
        let answer = optional_text!(json)?.filter(|text| text.trim() != "null").map(str::to_owned);
        give_answer(call, Ok(answer))
    })
}

/// Fails a call of a session store and frees it. An append is retried; a failed load fails the connect with this status.
/// @param status Such as CLAUDE_ERR_SESSION_IN_USE where another machine has it; CLAUDE_OK becomes CLAUDE_ERR_FILE.
/// @param message For the reader of the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_store_call_fail(
    call: *mut claude_store_call_t,
    status: MaybeUninit<claude_status_t>,
    message: *const c_char,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    self::call(out!(error), || {
        let message = required_text!(message)?;
        let status = Status::from_code(number!(status)).filter(|status| *status != Status::Ok);
        let failure =
            Error::new(status.unwrap_or(Status::File), format!("the session store failed: {message}"))
                .with("phase", "session_store")
                .with("cause", message);
        give_answer(call, Err(failure))
    })
}

/// Frees a call without answering it, which fails it.
/// @param call NULL = nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_store_call_free(call: *mut claude_store_call_t) {
    guard_or((), || drop(STORE_CALLS.remove(call)));
}

fn store(handle: *const claude_session_store_t) -> Result<Arc<dyn Store>> {
    STORES.get(handle).ok_or_else(|| dead_handle("session store"))
}

fn give_answer(handle: *const claude_store_call_t, answer: Answer) -> Result<()> {
    let CallInHand(reply) = STORE_CALLS.remove(handle).ok_or_else(|| dead_handle("store call"))?;
    if reply.give(answer) {
        return Ok(());
    }
    Err(Error::new(Status::Stale, "nobody waits for this answer any more: its time was over")
        .with("remedy", "an append has 60 seconds, the calls of a resume load_timeout_ms"))
}

// SAFETY: `size` first, then functions that may be NULL.
unsafe impl Versioned for claude_session_store_vtable_t {
    const NAME: &'static str = "claude_session_store_vtable_t";
    const FIRST: usize = offset_of!(claude_session_store_vtable_t, destroy) + size_of::<usize>();
}

/// The host's functions as the library calls them.
struct HostFunctions {
    vtable: claude_session_store_vtable_t,
    user_data: UserData,
}

struct HostStore(Arc<HostFunctions>);

impl Store for HostStore {
    fn can(&self, operation: Operation) -> bool {
        operation == Operation::Append || self.0.function(operation).is_some()
    }

    fn ask(&self, request: Request, reply: Reply) {
        let functions = self.0.clone();
        // Where host code may block.
        pool::run(move || functions.ask(request, reply));
    }
}

impl HostFunctions {
    fn check(&self) -> Result<()> {
        let given = [("append", self.vtable.append.is_some()), ("load", self.vtable.load.is_some())];
        match given.iter().find(|(_, given)| !given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(Status::InvalidArgument, format!("vtable->{name} is NULL"))
                .with("argument", "vtable")
                .with(
                    "remedy",
                    "zero the struct, set size to sizeof(claude_session_store_vtable_t) and set the functions",
                )),
        }
    }

    fn function(&self, operation: Operation) -> claude_store_fn {
        match operation {
            Operation::Append => None,
            Operation::Load => self.vtable.load,
            Operation::List => self.vtable.list,
            Operation::Summaries => self.vtable.summaries,
            Operation::Remove => self.vtable.remove,
            Operation::ListSubkeys => self.vtable.list_subkeys,
        }
    }

    fn ask(&self, request: Request, reply: Reply) {
        let Request { operation, key, entries } = request;
        let (key, entries) = (c_string(key), entries.map(c_string));
        let handle: *mut claude_store_call_t = match STORE_CALLS.insert(CallInHand(reply)) {
            Some(handle) => handle,
            // The reply was dropped with it, which fails the call.
            None => return,
        };
        let called = match operation {
            Operation::Append => self.append(handle, &key, &entries.unwrap_or_default()),
            _ => self.plain(operation, handle, &key),
        };
        if called.is_none() {
            drop(STORE_CALLS.remove(handle));
        }
    }

    fn append(&self, handle: *mut claude_store_call_t, key: &CString, entries: &CString) -> Option<()> {
        let append = self.vtable.append?;
        // SAFETY: the host gave the function for this pointer; the texts outlive the call.
        self.user_data.call("append of the session store", |pointer| unsafe {
            append.unwinding()(handle, key.as_ptr(), entries.as_ptr(), pointer)
        })
    }

    fn plain(&self, operation: Operation, handle: *mut claude_store_call_t, key: &CString) -> Option<()> {
        let function = self.function(operation)?;
        // SAFETY: as above.
        self.user_data.call("a function of the session store", |pointer| unsafe {
            function.unwinding()(handle, key.as_ptr(), pointer)
        })
    }
}
