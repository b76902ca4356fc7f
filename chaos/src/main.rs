//! A seeded host that calls every function of claude-client from eight threads, in every mode and at every moment, with a
//! stand-in CLI that misbehaves in every way, and looks whether what the header promises holds.
//!
//! `claude-chaos --seed N --seconds S`: a seed makes the same decisions again, thread by thread and callback by callback; how
//! the threads meet is the system's.

mod conversation;
mod far_moods;
mod moods;
mod ops;
mod raw;
mod rng;
mod round;
mod soak;
mod surroundings;
mod token;
mod watch;
mod world;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lexopt::prelude::*;

#[derive(Debug, Clone)]
pub struct Settings {
    pub seed: u64,
    pub seconds: u64,
    pub threads: usize,
    pub forks: bool,
    /// Whether callbacks are left and receivers cancelled.
    pub leaves: bool,
    /// Between two calls of a thread.
    pub pause: Option<Duration>,
    /// Hours of a long run, and where its samples go.
    pub soak: Option<(f64, PathBuf)>,
    /// Of one round; between two everything is given back and looked at.
    pub round_seconds: u64,
    /// How long one call may take; everything is much shorter on a machine that is not busy.
    pub limit_seconds: u64,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

pub fn settings() -> &'static Settings {
    SETTINGS.get().expect("set first in main")
}

const USAGE: &str = "usage: claude-chaos [--seed N] [--seconds S] [--threads N] [--round-seconds S] [--limit-seconds S] \
    [--pause-ms MS] [--without-forks] [--without-leaving] [--soak-hours H [--csv FILE]]";

fn parse() -> Result<Settings, lexopt::Error> {
    let mut given = Settings {
        seed: 1,
        seconds: 60,
        threads: 8,
        forks: true,
        leaves: true,
        pause: None,
        soak: None,
        round_seconds: 8,
        limit_seconds: 120,
    };
    let mut csv = PathBuf::from("build/soak.csv");
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => given.seed = parser.value()?.parse()?,
            Long("seconds") => given.seconds = parser.value()?.parse()?,
            Long("threads") => given.threads = parser.value()?.parse()?,
            Long("round-seconds") => given.round_seconds = parser.value()?.parse()?,
            Long("limit-seconds") => given.limit_seconds = parser.value()?.parse()?,
            Long("pause-ms") => given.pause = Some(Duration::from_millis(parser.value()?.parse()?)),
            Long("soak-hours") => given.soak = Some((parser.value()?.parse()?, PathBuf::new())),
            Long("csv") => csv = parser.value()?.into(),
            Long("without-leaving") => given.leaves = false,
            Long("without-forks") => given.forks = false,
            _ => return Err(argument.unexpected()),
        }
    }
    if let Some((_, path)) = &mut given.soak {
        *path = csv;
    }
    Ok(given)
}

fn main() {
    let given = parse().unwrap_or_else(|error| surroundings::refuse(&format!("{error}\n{USAGE}")));
    surroundings::mark();
    let folder = tempfile::tempdir().unwrap_or_else(|error| surroundings::refuse(&error.to_string()));
    surroundings::stay_inside(folder.path());
    if given.soak.is_some() {
        raw::keep_heap_small();
    }
    let command = format!(
        "cargo run -p claude-chaos -- --seed {} --seconds {} --threads {} --round-seconds {}",
        given.seed, given.seconds, given.threads, given.round_seconds
    );
    println!("chaos: {command}");
    drop(SETTINGS.set(given.clone()));
    watch::start(command, Duration::from_secs(given.limit_seconds));
    moods::prepare(folder.path());
    if let Some((hours, csv)) = &given.soak {
        return soak::run(&given, *hours, csv);
    }
    let mut rounds = round::Rounds::new();
    let end = Instant::now() + Duration::from_secs(given.seconds);
    while rounds.count() == 0 || Instant::now() < end {
        rounds.run(&given, end, |_| Vec::new());
    }
    rounds.judge();
    let never: Vec<&str> = raw::called().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect();
    let calls: u64 = raw::called().map(|(_, count)| count).sum();
    println!(
        "chaos: seed {}: {} rounds, {calls} calls of {} functions, {} tokens, {} forks, \
         {} callbacks left: every promise kept",
        given.seed,
        rounds.count(),
        raw::NAMES.len() - never.len(),
        rounds.tokens(),
        raw::FORKS.load(Ordering::Relaxed),
        token::LEFT.load(Ordering::Relaxed),
    );
    if !never.is_empty() {
        println!("chaos: in this time never called: {}", never.join(" "));
    }
    drop(folder);
}
