//! Asks a store and waits for the answer on the caller's thread.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::answers::{self, Entry, Listed, Summary};
use super::{Answer, Key, Operation, Reply, Request, Store, late};
use crate::error::Result;

/// A store, and the deadline for its answers.
pub struct Waiting<'a> {
    store: &'a dyn Store,
    deadline: Option<Instant>,
}

impl<'a> Waiting<'a> {
    /// `limit` is for all requests together; `None` = no limit.
    pub fn new(store: &'a dyn Store, limit: Option<Duration>) -> Waiting<'a> {
        Waiting { store, deadline: limit.and_then(|limit| Instant::now().checked_add(limit)) }
    }

    pub fn can(&self, operation: Operation) -> bool {
        self.store.can(operation)
    }

    pub fn append(&self, key: &Key, entries: &[Entry]) -> Result<()> {
        let entries = serde_json::to_string(entries).unwrap_or_default();
        self.ask(Operation::Append, key.to_json(), Some(entries)).map(drop)
    }

    pub fn load(&self, key: &Key) -> Result<Option<Vec<Entry>>> {
        answers::entries(self.ask(Operation::Load, key.to_json(), None)?)
    }

    pub fn list(&self, project_key: &str) -> Result<Vec<Listed>> {
        answers::listed(self.ask(Operation::List, of_project(project_key), None)?)
    }

    pub fn summaries(&self, project_key: &str) -> Result<Vec<Summary>> {
        answers::summaries(self.ask(Operation::Summaries, of_project(project_key), None)?)
    }

    pub fn remove(&self, key: &Key) -> Result<()> {
        self.ask(Operation::Remove, key.to_json(), None).map(drop)
    }

    pub fn list_subkeys(&self, key: &Key) -> Result<Vec<String>> {
        answers::subkeys(self.ask(Operation::ListSubkeys, key.to_json(), None)?)
    }

    /// Begins without waiting; the answer comes through the receiver.
    pub fn begin(
        &self,
        operation: Operation,
        key: String,
        entries: Option<String>,
    ) -> mpsc::Receiver<Answer> {
        let (sender, receiver) = mpsc::channel();
        let reply = Reply::new(move |answer| sender.send(answer).is_ok());
        self.store.ask(Request { operation, key, entries }, reply);
        receiver
    }

    pub fn end(&self, operation: Operation, receiver: &mpsc::Receiver<Answer>) -> Answer {
        match self.deadline {
            None => receiver.recv().map_err(|_| late(operation))?,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                receiver.recv_timeout(left).map_err(|_| late(operation))?
            }
        }
    }

    fn ask(&self, operation: Operation, key: String, entries: Option<String>) -> Answer {
        self.end(operation, &self.begin(operation, key, entries))
    }
}

/// The arguments of `list` and `summaries`.
pub fn of_project(project_key: &str) -> String {
    serde_json::json!({ "project_key": project_key }).to_string()
}
