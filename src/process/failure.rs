//! Why a program could not be started, as errors that name the cause and the remedy. The bare errno cannot: "No such file" may
//! mean the program, its interpreter, its loader or the working directory.

#[cfg(unix)]
use std::{
    fs::File,
    io::Read,
    os::unix::ffi::OsStrExt,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code))] // Windows has no loader, user or fork to fail.
pub enum FailureKind {
    NotFound,
    NotExecutable,
    IsDirectory,
    /// The file is there, but the loader or interpreter that it names is not.
    WrongLoader,
    /// Not a program for this system.
    BadFormat,
    CwdMissing,
    UserUnknown,
    /// Arguments and environment exceed the system's limit.
    TooLong,
    /// The host forked after the library had started.
    Forked,
    Unsupported,
    Other,
}

/// A child could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpawnFailure {
    pub kind: FailureKind,
    /// The system's error number, if there was one.
    pub errno: Option<i32>,
    pub message: String,
}

impl SpawnFailure {
    pub(super) fn new(kind: FailureKind, errno: Option<i32>, message: impl Into<String>) -> SpawnFailure {
        SpawnFailure { kind, errno, message: message.into() }
    }
}

/// The resource that the process or the system has run out of, if that is why something failed.
pub fn lacking(cause: &std::io::Error) -> Option<&'static str> {
    lacking_of(cause.raw_os_error()?)
}

#[cfg(unix)]
fn lacking_of(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EMFILE => {
            "the limit of open files of this process is reached (ulimit -n): close some or raise it"
        }
        libc::ENFILE => "the limit of open files of the whole system is reached: close some or raise it",
        libc::EAGAIN => {
            "the limit of processes or threads is reached (ulimit -u, the container's pids limit)"
        }
        libc::ENOMEM => "the system is out of memory",
        libc::ENOSPC | libc::EDQUOT => "no space is left on the disk",
        _ => return None,
    })
}

#[cfg(windows)]
fn lacking_of(code: i32) -> Option<&'static str> {
    use windows_sys::Win32::Foundation as codes;
    Some(match u32::try_from(code).ok()? {
        codes::ERROR_TOO_MANY_OPEN_FILES => "this process has too many files and handles open: close some",
        codes::ERROR_NOT_ENOUGH_MEMORY | codes::ERROR_OUTOFMEMORY | codes::ERROR_COMMITMENT_LIMIT => {
            "the system is out of memory"
        }
        codes::ERROR_NO_SYSTEM_RESOURCES => "the system is out of resources: end some programs",
        codes::ERROR_DISK_FULL | codes::ERROR_HANDLE_DISK_FULL => "no space is left on the disk",
        _ => return None,
    })
}

#[cfg(unix)]
impl SpawnFailure {
    pub(super) fn other(what: &str, errno: i32) -> SpawnFailure {
        let remedy = match errno {
            libc::ETXTBSY => {
                Some("somebody is still writing to the program's file: try again when that has ended")
            }
            libc::EPERM => Some("the system or its security policy does not permit it"),
            errno => lacking_of(errno),
        };
        let remedy = remedy.map_or(String::new(), |remedy| format!("; {remedy}"));
        SpawnFailure::new(FailureKind::Other, Some(errno), format!("{what}: {}{remedy}", system_text(errno)))
    }
}

/// The step of the start at which the child failed. Where one call does it all, fewer steps can be distinguished.
#[cfg(unix)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Clone,
    Setup,
    Cwd,
    Groups,
    User,
    Exec,
}

#[cfg(unix)]
pub(super) fn diagnose(command: &super::Command, stage: Stage, errno: i32) -> SpawnFailure {
    let program = command.program.display();
    match stage {
        Stage::Clone => SpawnFailure::other(&format!("cannot start a process for {program}"), errno),
        Stage::Setup => SpawnFailure::other(&format!("cannot prepare the process for {program}"), errno),
        Stage::Cwd => diagnose_cwd(command, errno),
        Stage::User if errno == libc::ENOTSUP => {
            let text = format!(
                "running {program} as another user is not possible on this system; start it by sudo -u"
            );
            SpawnFailure::new(FailureKind::Unsupported, Some(errno), text)
        }
        Stage::Groups | Stage::User => {
            let user = command.user.as_deref().unwrap_or("");
            let text = format!("cannot run {program} as user {user}: {}", system_text(errno));
            let remedy = "only root (or CAP_SETUID with CAP_SETGID) may change users";
            SpawnFailure::new(FailureKind::Other, Some(errno), format!("{text}; {remedy}"))
        }
        Stage::Exec => diagnose_exec(command, errno),
    }
}

