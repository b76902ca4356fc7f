//! The calls and results of a turn that used several tools at once.
//!
//! The CLI writes one entry for each content block, and the parent of a result is its own call: the walk back
//! from the end follows only one of them. The others go after the last entry of their response, so that every
//! result follows its call.

use std::collections::{HashMap, HashSet};

use super::entry::{Id, Kind};
use super::transcript::Nodes;

/// The conversation, including what the walk missed.
pub fn put_back(nodes: &Nodes, chain: Vec<usize>) -> Vec<usize> {
    let responses: Vec<usize> =
        chain.iter().copied().filter(|node| nodes.entry(*node).message.is_some()).collect();
    if responses.is_empty() {
        return chain;
    }
    let turn = Turns::of(nodes);
    let mut seen: HashSet<usize> = chain.iter().copied().collect();
    let answered: HashSet<Id> =
        chain.iter().flat_map(|node| nodes.entry(*node).answers.iter().copied()).collect();
    let mut last_of: HashMap<Id, usize> = HashMap::new();
    for node in &responses {
        if let Some(message) = nodes.entry(*node).message {
            last_of.insert(message, *node);
        }
    }
    let mut behind: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut done = HashSet::new();
    for message in responses.iter().filter_map(|node| nodes.entry(*node).message) {
        if !done.insert(message) {
            continue;
        }
        let missing = turn.missing(message, &seen, &answered);
        if let Some(last) = last_of.get(&message).filter(|_| !missing.is_empty()) {
            seen.extend(missing.iter().copied());
            behind.insert(*last, missing);
        }
    }
    let with = |node: usize| std::iter::once(node).chain(behind.get(&node).cloned().unwrap_or_default());
    chain.into_iter().flat_map(with).collect()
}

/// Which entries belong together.
struct Turns<'a> {
    nodes: &'a Nodes<'a>,
    /// The entries of each response.
    blocks: HashMap<Id, Vec<usize>>,
    /// The caller of each call; `None` if two responses claim it.
    callers: HashMap<Id, Option<usize>>,
    /// The results that may belong to an entry.
    results: HashMap<Id, Vec<usize>>,
}

impl<'a> Turns<'a> {
    fn of(nodes: &'a Nodes<'a>) -> Turns<'a> {
        let mut turns =
            Turns { nodes, blocks: HashMap::new(), callers: HashMap::new(), results: HashMap::new() };
        for node in nodes.order() {
            let entry = nodes.entry(node);
            let Some(message) = entry.message.filter(|_| entry.kind == Kind::Assistant) else { continue };
            turns.blocks.entry(message).or_default().push(node);
            for call in &entry.calls {
                let caller = turns.callers.entry(*call).or_insert(Some(node));
                let same = caller.is_some_and(|caller| nodes.entry(caller).message == Some(message));
                *caller = same.then_some(node);
            }
        }
        for node in nodes.order().filter(|node| nodes.entry(*node).is_answer()) {
            for owner in turns.owners(node) {
                turns.results.entry(owner).or_default().push(node);
            }
        }
        turns
    }

    /// The entries that a result may belong to: its parent, the one it names, and the callers of the calls that it answers.
    fn owners(&self, result: usize) -> Vec<Id> {
        let entry = self.nodes.entry(result);
        let named = entry.source.and_then(|source| self.nodes.find(source));
        let callers = entry.answers.iter().filter_map(|call| self.callers.get(call).copied().flatten());
        let others =
            named.into_iter().chain(callers).filter(|node| entry.has_same_writer(self.nodes.entry(*node)));
        let owners =
            self.nodes.parent(result).into_iter().chain(others.map(|node| self.nodes.entry(node).uuid));
        let mut known = HashSet::new();
        owners.filter(|owner| known.insert(*owner)).collect()
    }

    /// What the conversation lacks of a response: its blocks, then its results.
    fn missing(&self, message: Id, seen: &HashSet<usize>, answered: &HashSet<Id>) -> Vec<usize> {
        let blocks = self.blocks.get(&message).map(Vec::as_slice).unwrap_or_default();
        let members: HashSet<Id> = blocks.iter().map(|node| self.nodes.entry(*node).uuid).collect();
        let mut missing: Vec<usize> = blocks.iter().copied().filter(|node| !seen.contains(node)).collect();
        let (mut results, mut strays) = (Vec::new(), Vec::new());
        let mut collected = HashSet::new();
        let owned = |node: &usize| self.results.get(&self.nodes.entry(*node).uuid).into_iter().flatten();
        for result in blocks.iter().flat_map(owned).copied() {
            if seen.contains(&result) || !collected.insert(result) {
                continue;
            }
            let hangs_here = self.nodes.parent(result).is_some_and(|parent| members.contains(&parent));
            if hangs_here { results.push(result) } else { strays.push(result) }
        }
        self.take_strays(strays, &members, answered, &mut results);
        let time = |node: &usize| self.nodes.entry(*node).time_ms;
        missing.sort_by_key(time);
        results.sort_by_key(time);
        missing.extend(results);
        missing
    }

    /// A result with another parent is taken if nothing else answers its call.
    fn take_strays(
        &self,
        mut strays: Vec<usize>,
        members: &HashSet<Id>,
        on_chain: &HashSet<Id>,
        results: &mut Vec<usize>,
    ) {
        if strays.is_empty() {
            return;
        }
        let answers = |node: usize| self.nodes.entry(node).answers.iter().copied();
        let mut answered: HashSet<Id> = results.iter().flat_map(|node| answers(*node)).collect();
        strays.sort_unstable();
        for stray in strays {
            let is_open = answers(stray).any(|call| {
                let caller = self.callers.get(&call).copied().flatten();
                !on_chain.contains(&call)
                    && !answered.contains(&call)
                    && caller.is_some_and(|caller| members.contains(&self.nodes.entry(caller).uuid))
            });
            if is_open {
                answered.extend(answers(stray));
                results.push(stray);
            }
        }
    }
}
