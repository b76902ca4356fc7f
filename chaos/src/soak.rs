//! The long run: chaos at a walking pace beside ordinary long conversations, some of them with the real CLI, in one process;
//! samples of what the process has, and a judgement whether that grows.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::conversation::{self, TURNS};
use crate::raw::{called, heap_bytes};
use crate::round::Rounds;
use crate::surroundings::{descendants, descriptors, threads};
use crate::{Settings, surroundings};

const SAMPLE: Duration = Duration::from_secs(5);

/// What the process has at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    seconds: f64,
    /// Everything has been given back: what is left is what stays.
    quiet: bool,
    resident_kib: u64,
    heap_kib: u64,
    threads: usize,
    descriptors: usize,
    children: usize,
    calls: u64,
    turns: u64,
}

const HEADER: &str = "seconds,quiet,resident_kib,heap_kib,threads,descriptors,children,calls,turns";

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn sample(start: Instant, quiet: bool) -> Sample {
    Sample {
        seconds: start.elapsed().as_secs_f64(),
        quiet,
        resident_kib: resident_kib(),
        heap_kib: heap_bytes() as u64 / 1024,
        threads: threads(),
        descriptors: descriptors().len(),
        children: descendants().len(),
        calls: called().map(|(_, count)| count).sum(),
        turns: TURNS.load(Ordering::Relaxed),
    }
}

impl Sample {
    fn line(&self) -> String {
        format!(
            "{:.1},{},{},{},{},{},{},{},{}",
            self.seconds,
            u8::from(self.quiet),
            self.resident_kib,
            self.heap_kib,
            self.threads,
            self.descriptors,
            self.children,
            self.calls,
            self.turns
        )
    }
}

/// The stand-in API as a process of its own: what it keeps is not this process's memory.
fn start_api() -> Option<(Child, String)> {
    let mut api = Command::new(claude_testkit::loopback_bin())
        .arg("--exit-with-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It is not one of the library's children.
        .env_remove(surroundings::MARK)
        .spawn()
        .ok()?;
    let mut url = String::new();
    BufReader::new(api.stdout.take()?).read_line(&mut url).ok()?;
    Some((api, url.trim().to_owned()))
}

/// What has been measured, in memory for the judgement and in the file for the picture.
struct Samples {
    all: Vec<Sample>,
    file: File,
}

impl Samples {
    fn keep(&mut self, sample: Sample) {
        drop(writeln!(self.file, "{}", sample.line()));
        self.all.push(sample);
    }
}

pub fn run(settings: &Settings, hours: f64, csv: &Path) {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(hours * 3600.0);
    let api = claude_testkit::locate::real_cli().and_then(|cli| Some((cli, start_api()?)));
    match &api {
        Some((_, (child, _))) => surroundings::expect(child.id()),
        None => println!("soak: without the real CLI (make cli installs it)"),
    }
    let mut file = File::create(csv).unwrap_or_else(|error| surroundings::refuse(&error.to_string()));
    drop(writeln!(file, "{HEADER}"));
    let samples = Arc::new(Mutex::new(Samples { all: Vec::new(), file }));
    let stop = Arc::new(AtomicBool::new(false));
    let sampler = start_sampler(start, &stop, &samples);
    let mut rounds = Rounds::new();
    while Instant::now() < end {
        let real = api.as_ref().map(|(cli, (_, url))| (cli.as_path(), url.as_str()));
        rounds.run(settings, end, |until| beside(until, real));
        let quiet = sample(start, true);
        println!("soak: {}", quiet.line());
        lock(&samples).keep(quiet);
    }
    stop.store(true, Ordering::Relaxed);
    drop(sampler.join());
    if let Some((_, (mut child, _))) = api {
        drop(child.stdin.take());
        drop(child.wait());
    }
    judge(&lock(&samples).all, rounds.tokens());
}

fn lock(samples: &Mutex<Samples>) -> MutexGuard<'_, Samples> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start_sampler(start: Instant, stop: &Arc<AtomicBool>, samples: &Arc<Mutex<Samples>>) -> JoinHandle<()> {
    let (stop, samples) = (Arc::clone(stop), Arc::clone(samples));
    std::thread::spawn(move || {
        let mut next = Instant::now() + SAMPLE;
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
            if Instant::now() >= next {
                let taken = sample(start, false);
                lock(&samples).keep(taken);
                next += SAMPLE;
            }
        }
    })
}

