//! The one place that opens files of a session. Only regular files are read or written, and never through a symlink: whoever
//! can write into the folder could otherwise make the library wait for ever on a FIFO, or read another user's file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A document beside a session (its archive mark, its title, a subagent's description) is small.
const LARGEST_DOCUMENT: u64 = 1 << 20;

/// An open regular file, as it was when it was opened.
pub struct Regular {
    file: File,
    pub length: u64,
    pub modified_ms: i64,
}

impl Regular {
    /// `None` where there is no regular file of that name.
    pub fn open(path: &Path) -> Result<Option<Regular>> {
        Regular::of(OpenOptions::new().read(true), path)
    }

    /// As [`Regular::open`], for appending to a file that is there.
    fn open_to_append(path: &Path) -> Result<Option<Regular>> {
        Regular::of(OpenOptions::new().read(true).append(true), path)
    }

    fn of(options: &mut OpenOptions, path: &Path) -> Result<Option<Regular>> {
        let opened = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(cause) if is_absent(&cause) => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let metadata = file.metadata()?;
        let modified_ms = modified_ms(&metadata);
        Ok(metadata.is_file().then_some(Regular { file, length: metadata.len(), modified_ms }))
    }

    /// As many bytes as there are from `offset` on, at most as many as `buffer` has.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(filled)
    }
}

/// There is nothing, or something that is no file.
fn is_absent(cause: &std::io::Error) -> bool {
    let absent = [libc::ENOENT, libc::ENOTDIR, libc::ELOOP, libc::ENXIO, libc::EISDIR, libc::ENAMETOOLONG];
    cause.raw_os_error().is_some_and(|code| absent.contains(&code))
}

pub fn modified_ms(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000)
}

/// A small document in whole; `None` where there is no such file, or one that is too large to be it.
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

/// Appends a line to a session's file in one write. A last line that was cut short is ended first, so that it cannot swallow
/// this one. `false` where there is no such file, or an empty one.
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

/// Writes a document in whole or not at all.
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

/// A new file that nobody else may read.
pub fn create(path: &Path) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new().mode(0o700).recursive(true).create(path)
}

/// The folders in a folder, sorted by name; symlinks are none.
pub fn folders_in(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut paths: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Whether it is a folder and no symlink to one.
pub fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}
