//! Sessions kept outside the disk, in a store provided by the host: each request asks for one thing, and is
//! answered when the store is ready.
//!
//! What a store does is defined here once: the keys, the requests and the formats of the answers. Nothing here
//! knows who waits for an answer; [`blocking`] waits on the caller's thread, and the session never blocks.

pub mod answers;
pub mod blocking;
pub mod check;
mod contract;
pub mod fold;
pub mod import;
pub mod key;
pub mod list;
pub mod memory;
pub mod resume;

use crate::error::{Error, Result, Status};

pub use key::Key;

/// What a store can be asked. Only the first two are always available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Append,
    Load,
    List,
    Summaries,
    Remove,
    ListSubkeys,
}

impl Operation {
    /// The name of the member in the host's table.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Append => "append",
            Operation::Load => "load",
            Operation::List => "list",
            Operation::Summaries => "summaries",
            Operation::Remove => "remove",
            Operation::ListSubkeys => "list_subkeys",
        }
    }
}

/// One request, with its arguments as JSON.
pub struct Request {
    pub operation: Operation,
    pub key: String,
    /// Of [`Operation::Append`]: an array.
    pub entries: Option<String>,
}

/// A store's answer: a JSON document, or nothing.
pub type Answer = Result<Option<String>>;

/// The one answer to a request. Dropping it unanswered is a failure.
pub struct Reply(Option<Give>);

/// Takes the answer; returns whether anyone waited for it.
type Give = Box<dyn FnOnce(Answer) -> bool + Send + Sync>;

impl Reply {
    pub fn new(answer: impl FnOnce(Answer) -> bool + Send + Sync + 'static) -> Reply {
        Reply(Some(Box::new(answer)))
    }

    /// Returns whether anyone waited for it.
    pub fn give(mut self, answer: Answer) -> bool {
        self.0.take().is_some_and(|give| give(answer))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(give) = self.0.take() {
            give(Err(Error::new(Status::Cancelled, "the session store let go of a call without an answer")
                .with(
                    "remedy",
                    "answer each call with claude_store_call_respond or claude_store_call_fail",
                )));
        }
    }
}

/// Where sessions are kept. Any thread may ask, several at once; the answer comes on any thread, also within the call.
pub trait Store: Send + Sync {
    fn can(&self, operation: Operation) -> bool;

    fn ask(&self, request: Request, reply: Reply);
}

/// The error after the deadline, when the answer is no longer awaited.
pub fn late(operation: Operation) -> Error {
    let name = operation.name();
    Error::new(Status::Timeout, format!("the session store has not answered {name} in time"))
        .with("phase", "session_store")
        .with("function", name)
}

pub fn cannot(operation: Operation, what: &str) -> Error {
    let name = operation.name();
    Error::new(Status::Unsupported, format!("{what} needs the function {name} of the session store"))
        .with("function", name)
        .with("remedy", format!("set {name} in the store's claude_session_store_vtable_t"))
}
