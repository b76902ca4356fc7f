//! Which prompts does a result answer, and is the run over?
//!
//! The CLI also starts turns of its own (a finished background task, a stop hook), so "one prompt, one result" does not
//! hold. Prompts carry a uuid, results name the uuids that they answer, and a result that names none of ours is an
//! autonomous turn.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dispatch::Prompts;
use crate::protocol::kind::Kind;
use crate::protocol::members::{top_level_string, top_level_value};
use crate::protocol::result_frame::ResultFrame;
use crate::protocol::tolerant;

/// One turn that has ended.
#[derive(Debug, PartialEq)]
pub struct Turn {
    /// The uuids of the prompts that it answered, in the order in which they were sent; none for an autonomous turn.
    pub prompts: Prompts,
    /// As JSON.
    pub origin: Option<Vec<u8>>,
    /// By the host.
    pub interrupted: bool,
}

impl Turn {
    pub fn event(&self, number: u64) -> Value {
        json!({
            "event": "turn_ended",
            "turn": number,
            "prompts": self.prompts.iter().map(|uuid| &**uuid).collect::<Vec<_>>(),
            "autonomous": self.prompts.is_empty(),
            "origin": self.origin.as_deref().map(tolerant::line),
            "interrupted": self.interrupted,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Idle,
    Running,
    RequiresAction,
}

/// What to do with the background-wait timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerAction {
    /// (Re)start the timer that ends the run while background work goes on.
    Start,
    Stop,
    Keep,
}

/// The progress of a prompt, as reported by the CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Started,
    /// Merged into a running turn, whose result answers it.
    Done,
}

#[derive(Debug)]
struct Prompt {
    uuid: Arc<str>,
    stage: Stage,
    sent: Instant,
    /// A result that named no prompt came after it, and may have answered it too.
    maybe_answered: bool,
}

/// A running or owed turn.
#[derive(Debug)]
pub struct InProgress {
    /// Changes whenever a turn ends.
    number: u64,
    prompt: Option<Arc<str>>,
}

/// A turn whose end the CLI owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedTurn {
    /// Changes whenever a turn ends.
    pub number: u64,
    /// The prompts that wait for a result; none for a turn of the CLI's own.
    pub prompts: Prompts,
    /// When the oldest of them was sent.
    pub since: Option<Instant>,
}

/// How many uuids chosen by the host are remembered.
const HISTORY_LEN: usize = 4096;

/// How many tasks are tracked at once, and how long their ids may be. Others are not waited for individually.
const MOST_TASKS: usize = 4096;
const LONGEST_ID: usize = 1024;

/// Tracks the prompts and the state that the CLI reports.
#[derive(Debug, Default)]
pub struct Turns {
    /// Sent and not answered yet, oldest first.
    open: VecDeque<Prompt>,
    /// Chosen by the host: the CLI ignores one that it already knows.
    chosen: VecDeque<Box<str>>,
    pub ended: u64,
    /// How often everything has come to rest without a result: no prompt is open, and no turn is running.
    rests: u64,
    activity: Option<Activity>,
    /// Agents and workflows that keep a run open; shells and monitors do not.
    tasks: HashSet<String>,
    /// All background work, including shells and monitors.
    background: HashSet<String>,
    /// The last turn has had its result, and there has been no sign of another one since.
    rests_after_result: bool,
    run_ended: bool,
    /// The turn that the host has asked to end.
    interrupted: Option<InProgress>,
    /// How long the last prompt that was answered waited for the first piece of an answer, and for its result.
    pub first_answer: Option<Duration>,
    pub answer: Option<Duration>,
}

impl Turns {
    /// `chosen` = by the host, so it may be a repetition, for which no result is owed. Returns whether one is.
    pub fn sent(&mut self, uuid: &str, chosen: bool) -> bool {
        if chosen {
            if self.chosen.iter().any(|known| **known == *uuid) {
                return false;
            }
            self.chosen.truncate(HISTORY_LEN - 1);
            self.chosen.push_front(uuid.into());
        }
        self.open.push_back(Prompt {
            uuid: uuid.into(),
            stage: Stage::Waiting,
            sent: Instant::now(),
            maybe_answered: false,
        });
        self.run_ended = false;
        true
    }

