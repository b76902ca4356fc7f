//! The transport that the host supplies, and what the session does for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use serde_json::json;

use super::Client;
use super::life::Call;
use crate::dispatch::Dispatcher;
use crate::dispatch::gate::Slot;
use crate::dispatch::pool;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::protocol::kind::Kind;
use crate::sync::lock;
use crate::transport::host::{HostTransport, Link, Services, Work};
use crate::transport::{Sink, Transport};

/// What the host has given before connecting.
#[derive(Default)]
pub struct HostLink {
    link: Mutex<Option<Arc<dyn Link>>>,
    given: AtomicBool,
}

impl HostLink {
    pub fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }
}

impl Client {
    /// Replaces the CLI's process by what the host supplies; `None` takes it back. Before connecting.
    pub fn set_transport(&self, link: Option<Arc<dyn Link>>) -> Result<()> {
        // Too late where there is none: the client is being freed.
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

    /// Nothing of the host is called or held any more when this returns.
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
            // Inside the gate, so that the host may free the client in its own function. A client that is being freed
            // still has its transport closed.
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
