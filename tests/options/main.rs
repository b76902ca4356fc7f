//! The option document: what it becomes, and what the CLI makes of it.

#[path = "../support/mod.rs"]
mod support;

mod common;
mod edges;
mod errors;
mod golden;
mod real;
mod real_effect;
mod real_session;
mod reference;
