//! Files as Unix has them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, Result};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens what is there, whatever it is, without following a symlink or waiting.
pub fn to_look_at(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
}

/// A new file that no other user can read.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW)
}

pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new().mode(0o700).recursive(true).create(path)
}

pub fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    file.read_at(buffer, offset)
}

/// There is nothing, or something that is not a file.
pub fn is_absent(cause: &Error) -> bool {
    let absent = [libc::ENOENT, libc::ENOTDIR, libc::ELOOP, libc::ENXIO, libc::EISDIR, libc::ENAMETOOLONG];
    cause.raw_os_error().is_some_and(|code| absent.contains(&code))
}

pub fn modified_ms(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000)
}

/// Whether it may be removed: it is this user's own, or this user is root.
pub fn is_own(metadata: &Metadata) -> bool {
    let own = rustix::process::geteuid();
    metadata.uid() == own.as_raw() || own.is_root()
}

pub fn give_to(path: &Path, user: u32, group: u32) -> Result<()> {
    std::os::unix::fs::lchown(path, Some(user), Some(group))
}
