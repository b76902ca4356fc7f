//! Programs that detach themselves from the CLI that has started them, and what becomes of them at its end and at the host's.
#![cfg(target_os = "linux")]

use std::path::PathBuf;

use claude_testkit::fake::FakeClaude;
use serde_json::{Value, json};

use super::death::{Host, SOON, alone, script};
use crate::support::host::Client;
use crate::support::options;
use crate::support::processes::{assert_gone, guardian_of, runs};

/// A CLI whose tools have left it for good: a session of their own, and no parent. One keeps its environment, one empties it.
struct Daemons {
    fake: FakeClaude,
    cli: PathBuf,
}

impl Daemons {
    fn new(script_of_cli: Value) -> Daemons {
        let fake = FakeClaude::new(script_of_cli);
        let root = fake.sandbox().root();
        let text = format!(
            "for kind in kept emptied; do\n\
             case $kind in kept) clean=;; *) clean='env -i PATH=/usr/bin:/bin';; esac\n\
             (setsid $clean sh -c 'echo $$ > {}/'$kind'; exec sleep 300' >/dev/null 2>&1 </dev/null &)\ndone\n\
             while ! [ -s '{}/kept' ] || ! [ -s '{}/emptied' ]; do sleep 0.05; done\nexec '{}' \"$@\"",
            root.display(),
            root.display(),
            root.display(),
            fake.path().display()
        );
        let cli = script(root, "daemon-claude", &text);
        Daemons { fake, cli }
    }

    fn options(&self) -> Value {
        options(
            &self.fake,
            json!({"cli_path": self.cli, "graceful_exit_timeout_ms": 300, "terminate_timeout_ms": 300}),
        )
    }

    fn pid(&self, kind: &str) -> u32 {
        std::fs::read_to_string(self.fake.sandbox().root().join(kind)).unwrap().trim().parse().unwrap()
    }

    /// Both go on, or only the one that cannot be told from a stranger. Ends them.
    fn assert_left(&self, kept_lives: bool) {
        let (kept, emptied) = (self.pid("kept"), self.pid("emptied"));
        if !kept_lives {
            assert_gone(SOON, "the daemon with its environment", || {
                [kept].into_iter().filter(|pid| runs(*pid)).collect()
            });
        }
        assert_eq!((runs(kept), runs(emptied)), (kept_lives, true));
        for pid in [kept, emptied].into_iter().filter(|pid| runs(*pid)) {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }
}

#[test]
fn c1_a_daemon_ends_with_the_host_unless_it_has_emptied_its_environment() {
    let _alone = alone();
    let daemons = Daemons::new(json!({}));
    let mut host = Host::start(daemons.fake.sandbox(), daemons.options(), "idle", "killed");
    host.reaches_its_phase();
    let number = host.process.id();
    host.dies();
    assert_gone(SOON, "the guardian", || guardian_of(number));
    daemons.assert_left(false);
}

#[test]
fn c1_a_daemon_ends_with_a_cli_that_is_killed_unless_it_has_emptied_its_environment() {
    let _alone = alone();
    let daemons = Daemons::new(json!({"on_start": ["ignore_eof", "ignore_term"]}));
    let client = Client::connected(&daemons.options());
    client.disconnect().unwrap();
    daemons.assert_left(false);
}

#[test]
fn c1_a_daemon_outlives_a_cli_that_ends_by_itself() {
    let _alone = alone();
    let daemons = Daemons::new(json!({}));
    let client = Client::connected(&daemons.options());
    client.disconnect().unwrap();
    drop(client);
    daemons.assert_left(true);
}
