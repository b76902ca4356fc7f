//! What the host sends: prompts, composed messages, the end of input.

use super::Client;
use super::life::{Call, Event};
use crate::error::{Error, Result};
use crate::protocol::user_message::{self, UserMessage};
use crate::sync::lock;

impl Client {
    /// Sends a prompt. `session_id` `None` = "default". Returns the uuid with which frames and results refer to the prompt.
    pub fn query(&self, prompt: &str, session_id: Option<&str>) -> Result<String> {
        let message = user_message::from_prompt(prompt, session_id, self.style())?;
        self.send(message)
    }

    /// Sends a user message that the host composed.
    pub fn send_json(&self, message: &str) -> Result<String> {
        let message = user_message::from_json(message, None, self.style())?;
        self.send(message)
    }

    pub(super) fn send(&self, message: UserMessage) -> Result<String> {
        self.check(Call::Send)?;
        self.write_prompt(message)
    }

    pub(super) fn write_prompt(&self, UserMessage { line, uuid, chosen }: UserMessage) -> Result<String> {
        // Registered first: the answer may arrive before the write returns.
        if self.run.sent(&uuid, chosen) {
            self.dispatcher.prompt_sent();
        }
        if let Err(error) = self.write_line(line) {
            if self.run.not_sent(&uuid) {
                self.dispatcher.prompt_not_sent();
            }
            return Err(self.explain(error));
        }
        self.stats.prompt_sent();
        self.watch_first_answer();
        self.watch_stalls();
        Ok(uuid)
    }

    /// No more prompts: the CLI finishes its remaining work and exits.
    pub fn end_input(&self) -> Result<()> {
        self.calls(Event::EndInput, || {
            // Before the CLI sees it: it may exit at once.
            self.note_input_ended();
            Ok(())
        })?;
        self.watch_stalls();
        Ok(())
    }

    /// A failed write says little; the end of the process says why, if it is already known.
    fn explain(&self, error: Error) -> Error {
        lock(&self.state).cause.as_deref().cloned().unwrap_or(error)
    }
}
