//! The C header and what is made beside it: what src/capi says, committed, complete, and clean for every compiler.

#[path = "../../packaging/header/mod.rs"]
mod generator;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::packaging::{
    Function, HEADER, SONAME, functions, have, need, read, root, run, shared_library,
};

/// Whether the texts are those of the settled interface: what the contract says is not said again.
const SETTLED: bool = true;

/// The header can be read like a book, not like a dictionary.
const MOST_LINES: usize = if SETTLED { 1_600 } else { 3_600 };

const SKELETON: &str = "packaging/header/skeleton.h.in";

#[test]
fn the_committed_files_are_the_generated_ones() {
    for (path, made) in generator::make(root()).unwrap_or_else(|error| panic!("src/capi:\n{error}")) {
        let kept = fs::read_to_string(root().join(path)).unwrap_or_default();
        same(path, &kept, &made);
    }
}

fn same(path: &str, kept: &str, made: &str) {
    let ends = std::iter::repeat("");
    let lines = kept.lines().chain(ends.clone()).zip(made.lines().chain(ends));
    let count = kept.lines().count().max(made.lines().count());
    if let Some((number, (old, new))) = lines.take(count).enumerate().find(|(_, (old, new))| old != new) {
        panic!("{path}:{} is\n  {old}\nbut src/capi says\n  {new}\nrun `make header`", number + 1);
    }
}

#[test]
fn what_is_read_from_the_header_is_what_was_written_to_it() {
    let header = read(HEADER);
    let chapters = generator::parse::chapters(&header).unwrap();
    same(HEADER, &header, &generator::layout::header(&read(SKELETON), &chapters));
    same("include/api.json", &read("include/api.json"), &generator::api::describe(&chapters).unwrap());
}

/// A member that moves into padding later is not covered by the `size` of an older host.
#[test]
fn no_struct_ends_with_padding() {
    let api: serde_json::Value = serde_json::from_str(&read("include/api.json")).unwrap();
    for each in api["structs"].as_array().unwrap().iter().filter(|_| SETTLED) {
        let last = each["members"].as_array().and_then(|members| members.last()).unwrap();
        let end = last["offset"].as_u64().unwrap() + last["bytes"].as_u64().unwrap();
        assert_eq!(Some(end), each["bytes"].as_u64(), "{}", each["name"]);
    }
}

#[test]
fn every_callback_that_has_a_thread_of_its_own_exists() {
    let header = read(HEADER);
    let gone: Vec<&str> = generator::api::THREADS.iter().map(|(name, _)| *name).collect();
    let gone: Vec<&&str> = gone.iter().filter(|name| !header.contains(&format!("(*{name})("))).collect();
    assert!(
        gone.is_empty() || !SETTLED,
        "in THREADS of packaging/header/api.rs, but not in {HEADER}: {gone:?}"
    );
}

#[test]
fn users_of_the_library_do_not_build_the_generator() {
    let tree = |features: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "tree",
            "--offline",
            "--package",
            "claude-client",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ]);
        run(cargo.args(features).current_dir(root()))
    };
    assert!(!tree(&[]).contains("cbindgen"));
    assert!(tree(&["--features", "header"]).contains("cbindgen"));
}

#[test]
fn the_header_is_short_and_fits_a_window() {
    let header = read(HEADER);
    let lines = header.lines().count();
    assert!(lines <= MOST_LINES, "{lines} lines, more than {MOST_LINES}");
    let wide: Vec<&str> = header.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(wide.is_empty(), "more than 120 columns:\n{}", wide.join("\n"));
}

/// The commands of a text, each with the words behind it.
fn commands(function: &Function) -> Vec<(&str, Vec<&str>)> {
    let lines = function.doc.lines().filter_map(|line| line.strip_prefix('@'));
    lines
        .filter_map(|line| {
            line.split_whitespace().next().map(|name| (name, line.split_whitespace().skip(1).collect()))
        })
        .collect()
}

