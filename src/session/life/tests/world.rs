//! What a driver would do with the actions, and what must hold of them. The numbers are those of the list in `life/mod.rs`.

use super::super::action::{Action, Completions};
use super::super::event::Event;
use super::super::machine::Machine;
use super::super::states::Life;
use super::Play;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count {
    pub accepted: u8,
    pub completed: u8,
}

/// Everything outside the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    launching: bool,
    child: bool,
    killed: bool,
    stdout: bool,
    stderr: bool,
    input: bool,
    files: bool,
    held: bool,
    turn: bool,
    /// The end was asked for.
    asked: bool,
    /// The first prompt is being written.
    begins: bool,
    prompted: bool,
    /// It was started as a spare, and its claim has not been accepted.
    spare: bool,
    claim_sent: bool,
    pub launches: u8,
    pub connects: Count,
    pub claims: Count,
    pub disconnects: Count,
    pub closed: u8,
    pub released: u8,
}

impl World {
    /// Whether the outside can bring this now. Time is always possible.
    pub fn can(&self, event: Event, machine: &Machine) -> bool {
        match event {
            Event::Launched | Event::LaunchFailed => self.launching,
            Event::Opened | Event::OpenFailed => machine.life() == Life::Opening || self.child && !self.asked,
            Event::WriteFailed | Event::Answered | Event::Refused | Event::Overdue { .. } => {
                self.launches > 0
            }
            Event::Begun => self.begins,
            Event::Claimed => self.claim_sent,
            Event::StartHooks(_) => machine.life() == Life::Initializing,
            Event::Output | Event::StdoutEnded => self.stdout,
            Event::StderrEnded { .. } => self.stderr,
            Event::Exited => self.child,
            Event::Unended => self.child && self.killed,
            Event::Turn(runs) => runs != self.turn && self.launches > 0,
            Event::Disconnect => self.disconnects.accepted < 2,
            _ => true,
        }
    }

    fn happen(&mut self, event: Event, machine: &Machine) {
        match event {
            Event::Connect { .. } => self.connects.accepted += u8::from(machine.check_event(event).is_ok()),
            Event::Park { .. } if machine.check_event(event).is_ok() => {
                self.connects.accepted += 1;
                self.spare = true;
            }
            Event::Claim { .. } => self.claims.accepted += u8::from(machine.check_event(event).is_ok()),
            Event::Claimed => (self.spare, self.claim_sent) = (false, false),
            Event::Disconnect => self.disconnects.accepted += 1,
            Event::Launched => {
                (self.launching, self.child, self.killed) = (false, true, false);
                (self.stdout, self.stderr, self.input) = (true, true, true);
            }
            Event::LaunchFailed => self.launching = false,
            Event::Exited => self.child = false,
            Event::StdoutEnded => self.stdout = false,
            Event::StderrEnded { .. } => self.stderr = false,
            Event::Turn(runs) => self.turn = runs,
            Event::Begun => self.begins = false,
            // What could not be written did not begin.
            Event::WriteFailed => self.begins = false,
            _ => {}
        }
        match event {
            Event::Disconnect | Event::Free | Event::Defect => self.asked = true,
            Event::Shutdown => self.asked |= self.connects.accepted > 0,
            _ => {}
        }
    }

    /// Carries one action out, and looks whether it may be.
    fn perform(&mut self, action: Action, machine: &Machine) {
        let lost = machine.life() == Life::Lost;
        let told = self.closed > 0;
        match action {
            Action::Launch { older } => {
                assert!(!self.launching && !self.child && !told && !self.asked, "5: a child nobody wants");
                assert_eq!(older, self.launches == 1, "5: at most two launches");
                assert!(self.connects.completed == 0 && !self.prompted, "5: nobody waits for it");
                assert!(!self.files, "10: those of the first launch");
                (self.launching, self.files) = (true, true);
                self.launches += 1;
            }
            Action::SendInitialize => assert!(!told && !self.asked, "5"),
            Action::SendClaim => {
                assert!(!told && !self.asked, "5");
                assert!(!std::mem::replace(&mut self.claim_sent, true), "14: claimed twice");
                assert_eq!(
                    (self.claims.accepted, self.claims.completed),
                    (1, 0),
                    "14: nobody has claimed it"
                );
                assert_eq!(self.connects.completed, 1, "2: a claim before it is parked");
            }
            Action::SendFirstPrompt => {
                assert!(!self.spare, "14: a prompt without a claim");
                assert!(!told && !self.asked && !self.prompted, "5: once, and while it is wanted");
                (self.begins, self.prompted) = (true, true);
            }
            Action::Interrupt => assert!(self.input && self.turn && !told, "9"),
            Action::EndInput => assert!(std::mem::replace(&mut self.input, false), "the input ends once"),
            Action::Terminate => {
                assert!(!told);
                self.input = false;
            }
            Action::Kill => (self.killed, self.input) = (true, false),
            Action::HoldReading => assert!(!std::mem::replace(&mut self.held, true), "8"),
            Action::ResumeReading => assert!(std::mem::replace(&mut self.held, false), "8"),
            Action::StopReading => {
                assert!(!self.child || lost);
                (self.stdout, self.stderr, self.held) = (false, false, false);
            }
            Action::RemoveFiles => assert!(std::mem::replace(&mut self.files, false), "10"),
            Action::CompleteConnect | Action::FailConnect(_) => {
                assert!(!told, "2: the connect is told before the end");
                let has_reason = match action {
                    Action::FailConnect(cause) => cause.is_some() || self.asked,
                    _ => true,
                };
                assert!(has_reason, "a connect that fails for nothing");
                self.connects.completed += 1;
            }
            Action::CompleteClaim | Action::FailClaim(_) => {
                assert!(!told, "2: the claim is told before the end");
                assert_eq!(self.connects.accepted, self.connects.completed, "2: the connect is told first");
                assert!(
                    !matches!(action, Action::FailClaim(None)) || self.asked,
                    "a claim that fails for nothing"
                );
                self.claims.completed += 1;
            }
            Action::CompleteDisconnects { of, left } => {
                assert_eq!(self.connects.accepted, self.connects.completed, "2: the connect is told first");
                assert_eq!(self.claims.accepted, self.claims.completed, "2: the claim is told first");
                assert!(!self.child && !self.launching || lost, "4: told that the process is gone");
                assert_eq!(left.is_some(), lost, "who disconnects is told of what is left");
                if of == Completions::Awaited {
                    self.disconnects.completed = self.disconnects.accepted;
                }
            }
            Action::QueueClosed(cause) => {
                assert_eq!(self.connects.accepted, self.connects.completed, "2: the connect is told first");
                assert_eq!(self.claims.accepted, self.claims.completed, "2: the claim is told first");
                assert!(!self.child && !self.launching || lost, "4: a child behind the closing event");
                assert_eq!(cause, machine.cause(), "13");
                assert!(cause.is_some() || self.asked, "an end without a reason");
                self.closed += 1;
            }
            Action::ReleaseWaiters => (self.released, self.held) = (self.released + 1, false),
            Action::AbandonLaunch
            | Action::Open
            | Action::FailOpenRequests
            | Action::CloseRequests
            | Action::WarnStartedAgain => {}
        }
    }

