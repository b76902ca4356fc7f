//! For systems on which the library cannot start programs yet. A transport of the host's own works there.

use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Command, Configuration, Exit, FailureKind, SpawnFailure, Spawned};

/// Never made on this system.
#[derive(Clone)]
pub struct Process(std::convert::Infallible);

impl Process {
    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    pub fn exited(&self) -> watch::Receiver<Option<Exit>> {
        match self.0 {}
    }

    pub fn wait_timeout(&self, _timeout: Duration) -> Option<Exit> {
        match self.0 {}
    }

    pub fn terminate(&self) {
        match self.0 {}
    }

    pub fn kill_tree(&self) {
        match self.0 {}
    }

    pub fn is_reaped(&self) -> bool {
        match self.0 {}
    }
}

pub fn spawn(command: Command) -> oneshot::Receiver<Result<Spawned, SpawnFailure>> {
    let (reply, outcome) = oneshot::channel();
    let text = format!(
        "cannot start {}: starting programs is not supported on this system; give the client a transport of your own",
        command.program.display()
    );
    let _ = reply.send(Err(SpawnFailure::new(FailureKind::Unsupported, None, text)));
    outcome
}

pub fn configure(_configuration: Configuration) {}

pub fn alive() -> Vec<u32> {
    Vec::new()
}

pub fn forked() -> bool {
    false
}

pub fn shutdown(_timeout: Duration) -> bool {
    true
}
