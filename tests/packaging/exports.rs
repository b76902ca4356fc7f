//! What the shared library shows to the world: the header's functions and nothing else.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::packaging::{HEADER, SONAME, functions, read, run, shared_library};

/// Libraries that every Linux system with glibc or musl has.
const SYSTEM_LIBRARIES: &[&str] =
    &["libc", "libgcc_s", "libm", "libpthread", "libdl", "librt", "libutil", "ld-linux"];

fn dynamic_section() -> String {
    run(Command::new("readelf").args(["-d", "-W"]).arg(shared_library()))
}

/// The texts in brackets of the entries of one kind.
fn entries(section: &str, kind: &str) -> Vec<String> {
    let lines = section.lines().filter(|line| line.contains(&format!("({kind})")));
    lines.filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned())).collect()
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let symbols =
        run(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(shared_library()));
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let header = read(HEADER);
    let declared = functions(&header);
    let declared: BTreeSet<&str> = declared.iter().map(|function| function.name.as_str()).collect();
    assert!(!declared.is_empty(), "{HEADER} declares no function");
    assert_eq!(exported, declared, "left: exported by the library, right: declared in {HEADER}");
}

/// Handlers that run at exit, and handlers of signals, are the host's alone.
#[test]
fn the_library_cannot_register_handlers_with_the_process() {
    let symbols =
        run(Command::new("nm").args(["-D", "--undefined-only", "--format=posix"]).arg(shared_library()));
    let names = symbols.lines().filter_map(|line| line.split([' ', '@']).next());
    let taken: BTreeSet<&str> = names.collect();
    assert!(taken.contains("pthread_sigmask"), "it blocks signals on its threads: {taken:?}");
    for name in ["atexit", "__cxa_atexit", "on_exit", "at_quick_exit", "signal", "sigaction", "__sigaction"] {
        assert!(!taken.contains(name), "{name}");
    }
}

#[test]
fn the_list_of_symbols_is_kept() {
    let path = "packaging/symbols.txt";
    let declared = functions(&read(HEADER));
    let names: BTreeSet<&str> = declared.iter().map(|function| function.name.as_str()).collect();
    let list: String = names.iter().map(|name| format!("{name}\n")).collect();
    assert_eq!(
        list,
        read(path),
        "the exported functions changed. A new one: `make header` adds it to {path}. One that is gone breaks every \
         program that uses it: raise SONAME_VERSION in build.rs and CLAUDE_ABI_VERSION in src/capi/types.rs as well"
    );
}

#[test]
fn the_library_is_named_by_its_abi_and_never_unmapped() {
    let section = dynamic_section();
    assert_eq!(entries(&section, "SONAME"), [SONAME]);
    assert!(section.contains("NODELETE"), "no -z nodelete in\n{section}");
}

#[test]
fn the_library_looks_nowhere_but_in_the_system() {
    let section = dynamic_section();
    for kind in ["RPATH", "RUNPATH"] {
        assert!(!section.contains(&format!("({kind})")), "{kind} in\n{section}");
    }
    for needed in entries(&section, "NEEDED") {
        let stem = needed.split(['.', '-']).next().unwrap_or_default();
        assert!(
            SYSTEM_LIBRARIES.iter().any(|known| known.split('-').next() == Some(stem)),
            "needs {needed}, which not every system has"
        );
    }
}
