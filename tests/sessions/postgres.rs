//! A PostgreSQL server on the loopback, with a data folder of its own.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub struct Server {
    child: Child,
    port: u16,
    _data: TempDir,
}

/// Where Debian puts the programs of each version, else the PATH.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = debian.map(|version| version.path().join("bin")).chain(std::env::split_paths(&path));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The server refuses to run as root.
fn as_nobody(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

impl Server {
    /// `None` when the machine has no PostgreSQL, which is said loudly, and fails where skips are forbidden.
    pub fn start(test: &str) -> Option<Server> {
        let Some(programs) = programs() else {
            let advice = format!("{test}: PostgreSQL is missing; install the package postgresql");
            assert!(
                std::env::var_os("CLAUDE_TESTS_NO_SKIP").is_none_or(|value| value.is_empty()),
                "{advice}"
            );
            eprintln!("SKIPPED {advice}");
            return None;
        };
        let data = tempfile::Builder::new().prefix("postgres").tempdir_in("/tmp").expect("a folder");
        let owner = is_root().then_some((65_534, 65_534));
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(data.path(), Some(user), Some(group)).expect("give the folder away");
        }
        initialise(&programs, data.path(), owner);
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(data.path().join("db")).args([
            "-p",
            &port.to_string(),
            "-h",
            "127.0.0.1",
            "-k",
            "",
        ]);
        command.args(["-c", "fsync=off", "-c", "max_connections=20"]).current_dir(data.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = as_nobody(&mut command, owner).spawn().expect("start the server");
        let server = Server { child, port, _data: data };
        server.await_ready(&programs);
        Some(server)
    }

    /// The connection string.
    pub fn place(&self) -> String {
        format!("host=127.0.0.1 port={} dbname=postgres user=claude", self.port)
    }

    fn await_ready(&self, programs: &Path) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut ready = Command::new(programs.join("pg_isready"));
            let ready = ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status();
            if ready.is_ok_and(|status| status.success()) {
                return;
            }
            assert!(Instant::now() < deadline, "the server does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT ends the connections as well.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    // SAFETY: it only tells a number.
    unsafe { libc::geteuid() == 0 }
}

fn initialise(programs: &Path, data: &Path, owner: Option<(u32, u32)>) {
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(data.join("db")).args([
        "-U",
        "claude",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]);
    let output =
        as_nobody(&mut command, owner).current_dir(data).env("HOME", data).output().expect("start initdb");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