#[cfg(unix)]
fn diagnose_cwd(command: &super::Command, errno: i32) -> SpawnFailure {
    let cwd = command.cwd.clone().unwrap_or_default();
    let reason = match errno {
        libc::ENOENT => "does not exist (any more); create it or choose another one".to_owned(),
        libc::ENOTDIR => "is not a directory; choose another one".to_owned(),
        libc::EACCES => "may not be entered; check its permissions and those of its parents".to_owned(),
        _ => format!("cannot be entered: {}", system_text(errno)),
    };
    let text = format!("the working directory {} {reason}", cwd.display());
    SpawnFailure::new(FailureKind::CwdMissing, Some(errno), text)
}

#[cfg(unix)]
fn diagnose_exec(command: &super::Command, errno: i32) -> SpawnFailure {
    let path = match &command.cwd {
        Some(cwd) => cwd.join(&command.program),
        None => command.program.clone(),
    };
    let shown = command.program.display();
    let (kind, message) = match errno {
        libc::ENOENT | libc::ENOTDIR | libc::ELOOP => return missing(&path, shown.to_string(), errno),
        libc::EACCES | libc::EPERM => forbidden(&path, &shown.to_string(), errno),
        libc::ENOEXEC => (FailureKind::BadFormat, bad_format(&path, &shown.to_string())),
        libc::E2BIG => (FailureKind::TooLong, too_long(command)),
        libc::EISDIR => (FailureKind::IsDirectory, format!("{shown} is a directory; name the program in it")),
        libc::ENAMETOOLONG => {
            (FailureKind::NotFound, format!("the path {shown} is too long for this system"))
        }
        #[cfg(target_os = "linux")]
        libc::ELIBBAD => (FailureKind::BadFormat, bad_format(&path, &shown.to_string())),
        #[cfg(target_os = "macos")]
        libc::EBADARCH | libc::EBADEXEC | libc::EBADMACHO => {
            (FailureKind::BadFormat, bad_format(&path, &shown.to_string()))
        }
        _ => return SpawnFailure::other(&format!("cannot run {shown}"), errno),
    };
    SpawnFailure::new(kind, Some(errno), message)
}

#[cfg(unix)]
fn missing(path: &Path, shown: String, errno: i32) -> SpawnFailure {
    let fail = |kind, text: String| SpawnFailure::new(kind, Some(errno), text);
    if let Ok(target) = path.read_link()
        && !path.exists()
    {
        let text =
            format!("{shown} is a link to {}, which does not exist; install it again", target.display());
        return fail(FailureKind::NotFound, text);
    }
    if !path.is_file() {
        return fail(
            FailureKind::NotFound,
            format!("{shown} does not exist; install it or correct the path"),
        );
    }
    match interpreter(path) {
        Some((Needs::Loader, loader)) => fail(
            FailureKind::WrongLoader,
            format!(
                "{shown} exists, but the loader that it needs, {loader}, does not: it was built for another C \
                 library (glibc against musl) or processor; install the build for this system"
            ),
        ),
        Some((Needs::Script, program)) => fail(
            FailureKind::WrongLoader,
            format!(
                "{shown} is a script for {program}, which does not exist; install it or correct the first line"
            ),
        ),
        None => fail(
            FailureKind::WrongLoader,
            format!(
                "{shown} exists, but something that it needs in order to start does not; install it again"
            ),
        ),
    }
}

#[cfg(unix)]
fn forbidden(path: &Path, shown: &str, errno: i32) -> (FailureKind, String) {
    match path.metadata() {
        Ok(meta) if meta.is_dir() => {
            (FailureKind::IsDirectory, format!("{shown} is a directory; name the program in it"))
        }
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            (FailureKind::NotExecutable, format!("{shown} is not marked as a program; chmod +x it"))
        }
        Ok(_) => match interpreter(path) {
            Some((_, name)) if !is_program(Path::new(&name)) => (
                FailureKind::NotExecutable,
                format!("{shown} is run by {name}, which is not a program; chmod +x it"),
            ),
            _ => (
                FailureKind::NotExecutable,
                format!(
                    "{shown} may not be run: check its owner and mode, and that its file system is not noexec"
                ),
            ),
        },
        Err(_) => (
            FailureKind::NotExecutable,
            format!(
                "{shown} cannot be reached: {}; check the permissions of its directories",
                system_text(errno)
            ),
        ),
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(unix)]
fn bad_format(path: &Path, shown: &str) -> String {
    match path.metadata() {
        Ok(meta) if meta.len() == 0 => format!("{shown} is empty; install it again"),
        _ => format!(
            "{shown} is not a program for this system: it was built for another processor or system, or is a script \
             without a #! line"
        ),
    }
}

