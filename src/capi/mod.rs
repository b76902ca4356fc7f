//! The exports, one file for each chapter of the header, in the header's order. An export converts, makes one call,
//! and is done.

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

pub mod talk;

pub mod receive;

pub mod event;

pub mod control;

pub mod control_initialize;

pub mod control_turn;

pub mod control_files;

pub mod control_settings;

pub mod control_mcp;

pub mod request;

pub mod hook;

pub mod mcp;

pub mod tool_call;

pub mod transport;

mod support;
