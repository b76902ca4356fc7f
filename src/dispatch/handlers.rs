//! The callbacks that a host can register with a client.

use std::sync::Arc;

use super::callback::Callback;
use super::gate::Slot;
use crate::error::Error;
use crate::protocol::kind::Kind;
use crate::requests::Request;

/// Text with a NUL behind it, for a callback.
pub type Text<'a> = &'a [u8];

/// Gives the host one message.
pub type MessageCall<'a> = &'a dyn Fn(Kind, Text<'_>);

/// Takes messages, which come many at a time.
pub trait MessageFn: Send + Sync {
    /// Runs `messages`, which calls what it is given for each of them. Not at all where the callback is gone.
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
    pub request: Callback<RequestFn>,
    pub stderr: Callback<TextFn>,
    pub closed: Callback<ClosedFn>,
    pub ready: Callback<NotifyFn>,
}

impl Handlers {
    pub fn new() -> Handlers {
        Handlers {
            message: Callback::new(Slot::Message),
            request: Callback::new(Slot::Request),
            stderr: Callback::new(Slot::Stderr),
            closed: Callback::new(Slot::Closed),
            ready: Callback::new(Slot::Ready),
        }
    }

    /// Destroys them all, and every later one at once.
    pub fn close(&self) {
        self.message.close();
        self.request.close();
        self.stderr.close();
        self.ready.close();
        self.closed.close();
    }
}
