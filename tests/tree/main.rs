//! What the repository promises of itself. Nothing here makes a handle, so that a test may count those of its process.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod drift;
mod fault_matrix;
mod fuzz_corpus;
mod structure;
mod verdict;
