//! What goes wrong with a CLI, a host or the machine, and what the host is told then; silence among it.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod close;
mod control;
mod daemons;
mod death;
mod end;
mod files;
mod free;
mod frozen;
mod handles;
mod host;
mod kill;
mod leave;
mod orders;
mod outlive;
mod owed;
mod rounds;
mod spares;
mod stalls;
mod start;
mod stream;
mod words;
