//! Tracks the turns: attribution, the ledger, and the end of the run.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::Client;
use super::inbound::text_of;
use super::ledger::Ledger;
use super::life::Call;
use super::shared::{self, Claim};
use super::stream::Held;
use super::turns::{InProgress, OwedTurn, TimerAction, Turn, Turns};
use crate::error::Result;
use crate::protocol::framing::{Block, Line};
use crate::protocol::kind::Kind;
use crate::protocol::members::top_level_string;
use crate::protocol::result_frame::ResultFrame;
use crate::runtime;
use crate::sync::gate::Slot;
use crate::sync::task::TaskSlot;
use crate::sync::{lock, ranked};

/// The kinds from which turns, tasks, costs and limits are read.
const FOLLOWED: u32 =
    Kind::Result.bit() | Kind::System.bit() | Kind::CommandLifecycle.bit() | Kind::RateLimitEvent.bit();

/// The kinds that show that a turn is running, while a timer waits for background work, and that an answer has begun.
const MAIN_THREAD: u32 = Kind::Assistant.bit() | Kind::StreamEvent.bit();

const CEILING_VARIABLE: &str = "CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS";
const DEFAULT_CEILING_MS: u64 = 600_000;

/// What is known about the turns of a session.
#[derive(Default)]
pub struct Run {
    turns: Mutex<Turns>,
    ledger: Mutex<Ledger>,
    /// As the CLI reports it with each turn.
    session_id: Mutex<Vec<u8>>,
    /// Held while the session is using the conversation.
    claim: Mutex<Option<Claim>>,
    /// Another client has the conversation open as well, which has not been reported yet.
    is_shared: AtomicBool,
    resumed: AtomicBool,
    /// 0 = no limit.
    ceiling_ms: AtomicU64,
    /// Counts the starts and stops of the background-wait timer, so that an old timer can tell that it is stale.
    timer: AtomicU64,
    /// The timer's task, which is aborted rather than left sleeping for minutes when it is no longer needed.
    timer_task: TaskSlot,
    timing: AtomicBool,
    pub(super) first_prompt_sent: AtomicBool,
    /// The task that watches for the first answer.
    pub(super) first_answer: TaskSlot,
    /// The CLI has started a turn.
    pub(super) turn_began: AtomicBool,
    /// The next piece of an answer is the first of its turn.
    awaits_answer: AtomicBool,
    /// The input ends with the run. Whoever sets this then checks the streams, and whoever ends a stream then checks this: one
    /// of them must see the other's write, which requires `SeqCst`.
    finishing: AtomicBool,
    /// The number of open prompt streams, from which more prompts will come.
    streams: AtomicUsize,
    pub(super) held: Held,
}

ranked!(Turns: Turns, Ledger: Leaf, Option<Claim>: Leaf);

impl Run {
    pub fn configure(&self, environment: &[(OsString, OsString)], resumed: bool) {
        self.resumed.store(resumed, Ordering::Relaxed);
        let given = environment.iter().rev().find(|(name, _)| name == CEILING_VARIABLE);
        let given = given.and_then(|(_, value)| value.to_str()?.trim().parse::<u64>().ok());
        let ceiling = given.map_or(DEFAULT_CEILING_MS, |ceiling| ceiling.min(i32::MAX as u64));
        self.ceiling_ms.store(ceiling, Ordering::Relaxed);
    }

    /// Returns whether a result is owed for the prompt.
    pub fn sent(&self, uuid: &str, chosen: bool) -> bool {
        let mut turns = lock(&self.turns);
        if !turns.has_open() {
            self.awaits_answer.store(true, Ordering::Relaxed);
        }
        turns.sent(uuid, chosen)
    }

    /// Returns whether a result was owed for the prompt.
    pub fn not_sent(&self, uuid: &str) -> bool {
        lock(&self.turns).cancelled(uuid.as_bytes()).is_some()
    }

    /// How long the last prompt waited for the first piece of its answer, and for its result.
    pub fn waits(&self) -> (Option<Duration>, Option<Duration>) {
        let turns = lock(&self.turns);
        (turns.first_answer, turns.answer)
    }

