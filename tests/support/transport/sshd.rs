//! An ssh server on 127.0.0.1 for one test: its own keys, port and configuration, nothing of the machine's.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{eventually, need};

pub struct Sshd {
    folder: TempDir,
    server: Child,
}

impl Sshd {
    /// `None` = the programs are missing, and the test must end.
    pub fn start() -> Option<Sshd> {
        if !(need("sshd", "openssh-server") && need("ssh", "openssh-client")) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("claude-ssh-").tempdir().expect("a folder");
        for name in ["host_key", "user_key"] {
            make_key(&folder.path().join(name));
        }
        // Privilege separation wants this folder, which only the system's own start makes.
        let _ = std::fs::create_dir_all("/run/sshd");
        // Another program may take the port between the look and the start: then another one is tried.
        for _ in 0..5 {
            let port =
                TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
            configure(folder.path(), port);
            let mut server = serve(folder.path());
            let mut ended = None;
            eventually("sshd listens or ends", || {
                ended = server.try_wait().expect("sshd can be waited for");
                ended.is_some() || TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
            if ended.is_none() {
                return Some(Sshd { folder, server });
            }
        }
        let log = std::fs::read_to_string(folder.path().join("sshd.log")).unwrap_or_default();
        panic!("sshd does not start\n{log}");
    }

    /// The option `launcher`.
    pub fn launcher(&self) -> Value {
        json!(["ssh", "-F", self.folder.path().join("ssh_config"), "box"])
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen runs").success());
}

fn configure(folder: &Path, port: u16) {
    let at = |name: &str| folder.join(name).display().to_string();
    std::fs::copy(folder.join("user_key.pub"), folder.join("authorized_keys")).expect("a copy");
    let server = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile {}\nStrictModes no\n\
         PermitRootLogin yes\nPubkeyAuthentication yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nUsePAM no\nUseDNS no\nMaxStartups 100\n",
        at("host_key"),
        at("authorized_keys"),
        at("sshd.pid"),
    );
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user = user.map(|name| format!("  User {name}\n")).unwrap_or_default();
    let client = format!(
        "Host box\n  HostName 127.0.0.1\n  Port {port}\n{user}  IdentityFile {}\n  IdentitiesOnly yes\n\
         \x20 UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel ERROR\n  BatchMode yes\n",
        at("user_key"),
    );
    std::fs::write(folder.join("sshd_config"), server).expect("a file");
    std::fs::write(folder.join("ssh_config"), client).expect("a file");
}

fn serve(folder: &Path) -> Child {
    let program = ["/usr/sbin/sshd", "/usr/bin/sshd"].iter().find(|path| Path::new(path).exists());
    // sshd starts itself anew for each connection, so it must be named by its whole path.
    Command::new(program.unwrap_or(&"/usr/sbin/sshd"))
        .args(["-D", "-f"])
        .arg(folder.join("sshd_config"))
        .arg("-E")
        .arg(folder.join("sshd.log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sshd starts")
}
