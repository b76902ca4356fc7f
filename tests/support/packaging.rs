//! What the packaging tests share: where things are, running tools, and the header as a list of declarations.
#![allow(dead_code)] // Each test binary uses its own part.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

// The header is read by the code that makes it, which tests/packaging/header.rs has as a whole besides.
#[allow(clippy::duplicate_mod)]
#[path = "../../packaging/header/doc.rs"]
pub mod doc;
#[allow(clippy::duplicate_mod)]
#[path = "../../packaging/header/parse.rs"]
pub mod parse;

pub type Result<T> = std::result::Result<T, String>;

pub const HEADER: &str = "include/claude_client.h";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// Where cargo has put this build's libraries: `target/<profile>/deps`, beside the test itself.
pub fn built() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    test.parent().expect("the test lies in a directory").to_owned()
}

/// The shared library that was built together with this test.
pub fn shared_library() -> PathBuf {
    let name = format!("{}claude_client{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = built().join(name);
    assert!(library.exists(), "{} is missing: run `cargo test`, which builds it", library.display());
    library
}

/// The name under which programs look for the shared library.
pub const SONAME: &str =
    if cfg!(target_os = "macos") { "libclaude_client.0.dylib" } else { "libclaude_client.so.0" };

/// A folder for this run, with the library under the names that the linker and the loader look for.
#[cfg(unix)]
pub fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("library-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("make a folder");
        let library = super::toolchain::library();
        let plain = library.file_name().expect("a name").to_string_lossy().into_owned();
        for name in [plain.as_str(), SONAME] {
            std::os::unix::fs::symlink(&library, folder.join(name)).expect("link to the library");
        }
        folder
    })
}

/// Runs a command that must succeed, and returns what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}\n{stdout}{stderr}", output.status);
    stdout
}

pub fn have(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().or_else(|_| Command::new(tool).arg("-v").output()).is_ok()
}

/// Whether the tool is there. A missing tool is a loud skip, or a failure where skips are forbidden.
pub fn need(tool: &str, package: &str) -> bool {
    if have(tool) {
        return true;
    }
    let advice = format!("{tool} is missing: `apt-get install {package}`");
    assert!(std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_none_or(|value| value.is_empty()), "{advice}");
    eprintln!("SKIPPED: {advice}");
    false
}

/// The compiler's flags for a module of pkg-config. One that is missing is a loud skip, or a failure where skips are
/// forbidden. Its headers count as headers of the system: their warnings are not ours.
pub fn need_module(module: &str, package: &str) -> Option<Vec<String>> {
    let exists = Command::new("pkg-config").args(["--exists", module]).status();
    if !exists.is_ok_and(|status| status.success()) {
        let advice = format!("{module} is missing: `apt-get install {package}`");
        assert!(std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_none_or(|value| value.is_empty()), "{advice}");
        eprintln!("SKIPPED: {advice}");
        return None;
    }
    let flags = run(Command::new("pkg-config").args(["--cflags", module]));
    Some(flags.split_whitespace().map(|flag| flag.replacen("-I/", "-isystem/", 1)).collect())
}

/// What the linker needs for a module of pkg-config.
pub fn module_libraries(module: &str) -> Vec<String> {
    let flags = run(Command::new("pkg-config").args(["--libs", module]));
    flags.split_whitespace().map(str::to_owned).collect()
}

/// One function of the header.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub returns: String,
    pub parameters: Vec<String>,
    /// Those of the parameters.
    pub types: Vec<String>,
    /// Its text, or that of the function whose twin it is: a line for each paragraph and each command.
    pub doc: String,
    /// The introduction of its chapter.
    pub chapter: String,
}

/// The functions that the header declares, in its order.
pub fn functions(header: &str) -> Vec<Function> {
    let chapters = parse::chapters(header).unwrap_or_else(|error| panic!("{HEADER}: {error}"));
    let mut functions: Vec<Function> = Vec::new();
    for chapter in chapters {
        for item in chapter.items {
            let parse::Kind::Function { returns, parameters } = item.kind else { continue };
            let copied = item.doc.command("copydoc").map(str::to_owned);
            let original = copied.and_then(|name| functions.iter().find(|function| function.name == name));
            let doc = original.map_or_else(|| lines(&item.doc), |function| function.doc.clone());
            let (parameters, types) =
                parameters.into_iter().map(|parameter| (parameter.name, parameter.ty)).unzip();
            let chapter = chapter.intro.text();
            functions.push(Function { name: item.name, returns, parameters, types, doc, chapter });
        }
    }
    functions
}

fn lines(doc: &doc::Doc) -> String {
    let line = |block: &doc::Block| match &block.command {
        Some(command) => format!("@{command} {}\n", block.text),
        None => format!("{}\n", block.text),
    };
    doc.blocks.iter().map(line).collect()
}
