//! The steps shared by several events.

use super::action::{Action, Completions};
use super::event::{Cause, Timer};
use super::machine::{Claim, Connect, Machine};
use super::states::{DELIVERY, HURRY, KILL_TAKES, Life, Millis, REASON_TAKES, SILENCE};

impl Machine {
    pub(super) fn set(&mut self, timer: Timer, at: Millis) {
        self.timers[timer as usize] = Some(at);
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.timers[timer as usize] = None;
        if timer == Timer::Connect {
            self.paused = None;
        }
    }

    /// The hooks of the start run: the limit of the connect does not.
    pub(super) fn pause(&mut self, now: Millis) {
        let is_starting = self.connect == Connect::Unanswered && self.claim != Claim::Asked;
        let may_pause = is_starting && self.paused.is_none() && self.hooks_left > 0;
        let at = self.timers[Timer::Connect as usize].filter(|_| may_pause);
        if let Some(at) = at {
            self.paused = Some(at.saturating_sub(now));
            self.set(Timer::Connect, now.saturating_add(self.hooks_left));
        }
    }

    pub(super) fn count_again(&mut self, now: Millis) {
        if let (Some(at), Some(_)) = (self.timers[Timer::Connect as usize], self.paused) {
            self.hooks_left = at.saturating_sub(now);
            self.go_on_counting(now);
        }
    }

    /// The hooks have ended, or run for too long.
    pub(super) fn go_on_counting(&mut self, now: Millis) {
        if self.timers[Timer::Connect as usize].is_none() {
            self.hooks_left = 0;
        }
        if let Some(left) = self.paused.take() {
            self.set(Timer::Connect, now.saturating_add(left));
        }
    }

    pub(super) fn launch(&mut self, life: Life, out: &mut Vec<Action>) {
        (self.life, self.files, self.unknown_flag) = (life, true, false);
        out.push(Action::Launch { older: self.again });
    }

    pub(super) fn served(&mut self, life: Life) {
        (self.life, self.stdout, self.stderr) = (life, true, true);
    }

    /// A spare has answered. One that is dying cannot be claimed any more: its end fails the claim.
    pub(super) fn park(&mut self, out: &mut Vec<Action>) {
        self.connect = Connect::Settled;
        out.push(Action::CompleteConnect);
        if self.claim == Claim::Awaited {
            self.clear(Timer::Connect);
        }
        if self.life == Life::Initializing {
            self.life = Life::Parked;
            if self.claim == Claim::Asked {
                self.send_claim(out);
            }
        }
    }

    pub(super) fn send_claim(&mut self, out: &mut Vec<Action>) {
        (self.life, self.claim) = (Life::Claiming, Claim::Sent);
        out.push(Action::SendClaim);
    }

    pub(super) fn fail(&mut self, reason: Cause, now: Millis) {
        (self.life, self.reason) = (Life::Failing, Some(reason));
        self.set(Timer::Step, now.saturating_add(REASON_TAKES));
    }

    /// The common part of every transition into closing.
    pub(super) fn begin_closing(&mut self, cause: Option<Cause>, out: &mut Vec<Action>) {
        if self.cause.is_none() {
            self.cause = cause;
        }
        self.clear(Timer::Connect);
        out.push(Action::CloseRequests);
    }

    pub(super) fn close(&mut self, cause: Option<Cause>, now: Millis, out: &mut Vec<Action>) {
        if self.is_closing() || self.is_over() {
            return;
        }
        self.begin_closing(cause, out);
        match self.life {
            Life::Launching | Life::Relaunching => {
                self.life = Life::Cancelling;
                self.set(Timer::Step, now.saturating_add(KILL_TAKES));
                out.push(Action::AbandonLaunch);
            }
            Life::Opening => self.terminate(now, out),
            Life::Gone => self.flush(now, out),
            _ => self.drain(now, out),
        }
    }

    /// At the end of its input a CLI finishes its current turn, so it is interrupted; if that can no longer be sent, it gets
    /// less time.
    pub(super) fn drain(&mut self, now: Millis, out: &mut Vec<Action>) {
        let in_turn = self.turn && self.is_in_use();
        let grace = match in_turn && self.input_ended {
            true => self.config.exit.min(HURRY),
            false => self.config.exit,
        };
        if in_turn && !self.input_ended {
            out.push(Action::Interrupt);
        }
        self.life = Life::Draining;
        self.set(Timer::Step, now.saturating_add(grace));
        if !std::mem::replace(&mut self.input_ended, true) {
            out.push(Action::EndInput);
        }
    }

