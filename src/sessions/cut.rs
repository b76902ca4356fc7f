//! Which entries a copy contains if it ends at a given message.

use std::collections::{HashMap, HashSet};

use super::entry::{Entry, Id, Kind};
use super::transcript::{Transcript, conversation, conversation_and_end};
use crate::error::{Error, Result, Status};

/// The id of an entry made up here, which no text has.
const MADE_UP: Id = Id::MAX;

/// How many times a branch that the CLI would take for the conversation is left out.
const ROUNDS: usize = 64;

/// What a copy is made of.
pub struct Cut {
    /// Indices into the transcript.
    pub entries: Vec<usize>,
    /// The summary that it ends with. What the compaction kept besides it was said before, and is not repeated.
    pub summary: Option<Id>,
}

impl Cut {
    /// Whether the copy has nothing of a compaction but its summary.
    pub fn is_bare(&self, entry: &Entry) -> bool {
        self.summary.is_some() && compacts(entry) && anchor(entry) == self.summary
    }
}

/// All of a conversation, or everything up to a message.
pub fn cut(transcript: &Transcript, id: &str, up_to: Option<&str>) -> Result<Cut> {
    let entries = &transcript.entries;
    let all: Vec<usize> = (0..entries.len()).filter(|index| !entries[*index].is_sidechain).collect();
    let mut cut = Cut { entries: all, summary: None };
    if let Some(message) = up_to {
        let last = transcript.ids.known(message).and_then(|uuid| end(entries, &cut.entries, uuid));
        let last = last.ok_or_else(|| unknown_message(message, id))?;
        cut.summary = Some(entries[cut.entries[last]].uuid);
        cut.entries.truncate(last + 1);
        before_compaction(entries, &mut cut.entries);
        leave_out_branches(entries, &mut cut);
    }
    if cut.entries.iter().any(|index| entries[*index].kind != Kind::Progress) {
        return Ok(cut);
    }
    Err(Error::new(Status::SessionNotFound, format!("session {id} has no messages to copy"))
        .with("session_id", id)
        .with("remedy", "fork a session that has begun"))
}

fn unknown_message(message: &str, id: &str) -> Error {
    Error::new(Status::NotFound, format!("session {id} has no message {message}"))
        .with("session_id", id)
        .with("remedy", "pass the uuid of a message of claude_session_messages")
}

/// The message, in the conversation or after it; otherwise wherever it is. The id may be the one that a prompt
/// was sent with.
fn end(entries: &[Entry], all: &[usize], uuid: Id) -> Option<usize> {
    let places = places(all.iter().map(|index| entries[*index].uuid));
    let chain: Vec<usize> = conversation(entries, &|entry: &Entry| !entry.is_sidechain)
        .into_iter()
        .filter_map(|index| places.get(&entries[index].uuid).copied())
        .collect();
    let behind = chain.iter().max().map_or(0, |last| last + 1);
    let near: Vec<usize> = chain.into_iter().chain(behind..all.len()).collect();
    let is_it = |place: &usize| entries[all[*place]].uuid == uuid;
    let was_sent_as = |place: &usize| entries[all[*place]].queued_as == Some(uuid);
    let found = near.iter().copied().find(is_it).or_else(|| near.iter().copied().find(was_sent_as));
    let anywhere = || (0..all.len()).find(is_it).or_else(|| (0..all.len()).find(was_sent_as));
    found.and_then(|place| places.get(&entries[all[place]].uuid).copied()).or_else(anywhere)
}

/// The first index of each id.
fn places(ids: impl Iterator<Item = Id>) -> HashMap<Id, usize> {
    let mut places = HashMap::new();
    for (place, id) in ids.enumerate() {
        places.entry(id).or_insert(place);
    }
    places
}

/// A boundary that replaces what was said before it.
fn compacts(entry: &Entry) -> bool {
    entry.is_boundary
        && !entry.kept.as_deref().is_some_and(|kept| kept.is_instant && kept.anchor == Some(entry.uuid))
}

fn anchor(entry: &Entry) -> Option<Id> {
    entry.kept.as_deref().and_then(|kept| kept.anchor)
}

fn kept(entry: &Entry) -> &[Id] {
    entry.kept.as_deref().map(|kept| kept.uuids.as_slice()).unwrap_or_default()
}

