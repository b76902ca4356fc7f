//! The wire: lines, kinds and control frames. No I/O and no threads.

pub mod control;
pub mod framing;
pub mod kind;
pub mod members;
pub mod message_text;
mod pieces;
pub mod pointer;
pub mod result_frame;
mod scan;
pub mod text_delta;
pub mod tolerant;
pub mod tree;
pub mod user_message;
