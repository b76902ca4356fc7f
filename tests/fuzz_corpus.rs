//! The inputs that the fuzzers found worth keeping, run through the same functions without a fuzzer; so are those that have
//! once found a fault, which have names that say which.
#![cfg(unix)]
#![allow(clippy::disallowed_methods)] // A host's side of the boundary: it reads what the library gives.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::path::PathBuf;
use std::sync::Mutex;

/// The targets that count what is alive in the process must not run beside each other.
static ALONE: Mutex<()> = Mutex::new(());

/// The name of the input goes before what is said about it.
fn replay(target: &str, run: fn(&[u8])) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "the corpus is gone: {}", folder.display());
    for input in inputs {
        let bytes = std::fs::read(&input).unwrap();
        eprintln!("{}", input.display());
        run(&bytes);
    }
}

#[test]
fn stdout_gives_the_same_messages_however_it_is_cut() {
    replay("stdout", fuzz::stdout::run);
}

#[test]
fn a_no_of_the_host_is_no_go_ahead_for_the_cli() {
    fuzz::answers::self_check();
    replay("answers", fuzz::answers::run);
}

#[test]
fn an_option_document_is_refused_with_its_place_or_makes_a_launch() {
    replay("options", fuzz::options::run);
}

#[test]
fn pushes_of_a_transport_give_the_messages_and_one_end() {
    replay("transport", fuzz::transport::run);
}

#[test]
fn a_record_is_refused_with_its_place_or_plays_to_one_end() {
    replay("record", fuzz::record::run);
}

#[test]
fn pointers_find_what_another_parser_finds() {
    replay("pointer", fuzz::pointer::run);
}

#[test]
fn calls_in_any_order_complete_once_and_leave_nothing() {
    replay("calls", fuzz::calls::run);
}
