//! How long a test waits for what must come.
//!
//! A bound that fits an idle machine is too short for one whose processors have ten things each to do, and one that fits the busy
//! machine lets a hang on the idle one go unnoticed for long. So a test names the time of the idle machine, which then grows with
//! the load, and with [`slowness`]. Bounds that are promises of the program under test do not grow: those are not waited for with
//! this.

use std::time::{Duration, Instant};

/// What is to be done, for each processor that there is; 1 at least.
pub fn load() -> f64 {
    let said = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    load_of(&said, processors)
}

/// The mean of the last minute and what wants to run right now, whichever is more: the mean rises slowly.
fn load_of(said: &str, processors: usize) -> f64 {
    let mut words = said.split_whitespace();
    let mean: f64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let running = words.nth(2).and_then(|word| word.split_once('/')?.0.parse().ok()).unwrap_or(0.0);
    (mean.max(running) / processors as f64).max(1.0)
}

/// How many times as long the programs under test take as they would without what runs them, an emulator of another processor: the
/// variable `CLAUDE_TESTS_SLOWNESS`; 1 at least.
pub fn slowness() -> f64 {
    slowness_of(std::env::var("CLAUDE_TESTS_SLOWNESS").ok().as_deref())
}

fn slowness_of(said: Option<&str>) -> f64 {
    said.and_then(|said| said.parse().ok())
        .filter(|slowness: &f64| slowness.is_finite())
        .unwrap_or(1.0)
        .max(1.0)
}

/// The time of an idle machine, as long as it takes on this one now.
pub fn grown(time: Duration) -> Duration {
    time.mul_f64(load() * slowness())
}

/// A wait that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    start: Instant,
    time: Duration,
}

impl Patience {
    /// `time` is enough on an idle machine.
    pub fn new(time: Duration) -> Patience {
        Patience { start: Instant::now(), time }
    }

    /// How long there is to wait, going by the load as it is now; zero when it is over.
    pub fn left(&self) -> Duration {
        grown(self.time).saturating_sub(self.start.elapsed())
    }

    pub fn is_over(&self) -> bool {
        self.start.elapsed() >= self.time && self.left().is_zero()
    }

    /// Looks again and again until it holds; `false` when it does not come to hold.
    pub fn until(&self, mut holds: impl FnMut() -> bool) -> bool {
        loop {
            if holds() {
                return true;
            }
            if self.is_over() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_what_each_processor_has_to_do() {
        assert_eq!(load_of("20.00 9.00 3.00 2/600 4711\n", 2), 10.0);
        assert_eq!(load_of("0.20 0.10 0.00 1/600 4711\n", 2), 1.0);
        assert_eq!(load_of("1.00 0.10 0.00 9/600 4711\n", 2), 4.5, "what wants to run now");
        assert_eq!(load_of("", 2), 1.0, "a system that does not say");
    }

    #[test]
    fn an_emulator_makes_everything_take_longer_and_nothing_makes_it_take_less() {
        assert_eq!(slowness_of(Some("8")), 8.0);
        assert_eq!(slowness_of(Some("0.1")), 1.0);
        for said in [None, Some(""), Some("slow"), Some("inf"), Some("NaN")] {
            assert_eq!(slowness_of(said), 1.0, "{said:?}");
        }
    }

    #[test]
    fn what_holds_late_is_waited_for_and_what_never_holds_is_not() {
        let late = Instant::now() + Duration::from_millis(20);
        assert!(Patience::new(Duration::from_secs(60)).until(|| Instant::now() > late));
        let patience = Patience::new(Duration::from_millis(5));
        assert!(!patience.until(|| false));
        assert!(patience.is_over() && patience.until(|| true), "it is looked once at least");
    }
}
