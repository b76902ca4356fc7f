//! Tools of the host in its own process.

#[path = "../support/mod.rs"]
mod support;

mod common;
mod edges;
mod lifetime;
mod log;
mod memory;
mod modes;
mod names;
mod raw;
mod real;
