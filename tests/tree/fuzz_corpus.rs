//! The inputs that the fuzzers found worth keeping, run through the same functions without a fuzzer; so are those that have
//! once found a fault, which have names that say which. Each is run with a few changes as well, the same ones each time;
//! `CLAUDE_FUZZ_ROUNDS` makes it more of them.
#![cfg(unix)]
#![allow(clippy::disallowed_methods)] // A host's side of the boundary: it reads what the library gives.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::path::PathBuf;
use std::sync::Mutex;

/// The targets that count what is alive in the process must not run beside each other.
static ALONE: Mutex<()> = Mutex::new(());

fn replay(target: &str, rounds: usize, run: fn(&[u8])) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    let inputs: Vec<Vec<u8>> = inputs.iter().map(|input| std::fs::read(input).unwrap()).collect();
    assert!(inputs.len() >= 3, "the corpus is gone: {}", folder.display());
    let rounds =
        std::env::var("CLAUDE_FUZZ_ROUNDS").map_or(rounds, |rounds| rounds.parse().expect("a number"));
    let mut dice = Dice(1);
    for input in &inputs {
        tried(run, input);
        for _ in 0..rounds {
            tried(run, &dice.changed(input, &inputs));
        }
    }
}

/// What fails is shown as it was.
fn tried(run: fn(&[u8]), input: &[u8]) {
    if let Err(cause) = std::panic::catch_unwind(|| run(input)) {
        eprintln!("the input is: {}", input.escape_ascii());
        std::panic::resume_unwind(cause);
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    /// Some bytes changed, left out, doubled, or taken from another input.
    fn changed(&mut self, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        const BYTES: &[u8] = b"\"\\{}[]:,0a-.eE \n\t\x00\x80\xff_u";
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            let (from, length) = (self.below(bytes.len()), self.below(12));
            let range = from..(from + length).min(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(range)),
                1 => bytes.extend_from_within(range),
                2 => {
                    let other = &others[self.below(others.len())];
                    let at = self.below(other.len());
                    let part = other[at..(at + length * 4).min(other.len())].to_vec();
                    drop(bytes.splice(from..from, part));
                }
                3 => bytes.insert(from, BYTES[self.below(BYTES.len())]),
                _ if bytes.is_empty() => {}
                4 => bytes[from] = BYTES[self.below(BYTES.len())],
                _ => bytes[from] ^= 1 << self.below(8),
            }
        }
        bytes
    }
}

#[test]
fn stdout_gives_the_same_messages_however_it_is_cut() {
    replay("stdout", 20, fuzz::stdout::run);
}

#[test]
fn a_no_of_the_host_is_no_go_ahead_for_the_cli() {
    fuzz::answers::self_check();
    replay("answers", 20, fuzz::answers::run);
}

#[test]
fn an_option_document_is_refused_with_its_place_or_makes_a_launch() {
    replay("options", 20, fuzz::options::run);
}

#[test]
fn pushes_of_a_transport_give_the_messages_and_one_end() {
    replay("transport", 2, fuzz::transport::run);
}

#[test]
fn a_record_is_refused_with_its_place_or_plays_to_one_end() {
    replay("record", 20, fuzz::record::run);
}

#[test]
fn pointers_find_what_another_parser_finds() {
    replay("pointer", 50, fuzz::pointer::run);
}

#[test]
fn calls_in_any_order_complete_once_and_leave_nothing() {
    replay("calls", 1, fuzz::calls::run);
}

#[test]
fn any_bytes_are_a_session_or_none_and_a_copy_is_whole() {
    replay("sessions", 20, fuzz::sessions::run);
}
