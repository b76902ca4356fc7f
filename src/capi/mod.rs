//! The exports, one file for each chapter of the header, in the header's order. An export converts, makes one call,
//! and is done.
//!
//! The documentation of each file is that of its chapter: `@defgroup id Title` and the introduction, or `@addtogroup id` for
//! a chapter that begins in another file. packaging/header makes the header of it.

#![allow(non_camel_case_types)]
// The header's contract is the safety section of every export.
#![allow(clippy::missing_safety_doc)]

pub mod types;

pub mod version;

pub mod error;

pub mod json;

pub mod runtime;

pub mod probe;

pub mod client;

pub mod spare;

pub mod talk;

pub mod receive;

pub mod event;

pub mod control;

pub mod request;

pub mod hook;

pub mod mcp;

pub mod tool_call;

pub mod transport;

pub mod sessions;

pub mod session_store;

mod operation;
mod support;

#[cfg(test)]
mod left_out;
