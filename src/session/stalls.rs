//! Decides when to report silence: clocks that count only while the CLI owes something and nothing else is being waited for. No
//! I/O.

use std::time::{Duration, Instant};

/// A snapshot of a session at one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// All bytes read so far …
    pub bytes: u64,
    /// … and those that were not keep-alives.
    pub message_bytes: u64,
    /// The CLI owes some output.
    pub owed: bool,
    /// The host has a request to answer, or does not take what has arrived.
    pub host_is_awaited: bool,
    /// The CLI is running a tool, which may be silent for as long as it likes.
    pub tool_runs: bool,
    /// Changes with every turn; `None` between turns.
    pub turn: Option<u64>,
}

/// What to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Nothing, or nothing but keep-alives, has arrived for this long.
    Stalled(Report, Silence),
    /// The stall has ended.
    StallEnded(Duration),
    /// Messages keep arriving, but the turn does not end.
    LongTurn(Report),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    Complete,
    OnlyKeepAlives,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The time counted by the clock.
    pub counted: Duration,
    /// The first is 1.
    pub number: u32,
    /// The count at which the next report follows.
    pub next: Duration,
}

/// Fires when it has counted up to a limit, and again each time the count has doubled.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    counted: Duration,
    reports: u32,
    /// When the next report is due, after the first one.
    next: Option<Duration>,
}

impl Clock {
    fn run(&mut self, step: Duration, after: Duration) -> Option<Report> {
        self.counted = self.counted.saturating_add(step);
        let mut next = self.next.unwrap_or(after);
        if after.is_zero() || self.counted < next {
            return None;
        }
        while next <= self.counted && next < Duration::MAX {
            next = next.saturating_mul(2);
        }
        self.next = Some(next);
        self.reports += 1;
        Some(Report { counted: self.counted, number: self.reports, next })
    }
}

/// The clocks of one session.
#[derive(Debug)]
pub struct Stalls {
    /// For silence, and for a turn; zero = never.
    after: Duration,
    turn_after: Duration,
    silence: Clock,
    turn: Clock,
    seen: Seen,
    /// The bytes read when the silence began.
    silent_since_bytes: u64,
    looked: Instant,
    pub last_byte: Instant,
    pub last_message: Instant,
}

impl Stalls {
    pub fn new(after: Duration, turn_after: Duration, now: Instant, seen: Seen) -> Stalls {
        Stalls {
            after,
            turn_after,
            silence: Clock::default(),
            turn: Clock::default(),
            seen,
            silent_since_bytes: seen.bytes,
            looked: now,
            last_byte: now,
            last_message: now,
        }
    }

    /// How often to check.
    pub fn interval(after: Duration, turn_after: Duration) -> Duration {
        let shortest = [after, turn_after].into_iter().filter(|time| !time.is_zero()).min();
        (shortest.unwrap_or_default() / 8).clamp(Duration::from_millis(10), Duration::from_secs(15))
    }

    /// The time counted by the silence clock.
    pub fn silent(&self) -> Duration {
        self.silence.counted
    }

    pub fn look(&mut self, now: Instant, seen: Seen) -> Vec<Fact> {
        // A process that was suspended checks late: nothing could arrive meanwhile.
        let most = Stalls::interval(self.after, self.turn_after) * 2;
        let step = now.saturating_duration_since(self.looked).min(most);
        self.looked = now;
        if seen.bytes != self.seen.bytes {
            self.last_byte = now;
        }
        let before = std::mem::replace(&mut self.seen, seen);
        let silence = self.look_at_silence(now, before, step);
        let turn = self.look_at_turn(before, step);
        silence.into_iter().chain(turn).collect()
    }

    fn look_at_silence(&mut self, now: Instant, before: Seen, step: Duration) -> Option<Fact> {
        let seen = self.seen;
        let spoke = seen.message_bytes != before.message_bytes;
        if spoke || !seen.owed {
            if spoke {
                self.last_message = now;
            }
            self.silent_since_bytes = seen.bytes;
            let ended = std::mem::take(&mut self.silence);
            return (spoke && ended.reports > 0).then_some(Fact::StallEnded(ended.counted));
        }
        if seen.host_is_awaited || seen.tool_runs {
            return None;
        }
        let report = self.silence.run(step, self.after)?;
        let complete = seen.bytes == self.silent_since_bytes;
        Some(Fact::Stalled(report, if complete { Silence::Complete } else { Silence::OnlyKeepAlives }))
    }

