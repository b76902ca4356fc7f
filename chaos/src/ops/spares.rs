//! Spares: made of clients, claimed by whoever comes, freed with their clients.

use std::ffi::CStr;
use std::sync::Arc;

use claude_client::capi::types::claude_status_t;

use super::{Actor, free_client, may_wait_for};
use crate::raw::*;
use crate::token::Record;
use crate::watch::violation;
use crate::world;

const CLAIMS: [Option<&CStr>; 6] = [
    None,
    Some(c"{}"),
    Some(c"{\"cwd\": \"/tmp\", \"model\": \"opus\"}"),
    Some(c"{\"settings\": {\"enabledPlugins\": {}, \"fastMode\": true}}"),
    Some(c"{\"env\": {\"PATH\": \"/\"}}"),
    Some(c"no json"),
];

impl Actor {
    pub fn create_spare(&mut self) {
        if let (_, Some(record)) = self.client() {
            self.park(&record);
        }
    }

    pub fn park(&mut self, record: &Arc<Record>) {
        let mut spare = Spare::NULL;
        self.operation_of(record.handle(), Some(record.clone()), |client, done, data, error| {
            claude_spare_create(client, done, data, Some(&mut spare), error)
        });
        if !spare.is_null() {
            record.keep_spare(spare);
            world::spare_made(spare.number());
        }
    }

    pub fn claim_spare(&mut self) {
        let (claim, prompt) = (self.rng.pick(&CLAIMS), self.prompt());
        let (_, record) = self.client();
        let spare = record.as_ref().map_or(Spare::NULL, |record| record.spare());
        let mut given = Client::NULL;
        let owner = record.clone();
        self.operation_of(Client::NULL, owner, |_, done, data, error| {
            claude_spare_claim(spare, claim, Some(prompt), done, data, Some(&mut given), error)
        });
        same_client(given, record.as_deref());
    }

    pub fn claim_spare_and_wait(&mut self) {
        let (claim, timeout) = (self.rng.pick(&CLAIMS), self.timeout());
        let (_, record) = self.client();
        let spare = record.as_ref().map_or(Spare::NULL, |record| record.spare());
        let mut given = Client::NULL;
        let status =
            self.call(|error| claude_spare_claim_wait(spare, claim, None, timeout, Some(&mut given), error));
        if (status == claude_status_t::CLAUDE_OK) == given.is_null() {
            violation(&format!("{status:?} and the client {:?}", given.number()));
        }
        same_client(given, record.as_deref());
    }

    /// A client that was not claimed goes with it, so this is as good as its free.
    pub fn free_spare(&mut self) {
        if self.rng.one_in(10) {
            claude_spare_free(Spare::NULL);
        } else if let Some(record) = world::take_client(&mut self.rng, may_wait_for) {
            free_client(record);
        }
    }
}

/// A claim gives the client that the spare was made of.
fn same_client(given: Client, record: Option<&Record>) {
    if !given.is_null() && record.is_none_or(|record| record.client != given.number()) {
        violation("a claim gave another client");
    }
}
