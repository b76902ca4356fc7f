//! Orders that were defects once, or that are easily got wrong: the events, the state that they lead to, what is done on the way
//! exactly once, and what is not done.

use super::super::action::{Action, Completions};
use super::super::event::{Cause, Event, Timer};
use super::super::states::{DELIVERY, HOOKS_TAKE, HURRY, Life, Millis};
use super::{CLAIM, CONFIG, CONNECT, FLAG, LIMIT, PARK, Play, STDERR, STEP};

const OPENED: &[Event] = &[CONNECT, Event::Launched, Event::Opened];
const READY: &[Event] = &[CONNECT, Event::Launched, Event::Opened, Event::Answered, Event::Begun];
const TOLD: Action = Action::CompleteDisconnects { of: Completions::Awaited, left: None };

struct Order {
    play: Play,
    actions: Vec<Action>,
}

/// Plays these events, one group behind the other.
fn after(groups: &[&[Event]]) -> Order {
    let mut order = Order { play: Play::new(CONFIG), actions: Vec::new() };
    for event in groups.iter().copied().flatten() {
        assert!(order.play.world.can(*event, &order.play.machine), "{event:?} cannot come here");
        order.actions.extend(order.play.event(*event));
    }
    order
}

impl Order {
    fn leads_to(self, life: Life) -> Order {
        assert_eq!(self.play.machine.life(), life, "{:?}", self.actions);
        self
    }

    fn does(self, wanted: &[Action]) -> Order {
        for action in wanted {
            let count = self.actions.iter().filter(|done| *done == action).count();
            assert_eq!(count, 1, "{action:?} in {:?}", self.actions);
        }
        self
    }

    fn does_not(self, unwanted: &[Action]) -> Order {
        for action in unwanted {
            assert!(!self.actions.contains(action), "{action:?} in {:?}", self.actions);
        }
        self
    }
}

#[test]
fn a_child_that_comes_as_the_time_to_connect_runs_out_is_killed_and_waited_for() {
    after(&[&[CONNECT, Event::Timeout(Timer::Connect), Event::Launched]])
        .leads_to(Life::Killing)
        .does(&[Action::AbandonLaunch, Action::Kill])
        .does_not(&[
            Action::FailConnect(Some(Cause::ConnectTimeout)),
            Action::QueueClosed(Some(Cause::ConnectTimeout)),
        ]);
}

#[test]
fn a_launch_that_comes_back_behind_the_end_is_killed_and_its_files_are_removed() {
    after(&[&[CONNECT, Event::Disconnect, STEP, Event::Launched, Event::Exited]])
        .leads_to(Life::Closed)
        .does(&[Action::Kill, Action::RemoveFiles, Action::QueueClosed(Some(Cause::LaunchHangs))]);
    after(&[&[CONNECT, Event::Disconnect, STEP]]).leads_to(Life::Lost).does(&[
        Action::CompleteDisconnects { of: Completions::Awaited, left: Some(Cause::LaunchHangs) },
        Action::ReleaseWaiters,
    ]);
}

#[test]
fn a_disconnect_between_two_launches_starts_nothing_that_lives() {
    let between = after(&[OPENED, &[Event::StdoutEnded, FLAG, Event::Exited]])
        .leads_to(Life::Relaunching)
        .does(&[Action::Launch { older: true }, Action::WarnStartedAgain, Action::RemoveFiles]);
    drop(between);
    after(&[OPENED, &[Event::StdoutEnded, FLAG, Event::Exited, Event::Disconnect, Event::Launched]])
        .leads_to(Life::Killing)
        .does(&[Action::AbandonLaunch, Action::Kill])
        .does_not(&[TOLD]);
}

#[test]
fn an_exit_that_is_told_behind_the_ends_of_the_streams_is_not_that_of_the_second_process() {
    let again: &[Event] = &[Event::StdoutEnded, FLAG, Event::Exited];
    let second = &[Event::Launched, Event::Opened, Event::Answered, Event::Begun, Event::Disconnect, STEP];
    after(&[OPENED, again, second])
        .leads_to(Life::Terminating)
        .does(&[Action::Terminate])
        .does_not(&[TOLD, Action::Kill]);
}