    fn look_at_turn(&mut self, before: Seen, step: Duration) -> Option<Fact> {
        let seen = self.seen;
        if seen.turn.is_none() || seen.turn != before.turn {
            self.turn = Clock::default();
            return None;
        }
        if seen.host_is_awaited {
            return None;
        }
        self.turn.run(step, self.turn_after).map(Fact::LongTurn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const OWED: Seen = Seen {
        bytes: 100,
        message_bytes: 100,
        owed: true,
        host_is_awaited: false,
        tool_runs: false,
        turn: Some(1),
    };

    /// A session that is checked every second.
    struct Session {
        stalls: Stalls,
        now: Instant,
    }

    impl Session {
        fn new(after: u32, turn_after: u32) -> Session {
            let now = Instant::now();
            Session { stalls: Stalls::new(SECOND * after, SECOND * turn_after, now, OWED), now }
        }

        fn look(&mut self, seen: Seen) -> Vec<Fact> {
            self.now += SECOND;
            self.stalls.look(self.now, seen)
        }

        /// The seconds at which something was reported, with the report's number.
        fn told(&mut self, seconds: u64, seen: Seen) -> Vec<(u64, u32)> {
            let number = |fact: &Fact| match fact {
                Fact::Stalled(report, _) | Fact::LongTurn(report) => report.number,
                Fact::StallEnded(_) => 0,
            };
            (1..=seconds)
                .flat_map(|second| {
                    self.look(seen).iter().map(|fact| (second, number(fact))).collect::<Vec<_>>()
                })
                .collect()
        }
    }

    #[test]
    fn a5_silence_is_told_at_its_time_and_whenever_it_has_doubled() {
        assert_eq!(Session::new(10, 0).told(100, OWED), [(10, 1), (20, 2), (40, 3), (80, 4)]);
    }

    #[test]
    fn a6_nothing_is_told_while_the_host_is_asked_a_tool_runs_or_nothing_is_owed() {
        for seen in [
            Seen { host_is_awaited: true, ..OWED },
            Seen { tool_runs: true, ..OWED },
            Seen { owed: false, turn: None, ..OWED },
        ] {
            assert_eq!(Session::new(10, 0).told(1800, seen), [], "{seen:?}");
        }
    }

    #[test]
    fn a6_the_clock_stands_while_the_host_is_asked_and_goes_on_behind_it() {
        let mut session = Session::new(10, 0);
        assert_eq!(session.told(6, OWED), []);
        assert_eq!(session.told(100, Seen { host_is_awaited: true, ..OWED }), []);
        assert_eq!(session.told(5, OWED), [(4, 1)]);
    }

    #[test]
    fn a5_what_comes_ends_a_stall_and_is_told_only_behind_one() {
        let mut session = Session::new(10, 0);
        assert_eq!(session.told(9, OWED), []);
        let more = Seen { bytes: 101, message_bytes: 101, ..OWED };
        assert_eq!(session.look(more), []);
        assert_eq!(session.told(12, more), [(10, 1)]);
        let fact = session.look(Seen { bytes: 102, message_bytes: 102, ..OWED });
        assert_eq!(fact, [Fact::StallEnded(SECOND * 12)]);
    }

    #[test]
    fn a5_keep_alives_are_no_answer() {
        let mut session = Session::new(10, 0);
        let facts: Vec<Fact> =
            (1..=10).flat_map(|number| session.look(Seen { bytes: 100 + number, ..OWED })).collect();
        assert!(matches!(facts[..], [Fact::Stalled(_, Silence::OnlyKeepAlives)]), "{facts:?}");
        let mut session = Session::new(10, 0);
        let complete: Vec<Fact> = (1..=10).flat_map(|_| session.look(OWED)).collect();
        assert!(matches!(complete[..], [Fact::Stalled(_, Silence::Complete)]), "{complete:?}");
    }

    #[test]
    fn a6_a_turn_that_talks_and_does_not_end_is_a_fact_of_its_own() {
        let mut session = Session::new(10, 20);
        let talk = |number: u64, turn| Seen { bytes: number, message_bytes: number, turn, ..OWED };
        let facts: Vec<Fact> = (1..=45).flat_map(|number| session.look(talk(number, Some(1)))).collect();
        assert!(matches!(facts[..], [Fact::LongTurn(_), Fact::LongTurn(_)]), "{facts:?}");
        // Each turn has its own time, and so does one in which the host is asked.
        assert_eq!((1..=15).flat_map(|number| session.look(talk(number, Some(2)))).count(), 0);
        assert_eq!((1..=15).flat_map(|number| session.look(talk(number, Some(3)))).count(), 0);
        let asked = |number| Seen { host_is_awaited: true, ..talk(number, Some(3)) };
        assert_eq!((1..=900).flat_map(|number| session.look(asked(number))).count(), 0);
    }

    #[test]
    fn a5_a_process_that_was_stopped_has_waited_for_nothing() {
        let mut session = Session::new(80, 0);
        session.now += SECOND * 3600;
        assert_eq!(session.look(OWED), []);
    }

    #[test]
    fn a5_a_clock_of_days_neither_overflows_nor_tells_too_often() {
        let mut clock = Clock::default();
        let days = Duration::from_secs(86_400 * 365 * 1000);
        assert!(clock.run(days, Duration::from_millis(1)).is_some());
        assert!(clock.run(Duration::from_millis(1), Duration::from_millis(1)).is_none());
        assert!(clock.run(days, Duration::from_millis(1)).is_some_and(|report| report.number == 2));
    }
}