    /// Processes a result, and determines which prompts it answers.
    pub fn result(&mut self, frame: &ResultFrame) -> Turn {
        let asked = self.interrupted.take().is_some_and(|turn| self.goes_on(&turn));
        let interrupted = frame.was_aborted() || asked && frame.was_cut_short();
        self.ended += 1;
        self.rests_after_result = true;
        let mut prompts = Prompts::new();
        let mut sent = None;
        let mut answer = |prompt: &Prompt| {
            sent.get_or_insert(prompt.sent);
            prompts.push(prompt.uuid.clone());
        };
        if frame.answers.is_empty() && frame.origin.is_none() {
            // A CLI that names no prompts answers them in order, unless it reports that the turn was its own.
            self.open.pop_front().iter().for_each(&mut answer);
            self.open.iter_mut().for_each(|prompt| prompt.maybe_answered = true);
        }
        self.open.retain(|prompt| {
            let answered = prompt.stage == Stage::Done || frame.answers.contains(&prompt.uuid.as_bytes());
            if answered {
                answer(prompt);
            }
            !answered
        });
        self.answer = sent.map(|sent| sent.elapsed()).or(self.answer);
        self.run_ended = self.is_settled();
        Turn { prompts, origin: frame.origin.map(<[u8]>::to_vec), interrupted }
    }

    /// The host asks the CLI to end the running turn.
    pub fn interrupt_asked(&mut self) {
        self.interrupted = self.in_progress();
    }

    /// A prompt has no result yet, as far as is known. The CLI's own turns owe nothing.
    pub fn owes_result(&self) -> bool {
        self.open.iter().any(|prompt| !prompt.maybe_answered)
    }

    /// The turn that is being waited for: that of a prompt without a result, or one of the CLI's own.
    pub fn owed(&self) -> Option<OwedTurn> {
        let own = matches!(self.activity, Some(Activity::Running | Activity::RequiresAction));
        let is_owed = self.owes_result() || (own && !self.rests_after_result);
        is_owed.then(|| OwedTurn {
            number: self.ended + self.rests,
            prompts: self.open.iter().map(|prompt| prompt.uuid.clone()).collect(),
            since: self.open.front().map(|prompt| prompt.sent),
        })
    }

    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The first piece of an answer has arrived.
    pub fn answer_began(&mut self) {
        self.first_answer = self.open.front().map(|prompt| prompt.sent.elapsed()).or(self.first_answer);
    }

    /// A prompt will have no result. `None` if it is not open: one that already has its result is also reported as cancelled.
    pub fn cancelled(&mut self, uuid: &[u8]) -> Option<Arc<str>> {
        let at = self.open.iter().position(|prompt| prompt.uuid.as_bytes() == uuid)?;
        let Prompt { uuid, .. } = self.open.remove(at)?;
        self.note_rest();
        if self.ended > 0 || self.open.is_empty() {
            self.run_ended = self.is_settled();
        }
        Some(uuid)
    }

    /// A `command_lifecycle` frame. Returns the prompt that will have no result, if the frame reports one.
    pub fn lifecycle(&mut self, line: &[u8]) -> Option<Arc<str>> {
        let uuid = top_level_string(line, b"command_uuid")?;
        let state = top_level_string(line, b"state")?;
        if state == b"cancelled" {
            return self.cancelled(uuid);
        }
        let is_chosen = self.chosen.iter().any(|chosen| chosen.as_bytes() == uuid);
        let Prompt { stage, .. } = self.open.iter_mut().find(|prompt| prompt.uuid.as_bytes() == uuid)?;
        match state {
            b"started" => *stage = Stage::Started,
            // Never started: the resumed conversation already contains a prompt with this uuid, so it is ignored.
            b"completed" if *stage == Stage::Waiting && is_chosen => return self.cancelled(uuid),
            b"completed" => *stage = Stage::Done,
            _ => {}
        }
        None
    }

    /// Whether the input may end: every prompt has its result and no work that may need the host is going on.
    pub fn run_is_over(&self) -> bool {
        // If nothing was ever asked there is nothing to wait for.
        self.run_ended || self.open.is_empty() && self.ended == 0
    }