#[test]
fn a_cli_is_launched_again_once_and_not_when_the_end_was_asked_for() {
    let dies: &[Event] = &[Event::Exited, Event::StdoutEnded, FLAG];
    after(&[OPENED, dies, &OPENED[1..], dies])
        .leads_to(Life::Closed)
        .does(&[Action::Launch { older: true }, Action::FailConnect(Some(Cause::Ended))]);
    after(&[OPENED, &[Event::Disconnect], dies])
        .leads_to(Life::Closed)
        .does(&[TOLD])
        .does_not(&[Action::Launch { older: true }]);
    after(&[OPENED, &[Event::Answered], dies]).does_not(&[Action::Launch { older: true }]);
}

#[test]
fn whoever_disconnects_long_after_an_end_that_nobody_reads_is_told_in_time() {
    let unread = after(&[READY, &[Event::QueueFull, Event::Exited, Event::Disconnect]]);
    unread.leads_to(Life::Flushing).does(&[Action::ResumeReading]).does_not(&[TOLD]);
    after(&[READY, &[Event::QueueFull, Event::Exited, Event::Disconnect, Event::Timeout(Timer::Delivery)]])
        .leads_to(Life::Flushing)
        .does(&[TOLD])
        .does_not(&[Action::QueueClosed(None)]);
}

#[test]
fn whoever_disconnects_behind_those_who_were_told_does_not_wait_for_the_output() {
    let mut order = after(&[READY, &[Event::Exited, Event::Disconnect, Event::Timeout(Timer::Delivery)]]);
    let told = order.play.now;
    order.play.event(Event::Disconnect);
    let actions = order.play.event(Event::Timeout(Timer::Delivery));
    assert!(actions.contains(&TOLD), "{actions:?}");
    assert_eq!(order.play.now, told + DELIVERY);
}

#[test]
fn a_full_queue_does_not_hide_an_end_that_was_asked_for() {
    after(&[READY, &[Event::QueueFull, Event::Shutdown, Event::Exited, Event::StdoutEnded, STDERR]])
        .leads_to(Life::Closed)
        .does(&[Action::ResumeReading, Action::ReleaseWaiters]);
}

#[test]
fn a_full_queue_does_not_keep_a_connect_from_running_out_of_time() {
    let timeout = Action::FailConnect(Some(Cause::ConnectTimeout));
    let late =
        [Event::QueueFull, Event::Timeout(Timer::Connect), Event::Exited, Event::Timeout(Timer::Silence)];
    after(&[OPENED, &late]).leads_to(Life::Closed).does(&[Action::Kill, Action::ResumeReading, timeout]);
    let gone =
        [Event::QueueFull, Event::Exited, Event::Timeout(Timer::Connect), Event::Timeout(Timer::Silence)];
    after(&[OPENED, &gone])
        .leads_to(Life::Closed)
        .does(&[Action::ResumeReading, timeout])
        .does_not(&[Action::Kill]);
}

#[test]
fn output_that_nobody_reads_is_kept_as_long_as_nobody_asks_for_the_end() {
    let order = after(&[READY, &[Event::QueueFull, Event::Exited]]).leads_to(Life::Gone);
    assert_eq!(order.play.machine.next_timeout(), None);
}

#[test]
fn the_words_of_a_transport_that_ends_before_it_is_ready_are_awaited() {
    after(&[&[CONNECT, Event::Launched, Event::StdoutEnded, STDERR, Event::Exited]])
        .leads_to(Life::Closed)
        .does(&[Action::FailConnect(Some(Cause::Ended))])
        .does_not(&[Action::EndInput]);
}

#[test]
fn the_end_says_why_a_write_failed_and_where_none_comes_the_write_does() {
    after(&[OPENED, &[Event::WriteFailed, Event::StdoutEnded, STDERR, Event::Exited]])
        .leads_to(Life::Closed)
        .does(&[Action::FailConnect(Some(Cause::Ended))])
        .does_not(&[Action::EndInput]);
    let order = after(&[OPENED, &[Event::WriteFailed, STEP]]).leads_to(Life::Draining);
    assert_eq!(order.play.machine.cause(), Some(Cause::Write));
}

