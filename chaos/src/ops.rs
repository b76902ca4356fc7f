//! What a thread or a callback does next: a random one of all functions.

mod clients;
mod handles;
mod operations;
mod process;
mod sessions;
mod spares;
mod stores;
mod table;

use std::ffi::CStr;
use std::sync::Arc;

use claude_client::capi::types::claude_status_t;

use crate::raw::{
    Call, Client, Failure, Request, StoreCall, borrowed, claude_error_json, claude_error_message,
    claude_error_status,
};
use crate::rng::{Rng, mix};
use crate::token::{Inside, Record, Token};
use crate::watch::violation;
use crate::world;

pub use clients::free_client;
pub use operations::PULL;
pub use stores::has_store_call;
pub use table::OPS;

/// Someone who decides: by the seed alone.
pub struct Actor {
    pub rng: Rng,
}

const CALLBACKS_DEEP: u32 = 3;

impl Actor {
    pub fn new(seed: u64) -> Self {
        Actor { rng: Rng::new(seed) }
    }

    /// Calls one function.
    pub fn act(&mut self) {
        let total: usize = OPS.iter().map(|(weight, ..)| weight).sum();
        let mut left = self.rng.below(total);
        for (weight, _, operation) in OPS {
            if left < *weight {
                return operation(self);
            }
            left -= weight;
        }
    }

    pub fn seed(&mut self) -> u64 {
        self.rng.next()
    }

    /// Milliseconds of a call that waits, and that something else ends in the end.
    fn timeout(&mut self) -> u32 {
        self.rng.pick(&[0, 0, 1, 1, 3, 10, 10, 50, 200])
    }

    /// A client; where there is none, a handle that is none.
    fn client(&mut self) -> (Client, Option<Arc<Record>>) {
        let record = world::client(&mut self.rng);
        (record.as_ref().map_or(Client::NULL, |record| record.handle()), record)
    }

    /// A client that may be waited for here: by a free, or by the replacement of a callback.
    fn client_to_wait_for(&mut self) -> (Client, Option<Arc<Record>>) {
        let (client, record) = self.client();
        match record {
            Some(record) if !may_wait_for(&record) => (Client::NULL, None),
            record => (client, record),
        }
    }

    fn server(&mut self) -> usize {
        world::SERVERS.look(&mut self.rng)
    }

    /// Makes a call that can fail, and looks at its error.
    fn call(&mut self, call: impl FnOnce(Option<&mut Failure>) -> claude_status_t) -> claude_status_t {
        let (wanted, kept) = (!self.rng.one_in(4), self.rng.one_in(8));
        if !wanted {
            return seen(call(None));
        }
        let mut error = Failure::NULL;
        let status = seen(call(Some(&mut error)));
        if status == claude_status_t::CLAUDE_OK {
            if !error.is_null() {
                violation("an error beside CLAUDE_OK");
            }
            return status;
        }
        if error.is_null() {
            violation(&format!("{status:?} without an error"));
        }
        if claude_error_status(error) != status {
            violation(&format!("the error of {status:?} has another status"));
        }
        if borrowed(claude_error_message(error)).is_empty()
            || !borrowed(claude_error_json(error)).starts_with('{')
        {
            violation(&format!("the error of {status:?} says nothing"));
        }
        let gives_way = if kept { world::ERRORS.put(&mut self.rng, error.number()) } else { error.number() };
        world::free_error(gives_way);
        status
    }
}

/// A defect of the library is never an answer.
fn seen(status: claude_status_t) -> claude_status_t {
    if status == claude_status_t::CLAUDE_ERR_PANIC {
        violation("CLAUDE_ERR_PANIC");
    }
    if status == claude_status_t::CLAUDE_ERR_FORKED {
        violation("CLAUDE_ERR_FORKED in the process itself");
    }
    status
}

/// No two callbacks wait for each other, and nothing waits where it may be what is waited for.
fn may_wait_for(record: &Record) -> bool {
    let inside = Inside::now();
    inside.depth == 0 || (!inside.fleeting && record.number >= inside.order)
}

/// What happens inside of a callback: now and then some functions.
pub fn inside(token: &Token, number: u32) {
    let mut actor = Actor::new(mix(token.seed, u64::from(number)));
    if Inside::now().depth > CALLBACKS_DEEP || world::is_quiet() || !actor.rng.one_in(6) {
        return;
    }
    for _ in 0..=actor.rng.below(3) {
        actor.act();
    }
}

const FLOOD: &str = "\"seq\":";

/// A message has come: it is one, and none is missing before it.
pub fn follow(token: &Token, kind: i32, text: &str) {
    const FIRST_EVENT: i32 = 100;
    if kind < FIRST_EVENT && (!text.starts_with('{') || !text.ends_with('}')) {
        violation(&format!("a message that is none: {text}"));
    }
    if let (Some(owner), Some(at), true) =
        (&token.owner, text.find(FLOOD), kind < FIRST_EVENT && text.len() < 4096)
    {
        let digits = text[at + FLOOD.len()..].bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(seq) = text[at + FLOOD.len()..][..digits].parse() {
            owner.saw_seq(seq);
        }
    }
}

pub fn on_request(token: &Token, number: u32, request: Request) {
    let mut actor = Actor::new(mix(token.seed ^ 1, u64::from(number)));
    handles::has_request(&mut actor, request);
    inside(token, number);
}

pub fn on_tool(token: &Token, number: u32, call: Call) {
    let mut actor = Actor::new(mix(token.seed ^ 2, u64::from(number)));
    handles::has_call(&mut actor, call);
    inside(token, number);
}

pub fn on_store_call(token: &Token, number: u32, call: StoreCall) {
    let mut actor = Actor::new(mix(token.seed ^ 4, u64::from(number)));
    has_store_call(&mut actor, call);
    inside(token, number);
}

/// A reply belongs to its call.
pub fn on_done(token: &Token, number: u32, status: claude_status_t, text: &str) {
    operations::check_reply(token, status, text);
    inside(token, number);
}

pub fn next_prompt(token: &Token, number: u32) -> Option<&'static CStr> {
    let mut rng = Rng::new(mix(token.seed ^ 3, u64::from(number)));
    (number < 4).then(|| rng.pick(&[c"one more", c"and one", c""]))
}
