//! Where the programs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::quick::leaves_out;

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

/// [`real_cli`] for tests. Without it, and in a quick run, the test must end early; a missing CLI is told loudly, and is a failure
/// with `CLAUDE_TESTS_NO_SKIP=1`.
///
/// # Panics
/// When there is no CLI and skipping is forbidden.
pub fn real_cli_or_skip(test: &str) -> Option<PathBuf> {
    if leaves_out("the real CLI") {
        return None;
    }
    let found = real_cli();
    if found.is_none() {
        let hint = "run `sh testkit/install-cli.sh build/cli` or set CLAUDE_TESTKIT_CLI";
        let forbidden = std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!forbidden, "{test}: the real CLI is missing and CLAUDE_TESTS_NO_SKIP=1; {hint}");
        eprintln!("SKIPPED {test}: the real CLI is not installed; {hint}");
    }
    found
}

/// The stand-in CLI.
///
/// # Panics
/// When it is not built, or not from the sources as they are.
pub fn fake_cli() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| own_binary("fake-claude")).clone()
}

/// The loopback API as a program.
///
/// # Panics
/// As [`fake_cli`].
pub fn loopback_bin() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| own_binary("loopback-api")).clone()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("testkit lies in the workspace")
}

/// It is not built here: that would take the processors from the tests that run beside, and the program from under them.
/// `cargo test --workspace` builds it before any test runs; `cargo test --test other` does not, so the one that lies there may be
/// of older sources, and would pretend to be another version of the CLI.
fn own_binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("path of this program");
    let mut folder = test.parent().expect("program in a folder").to_owned();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let fault = fault_of(&binary, Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(fault.is_none(), "{} {}: run `make testkit`", binary.display(), fault.unwrap_or_default());
    binary
}

/// Why a program cannot be used: it is missing, or older than what it is built from.
fn fault_of(binary: &Path, kit: &Path) -> Option<&'static str> {
    let Some(built) = changed(binary) else { return Some("is not built") };
    let name = binary.file_stem()?;
    let own = kit.join("src/bin").join(name);
    let mut sources = vec![kit.join("CLI_VERSION"), own.with_extension("rs"), own];
    let library = fs::read_dir(kit.join("src")).into_iter().flatten().flatten();
    sources.extend(library.map(|entry| entry.path()).filter(|path| !path.ends_with("bin")));
    let older = sources.iter().filter_map(|source| newest(source)).any(|changed| changed > built);
    older.then_some("is older than its sources")
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

/// When the newest file at or below a path was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else { return changed(path) };
    entries.flatten().filter_map(|entry| newest(&entry.path())).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_older_than_its_sources_is_not_used() {
        let kit = tempfile::tempdir().unwrap();
        let file = |name: &str, second: u64| {
            let path = kit.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).unwrap();
            path
        };
        for name in ["CLI_VERSION", "src/lib.rs", "src/bin/program/main.rs", "src/bin/other.rs"] {
            file(name, 10);
        }
        let program = kit.path().join("program");
        assert_eq!(fault_of(&program, kit.path()), Some("is not built"));
        file("program", 20);
        assert_eq!(fault_of(&program, kit.path()), None);
        file("src/bin/other.rs", 30);
        assert_eq!(fault_of(&program, kit.path()), None, "it is not built from another program");
        for name in ["CLI_VERSION", "src/lib.rs", "src/bin/program/main.rs"] {
            file(name, 30);
            assert_eq!(fault_of(&program, kit.path()), Some("is older than its sources"), "{name}");
            file(name, 10);
        }
    }
}
