//! What the fuzzers run: a function for each target, which panics where the library breaks a promise. `tests/tree/fuzz_corpus.rs`
//! runs the same functions over the committed inputs, without a fuzzer. Each says at its top what it compares with what.

pub mod answers;
pub mod calls;
pub mod calls_back;
pub mod host;
pub mod json;
pub mod options;
pub mod pointer;
pub mod record;
pub mod said;
pub mod sessions;
pub mod source;
pub mod stdout;
pub mod transport;
