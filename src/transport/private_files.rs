//! Files that only the user can read, for options that the CLI takes in no other private way.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Status};
use crate::options::PrivateFile;

/// A folder of such files; removed when dropped.
pub struct PrivateFolder {
    path: PathBuf,
    pub arguments: Vec<OsString>,
}

impl PrivateFolder {
    /// Writes the files; `None` when there are none.
    pub fn write(files: &[PrivateFile]) -> Result<Option<PrivateFolder>> {
        if files.is_empty() {
            return Ok(None);
        }
        let path = std::env::temp_dir().join(format!("claude-client-{}", uuid::Uuid::new_v4()));
        make_folder(&path).map_err(|cause| failed(&path, &cause))?;
        let mut folder = PrivateFolder { path, arguments: Vec::new() };
        for file in files {
            let path = folder.path.join(file.name);
            write_file(&path, &file.contents).map_err(|cause| failed(&path, &cause))?;
            folder.arguments.push(file.argument(&path));
        }
        Ok(Some(folder))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write_file(path: &Path, contents: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(contents.as_bytes())
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Status::CliConnection, format!("cannot write {}: {cause}", path.display()))
        .with("phase", "spawn")
        .with("cause", cause.to_string())
        .with("remedy", "check TMPDIR and the space on its disk")
}
