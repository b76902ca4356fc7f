//! Every configuration that can be reached, each with every event that can happen in it.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use super::super::event::Event;
use super::super::machine::Machine;
use super::super::states::{KILL_TAKES, Life};
use super::{CONFIG, EVENTS, LIVES, Play, World};

/// The time that is left does not tell configurations apart: any timer that runs may be the next one.
fn key(play: &Play) -> (Machine, World) {
    let mut machine = play.machine.clone();
    machine.timers = machine.timers.map(|at| at.map(|_| 0));
    machine.paused = machine.paused.map(|left| left.min(1));
    machine.hooks_left = machine.hooks_left.min(1);
    (machine, play.world.clone())
}

impl Play {
    fn copy(&self) -> Play {
        Play { machine: self.machine.clone(), world: self.world.clone(), now: self.now }
    }

    /// From now on the clock begins anew.
    fn rebase(&mut self) {
        let now = std::mem::take(&mut self.now);
        self.machine.timers = self.machine.timers.map(|at| at.map(|at| at.saturating_sub(now)));
    }
}

/// Both tests look at all of them.
static FOUND: LazyLock<Vec<Play>> = LazyLock::new(explore);

fn explore() -> Vec<Play> {
    let mut found: Vec<Play> = Vec::new();
    let mut seen = HashSet::new();
    for older_way in [true, false] {
        let play = Play::new(super::Config { older_way, ..CONFIG });
        seen.insert(key(&play));
        found.push(play);
    }
    let mut at = 0;
    while at < found.len() {
        for event in EVENTS {
            let mut play = found[at].copy();
            if !play.world.can(event, &play.machine) {
                continue;
            }
            play.event(event);
            play.rebase();
            if seen.insert(key(&play)) {
                found.push(play);
            }
        }
        at += 1;
    }
    found
}

/// The invariants are looked at in each of them, whatever comes next.
#[test]
fn whatever_happens_the_invariants_hold_and_time_alone_ends_a_session_in_its_time() {
    let found = &*FOUND;
    let reached: BTreeSet<Life> = found.iter().map(|play| play.machine.life()).collect();
    assert_eq!(reached, BTreeSet::from(LIVES), "each state can be reached");
    let bound = CONFIG.exit + CONFIG.terminate + KILL_TAKES;
    for play in found {
        let mut play = play.copy();
        if play.machine.is_over() || play.machine.life() == Life::Created {
            continue;
        }
        play.world.disconnects.accepted = play.world.disconnects.accepted.min(200);
        play.event(Event::Disconnect);
        while let Some((_, timer)) = play.machine.next_timeout() {
            play.event(Event::Timeout(timer));
        }
        assert!(play.machine.is_over(), "{:?}", play.machine);
        assert!(play.now <= bound, "7: {} ms from {:?}", play.now, play.machine);
    }
    assert!(found.len() > 10_000, "only {} configurations: the world brings too little", found.len());
    println!("{} configurations", found.len());
}

/// What was told before another launch, before a timer was cleared, or before the end.
#[test]
fn whatever_comes_behind_the_end_changes_nothing_but_the_books_of_what_is_left() {
    for play in FOUND.iter().filter(|play| play.machine.life() == Life::Closed) {
        for event in EVENTS.into_iter().filter(|event| !matches!(event, Event::Turn(_))) {
            let mut after = play.machine.clone();
            after.on(event, play.now, &mut Vec::new());
            assert_eq!(after, play.machine, "{event:?}");
        }
    }
}