fn beside(until: Instant, real: Option<(&Path, &str)>) -> Vec<JoinHandle<()>> {
    let mut threads: Vec<_> =
        (0..2).map(|mode| std::thread::spawn(move || conversation::ordinary(mode, until))).collect();
    if let Some((cli, url)) = real {
        let (cli, url) = (cli.to_owned(), url.to_owned());
        threads.push(std::thread::spawn(move || conversation::real(&cli, &url, until)));
    }
    threads
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The median of all slopes between two samples, in units per hour: one odd sample does not move it.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let pairs = samples.iter().enumerate().flat_map(|(at, a)| samples[at + 1..].iter().map(move |b| (a, b)));
    median(pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0) * 3600.0).collect())
}

/// One quantity, and how much it may grow from the first third to the last, and by the hour.
struct Bound {
    name: &'static str,
    of: fn(&Sample) -> f64,
    grows: f64,
    by_the_hour: f64,
}

const WHEN_QUIET: [Bound; 2] = [
    Bound { name: "resident memory, KiB", of: |s| s.resident_kib as f64, grows: 4096.0, by_the_hour: 4096.0 },
    Bound { name: "heap, KiB", of: |s| s.heap_kib as f64, grows: 256.0, by_the_hour: 256.0 },
];

const WHEN_BUSY: [Bound; 3] = [
    Bound { name: "threads", of: |s| s.threads as f64, grows: 2.0, by_the_hour: 4.0 },
    Bound { name: "descriptors", of: |s| s.descriptors as f64, grows: 4.0, by_the_hour: 8.0 },
    Bound { name: "child processes", of: |s| s.children as f64, grows: 3.0, by_the_hour: 6.0 },
];

/// The first sixth is for what is made once. Of the rest, the last third must not have more than the first, and the trend
/// must not rise. When everything has been given back, threads, descriptors and children were compared one by one already.
fn judge(samples: &[Sample], tokens: usize) {
    let Some(last) = samples.last() else { return };
    let warm = last.seconds / 6.0;
    let mut grown = String::new();
    for (quiet, bounds) in [(true, &WHEN_QUIET[..]), (false, &WHEN_BUSY[..])] {
        let kept: Vec<&Sample> = samples.iter().filter(|s| s.quiet == quiet && s.seconds > warm).collect();
        for bound in bounds {
            let third = kept.len() / 3;
            let mean =
                |part: &[&Sample]| part.iter().map(|s| (bound.of)(s)).sum::<f64>() / part.len().max(1) as f64;
            let (first, second) = (mean(&kept[..third]), mean(&kept[kept.len() - third..]));
            let points: Vec<(f64, f64)> = kept.iter().map(|s| (s.seconds, (bound.of)(s))).collect();
            let slope = slope(&points);
            let when = if quiet { "given back" } else { "at work" };
            println!("soak: {} ({when}): {first:.1} to {second:.1}, {slope:+.1} an hour", bound.name);
            if third > 0 && second - first > bound.grows && slope > bound.by_the_hour {
                let _ = writeln!(grown, "{} grew from {first:.1} to {second:.1}", bound.name);
            }
        }
    }
    println!(
        "soak: {:.2} hours, {} calls, {} turns of ordinary conversations, {} of them with the real CLI, {tokens} tokens",
        last.seconds / 3600.0,
        last.calls,
        last.turns,
        conversation::REAL_TURNS.load(Ordering::Relaxed)
    );
    if !grown.is_empty() {
        crate::watch::violation(&grown);
    }
    println!("soak: every promise kept, nothing grew");
}
