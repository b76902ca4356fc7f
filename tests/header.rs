//! The C header: made from the doc comments of src/capi, committed, complete, and clean for every compiler.

mod packaging;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use packaging::{Function, HEADER, SONAME, functions, have, need, read, root, run, shared_library};

fn generate() -> String {
    let mut config =
        cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let macros = config.after_includes.take().expect("cbindgen.toml has after_includes");
    config.after_includes = Some(
        macros
            .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
            .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
            .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
            .replace("@ABI@", &claude_client::capi::types::CLAUDE_ABI_VERSION.to_string()),
    );
    // The modules that mod.rs names are followed in its order: the order of the header's chapters.
    let builder = cbindgen::Builder::new().with_config(config).with_src(root().join("src/capi/mod.rs"));
    let mut header = Vec::new();
    builder.generate().expect("cbindgen reads src/capi").write(&mut header);
    let header = String::from_utf8(header).expect("the header is UTF-8");
    // Hosts that build with -Wundef have no __STDC_VERSION__ in C++; the other order never looks at it.
    header
        .replace(
            "__STDC_VERSION__ >= 202311L || defined(__cplusplus)",
            "defined(__cplusplus) || __STDC_VERSION__ >= 202311L",
        )
        // What a descriptor or a HANDLE is; cbindgen has another name for an isize.
        .replace("ptrdiff_t", "intptr_t")
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = generate();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::create_dir_all(root().join("include")).unwrap();
        fs::write(root().join(HEADER), &generated).unwrap();
    }
    let committed = fs::read_to_string(root().join(HEADER)).unwrap_or_default();
    let old_lines = committed.lines().chain(std::iter::repeat(""));
    if let Some((number, (new, old))) =
        generated.lines().zip(old_lines).enumerate().find(|(_, (a, b))| a != b)
    {
        panic!("{HEADER}:{} is\n  {old}\nbut src/capi says\n  {new}\nrun `make header`", number + 1);
    }
    assert_eq!(generated, committed, "{HEADER} has lines that src/capi does not; run `make header`");
}

/// The chapters in the short form say only what differs from the defaults that the contract page states.
fn is_short(name: &str) -> bool {
    let receive = ["on_", "ready_handle", "wake", "pump", "next", "receive_response", "pending"];
    let name = name.strip_prefix("claude_client_").map_or(name, |rest| rest);
    name.starts_with("claude_event_")
        || receive.iter().any(|start| name.starts_with(start)) && name != "pending_requests"
}

/// What the documentation of a function lacks.
fn gaps(function: &Function) -> Vec<String> {
    let tags: Vec<Vec<&str>> = function
        .doc
        .lines()
        .filter(|line| line.starts_with('@'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let has = |tag: &str| tags.iter().any(|words| words[0] == tag && words.len() > 1);
    let documented: Vec<&str> =
        tags.iter().filter(|words| words[0] == "@param").filter_map(|words| words.get(1).copied()).collect();
    let mut gaps = Vec::new();
    if function.doc.lines().next().is_none_or(|line| line.is_empty() || line.starts_with('@')) {
        gaps.push("a first paragraph that says what it does".to_owned());
    }
    if is_short(&function.name) {
        return gaps;
    }
    for name in &function.parameters {
        if !tags
            .iter()
            .any(|words| words[0] == "@param" && words.get(1) == Some(&name.as_str()) && words.len() > 2)
        {
            gaps.push(format!("@param {name} with a text"));
        }
    }
    gaps.extend(
        documented
            .iter()
            .filter(|name| !function.parameters.iter().any(|p| p == *name))
            .map(|name| format!("a parameter called {name} (it has @param {name})")),
    );
    let mut required = vec!["@thread", "@callback", "@since"];
    if function.returns != "void" {
        required.push("@return");
    }
    gaps.extend(required.into_iter().filter(|tag| !has(tag)).map(str::to_owned));
    let names_errors = function.doc.contains("CLAUDE_ERR_") || function.doc.contains("@return As `claude_");
    if function.returns == "claude_status_t"
        && function.parameters.iter().any(|name| name == "error")
        && !names_errors
    {
        gaps.push("the CLAUDE_ERR_ numbers that it returns".to_owned());
    }
    gaps
}

#[test]
fn every_function_is_documented() {
    let functions = functions(&read(HEADER));
    assert!(!functions.is_empty(), "{HEADER} declares no function");
    let report: Vec<String> = functions
        .iter()
        .map(|function| (function, gaps(function)))
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
    let header = "/**\n * Does it.\n *\n * @param a the first\n * @param gone was removed\n * @return 0\n */\n\
                  claude_status_t claude_f(const char *a,\n                 claude_error_t **error);\n";
    let functions = functions(header);
    assert_eq!(functions.len(), 1);
    assert_eq!(functions[0].parameters, ["a", "error"]);
    let gaps = gaps(&functions[0]).join("; ");
    for part in ["@param error", "called gone", "@thread", "@callback", "@since", "CLAUDE_ERR_"] {
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
        ["enum {}\n", "typedef struct {} ", "} {};", "(*{})("].map(|shape| shape.replace("{}", name))
    };
    let missing: Vec<&&str> =
        declared.iter().filter(|name| !shapes(name).iter().any(|shape| header.contains(shape))).collect();
    assert!(missing.is_empty(), "add to export.include in cbindgen.toml: {missing:?}");
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
                int use(void);\nint use(void) { return (claude_abi_version() == CLAUDE_ABI_VERSION) ? CLAUDE_OK : 1; }\n";
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

const STRICT: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wundef", "-Wshadow"];

fn every_standard(c: &str, cxx: &str) {
    let directory = tempfile::tempdir().unwrap();
    for standard in ["c99", "c11", "c17"] {
        let flag = format!("-std={standard}");
        let more = ["-Wstrict-prototypes", "-Wmissing-prototypes", &flag];
        compiles(c, "c", &[STRICT, &more].concat(), directory.path());
    }
    for standard in ["c++11", "c++14", "c++17", "c++20"] {
        let flag = format!("-std={standard}");
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

#[test]
fn tcc_takes_the_header() {
    if need("tcc", "tcc") {
        let directory = tempfile::tempdir().unwrap();
        compiles("tcc", "c", &["-Wall", "-Werror"], directory.path());
    }
}

/// The constants of the header's enumerations, in its order.
fn constants(header: &str) -> Vec<(String, i32)> {
    header
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().trim_end_matches(',').split_once(" = ")?;
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
         \x20          claude_version(), (claude_abi_version() == CLAUDE_ABI_VERSION));\n    return 0;\n}}\n"
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
