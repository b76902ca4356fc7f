//! Sessions on the disk, and in a store of the host's own.

#[path = "../support/mod.rs"]
mod support;

mod in_c;
mod large;
mod mirror;
mod postgres;
mod real;
mod store_examples;
mod store_mirror;
mod store_real;
mod store_support;