#[test]
fn an_answer_counts_whatever_is_known_of_the_exit_by_then() {
    for order in
        [[Event::Answered, Event::Begun, Event::Exited], [Event::Exited, Event::Answered, Event::Begun]]
    {
        after(&[OPENED, &order]).leads_to(Life::Gone).does(&[Action::CompleteConnect]);
    }
    after(&[OPENED, &[Event::Answered, Event::Exited, Event::Begun, Event::StdoutEnded, STDERR]])
        .leads_to(Life::Closed)
        .does(&[Action::CompleteConnect, Action::QueueClosed(Some(Cause::Ended))]);
}

#[test]
fn a_first_prompt_that_cannot_be_written_fails_the_connect() {
    after(&[OPENED, &[Event::Answered, Event::WriteFailed, Event::StdoutEnded, STDERR, Event::Exited]])
        .leads_to(Life::Closed)
        .does(&[Action::SendFirstPrompt, Action::FailConnect(Some(Cause::Ended))])
        .does_not(&[Action::CompleteConnect]);
}

#[test]
fn a_client_that_never_connected_ends_without_a_closing_event_and_connects_no_more() {
    let order = after(&[&[Event::Disconnect, CONNECT]]);
    order
        .leads_to(Life::Closed)
        .does(&[TOLD, Action::ReleaseWaiters])
        .does_not(&[Action::QueueClosed(None), Action::Launch { older: false }]);
}

#[test]
fn a_defect_before_the_connect_ends_the_session_at_once() {
    after(&[&[Event::Defect, CONNECT]])
        .leads_to(Life::Closed)
        .does(&[Action::QueueClosed(Some(Cause::Defect)), Action::ReleaseWaiters])
        .does_not(&[Action::Launch { older: false }]);
}

#[test]
fn leaving_in_a_turn_interrupts_it_before_the_input_ends() {
    let order = after(&[READY, &[Event::Turn(true), Event::Disconnect]]).leads_to(Life::Draining);
    let ends = order.actions.iter().skip_while(|action| **action != Action::CloseRequests);
    let ends: Vec<Action> = ends.copied().collect();
    assert_eq!(ends, [Action::CloseRequests, Action::Interrupt, Action::EndInput]);
    after(&[READY, &[Event::Turn(true), Event::Turn(false), Event::Disconnect]])
        .does(&[Action::EndInput])
        .does_not(&[Action::Interrupt]);
}

#[test]
fn a_turn_that_cannot_be_interrupted_any_more_has_less_time() {
    let order = after(&[READY, &[Event::EndInput, Event::Turn(true), Event::Disconnect]]);
    assert_eq!(order.play.machine.next_timeout(), Some((HURRY, Timer::Step)));
    order.leads_to(Life::Draining).does(&[Action::EndInput]).does_not(&[Action::Interrupt]);
}

#[test]
fn a_cli_that_is_deaf_is_killed_in_the_end() {
    after(&[READY, &[Event::Turn(true), Event::Disconnect, STEP, STEP, Event::Exited]])
        .leads_to(Life::Flushing)
        .does(&[Action::Interrupt, Action::EndInput, Action::Terminate, Action::Kill])
        .does_not(&[TOLD]);
}

#[test]
fn a_cli_that_closes_its_output_and_lives_on_is_ended() {
    let order = after(&[READY, &[Event::StdoutEnded, STEP, STEP]]).leads_to(Life::Terminating);
    assert_eq!(order.play.machine.cause(), Some(Cause::Abandoned));
    order.does(&[Action::EndInput, Action::Terminate]);
}

