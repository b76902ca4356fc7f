//! The clients that a shutdown of the library has to end, whoever knows them: those that are being freed and those without a
//! handle too.

use std::sync::{Arc, Mutex, Weak};

use super::Client;
use crate::sync::lock;

static CONNECTED: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());

/// Called before a client begins to connect.
pub(super) fn add(client: &Weak<Client>) {
    let mut connected = lock(&CONNECTED);
    connected.retain(|known| known.strong_count() > 0 && !known.ptr_eq(client));
    connected.push(client.clone());
}

/// All that have begun to connect and still exist.
pub fn connected() -> Vec<Arc<Client>> {
    lock(&CONNECTED).iter().filter_map(Weak::upgrade).collect()
}
