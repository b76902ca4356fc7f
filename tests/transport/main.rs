//! The library over something else than a child process.

#[path = "../support/mod.rs"]
mod support;

mod conversations;
mod host;
mod host_table;
mod launcher;
mod memory;
mod spare;
