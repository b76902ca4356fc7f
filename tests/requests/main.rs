//! What the CLI asks of the host: permissions, hooks, questions; and the shape of everything that it says.

#[path = "../support/mod.rs"]
mod support;

mod allows;
mod answers;
mod asked;
mod gates;
mod hooks;
mod life;
mod messages;
mod permission;
mod pull;
mod race;
mod spare_real;
