//! Clients: made in every mode, connected, freed at any moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use claude_client::capi::types::*;

use super::operations::PULL;
use super::{Actor, may_wait_for};
use crate::moods;
use crate::raw::*;
use crate::token::{Inside, Kind, Record, Token};
use crate::world;

type Status = claude_status_t;
const OK: Status = Status::CLAUDE_OK;

impl Actor {
    pub fn create(&mut self) {
        let options = if self.rng.one_in(30) { None } else { Some(moods::options(&mut self.rng)) };
        let mode = self.rng.pick(&[0, 0, 1, 1, 2, 2, 3, 3, 8]);
        let mut client = Client::NULL;
        let status = self.call(|error| claude_client_create(options.as_deref(), Some(&mut client), error));
        if status != OK {
            return;
        }
        let status = self.call(|error| claude_client_set_dispatch(client, number(mode), error));
        let replays =
            options.is_some_and(|options| options.to_bytes().windows(9).any(|part| part == b"\"replay\":"));
        let record = Record::new(client, if status == OK { mode } else { 0 }, replays);
        self.furnish(&record);
        match self.rng.below(8) {
            0 | 1 => {}
            2 => self.park(&record),
            _ => self.connect_it(&record),
        }
        if self.rng.one_in(2) {
            let prompt = self.prompt();
            self.call(|error| claude_client_query(client, Some(prompt), None, None, error));
        }
        match world::put_client(&mut self.rng, record, may_wait_for) {
            Ok(Some(old)) => free_client(old),
            Ok(None) => {}
            Err(own) => free_client(own),
        }
    }

    /// What is registered before connecting.
    fn furnish(&mut self, record: &Arc<Record>) {
        let client = record.handle();
        if self.rng.one_in(5) {
            self.transport_of(client, Some(record.clone()));
        }
        if self.rng.one_in(4) {
            self.set_store_of(client);
        }
        if self.rng.one_in(3) {
            let server = world::SERVERS.look(&mut self.rng);
            self.call(|error| claude_client_add_mcp_server(client, Server::from_number(server), error));
        }
        if self.rng.one_in(3) {
            self.hook_of(client, Some(record.clone()));
        }
        for kind in [Kind::Message, Kind::Request, Kind::Stderr, Kind::Closed, Kind::Ready] {
            if !self.rng.one_in(4) {
                self.register_of(client, Some(record.clone()), kind, false);
            }
        }
    }

    fn connect_it(&mut self, record: &Arc<Record>) {
        let client = record.handle();
        let prompt = if self.rng.one_in(3) { Some(self.prompt()) } else { None };
        if self.rng.one_in(2) {
            let timeout = self.rng.pick(&[0, 5, 100, 3000, u32::MAX]);
            self.call(|error| claude_client_connect_wait(client, prompt, timeout, error));
        } else {
            self.operation_of(client, Some(record.clone()), |client, done, data, error| {
                claude_client_connect(client, prompt, done, data, error)
            });
        }
    }

    pub fn connect(&mut self) {
        let (_, record) = self.client();
        if let Some(record) = record {
            self.connect_it(&record);
        }
    }

    pub fn register(&mut self, kind: Kind) {
        let (client, record) = self.client_to_wait_for();
        let late = record.is_some();
        self.register_of(client, record, kind, late);
    }

    pub fn register_of(&mut self, client: Client, record: Option<Arc<Record>>, kind: Kind, late: bool) {
        let (seed, absent, odd) = (self.seed(), self.rng.one_in(8), self.rng.one_in(20));
        let pull = record.as_ref().is_some_and(|record| record.mode == PULL);
        let without = absent || (pull && !odd && kind != Kind::Ready);
        if let Some(record) = record.as_ref().filter(|_| kind == Kind::Message && (absent || late)) {
            record.ordered.store(false, Ordering::SeqCst);
        }
        let permission = kind == Kind::Request && self.rng.one_in(3);
        let token = Token::new(kind, seed, record.clone()).with_destroy();
        let data = UserData::of(&token);
        self.call(|error| match kind {
            Kind::Message => {
                claude_client_on_message(client, unless(without, ON_MESSAGE), data, DESTROY, error)
            }
            Kind::Request if permission => {
                claude_client_on_permission(client, unless(without, ON_REQUEST), data, DESTROY, error)
            }
            Kind::Request => {
                claude_client_on_request(client, unless(without, ON_REQUEST), data, DESTROY, error)
            }
            Kind::Stderr => claude_client_on_stderr(client, unless(without, ON_STDERR), data, DESTROY, error),
            Kind::Closed => claude_client_on_closed(client, unless(without, ON_CLOSED), data, DESTROY, error),
            _ => claude_client_on_ready(client, unless(without, ON_READY), data, DESTROY, error),
        });
        if let Some(record) = record {
            record.registered(&token);
        }
    }

