//! What `.ci/run` makes of its tests, which is in `.ci/verdict.sh`: fed with made-up logs of cargo.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::packaging::{read, root, run};
use tempfile::TempDir;

const LIST: &str = "tests/unsteady.txt";

/// A program whose tests all passed.
const GOOD: &str = "     Running tests/good/main.rs (target/debug/deps/good-1)

running 2 tests
test one ... ok
test part::two ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

";

/// One with a test that failed.
const BAD: &str = "     Running tests/bad/main.rs (target/debug/deps/bad-1)

running 3 tests
test part::three ... ok
test part::four ... FAILED
test part::five ... ignored

failures:
    part::four

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

error: test failed, to rerun pass `-p made-up --test bad`
";

/// One that crashed behind a test that failed.
const CRASHED: &str = "     Running tests/crashed/main.rs (target/debug/deps/crashed-1)

running 2 tests
test part::four ... FAILED
error: test failed, to rerun pass `--test crashed`

Caused by:
  process didn't exit successfully: `target/debug/deps/crashed-1` (signal: 11, SIGSEGV: invalid memory reference)
";

const DOCTEST: &str = "   Doc-tests made_up

running 1 test
test src/lib.rs - (line 5) ... FAILED

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

error: doctest failed, to rerun pass `--doc`
";

struct Check {
    folder: TempDir,
    /// How often a test passes before it fails, when it is tried again.
    passes: u32,
}

impl Check {
    fn new(log: &str, list: &str) -> Check {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("log"), log).expect("write the log");
        fs::write(folder.path().join("list"), list).expect("write the list");
        Check { folder, passes: 0 }
    }

    fn when_it_passes(mut self, passes: u32) -> Check {
        self.passes = passes;
        self
    }

    /// What the functions print. Instead of a test they run a count.
    fn says(&self, script: &str) -> String {
        let one_test = format!(
            "one_test() {{ echo \"$1|$2\" >>tried; [ \"$(wc -l <tried)\" -le {} ]; }}\n",
            self.passes
        );
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &format!(". \"$0\"\n{one_test}{script}")]);
        run(bash.arg(root().join(".ci/verdict.sh")).current_dir(self.folder.path()))
    }

    /// The judgement, and the last line after it.
    fn judged(&self) -> (String, String) {
        let said = self.says("judge log list\nlast_line log \"$excused\" 0");
        let (judgement, line) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim_end()));
        (judgement.to_owned(), line.to_owned())
    }

    fn tries(&self) -> usize {
        fs::read_to_string(self.folder.path().join("tried")).unwrap_or_default().lines().count()
    }
}

/// What is wrong with a list on the 30th of November.
fn faults(list: &str) -> String {
    Check::new("", list).says("faults_of list 2026-11-30")
}

#[test]
fn a_log_is_added_up() {
    let check = Check::new(&[GOOD, BAD].concat(), "");
    assert_eq!(check.says("counts log"), "3 1 1\n");
    assert_eq!(check.says("last_line log 0 0"), "3 passed, 1 failed, 1 skipped\n");
    assert_eq!(check.says("failed_tests log"), "-p made-up --test bad\tpart::four\n");
}

#[test]
fn a_skip_that_a_test_tells_of_counts() {
    assert_eq!(
        Check::new(&[GOOD, "SKIPPED: valgrind is missing\n"].concat(), "").says("counts log"),
        "2 0 1\n"
    );
}

#[test]
fn a_step_that_fails_counts_as_a_test_that_does() {
    assert_eq!(Check::new(GOOD, "").says("last_line log 0 2"), "2 passed, 2 failed, 0 skipped\n");
}

#[test]
fn a_program_that_crashes_counts_as_failed_and_is_never_excused() {
    let check =
        Check::new(&[CRASHED, GOOD].concat(), "2026-11-30 part::four it crashes\n").when_it_passes(99);
    assert_eq!(check.says("counts log"), "2 1 0\n");
    assert_eq!(check.judged(), ("FAILED: --test crashed".into(), "2 passed, 1 failed, 0 skipped".into()));
    assert_eq!(check.tries(), 0);
}

