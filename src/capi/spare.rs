//! @addtogroup life

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::{CLIENTS, call, dead_handle, full_table, listener, wait_of, with_client};
use super::types::{claude_client_t, claude_done_fn, claude_error_t, claude_spare_t, claude_status_t};
use crate::error::Result;
use crate::ffi::guard::guard;
use crate::ffi::handle::Table;
use crate::ffi::param::{Out, optional_text, out, required_out};
use crate::session::Client;

static SPARES: Table<Arc<Spare>> = Table::new(11);

/// A spare held by the host.
struct Spare {
    client: Arc<Client>,
    /// The number of the client's handle.
    handle: usize,
    /// The client belongs to the host again.
    given: AtomicBool,
}

impl Spare {
    fn client_handle(&self) -> *mut claude_client_t {
        std::ptr::without_provenance_mut(self.handle)
    }

    /// The claim was accepted.
    fn give(&self, client: Out<*mut claude_client_t>) {
        self.given.store(true, Ordering::Release);
        client.put(self.client_handle());
    }
}

/// How many spares the host has not freed.
pub fn live() -> usize {
    SPARES.count()
}

/// Runs an export for a live spare. A panic caught on the way closes its client.
fn with_spare(
    handle: *const claude_spare_t,
    error: Out<*mut claude_error_t>,
    body: impl FnOnce(&Spare) -> Result<()>,
) -> claude_status_t {
    match guard(|| SPARES.get(handle).ok_or_else(|| dead_handle("spare"))) {
        Ok(spare) => with_client(spare.client_handle(), error, |_| body(&spare)),
        Err(failure) => call(error, || Err(failure)),
    }
}

/// Starts a client's CLI before it is known which session it is for; instead of claude_client_connect, so register callbacks, hooks
/// and tools first. `done` is called when the CLI waits to be claimed, with its answer to `initialize`, or could not be started;
/// when a spare ends later, claude_client_on_closed tells. Until it is claimed, the client is in CLAUDE_STATE_CONNECTING and takes
/// no prompt. CLAUDE_ERR_INVALID_OPTION: a spare cannot resume, and needs a configuration folder, in which it waits. See
/// docs/start-at-once.md.
/// @param client Not connected yet. claude_spare_free frees it, unless it is claimed; its handle stays the same.
/// @param spare The new spare.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_spare_create(
    client: *mut claude_client_t,
    done: claude_done_fn,
    user_data: *mut c_void,
    spare: *mut *mut claude_spare_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_client(client, out!(error), |parked| {
        let spare = required_out!(spare)?;
        let completion = parked.completion(listener(parked, done, user_data)?);
        let held = Spare { client: parked.clone(), handle: client.addr(), given: AtomicBool::new(false) };
        let handle = SPARES.insert(Arc::new(held)).ok_or_else(|| full_table("spare"))?;
        parked.park(completion).inspect_err(|_| drop(SPARES.remove(handle)))?;
        spare.put(handle);
        Ok(())
    })
}

/// Makes a session of a spare, also of one that is still starting. `done` is called when the session is ready, with the CLI's answer
/// to the claim: `cwd`, `session_id` and more; claude_client_get_server_info then describes this session. All of the claim applies,
/// or none: CLAUDE_ERR_CONTROL with a `reason` such as `cwd_not_found` when the CLI refuses it, and as with a CLI that has ended,
/// the prompt was not sent and the client is closed: connect another one. CLAUDE_ERR_INVALID_OPTION: the document cannot be used,
/// and the spare still can. CLAUDE_ERR_ALREADY_CONNECTED: it was claimed before.
/// @param claim_json What is known only now: `cwd`, `model` and more, see docs/start-at-once.md; NULL = none.
/// @param prompt The first prompt, sent once the CLI has accepted the claim; NULL = none.
/// @param client The client that the spare was created with; yours to free, however the claim ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_spare_claim(
    spare: *mut claude_spare_t,
    claim_json: *const c_char,
    prompt: *const c_char,
    done: claude_done_fn,
    user_data: *mut c_void,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_spare(spare, out!(error), |spare| {
        let client = required_out!(client)?;
        let (claim, prompt) = (optional_text!(claim_json)?.unwrap_or("{}"), optional_text!(prompt)?);
        let listener = listener(&spare.client, done, user_data)?;
        spare.client.claim(claim, prompt, None, spare.client.completion(listener))?;
        spare.give(client);
        Ok(())
    })
}

/// As claude_spare_claim, but waits until the session is ready; the option `connect_timeout_ms` applies as well. When it fails, the
/// spare keeps the client, and claude_spare_free frees both.
/// @param claim_json NULL = none.
/// @param prompt NULL = none.
/// @param client The client that the spare was created with; yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_spare_claim_wait(
    spare: *mut claude_spare_t,
    claim_json: *const c_char,
    prompt: *const c_char,
    timeout_ms: u32,
    client: *mut *mut claude_client_t,
    error: *mut *mut claude_error_t,
) -> claude_status_t {
    with_spare(spare, out!(error), |spare| {
        let client = required_out!(client)?;
        let (claim, prompt) = (optional_text!(claim_json)?.unwrap_or("{}"), optional_text!(prompt)?);
        spare.client.claim_wait(claim, prompt, wait_of(timeout_ms)?)?;
        spare.give(client);
        Ok(())
    })
}

/// Frees a spare; NULL is ignored. If it was not claimed, its client is freed with it: see claude_client_free. A claimed client stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn claude_spare_free(spare: *mut claude_spare_t) {
    let freed = guard(|| {
        let Some(spare) = SPARES.remove(spare) else { return Ok(()) };
        if !spare.given.load(Ordering::Acquire)
            && let Some(client) = CLIENTS.remove(spare.client_handle())
        {
            client.free();
        }
        Ok(())
    });
    drop(freed);
}
