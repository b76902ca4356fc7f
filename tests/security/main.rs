//! The promises of SECURITY.md.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod canaries;
mod common;
mod promises;
mod supply_chain;
