//! The bindings that lie here: what a program of each language copies compiles, runs, and prints what it should. `make
//! test-bindings` holds the conversations of bindings/conformance with each of them.
#![cfg(unix)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::header::{CXX, known};
use crate::support::packaging::{library_folder, need, read, root, run};
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::{Loopback, Sandbox};
use serde_json::{Value, json};

const STRICT: &[&str] =
    &["-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Wshadow", "-Wold-style-cast", "-Wundef", "-Werror"];
const WITHOUT: &[&str] = &["-fno-exceptions", "-fno-rtti"];

fn compiler(name: &str, source: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(STRICT).args(flags).arg("-I").arg(root().join("include")).arg(source);
    command
}

/// Compiles a C++ program; `name` tells it from others of the same source.
fn program(source: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let program = library_folder().join(name);
    let mut command = compiler("g++", source, &[flags, &["-g", "-pthread"]].concat());
    command.arg("-L").arg(library_folder()).arg("-lclaude_client");
    command.arg(format!("-Wl,-rpath,{}", library_folder().display())).arg("-o").arg(&program);
    run(&mut command);
    program
}

fn test_source(name: &str) -> PathBuf {
    root().join("bindings/cpp/tests").join(name)
}

/// What a program prints with the stand-in CLI.
fn output_with_fake(program: &Path, script: Value) -> String {
    let fake = FakeClaude::new(script);
    let mut command = fake.sandbox().command(program);
    run(command.env("CLAUDE_CLIENT_CLI", fake.path()))
}

/// The first block of a page in that language.
fn block(page: &str, language: &str) -> String {
    let text = read(page);
    let begins = format!("```{language}\n");
    let (_, rest) = text.split_once(&begins).unwrap_or_else(|| panic!("{page} shows no {language}"));
    rest.split_once("```").expect("the block ends").0.to_owned()
}

/// Compiles everything that is there in every standard that this compiler has, with exceptions and without.
fn every_standard(name: &str) {
    for names in CXX.iter().filter(|names| !["c++11", "c++14"].contains(&names[0])) {
        let standard = known(name, "c++", names);
        let syntax: &[&str] = &[&standard, "-fsyntax-only"];
        let without = [syntax, WITHOUT].concat();
        run(&mut compiler(name, &test_source("throwing.cpp"), syntax));
        if standard == "-std=c++17" {
            run(&mut compiler(name, &test_source("returning.cpp"), &without));
            run(&mut compiler(name, &root().join("bindings/cpp/conformance.cpp"), syntax));
        } else {
            run(&mut compiler(name, &test_source("coroutines.cpp"), &without));
        }
    }
}

#[test]
fn gcc_takes_the_cpp_header_in_every_standard() {
    if need("g++", "g++") {
        every_standard("g++");
    }
}

#[test]
fn clang_takes_the_cpp_header_in_every_standard() {
    if need("clang++-19", "clang-19") {
        every_standard("clang++-19");
    }
}

#[test]
fn without_exceptions_failures_are_values() {
    if !need("g++", "g++") {
        return;
    }
    let program = program(&test_source("returning.cpp"), "returning", &[&["-std=c++17"], WITHOUT].concat());
    assert_eq!(
        output_with_fake(&program, json!({})),
        "CLAUDE_ERR_INVALID_OPTION\nCLAUDE_ERR_NOT_CONNECTED\nHello!\nAnd again?\nCLAUDE_ERR_INVALID_ARGUMENT\n\
         CLAUDE_ERR_SESSION_IN_USE\nCLAUDE_ERR_ALREADY_CONNECTED\nCLAUDE_ERR_INVALID_ARGUMENT\n\
         CLAUDE_ERR_ALREADY_CONNECTED\nCLAUDE_ERR_INVALID_OPTION\nCLAUDE_ERR_ALREADY_CONNECTED\nClaimed?\nCLAUDE_ERR_CLOSED\n"
    );
}

