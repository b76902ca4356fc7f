//! The state machine: the effect of each event.

use super::action::Action;
use super::event::{Cause, Event, Timer};
use super::states::{Config, DELIVERY, HOOKS_TAKE, Life, Millis};

/// The progress of a pending connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Connect {
    /// No connect is pending.
    Settled,
    Unanswered,
    /// The first prompt is being written.
    Answered,
}

/// How far a spare has come on its way to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Claim {
    /// The claim has completed, or this is no spare.
    Settled,
    /// A spare that nobody has claimed.
    Awaited,
    /// Claimed before it was parked.
    Asked,
    Sent,
    /// The first prompt is being written.
    Accepted,
}

/// The state of one session, as a value: it can be copied, stepped and compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    pub(super) config: Config,
    pub(super) life: Life,
    /// This is the second launch.
    pub(super) again: bool,
    pub(super) connect: Connect,
    pub(super) claim: Claim,
    /// The number of pending disconnects.
    pub(super) disconnects: u32,
    pub(super) turn: bool,
    pub(super) input_ended: bool,
    /// The stream has not ended yet.
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    pub(super) unknown_flag: bool,
    /// Reading is suspended: the queue is full.
    pub(super) held: bool,
    pub(super) files: bool,
    /// The reason of a failure while connecting; the end of the process may yield a better one.
    pub(super) reason: Option<Cause>,
    pub(super) cause: Option<Cause>,
    /// What could not be ended.
    pub(super) left: Option<Cause>,
    pub(super) timers: [Option<Millis>; 4],
    /// While the hooks of the start run: what is left of the limit of the connect. Its timer then limits the hooks.
    pub(super) paused: Option<Millis>,
    pub(super) hooks_left: Millis,
}

const TIMERS: [Timer; 4] = [Timer::Connect, Timer::Step, Timer::Silence, Timer::Delivery];

impl Machine {
    pub fn new(config: Config) -> Machine {
        Machine {
            config,
            life: Life::Created,
            again: false,
            connect: Connect::Settled,
            claim: Claim::Settled,
            disconnects: 0,
            turn: false,
            input_ended: false,
            stdout: false,
            stderr: false,
            unknown_flag: false,
            held: false,
            files: false,
            reason: None,
            cause: None,
            left: None,
            timers: [None; 4],
            paused: None,
            hooks_left: HOOKS_TAKE,
        }
    }

    pub fn life(&self) -> Life {
        self.life
    }

    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// Everybody is being notified, or was.
    pub fn is_over(&self) -> bool {
        self.life >= Life::Lost
    }

    pub fn is_closing(&self) -> bool {
        self.life.is_between(Life::Cancelling, Life::Flushing)
    }

    /// A connect or a claim is pending.
    pub(super) fn is_connecting(&self) -> bool {
        self.connect != Connect::Settled || !matches!(self.claim, Claim::Settled | Claim::Awaited)
    }

    /// A spare that nobody has claimed.
    pub fn is_spare(&self) -> bool {
        self.claim == Claim::Awaited
    }

    /// It was started as a spare, and is not a session yet.
    pub fn begins_as_spare(&self) -> bool {
        self.claim != Claim::Settled
    }

    /// The host has a session: it was connected, and claimed if it is a spare.
    pub(super) fn is_in_use(&self) -> bool {
        !self.is_connecting() && !self.is_spare()
    }

    /// The session was launched a second time.
    pub fn is_second(&self) -> bool {
        self.again
    }

    pub fn input_ended(&self) -> bool {
        self.input_ended
    }

    /// The driver must feed [`Event::Timeout`] at the earliest of these.
    pub fn next_timeout(&self) -> Option<(Millis, Timer)> {
        TIMERS.into_iter().filter_map(|timer| Some((self.timers[timer as usize]?, timer))).min()
    }

    /// Processes an event. The resulting actions are appended to `out`.
    pub fn on(&mut self, event: Event, now: Millis, out: &mut Vec<Action>) {
        match event {
            Event::Connect { limit } => self.connect(Claim::Settled, limit, now, out),
            Event::Park { limit } => self.connect(Claim::Awaited, limit, now, out),
            Event::Claim { limit } => self.claim(limit, now, out),
            Event::Disconnect => self.disconnect(now, out),
            Event::Free if self.life == Life::Created => self.end_unconnected(out),
            Event::Defect if self.life == Life::Created => {
                self.cause = Some(Cause::Defect);
                self.finish(Life::Closed, out);
            }
            Event::Shutdown if self.life == Life::Created => {}
            Event::Free | Event::Shutdown => self.close(None, now, out),
            Event::Defect => {
                if self.is_closing() {
                    self.cause.get_or_insert(Cause::Defect);
                }
                self.close(Some(Cause::Defect), now, out);
            }
            Event::EndInput => self.end_input(out),
            Event::Launched | Event::LaunchFailed | Event::Opened | Event::OpenFailed => {
                self.on_start(event, now, out)
            }
            Event::WriteFailed => self.write_failed(now),
            Event::Output
            | Event::StdoutEnded
            | Event::StderrEnded { .. }
            | Event::Exited
            | Event::Unended => self.on_process(event, now, out),
            Event::Answered | Event::Begun | Event::Refused if self.connect != Connect::Settled => {
                self.on_answer(event, now, out);
            }
            Event::Claimed | Event::Begun | Event::Refused => self.on_claim(event, now, out),
            Event::Answered => {}
            Event::StartHooks(true) => self.pause(now),
            Event::StartHooks(false) => self.count_again(now),
            Event::Turn(runs) => self.turn = runs,
            Event::Overdue { kill } => self.overdue(kill, now, out),
            Event::Timeout(timer) => {
                // A timer that was cleared or reset meanwhile is stale.
                if self.timers[timer as usize].take_if(|at| *at <= now).is_some() {
                    self.on_timeout(timer, now, out);
                }
            }
            Event::QueueFull if self.life.is_served() && self.life != Life::Flushing && !self.held => {
                self.held = true;
                self.clear(Timer::Silence);
                out.push(Action::HoldReading);
            }
            Event::QueueFull => {}
            Event::QueueDrained => self.resume(now, out),
        }
    }

