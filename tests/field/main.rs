//! How programs that drive the CLI are known to fail: the rows of docs/fault-matrix.md that no other test stands for.
//! Through the C functions.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod common;
mod life;
mod sessions;
mod stream;
mod threads;
mod turns;
mod wire;
