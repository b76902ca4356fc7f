//! What exploring leaves out: clocks that run, many disconnects, long orders; and orders that no world brings. A seed makes the
//! same order again; one that fails is played as often as it takes with an event less, so that only those are left that it needs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::action::Action;
use super::super::event::Event;
use super::super::machine::Machine;
use super::super::states::{Life, Millis};
use super::{CONFIG, CONNECT, Config, EVENTS, PARK, Play};

const ORDERS: u64 = 2_000;

type Steps = Vec<(Event, Millis)>;

fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    }
}

/// Those that end a session are rarer than chance would have it, so that sessions live.
fn ends(event: Event) -> bool {
    let by_host = matches!(event, Event::Disconnect | Event::Free | Event::Shutdown | Event::Defect);
    by_host
        || matches!(event, Event::Timeout(_) | Event::LaunchFailed | Event::OpenFailed | Event::WriteFailed)
}

fn order(seed: u64, longest: u64, pause: Millis, any: bool) -> Steps {
    let mut next = numbers(seed);
    let length = next(longest);
    let mut steps = Steps::new();
    while (steps.len() as u64) < length {
        let event = EVENTS[next(EVENTS.len() as u64) as usize];
        if any || !ends(event) || next(5) == 0 {
            steps.push((event, next(pause)));
        }
    }
    steps
}

fn check(seed: u64, steps: Steps, play: fn(u64, &[(Event, Millis)])) {
    let holds = |steps: &[(Event, Millis)]| catch_unwind(AssertUnwindSafe(|| play(seed, steps))).is_ok();
    if holds(&steps) {
        return;
    }
    let mut least = steps;
    let mut at = 0;
    while at < least.len() {
        let mut fewer = least.clone();
        fewer.remove(at);
        if holds(&fewer) { at += 1 } else { least = fewer }
    }
    panic!("seed {seed}: {least:?}");
}

fn live(seed: u64, steps: &[(Event, Millis)]) {
    let mut play = Play::new(Config { older_way: seed.is_multiple_of(2), ..CONFIG });
    let start = if seed.is_multiple_of(3) { PARK } else { CONNECT };
    for event in [start, Event::Launched] {
        play.event(event);
    }
    for (event, pause) in steps {
        if !play.world.can(*event, &play.machine) {
            continue;
        }
        play.now += pause;
        while let Some((_, timer)) = play.machine.next_timeout().filter(|(at, _)| *at < play.now) {
            play.event(Event::Timeout(timer));
        }
        play.event(*event);
    }
    while let Some((_, timer)) = play.machine.next_timeout() {
        play.event(Event::Timeout(timer));
    }
}

/// Only what holds for an outside that keeps no rule.
fn endure(_: u64, steps: &[(Event, Millis)]) {
    let mut machine = Machine::new(CONFIG);
    let (mut accepted, mut completed, mut closed, mut released) = (0, 0, 0, 0);
    let (mut claims, mut claims_completed) = (0, 0);
    for (event, now) in steps {
        let is_connect = matches!(event, Event::Connect { .. } | Event::Park { .. });
        let is_claim = matches!(event, Event::Claim { .. });
        claims += u32::from(is_claim && machine.check_event(*event).is_ok());
        accepted += u32::from(is_connect && machine.check_event(*event).is_ok());
        let (before, mut actions) = (machine.clone(), Vec::new());
        machine.on(*event, *now, &mut actions);
        for action in &actions {
            match action {
                Action::CompleteConnect | Action::FailConnect(_) => completed += 1,
                Action::CompleteClaim | Action::FailClaim(_) => claims_completed += 1,
                Action::QueueClosed(_) => closed += 1,
                Action::ReleaseWaiters => released += 1,
                _ => {}
            }
        }
        assert!(completed <= accepted && accepted <= 1 && closed <= 1 && released <= 1);
        assert!(claims_completed <= claims && claims <= 1);
        assert!(!before.is_over() || before.cause() == machine.cause());
        assert!(before.life() != Life::Closed || machine.life() == Life::Closed);
    }
}

#[test]
fn long_lives_with_a_clock_that_runs_keep_the_invariants() {
    (1..=ORDERS).for_each(|seed| check(seed, order(seed, 200, 400, false), live));
}

#[test]
fn orders_that_cannot_come_complete_nothing_twice_and_panic_nowhere() {
    (1..=ORDERS).for_each(|seed| check(seed, order(seed, 60, 100_000, true), endure));
}