    /// A turn is running, or a prompt is waiting for its turn.
    pub fn is_running(&self) -> bool {
        !self.open.is_empty() || matches!(self.activity, Some(Activity::Running | Activity::RequiresAction))
    }

    /// Whether there is something to interrupt: a turn, an owed turn, or background work. Not between a result and the CLI's
    /// report that it is idle.
    pub fn is_at_work(&self) -> bool {
        let turn =
            self.activity != Some(Activity::Idle) && self.activity.is_some() && !self.rests_after_result;
        !self.open.is_empty() || !self.background.is_empty() || turn
    }

    fn note_rest(&mut self) {
        self.rests += u64::from(!self.is_running());
    }

    /// The running turn, or the next one to run.
    pub fn in_progress(&self) -> Option<InProgress> {
        let prompt = || self.open.front().map(|prompt| prompt.uuid.clone());
        self.is_running().then(|| InProgress { number: self.ended + self.rests, prompt: prompt() })
    }

    /// Whether that turn has not ended yet. Its prompt may have been cancelled, and others may have arrived.
    pub fn goes_on(&self, before: &InProgress) -> bool {
        self.in_progress().is_some_and(|now| {
            now.number == before.number && (now.prompt.is_none() || now.prompt == before.prompt)
        })
    }

    /// The background-wait timer has expired: the run ends although the CLI reports that it is running.
    pub fn ceiling_reached(&mut self) {
        self.run_ended = self.open.is_empty() && self.tasks.is_empty();
    }

    /// Whether the background-wait timer may run: between turns, after a result, with only untracked work going on.
    fn is_waiting_for_background(&self) -> bool {
        self.ended > 0
            && self.open.is_empty()
            && self.tasks.is_empty()
            && self.activity == Some(Activity::Running)
            && !self.run_ended
    }

    fn is_settled(&self) -> bool {
        match self.activity {
            // Without state frames the tracked tasks are all that is known.
            None => self.open.is_empty() && self.tasks.is_empty(),
            Some(activity) => self.open.is_empty() && activity == Activity::Idle,
        }
    }

    /// Processes any frame except results; returns what to do with the background-wait timer.
    pub fn frame(&mut self, kind: Option<Kind>, line: &[u8]) -> TimerAction {
        match kind {
            Some(Kind::Assistant | Kind::StreamEvent) => self.main_thread_frame(line),
            Some(Kind::System) | None => self.system_frame(line),
            _ => TimerAction::Keep,
        }
    }

    fn main_thread_frame(&mut self, line: &[u8]) -> TimerAction {
        let of_subagent =
            top_level_value(line, b"parent_tool_use_id").is_some_and(|value| !value.starts_with(b"null"));
        if of_subagent {
            return TimerAction::Keep;
        }
        self.run_ended = false;
        self.rests_after_result = false;
        TimerAction::Stop
    }

    fn system_frame(&mut self, line: &[u8]) -> TimerAction {
        match top_level_string(line, b"subtype") {
            Some(b"session_state_changed") => self.state_frame(line),
            Some(b"task_started") => {
                self.background.extend(task_id(line).filter(|_| self.background.len() < HISTORY_LEN));
                if matches!(top_level_string(line, b"task_type"), Some(b"local_agent" | b"local_workflow"))
                    && let Some(id) = task_id(line)
                    && self.tasks.len() < MOST_TASKS
                {
                    self.tasks.insert(id);
                }
                TimerAction::Keep
            }
            Some(b"task_notification") => self.task_settled(line),
            Some(b"task_updated") if is_terminal(line) => self.task_settled(line),
            _ => TimerAction::Keep,
        }
    }

    fn state_frame(&mut self, line: &[u8]) -> TimerAction {
        let activity = match top_level_string(line, b"state") {
            Some(b"idle") => Activity::Idle,
            Some(b"running") => Activity::Running,
            Some(b"requires_action") => Activity::RequiresAction,
            _ => return TimerAction::Keep,
        };
        let was_running = self.is_running();
        self.activity = Some(activity);
        if was_running {
            self.note_rest();
        }
        match activity {
            Activity::Idle => {
                self.run_ended = self.ended > 0 && self.is_settled();
                TimerAction::Stop
            }
            Activity::Running => {
                self.run_ended = false;
                self.rests_after_result = false;
                self.timer_action()
            }
            Activity::RequiresAction => {
                self.run_ended = false;
                TimerAction::Stop
            }
        }
    }

