//! All existing clients, including those that are being freed and those without a handle.

use std::sync::{Arc, Mutex, Weak};

use super::Client;
use crate::sync::{lock, ranked};

static CLIENTS: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());

ranked!(Vec<Weak<Client>>: Leaf);

pub(super) fn add(client: &Weak<Client>) {
    let mut clients = lock(&CLIENTS);
    clients.retain(|known| known.strong_count() > 0);
    clients.push(client.clone());
}

pub fn clients() -> Vec<Arc<Client>> {
    lock(&CLIENTS).iter().filter_map(Weak::upgrade).collect()
}
