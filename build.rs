//! Link settings of the shared library. Writes nothing into the source tree, and needs no build dependency.

use std::env;

/// The number in the library's file name. It changes with every break of the ABI, and stays 0 until 1.0 as long as
/// nothing breaks.
const SONAME_VERSION: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
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
