//! The boundary kit: guard, handles, text, callbacks, numbers, structs that grow. It knows nothing of Claude.
//!
//! Every raw conversion of the crate lives here, so that what an export may receive is decided in one place.

// The only place for them; see clippy.toml.
#![allow(clippy::disallowed_methods)]

pub mod callback;
pub mod guard;
pub mod handle;
pub mod number;
pub mod param;
mod stack;
pub mod text;
pub mod versioned;
