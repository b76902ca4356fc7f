//! Sessions that are recorded and played back.

#[path = "../support/mod.rs"]
mod support;

mod common;
mod in_c;
mod leave;
mod play;
mod record;
mod secrets;
mod session;
mod transport;
