//! Link settings of the shared library. Under the feature `header` it also writes the header and what is made beside it into
//! the source tree; without it nothing, and it needs no build dependency.

#[cfg(feature = "header")]
#[path = "packaging/header/mod.rs"]
mod header;

use std::env;

/// The number in the library's file name. It changes with every break of the ABI, and stays 0 until 1.0 as long as
/// nothing breaks.
const SONAME_VERSION: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "header")]
    write_header();
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    match (target("OS").as_str(), target("FAMILY").as_str()) {
        ("macos" | "ios", _) => {
            link_arg(&format!("-Wl,-install_name,@rpath/libclaude_client.{SONAME_VERSION}.dylib"));
        }
        (_, "unix") => {
            link_arg(&format!("-Wl,-soname,libclaude_client.so.{SONAME_VERSION}"));
            // A library with threads and thread-local destructors must never be unmapped: dlclose then does nothing.
            link_arg("-Wl,-z,nodelete");
        }
        _ => {}
    }
}

fn link_arg(argument: &str) {
    println!("cargo:rustc-cdylib-link-arg={argument}");
}

/// Writes the files that differ from what the sources say, so that the others keep their times.
#[cfg(feature = "header")]
fn write_header() {
    let root = std::path::PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"));
    for input in ["src/capi", "cbindgen.toml", "packaging/header", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let files = header::make(&root).unwrap_or_else(|error| {
        eprintln!("the header cannot be made:\n{error}");
        std::process::exit(1)
    });
    for (path, text) in files {
        println!("cargo:rerun-if-changed={path}");
        if std::fs::read_to_string(root.join(path)).is_ok_and(|kept| kept == text) {
            continue;
        }
        std::fs::write(root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
