//! The steps that several events have in common.

use super::action::{Action, Completions};
use super::event::{Cause, Timer};
use super::machine::{Connect, Machine};
use super::states::{DELIVERY, HURRY, KILL_TAKES, Life, Millis, REASON_TAKES, SILENCE};

impl Machine {
    pub(super) fn set(&mut self, timer: Timer, at: Millis) {
        self.timers[timer as usize] = Some(at);
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.timers[timer as usize] = None;
    }

    pub(super) fn launch(&mut self, life: Life, out: &mut Vec<Action>) {
        (self.life, self.files, self.unknown_flag) = (life, true, false);
        out.push(Action::Launch { older: self.again });
    }

    pub(super) fn served(&mut self, life: Life) {
        (self.life, self.stdout, self.stderr) = (life, true, true);
    }

    pub(super) fn fail(&mut self, reason: Cause, now: Millis) {
        (self.life, self.reason) = (Life::Failing, Some(reason));
        self.set(Timer::Step, now.saturating_add(REASON_TAKES));
    }

    /// What every way into closing has in common.
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

    /// At the end of its input a CLI finishes what it is at, so it is told to leave it; where that cannot be said any more, it has
    /// less time.
    pub(super) fn drain(&mut self, now: Millis, out: &mut Vec<Action>) {
        let in_turn = self.turn && !self.is_connecting();
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

    /// The process is gone and the end was asked for: the rest is read whatever is queued.
    pub(super) fn flush(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.life = Life::Flushing;
        self.clear(Timer::Step);
        self.set(Timer::Delivery, now.saturating_add(DELIVERY));
        self.hear(now);
        self.resume(now, out);
    }

    /// Behind the exit something came, or may come now.
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

    /// Behind the exit and the ends of both streams the session is over, or the CLI is launched the older way.
    pub(super) fn settle(&mut self, now: Millis, out: &mut Vec<Action>) {
        if self.stdout || self.stderr || !matches!(self.life, Life::Gone | Life::Flushing) {
            return;
        }
        let could_begin = self.connect == Connect::Unanswered && self.cause.is_none();
        let other_way = self.unknown_flag && self.config.older_way && !self.again;
        if self.life == Life::Gone && could_begin && other_way {
            self.again = true;
            self.reason = None;
            // What the first process said does not hold up what the second one says.
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

    /// Behind [`Life::Lost`] it has ended after all.
    pub(super) fn found_again(&mut self, out: &mut Vec<Action>) {
        (self.life, self.left) = (Life::Closed, None);
        self.remove_files(out);
    }

    /// The last step, whatever led here: nobody is left waiting.
    pub(super) fn finish(&mut self, life: Life, out: &mut Vec<Action>) {
        if !self.is_closing() {
            self.cause.get_or_insert(Cause::Ended);
            out.push(Action::CloseRequests);
        }
        (self.life, self.timers, self.held, self.input_ended) = (life, [None; 4], false, true);
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
