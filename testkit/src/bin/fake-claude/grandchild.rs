//! A process that the stand-in leaves behind: the tools and servers of the real CLI.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grandchild {
    pub seconds: f64,
    pub own_group: bool,
    pub own_session: bool,
    /// Keeps the pipe to the host open.
    pub hold_stdout: bool,
    pub hold_stderr: bool,
    pub hold_stdin: bool,
    pub ignore_term: bool,
}

impl Grandchild {
    pub fn spawn(&self) -> io::Result<u32> {
        let kept = |keep: bool| if keep { Stdio::inherit() } else { Stdio::null() };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--grandchild").arg(serde_json::to_string(self)?);
        command.stdin(kept(self.hold_stdin)).stdout(kept(self.hold_stdout)).stderr(kept(self.hold_stderr));
        if self.own_group {
            sys::own_group(&mut command);
        }
        spawn_ready(&mut command, self.ignore_term && !self.hold_stdin)
    }
}

/// Starts it and, if asked to, waits until it has set up its signals: a TERM that comes first would still end it.
#[cfg(unix)]
fn spawn_ready(command: &mut Command, wait: bool) -> io::Result<u32> {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    if !wait {
        return Ok(command.spawn()?.id());
    }
    let (mut ours, theirs) = UnixStream::pair()?;
    let id = command.stdin(std::os::fd::OwnedFd::from(theirs)).spawn()?.id();
    command.stdin(Stdio::null());
    ours.read_exact(&mut [0])?;
    Ok(id)
}

#[cfg(not(unix))]
fn spawn_ready(command: &mut Command, _: bool) -> io::Result<u32> {
    Ok(command.spawn()?.id())
}

/// The life of the grandchild.
pub fn run(settings: Option<&OsString>) -> i32 {
    let text = settings.map(|text| text.to_string_lossy()).unwrap_or_default();
    let settings: Grandchild = match serde_json::from_str(&text) {
        Ok(settings) => settings,
        Err(error) => sys::die(&format!("--grandchild: {error}")),
    };
    if settings.own_session {
        sys::own_session();
    }
    if settings.ignore_term {
        sys::handle_signals();
        sys::ignore_term();
        if !settings.hold_stdin {
            sys::report_ready();
        }
    }
    std::thread::sleep(Duration::from_secs_f64(settings.seconds.clamp(0.0, 3600.0)));
    0
}
