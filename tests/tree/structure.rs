//! The shape of the tree: who may use whom, where raw pointers are handled, and how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::support::packaging::{root, run};

/// A module of src and the modules that it may name.
type Direction<'a> = (&'a str, &'a [&'a str]);

/// From the top to the ground: a module names only what stands further down here, so there is no circle. `capi` is above all of
/// them: it may name all, and nothing names it.
const DIRECTION: &[Direction] = &[
    ("probe", &["compat", "error", "options", "process", "runtime", "session", "transport"]),
    (
        "session",
        &[
            "compat",
            "dispatch",
            "error",
            "log",
            "mcp",
            "options",
            "place",
            "process",
            "protocol",
            "requests",
            "runtime",
            "sessions",
            "sync",
            "transport",
        ],
    ),
    ("dispatch", &["error", "mcp", "panics", "place", "process", "protocol", "requests", "runtime", "sync"]),
    ("ffi", &["error", "panics", "place", "runtime", "sync"]),
    ("runtime", &["error", "panics", "place", "process", "sync"]),
    ("mcp", &["error", "log", "names", "protocol", "requests", "sync"]),
    ("transport", &["error", "log", "options", "process", "protocol", "sync"]),
    ("sessions", &["error", "names", "options", "process", "protocol", "sync"]),
    ("compat", &["options"]),
    ("options", &["error", "names", "permissions", "protocol"]),
    ("requests", &["error", "names", "permissions", "protocol", "sync"]),
    ("permissions", &["error", "names"]),
    ("names", &["error", "protocol"]),
    ("protocol", &["error"]),
    ("panics", &["error", "place", "process"]),
    ("error", &["place", "process"]),
    ("process", &["log", "sync"]),
    ("log", &["place", "sync"]),
    ("sync", &["place"]),
    ("place", &[]),
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

/// The path of a file's module: `["session", "life"]` for `src/session/life.rs` and `src/session/life/mod.rs`.
fn module_path(file: &str) -> Vec<&str> {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    let path = inner.strip_suffix("/mod.rs").or(inner.strip_suffix(".rs")).unwrap_or(inner);
    path.split('/').collect()
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The first words of what stands behind a `crate::`, of which a list in braces has several.
fn first_words(rest: &str) -> Vec<&str> {
    let Some(list) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut depth, mut found, mut begin) = (0, Vec::new(), 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                found.push(word(list[begin..at].trim_start()));
                begin = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// The modules at the root of the crate that a file names, by `crate::` or by `super::` up to there, with their lines.
fn named<'a>(file: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let to_root = "super::".repeat(module_path(file).len());
    let starts = |start: &str| {
        let is_path = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "_$:".contains(c));
        let found = text.match_indices(start).map(|(at, _)| at).filter(|at| is_path(*at));
        found.map(|at| (at, at + start.len())).collect::<Vec<_>>()
    };
    // Within a module of the same file the way to the root is longer; such a module stands indented.
    let is_outermost = |at: usize| !text[..at].rsplit('\n').next().unwrap_or("").starts_with(' ');
    let by_super = starts(&to_root).into_iter().filter(|(at, _)| is_outermost(*at));
    let mut found = Vec::new();
    for (at, behind) in starts("crate::").into_iter().chain(by_super) {
        let number = text[..at].matches('\n').count() + 1;
        found.extend(first_words(&text[behind..]).into_iter().map(|name| (number, name)));
    }
    found.sort_unstable();
    found
}

/// The text without the lines that are comments, which keep their numbers.
fn without_comments(text: &str) -> String {
    let kept = |line: &str| if line.trim_start().starts_with("//") { String::new() } else { line.to_owned() };
    text.lines().map(kept).collect::<Vec<_>>().join("\n")
}

fn wrong_directions(directions: &[Direction], file: &str, text: &str) -> Vec<String> {
    let module = module_path(file)[0];
    if module == "capi" || module == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = directions.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{file}: the module {module} has no line in DIRECTION of tests/tree/structure.rs"
        )];
    };
    let text = without_comments(text);
    let is_known = |name: &str| name == "capi" || directions.iter().any(|(known, _)| *known == name);
    let wrong = named(file, &text)
        .into_iter()
        .filter(|(_, name)| is_known(name) && *name != module && !allowed.contains(name));
    wrong.map(|(number, name)| format!("{file}:{number}: {module} must not use {name}")).collect()
}

/// What a table of directions allows and should not: a module that stands further up, or the same one.
fn upwards(directions: &[Direction]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, (module, allowed)) in directions.iter().enumerate() {
        let below = &directions[at + 1..];
        let up = allowed.iter().filter(|name| !below.iter().any(|(known, _)| known == *name));
        wrong.extend(up.map(|name| format!("{module} may use {name}, which does not stand below it")));
    }
    wrong
}