#[test]
fn exceptions_come_out_of_the_call_that_waits() {
    if !need("g++", "g++") {
        return;
    }
    let flags = ["-std=c++17", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let program = program(&test_source("throwing.cpp"), "throwing", &flags);
    assert_eq!(output_with_fake(&program, json!({})), "every exception came out\n");
}

#[test]
fn coroutines_wait_for_answers_and_operations() {
    if !need("g++", "g++") {
        return;
    }
    let flags: &[&str] = &["-std=c++20", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    for (name, more) in [("coroutines", [].as_slice()), ("coroutines-without", WITHOUT)] {
        let program = program(&test_source("coroutines.cpp"), name, &[flags, more].concat());
        assert_eq!(
            output_with_fake(&program, json!({})),
            "one\nleft\ntwo\n[]\nCLAUDE_ERR_CONTROL\nout of the coroutine\nof a spare\nCLAUDE_ERR_ALREADY_CONNECTED\n"
        );
    }
}

/// A program with the real CLI: what it prints, and what the API was asked.
fn output_with_real_cli(cli: &OsStr, command: impl FnOnce(&Sandbox) -> Command) -> String {
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", cli);
    run(&mut command(&sandbox))
}

#[test]
fn the_agent_in_cpp_is_short_and_does_all_that_it_says() {
    let Some(cli) = real_cli_or_skip("the_agent_in_cpp") else { return };
    if !need("g++", "g++") {
        return;
    }
    let source = root().join("bindings/cpp/agent.cpp");
    assert!(read("bindings/cpp/agent.cpp").lines().count() <= 45);
    let program = program(&source, "agent", &["-std=c++17"]);
    let output = output_with_real_cli(cli.as_ref(), |sandbox| {
        let mut command = sandbox.command(&program);
        command.stdin(std::process::Stdio::null());
        command
    });
    let parts = [
        "word1 word2",
        "[turn ended: success]",
        "The tool said: Good day, Ann!",
        "May it use Write with {",
        "The user said no.",
        "[turn ended: error_during_execution]",
        "context: ",
    ];
    let mut rest = output.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not where it belongs in\n{output}"));
        rest = &rest[at + part.len()..];
    }
}

/// The program of a page, as it stands there.
#[test]
fn the_cpp_program_of_each_page_runs_with_the_real_cli() {
    let Some(cli) = real_cli_or_skip("the_cpp_program_of_each_page") else { return };
    if !need("g++", "g++") {
        return;
    }
    for (page, name) in [("bindings/cpp/README.md", "readme"), ("docs/cpp.md", "article")] {
        let source = library_folder().join(format!("{name}.cpp"));
        std::fs::write(&source, block(page, "cpp")).expect("write the source");
        let program = program(&source, name, &["-std=c++17"]);
        let output = output_with_real_cli(cli.as_ref(), |sandbox| sandbox.command(&program));
        assert_eq!(output, "The capital of France is Paris.\n", "{page}");
    }
}

#[test]
fn what_is_generated_is_fresh() {
    if need("python3", "python3") {
        run(Command::new(root().join("bindings/generate")).arg("--check"));
    }
}

/// Every case has what each runner needs, and its number is its own.
#[test]
fn the_cases_of_the_conformance_script_are_whole() {
    let folder = root().join("bindings/conformance/cases");
    let mut names = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the cases").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a case");
        let case: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{entry:?}: {error}"));
        assert!(case["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{entry:?}");
        assert!(case["expect"].as_array().is_some_and(|lines| !lines.is_empty()), "{entry:?}");
        assert!(case["fake"].is_object() != (case["real"] == true), "{entry:?}: a script, or the real CLI");
        for (binding, reason) in case["lacks"].as_object().into_iter().flatten() {
            assert!(
                reason.as_str().is_some_and(|text| text.len() >= 8),
                "{entry:?}: why does {binding} lack it?"
            );
        }
        assert!(names.insert(case["name"].as_str().expect("a name").to_owned()), "{entry:?}: the same name");
    }
    assert!(names.len() >= 20, "{names:?}");
}
