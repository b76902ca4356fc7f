//! `SECURITY.md` names a test for every promise, and every test that it names is there; and promises without a subject of
//! their own.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::packaging::{read, root};
use crate::support::program::{self, Variant};
use claude_testkit::fake::FakeClaude;
use serde_json::json;

/// Functions marked as tests below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            tests_below(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).expect("a source");
            found.extend(tests_in(&text));
        }
    }
}

fn tests_in(text: &str) -> impl Iterator<Item = String> {
    text.split("#[test]").skip(1).filter_map(|rest| {
        // Other attributes may stand between the mark and the name.
        let name = rest.split_once("fn ")?.1;
        Some(name.split('(').next()?.to_owned())
    })
}

fn all_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    ["tests", "src", "testkit"].iter().for_each(|folder| tests_below(&root().join(folder), &mut found));
    found
}

/// The rows of the tables with a column of tests: the promise, and what keeps it.
fn promises() -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    for line in
        read("SECURITY.md").lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise "))
    {
        let cells: Vec<&str> = line.trim_matches('|').rsplitn(2, " | ").collect();
        let names = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        rows.push((cells[1].trim().to_owned(), names));
    }
    rows
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let tests = all_tests();
    let promises = promises();
    assert!(promises.len() > 25 && tests.len() > 900, "{} promises, {} tests", promises.len(), tests.len());
    for (promise, names) in promises {
        assert!(!names.is_empty(), "no test keeps this: {promise}");
        for name in names {
            assert!(tests.contains(&name), "there is no test `{name}`, which is to keep this: {promise}");
        }
    }
}

#[test]
fn a_name_in_a_text_or_of_a_helper_is_no_test() {
    let text =
        "#[test]\n#[cfg(unix)]\nfn one() {}\nfn two() {}\n// #[ignore] fn three()\n#[test]\nfn four() {}\n";
    assert_eq!(tests_in(text).collect::<Vec<_>>(), ["one", "four"]);
}

/// A folder that belongs to whoever wrote the project which the user has opened.
#[test]
fn a_relative_folder_in_path_is_passed_over() {
    let fake = FakeClaude::new(json!({}));
    let (work, good) = (fake.sandbox().work(), fake.sandbox().root().join("good"));
    for folder in [work.clone(), work.join("planted"), good.clone()] {
        fs::create_dir_all(&folder).expect("a folder");
    }
    for planted in [work.join("claude"), work.join("planted/claude")] {
        fs::write(&planted, format!("#!/bin/sh\ntouch '{}'\n", work.join("ran").display()))
            .expect("a program");
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    symlink(fake.path(), good.join("claude")).expect("a link");
    let path = format!("planted:.::./planted:{}:/usr/bin:/bin", good.display());
    let mut env = fake.env_json();
    env["PATH"] = json!(path);
    let options = json!({"cwd": work, "env": env, "env_mode": "only"});
    let mut host = program::command(fake.sandbox(), "leaves", Variant::Plain, &options, &["return"]);
    let output = host.env("PATH", &path).current_dir(&work).output().expect("the host runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ready\n", "{output:?}");
    assert!(!work.join("ran").exists() && fake.log().starts() == 1);
}
