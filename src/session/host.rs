//! The host's own transport, and the services the session provides to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use serde_json::json;

use super::Client;
use super::life::Call;
use crate::dispatch::Dispatcher;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::protocol::kind::Kind;
use crate::runtime::pool;
use crate::sync::gate::Slot;
use crate::sync::{lock, ranked};
use crate::transport::host::{HostTransport, Link, Services, Work};
use crate::transport::{Sink, Transport};

/// The transport that the host set before connecting.
#[derive(Default)]
pub struct HostLink {
    link: Mutex<Option<Arc<dyn Link>>>,
    given: AtomicBool,
}

ranked!(Option<Arc<dyn Link>>: Leaf);

impl HostLink {
    pub fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }
}

impl Client {
    /// Replaces the CLI process with the host's transport; `None` reverts that. Before connecting.
    pub fn set_transport(&self, link: Option<Arc<dyn Link>>) -> Result<()> {
        // Too late if the gate is closed: the client is being freed.
        let Some(_pass) = self.dispatcher.gate.replacing() else { return Ok(()) };
        let old = {
            if self.check(Call::Register).is_err() {
                return Err(Error::new(Status::AlreadyConnected, "the transport cannot change any more")
                    .with("remedy", "call claude_client_set_transport before connecting"));
            }
            self.host.given.store(link.is_some(), Ordering::Release);
            std::mem::replace(&mut *lock(&self.host.link), link)
        };
        // Outside the locks: the host's destroy-notify runs here.
        drop(old);
        Ok(())
    }

    /// The host's transport, if there is one.
    pub(super) fn start_host(self: &Arc<Self>, sink: Arc<dyn Sink>) -> Option<Arc<dyn Transport>> {
        let link = lock(&self.host.link).take()?;
        let services = Arc::new(Served { client: self.me.clone(), dispatcher: self.dispatcher.clone() });
        let options = &self.options;
        Some(HostTransport::start(link, services, options.max_queue_bytes, options.terminate_timeout, sink))
    }

    /// When this returns, no function of the host is running and nothing of it is held.
    pub(super) fn release_transport(&self) {
        if let Some(transport) = self.transport() {
            transport.release();
        }
        let unused = lock(&self.host.link).take();
        drop(unused);
    }
}

struct Served {
    client: Weak<Client>,
    dispatcher: Arc<Dispatcher>,
}

impl Services for Served {
    fn run(&self, work: Work) {
        let dispatcher = self.dispatcher.clone();
        pool::run(move || {
            // Inside the gate, so that the host may free the client in its own function. The transport of a client that is
            // being freed must still be closed.
            let _pass = dispatcher.gate.enter(Slot::Completion);
            work();
        });
    }

    fn warn(&self, text: String) {
        log::warning(|| text.clone());
        if let Some(client) = self.client.upgrade() {
            client.event(Kind::Warning, json!({"event": "warning", "text": text}));
        }
    }
}