    /// The id with which the conversation can be resumed; `None` before its first turn.
    pub fn session_id(&self) -> Option<String> {
        let id = lock(&self.session_id);
        (!id.is_empty()).then(|| String::from_utf8_lossy(&id).into_owned())
    }

    fn set_session_id(&self, id: Option<&[u8]>) {
        let is_new = |id: &&[u8]| *id != lock(&self.session_id).as_slice();
        let Some(id) = id.filter(is_new) else { return };
        *lock(&self.session_id) = id.to_vec();
        let (claim, is_shared) = Claim::new(&String::from_utf8_lossy(id));
        let before = lock(&self.claim).replace(claim);
        drop(before);
        self.is_shared.store(is_shared, Ordering::Relaxed);
    }

    /// Called before the request is written: the turn may end at once.
    pub fn interrupt_asked(&self) {
        lock(&self.turns).interrupt_asked();
    }

    /// Releases the conversation for others.
    pub fn release(&self) {
        let claim = lock(&self.claim).take();
        drop(claim);
    }

    /// From now on the input ends with the run. Returns whether no stream keeps it open.
    fn finish(&self) -> bool {
        self.finishing.store(true, Ordering::SeqCst);
        self.streams.load(Ordering::SeqCst) == 0
    }

    /// Returns whether the input may end now that this stream has.
    fn stream_ended(&self) -> bool {
        let left = self.streams.fetch_sub(1, Ordering::SeqCst) - 1;
        self.finishing.load(Ordering::SeqCst) && left == 0
    }

    pub fn ledger(&self) -> Value {
        lock(&self.ledger).document()
    }
}

impl Client {
    /// Ends the input when the run is over: every prompt has its result, and no work is left that may need the host. At once if
    /// the host answers no requests.
    pub fn end_input_after_run(&self) -> Result<()> {
        self.check(Call::Control)?;
        if self.run.finish() {
            self.finish_now_or_later();
        }
        Ok(())
    }

