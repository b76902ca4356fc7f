//! Where the programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The real CLI: `$CLAUDE_TESTKIT_CLI`, else the copy that `testkit/install-cli.sh build/cli` makes.
/// `None` when there is neither.
pub fn real_cli() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CLAUDE_TESTKIT_CLI").filter(|value| !value.is_empty()) {
        return Some(path.into());
    }
    let installed = workspace().join("build/cli/node_modules/.bin/claude");
    installed.exists().then_some(installed)
}

/// [`real_cli`] for tests: without it the test must end early, loudly; `CLAUDE_TESTS_NO_SKIP=1` makes that a failure.
///
/// # Panics
/// When there is no CLI and skipping is forbidden.
pub fn real_cli_or_skip(test: &str) -> Option<PathBuf> {
    let found = real_cli();
    if found.is_none() {
        let hint = "run `sh testkit/install-cli.sh build/cli` or set CLAUDE_TESTKIT_CLI";
        let forbidden = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!forbidden, "{test}: the real CLI is missing and CLAUDE_TESTS_NO_SKIP=1; {hint}");
        eprintln!("SKIPPED {test}: the real CLI is not installed; {hint}");
    }
    found
}

/// The stand-in CLI, built if need be.
pub fn fake_cli() -> PathBuf {
    own_binary("fake-claude")
}

/// The loopback API as a program, built if need be.
pub fn loopback_bin() -> PathBuf {
    own_binary("loopback-api")
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("testkit lies in the workspace")
}

/// `cargo test --workspace` leaves the binaries beside the tests; `cargo test -p other` does not build them.
fn own_binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("path of this program");
    let mut folder = test.parent().expect("program in a folder").to_owned();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        build_binaries(&folder);
    }
    assert!(binary.exists(), "{} is missing; run `cargo build -p claude-testkit --bins`", binary.display());
    binary
}

fn build_binaries(folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).args(["build", "--quiet", "-p", "claude-testkit", "--bins"]);
    if folder.ends_with("release") {
        command.arg("--release");
    }
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(|s| s.success()),
        "could not build the test kit's binaries ({status:?}); run `cargo build -p claude-testkit --bins`"
    );
}
