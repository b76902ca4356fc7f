//! Opens the file of a record. Others may be able to guess its name and write to its folder: nothing but the user's own file is
//! written to, truncated, or changed.

use std::fs::File;
use std::io;
use std::path::Path;

/// A new file at `path`, which only the user can read. It replaces an existing file of the user's own.
#[cfg(unix)]
pub fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return open(path, true),
        Err(cause) => return Err(cause),
    };
    let (kind, own) = (found.file_type(), found.uid() == rustix::process::geteuid().as_raw());
    if kind.is_symlink() {
        return Err(refused(IS_A_LINK));
    }
    if kind.is_char_device() {
        return open(path, false);
    }
    if !own {
        return Err(refused("it belongs to another user: name a file of your own, or one that is not there"));
    }
    if kind.is_file() {
        // Not overwritten: whoever has it open, or has another link to it, must not see the record.
        std::fs::remove_file(path)?;
        return open(path, true);
    }
    open(path, false)
}

/// `new` = nothing may be there, not even a dangling link.
#[cfg(unix)]
fn open(path: &Path, new: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    // A pipe without a reader must not block the session, and a terminal must not become the host's.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    options.write(true).create_new(new).mode(0o600).custom_flags(flags).open(path)
}

const IS_A_LINK: &str = "it is a symbolic link: name the file itself";

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// A new file at `path`, which only the user can read. It takes the place of one that the user may remove: whoever has that open, or
/// has another link to it, does not see the record.
#[cfg(windows)]
pub fn create(path: &Path) -> io::Result<File> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(refused(IS_A_LINK)),
        Ok(_) => std::fs::remove_file(path)?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    crate::process::create_private_file(path)
}
