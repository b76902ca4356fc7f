//! What the documentation shows compiles, runs and prints what it says; what it names exists.
//!
//! The convention for examples, in `README.md` and `docs/*.md`:
//! - A block that is marked `c` and has a `main` is a whole program. It is compiled, linked, and run with the stand-in CLI;
//!   a block marked `text` right behind it is exactly what it prints. The first one of `README.md` runs with the real CLI.
//! - A program that includes an adapter for an event loop is compiled with that loop's library; so are `cpp` blocks, which
//!   are always programs: C++11, or C++20 with `claude_client.hpp`.
//! - Any other `c` block is a fragment. It must compile as it stands at file level, or as the body of a function that has
//!   `client` and `error`.
//! - Unused parameters are no fault: an example shows a callback, not what to write where it needs nothing.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::support::packaging::{
    HEADER, SONAME, functions, module_libraries, need, need_module, read, root, shared_library,
};
use claude_client::error::Status;
use claude_testkit::fake::FakeClaude;
use claude_testkit::locate::real_cli_or_skip;
use claude_testkit::loopback::{Reply, Rule};
use claude_testkit::quick::takes_long;
use claude_testkit::{Loopback, Patience, Sandbox};
use serde_json::json;
use tempfile::TempDir;

/// Far more than any example needs; a program that is still there then hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `docs/options.md` names in the place of options, before the header has it.
const PROMISED: &[&str] = &[];

/// One fenced block.
#[derive(Debug)]
struct Block {
    file: String,
    line: usize,
    language: String,
    text: String,
    /// The block that begins right behind it, if that is marked `text`.
    prints: Option<String>,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    fn is_program(&self) -> bool {
        self.language == "cpp" || self.language == "c" && self.text.contains("int main(")
    }

    /// The event loop that it needs.
    fn event_loop(&self) -> Option<&'static EventLoop> {
        EVENT_LOOPS
            .iter()
            .find(|kind| self.text.contains(&format!("#include <claude_client/{}>", kind.adapter)))
    }
}

/// An adapter, and the module of pkg-config and the package that its loop comes from.
struct EventLoop {
    adapter: &'static str,
    module: &'static str,
    package: &'static str,
}

const EVENT_LOOPS: &[EventLoop] = &[
    EventLoop { adapter: "claude_libuv.h", module: "libuv", package: "libuv1-dev" },
    EventLoop { adapter: "claude_glib.h", module: "glib-2.0", package: "libglib2.0-dev" },
    EventLoop { adapter: "claude_qt.hpp", module: "Qt5Core", package: "qtbase5-dev" },
];

/// The Markdown files for users, as paths from the root.
fn articles() -> Vec<String> {
    let folder = fs::read_dir(root().join("docs")).expect("docs can be read");
    let names =
        folder.map(|entry| entry.expect("an entry of docs").file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    files.push("README.md".into());
    files.sort();
    files
}

/// All Markdown files of the project.
fn pages() -> Vec<String> {
    let more = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "testkit/README.md"]
        .map(str::to_owned);
    let bindings = fs::read_dir(root().join("bindings")).expect("bindings can be read");
    let bindings = bindings.map(|entry| {
        format!("bindings/{}/README.md", entry.expect("an entry of bindings").file_name().to_string_lossy())
    });
    let bindings = bindings.filter(|page| root().join(page).is_file());
    articles().into_iter().chain(more).chain(bindings).collect()
}

fn blocks_of(file: &str) -> Vec<Block> {
    let text = read(file);
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut ended_at = 0;
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let (language, file) = (language.to_owned(), file.to_owned());
                open = Some(Block { file, line: number, language, text: String::new(), prints: None });
            }
            (Some(_), Some(_)) => {
                let block = open.take().expect("a block is open");
                match blocks.last_mut() {
                    Some(before) if block.language == "text" && ended_at + 1 == block.line => {
                        before.prints = Some(block.text);
                    }
                    _ => blocks.push(block),
                }
                ended_at = number;
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file} ends inside a block");
    blocks
}