#[test]
fn a_child_that_cannot_be_ended_is_named_to_whoever_disconnects() {
    let left = Action::CompleteDisconnects { of: Completions::Awaited, left: Some(Cause::LivesOn) };
    let closed = Action::QueueClosed(Some(Cause::LivesOn));
    after(&[READY, &[Event::Disconnect, STEP, STEP, STEP]]).leads_to(Life::Lost).does(&[left, closed]);
    after(&[READY, &[Event::Disconnect, STEP, STEP, Event::Unended]])
        .leads_to(Life::Lost)
        .does(&[left, closed]);
    after(&[READY, &[Event::Disconnect, STEP, STEP, Event::Unended, Event::Exited, Event::Disconnect]])
        .leads_to(Life::Closed)
        .does(&[left, TOLD]);
}

#[test]
fn a_turn_that_ends_in_the_last_instant_is_not_overdue() {
    for kill in [false, true] {
        after(&[READY, &[Event::Turn(true), Event::Turn(false), Event::Overdue { kill }]])
            .leads_to(Life::Ready);
        let order = after(&[READY, &[Event::Turn(true), Event::Overdue { kill }]]);
        assert_eq!(order.play.machine.cause(), Some(Cause::TurnOverdue));
        order.leads_to(if kill { Life::Killing } else { Life::Draining });
    }
}

#[test]
fn disconnects_are_not_told_before_the_connect() {
    let order = after(&[OPENED, &[Event::Disconnect, Event::Exited, Event::Timeout(Timer::Delivery)]]);
    let at = |wanted: Action| order.actions.iter().position(|action| *action == wanted).unwrap();
    assert!(at(Action::FailConnect(None)) < at(TOLD));
}

#[test]
fn a_defect_while_the_session_ends_is_told_by_the_closing_event() {
    after(&[READY, &[Event::Disconnect, Event::Defect, Event::Exited, Event::StdoutEnded, STDERR]])
        .leads_to(Life::Closed)
        .does(&[Action::QueueClosed(Some(Cause::Defect))]);
}

const PARKED: &[Event] = &[PARK, Event::Launched, Event::Opened, Event::Answered];

#[test]
fn a_spare_that_is_claimed_in_time_talks_and_one_that_is_not_waits() {
    after(&[PARKED])
        .leads_to(Life::Parked)
        .does(&[Action::CompleteConnect])
        .does_not(&[Action::SendFirstPrompt]);
    after(&[PARKED, &[CLAIM, Event::Claimed, Event::Begun]]).leads_to(Life::Ready).does(&[
        Action::SendClaim,
        Action::SendFirstPrompt,
        Action::CompleteClaim,
    ]);
    after(&[&PARKED[..2], &[CLAIM], &PARKED[2..]]).leads_to(Life::Claiming).does(&[Action::SendClaim]);
}

#[test]
fn a_spare_that_is_dying_is_not_claimed_and_whoever_asks_is_told_why() {
    let gone = [Event::Exited, CLAIM, Event::StdoutEnded, STDERR];
    after(&[PARKED, &gone])
        .leads_to(Life::Closed)
        .does(&[Action::FailClaim(Some(Cause::Ended)), Action::QueueClosed(Some(Cause::Ended))])
        .does_not(&[Action::SendClaim]);
}

/// The limit that runs out after `pauses`, each a moment at which hooks begin or end.
fn runs_out(pauses: &[(Millis, bool)]) -> Millis {
    let mut play = after(&[OPENED]).play;
    for (at, run) in pauses {
        play.now = *at;
        play.event(Event::StartHooks(*run));
    }
    while play.machine.life() == Life::Initializing {
        play.event(Event::Timeout(Timer::Connect));
    }
    play.now
}

#[test]
fn the_hooks_of_a_start_do_not_count_against_its_limit_but_for_those_that_never_end() {
    assert_eq!(runs_out(&[]), LIMIT);
    assert_eq!(runs_out(&[(1_000, true), (301_000, false)]), LIMIT + 300_000);
    assert_eq!(runs_out(&[(0, true), (5_000, false), (6_000, true), (9_000, false)]), LIMIT + 8_000);
    assert_eq!(runs_out(&[(1_000, true)]), LIMIT + HOOKS_TAKE);
    assert_eq!(runs_out(&[(0, true), (400_000, false), (400_000, true)]), LIMIT + HOOKS_TAKE);
}