    fn connect(&mut self, claim: Claim, limit: Millis, now: Millis, out: &mut Vec<Action>) {
        if self.life == Life::Created {
            (self.connect, self.claim) = (Connect::Unanswered, claim);
            self.set(Timer::Connect, now.saturating_add(limit));
            self.launch(Life::Launching, out);
        }
    }

    fn claim(&mut self, limit: Millis, now: Millis, out: &mut Vec<Action>) {
        if !self.is_spare() || self.is_closing() || self.is_over() {
            return;
        }
        self.claim = Claim::Asked;
        self.paused = None;
        self.set(Timer::Connect, now.saturating_add(limit));
        if self.life == Life::Parked {
            self.send_claim(out);
        }
    }

    fn disconnect(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.disconnects += 1;
        match self.life {
            Life::Created => self.end_unconnected(out),
            Life::Lost | Life::Closed => self.complete_disconnects(out),
            // Earlier disconnects completed when the process was gone; so does this one, after its delay.
            Life::Flushing if self.timers[Timer::Delivery as usize].is_none() => {
                self.set(Timer::Delivery, now.saturating_add(DELIVERY));
            }
            _ => self.close(None, now, out),
        }
    }

    /// There was no session, so only the completion reports its end.
    fn end_unconnected(&mut self, out: &mut Vec<Action>) {
        self.life = Life::Closed;
        self.complete_disconnects(out);
        out.push(Action::ReleaseWaiters);
    }

    fn end_input(&mut self, out: &mut Vec<Action>) {
        let is_connected = self.life.is_between(Life::Ready, Life::Gone) && self.is_in_use();
        if is_connected && !self.input_ended {
            self.input_ended = true;
            if self.life == Life::Ready {
                self.life = Life::InputEnded;
            }
            out.push(Action::EndInput);
        }
    }

    fn on_start(&mut self, event: Event, now: Millis, out: &mut Vec<Action>) {
        match (self.life, event) {
            (Life::Launching | Life::Relaunching, Event::Launched) => {
                self.served(Life::Opening);
                out.push(Action::Open);
            }
            (Life::Cancelling, Event::Launched) => {
                self.served(Life::Killing);
                self.kill(now, out);
            }
            (Life::Lost, Event::Launched) => out.push(Action::Kill),
            (Life::Launching | Life::Relaunching | Life::Cancelling, Event::LaunchFailed) => {
                if !self.is_closing() {
                    self.cause = Some(Cause::Launch);
                }
                self.finish(Life::Closed, out);
            }
            (Life::Lost, Event::LaunchFailed) => self.found_again(out),
            (Life::Opening, Event::Opened) => {
                self.life = Life::Initializing;
                out.push(Action::SendInitialize);
            }
            (Life::Opening, Event::OpenFailed) => {
                self.begin_closing(Some(Cause::Open), out);
                self.terminate(now, out);
            }
            _ => {}
        }
    }

    fn write_failed(&mut self, now: Millis) {
        match self.life {
            Life::Opening | Life::Initializing | Life::Claiming => self.fail(Cause::Write, now),
            // The process is ending, or has ended: its exit will say why.
            _ => {}
        }
    }