#[cfg(unix)]
fn too_long(command: &super::Command) -> String {
    let total: usize = command.args.iter().map(|arg| arg.len() + 1).sum::<usize>()
        + command.env.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>();
    let argument = command.args.iter().enumerate().max_by_key(|(_, arg)| arg.len());
    let variable = command.env.iter().max_by_key(|(_, value)| value.len());
    let longest_variable = variable.map_or(0, |(_, value)| value.len());
    let longest = match (argument, variable) {
        (Some((index, arg)), _) if arg.len() >= longest_variable => {
            let head: String = arg.to_string_lossy().chars().take(40).collect();
            format!("the longest is argument {} with {} bytes ({head}…)", index + 1, arg.len())
        }
        (_, Some((key, value))) => {
            format!("the longest is the variable {} with {} bytes", key.to_string_lossy(), value.len())
        }
        _ => "there is no room for any".to_owned(),
    };
    format!(
        "arguments and environment of {} are too long for this system: {total} bytes; {longest}",
        command.program.display()
    )
}

#[cfg(unix)]
enum Needs {
    Loader,
    Script,
}

/// What the kernel runs instead of the program: the ELF loader or the interpreter of a script.
#[cfg(unix)]
fn interpreter(path: &Path) -> Option<(Needs, String)> {
    let mut file = File::open(path).ok()?;
    let mut head = [0u8; 512];
    let length = file.read(&mut head).ok()?;
    let head = &head[..length];
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii();
        let name = line.split(|byte| byte.is_ascii_whitespace()).next()?;
        let shown = PathBuf::from(std::ffi::OsStr::from_bytes(name)).display().to_string();
        // The kernel takes a carriage return as part of the name, and it is invisible on a screen.
        let carriage_return = head.split(|byte| *byte == b'\n').next()?.ends_with(b"\r");
        let note = if carriage_return {
            " followed by a carriage return (the file has Windows line ends)"
        } else {
            ""
        };
        return Some((Needs::Script, format!("{shown}{note}")));
    }
    elf_loader(&file, head).map(|name| (Needs::Loader, name))
}

#[cfg(unix)]
fn elf_loader(file: &File, head: &[u8]) -> Option<String> {
    const PT_INTERP: u64 = 3;
    if !head.starts_with(b"\x7fELF") || head.len() < 64 {
        return None;
    }
    let (wide, little) = (head[4] == 2, head[5] == 1);
    let number = |bytes: &[u8], at: usize, size: usize| -> Option<u64> {
        let field = bytes.get(at..at + size)?;
        let fold = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        Some(if little { field.iter().rev().fold(0, fold) } else { field.iter().fold(0, fold) })
    };
    let (offset, entry, count) = match wide {
        true => (number(head, 32, 8)?, number(head, 54, 2)?, number(head, 56, 2)?),
        false => (number(head, 28, 4)?, number(head, 42, 2)?, number(head, 44, 2)?),
    };
    for index in 0..count {
        let mut header = [0u8; 56];
        let size = usize::try_from(entry).ok()?.min(header.len());
        file.read_exact_at(&mut header[..size], offset.checked_add(index * entry)?).ok()?;
        if number(&header, 0, 4)? != PT_INTERP {
            continue;
        }
        let (start, length) = match wide {
            true => (number(&header, 8, 8)?, number(&header, 32, 8)?),
            false => (number(&header, 4, 4)?, number(&header, 16, 4)?),
        };
        let mut name = vec![0u8; usize::try_from(length).ok().filter(|length| *length < 4096)?];
        file.read_exact_at(&mut name, start).ok()?;
        let name = name.split(|byte| *byte == 0).next()?;
        return Some(String::from_utf8_lossy(name).into_owned());
    }
    None
}

/// The system's text for an errno.
#[cfg(unix)]
pub(super) fn system_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_out_is_named() {
        let lacking = |errno| lacking(&std::io::Error::from_raw_os_error(errno)).unwrap_or_default();
        assert!(lacking(libc::EMFILE).contains("open files of this process"));
        assert!(lacking(libc::ENFILE).contains("whole system"));
        assert!(lacking(libc::EAGAIN).contains("processes or threads"));
        assert_eq!(lacking(libc::EINVAL), "");
    }
}
