//! The sessions that the CLI writes to disk: found, read, named, copied and removed without a client.
//!
//! Everything here works on files alone, on the calling thread. A session's file may be of any size: only the
//! current line and a few words for each entry are kept in memory. Files are opened by [`files`] only, where a
//! FIFO cannot block the caller and a symlink cannot lead elsewhere.

mod change;
mod cut;
mod entry;
mod files;
mod first_prompt;
mod folders;
mod fork;
mod glance;
mod info;
mod key;
mod lines;
mod list;
mod live;
mod messages;
mod notes;
mod options;
mod parallel;
mod regions;
mod relink;
pub mod store;
mod subagents;
mod tag;
mod time;
mod transcript;
mod waiting;
mod worktrees;

#[cfg(test)]
mod copies;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result, Status};

pub use change::{archive, delete, rename, tag};
pub use entry::Kind;
pub use files::{create_folder, give_to};
pub use fork::fork;
pub use messages::{Item, messages};
pub use subagents::{list as subagents, messages as subagent_messages};

/// The sessions as a JSON array, newest first.
pub fn list(options: &str) -> Result<String> {
    list::sessions(&options::read(options, options::LIST)?)
}

/// One session as a JSON object.
pub fn info(id: &str, options: &str) -> Result<String> {
    list::session(id, &options::read(options, options::FIND)?)
}

/// The name of the folder in which the CLI keeps a folder's sessions.
pub fn project_key(directory: &str) -> Result<String> {
    if directory.is_empty() {
        return Err(Error::new(Status::InvalidArgument, "directory is empty")
            .with("argument", "directory")
            .with("remedy", "name the folder that the sessions run in"));
    }
    Ok(key::of_folder(std::path::Path::new(directory)))
}