    pub(super) fn prompt_stream_began(&self) {
        self.run.streams.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn prompt_stream_ended(&self) {
        if self.run.stream_ended() {
            self.finish_now_or_later();
        }
    }

    /// Ends the input, as requested: now, or when the run is over.
    fn finish_now_or_later(&self) {
        if !self.answers_requests() {
            return self.close_input();
        }
        self.finish_if_over();
        if lock(&self.run.turns).timer_action() == TimerAction::Start {
            self.start_ceiling();
        }
    }

    fn close_input(&self) {
        // If it cannot be ended any more, the session is already ending.
        let _ = self.end_input();
    }

    /// Whether a result has been received, and none is owed.
    pub(super) fn every_prompt_is_answered(&self) -> bool {
        let turns = lock(&self.run.turns);
        turns.ended > 0 && !turns.has_open()
    }

    /// The running or owed turn, if there is one.
    pub(super) fn turn_in_progress(&self) -> Option<InProgress> {
        lock(&self.run.turns).in_progress()
    }

    /// A turn is running or owed, or background work is going on.
    pub(super) fn is_at_work(&self) -> bool {
        lock(&self.run.turns).is_at_work()
    }

    pub(super) fn owes_result(&self) -> bool {
        lock(&self.run.turns).owes_result()
    }

    pub(super) fn owed_turn(&self) -> Option<OwedTurn> {
        lock(&self.run.turns).owed()
    }

    pub(super) fn turn_goes_on(&self, turn: &InProgress) -> bool {
        lock(&self.run.turns).goes_on(turn)
    }

    /// Processes messages on their way to the application.
    pub(super) fn follow_run(&self, block: Block) {
        if block.has(MAIN_THREAD) && self.run.awaits_answer.load(Ordering::Relaxed) {
            self.run.awaits_answer.store(false, Ordering::Relaxed);
            lock(&self.run.turns).answer_began();
        }
        let timing = self.run.timing.load(Ordering::Relaxed);
        let kinds = FOLLOWED | if timing { MAIN_THREAD } else { 0 };
        if !block.has(kinds) {
            return self.dispatcher.push_messages(block);
        }
        let mut from = 0;
        for at in 0..block.lines.len() {
            let line = block.lines[at];
            if line.kind.bit() & kinds == 0 {
                continue;
            }
            let turn = self.follow_line(&block, line);
            self.tell_if_shared();
            let Some(turn) = turn else { continue };
            let event = self.options.turn_events.then(|| turn.event(lock(&self.run.turns).ended));
            self.dispatcher.attribute(turn.prompts);
            if let Some(event) = event {
                // The event comes right after its result.
                self.dispatcher.push_messages(Block::new(block.data.clone(), block.lines[from..=at].into()));
                self.event(Kind::TurnEnded, event);
                from = at + 1;
            }
        }
        if from == 0 {
            self.dispatcher.push_messages(block);
        } else if from < block.lines.len() {
            self.dispatcher.push_messages(Block::new(block.data.clone(), block.lines[from..].into()));
        }
    }

    /// A frame that the application does not see.
    pub(super) fn follow_internal(&self, line: &[u8]) {
        if top_level_string(line, b"type") == Some(b"system") {
            let ceiling = lock(&self.run.turns).frame(None, line);
            self.after_frame(ceiling);
            self.watch_own_turn();
        }
    }

    /// The turn that this line ends, if any.
    fn follow_line(&self, block: &Block, line: Line) -> Option<Turn> {
        let text = text_of(block, line);
        match line.kind {
            Kind::Result => {
                let frame = ResultFrame::parse(text);
                self.follow_session_id(frame.session_id);
                lock(&self.run.ledger).result(&frame, self.run.resumed.load(Ordering::Relaxed));
                let (turn, ceiling) = {
                    let mut turns = lock(&self.run.turns);
                    let turn = turns.result(&frame);
                    self.run.awaits_answer.store(turns.has_open(), Ordering::Relaxed);
                    (turn, turns.timer_action())
                };
                self.after_frame(ceiling);
                self.stall_watch.tools.clear();
                Some(turn)
            }
            Kind::RateLimitEvent => {
                lock(&self.run.ledger).limits(text);
                None
            }
            Kind::CommandLifecycle => {
                let without_result = lock(&self.run.turns).lifecycle(text);
                self.settled_without_result(without_result);
                None
            }
            kind => {
                if kind == Kind::System {
                    self.follow_session_id(top_level_string(text, b"session_id"));
                    self.run.turn_began.store(true, Ordering::Relaxed);
                    self.verify_hermetic(text);
                }
                let ceiling = lock(&self.run.turns).frame(Some(kind), text);
                self.after_frame(ceiling);
                if kind == Kind::System {
                    self.watch_own_turn();
                }
                None
            }
        }
    }

    /// Warns if another client already had the conversation open when this one opened it.
    fn tell_if_shared(&self) {
        // A record may be replayed any number of times at once.
        if !self.run.is_shared.swap(false, Ordering::Relaxed) || self.options.replay.is_some() {
            return;
        }
        let id = self.run.session_id();
        let text = format!(
            "another client of this process has the conversation {} open as well",
            id.as_deref().unwrap_or_default()
        );
        self.warn(
            json!({"event": "session_shared", "session_id": id, "text": text, "remedy": shared::REMEDY}),
        );
    }

    /// A fork that fails before it has its own id is reported with the original's, which must not be used to resume it.
    fn follow_session_id(&self, id: Option<&[u8]>) {
        let forks = self.options.get("fork_session").is_some_and(|forks| *forks == true);
        let original = self.options.get("resume").filter(|_| forks).and_then(Value::as_str);
        self.run.set_session_id(id.filter(|id| original.is_none_or(|original| original.as_bytes() != *id)));
    }

    /// The CLI may have started a turn that nobody requested.
    fn watch_own_turn(&self) {
        if self.owed_turn().is_some() {
            self.watch_stalls();
        }
    }

    /// The CLI has reported that it removed a prompt from its queue.
    pub(super) fn prompt_withdrawn(&self, uuid: &str) {
        let prompt = lock(&self.run.turns).cancelled(uuid.as_bytes());
        self.settled_without_result(prompt);
    }

    fn settled_without_result(&self, prompt: Option<Arc<str>>) {
        if let Some(prompt) = prompt {
            self.dispatcher.prompt_cancelled(prompt);
            self.finish_if_over();
        }
    }

    fn after_frame(&self, ceiling: TimerAction) {
        match ceiling {
            TimerAction::Start => self.start_ceiling(),
            TimerAction::Stop => self.stop_ceiling(),
            TimerAction::Keep => {}
        }
        self.finish_if_over();
    }

    /// Also called when a request has ended, whose answer needed the input.
    pub(super) fn finish_if_over(&self) {
        let finishing =
            self.run.finishing.load(Ordering::SeqCst) && self.run.streams.load(Ordering::SeqCst) == 0;
        if finishing && self.requests.is_empty() && lock(&self.run.turns).run_is_over() {
            self.close_input();
        }
    }

    pub(super) fn stop_ceiling(&self) {
        self.run.timer.fetch_add(1, Ordering::AcqRel);
        self.run.timing.store(false, Ordering::Relaxed);
        self.run.timer_task.stop();
    }

    /// The session is over.
    pub(super) fn end_ceiling(&self) {
        self.stop_ceiling();
        self.run.timer_task.end();
    }

    fn start_ceiling(&self) {
        let ceiling = self.run.ceiling_ms.load(Ordering::Relaxed);
        if ceiling == 0 || !self.run.finishing.load(Ordering::SeqCst) {
            return;
        }
        let number = self.run.timer.fetch_add(1, Ordering::AcqRel) + 1;
        self.run.timing.store(true, Ordering::Relaxed);
        let me = self.me.clone();
        let Ok(runtime) = runtime::handle() else { return };
        let task = runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(ceiling)).await;
            let Some(client) = me.upgrade() else { return };
            let Some(_pass) = client.dispatcher.gate.enter(Slot::Completion) else { return };
            if client.run.timer.load(Ordering::Acquire) == number {
                lock(&client.run.turns).ceiling_reached();
                client.finish_if_over();
            }
        });
        self.run.timer_task.put(task.abort_handle());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn wait_for(number: &AtomicUsize, wanted: usize) -> usize {
        for spins in 1.. {
            let present = number.load(Ordering::SeqCst);
            if present >= wanted {
                return present;
            }
            // If both threads share a processor, each must let the other run.
            if spins % 1000 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        unreachable!()
    }

    /// Two threads, one of which must see what the other has just written. With weaker orderings about one round in ten
    /// thousand fails.
    #[test]
    fn the_end_of_a_stream_and_the_wish_to_finish_do_not_miss_each_other() {
        const OVER: usize = usize::MAX;
        let run = Run::default();
        let possible = AtomicUsize::new(0);
        let (round, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let deadline = Instant::now() + Duration::from_secs(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1.. {
                    if wait_for(&round, number) == OVER {
                        break;
                    }
                    possible.fetch_add(usize::from(run.finish()), Ordering::SeqCst);
                    done.store(number, Ordering::SeqCst);
                }
            });
            let mut missed = None;
            for number in 1..200_000 {
                run.finishing.store(false, Ordering::SeqCst);
                run.streams.store(1, Ordering::SeqCst);
                possible.store(0, Ordering::SeqCst);
                round.store(number, Ordering::SeqCst);
                (0..number % 40).for_each(|_| std::hint::spin_loop());
                possible.fetch_add(usize::from(run.stream_ended()), Ordering::SeqCst);
                wait_for(&done, number);
                if possible.load(Ordering::SeqCst) == 0 {
                    missed = Some(number);
                }
                if missed.is_some() || Instant::now() > deadline {
                    break;
                }
            }
            round.store(OVER, Ordering::SeqCst);
            assert_eq!(missed, None, "the input stays open for ever");
        });
    }
}
