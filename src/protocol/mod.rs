//! The wire: lines, kinds and control frames. No I/O and no threads.

pub mod cli_version;
pub mod control;
pub mod framing;
mod json;
pub mod kind;
pub mod members;
mod pieces;
pub mod result_frame;
pub mod strict;
pub mod text_delta;
pub mod tolerant;
pub mod user_message;
