//! Which library the C programs of the tests load, and what compiles them. `make tsan` runs the same tests against a library of
//! its own, with another compiler.
#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder of a library that was not built together with this test.
pub fn other_library() -> Option<PathBuf> {
    variable("CLAUDE_TESTS_LIBRARY_FOLDER").map(PathBuf::from)
}

/// The compiler for C programs, with the flags that all of them get.
pub fn c_compiler() -> Command {
    compiler("CC", "cc")
}

/// As [`c_compiler`], for C++.
pub fn cpp_compiler() -> Command {
    compiler("CXX", "c++")
}

fn compiler(name: &str, default: &str) -> Command {
    let mut command = Command::new(variable(name).unwrap_or_else(|| default.into()));
    if let Some(flags) = variable("CLAUDE_TESTS_CFLAGS") {
        command.args(flags.to_string_lossy().split_whitespace());
    }
    command
}

/// What a program that was compiled so needs beside the variables of its sandbox.
pub fn variables() -> Option<(&'static str, OsString)> {
    variable("TSAN_OPTIONS").map(|value| ("TSAN_OPTIONS", value))
}
