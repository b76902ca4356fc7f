//! What a quick run leaves out.
//!
//! The variable `CLAUDE_TESTS_QUICK` names a file, to which each test that is left out adds a line: `NAME: WHY`. Without it nothing
//! is left out.

use std::io::Write;

/// Whether this is a quick run, which leaves out the calling test for that reason.
pub fn leaves_out(why: &str) -> bool {
    let Some(path) = std::env::var_os("CLAUDE_TESTS_QUICK").filter(|path| !path.is_empty()) else {
        return false;
    };
    // The threads of the test harness bear the names of their tests.
    let line = format!("{}: {why}\n", std::thread::current().name().unwrap_or("?"));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("a test that is left out is noted");
    true
}

/// For a test that takes more than five seconds on an idle machine, whatever it waits for.
pub fn takes_long() -> bool {
    leaves_out("takes long")
}