/// What a table of directions allows and nobody does.
fn untaken(directions: &[Direction], files: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (module, allowed) in directions {
        let own = files.iter().filter(|(file, _)| module_path(file)[0] == *module);
        let texts: Vec<_> = own.map(|(file, text)| (file, without_comments(text))).collect();
        let taken: BTreeSet<&str> =
            texts.iter().flat_map(|(file, text)| named(file, text)).map(|(_, name)| name).collect();
        let idle = allowed.iter().filter(|name| !taken.contains(*name));
        wrong.extend(idle.map(|name| format!("{module} may use {name}, and does not")));
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

fn read(files: Vec<String>) -> Vec<(String, String)> {
    files.into_iter().map(|file| (file.clone(), text(&file))).collect()
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let files = read(sources());
    assert_none(files.iter().flat_map(|(file, text)| wrong_directions(DIRECTION, file, text)).collect());
    assert_none(upwards(DIRECTION));
    assert_none(untaken(DIRECTION, &files));
}

/// A made-up house of three floors.
const HOUSE: &[Direction] = &[("roof", &["floor", "ground"]), ("floor", &["ground"]), ("ground", &[])];

#[test]
fn an_import_upwards_is_found() {
    let source =
        "use crate::ground::Stone;\n// crate::roof is fine in a comment\nuse crate::{ground, roof::x};\n";
    assert_eq!(
        wrong_directions(HOUSE, "src/floor/a.rs", source),
        ["src/floor/a.rs:3: floor must not use roof"]
    );
    let source =
        "use crate::{\n    ground::{Stone, floor},\n    capi,\n};\nfn f() { crate::roof::rain(); }\n";
    assert_eq!(
        wrong_directions(HOUSE, "src/floor.rs", source),
        ["src/floor.rs:1: floor must not use capi", "src/floor.rs:5: floor must not use roof"]
    );
}

#[test]
fn an_import_upwards_by_another_way_is_found() {
    let source = "use super::super::roof;\nmod tests {\n    use super::super::roof;\n}\n";
    assert_eq!(
        wrong_directions(HOUSE, "src/floor/a.rs", source),
        ["src/floor/a.rs:1: floor must not use roof"]
    );
    assert_eq!(wrong_directions(HOUSE, "src/floor/mod.rs", "use super::roof;\n").len(), 1);
    assert_eq!(
        wrong_directions(HOUSE, "src/floor/a.rs", "use super::roof;\n").len(),
        0,
        "a neighbour of that name"
    );
}

#[test]
fn a_circle_between_rooms_is_found() {
    assert_eq!(upwards(HOUSE), [""; 0]);
    let circle: &[Direction] = &[("roof", &["floor"]), ("floor", &["ground"]), ("ground", &["roof"])];
    assert_eq!(upwards(circle), ["ground may use roof, which does not stand below it"]);
    // Whichever way round they stand, one of the two is above the other.
    for pair in [[("a", &["b"][..]), ("b", &["a"][..])], [("b", &["a"][..]), ("a", &["b"][..])]] {
        assert_eq!(upwards(&pair).len(), 1);
    }
}

#[test]
fn a_direction_that_nobody_takes_is_found() {
    let files = [("src/roof.rs", "use crate::floor;"), ("src/floor/a.rs", "// crate::ground")];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    assert_eq!(
        untaken(HOUSE, &files),
        ["roof may use ground, and does not", "floor may use ground, and does not"]
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

/// Where a lock has no rank: see `src/lib.rs`. Elsewhere `sync` alone opens the system's locks, which it does by rank.
const UNRANKED: &[&str] = &["src/sync/lock.rs", "src/place.rs", "src/ffi/"];

fn locks_without_a_rank(file: &str, text: &str) -> Vec<String> {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code(production).filter(|(_, line)| line.contains(".lock().unwrap"));
    lines.map(|(number, line)| format!("{file}:{number}: {line}: call `sync::lock`")).collect()
}

#[test]
fn every_lock_has_a_rank() {
    let files = sources();
    let ranked = files.iter().filter(|file| !UNRANKED.iter().any(|place| file.starts_with(place)));
    assert_none(ranked.flat_map(|file| locks_without_a_rank(file, &text(file))).collect());
    assert_eq!(locks_without_a_rank("made_up.rs", "let state = self.state.lock().unwrap();").len(), 1);
    assert!(locks_without_a_rank("made_up.rs", "let state = lock(&self.state);").is_empty());
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut wrong = Vec::new();
    let generated = |name: &String| {
        [crate::support::packaging::HEADER, "include/claude_client.hpp"].contains(&name.as_str())
    };
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
