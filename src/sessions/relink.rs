//! What a compaction keeps verbatim: those messages follow the summary, and what followed the summary follows them.

use std::collections::HashMap;

use super::entry::{Id, Kept};
use super::transcript::Nodes;

/// Links the kept messages to where they belong.
pub fn relink(nodes: &mut Nodes) {
    let mut children: HashMap<Id, Vec<usize>> = HashMap::new();
    if nodes.order().any(|node| has_kept(nodes, node)) {
        for node in nodes.order() {
            if let Some(parent) = nodes.parent(node) {
                children.entry(parent).or_default().push(node);
            }
        }
    }
    let boundaries: Vec<usize> = nodes.order().filter(|node| has_kept(nodes, *node)).collect();
    for boundary in boundaries {
        let Some(kept) = nodes.entry(boundary).kept.as_deref() else { continue };
        let Some(anchor) = kept.anchor else { continue };
        let (chain, last) = match links(nodes, kept) {
            Some(links) => links,
            None => continue,
        };
        let first = chain.first().copied();
        let mut above = anchor;
        for node in chain {
            nodes.set_parent(node, above);
            children.entry(above).or_default().push(node);
            above = nodes.entry(node).uuid;
        }
        for child in children.remove(&anchor).unwrap_or_default() {
            if nodes.parent(child) != Some(anchor) {
                continue;
            }
            let below = if Some(child) == first {
                anchor
            } else {
                nodes.set_parent(child, last);
                last
            };
            children.entry(below).or_default().push(child);
        }
    }
}

fn has_kept(nodes: &Nodes, node: usize) -> bool {
    nodes.entry(node).kept.as_ref().is_some_and(|kept| kept.anchor.is_some())
}

/// The nodes that follow one another after the anchor, and the parent of what comes after them.
fn links(nodes: &Nodes, kept: &Kept) -> Option<(Vec<usize>, Id)> {
    let last = *kept.uuids.last()?;
    if kept.is_segment {
        return Some((kept.uuids.first().and_then(|head| nodes.find(*head)).into_iter().collect(), last));
    }
    let chain: Option<Vec<usize>> = kept.uuids.iter().map(|uuid| nodes.find(*uuid)).collect();
    Some((chain?, last))
}
