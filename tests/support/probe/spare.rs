//! A spare of the library, over the client that it was created with.

use std::ptr::null_mut;
use std::sync::Arc;

use claude_client::capi::spare::*;
use claude_client::capi::types::{claude_client_t, claude_spare_t};
use serde_json::Value;

use super::{Failure, Outcome, PATIENCE_MS, Reply, Session, Status, c_text, check};
use crate::support::boundary::pointer;
use crate::support::handle::fail;

/// Dropping it frees it, before its client.
pub struct Spare {
    pub handle: *mut claude_spare_t,
    pub session: Session,
    /// How the start of the spare ended.
    pub parked: Arc<Reply>,
}

impl Spare {
    pub fn of(session: Session) -> Outcome<Spare> {
        let mut handle = null_mut();
        let parked = session.later(|done, user_data, error| {
            // SAFETY: `later` keeps the reply, the output is a variable.
            unsafe { claude_spare_create(session.handle, done, user_data, &mut handle, error) }
        })?;
        Ok(Spare { handle, session, parked })
    }

    #[track_caller]
    pub fn starting(options: &Value) -> Spare {
        Spare::of(Session::created(options)).unwrap_or_else(fail)
    }

    #[track_caller]
    pub fn waiting(options: &Value) -> Spare {
        let spare = Spare::starting(options);
        spare.parked.wait().unwrap_or_else(fail);
        spare
    }

    pub fn claim(&self, claim: Value, prompt: Option<&str>) -> Outcome<()> {
        self.claim_within(claim, prompt, PATIENCE_MS)
    }

    pub fn claim_within(&self, claim: Value, prompt: Option<&str>, timeout_ms: u32) -> Outcome<()> {
        let (claim, prompt, mut client) = (c_text(&claim.to_string()), prompt.map(c_text), null_mut());
        // SAFETY: texts are NUL-terminated, outputs are variables.
        let outcome = check(|error| unsafe {
            claude_spare_claim_wait(
                self.handle,
                claim.as_ptr(),
                pointer(&prompt),
                timeout_ms,
                &mut client,
                error,
            )
        });
        self.check_given(client, outcome.is_ok());
        outcome
    }

    pub fn claim_later(&self, claim: Value, prompt: Option<&str>) -> Result<Arc<Reply>, Failure> {
        let (claim, prompt, mut client) = (c_text(&claim.to_string()), prompt.map(c_text), null_mut());
        let reply = self.session.later(|done, user_data, error| {
            // SAFETY: as above; `later` keeps the reply.
            unsafe {
                claude_spare_claim(
                    self.handle,
                    claim.as_ptr(),
                    pointer(&prompt),
                    done,
                    user_data,
                    &mut client,
                    error,
                )
            }
        });
        self.check_given(client, reply.is_ok());
        reply
    }

    fn check_given(&self, client: *mut claude_client_t, succeeded: bool) {
        let expected = if succeeded { self.session.handle } else { null_mut() };
        assert_eq!(client, expected, "the client is given by a call that succeeds, and only then");
    }

    pub fn free(&self) {
        // SAFETY: any value may be passed, also twice.
        unsafe { claude_spare_free(self.handle) };
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.free();
    }
}
