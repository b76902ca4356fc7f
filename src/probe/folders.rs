//! The folders that the CLI needs: home, its own, temporary files, the working folder.

use std::path::{Path, PathBuf};

use super::{Report, Subject};
use crate::options::{HOME, TMPDIR};

/// With less than this, transcripts or tool output may be lost.
const LITTLE_SPACE: u64 = 100 << 20;

pub fn check(report: &mut Report, subject: &Subject) {
    working(report, subject);
    if subject.is_remote() {
        return;
    }
    home(report, subject);
    config(report, subject);
    temporary(report, subject);
}

fn working(report: &mut Report, subject: &Subject) {
    let Some(cwd) = subject.launch.cwd.as_deref().filter(|_| !subject.is_remote()) else { return };
    match cwd.is_dir() {
        true => report.ok("cwd", format!("the working folder is {}", cwd.display())),
        false => report.error(
            "cwd",
            format!("the working folder {} does not exist or is no folder", cwd.display()),
            "create it, or correct the option cwd",
        ),
    }
}

fn home(report: &mut Report, subject: &Subject) {
    match subject.path_of(HOME) {
        None => report.warning(
            "home",
            format!("the CLI gets no {HOME}: it falls back to the account's home folder, and writes there"),
            &format!("set {HOME} with the option env"),
        ),
        Some(home) if !home.is_dir() => report.warning(
            "home",
            format!("{HOME} is {}, which does not exist or is no folder", home.display()),
            &format!("create it, or set {HOME} with the option env"),
        ),
        Some(home) => report.ok("home", format!("{HOME} is {}", home.display())),
    }
}

/// The CLI's own folder, as it would choose it.
pub fn config_folder(subject: &Subject) -> Option<PathBuf> {
    subject.path_of("CLAUDE_CONFIG_DIR").or_else(|| Some(subject.path_of(HOME)?.join(".claude")))
}

fn config(report: &mut Report, subject: &Subject) {
    let Some(folder) = config_folder(subject) else { return };
    report.set("config_dir", folder.display().to_string());
    match fault_in_writing(&folder) {
        None => report.ok("config_dir", format!("the CLI's own folder is {}", folder.display())),
        Some(fault) => report.error(
            "config_dir",
            format!("the CLI cannot keep sessions and settings in {}: {fault}", folder.display()),
            "correct its permissions, or name another folder in the option config_dir",
        ),
    }
}

fn temporary(report: &mut Report, subject: &Subject) {
    let named = ["CLAUDE_CODE_TMPDIR", TMPDIR].into_iter().find_map(|name| subject.path_of(name));
    let folder = named.unwrap_or_else(|| if cfg!(windows) { std::env::temp_dir() } else { "/tmp".into() });
    // The CLI resolves a relative one against its own working folder.
    let folder = subject.launch.cwd.as_deref().map_or(folder.clone(), |cwd| cwd.join(&folder));
    let fault = if folder.is_dir() { fault_in_writing(&folder) } else { Some("it is no folder".to_owned()) };
    match (fault, free_bytes(&folder)) {
        (Some(fault), _) => report.error(
            "tmpdir",
            format!("temporary files cannot be written to {}: {fault}", folder.display()),
            &format!("set {TMPDIR} with the option env to a folder that can be written"),
        ),
        (None, Some(free)) if free < LITTLE_SPACE => report.warning(
            "tmpdir",
            format!("{} has only {} MiB left", folder.display(), free >> 20),
            &format!("free some space, or set {TMPDIR} with the option env"),
        ),
        _ => report.ok("tmpdir", format!("temporary files go to {}", folder.display())),
    }
}

#[cfg(windows)]
use crate::process::free_bytes;

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Why nothing can be written there, found without writing. A missing folder is created in its nearest existing ancestor.
fn fault_in_writing(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|folder| folder.symlink_metadata().is_ok())?;
    if !there.is_dir() {
        return Some(format!("{} is no folder", there.display()));
    }
    may_write(there).err().map(|cause| format!("{}: {cause}", there.display()))
}

#[cfg(unix)]
fn may_write(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Opens the folder itself, with the right to create files in it.
#[cfg(windows)]
fn may_write(folder: &Path) -> std::io::Result<()> {
    use std::os::windows::fs::OpenOptionsExt;
    use windows_sys::Win32::Storage::FileSystem::{FILE_ADD_FILE, FILE_FLAG_BACKUP_SEMANTICS};
    let mut options = std::fs::OpenOptions::new();
    options.access_mode(FILE_ADD_FILE).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder).map(drop)
}
