//! Hosts written in C: the programs of tests/c, compiled as C99 against the header and the library under test, and run
//! in a sandbox, as they are or under a tool that finds memory errors.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use claude_testkit::patience::grown;
use claude_testkit::quick::leaves_out;
use claude_testkit::{Patience, Sandbox};
use serde_json::Value;

use super::packaging::{SONAME, need, root};
use super::toolchain::{self, other_library, windows};

/// Far more than any program needs; one that is still there then hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a program is built and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    Plain,
    /// With AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.
    Sanitized,
    Valgrind,
}

/// What a program did.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// What valgrind said.
    pub report: String,
}

impl Ended {
    /// Fails unless the program was content and silent on stderr.
    pub fn expect_success(self) -> Ended {
        let quiet = self.stderr.is_empty();
        assert!(
            self.status.success() && quiet,
            "{}\n{}{}{}",
            self.status,
            self.stdout,
            self.stderr,
            self.report
        );
        self
    }
}

impl Variant {
    /// Whether the tools are there. A missing one is a loud skip, or a failure where skips are forbidden.
    pub fn is_possible(self) -> bool {
        match self {
            Variant::Plain => true,
            Variant::Sanitized | Variant::Valgrind if other_library().or_else(windows).is_some() => false,
            Variant::Sanitized | Variant::Valgrind if leaves_out("a tool that slows it down") => false,
            Variant::Sanitized => sanitizers_are_there(),
            Variant::Valgrind => need("valgrind", "valgrind"),
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Variant::Sanitized => {
                &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
            }
            Variant::Plain | Variant::Valgrind => &[],
        }
    }
}

/// Some compilers come without the libraries of their sanitizers.
fn sanitizers_are_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("make a folder");
        let (source, program) = (folder.path().join("empty.c"), folder.path().join("empty"));
        std::fs::write(&source, "int main(void) { return 0; }\n").expect("write a program");
        let mut command = toolchain::c_compiler();
        command.args(Variant::Sanitized.flags()).arg("-o").arg(program).arg(source);
        let linked = command.output().is_ok_and(|output| output.status.success());
        assert!(
            linked || !skips_are_forbidden(),
            "the C compiler has no sanitizers: install libasan and libubsan"
        );
        if !linked {
            eprintln!("SKIPPED: the C compiler has no sanitizers: install libasan and libubsan");
        }
        linked
    })
}

fn skips_are_forbidden() -> bool {
    std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_some_and(|value| !value.is_empty())
}

/// One for each test program, so that those that run at the same time do not meet. On Windows a program lies beside the library.
fn out_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = windows() {
            return folder;
        }
        let test = std::env::current_exe().expect("the test knows its own path");
        let name = test.file_name().expect("the test has a name");
        let library = toolchain::library();
        let folder = other_library().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join(name);
        std::fs::create_dir_all(&folder).expect("make a folder for programs");
        let plain = library.file_name().expect("the library has a name").to_owned();
        for name in [plain, SONAME.into()] {
            let (link, fresh) = (folder.join(&name), folder.join(format!("new-{}", std::process::id())));
            std::os::unix::fs::symlink(&library, &fresh).expect("link to the library");
            std::fs::rename(fresh, link).expect("name the link");
        }
        folder
    })
}

/// The program `tests/c/NAME.c`, or the one whose source lies at an absolute path; compiled at its first use.
fn compiled(name: &str, variant: Variant) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<(String, Variant), PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let key = (name.to_owned(), variant);
    built.get_or_insert_default().entry(key).or_insert_with(|| compile(name, variant)).clone()
}

fn compile(name: &str, variant: Variant) -> PathBuf {
    let folder = out_folder();
    // An absolute path takes the place of the folder.
    let source = root().join("tests/c").join(format!("{name}.c"));
    let stem = source.file_stem().expect("a source has a name").to_string_lossy().into_owned();
    let program = folder.join(format!("{stem}-{variant:?}{}", toolchain::ending()));
    let fresh = folder.join(format!("{stem}-{variant:?}-{}{}", std::process::id(), toolchain::ending()));
    let mut command = toolchain::c_compiler();
    command.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-pthread"]).args(variant.flags());
    command.arg("-I").arg(root().join("include")).arg("-I").arg(root().join("tests/c"));
    command.arg("-o").arg(&fresh).arg(source);
    toolchain::link(&mut command, folder);
    super::packaging::run(&mut command);
    std::fs::rename(&fresh, &program).expect("name the program");
    program
}

/// The command that runs `tests/c/NAME.c` with the options as its first argument.
pub fn command(sandbox: &Sandbox, name: &str, variant: Variant, options: &Value, args: &[&str]) -> Command {
    let program = compiled(name, variant);
    let mut command = match variant {
        Variant::Valgrind => {
            let mut command = sandbox.command("valgrind");
            command.args([
                "-q",
                // It runs one thread at a time, and one that never waits would keep all others from running.
                "--fair-sched=try",
                "--leak-check=full",
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
                "--error-exitcode=99",
                "--child-silent-after-fork=yes",
            ]);
            command.arg(format!("--log-file={}", report(sandbox).display())).arg(program);
            command
        }
        Variant::Plain | Variant::Sanitized => {
            let words = toolchain::words(&program);
            let mut command = sandbox.command(&words[0]);
            command.args(&words[1..]);
            command
        }
    };
    if variant == Variant::Sanitized {
        command.env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=98");
    }
    command.env("PATIENCE_MS", grown(super::PATIENCE).as_millis().to_string()).envs(toolchain::variables());
    command.arg(options.to_string()).args(args);
    command
}

/// Where valgrind writes, so that stderr is the program's own: it complains there about calls that it does not know.
fn report(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("valgrind.log")
}

/// Runs `tests/c/NAME.c` to its end. A program that hangs is killed and fails the test.
pub fn run(sandbox: &Sandbox, name: &str, variant: Variant, options: &Value, args: &[&str]) -> Ended {
    let mut command = command(sandbox, name, variant, options, args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let stdout = read_all(child.stdout.take().expect("a pipe"));
    let stderr = read_all(child.stderr.take().expect("a pipe"));
    let status = wait(&mut child, PATIENCE);
    let (stdout, stderr) = (stdout.join().expect("stdout"), stderr.join().expect("stderr"));
    toolchain::assert_one_server(sandbox);
    let Some(status) = status else { panic!("{name} ({variant:?}) hangs\n{stdout}\n{stderr}") };
    let report = std::fs::read_to_string(report(sandbox)).unwrap_or_default();
    Ended { status, stdout, stderr, report }
}

/// `None` when it had to be killed.
fn wait(child: &mut Child, time: Duration) -> Option<ExitStatus> {
    let patience = Patience::new(time);
    loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            return Some(status);
        }
        if patience.is_over() {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        toolchain::text(&bytes)
    })
}
