//! The conversations that are open in this process. Two clients on one conversation write to the same file of the CLI.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::sync::{lock, ranked};

/// How many clients have each conversation open.
static OPEN: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

ranked!(BTreeMap<String, usize>: Leaf);

/// The advice for the application.
pub const REMEDY: &str =
    "end the other client first, or continue in a copy of the conversation with fork_session";

/// Whether a client of this process has the conversation open.
pub fn is_open(session_id: &str) -> bool {
    lock(&OPEN).contains_key(session_id)
}

/// Marks a conversation as open by one client, until dropped.
#[derive(Debug)]
pub struct Claim(String);

impl Claim {
    /// The claim, and whether another client has one on the same conversation.
    pub fn new(session_id: &str) -> (Claim, bool) {
        let mut open = lock(&OPEN);
        let count = open.entry(session_id.to_owned()).or_default();
        *count += 1;
        (Claim(session_id.to_owned()), *count > 1)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut open = lock(&OPEN);
        if let Some(count) = open.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_shared_as_long_as_two_have_it_open() {
        let (first, shared) = Claim::new("of this test");
        assert!(!shared);
        let (second, shared) = Claim::new("of this test");
        assert!(shared);
        assert!(!Claim::new("another of this test").1);
        drop(first);
        assert!(Claim::new("of this test").1);
        drop(second);
        assert!(!Claim::new("of this test").1);
        assert!(!lock(&OPEN).contains_key("of this test"));
    }
}
