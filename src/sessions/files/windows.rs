//! Files as Windows has them. Who may read one is inherited from its folder: the user's own is private.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use windows_sys::Win32::Foundation::{
    ERROR_CANT_ACCESS_FILE, ERROR_CANT_RESOLVE_FILENAME, ERROR_DIRECTORY, ERROR_INVALID_NAME,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT};

use crate::process;

/// Opens what is there, a folder or a link too.
pub fn to_look_at(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
}

pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The last folder of the path is private; those above it are made as usual.
pub fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    process::create_private_folder(path)
}

/// Moves the file's position, which nobody else uses.
pub fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    file.seek_read(buffer, offset)
}

/// There is nothing, or something that is not a file.
pub fn is_absent(cause: &Error) -> bool {
    let absent = [ERROR_CANT_ACCESS_FILE, ERROR_CANT_RESOLVE_FILENAME, ERROR_DIRECTORY, ERROR_INVALID_NAME];
    cause.kind() == ErrorKind::NotFound
        || cause.raw_os_error().is_some_and(|code| absent.contains(&code.cast_unsigned()))
}

pub fn modified_ms(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// Whether it may be removed: what is not this user's own cannot be.
pub fn is_own(_: &Metadata) -> bool {
    true
}

/// Never called: no program is started as another user.
pub fn give_to(_: &Path, _: u32, _: u32) -> Result<()> {
    Err(ErrorKind::Unsupported.into())
}
