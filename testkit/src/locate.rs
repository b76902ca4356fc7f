//! Where the programs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The real CLI: `$CLAUDE_TESTKIT_CLI`, else the copy that `testkit/install-cli.sh build/cli` makes.
/// `None` when there is neither.
pub fn real_cli() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CLAUDE_TESTKIT_CLI").filter(|value| !value.is_empty()) {
        return Some(path.into());
    }
    let installed = workspace().join("build/cli/node_modules/.bin/claude");
    installed.exists().then_some(installed)
}

/// The version of [`real_cli`], as it says itself: not the pinned one when `$CLAUDE_TESTKIT_CLI` names another.
///
/// # Panics
/// When there is none, or it does not say.
pub fn real_cli_version() -> String {
    let cli = real_cli().expect("the real CLI is installed");
    let output = crate::Sandbox::new().command(&cli).arg("--version").output().expect("start the CLI");
    let said = String::from_utf8_lossy(&output.stdout);
    said.split_whitespace().next().expect("a version").to_owned()
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

/// `cargo test --workspace` leaves the binaries beside the tests; `cargo test -p other` does not build them, so those that
/// lie there may be of older sources, and would pretend to be another version of the CLI.
fn own_binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("path of this program");
    let mut folder = test.parent().expect("program in a folder").to_owned();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if is_stale(&binary, Path::new(env!("CARGO_MANIFEST_DIR"))) {
        build_binaries(&folder);
    }
    assert!(binary.exists(), "{} is missing; run `cargo build -p claude-testkit --bins`", binary.display());
    binary
}

/// Whether a program is missing, or older than what it is built from.
fn is_stale(binary: &Path, kit: &Path) -> bool {
    let Some(built) = changed(binary) else { return true };
    let parts = ["src", "Cargo.toml", "CLI_VERSION"].map(|part| newest(&kit.join(part)));
    parts.into_iter().flatten().any(|changed| changed > built)
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

/// When the newest file at or below a path was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else { return changed(path) };
    entries.flatten().filter_map(|entry| newest(&entry.path())).max()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_older_than_a_source_or_the_version_of_the_cli_is_built_anew() {
        let kit = tempfile::tempdir().unwrap();
        let file = |name: &str, second: u64| {
            let path = kit.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).unwrap();
            path
        };
        for name in ["Cargo.toml", "CLI_VERSION", "src/lib.rs", "src/bin/one/main.rs"] {
            file(name, 10);
        }
        let program = kit.path().join("program");
        assert!(is_stale(&program, kit.path()), "it is missing");
        file("program", 20);
        assert!(!is_stale(&program, kit.path()));
        for name in ["CLI_VERSION", "src/bin/one/main.rs"] {
            file(name, 30);
            assert!(is_stale(&program, kit.path()), "{name}");
            file(name, 10);
        }
    }
}
