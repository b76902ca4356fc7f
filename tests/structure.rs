//! The shape of the tree: who may use whom, where raw pointers are handled, and how long a file may be.

mod packaging;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use packaging::{root, run};

/// Each module of src and the modules that it may name. `capi` is on top: it may name all, and nothing names it.
const DIRECTION: &[(&str, &[&str])] = &[
    ("probe", &["dispatch", "error", "options", "process", "protocol", "runtime", "session", "transport"]),
    ("sessions", &["error", "names", "options", "protocol"]),
    (
        "session",
        &[
            "dispatch",
            "error",
            "log",
            "mcp",
            "options",
            "panics",
            "place",
            "process",
            "protocol",
            "requests",
            "runtime",
            "sync",
            "transport",
        ],
    ),
    ("mcp", &["error", "names", "panics", "protocol", "requests", "runtime", "sync"]),
    ("transport", &["error", "options", "panics", "process", "protocol", "sync"]),
    // Its threads are started the way that the runtime is set up, and the runtime's shutdown ends them.
    ("dispatch", &["error", "mcp", "panics", "place", "process", "protocol", "requests", "runtime", "sync"]),
    ("log", &["dispatch", "place", "sync"]),
    ("runtime", &["dispatch", "error", "panics", "process", "sync"]),
    ("ffi", &["error", "panics", "place", "runtime"]),
    ("requests", &["error", "names", "permissions", "protocol", "sync"]),
    ("protocol", &["error"]),
    ("options", &["error", "names", "permissions", "protocol"]),
    ("panics", &["error", "place", "process"]),
    ("place", &["error"]),
    ("process", &[]),
    ("error", &["process"]),
    ("names", &["error", "protocol"]),
    ("permissions", &["error", "names"]),
    ("sync", &["place"]),
];

/// Where `unsafe` may be written.
const UNSAFE: &[&str] = &["src/ffi/", "src/capi/", "src/process/"];

/// What turns a pointer into a reference, a box or a text. The one place beside src/ffi reads the system's user table.
const RAW: &[&str] =
    &["Box::from_raw", "Arc::from_raw", "CStr::from_ptr", "CString::from_raw", "from_raw_parts"];
const RAW_ALLOWED: &[&str] = &["src/ffi/", "src/process/user.rs"];

const LINES: usize = 600;

/// The tracked files with one of these endings, as paths from the root; all of them without endings.
fn tracked(endings: &[&str]) -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]);
    let list = run(git.current_dir(root()));
    let wanted = |name: &&str| endings.is_empty() || endings.iter().any(|ending| name.ends_with(ending));
    list.lines().filter(wanted).filter(|name| root().join(name).is_file()).map(str::to_owned).collect()
}

fn text(name: &str) -> String {
    // Pictures and the like have no text to check.
    fs::read_to_string(root().join(name)).unwrap_or_default()
}

/// The lines that are code, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, line)| !line.starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}

fn module_of(path: &Path) -> String {
    let inner = path.strip_prefix("src").unwrap_or(path);
    let first: PathBuf = inner.components().take(1).collect();
    first.with_extension("").to_string_lossy().into_owned()
}

/// The modules that a line names with `crate::`.
fn named(line: &str) -> BTreeSet<String> {
    let word =
        |rest: &str| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned();
    let mut found = BTreeSet::new();
    for (at, _) in line.match_indices("crate::") {
        let foreign = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            _ if foreign => {}
            Some(list) => {
                found.extend(list.split(',').map(|item| word(item.trim())).filter(|name| !name.is_empty()))
            }
            None => drop(found.insert(word(rest))),
        }
    }
    found
}

fn wrong_directions(file: &str, text: &str) -> Vec<String> {
    let module = module_of(Path::new(file));
    if module == "capi" || module == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = DIRECTION.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{file}: the module {module} has no line in DIRECTION of tests/structure.rs")];
    };
    let mut wrong = Vec::new();
    for (number, line) in code(text) {
        for name in named(line) {
            let known = name == "capi" || DIRECTION.iter().any(|(module, _)| *module == name);
            if known && name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{file}:{number}: {module} must not use {name}"));
            }
        }
    }
    wrong
}

fn sources() -> Vec<String> {
    let sources: Vec<String> =
        tracked(&[".rs"]).into_iter().filter(|name| name.starts_with("src/")).collect();
    assert!(sources.len() > 10, "only {sources:?} found");
    sources
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn modules_use_only_what_lies_below_them() {
    assert_none(sources().iter().flat_map(|file| wrong_directions(file, &text(file))).collect());
}

#[test]
fn a_wrong_direction_is_found() {
    let source =
        "use crate::error::Error;\n// crate::capi is fine in a comment\nuse crate::{sync, capi::x};\n";
    let wrong = wrong_directions("src/protocol/a.rs", source);
    assert_eq!(
        wrong,
        [
            "src/protocol/a.rs:3: protocol must not use capi",
            "src/protocol/a.rs:3: protocol must not use sync"
        ]
    );
}

fn is_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

fn outside<'a>(places: &'a [&'a str]) -> impl Fn(&&String) -> bool {
    move |file| !places.iter().any(|place| file.starts_with(place))
}

#[test]
fn unsafe_code_stays_at_the_boundaries() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(outside(UNSAFE)) {
        let text = text(file);
        let lines = code(&text).filter(|(_, line)| is_word(line, "unsafe"));
        wrong.extend(lines.map(|(number, line)| format!("{file}:{number}: {line}")));
    }
    assert_none(wrong);
}

#[test]
fn raw_conversions_stay_in_the_boundary_kit() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(outside(RAW_ALLOWED)) {
        let text = text(file);
        let lines = code(&text).filter(|(_, line)| RAW.iter().any(|name| line.contains(name)));
        wrong.extend(lines.map(|(number, line)| format!("{file}:{number}: {line}")));
    }
    assert_none(wrong);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut wrong = Vec::new();
    let generated = |name: &String| name == packaging::HEADER;
    for file in
        tracked(&[".rs", ".c", ".h", ".hpp", ".cpp", ".sh", ".py", ".go", ".swift", ".zig", ".cs", ".lua"])
    {
        let count = text(&file).lines().count();
        if count > LINES && !generated(&file) {
            wrong.push(format!("{file} has {count} lines, more than {LINES}: split it by subject"));
        }
    }
    assert_none(wrong);
}

/// Whether the line holds an absolute path that begins with this directory.
fn names_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, _)| {
        let ends =
            line[at + directory.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-');
        let begins =
            line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !"./_-})$*>".contains(c));
        begins && ends
    })
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    // Put together here, so that this file does not name them either.
    let paths = ["/wo".to_owned() + "rk", "/ro".to_owned() + "ot"];
    let hosts = [
        ("registry.npm", "js.org"),
        ("index.crates", ".io"),
        ("static.crates", ".io"),
        ("py", "pi.org"),
        ("files.python", "hosted.org"),
        ("proxy.golang", ".org"),
        ("deb.debian", ".org"),
    ]
    .map(|(name, end)| format!("{name}{end}"));
    let mut wrong = Vec::new();
    for file in tracked(&[]) {
        for (number, line) in text(&file).lines().enumerate() {
            if paths.iter().any(|path| names_path(line, path))
                || hosts.iter().any(|host| line.contains(host.as_str()))
            {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn machine_paths_are_told_from_others() {
    let root = "/ro".to_owned() + "ot";
    assert!(names_path(&format!("cd {root}/x"), &root));
    assert!(names_path(&format!("HOME={root}"), &root));
    assert!(!names_path(&format!("sandbox{root}/x"), &root));
    assert!(!names_path(&format!("{root}s"), &root));
}
