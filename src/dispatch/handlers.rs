//! The callbacks that a host can register with a client.

use std::sync::Arc;

use crate::error::Error;
use crate::protocol::kind::Kind;
use crate::requests::Request;
use crate::sync::callback::Callback;
use crate::sync::gate::Slot;

/// NUL-terminated text for a callback.
pub type Text<'a> = &'a [u8];

/// Delivers one message to the host.
pub type MessageCall<'a> = &'a dyn Fn(Kind, Text<'_>);

/// A handler for messages, which arrive in batches.
pub trait MessageFn: Send + Sync {
    /// Runs `messages`, which calls its argument once for each message. Does nothing if the callback is gone.
    fn deliver(&self, messages: &mut dyn FnMut(MessageCall<'_>));
}

pub type RequestFn = dyn Fn(Arc<Request>) + Send + Sync;
pub type TextFn = dyn Fn(Text<'_>) + Send + Sync;
pub type ClosedFn = dyn Fn(Option<&Error>) + Send + Sync;
pub type NotifyFn = dyn Fn() + Send + Sync;

pub type MessageHandler = Arc<dyn MessageFn>;
pub type RequestHandler = Arc<RequestFn>;
pub type TextHandler = Arc<TextFn>;
pub type ClosedHandler = Arc<ClosedFn>;
pub type NotifyHandler = Arc<NotifyFn>;

pub struct Handlers {
    pub message: Callback<dyn MessageFn>,
    pub stderr: Callback<TextFn>,
    pub closed: Callback<ClosedFn>,
    pub ready: Callback<NotifyFn>,
}

impl Handlers {
    pub fn new() -> Handlers {
        Handlers {
            message: Callback::new(Slot::Message),
            stderr: Callback::new(Slot::Stderr),
            closed: Callback::new(Slot::Closed),
            ready: Callback::new(Slot::Ready),
        }
    }

    /// Drops all handlers, and any that is set later.
    pub fn close(&self) {
        self.message.close();
        self.stderr.close();
        self.ready.close();
        self.closed.close();
    }
}