    pub fn transport(&mut self) {
        let (client, record) = self.client_to_wait_for();
        self.transport_of(client, record);
    }

    fn transport_of(&mut self, client: Client, record: Option<Arc<Record>>) {
        let (seed, whole, ready, none) =
            (self.seed(), !self.rng.one_in(20), self.rng.one_in(2), self.rng.one_in(20));
        if none {
            self.call(|error| claude_client_set_transport(client, None, UserData::NULL, error));
            return;
        }
        let token = Token::new(Kind::Transport, seed, record.clone()).with_destroy();
        let vtable = vtable(whole, ready);
        self.call(|error| claude_client_set_transport(client, Some(&vtable), UserData::of(&token), error));
        if let Some(record) = record {
            record.registered(&token);
        }
    }

    pub fn hook(&mut self) {
        let (client, record) = self.client_to_wait_for();
        self.hook_of(client, record);
    }

    fn hook_of(&mut self, client: Client, record: Option<Arc<Record>>) {
        let (seed, absent) = (self.seed(), self.rng.one_in(4));
        let event = self.rng.pick(&[c"PreToolUse", c"PreToolUse", c"Stop", c"PretoolUse", c""]);
        let matcher = self.rng.pick(&[None, Some(c"Bash"), Some(c"Write|Edit"), Some(c"(")]);
        let deadline = self.rng.pick(&[0, 10, 5000, u32::MAX]);
        let failure = self.rng.pick(&[0, 0, 1, 7]);
        let absent = absent || record.as_ref().is_some_and(|record| record.mode == PULL);
        let token = Token::new(Kind::Request, seed, record.clone()).with_destroy();
        let (callback, data) = (unless(absent, ON_REQUEST), UserData::of(&token));
        self.call(|error| {
            let failure = number(failure);
            claude_client_add_hook(
                client,
                Some(event),
                matcher,
                deadline,
                failure,
                callback,
                data,
                DESTROY,
                error,
            )
        });
        if let Some(record) = record {
            record.registered(&token);
        }
    }

    pub fn handler(&mut self) {
        let (client, record) = self.client_to_wait_for();
        let (seed, absent, name) = (self.seed(), self.rng.one_in(4), self.name());
        let absent = absent || record.as_ref().is_some_and(|record| record.mode == PULL);
        let token = Token::new(Kind::Request, seed, record.clone()).with_destroy();
        let (callback, data) = (unless(absent, ON_REQUEST), UserData::of(&token));
        self.call(|error| claude_client_add_mcp_handler(client, Some(name), callback, data, DESTROY, error));
        if let Some(record) = record {
            record.registered(&token);
        }
    }

    pub fn prompts(&mut self) {
        let (client, record) = self.client_to_wait_for();
        let token = Token::new(Kind::Prompt, self.seed(), record.clone()).with_destroy();
        self.call(|error| {
            claude_client_query_stream(client, None, NEXT_PROMPT, UserData::of(&token), DESTROY, error)
        });
        if let Some(record) = record {
            record.registered(&token);
        }
    }

    pub fn free(&mut self) {
        let stale = self.rng.one_in(10);
        if stale {
            // Ignored, if it is really stale; a handle that lives is taken out of its place first.
            if let Some(record) = world::client(&mut self.rng).filter(|record| record.is_freed()) {
                claude_client_free(record.handle());
            }
            claude_client_free(Client::NULL);
        } else if let Some(record) = world::take_client(&mut self.rng, may_wait_for) {
            free_client(record);
        }
    }
}

fn unless<T>(not: bool, callback: Option<T>) -> Option<T> {
    callback.filter(|_| !not)
}

/// Frees a client that nobody else may free. Where the call promises all when it returns, all must have happened.
pub fn free_client(record: Arc<Record>) {
    let inside = Inside::now();
    let bound = record.bound();
    claude_spare_free(record.spare());
    claude_client_free(record.handle());
    if inside.depth == 0 || (!inside.reader && record.number > inside.order) {
        record.mark_freed(&bound);
    }
    world::client_freed(record);
}
