//! Prompts that were still waiting after the last message when the file was last written.

use std::collections::{HashMap, HashSet};

use super::entry::Id;
use super::transcript::Nodes;

/// What descends from the last message with nothing said in between, in order.
pub fn behind(nodes: &Nodes, leaf: usize, chain: &[usize]) -> Vec<usize> {
    let uuid = |node: usize| nodes.entry(node).uuid;
    let mut seen: HashSet<Id> = chain.iter().map(|node| uuid(*node)).collect();
    let answered = answered(nodes, &seen);
    let below = below(nodes);
    let mut waiting = Vec::new();
    let mut rest = vec![leaf];
    while let Some(node) = rest.pop() {
        if node != leaf {
            if !seen.insert(uuid(node)) {
                continue;
            }
            if nodes.entry(node).is_queued && !answered.contains(&uuid(node)) {
                waiting.push(node);
            }
        }
        rest.extend(below.get(&uuid(node)).into_iter().flatten().rev());
    }
    waiting
}

/// The unsaid children of each entry, by time.
fn below(nodes: &Nodes) -> HashMap<Id, Vec<usize>> {
    let mut below: HashMap<Id, Vec<usize>> = HashMap::new();
    for node in nodes.order().filter(|node| !nodes.entry(*node).is_said()) {
        let (written, linked) = (nodes.entry(node).parent, nodes.parent(node));
        for parent in written.into_iter().chain(linked.filter(|linked| Some(*linked) != written)) {
            below.entry(parent).or_default().push(node);
        }
    }
    below.values_mut().for_each(|nodes_below| nodes_below.sort_by_key(|node| nodes.entry(*node).time_ms));
    below
}

/// What lies between the conversation and something that was said on another branch.
fn answered(nodes: &Nodes, chain: &HashSet<Id>) -> HashSet<Id> {
    let mut answered = HashSet::new();
    for node in nodes.order() {
        let entry = nodes.entry(node);
        if !entry.is_said() || entry.is_sidechain || entry.is_team || chain.contains(&entry.uuid) {
            continue;
        }
        let mut at = entry.parent.and_then(|parent| nodes.find(parent));
        while let Some(above) = at
            .map(|node| nodes.entry(node))
            .filter(|above| !chain.contains(&above.uuid) && answered.insert(above.uuid))
        {
            at = above.parent.and_then(|parent| nodes.find(parent));
        }
    }
    answered
}
