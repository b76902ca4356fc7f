//! The one place that opens files of a session. Only regular files are read or written, and never through a
//! symlink: otherwise anyone who can write into the folder could make the library block forever on a FIFO, or
//! read another user's file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
#[path = "files/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "files/windows.rs"]
mod system;

pub use system::{give_to, is_own};
use system::{is_absent, read_some_at};

/// A document beside a session (its archive mark, its title, a subagent's description) is small.
const LARGEST_DOCUMENT: u64 = 1 << 20;

/// An open regular file, as it was when opened.
pub struct Regular {
    file: File,
    pub length: u64,
    pub modified_ms: i64,
}

impl Regular {
    /// `None` if there is no regular file of that name.
    pub fn open(path: &Path) -> Result<Option<Regular>> {
        Regular::of(OpenOptions::new().read(true), path)
    }

    /// As [`Regular::open`], for appending to an existing file.
    fn open_to_append(path: &Path) -> Result<Option<Regular>> {
        Regular::of(OpenOptions::new().read(true).append(true), path)
    }

    fn of(options: &mut OpenOptions, path: &Path) -> Result<Option<Regular>> {
        let opened = system::to_look_at(options).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(cause) if is_absent(&cause) => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let metadata = file.metadata()?;
        let modified_ms = modified_ms(&metadata);
        Ok(metadata.is_file().then_some(Regular { file, length: metadata.len(), modified_ms }))
    }

    /// Reads from `offset` on as many bytes as there are, at most as many as `buffer` has.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_some_at(&self.file, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(filled)
    }
}

pub fn modified_ms(metadata: &Metadata) -> i64 {
    system::modified_ms(metadata)
}

/// A whole small document; `None` if there is no such file, or it is too large to be one.
pub fn document(path: &Path) -> Option<Vec<u8>> {
    let file = Regular::open(path).ok()??;
    if file.length > LARGEST_DOCUMENT {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(file.length).ok()?];
    let read = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(read);
    Some(bytes)
}

/// Appends a line to a session's file in one write. A last line that was cut short is terminated first, so that
/// it cannot swallow this one. `false` if there is no such file, or it is empty.
pub fn append_line(path: &Path, line: &str) -> Result<bool> {
    let Some(file) = Regular::open_to_append(path)? else { return Ok(false) };
    if file.length == 0 {
        return Ok(false);
    }
    let mut last = [b'\n'];
    file.read_at(&mut last, file.length - 1)?;
    let start = if last == [b'\n'] { "" } else { "\n" };
    (&file.file).write_all(format!("{start}{line}\n").as_bytes())?;
    Ok(true)
}

/// Writes a document completely or not at all.
pub fn replace(path: &Path, contents: &str) -> Result<()> {
    let draft = path.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
    let written = create(&draft)
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// A new file that no other user can read.
pub fn create(path: &Path) -> Result<File> {
    system::private(OpenOptions::new().write(true).create_new(true)).open(path)
}

pub fn create_folder(path: &Path) -> Result<()> {
    system::create_folder(path)
}

/// The folders in a folder, sorted by name, without symlinks.
pub fn folders_in(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut paths: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Whether it is a folder and not a symlink to one.
pub fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}
