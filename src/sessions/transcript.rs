//! The conversation in a file: of all entries, those that lead from its beginning to its last message.
//!
//! Each entry names its parent. A conversation that was resumed at an earlier point has branches, and so has a
//! turn that uses several tools at once: what the walk back from the end misses is put back by
//! [`super::parallel`].

use std::collections::{HashMap, HashSet};
use std::io::Result;

use super::entry::{Entry, Id, Ids, Kind};
use super::files::Regular;
use super::lines::Lines;
use super::{parallel, relink, waiting};
use crate::protocol::members::top_level_string;
use crate::protocol::pointer::Json;

/// The entries of a file, in its order.
pub struct Transcript {
    pub entries: Vec<Entry>,
    pub ids: Ids,
}

impl Transcript {
    /// Lines that are cut off, broken or something else are skipped.
    pub fn read(file: &Regular) -> Result<Transcript> {
        let (mut entries, mut ids) = (Vec::new(), Ids::default());
        let mut lines = Lines::of(file);
        while let Some((offset, line)) = lines.next()? {
            // Most of a file is notes of the CLI, some of them long.
            if top_level_string(line.trim_ascii_start(), b"type").and_then(Kind::of).is_none() {
                continue;
            }
            let text = String::from_utf8_lossy(line);
            let parsed = Json::parse(&text).filter(|json| json.is_object());
            entries.extend(parsed.and_then(|json| Entry::parse(json, offset, line.len(), &mut ids)));
        }
        Ok(Transcript { entries, ids })
    }
}

/// The entries by id. Of several with one id the last counts, at the position of the first.
pub struct Nodes<'a> {
    entries: &'a [Entry],
    by_uuid: HashMap<Id, usize>,
    order: Vec<usize>,
    /// The parents that differ from what the entries say.
    parents: HashMap<usize, Id>,
}

/// The last message of a conversation, and the entry after it by which it was found.
struct Leaf {
    said: usize,
    end: Option<usize>,
}

impl<'a> Nodes<'a> {
    pub fn of(entries: &'a [Entry], is_part: &dyn Fn(&Entry) -> bool) -> Nodes<'a> {
        let mut places: HashMap<Id, usize> = HashMap::new();
        let mut order = Vec::new();
        for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| is_part(entry)) {
            let place = *places.entry(entry.uuid).or_insert_with(|| {
                order.push(index);
                order.len() - 1
            });
            order[place] = index;
        }
        let by_uuid = places.into_iter().map(|(uuid, place)| (uuid, order[place])).collect();
        Nodes { entries, by_uuid, order, parents: HashMap::new() }
    }

    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied()
    }

    pub fn entry(&self, node: usize) -> &'a Entry {
        &self.entries[node]
    }

    pub fn find(&self, uuid: Id) -> Option<usize> {
        self.by_uuid.get(&uuid).copied()
    }

    pub fn parent(&self, node: usize) -> Option<Id> {
        self.parents.get(&node).copied().or(self.entries[node].parent)
    }

    pub fn set_parent(&mut self, node: usize, parent: Id) {
        self.parents.insert(node, parent);
    }

    fn parent_node(&self, node: usize) -> Option<usize> {
        self.find(self.parent(node)?)
    }

    /// From an entry's beginning to the entry. A cycle ends where it closes.
    pub fn way_to(&self, node: usize) -> Vec<usize> {
        let mut seen = HashSet::new();
        let mut way: Vec<usize> = std::iter::successors(Some(node), |node| self.parent_node(*node))
            .take_while(|node| seen.insert(*node))
            .collect();
        way.reverse();
        way
    }

    fn leaf(&self) -> Option<Leaf> {
        self.main_leaf().or_else(|| self.any_leaf().map(|said| Leaf { said, end: None }))
    }

    /// The last one in the file that nothing follows.
    fn main_leaf(&self) -> Option<Leaf> {
        let main = || self.order().filter(|node| self.entry(*node).is_main());
        let continued: HashSet<Id> = main().filter_map(|node| self.parent(node)).collect();
        let mut ends: Vec<usize> =
            main().filter(|node| !continued.contains(&self.entry(*node).uuid)).collect();
        ends.sort_unstable_by(|one, other| other.cmp(one));
        let mut silent = HashSet::new();
        ends.into_iter().find_map(|end| {
            let mut at = Some(end);
            while let Some(node) = at.filter(|node| !silent.contains(node)) {
                if self.entry(node).is_said() {
                    return Some(Leaf { said: node, end: Some(end) });
                }
                silent.insert(node);
                at = self.parent_node(node);
            }
            None
        })
    }

    /// If nothing of the conversation itself has an end: in a cycle, or in a file of subagents.
    fn any_leaf(&self) -> Option<usize> {
        let continued: HashSet<Id> = self.order().filter_map(|node| self.parent(node)).collect();
        let ends = self.order().filter(|node| !continued.contains(&self.entry(*node).uuid));
        let mut silent = HashSet::new();
        let mut leaves = Vec::new();
        for end in ends {
            let mut at = Some(end);
            while let Some(node) = at.filter(|node| !silent.contains(node)) {
                if self.entry(node).is_said() {
                    leaves.push(node);
                    break;
                }
                silent.insert(node);
                at = self.parent_node(node);
            }
        }
        let is_plain = |node: &usize| {
            let entry = self.entry(*node);
            !entry.is_sidechain && !entry.is_team && !entry.is_meta
        };
        leaves.iter().copied().filter(is_plain).max().or_else(|| leaves.iter().copied().max())
    }
}

/// The conversation: indices into `entries`, in the order in which it was held.
pub fn conversation(entries: &[Entry], is_part: &dyn Fn(&Entry) -> bool) -> Vec<usize> {
    conversation_and_end(entries, is_part).0
}

/// [`conversation`], and the entry by which it was found: the last one of the conversation itself, a message or not.
pub fn conversation_and_end(
    entries: &[Entry],
    is_part: &dyn Fn(&Entry) -> bool,
) -> (Vec<usize>, Option<usize>) {
    let (_, chain, found) = walk(entries, is_part);
    (chain, found.and_then(|leaf| leaf.end))
}

/// [`conversation`] of a whole file, and the prompts that wait after it.
pub fn conversation_and_waiting(entries: &[Entry]) -> (Vec<usize>, Vec<usize>) {
    let (nodes, chain, found) = walk(entries, &|_| true);
    let waiting = found.map(|leaf| waiting::behind(&nodes, leaf.said, &chain));
    (chain, waiting.unwrap_or_default())
}

/// The entries, the conversation, and what [`Nodes::leaf`] says.
fn walk<'a>(entries: &'a [Entry], is_part: &dyn Fn(&Entry) -> bool) -> (Nodes<'a>, Vec<usize>, Option<Leaf>) {
    let mut nodes = Nodes::of(entries, is_part);
    relink::relink(&mut nodes);
    let found = nodes.leaf();
    let chain = found.as_ref().map(|leaf| parallel::put_back(&nodes, nodes.way_to(leaf.said)));
    (nodes, chain.unwrap_or_default(), found)
}

/// A subagent's conversation has no branches: it is the path to its last message.
pub fn subagent(entries: &[Entry]) -> Vec<usize> {
    let nodes = Nodes::of(entries, &|_| true);
    let last = entries.iter().rposition(Entry::is_said).and_then(|last| nodes.find(entries[last].uuid));
    last.map(|last| nodes.way_to(last)).unwrap_or_default()
}
