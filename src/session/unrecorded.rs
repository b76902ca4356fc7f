//! Replaces `recorded.rs` in a library without the feature `replay`: the options `record` and `replay` are refused.

use std::path::PathBuf;
use std::sync::Arc;

use super::Client;
use super::connect::Environment;
use super::inbound::Inbound;
use crate::error::{Error, Result, Status};
use crate::options::{Options, Replay};
use crate::transport::{Sink, Transport};

pub(super) fn check(options: &Options) -> Result<()> {
    match ["record", "replay"].into_iter().find(|name| options.get(name).is_some()) {
        Some(name) => Err(unsupported(name)),
        None => Ok(()),
    }
}

fn unsupported(option: &str) -> Error {
    Error::new(
        Status::Unsupported,
        format!("option /{option}: this library was built without the feature replay"),
    )
    .with("pointer", format!("/{option}"))
    .with("remedy", "leave the option out, or build the library with its default features")
}

/// Wraps nothing.
pub(super) struct Recording;

impl Recording {
    pub(super) async fn begin(
        _client: &Arc<Client>,
        _given: impl FnOnce() -> (Option<PathBuf>, Environment),
    ) -> Recording {
        Recording
    }

    pub(super) fn sink(&self, inbound: Arc<Inbound>) -> Arc<dyn Sink> {
        inbound
    }

    pub(super) fn around(self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        transport
    }
}

pub(super) async fn start_replay(
    _client: &Arc<Client>,
    _inbound: Arc<Inbound>,
    _replay: Replay,
    _environment: &Environment,
) -> Result<Arc<dyn Transport>> {
    Err(unsupported("replay"))
}
