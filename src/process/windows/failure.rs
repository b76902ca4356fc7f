//! Why a program could not be started: the system's number alone does not say what to do.

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BAD_EXE_FORMAT, ERROR_DIRECTORY, ERROR_ELEVATION_REQUIRED,
    ERROR_EXE_MACHINE_TYPE_MISMATCH, ERROR_FILE_NOT_FOUND, ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_NAME,
    ERROR_PATH_NOT_FOUND, ERROR_VIRUS_DELETED, ERROR_VIRUS_INFECTED,
};

use super::launch::absolute;
use super::words::{LONGEST_LINE, LONGEST_VARIABLE, Unusable};
use crate::process::{Command, FailureKind, SpawnFailure, lacking};

pub fn other(what: &str, cause: &io::Error) -> SpawnFailure {
    let remedy = lacking(cause).map_or(String::new(), |remedy| format!("; {remedy}"));
    SpawnFailure::new(FailureKind::Other, cause.raw_os_error(), format!("{what}: {cause}{remedy}"))
}

pub fn unusable(command: &Command, why: Unusable) -> SpawnFailure {
    let program = command.program.display();
    let (kind, text) = match why {
        Unusable::ZeroInArgument(number) => (
            FailureKind::Other,
            format!("argument {number} contains a zero character, which no program can be given; remove it"),
        ),
        Unusable::ZeroInVariable(name) => (
            FailureKind::Other,
            format!(
                "the environment variable {name} contains a zero character, which no program can be given; remove it"
            ),
        ),
        Unusable::LineTooLong(length) => (
            FailureKind::TooLong,
            format!(
                "the command line of {program} has {length} characters, and Windows takes {LONGEST_LINE}; shorten the \
                 longest option"
            ),
        ),
        Unusable::VariableTooLong(name, length) => (
            FailureKind::TooLong,
            format!(
                "the environment variable {name} has {length} characters with its name, and Windows takes \
                 {LONGEST_VARIABLE}; shorten it"
            ),
        ),
    };
    SpawnFailure::new(kind, None, text)
}

pub fn diagnose(command: &Command, cause: &io::Error) -> SpawnFailure {
    let shown = command.program.display().to_string();
    let path = absolute(command);
    if let Some(cwd) = command.cwd.as_deref().filter(|cwd| !cwd.is_dir()) {
        let text = format!(
            "the working directory {} does not exist or is no folder; create it or choose another one",
            cwd.display()
        );
        return SpawnFailure::new(FailureKind::CwdMissing, cause.raw_os_error(), text);
    }
    if path.is_dir() {
        let text = format!("{shown} is a folder; name the program in it");
        return SpawnFailure::new(FailureKind::IsDirectory, cause.raw_os_error(), text);
    }
    let code = cause.raw_os_error().and_then(|code| u32::try_from(code).ok()).unwrap_or_default();
    let (kind, text) = match code {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND | ERROR_INVALID_NAME => (
            FailureKind::NotFound,
            format!("{shown} does not exist; install it or correct the path, with its .exe"),
        ),
        ERROR_BAD_EXE_FORMAT | ERROR_EXE_MACHINE_TYPE_MISMATCH => (
            FailureKind::BadFormat,
            format!(
                "{shown} is not a program for this system: it is a script, damaged, or built for another processor"
            ),
        ),
        ERROR_FILENAME_EXCED_RANGE => (
            FailureKind::TooLong,
            format!("the command line or the path of {shown} is too long for this system"),
        ),
        ERROR_DIRECTORY => (
            FailureKind::CwdMissing,
            "the working directory cannot be entered; check its permissions".to_owned(),
        ),
        ERROR_ACCESS_DENIED => {
            (FailureKind::NotExecutable, format!("{shown} may not be run: check its permissions"))
        }
        ERROR_ELEVATION_REQUIRED => (
            FailureKind::NotExecutable,
            format!(
                "{shown} demands an administrator's rights; start this program with them, or name another one"
            ),
        ),
        ERROR_VIRUS_INFECTED | ERROR_VIRUS_DELETED => (
            FailureKind::NotExecutable,
            format!("the virus scanner does not let {shown} run; make an exception for it"),
        ),
        _ => return other(&format!("cannot run {shown}"), cause),
    };
    SpawnFailure::new(kind, cause.raw_os_error(), text)
}
