//! Sessions that are recorded and played back.

#[path = "../support/mod.rs"]
mod support;

mod common;
mod leave;
mod play;
mod record;
mod secrets;
mod session;
mod transport;
