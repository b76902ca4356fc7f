//! How programs that drive the CLI are known to fail: the rows of docs/fault-matrix.md that no other test stands for.
//! Through the C functions.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod common;
mod costs;
mod engines;
mod environment;
mod errors;
mod life;
mod resumed;
mod security;
mod sessions;
mod stream;
mod threads;
mod turns;
mod wire;