    fn on_process(&mut self, event: Event, now: Millis, out: &mut Vec<Action>) {
        match (self.life, event) {
            (Life::Gone | Life::Flushing, Event::Output) if !self.held => self.hear(now),
            (Life::Opening, Event::StdoutEnded) => {
                self.stdout = false;
                self.fail(Cause::EndedEarly, now);
            }
            (life, Event::StdoutEnded)
                if life == Life::Initializing || life.is_between(Life::Parked, Life::InputEnded) =>
            {
                (self.life, self.stdout) = (Life::Muted, false);
                self.set(Timer::Step, now.saturating_add(self.config.exit));
            }
            (life, Event::StdoutEnded) if life.is_served() => {
                self.stdout = false;
                self.settle(now, out);
            }
            (life, Event::StderrEnded { unknown_flag }) if life.is_served() => {
                (self.stderr, self.unknown_flag) = (false, unknown_flag);
                self.settle(now, out);
            }
            (life, Event::Exited) if life.is_between(Life::Opening, Life::Muted) => {
                self.life = Life::Gone;
                self.clear(Timer::Step);
                if !self.held {
                    self.hear(now);
                }
                self.settle(now, out);
            }
            (life, Event::Exited) if life.is_between(Life::Draining, Life::Killing) => {
                self.flush(now, out);
                self.settle(now, out);
            }
            (Life::Lost, Event::Exited) => self.found_again(out),
            (life, Event::Unended) if life.is_between(Life::Draining, Life::Killing) => {
                self.lose(Cause::LivesOn, out);
            }
            _ => {}
        }
    }

    /// An answer counts even if the end of the process is already known.
    fn on_answer(&mut self, event: Event, now: Millis, out: &mut Vec<Action>) {
        let is_waiting = matches!(self.life, Life::Initializing | Life::Muted | Life::Gone);
        match (event, self.connect) {
            (Event::Answered, Connect::Unanswered) if is_waiting && self.cause.is_none() => {
                self.remove_files(out);
                match self.claim {
                    Claim::Settled => {
                        self.connect = Connect::Answered;
                        out.push(Action::SendFirstPrompt);
                    }
                    _ => self.park(out),
                }
            }
            (Event::Begun, Connect::Answered) if is_waiting => {
                if self.life == Life::Initializing {
                    self.life = Life::Ready;
                }
                self.connect = Connect::Settled;
                self.clear(Timer::Connect);
                out.push(Action::CompleteConnect);
            }
            (Event::Refused, Connect::Unanswered) if is_waiting && self.cause.is_none() => {
                if self.life == Life::Initializing {
                    self.begin_closing(Some(Cause::Refused), out);
                    self.drain(now, out);
                } else {
                    self.cause = Some(Cause::Refused);
                }
            }
            _ => {}
        }
    }

    /// An answer to the claim counts even if the end of the process is already known.
    fn on_claim(&mut self, event: Event, now: Millis, out: &mut Vec<Action>) {
        let is_waiting = matches!(self.life, Life::Claiming | Life::Muted | Life::Gone);
        match (event, self.claim) {
            (Event::Claimed, Claim::Sent) if is_waiting && self.cause.is_none() => {
                self.claim = Claim::Accepted;
                out.push(Action::SendFirstPrompt);
            }
            (Event::Begun, Claim::Accepted) if is_waiting => {
                if self.life == Life::Claiming {
                    self.life = Life::Ready;
                }
                self.claim = Claim::Settled;
                self.clear(Timer::Connect);
                out.push(Action::CompleteClaim);
            }
            (Event::Refused, Claim::Sent) if is_waiting && self.cause.is_none() => {
                if self.life == Life::Claiming {
                    self.begin_closing(Some(Cause::Refused), out);
                    self.drain(now, out);
                } else {
                    self.cause = Some(Cause::Refused);
                }
            }
            _ => {}
        }
    }

    fn overdue(&mut self, kill: bool, now: Millis, out: &mut Vec<Action>) {
        if !self.life.is_between(Life::Ready, Life::Gone) || !self.is_in_use() || !self.turn {
            return;
        }
        if kill && self.life != Life::Gone {
            self.begin_closing(Some(Cause::TurnOverdue), out);
            self.kill(now, out);
        } else {
            self.close(Some(Cause::TurnOverdue), now, out);
        }
    }

    fn on_timeout(&mut self, timer: Timer, now: Millis, out: &mut Vec<Action>) {
        match (timer, self.life) {
            (Timer::Connect, _) if self.paused.is_some_and(|left| left > 0) => self.go_on_counting(now),
            (Timer::Connect, Life::Launching | Life::Relaunching | Life::Gone) => {
                self.close(Some(Cause::ConnectTimeout), now, out);
            }
            (
                Timer::Connect,
                Life::Opening | Life::Initializing | Life::Failing | Life::Claiming | Life::Muted,
            ) => {
                self.begin_closing(Some(Cause::ConnectTimeout), out);
                self.kill(now, out);
            }
            (Timer::Step, Life::Failing) => self.close(self.reason, now, out),
            (Timer::Step, Life::Muted) => self.close(Some(Cause::Abandoned), now, out),
            (Timer::Step, Life::Draining) => self.terminate(now, out),
            (Timer::Step, Life::Terminating) => self.kill(now, out),
            (Timer::Step, Life::Killing) => self.lose(Cause::LivesOn, out),
            (Timer::Step, Life::Cancelling) => self.lose(Cause::LaunchHangs, out),
            (Timer::Silence, Life::Gone | Life::Flushing) => {
                (self.stdout, self.stderr) = (false, false);
                out.push(Action::StopReading);
                self.settle(now, out);
            }
            (Timer::Delivery, Life::Flushing) => {
                self.fail_connect(out);
                self.complete_disconnects(out);
            }
            _ => {}
        }
    }
}
