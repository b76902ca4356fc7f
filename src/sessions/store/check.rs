//! The contract of a store as a runnable check: each case asks the store for something and examines its answers.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::blocking::Waiting;
use super::contract::CASES;
use super::{Key, Operation, Store};
use crate::error::Error;

/// Why a case did not pass.
pub enum Failure {
    /// The store did something other than it should.
    Wrong(String),
    /// The store failed.
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Failed(error)
    }
}

pub type Outcome = Result<(), Failure>;

/// One promise of a store.
pub struct Case {
    pub name: &'static str,
    /// The operations it needs besides append and load.
    pub needs: &'static [Operation],
    pub run: fn(&Bench) -> Outcome,
}

/// What a case works with: a project without any sessions.
pub struct Bench<'a> {
    pub store: &'a Waiting<'a>,
    pub project: String,
    used: RefCell<Vec<Key>>,
}

impl Bench<'_> {
    /// A session that was never stored.
    pub fn session(&self) -> Key {
        let key = Key::of_session(&self.project, &Uuid::new_v4().to_string());
        self.used.borrow_mut().push(key.clone());
        key
    }
}

/// The report. What it stores is in projects of its own, which are emptied if the store can remove.
pub fn check(store: &dyn Store, limit: Option<Duration>) -> String {
    let store = Waiting::new(store, limit);
    let mut cases = Vec::new();
    let mut counts = [0_usize; 3];
    for case in CASES {
        let missing = case.needs.iter().find(|operation| !store.can(**operation));
        let (outcome, message) = match missing {
            Some(operation) => ("skipped", Some(format!("the store has no {}", operation.name()))),
            None => run(case, &store),
        };
        let at = ["passed", "failed", "skipped"].iter().position(|name| *name == outcome).unwrap_or(1);
        counts[at] += 1;
        let mut row = json!({"name": case.name, "outcome": outcome});
        if let Some(message) = message {
            row["message"] = message.into();
        }
        cases.push(row);
    }
    let [passed, failed, skipped] = counts;
    json!({"ok": failed == 0, "passed": passed, "failed": failed, "skipped": skipped, "cases": cases})
        .to_string()
}

fn run(case: &Case, store: &Waiting) -> (&'static str, Option<String>) {
    let project = format!("-claude-store-check-{}", Uuid::new_v4().simple());
    let bench = Bench { store, project, used: RefCell::default() };
    let outcome = (case.run)(&bench);
    let cleaned = clean(&bench);
    match outcome.and(cleaned) {
        Ok(()) => ("passed", None),
        Err(Failure::Wrong(what)) => ("failed", Some(what)),
        Err(Failure::Failed(error)) => ("failed", Some(error.advice())),
    }
}

fn clean(bench: &Bench) -> Outcome {
    if bench.store.can(Operation::Remove) {
        for key in bench.used.borrow().iter() {
            bench.store.remove(key)?;
        }
    }
    Ok(())
}