    pub(super) fn terminate(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.life = Life::Terminating;
        self.input_ended = true;
        self.set(Timer::Step, now.saturating_add(self.config.terminate));
        out.push(Action::Terminate);
    }

    pub(super) fn kill(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.life = Life::Killing;
        self.input_ended = true;
        self.set(Timer::Step, now.saturating_add(KILL_TAKES));
        out.push(Action::Kill);
    }

    /// The process is gone and the end was requested: the rest is read even beyond the queue's bound.
    pub(super) fn flush(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.life = Life::Flushing;
        self.clear(Timer::Step);
        self.set(Timer::Delivery, now.saturating_add(DELIVERY));
        self.hear(now);
        self.resume(now, out);
    }

    /// After the exit something arrived, or may arrive now.
    pub(super) fn hear(&mut self, now: Millis) {
        self.set(Timer::Silence, now.saturating_add(SILENCE));
    }

    pub(super) fn resume(&mut self, now: Millis, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.held) {
            out.push(Action::ResumeReading);
            if matches!(self.life, Life::Gone | Life::Flushing) {
                self.hear(now);
            }
        }
    }

    /// After the exit and the end of both streams the session is over, or the CLI is launched the older way.
    pub(super) fn settle(&mut self, now: Millis, out: &mut Vec<Action>) {
        if self.stdout || self.stderr || !matches!(self.life, Life::Gone | Life::Flushing) {
            return;
        }
        let could_begin = self.connect == Connect::Unanswered && self.cause.is_none();
        let other_way = self.unknown_flag && self.config.older_way && !self.again;
        if self.life == Life::Gone && could_begin && other_way {
            self.again = true;
            self.reason = None;
            self.count_again(now);
            // Unread output of the first process must not hold up that of the second.
            self.resume(now, out);
            self.clear(Timer::Silence);
            self.remove_files(out);
            out.extend([Action::WarnStartedAgain, Action::FailOpenRequests]);
            return self.launch(Life::Relaunching, out);
        }
        self.finish(Life::Closed, out);
    }

    pub(super) fn remove_files(&mut self, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.files) {
            out.push(Action::RemoveFiles);
        }
    }

    pub(super) fn fail_connect(&mut self, out: &mut Vec<Action>) {
        if std::mem::replace(&mut self.connect, Connect::Settled) != Connect::Settled {
            out.push(Action::FailConnect(self.cause));
        }
        if !matches!(self.claim, Claim::Settled | Claim::Awaited) {
            self.claim = Claim::Settled;
            out.push(Action::FailClaim(self.cause));
        }
    }

    pub(super) fn complete_disconnects(&mut self, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.disconnects) > 0 {
            let left = self.left;
            let of = |of| Action::CompleteDisconnects { of, left };
            out.extend([Completions::Queued, Completions::Awaited].map(of));
        }
    }

    pub(super) fn lose(&mut self, left: Cause, out: &mut Vec<Action>) {
        self.left = Some(left);
        self.cause.get_or_insert(left);
        self.finish(Life::Lost, out);
    }

    /// In [`Life::Lost`] the process has ended after all.
    pub(super) fn found_again(&mut self, out: &mut Vec<Action>) {
        (self.life, self.left) = (Life::Closed, None);
        self.remove_files(out);
    }

    /// The last step, whatever led here: no caller is left waiting.
    pub(super) fn finish(&mut self, life: Life, out: &mut Vec<Action>) {
        if !self.is_closing() {
            self.cause.get_or_insert(Cause::Ended);
            out.push(Action::CloseRequests);
        }
        (self.life, self.timers, self.held, self.input_ended) = (life, [None; 4], false, true);
        self.paused = None;
        match life {
            Life::Closed => self.remove_files(out),
            _ => out.push(Action::StopReading),
        }
        self.fail_connect(out);
        let some = std::mem::take(&mut self.disconnects) > 0;
        let of = |of| Action::CompleteDisconnects { of, left: self.left };
        out.extend(some.then(|| of(Completions::Queued)));
        out.push(Action::QueueClosed(self.cause));
        out.extend(some.then(|| of(Completions::Awaited)));
        out.push(Action::ReleaseWaiters);
    }
}
