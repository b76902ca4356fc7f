//! What exploring leaves out: clocks that run, many disconnects, long orders; and orders that no world brings.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::action::Action;
use super::super::event::Event;
use super::super::machine::Machine;
use super::{CONFIG, Config, EVENTS, Play};

/// Those that end a session are rarer than chance would have it, so that sessions live.
fn likely() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => select(EVENTS.to_vec()),
        4 => select(EVENTS.iter().copied().filter(|event| !ends(*event)).collect::<Vec<_>>()),
    ]
}

fn ends(event: Event) -> bool {
    let by_host = matches!(event, Event::Disconnect | Event::Free | Event::Shutdown | Event::Defect);
    by_host
        || matches!(event, Event::Timeout(_) | Event::LaunchFailed | Event::OpenFailed | Event::WriteFailed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_lives_with_a_clock_that_runs_keep_the_invariants(
        older_way in any::<bool>(),
        steps in prop::collection::vec((likely(), 0_u64..400), 0..200),
    ) {
        let mut play = Play::new(Config { older_way, ..CONFIG });
        for event in [super::CONNECT, Event::Launched] {
            play.event(event);
        }
        for (event, pause) in steps {
            if !play.world.can(event, &play.machine) {
                continue;
            }
            play.now += pause;
            while let Some((_, timer)) = play.machine.next_timeout().filter(|(at, _)| *at < play.now) {
                play.event(Event::Timeout(timer));
            }
            play.event(event);
        }
        while let Some((_, timer)) = play.machine.next_timeout() {
            play.event(Event::Timeout(timer));
        }
    }

    #[test]
    fn orders_that_cannot_come_complete_nothing_twice_and_panic_nowhere(
        steps in prop::collection::vec((select(EVENTS.to_vec()), 0_u64..100_000), 0..60),
    ) {
        let mut machine = Machine::new(CONFIG);
        let (mut accepted, mut completed, mut closed, mut released) = (0, 0, 0, 0);
        for (event, now) in steps {
            let is_connect = matches!(event, Event::Connect { .. });
            accepted += u32::from(is_connect && machine.check_event(event).is_ok());
            let (before, mut actions) = (machine.clone(), Vec::new());
            machine.on(event, now, &mut actions);
            for action in &actions {
                match action {
                    Action::CompleteConnect | Action::FailConnect(_) => completed += 1,
                    Action::QueueClosed(_) => closed += 1,
                    Action::ReleaseWaiters => released += 1,
                    _ => {}
                }
            }
            prop_assert!(completed <= accepted && accepted <= 1 && closed <= 1 && released <= 1);
            prop_assert!(!before.is_over() || before.cause() == machine.cause());
            prop_assert!(before.life() != super::Life::Closed || machine.life() == super::Life::Closed);
        }
    }
}
