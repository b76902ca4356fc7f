//! The part of the driver that is in C.

fn main() {
    println!("cargo::rerun-if-changed=src/raw/leave.c");
    println!("cargo::rerun-if-changed=../include/claude_client.h");
    cc::Build::new().file("src/raw/leave.c").include("../include").std("c11").compile("leave");
}
