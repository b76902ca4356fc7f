//! The options `record` and `replay`: a wrapper around a session's transport, or a replacement for it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Client;
use super::connect::Environment;
use super::inbound::Inbound;
use crate::error::{Error, Result};
use crate::log;
use crate::options::{Options, Replay as ReplayOption};
use crate::protocol::kind::Kind;
use crate::transport::record::{self, Recorder, RecordingSink, RecordingTransport};
use crate::transport::replay::{Replay, Watcher};
use crate::transport::{Sink, Transport};

/// Refuses options that this build does not support, which is none here.
pub(super) fn check(_options: &Options) -> Result<()> {
    Ok(())
}

/// Wraps a session's transport and records its traffic, if the host wants that.
pub(super) struct Recording {
    recorder: Option<Arc<Recorder>>,
}

impl Recording {
    /// Touches the disk if there is something to record, which may be slow. `given` is the path of the CLI, if there is one,
    /// and the environment, which may contain a variable twice.
    pub(super) async fn begin(
        client: &Arc<Client>,
        given: impl FnOnce() -> (Option<PathBuf>, Environment),
    ) -> Recording {
        if client.options.record.is_none() {
            return Recording { recorder: None };
        }
        let ((cli_path, environment), client) = (given(), client.clone());
        let beginning = tokio::task::spawn_blocking(move || {
            let me = client.me.clone();
            let warn = move |text: String| {
                log::warning(|| text.clone());
                if let Some(client) = me.upgrade() {
                    client.event(Kind::Warning, json!({"event": "warning", "text": text}));
                }
            };
            let environment = environment.as_slice();
            Recorder::start(record::Start {
                options: &client.options,
                environment,
                cli_path,
                warn: Box::new(warn),
            })
        });
        Recording { recorder: beginning.await.unwrap_or(None) }
    }

    /// The inbound side, for the transport.
    pub(super) fn sink(&self, inbound: Arc<Inbound>) -> Arc<dyn Sink> {
        match &self.recorder {
            Some(recorder) => Arc::new(RecordingSink::new(inbound, recorder.clone())),
            None => inbound,
        }
    }

    /// The outbound side, for the session.
    pub(super) fn around(self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match self.recorder {
            Some(recorder) => Arc::new(RecordingTransport::new(transport, recorder)),
            None => transport,
        }
    }
}

/// Starts a record in place of a CLI.
pub(super) async fn start_replay(
    client: &Arc<Client>,
    inbound: Arc<Inbound>,
    replay: ReplayOption,
    environment: &Environment,
) -> Result<Arc<dyn Transport>> {
    log::info(|| format!("playing {}", replay.path));
    let tail = client.options.stderr_tail_bytes;
    let redactor = record::redactor(&client.options, environment, &[]);
    Ok(Replay::load(replay, tail, inbound, client.clone(), redactor).await?)
}

impl Watcher for Client {
    fn mismatch(&self, event: Value) {
        log::warning(|| event["text"].as_str().unwrap_or_default().to_owned());
        self.event(Kind::ReplayMismatch, event);
    }

    fn failed(&self, error: Error) {
        self.poison(&error);
    }
}
