//! The hooks for which a start waits: the user's, of the events SessionStart and Setup. The CLI says when they run, and they may
//! take longer than it may.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Client;
use super::inbound::text_of;
use super::life::Event;
use crate::protocol::framing::Block;
use crate::protocol::kind::Kind;
use crate::protocol::members::top_level_string;
use crate::sync::{lock, ranked};

/// A CLI that says that more run at once is not believed.
const MOST: usize = 64;

#[derive(Default)]
pub struct StartHooks {
    /// They do not count against the limit: the host has not set it itself.
    is_watched: AtomicBool,
    running: Mutex<BTreeSet<Vec<u8>>>,
}

ranked!(BTreeSet<Vec<u8>>: Leaf);

impl StartHooks {
    pub fn watch(&self, watch: bool) {
        self.is_watched.store(watch, Ordering::Relaxed);
    }
}

impl Client {
    /// Looks at messages that come before the answer to `initialize`.
    pub(super) fn follow_start_hooks(&self, block: &Block) {
        if !self.start_hooks.is_watched.load(Ordering::Relaxed) {
            return;
        }
        if self.initialize.get().is_some() {
            return self.start_hooks.watch(false);
        }
        for line in block.lines.iter().filter(|line| line.kind == Kind::System) {
            self.follow_start_hook(text_of(block, *line));
        }
    }

    fn follow_start_hook(&self, text: &[u8]) {
        let member = |name: &str| top_level_string(text, name.as_bytes());
        let Some(id) = member("hook_id") else { return };
        let is_of_start = matches!(member("hook_event"), Some(b"SessionStart" | b"Setup"));
        let change = {
            let mut running = lock(&self.start_hooks.running);
            let before = running.is_empty();
            match member("subtype") {
                Some(b"hook_started") if is_of_start && running.len() < MOST => {
                    running.insert(id.to_vec());
                }
                Some(b"hook_response") => {
                    running.remove(id);
                }
                _ => {}
            }
            (running.is_empty() != before).then_some(before)
        };
        if let Some(run) = change {
            self.happens(Event::StartHooks(run));
        }
    }
}