    /// What holds between two events.
    fn check(&self, machine: &Machine) {
        assert!(self.connects.accepted <= 1 && self.connects.completed <= self.connects.accepted, "1");
        assert!(self.claims.accepted <= 1 && self.claims.completed <= self.claims.accepted, "1, 14");
        assert!(self.disconnects.completed <= self.disconnects.accepted, "1");
        assert!(self.closed <= 1 && self.released <= 1, "2, 3");
        if machine.is_over() {
            let waiting = |count: &Count| count.accepted > count.completed;
            let waits = [&self.connects, &self.claims, &self.disconnects].into_iter().any(waiting);
            assert!(!waits, "1: somebody waits for ever");
            assert!(self.released == 1 && machine.next_timeout().is_none());
            assert!(self.closed == 1 || self.launches == 0 && self.connects.accepted == 0, "3");
        }
        if machine.life() == Life::Closed {
            assert!(!self.child && !self.launching && !self.files, "4, 10: something is left");
        }
        if matches!(machine.life(), Life::Flushing | Life::Gone) {
            assert!(!self.child, "it is gone");
            assert!(machine.life() == Life::Gone || !self.held, "8: the rest is not read");
        }
        let runs = machine.next_timeout().is_some();
        assert!(runs || !machine.is_closing(), "6: closing without a bound");
        assert!(runs || !machine.is_connecting(), "6: connecting without a bound");
        assert!(!runs || machine.life() != Life::Parked, "14: a spare that is not needed yet ends by time");
    }
}

impl Play {
    /// One event, at the earliest moment at which it can happen, and all that follows.
    pub fn event(&mut self, event: Event) -> Vec<Action> {
        if let Event::Timeout(timer) = event
            && let Some(at) = self.machine.timers[timer as usize]
        {
            self.now = self.now.max(at);
        }
        let before = self.machine.clone();
        self.world.happen(event, &before);
        let mut actions = Vec::new();
        self.machine.on(event, self.now, &mut actions);
        self.check_order(&before, &actions);
        for action in &actions {
            self.world.perform(*action, &self.machine);
        }
        self.world.check(&self.machine);
        actions
    }

    fn check_order(&self, before: &Machine, actions: &[Action]) {
        let at = |wanted: fn(&Action) -> bool| actions.iter().position(wanted);
        let closed = at(|action| matches!(action, Action::QueueClosed(_)));
        let queued = at(
            |action| matches!(action, Action::CompleteDisconnects { of, .. } if *of == Completions::Queued),
        );
        let awaited = at(
            |action| matches!(action, Action::CompleteDisconnects { of, .. } if *of == Completions::Awaited),
        );
        if let Some(closed) = closed {
            assert!(queued.is_none_or(|queued| queued < closed), "2: {actions:?}");
            assert!(awaited.is_none_or(|awaited| awaited > closed), "2: {actions:?}");
            assert_eq!(actions.last(), Some(&Action::ReleaseWaiters), "2");
        }
        if before.is_over() {
            assert_eq!(before.cause(), self.machine.cause(), "13: the cause has been told");
            let late = |action: &Action| {
                before.life() == Life::Lost && matches!(action, Action::Kill | Action::RemoveFiles)
            };
            let call = |action: &Action| matches!(action, Action::CompleteDisconnects { .. });
            assert!(actions.iter().all(|action| late(action) || call(action)), "2, 12: {actions:?}");
        }
    }
}
