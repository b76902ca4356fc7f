//! What a CLI can only take as a file, and nobody else may read.
//!
//! Where the system shows a process its own descriptors as files, there is no file at all: the CLI inherits a descriptor of one
//! without a name. It has no owner to be wrong about and no path to be left behind, however the host ends. Elsewhere it is a
//! file of the child's user, which is removed when the CLI has answered `initialize`.

use std::ffi::OsString;
use std::io::{Result as IoResult, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, Status};
use crate::options::PrivateFile;
use crate::process::{self, Stream};

const PREFIX: &str = "claude-client-";

/// A folder of this age belongs to no start that is under way.
const STALE: Duration = Duration::from_secs(3600);

/// The files of one start. Those with a name are removed when it is dropped.
#[derive(Default)]
pub struct PrivateFiles {
    pub arguments: Vec<OsString>,
    /// What the child has to inherit.
    pub inherited: Vec<Arc<Stream>>,
    folder: Option<Folder>,
}

impl PrivateFiles {
    /// Makes them for a child that runs as `user`.
    pub fn write(files: &[PrivateFile], user: Option<&str>) -> Result<PrivateFiles> {
        let mut made = PrivateFiles::default();
        if files.is_empty() {
            return Ok(made);
        }
        for file in files {
            let Some((path, descriptor)) = nameless(&file.contents) else {
                return PrivateFiles::in_folder(files, user, &temporary_folder(std::env::var_os("TMPDIR")));
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
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|cause| failed(&path, &cause))?;
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

/// A file without a name, and the path by which a child that inherits it reads it as often as it likes. `None` where
/// there is no such path; on macOS it can be read only once.
fn nameless(contents: &str) -> Option<(PathBuf, Stream)> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let descriptor = process::nameless_file("claude-private").ok()?;
    let path = PathBuf::from(format!("/dev/fd/{}", descriptor.as_raw_fd()));
    let written = rustix::io::pwrite(&descriptor, contents.as_bytes(), 0).ok()?;
    (written == contents.len() && path.exists()).then_some((path, descriptor))
}

/// A relative one would be looked for where the child runs.
fn temporary_folder(named: Option<OsString>) -> PathBuf {
    named.map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or_else(|| "/tmp".into())
}

/// Removes what a host left that was killed in the midst of a start.
fn sweep(base: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let Some(metadata) = is_ours.then(|| entry.metadata().ok()).flatten() else { continue };
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        if metadata.is_dir() && (metadata.uid() == own || own == 0) && age.is_some_and(|age| age > STALE) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn write_file(path: &Path, contents: &str, owner: Option<(u32, u32)>) -> IoResult<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents.as_bytes())?;
    give_to(path, owner)
}

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
        .with("remedy", "check TMPDIR and the space on its disk")
}

#[cfg(test)]
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
