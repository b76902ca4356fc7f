//! Operations: those that tell their end, and their twins that wait.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use claude_client::capi::types::*;

use super::Actor;
use crate::raw::*;
use crate::token::{Kind, Record, Token};
use crate::watch::violation;

type Status = claude_status_t;
const OK: Status = Status::CLAUDE_OK;
pub const PULL: i32 = 2;

impl Actor {
    /// Starts an operation. Its end is told once if it was accepted, else never.
    pub fn operation(
        &mut self,
        call: impl FnOnce(Client, claude_done_fn, UserData, Option<&mut Failure>) -> Status,
    ) {
        let (client, record) = self.client();
        self.operation_of(client, record, call);
    }

    pub fn operation_of(
        &mut self,
        client: Client,
        record: Option<Arc<Record>>,
        call: impl FnOnce(Client, claude_done_fn, UserData, Option<&mut Failure>) -> Status,
    ) {
        let (seed, odd, untold) = (self.seed(), self.rng.one_in(20), self.rng.one_in(10));
        let pull = record.as_ref().is_some_and(|record| record.mode == PULL);
        let token = Token::new(Kind::Done, seed, record);
        let done = if (pull && !odd) || untold { None } else { ON_DONE };
        let status = self.call(|error| call(client, done, UserData::of(&token), error));
        if done.is_some() {
            token.accepted(status == OK);
        }
    }

    /// The twin that waits.
    pub fn waiting(
        &mut self,
        call: impl FnOnce(Client, u32, Option<&mut Owned>, Option<&mut Failure>) -> Status,
    ) {
        let ((client, _), timeout, wanted) = (self.client(), self.timeout(), self.rng.one_in(2));
        let mut reply = Owned::NULL;
        let status = self.call(|error| call(client, timeout, wanted.then_some(&mut reply), error));
        if wanted && status == OK && !reply.copied().starts_with('{') {
            violation(&format!("a reply that is no object: {:?}", reply.copied()));
        }
        claude_string_free(reply);
    }

    /// A function that gives a text.
    pub fn text(&mut self, call: impl FnOnce(Option<&mut Owned>, Option<&mut Failure>) -> Status) {
        let mut text = Owned::NULL;
        let status = self.call(|error| call(Some(&mut text), error));
        if (status == OK) == text.is_null() {
            violation(&format!("{status:?} and the text {:?}", text.copied()));
        }
        claude_string_free(text);
    }

    pub fn uuid(&mut self) -> &'static CStr {
        self.rng.pick(&[c"00000000-0000-4000-8000-000000000001", c"", c"no uuid"])
    }

    pub fn mode_name(&mut self) -> &'static CStr {
        self.rng.pick(&[c"default", c"acceptEdits", c"plan", c"bypassPermissions", c"never heard", c""])
    }

    pub fn name(&mut self) -> &'static CStr {
        self.rng.pick(&[c"calc", c"forms", c"nobody", c"", c"\xff\xfe"])
    }

    pub fn detail(&mut self) -> Option<&'static CStr> {
        self.rng.pick(&[None, Some(c"summary"), Some(c"full"), Some(c"much")])
    }

    pub fn servers_json(&mut self) -> &'static CStr {
        self.rng.pick(&[
            c"{}",
            c"{\"calc\":null}",
            c"{\"x\":{\"command\":\"true\"}}",
            c"[]",
            c"{",
            c"{\"calc\":{\"type\":\"sdk\",\"name\":\"calc\"}}",
        ])
    }

    pub fn prompt(&mut self) -> &'static CStr {
        self.rng.pick(&[c"hello", c"what now?", c"a \xe6\x97\xa5 b", c"", c"\xff", c"{\"not\": \"json\"}"])
    }

    pub fn escalation(&mut self) -> i32 {
        self.rng.pick(&[0, 0, 0, 1, 2, 9])
    }

    /// One that only its own reply fits.
    pub fn echo(&mut self) {
        let (client, record) = self.client();
        let (seed, odd) = (self.seed(), self.rng.one_in(10));
        let token = Token::new(Kind::Done, seed, record);
        let text = if odd { "{\"subtype\":\"initialize\"}".to_owned() } else { request_of(seed) };
        let text = CString::new(text).unwrap_or_default();
        let pull = token.owner.as_ref().is_some_and(|record| record.mode == PULL);
        let done = if pull { None } else { ON_DONE };
        let data = UserData::of(&token);
        let status = self.call(|error| claude_client_control(client, Some(&text), done, data, error));
        if !pull {
            token.accepted(status == OK);
        }
    }

    pub fn echo_wait(&mut self) {
        let ((client, record), timeout, seed) = (self.client(), self.timeout(), self.seed());
        let text = CString::new(request_of(seed)).unwrap_or_default();
        let mut reply = Owned::NULL;
        let status = self
            .call(|error| claude_client_control_wait(client, Some(&text), timeout, Some(&mut reply), error));
        if status == OK && record.is_none_or(|record| !record.replays) {
            compare(seed, &reply.copied());
        }
        claude_string_free(reply);
    }
}

fn nonce(seed: u64) -> String {
    format!("n{seed:016x}")
}

fn request_of(seed: u64) -> String {
    format!("{{\"subtype\":\"chaos_echo\",\"nonce\":\"{}\"}}", nonce(seed))
}

/// A reply with a nonce has to have that of its own request.
fn compare(seed: u64, reply: &str) {
    if reply.contains("\"nonce\":\"n") && !reply.contains(&nonce(seed)) {
        violation(&format!("the reply of somebody else: wanted {}, got {reply}", nonce(seed)));
    }
}

pub fn check_reply(token: &Token, status: Status, text: &str) {
    if !text.starts_with('{') {
        violation(&format!("told {status:?} and {text:?}"));
    }
    if status == OK && token.owner.as_ref().is_none_or(|owner| !owner.replays) {
        compare(token.seed, text);
    }
}
