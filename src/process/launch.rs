//! Starts one program. Everything that needs memory is prepared beforehand, because the child may not allocate.

use std::ffi::{CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use rustix::process::Pid;

use super::failure::Stage;
use super::user::{self, Identity};
use super::{Command, FailureKind, SpawnFailure, TREE_MARK};

#[cfg(target_os = "linux")]
#[path = "launch/linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "launch/macos.rs"]
mod platform;

pub(super) use platform::Launcher;
#[cfg(target_os = "linux")]
pub(super) use platform::exit_descriptor;

/// A program with everything in the form that the kernel needs.
pub(super) struct Prepared {
    path: CString,
    /// With `argv[0]`.
    args: Vec<CString>,
    env: Vec<CString>,
    cwd: Option<CString>,
    identity: Option<Identity>,
    inherited: Vec<Arc<OwnedFd>>,
    /// Whether the child is signalled when the thread that started it ends.
    dies_with_parent: bool,
}

pub(super) struct Launched {
    pub pid: Pid,
    /// Readable once the child has exited; `None` if the system has no such descriptor.
    pub exit_fd: Option<OwnedFd>,
}

/// The step at which the start failed.
pub(super) struct Refused {
    pub stage: Stage,
    pub errno: i32,
}

impl Prepared {
    pub fn new(command: &Command, mark: &str) -> Result<Prepared, SpawnFailure> {
        let path = text(command.program.clone().into(), || "the program's path".to_owned())?;
        let mut args = vec![path.clone()];
        for (index, arg) in command.args.iter().enumerate() {
            args.push(text(arg.clone(), || format!("argument {}", index + 1))?);
        }
        let cwd = match &command.cwd {
            Some(cwd) => Some(text(cwd.clone().into(), || "the working directory's path".to_owned())?),
            None => None,
        };
        let identity = command.user.as_deref().map(user::find).transpose()?;
        let env = environment(command, mark)?;
        let inherited = command.inherited.clone();
        Ok(Prepared { path, args, env, cwd, identity, inherited, dies_with_parent: true })
    }

    /// A program that outlives this process.
    pub fn detached(path: CString, args: Vec<CString>, env: Vec<CString>) -> Prepared {
        let cwd = Some(c"/".to_owned());
        Prepared { path, args, env, cwd, identity: None, inherited: Vec::new(), dies_with_parent: false }
    }
}

/// Appends the mark to those of the trees that this process belongs to.
fn environment(command: &Command, mark: &str) -> Result<Vec<CString>, SpawnFailure> {
    let mut list = Vec::with_capacity(command.env.len() + 1);
    let mut marks = OsString::from(mark);
    for (key, value) in &command.env {
        if key == TREE_MARK {
            let mut outer = value.clone();
            outer.push(":");
            outer.push(mark);
            marks = outer;
            continue;
        }
        let mut entry = OsString::with_capacity(key.len() + value.len() + 2);
        entry.push(key);
        entry.push("=");
        entry.push(value);
        list.push(text(entry, || format!("the environment variable {}", key.to_string_lossy()))?);
    }
    let mut entry = OsString::from(TREE_MARK);
    entry.push("=");
    entry.push(marks);
    list.push(text(entry, || TREE_MARK.to_owned())?);
    Ok(list)
}

/// `what` is evaluated only if the text cannot be used.
fn text(value: OsString, what: impl FnOnce() -> String) -> Result<CString, SpawnFailure> {
    CString::new(value.into_vec()).map_err(|error| {
        let at = error.nul_position();
        // No more than a variable's name: what follows may be a secret.
        let start = error.into_vec().into_iter().take(at.min(40)).take_while(|byte| *byte != b'=').collect();
        let start = OsString::from_vec(start).to_string_lossy().into_owned();
        let text = format!(
            "{} ({start}…) contains a zero byte at {at}, which no program can be given; remove it",
            what()
        );
        SpawnFailure::new(FailureKind::Other, Some(libc::EINVAL), text)
    })
}

/// A NULL-terminated array of pointers to strings, which must outlive it.
fn pointers(list: &[CString]) -> Vec<*mut libc::c_char> {
    list.iter().map(|text| text.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}
