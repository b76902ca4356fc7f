//! Session stores: made, given to clients, asked, and their calls answered by whoever comes.

use claude_client::capi::types::claude_status_t;

use super::Actor;
use crate::raw::*;
use crate::token::{Kind, Token};
use crate::world::{self, STORE_CALLS, STORES};

const OK: claude_status_t = claude_status_t::CLAUDE_OK;

const ANSWERS: [Option<&std::ffi::CStr>; 5] = [
    None,
    Some(c"[]"),
    Some(c"[{\"type\":\"user\",\"uuid\":\"x\"}]"),
    Some(c"[{\"session_id\":\"11111111-1111-4111-8111-111111111111\",\"mtime\":1}]"),
    Some(c"no json"),
];

/// The library asks a store: this thread alone has the call.
pub fn has_store_call(actor: &mut Actor, call: StoreCall) {
    for _ in 0..actor.rng.below(3) {
        actor.answer_store(call);
    }
    let handle = call.number();
    let gives_way = if actor.rng.one_in(2) { STORE_CALLS.put(&mut actor.rng, handle) } else { handle };
    world::free_store_call(gives_way);
}

impl Actor {
    fn store(&mut self) -> Store {
        Store::from_number(STORES.look(&mut self.rng))
    }

    pub fn store_call(&mut self) -> StoreCall {
        StoreCall::from_number(STORE_CALLS.look(&mut self.rng))
    }

    fn answer_store(&mut self, call: StoreCall) {
        if self.rng.one_in(4) {
            return self.fail_store_call(call);
        }
        let answer = self.rng.pick(&ANSWERS);
        self.call(|error| claude_store_call_respond(call, answer, error));
    }

    fn fail_store_call(&mut self, call: StoreCall) {
        let status = self.rng.pick(&[0, -107, 5]);
        self.call(|error| claude_store_call_fail(call, number(status), Some(c"no"), error));
    }

    pub fn respond_to_store(&mut self) {
        let (call, answer) = (self.store_call(), self.rng.pick(&ANSWERS));
        self.call(|error| claude_store_call_respond(call, answer, error));
    }

    pub fn refuse_store(&mut self) {
        let call = self.store_call();
        self.fail_store_call(call);
    }

    pub fn create_store(&mut self) {
        let (whole, more, seed) = (!self.rng.one_in(20), self.rng.one_in(2), self.seed());
        let token = Token::new(Kind::Store, seed, None).with_destroy();
        let vtable = store_vtable(whole, more);
        let mut store = Store::NULL;
        let made = self.call(|error| {
            claude_session_store_create(Some(&vtable), UserData::of(&token), Some(&mut store), error)
        });
        self.keep_store(made, store);
    }

    pub fn create_memory_store(&mut self) {
        let mut store = Store::NULL;
        let made = self.call(|error| claude_session_store_create_memory(Some(&mut store), error));
        self.keep_store(made, store);
    }

    fn keep_store(&mut self, made: claude_status_t, store: Store) {
        if made == OK {
            let gives_way = STORES.put(&mut self.rng, store.number());
            world::free_store(gives_way);
        }
    }

    pub fn set_store(&mut self) {
        let (client, _) = self.client_to_wait_for();
        self.set_store_of(client);
    }

    pub fn set_store_of(&mut self, client: Client) {
        let store = self.store();
        self.call(|error| claude_client_set_session_store(client, store, error));
    }

    pub fn import_into_store(&mut self) {
        let (store, timeout) = (self.store(), self.timeout());
        let id = self.rng.pick(&[Some(c"11111111-1111-4111-8111-111111111111"), Some(c"no"), None]);
        let options = Some(c"{\"config_dir\": \"/nonexistent/chaos\"}");
        self.text(|text, error| claude_session_store_import(store, id, options, timeout, text, error));
    }

    pub fn list_store(&mut self) {
        let (store, timeout) = (self.store(), self.timeout());
        let options = self.rng.pick(&[
            None,
            Some(c"{\"directory\": \"/nonexistent/chaos\"}"),
            Some(c"{\"limits\": 1}"),
        ]);
        self.text(|text, error| claude_session_store_list(store, options, timeout, text, error));
    }

    pub fn check_store(&mut self) {
        let (store, timeout) = (self.store(), self.rng.pick(&[0, 1, 10, 50]));
        self.text(|text, error| claude_session_store_check(store, timeout, text, error));
    }

    pub fn fold(&mut self) {
        let key = self.rng.pick(&[c"{\"project_key\":\"p\",\"session_id\":\"s\"}", c"{}"]);
        let (before, entries) =
            (self.rng.pick(&[None, Some(c"{\"data\":{}}"), Some(c"1")]), self.rng.pick(&ANSWERS));
        self.text(|text, error| claude_session_summary_fold(before, Some(key), entries, text, error));
    }
}
