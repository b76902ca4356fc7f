//! Prompts that the host supplies one at a time, when the CLI can take the next.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Client;
use super::life::Call;
use crate::dispatch::Step;
use crate::error::Result;
use crate::protocol::user_message;
use crate::runtime;
use crate::sync::gate::Slot;
use crate::sync::{lock, ranked};

/// While this many bytes are queued for the CLI, the host is not asked for another prompt.
const HIGH_WATER_MARK: usize = 1 << 20;
/// How often to check whether the CLI has read on.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Streams that wait for the CLI to read. The client drops them when it is freed.
pub type Held = Mutex<Vec<Arc<Stream>>>;

/// The host's generator: the next prompt, or `None` at the end.
pub type NextPrompt = Box<dyn FnMut() -> Result<Option<String>> + Send>;

/// One running stream of prompts.
pub struct Stream {
    client: Arc<Client>,
    session_id: Option<String>,
    next: Mutex<Option<NextPrompt>>,
}

ranked!(Vec<Arc<Stream>>: Leaf, Option<NextPrompt>: Leaf);

impl Client {
    /// Sends the prompts of a generator, in order. The generator is called where the dispatch mode runs callbacks.
    pub fn query_stream(&self, session_id: Option<&str>, next: NextPrompt) -> Result<()> {
        self.check(Call::Control)?;
        let Some(client) = self.strong() else { return Ok(()) };
        let stream = Arc::new(Stream {
            client,
            session_id: session_id.map(str::to_owned),
            next: Mutex::new(Some(next)),
        });
        stream.client.prompt_stream_began();
        let client = stream.client.clone();
        stream.schedule().inspect_err(|_| client.prompt_stream_ended())
    }

    fn prompt_stream_broke(&self, why: &str) {
        let document = json!({
            "event": "prompt_stream_ended",
            "text": format!("a prompt stream ended early: {why}"),
            "error": why,
        });
        self.warn(document);
        self.prompt_stream_ended();
    }

    fn input_is_full(&self) -> bool {
        self.transport().is_some_and(|transport| transport.queued_input() >= HIGH_WATER_MARK)
    }

    /// Resumes the streams once the CLI has read enough. `false` if there is nothing left to wait for.
    fn go_on_if_possible(&self) -> bool {
        // A client that is being freed drops them itself.
        let Some(_pass) = self.dispatcher.gate.enter(Slot::Completion) else { return false };
        if self.input_is_full() {
            return true;
        }
        let held = std::mem::take(&mut *lock(&self.run.held));
        held.into_iter().for_each(Stream::go_on);
        false
    }
}

impl Stream {
    fn schedule(self: Arc<Self>) -> Result<()> {
        let dispatcher = self.client.dispatcher.clone();
        let client = self.client.me.clone();
        dispatcher.push_step(Step {
            run: Box::new(move || self.step()),
            left: Box::new(move || {
                if let Some(client) = client.upgrade() {
                    client.prompt_stream_broke("its generator was left without returning from it");
                }
            }),
        })
    }

    fn go_on(self: Arc<Self>) {
        let client = self.client.clone();
        if client.input_is_full() {
            self.hold();
        } else if self.schedule().is_err() {
            client.prompt_stream_ended();
        }
    }

    fn hold(self: Arc<Self>) {
        let client = self.client.clone();
        lock(&client.run.held).push(self);
        let me = client.me.clone();
        // If there is no runtime any more, the session is over.
        let _ = runtime::spawn(async move {
            while me.upgrade().is_some_and(|client| client.go_on_if_possible()) {
                sleep(POLL_INTERVAL).await;
            }
        });
    }

    /// Sends one prompt; the next step then queues behind what has arrived meanwhile.
    fn step(self: Arc<Self>) {
        let Some(mut next) = lock(&self.next).take() else { return };
        let sent = match next() {
            Ok(None) => return self.client.prompt_stream_ended(),
            Ok(Some(prompt)) => self.send(&prompt),
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => {
                *lock(&self.next) = Some(next);
                self.go_on();
            }
            Err(error) => {
                self.client.prompt_stream_broke(&error.message);
            }
        }
    }

    fn send(&self, prompt: &str) -> Result<()> {
        let message = user_message::from_prompt(prompt, self.session_id.as_deref(), self.client.style())?;
        self.client.send(message).map(drop)
    }
}