fn blocks() -> impl Iterator<Item = Block> {
    articles().into_iter().flat_map(|file| blocks_of(&file))
}

/// A folder for this run, with the library under the names that the linker and the loader look for.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("make a folder");
        let library = shared_library();
        let plain = library.file_name().expect("a name").to_string_lossy().into_owned();
        for name in [plain.as_str(), SONAME] {
            std::os::unix::fs::symlink(&library, folder.join(name)).expect("link to the library");
        }
        // Where `make install` puts the adapters.
        let adapters = folder.join("claude_client");
        std::os::unix::fs::symlink(root().join("include/adapters"), adapters).expect("link to the adapters");
        folder
    })
}

/// Compiles C or C++ text with every warning as an error; the compiler's complaints if it has any.
fn compile(
    name: &str,
    language: &str,
    text: &str,
    arguments: &[&str],
    libraries: &[String],
) -> Result<PathBuf, String> {
    let source = folder().join(format!("{name}.{language}"));
    let output = folder().join(name);
    fs::write(&source, text).expect("write the source");
    let (variable, usual, standard) = match language {
        "cpp" if text.contains("<claude_client.hpp>") => ("CXX", "c++", "-std=c++20"),
        "cpp" => ("CXX", "c++", "-std=c++11"),
        _ => ("CC", "cc", "-std=c99"),
    };
    let compiler = std::env::var_os(variable).unwrap_or_else(|| usual.into());
    let result = Command::new(&compiler)
        .args([standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wno-unused-parameter"])
        .arg("-I")
        .arg(root().join("include"))
        .arg("-I")
        .arg(folder())
        .args(arguments)
        .arg("-o")
        .arg(&output)
        .arg(&source)
        .arg("-L")
        .arg(folder())
        .args(["-lclaude_client", "-pthread"])
        .args(libraries)
        .arg(format!("-Wl,-rpath,{}", folder().display()))
        .output()
        .unwrap_or_else(|error| panic!("cannot start the compiler {compiler:?}: {error}"));
    if result.status.success() {
        Ok(output)
    } else {
        Err(String::from_utf8_lossy(&result.stderr).into_owned())
    }
}

fn name_of(block: &Block) -> String {
    format!("{}-{}", block.file.replace(['/', '.'], "-"), block.line)
}

/// The program of a block, compiled once for all tests; `None` when the event loop that it needs is not here.
fn program(block: &Block) -> Option<PathBuf> {
    type Built = Arc<OnceLock<Option<PathBuf>>>;
    static BUILT: Mutex<BTreeMap<String, Built>> = Mutex::new(BTreeMap::new());
    let built = BUILT.lock().expect("no test fails here").entry(name_of(block)).or_default().clone();
    built.get_or_init(|| build(block)).clone()
}

fn build(block: &Block) -> Option<PathBuf> {
    let (mut flags, mut libraries) = (Vec::new(), Vec::new());
    if let Some(kind) = block.event_loop() {
        flags = need_module(kind.module, kind.package)?;
        flags.push("-fPIC".into());
        libraries = module_libraries(kind.module);
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let built = compile(&name_of(block), &block.language, &block.text, &flags, &libraries);
    Some(built.unwrap_or_else(|complaints| panic!("{} does not compile:\n{complaints}", block.place())))
}

struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// Runs a program to its end. Its output goes through files, so that it never waits for a reader.
fn run(mut command: Command, place: &str) -> Ended {
    let outputs = TempDir::new().expect("make a temporary directory");
    let path = |name: &str| outputs.path().join(name);
    let create = |name: &str| Stdio::from(File::create(path(name)).expect("create a file"));
    command.stdin(Stdio::null()).stdout(create("stdout")).stderr(create("stderr"));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{place} does not start: {error}"));
    let patience = Patience::new(PATIENCE);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        if patience.is_over() {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{place} hangs; it printed:\n{}", fs::read_to_string(path("stdout")).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = |name: &str| fs::read_to_string(path(name)).expect("the output is UTF-8");
    Ended { status, stdout: text("stdout"), stderr: text("stderr") }
}

/// Runs it with the stand-in CLI; it must succeed and print nothing on stderr. `None` when it needs what is not here.
fn output_with_fake(block: &Block) -> Option<String> {
    let fake = FakeClaude::new(json!({}));
    let mut command = fake.sandbox().command(program(block)?);
    command.env("CLAUDE_CLIENT_CLI", fake.path());
    let ended = run(command, &block.place());
    assert!(ended.status.success(), "{} ends with {}:\n{}", block.place(), ended.status, ended.stderr);
    assert_eq!(ended.stderr, "", "{} prints on stderr", block.place());
    Some(ended.stdout)
}

#[test]
fn programs_print_what_the_articles_say() {
    if takes_long() {
        return;
    }
    let programs: Vec<Block> = blocks().filter(Block::is_program).collect();
    assert!(programs.len() >= 8, "only {} programs were found", programs.len());
    let loops = programs.iter().filter(|block| block.event_loop().is_some()).count();
    assert_eq!(loops, EVENT_LOOPS.len(), "a program for each adapter");
    for block in programs {
        let Some(output) = output_with_fake(&block) else { continue };
        if let Some(expected) = &block.prints {
            assert_eq!(output, *expected, "{} prints something else", block.place());
        } else {
            assert_eq!(block.file, "README.md", "{} does not say what it prints", block.place());
        }
    }
}

#[test]
fn fragments_compile() {
    if takes_long() {
        return;
    }
    const INCLUDES: &str =
        "#include <claude_client.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n";
    let fragments: Vec<Block> =
        blocks().filter(|block| block.language == "c" && !block.is_program()).collect();
    assert!(fragments.len() >= 6, "only {} fragments were found", fragments.len());
    for block in fragments {
        let name = name_of(&block);
        let flags = ["-c", "-Wno-unused-function"];
        let at_file_level = compile(&name, "c", &format!("{INCLUDES}{}", block.text), &flags, &[]);
        let Err(first) = at_file_level else { continue };
        let head = "void fragment(claude_client_t *client);\nvoid fragment(claude_client_t *client) {\n";
        let body =
            format!("{INCLUDES}{head}claude_error_t *error = NULL;\n{}\n(void)error;\n}}\n", block.text);
        if let Err(second) = compile(&name, "c", &body, &flags, &[]) {
            panic!("{} compiles neither at file level:\n{first}\nnor as a body:\n{second}", block.place());
        }
    }
}

/// The first example of the README, in C and in another language, with the real CLI.
#[test]
fn the_readme_asks_for_the_capital_of_france() {
    if takes_long() {
        return;
    }
    let Some(cli) = real_cli_or_skip("the_readme_asks_for_the_capital_of_france") else { return };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", cli);
    let readme = blocks_of("README.md");
    let first = readme.iter().find(|block| block.language == "c").expect("the README begins with a program");
    let ended = run(sandbox.command(program(first).expect("it needs no loop")), &first.place());
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
    assert_eq!(ended.stdout, "The capital of France is Paris.\n");
    let request = api.last_message().expect("the API was asked");
    assert!(request.conversation.system.contains("Be brief."), "{}", request.conversation.system);

    if !need("python3", "python3") {
        return;
    }
    // A model that thinks says so in a message of its own, in front of the answer.
    let answer = Reply::text("The capital of France is Paris.").thinking("Paris, surely.");
    api.set_rules(vec![Rule::on_prompt("capital of France", answer)]);
    let binding = readme.iter().find(|block| block.language == "python").expect("the README shows a binding");
    let mut command = sandbox.command("python3");
    command.args(["-c", &binding.text]).arg(folder().join(SONAME));
    let ended = run(command, &binding.place());
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
    assert_eq!(ended.stdout, "The capital of France is Paris.\n");
}

/// The CLI tells of it in the form of an answer.
#[test]
fn the_readme_says_on_stderr_that_the_session_is_not_logged_in() {
    if takes_long() {
        return;
    }
    let Some(cli) = real_cli_or_skip("the_readme_says_on_stderr_that_the_session_is_not_logged_in") else {
        return;
    };
    let api = Loopback::start();
    let sandbox = Sandbox::new().with_api(api.url()).with_env("CLAUDE_CLIENT_CLI", cli);
    let readme = blocks_of("README.md");
    let first = readme.iter().find(|block| block.language == "c").expect("the README begins with a program");
    let program = program(first).expect("it needs no loop");
    let mut keyless = sandbox.command(&program);
    keyless.env("ANTHROPIC_API_KEY", "");
    let mut refused = sandbox.command(&program);
    refused.env("ANTHROPIC_API_KEY", "sk-ant-a-key-that-is-none");
    api.set_rules(vec![Rule::on_prompt("capital of France", Reply::error(401))]);
    for (command, begins) in [(keyless, "Not logged in"), (refused, "Failed to authenticate")] {
        let ended = run(command, &first.place());
        assert_eq!(ended.stdout, "", "a failure passes for an answer");
        assert!(ended.stderr.starts_with(begins) && ended.stderr.contains("/login"), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

/// The text without fenced blocks and code spans, where brackets are no links.
fn prose(file: &str) -> String {
    let mut inside = false;
    let lines = read(file);
    let kept = lines.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    let text = kept.collect::<Vec<_>>().join("\n");
    text.split('`').step_by(2).collect()
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn headings(file: &str) -> Vec<String> {
    read(file).lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').map(slug)).collect()
}

#[test]
fn links_lead_somewhere() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in pages() {
        let text = prose(&file);
        let targets = text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap_or(""));
        for target in targets.filter(|target| !target.contains("://")) {
            count += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let base = root().join(&file);
            let to = if path.is_empty() { base } else { base.with_file_name("").join(path) };
            if !to.exists() {
                wrong.push(format!("{file}: {target} does not exist"));
            } else if !anchor.is_empty() {
                let to = to.canonicalize().expect("it exists");
                let to =
                    to.strip_prefix(root()).expect("it lies in the project").to_string_lossy().into_owned();
                if !headings(&to).iter().any(|heading| heading == anchor) {
                    wrong.push(format!("{file}: {to} has no heading for #{anchor}"));
                }
            }
        }
    }
    assert!(count > 30, "only {count} links were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

#[test]
fn names_exist_in_the_header() {
    const CONSTANTS: &[&str] = &["ERR", "MESSAGE", "EVENT", "DISPATCH", "STATE", "REQUEST"];
    // Files, a preset, a crate, a member of a message.
    const OTHERS: &[&str] = &[
        "claude_client",
        "claude_code",
        "claude_code_version",
        "claude_testkit",
        "claude_libuv",
        "claude_glib",
        "claude_qt",
        "claude_static",
    ];
    let adapters = EVENT_LOOPS.iter().map(|kind| read(&format!("include/adapters/{}", kind.adapter)));
    let header = adapters.fold(read(HEADER), |all, text| all + &text);
    let known: BTreeSet<&str> = words(&header).collect();
    let is_ours = |word: &str| {
        let constant = word.strip_prefix("CLAUDE_").and_then(|rest| rest.split('_').next());
        word.starts_with("claude_") || constant.is_some_and(|family| CONSTANTS.contains(&family))
    };
    let mut wrong = Vec::new();
    for file in pages() {
        for word in words(&read(&file)).filter(|word| is_ours(word) && !word.ends_with('_')) {
            let promised = file == "docs/options.md" && PROMISED.contains(&word);
            if !known.contains(word) && !OTHERS.contains(&word) && !promised {
                wrong.push(format!("{file}: {word} is not in the header"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_function_is_in_an_article() {
    let header = read(HEADER);
    let functions = functions(&header);
    assert!(functions.len() > 60, "only {} functions were found", functions.len());
    let text: String = articles().iter().map(|file| read(file)).collect();
    let named: BTreeSet<&str> = words(&text).collect();
    let mut wrong = Vec::new();
    for function in functions {
        let name = function.name.as_str();
        // Its own page, or that of its chapter.
        let pages =
            [&function.doc, &function.chapter].map(|text| text.split_once("docs/").map(|(_, rest)| rest));
        let page =
            pages.into_iter().flatten().next().and_then(|rest| rest.split_once(".md")).map(|(name, _)| name);
        let page = page.map_or_else(String::new, |name| format!("{name}.md"));
        let exists = page.ends_with(".md") && root().join("docs").join(&page).is_file();
        if !exists {
            wrong.push(format!("{name}: its page {page:?} does not exist"));
        }
        // A twin is explained with the function that it is one of.
        let twin = name.strip_suffix("_wait").unwrap_or(name);
        if !named.contains(name) && !named.contains(twin) {
            wrong.push(format!("{name} is named by no article"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The cells of the table rows that begin with `start`, without the marks for code.
fn rows(text: &str, start: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = lines.map(|line| line.split(" | ").map(|cell| cell.replace('`', "")).collect::<Vec<_>>());
    rows.filter(|row| start(&row[0])).collect()
}

#[test]
fn the_table_of_errors_is_that_of_the_library() {
    let text = read("docs/errors.md");
    let rows = rows(&text, |first| first.parse::<i32>().is_ok());
    let table: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone(), row[2].clone())).collect();
    let class = |status: &Status| match status.official_class() {
        "" => "–".to_owned(),
        class => class.to_owned(),
    };
    let library: Vec<_> = Status::ALL
        .iter()
        .map(|status| (status.code().to_string(), status.name().to_owned(), class(status)))
        .collect();
    assert_eq!(table, library);
    for row in rows {
        assert!(row.len() == 5 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}

/// The texts in quotes that stand right behind one of the starts in the library's source.
fn in_source(starts: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be read") {
            let path = entry.expect("an entry of src").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for start in starts {
                let after = text.match_indices(start).map(|(at, _)| text[at + start.len()..].trim_start());
                let names = after.filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
                found.extend(names.map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_member_of_an_error_is_described() {
    let text = read("docs/errors.md");
    let (_, table) = text.split_once("| member | what |").expect("the table of members");
    let described: BTreeSet<String> = rows(table, |_| true)
        .iter()
        .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for phase in in_source(&[".with(\"phase\", "]) {
        assert!(table.contains(&format!("`{phase}`")), "docs/errors.md does not name the phase {phase}");
    }
    let used = in_source(&[".with(", ".with_opt("]);
    assert!(used.len() > 15 && used.contains("exit_code"), "{used:?}");
    let missing: Vec<_> = used.difference(&described).collect();
    assert!(missing.is_empty(), "docs/errors.md does not describe {missing:?}");
    // What is described and never added that way: the first four, and what comes from an error result.
    let document = claude_client::error::Error::new(Status::Result, "text").to_json();
    let document: serde_json::Value = serde_json::from_str(&document).expect("a document");
    let fixed = document.as_object().expect("an object").keys().cloned();
    let of_result = [
        "subtype",
        "errors",
        "result",
        "api_error_status",
        "terminal_reason",
        "startup_failure_reason",
        "session_id",
    ];
    let known: BTreeSet<String> = used.into_iter().chain(fixed).chain(of_result.map(str::to_owned)).collect();
    let invented: Vec<_> = described.difference(&known).collect();
    assert!(invented.is_empty(), "docs/errors.md describes {invented:?}, which no error has");
}