#[test]
fn what_was_not_built_and_examples_of_the_documentation_count_as_failed() {
    let compile = "error: could not compile `made-up` (test \"bad\") due to 1 previous error\n";
    assert_eq!(Check::new(compile, "").says("last_line log 0 0"), "0 passed, 1 failed, 0 skipped\n");
    let check = Check::new(&[GOOD, DOCTEST].concat(), "");
    assert_eq!(check.judged(), ("FAILED: --doc".into(), "2 passed, 1 failed, 0 skipped".into()));
}

#[test]
fn a_test_that_fails_again_is_broken_listed_or_not() {
    for list in ["", "2026-11-30 part::four it is late\n"] {
        let check = Check::new(BAD, list);
        assert_eq!(
            check.judged(),
            ("FAILED: part::four fails again".into(), "1 passed, 1 failed, 1 skipped".into())
        );
        assert_eq!(check.tries(), 1);
    }
}

#[test]
fn an_unsteady_test_counts_as_failed_unless_it_is_listed() {
    // A longer name is another test; a line without a cause lists nothing.
    for list in [
        "",
        "2026-11-30 part::fourteen it is late\n",
        "2026-11-30 part::four\n",
        "# 2026-11-30 part::four no\n",
    ] {
        let (judgement, line) = Check::new(BAD, list).when_it_passes(3).judged();
        assert!(judgement.contains("part::four is unsteady, it passed 3 times"), "{judgement}");
        assert_eq!(line, "1 passed, 1 failed, 1 skipped", "{list}");
    }
    let check = Check::new(BAD, "2026-11-30 part::four it is late\n").when_it_passes(3);
    let (judgement, line) = check.judged();
    assert!(judgement.starts_with("UNSTEADY"), "{judgement}");
    assert_eq!((line.as_str(), check.tries()), ("2 passed, 0 failed, 1 skipped", 4));
}

#[test]
fn a_test_is_tried_until_it_fails_but_not_for_ever() {
    let check = Check::new(BAD, "").when_it_passes(99);
    assert_eq!(check.judged().1, "1 passed, 1 failed, 1 skipped");
    assert_eq!(check.tries(), 10);
    let check = Check::new(BAD, "").when_it_passes(99);
    check.says("LONGEST=0; judge log list");
    assert_eq!(check.tries(), 1, "its time was over");
}

#[test]
fn many_failures_are_no_chance_and_are_not_tried_again() {
    let check = Check::new(&BAD.repeat(6), "2026-11-30 part::four it is late\n").when_it_passes(99);
    assert_eq!(check.judged().1, "6 passed, 6 failed, 6 skipped");
    assert_eq!(check.tries(), 0);
}

#[test]
fn a_list_is_of_dates_tests_and_causes_of_the_last_fourteen_days() {
    assert_eq!(faults("# A remark.\n\n2026-11-16 part::four it is late\n2026-11-30 one it is late\n"), "");
    assert_eq!(
        faults("2026-11-15 part::four it is late\n"),
        "list:1: part::four: unsteady for 15 days, 14 at most: mend it\n"
    );
    assert_eq!(faults("\n2026-12-01 one it is late\n"), "list:2: one: its date is to come\n");
    for line in
        ["2026-11-30 one\n", "one it is late\n", "2026-13-30 one it is late\n", "30.11.2026 one it is late\n"]
    {
        assert_eq!(faults(line), "list:1: not a date, a test and a cause\n", "{line}");
    }
    let twice = "2026-11-30 one it is late\n2026-11-30 one it is slow\n";
    assert_eq!(faults(twice), "list:2: one is there twice\n");
}

fn functions_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("read a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions_below(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("read a source");
            let word =
                |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
            names.extend(text.split("fn ").skip(1).filter_map(word));
        }
    }
}

#[test]
fn every_test_of_the_list_is_there() {
    let mut functions = BTreeSet::new();
    ["src", "tests", "testkit"]
        .iter()
        .for_each(|folder| functions_below(&root().join(folder), &mut functions));
    for line in read(LIST).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let name = line.split_whitespace().nth(1).unwrap_or_default();
        let function = name.rsplit("::").next().unwrap_or_default();
        assert!(functions.contains(function), "{LIST}: there is no test {name}");
    }
}