    fn task_settled(&mut self, line: &[u8]) -> TimerAction {
        let Some(id) = task_id(line) else { return TimerAction::Keep };
        self.background.remove(&id);
        if !self.tasks.remove(&id) || !self.tasks.is_empty() {
            return TimerAction::Keep;
        }
        self.timer_action()
    }

    pub fn timer_action(&self) -> TimerAction {
        if self.is_waiting_for_background() { TimerAction::Start } else { TimerAction::Keep }
    }
}

fn task_id(line: &[u8]) -> Option<String> {
    let id = top_level_string(line, b"task_id").filter(|id| id.len() <= LONGEST_ID)?;
    Some(String::from_utf8_lossy(id).into_owned())
}

/// `task_updated` with a patch that ends the task. A missing or malformed patch is ignored.
fn is_terminal(line: &[u8]) -> bool {
    let Some(patch) = top_level_value(line, b"patch") else { return false };
    matches!(top_level_string(patch, b"status"), Some(b"completed" | b"failed" | b"stopped" | b"killed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaa-0000-4000-8000-000000000000";
    const B: &str = "bbbbbbbb-0000-4000-8000-000000000000";

    fn result(json: &str) -> ResultFrame<'_> {
        ResultFrame::parse(json.as_bytes())
    }

    fn prompts(turns: &mut Turns, json: &str) -> Vec<String> {
        turns.result(&result(json)).prompts.iter().map(|uuid| uuid.to_string()).collect()
    }

    fn state(turns: &mut Turns, state: &str) -> TimerAction {
        let line = format!(r#"{{"type":"system","subtype":"session_state_changed","state":"{state}"}}"#);
        turns.frame(None, line.as_bytes())
    }

    fn task(turns: &mut Turns, subtype: &str, extra: &str) -> TimerAction {
        let line = format!(r#"{{"type":"system","subtype":"{subtype}","task_id":"t1"{extra}}}"#);
        turns.frame(Some(Kind::System), line.as_bytes())
    }

    #[test]
    fn results_are_attributed_by_uuid() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        turns.sent(B, false);
        let foreign = turns.result(&result(r#"{"origin":{"kind":"task-notification"}}"#));
        assert!(foreign.prompts.is_empty());
        assert_eq!(foreign.event(1)["origin"], json!({"kind": "task-notification"}));
        assert_eq!(prompts(&mut turns, &format!(r#"{{"user_message_uuids":["{B}"]}}"#)), [B]);
        assert_eq!(prompts(&mut turns, &format!(r#"{{"user_message_uuid":"{A}"}}"#)), [A]);
    }

    #[test]
    fn an_old_cli_answers_in_order() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        turns.sent(B, false);
        assert_eq!(prompts(&mut turns, "{}"), [A]);
        assert_eq!(prompts(&mut turns, "{}"), [B]);
        assert!(prompts(&mut turns, "{}").is_empty());
    }

    fn lifecycle(turns: &mut Turns, uuid: &str, state: &str) -> Option<Arc<str>> {
        let line = format!(r#"{{"type":"command_lifecycle","command_uuid":"{uuid}","state":"{state}"}}"#);
        turns.lifecycle(line.as_bytes())
    }

    #[test]
    fn a_prompt_that_has_joined_a_turn_has_its_result() {
        for (named, expected) in [
            (format!(r#"{{"user_message_uuids":["{A}"]}}"#), vec![A, B]),
            ("{}".to_owned(), vec![A, B]),
            (r#"{"origin":{"kind":"task-notification"}}"#.to_owned(), vec![B]),
        ] {
            let mut turns = Turns::default();
            turns.sent(A, false);
            turns.sent(B, false);
            for state in ["queued", "started", "completed"] {
                assert_eq!(lifecycle(&mut turns, B, state), None);
            }
            assert_eq!(prompts(&mut turns, &named), expected, "{named}");
        }
    }

    #[test]
    fn a_turn_goes_on_until_its_own_end() {
        let started = || {
            let mut turns = Turns::default();
            state(&mut turns, "running");
            turns.sent(A, false);
            let turn = turns.in_progress().unwrap();
            turns.sent(B, false);
            assert!(turns.goes_on(&turn));
            (turns, turn)
        };
        let (mut turns, turn) = started();
        turns.cancelled(B.as_bytes());
        assert!(turns.goes_on(&turn), "another one was withdrawn");
        turns.cancelled(A.as_bytes());
        assert!(turns.goes_on(&turn), "it was of the CLI's own");
        state(&mut turns, "idle");
        state(&mut turns, "running");
        assert!(!turns.goes_on(&turn), "that is another one");
        let (mut turns, turn) = started();
        turns.cancelled(A.as_bytes());
        assert!(!turns.goes_on(&turn), "the next one has its turn");
        let (mut turns, turn) = started();
        turns.result(&result("{}"));
        assert!(!turns.goes_on(&turn));
    }

    #[test]
    fn a_prompt_that_is_complete_without_a_start_has_no_result() {
        let mut turns = Turns::default();
        turns.sent(A, true);
        assert_eq!(lifecycle(&mut turns, A, "completed").as_deref(), Some(A));
        assert!(!turns.is_running());
        turns.sent(A, true);
        assert!(!turns.is_running(), "it is known");
        assert_eq!(lifecycle(&mut turns, A, "cancelled"), None);
    }

    #[test]
    fn edge_33_without_state_frames_the_first_result_ends_the_run() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        assert!(!turns.run_is_over());
        turns.result(&result("{}"));
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_32_idle_counts_only_with_a_result() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        state(&mut turns, "idle");
        assert!(!turns.run_is_over());
        turns.result(&result("{}"));
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_29_an_agent_in_flight_keeps_the_run_open() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        task(&mut turns, "task_started", r#","task_type":"local_agent""#);
        turns.result(&result("{}"));
        assert!(!turns.run_is_over());
        task(&mut turns, "task_notification", r#","status":"completed""#);
        turns.result(&result(r#"{"origin":{"kind":"task-notification"}}"#));
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_30_a_background_shell_does_not_keep_the_run_open() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        task(&mut turns, "task_started", r#","task_type":"local_bash""#);
        turns.result(&result("{}"));
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_31_running_keeps_the_run_open_until_idle() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        state(&mut turns, "running");
        turns.result(&result("{}"));
        assert!(!turns.run_is_over());
        state(&mut turns, "idle");
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_34_the_ceiling_runs_only_between_turns() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        assert_eq!(state(&mut turns, "running"), TimerAction::Keep);
        turns.result(&result("{}"));
        assert_eq!(turns.timer_action(), TimerAction::Start);
        let sub = br#"{"type":"assistant","parent_tool_use_id":"t"}"#;
        assert_eq!(turns.frame(Some(Kind::Assistant), sub), TimerAction::Keep);
        let main = br#"{"type":"assistant","parent_tool_use_id":null}"#;
        assert_eq!(turns.frame(Some(Kind::Assistant), main), TimerAction::Stop);
        assert_eq!(state(&mut turns, "requires_action"), TimerAction::Stop);
        assert_eq!(state(&mut turns, "running"), TimerAction::Start);
        turns.ceiling_reached();
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_35_every_prompt_owes_its_own_run() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        turns.sent(B, false);
        turns.result(&result(&format!(r#"{{"user_message_uuid":"{A}"}}"#)));
        assert!(!turns.run_is_over());
        turns.result(&result(&format!(r#"{{"user_message_uuid":"{B}"}}"#)));
        assert!(turns.run_is_over());
    }

    #[test]
    fn edge_94_strange_task_updates_do_no_harm() {
        let mut turns = Turns::default();
        turns.sent(A, false);
        task(&mut turns, "task_started", r#","task_type":"local_agent""#);
        for extra in ["", r#","patch":5"#, r#","patch":null"#, r#","patch":{"status":"running"}"#] {
            assert_eq!(task(&mut turns, "task_updated", extra), TimerAction::Keep);
        }
        turns.result(&result("{}"));
        assert!(!turns.run_is_over());
        task(&mut turns, "task_updated", r#","patch":{"status":"killed"}"#);
        turns.result(&result(r#"{"origin":{"kind":"task-notification"}}"#));
        assert!(turns.run_is_over());
    }
}
