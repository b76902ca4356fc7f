//! Data that a CLI can only take as a file, and that nobody else may read.
//!
//! Where a process can open its own descriptors as files, there is no file at all: the CLI inherits the descriptor of an
//! anonymous one. It cannot have the wrong owner, and leaves no path behind, however the host ends. Elsewhere it is a file of
//! the child's user, which is removed once the CLI has answered `initialize`.

use std::ffi::OsString;
use std::io::{Result as IoResult, Write};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::options::{PrivateFile, TMPDIR};
use crate::process::{self, Stream};

const PREFIX: &str = "claude-client-";

/// A folder of this age belongs to no current start.
const STALE: Duration = Duration::from_secs(3600);

/// The files of one start. Those on disk are removed when it is dropped.
#[derive(Default)]
pub struct PrivateFiles {
    pub arguments: Vec<OsString>,
    /// What the child has to inherit.
    pub inherited: Vec<Arc<Stream>>,
    folder: Option<Folder>,
}

impl PrivateFiles {
    /// Creates them for a child that runs as `user`.
    pub fn write(files: &[PrivateFile], user: Option<&str>) -> Result<PrivateFiles> {
        let mut made = PrivateFiles::default();
        if files.is_empty() {
            return Ok(made);
        }
        for file in files {
            let Some((path, descriptor)) = nameless(&file.contents) else {
                return PrivateFiles::in_folder(files, user, &temporary_folder(std::env::var_os(TMPDIR)));
            };
            made.arguments.push(file.argument(&path));
            made.inherited.push(Arc::new(descriptor));
        }
        Ok(made)
    }

    fn in_folder(files: &[PrivateFile], user: Option<&str>, base: &Path) -> Result<PrivateFiles> {
        sweep(base);
        let owner = user.and_then(process::owner);
        let path = base.join(format!("{PREFIX}{}", uuid::Uuid::new_v4()));
        create_folder(&path).map_err(|cause| failed(&path, &cause))?;
        let folder = Folder(path);
        let mut arguments = Vec::new();
        for file in files {
            let path = folder.0.join(file.name);
            write_file(&path, &file.contents, owner).map_err(|cause| failed(&path, &cause))?;
            arguments.push(file.argument(&path));
        }
        give_to(&folder.0, owner).map_err(|cause| failed(&folder.0, &cause))?;
        Ok(PrivateFiles { arguments, inherited: Vec::new(), folder: Some(folder) })
    }

