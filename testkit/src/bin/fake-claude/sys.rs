//! What depends on the operating system.

use std::ffi::OsString;
use std::io::Write;

/// Ends the program for a mistake in the test itself (a bad script), with a code that no CLI uses.
pub fn die(text: &str) -> ! {
    complain(&format!("fake-claude: {text}\n"));
    std::process::exit(64);
}

/// Writes to stderr; a host that closed it is what some scripts are about.
pub fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// The arguments; where the C library does not hand them to Rust without its start-up code, from the kernel.
pub fn arguments() -> Vec<OsString> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    #[cfg(target_os = "linux")]
    if arguments.is_empty() {
        use std::os::unix::ffi::OsStringExt;
        let line = std::fs::read("/proc/self/cmdline").unwrap_or_default();
        let parts = line.strip_suffix(&[0]).unwrap_or_default().split(|byte| *byte == 0);
        return parts.map(|part| OsString::from_vec(part.to_vec())).collect();
    }
    arguments
}

#[cfg(unix)]
mod imp {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};

    use rustix::process::Signal;
    use signal_hook::consts::{SIGPIPE, SIGTERM};

    /// While it is true, SIGTERM ends the process with the real CLI's code.
    fn term_ends() -> &'static Arc<AtomicBool> {
        static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        FLAG.get_or_init(|| Arc::new(AtomicBool::new(true)))
    }

    pub fn handle_signals() {
        // A closed stdout has to show as a write error, and the real CLI exits with 143 on SIGTERM.
        let pipe = signal_hook::flag::register(SIGPIPE, Arc::new(AtomicBool::new(false)));
        let term = signal_hook::flag::register_conditional_shutdown(SIGTERM, 143, Arc::clone(term_ends()));
        if let Err(error) = pipe.and(term) {
            super::die(&format!("cannot register signal handlers: {error}"));
        }
    }

    pub fn ignore_term() {
        term_ends().store(false, Ordering::SeqCst);
    }

    /// Calls `react` on each SIGTERM instead of ending.
    pub fn on_term(react: impl Fn() + Send + 'static) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM])?;
        ignore_term();
        std::thread::spawn(move || {
            for _ in signals.forever() {
                react();
            }
        });
        Ok(())
    }

    pub fn raise(name: &str) -> Result<(), String> {
        let signal = match name.trim_start_matches("SIG") {
            "KILL" => Signal::KILL,
            "TERM" => {
                // Death by the signal itself, not by the handler's exit code.
                return kill_by_default_term();
            }
            "SEGV" => Signal::SEGV,
            "ABRT" => Signal::ABORT,
            "INT" => Signal::INT,
            "HUP" => Signal::HUP,
            "QUIT" => Signal::QUIT,
            "STOP" => Signal::STOP,
            "BUS" => Signal::BUS,
            "USR1" => Signal::USR1,
            other => {
                return Err(format!(
                    "signal {other} is not known; use KILL, TERM, SEGV, ABRT, INT, HUP, QUIT, STOP, BUS or USR1"
                ));
            }
        };
        rustix::process::kill_process(rustix::process::getpid(), signal).map_err(|e| e.to_string())
    }

    fn kill_by_default_term() -> Result<(), String> {
        signal_hook::low_level::emulate_default_handler(SIGTERM).map_err(|e| e.to_string())
    }

    pub fn ids() -> serde_json::Value {
        let (pgid, sid) = group_and_session();
        serde_json::json!({
            "pid": std::process::id(),
            "ppid": std::os::unix::process::parent_id(),
            "pgid": pgid,
            "sid": sid,
        })
    }

    /// Either is 0 when its leader is outside of our PID namespace, which rustix's `Pid` cannot hold.
    #[cfg(target_os = "linux")]
    fn group_and_session() -> (i32, i32) {
        std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| in_stat(&stat)).unwrap_or((0, 0))
    }

    #[cfg(not(target_os = "linux"))]
    fn group_and_session() -> (i32, i32) {
        use rustix::process::Pid;
        let id = |pid: rustix::io::Result<Pid>| pid.map_or(0, |pid| pid.as_raw_nonzero().get());
        (id(rustix::process::getpgid(None)), id(rustix::process::getsid(None)))
    }

    /// The fields `pgrp` and `session`: behind the name in parentheses, the state and the parent.
    #[cfg(target_os = "linux")]
    fn in_stat(stat: &str) -> Option<(i32, i32)> {
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    }

    #[cfg(all(test, target_os = "linux"))]
    mod tests {
        use super::*;

        #[test]
        fn the_group_and_the_session_are_read_whatever_the_name_and_the_namespace() {
            assert_eq!(in_stat("7 (a) b) S 3 5 4 0 -1 4194560"), Some((5, 4)));
            assert_eq!(in_stat("1 (claude) R 0 0 0 0 -1 4194560"), Some((0, 0)));
            assert_eq!(in_stat("7 (a"), None);
        }

        #[test]
        fn the_own_group_is_known() {
            let own = rustix::process::Pid::from_raw(group_and_session().0);
            assert!(own.is_none_or(|group| rustix::process::test_kill_process_group(group).is_ok()));
        }
    }

    pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stdout(), bytes))?)
    }

    pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut *buffer))?)
    }

    fn dev_null() -> io::Result<std::fs::File> {
        std::fs::File::options().read(true).write(true).open("/dev/null")
    }

    /// The pipe's end goes away; the descriptor stays taken, so that no later file lands on it.
    pub fn close_stdout() -> io::Result<()> {
        Ok(rustix::stdio::dup2_stdout(dev_null()?)?)
    }

    pub fn close_stderr() -> io::Result<()> {
        Ok(rustix::stdio::dup2_stderr(dev_null()?)?)
    }

    pub fn close_stdin() -> io::Result<()> {
        Ok(rustix::stdio::dup2_stdin(dev_null()?)?)
    }

    pub fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    /// Tells the process at the other end of stdin that the signals are set up.
    pub fn report_ready() {
        let _ = rustix::io::write(rustix::stdio::stdin(), b"r");
        let _ = close_stdin();
    }

    pub fn own_session() {
        let _ = rustix::process::setsid();
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io::{self, Read, Write};
    use std::process::Command;

    const UNSUPPORTED: &str = "this action needs Unix";

    pub fn handle_signals() {}

    pub fn ignore_term() {}

    pub fn on_term(_: impl Fn() + Send + 'static) -> io::Result<()> {
        Ok(())
    }

    pub fn raise(_: &str) -> Result<(), String> {
        std::process::abort()
    }

    pub fn ids() -> serde_json::Value {
        serde_json::json!({"pid": std::process::id()})
    }

    pub fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(bytes.len())
    }

    pub fn read_stdin(buffer: &mut [u8]) -> io::Result<usize> {
        io::stdin().lock().read(buffer)
    }

    pub fn close_stdout() -> io::Result<()> {
        Err(io::Error::other(UNSUPPORTED))
    }

    pub fn close_stderr() -> io::Result<()> {
        Err(io::Error::other(UNSUPPORTED))
    }

    pub fn close_stdin() -> io::Result<()> {
        Err(io::Error::other(UNSUPPORTED))
    }

    pub fn own_group(_: &mut Command) {}

    pub fn report_ready() {}

    pub fn own_session() {}
}

pub use imp::*;