/// A copy that would end with a compaction ends before it: what it summarises is still there.
fn before_compaction(entries: &[Entry], copied: &mut Vec<usize>) {
    let last_said = copied.iter().rposition(|index| entries[*index].is_said());
    let behind = last_said.map_or(0, |last| last + 1);
    let Some(boundary) = (behind..copied.len()).find(|place| compacts(&entries[copied[*place]])) else {
        return;
    };
    let (before, boundary) = (&copied[..boundary], &entries[copied[boundary]]);
    let uuid = |place: usize| entries[before[place]].uuid;
    let last_of =
        |is_meant: &dyn Fn(Id) -> bool| before.iter().rposition(|index| is_meant(entries[*index].uuid));
    let logical = boundary.kept.as_deref().and_then(|kept| kept.logical_parent);
    let named = |id: Id| kept(boundary).contains(&id) || logical == Some(id);
    let last_kept = if anchor(boundary) == Some(boundary.uuid) { None } else { last_of(&named) };
    // What an earlier compaction kept follows its summary.
    let earlier = before.iter().rev().map(|index| &entries[*index]).find(|entry| entry.is_boundary);
    let earlier = earlier.filter(|earlier| compacts(earlier));
    let summary = last_kept.zip(earlier).filter(|(last, earlier)| kept(earlier).contains(&uuid(*last)));
    let last_summary = summary.and_then(|(_, earlier)| last_of(&|id| anchor(earlier) == Some(id)));
    let end = last_kept.max(last_summary).map_or(before.len(), |last| last + 1);
    if before[..end].iter().any(|index| entries[*index].kind != Kind::Progress) {
        copied.truncate(end);
    }
}

/// Leaves out compactions and branches that are not on the way to the copy's end: the CLI could take one of
/// them for the conversation.
fn leave_out_branches(entries: &[Entry], cut: &mut Cut) {
    let part: Vec<Entry> = cut.entries.iter().map(|index| copied(&entries[*index], cut)).collect();
    let Some(last) = part.last().map(|entry| entry.uuid) else { return };
    let branches = Branches::of(&part, last);
    let left_out = branches.map(|branches| branches.left_out()).unwrap_or_default();
    cut.entries.retain(|index| !left_out.contains(&entries[*index].uuid));
}

/// An entry as it will be in the copy.
fn copied(entry: &Entry, cut: &Cut) -> Entry {
    let mut copy = Entry { is_team: false, ..entry.clone() };
    if cut.is_bare(entry) {
        copy.kept = None;
    }
    copy
}

struct Branches<'a> {
    part: &'a [Entry],
    /// The last of several entries with one id; `places` has the first index of each id.
    by_uuid: HashMap<Id, &'a Entry>,
    places: HashMap<Id, usize>,
    /// The conversation that ends with the last entry, its ancestors, and where in the file it begins.
    wanted: HashSet<Id>,
    live: HashSet<Id>,
    start: usize,
}

impl<'a> Branches<'a> {
    fn of(part: &'a [Entry], last: Id) -> Option<Branches<'a>> {
        let mut with_end = part.to_vec();
        let mut end = part.last()?.clone();
        (end.uuid, end.parent, end.kind, end.kept, end.is_boundary) =
            (MADE_UP, Some(last), Kind::System, None, false);
        with_end.push(end);
        let chain = conversation(&with_end, &|_| true);
        let places = places(part.iter().map(|entry| entry.uuid));
        let start = *places.get(&with_end[*chain.first()?].uuid)?;
        let by_uuid: HashMap<Id, &Entry> = part.iter().map(|entry| (entry.uuid, entry)).collect();
        let wanted: HashSet<Id> = chain.iter().map(|index| with_end[*index].uuid).collect();
        let mut live = HashSet::new();
        for from in wanted.iter().copied().chain([last]) {
            let mut at = by_uuid.get(&from);
            while let Some(entry) = at.filter(|entry| live.insert(entry.uuid)) {
                at = entry.parent.and_then(|parent| by_uuid.get(&parent));
            }
        }
        Some(Branches { part, by_uuid, places, wanted, live, start })
    }

    fn left_out(&self) -> HashSet<Id> {
        let mut left_out = HashSet::new();
        let is_passed_by = |entry: &&Entry| !kept(entry).iter().any(|uuid| self.live.contains(uuid));
        let boundaries = self.part.iter().filter(|entry| entry.is_boundary && self.may_go(entry.uuid));
        self.leave_out(boundaries.filter(is_passed_by).map(|entry| entry.uuid), &mut left_out);
        for _ in 0..ROUNDS {
            let (chain, end) =
                conversation_and_end(self.part, &|entry: &Entry| !left_out.contains(&entry.uuid));
            let told: HashSet<Id> = chain.into_iter().map(|index| self.part[index].uuid).collect();
            let end = end.map(|index| self.part[index].uuid).filter(|end| self.may_go(*end));
            match end {
                Some(end) if told != self.wanted => self.leave_out([end].into_iter(), &mut left_out),
                _ => break,
            }
        }
        left_out
    }

    fn may_go(&self, uuid: Id) -> bool {
        let place = self.places.get(&uuid).copied().unwrap_or(self.start);
        !self.live.contains(&uuid) && place >= self.start
    }

    /// Leaves out entries, their ancestors outside the conversation, and the descendants of those.
    fn leave_out(&self, uuids: impl Iterator<Item = Id>, left_out: &mut HashSet<Id>) {
        for uuid in uuids {
            let mut at = self.by_uuid.get(&uuid);
            while let Some(entry) = at.filter(|entry| self.may_go(entry.uuid) && left_out.insert(entry.uuid))
            {
                at = entry.parent.and_then(|parent| self.by_uuid.get(&parent));
            }
        }
        for entry in self.part {
            if entry.parent.is_some_and(|parent| left_out.contains(&parent)) {
                left_out.insert(entry.uuid);
            }
        }
    }
}
