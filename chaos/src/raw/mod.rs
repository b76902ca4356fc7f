//! The only place with `unsafe`: the exports as the host calls them, and the functions that the host gives the library.
//! Everything above speaks of handles and tokens.
#![allow(unsafe_code)]
#![allow(clippy::disallowed_methods)] // This is a host's side of the boundary: it reads what the library gives.

mod callbacks;
mod exports;
mod far;
mod leave;
mod pass;
mod store;
mod system;

pub use callbacks::*;
pub use exports::*;
pub use far::*;
pub use leave::*;
pub use pass::*;
pub use store::*;
pub use system::*;