/// What the documentation of a function lacks, or has too much of.
fn gaps(function: &Function, settled: bool) -> Vec<String> {
    let commands = commands(function);
    let mut gaps = Vec::new();
    if function.doc.lines().next().is_none_or(|line| line.is_empty() || line.starts_with('@')) {
        gaps.push("a first paragraph that says what it does".to_owned());
    }
    for (command, words) in &commands {
        match (*command, words.as_slice()) {
            ("param", [name, _, ..]) if function.parameters.iter().any(|p| p == name) => {}
            ("param", [name]) => gaps.push(format!("@param {name} with a text")),
            ("param", [name, ..]) => gaps.push(format!("a parameter called {name} (it has @param {name})")),
            (command, _) if settled => gaps.push(format!("nothing about @{command}: see the contract")),
            _ => {}
        }
    }
    if settled && function.doc.contains("may be NULL") {
        gaps.push("\"NULL = ...\" in place of \"may be NULL\"".to_owned());
    }
    let told = |name: &str| {
        commands.iter().any(|(command, words)| *command == "param" && words.first() == Some(&name))
    };
    gaps.extend(needy(function).into_iter().filter(|name| !told(name)).map(|name| format!("@param {name}")));
    gaps
}

/// Parameters that neither the contract nor the function's text and name explain: numbers, and callbacks of a name of their own.
fn needy(function: &Function) -> Vec<&str> {
    const CONTRACT: &[&str] = &["timeout_ms", "len", "id", "done", "destroy", "callback"];
    let text = format!("{} {} {}", function.name, function.doc, function.chapter).to_lowercase();
    let explained = |name: &str| name.split('_').any(|word| word.len() > 2 && text.contains(word));
    let numbers = |ty: &str| ["uint32_t", "uint64_t", "int32_t", "size_t", "double"].contains(&ty);
    let parameters = function.parameters.iter().zip(&function.types);
    let needy = parameters.filter(|(name, ty)| {
        let own_callback = ty.ends_with("_fn");
        !CONTRACT.contains(&name.as_str()) && (own_callback || numbers(ty) && !explained(name))
    });
    needy.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_function_is_documented() {
    let functions = functions(&read(HEADER));
    assert!(!functions.is_empty(), "{HEADER} declares no function");
    let report: Vec<String> = functions
        .iter()
        .map(|function| (function, gaps(function, SETTLED)))
        .filter(|(_, gaps)| !gaps.is_empty())
        .map(|(function, gaps)| format!("{} lacks: {}", function.name, gaps.join("; ")))
        .collect();
    assert!(report.is_empty(), "{}", report.join("\n"));
}

#[test]
fn every_page_that_the_header_names_is_there() {
    let header = read(HEADER);
    let words = header
        .split(|c: char| c.is_whitespace() || "`,;()".contains(c))
        .map(|word| word.trim_end_matches('.'));
    let pages: BTreeSet<&str> =
        words.filter(|word| word.starts_with("docs/") && word.contains(".md")).collect();
    assert!(!pages.is_empty(), "{HEADER} names no page of the documentation");
    let missing: Vec<&&str> =
        pages.iter().filter(|page| !root().join(page.split('#').next().unwrap_or(page)).exists()).collect();
    assert!(missing.is_empty(), "{HEADER} names pages that do not exist: {missing:?}");
}

#[test]
fn a_gap_in_the_documentation_is_found() {
    let header = "/**\n * Does it.\n *\n * @param a The first; may be NULL.\n * @param gone was removed\n * @param error\n\
                  * @return 0\n */\nclaude_status_t claude_f(const char *a, uint32_t most,\n\
                  claude_text_fn on_text, claude_error_t **error);\n";
    let functions = functions(header);
    assert_eq!(functions.len(), 1);
    assert_eq!(functions[0].parameters, ["a", "most", "on_text", "error"]);
    let gaps = gaps(&functions[0], true).join("; ");
    for part in ["called gone", "@param error with", "@return", "NULL = ", "@param most", "@param on_text"] {
        assert!(gaps.contains(part), "{part} is not in: {gaps}");
    }
}

#[test]
fn every_public_type_is_in_the_header() {
    let (types, header) = (read("src/capi/types.rs"), read(HEADER));
    let declared: Vec<&str> = types
        .lines()
        .filter_map(|line| {
            ["pub enum ", "pub struct ", "pub type "].iter().find_map(|start| line.strip_prefix(start))
        })
        .filter_map(|rest| rest.split([' ', '{', '=', '(']).next())
        .collect();
    assert!(declared.len() > 10, "only {declared:?} found in src/capi/types.rs");
    let shapes = |name: &str| {
        ["ENUM({}) {", "typedef struct {} ", "} {};", "(*{})("].map(|shape| shape.replace("{}", name))
    };
    let missing: Vec<&&str> =
        declared.iter().filter(|name| !shapes(name).iter().any(|shape| header.contains(shape))).collect();
    assert!(missing.is_empty(), "not in {HEADER}: {missing:?}");
}

#[test]
fn names_stay_in_the_prefix() {
    for function in functions(&read(HEADER)) {
        assert!(function.name.starts_with("claude_"), "{} does not start with claude_", function.name);
    }
    for line in read(HEADER).lines().filter(|line| line.starts_with("#define ")) {
        let name = line.split([' ', '(']).nth(1).unwrap_or_default();
        assert!(name.starts_with("CLAUDE_"), "the macro {name} does not start with CLAUDE_");
    }
}

/// Compiles a source that includes the header twice, so that the guard is tried as well.
fn compiles(compiler: &str, language: &str, flags: &[&str], directory: &Path) {
    let source = directory.join(format!("include.{language}"));
    let text = "#include <claude_client.h>\n#include <claude_client.h>\n\
                claude_status_t use(claude_dispatch_t mode);\nclaude_status_t use(claude_dispatch_t mode) {\n\
                if (mode == CLAUDE_DISPATCH_PULL && CLAUDE_JSON({\"a\": [true]})[0] == '{') return CLAUDE_OK;\n\
                return claude_abi_version() == CLAUDE_ABI_VERSION ? CLAUDE_OK : CLAUDE_ERR_UNSUPPORTED; }\n";
    fs::write(&source, text).unwrap();
    let object = directory.join("include.o");
    run(Command::new(compiler)
        .args(flags)
        .arg("-I")
        .arg(root().join("include"))
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(object));
}

const STRICT: &[&str] =
    &["-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Werror", "-Wundef", "-Wshadow", "-Wvla"];

/// Each standard by its name, and by the name that it had before it was one: the first that the compiler knows is taken.
const C: &[&[&str]] = &[&["c99"], &["c11"], &["c17"], &["c23", "c2x"]];
pub const CXX: &[&[&str]] = &[&["c++11"], &["c++14"], &["c++17"], &["c++20"], &["c++23", "c++2b"]];

pub fn known(compiler: &str, language: &str, names: &[&str]) -> String {
    let flags = names.iter().map(|name| format!("-std={name}"));
    let mut said = Vec::new();
    let found = flags.into_iter().find(|flag| {
        let mut command = Command::new(compiler);
        command.args([flag, "-fsyntax-only", "-x", language, "/dev/null"]);
        let output = command.output().unwrap_or_else(|error| panic!("{compiler}: {error}"));
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
        output.status.success()
    });
    found.unwrap_or_else(|| panic!("{compiler} knows none of {names:?}: {said:?}"))
}

fn every_standard(c: &str, cxx: &str) {
    let directory = tempfile::tempdir().unwrap();
    for names in C {
        let flag = known(c, "c", names);
        let more = ["-Wstrict-prototypes", "-Wmissing-prototypes", &flag];
        compiles(c, "c", &[STRICT, &more].concat(), directory.path());
    }
    for names in CXX {
        let flag = known(cxx, "c++", names);
        let more = ["-Wold-style-cast", "-fno-exceptions", "-fno-rtti", &flag];
        compiles(cxx, "cpp", &[STRICT, &more].concat(), directory.path());
    }
}

#[test]
fn gcc_takes_the_header_in_every_standard() {
    if need("gcc", "gcc") && need("g++", "g++") {
        every_standard("gcc", "g++");
    }
}

#[test]
fn clang_takes_the_header_in_every_standard() {
    if need("clang", "clang") && need("clang++", "clang") {
        every_standard("clang", "clang++");
    }
}

/// Swift reads the header through clang, which then knows enumerations with a type of their own.
#[test]
fn swifts_view_of_the_header_is_clean() {
    if need("clang", "clang") {
        let directory = tempfile::tempdir().unwrap();
        let flags = ["-D__swift__", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Wundef", "-Werror"];
        compiles("clang", "c", &flags, directory.path());
    }
}

#[test]
fn tcc_takes_the_header() {
    if need("tcc", "tcc") {
        let directory = tempfile::tempdir().unwrap();
        compiles("tcc", "c", &["-Wall", "-Werror"], directory.path());
    }
}

#[test]
fn the_reference_has_a_page_for_each_function_and_no_warning() {
    if !need("doxygen", "doxygen") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let tags = directory.path().join("tags.xml");
    let settings = read("packaging/Doxyfile")
        + &format!(
            "OUTPUT_DIRECTORY = {}\nGENERATE_TAGFILE = {}\n",
            directory.path().display(),
            tags.display()
        );
    let file = directory.path().join("Doxyfile");
    fs::write(&file, settings).unwrap();
    run(Command::new("doxygen").arg(&file).current_dir(root()));
    let tags = fs::read_to_string(tags).unwrap();
    for function in functions(&read(HEADER)) {
        let name = format!("<name>{}</name>", function.name);
        let entry =
            tags.split_once(&name).unwrap_or_else(|| panic!("{} is not in the reference", function.name)).1;
        let page = entry.split_once("<anchorfile>").and_then(|(_, rest)| rest.split_once("</anchorfile>"));
        let page = directory.path().join("html").join(page.expect("a page").0);
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(&function.name), "{} is not on {}", function.name, page.display());
    }
}

/// The constants of the header's enumerations, in its order.
fn constants(header: &str) -> Vec<(String, i32)> {
    header
        .lines()
        .filter_map(|line| {
            let code = line.split_once("/**<").map_or(line, |(code, _)| code).trim().trim_end_matches(',');
            let (name, value) = code.split_once(" = ")?;
            Some((name.to_owned(), value.parse().ok()?)).filter(|(name, _)| name.starts_with("CLAUDE_"))
        })
        .collect()
}

#[test]
fn the_numbers_are_those_of_the_library() {
    use claude_client::error::Status;
    let header = read(HEADER);
    let mut in_header: Vec<(String, i32)> = constants(&header);
    in_header.retain(|(name, _)| name == "CLAUDE_OK" || name.starts_with("CLAUDE_ERR_"));
    let in_library: Vec<(String, i32)> =
        Status::ALL.iter().map(|status| (status.name().to_owned(), status.code())).collect();
    assert_eq!(in_header, in_library, "left: {HEADER}, right: src/error.rs");
}

/// What the compiler makes of the header, and what the library says, seen by one C program.
#[test]
fn a_program_sees_the_versions_and_names_of_the_library() {
    if !(have("cc") || need("cc", "gcc")) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join(SONAME);
    fs::copy(shared_library(), &library).unwrap();
    let statuses: String = constants(&read(HEADER))
        .iter()
        .filter(|(name, _)| name == "CLAUDE_OK" || name.starts_with("CLAUDE_ERR_"))
        .map(|(name, _)| {
            format!("    if (strcmp(claude_status_name({name}), \"{name}\") != 0) puts(\"{name}\");\n")
        })
        .collect();
    let source = format!(
        "#include <claude_client.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) {{\n{statuses}\
         \x20   printf(\"%d.%d.%d %s %d\\n\", CLAUDE_VERSION_MAJOR, CLAUDE_VERSION_MINOR, CLAUDE_VERSION_PATCH,\n\
         \x20          claude_version(), claude_abi_version() == CLAUDE_ABI_VERSION);\n    return 0;\n}}\n"
    );
    let file = directory.path().join("versions.c");
    let program = directory.path().join("versions");
    fs::write(&file, source).unwrap();
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .arg(root().join("include"))
        .args([&file, &library])
        .arg(format!("-Wl,-rpath,{}", directory.path().display()))
        .arg("-o")
        .arg(&program));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(&mut Command::new(&program)), format!("{version} {version} 1\n"));
}
