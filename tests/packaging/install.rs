//! `make install` gives what programs outside this tree need: they find the library, link it both ways, and run.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::packaging::{SONAME, built, have, need, need_module, root, run};
use claude_testkit::quick::takes_long;
use tempfile::TempDir;

/// Uses the library and not only its constants, so that a static link has to find all that the library needs.
const CONSUMER: &str = r#"
#include <claude_client.h>
#include <stdio.h>

int main(void) {
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;
    claude_status_t status = claude_client_create("{\"no_such_option\": 1}", &client, &error);
    printf("%s %d %s\n", claude_version(), claude_abi_version() == CLAUDE_ABI_VERSION, claude_status_name(status));
    claude_error_free(error);
    if (claude_client_create(NULL, &client, NULL) != CLAUDE_OK) return 1;
    claude_client_free(client);
    return 0;
}
"#;

const EXPECTED: &str = concat!(env!("CARGO_PKG_VERSION"), " 1 CLAUDE_ERR_INVALID_OPTION\n");

fn make_command() -> Command {
    let mut make = Command::new("make");
    // The outer make's flags and job server are not for this one.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PREFIX", "DESTDIR", "LIBDIR", "STRIP"] {
        make.env_remove(name);
    }
    make.arg("-s").current_dir(root());
    make
}

/// What `make` leaves for `make install`. The library was built together with this test, so there is nothing to build.
fn record() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("make");
        let arguments = [format!("BUILD={}", folder.display()), format!("BUILT={}", built().display())];
        run(make_command().args(["build", "CARGO=true"]).args(arguments));
        folder
    })
}

/// Runs make as `sudo` does: what is on the PATH of the user, such as cargo, is not on root's.
fn make(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let called = folder.path().join("called");
    for tool in ["cargo", "rustc"] {
        let stub = folder.path().join(tool);
        crate::support::executable(&stub, format!("#!/bin/sh\necho $0 >>'{}'\nexit 1\n", called.display()));
    }
    let path = [folder.path().into(), std::env::var_os("PATH").unwrap_or_default()].join(OsStr::new(":"));
    let mut make = make_command();
    make.env("PATH", path).env_remove("CARGO").arg(format!("BUILD={}", record().display()));
    run(make.args(arguments));
    assert!(!called.exists(), "{arguments:?} called {}", fs::read_to_string(called).unwrap());
}

/// Installs, then moves the prefix, since packages are unpacked wherever their users like.
fn installed() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let first = directory.path().join("first");
    make(&["install", &format!("PREFIX={}", first.display())]);
    let moved = directory.path().join("moved");
    fs::rename(&first, &moved).unwrap();
    fs::write(directory.path().join("main.c"), CONSUMER).unwrap();
    (directory, moved)
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(arguments).arg("claude-client");
    run(&mut command).split_whitespace().map(str::to_owned).collect()
}

/// The shared libraries that a program asks for.
fn needed(program: &Path) -> String {
    if cfg!(target_os = "macos") {
        run(Command::new("otool").arg("-L").arg(program))
    } else {
        run(Command::new("readelf").args(["-d", "-W"]).arg(program))
    }
}

fn is_static(program: &Path) {
    assert!(
        !needed(program).contains("libclaude_client"),
        "{} still needs the shared library",
        program.display()
    );
}

fn is_shared(program: &Path) {
    assert!(needed(program).contains(SONAME), "{} does not ask for {SONAME}", program.display());
}