    /// Whether there is something on the disk that has to be removed.
    pub fn is_on_disk(&self) -> bool {
        self.folder.is_some()
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
fn create_folder(path: &Path) -> IoResult<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(windows)]
use process::create_private_folder as create_folder;

/// There is no path to an inherited handle.
#[cfg(windows)]
fn nameless(_: &str) -> Option<(PathBuf, Stream)> {
    None
}

/// An anonymous file, and the path by which a child that inherits it can read it any number of times. `None` where there is no
/// such path; on macOS it can be read only once.
#[cfg(unix)]
fn nameless(contents: &str) -> Option<(PathBuf, Stream)> {
    use std::os::fd::AsRawFd;
    if !cfg!(target_os = "linux") {
        return None;
    }
    let descriptor = process::nameless_file("claude-private").ok()?;
    let path = PathBuf::from(format!("/dev/fd/{}", descriptor.as_raw_fd()));
    let written = rustix::io::pwrite(&descriptor, contents.as_bytes(), 0).ok()?;
    (written == contents.len() && path.exists()).then_some((path, descriptor))
}

/// A relative path would be resolved where the child runs.
fn temporary_folder(named: Option<OsString>) -> PathBuf {
    let usual = || if cfg!(windows) { std::env::temp_dir() } else { "/tmp".into() };
    named.map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or_else(usual)
}

/// Removes what was left by a host that was killed during a start.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let Some(metadata) = is_ours.then(|| entry.metadata().ok()).flatten() else { continue };
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        if metadata.is_dir() && is_own(&metadata) && age.is_some_and(|age| age > STALE) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_own(metadata: &std::fs::Metadata) -> bool {
    let own = rustix::process::geteuid();
    metadata.uid() == own.as_raw() || own.is_root()
}

/// What is not this user's own cannot be removed.
#[cfg(windows)]
fn is_own(_: &std::fs::Metadata) -> bool {
    true
}

fn write_file(path: &Path, contents: &str, owner: Option<(u32, u32)>) -> IoResult<()> {
    let mut options = std::fs::OpenOptions::new();
    // On Windows the folder's rights are the file's as well.
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(contents.as_bytes())?;
    give_to(path, owner)
}

#[cfg(windows)]
fn give_to(_: &Path, _: Option<(u32, u32)>) -> IoResult<()> {
    Ok(())
}

#[cfg(unix)]
fn give_to(path: &Path, owner: Option<(u32, u32)>) -> IoResult<()> {
    match owner {
        Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Status::CliConnection, format!("cannot write {}: {cause}", path.display()))
        .with("phase", "spawn")
        .with("cause", cause.to_string())
        .with("remedy", format!("check {TMPDIR} and the space on its disk"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn file() -> PrivateFile {
        PrivateFile { flag: "--settings", name: "settings.json", contents: "{\"token\": 1}".into() }
    }

    #[test]
    fn a_nameless_file_is_read_by_its_path_as_often_as_one_likes() {
        let files = PrivateFiles::write(&[file(), file()], None).unwrap();
        if cfg!(target_os = "linux") {
            assert!(!files.is_on_disk() && files.inherited.len() == 2);
        }
        for argument in &files.arguments {
            let path = argument.to_str().unwrap().strip_prefix("--settings=/").unwrap();
            for _ in 0..2 {
                assert_eq!(std::fs::read_to_string(Path::new("/").join(path)).unwrap(), file().contents);
            }
        }
    }

    #[test]
    fn a_file_with_a_name_lies_in_an_absolute_folder_and_goes_with_its_owner() {
        for named in [None, Some(""), Some("relative/tmp")] {
            assert_eq!(temporary_folder(named.map(OsString::from)), Path::new("/tmp"));
        }
        assert_eq!(temporary_folder(Some("/elsewhere".into())), Path::new("/elsewhere"));
        let base = tempfile::tempdir().unwrap();
        let files = PrivateFiles::in_folder(&[file()], None, base.path()).unwrap();
        assert!(files.is_on_disk());
        let path = PathBuf::from(files.arguments[0].to_str().unwrap().strip_prefix("--settings=").unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), file().contents);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
        drop(files);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_with_a_name_belongs_to_the_user_who_is_to_read_it() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let base = tempfile::tempdir().unwrap();
        let files = PrivateFiles::in_folder(&[file()], Some("nobody"), base.path()).unwrap();
        let (user, group) = process::owner("nobody").unwrap();
        let path = PathBuf::from(files.arguments[0].to_str().unwrap().strip_prefix("--settings=").unwrap());
        for path in [path.as_path(), path.parent().unwrap()] {
            let metadata = path.metadata().unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (user, group));
        }
    }

    #[test]
    fn what_an_earlier_host_left_is_swept_and_what_a_start_needs_stays() {
        let base = tempfile::tempdir().unwrap();
        let (stale, fresh, other) = (
            base.path().join("claude-client-old"),
            base.path().join("claude-client-new"),
            base.path().join("other"),
        );
        for path in [&stale, &fresh, &other] {
            std::fs::create_dir(path).unwrap();
        }
        let long_ago = std::time::SystemTime::now() - 2 * STALE;
        for path in [&stale, &other] {
            std::fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
        }
        sweep(base.path());
        assert_eq!([&stale, &fresh, &other].map(|path| path.exists()), [false, true, true]);
    }
}