#[test]
fn pkg_config_serves_shared_and_static_programs() {
    if takes_long() {
        return;
    }
    if !(need("pkg-config", "pkg-config") && need("cc", "gcc")) {
        return;
    }
    let (directory, prefix) = installed();
    let version = pkg_config(&prefix, &["--modversion"]);
    assert_eq!(version, [env!("CARGO_PKG_VERSION")]);
    let compile = |name: &str, flags: &[String]| {
        let program = directory.path().join(name);
        let flags_first = pkg_config(&prefix, &["--cflags"]);
        run(Command::new("cc")
            .arg(directory.path().join("main.c"))
            .args(flags_first)
            .args(flags)
            .arg("-o")
            .arg(&program));
        program
    };

    let shared = compile("shared", &pkg_config(&prefix, &["--libs"]));
    is_shared(&shared);
    let path = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    assert_eq!(run(Command::new(&shared).env(path, prefix.join("lib"))), EXPECTED);

    let named = compile("static", &pkg_config(&prefix, &["--variable=static_libs"]));
    is_static(&named);
    assert_eq!(run(&mut Command::new(named)), EXPECTED);

    // With no shared library there, the usual `--static --libs` takes the static one.
    for entry in fs::read_dir(prefix.join("lib")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains(".so") || name.contains(".dylib") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let only = compile("only", &pkg_config(&prefix, &["--static", "--libs"]));
    is_static(&only);
    assert_eq!(run(&mut Command::new(only)), EXPECTED);
}

const OTHER_RUST: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn other_library() -> i32 {
    std::panic::catch_unwind(|| std::thread::spawn(|| 7).join().unwrap_or(0)).unwrap_or(0)
}
"#;

const BESIDE: &str = r#"
#include <claude_client.h>
#include <stdio.h>

int other_library(void);

int main(void) {
    claude_client_t *client = NULL;
    claude_status_t status = claude_client_create("{\"no_such_option\": 1}", &client, NULL);
    printf("%s %d\n", claude_status_name(status), other_library());
    return 0;
}
"#;

/// The exported functions alone are global, so that another static library of Rust's, with a standard library of its own, is none
/// of its business.
#[test]
#[cfg(target_os = "linux")]
fn the_static_library_is_one_object_and_links_beside_another_rust_one() {
    if !(need("cc", "gcc") && need("nm", "binutils")) {
        return;
    }
    let (directory, prefix) = installed();
    let (library, folder) = (prefix.join("lib/libclaude_client.a"), directory.path());
    let global: BTreeSet<String> =
        run(Command::new("nm").args(["-g", "--defined-only", "--format=just-symbols"]).arg(&library))
            .lines()
            .filter(|line| !line.is_empty() && !line.ends_with(':'))
            .map(str::to_owned)
            .collect();
    let symbols = fs::read_to_string(root().join("packaging/symbols.txt")).unwrap();
    assert_eq!(global, symbols.lines().map(str::to_owned).collect());
    assert_eq!(run(Command::new("ar").arg("t").arg(&library)).lines().count(), 1);

    fs::write(folder.join("other.rs"), OTHER_RUST).unwrap();
    fs::write(folder.join("beside.c"), BESIDE).unwrap();
    let other = folder.join("libother.a");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    run(Command::new(rustc)
        .args(["--edition=2024", "--crate-type=staticlib", "-o"])
        .arg(&other)
        .arg(folder.join("other.rs")));
    for libraries in [[&library, &other], [&other, &library]] {
        let program = folder.join("beside");
        run(Command::new("cc")
            .arg(folder.join("beside.c"))
            .arg("-I")
            .arg(prefix.join("include"))
            .args(libraries)
            .args(["-lm", "-pthread", "-ldl", "-lgcc_s", "-o"])
            .arg(&program));
        is_static(&program);
        assert_eq!(run(&mut Command::new(&program)), "CLAUDE_ERR_INVALID_OPTION 7\n");
    }
}

const CMAKE_LISTS: &str = "
cmake_minimum_required(VERSION 3.13)
project(consumer C)
find_package(claude_client 0.1 REQUIRED)
foreach(kind shared static claude_client)
  add_executable(use_${kind} main.c)
  target_link_libraries(use_${kind} PRIVATE claude_client::${kind})
endforeach()
find_package(claude_client 9.0 QUIET)
if(claude_client_FOUND)
  message(FATAL_ERROR \"version 9.0 was asked for and found\")
endif()
";

#[test]
fn cmake_serves_shared_and_static_programs() {
    if takes_long() {
        return;
    }
    if !(need("cmake", "cmake") && need("cc", "gcc")) {
        return;
    }
    let (directory, prefix) = installed();
    fs::write(directory.path().join("CMakeLists.txt"), CMAKE_LISTS).unwrap();
    let build = directory.path().join("build");
    let generator = if have("ninja") { "Ninja" } else { "Unix Makefiles" };
    run(Command::new("cmake")
        .args(["-G", generator, "-S"])
        .arg(directory.path())
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    run(Command::new("cmake").arg("--build").arg(&build));
    for kind in ["shared", "static", "claude_client"] {
        let program = build.join(format!("use_{kind}"));
        if kind == "static" {
            is_static(&program)
        } else {
            is_shared(&program)
        }
        assert_eq!(run(&mut Command::new(program)), EXPECTED, "{kind}");
    }
}

#[test]
fn without_a_build_install_says_what_to_do() {
    if takes_long() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [build, prefix] = ["build", "prefix"].map(|name| folder.path().join(name));
    let mut make = make_command();
    make.args([format!("BUILD={}", build.display()), format!("PREFIX={}", prefix.display())]);
    let output = make.arg("install").output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && complaint.contains("run `make` first"), "{complaint}");
    assert!(!build.exists() && !prefix.exists());
}

/// What users copy: the examples with their build files, outside of this tree.
#[test]
fn the_examples_build_against_the_installed_library() {
    if takes_long() {
        return;
    }
    if !(need("pkg-config", "pkg-config") && need("cmake", "cmake") && need("cc", "gcc")) {
        return;
    }
    let (directory, prefix) = installed();
    let examples = directory.path().join("examples");
    run(Command::new("cp").arg("-r").arg(root().join("examples-c")).arg(&examples));
    let mut make = make_command();
    make.current_dir(&examples).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    run(make.arg("CFLAGS=-O0 -Werror"));
    let cmake = examples.join("build");
    run(Command::new("cmake")
        .args(["-DCMAKE_C_FLAGS=-O0 -Werror", "-S"])
        .arg(&examples)
        .arg("-B")
        .arg(&cmake)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    run(Command::new("cmake").arg("--build").arg(&cmake));

    let session = root().join("tests/data/session.ndjson");
    for folder in [&examples, &cmake] {
        for source in files(&root().join("examples-c")).iter().filter_map(|name| name.strip_suffix(".c")) {
            let may_lack = ["sdl_loop", "store_sqlite", "store_postgres"].contains(&source)
                || (source == "epoll" && !cfg!(target_os = "linux"));
            assert!(may_lack || folder.join(source).is_file(), "{source} is not in {}", folder.display());
        }
        let output = run(Command::new(folder.join("replay_test")).arg(&session));
        assert!(output.contains("ok - "), "{output}");
    }
}

/// The adapters for event loops lie in a folder of their own, which needs no more flags than the library.
#[test]
fn the_adapters_are_found_with_the_library() {
    if takes_long() {
        return;
    }
    if !(need("pkg-config", "pkg-config") && need("c++", "g++")) {
        return;
    }
    let (directory, prefix) = installed();
    for (header, module, package) in [
        ("claude_libuv.h", "libuv", "libuv1-dev"),
        ("claude_glib.h", "glib-2.0", "libglib2.0-dev"),
        ("claude_qt.hpp", "Qt5Core", "qtbase5-dev"),
    ] {
        let Some(loop_flags) = need_module(module, package) else { continue };
        let source = directory.path().join("adapter.cpp");
        fs::write(&source, format!("#include <claude_client/{header}>\n")).unwrap();
        let flags = pkg_config(&prefix, &["--cflags"]);
        run(Command::new("c++").args(["-fsyntax-only", "-fPIC"]).args(flags).args(loop_flags).arg(&source));
    }
}

fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|name| format!("{}/{name}", entry.file_name().to_string_lossy())),
            );
        } else {
            found.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_staged_install_is_complete_and_can_be_removed() {
    if takes_long() {
        return;
    }
    let stage = tempfile::tempdir().unwrap();
    let destination = format!("DESTDIR={}", stage.path().display());
    let arguments = |target| [target, "PREFIX=/usr", "LIBDIR=/usr/lib/deep/er", destination.as_str()];
    make(&arguments("install"));
    let installed = files(stage.path());
    let version = env!("CARGO_PKG_VERSION");
    for name in [
        "usr/include/claude_client.h",
        "usr/include/claude_client.hpp",
        "usr/include/claude_client/claude_libuv.h",
        "usr/include/claude_client/claude_glib.h",
        "usr/include/claude_client/claude_qt.hpp",
        "usr/include/claude_client/api.json",
        "usr/lib/deep/er/libclaude_client.a",
        "usr/lib/deep/er/pkgconfig/claude-client.pc",
        "usr/lib/deep/er/cmake/claude_client/claude_client-config.cmake",
        "usr/lib/deep/er/cmake/claude_client/claude_client-config-version.cmake",
        "usr/share/licenses/claude-client/LICENSE-MIT",
        "usr/share/licenses/claude-client/LICENSE-APACHE",
        "usr/share/licenses/claude-client/THIRD-PARTY.txt",
    ] {
        assert!(installed.contains(name), "{name} is not among {installed:#?}");
    }
    let library = stage.path().join("usr/lib/deep/er");
    let link = fs::canonicalize(library.join(SONAME)).unwrap();
    assert!(link.to_string_lossy().contains(version), "{SONAME} leads to {}", link.display());
    for name in &installed {
        let Ok(text) = fs::read_to_string(stage.path().join("").join(name)) else { continue };
        assert!(!text.contains(&stage.path().display().to_string()), "{name} names the stage");
        assert!(
            !text.contains('@') || !name.contains("cmake") && !name.contains(".pc"),
            "{name} has a gap:\n{text}"
        );
    }
    let flags = pkg_config_at(&library.join("pkgconfig"));
    assert!(
        fs::canonicalize(flags.trim().trim_start_matches("-I")).unwrap().join("claude_client.h").exists()
    );

    make(&arguments("uninstall"));
    assert_eq!(files(stage.path()), BTreeSet::new(), "uninstall left files behind");
}

/// The CLI is as large as two hundred of this library, and is never part of what is installed.
#[test]
fn t1_what_is_installed_is_small_and_holds_no_cli() {
    if takes_long() {
        return;
    }
    let stage = tempfile::tempdir().unwrap();
    make(&["install", "PREFIX=/usr", &format!("DESTDIR={}", stage.path().display())]);
    for name in files(stage.path()) {
        let path = stage.path().join(&name);
        assert!(!name.contains("/bin/") && path.file_name() != Some(OsStr::new("claude")), "{name}");
        let is_library = [".so", ".a", ".dylib"].iter().any(|end| name.contains(end));
        let is_program = fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0;
        assert!(is_library || !is_program, "{name} can be run");
        assert!(is_library || fs::metadata(&path).unwrap().len() < 1 << 20, "{name} is large");
    }
    // The check holds the stripped library to this size.
    let size: u64 = fs::read_to_string(root().join("packaging/size.txt")).unwrap().trim().parse().unwrap();
    assert!(size < 8 << 20, "{size} bytes");
    assert!(fs::read_to_string(root().join(".ci/run")).unwrap().contains("packaging/size.txt"));
}

fn pkg_config_at(directory: &Path) -> String {
    run(Command::new("pkg-config").env("PKG_CONFIG_PATH", directory).args(["--cflags", "claude-client"]))
}
